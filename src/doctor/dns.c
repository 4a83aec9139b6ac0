// Plain DNS over c-ares: each server has a channel of its own, so that what it said is known, and
// all of them are in one poll loop. What fails is not hidden by c-ares asking somebody else.
#include "doctor/dns.h"
#include "base/clock.h"

#include <ares.h>
#include <ares_nameser.h>
#include <poll.h>
#include <pthread.h>

#define FIRST_TIMEOUT_MS 350 // until the question is sent again; c-ares doubles it each time
#define TRIES 5
#define NEXT_SERVER_MS 500
// One family is known, so long the other may take: as long as to be asked twice.
#define SIBLING_MS 500
#define SOCKETS_MAX 4 // of a channel: one for datagrams, one for TCP, both while they change
#define HEADER_SIZE 12
#define MESSAGE_MAX UINT16_MAX
#define NAME_BYTES_MAX 254 // RFC 1035 section 2.3.4, with the final dot

static pthread_once_t library = PTHREAD_ONCE_INIT;

static void open_library(void)
{
    ares_library_init(ARES_LIB_INIT_ALL);
}

struct server;
struct half { // of a question to a server: one family
    struct server *server;
    enum dns_family family;
    bool is_over;
    struct dns_answer answer;
};

struct server {
    const struct dns_question *question;
    const struct address *address;
    ares_channel channel; // NULL: not asked
    struct half halves[DNS_FAMILY_COUNT];
    uint64_t asked_ms, known_ms; // known: the first family that is; 0: none
    bool is_over;
    enum name_outcome outcome; // when it is over
};

struct servers {
    struct server items[DNS_SERVERS_MAX];
    unsigned count, asked;
};

// --- Answers ---

bool dns_wants(const struct check *check, enum dns_family family)
{
    int only = check_options_of(check)->family;
    return only == 0 || only == (family == DNS_V6 ? AF_INET6 : AF_INET);
}

enum name_outcome dns_unanswered(const struct dns_question *question)
{
    return clock_now_ms() >= question->deadline_ms ? NAME_SILENT : NAME_UNKNOWN;
}

bool dns_name(struct slice host, char ret_name[256])
{
    if (host.size == 0 || host.size > NAME_BYTES_MAX || slice_contains(host, '\0'))
        return false;
    memcpy(ret_name, host.data, host.size);
    ret_name[host.size] = '\0';
    return true;
}

// Everything else is a server that fails.
static enum name_outcome outcome_of(int status)
{
    static const struct {
        int status;
        enum name_outcome outcome;
    } known[] = {{ARES_SUCCESS, NAME_FOUND}, {ARES_ENODATA, NAME_EMPTY},
        {ARES_ENOTFOUND, NAME_NONE}, {ARES_EBADNAME, NAME_NONE}, {ARES_ETIMEOUT, NAME_SILENT},
        {ARES_ECONNREFUSED, NAME_UNREACHABLE}, {ARES_ENOMEM, NAME_UNKNOWN}};
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (known[i].status == status)
            return known[i].outcome;
    return NAME_FAILED;
}

int dns_status(const unsigned char *message, size_t size)
{
    if (size < HEADER_SIZE || size > MESSAGE_MAX || (message[2] & 0x80) == 0)
        return ARES_EBADRESP;
    int code = message[3] & 0x0f;
    if (code == NOERROR)
        return message[6] == 0 && message[7] == 0 ? ARES_ENODATA : ARES_SUCCESS;
    return code == NXDOMAIN ? ARES_ENOTFOUND : ARES_ESERVFAIL;
}

static int read_v4(const unsigned char *message, size_t size, struct dns_answer *answer)
{
    struct ares_addrttl found[FACTS_ADDRESSES_MAX];
    int count = FACTS_ADDRESSES_MAX;
    int status = ares_parse_a_reply(message, (int)size, NULL, found, &count);
    for (int i = 0; status == ARES_SUCCESS && i < count; i++)
        answer->addresses[answer->count++].v4 =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = found[i].ipaddr};
    return status;
}

static int read_v6(const unsigned char *message, size_t size, struct dns_answer *answer)
{
    struct ares_addr6ttl found[FACTS_ADDRESSES_MAX];
    int count = FACTS_ADDRESSES_MAX;
    int status = ares_parse_aaaa_reply(message, (int)size, NULL, found, &count);
    for (int i = 0; status == ARES_SUCCESS && i < count; i++) {
        struct sockaddr_in6 *address = &answer->addresses[answer->count++].v6;
        *address = (struct sockaddr_in6){.sin6_family = AF_INET6};
        memcpy(&address->sin6_addr, &found[i].ip6addr, sizeof(address->sin6_addr));
    }
    return status;
}

void dns_read(int status, const unsigned char *message, size_t size, enum dns_family family,
    uint16_t port, struct dns_answer *ret_answer)
{
    struct dns_answer *answer = ret_answer;
    answer->count = 0;
    if (status == ARES_SUCCESS)
        status = family == DNS_V6 ? read_v6(message, size, answer) : read_v4(message, size, answer);
    for (unsigned i = 0; i < answer->count; i++)
        address_set_port(&answer->addresses[i], port);
    if (status == ARES_SUCCESS && answer->count == 0)
        status = ARES_ENODATA; // an alias of what has none
    answer->outcome = outcome_of(status);
}

// Of two families without any address: what keeps one from knowing outweighs what is known.
static enum name_outcome worse_of(enum name_outcome a, enum name_outcome b)
{
    static const enum name_outcome order[] = {NAME_UNKNOWN, NAME_UNREACHABLE, NAME_FAILED,
        NAME_NONE, NAME_SILENT, NAME_EMPTY};
    for (size_t i = 0; i < ARRAY_SIZE(order); i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return NAME_UNKNOWN;
}

void dns_join(const struct check *check, const struct dns_answer answers[DNS_FAMILY_COUNT],
    struct name_facts *names)
{
    const struct dns_answer *v6 = &answers[DNS_V6], *v4 = &answers[DNS_V4];
    names->count = 0;
    for (unsigned i = 0; i < FACTS_ADDRESSES_MAX; i++) {
        if (i < v6->count && names->count < FACTS_ADDRESSES_MAX)
            names->addresses[names->count++] = v6->addresses[i];
        if (i < v4->count && names->count < FACTS_ADDRESSES_MAX)
            names->addresses[names->count++] = v4->addresses[i];
    }
    if (names->count > 0)
        names->outcome = NAME_FOUND;
    else if (!dns_wants(check, DNS_V6))
        names->outcome = v4->outcome;
    else if (!dns_wants(check, DNS_V4))
        names->outcome = v6->outcome;
    else
        names->outcome = worse_of(v6->outcome, v4->outcome);
}

// --- Servers ---

static void half_ended(void *argument, int status, int timeouts, unsigned char *message, int size)
{
    struct half *half = argument;
    (void)timeouts;
    if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
        return;
    dns_read(status, message, size < 0 ? 0 : (size_t)size, half->family,
        half->server->question->port, &half->answer);
    half->is_over = true;
    bool is_known = half->answer.outcome == NAME_FOUND || half->answer.outcome == NAME_NONE;
    if (is_known && half->server->known_ms == 0)
        half->server->known_ms = clock_now_ms();
}

static bool open_channel(struct server *server)
{
    char buffer[ADDRESS_TEXT_MAX];
    struct text text = text_in(buffer, sizeof(buffer) - 1);
    char no_file[] = "/dev/null", lookups[] = "b";
    // What the servers of this machine are is not c-ares's to find out.
    struct ares_options options = {.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES
            | ARES_FLAG_NOCHECKRESP,
        .timeout = FIRST_TIMEOUT_MS, .tries = TRIES, .lookups = lookups,
        .resolvconf_path = no_file};
    address_format(&text, server->address);
    buffer[text.size] = '\0';
    if (ares_init_options(&server->channel, &options, ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS
                | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF | ARES_OPT_DOMAINS)
        != ARES_SUCCESS) {
        server->channel = NULL;
        return false;
    }
    return ares_set_servers_ports_csv(server->channel, buffer) == ARES_SUCCESS;
}

static void ask_server(struct server *server, const char *name)
{
    server->asked_ms = clock_now_ms();
    if (!open_channel(server)) {
        server->is_over = true;
        return;
    }
    for (unsigned family = 0; family < DNS_FAMILY_COUNT; family++) {
        struct half *half = &server->halves[family];
        half->server = server;
        half->family = family;
        half->is_over = !dns_wants(server->question->check, family);
        if (!half->is_over)
            ares_query(server->channel, name, C_IN, family == DNS_V6 ? T_AAAA : T_A, half_ended,
                half);
    }
}

static void end_server(struct server *server)
{
    struct dns_answer answers[DNS_FAMILY_COUNT] = {0};
    struct name_facts names = {0};
    for (unsigned family = 0; family < DNS_FAMILY_COUNT; family++) {
        answers[family] = server->halves[family].answer;
        if (!server->halves[family].is_over)
            answers[family].outcome = dns_unanswered(server->question);
    }
    if (server->known_ms != 0 && server->halves[DNS_V6].answer.count == 0
        && server->halves[DNS_V4].answer.count == 0)
        names.outcome = NAME_NONE; // for both families (RFC 8020)
    else
        dns_join(server->question->check, answers, &names);
    server->outcome = names.outcome;
    server->is_over = true;
}

static void review_server(struct server *server, uint64_t now_ms)
{
    bool both = server->halves[DNS_V6].is_over && server->halves[DNS_V4].is_over;
    if (!server->is_over
        && (both || (server->known_ms != 0 && now_ms >= server->known_ms + SIBLING_MS)))
        end_server(server);
}

static bool suffices(const struct server *server, bool must_know)
{
    return server->is_over
        && (server->outcome == NAME_FOUND
            || (!must_know && (server->outcome == NAME_NONE || server->outcome == NAME_EMPTY)));
}

// --- The loop ---

// Asks those whose turn it is, and says when to look again.
static uint64_t ask_servers(struct servers *servers, const char *name, uint64_t now_ms)
{
    uint64_t until_ms = UINT64_MAX;
    bool is_waiting = false;
    for (unsigned i = 0; i < servers->asked; i++) {
        struct server *server = &servers->items[i];
        is_waiting |= !server->is_over && now_ms < server->asked_ms + NEXT_SERVER_MS;
        if (!server->is_over && servers->asked < servers->count)
            until_ms = MINIMUM(until_ms, server->asked_ms + NEXT_SERVER_MS);
        if (!server->is_over && server->known_ms != 0)
            until_ms = MINIMUM(until_ms, server->known_ms + SIBLING_MS);
    }
    if (!is_waiting && servers->asked < servers->count) {
        ask_server(&servers->items[servers->asked++], name);
        return now_ms;
    }
    return until_ms;
}

static bool any_is_asked(const struct servers *servers)
{
    for (unsigned i = 0; i < servers->asked; i++)
        if (!servers->items[i].is_over)
            return true;
    return servers->asked < servers->count;
}

static void process(struct server *server, const struct pollfd *ready, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        bool is_readable = (ready[i].revents & ~POLLOUT) != 0;
        bool is_writable = (ready[i].revents & POLLOUT) != 0;
        if (ready[i].revents != 0)
            ares_process_fd(server->channel, is_readable ? ready[i].fd : ARES_SOCKET_BAD,
                is_writable ? ready[i].fd : ARES_SOCKET_BAD);
    }
    ares_process_fd(server->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); // what is due
}

static unsigned descriptors_of(const struct server *server, struct pollfd *ret_wanted)
{
    ares_socket_t sockets[SOCKETS_MAX];
    int bits = ares_getsock(server->channel, sockets, SOCKETS_MAX);
    unsigned count = 0;
    for (int i = 0; i < SOCKETS_MAX; i++) {
        bool reads = ARES_GETSOCK_READABLE(bits, i) != 0;
        bool writes = ARES_GETSOCK_WRITABLE(bits, i) != 0;
        if (reads || writes)
            ret_wanted[count++] = (struct pollfd){.fd = sockets[i],
                .events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0))};
    }
    return count;
}

// Waits for something to happen; false: it is to stop.
static bool turn(const struct dns_question *question, struct servers *servers, uint64_t until_ms)
{
    struct pollfd wanted[DNS_SERVERS_MAX * SOCKETS_MAX + 2];
    unsigned counts[DNS_SERVERS_MAX] = {0}, count = 0;
    uint64_t now_ms = clock_now_ms(), wait_ms = until_ms > now_ms ? until_ms - now_ms : 0;
    for (unsigned i = 0; i < servers->asked; i++) {
        struct server *server = &servers->items[i];
        struct timeval left;
        if (server->is_over)
            continue;
        counts[i] = descriptors_of(server, wanted + count);
        count += counts[i];
        if (ares_timeout(server->channel, NULL, &left) != NULL)
            wait_ms = MINIMUM(wait_ms,
                (uint64_t)left.tv_sec * 1000 + (uint64_t)left.tv_usec / 1000 + 1);
    }
    wanted[count] = (struct pollfd){.fd = check_stop_descriptor(question->check), .events = POLLIN};
    wanted[count + 1] = (struct pollfd){.fd = question->stop == NULL ? -1 : *question->stop,
        .events = POLLIN};
    poll(wanted, count + 2, (int)MINIMUM(wait_ms, (uint64_t)CHECK_TIMEOUT_MAX_MS));
    unsigned at = 0;
    for (unsigned i = 0; i < servers->asked; i++) {
        struct server *server = &servers->items[i];
        if (!server->is_over)
            process(server, wanted + at, counts[i]);
        at += counts[i];
    }
    return wanted[count].revents == 0 && wanted[count + 1].revents == 0
        && !check_is_over(question->check);
}

static const struct server *ask_until_one_suffices(const struct dns_question *question,
    struct servers *servers, const char *name, bool must_know)
{
    bool goes_on = true;
    for (;;) {
        uint64_t now_ms = clock_now_ms();
        for (unsigned i = 0; i < servers->asked; i++) {
            review_server(&servers->items[i], now_ms);
            if (suffices(&servers->items[i], must_know))
                return &servers->items[i];
        }
        if (!goes_on || now_ms >= question->deadline_ms || !any_is_asked(servers))
            return NULL;
        uint64_t until_ms = ask_servers(servers, name, now_ms);
        goes_on = turn(question, servers, MINIMUM(until_ms, question->deadline_ms));
    }
}

// Nobody's answer suffices: the first that said something, or else the first.
static const struct server *best_of(struct servers *servers)
{
    const struct server *best = &servers->items[0];
    for (unsigned i = 0; i < servers->count; i++) {
        struct server *server = &servers->items[i];
        if (i < servers->asked && !server->is_over)
            end_server(server);
        bool spoke = server->outcome == NAME_NONE || server->outcome == NAME_EMPTY
            || server->outcome == NAME_FAILED || server->outcome == NAME_FOUND;
        if (server->outcome == NAME_FOUND)
            return server;
        if (spoke && (best->outcome == NAME_SILENT || best->outcome == NAME_UNREACHABLE))
            best = server;
    }
    return best;
}

static struct slice name_of(const struct address *address, struct arena *arena)
{
    char buffer[ADDRESS_TEXT_MAX];
    struct text text = text_in(buffer, sizeof(buffer));
    if (address_port(address) == NAMESERVER_PORT)
        address_format_host(&text, address);
    else
        address_format(&text, address);
    return arena_copy(arena, text_slice(&text));
}

void dns_ask(const struct dns_question *question, const struct address *addresses, unsigned count,
    bool must_know, struct name_facts *ret_names)
{
    char name[256];
    uint64_t began_ms = clock_now_ms();
    struct servers *servers = arena_zero_alloc(question->arena, sizeof(*servers));
    *ret_names = (struct name_facts){0};
    if (servers == NULL || count == 0 || !dns_name(question->host, name)) {
        ret_names->outcome = servers == NULL ? NAME_UNKNOWN
            : count == 0 ? NAME_UNREACHABLE : NAME_NONE;
        return;
    }
    pthread_once(&library, open_library);
    servers->count = MINIMUM(count, DNS_SERVERS_MAX);
    for (unsigned i = 0; i < servers->count; i++) {
        servers->items[i].question = question;
        servers->items[i].address = &addresses[i];
    }

    const struct server *told = ask_until_one_suffices(question, servers, name, must_know);
    if (told == NULL)
        told = best_of(servers);
    struct dns_answer answers[] = {told->halves[DNS_V6].answer, told->halves[DNS_V4].answer};
    dns_join(question->check, answers, ret_names);
    ret_names->outcome = told->outcome;
    ret_names->asked = name_of(told->address, question->arena);
    ret_names->ms = (unsigned)(clock_now_ms() - began_ms);
    for (unsigned i = 0; i < servers->asked; i++)
        if (servers->items[i].channel != NULL)
            ares_destroy(servers->items[i].channel);
}
