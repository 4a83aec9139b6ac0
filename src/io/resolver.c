// c-ares inside a loop. Its callbacks run in the loop or in the asking task and only store what
// came; c-ares cannot cancel one query, so one that its task gave up lives on until c-ares ends it.
// The families are asked for apart, so that one that nobody answers for does not hold up the other.
#include "io/resolver.h"
#include "base/memory.h"
#include "io/inside.h"

#include <sys/epoll.h>
#include <unistd.h>

#define NAME_MAX_BYTES 254 // RFC 1035 section 2.3.4, with the final dot
#define ATTEMPT_TIMEOUT_MS 2000
#define ATTEMPTS 3
// A channel this old is made anew when no query is under way, to see changes of /etc/resolv.conf.
#define CHANNEL_AGE_MAX_NS (60 * NS_PER_SECOND)
#define EVENTS_MAX 16

// What comes first waits so long for the other family (RFC 8305 section 3).
#define RESOLUTION_DELAY_NS (50 * NS_PER_MS)

struct question;
struct half { // of a question: one family
    struct question *question;
    bool done;
    int status;
    struct ares_addrinfo *answer;
};

struct question {
    struct resolver *resolver;
    struct task *task; // NULL: given up
    bool suspended;
    struct half v6, v4;
};

static void timer_fired(struct timer *timer);

enum error resolver_init(struct resolver *resolver, struct loop *loop,
    const struct resolver_servers *servers)
{
    *resolver = (struct resolver){.loop = loop, .servers = servers};
    timer_init(&resolver->timer, timer_fired);
    resolver->epoll = epoll_create1(EPOLL_CLOEXEC);
    return resolver->epoll < 0 ? ERROR_LIMIT : ERROR_NONE;
}

void resolver_destroy(struct resolver *resolver)
{
    timer_stop(resolver->loop, &resolver->timer);
    if (resolver->channel != NULL)
        ares_destroy(resolver->channel);
    if (resolver->epoll >= 0)
        close(resolver->epoll);
}

// c-ares says what it wants to know of a descriptor; nothing: it is about to close it.
static void descriptor_wanted(void *argument, ares_socket_t descriptor, int readable, int writable)
{
    struct resolver *resolver = argument;
    struct epoll_event event = {.data.fd = descriptor};
    if (readable)
        event.events |= EPOLLIN;
    if (writable)
        event.events |= EPOLLOUT;
    if (event.events == 0)
        epoll_ctl(resolver->epoll, EPOLL_CTL_DEL, descriptor, NULL);
    else if (epoll_ctl(resolver->epoll, EPOLL_CTL_MOD, descriptor, &event) != 0)
        // Should this fail too, the query ends by its timeout.
        epoll_ctl(resolver->epoll, EPOLL_CTL_ADD, descriptor, &event);
}

static void restart_timer(struct resolver *resolver)
{
    struct timeval left;
    if (ares_timeout(resolver->channel, NULL, &left) == NULL) {
        timer_stop(resolver->loop, &resolver->timer);
        return;
    }
    uint64_t left_ns = (uint64_t)left.tv_sec * NS_PER_SECOND + (uint64_t)left.tv_usec * 1000;
    timer_start(resolver->loop, &resolver->timer, resolver->loop->now_ns + left_ns + NS_PER_MS);
}

static void timer_fired(struct timer *timer)
{
    struct resolver *resolver = CONTAINER_OF(timer, struct resolver, timer);
    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    restart_timer(resolver);
}

void resolver_turn(struct resolver *resolver)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(resolver->epoll, events, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++) {
        bool writable = (events[i].events & EPOLLOUT) != 0;
        bool readable = (events[i].events & ~(uint32_t)EPOLLOUT) != 0;
        ares_process_fd(resolver->channel, readable ? events[i].data.fd : ARES_SOCKET_BAD,
            writable ? events[i].data.fd : ARES_SOCKET_BAD);
    }
    if (resolver->channel != NULL)
        restart_timer(resolver);
}

static bool use_servers(struct resolver *resolver)
{
    struct ares_addr_port_node nodes[RESOLVER_SERVERS_MAX];
    size_t count = resolver->servers->count;
    if (count == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        const struct address *server = &resolver->servers->servers[i];
        nodes[i] = (struct ares_addr_port_node){.family = server->any.sa_family,
            .udp_port = address_port(server),
            .tcp_port = address_port(server),
            .next = i + 1 < count ? &nodes[i + 1] : NULL};
        if (server->any.sa_family == AF_INET)
            nodes[i].addr.addr4 = server->v4.sin_addr;
        else
            memcpy(&nodes[i].addr.addr6, &server->v6.sin6_addr, sizeof(nodes[i].addr.addr6));
    }
    return ares_set_servers_ports(resolver->channel, nodes) == ARES_SUCCESS;
}

static bool open_channel(struct resolver *resolver)
{
    uint64_t now_ns = resolver->loop->now_ns;
    if (resolver->channel != NULL) {
        if (resolver->queries > 0 || now_ns - resolver->opened_ns < CHANNEL_AGE_MAX_NS)
            return true;
        ares_destroy(resolver->channel);
        resolver->channel = NULL;
    }
    struct ares_options options = {.timeout = ATTEMPT_TIMEOUT_MS,
        .tries = ATTEMPTS,
        .sock_state_cb = descriptor_wanted,
        .sock_state_cb_data = resolver};
    ares_channel channel;
    if (ares_init_options(&channel, &options,
            ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS)
        return false;
    resolver->channel = channel;
    resolver->opened_ns = now_ns;
    if (use_servers(resolver))
        return true;
    ares_destroy(channel);
    resolver->channel = NULL;
    return false;
}

static bool is_done(const struct question *question)
{
    return question->v6.done && question->v4.done;
}

static void question_free(struct question *question)
{
    if (question->v6.answer != NULL)
        ares_freeaddrinfo(question->v6.answer);
    if (question->v4.answer != NULL)
        ares_freeaddrinfo(question->v4.answer);
    memory_free(question);
}

static void half_ended(void *argument, int status, int timeouts, struct ares_addrinfo *answer)
{
    struct half *half = argument;
    struct question *question = half->question;
    (void)timeouts;
    half->status = status;
    half->answer = answer;
    half->done = true;
    if (is_done(question))
        question->resolver->queries--;
    if (question->task == NULL && is_done(question))
        question_free(question);
    else if (question->task != NULL && question->suspended)
        task_wake(question->task);
}

static const struct ares_addrinfo_node *first_node(const struct half *half)
{
    return half->status == ARES_SUCCESS && half->answer != NULL ? half->answer->nodes : NULL;
}

// Nobody could say whether there are any.
static bool is_unknown(const struct half *half)
{
    return !half->done || (half->status != ARES_SUCCESS && half->status != ARES_ENODATA
        && half->status != ARES_ENOTFOUND && half->status != ARES_EBADNAME);
}

// Takes the node, if there is one, and moves on to the next.
static void take_node(const struct ares_addrinfo_node **node, uint16_t port, struct io_names *names)
{
    const struct ares_addrinfo_node *taken = *node;
    if (taken == NULL || names->count == IO_ADDRESSES_MAX)
        return;
    *node = taken->ai_next;
    if (taken->ai_family != AF_INET && taken->ai_family != AF_INET6)
        return;
    struct address *address = &names->addresses[names->count++];
    memcpy(address, taken->ai_addr, MINIMUM((size_t)taken->ai_addrlen, sizeof(*address)));
    address_set_port(address, port);
    names->lifetime_ms =
        MINIMUM(names->lifetime_ms, (uint64_t)MAXIMUM(taken->ai_ttl, 0) * 1000);
}

// An alias may live shorter than what it stands for.
static void heed_aliases(const struct half *half, struct io_names *names)
{
    const struct ares_addrinfo_cname *alias = first_node(half) == NULL ? NULL
        : half->answer->cnames;
    for (; alias != NULL; alias = alias->next)
        names->lifetime_ms = MINIMUM(names->lifetime_ms, (uint64_t)MAXIMUM(alias->ttl, 0) * 1000);
}

static enum error take_answers(const struct question *question, uint16_t port,
    struct io_names *ret_names)
{
    struct io_names names = {.lifetime_ms = UINT64_MAX, .v4_unknown = is_unknown(&question->v4),
        .v6_unknown = is_unknown(&question->v6)};
    const struct ares_addrinfo_node *v6 = first_node(&question->v6);
    const struct ares_addrinfo_node *v4 = first_node(&question->v4);
    if (question->v6.status == ARES_ENOMEM || question->v4.status == ARES_ENOMEM)
        return ERROR_MEMORY;
    while ((v6 != NULL || v4 != NULL) && names.count < IO_ADDRESSES_MAX) {
        take_node(&v6, port, &names);
        take_node(&v4, port, &names);
    }
    if (names.count == 0)
        return ERROR_RESOLVE;
    heed_aliases(&question->v6, &names);
    heed_aliases(&question->v4, &names);
    *ret_names = names;
    return ERROR_NONE;
}

static bool has_some(const struct question *question)
{
    return first_node(&question->v6) != NULL || first_node(&question->v4) != NULL;
}

static enum error await_answers(struct task *task, struct question *question, uint64_t deadline_ns)
{
    uint64_t until_ns = deadline_ns;
    enum error error = ERROR_NONE;
    question->suspended = true;
    while (!is_done(question) && error == ERROR_NONE) {
        if (has_some(question) && until_ns == deadline_ns)
            until_ns = MINIMUM(deadline_ns, task_now_ns(task) + RESOLUTION_DELAY_NS);
        error = task_suspend(task, until_ns);
    }
    question->suspended = false;
    if (is_done(question) || (error == ERROR_TIMEOUT && has_some(question)))
        return ERROR_NONE;
    return error;
}

static bool is_localhost(struct slice host)
{
    struct slice local = SLICE("localhost");
    if (host.size < local.size
        || !slice_equal_nocase(slice_of(host.data + host.size - local.size, local.size), local))
        return false;
    return host.size == local.size || host.data[host.size - local.size - 1] == '.';
}

// Both families, each apart; but of localhost together, for c-ares 1.18 loses memory when it is
// asked for one of them, and nobody else is asked in any case.
static void send_questions(struct resolver *resolver, struct question *question, const char *name)
{
    bool is_local = is_localhost(slice_from_string(name));
    struct ares_addrinfo_hints hints = {.ai_family = is_local ? AF_UNSPEC : AF_INET6,
        .ai_socktype = SOCK_STREAM};
    if (is_local) {
        question->v4.done = true;
        question->v4.status = ARES_ENODATA;
    }
    ares_getaddrinfo(resolver->channel, name, NULL, &hints, half_ended, &question->v6);
    hints.ai_family = AF_INET;
    if (!is_local)
        ares_getaddrinfo(resolver->channel, name, NULL, &hints, half_ended, &question->v4);
}

enum error resolver_ask(struct task *task, struct resolver *resolver, struct slice host,
    uint16_t port, uint64_t deadline_ns, struct io_names *ret_names)
{
    char name[NAME_MAX_BYTES + 1];
    if (host.size == 0 || host.size > NAME_MAX_BYTES || slice_contains(host, '\0'))
        return ERROR_RESOLVE;
    memcpy(name, host.data, host.size);
    name[host.size] = '\0';
    if (resolver->queries >= resolver->loop->limits.tasks)
        return ERROR_LIMIT;
    struct question *question = memory_alloc(sizeof(*question));
    if (question == NULL)
        return ERROR_MEMORY;
    if (!open_channel(resolver)) {
        memory_free(question);
        return ERROR_RESOLVE;
    }

    *question = (struct question){.resolver = resolver, .task = task};
    question->v6.question = question->v4.question = question;
    resolver->queries++;
    send_questions(resolver, question, name);
    restart_timer(resolver);
    enum error error = await_answers(task, question, deadline_ns);
    if (error == ERROR_NONE)
        error = take_answers(question, port, ret_names);
    if (is_done(question))
        question_free(question);
    else
        question->task = NULL;
    return error;
}
