// Is the router there, and how much is lost on the way out? The kernel is made to look for the
// router's link-layer address, which none keeps to itself, while echoes go to the router and to
// servers of names further out, for many a router answers no echo, or loses only what it forwards.
#include "base/clock.h"
#include "doctor/dns.h"
#include "doctor/echo.h"
#include "doctor/netlink.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_DISCARD 9
#define LOOK_EVERY_MS 20      // at the table of neighbours
#define TRIES_MS 2200         // the kernel asks three times, a second apart
#define TOLD_BY_OTHERS_MS 1000 // connections of other steps may still confirm the router

#define KNOWN (NUD_STALE | NUD_DELAY | NUD_PROBE) // once, and not asked since
#define ASKED (NUD_INCOMPLETE | NUD_FAILED)

enum { NEAR, RESOLVER, SECOND, TARGETS };

struct gateway {
    struct check *check;
    struct address address; // family 0: there is none
    unsigned interface;
    struct netlink netlink;
    bool has_netlink;
    unsigned state; // NUD_…; 0: not in the table
    int provoker;   // the socket that makes the kernel ask
    struct echo echoes[TARGETS];
    uint64_t begun_ms, next_send_ms, next_look_ms;
    enum fact answers;
};

static void take_neighbour(void *context, const struct nlmsghdr *message)
{
    struct gateway *gateway = context;
    const struct ndmsg *about = netlink_fixed(message, sizeof(*about));
    if (about == NULL || message->nlmsg_type != RTM_NEWNEIGH
        || (gateway->interface != 0 && (unsigned)about->ndm_ifindex != gateway->interface))
        return;
    struct address address = netlink_address(about->ndm_family,
        netlink_attribute(message, sizeof(*about), NDA_DST));
    if (address.any.sa_family == AF_INET6)
        address.v6.sin6_scope_id = gateway->address.v6.sin6_scope_id;
    address_set_port(&address, address_port(&gateway->address));
    if (address_equal(&address, &gateway->address))
        gateway->state = about->ndm_state;
}

static void look_at_table(struct gateway *gateway, uint64_t now)
{
    struct {
        struct nlmsghdr header;
        struct ndmsg about;
    } question = {{sizeof(question), RTM_GETNEIGH, NLM_F_DUMP, 0, 0},
        {.ndm_family = (uint8_t)gateway->address.any.sa_family}};
    if (!gateway->has_netlink || now < gateway->next_look_ms)
        return;
    gateway->next_look_ms = now + LOOK_EVERY_MS;
    gateway->state = 0;
    gateway->has_netlink = netlink_ask(&gateway->netlink, &question.header, take_neighbour,
        gateway) == ERROR_NONE;
}

// A datagram to a port where nobody listens: the router may even say so.
static void provoke(struct gateway *gateway)
{
    int descriptor = socket(gateway->address.any.sa_family,
        SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return;
    if (connect(descriptor, &gateway->address.any, address_size(&gateway->address)) == 0)
        (void)!send(descriptor, "", 1, MSG_NOSIGNAL);
    gateway->provoker = descriptor;
}

static bool is_refused(const struct gateway *gateway)
{
    char byte;
    return gateway->provoker >= 0 && recv(gateway->provoker, &byte, 1, 0) < 0
        && errno == ECONNREFUSED;
}

// Somebody at home may be reached without the router.
static bool is_at_home(const struct address *address)
{
    if (address->any.sa_family == AF_INET6)
        return (address->v6.sin6_addr.s6_addr[0] & 0xFE) == 0xFC
            || IN6_IS_ADDR_LINKLOCAL(&address->v6.sin6_addr);
    uint32_t host = ntohl(address->v4.sin_addr.s_addr);
    return host >> 24 == 10 || host >> 20 == 0xAC1 || host >> 16 == 0xC0A8
        || host >> 22 == 0x191; // RFC 1918, RFC 6598
}

static bool is_forwarding(const struct gateway *gateway)
{
    for (int i = RESOLVER; i < TARGETS; i++) {
        if (gateway->echoes[i].replies > 0 && !is_at_home(&gateway->echoes[i].address))
            return true;
    }
    return false;
}

static void conclude(struct gateway *gateway, uint64_t now)
{
    uint64_t waited = now - gateway->begun_ms;
    if (gateway->echoes[NEAR].replies > 0 || is_refused(gateway)
        || (gateway->state & NUD_REACHABLE) != 0)
        gateway->answers = FACT_GOOD;
    else if ((gateway->state & NUD_FAILED) != 0
        || ((gateway->state & NUD_INCOMPLETE) != 0 && waited >= TRIES_MS))
        gateway->answers = FACT_BAD;
    else if ((gateway->state & ASKED) == 0 && is_forwarding(gateway))
        gateway->answers = FACT_GOOD;
}

// When the echoes have nothing more to say; later than now, or 0.
static uint64_t echoes_end(const struct gateway *gateway, uint64_t now)
{
    uint64_t end = 0;
    for (int i = 0; i < TARGETS; i++)
        end = MAXIMUM(end, echo_end_ms(&gateway->echoes[i]));
    return end <= now ? 0 : end;
}

// Before the router is found all echoes would wait for it in the kernel, and some be thrown away.
static void send_echoes(struct gateway *gateway, uint64_t now)
{
    if ((gateway->state & ASKED) != 0 || now < gateway->next_send_ms)
        return;
    for (int i = 0; i < TARGETS; i++)
        echo_send(&gateway->echoes[i], now);
    gateway->next_send_ms = now + ECHO_SPACING_MS;
}

// One further out answered all: nothing is lost, whoever else answers.
static bool is_clear(const struct gateway *gateway)
{
    return gateway->echoes[RESOLVER].replies == ECHOES || gateway->echoes[SECOND].replies == ECHOES;
}

static bool is_over(const struct gateway *gateway, uint64_t now)
{
    bool is_waiting = gateway->address.any.sa_family != AF_UNSPEC && gateway->has_netlink
        && gateway->answers == FACT_UNKNOWN;
    if (gateway->answers == FACT_BAD)
        return true;
    if (is_waiting && ((gateway->state & ASKED) != 0
        || ((gateway->state & KNOWN) != 0 && now < gateway->begun_ms + TOLD_BY_OTHERS_MS)))
        return false;
    return echoes_end(gateway, now) == 0 || is_clear(gateway);
}

// False: the check is over.
static bool wait_for_something(struct gateway *gateway, uint64_t now, uint64_t deadline)
{
    struct pollfd polled[2 + TARGETS] = {
        {check_stop_descriptor(gateway->check), POLLIN, 0},
        {gateway->answers == FACT_UNKNOWN ? gateway->provoker : -1, POLLIN, 0}};
    uint64_t until = deadline;
    bool is_sending = (gateway->state & ASKED) == 0
        && echoes_end(gateway, now) == UINT64_MAX;
    for (int i = 0; i < TARGETS; i++)
        polled[2 + i] = (struct pollfd){gateway->echoes[i].descriptor, POLLIN, 0};
    if (gateway->answers == FACT_UNKNOWN && gateway->has_netlink)
        until = MINIMUM(until, gateway->next_look_ms);
    if (is_sending)
        until = MINIMUM(until, gateway->next_send_ms);
    else if (echoes_end(gateway, now) != 0)
        until = MINIMUM(until, echoes_end(gateway, now));
    int timeout = until <= now ? 0 : (int)MINIMUM(until - now, (uint64_t)1000);
    return (poll(polled, ARRAY_SIZE(polled), timeout) >= 0 || errno == EINTR)
        && polled[0].revents == 0 && !check_is_over(gateway->check);
}

static bool is_this_machine(const struct address *address)
{
    if (address->any.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
    return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

// The first of the system's resolvers that is somebody else: not the router, nor a program of this
// machine that asks others (127.0.0.53). Family 0: none.
static struct address find_resolver(const struct gateway *gateway)
{
    struct address servers[DNS_SERVERS_MAX], none = {0};
    unsigned count = dns_system_servers(check_options_of(gateway->check), servers,
        DNS_SERVERS_MAX);
    for (unsigned i = 0; i < count; i++) {
        address_set_port(&servers[i], 0);
        if (!is_this_machine(&servers[i]) && !address_equal(&servers[i], &gateway->address))
            return servers[i];
    }
    return none;
}

static void open_echoes(struct gateway *gateway)
{
    struct address addresses[TARGETS] = {[NEAR] = gateway->address,
        [RESOLVER] = find_resolver(gateway)};
    if (!dns_second_server(check_options_of(gateway->check), &addresses[SECOND]))
        addresses[SECOND] = (struct address){0};
    for (int i = 0; i < TARGETS; i++) {
        gateway->echoes[i].descriptor = -1;
        if (addresses[i].any.sa_family == AF_INET || addresses[i].any.sa_family == AF_INET6)
            echo_open(&gateway->echoes[i], &addresses[i]);
    }
}

static void add(struct gateway_facts *facts, const struct echo *echo)
{
    if (facts->echoes == 0)
        facts->echoed = echo->address;
    address_set_port(&facts->echoed, 0);
    facts->echoes += echo->sent;
    facts->replies += echo->replies;
}

// Those of a target are told once nothing is on the way any more. Who answers all of them has shown
// that nothing is lost here: where another one lost some, he rations them, or it was behind us.
static void tell(const struct gateway *gateway, uint64_t now, struct gateway_facts *ret_facts)
{
    const struct echo *seen[TARGETS] = {NULL};
    struct gateway_facts facts = {.answers = gateway->answers};
    for (int i = 0; i < TARGETS; i++) {
        const struct echo *echo = &gateway->echoes[i];
        seen[i] = echo->replies > 0 && echo_end_ms(echo) <= now ? echo : NULL;
    }
    const struct echo *first = seen[RESOLVER], *other = seen[SECOND];
    if (first == NULL || (other != NULL && other->replies > first->replies)) {
        other = first;
        first = seen[SECOND];
    }
    if (first != NULL)
        add(&facts, first);
    if (other != NULL && first->replies < first->sent)
        add(&facts, other);
    if (seen[NEAR] != NULL) {
        facts.near_echoes = seen[NEAR]->sent;
        facts.near_replies = seen[NEAR]->replies;
        if (first == NULL)
            add(&facts, seen[NEAR]);
    }
    *ret_facts = facts;
}

static void run(struct gateway *gateway, uint64_t deadline)
{
    for (;;) {
        uint64_t now = clock_now_ms();
        for (int i = 0; i < TARGETS; i++)
            echo_receive(&gateway->echoes[i], now);
        if (gateway->answers == FACT_UNKNOWN && gateway->address.any.sa_family != AF_UNSPEC) {
            look_at_table(gateway, now);
            conclude(gateway, now);
        }
        send_echoes(gateway, now);
        if (now >= deadline || is_over(gateway, now)
            || !wait_for_something(gateway, now, deadline))
            return;
    }
}

void step_gateway(struct check *check, struct facts *facts)
{
    uint64_t deadline = check_deadline(check, STEP_GATEWAY);
    struct gateway gateway = {.check = check, .address = facts->link.gateway, .provoker = -1,
        .begun_ms = clock_now_ms()};
    if (deadline == 0)
        return;
    if (gateway.address.any.sa_family != AF_UNSPEC) {
        gateway.interface = facts->link.name.data == NULL ? 0
            : if_nametoindex(facts->link.name.data); // the arena's copies end in NUL
        gateway.has_netlink = netlink_open(&gateway.netlink, check, deadline) == ERROR_NONE;
        address_set_port(&gateway.address, PORT_DISCARD);
        provoke(&gateway);
        address_set_port(&gateway.address, 0);
    }
    bool has_socket = gateway.has_netlink;
    open_echoes(&gateway);
    run(&gateway, deadline);
    tell(&gateway, clock_now_ms(), &facts->gateway);
    for (int i = 0; i < TARGETS; i++)
        echo_close(&gateway.echoes[i]);
    if (gateway.provoker >= 0)
        close(gateway.provoker);
    if (has_socket)
        netlink_close(&gateway.netlink);
}
