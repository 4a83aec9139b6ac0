// The shared store: a sharded index of complete objects, with S3-FIFO eviction (Yang et al., SOSP
// 2023) accounted in bytes. Any thread may call anything; nothing here suspends or does I/O.
// Only whole, storable objects are inserted: what is still being fetched is found in flight.h.
#pragma once

#include "cache/object.h"

struct cache;

// Section `store`.
struct cache_settings {
    uint64_t memory; // bytes of RAM for objects, heads and index included (default 256MB)
    struct slice directory;  // of the store (store.h); empty: in the state directory
    uint64_t disk;           // bytes it may take; 0: none
    uint64_t write_budget;   // bytes per second it may write
};
extern const struct setting_section cache_settings_section;

struct store; // of store.h

struct cache *cache_create(const struct cache_settings *settings, uint64_t seed) MUST_CHECK;
void cache_destroy(struct cache *cache);
void cache_set_memory(struct cache *cache, uint64_t memory); // on reload
// What is kept is offered to the store from now on. It stays the caller's.
void cache_use_store(struct cache *cache, struct store *store);

struct cache_key cache_key_of(const struct cache *cache, struct slice text);

// Whether the disk may have what memory lacks: cache_recall tells.
bool cache_may_recall(struct cache *cache, const struct cache_key *key);
// Reads it, if it is there and fits the request; blocks. Look it up then.
void cache_recall(struct cache *cache, const struct cache_key *key,
    const struct http_fields *request, uint64_t now_ns, int64_t wall_ms);

// The stored response for the request: the matching variant, newest first, else one in the language
// that the request prefers; a reference, or NULL.
// Counts as use. It may be stale, even beyond all windows: then only its validators are of use.
struct object *cache_lookup(struct cache *cache, const struct cache_key *key,
    const struct http_fields *request) MUST_CHECK;
// The variant hash this request would have by what is stored under the key; 0 when unknown.
struct hash128 cache_variant(struct cache *cache, const struct cache_key *key,
    const struct http_fields *request);

// Replaces the object with the same key and variant, unless that one is younger. epoch:
// cache_epoch() when its fetch began, so that a purge in between marks it. Takes its own reference.
// False when it was not let in: too large, or large and seen for the first time, or purged hard
// meanwhile, or not storable and whole, or an error (5xx) where anything better is kept.
bool cache_insert(struct cache *cache, struct object *object, uint64_t epoch);
// A compressed form of the object's content was made (object_form_begin): hangs it on the object,
// and on the one that has taken its place with the same content, and counts its memory. Takes over
// the caller's reference to the body.
void cache_add_form(
    struct cache *cache, struct object *object, enum http_coding coding, struct body *body);
// The object takes more memory than it did when it was inserted: counts it, if it is still there.
void cache_count_again(struct cache *cache, struct object *object);
uint64_t cache_epoch(const struct cache *cache);
// Whether a purge or an invalidation since then may concern what is stored or fetched under the
// key.
bool cache_is_touched_since(struct cache *cache, const struct cache_key *key, uint64_t epoch);
// Would an object of that content size be kept? False: stream it through a window instead. A large
// one is remembered and let in when it is asked for again, so ask once per fetch, or once it has
// grown.
bool cache_would_keep(struct cache *cache, const struct cache_key *key, uint64_t size);

// Unsafe methods (RFC 9111 section 4.4): all variants become stale at once, and so will what is
// being fetched meanwhile. Returns how many.
uint64_t cache_invalidate(struct cache *cache, const struct cache_key *key);
// "Cannot be shared" for a while, so that requests for it do not queue behind each other. A table
// of fixed size: what is remembered may be forgotten early. An insert under the key forgets it.
void cache_remember_uncacheable(
    struct cache *cache, const struct cache_key *key, uint64_t until_ns);
bool cache_is_uncacheable(struct cache *cache, const struct cache_key *key, uint64_t now_ns);

enum purge_kind { PURGE_URL, PURGE_PREFIX, PURGE_TAG, PURGE_ALL, PURGE_MATCH };
struct pattern; // of base/pattern.h

// For PURGE_MATCH: what is not NULL must be found in it.
struct purge_match {
    const struct pattern *host;         // of the URL, with its port if that is not the default
    const struct pattern *url;          // path and query
    const struct pattern *content_type; // "" without one
    const struct pattern *tags;         // of any of its tag fields (cache/tag.h), as sent
};

struct purge {
    enum purge_kind kind;
    // Normalised URL ("https://host/path"), URL prefix, or tags, one to a line; of PURGE_MATCH the
    // host that must be the object's, empty: any.
    struct slice what;
    bool hard;         // gone, instead of stale
    struct purge_match match;
    // NULL, or which keys' URLs ("host/path") are meant. Called with a lock held: looks up, no
    // more.
    bool (*covers)(const void *context, struct slice url);
    const void *context;
    const uint32_t *hashes; // of the tags, sorted; the cache's own
    size_t hash_count;
};
// What is being fetched meanwhile cannot be asked for its tags or patterns: it counts as hit.
// Walks the index (not in a loop's thread if it is large). Both schemes of a URL count, and every
// site. Returns how many objects were hit; fetches under way are covered by the epoch.
uint64_t cache_purge(struct cache *cache, const struct purge *purge);
// What was purged so far will not be back after a crash, either; blocks. An error is the disk's.
enum error cache_settle(struct cache *cache) MUST_CHECK;

struct cache_statistics {
    uint64_t objects, bytes, limit, inserts, evictions, refused_size, refused_first_sight,
        ghost_hits, purged, uncacheable; // so often remembered
};
void cache_read_statistics(struct cache *cache, struct cache_statistics *ret_statistics);
