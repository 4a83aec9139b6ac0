// A record is a fixed part followed by its texts, in one piece; where it does not fit before the
// end of the ring, a marker says that it begins at the start.
#include "admin/access_ring.h"
#include "base/invariant.h"
#include "base/memory.h"

enum {
    METHOD,
    TARGET,
    HOST,
    REFERER,
    USER_AGENT,
    REQUEST_ID,
    BACKEND,
    CACHE,
    LIFELINE,
    FAILURE,
    TEXTS
};

struct entry {
    uint32_t size; // of all, a multiple of 8; 0: go to the start of the ring
    uint16_t status;
    uint8_t major_version, minor_version;
    bool complete;
    int64_t wall_ms;
    uint64_t duration_us, first_byte_us, bytes;
    struct address peer;
    uint16_t sizes[TEXTS];
};

bool access_ring_init(struct access_ring *ring, size_t size)
{
    *ring = (struct access_ring){.capacity = 65536};
    while (ring->capacity < size)
        ring->capacity *= 2;
    ring->bytes = memory_alloc(ring->capacity);
    return ring->bytes != NULL;
}

void access_ring_free(struct access_ring *ring)
{
    memory_free(ring->bytes);
}

static size_t cut(struct slice value, size_t maximum)
{
    return MINIMUM(value.size, maximum);
}

// The last three end up as C strings, so their NUL goes along.
static size_t collect_texts(const struct access_record *record, struct slice texts[TEXTS])
{
    texts[METHOD] = record->method;
    texts[TARGET] = record->target;
    texts[HOST] = record->host;
    texts[REFERER] = record->referer;
    texts[USER_AGENT] = record->user_agent;
    texts[REQUEST_ID] = record->request_id;
    texts[BACKEND] = record->backend;
    texts[CACHE] = slice_of(record->cache, strlen(record->cache) + 1);
    texts[LIFELINE] = slice_of(record->lifeline, strlen(record->lifeline) + 1);
    texts[FAILURE] = slice_of(record->failure, strlen(record->failure) + 1);
    size_t size = 0;
    for (unsigned i = 0; i < TEXTS; i++) {
        texts[i].size =
            cut(texts[i], i == TARGET || i == REFERER ? ACCESS_TARGET_MAX : ACCESS_VALUE_MAX);
        size += texts[i].size;
    }
    return size;
}

// Where an entry of that size goes; NULL: the ring is full. *ret_head is the head once it is there.
static char *reserve(struct access_ring *ring, size_t size, uint64_t *ret_head)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    size_t at = head & (ring->capacity - 1), skip = 0;
    if (size > ring->capacity - at)
        skip = ring->capacity - at;
    if (skip + size > ring->capacity - (head - tail))
        return NULL;
    if (skip > 0) {
        memset(ring->bytes + at, 0, sizeof(uint32_t));
        at = 0;
    }
    *ret_head = head + skip + size;
    return ring->bytes + at;
}

bool access_ring_put(struct access_ring *ring, const struct access_record *record)
{
    struct slice texts[TEXTS];
    size_t size = (sizeof(struct entry) + collect_texts(record, texts) + 7) & ~(size_t)7;
    uint64_t head;
    char *at = reserve(ring, size, &head);
    if (at == NULL) {
        atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_relaxed);
        return false;
    }
    struct entry entry = {.size = (uint32_t)size,
        .status = (uint16_t)record->status,
        .major_version = (uint8_t)record->major_version,
        .minor_version = (uint8_t)record->minor_version,
        .complete = record->complete,
        .wall_ms = record->wall_ms,
        .duration_us = record->duration_us,
        .first_byte_us = record->first_byte_us,
        .bytes = record->bytes,
        .peer = record->peer};
    char *text = at + sizeof(entry);
    for (unsigned i = 0; i < TEXTS; i++) {
        entry.sizes[i] = (uint16_t)texts[i].size;
        if (texts[i].size > 0)
            memcpy(text, texts[i].data, texts[i].size);
        text += texts[i].size;
        if (i >= CACHE)
            text[-1] = '\0'; // also of one that was cut
    }
    memcpy(at, &entry, sizeof(entry));
    atomic_store_explicit(&ring->head, head, memory_order_release);
    return true;
}

// Passes over a marker. NULL: the ring is empty.
static char *oldest(struct access_ring *ring, struct entry *ret_entry)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (head == tail)
        return NULL;
    size_t at = tail & (ring->capacity - 1);
    uint32_t size;
    memcpy(&size, ring->bytes + at, sizeof(size));
    if (size == 0) {
        atomic_store_explicit(&ring->tail, tail + ring->capacity - at, memory_order_release);
        at = 0;
    }
    memcpy(ret_entry, ring->bytes + at, sizeof(*ret_entry));
    invariant(ret_entry->size >= sizeof(*ret_entry));
    return ring->bytes + at;
}

bool access_ring_peek(struct access_ring *ring, struct access_record *ret_record)
{
    struct entry entry;
    const char *text = oldest(ring, &entry);
    if (text == NULL)
        return false;
    text += sizeof(entry);
    struct slice texts[TEXTS];
    for (unsigned i = 0; i < TEXTS; i++) {
        texts[i] = slice_of(text, entry.sizes[i]);
        text += entry.sizes[i];
    }
    *ret_record = (struct access_record){.wall_ms = entry.wall_ms,
        .duration_us = entry.duration_us,
        .first_byte_us = entry.first_byte_us,
        .peer = entry.peer,
        .method = texts[METHOD],
        .target = texts[TARGET],
        .host = texts[HOST],
        .referer = texts[REFERER],
        .user_agent = texts[USER_AGENT],
        .request_id = texts[REQUEST_ID],
        .major_version = entry.major_version,
        .minor_version = entry.minor_version,
        .status = entry.status,
        .bytes = entry.bytes,
        .cache = texts[CACHE].data,
        .lifeline = texts[LIFELINE].data,
        .failure = texts[FAILURE].data,
        .backend = texts[BACKEND],
        .complete = entry.complete};
    return true;
}

void access_ring_next(struct access_ring *ring)
{
    struct entry entry;
    if (oldest(ring, &entry) == NULL)
        return;
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    atomic_store_explicit(&ring->tail, tail + entry.size, memory_order_release);
}
