// A response as kept: head and content. Immutable once made, but for the atomics; counted; may be
// read on any thread. One allocation holds the struct, the key, the request's values for Vary, the
// head and the tags; many objects are kept, so it is packed and read through functions.
#pragma once

#include "cache/body.h"
#include "cache/forms.h"
#include "cache/judge.h"
#include "cache/key.h"
#include "cache/policy.h"

struct object {
    _Atomic uint32_t references;
    uint16_t status;
    bool storable;      // may be shared and kept; else it answers one request
    atomic_bool purged; // stale at once, usable until replaced
    struct object *next_in_bucket; // the index's own, as is the entry
    struct policy_entry entry;     // its hash is the low half of the key's; owners: OBJECT_…
    uint32_t key_size, selectors_size, fields_size;
    uint16_t tag_count;         // what has more is not stored
    _Atomic uint16_t failures;  // in a row
    uint64_t stored_ns;        // loop clock when the response came
    uint32_t initial_age;      // then: ms, or seconds if the top bit is set
    uint32_t lifetime_s, while_revalidate_s, stale_s; // see struct judgement
    _Atomic uint32_t backoff_end_ds; // tenths of a second after stored_ns; 0: none
    _Atomic uint32_t disk;     // the store's own, see store_inside.h
    uint64_t content_length; // as the head told it, UINT64_MAX when it did not: see object_length
    struct body *body;       // growing or complete; NULL: no content (204, 304, HEAD)
    _Atomic(struct object_forms *) forms; // compressed; NULL: nobody has asked for any
    uint32_t tags[];         // hashes of Surrogate-Key and Cache-Tag; then key, selectors, fields
};

// What a head allows, in entry.owners.
#define OBJECT_MAY_BE_CODED 1       // a content coding may be applied: none is, and no no-transform
#define OBJECT_VARIES_BY_ENCODING 2 // its Vary says so already
#define OBJECT_IS_CODED 4           // by the origin
#define OBJECT_FLAGS (OBJECT_MAY_BE_CODED | OBJECT_VARIES_BY_ENCODING | OBJECT_IS_CODED)
#define OBJECT_NOTE 8               // see object_note
#define OBJECT_STAMP_SHIFT 8

// Copies what it needs of both heads; the values that Vary selects by are taken from the request, a
// missing Date from wall_ms. key may be NULL if the judgement is JUDGE_NEVER.
// NULL when out of memory. Holds one reference; takes over the caller's reference to body, on
// failure too.
struct object *object_create(const struct cache_key *key, const struct http_request_head *request,
    const struct http_response_head *response, const struct judgement *judgement, uint64_t now_ns,
    int64_t wall_ms, struct body *body) MUST_CHECK;
// The same content with the head updated by a 304 (RFC 9111 section 3.2) and judged anew. It may
// turn out not to be storable any more. NULL when out of memory.
struct object *object_refresh(const struct object *object, const struct http_request_head *request,
    const struct http_response_head *not_modified, const struct judge_policy *policy,
    int64_t request_time_ms, int64_t response_time_ms, uint64_t now_ns) MUST_CHECK;
// Whether the 304 speaks of this object: a strong validator in it must be the object's own (RFC
// 9111 section 4.3.4). If not, ask again without conditions.
bool object_is_confirmed(
    const struct object *object, const struct http_response_head *not_modified);
// The lines of a shareable response that an object made of it, or refreshed by it, lacks: what
// no-cache="..." or private="..." names, and cookies that are not kept, those of a 304 in any case.
// They are for the one who asked. To be freed; data NULL if there are none.
enum error object_fields_apart(const struct http_response_head *response, bool drops_set_cookie,
    struct slice *ret_lines) MUST_CHECK;
struct object *object_reference(struct object *object);
void object_release(struct object *object); // NULL is fine
uint64_t object_footprint(const struct object *object); // memory of head and content, bytes

// Key, selectors, fields and all that was judged as bytes, for the disk: with times by the wall
// clock. They mean the same only to a program of the same version of them.
size_t object_image_size(const struct object *object);
void object_image_write(
    const struct object *object, uint64_t now_ns, int64_t wall_ms, char *ret_image);
// The key in an image; data NULL if it is none.
struct slice object_image_key(struct slice image);
// The object again, a little older; key_hash: see cache_key_of. NULL when out of memory or if it is
// none. Takes over the caller's reference to body, on failure too.
struct object *object_from_image(struct slice image, uint64_t key_hash, uint64_t now_ns,
    int64_t wall_ms, struct body *body) MUST_CHECK;

static inline unsigned object_flags(const struct object *object)
{
    return atomic_load_explicit(&object->entry.owners, memory_order_relaxed) & OBJECT_FLAGS;
}
// Remembers one bit about the object that its owner would else work out for each request. It is
// good for one stamp (1 to 255), the last one noted.
static inline void object_note(struct object *object, unsigned stamp, bool note)
{
    unsigned value = object_flags(object) | (note ? OBJECT_NOTE : 0u) | stamp << OBJECT_STAMP_SHIFT;
    atomic_store_explicit(&object->entry.owners, (uint16_t)value, memory_order_relaxed);
}
// False if nothing is noted for that stamp.
static inline bool object_recall(const struct object *object, unsigned stamp, bool *ret_note)
{
    unsigned value = atomic_load_explicit(&object->entry.owners, memory_order_relaxed);
    *ret_note = (value & OBJECT_NOTE) != 0;
    return value >> OBJECT_STAMP_SHIFT == stamp;
}

// All views into the object.
struct slice object_key(const struct object *object); // empty if not storable
// Field lines "Name: value\r\n" as received, without hop-by-hop fields, Age and Content-Length.
struct slice object_fields(const struct object *object);
// The value of a stored field, the first one; data NULL if absent. Scans: for rare paths.
struct slice object_field(const struct object *object, enum http_name name);
struct slice object_etag(const struct object *object); // data NULL if absent or malformed
struct slice object_last_modified(const struct object *object);
// Cuts the next line off *rest (at first object_fields()): false at the end.
bool object_next_field(struct slice *rest, struct http_field *ret_field);
// Of the content; UINT64_MAX while not known.
uint64_t object_length(const struct object *object);

// True if the response was chosen by the same values that this request has (RFC 9111 section 4.1),
// and is in no coding that the visitor rules out: an origin may forget the Vary.
bool object_matches(const struct object *object, const struct http_fields *request);
// Not that, but in the language that this request prefers to all others.
bool object_speaks_preferred(const struct object *object, const struct http_fields *request);
// Chosen by the same values for the same fields, and in the same coding.
bool object_has_same_selectors(const struct object *a, const struct object *b);
// Those that have the same selectors have the same; others hardly ever.
uint64_t object_identity(const struct object *object);
// A hash of the request's values for the fields that Vary names; 0 without any. Requests that a
// response cannot tell apart have the same.
struct hash128 object_variant(struct slice vary, const struct http_fields *request);
// The same by what chose this object.
struct hash128 object_variant_of(const struct object *object, const struct http_fields *request);

static inline uint64_t object_lifetime_ms(const struct object *object)
{
    return (uint64_t)object->lifetime_s * 1000;
}
static inline uint64_t object_stale_ms(const struct object *object)
{
    return (uint64_t)object->stale_s * 1000;
}
static inline uint64_t object_while_revalidate_ms(const struct object *object)
{
    return (uint64_t)object->while_revalidate_s * 1000;
}
uint64_t object_age_ms(const struct object *object, uint64_t now_ns); // current_age
bool object_is_fresh(const struct object *object, uint64_t now_ns);
// Inside its stale-while-revalidate window (a purged one never is).
bool object_may_revalidate_behind(const struct object *object, uint64_t now_ns);
// May be sent stale on failure or slowness.
bool object_may_go_stale(const struct object *object, uint64_t now_ns);
bool object_in_backoff(const struct object *object, uint64_t now_ns);
// After a failed fetch: 1 s, doubling to maximum_ms. Reset by being replaced or refreshed.
void object_back_off(struct object *object, uint64_t now_ns, uint64_t maximum_ms);

// What to send for this request from this object (RFC 9110 sections 13 and 14). Also gives the 412
// of If-Match and If-Unmodified-Since, which a cache need not evaluate (RFC 9111 section 4.3.2):
// ask the origin then, if it answers.
enum object_selection { OBJECT_WHOLE, OBJECT_PART, OBJECT_NOT_MODIFIED, OBJECT_PRECONDITION_FAILED,
    OBJECT_UNSATISFIABLE };
enum object_selection object_select(const struct object *object,
    const struct http_request_head *request, int64_t wall_seconds, uint64_t *ret_first,
    uint64_t *ret_last);
