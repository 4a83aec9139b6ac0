// A network address: IPv4 or IPv6 with a port, or a Unix socket path for local control.
#pragma once

#include "base/error.h"
#include "base/slice.h"
#include "base/text.h"

#include <netinet/in.h>

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};

// "127.0.0.1:80", "[::1]:80", ":80" (all addresses: the IPv6 wildcard, which also takes IPv4).
// Numbers only, no names.
enum error address_parse(struct slice text, struct address *ret_address) MUST_CHECK;
void address_set_port(struct address *address, uint16_t port);
uint16_t address_port(const struct address *address);
bool address_equal(const struct address *a, const struct address *b);
socklen_t address_size(const struct address *address);
// The address with its port; without: see below. A mapped IPv4 address is written as IPv4.
void address_format(struct text *text, const struct address *address);
void address_format_host(struct text *text, const struct address *address);
