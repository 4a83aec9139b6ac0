// Questions to the kernel about the network, by rtnetlink (rtnetlink(7)): what anybody may ask,
// without privileges. Blocks no longer than the deadline, nor after the check is over.
#pragma once

#include "base/error.h"
#include "doctor/check.h"

#include <linux/rtnetlink.h>

struct netlink {
    const struct check *check;
    uint64_t deadline_ms;
    int descriptor;
    uint32_t sequence; // of the last question
};

// Called for each message of an answer; its length is checked.
typedef void netlink_take(void *context, const struct nlmsghdr *message);

enum error netlink_open(struct netlink *netlink, const struct check *check,
    uint64_t deadline_ms) MUST_CHECK;
void netlink_close(struct netlink *netlink);

// question: its header with what follows, nlmsg_len and nlmsg_type set; with NLM_F_DUMP in its
// flags the answer is a list. UNREACHABLE: what was asked for a route. CANCELLED, TIMEOUT, SYSTEM.
enum error netlink_ask(struct netlink *netlink, struct nlmsghdr *question, netlink_take *take,
    void *context) MUST_CHECK;

// The fixed part of a message, NULL when it is shorter than that.
const void *netlink_fixed(const struct nlmsghdr *message, size_t size);
// The last attribute of the type behind a fixed part of that size; data NULL: none.
struct slice netlink_attribute(const struct nlmsghdr *message, size_t fixed_size, unsigned type);
// An attribute of exactly 4 bytes. False: there is none.
bool netlink_number(const struct nlmsghdr *message, size_t fixed_size, unsigned type,
    uint32_t *ret_number) MUST_CHECK;
// An address out of 4 or 16 bytes; family 0 otherwise.
struct address netlink_address(int family, struct slice bytes);
