// The index: a hash table in shards, filled and emptied as the policy says.
#include "cache/inside.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "cache/store.h"

#define BUCKETS_FIRST 16 // per shard
#define LOAD_MOST 2      // objects per bucket
#define YOUNGER_NS NS_PER_SECOND // loops' clocks differ by less
#define HEAD_GUESS 1024  // of an object whose content size is known

static const struct setting rows[] = {
    {
        .name = "memory",
        .type = SETTING_SIZE,
        .offset = offsetof(struct cache_settings, memory),
        .fallback = "256MB",
        .minimum = 1024 * 1024,
        .maximum = UINT64_C(1) << 44,
        .summary = "Memory for copies of responses, their heads and the index included.",
        .touch =
            "As much as the machine can spare: what does not fit can neither be served without "
            "the backend nor when it fails.",
    },
    {
        .name = "disk",
        .type = SETTING_SIZE,
        .offset = offsetof(struct cache_settings, disk),
        .fallback = "1GB",
        .minimum = 0,
        .maximum = UINT64_C(1) << 44,
        .summary = "Room on the disk for copies, so that an edge that was killed or restarted has "
                   "what it has served, even while every backend is dead. At most half of what is "
                   "free at the start; 0: copies are kept in memory only. Changes need a restart.",
        .touch = "A few times store.memory where the site is larger than that: what memory has no "
                 "room for is read from there.",
    },
    {
        .name = "directory",
        .type = SETTING_TEXT,
        .offset = offsetof(struct cache_settings, directory),
        .example = "/var/cache/afloat",
        .summary = "Where that is; one directory serves one edge. Without it: the folder store in "
                   "the state directory. Changes need a restart.",
        .touch = "Set it to have the copies on another disk.",
    },
    {
        .name = "write_budget",
        .type = SETTING_SIZE,
        .offset = offsetof(struct cache_settings, write_budget),
        .fallback = "8MB",
        .minimum = 64 * 1024,
        .maximum = UINT64_C(1) << 32,
        .summary = "How much is written there each second at most, on average. What was asked for "
                   "twice goes first; the status counts what did not get its turn (skipped). "
                   "Changes need a restart.",
        .touch = "Raise it where much changes and the disk is fast, lower it to spare the disk.",
    },
};

const struct setting_section cache_settings_section = {
    .size = sizeof(struct cache_settings),
    .rows = rows,
    .count = ARRAY_SIZE(rows),
    .summary = "Where copies are kept.",
};

// --- Shards ---

static bool has_key(const struct object *object, uint64_t hash, struct slice key)
{
    return object->entry.hash == hash && slice_equal(object_key(object), key);
}

static void shard_link(struct shard *shard, struct object *object)
{
    struct object **bucket = shard_bucket(shard, object->entry.hash);
    object->next_in_bucket = *bucket;
    *bucket = object;
    shard->count++;
}

void shard_unlink(struct shard *shard, struct object *object)
{
    struct object **at = shard_bucket(shard, object->entry.hash);
    while (*at != object)
        at = &(*at)->next_in_bucket;
    *at = object->next_in_bucket;
    shard->count--;
}

// Both locks held. Without memory for it, chains grow longer instead.
static void shard_grow(struct cache *cache, struct shard *shard)
{
    uint64_t old_count = shard->bucket_count;
    if (shard->count < old_count * LOAD_MOST)
        return;
    struct object **old = shard->buckets;
    struct object **buckets = memory_zero_alloc(old_count * 2 * sizeof(struct object *));
    if (buckets == NULL)
        return;
    shard->buckets = buckets;
    shard->bucket_count = old_count * 2;
    for (uint64_t i = 0; i < old_count; i++) {
        // Turned round first, so that the newest of a key stays the first.
        struct object *turned = NULL;
        for (struct object *object = old[i], *next; object != NULL; object = next) {
            next = object->next_in_bucket;
            object->next_in_bucket = turned;
            turned = object;
        }
        for (struct object *object = turned, *next; object != NULL; object = next) {
            next = object->next_in_bucket;
            struct object **bucket = shard_bucket(shard, object->entry.hash);
            object->next_in_bucket = *bucket;
            *bucket = object;
        }
    }
    memory_free(old);
    policy_reserve(&cache->policy, (int64_t)(old_count * sizeof(struct object *)));
}

// --- The policy's view ---

static void drop_object(struct policy *policy, struct policy_entry *entry)
{
    struct cache *cache = CONTAINER_OF(policy, struct cache, policy);
    struct object *object = CONTAINER_OF(entry, struct object, entry);
    struct shard *shard = cache_shard(cache, entry->hash);
    lock_acquire(&shard->lock);
    shard_unlink(shard, object);
    if (cache->store != NULL)
        store_left(cache->store, object);
    lock_release(&shard->lock);
    object_release(object);
}

// Too old to be sent in any case, and nothing to revalidate it by.
static bool is_spent(struct policy *policy, struct policy_entry *entry)
{
    const struct cache *cache = CONTAINER_OF(policy, struct cache, policy);
    const struct object *object = CONTAINER_OF(entry, struct object, entry);
    uint64_t window_ms = MAXIMUM(object_stale_ms(object), object_while_revalidate_ms(object));
    return object_age_ms(object, cache->now_ns) >= object_lifetime_ms(object) + window_ms
        && object_etag(object).data == NULL && object_last_modified(object).data == NULL;
}

// --- The cache ---

struct cache *cache_create(const struct cache_settings *settings, uint64_t seed)
{
    struct cache *cache = memory_zero_alloc(sizeof(*cache));
    if (cache == NULL)
        return NULL;
    cache->seed = seed;
    if (policy_init(&cache->policy, settings->memory) != ERROR_NONE) {
        memory_free(cache);
        return NULL;
    }
    cache->policy.drop = drop_object;
    cache->policy.is_spent = is_spent;
    lock_init(&cache->policy_lock);
    purge_log_init(&cache->purges);
    policy_reserve(&cache->policy, (int64_t)sizeof(*cache));
    bool complete = true;
    for (unsigned i = 0; i < SHARDS; i++) {
        struct shard *shard = &cache->shards[i];
        lock_init(&shard->lock);
        shard->bucket_count = BUCKETS_FIRST;
        shard->buckets = memory_zero_alloc(BUCKETS_FIRST * sizeof(struct object *));
        complete = complete && shard->buckets != NULL;
        policy_reserve(&cache->policy, (int64_t)(BUCKETS_FIRST * sizeof(struct object *)));
    }
    if (complete)
        return cache;
    cache_destroy(cache);
    return NULL;
}

void cache_destroy(struct cache *cache)
{
    if (cache == NULL)
        return;
    for (unsigned i = 0; i < SHARDS; i++) {
        struct shard *shard = &cache->shards[i];
        for (uint64_t bucket = 0; shard->buckets != NULL && bucket < shard->bucket_count;
             bucket++) {
            for (struct object *object = shard->buckets[bucket], *next; object != NULL;
                 object = next) {
                next = object->next_in_bucket;
                object_release(object);
            }
        }
        memory_free(shard->buckets);
        lock_destroy(&shard->lock);
    }
    purge_log_destroy(&cache->purges);
    lock_destroy(&cache->policy_lock);
    policy_destroy(&cache->policy);
    memory_free(cache);
}

void cache_set_memory(struct cache *cache, uint64_t memory)
{
    lock_acquire(&cache->policy_lock);
    policy_set_limit(&cache->policy, memory);
    lock_release(&cache->policy_lock);
}

struct cache_key cache_key_of(const struct cache *cache, struct slice text)
{
    return (struct cache_key){text, hash_bytes_128(text, cache->seed)};
}

// The shard's lock held; nothing that matches exactly is there.
static struct object *find_preferred(struct shard *shard, const struct cache_key *key,
    const struct http_fields *request)
{
    uint64_t hash = key->hash.low;
    struct object *object = *shard_bucket(shard, hash);
    while (object != NULL && !(has_key(object, hash, key->text)
               && object_speaks_preferred(object, request)))
        object = object->next_in_bucket;
    return object;
}

struct object *cache_lookup(struct cache *cache, const struct cache_key *key,
    const struct http_fields *request)
{
    uint64_t hash = key->hash.low;
    struct shard *shard = cache_shard(cache, hash);
    lock_acquire(&shard->lock);
    struct object *object = *shard_bucket(shard, hash);
    while (object != NULL && !(has_key(object, hash, key->text) && object_matches(object, request)))
        object = object->next_in_bucket;
    if (object == NULL)
        object = find_preferred(shard, key, request);
    if (object != NULL) {
        object_reference(object);
        if (cache->store != NULL)
            store_offer(cache->store, object, true); // once each: it looks at the object only
    }
    lock_release(&shard->lock);
    if (object != NULL)
        policy_touch(&object->entry);
    return object;
}

struct hash128 cache_variant(struct cache *cache, const struct cache_key *key,
    const struct http_fields *request)
{
    struct hash128 variant = {0};
    uint64_t hash = key->hash.low;
    struct shard *shard = cache_shard(cache, hash);
    lock_acquire(&shard->lock);
    struct object *object = *shard_bucket(shard, hash);
    while (object != NULL && !has_key(object, hash, key->text))
        object = object->next_in_bucket;
    if (object != NULL)
        variant = object_variant_of(object, request);
    lock_release(&shard->lock);
    return variant;
}

// --- Filling it ---

static bool is_resident(struct cache *cache, const struct cache_key *key)
{
    struct shard *shard = cache_shard(cache, key->hash.low);
    lock_acquire(&shard->lock);
    const struct object *object = *shard_bucket(shard, key->hash.low);
    while (object != NULL && !has_key(object, key->hash.low, key->text))
        object = object->next_in_bucket;
    lock_release(&shard->lock);
    return object != NULL;
}

// The one that the object would replace. It stays linked while the policy's lock is held.
static struct object *find_predecessor(struct cache *cache, const struct object *object)
{
    struct shard *shard = cache_shard(cache, object->entry.hash);
    lock_acquire(&shard->lock);
    struct object *other = *shard_bucket(shard, object->entry.hash);
    while (other != NULL && !(has_key(other, object->entry.hash, object_key(object))
               && object_has_same_selectors(other, object)))
        other = other->next_in_bucket;
    lock_release(&shard->lock);
    return other;
}

// Policy's lock held. What is resident has been seen before.
static bool is_let_in(struct cache *cache, uint64_t hash, uint64_t size, bool resident)
{
    enum policy_verdict verdict = policy_judge(&cache->policy, hash, size);
    if (verdict == POLICY_FIRST_SIGHT && resident)
        verdict = POLICY_ADMIT;
    cache->refused_size += verdict == POLICY_TOO_LARGE;
    cache->refused_first_sight += verdict == POLICY_FIRST_SIGHT;
    return verdict == POLICY_ADMIT;
}

// A slow answer must not replace what was asked for after it: neither by its content, nor, when a
// hard purge came while it was on its way, by taking along what has been fetched since.
static bool is_outdated(struct cache *cache, const struct object *object,
    const struct object *predecessor, uint64_t epoch)
{
    enum purge_mark mark = purge_log_check(&cache->purges, object, epoch);
    bool was_purged = atomic_load_explicit(&predecessor->purged, memory_order_relaxed);
    if (mark == PURGE_MARK_HARD)
        return true;
    if (was_purged && mark == PURGE_MARK_NONE)
        return false; // asked for after the purge: it knows better
    return predecessor->stored_ns > object->stored_ns + YOUNGER_NS;
}

// A renewed head is little to write, and what follows a copy that was asked for will be too.
static void tell_store(
    struct store *store, struct object *object, struct object *predecessor, bool linked)
{
    if (predecessor != NULL && linked)
        store_inherit(store, object, predecessor);
    else if (predecessor != NULL)
        store_drop(store, predecessor);
    if (linked)
        store_offer(store, object, predecessor != NULL);
}

// In one step under the shard's lock, so that no reader finds neither. A purge either was logged
// before that, or will find the object on its walk.
static bool replace(
    struct cache *cache, struct object *object, struct object *predecessor, uint64_t epoch)
{
    struct shard *shard = cache_shard(cache, object->entry.hash);
    lock_acquire(&shard->lock);
    enum purge_mark mark = purge_log_check(&cache->purges, object, epoch);
    if (mark == PURGE_MARK_SOFT)
        atomic_store_explicit(&object->purged, true, memory_order_relaxed);
    if (predecessor != NULL)
        shard_unlink(shard, predecessor);
    if (mark != PURGE_MARK_HARD)
        shard_link(shard, object_reference(object));
    if (cache->store != NULL)
        tell_store(cache->store, object, predecessor, mark != PURGE_MARK_HARD);
    lock_release(&shard->lock);
    return mark != PURGE_MARK_HARD;
}

// Anything but an error under the key of this one, in whatever variant.
static bool has_better(struct cache *cache, const struct object *error)
{
    struct shard *shard = cache_shard(cache, error->entry.hash);
    lock_acquire(&shard->lock);
    const struct object *other = *shard_bucket(shard, error->entry.hash);
    while (other != NULL && (!has_key(other, error->entry.hash, object_key(error))
               || judge_is_error(other->status)))
        other = other->next_in_bucket;
    lock_release(&shard->lock);
    return other != NULL;
}

static bool insert(struct cache *cache, struct object *object, uint64_t epoch,
    struct object **ret_predecessor)
{
    uint64_t size = object_footprint(object);
    if (judge_is_error(object->status) && has_better(cache, object))
        return false;
    struct object *predecessor = find_predecessor(cache, object);
    if (predecessor == object)
        return true;
    cache->now_ns = MAXIMUM(cache->now_ns, object->stored_ns);
    if (!is_let_in(cache, object->entry.hash, size, predecessor != NULL))
        return false;
    if (predecessor != NULL && is_outdated(cache, object, predecessor, epoch))
        return false;
    struct shard *shard = cache_shard(cache, object->entry.hash);
    lock_acquire(&shard->lock);
    shard_grow(cache, shard);
    lock_release(&shard->lock);
    // From here on the policy cannot choose the predecessor to make room.
    if (predecessor != NULL)
        policy_remove(&cache->policy, &predecessor->entry);
    policy_insert(
        &cache->policy, &object->entry, size, predecessor == NULL ? NULL : &predecessor->entry);
    *ret_predecessor = predecessor;
    bool linked = replace(cache, object, predecessor, epoch);
    if (!linked)
        policy_remove(&cache->policy, &object->entry);
    cache->inserts += linked;
    return linked;
}

bool cache_insert(struct cache *cache, struct object *object, uint64_t epoch)
{
    const struct body *body = object->body;
    if (!object->storable
        || (body != NULL && (body_state(body) != BODY_COMPLETE || body_has_window(body))))
        return false;
    struct object *predecessor = NULL;
    lock_acquire(&cache->policy_lock);
    bool inserted = insert(cache, object, epoch, &predecessor);
    lock_release(&cache->policy_lock);
    object_release(predecessor); // the index's
    if (inserted)
        uncacheable_forget(cache->uncacheable, object->entry.hash);
    return inserted;
}

// --- Forms ---

// What is linked under the object's key with the same content: itself, or what a 304 has made of
// it. Policy's lock held.
static struct object *find_same_content(struct cache *cache, const struct object *object)
{
    struct shard *shard = cache_shard(cache, object->entry.hash);
    lock_acquire(&shard->lock);
    struct object *other = *shard_bucket(shard, object->entry.hash);
    while (other != NULL && other->body != object->body)
        other = other->next_in_bucket;
    lock_release(&shard->lock);
    return other;
}

void cache_add_form(
    struct cache *cache, struct object *object, enum http_coding coding, struct body *body)
{
    object_form_settle(object, coding, body);
    lock_acquire(&cache->policy_lock);
    struct object *other = find_same_content(cache, object);
    if (other != NULL) {
        (void)object_form_set(other, coding, body); // without memory for it, it is made anew
        policy_resize(&cache->policy, &other->entry, object_footprint(other));
    }
    lock_release(&cache->policy_lock);
    body_release(body);
}

void cache_count_again(struct cache *cache, struct object *object)
{
    lock_acquire(&cache->policy_lock);
    struct object *other = find_same_content(cache, object);
    if (other == object)
        policy_resize(&cache->policy, &object->entry, object_footprint(object));
    lock_release(&cache->policy_lock);
}

uint64_t cache_epoch(const struct cache *cache)
{
    return atomic_load_explicit(&cache->purges.epoch, memory_order_acquire);
}

bool cache_would_keep(struct cache *cache, const struct cache_key *key, uint64_t size)
{
    uint64_t with_head = size > UINT64_MAX - HEAD_GUESS ? UINT64_MAX : size + HEAD_GUESS;
    lock_acquire(&cache->policy_lock);
    bool keep = is_let_in(cache, key->hash.low, with_head, is_resident(cache, key));
    lock_release(&cache->policy_lock);
    return keep;
}

// --- The disk ---

void cache_use_store(struct cache *cache, struct store *store)
{
    cache->store = store;
}

bool cache_may_recall(struct cache *cache, const struct cache_key *key)
{
    return cache->store != NULL && store_has_cold(cache->store, key->text);
}

void cache_recall(struct cache *cache, const struct cache_key *key,
    const struct http_fields *request, uint64_t now_ns, int64_t wall_ms)
{
    if (cache->store != NULL)
        store_recall(cache->store, cache, key, request, now_ns, wall_ms);
}

enum error cache_settle(struct cache *cache)
{
    return cache->store == NULL ? ERROR_NONE : store_settle(cache->store);
}

// Policy's lock held. What is in memory already is newer.
static bool restore(struct cache *cache, struct object *object, uint64_t epoch, uint32_t slot,
    uint32_t generation)
{
    uint64_t size = object_footprint(object);
    if (find_predecessor(cache, object) != NULL
        || policy_judge(&cache->policy, object->entry.hash, size) == POLICY_TOO_LARGE)
        return false;
    struct shard *shard = cache_shard(cache, object->entry.hash);
    lock_acquire(&shard->lock);
    shard_grow(cache, shard);
    lock_release(&shard->lock);
    policy_insert(&cache->policy, &object->entry, size, NULL);
    lock_acquire(&shard->lock);
    enum purge_mark mark = purge_log_check(&cache->purges, object, epoch);
    bool admitted = mark != PURGE_MARK_HARD
        && store_admit(cache->store, object, slot, generation);
    if (mark == PURGE_MARK_SOFT)
        atomic_store_explicit(&object->purged, true, memory_order_relaxed);
    if (admitted)
        shard_link(shard, object_reference(object));
    lock_release(&shard->lock);
    if (!admitted)
        policy_remove(&cache->policy, &object->entry);
    return admitted;
}

void cache_restore(struct cache *cache, struct object *object, uint64_t epoch, uint32_t slot,
    uint32_t generation)
{
    lock_acquire(&cache->policy_lock);
    cache->now_ns = MAXIMUM(cache->now_ns, object->stored_ns);
    restore(cache, object, epoch, slot, generation);
    lock_release(&cache->policy_lock);
}

// --- Marking ---

void cache_mark_stale(struct cache *cache, struct object *object)
{
    atomic_store_explicit(&object->purged, true, memory_order_relaxed);
    if (cache->store != NULL)
        store_mark_stale(cache->store, object);
}

uint64_t cache_invalidate(struct cache *cache, const struct cache_key *key)
{
    uint64_t count = 0;
    purge_log_add_invalidation(&cache->purges, key->hash.low);
    struct shard *shard = cache_shard(cache, key->hash.low);
    lock_acquire(&shard->lock);
    for (struct object *object = *shard_bucket(shard, key->hash.low); object != NULL;
         object = object->next_in_bucket) {
        if (!has_key(object, key->hash.low, key->text))
            continue;
        cache_mark_stale(cache, object);
        count++;
    }
    lock_release(&shard->lock);
    if (cache->store != NULL)
        store_mark_key_stale(cache->store, key->text);
    return count;
}

void cache_remember_uncacheable(struct cache *cache, const struct cache_key *key, uint64_t until_ns)
{
    uncacheable_remember(cache->uncacheable, key->hash.low, until_ns);
    atomic_fetch_add_explicit(&cache->uncacheable_count, 1, memory_order_relaxed);
}

bool cache_is_uncacheable(struct cache *cache, const struct cache_key *key, uint64_t now_ns)
{
    return uncacheable_has(cache->uncacheable, key->hash.low, now_ns);
}

void cache_read_statistics(struct cache *cache, struct cache_statistics *ret_statistics)
{
    lock_acquire(&cache->policy_lock);
    const struct policy *policy = &cache->policy;
    *ret_statistics = (struct cache_statistics){
        .objects = policy->small_count + policy->main_count,
        .bytes = policy_used(policy),
        .limit = policy->limit,
        .inserts = cache->inserts,
        .evictions = policy->evictions,
        .refused_size = cache->refused_size,
        .refused_first_sight = cache->refused_first_sight,
        .ghost_hits = policy->ghost_hits,
        .purged = cache->purged,
        .uncacheable = atomic_load_explicit(&cache->uncacheable_count, memory_order_relaxed),
    };
    lock_release(&cache->policy_lock);
}
