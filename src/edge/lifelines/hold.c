// hold: nobody of the origin answers, so the request waits in front of its gate (origin/gate.h) and
// begins anew when it is let in. Only what provably was not done yet may: a request that is safe to
// repeat, or of which nothing reached a backend. Whose visitor leaves is forgotten. When the time
// is over, a backend's own error that came is passed on; else the honest page tells the truth.
#include "base/arena.h"
#include "edge/lifeline.h"
#include "edge/request.h"

enum { TIME_MS, REQUESTS, BYTES };

#define TASK_BYTES 16384 // of a task's stack, as far as a waiting request has touched it

static bool hold_is_safe(const struct request *request)
{
    if (request->upgrade.data != NULL)
        return false;
    if (request->failure.unsent)
        return request->content_read == 0;
    return http_method_is_idempotent(request->head.method)
        && request->head.framing == HTTP_FRAMING_NONE;
}

// Another attempt is no help where the backend answered, or where it is the edge's or the
// visitor's fault. A 500 alone may be that page's own; it counts only once nobody answers.
static bool hold_could_help(const struct request *request)
{
    switch (request->failure.kind) {
    case FAILURE_NONE:
    case FAILURE_CANCELLED:
    case FAILURE_INTERNAL:
    case FAILURE_REQUEST_BODY:
    case FAILURE_RESPONSE_HEADER_TOO_LARGE:
    case FAILURE_RESPONSE_BODY_TOO_LARGE:
        return false;
    case FAILURE_DNS_TIMEOUT:
    case FAILURE_DNS_ERROR:
    case FAILURE_DESTINATION_UNAVAILABLE:
    case FAILURE_CONNECTION_REFUSED:
    case FAILURE_CONNECTION_TIMEOUT:
    case FAILURE_CONNECTION_TERMINATED:
    case FAILURE_CONNECTION_READ_TIMEOUT:
    case FAILURE_CONNECTION_WRITE_TIMEOUT:
    case FAILURE_CONNECTION_LIMIT_REACHED:
    case FAILURE_RESPONSE_INCOMPLETE:
    case FAILURE_RESPONSE_TRANSFER_CODING:
    case FAILURE_RESPONSE_TIMEOUT:
    case FAILURE_TLS_PROTOCOL_ERROR:
    case FAILURE_TLS_CERTIFICATE_ERROR:
    case FAILURE_TLS_ALERT_RECEIVED:
    case FAILURE_PROTOCOL_ERROR:
    case FAILURE_STATUS:
        return true;
    }
    return false;
}

static bool hold_has_gone(void *context)
{
    struct request *request = context;
    return request->transport->has_gone(request);
}

// Another attempt. Where the last one did not even reach a backend, it costs nobody anything.
static bool hold_may_try(void *context)
{
    struct request *request = context;
    return request->failure.unsent
        || origin_budget_take(request->origin, request->thread->loop->now_ns);
}

static enum lifeline_outcome hold_failure(struct task *task, struct request *request)
{
    const struct lifeline_setting *setting = &request_site(request)->lifelines.of[LIFELINE_HOLD];
    struct gate *gate = origin_gate(request->origin);
    int64_t since_ms;
    bool is_refused = request->kept_out; // asked nobody: the gate is not open
    if (request->shed || !hold_is_safe(request) || !hold_could_help(request)
        || atomic_load_explicit(&request->thread->edge->in_maintenance, memory_order_relaxed))
        return LIFELINE_PASS;
    if (!is_refused && !origin_is_down(request->origin, &since_ms))
        return LIFELINE_PASS;
    uint64_t now_ns = task_now_ns(task);
    if (!is_refused)
        gate_shut(gate, origin_p95_ms(request->origin) * NS_PER_MS, now_ns);
    if (request->held_since_ns == 0)
        request->held_since_ns = now_ns;
    struct gate_wait wait = {.since_ns = request->held_since_ns,
        .deadline_ns = request->held_since_ns + setting->values[TIME_MS] * NS_PER_MS,
        .bytes = TASK_BYTES + request->arena.used,
        .most = setting->values[REQUESTS],
        .most_bytes = setting->values[BYTES],
        .has_gone = hold_has_gone,
        .has_asked = request->asked,
        .may_try = hold_may_try,
        .context = request};
    enum error error = gate_wait(task, gate, &wait, &request->pass);
    if (error != ERROR_RESET && error != ERROR_CANCELLED)
        return error == ERROR_NONE ? LIFELINE_AGAIN : LIFELINE_PASS;
    request->failure.kind = FAILURE_CANCELLED;
    request->last = true;
    return LIFELINE_ANSWERED; // with nothing, for there is nobody
}

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct lifeline_setting, enabled),
        .summary = "Let requests wait while no backend of the origin answers.",
        .touch = "Turn it off when a visitor should rather be told at once."},
    {.name = "time", .type = SETTING_DURATION, .fallback = "20s",
        .offset = offsetof(struct lifeline_setting, values[TIME_MS]), .minimum = 1,
        .maximum = 600000,
        .summary = "How long a request waits at most. Then it is answered with the honest page.",
        .touch = "Lower it when something in front of the edge gives up earlier."},
    {.name = "requests", .type = SETTING_COUNT, .fallback = "8000",
        .offset = offsetof(struct lifeline_setting, values[REQUESTS]), .minimum = 1,
        .maximum = 1000000,
        .summary = "How many requests may wait for one origin; the next is told at once.",
        .touch = "Raise it together with tasks.limit: each takes a task."},
    {.name = "memory", .type = SETTING_SIZE, .fallback = "256MiB",
        .offset = offsetof(struct lifeline_setting, values[BYTES]), .minimum = 65536,
        .maximum = UINT64_C(1) << 40,
        .summary = "How much memory those who wait for one origin may take, stacks included.",
        .touch = "Lower it on a small machine."},
};

const struct setting_section lifeline_hold_settings = {
    .size = sizeof(struct lifeline_setting), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "While no backend answers, wait for one instead of failing, and go in as it can.",
};

const struct lifeline lifeline_hold = {.name = "hold", .failure = hold_failure};
