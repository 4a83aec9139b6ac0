// Connections at rest. See pool.h; connecting is connect.c's job.
#include "origin/pool.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "origin/http2.h"

#define LEARN_FROM_MS 500     // sooner is a restart, not a habit
#define LEARNED_PERCENT 80    // retire when this much of the backend's patience is over
#define GROWTH_DIVISOR 100    // what was learned grows back by 1 % at each undisturbed rest

static void deliver_flush(struct loop *loop, struct message *message)
{
    struct pool_loop *pool_loop = CONTAINER_OF(message, struct pool_loop, flush);
    (void)loop;
    // Whoever posts from here on posts again: what follows may miss his reason.
    atomic_store(&pool_loop->flush_posted, false);
    uint64_t wanted = atomic_load(&pool_loop->flushes_wanted);
    pool_flush(pool_loop);
    atomic_store(&pool_loop->flushes_served, wanted);
    pool_loop->flushed(pool_loop);
}

void pool_loop_init(struct pool_loop *pool_loop, struct loop *loop,
    void (*flushed)(struct pool_loop *pool_loop))
{
    *pool_loop = (struct pool_loop){
        .loop = loop, .flush = {.deliver = deliver_flush}, .flushed = flushed};
    list_init(&pool_loop->idle);
    list_init(&pool_loop->sessions);
    scope_open(&pool_loop->overtaken);
}

void pool_post_flush(struct pool_loop *pool_loop)
{
    atomic_fetch_add(&pool_loop->flushes_wanted, 1);
    if (!atomic_exchange(&pool_loop->flush_posted, true))
        loop_post(pool_loop->loop, &pool_loop->flush);
}

static struct backend_seat *seat_of(struct backend *backend, const struct pool_loop *pool_loop)
{
    invariant(pool_loop->loop->index < backend->seat_count);
    return &backend->seats[pool_loop->loop->index];
}

static void leave_rest(struct connection *connection)
{
    list_remove(&connection->seat_link);
    list_remove(&connection->home_link);
    seat_of(connection->backend, connection->home)->idle_count--;
    atomic_fetch_sub_explicit(&connection->backend->connections_idle, 1, memory_order_relaxed);
}

// The backend closed it at rest, so it keeps connections for no longer than this.
void pool_learn_cut(const struct connection *connection)
{
    uint64_t age_ms = (connection->home->loop->now_ns - connection->rested_ns) / NS_PER_MS;
    uint64_t learned = age_ms * LEARNED_PERCENT / 100;
    _Atomic uint64_t *limit = &connection->backend->idle_limit_ms;
    uint64_t known = atomic_load_explicit(limit, memory_order_relaxed);
    if (age_ms >= LEARN_FROM_MS && (known == 0 || learned < known))
        atomic_store_explicit(limit, learned, memory_order_relaxed);
}

static void learn_undisturbed(const struct connection *connection)
{
    _Atomic uint64_t *limit = &connection->backend->idle_limit_ms;
    uint64_t known = atomic_load_explicit(limit, memory_order_relaxed);
    if (known != 0)
        atomic_store_explicit(limit, known + known / GROWTH_DIVISOR + 1, memory_order_relaxed);
}

static void end_rest(struct io_socket *socket, enum error reason)
{
    struct connection *connection = CONTAINER_OF(socket, struct connection, stream.socket);
    leave_rest(connection);
    if (reason == ERROR_TIMEOUT)
        learn_undisturbed(connection);
    else
        pool_learn_cut(connection);
    connection_close(connection);
}

static void close_resting(struct connection *connection)
{
    leave_rest(connection);
    io_unpark(&connection->stream.socket);
    connection_close(connection);
}

void pool_flush(struct pool_loop *pool_loop)
{
    bool all = atomic_load(&pool_loop->stopping);
    LIST_FOREACH(link, &pool_loop->idle) {
        struct connection *connection = LIST_ENTRY(link, struct connection, home_link);
        struct backend *backend = connection->backend;
        if (all || atomic_load(&backend->removed)
            || (atomic_load(&backend->place_wanted)
                && atomic_exchange(&backend->place_wanted, false)))
            close_resting(connection);
    }
    if (all)
        scope_cancel(&pool_loop->overtaken);
    http2_sessions_flush(pool_loop);
}

bool connection_fits(struct connection *connection, const struct tls_client *tls_client)
{
    if (!addresses_still_want(&connection->backend->addresses, &connection->address,
            connection->home->loop->now_ns, &connection->addresses_seen))
        return false;
    return connection->tls_identity == 0
        || (tls_client != NULL && connection->tls_identity == tls_client_identity(tls_client));
}

struct connection *pool_take(struct backend *backend, struct pool_loop *pool_loop,
    const struct tls_client *tls_client, struct origin_counters *counters)
{
    struct backend_seat *seat = seat_of(backend, pool_loop);
    while (!list_is_empty(&seat->idle)) {
        struct connection *connection =
            LIST_ENTRY(seat->idle.next, struct connection, seat_link);
        leave_rest(connection);
        io_unpark(&connection->stream.socket);
        if (!connection_fits(connection, tls_client)) {
            connection_close(connection);
            continue;
        }
        if (stream_is_quiet(&connection->stream)) {
            connection->reused = true;
            return connection;
        }
        count_one(&counters->stale_connections);
        pool_learn_cut(connection);
        connection_close(connection);
    }
    return NULL;
}

static uint64_t rest_ms(const struct connection *connection, const struct pool_settings *settings)
{
    uint64_t learned =
        atomic_load_explicit(&connection->backend->idle_limit_ms, memory_order_relaxed);
    uint64_t rest = settings->idle_timeout_ms;
    if (learned != 0)
        rest = MINIMUM(rest, learned);
    if (connection->hint_ms != HINT_NONE)
        rest = MINIMUM(rest, connection->hint_ms * LEARNED_PERCENT / 100);
    return rest;
}

void pool_give(struct connection *connection, const struct pool_settings *settings,
    struct origin_counters *counters)
{
    struct pool_loop *home = connection->home;
    struct backend_seat *seat = seat_of(connection->backend, home);
    uint64_t rest = rest_ms(connection, settings);
    if (rest == 0 || stream_has_buffered(&connection->stream) || atomic_load(&home->stopping)
        || atomic_load(&connection->backend->removed)) {
        connection_close(connection);
        return;
    }
    if (seat->idle_count >= settings->idle_connections) {
        count_one(&counters->pool_overflows);
        connection_close(connection);
        return;
    }
    list_prepend(&seat->idle, &connection->seat_link);
    list_append(&home->idle, &connection->home_link);
    seat->idle_count++;
    atomic_fetch_add_explicit(&connection->backend->connections_idle, 1, memory_order_relaxed);
    connection->rested_ns = home->loop->now_ns;
    io_park(&connection->stream.socket, deadline_after_ms(home->loop, rest), end_rest);
}

bool pool_evict(struct backend *backend, struct pool_loop *pool_loop)
{
    struct backend_seat *seat = seat_of(backend, pool_loop);
    if (list_is_empty(&seat->idle))
        return false;
    close_resting(LIST_ENTRY(seat->idle.previous, struct connection, seat_link));
    return true;
}

void connection_release_place(struct connection *connection)
{
    if (!connection->released)
        atomic_fetch_sub_explicit(&connection->backend->connections_open, 1, memory_order_relaxed);
    connection->released = true;
}

void connection_close(struct connection *connection)
{
    if (connection == NULL)
        return;
    stream_close(&connection->stream);
    connection_release_place(connection);
    backend_release(connection->backend);
    memory_free(connection);
}
