// See attempt.h. The lifelines are asked in the loop, by a timer; the second exchange has a task in
// a scope that ends with the attempt.
#include "edge/attempt.h"
#include "edge/repeat.h"

#define SETTLE_SLACK_MS 1000

static bool is_good(enum error error, const struct exchange *exchange)
{
    return error == ERROR_NONE && !judge_is_error(exchange_head(exchange)->status);
}

static void second_main(struct task *task, void *argument)
{
    struct attempt *attempt = argument;
    struct fetch *fetch = attempt->fetch;
    attempt->error = exchange_open(task, fetch->origin, &attempt->request,
        &fetch->generation->settings->http, &attempt->tried, &attempt->exchange,
        &attempt->failure);
    attempt->over = true;
    if (attempt->awaited)
        task_wake(attempt->task);
    else if (attempt->is_open && is_good(attempt->error, attempt->exchange)) {
        attempt->progress.overtaken = true;
        task_interrupt(attempt->task);
    }
}

static void begin_second(struct attempt *attempt, const struct lifeline *lifeline)
{
    struct fetch *fetch = attempt->fetch;
    attempt->request = fetch->request;
    attempt->tried = fetch->tried;
    if (attempt->same_backend) {
        attempt->tried = UINT64_MAX; // all the same to it
        attempt->request.fresh_connection = true;
    }
    attempt->request.is_admitted = false; // it keeps nobody else out
    attempt->request.grant = 0;
    attempt->request.interim = NULL; // the first one's are enough
    attempt->request.progress = NULL;
    attempt->request.is_second = true;
    enum error error =
        task_start(fetch->thread->loop, &attempt->scope, second_main, attempt);
    if (error != ERROR_NONE)
        return; // the first goes on, as it would without lifelines
    attempt->lifeline = lifeline;
    fetch->attempts++;
    ledger_add(fetch->thread->ledger, LEDGER_HEDGES, 1);
}

static void look_out(struct attempt *attempt)
{
    uint64_t again_ns = NEVER_NS;
    const struct lifeline *lifeline = lifelines_beside(attempt, &again_ns);
    if (lifeline != NULL)
        begin_second(attempt, lifeline);
    else
        timer_start(attempt->fetch->thread->loop, &attempt->timer, again_ns);
}

static void time_came(struct timer *timer)
{
    look_out(CONTAINER_OF(timer, struct attempt, timer));
}

// The first one has failed, but the second may still be answered.
static void await_second(struct task *task, struct attempt *attempt)
{
    struct timeout_settings timeouts = origin_timeouts(attempt->fetch->origin);
    uint64_t deadline_ns = deadline_after_ms(task_loop(task),
        timeouts.connect_ms + timeouts.first_byte_ms + SETTLE_SLACK_MS);
    enum error error = ERROR_NONE;
    attempt->awaited = true;
    while (!attempt->over && error == ERROR_NONE)
        error = task_suspend(task, deadline_ns);
}

// Whose answer is it? The loser is called off, which says nothing against its backend.
static enum error settle(struct task *task, struct attempt *attempt, enum error error,
    struct exchange **exchange)
{
    struct fetch *fetch = attempt->fetch;
    bool was_called_off = task_settle(task);
    if (!is_good(error, *exchange) && !task_is_cancelled(task))
        await_second(task, attempt);
    scope_close(task, &attempt->scope);
    if (!attempt->same_backend)
        fetch->tried |= attempt->tried;
    bool first_won = is_good(error, *exchange);
    bool second_won = !first_won && attempt->over && is_good(attempt->error, attempt->exchange)
        && !task_is_cancelled(task);
    bool has_failed = second_won ? !was_called_off
        : !first_won && attempt->failure.kind != FAILURE_CANCELLED
            && attempt->failure.kind != FAILURE_OVERLOAD;
    if (has_failed) // beside the one that the fetch will tell of
        ledger_add(fetch->thread->ledger, LEDGER_ORIGIN_ERRORS, 1);
    if (!second_won) {
        exchange_close(task, attempt->exchange);
        return error;
    }
    exchange_close(task, *exchange);
    *exchange = attempt->exchange;
    fetch->failure = (struct failure){0};
    fetch->saved_by = attempt->lifeline;
    ledger_add(fetch->thread->ledger, LEDGER_HEDGES_WON, 1);
    return ERROR_NONE;
}

enum error attempt_make(struct task *task, struct fetch *fetch, struct exchange **ret_exchange)
{
    struct attempt attempt = {.fetch = fetch, .task = task, .begun_ns = task_now_ns(task),
        .progress.backend = SIZE_MAX};
    struct loop *loop = task_loop(task);
    struct traffic_row *traffic = &fetch->site->traffic[fetch->thread->index];
    bool is_upload = fetch->request.body.framing != HTTP_FRAMING_NONE;
    traffic_add(&traffic->asked, !is_upload);
    fetch->attempts++;
    fetch->failure = (struct failure){0};
    if (fetch->writer != NULL)
        repeat_rewind(fetch->writer);
    timer_init(&attempt.timer, time_came);
    scope_open(&attempt.scope);
    look_out(&attempt);
    fetch->request.progress = &attempt.progress;
    attempt.is_open = true;
    enum error error = exchange_open(task, fetch->origin, &fetch->request,
        &fetch->generation->settings->http, &fetch->tried, ret_exchange, &fetch->failure);
    attempt.is_open = false;
    traffic_add(&traffic->settled, !is_upload);
    fetch->request.progress = NULL;
    timer_stop(loop, &attempt.timer);
    return attempt.lifeline == NULL ? error : settle(task, &attempt, error, ret_exchange);
}
