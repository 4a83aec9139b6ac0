// Which addresses a vantage connects to when a stranger names them, as they are, by a name or by a
// redirect (server-side request forgery): those that can be reached from everywhere, by IANA's
// registries of special-purpose addresses (RFC 6890), at the ports of the web. Asked of each
// address right before it is connected to, so a name that resolves anew cannot get around it.
//
// Not known here are prefixes of a network's own by which it translates IPv6 to IPv4 (RFC 6052
// section 2.2): where a vantage lives behind one, that has to refuse private addresses itself.
#pragma once

#include "io/network.h"

// Zero: nothing beside what everybody can reach.
struct guard {
    struct network_list allow; // the operator's, beside that; for any of the ports
    const uint16_t *ports;     // the operator's, beside 80 and 443
    size_t port_count;
};

bool guard_may_reach(const struct guard *guard, const struct address *address);
