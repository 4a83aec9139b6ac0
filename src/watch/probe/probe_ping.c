// ICMP echoes (RFC 792, RFC 4443 section 4): by an unprivileged socket where the system lets this
// group have one (icmp(7), net.ipv4.ping_group_range), else by a raw one where this process may.
// Several are sent, as one may be lost on the way.
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "watch/probe/probe.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define ECHOES 4
#define RECEIVED_AT_ONCE 64 // of what others sent, too

struct packet {
    uint8_t type, code;
    uint16_t checksum, identifier, number;
    uint8_t mark[16]; // nobody else's
};

struct ping_probe {
    bool is_raw;
    unsigned sent;
    uint64_t sent_ms[ECHOES];
    struct packet packet;
};

static bool is_v4(const struct probe *probe)
{
    return probe->addresses[probe->address_at].any.sa_family == AF_INET;
}

// RFC 1071; of an unprivileged socket and of ICMPv6, the kernel's affair.
static uint16_t checksum(const struct packet *packet)
{
    uint16_t words[sizeof(*packet) / 2];
    uint32_t sum = 0;
    memcpy(words, packet, sizeof(words));
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        sum += words[i];
    sum = (sum >> 16) + (sum & 0xffff);
    sum += sum >> 16;
    return (uint16_t)~sum;
}

static void send_one(struct probe *probe)
{
    struct ping_probe *ping = probe->ping;
    struct packet *packet = &ping->packet;
    uint64_t now = clock_now_ms();
    packet->type = is_v4(probe) ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
    packet->number = htons((uint16_t)ping->sent);
    packet->checksum = 0;
    packet->checksum = checksum(packet);
    ping->sent_ms[ping->sent++] = now;
    ssize_t sent = send(probe->descriptor, packet, sizeof(*packet), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != ENOBUFS && errno != ECONNREFUSED
        && ping->sent == ECHOES) {
        probe_vote(probe, VOTE_DOWN, probe_reason(errno), 0);
        return;
    }
    uint64_t left = probe->deadline_ms - MINIMUM(now, probe->deadline_ms);
    probe_wait(probe, ping->sent == ECHOES ? probe->deadline_ms : now + left / (ECHOES + 1));
}

static bool is_answer(const struct probe *probe, const uint8_t *bytes, size_t size)
{
    struct ping_probe *ping = probe->ping;
    struct packet packet;
    size_t head = 0;
    if (ping->is_raw && is_v4(probe)) { // with its IP header
        if (size < sizeof(struct ip))
            return false;
        head = (size_t)(bytes[0] & 15) * 4;
    }
    if (size < head + sizeof(packet))
        return false;
    memcpy(&packet, bytes + head, sizeof(packet));
    return packet.type == (is_v4(probe) ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY)
        && memcmp(packet.mark, ping->packet.mark, sizeof(packet.mark)) == 0
        && ntohs(packet.number) < ping->sent;
}

static void on_socket(struct waiter *waiter, uint32_t events)
{
    struct probe *probe = CONTAINER_OF(waiter, struct probe, waiter);
    uint8_t bytes[256];
    (void)events;
    for (int i = 0; i < RECEIVED_AT_ONCE; i++) {
        ssize_t size = recv(probe->descriptor, bytes, sizeof(bytes), 0);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && errno != EAGAIN && probe->ping->sent < ECHOES)
            return; // an error of the way, which the next one may not meet
        if (size < 0 && errno != EAGAIN) {
            probe_vote(probe, VOTE_DOWN, probe_reason(errno), 0);
            return;
        }
        if (size < 0)
            return;
        if (is_answer(probe, bytes, (size_t)size)) {
            // Of the last that was sent: which of them was answered, a late answer would not say.
            probe->began_ms = probe->ping->sent_ms[probe->ping->sent - 1];
            probe_vote(probe, VOTE_UP, REASON_NONE, 0);
            return;
        }
    }
}

static void close_it(struct probe *probe)
{
    if (probe->descriptor >= 0) {
        poller_unwatch(probe->poller, probe->descriptor);
        close(probe->descriptor);
    }
    probe->descriptor = -1;
}

static bool open_socket(struct probe *probe, const struct address *address)
{
    int family = address->any.sa_family;
    int protocol = family == AF_INET ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6;
    int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    probe->ping->is_raw = false;
    probe->descriptor = socket(family, SOCK_DGRAM | flags, protocol);
    if (probe->descriptor < 0 && (errno == EACCES || errno == EPERM)) {
        probe->ping->is_raw = true;
        probe->descriptor = socket(family, SOCK_RAW | flags, protocol);
    }
    return probe->descriptor >= 0
        && connect(probe->descriptor, &address->any, address_size(address)) == 0
        && poller_watch(probe->poller, probe->descriptor, &probe->waiter, EPOLLIN) == ERROR_NONE;
}

static void fail(struct probe *probe, int number)
{
    bool is_forbidden = number == EACCES || number == EPERM || number == EPROTONOSUPPORT;
    if (is_forbidden && !probe->poller->told_of_ping) {
        probe->poller->told_of_ping = true;
        log_write(LOG_WARNING, "watch", "this system lets nobody here send ICMP echoes, so "
            "monitors with ping are unknown; widen net.ipv4.ping_group_range, or give CAP_NET_RAW");
    }
    if (probe->descriptor < 0)
        probe_lacks(probe, number);
    else
        probe_vote(probe, VOTE_DOWN, probe_reason(number), 0);
}

static void on_addresses(struct probe *probe)
{
    probe->waiter.ready = on_socket;
    probe->ping = memory_zero_alloc(sizeof(*probe->ping));
    if (probe->ping == NULL
        || getentropy(probe->ping->packet.mark, sizeof(probe->ping->packet.mark)) != 0) {
        probe_lacks(probe, ENOMEM);
        return;
    }
    memcpy(&probe->ping->packet.identifier, probe->ping->packet.mark, 2);
    // The first to which there is a way: where there is no IPv6, an address of it is no loss.
    for (;;) {
        struct address *address = &probe->addresses[probe->address_at];
        address_set_port(address, 0);
        if (open_socket(probe, address)) {
            send_one(probe);
            return;
        }
        int number = errno;
        if (++probe->address_at == probe->address_count) {
            fail(probe, number);
            return;
        }
        close_it(probe);
    }
}

void ping_begin(struct probe *probe)
{
    probe_find(probe, probe->target->host, 1, on_addresses);
}

void ping_late(struct probe *probe)
{
    if (probe->ping != NULL && probe->ping->sent < ECHOES)
        send_one(probe);
    else
        probe_wait(probe, probe->deadline_ms);
}

void ping_end(struct probe *probe)
{
    memory_free(probe->ping);
    probe->ping = NULL;
}
