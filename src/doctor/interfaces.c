// Interfaces, addresses and the two ways out.
#include "doctor/interfaces.h"
#include "doctor/netlink.h"

bool interfaces_address_reaches(const struct address *address)
{
    if (address->any.sa_family == AF_INET) {
        uint32_t host = ntohl(address->v4.sin_addr.s_addr);
        return host >> 24 != 0 && host >> 24 != 127 && host >> 16 != 0xA9FE && host >> 28 < 14;
    }
    const struct in6_addr *v6 = &address->v6.sin6_addr;
    return address->any.sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(v6)
        && !IN6_IS_ADDR_LOOPBACK(v6) && !IN6_IS_ADDR_UNSPECIFIED(v6) && !IN6_IS_ADDR_MULTICAST(v6);
}

static void take_link(struct interfaces *interfaces, const struct nlmsghdr *message)
{
    const struct ifinfomsg *link = netlink_fixed(message, sizeof(*link));
    if (link == NULL || interfaces->count == INTERFACES_MAX)
        return;
    struct slice name = netlink_attribute(message, sizeof(*link), IFLA_IFNAME);
    struct interface *item = &interfaces->items[interfaces->count++];
    *item = (struct interface){.index = (unsigned)link->ifi_index};
    item->is_up = (link->ifi_flags & IFF_UP) != 0 && (link->ifi_flags & IFF_RUNNING) != 0
        && (link->ifi_flags & IFF_LOOPBACK) == 0;
    if (name.size > 0)
        memcpy(item->name, name.data, MINIMUM(name.size, sizeof(item->name) - 1));
}

static void take_address(struct interfaces *interfaces, const struct nlmsghdr *message)
{
    const struct ifaddrmsg *about = netlink_fixed(message, sizeof(*about));
    if (about == NULL || interfaces->address_count == INTERFACES_ADDRESSES_MAX)
        return;
    // On a link between two IFA_LOCAL is one's own, IFA_ADDRESS the other's.
    struct slice bytes = netlink_attribute(message, sizeof(*about), IFA_LOCAL);
    if (bytes.data == NULL)
        bytes = netlink_attribute(message, sizeof(*about), IFA_ADDRESS);
    struct address address = netlink_address(about->ifa_family, bytes);
    uint32_t flags = about->ifa_flags;
    if (!netlink_number(message, sizeof(*about), IFA_FLAGS, &flags))
        flags = about->ifa_flags;
    // Tentative: nobody may use it yet, or, where another machine has it, ever.
    bool is_usable = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0
        || (flags & IFA_F_OPTIMISTIC) != 0;
    interfaces->addresses[interfaces->address_count++] = (struct interface_address){
        about->ifa_index, about->ifa_family, is_usable && interfaces_address_reaches(&address)};
}

static void take_route(struct interfaces *interfaces, const struct nlmsghdr *message)
{
    const struct rtmsg *about = netlink_fixed(message, sizeof(*about));
    uint32_t index = 0;
    if (about == NULL || (about->rtm_family != AF_INET && about->rtm_family != AF_INET6))
        return;
    struct interface_route *route = about->rtm_family == AF_INET ? &interfaces->v4
                                                                 : &interfaces->v6;
    struct slice gateway = netlink_attribute(message, sizeof(*about), RTA_GATEWAY);
    struct slice via = netlink_attribute(message, sizeof(*about), RTA_VIA); // of another family
    if (!netlink_number(message, sizeof(*about), RTA_OIF, &index))
        index = 0;
    route->exists = about->rtm_type == RTN_UNICAST && index != 0;
    route->index = index;
    route->gateway = netlink_address(about->rtm_family, gateway);
    if (via.size > sizeof(sa_family_t)) {
        sa_family_t family;
        memcpy(&family, via.data, sizeof(family));
        route->gateway = netlink_address(family,
            slice_of(via.data + sizeof(family), via.size - sizeof(family)));
    }
    if (route->gateway.any.sa_family == AF_INET6
        && IN6_IS_ADDR_LINKLOCAL(&route->gateway.v6.sin6_addr))
        route->gateway.v6.sin6_scope_id = index;
}

void interfaces_take(struct interfaces *interfaces, const struct nlmsghdr *message)
{
    if (message->nlmsg_type == RTM_NEWLINK)
        take_link(interfaces, message);
    else if (message->nlmsg_type == RTM_NEWADDR)
        take_address(interfaces, message);
    else if (message->nlmsg_type == RTM_NEWROUTE)
        take_route(interfaces, message);
}

static const struct interface *find(const struct interfaces *interfaces, unsigned index)
{
    for (unsigned i = 0; i < interfaces->count; i++) {
        if (interfaces->items[i].index == index)
            return &interfaces->items[i];
    }
    return NULL;
}

// Where a way leads out, only the interfaces of ways count: that of virtual machines has an address
// too, and none of its machine's packets leave by it.
static bool has_address(const struct interfaces *interfaces, int family)
{
    bool has_route = interfaces->v4.exists || interfaces->v6.exists;
    for (unsigned i = 0; i < interfaces->address_count; i++) {
        const struct interface_address *address = &interfaces->addresses[i];
        const struct interface *interface = find(interfaces, address->index);
        bool is_way_out = (interfaces->v4.exists && interfaces->v4.index == address->index)
            || (interfaces->v6.exists && interfaces->v6.index == address->index);
        if (address->family == family && address->reaches && interface != NULL
            && interface->is_up && (is_way_out || !has_route))
            return true;
    }
    return false;
}

static enum fact tell_route(const struct interface_route *route, bool has_one)
{
    if (!has_one || !route->was_asked)
        return FACT_UNKNOWN;
    return route->exists ? FACT_GOOD : FACT_BAD;
}

void interfaces_tell(const struct interfaces *interfaces, struct arena *arena,
    struct link_facts *ret_link)
{
    struct link_facts link = {0};
    const struct interface *best = NULL;
    for (unsigned i = 0; i < interfaces->count && best == NULL; i++)
        best = interfaces->items[i].is_up ? &interfaces->items[i] : NULL;
    link.interface = best != NULL ? FACT_GOOD : FACT_BAD;
    link.has_v4 = has_address(interfaces, AF_INET);
    link.has_v6 = has_address(interfaces, AF_INET6);
    link.address = link.has_v4 || link.has_v6 ? FACT_GOOD : FACT_BAD;
    link.route_v4 = tell_route(&interfaces->v4, link.has_v4);
    link.route_v6 = tell_route(&interfaces->v6, link.has_v6);
    const struct interface_route *way = link.route_v4 == FACT_GOOD ? &interfaces->v4
        : link.route_v6 == FACT_GOOD ? &interfaces->v6 : NULL;
    if (way != NULL) {
        link.gateway = way->gateway;
        best = find(interfaces, way->index);
    }
    if (best != NULL)
        link.name = arena_copy(arena, slice_from_string(best->name));
    *ret_link = link;
}
