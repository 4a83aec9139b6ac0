// A channel that lives on, and is made anew when the system's name servers have changed; the old
// one stays until its last question is answered.
#include "watch/probe/names.h"
#include "base/clock.h"
#include "base/memory.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#define HOST_MAX 255
#define TIMEOUT_MS 2000  // of the first try of a server
#define TRIES 3
#define CHANGED_EVERY_MS 10000

struct names {
    struct poller *poller;
    struct asker *now, *before; // before: NULL, or answering the last of what it was asked
    struct timespec changed;    // the file with the servers
    uint64_t looked_ms;
};

struct lookup {
    struct poller *poller;
    struct asker *asker; // until it has the answer
    names_found *found; // NULL: nobody wants to know
    void *context;
    struct timer timer; // the end of what was known at once
    int status;
    unsigned count;
    struct address addresses[NAMES_ADDRESSES_MAX];
    bool has_answer;
};

// --- A channel ---

static void init_ares(void)
{
    (void)ares_library_init(ARES_LIB_INIT_ALL);
}

static void socket_changed(void *context, ares_socket_t descriptor, int reads, int writes)
{
    struct asker *asker = context;
    uint32_t events = (reads ? (uint32_t)EPOLLIN : 0) | (writes ? (uint32_t)EPOLLOUT : 0);
    if (events == 0)
        poller_unwatch(asker->poller, descriptor);
    else // where it cannot be watched, the time that c-ares waits for it ends all the same
        (void)!poller_watch(asker->poller, descriptor, &asker->waiter, events);
}

static void process(struct asker *asker)
{
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    if (asker->channel == NULL) // closed earlier in this turn
        return;
    int bits = ares_getsock(asker->channel, sockets, ARES_GETSOCK_MAXNUM);
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        // As its macros have it, which shift into the sign.
        bool reads = ((unsigned)bits >> i & 1) != 0;
        bool writes = ((unsigned)bits >> (i + ARES_GETSOCK_MAXNUM) & 1) != 0;
        if (reads || writes)
            ares_process_fd(asker->channel, reads ? sockets[i] : ARES_SOCKET_BAD,
                writes ? sockets[i] : ARES_SOCKET_BAD);
    }
    ares_process_fd(asker->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void asker_go_on(struct asker *asker)
{
    struct timeval most = {.tv_sec = 5}, buffer;
    if (asker->channel == NULL)
        return;
    struct timeval *left = ares_timeout(asker->channel, &most, &buffer);
    uint64_t ms = (uint64_t)left->tv_sec * 1000 + (uint64_t)left->tv_usec / 1000 + 1;
    poller_set_timer(asker->poller, &asker->timer, clock_now_ms() + ms);
}

static void on_socket(struct waiter *waiter, uint32_t events)
{
    struct asker *asker = CONTAINER_OF(waiter, struct asker, waiter);
    (void)events;
    process(asker);
    asker_go_on(asker);
}

static void on_time(struct timer *timer)
{
    struct asker *asker = CONTAINER_OF(timer, struct asker, timer);
    process(asker);
    asker_go_on(asker);
}

enum error asker_open(struct asker *asker, struct poller *poller, struct ares_options *options,
    int mask)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    *asker = (struct asker){.poller = poller, .waiter.ready = on_socket, .timer.fired = on_time};
    pthread_once(&once, init_ares);
    options->sock_state_cb = socket_changed;
    options->sock_state_cb_data = asker;
    enum error error = poller_reserve_timer(poller);
    if (error != ERROR_NONE)
        return error;
    int status = ares_init_options(&asker->channel, options, mask | ARES_OPT_SOCK_STATE_CB);
    if (status == ARES_SUCCESS)
        return ERROR_NONE;
    asker->channel = NULL;
    poller_return_timer(poller, &asker->timer);
    return status == ARES_ENOMEM ? ERROR_MEMORY : ERROR_SYSTEM;
}

void asker_close(struct asker *asker)
{
    if (asker->channel == NULL)
        return;
    ares_destroy(asker->channel);
    asker->channel = NULL;
    poller_return_timer(asker->poller, &asker->timer);
}

// --- The system's servers ---

static struct timespec change_of_servers(void)
{
    struct stat status = {0};
    (void)stat("/etc/resolv.conf", &status); // where there is none, it never changes
    return status.st_mtim;
}

static enum error open_system(struct poller *poller, struct asker **ret_asker)
{
    struct ares_options options = {.timeout = TIMEOUT_MS, .tries = TRIES};
    struct asker *asker = memory_zero_alloc(sizeof(*asker));
    if (asker == NULL)
        return ERROR_MEMORY;
    enum error error =
        asker_open(asker, poller, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (error == ERROR_NONE)
        *ret_asker = asker;
    else
        memory_free(asker);
    return error;
}

static void drop(struct asker **asker)
{
    if (*asker == NULL)
        return;
    asker_close(*asker);
    poller_discard((*asker)->poller, &(*asker)->spent);
    *asker = NULL;
}

enum error names_create(struct poller *poller, struct names **ret_names)
{
    struct names *names = memory_zero_alloc(sizeof(*names));
    if (names == NULL)
        return ERROR_MEMORY;
    names->poller = poller;
    names->changed = change_of_servers();
    names->looked_ms = clock_now_ms();
    enum error error = open_system(poller, &names->now);
    if (error == ERROR_NONE)
        *ret_names = names;
    else
        memory_free(names);
    return error;
}

void names_destroy(struct names *names)
{
    if (names == NULL)
        return;
    drop(&names->before);
    drop(&names->now);
    memory_free(names);
}

// A laptop moves, a machine gets its name servers after its services: c-ares itself never looks.
static void look_for_change(struct names *names)
{
    uint64_t now = clock_now_ms();
    if (names->before != NULL && names->before->under_way == 0)
        drop(&names->before);
    if (names->before != NULL || now - names->looked_ms < CHANGED_EVERY_MS)
        return;
    names->looked_ms = now;
    struct timespec changed = change_of_servers();
    struct asker *fresh;
    if ((changed.tv_sec == names->changed.tv_sec && changed.tv_nsec == names->changed.tv_nsec)
        || open_system(names->poller, &fresh) != ERROR_NONE)
        return;
    names->before = names->now;
    names->now = fresh;
    names->changed = changed;
}

// --- One name ---

static void release(struct lookup *lookup)
{
    poller_return_timer(lookup->poller, &lookup->timer);
    memory_free(lookup);
}

static void tell(struct timer *timer)
{
    struct lookup *lookup = CONTAINER_OF(timer, struct lookup, timer);
    if (lookup->found != NULL)
        lookup->found(lookup->context, lookup->status, lookup->addresses, lookup->count);
    release(lookup);
}

static void add(struct lookup *lookup, const struct sockaddr *address)
{
    struct address *to = &lookup->addresses[lookup->count];
    if (lookup->count == NAMES_ADDRESSES_MAX)
        return;
    *to = (struct address){0};
    if (address->sa_family == AF_INET)
        memcpy(&to->v4, address, sizeof(to->v4));
    else if (address->sa_family == AF_INET6)
        memcpy(&to->v6, address, sizeof(to->v6));
    lookup->count += to->any.sa_family != AF_UNSPEC;
}

// c-ares must not be destroyed, nor asked anew, from within: what comes of it is told a moment
// later.
static void on_addresses(void *context, int status, int timeouts, struct ares_addrinfo *found)
{
    struct lookup *lookup = context;
    (void)timeouts;
    for (struct ares_addrinfo_node *node = found == NULL ? NULL : found->nodes; node != NULL;
         node = node->ai_next)
        add(lookup, node->ai_addr);
    if (found != NULL)
        ares_freeaddrinfo(found);
    lookup->status = status == ARES_SUCCESS && lookup->count == 0 ? ARES_ENODATA : status;
    lookup->has_answer = true;
    lookup->asker->under_way--;
    if (lookup->found == NULL)
        release(lookup);
    else
        poller_set_timer(lookup->poller, &lookup->timer, 0);
}

struct lookup *names_ask(struct names *names, struct slice host, uint16_t port,
    names_found *found, void *context)
{
    char name[HOST_MAX + 1], service[8];
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
        .ai_flags = ARES_AI_NUMERICSERV | ARES_AI_NOSORT};
    struct text text = text_in(service, sizeof(service) - 1);
    look_for_change(names);
    struct lookup *lookup = memory_zero_alloc(sizeof(*lookup));
    if (lookup == NULL || poller_reserve_timer(names->poller) != ERROR_NONE) {
        memory_free(lookup);
        return NULL;
    }
    *lookup = (struct lookup){.poller = names->poller, .asker = names->now, .found = found,
        .context = context, .timer.fired = tell, .status = ARES_EBADNAME};
    if (address_parse_host(host, port, &lookup->addresses[0]) == ERROR_NONE) {
        lookup->status = ARES_SUCCESS;
        lookup->count = 1;
    }
    if (lookup->count == 1 || host.size > HOST_MAX || host.size == 0) {
        lookup->has_answer = true;
        poller_set_timer(names->poller, &lookup->timer, 0);
        return lookup;
    }
    memcpy(name, host.data, host.size);
    name[host.size] = '\0';
    text_append_u64(&text, port);
    service[text.size] = '\0';
    lookup->asker->under_way++;
    ares_getaddrinfo(lookup->asker->channel, name, service, &hints, on_addresses, lookup);
    asker_go_on(lookup->asker);
    return lookup;
}

void names_forget(struct lookup *lookup)
{
    lookup->found = NULL;
    if (lookup->has_answer)
        release(lookup);
}
