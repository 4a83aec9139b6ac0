// c-ares inside a loop. Its callbacks run in the loop or in the asking task and only store what
// came; c-ares cannot cancel one query, so one that its task gave up lives on until c-ares ends it.
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

struct query {
    struct resolver *resolver;
    struct task *task; // NULL: given up
    bool suspended, done;
    int status;
    struct ares_addrinfo *answer;
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

static void query_free(struct query *query)
{
    if (query->answer != NULL)
        ares_freeaddrinfo(query->answer);
    memory_free(query);
}

static void query_ended(void *argument, int status, int timeouts, struct ares_addrinfo *answer)
{
    struct query *query = argument;
    (void)timeouts;
    query->resolver->queries--;
    query->status = status;
    query->answer = answer;
    query->done = true;
    if (query->task == NULL)
        query_free(query);
    else if (query->suspended)
        task_wake(query->task);
}

static enum error take_answer(const struct query *query, uint16_t port,
    struct address *ret_addresses, size_t capacity, size_t *ret_count)
{
    if (query->status == ARES_ENOMEM)
        return ERROR_MEMORY;
    if (query->status != ARES_SUCCESS || query->answer == NULL)
        return ERROR_RESOLVE;
    size_t count = 0;
    for (const struct ares_addrinfo_node *node = query->answer->nodes;
        node != NULL && count < capacity; node = node->ai_next) {
        if (node->ai_family != AF_INET && node->ai_family != AF_INET6)
            continue;
        struct address address = {0};
        memcpy(&address, node->ai_addr, MINIMUM((size_t)node->ai_addrlen, sizeof(address)));
        address_set_port(&address, port);
        ret_addresses[count++] = address;
    }
    if (count == 0)
        return ERROR_RESOLVE;
    *ret_count = count;
    return ERROR_NONE;
}

enum error resolver_ask(struct task *task, struct resolver *resolver, struct slice host,
    uint16_t port, uint64_t deadline_ns, struct address *ret_addresses, size_t capacity,
    size_t *ret_count)
{
    char name[NAME_MAX_BYTES + 1];
    if (host.size == 0 || host.size > NAME_MAX_BYTES || slice_contains(host, '\0'))
        return ERROR_RESOLVE;
    memcpy(name, host.data, host.size);
    name[host.size] = '\0';
    if (resolver->queries >= resolver->loop->limits.tasks)
        return ERROR_LIMIT;
    struct query *query = memory_alloc(sizeof(*query));
    if (query == NULL)
        return ERROR_MEMORY;
    if (!open_channel(resolver)) {
        memory_free(query);
        return ERROR_RESOLVE;
    }

    *query = (struct query){.resolver = resolver, .task = task};
    resolver->queries++;
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    ares_getaddrinfo(resolver->channel, name, NULL, &hints, query_ended, query);
    restart_timer(resolver);
    query->suspended = true;
    enum error error = ERROR_NONE;
    while (!query->done && error == ERROR_NONE)
        error = task_suspend(task, deadline_ns);
    query->suspended = false;
    if (!query->done) {
        query->task = NULL;
        return error;
    }
    error = take_answer(query, port, ret_addresses, capacity, ret_count);
    query_free(query);
    return error;
}
