// A response as kept: head and content. Immutable once made, but for the counters at its end;
// counted; may be read on any thread. It knows nothing of the index it may be in.
#pragma once

#include "cache/body.h"
#include "cache/judge.h"
#include "cache/key.h"

struct object {
    _Atomic uint32_t references;
    uint16_t status;
    bool storable;           // may be shared and kept; else it answers one request
    uint64_t stored_ns;      // loop clock when the response came
    uint64_t initial_age_ms, lifetime_ms, while_revalidate_ms, stale_ms; // see struct judgement
    struct slice key;        // text of the cache key, empty if not storable
    struct hash128 key_hash, variant; // variant: of the request's values for `vary`; 0 without Vary
    // Field lines "Name: value\r\n" as received, without hop-by-hop fields, Age and Content-Length.
    // Views into the object's own memory, as are the three below (data NULL: absent).
    struct slice fields;
    struct slice etag, last_modified, vary;
    uint64_t content_length; // UINT64_MAX when not known
    struct body *body;       // growing or complete; NULL: no content (204, 304, HEAD)
    // What changes, atomically:
    atomic_bool purged;               // stale at once, usable until replaced
    _Atomic uint64_t backoff_until_ns; // on failure, the origin is not asked for it before then
    _Atomic uint32_t failures;         // in a row
    // The index's own:
    struct object *next_in_bucket;
    struct list queue;
    const uint32_t *tags;             // hashes of Surrogate-Key and Cache-Tag, sorted
    uint16_t tag_count;
    _Atomic uint8_t frequency;
    uint8_t queue_kind;
};

// Copies what it needs of both heads. variant fields are taken from the request as `vary` names
// them. NULL when out of memory. Holds one reference; takes over the caller's reference to body.
struct object *object_create(const struct cache_key *key, const struct http_request_head *request,
    const struct http_response_head *response, const struct judgement *judgement, uint64_t now_ns,
    struct body *body) MUST_CHECK;
// The same content with the head updated by a 304 (RFC 9111 section 3.2) and judged anew.
struct object *object_refresh(const struct object *object, const struct http_request_head *request,
    const struct http_response_head *not_modified, const struct judge_policy *policy,
    int64_t request_time_ms, int64_t response_time_ms, uint64_t now_ns) MUST_CHECK;
struct object *object_reference(struct object *object);
void object_release(struct object *object); // NULL is fine
uint64_t object_footprint(const struct object *object); // head, index entry and content, bytes

// True if the response was chosen by the same values that this request has (RFC 9111 section 4.1).
bool object_matches(const struct object *object, const struct http_fields *request);
struct hash128 object_variant(struct slice vary, const struct http_fields *request);

uint64_t object_age_ms(const struct object *object, uint64_t now_ns); // current_age
bool object_is_fresh(const struct object *object, uint64_t now_ns);
// Inside its stale-while-revalidate window (a purged one never is).
bool object_may_revalidate_behind(const struct object *object, uint64_t now_ns);
// May be sent stale on failure or slowness.
bool object_may_go_stale(const struct object *object, uint64_t now_ns);
bool object_in_backoff(const struct object *object, uint64_t now_ns);
// After a failed fetch: 1 s, doubling to maximum_ms. Reset by being replaced or refreshed.
void object_back_off(struct object *object, uint64_t now_ns, uint64_t maximum_ms);
// The value of a stored field, by known name; data NULL if absent. For rare paths.
struct slice object_field(const struct object *object, enum http_name name);

// What to send for this request from this object (RFC 9110 sections 13 and 14).
enum object_selection { OBJECT_WHOLE, OBJECT_PART, OBJECT_NOT_MODIFIED, OBJECT_PRECONDITION_FAILED,
    OBJECT_UNSATISFIABLE };
enum object_selection object_select(const struct object *object, const struct http_request_head *request,
    int64_t wall_seconds, uint64_t *ret_first, uint64_t *ret_last);
