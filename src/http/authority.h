// The authority of a request: host and optional port (RFC 3986 section 3.2, RFC 9110 sections 4.2
// and 7.2), without user information. Narrower than the grammar, so that nobody can smuggle a
// second meaning into a name: the host is a DNS name of letters, digits, '-', '.', '_', '~' without
// empty labels (a final dot may stand), an IPv4 address, or a bracketed IPv6 address without zone.
#pragma once

#include "base/slice.h"

#define HTTP_HOST_SIZE_MAX 255

struct http_authority {
    struct slice host; // as sent, with brackets
    uint16_t port;     // 0: none given
};

// False when it is malformed; an empty one is.
bool http_authority_parse(struct slice authority, struct http_authority *ret_authority) MUST_CHECK;
