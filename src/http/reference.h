// References in Location and Content-Location (RFC 3986 sections 4 and 5, RFC 9110 sections 8.7 and
// 10.2.2), as far as they lead to http or https URLs.
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "http/message.h"

// What a reference comes to: views into the reference, the base or the arena.
struct http_target {
    struct slice authority, path, query; // path begins with '/'; query data NULL: none
};

// Resolves it against the request's target; dot segments are removed, a fragment is dropped.
// ERROR_INVALID: another scheme, or malformed. ERROR_MEMORY: the arena is full.
enum error http_reference_resolve(struct slice reference, const struct http_request_head *base,
    struct arena *arena, struct http_target *ret_target) MUST_CHECK;
// Whether two authorities name the same host and port; no port counts as that of http or https.
bool http_authority_is_same(struct slice a, struct slice b);
// Whether it names, without any doubt, just the target of the request.
bool http_reference_is_target(struct slice reference, const struct http_request_head *request);
