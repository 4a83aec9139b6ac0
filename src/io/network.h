// A range of network addresses in CIDR notation (RFC 4632, RFC 4291 section 2.3), and lists of
// them: who is allowed, who is trusted, who is meant. Ports play no part. IPv4 is held as mapped
// IPv6, so that a visitor who came through an IPv6 socket is matched by the IPv4 range he is in.
#pragma once

#include "io/address.h"

struct network {
    uint8_t bytes[16];
    uint8_t bits; // of them, 0..128
};

// A list belongs to its owner; count 0 contains nobody.
struct network_list {
    struct network *items;
    size_t count;
};

// "192.0.2.0/24", "2001:db8::/32", or one address alone: "192.0.2.1", "[::1]". Bits beyond the
// prefix must be zero: whoever writes 192.0.2.1/24 means something that we would have to guess.
enum error network_parse(struct slice text, struct network *ret_network) MUST_CHECK;
// The address alone, or for IPv6 the /64 that one visitor has at his disposal (RFC 6177), as
// whatever counts by visitor must count it. False for a Unix socket.
bool network_of_client(const struct address *address, struct network *ret_network);
// The range of so many bits that the address is in: what counts by network rather than by visitor
// takes NETWORK_BITS. False for a Unix socket.
#define NETWORK_BITS_V4 24
#define NETWORK_BITS_V6 48
bool network_around(const struct address *address, unsigned bits_v4, unsigned bits_v6,
    struct network *ret_network);
bool network_contains(const struct network *network, const struct address *address);
bool network_list_contains(const struct network_list *list, const struct address *address);
