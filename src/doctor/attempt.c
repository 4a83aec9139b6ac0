// Sockets that do not block, in one poll loop. Each address has a way of its own: connecting, then
// the handshake, and after silence in that once more from the beginning with small segments. Who
// does not answer is knocked at with further sockets, sooner than the kernel would try again: on a
// line that loses packets one or two lost SYNs must not make a dead address.
#include "doctor/attempt.h"
#include "base/clock.h"
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

#define KNOCKS_MAX 3

static const uint64_t knock_after_ms[KNOCKS_MAX] = {0, 400, 1100};

enum way_state { WAY_CONNECTS, WAY_SECURES, WAY_IS_OVER };

struct way {
    struct attempt_facts *attempt;
    enum way_state state;
    bool is_small; // the second try
    int knocks[KNOCKS_MAX]; // sockets that connect
    unsigned knock_count;
    int socket; // the one that is connected, or -1
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

static void close_socket(struct way *way, int socket)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    if (!way->is_small && getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
        way->attempt->retransmits += info.tcpi_total_retrans;
    close(socket);
}

static void close_knocks(struct way *way)
{
    for (unsigned i = 0; i < way->knock_count; i++)
        if (way->knocks[i] != way->socket)
            close_socket(way, way->knocks[i]);
    way->knock_count = 0;
}

static void close_way(struct ways *ways, struct way *way)
{
    if (way->handshake != NULL && !way->is_small)
        handshake_tell(way->handshake, ways->arena, way->attempt);
    handshake_end(way->handshake);
    way->handshake = NULL;
    close_knocks(way);
    if (way->socket >= 0)
        close_socket(way, way->socket);
    way->socket = -1;
    way->state = WAY_IS_OVER;
}

// Who sent the ICMP error, for the kernel keeps it for those who ask (ip(7), IP_RECVERR).
static void note_teller(struct way *way, int socket)
{
    _Alignas(struct cmsghdr) char control[512];
    char byte;
    struct iovec piece = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control,
        .msg_controllen = sizeof(control)};
    if (recvmsg(socket, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
        return;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at != NULL; at = CMSG_NXTHDR(&message, at)) {
        bool is_v4 = at->cmsg_level == SOL_IP && at->cmsg_type == IP_RECVERR;
        bool is_v6 = at->cmsg_level == SOL_IPV6 && at->cmsg_type == IPV6_RECVERR;
        if (!is_v4 && !is_v6)
            continue;
        struct sock_extended_err *error = (void *)CMSG_DATA(at);
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
    return (unsigned)(clock_now_ms() - then_ms);
}

static void connect_failed(struct ways *ways, struct way *way, int socket, int number)
{
    if (!way->is_small) {
        way->attempt->reach = outcome_of(number);
        way->attempt->reach_ms = since_ms(way->began_ms);
        if (socket >= 0)
            note_teller(way, socket);
    } else {
        way->attempt->small = number == ETIMEDOUT ? SECURE_SILENT : SECURE_BROKEN;
    }
    close_way(ways, way);
}

static void connected(struct ways *ways, struct way *way, int socket);

static void set_options(const struct way *way, int socket, bool wants_teller)
{
    int value = wants_teller ? 1 : 0, size = SMALL_SEGMENT;
    bool is_v6 = way->attempt->address.any.sa_family == AF_INET6;
    // A kernel that cannot do this knows less, and that is all.
    setsockopt(socket, is_v6 ? SOL_IPV6 : SOL_IP, is_v6 ? IPV6_RECVERR : IP_RECVERR, &value,
        sizeof(value));
    if (way->is_small)
        setsockopt(socket, IPPROTO_TCP, TCP_MAXSEG, &size, sizeof(size));
}

static void knock(struct ways *ways, struct way *way)
{
    const struct address *address = &way->attempt->address;
    int made = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0) {
        if (way->knock_count == 0)
            connect_failed(ways, way, -1, errno);
        return;
    }
    way->knocks[way->knock_count++] = made;
    set_options(way, made, true);
    if (connect(made, &address->any, address_size(address)) == 0)
        connected(ways, way, made);
    else if (errno != EINPROGRESS)
        connect_failed(ways, way, made, errno);
}

static void begin(struct ways *ways, struct way *way)
{
    way->began_ms = clock_now_ms();
    way->state = WAY_CONNECTS;
    knock(ways, way);
}

// When it is to be knocked again; UINT64_MAX: not any more.
static uint64_t next_knock(const struct way *way)
{
    return way->state == WAY_CONNECTS && way->knock_count < KNOCKS_MAX
        ? way->began_ms + knock_after_ms[way->knock_count] : UINT64_MAX;
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
        over_well(ways, clock_now_ms());
    close_way(ways, way);
}

static void go_on_securing(struct ways *ways, struct way *way)
{
    enum secure_outcome outcome = handshake_go_on(way->handshake);
    if (outcome != SECURE_UNKNOWN)
        secured(ways, way, outcome);
}

static void connected(struct ways *ways, struct way *way, int socket)
{
    way->connected_ms = clock_now_ms();
    way->socket = socket;
    close_knocks(way);
    if (!way->is_small) {
        way->attempt->reach = REACH_GOOD;
        way->attempt->reach_ms = since_ms(way->began_ms);
    }
    // From now on an ICMP error is no reason to end, as it is none for browsers.
    set_options(way, socket, false);
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

static void go_on(struct ways *ways, struct way *way, int socket, short events)
{
    int number = 0;
    socklen_t size = sizeof(number);
    if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &number, &size) != 0)
        number = errno;
    if (number != 0)
        connect_failed(ways, way, socket, number);
    else if ((events & POLLOUT) != 0)
        connected(ways, way, socket);
}

// --- All of them ---

static void silent(struct ways *ways, struct way *way)
{
    struct attempt_facts *attempt = way->attempt;
    if (way->is_small) {
        attempt->small = SECURE_SILENT;
    } else if (way->state == WAY_CONNECTS) {
        attempt->reach = REACH_SILENT;
        attempt->reach_ms = since_ms(way->began_ms);
    } else {
        attempt->secure = SECURE_SILENT;
        attempt->secure_ms = since_ms(way->connected_ms);
    }
    close_way(ways, way);
}

// Who connected only after the cut has the rest of the time, and no second try.
static uint64_t end_of(const struct ways *ways, const struct way *way)
{
    bool is_cut = !way->is_small && way->state == WAY_SECURES && way->connected_ms < ways->cut_ms;
    return is_cut ? MINIMUM(ways->cut_ms, ways->end_ms) : ways->end_ms;
}

static void end_or_try_again(struct ways *ways, struct way *way, uint64_t now_ms)
{
    bool was_securing = way->state == WAY_SECURES && !way->is_small;
    silent(ways, way);
    if (was_securing && now_ms < ways->end_ms) {
        way->is_small = true;
        begin(ways, way);
    }
}

static void do_what_is_due(struct ways *ways, uint64_t now_ms)
{
    for (unsigned i = 0; i < ways->count; i++) {
        struct way *way = &ways->items[i];
        if (way->state == WAY_IS_OVER)
            continue;
        if (now_ms >= end_of(ways, way))
            end_or_try_again(ways, way, now_ms);
        else if (now_ms >= next_knock(way))
            knock(ways, way);
    }
}

#define SOCKETS_MAX (FACTS_ADDRESSES_MAX * KNOCKS_MAX)

// What poll is asked, and on whose behalf; the stop is the last.
struct question {
    struct pollfd wanted[SOCKETS_MAX + 1];
    struct way *whose[SOCKETS_MAX];
    unsigned count;
    uint64_t until_ms;
};

static void ask_for(struct question *question, struct way *way, int socket, short events)
{
    question->whose[question->count] = way;
    question->wanted[question->count++] = (struct pollfd){.fd = socket, .events = events};
}

static void prepare(struct ways *ways, struct question *question)
{
    question->count = 0;
    question->until_ms = ways->end_ms;
    for (unsigned i = 0; i < ways->count; i++) {
        struct way *way = &ways->items[i];
        if (way->state == WAY_IS_OVER)
            continue;
        uint64_t due_ms = MINIMUM(end_of(ways, way), next_knock(way));
        question->until_ms = MINIMUM(question->until_ms, due_ms);
        if (way->state == WAY_SECURES)
            ask_for(question, way, way->socket, handshake_events(way->handshake));
        for (unsigned k = 0; k < way->knock_count; k++)
            ask_for(question, way, way->knocks[k], POLLOUT);
    }
    question->wanted[question->count] =
        (struct pollfd){.fd = check_stop_descriptor(ways->check), .events = POLLIN};
}

// False: there is nobody on his way, or the check is over.
static bool turn(struct ways *ways)
{
    struct question question;
    uint64_t now_ms = clock_now_ms();
    prepare(ways, &question);
    if (question.count == 0)
        return false;
    int wait_ms = question.until_ms > now_ms
        ? (int)MINIMUM(question.until_ms - now_ms, (uint64_t)CHECK_TIMEOUT_MAX_MS) : 0;
    if (poll(question.wanted, question.count + 1, wait_ms) < 0)
        return errno == EINTR && !check_is_over(ways->check);
    for (unsigned i = 0; i < question.count; i++) {
        struct way *way = question.whose[i];
        const struct pollfd *ready = &question.wanted[i];
        if (ready->revents != 0 && way->state == WAY_SECURES && ready->fd == way->socket)
            go_on_securing(ways, way);
        else if (ready->revents != 0 && way->state == WAY_CONNECTS)
            go_on(ways, way, ready->fd, ready->revents);
    }
    return question.wanted[question.count].revents == 0 && !check_is_over(ways->check);
}

static void begin_all(struct ways *ways, struct attempt_facts *attempts, unsigned count,
    bool asks_may_reach)
{
    const struct check_options *options = check_options_of(ways->check);
    for (unsigned i = 0; i < count; i++) {
        int family = attempts[i].address.any.sa_family;
        if ((family != AF_INET && family != AF_INET6)
            || (asks_may_reach && options->guard != NULL
                && !guard_may_reach(options->guard, &attempts[i].address)))
            continue;
        struct way *way = &ways->items[ways->count++];
        *way = (struct way){.attempt = &attempts[i], .socket = -1};
        attempts[i].retransmits = 0;
        begin(ways, way);
    }
}

void attempt_all(const struct check *check, struct slice host, bool is_secure, bool asks_may_reach,
    uint64_t deadline_ms, struct arena *arena, struct attempt_facts *attempts, unsigned count)
{
    uint64_t now_ms = clock_now_ms();
    uint64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    struct ways ways = {.check = check, .host = host, .arena = arena,
        .cut_ms = now_ms + left_ms - left_ms / 3, .end_ms = deadline_ms};
    if (left_ms == 0 || check_is_over(check))
        return;
    if (is_secure && (ways.context = handshake_context()) == NULL)
        return;

    begin_all(&ways, attempts, MINIMUM(count, FACTS_ADDRESSES_MAX), asks_may_reach);
    do
        do_what_is_due(&ways, clock_now_ms());
    while (turn(&ways));
    for (unsigned i = 0; i < ways.count; i++) {
        struct way *way = &ways.items[i];
        if (way->state != WAY_IS_OVER && clock_now_ms() >= deadline_ms)
            silent(&ways, way);
        else if (way->state != WAY_IS_OVER)
            close_way(&ways, way);
    }
    SSL_CTX_free(ways.context);
}
