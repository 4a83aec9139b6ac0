// Purging: which objects one hits, the walk over the index, and the log for what is being fetched
// while it happens.
#include "cache/inside.h"
#include "base/memory.h"
#include "cache/tag.h"

// --- What a purge hits ---

// A key is "SITE\0URL", and more after a further NUL that tells copies of one URL apart. The
// schemes are one to a purge, since a site is.
static struct slice without_scheme(struct slice url)
{
    if (slice_starts_with(url, SLICE("https://")))
        return slice_of(url.data + 8, url.size - 8);
    if (slice_starts_with(url, SLICE("http://")))
        return slice_of(url.data + 7, url.size - 7);
    return url;
}

static struct slice url_of(struct slice key)
{
    slice_cut(&key, '\0');
    return without_scheme(slice_cut(&key, '\0'));
}

static bool has_tag(const struct object *object, struct slice tag)
{
    uint32_t hash = tag_hash(tag);
    bool maybe = false;
    for (uint32_t i = 0; i < object->tag_count && object->tags[i] <= hash; i++)
        maybe = maybe || object->tags[i] == hash;
    if (!maybe)
        return false;
    struct slice rest = object_fields(object);
    struct http_field field;
    while (object_next_field(&rest, &field)) {
        if (tag_is_in_field(tag, field.known, field.value))
            return true;
    }
    return false;
}

bool purge_matches(const struct purge *purge, const struct object *object)
{
    switch (purge->kind) {
    case PURGE_URL: return slice_equal(url_of(object_key(object)), without_scheme(purge->what));
    case PURGE_PREFIX:
        return slice_starts_with(url_of(object_key(object)), without_scheme(purge->what));
    case PURGE_TAG: return has_tag(object, purge->what);
    case PURGE_ALL: return true;
    }
    return false;
}

// The same of what is not known yet but for its key: its tags may be any.
static bool may_match(const struct purge_record *record, struct slice key)
{
    switch (record->kind) {
    case PURGE_URL: return slice_equal(url_of(key), without_scheme(record->what));
    case PURGE_PREFIX: return slice_starts_with(url_of(key), without_scheme(record->what));
    case PURGE_TAG:
    case PURGE_ALL: return true;
    }
    return true;
}

// --- The log ---

void purge_log_init(struct purge_log *log)
{
    lock_init(&log->lock);
}

void purge_log_destroy(struct purge_log *log)
{
    for (unsigned i = 0; i < PURGE_LOG_SIZE; i++)
        memory_free((void *)(uintptr_t)log->records[i].what.data);
    lock_destroy(&log->lock);
}

static void forget_record(struct purge_log *log, struct purge_record *record)
{
    if (record->epoch == 0)
        return;
    log->lost_epoch = record->epoch;
    if (record->hard)
        log->lost_hard_epoch = record->epoch;
    memory_free((void *)(uintptr_t)record->what.data);
}

void purge_log_add(struct purge_log *log, const struct purge *purge)
{
    char *copy = purge->what.size == 0 ? NULL : memory_alloc(purge->what.size);
    if (copy != NULL)
        memcpy(copy, purge->what.data, purge->what.size);
    lock_acquire(&log->lock);
    struct purge_record *record = &log->records[log->count++ % PURGE_LOG_SIZE];
    forget_record(log, record);
    *record = (struct purge_record){
        .epoch = atomic_fetch_add_explicit(&log->epoch, 1, memory_order_acq_rel) + 1,
        // Without memory to say what was purged, it was everything.
        .kind = copy == NULL ? PURGE_ALL : purge->kind,
        .hard = purge->hard,
        .what = slice_of(copy, copy == NULL ? 0 : purge->what.size),
    };
    lock_release(&log->lock);
}

void purge_log_add_invalidation(struct purge_log *log, uint64_t key_hash)
{
    uint64_t epoch = atomic_fetch_add_explicit(&log->epoch, 1, memory_order_acq_rel) + 1;
    atomic_store_explicit(
        &log->invalidated[key_hash % INVALIDATED_SLOTS], epoch, memory_order_release);
}

static bool is_invalidated(struct purge_log *log, uint64_t key_hash, uint64_t epoch)
{
    uint64_t slot = key_hash % INVALIDATED_SLOTS;
    return atomic_load_explicit(&log->invalidated[slot], memory_order_acquire) > epoch;
}

static enum purge_mark check_records(
    struct purge_log *log, const struct object *object, uint64_t epoch)
{
    enum purge_mark mark = log->lost_epoch > epoch ? PURGE_MARK_SOFT : PURGE_MARK_NONE;
    if (log->lost_hard_epoch > epoch)
        return PURGE_MARK_HARD;
    for (unsigned i = 0; i < PURGE_LOG_SIZE; i++) {
        const struct purge_record *record = &log->records[i];
        struct purge purge = {.kind = record->kind, .what = record->what};
        if (record->epoch <= epoch || !purge_matches(&purge, object))
            continue;
        if (record->hard)
            return PURGE_MARK_HARD;
        mark = PURGE_MARK_SOFT;
    }
    return mark;
}

enum purge_mark purge_log_check(struct purge_log *log, const struct object *object, uint64_t epoch)
{
    if (atomic_load_explicit(&log->epoch, memory_order_acquire) == epoch)
        return PURGE_MARK_NONE;
    lock_acquire(&log->lock);
    enum purge_mark mark = check_records(log, object, epoch);
    lock_release(&log->lock);
    if (mark == PURGE_MARK_NONE && is_invalidated(log, object->entry.hash, epoch))
        return PURGE_MARK_SOFT;
    return mark;
}

bool cache_is_touched_since(struct cache *cache, const struct cache_key *key, uint64_t epoch)
{
    struct purge_log *log = &cache->purges;
    if (atomic_load_explicit(&log->epoch, memory_order_acquire) == epoch)
        return false;
    if (is_invalidated(log, key->hash.low, epoch))
        return true;
    lock_acquire(&log->lock);
    bool touched = log->lost_epoch > epoch;
    for (unsigned i = 0; i < PURGE_LOG_SIZE && !touched; i++)
        touched = log->records[i].epoch > epoch && may_match(&log->records[i], key->text);
    lock_release(&log->lock);
    return touched;
}

// --- The walk ---

// Objects hit in one shard; hard ones are chained to *doomed instead.
static uint64_t purge_shard(struct cache *cache, struct shard *shard, const struct purge *purge,
    struct object **doomed)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < shard->bucket_count; i++) {
        for (struct object *object = shard->buckets[i], *next; object != NULL; object = next) {
            next = object->next_in_bucket;
            if (!purge_matches(purge, object))
                continue;
            count++;
            if (!purge->hard) {
                atomic_store_explicit(&object->purged, true, memory_order_relaxed);
                continue;
            }
            policy_remove(&cache->policy, &object->entry);
            shard_unlink(shard, object);
            object->next_in_bucket = *doomed;
            *doomed = object;
        }
    }
    return count;
}

uint64_t cache_purge(struct cache *cache, const struct purge *purge)
{
    uint64_t count = 0;
    purge_log_add(&cache->purges, purge); // before the walk: see cache_insert
    for (unsigned i = 0; i < SHARDS; i++) {
        struct shard *shard = &cache->shards[i];
        struct object *doomed = NULL;
        if (purge->hard)
            lock_acquire(&cache->policy_lock);
        lock_acquire(&shard->lock);
        count += purge_shard(cache, shard, purge, &doomed);
        lock_release(&shard->lock);
        if (purge->hard)
            lock_release(&cache->policy_lock);
        while (doomed != NULL) {
            struct object *next = doomed->next_in_bucket;
            object_release(doomed);
            doomed = next;
        }
    }
    lock_acquire(&cache->policy_lock);
    cache->purged += count;
    lock_release(&cache->policy_lock);
    return count;
}
