// IPv4: unicast but for the special ranges. IPv6: only what is given out as global unicast
// (2000::/3) but for those in it; all else is special, or will be one day.
#include "doctor/guard.h"

#define V4(a, b, c, d, size)                                                                       \
    {{[10] = 0xff, [11] = 0xff, [12] = (a), [13] = (b), [14] = (c), [15] = (d)}, 96 + (size)}
#define V6(a, b, c, size)                                                                          \
    {{(a) >> 8, (a) & 0xff, (b) >> 8, (b) & 0xff, (c) >> 8, (c) & 0xff}, (size)}

static const struct network special[] = {
    V4(0, 0, 0, 0, 8),        // this network (RFC 791)
    V4(10, 0, 0, 0, 8),       // private use (RFC 1918)
    V4(100, 64, 0, 0, 10),    // shared by the customers of a provider (RFC 6598)
    V4(127, 0, 0, 0, 8),      // loopback
    V4(169, 254, 0, 0, 16),   // link-local (RFC 3927), where clouds keep their metadata
    V4(172, 16, 0, 0, 12),    // private use
    V4(192, 0, 0, 0, 24),     // protocol assignments (RFC 6890)
    V4(192, 0, 2, 0, 24),     // documentation (RFC 5737)
    V4(192, 88, 99, 0, 24),   // once 6to4 relays (RFC 7526)
    V4(192, 168, 0, 0, 16),   // private use
    V4(198, 18, 0, 0, 15),    // benchmarks (RFC 2544)
    V4(198, 51, 100, 0, 24),  // documentation
    V4(203, 0, 113, 0, 24),   // documentation
    V4(224, 0, 0, 0, 4),      // multicast
    V4(240, 0, 0, 0, 4),      // reserved, and broadcast
    V6(0x2001, 0, 0, 23),     // protocol assignments: Teredo, benchmarks, ORCHID (RFC 2928)
    V6(0x2001, 0xdb8, 0, 32), // documentation (RFC 3849)
    V6(0x2002, 0, 0, 16),     // 6to4: an IPv4 address is in it (RFC 3056)
    V6(0x3fff, 0, 0, 20),     // documentation (RFC 9637)
};

static const struct network global_v6 = V6(0x2000, 0, 0, 3);

static bool is_permitted_port(const struct guard *guard, uint16_t port)
{
    bool is_permitted = port == 80 || port == 443;
    for (size_t i = 0; i < guard->port_count; i++)
        is_permitted = is_permitted || guard->ports[i] == port;
    return is_permitted && port != 0;
}

static bool is_global(const struct address *address)
{
    bool is_special = address->any.sa_family == AF_INET6 && !network_contains(&global_v6, address);
    for (size_t i = 0; i < ARRAY_SIZE(special); i++)
        is_special = is_special || network_contains(&special[i], address);
    return !is_special;
}

// A mapped address is an IPv4 address in disguise, whatever its range: a name has no reason for it.
static bool is_disguised(const struct address *address)
{
    return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr);
}

bool guard_may_reach(const struct guard *guard, const struct address *address)
{
    if (address->any.sa_family != AF_INET && address->any.sa_family != AF_INET6)
        return false;
    if (is_disguised(address) || !is_permitted_port(guard, address_port(address)))
        return false;
    return is_global(address) || network_list_contains(&guard->allow, address);
}
