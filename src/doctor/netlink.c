// Asks, and reads the answer message by message.
#include "doctor/netlink.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_SIZE ((size_t)12 << 10) // the kernel fills a page or two, whoever reads

enum error netlink_open(struct netlink *netlink, const struct check *check, uint64_t deadline_ms)
{
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (descriptor < 0)
        return error_from_errno(errno);
    *netlink = (struct netlink){check, deadline_ms, descriptor, 0};
    return ERROR_NONE;
}

void netlink_close(struct netlink *netlink)
{
    close(netlink->descriptor);
}

const void *netlink_fixed(const struct nlmsghdr *message, size_t size)
{
    return message->nlmsg_len < NLMSG_HDRLEN + size ? NULL : (const char *)message + NLMSG_HDRLEN;
}

struct slice netlink_attribute(const struct nlmsghdr *message, size_t fixed_size, unsigned type)
{
    struct slice found = SLICE_EMPTY;
    size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(fixed_size), end = message->nlmsg_len;
    const char *bytes = (const char *)message;
    while (at + sizeof(struct rtattr) <= end) {
        struct rtattr attribute;
        memcpy(&attribute, bytes + at, sizeof(attribute));
        if (attribute.rta_len < sizeof(attribute) || attribute.rta_len > end - at)
            break;
        if ((attribute.rta_type & NLA_TYPE_MASK) == type)
            found = slice_of(bytes + at + sizeof(attribute),
                attribute.rta_len - sizeof(attribute));
        at += RTA_ALIGN(attribute.rta_len);
    }
    return found;
}

bool netlink_number(const struct nlmsghdr *message, size_t fixed_size, unsigned type,
    uint32_t *ret_number)
{
    struct slice bytes = netlink_attribute(message, fixed_size, type);
    if (bytes.size != sizeof(*ret_number))
        return false;
    memcpy(ret_number, bytes.data, bytes.size);
    return true;
}

struct address netlink_address(int family, struct slice bytes)
{
    struct address address = {0};
    if (family == AF_INET && bytes.size == sizeof(address.v4.sin_addr)) {
        address.v4.sin_family = AF_INET;
        memcpy(&address.v4.sin_addr, bytes.data, bytes.size);
    } else if (family == AF_INET6 && bytes.size == sizeof(address.v6.sin6_addr)) {
        address.v6.sin6_family = AF_INET6;
        memcpy(&address.v6.sin6_addr, bytes.data, bytes.size);
    }
    return address;
}

static enum error wait_readable(const struct netlink *netlink)
{
    struct pollfd polled[] = {{netlink->descriptor, POLLIN, 0},
        {check_stop_descriptor(netlink->check), POLLIN, 0}};
    for (;;) {
        uint64_t now = clock_now_ms();
        if (check_is_over(netlink->check))
            return ERROR_CANCELLED;
        if (now >= netlink->deadline_ms)
            return ERROR_TIMEOUT;
        int count = poll(polled, ARRAY_SIZE(polled),
            (int)MINIMUM(netlink->deadline_ms - now, (uint64_t)1000));
        if (count < 0 && errno != EINTR)
            return ERROR_SYSTEM;
        if (count > 0 && polled[1].revents != 0)
            return ERROR_CANCELLED;
        if (count > 0)
            return ERROR_NONE;
    }
}

static enum error error_of(const struct nlmsghdr *message)
{
    const struct nlmsgerr *said = netlink_fixed(message, sizeof(*said));
    if (said == NULL)
        return ERROR_PROTOCOL;
    if (said->error == -ENETUNREACH || said->error == -EHOSTUNREACH)
        return ERROR_UNREACHABLE;
    return said->error == 0 ? ERROR_NONE : ERROR_SYSTEM;
}

// One datagram of the answer. True: it was the last one.
static bool take_datagram(const struct netlink *netlink, const void *bytes, size_t size,
    bool is_list, netlink_take *take, void *context, enum error *ret_error)
{
    const struct nlmsghdr *message = bytes;
    *ret_error = ERROR_NONE;
    while (size >= sizeof(*message) && message->nlmsg_len >= sizeof(*message)
        && message->nlmsg_len <= size) {
        bool is_ours = message->nlmsg_seq == netlink->sequence;
        if (is_ours && message->nlmsg_type == NLMSG_DONE)
            return true;
        if (is_ours && message->nlmsg_type == NLMSG_ERROR) {
            *ret_error = error_of(message);
            return true;
        }
        if (is_ours) {
            take(context, message);
            if (!is_list)
                return true;
        }
        size_t step = MINIMUM(NLMSG_ALIGN(message->nlmsg_len), size);
        message = (const struct nlmsghdr *)(const void *)((const char *)message + step);
        size -= step;
    }
    return false;
}

enum error netlink_ask(struct netlink *netlink, struct nlmsghdr *question, netlink_take *take,
    void *context)
{
    _Alignas(struct nlmsghdr) char bytes[ANSWER_SIZE];
    bool is_list = (question->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    question->nlmsg_flags |= NLM_F_REQUEST;
    question->nlmsg_seq = ++netlink->sequence;
    if (send(netlink->descriptor, question, question->nlmsg_len, 0) < 0)
        return error_from_errno(errno);
    for (;;) {
        enum error error = wait_readable(netlink);
        if (error != ERROR_NONE)
            return error;
        ssize_t size = recv(netlink->descriptor, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (size < 0 && errno != EAGAIN && errno != EINTR)
            return ERROR_SYSTEM;
        if (size > 0 && take_datagram(netlink, bytes, (size_t)size, is_list, take, context, &error))
            return error;
    }
}
