// What the files of the index share, and nobody else needs.
//
// Locks, in the order in which they are taken: the policy's (inserts, evictions, hard purges), one
// shard's, the purge log's or the store's. Lookups take a shard's only. What is linked in a shard
// is unlinked only by who holds the policy's lock too.
#pragma once

#include "cache/cache.h"

#define SHARDS 64

struct shard {
    _Alignas(64) struct lock lock;
    struct object **buckets;
    uint64_t bucket_count; // a power of two
    uint64_t count;
};

// Purges of late, for what was being fetched meanwhile. What has fallen out of the ring is taken to
// have hit everything.
#define PURGE_LOG_SIZE 128
#define INVALIDATED_SLOTS 4096

struct purge_record {
    uint64_t epoch;
    enum purge_kind kind;
    bool hard;
    struct slice what; // own copy
};

// Of the keys that share a slot, the one invalidated last, and the latest of the others.
struct invalidation {
    uint64_t hash, epoch, others_epoch;
};

struct purge_log {
    struct lock lock;
    _Atomic uint64_t epoch;
    struct purge_record records[PURGE_LOG_SIZE]; // record i % SIZE is number i
    uint64_t count;
    uint64_t lost_epoch, lost_hard_epoch;        // the latest that has fallen out
    struct invalidation invalidated[INVALIDATED_SLOTS]; // by key
};

enum purge_mark { PURGE_MARK_NONE, PURGE_MARK_SOFT, PURGE_MARK_HARD };

void purge_log_init(struct purge_log *log);
void purge_log_destroy(struct purge_log *log);
// The next epoch begins.
void purge_log_add(struct purge_log *log, const struct purge *purge);
void purge_log_add_invalidation(struct purge_log *log, uint64_t key_hash);
// What happened since epoch to an object like this.
enum purge_mark purge_log_check(struct purge_log *log, const struct object *object, uint64_t epoch);
bool purge_matches(const struct purge *purge, const struct object *object);
struct slice purge_without_scheme(struct slice url);
struct slice purge_url_of(struct slice key); // without its scheme

// Which keys were found not to be shareable. Lossy, lock-free.
#define UNCACHEABLE_SLOTS 4096 // pairs of ways

struct uncacheable {
    _Atomic uint64_t hash, until_ns;
};

void uncacheable_remember(struct uncacheable *slots, uint64_t hash, uint64_t until_ns);
bool uncacheable_has(struct uncacheable *slots, uint64_t hash, uint64_t now_ns);
void uncacheable_forget(struct uncacheable *slots, uint64_t hash);

struct cache {
    struct shard shards[SHARDS];
    uint64_t seed;
    struct store *store; // NULL: memory is all there is
    struct purge_log purges;
    struct uncacheable uncacheable[UNCACHEABLE_SLOTS];
    _Atomic uint64_t uncacheable_count;

    struct lock policy_lock; // for all below
    struct policy policy;
    uint64_t now_ns; // as far as objects tell
    uint64_t inserts, refused_size, refused_first_sight, purged;
};

static inline struct shard *cache_shard(struct cache *cache, uint64_t hash)
{
    return &cache->shards[hash >> 58];
}

static inline struct object **shard_bucket(struct shard *shard, uint64_t hash)
{
    return &shard->buckets[hash & (shard->bucket_count - 1)];
}

// The shard's lock held.
void cache_mark_stale(struct cache *cache, struct object *object);
// What the store has read; epoch as of cache_insert, from before it was read.
void cache_restore(struct cache *cache, struct object *object, uint64_t epoch, uint32_t slot,
    uint32_t generation);
// Both locks held. The index's reference goes to the caller.
void shard_unlink(struct shard *shard, struct object *object);
