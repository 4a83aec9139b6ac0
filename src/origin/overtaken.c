// See overtaken.h. Only what is safe to be asked twice is ever overtaken, and it has been sent.
#include "origin/overtaken.h"
#include "base/memory.h"
#include "origin/http2.h"
#include "origin/siblings.h"

struct overtaken {
    struct exchange *exchange;
    struct exchange_request request; // of the one that was made, what reading an answer needs
    struct pool_loop *home;
    uint64_t due_ns; // when it has become slow
};

static struct backend_seat *seat_of(const struct exchange *exchange, const struct pool_loop *home)
{
    return &exchange->backend->seats[home->loop->index];
}

// --- Who may go on ---

static bool is_waiting(const struct exchange *exchange)
{
    const struct http2_stream *stream = exchange->stream;
    if (stream != NULL)
        return stream->session != NULL && stream->head_sent && !stream->has_head
            && stream->failed == FAILURE_NONE;
    return exchange->connection != NULL && exchange->sent && exchange->end == 0;
}

// Is it nobody's who needs it more?
static bool has_room_to_spare(const struct exchange *exchange, const struct pool_loop *home)
{
    const struct origin_plan *plan = exchange->plan;
    const struct backend *backend = exchange->backend;
    const struct loop *loop = home->loop;
    uint64_t connections = plan->settings.pool.connections;
    uint64_t at_once = atomic_load_explicit(&backend->limit.at_once, memory_order_relaxed);
    return !atomic_load(&home->stopping)
        && seat_of(exchange, home)->overtaken_count < OVERTAKEN_MOST
        && 2 * loop->tasks_alive <= loop->limits.tasks
        && (connections == 0
            || 2 * atomic_load_explicit(&backend->connections_open, memory_order_relaxed)
                <= connections)
        && 2 * atomic_load_explicit(&backend->limit.inside, memory_order_relaxed)
            <= MINIMUM(at_once, plan->limits.most);
}

// --- What becomes of it ---

static enum error await_head_of_stream(struct task *task, struct exchange *exchange,
    uint64_t due_ns, struct failure *ret_failure)
{
    struct http2_stream *stream = exchange->stream;
    enum error error = ERROR_NONE;
    stream->waiter = task;
    while (!stream->has_head && stream->failed == FAILURE_NONE && error == ERROR_NONE)
        error = task_suspend(task, due_ns);
    stream->waiter = NULL;
    if (stream->failed == FAILURE_NONE || error != ERROR_NONE)
        return error;
    *ret_failure = (struct failure){.kind = stream->failed, .reused_connection = stream->reused};
    return ERROR_RESET;
}

static enum error await_head(struct task *task, struct overtaken *overtaken,
    struct failure *ret_failure)
{
    struct exchange *exchange = overtaken->exchange;
    exchange->deadline_ns = MINIMUM(exchange->deadline_ns, overtaken->due_ns);
    if (exchange->stream != NULL)
        return await_head_of_stream(task, exchange,
            exchange_deadline(exchange, exchange->sent_ns, exchange->timeouts.first_byte_ms),
            ret_failure);
    bool reused = exchange->connection->reused;
    enum error error = exchange_read_head(task, exchange, ret_failure);
    ret_failure->reused_connection = reused && exchange->end == 0;
    return error;
}

static void tell(const struct task *task, const struct overtaken *overtaken, enum error error,
    const struct failure *failure)
{
    const struct exchange *exchange = overtaken->exchange;
    const struct loop *loop = task_loop(task);
    struct health_time time = {loop->now_ns, loop->wall_ms};
    if (error == ERROR_TIMEOUT && loop->now_ns >= overtaken->due_ns)
        siblings_note_called_off(exchange->origin, exchange->plan, exchange->backend,
            loop->now_ns - exchange->started_ns, time);
    else if (error == ERROR_NONE ? exchange_is_failing_status(exchange->head.status)
                                 : exchange_is_backends_fault(failure))
        siblings_note_failure(exchange->origin, exchange->plan, exchange->backend, time);
}

static void overtaken_main(struct task *task, void *argument)
{
    struct overtaken *overtaken = argument;
    struct pool_loop *home = overtaken->home;
    struct failure failure = {.kind = FAILURE_RESPONSE_TIMEOUT};
    enum error error = await_head(task, overtaken, &failure);
    if (error != ERROR_CANCELLED)
        tell(task, overtaken, error, &failure);
    seat_of(overtaken->exchange, home)->overtaken_count--;
    exchange_free(overtaken->exchange);
    memory_free(overtaken);
    atomic_fetch_sub(&home->overtaken_count, 1);
    if (atomic_load(&home->stopping))
        home->flushed(home);
}

bool overtaken_watch(struct task *task, struct exchange *exchange)
{
    const struct exchange_request *request = exchange->request;
    struct pool_loop *home = origins_pool(exchange->origin->origins, task_loop(task));
    if (request->progress == NULL || !request->progress->overtaken || request->has_failed
        || !is_waiting(exchange))
        return false;
    uint64_t slow_ns = siblings_slow_ns(exchange->plan, exchange->backend);
    uint64_t waited_ns = task_now_ns(task) - exchange->started_ns;
    if (slow_ns == NEVER_NS || waited_ns >= slow_ns || !has_room_to_spare(exchange, home))
        return false;
    struct overtaken *overtaken = memory_zero_alloc(sizeof(*overtaken));
    if (overtaken == NULL)
        return false;
    *overtaken = (struct overtaken){.exchange = exchange, .request.method = request->method,
        .home = home, .due_ns = exchange->started_ns + slow_ns};
    if (task_start(home->loop, &home->overtaken, overtaken_main, overtaken) != ERROR_NONE) {
        memory_free(overtaken);
        return false;
    }
    exchange->request = &overtaken->request;
    seat_of(exchange, home)->overtaken_count++;
    atomic_fetch_add(&home->overtaken_count, 1);
    return true;
}
