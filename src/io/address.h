// A network address: IPv4 or IPv6 with a port, or the path of a Unix socket for local control.
#pragma once

#include "base/error.h"
#include "base/slice.h"
#include "base/text.h"

#include <netinet/in.h>
#include <sys/un.h>

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    };
};

#define ADDRESS_TEXT_MAX 128 // bytes that the longest address takes as text

// "127.0.0.1:80", "[::1]:80", ":80" (all addresses: the IPv6 wildcard, which also takes IPv4),
// "unix:/run/afloat/control". Numbers only, no names.
enum error address_parse(struct slice text, struct address *ret_address) MUST_CHECK;
// A host alone: "127.0.0.1", "::1" or "[::1]".
enum error address_parse_host(struct slice host, uint16_t port,
    struct address *ret_address) MUST_CHECK;
void address_set_port(struct address *address, uint16_t port);
uint16_t address_port(const struct address *address); // 0 for a Unix socket
// Family, host and port; a mapped IPv4 address equals the plain one.
bool address_equal(const struct address *a, const struct address *b);
socklen_t address_size(const struct address *address);
// The address with its port; without: see below. A mapped IPv4 address is written as IPv4.
void address_format(struct text *text, const struct address *address);
void address_format_host(struct text *text, const struct address *address);
