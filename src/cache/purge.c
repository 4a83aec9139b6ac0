// Purging: which objects one hits, the walk over the index, and the log for what is being fetched
// while it happens.
#include "cache/inside.h"
#include "base/memory.h"
#include "base/pattern.h"
#include "cache/store.h"
#include "cache/tag.h"

#include <stdlib.h>

// --- What a purge hits ---

// A key is "SITE\0URL", and more after a further NUL that tells copies of one URL apart. The
// schemes are one to a purge, since a site is.
struct slice purge_without_scheme(struct slice url)
{
    if (slice_starts_with(url, SLICE("https://")))
        return slice_of(url.data + 8, url.size - 8);
    if (slice_starts_with(url, SLICE("http://")))
        return slice_of(url.data + 7, url.size - 7);
    return url;
}

struct slice purge_url_of(struct slice key)
{
    slice_cut(&key, '\0');
    return purge_without_scheme(slice_cut(&key, '\0'));
}

// One to a line.
static bool next_tag_of(struct slice *rest, struct slice *ret_tag)
{
    do {
        *ret_tag = slice_trim(slice_cut(rest, '\n'));
    } while (ret_tag->size == 0 && rest->data != NULL);
    return ret_tag->size > 0;
}

static bool has_hash(const struct object *object, uint32_t hash)
{
    bool has = false;
    for (uint32_t i = 0; i < object->tag_count && object->tags[i] <= hash; i++)
        has = has || object->tags[i] == hash;
    return has;
}

// Both are sorted.
static bool may_have_tag(const struct purge *purge, const struct object *object)
{
    size_t i = 0, k = 0;
    while (i < purge->hash_count && k < object->tag_count) {
        if (purge->hashes[i] == object->tags[k])
            return true;
        if (purge->hashes[i] < object->tags[k])
            i++;
        else
            k++;
    }
    return false;
}

static bool has_this_tag(const struct object *object, struct slice tag)
{
    struct slice rest = object_fields(object);
    struct http_field field;
    while (has_hash(object, tag_hash(tag)) && object_next_field(&rest, &field)) {
        if (tag_is_in_field(tag, field.known, field.value))
            return true;
    }
    return false;
}

static bool has_tag(const struct purge *purge, const struct object *object)
{
    struct slice rest = purge->what, tag;
    if (object->tag_count == 0 || (purge->hashes != NULL && !may_have_tag(purge, object)))
        return false;
    while (next_tag_of(&rest, &tag)) {
        if (has_this_tag(object, tag))
            return true;
    }
    return false;
}

static bool finds_tags(const struct pattern *pattern, const struct object *object)
{
    struct slice rest = object_fields(object);
    struct http_field field;
    while (object_next_field(&rest, &field)) {
        if (tag_is_field(field.known) && pattern_matches(pattern, field.value))
            return true;
    }
    return false;
}

static bool finds(const struct purge *purge, const struct object *object)
{
    const struct purge_match *match = &purge->match;
    struct slice url = purge_url_of(object_key(object)), path = url;
    struct slice host = slice_cut(&path, '/');
    path = slice_of(host.data + host.size, url.size - host.size);
    struct slice content_type = object_field(object, HTTP_NAME_CONTENT_TYPE);
    return (purge->what.size == 0 || slice_equal(host, purge->what))
        && (match->host == NULL || pattern_matches(match->host, host))
        && (match->url == NULL || pattern_matches(match->url, path))
        && (match->content_type == NULL || pattern_matches(match->content_type, content_type))
        && (match->tags == NULL || finds_tags(match->tags, object));
}

bool purge_matches(const struct purge *purge, const struct object *object)
{
    struct slice url = purge_url_of(object_key(object));
    if (purge->covers != NULL && !purge->covers(purge->context, url))
        return false;
    switch (purge->kind) {
    case PURGE_URL: return slice_equal(url, purge_without_scheme(purge->what));
    case PURGE_PREFIX: return slice_starts_with(url, purge_without_scheme(purge->what));
    case PURGE_TAG: return has_tag(purge, object);
    case PURGE_ALL: return true;
    case PURGE_MATCH: return finds(purge, object);
    }
    return false;
}

// The same of what is not known yet but for its key: its tags may be any.
static bool may_match(const struct purge_record *record, struct slice key)
{
    struct slice url = purge_url_of(key);
    switch (record->kind) {
    case PURGE_URL: return slice_equal(url, purge_without_scheme(record->what));
    case PURGE_PREFIX: return slice_starts_with(url, purge_without_scheme(record->what));
    case PURGE_TAG:
    case PURGE_MATCH:
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
        // Without memory to say what was purged, it was everything; patterns are their caller's.
        .kind = copy == NULL || purge->kind == PURGE_MATCH ? PURGE_ALL : purge->kind,
        .hard = purge->hard,
        .what = slice_of(copy, copy == NULL ? 0 : purge->what.size),
    };
    lock_release(&log->lock);
}

void purge_log_add_invalidation(struct purge_log *log, uint64_t key_hash)
{
    struct invalidation *slot = &log->invalidated[key_hash % INVALIDATED_SLOTS];
    lock_acquire(&log->lock);
    uint64_t epoch = atomic_fetch_add_explicit(&log->epoch, 1, memory_order_acq_rel) + 1;
    if (slot->hash != key_hash)
        slot->others_epoch = MAXIMUM(slot->others_epoch, slot->epoch);
    slot->hash = key_hash;
    slot->epoch = epoch;
    lock_release(&log->lock);
}

// The log's lock held. Of keys that share a slot only the last is known by name; what else was
// there is taken to have been any of them.
static bool is_invalidated(const struct purge_log *log, uint64_t key_hash, uint64_t epoch)
{
    const struct invalidation *slot = &log->invalidated[key_hash % INVALIDATED_SLOTS];
    return (slot->hash == key_hash ? slot->epoch : slot->others_epoch) > epoch;
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
    if (mark == PURGE_MARK_NONE && is_invalidated(log, object->entry.hash, epoch))
        mark = PURGE_MARK_SOFT;
    lock_release(&log->lock);
    return mark;
}

bool cache_is_touched_since(struct cache *cache, const struct cache_key *key, uint64_t epoch)
{
    struct purge_log *log = &cache->purges;
    if (atomic_load_explicit(&log->epoch, memory_order_acquire) == epoch)
        return false;
    lock_acquire(&log->lock);
    bool touched = log->lost_epoch > epoch || is_invalidated(log, key->hash.low, epoch);
    for (unsigned i = 0; i < PURGE_LOG_SIZE && !touched; i++)
        touched = log->records[i].epoch > epoch && may_match(&log->records[i], key->text);
    lock_release(&log->lock);
    return touched;
}

// --- The walk ---

#define RUN_BUCKETS 256 // so many under one lock: lookups wait for it

// Objects hit in a run of buckets; hard ones are chained to *doomed instead.
static uint64_t purge_run(struct cache *cache, struct shard *shard, const struct purge *purge,
    uint64_t first, struct object **doomed)
{
    uint64_t count = 0, end = MINIMUM(first + RUN_BUCKETS, shard->bucket_count);
    for (uint64_t i = first; i < end; i++) {
        for (struct object *object = shard->buckets[i], *next; object != NULL; object = next) {
            next = object->next_in_bucket;
            if (!purge_matches(purge, object))
                continue;
            count++;
            if (!purge->hard) {
                cache_mark_stale(cache, object);
                continue;
            }
            if (cache->store != NULL)
                store_drop(cache->store, object);
            policy_remove(&cache->policy, &object->entry);
            shard_unlink(shard, object);
            object->next_in_bucket = *doomed;
            *doomed = object;
        }
    }
    return count;
}

// Buckets only ever become twice as many, bucket i becoming i and i + count: what was not visited
// yet comes later.
static uint64_t purge_shard(struct cache *cache, struct shard *shard, const struct purge *purge)
{
    uint64_t count = 0, first = 0, bucket_count;
    do {
        struct object *doomed = NULL;
        if (purge->hard)
            lock_acquire(&cache->policy_lock);
        lock_acquire(&shard->lock);
        count += purge_run(cache, shard, purge, first, &doomed);
        bucket_count = shard->bucket_count;
        lock_release(&shard->lock);
        if (purge->hard)
            lock_release(&cache->policy_lock);
        while (doomed != NULL) {
            struct object *next = doomed->next_in_bucket;
            object_release(doomed);
            doomed = next;
        }
        first += RUN_BUCKETS;
    } while (first < bucket_count);
    return count;
}

static int compare_hashes(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

// Of many tags at once, for one walk. NULL: there is no memory for it, and it takes longer.
static uint32_t *hash_tags(struct slice tags, size_t *ret_count)
{
    struct slice rest = tags, tag;
    size_t count = 0;
    while (next_tag_of(&rest, &tag))
        count++;
    uint32_t *hashes = count == 0 ? NULL : memory_alloc(count * sizeof(*hashes));
    if (hashes == NULL)
        return NULL;
    *ret_count = 0;
    for (rest = tags; next_tag_of(&rest, &tag);)
        hashes[(*ret_count)++] = tag_hash(tag);
    qsort(hashes, count, sizeof(*hashes), compare_hashes);
    return hashes;
}

static uint64_t purge_memory(struct cache *cache, const struct purge *purge)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < SHARDS; i++)
        count += purge_shard(cache, &cache->shards[i], purge);
    return count;
}

uint64_t cache_purge(struct cache *cache, const struct purge *asked)
{
    uint64_t count = 0;
    struct purge purge = *asked;
    uint32_t *hashes = purge.kind == PURGE_TAG ? hash_tags(purge.what, &purge.hash_count) : NULL;
    purge.hashes = hashes;
    purge_log_add(&cache->purges, &purge); // before the walk: see cache_insert
    uint64_t since = cache->store == NULL ? 0 : store_recalls(cache->store);
    count = purge_memory(cache, &purge);
    bool again = false;
    if (cache->store != NULL)
        count += store_purge_cold(cache->store, &purge, since, &again);
    if (again)
        purge_memory(cache, &purge);
    memory_free(hashes);
    lock_acquire(&cache->policy_lock);
    cache->purged += count;
    lock_release(&cache->policy_lock);
    return count;
}
