// The shared store: a sharded index of complete objects, with S3-FIFO eviction (Yang et al., SOSP
// 2023) accounted in bytes. Any thread may call anything; nothing here suspends or does I/O.
// Only whole, storable objects are inserted: what is still being fetched is found in flight.h.
#pragma once

#include "cache/object.h"

struct cache;

// Section `store`.
struct cache_settings {
    uint64_t memory; // bytes of RAM for objects, heads and index included (default 256MB)
};
extern const struct setting_section cache_settings_section;

struct cache *cache_create(const struct cache_settings *settings, uint64_t seed) MUST_CHECK;
void cache_destroy(struct cache *cache);
void cache_set_memory(struct cache *cache, uint64_t memory); // on reload

struct cache_key cache_key_of(const struct cache *cache, struct slice text);

// The stored response for the request: the matching variant, newest first; a reference, or NULL.
// Counts as use. *ret_vary (may be NULL) is the Vary value known for this key, to tell fetches of
// different variants apart (valid while the caller's task does not suspend... copied into buffer).
struct object *cache_lookup(struct cache *cache, const struct cache_key *key,
    const struct http_fields *request) MUST_CHECK;
// The variant hash this request would have by what is stored under the key; 0 when unknown.
struct hash128 cache_variant(struct cache *cache, const struct cache_key *key,
    const struct http_fields *request);

// Replaces the object with the same key and variant. epoch: cache_epoch() when its fetch began, so
// that a purge in between marks it. Takes its own reference. False when it was not let in (too large,
// or seen once and larger than the size rule admits at first sight).
bool cache_insert(struct cache *cache, struct object *object, uint64_t epoch);
uint64_t cache_epoch(const struct cache *cache);
// Would an object of that size be kept? False: stream it through a window instead.
bool cache_would_keep(struct cache *cache, const struct cache_key *key, uint64_t size);

// Unsafe methods (RFC 9111 section 4.4): all variants become stale at once. Returns how many.
uint64_t cache_invalidate(struct cache *cache, const struct cache_key *key);
// "Cannot be shared" for a while, so that requests for it do not queue behind each other.
void cache_remember_uncacheable(struct cache *cache, const struct cache_key *key, uint64_t until_ns);
bool cache_is_uncacheable(struct cache *cache, const struct cache_key *key, uint64_t now_ns);

enum purge_kind { PURGE_URL, PURGE_PREFIX, PURGE_TAG, PURGE_ALL };
struct purge {
    enum purge_kind kind;
    struct slice what; // normalised URL ("https://host/path"), URL prefix or tag
    bool hard;         // gone, instead of stale
};
// Walks the index (not in a loop's thread if it is large). Both schemes of a URL count. Returns how
// many objects were hit; fetches under way are covered by the epoch.
uint64_t cache_purge(struct cache *cache, const struct purge *purge);

struct cache_statistics {
    uint64_t objects, bytes, limit, inserts, evictions, refused_size, refused_first_sight, ghost_hits,
        purged, uncacheable;
};
void cache_read_statistics(struct cache *cache, struct cache_statistics *ret_statistics);
