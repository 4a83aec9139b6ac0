// Sends and counts.
#include "doctor/echo.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>
#include <unistd.h>

// Of both families alike. The kernel fills in the checksum and its own identifier.
struct echo_packet {
    uint8_t type, code;
    uint16_t checksum, identifier, number;
    uint8_t payload[24];
};

void echo_open(struct echo *echo, const struct address *address)
{
    int family = address->any.sa_family;
    *echo = (struct echo){.address = *address, .descriptor = -1};
    int descriptor = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
        family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    if (descriptor < 0)
        return;
    if (connect(descriptor, &address->any, address_size(address)) < 0)
        close(descriptor);
    else
        echo->descriptor = descriptor;
}

void echo_close(struct echo *echo)
{
    if (echo->descriptor >= 0)
        close(echo->descriptor);
    echo->descriptor = -1;
}

void echo_send(struct echo *echo, uint64_t now_ms)
{
    bool is_v4 = echo->address.any.sa_family == AF_INET;
    struct echo_packet packet = {.type = is_v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
        .number = htons((uint16_t)echo->sent)};
    if (echo->descriptor < 0 || echo->sent == ECHOES)
        return;
    echo->sent_ms[echo->sent++] = now_ms;
    // An error may be that of an earlier one, then this one was not sent.
    if (send(echo->descriptor, &packet, sizeof(packet), MSG_NOSIGNAL) < 0 && errno != EAGAIN)
        (void)!send(echo->descriptor, &packet, sizeof(packet), MSG_NOSIGNAL);
}

static void take(struct echo *echo, const struct echo_packet *packet, uint64_t now_ms)
{
    bool is_v4 = echo->address.any.sa_family == AF_INET;
    unsigned number = ntohs(packet->number);
    if (packet->type != (is_v4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) || number >= echo->sent
        || (echo->answered & UINT32_C(1) << number) != 0)
        return;
    echo->answered |= UINT32_C(1) << number;
    echo->replies++;
    echo->slowest_ms = MAXIMUM(echo->slowest_ms, now_ms - echo->sent_ms[number]);
}

void echo_receive(struct echo *echo, uint64_t now_ms)
{
    const int reads_most = 4 * ECHOES; // whoever answers more often is heard next time
    struct echo_packet packet;
    for (int i = 0; echo->descriptor >= 0 && i < reads_most; i++) {
        ssize_t size = recv(echo->descriptor, &packet, sizeof(packet), 0);
        if (size < 0 && errno == EAGAIN)
            return;
        if (size >= (ssize_t)offsetof(struct echo_packet, payload))
            take(echo, &packet, now_ms);
    }
}

uint64_t echo_end_ms(const struct echo *echo)
{
    if (echo->descriptor < 0 || echo->replies == ECHOES)
        return 0;
    if (echo->sent < ECHOES)
        return UINT64_MAX;
    uint64_t patience = ECHO_PATIENCE_MS;
    if (echo->replies > 0)
        patience = MINIMUM(MAXIMUM(3 * echo->slowest_ms, ECHO_PATIENCE_LEAST_MS),
            ECHO_PATIENCE_MOST_MS);
    return echo->sent_ms[ECHOES - 1] + patience;
}
