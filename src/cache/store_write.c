// The store's rounds: what was offered goes to the log as far as the write budget allows.
#include "cache/store_inside.h"
#include "base/invariant.h"
#include "base/memory.h"

#define OBJECT_SHARE 4  // an object may take a quarter of the disk
#define REOFFER_SHARE 2 // what is asked for only is written anew beyond half of the disk

static bool queue_pop(struct offer_queue *queue, struct offer *ret_offer)
{
    if (queue->count == 0)
        return false;
    *ret_offer = queue->items[queue->begin];
    queue->begin = (queue->begin + 1) % queue->capacity;
    queue->count--;
    return true;
}

static bool next_offer(struct store *store, struct offer *ret_offer)
{
    lock_acquire(&store->lock);
    bool any = queue_pop(&store->hot, ret_offer) || queue_pop(&store->others, ret_offer);
    lock_release(&store->lock);
    return any;
}

// --- Claiming: the entry is the object's from here on ---

struct claim {
    struct object *object; // a reference
    uint32_t slot, generation;
    bool renews; // only its head is to be written
    struct record_header header;
};

// What would take too much of the disk is never written, and what was there of it goes.
static bool refuse_large(struct store *store, struct object *object, uint32_t slot)
{
    if (object->body == NULL || body_size(object->body) <= store->settings.disk / OBJECT_SHARE)
        return false;
    atomic_store_explicit(&object->disk, DISK_WRITTEN, memory_order_relaxed);
    lock_acquire(&store->lock);
    store->statistics.skipped++;
    if (slot != 0)
        store_forget_entry(store, slot);
    lock_release(&store->lock);
    return true;
}

// The shard's lock held, the object linked. False: it is written already, or there is no memory.
static bool claim_entry(struct store *store, struct object *object, struct claim *claim)
{
    uint32_t before = atomic_load_explicit(&object->disk, memory_order_relaxed);
    uint32_t slot = before & DISK_SLOT_MASK;
    if ((before & DISK_WRITTEN) != 0 || refuse_large(store, object, slot))
        return false;
    struct slice key = object_key(object);
    uint64_t key_hash = store_key_hash(store, key), variant = object_identity(object);
    lock_acquire(&store->lock);
    // Another one of its kind that was cold is replaced as if it had been here.
    if (slot == 0)
        slot = store_find_or_add(store, key_hash, variant);
    struct store_entry *entry = &store->entries[slot];
    if (slot != 0) {
        store->statistics.cold -= !entry->resident;
        entry->resident = entry->writing = true;
        entry->stale = entry->doomed = false;
        entry->url_hash = store_url_hash(store, purge_url_of(key));
        claim->slot = slot;
        claim->generation = entry->generation;
        claim->renews = (before & DISK_SAME_BODY) != 0 && entry->sequence != 0;
        claim->header = (struct record_header){
            .kind = claim->renews ? RECORD_RENEWED : RECORD_OBJECT,
            .key_hash = entry->key_hash, .variant = entry->variant, .url_hash = entry->url_hash,
            .body_sequence = entry->body_sequence, .body_offset = entry->body_offset,
            .body_size = object->body == NULL ? 0 : body_size(object->body),
            .flags = object->body == NULL ? 0 : RECORD_HAS_BODY,
        };
        atomic_store_explicit(&object->disk, slot | DISK_WRITTEN, memory_order_relaxed);
    }
    lock_release(&store->lock);
    return slot != 0;
}

static bool claim_offer(
    struct store *store, struct cache *cache, const struct offer *offer, struct claim *claim)
{
    struct shard *shard = cache_shard(cache, offer->hash);
    bool claimed = false;
    lock_acquire(&shard->lock);
    struct object *object = *shard_bucket(shard, offer->hash);
    while (object != NULL && object != offer->object)
        object = object->next_in_bucket;
    if (object != NULL && claim_entry(store, object, claim)) {
        claim->object = object_reference(object);
        claimed = true;
    }
    lock_release(&shard->lock);
    return claimed;
}

// The entry's content was given up meanwhile, or somebody purged it.
static bool is_still_claimed(struct store *store, const struct claim *claim)
{
    lock_acquire(&store->lock);
    const struct store_entry *entry = &store->entries[claim->slot];
    bool still = entry->used && entry->generation == claim->generation
        && (!claim->renews || (entry->body_sequence == claim->header.body_sequence
                && entry->body_offset == claim->header.body_offset));
    lock_release(&store->lock);
    return still;
}

static void settle_entry(struct store *store, const struct claim *claim, uint64_t size)
{
    struct store_entry *entry = &store->entries[claim->slot];
    entry->writing = false;
    entry->sequence = claim->header.sequence;
    entry->offset = claim->header.offset;
    entry->body_sequence = claim->header.body_sequence;
    entry->body_offset = claim->header.body_offset;
    entry->size = size;
    // Purged softly after its head was copied.
    bool was_stale = (claim->header.flags & RECORD_STALE) != 0;
    if (entry->stale && !was_stale)
        store_push_mark(store, entry, MARK_STALE);
    entry->stale = entry->stale || was_stale;
    store->statistics.written += !claim->renews;
    store->statistics.renewed += claim->renews;
    store->statistics.written_bytes += size;
}

// What was written of it may be there all the same, and nobody will know what it was.
static void unsettle_entry(struct store *store, const struct claim *claim)
{
    struct store_entry *entry = &store->entries[claim->slot];
    entry->writing = false;
    store_push_mark(store, entry, MARK_FORGET);
    entry->sequence = entry->body_sequence = 0;
    if (entry->resident)
        store->must_walk = true;
    else
        store_free_entry(store, claim->slot);
}

static void end_claim(struct store *store, struct claim *claim, enum error error)
{
    uint64_t size = error == ERROR_NONE ? record_size(&claim->header) : 0;
    lock_acquire(&store->lock);
    const struct store_entry *entry = &store->entries[claim->slot];
    if (entry->used && entry->generation == claim->generation) {
        // To write the head the segment of the content may have been given up.
        bool whole = !claim->renews || entry->body_sequence == claim->header.body_sequence;
        if (error == ERROR_NONE && whole)
            settle_entry(store, claim, size);
        else
            unsettle_entry(store, claim);
    }
    lock_release(&store->lock);
    store->tokens -= (int64_t)size;
    object_release(claim->object);
}

// --- One object ---

// The head of an object's record: its image, and the hashes of its content's blocks.
static char *make_head(struct store *store, struct claim *claim, int64_t wall_ms)
{
    const struct object *object = claim->object;
    uint64_t blocks = claim->renews ? 0 : record_block_count(claim->header.body_size);
    uint64_t image_size = object_image_size(object);
    uint64_t size = image_size + blocks * sizeof(uint64_t);
    char *head = size > RECORD_HEAD_MOST ? NULL : memory_alloc(size);
    if (head == NULL)
        return NULL;
    object_image_write(object, store->now_ns, wall_ms, head);
    claim->header.head_size = (uint32_t)size;
    if (atomic_load_explicit(&object->purged, memory_order_relaxed))
        claim->header.flags |= RECORD_STALE;
    char *at = head + image_size;
    uint64_t left = blocks > 0 ? claim->header.body_size : 0;
    struct body_reader reader = {0};
    struct slice bytes = SLICE_EMPTY;
    size_t used = 0;
    if (left > 0)
        body_reader_open(&reader, object->body, 0);
    while (left > 0) { // blocks are gathered, chunks end anywhere
        if (bytes.size == 0 && body_reader_peek(&reader, &bytes) != ERROR_NONE)
            break;
        size_t part = MINIMUM(bytes.size, MINIMUM(RECORD_BLOCK_SIZE - used, left));
        memcpy(store->stage + used, bytes.data, part);
        used += part;
        left -= part;
        body_reader_advance(&reader, part);
        bytes = SLICE_EMPTY;
        if (used == RECORD_BLOCK_SIZE || left == 0) {
            uint64_t hash = hash_bytes(slice_of(store->stage, used), 0);
            memcpy(at, &hash, sizeof(hash));
            at += sizeof(hash);
            used = 0;
        }
    }
    body_reader_close(&reader);
    return head;
}

static enum error write_claimed(struct store *store, struct claim *claim, int64_t wall_ms)
{
    char *head = make_head(store, claim, wall_ms);
    if (head == NULL)
        return ERROR_MEMORY;
    // Marks that came before go before it, those that come from now on after it.
    enum error error = log_write_marks(store);
    if (error == ERROR_NONE && !is_still_claimed(store, claim))
        error = ERROR_CANCELLED;
    if (error == ERROR_NONE)
        error = log_append(store, &claim->header, slice_of(head, claim->header.head_size),
            claim->object->body);
    memory_free(head);
    return error;
}

// An error is the disk's.
static enum error write_offer(
    struct store *store, struct cache *cache, const struct offer *offer, int64_t wall_ms)
{
    struct claim claim;
    if (!claim_offer(store, cache, offer, &claim))
        return ERROR_NONE;
    enum error error = write_claimed(store, &claim, wall_ms);
    if (error == ERROR_CANCELLED || error == ERROR_MEMORY) {
        lock_acquire(&store->lock);
        store->statistics.skipped++;
        lock_release(&store->lock);
    }
    end_claim(store, &claim, error);
    return error == ERROR_CANCELLED || error == ERROR_MEMORY ? ERROR_NONE : error;
}

// --- Walking: what is in memory and not, or not for long, on the disk ---

static bool has_lost(struct store *store, const struct object *object, bool plenty)
{
    uint32_t disk = atomic_load_explicit(&object->disk, memory_order_relaxed);
    if ((disk & DISK_WRITTEN) == 0 || (disk & DISK_SLOT_MASK) == 0)
        return false;
    lock_acquire(&store->lock);
    const struct store_entry *entry = &store->entries[disk & DISK_SLOT_MASK];
    bool lost = !entry->writing && (entry->sequence == 0
        || entry->sequence == store->draining || entry->body_sequence == store->draining);
    lock_release(&store->lock);
    return lost
        && (plenty || atomic_load_explicit(&object->entry.frequency, memory_order_relaxed) > 0);
}

static void walk(struct store *store, struct cache *cache)
{
    lock_acquire(&cache->policy_lock);
    bool plenty = policy_used(&cache->policy) <= store->settings.disk / REOFFER_SHARE;
    lock_release(&cache->policy_lock);
    for (unsigned i = 0; i < SHARDS; i++) {
        struct shard *shard = &cache->shards[i];
        lock_acquire(&shard->lock);
        for (uint64_t k = 0; k < shard->bucket_count; k++) {
            for (struct object *object = shard->buckets[k]; object != NULL;
                 object = object->next_in_bucket) {
                if (!has_lost(store, object, plenty))
                    continue;
                atomic_store_explicit(&object->disk, disk_slot(object), memory_order_relaxed);
                store_offer(store, object, false);
            }
        }
        lock_release(&shard->lock);
    }
    store->must_walk = false;
}

// --- Rounds ---

static void earn_tokens(struct store *store, uint64_t now_ns)
{
    uint64_t budget = store->settings.write_budget;
    uint64_t passed_ns = now_ns - MINIMUM(store->tokens_ns, now_ns);
    uint64_t passed_ms = MINIMUM(passed_ns, NS_PER_SECOND) / NS_PER_MS;
    store->tokens = MINIMUM(store->tokens + (int64_t)(budget * passed_ms / 1000), (int64_t)budget);
    store->tokens_ns = now_ns;
}

static enum error write_offers(
    struct store *store, struct cache *cache, int64_t wall_ms, bool without_end)
{
    struct offer offer;
    enum error error = ERROR_NONE;
    while (error == ERROR_NONE && (store->tokens > 0 || without_end) && next_offer(store, &offer))
        error = write_offer(store, cache, &offer, wall_ms);
    return error;
}

// The oldest segment goes when the index is full of small objects too.
static void bound_entries(struct store *store)
{
    struct store_statistics statistics;
    do
        store_read_statistics(store, &statistics);
    while (statistics.objects > store->entries_most && log_reclaim(store));
}

uint64_t store_work(struct store *store, struct cache *cache, uint64_t now_ns, int64_t wall_ms)
{
    lock_acquire(&store->log_lock);
    store->now_ns = now_ns;
    earn_tokens(store, now_ns);
    if (now_ns >= store->retry_ns) {
        if (store->must_walk && store->retry_wait_ns == 0)
            walk(store, cache);
        enum error error = store->must_seal ? log_seal(store) : ERROR_NONE;
        if (error == ERROR_NONE)
            error = log_write_marks(store);
        if (error == ERROR_NONE)
            error = write_offers(store, cache, wall_ms, false);
        if (error == ERROR_NONE && now_ns >= store->sync_due_ns) {
            error = log_sync(store);
            store->sync_due_ns = now_ns + SYNC_NS;
        }
        bound_entries(store);
        log_take_result(store, error);
    }
    lock_release(&store->log_lock);
    return now_ns + ROUND_NS;
}

enum error store_settle(struct store *store)
{
    lock_acquire(&store->log_lock);
    enum error error = store->must_seal ? log_seal(store) : ERROR_NONE;
    if (error == ERROR_NONE)
        error = log_write_marks(store);
    if (error == ERROR_NONE)
        error = log_sync(store);
    log_take_result(store, error);
    lock_release(&store->log_lock);
    return error;
}

void store_close(struct store *store, struct cache *cache, uint64_t now_ns, int64_t wall_ms)
{
    if (store == NULL)
        return;
    lock_acquire(&store->log_lock);
    store->now_ns = now_ns;
    enum error error = store->must_seal ? log_seal(store) : ERROR_NONE;
    if (error == ERROR_NONE)
        error = log_write_marks(store);
    if (error == ERROR_NONE)
        error = write_offers(store, cache, wall_ms, true);
    if (error == ERROR_NONE)
        error = log_seal(store);
    if (error != ERROR_NONE)
        log_take_result(store, error);
    lock_release(&store->log_lock);
    store_abandon(store);
}
