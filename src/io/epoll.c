// The epoll world: its loops and their turns. Sockets are in epoll_socket.c.
#include "base/invariant.h"
#include "base/memory.h"
#include "io/epoll_inside.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_MAX_MS 3600000

// What an event belongs to: a socket, or one of these.
static char bell_tag, resolver_tag;

struct epoll_world *epoll_world_create(unsigned helper_threads)
{
    struct epoll_world *world = memory_zero_alloc(sizeof(*world));
    if (world == NULL)
        return NULL;
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
        memory_free(world);
        return NULL;
    }
    if (helpers_start(&world->helpers, helper_threads) != ERROR_NONE) {
        ares_library_cleanup();
        memory_free(world);
        return NULL;
    }
    return world;
}

enum error epoll_world_set_resolvers(struct epoll_world *world, const struct address *servers,
    size_t count)
{
    if (count > RESOLVER_SERVERS_MAX)
        return ERROR_LIMIT;
    for (size_t i = 0; i < count; i++)
        if (servers[i].any.sa_family != AF_INET && servers[i].any.sa_family != AF_INET6)
            return ERROR_INVALID;
    if (count > 0)
        memcpy(world->servers.servers, servers, count * sizeof(servers[0]));
    world->servers.count = count;
    return ERROR_NONE;
}

void epoll_world_destroy(struct epoll_world *world)
{
    if (world == NULL)
        return;
    helpers_stop(&world->helpers);
    ares_library_cleanup();
    memory_free(world);
}

// Turns.

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static void refresh_clock(struct loop *loop)
{
    struct timespec wall;
    loop->now_ns = monotonic_ns();
    clock_gettime(CLOCK_REALTIME, &wall);
    loop->wall_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
}

static int timeout_until(uint64_t due_ns)
{
    if (due_ns == NEVER_NS)
        return -1;
    uint64_t now_ns = monotonic_ns();
    if (due_ns <= now_ns)
        return 0;
    uint64_t ms = (due_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
    return (int)MINIMUM(ms, TIMEOUT_MAX_MS);
}

// How long the turn may wait. From here on until asleep is false, posters ring the bell; what they
// posted before is seen here.
static int fall_asleep(struct epoll_loop *self, uint64_t due_ns)
{
    if (due_ns <= self->loop.now_ns)
        return 0;
    atomic_store(&self->asleep, true);
    if (atomic_load(&self->loop.mailbox) != NULL || atomic_load(&self->loop.stopping))
        return 0;
    return timeout_until(due_ns);
}

static void handle_event(struct epoll_loop *self, const struct epoll_event *event)
{
    if (event->data.ptr == &resolver_tag)
        resolver_turn(&self->resolver);
    else if (event->data.ptr != &bell_tag && event->data.ptr != NULL)
        epoll_socket_event(event->data.ptr, event->events);
}

static void epoll_turn(struct loop *loop, uint64_t due_ns)
{
    struct epoll_loop *self = epoll_loop_of(loop);
    int timeout_ms = fall_asleep(self, due_ns);
    int count = epoll_wait(self->epoll, self->batch, EPOLL_EVENTS_MAX, timeout_ms);
    invariant(count >= 0 || errno == EINTR);
    atomic_store_explicit(&self->asleep, false, memory_order_relaxed);
    refresh_clock(loop);
    self->batch_count = count;
    for (self->batch_at = 0; self->batch_at < self->batch_count; self->batch_at++)
        handle_event(self, &self->batch[self->batch_at]);
    self->batch_count = 0;
}

static void epoll_interrupt(struct loop *loop)
{
    struct epoll_loop *self = epoll_loop_of(loop);
    // The bell is edge-triggered, so it is never read.
    if (atomic_exchange(&self->asleep, false))
        invariant(eventfd_write(self->bell, 1) == 0);
}

static enum error epoll_resolve(struct task *task, struct slice host, uint16_t port,
    uint64_t deadline_ns, struct io_names *ret_names)
{
    struct epoll_loop *self = epoll_loop_of(task_loop(task));
    return resolver_ask(task, &self->resolver, host, port, deadline_ns, ret_names);
}

static enum error epoll_blocking(struct task *task, void (*work)(void *argument), void *argument)
{
    struct epoll_loop *self = epoll_loop_of(task_loop(task));
    return helpers_run(task, &self->world->helpers, work, argument);
}

static void epoll_entropy(struct loop *loop, void *buffer, size_t size)
{
    (void)loop;
    // Up to 256 bytes are never interrupted (getrandom(2)).
    invariant(size <= 256 && getrandom(buffer, size, 0) == (ssize_t)size);
}

static const struct io_operations epoll_operations = {
    .turn = epoll_turn,
    .interrupt = epoll_interrupt,
    .listen = epoll_listen,
    .local_address = epoll_local_address,
    .accept = epoll_accept,
    .connect = epoll_connect,
    .connected = epoll_connected,
    .receive = epoll_receive,
    .send = epoll_send,
    .send_now = epoll_send_now,
    .receive_now = epoll_receive_now,
    .control = epoll_control,
    .resolve = epoll_resolve,
    .blocking = epoll_blocking,
    .entropy = epoll_entropy,
};

// Loops.

static bool watch(struct epoll_loop *self, int descriptor, uint32_t events, void *tag)
{
    struct epoll_event event = {.events = events, .data.ptr = tag};
    return epoll_ctl(self->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

static bool open_descriptors(struct epoll_loop *self)
{
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    self->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum error error = resolver_init(&self->resolver, &self->loop, &self->world->servers);
    return self->epoll >= 0 && self->bell >= 0 && error == ERROR_NONE &&
        watch(self, self->bell, EPOLLIN | EPOLLET, &bell_tag) &&
        watch(self, self->resolver.epoll, EPOLLIN, &resolver_tag);
}

struct loop *epoll_loop_create(struct epoll_world *world, const struct loop_limits *limits,
    unsigned index, unsigned count)
{
    uint64_t seed;
    struct epoll_loop *self = memory_zero_alloc(sizeof(*self));
    if (self == NULL)
        return NULL;
    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
        memory_free(self);
        return NULL;
    }
    self->world = world;
    loop_init(&self->loop, &epoll_operations, limits, index, count, seed);
    refresh_clock(&self->loop);
    if (open_descriptors(self))
        return &self->loop;
    epoll_loop_destroy(&self->loop);
    return NULL;
}

void epoll_loop_destroy(struct loop *loop)
{
    if (loop == NULL)
        return;
    struct epoll_loop *self = epoll_loop_of(loop);
    resolver_destroy(&self->resolver);
    loop_destroy(loop);
    if (self->bell >= 0)
        close(self->bell);
    if (self->epoll >= 0)
        close(self->epoll);
    memory_free(self);
}
