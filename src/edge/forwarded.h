// Who asks, as proxies in front tell it: X-Forwarded-For, or Forwarded (RFC 7239). Everybody can
// write these fields; what a trusted proxy appended is true, and what stands before that is true if
// the appended address is a trusted proxy's too. So the list is read from its end, and the first
// address that nobody vouches for is the visitor's.
#pragma once

#include "http/field.h"
#include "io/network.h"

#define FORWARDED_HOPS_MAX 32 // counted from the end; what stands before is not looked at

enum forwarded_form { FORWARDED_X_FOR, FORWARDED_RFC7239 };
enum forwarded_scheme { FORWARDED_SCHEME_UNKNOWN, FORWARDED_SCHEME_HTTP, FORWARDED_SCHEME_HTTPS };

// Views into the fields.
struct forwarded_hops {
    struct forwarded_hop {
        struct slice node; // may be anything
        enum forwarded_scheme scheme;
    } items[FORWARDED_HOPS_MAX];
    size_t count;
};

struct forwarded {
    struct address client;
    enum forwarded_scheme scheme;
};

// One form is believed and the other is not looked at: a proxy that writes one passes the other on
// as the visitor sent it. Writes to *chain, which may be too small, the verified addresses
// from the client on, separated by ", ": what X-Forwarded-For becomes before the peer is added.
// Without a trusted peer the client is the peer and the chain empty.
void forwarded_read(const struct http_fields *fields, enum forwarded_form form,
    const struct network_list *trusted, const struct address *peer, struct text *chain,
    struct forwarded *ret_forwarded);

// A node as both forms write it: 192.0.2.1, 192.0.2.1:80, [2001:db8::1]:80, 2001:db8::1; with
// quotes around it. INVALID for others, "unknown" and "_hidden" among them. The port is dropped.
enum error forwarded_parse_node(struct slice node, struct address *ret_address) MUST_CHECK;
