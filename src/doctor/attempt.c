// Sockets that do not block, in one poll loop. Each address has a way of its own: connecting, then
// the handshake, and after silence in that once more from the beginning with small segments.
#include "doctor/attempt.h"
#include "doctor/attempt_tls.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SMALL_SEGMENT 536   // RFC 9293 section 3.7.1: what every way has to carry
#define OTHERS_CUT_MS 1000  // once one is well, the others' first try ends so soon

enum way_state { WAY_WAITS, WAY_CONNECTS, WAY_SECURES, WAY_IS_OVER };

struct way {
    struct attempt_facts *attempt;
    enum way_state state;
    bool is_small; // the second try
    int socket;
    struct handshake *handshake;
    uint64_t began_ms, connected_ms;
};

struct ways {
    const struct check *check;
    struct slice host;
    struct arena *arena;
    SSL_CTX *context; // NULL without TLS
    uint64_t cut_ms;  // the first try's end in the handshake
    uint64_t end_ms;
    bool has_good;
    struct way items[FACTS_ADDRESSES_MAX];
    unsigned count;
};

// --- One way ---

static void note_retransmits(struct way *way)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    if (!way->is_small && getsockopt(way->socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
        way->attempt->retransmits = info.tcpi_total_retrans;
}

static void close_way(struct ways *ways, struct way *way)
{
    if (way->handshake != NULL && !way->is_small)
        handshake_tell(way->handshake, ways->arena, way->attempt);
    handshake_end(way->handshake);
    way->handshake = NULL;
    if (way->socket >= 0) {
        note_retransmits(way);
        close(way->socket);
    }
    way->socket = -1;
    way->state = WAY_IS_OVER;
}

// Who sent the ICMP error, for the kernel keeps it for those who ask (ip(7), IP_RECVERR).
static void note_teller(struct way *way)
{
    char control[512];
    char byte;
    struct iovec piece = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control,
        .msg_controllen = sizeof(control)};
    if (recvmsg(way->socket, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
        return;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at != NULL; at = CMSG_NXTHDR(&message, at)) {
        bool is_v4 = at->cmsg_level == SOL_IP && at->cmsg_type == IP_RECVERR;
        bool is_v6 = at->cmsg_level == SOL_IPV6 && at->cmsg_type == IPV6_RECVERR;
        if (!is_v4 && !is_v6)
            continue;
        const struct sock_extended_err *error = (const void *)CMSG_DATA(at);
        const struct sockaddr *teller = SO_EE_OFFENDER(error);
        if (error->ee_origin == SO_EE_ORIGIN_LOCAL)
            continue;
        if (teller->sa_family == AF_INET)
            memcpy(&way->attempt->told_by.v4, teller, sizeof(struct sockaddr_in));
        else if (teller->sa_family == AF_INET6)
            memcpy(&way->attempt->told_by.v6, teller, sizeof(struct sockaddr_in6));
    }
}

static enum reach_outcome outcome_of(int number)
{
    switch (number) {
    case ECONNREFUSED:
        return REACH_REFUSED;
    case ECONNRESET:
    case EPIPE:
        return REACH_RESET;
    case ETIMEDOUT:
        return REACH_SILENT;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return REACH_UNKNOWN; // it is we who lack something
    default:
        return REACH_UNREACHABLE;
    }
}

static unsigned since_ms(uint64_t then_ms)
{
    return (unsigned)(check_now_ms() - then_ms);
}

static void connect_failed(struct ways *ways, struct way *way, int number)
{
    if (!way->is_small) {
        way->attempt->reach = outcome_of(number);
        way->attempt->reach_ms = since_ms(way->began_ms);
        if (way->socket >= 0)
            note_teller(way);
    } else {
        way->attempt->small = number == ETIMEDOUT ? SECURE_SILENT : SECURE_BROKEN;
    }
    close_way(ways, way);
}

static void connected(struct ways *ways, struct way *way);

static void set_options(const struct way *way, bool wants_teller)
{
    int value = wants_teller ? 1 : 0, size = SMALL_SEGMENT;
    bool is_v6 = way->attempt->address.any.sa_family == AF_INET6;
    // A kernel that cannot do this knows less, and that is all.
    setsockopt(way->socket, is_v6 ? SOL_IPV6 : SOL_IP, is_v6 ? IPV6_RECVERR : IP_RECVERR, &value,
        sizeof(value));
    if (way->is_small)
        setsockopt(way->socket, IPPROTO_TCP, TCP_MAXSEG, &size, sizeof(size));
}

static void begin(struct ways *ways, struct way *way)
{
    const struct address *address = &way->attempt->address;
    way->began_ms = check_now_ms();
    way->state = WAY_CONNECTS;
    way->socket = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (way->socket < 0) {
        connect_failed(ways, way, errno);
        return;
    }
    set_options(way, true);
    if (connect(way->socket, &address->any, address_size(address)) == 0)
        connected(ways, way);
    else if (errno != EINPROGRESS)
        connect_failed(ways, way, errno);
}

static void over_well(struct ways *ways, uint64_t now_ms)
{
    if (ways->has_good)
        return;
    ways->has_good = true;
    ways->cut_ms = MINIMUM(ways->cut_ms, now_ms + OTHERS_CUT_MS);
    ways->end_ms = MINIMUM(ways->end_ms, now_ms + ATTEMPT_PATIENCE_MS);
}

static void secured(struct ways *ways, struct way *way, enum secure_outcome outcome)
{
    if (way->is_small) {
        way->attempt->small = outcome;
    } else {
        way->attempt->secure = outcome;
        way->attempt->secure_ms = since_ms(way->connected_ms);
    }
    if (outcome == SECURE_GOOD)
        over_well(ways, check_now_ms());
    close_way(ways, way);
}

static void go_on_securing(struct ways *ways, struct way *way)
{
    enum secure_outcome outcome = handshake_go_on(way->handshake);
    if (outcome != SECURE_UNKNOWN)
        secured(ways, way, outcome);
}

static void connected(struct ways *ways, struct way *way)
{
    way->connected_ms = check_now_ms();
    if (!way->is_small) {
        way->attempt->reach = REACH_GOOD;
        way->attempt->reach_ms = since_ms(way->began_ms);
    }
    set_options(way, false); // from now on an ICMP error is no reason to end, as for browsers
    if (ways->context == NULL) {
        over_well(ways, way->connected_ms);
        close_way(ways, way);
        return;
    }
    way->state = WAY_SECURES;
    way->handshake = handshake_begin(ways->context, ways->host, way->socket);
    if (way->handshake == NULL)
        close_way(ways, way); // and nobody knows
    else
        go_on_securing(ways, way);
}

static void go_on(struct ways *ways, struct way *way, short events)
{
    int number = 0;
    socklen_t size = sizeof(number);
    if (way->state == WAY_SECURES) {
        go_on_securing(ways, way);
        return;
    }
    if (getsockopt(way->socket, SOL_SOCKET, SO_ERROR, &number, &size) != 0)
        number = errno;
    if (number != 0)
        connect_failed(ways, way, number);
    else if ((events & POLLOUT) != 0)
        connected(ways, way);
}

// --- All of them ---

static void silent(struct ways *ways, struct way *way)
{
    bool was_small = way->is_small;
    if (was_small)
        way->attempt->small = SECURE_SILENT;
    else if (way->state == WAY_CONNECTS)
        way->attempt->reach = REACH_SILENT;
    else
        way->attempt->secure = SECURE_SILENT;
    if (way->state == WAY_CONNECTS && !was_small)
        way->attempt->reach_ms = since_ms(way->began_ms);
    else if (!was_small)
        way->attempt->secure_ms = since_ms(way->connected_ms);
    close_way(ways, way);
}

// Who connected only after the cut has the rest of the time, and no second try.
static uint64_t end_of(const struct ways *ways, const struct way *way)
{
    bool is_cut = !way->is_small && way->state == WAY_SECURES && way->connected_ms < ways->cut_ms;
    return is_cut ? MINIMUM(ways->cut_ms, ways->end_ms) : ways->end_ms;
}

static void end_those_due(struct ways *ways, uint64_t now_ms)
{
    for (unsigned i = 0; i < ways->count; i++) {
        struct way *way = &ways->items[i];
        if (way->state == WAY_IS_OVER || now_ms < end_of(ways, way))
            continue;
        bool was_securing = way->state == WAY_SECURES && !way->is_small;
        silent(ways, way);
        if (was_securing && now_ms < ways->end_ms) {
            way->is_small = true;
            begin(ways, way);
        }
    }
}

// False: there is nobody on his way, or the check is over.
static bool turn(struct ways *ways)
{
    struct pollfd wanted[FACTS_ADDRESSES_MAX + 1];
    struct way *whose[FACTS_ADDRESSES_MAX];
    uint64_t now_ms = check_now_ms(), until_ms = ways->end_ms;
    unsigned count = 0;
    for (unsigned i = 0; i < ways->count; i++) {
        struct way *way = &ways->items[i];
        if (way->state == WAY_IS_OVER)
            continue;
        short events = way->state == WAY_CONNECTS ? POLLOUT : handshake_events(way->handshake);
        until_ms = MINIMUM(until_ms, end_of(ways, way));
        whose[count] = way;
        wanted[count++] = (struct pollfd){.fd = way->socket, .events = events};
    }
    if (count == 0)
        return false;
    wanted[count] = (struct pollfd){.fd = check_stop_descriptor(ways->check), .events = POLLIN};
    int wait_ms = until_ms > now_ms
        ? (int)MINIMUM(until_ms - now_ms, (uint64_t)CHECK_TIMEOUT_MAX_MS) : 0;
    poll(wanted, count + 1, wait_ms);
    for (unsigned i = 0; i < count; i++)
        if (wanted[i].revents != 0)
            go_on(ways, whose[i], wanted[i].revents);
    return wanted[count].revents == 0 && !check_is_over(ways->check);
}

static void begin_all(struct ways *ways, struct attempt_facts *attempts, unsigned count,
    bool asks_may_reach)
{
    const struct check_options *options = check_options_of(ways->check);
    for (unsigned i = 0; i < count; i++) {
        int family = attempts[i].address.any.sa_family;
        if ((family != AF_INET && family != AF_INET6)
            || (asks_may_reach && options->may_reach != NULL
                && !options->may_reach(&attempts[i].address)))
            continue;
        struct way *way = &ways->items[ways->count++];
        *way = (struct way){.attempt = &attempts[i], .socket = -1};
        begin(ways, way);
    }
}

void attempt_all(const struct check *check, struct slice host, bool is_secure, bool asks_may_reach,
    uint64_t deadline_ms, struct arena *arena, struct attempt_facts *attempts, unsigned count)
{
    uint64_t now_ms = check_now_ms();
    uint64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    struct ways ways = {.check = check, .host = host, .arena = arena,
        .cut_ms = now_ms + left_ms - left_ms / 3, .end_ms = deadline_ms};
    if (left_ms == 0 || check_is_over(check))
        return;
    if (is_secure && (ways.context = handshake_context()) == NULL)
        return;

    begin_all(&ways, attempts, MINIMUM(count, FACTS_ADDRESSES_MAX), asks_may_reach);
    do
        end_those_due(&ways, check_now_ms());
    while (turn(&ways));
    for (unsigned i = 0; i < ways.count; i++) {
        struct way *way = &ways.items[i];
        if (way->state != WAY_IS_OVER && check_now_ms() >= deadline_ms)
            silent(&ways, way);
        else if (way->state != WAY_IS_OVER)
            close_way(&ways, way);
    }
    SSL_CTX_free(ways.context);
}
