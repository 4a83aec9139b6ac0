// The target URI of a request in one normal form, for cache keys (RFC 9111 section 2, RFC 3986
// section 6.2.2): what is equivalent by syntax alone gets the same key. Only the key is normalised;
// the origin gets the target as the visitor sent it.
#pragma once

#include "base/error.h"
#include "base/text.h"

// "scheme://host[:port]/path[?query]": scheme and host in lower case, the scheme's default port
// left out, in the path percent-encoded unreserved characters decoded and other escapes in upper
// case, the empty path as "/"; a path with a malformed escape stays as it is. The query is kept
// byte for byte (data NULL: none, which differs from an empty one), and so are dot segments.
// ERROR_INVALID: no authority that http/authority.h accepts. ERROR_LIMIT: does not fit. On failure
// the text is as long as it was.
enum error http_key_write(struct text *text, struct slice scheme, struct slice authority,
    struct slice path, struct slice query) MUST_CHECK;
