// Parts of what is not kept as a whole (RFC 9111 section 3.3): a 206 is kept under a key of its
// own, fresh or not at all, and serves requests for a single range that lies wholly within it. One
// part for each URL and variant, the newest. Parts are not combined and not completed (section
// 3.4): both are worth it only with a strong validator, and then a fetch of the whole serves
// everybody.
#pragma once

#include "edge/fetch.h"

// Where a range lies: [at, end) of the content kept, first and last of the representation.
struct part_range {
    uint64_t at, end, first, last, complete;
};

// For the fetch. Whether the answer is a part that may be kept, and how long.
bool part_may_keep(const struct fetch *fetch, const struct http_response_head *head,
    int64_t asked_ms, struct judgement *ret_judgement);
// Its content is complete and was not cut to a window.
void part_keep(struct fetch *fetch, const struct http_response_head *head,
    const struct judgement *judgement, uint64_t came_ns, struct body *body);
void part_invalidate(struct cache *cache, struct slice key, struct arena *arena);

// For the request. The part that serves it, a reference; NULL: none.
struct object *part_look_up(struct request *request) MUST_CHECK;
// Of a part that serves it.
bool part_select(const struct object *object, const struct http_request_head *request,
    struct part_range *ret_range);
// Its fields without the one that says where it lies. data NULL: out of memory.
struct slice part_fields(struct request *request, struct slice fields);
