// The store's memory: entries, queues, marks, and what the cache tells it.
#include "cache/store_inside.h"
#include "base/invariant.h"
#include "base/memory.h"

#define ENTRIES_FIRST 1024
#define BYTES_PER_ENTRY 2048 // of the disk's share: smaller objects fill the index first

// --- Hashes ---

uint64_t store_key_hash(const struct store *store, struct slice key)
{
    return hash_bytes(key, store->seed);
}

uint64_t store_url_hash(const struct store *store, struct slice url)
{
    return hash_bytes(url, store->seed);
}

// --- Entries ---

bool store_is_on_disk(const struct store_entry *entry)
{
    return entry->sequence != 0 || entry->writing;
}

static uint32_t *bucket_of(const struct store *store, uint64_t key_hash)
{
    return &store->buckets[key_hash & (store->bucket_count - 1)];
}

uint32_t store_find(const struct store *store, uint64_t key_hash, uint64_t variant)
{
    uint32_t slot = *bucket_of(store, key_hash);
    while (slot != 0 && (store->entries[slot].key_hash != key_hash
               || store->entries[slot].variant != variant))
        slot = store->entries[slot].next;
    return slot;
}

static void link_entry(struct store *store, uint32_t slot)
{
    uint32_t *bucket = bucket_of(store, store->entries[slot].key_hash);
    store->entries[slot].next = *bucket;
    *bucket = slot;
}

// Twice as many entries and buckets.
static bool grow_entries(struct store *store)
{
    uint64_t capacity = MAXIMUM((uint64_t)store->entry_capacity * 2, ENTRIES_FIRST);
    if (capacity > DISK_SLOT_MASK)
        return false;
    struct store_entry *entries = memory_resize(store->entries, capacity * sizeof(*entries));
    if (entries == NULL)
        return false;
    store->entries = entries;
    uint32_t *buckets = memory_zero_alloc(capacity * sizeof(*buckets));
    if (buckets == NULL)
        return false;
    memory_free(store->buckets);
    store->buckets = buckets;
    store->bucket_count = capacity;
    store->entry_capacity = (uint32_t)capacity;
    for (uint32_t slot = 1; slot < store->entry_count; slot++) {
        if (store->entries[slot].used)
            link_entry(store, slot);
    }
    return true;
}

uint32_t store_find_or_add(struct store *store, uint64_t key_hash, uint64_t variant)
{
    uint32_t slot = store_find(store, key_hash, variant);
    if (slot != 0)
        return slot;
    uint32_t generation = 0;
    if (store->free_entry != 0) {
        slot = store->free_entry;
        store->free_entry = store->entries[slot].next;
        generation = store->entries[slot].generation;
    } else {
        if (store->entry_count == store->entry_capacity && !grow_entries(store))
            return 0;
        slot = store->entry_count++;
    }
    store->entries[slot] = (struct store_entry){.key_hash = key_hash, .variant = variant,
        .generation = generation + 1, .used = true};
    link_entry(store, slot);
    store->statistics.objects++;
    store->statistics.cold++;
    return slot;
}

void store_free_entry(struct store *store, uint32_t slot)
{
    struct store_entry *entry = &store->entries[slot];
    uint32_t *at = bucket_of(store, entry->key_hash);
    while (*at != slot)
        at = &store->entries[*at].next;
    *at = entry->next;
    store->statistics.cold -= !entry->resident;
    *entry = (struct store_entry){.generation = entry->generation, .next = store->free_entry};
    store->free_entry = slot;
    store->statistics.objects--;
}

void store_forget_entry(struct store *store, uint32_t slot)
{
    struct store_entry *entry = &store->entries[slot];
    if (store_is_on_disk(entry))
        store_push_mark(store, entry, MARK_FORGET);
    store_free_entry(store, slot);
}

// --- Marks ---

void store_push_mark(struct store *store, const struct store_entry *entry, enum mark_kind kind)
{
    if (store->mark_count == store->mark_capacity) {
        uint64_t capacity = MAXIMUM(store->mark_capacity * 2, 64);
        struct mark *marks = capacity > MARKS_MOST
            ? NULL : memory_resize(store->marks, capacity * sizeof(*marks));
        if (marks == NULL) {
            store->marks_lost = true;
            return;
        }
        store->marks = marks;
        store->mark_capacity = capacity;
    }
    store->marks[store->mark_count++] = (struct mark){entry->key_hash, entry->variant, kind};
    store->statistics.marks++;
}

// --- Offers ---

static bool queue_push(struct offer_queue *queue, struct object *object)
{
    if (queue->count == queue->capacity) {
        uint64_t capacity = MAXIMUM(queue->capacity * 2, 256);
        struct offer *items = capacity > QUEUE_MOST
            ? NULL : memory_alloc(capacity * sizeof(*items));
        if (items == NULL)
            return false;
        for (uint64_t i = 0; i < queue->count; i++)
            items[i] = queue->items[(queue->begin + i) % queue->capacity];
        memory_free(queue->items);
        *queue = (struct offer_queue){.items = items, .count = queue->count, .capacity = capacity};
    }
    queue->items[(queue->begin + queue->count++) % queue->capacity]
        = (struct offer){object->entry.hash, object};
    return true;
}

void store_offer(struct store *store, struct object *object, bool hot)
{
    uint32_t flags = DISK_OFFERED | (hot ? DISK_HOT : 0);
    uint32_t before = atomic_load_explicit(&object->disk, memory_order_relaxed);
    do {
        if ((before & DISK_WRITTEN) != 0 || (before & flags) == flags)
            return;
    } while (!atomic_compare_exchange_weak_explicit(&object->disk, &before, before | flags,
        memory_order_relaxed, memory_order_relaxed));
    lock_acquire(&store->lock);
    bool pushed = queue_push(hot ? &store->hot : &store->others, object);
    store->statistics.skipped += !pushed;
    lock_release(&store->lock);
    if (!pushed) // when it is asked for the next time
        atomic_fetch_and_explicit(&object->disk, ~flags, memory_order_relaxed);
}

// --- What the cache tells ---

void store_inherit(struct store *store, struct object *object, struct object *predecessor)
{
    uint32_t before = atomic_load_explicit(&predecessor->disk, memory_order_relaxed);
    uint32_t slot = before & DISK_SLOT_MASK;
    if (slot == 0)
        return;
    lock_acquire(&store->lock);
    bool same_body = object->body != NULL && object->body == predecessor->body
        && (before & (DISK_WRITTEN | DISK_SAME_BODY)) != 0 && store->entries[slot].sequence != 0
        && !store->entries[slot].writing;
    lock_release(&store->lock);
    atomic_store_explicit(&object->disk, slot | (same_body ? DISK_SAME_BODY : 0),
        memory_order_relaxed);
    // Whoever still has it in a queue finds that it is not linked.
    atomic_store_explicit(&predecessor->disk, DISK_WRITTEN, memory_order_relaxed);
}

void store_left(struct store *store, struct object *object)
{
    uint32_t before = atomic_load_explicit(&object->disk, memory_order_relaxed);
    uint32_t slot = before & DISK_SLOT_MASK;
    lock_acquire(&store->lock);
    struct store_entry *entry = &store->entries[slot];
    if ((before & DISK_WRITTEN) == 0)
        store->statistics.skipped++;
    // What the disk has may be older than what leaves: it must not come back in its place.
    if (slot != 0
        && ((before & DISK_WRITTEN) == 0 || !store_is_on_disk(entry) || entry->doomed)) {
        store_forget_entry(store, slot);
    } else if (slot != 0) {
        entry->resident = false;
        store->statistics.cold++;
    }
    lock_release(&store->lock);
}

void store_drop(struct store *store, struct object *object)
{
    uint32_t slot = disk_slot(object);
    if (slot == 0)
        return;
    lock_acquire(&store->lock);
    store_forget_entry(store, slot);
    lock_release(&store->lock);
}

void store_mark_stale(struct store *store, struct object *object)
{
    uint32_t slot = disk_slot(object);
    if (slot == 0)
        return;
    lock_acquire(&store->lock);
    struct store_entry *entry = &store->entries[slot];
    if (store_is_on_disk(entry))
        store_push_mark(store, entry, MARK_STALE);
    entry->stale = true;
    lock_release(&store->lock);
}

void store_mark_key_stale(struct store *store, struct slice key)
{
    uint64_t key_hash = store_key_hash(store, key);
    lock_acquire(&store->lock);
    for (uint32_t slot = *bucket_of(store, key_hash); slot != 0; slot = store->entries[slot].next) {
        struct store_entry *entry = &store->entries[slot];
        if (entry->key_hash != key_hash || entry->resident || entry->stale)
            continue;
        entry->stale = true;
        store_push_mark(store, entry, MARK_STALE);
    }
    lock_release(&store->lock);
}

bool store_has_cold(struct store *store, struct slice key)
{
    uint64_t key_hash = store_key_hash(store, key);
    bool has = false;
    lock_acquire(&store->lock);
    for (uint32_t slot = *bucket_of(store, key_hash); slot != 0; slot = store->entries[slot].next)
        has = has || (store->entries[slot].key_hash == key_hash && !store->entries[slot].resident);
    lock_release(&store->lock);
    return has;
}

bool store_admit(struct store *store, struct object *object, uint32_t slot, uint32_t generation)
{
    lock_acquire(&store->lock);
    struct store_entry *entry = &store->entries[slot];
    bool admitted = entry->used && entry->generation == generation && !entry->resident;
    if (admitted) {
        entry->resident = true;
        store->statistics.cold--;
        entry->admission = ++store->statistics.recalled;
        if (entry->stale)
            atomic_store_explicit(&object->purged, true, memory_order_relaxed);
        atomic_store_explicit(&object->disk, slot | DISK_WRITTEN, memory_order_relaxed);
    }
    lock_release(&store->lock);
    return admitted;
}

uint64_t store_recalls(struct store *store)
{
    lock_acquire(&store->lock);
    uint64_t count = store->statistics.recalled;
    lock_release(&store->lock);
    return count;
}

void store_read_statistics(struct store *store, struct store_statistics *ret_statistics)
{
    lock_acquire(&store->lock);
    *ret_statistics = store->statistics;
    ret_statistics->limit = store->settings.disk;
    ret_statistics->queued = store->hot.count + store->others.count;
    lock_release(&store->lock);
}

// --- Life ---

enum error store_open(
    struct disk *disk, const struct store_settings *settings, struct store **ret_store)
{
    struct store *store = memory_zero_alloc(sizeof(*store));
    if (store == NULL)
        return ERROR_MEMORY;
    store->disk = disk;
    store->settings = *settings;
    store->settings.disk = MAXIMUM(settings->disk, STORE_DISK_LEAST);
    store->seed = settings->seed;
    uint64_t share = store->settings.disk / 16;
    store->segment_size = MAXIMUM(MINIMUM(share, SEGMENT_SIZE_MOST), SEGMENT_SIZE_LEAST);
    store->entries_most = MINIMUM(store->settings.disk / BYTES_PER_ENTRY, DISK_SLOT_MASK / 2);
    store->tokens = (int64_t)MINIMUM(settings->write_budget, INT64_MAX);
    store->entry_count = 1;
    lock_init(&store->log_lock);
    lock_init(&store->lock);
    store->stage = memory_alloc(STAGE_SIZE);
    enum error error = store->stage != NULL && grow_entries(store) ? ERROR_NONE : ERROR_MEMORY;
    if (error == ERROR_NONE)
        error = store_recover(store);
    if (error != ERROR_NONE) {
        store_abandon(store);
        return error;
    }
    *ret_store = store;
    return ERROR_NONE;
}

void store_abandon(struct store *store)
{
    if (store == NULL)
        return;
    memory_free(store->segments);
    memory_free(store->headers);
    memory_free(store->stage);
    memory_free(store->unsynced);
    memory_free(store->entries);
    memory_free(store->buckets);
    memory_free(store->hot.items);
    memory_free(store->others.items);
    memory_free(store->marks);
    lock_destroy(&store->lock);
    lock_destroy(&store->log_lock);
    memory_free(store);
}
