// What the kernel says of this machine's network, and the facts that it comes to: pure, so that it
// can be held against messages that no kernel sent.
#pragma once

#include "base/arena.h"
#include "doctor/facts.h"

#include <linux/rtnetlink.h>
#include <net/if.h>

#define INTERFACES_MAX 64           // beyond it they are not looked at
#define INTERFACES_ADDRESSES_MAX 256

struct interface {
    unsigned index;
    char name[IF_NAMESIZE];
    bool is_up; // with a carrier, and no loopback
};

struct interface_address {
    unsigned index;
    int family;
    bool reaches; // beyond its link
};

// The way to an address of the internet, whichever table it comes from.
struct interface_route {
    bool was_asked, exists;
    unsigned index;         // of the interface
    struct address gateway; // family 0: none, the link leads there itself
};

struct interfaces {
    struct interface items[INTERFACES_MAX];
    struct interface_address addresses[INTERFACES_ADDRESSES_MAX];
    struct interface_route v4, v6;
    unsigned count, address_count;
};

// A message of RTM_NEWLINK, RTM_NEWADDR or RTM_NEWROUTE; others change nothing.
void interfaces_take(struct interfaces *interfaces, const struct nlmsghdr *message);
// The name is in the arena.
void interfaces_tell(const struct interfaces *interfaces, struct arena *arena,
    struct link_facts *ret_link);
// Does it reach beyond its link? Not the loopback's, link-local (RFC 3927, RFC 4291) and others
// that no packet of the internet has.
bool interfaces_address_reaches(const struct address *address);
