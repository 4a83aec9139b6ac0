// The log: appending to segments, syncing and sealing them, and giving up the oldest. Under the
// log's lock.
#include "cache/store_inside.h"
#include "base/log.h"
#include "base/memory.h"

#define RETRY_FIRST_NS NS_PER_SECOND
#define RETRY_MOST_NS (60 * NS_PER_SECOND)

static const struct disk_operations *operations_of(const struct store *store)
{
    return store->disk->operations;
}

static struct segment *newest(const struct store *store)
{
    return &store->segments[store->segment_count - 1];
}

static void count_bytes(struct store *store, uint64_t more, uint64_t less)
{
    lock_acquire(&store->lock);
    store->statistics.bytes += more;
    store->statistics.bytes -= less;
    lock_release(&store->lock);
}

void log_take_result(struct store *store, enum error error)
{
    bool was_failing = store->retry_wait_ns != 0;
    if (error == ERROR_NONE) {
        store->retry_wait_ns = store->retry_ns = 0;
        if (was_failing)
            log_write(LOG_INFO, "store", "the disk takes copies again");
    } else {
        uint64_t wait_ns = MINIMUM(store->retry_wait_ns * 2, RETRY_MOST_NS);
        store->retry_wait_ns = MAXIMUM(wait_ns, RETRY_FIRST_NS);
        store->retry_ns = store->now_ns + store->retry_wait_ns;
        if (!was_failing)
            log_write(LOG_ERROR, "store", "copies are kept in memory only for now: %s",
                error == ERROR_LIMIT ? "the disk is full" : error_text(error));
    }
    lock_acquire(&store->lock);
    store->statistics.failures += error != ERROR_NONE;
    store->statistics.failing = error != ERROR_NONE;
    lock_release(&store->lock);
}

// --- Segments ---

enum error log_add_segment(struct store *store, uint64_t sequence, uint64_t size)
{
    struct segment *segments = memory_resize(
        store->segments, (store->segment_count + 1) * sizeof(*segments));
    if (segments == NULL)
        return ERROR_MEMORY;
    store->segments = segments;
    segments[store->segment_count++] = (struct segment){sequence, size};
    store->last_sequence = MAXIMUM(store->last_sequence, sequence);
    count_bytes(store, size, 0);
    return ERROR_NONE;
}

enum error log_add_header(struct store *store, const struct record_header *header)
{
    if (store->header_count == store->header_capacity) {
        uint64_t capacity = MAXIMUM(store->header_capacity * 2, 64);
        struct record_header *headers = memory_resize(store->headers, capacity * sizeof(*headers));
        if (headers == NULL)
            return ERROR_MEMORY;
        store->headers = headers;
        store->header_capacity = capacity;
    }
    store->headers[store->header_count++] = *header;
    return ERROR_NONE;
}

// Entries that had something there have it no more. Those that are nowhere else go.
static void forget_segment(struct store *store, uint64_t sequence, uint64_t from_offset, bool marks)
{
    lock_acquire(&store->lock);
    for (uint32_t slot = 1; slot < store->entry_count; slot++) {
        struct store_entry *entry = &store->entries[slot];
        bool here = entry->sequence == sequence && entry->offset >= from_offset;
        bool body_here = entry->sequence != 0 && entry->body_sequence == sequence
            && entry->body_offset >= from_offset;
        if (!entry->used || !(here || body_here))
            continue;
        if (marks)
            store_push_mark(store, entry, MARK_FORGET);
        entry->sequence = entry->body_sequence = 0;
        if (!entry->resident && !entry->writing)
            store_free_entry(store, slot);
        else
            store->must_walk = true;
    }
    lock_release(&store->lock);
}

static enum error remove_segment(struct store *store, size_t index)
{
    struct segment segment = store->segments[index];
    enum error error = operations_of(store)->remove(store->disk, segment.sequence);
    if (error != ERROR_NONE && error != ERROR_NOT_FOUND)
        return error;
    forget_segment(store, segment.sequence, 0, false);
    count_bytes(store, 0, segment.size);
    store->segment_count--;
    memmove(store->segments + index, store->segments + index + 1,
        (store->segment_count - index) * sizeof(*store->segments));
    if (store->draining == segment.sequence)
        store->draining = 0;
    return ERROR_NONE;
}

bool log_reclaim(struct store *store)
{
    bool newest_is_open = store->end != 0;
    if (store->segment_count <= (newest_is_open ? 1u : 0u)
        || remove_segment(store, 0) != ERROR_NONE)
        return false;
    lock_acquire(&store->lock);
    store->statistics.reclaimed++;
    lock_release(&store->lock);
    return true;
}

// Marks were lost, so nothing that is there can be believed.
static enum error begin_anew(struct store *store)
{
    while (store->segment_count > 0) {
        enum error error = remove_segment(store, store->segment_count - 1);
        if (error != ERROR_NONE)
            return error;
        store->end = store->header_count = 0; // the newest went first
    }
    store->must_seal = false;
    store->unsynced_count = 0;
    lock_acquire(&store->lock);
    store->marks_lost = false;
    store->mark_count = 0;
    lock_release(&store->lock);
    return ERROR_NONE;
}

// --- Writing bytes ---

static enum error stage_flush(struct store *store)
{
    enum error error = store->stage_used == 0 ? ERROR_NONE
        : operations_of(store)->write(store->disk, newest(store)->sequence, store->stage_offset,
            store->stage, store->stage_used);
    store->stage_offset += store->stage_used;
    store->stage_used = 0;
    return error;
}

static enum error stage_put(struct store *store, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        size_t room = MINIMUM(size, STAGE_SIZE - store->stage_used);
        memcpy(store->stage + store->stage_used, at, room);
        store->stage_used += room;
        at += room;
        size -= room;
        enum error error = store->stage_used == STAGE_SIZE ? stage_flush(store) : ERROR_NONE;
        if (error != ERROR_NONE)
            return error;
    }
    return ERROR_NONE;
}

static void stage_begin(struct store *store, uint64_t offset)
{
    store->stage_offset = offset;
    store->stage_used = 0;
}

static enum error put_body(struct store *store, struct body *body)
{
    struct body_reader reader;
    struct slice bytes;
    enum error error = ERROR_NONE;
    body_reader_open(&reader, body, 0);
    while (error == ERROR_NONE && body_reader_peek(&reader, &bytes) == ERROR_NONE) {
        error = stage_put(store, bytes.data, bytes.size);
        body_reader_advance(&reader, bytes.size);
    }
    body_reader_close(&reader);
    return error;
}

static uint64_t footer_size(uint64_t header_count)
{
    return record_align(header_count * sizeof(struct record_header))
        + sizeof(struct segment_trailer);
}

// Not synced, so that what is there is what was written, whole or torn.
static enum error begin_segment(struct store *store)
{
    while (store->statistics.bytes + store->segment_size > store->settings.disk
        && log_reclaim(store))
        ;
    struct segment_header header = {.sequence = store->last_sequence + 1,
        .owner = store->settings.owner, .seed = store->seed};
    segment_header_seal(&header);
    enum error error = operations_of(store)->write(
        store->disk, header.sequence, 0, &header, sizeof(header));
    if (error == ERROR_NONE)
        error = log_add_segment(store, header.sequence, sizeof(header));
    if (error != ERROR_NONE) {
        operations_of(store)->remove(store->disk, header.sequence);
        return error;
    }
    store->end = sizeof(header);
    store->synced = 0;
    store->header_count = 0;
    if (store->draining == 0 && store->segment_count > 1
        && store->statistics.bytes + 2 * store->segment_size > store->settings.disk) {
        store->draining = store->segments[0].sequence;
        store->must_walk = true;
    }
    return ERROR_NONE;
}

// What the newest segment holds beyond what was synced may be there or not.
static void drop_tail(struct store *store)
{
    forget_segment(store, newest(store)->sequence, store->synced, true);
    while (store->header_count > 0
        && store->headers[store->header_count - 1].offset >= store->synced)
        store->header_count--;
    store->must_seal = true;
    lock_acquire(&store->lock);
    // Once more, and before what came since: order among marks does not matter.
    for (uint64_t i = 0; i < store->unsynced_count; i++) {
        struct store_entry entry = {
            .key_hash = store->unsynced[i].key_hash, .variant = store->unsynced[i].variant};
        store_push_mark(store, &entry, (enum mark_kind)store->unsynced[i].kind);
    }
    lock_release(&store->lock);
    store->unsynced_count = 0;
}

enum error log_sync(struct store *store)
{
    if (store->end == 0 || store->synced == store->end)
        return ERROR_NONE;
    enum error error = operations_of(store)->sync(store->disk, newest(store)->sequence);
    if (error != ERROR_NONE) {
        drop_tail(store);
        return error;
    }
    store->synced = store->end;
    store->unsynced_count = 0;
    return ERROR_NONE;
}

enum error log_seal(struct store *store)
{
    if (store->end == 0)
        return ERROR_NONE;
    struct segment *segment = newest(store);
    uint64_t size = store->header_count * sizeof(struct record_header);
    struct segment_trailer trailer = {.sequence = segment->sequence, .count = store->header_count,
        .hash = hash_bytes(slice_of((const char *)store->headers, size), 0)};
    // The trailer is the file's end, and its headers right before.
    trailer.offset = store->end;
    segment_trailer_seal(&trailer);
    stage_begin(store, store->end);
    enum error error = stage_put(store, store->headers, size);
    if (error == ERROR_NONE)
        error = stage_put(store, &trailer, sizeof(trailer));
    if (error == ERROR_NONE)
        error = stage_flush(store);
    if (error == ERROR_NONE)
        error = operations_of(store)->truncate(
            store->disk, segment->sequence, store->end + size + sizeof(trailer));
    if (error == ERROR_NONE)
        error = operations_of(store)->sync(store->disk, segment->sequence);
    if (error != ERROR_NONE) {
        if (!store->must_seal && error != ERROR_LIMIT)
            drop_tail(store);
        return error;
    }
    count_bytes(store, size + sizeof(trailer), 0);
    segment->size += size + sizeof(trailer);
    store->end = store->header_count = store->unsynced_count = 0;
    store->must_seal = false;
    return ERROR_NONE;
}

// --- Records ---

// A segment with room for so much.
static enum error make_room(struct store *store, uint64_t size)
{
    if (store->end == 0)
        return begin_segment(store);
    bool is_full = store->header_count > 0
        && store->end + size + footer_size(store->header_count + 1) > store->segment_size;
    if (!is_full && !store->must_seal && store->end + size <= UINT32_MAX)
        return ERROR_NONE;
    enum error error = log_seal(store);
    return error == ERROR_NONE ? begin_segment(store) : error;
}

static enum error append_once(struct store *store, struct record_header *header, struct slice head,
    struct body *body)
{
    uint64_t size = record_size(header);
    enum error error = make_room(store, size);
    if (error != ERROR_NONE)
        return error;
    header->sequence = newest(store)->sequence;
    header->offset = (uint32_t)store->end;
    header->synced = (uint32_t)store->synced;
    if (header->kind == RECORD_OBJECT) {
        header->body_sequence = header->sequence;
        header->body_offset = header->offset;
    }
    header->head_hash = hash_bytes(head, 0);
    record_header_seal(header, store->seed);
    static const char nothing[RECORD_ALIGNMENT];
    uint64_t content = header->kind == RECORD_OBJECT ? header->body_size : 0;
    stage_begin(store, store->end);
    error = stage_put(store, header, sizeof(*header));
    if (error == ERROR_NONE)
        error = stage_put(store, head.data, head.size);
    if (error == ERROR_NONE && content > 0)
        error = put_body(store, body);
    if (error == ERROR_NONE)
        error = stage_put(store, nothing, size - sizeof(*header) - head.size - content);
    if (error == ERROR_NONE)
        error = stage_flush(store);
    if (error == ERROR_NONE)
        error = log_add_header(store, header);
    if (error != ERROR_NONE)
        return error;
    store->end += size;
    newest(store)->size += size;
    count_bytes(store, size, 0);
    return ERROR_NONE;
}

// Whatever room there is, is made use of.
static enum error append(struct store *store, struct record_header *header, struct slice head,
    struct body *body)
{
    enum error error = append_once(store, header, head, body);
    while (error == ERROR_LIMIT && log_reclaim(store))
        error = append_once(store, header, head, body);
    return error;
}

enum error log_append(
    struct store *store, struct record_header *header, struct slice head, struct body *body)
{
    enum error error = log_write_marks(store);
    return error == ERROR_NONE ? append(store, header, head, body) : error;
}

// --- Marks ---

#define MARKS_AT_ONCE 8192

static bool keep_unsynced(struct store *store, const struct mark *marks, uint64_t count)
{
    uint64_t needed = store->unsynced_count + count;
    if (needed > store->unsynced_capacity) {
        uint64_t capacity = MAXIMUM(needed, store->unsynced_capacity * 2);
        struct mark *unsynced = memory_resize(store->unsynced, capacity * sizeof(*unsynced));
        if (unsynced == NULL)
            return false;
        store->unsynced = unsynced;
        store->unsynced_capacity = capacity;
    }
    memcpy(store->unsynced + store->unsynced_count, marks, count * sizeof(*marks));
    store->unsynced_count = needed;
    return true;
}

// They stay where they are until they were written: nobody but the log's holder takes any away.
static enum error write_some_marks(struct store *store, struct mark *marks, uint64_t count)
{
    struct slice head = slice_of((const char *)marks, count * sizeof(*marks));
    struct record_header header = {.kind = RECORD_MARKS, .head_size = (uint32_t)head.size};
    enum error error = append(store, &header, head, NULL);
    if (error != ERROR_NONE)
        return error;
    if (!keep_unsynced(store, marks, count)) {
        error = log_sync(store); // then nobody needs to remember them
        if (error != ERROR_NONE)
            return error;
    }
    lock_acquire(&store->lock);
    store->mark_count -= count;
    memmove(store->marks, store->marks + count, store->mark_count * sizeof(*store->marks));
    lock_release(&store->lock);
    return ERROR_NONE;
}

enum error log_write_marks(struct store *store)
{
    for (;;) {
        lock_acquire(&store->lock);
        bool lost = store->marks_lost;
        uint64_t count = MINIMUM(store->mark_count, MARKS_AT_ONCE);
        struct mark *marks = count == 0 ? NULL : memory_alloc(count * sizeof(*marks));
        if (marks != NULL)
            memcpy(marks, store->marks, count * sizeof(*marks));
        lock_release(&store->lock);
        if (lost)
            return begin_anew(store);
        if (count == 0)
            return ERROR_NONE;
        if (marks == NULL)
            return ERROR_MEMORY;
        enum error error = write_some_marks(store, marks, count);
        memory_free(marks);
        if (error != ERROR_NONE)
            return error;
    }
}
