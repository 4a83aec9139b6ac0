// Bodies: chunks, and while they grow, a lock, the window and who reads where.
//
// What growing needs is allocated apart and given up with the last who joined while the body grew,
// so that a complete body is small and read without a lock. (A windowed body, which nobody keeps,
// has it to its end.)
//
// Each reader that joined while growing stands in the chunk that holds its position, or waits for
// one: a chunk counts its readers, so the writer knows at once whether the oldest may be dropped.
#include "cache/body.h"
#include "base/invariant.h"
#include "base/memory.h"

#include <malloc.h>

#define MALLOC_HEADER 8
#define SINGLE_CHUNK_MOST 65536 // a body known to be no larger is one allocation
#define CHUNK_FIRST 8192        // of a body of unknown length
#define CHUNK_FIRST_KNOWN 65536
#define CHUNK_MOST (256 * 1024 - 64) // with its header and the allocator's, whole pages
#define CHUNK_BEYOND 512 // after all that was expected
#define WASTE_MOST 256   // bytes of the last chunk that may stay unused

struct body_chunk {
    struct body_chunk *next;
    uint32_t references; // readers standing in it, and one if it is in the chain; under the lock
    uint32_t capacity;
    char bytes[];
};

struct body_growth {
    struct lock lock;
    struct broadcast grown, drained; // for readers; for the writer
    struct body_chunk *first, *last;
    uint64_t begin, end;       // positions: of the oldest byte held, after the last chunk's room
    uint64_t expected, window;
    bool laggards_may_leave, writer_waits;
    uint32_t standing;         // readers in chunks of the chain
    uint32_t waiting_count;
    struct list waiting;       // readers ahead of the end
};

struct body {
    _Atomic uint32_t references;
    _Atomic uint32_t growth_users; // 0: growth is gone, and the chain will not change any more
    _Atomic uint64_t size;
    struct body_growth *growth;
    _Atomic uint8_t state;
    uint8_t error, why;
    bool single; // its first chunk is in the body itself
    atomic_bool windowed;
    // Then the chunk, or a pointer to the first one.
    union {
        struct body_chunk *first;
        uint64_t single_chunk[2];
    };
};

_Static_assert(sizeof(struct body_chunk) == sizeof(((struct body *)NULL)->single_chunk), "");

// --- Chunks ---

static struct body_chunk *single_chunk(struct body *body)
{
    return (struct body_chunk *)(void *)body->single_chunk;
}

static bool is_single_chunk(const struct body *body, const struct body_chunk *chunk)
{
    return (const void *)chunk == (const void *)body->single_chunk;
}

static struct body_chunk *chunk_create(uint64_t capacity)
{
    struct body_chunk *chunk = memory_alloc(sizeof(*chunk) + capacity);
    if (chunk != NULL)
        *chunk = (struct body_chunk){.references = 1, .capacity = (uint32_t)capacity};
    return chunk;
}

static void chunk_release(struct body *body, struct body_chunk *chunk)
{
    if (--chunk->references == 0 && !is_single_chunk(body, chunk))
        memory_free(chunk);
}

// --- Growth ---

static struct body_growth *growth_create(uint64_t expected)
{
    struct body_growth *growth = memory_alloc(sizeof(*growth));
    if (growth == NULL)
        return NULL;
    *growth = (struct body_growth){.expected = expected};
    lock_init(&growth->lock);
    broadcast_init(&growth->grown);
    broadcast_init(&growth->drained);
    list_init(&growth->waiting);
    return growth;
}

static void growth_free(struct body_growth *growth)
{
    broadcast_destroy(&growth->grown);
    broadcast_destroy(&growth->drained);
    lock_destroy(&growth->lock);
    memory_free(growth);
}

// NULL when it is gone.
static struct body_growth *growth_enter(struct body *body)
{
    uint32_t users = atomic_load_explicit(&body->growth_users, memory_order_acquire);
    do {
        if (users == 0)
            return NULL;
    } while (!atomic_compare_exchange_weak_explicit(&body->growth_users, &users, users + 1,
        memory_order_acquire, memory_order_acquire));
    return body->growth;
}

static void growth_leave(struct body *body)
{
    struct body_growth *growth = body->growth;
    if (atomic_fetch_sub_explicit(&body->growth_users, 1, memory_order_acq_rel) == 1)
        growth_free(growth);
}

static void link_chunk(struct body *body, struct body_growth *growth, struct body_chunk *chunk)
{
    uint64_t begin = growth->end;
    if (growth->last == NULL && begin == 0 && !body->single)
        body->first = chunk;
    if (growth->last == NULL)
        growth->first = chunk;
    else
        growth->last->next = chunk;
    growth->last = chunk;
    growth->end += chunk->capacity;
    LIST_FOREACH(link, &growth->waiting) {
        struct body_reader *reader = LIST_ENTRY(link, struct body_reader, link);
        if (reader->at >= growth->end)
            continue;
        list_remove(&reader->link);
        reader->chunk = chunk;
        reader->chunk_begin = begin;
        chunk->references++;
        growth->standing++;
        growth->waiting_count--;
    }
}

static void drop_first(struct body *body, struct body_growth *growth)
{
    struct body_chunk *first = growth->first;
    growth->begin += first->capacity;
    growth->standing -= first->references - 1;
    growth->first = first->next;
    if (growth->first == NULL)
        growth->last = NULL;
    chunk_release(body, first);
}

// --- Bodies ---

static struct body *body_alloc(uint64_t single_capacity, bool single)
{
    struct body *body = memory_alloc(sizeof(*body) + single_capacity);
    if (body == NULL)
        return NULL;
    *body = (struct body){.references = 1, .single = single};
    if (single)
        *single_chunk(body) = (struct body_chunk){
            .references = 1, .capacity = (uint32_t)single_capacity};
    return body;
}

struct body *body_create(uint64_t expected, uint64_t window, bool laggards_may_leave)
{
    bool single = window == 0 && expected > 0 && expected <= SINGLE_CHUNK_MOST;
    struct body_growth *growth = growth_create(expected);
    if (growth == NULL)
        return NULL;
    struct body *body = body_alloc(single ? expected : 0, single);
    if (body == NULL) {
        growth_free(growth);
        return NULL;
    }
    body->growth = growth;
    atomic_init(&body->growth_users, 1);
    if (single)
        link_chunk(body, growth, single_chunk(body));
    if (window > 0)
        body_set_window(body, window, laggards_may_leave);
    return body;
}

struct body *body_with_room(uint64_t size, void **ret_room)
{
    if (size > UINT32_MAX)
        return NULL;
    struct body *body = body_alloc(size, true);
    if (body == NULL)
        return NULL;
    *ret_room = single_chunk(body)->bytes;
    atomic_init(&body->size, size);
    atomic_init(&body->state, BODY_COMPLETE);
    return body;
}

struct body *body_from_bytes(struct slice bytes)
{
    void *room;
    struct body *body = body_with_room(bytes.size, &room);
    if (body != NULL && bytes.size > 0)
        memcpy(room, bytes.data, bytes.size);
    return body;
}

struct body *body_reference(struct body *body)
{
    atomic_fetch_add_explicit(&body->references, 1, memory_order_relaxed);
    return body;
}

static struct body_chunk *complete_first(struct body *body)
{
    return body->single ? single_chunk(body) : body->first;
}

void body_release(struct body *body)
{
    if (body == NULL)
        return;
    uint32_t before = atomic_fetch_sub_explicit(&body->references, 1, memory_order_acq_rel);
    invariant(before > 0);
    if (before > 1)
        return;
    struct body_chunk *chunk = complete_first(body);
    if (atomic_load_explicit(&body->growth_users, memory_order_relaxed) > 0) {
        chunk = body->growth->first;
        growth_free(body->growth);
    }
    while (chunk != NULL) {
        struct body_chunk *next = chunk->next;
        chunk_release(body, chunk);
        chunk = next;
    }
    memory_free(body);
}

enum body_state body_state(const struct body *body)
{
    return (enum body_state)atomic_load_explicit(&body->state, memory_order_acquire);
}

bool body_has_window(const struct body *body)
{
    return atomic_load_explicit(&body->windowed, memory_order_relaxed);
}

uint64_t body_size(const struct body *body)
{
    return atomic_load_explicit(&body->size, memory_order_acquire);
}

enum error body_error(const struct body *body)
{
    return body_state(body) == BODY_BROKEN ? (enum error)body->error : ERROR_NONE;
}

uint8_t body_why(const struct body *body)
{
    return body_state(body) == BODY_BROKEN ? body->why : 0;
}

uint64_t body_footprint(const struct body *const_body)
{
    struct body *body = (struct body *)(uintptr_t)const_body; // counts a user for a moment
    struct body_growth *growth = growth_enter(body);
    if (growth != NULL)
        lock_acquire(&growth->lock);
    uint64_t size = malloc_usable_size(body) + MALLOC_HEADER;
    struct body_chunk *chunk = growth == NULL ? complete_first(body) : growth->first;
    for (; chunk != NULL; chunk = chunk->next)
        size += is_single_chunk(body, chunk) ? 0 : malloc_usable_size(chunk) + MALLOC_HEADER;
    if (growth != NULL) {
        lock_release(&growth->lock);
        growth_leave(body);
    }
    return size;
}

// --- Writing ---

void body_set_window(struct body *body, uint64_t window, bool laggards_may_leave)
{
    struct body_growth *growth = body->growth;
    invariant(body_state(body) == BODY_GROWING);
    lock_acquire(&growth->lock);
    if (growth->window == 0) {
        growth->window = MAXIMUM(window, BODY_WINDOW_LEAST);
        atomic_store_explicit(&body->windowed, true, memory_order_relaxed);
        growth->laggards_may_leave = laggards_may_leave;
        // The body's own, to its end: a reader must always be able to learn what was dropped.
        atomic_fetch_add_explicit(&body->growth_users, 1, memory_order_relaxed);
    }
    lock_release(&growth->lock);
}

static uint64_t next_capacity(const struct body_growth *growth)
{
    uint64_t capacity = MINIMUM(MAXIMUM(growth->end, CHUNK_FIRST), CHUNK_MOST);
    if (growth->expected != UINT64_MAX) {
        uint64_t left = growth->expected > growth->end ? growth->expected - growth->end
                                                       : CHUNK_BEYOND;
        capacity = MINIMUM(MAXIMUM(capacity, CHUNK_FIRST_KNOWN), left);
    }
    return growth->window == 0 ? capacity : MINIMUM(capacity, growth->window / 4);
}

static bool first_may_go(const struct body_growth *growth)
{
    if (growth->first == NULL)
        return false;
    uint32_t in_first = growth->first->references - 1;
    uint32_t beyond = growth->standing - in_first + growth->waiting_count;
    return beyond > 0 && (in_first == 0 || growth->laggards_may_leave);
}

// NONE: a chunk of that capacity fits now. BUSY: wait until readers move on. CLOSED: there are
// none.
static enum error make_room(struct body *body, struct body_growth *growth, uint64_t capacity)
{
    if (growth->window == 0)
        return ERROR_NONE;
    while (growth->end - growth->begin + capacity > growth->window) {
        if (first_may_go(growth))
            drop_first(body, growth);
        else
            return growth->standing + growth->waiting_count == 0 ? ERROR_CLOSED : ERROR_BUSY;
    }
    return ERROR_NONE;
}

// A new last chunk, or why not (BUSY: wait for drained to move on from *ret_seen).
static enum error add_chunk(struct body *body, struct body_growth *growth, uint64_t *ret_seen)
{
    lock_acquire(&growth->lock);
    uint64_t capacity = next_capacity(growth);
    enum error error = make_room(body, growth, capacity);
    growth->writer_waits = error == ERROR_BUSY;
    *ret_seen = broadcast_version(&growth->drained);
    if (error == ERROR_NONE) {
        struct body_chunk *chunk = chunk_create(capacity);
        if (chunk != NULL)
            link_chunk(body, growth, chunk);
        else
            error = ERROR_MEMORY;
    }
    lock_release(&growth->lock);
    return error;
}

enum error body_room(struct task *task, struct body *body, uint64_t deadline_ns, void **ret_room,
    size_t *ret_size)
{
    struct body_growth *growth = body->growth;
    uint64_t size = body_size(body);
    // Only this task moves end and last.
    while (growth->end == size) {
        uint64_t seen;
        enum error error = add_chunk(body, growth, &seen);
        if (error == ERROR_BUSY)
            error = broadcast_wait(task, &growth->drained, seen, deadline_ns);
        if (error != ERROR_NONE)
            return error;
    }
    struct body_chunk *last = growth->last;
    *ret_size = (size_t)(growth->end - size);
    *ret_room = last->bytes + (last->capacity - *ret_size);
    return ERROR_NONE;
}

void body_commit(struct body *body, size_t size)
{
    struct body_growth *growth = body->growth;
    uint64_t before = atomic_load_explicit(&body->size, memory_order_relaxed);
    invariant(size <= growth->end - before);
    atomic_store_explicit(&body->size, before + size, memory_order_release);
    broadcast_signal(&growth->grown);
}

enum error body_append(struct task *task, struct body *body, struct slice bytes,
    uint64_t deadline_ns)
{
    while (bytes.size > 0) {
        void *room;
        size_t size;
        enum error error = body_room(task, body, deadline_ns, &room, &size);
        if (error != ERROR_NONE)
            return error;
        size = MINIMUM(size, bytes.size);
        memcpy(room, bytes.data, size);
        body_commit(body, size);
        bytes = slice_of(bytes.data + size, bytes.size - size);
    }
    return ERROR_NONE;
}

// The last chunk without its unused room; NULL: nothing of it is used, or not worth it (*ret_keep).
static struct body_chunk *trimmed_last(const struct body *body, const struct body_growth *growth,
    bool *ret_keep)
{
    const struct body_chunk *last = growth->last;
    *ret_keep = true;
    if (last == NULL || is_single_chunk(body, last))
        return NULL;
    uint64_t unused = growth->end - body_size(body);
    uint64_t used = last->capacity - unused;
    if (unused == 0 || (used > 0 && unused <= WASTE_MOST))
        return NULL;
    struct body_chunk *trimmed = used == 0 ? NULL : chunk_create(used);
    *ret_keep = used > 0 && trimmed == NULL;
    if (trimmed != NULL)
        memcpy(trimmed->bytes, last->bytes, used);
    return trimmed;
}

// Readers that stand in the old one stay there.
static void replace_last(struct body *body, struct body_growth *growth, struct body_chunk *by)
{
    struct body_chunk *last = growth->last, *previous = NULL;
    for (struct body_chunk *chunk = growth->first; chunk != last; chunk = chunk->next)
        previous = chunk;
    if (previous != NULL)
        previous->next = by;
    else
        growth->first = by;
    if (!body->single && body->first == last)
        body->first = by;
    growth->last = by != NULL ? by : previous;
    chunk_release(body, last);
}

void body_finish(struct body *body, enum error error)
{
    struct body_growth *growth = body->growth;
    invariant(body_state(body) == BODY_GROWING);
    bool keep;
    struct body_chunk *trimmed = trimmed_last(body, growth, &keep);
    lock_acquire(&growth->lock);
    if (!keep)
        replace_last(body, growth, trimmed);
    growth->end = body_size(body);
    body->error = (uint8_t)error;
    atomic_store_explicit(&body->state, error == ERROR_NONE ? BODY_COMPLETE : BODY_BROKEN,
        memory_order_release);
    lock_release(&growth->lock);
    broadcast_signal(&growth->grown);
    growth_leave(body);
}

void body_break(struct body *body, enum error error, uint8_t why)
{
    invariant(error != ERROR_NONE && body_state(body) == BODY_GROWING);
    body->why = why; // seen by whoever sees the state
    body_finish(body, error);
}

// --- Reading ---

static void stand_up(struct body_reader *reader, struct body_growth *growth)
{
    if (!list_is_empty(&reader->link)) {
        list_remove(&reader->link);
        growth->waiting_count--;
    }
    if (reader->chunk == NULL)
        return;
    if (reader->chunk_begin >= growth->begin)
        growth->standing--;
    chunk_release(reader->body, reader->chunk);
    reader->chunk = NULL;
}

// Into the chunk that holds its position, looking from the one given, or among those who wait for
// it.
static void sit_down(struct body_reader *reader, struct body_growth *growth,
    struct body_chunk *chunk, uint64_t begin)
{
    for (; chunk != NULL; chunk = chunk->next) {
        if (reader->at < begin + chunk->capacity) {
            reader->chunk = chunk;
            reader->chunk_begin = begin;
            chunk->references++;
            growth->standing++;
            return;
        }
        begin += chunk->capacity;
    }
    list_append(&growth->waiting, &reader->link);
    growth->waiting_count++;
}

// A reader that is not where it belongs goes there; one that the window has passed, nowhere.
static void move(struct body_reader *reader, struct body_growth *growth)
{
    struct body_chunk *from = growth->first;
    uint64_t begin = growth->begin;
    if (reader->chunk != NULL && reader->chunk_begin >= begin) {
        begin = reader->chunk_begin + reader->chunk->capacity;
        from = reader->chunk->next;
    }
    stand_up(reader, growth);
    if (reader->at >= growth->begin)
        sit_down(reader, growth, from, begin);
}

// Brings a reader to where it belongs. LIMIT when there is no such place any more.
static enum error settle(struct body_reader *reader, struct body_growth *growth)
{
    lock_acquire(&growth->lock);
    bool here = reader->chunk != NULL && reader->at < reader->chunk_begin + reader->chunk->capacity;
    if (!here)
        move(reader, growth);
    reader->waits = reader->chunk == NULL;
    bool lost = reader->waits && reader->at < growth->begin;
    bool signal = growth->writer_waits && !here;
    if (signal)
        growth->writer_waits = false;
    lock_release(&growth->lock);
    if (signal)
        broadcast_signal(&growth->drained);
    return lost ? ERROR_LIMIT : ERROR_NONE;
}

void body_reader_open(struct body_reader *reader, struct body *body, uint64_t at)
{
    *reader = (struct body_reader){.body = body_reference(body), .at = at};
    list_init(&reader->link);
    struct body_growth *growth = growth_enter(body);
    reader->counted = growth != NULL;
    if (growth != NULL)
        (void)settle(reader, growth); // that it came too late, its first read tells
}

void body_reader_close(struct body_reader *reader)
{
    struct body *body = reader->body;
    if (body == NULL)
        return;
    if (reader->counted) {
        struct body_growth *growth = body->growth;
        lock_acquire(&growth->lock);
        stand_up(reader, growth);
        bool signal = growth->writer_waits;
        growth->writer_waits = false;
        lock_release(&growth->lock);
        if (signal)
            broadcast_signal(&growth->drained);
        growth_leave(body);
    }
    reader->body = NULL;
    body_release(body);
}

static void walk_complete(struct body_reader *reader)
{
    if (reader->chunk == NULL)
        reader->chunk = complete_first(reader->body);
    while (reader->chunk != NULL && reader->at >= reader->chunk_begin + reader->chunk->capacity
        && reader->chunk->next != NULL) {
        reader->chunk_begin += reader->chunk->capacity;
        reader->chunk = reader->chunk->next;
    }
}

enum error body_reader_peek(struct body_reader *reader, struct slice *ret_bytes)
{
    const struct body *body = reader->body;
    // The state first: once it is final, so is the size.
    enum body_state state = body_state(body);
    uint64_t size = body_size(body);
    if (!reader->counted) {
        walk_complete(reader);
    } else if (reader->waits || reader->at >= reader->chunk_begin + reader->chunk->capacity) {
        enum error error = settle(reader, body->growth);
        if (error != ERROR_NONE)
            return error;
    }
    if (reader->at < size && !(reader->counted && reader->waits)) {
        uint64_t end = MINIMUM(size, reader->chunk_begin + reader->chunk->capacity);
        *ret_bytes = slice_of(reader->chunk->bytes + (reader->at - reader->chunk_begin),
            (size_t)(end - reader->at));
        return ERROR_NONE;
    }
    switch (state) {
    case BODY_GROWING: return ERROR_BUSY;
    case BODY_COMPLETE: return ERROR_CLOSED;
    case BODY_BROKEN: return (enum error)body->error;
    }
    return ERROR_CLOSED;
}

enum error body_reader_next(struct task *task, struct body_reader *reader, uint64_t deadline_ns,
    struct slice *ret_bytes)
{
    for (;;) {
        uint64_t seen = reader->counted ? broadcast_version(&reader->body->growth->grown) : 0;
        enum error error = body_reader_peek(reader, ret_bytes);
        if (error != ERROR_BUSY)
            return error;
        error = broadcast_wait(task, &reader->body->growth->grown, seen, deadline_ns);
        if (error != ERROR_NONE)
            return error;
    }
}

void body_reader_advance(struct body_reader *reader, size_t size)
{
    reader->at += size;
}
