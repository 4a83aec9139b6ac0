// Putting the edge together, swapping its settings, and taking it apart.
#include "edge/edge.h"
#include "base/invariant.h"
#include "base/log.h"
#include "base/memory.h"
#include "edge/archive.h"
#include "edge/client_table.h"
#include "edge/connection.h"
#include "edge/http2/http2.h"
#include "edge/outbox/outbox.h"
#include "edge/outbox/outbox_delivery.h"
#include "edge/thread.h"

#define FLIGHTS_MAX 100000
#define DRAIN_POLL_MS 10

static void edge_thread_drain(struct loop *loop, struct message *message);
static void edge_thread_drain_main(struct task *task, void *argument);

static void edge_init_threads(struct edge *edge, struct loop **loops)
{
    invariant(edge->threads != NULL);
    for (unsigned i = 0; i < edge->thread_count; i++) {
        struct edge_thread *thread = &edge->threads[i];
        thread->edge = edge;
        thread->loop = loops[i];
        thread->index = i;
        thread->ledger = &edge->ledger[i];
        thread->generation = generation_reference(edge->generation);
        list_init(&thread->connections);
        line_init(&thread->line, thread->loop);
        list_init(&thread->silent);
        thread->peers = &edge->peer_memory[i];
        scope_open(&thread->acceptors);
        scope_open(&thread->fetches);
        thread->drain.deliver = edge_thread_drain;
    }
}

struct edge *edge_create(struct loop **loops, unsigned loop_count,
    const struct edge_settings *settings, const struct edge_hooks *hooks)
{
    struct edge *edge = memory_zero_alloc(sizeof(*edge));
    if (edge == NULL)
        return NULL;
    atomic_init(&edge->serving, loop_count);
    atomic_init(&edge->unfinished, loop_count);
    uint64_t seed = random_next(&loops[0]->random);
    edge->client_seed = seed;
    lock_init(&edge->maintenance_lock);
    lock_init(&edge->generation_lock);
    history_table_init(&edge->histories, loop_count);
    edge->thread_count = loop_count;
    edge->started_ms = loops[0]->wall_ms;
    if (hooks != NULL)
        edge->hooks = *hooks;
    edge->records_wanted = hooks != NULL && hooks->answered != NULL;
    edge->threads = memory_zero_alloc(loop_count * sizeof(*edge->threads));
    edge->peer_memory = memory_zero_alloc(loop_count * sizeof(*edge->peer_memory));
    edge->ledger_memory = memory_zero_alloc((loop_count + 1) * sizeof(*edge->ledger));
    edge->cache = cache_create(&settings->store, seed);
    edge->flights = flight_table_create(seed, FLIGHTS_MAX);
    edge->origins = origins_create(loops, loop_count);
    edge->clients = client_table_create(settings->clients.remembered);
    if (edge->threads != NULL && edge->peer_memory != NULL && edge->ledger_memory != NULL
        && edge->cache != NULL && edge->flights != NULL && edge->origins != NULL
        && edge->clients != NULL
        && origins_configure(edge->origins, settings->origins.items, settings->origins.count)
            == ERROR_NONE)
        edge->generation = generation_create(edge, settings);
    if (edge->generation == NULL) {
        edge_destroy(edge);
        return NULL;
    }
    // Rows are aligned to cache lines, which the allocator does not promise.
    uintptr_t first = ((uintptr_t)edge->ledger_memory + 63) & ~(uintptr_t)63;
    edge->ledger = (struct ledger_row *)first;
    edge_init_threads(edge, loops);
    return edge;
}

enum error edge_open_outbox(struct edge *edge)
{
    const struct outbox_settings *settings = &edge->generation->settings->outbox;
    if (settings->directory.size == 0)
        return ERROR_NONE;
    enum error error = outbox_open(settings, &edge->outbox);
    if (error == ERROR_NONE) {
        edge->delivery = outbox_delivery_create(edge);
        error = edge->delivery == NULL ? ERROR_MEMORY : ERROR_NONE;
    }
    return error;
}

enum error edge_listen(struct edge *edge, struct address *address, bool secure)
{
    for (unsigned i = 0; i < edge->thread_count; i++) {
        struct edge_thread *thread = &edge->threads[i];
        if (thread->listener_count == EDGE_LISTENERS_MAX)
            return ERROR_LIMIT;
        struct edge_listener *listener = &thread->listeners[thread->listener_count];
        listener->thread = thread;
        listener->secure = secure;
        enum error error = io_listen(thread->loop, address, &listener->socket);
        if (error != ERROR_NONE)
            return error;
        thread->listener_count++;
        error = io_local_address(&listener->socket, address);
        if (error != ERROR_NONE)
            return error;
    }
    return ERROR_NONE;
}

void edge_set_resources(struct edge *edge, const struct pressure_resources *resources)
{
    edge->pressure.resources = *resources;
}

void edge_use_store(struct edge *edge, struct store *store)
{
    edge->store = store;
    cache_use_store(edge->cache, store);
}

enum error edge_start(struct edge *edge)
{
    enum error error = origins_start(edge->origins);
    if (error == ERROR_NONE && edge->store != NULL)
        error = task_start(edge->threads[0].loop, &edge->threads[0].fetches, archive_main, edge);
    if (error == ERROR_NONE && edge->delivery != NULL)
        error = outbox_delivery_start(edge->delivery);
    for (unsigned i = 0; error == ERROR_NONE && i < edge->thread_count; i++) {
        struct edge_thread *thread = &edge->threads[i];
        error = task_start(thread->loop, NULL, edge_thread_drain_main, thread);
        pressure_start(thread);
        for (unsigned k = 0; error == ERROR_NONE && k < thread->listener_count; k++)
            error = task_start(
                thread->loop, &thread->acceptors, connection_accept_main, &thread->listeners[k]);
    }
    return error;
}

// --- Reload ---

static void edge_thread_reload(struct loop *loop, struct message *message)
{
    struct edge_reload *reload = CONTAINER_OF(message, struct edge_reload, messages[loop->index]);
    struct edge_thread *thread = &reload->edge->threads[loop->index];
    struct generation *old = thread->generation;
    thread->generation = reload->generation; // with the reference taken for this thread
    generation_release(old);
    if (atomic_fetch_sub_explicit(&reload->pending, 1, memory_order_acq_rel) == 1)
        memory_free(reload);
}

enum error edge_reload(struct edge *edge, const struct edge_settings *settings,
    void (*released)(void *context), void *context)
{
    struct edge_reload *reload = memory_zero_alloc(
        sizeof(*reload) + edge->thread_count * sizeof(struct message));
    if (reload == NULL)
        return ERROR_MEMORY;
    enum error error = origins_configure(edge->origins, settings->origins.items,
        settings->origins.count);
    struct generation *generation = error == ERROR_NONE ? generation_create(edge, settings) : NULL;
    if (generation == NULL) {
        const struct edge_settings *old = edge->generation->settings;
        if (error == ERROR_NONE
            && origins_configure(edge->origins, old->origins.items, old->origins.count)
                != ERROR_NONE)
            log_write(LOG_ERROR, "edge",
                "reload failed and the former origins could not be restored");
        memory_free(reload);
        return error == ERROR_NONE ? ERROR_MEMORY : error;
    }
    cache_set_memory(edge->cache, settings->store.memory);
    if (edge->outbox != NULL)
        outbox_configure(edge->outbox, &settings->outbox);
    reload->edge = edge;
    reload->generation = generation;
    reload->pending = edge->thread_count;
    for (unsigned i = 0; i < edge->thread_count; i++)
        generation_reference(generation);
    struct generation *old = edge->generation;
    old->released = released; // nobody but this thread's reference can be the last one yet
    old->context = context;
    lock_acquire(&edge->generation_lock);
    edge->generation = generation;
    lock_release(&edge->generation_lock);
    for (unsigned i = 0; i < edge->thread_count; i++) {
        reload->messages[i].deliver = edge_thread_reload;
        loop_post(edge->threads[i].loop, &reload->messages[i]);
    }
    generation_release(old);
    return ERROR_NONE;
}

// --- Drain ---

static void edge_thread_stop_listening(struct task *task, struct edge_thread *thread)
{
    scope_close(task, &thread->acceptors);
    for (unsigned i = 0; i < thread->listener_count; i++)
        io_close(&thread->listeners[i].socket);
}

// Requests under way get their time; what is left then is cut.
static void edge_thread_await_connections(struct task *task, struct edge_thread *thread)
{
    uint64_t timeout_ms = thread->generation->settings->connections.drain_timeout_ms;
    uint64_t deadline_ns = deadline_after_ms(thread->loop, timeout_ms);
    LIST_FOREACH(link, &thread->connections)
        connection_drain(LIST_ENTRY(link, struct connection, link));
    while (thread->connection_count > 0) {
        if (task_suspend(task, deadline_ns) != ERROR_TIMEOUT)
            continue;
        log_write(LOG_WARNING, "edge", "drain timeout: cutting connections=%llu",
            (unsigned long long)thread->connection_count);
        LIST_FOREACH(link, &thread->connections)
            connection_cut(LIST_ENTRY(link, struct connection, link));
        deadline_ns = deadline_after_ms(thread->loop, DRAIN_POLL_MS);
    }
}

// Waits until at most `threads` threads have not come as far as the counter says. Nothing is
// hurried here, so it looks now and then.
static void edge_thread_await_others(struct task *task, const _Atomic unsigned *counter,
    unsigned threads)
{
    while (atomic_load_explicit(counter, memory_order_acquire) > threads) {
        if (task_sleep_until(task, deadline_after_ms(task_loop(task), DRAIN_POLL_MS)) != ERROR_NONE)
            return;
    }
}

// The end of a thread's work, from the first moment of a drain on. It exists from the start, so
// that a drain needs nothing that might not be there.
static void edge_thread_drain_main(struct task *task, void *argument)
{
    struct edge_thread *thread = argument;
    struct edge *edge = thread->edge;
    thread->drainer = task;
    while (!thread->draining) {
        if (task_suspend(task, NEVER_NS) == ERROR_CANCELLED)
            return;
    }
    pressure_stop(thread);
    edge_thread_stop_listening(task, thread); // the port is free for a successor
    edge_thread_await_connections(task, thread);
    atomic_fetch_sub_explicit(&edge->serving, 1, memory_order_acq_rel);
    // They may be waiting for fetches of this one.
    edge_thread_await_others(task, &edge->serving, 0);
    scope_close(task, &thread->fetches);
    if (thread->index > 0) {
        atomic_fetch_sub_explicit(&edge->unfinished, 1, memory_order_acq_rel);
        return;
    }
    edge_thread_await_others(task, &edge->unfinished, 1);
    outbox_delivery_stop(task, edge->delivery, deadline_after_ms(thread->loop,
        thread->generation->settings->connections.drain_timeout_ms));
    origins_stop(task, edge->origins);
    for (unsigned i = edge->thread_count; i-- > 0;)
        loop_stop(edge->threads[i].loop);
}

void edge_thread_connection_gone(struct edge_thread *thread)
{
    if (thread->draining && thread->connection_count == 0)
        task_wake(thread->drainer);
}

static void edge_thread_drain(struct loop *loop, struct message *message)
{
    struct edge_thread *thread = CONTAINER_OF(message, struct edge_thread, drain);
    (void)loop;
    thread->draining = true;
    if (thread->drainer != NULL) // else it looks when it first runs
        task_wake(thread->drainer);
}

void edge_drain(struct edge *edge)
{
    if (atomic_exchange(&edge->is_draining, true))
        return;
    for (unsigned i = 0; i < edge->thread_count; i++)
        loop_post(edge->threads[i].loop, &edge->threads[i].drain);
}

static void edge_thread_destroy(struct edge_thread *thread)
{
    for (unsigned i = 0; i < thread->listener_count; i++)
        io_close(&thread->listeners[i].socket);
    while (thread->buffers != NULL) {
        struct buffer_link *buffer = thread->buffers;
        thread->buffers = buffer->next;
        memory_free(buffer);
    }
    http2_thread_destroy(thread->http2);
    generation_release(thread->generation);
}

void edge_destroy(struct edge *edge)
{
    if (edge == NULL)
        return;
    for (unsigned i = 0; edge->generation != NULL && i < edge->thread_count; i++)
        edge_thread_destroy(&edge->threads[i]);
    generation_release(edge->generation);
    outbox_delivery_destroy(edge->delivery);
    outbox_close(edge->outbox);
    if (edge->origins != NULL)
        origins_destroy(edge->origins);
    if (edge->flights != NULL)
        flight_table_destroy(edge->flights);
    if (edge->cache != NULL)
        cache_destroy(edge->cache);
    client_table_destroy(edge->clients);
    memory_free(edge->threads);
    memory_free(edge->peer_memory);
    memory_free(edge->ledger_memory);
    history_table_destroy(&edge->histories);
    lock_destroy(&edge->generation_lock);
    lock_destroy(&edge->maintenance_lock);
    memory_free(edge);
}

// --- Looking in ---

struct outbox *edge_outbox(struct edge *edge)
{
    return edge->outbox;
}

struct cache *edge_cache(struct edge *edge)
{
    return edge->cache;
}

struct store *edge_store(struct edge *edge)
{
    return edge->store;
}

enum error edge_settle(struct edge *edge)
{
    return cache_settle(edge->cache);
}

struct origins *edge_origins(struct edge *edge)
{
    return edge->origins;
}

int64_t edge_started_ms(const struct edge *edge)
{
    return edge->started_ms;
}

uint64_t edge_read_ledger(struct edge *edge, enum ledger_count count)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < edge->thread_count; i++)
        sum += atomic_load_explicit(&edge->ledger[i].counts[count], memory_order_relaxed);
    return sum;
}

uint64_t edge_read_fault(struct edge *edge, enum http1_fault fault)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < edge->thread_count; i++)
        sum += atomic_load_explicit(&edge->ledger[i].faults[fault], memory_order_relaxed);
    return sum;
}

uint64_t edge_open_connections(struct edge *edge)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < edge->thread_count; i++)
        sum += atomic_load_explicit(&edge->threads[i].connection_count, memory_order_relaxed);
    return sum;
}

uint64_t edge_active_requests(struct edge *edge)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < edge->thread_count; i++)
        sum += atomic_load_explicit(&edge->threads[i].active_requests, memory_order_relaxed);
    return sum;
}

uint64_t edge_open_tunnels(struct edge *edge)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < edge->thread_count; i++)
        sum += atomic_load_explicit(&edge->threads[i].tunnel_count, memory_order_relaxed);
    return sum;
}

uint64_t edge_flights(struct edge *edge)
{
    return flight_table_count(edge->flights);
}

void edge_read_history(struct edge *edge, int64_t wall_ms, struct history_view *ret_view)
{
    *ret_view = (struct history_view){0};
    history_read_all(&edge->histories, wall_ms, ret_view);
}

void edge_want_records(struct edge *edge, bool wanted)
{
    atomic_store_explicit(&edge->records_wanted,
        wanted && edge->hooks.answered != NULL, memory_order_relaxed);
}

void edge_set_maintenance(struct edge *edge, const struct maintenance *maintenance)
{
    lock_acquire(&edge->maintenance_lock);
    edge->maintenance = *maintenance;
    edge->maintenance.message[sizeof(edge->maintenance.message) - 1] = '\0';
    lock_release(&edge->maintenance_lock);
    atomic_store_explicit(&edge->in_maintenance, maintenance->on, memory_order_release);
}

void edge_read_maintenance(struct edge *edge, struct maintenance *ret_maintenance)
{
    lock_acquire(&edge->maintenance_lock);
    *ret_maintenance = edge->maintenance;
    lock_release(&edge->maintenance_lock);
}
