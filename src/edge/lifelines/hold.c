// hold: nobody of the origin answers, so the request waits in front of its gate (origin/gate.h) and
// begins anew when it is let in. Only what provably was not done yet may: a request that is safe to
// repeat, or of which nothing reached a backend. While it is not certain that nobody answers, it
// rests and asks again; a 500, which may be the page's own, is doubted (edge/doubt.h). Who finds
// every connection taken rests too. Who finds no room at any backend waits for some. Whose visitor
// leaves is forgotten. When the time is over, or the backend has said that it will be back only
// later, a backend's own error that came is passed on; else the honest page tells the truth.
#include "base/arena.h"
#include "edge/doubt.h"
#include "edge/lifeline.h"
#include "edge/priority.h"
#include "edge/request.h"

enum { TIME_MS, REQUESTS, BYTES, DOUBT_MS };

#define PAUSE_FIRST_NS (100 * NS_PER_MS) // then as long as it has waited already, at most:
#define PAUSE_LAST_NS NS_PER_SECOND
#define TASK_BYTES 16384 // of a task's stack, as far as a waiting request has touched it

static bool hold_is_safe(const struct request *request)
{
    if (request->upgrade.data != NULL)
        return false;
    if (repeat_is_possible(request))
        return true;
    if (request->failure.unsent)
        return request->content_read == 0;
    return http_method_is_idempotent(request->head.method)
        && request->head.framing == HTTP_FRAMING_NONE;
}

// Another attempt is no help where the backend answered, or where it is the edge's or the
// visitor's fault.
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
    case FAILURE_OVERLOAD:
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
    uint64_t now_ns = request->thread->loop->now_ns;
    return request->failure.unsent || origin_budget_take(request->origin, now_ns)
        || origin_take_trial(request->origin, now_ns);
}

// The backend has said when it will be back, and that is later than anybody may wait here.
static bool hold_is_hopeless(const struct request *request, uint64_t deadline_ns)
{
    uint64_t now_ns = request->thread->loop->now_ns;
    return request->failure.declined
        && now_ns + request->failure.retry_after_seconds * NS_PER_SECOND > deadline_ns;
}

// A backend in trouble fails like this with any page. (After others, such as 500, another page may
// well be fine; and whoever waited for a slow answer in vain would only wait as long once more.)
static bool hold_knows_trouble(const struct failure *failure)
{
    return (failure->kind == FAILURE_STATUS && failure->status >= 502 && failure->status <= 504)
        || failure->kind == FAILURE_CONNECTION_TERMINATED
        || failure->kind == FAILURE_RESPONSE_INCOMPLETE
        || failure->kind == FAILURE_RESPONSE_TRANSFER_CODING
        || failure->kind == FAILURE_PROTOCOL_ERROR;
}

// The last answer of every backend failed, so this failure may not be the page's own. That it is
// one turns out when the page fails again while others were answered.
static bool hold_suspects(const struct request *request)
{
    return hold_knows_trouble(&request->failure) && origin_is_failing(request->origin)
        && (request->held_since_ns == 0
            || !origin_has_answered_since(request->origin, request->held_since_ns));
}

// Every connection that the pool allows is taken, by long contents and uploads: what counts at the
// gate are requests without an answer, so nobody there knows. Nothing was sent, so asking again
// after a while costs no backend anything.
static bool hold_lacks_connection(const struct request *request)
{
    return request->failure.kind == FAILURE_CONNECTION_LIMIT_REACHED;
}

// The gate stays open, since it is not known yet that nobody answers: it asks again after a while,
// as a further attempt; or, where the budget has none left, once somebody is answered. TIMEOUT: no
// longer.
static enum error hold_rest(struct task *task, struct request *request,
    const struct gate_wait *wait)
{
    uint64_t begun_ns = task_now_ns(task);
    for (;;) {
        uint64_t waited_ns = task_now_ns(task) - wait->since_ns;
        uint64_t pause_ns = MINIMUM(MAXIMUM(waited_ns, PAUSE_FIRST_NS), PAUSE_LAST_NS);
        enum error error = gate_rest(task, origin_gate(request->origin), wait,
            task_now_ns(task) + pause_ns);
        if (error != ERROR_NONE || hold_may_try(request))
            return error;
        if (origin_has_answered_since(request->origin, begun_ns))
            return ERROR_NONE; // it is back, or this page alone is broken, which shows then
    }
}

enum hold_way {
    HOLD_NOT,
    HOLD_AT_GATE, // nobody answers, or nobody has room
    HOLD_RESTING, // it may be so
    HOLD_DOUBTING,
};

// Who was kept out has asked nobody: the gate is not open. Nor has who found no room.
static enum hold_way hold_choose_way(const struct request *request)
{
    const struct lifeline_setting *setting = &request_site(request)->lifelines.of[LIFELINE_HOLD];
    int64_t since_ms;
    if (request->kept_out || request->failure.kind == FAILURE_OVERLOAD
        || origin_is_down(request->origin, &since_ms))
        return HOLD_AT_GATE;
    if (hold_suspects(request) || hold_lacks_connection(request))
        return HOLD_RESTING;
    return setting->values[DOUBT_MS] > 0 && doubt_is_due(request) ? HOLD_DOUBTING : HOLD_NOT;
}

static enum error hold_wait_at_gate(struct task *task, struct request *request,
    const struct gate_wait *wait)
{
    struct gate *gate = origin_gate(request->origin);
    uint64_t now_ns = task_now_ns(task);
    bool has_room = request->failure.kind != FAILURE_OVERLOAD;
    if (!has_room)
        gate_crowd(gate);
    else if (!request->kept_out)
        gate_shut(gate, origin_p95_ms(request->origin) * NS_PER_MS, now_ns);
    if (has_room)
        request->doubted = false; // if it fails once the origin seems to be back, it is again
    return gate_wait(task, gate, wait, &request->pass);
}

static enum error hold_doubt(struct task *task, struct request *request,
    const struct gate_wait *wait, uint64_t most_ns)
{
    int64_t since_ms;
    enum error error = doubt_wait(task, request, wait, most_ns);
    return error == ERROR_NONE && origin_is_down(request->origin, &since_ms)
        ? hold_wait_at_gate(task, request, wait) : error;
}

static enum error hold_wait(struct task *task, struct request *request, enum hold_way way)
{
    const struct lifeline_setting *setting = &request_site(request)->lifelines.of[LIFELINE_HOLD];
    uint64_t now_ns = task_now_ns(task);
    uint64_t since_ns = request->held_since_ns == 0 ? now_ns : request->held_since_ns;
    struct gate_wait wait = {.priority = priority_of(request),
        .since_ns = since_ns,
        .deadline_ns = since_ns + setting->values[TIME_MS] * NS_PER_MS,
        .bytes = TASK_BYTES + request->arena.used,
        .most = setting->values[REQUESTS],
        .most_bytes = setting->values[BYTES],
        .has_gone = hold_has_gone,
        .has_asked = request->asked,
        .may_try = hold_may_try,
        .context = request};
    if (hold_is_hopeless(request, wait.deadline_ns))
        return ERROR_TIMEOUT;
    request->held_since_ns = since_ns;
    switch (way) {
    case HOLD_AT_GATE: return hold_wait_at_gate(task, request, &wait);
    case HOLD_RESTING: return hold_rest(task, request, &wait);
    case HOLD_DOUBTING:
        return hold_doubt(task, request, &wait, setting->values[DOUBT_MS] * NS_PER_MS);
    case HOLD_NOT: break;
    }
    return ERROR_TIMEOUT;
}

static enum lifeline_outcome hold_failure(struct task *task, struct request *request)
{
    if (request->shed || !hold_is_safe(request) || !hold_could_help(request)
        || atomic_load_explicit(&request->thread->edge->in_maintenance, memory_order_relaxed))
        return LIFELINE_PASS;
    enum hold_way way = hold_choose_way(request);
    if (way == HOLD_NOT)
        return LIFELINE_PASS;
    enum error error = hold_wait(task, request, way);
    if (error == ERROR_NONE)
        return LIFELINE_AGAIN;
    if (error != ERROR_RESET && error != ERROR_CANCELLED)
        return request_look_again(task, request) ? request_answer_stale(request) : LIFELINE_PASS;
    request->failure.kind = FAILURE_CANCELLED;
    request->last = true;
    return LIFELINE_ANSWERED; // with nothing, for there is nobody
}

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct lifeline_setting, enabled),
        .summary = "Let requests wait while no backend of the origin answers: already at the first "
                   "502, 503 or 504 if nobody was answered since (for 500 see `doubt`), but not "
                   "for a backend that says (Retry-After) that it will be back later than `time` "
                   "is over.",
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
    {.name = "doubt", .type = SETTING_DURATION, .fallback = "1s",
        .offset = offsetof(struct lifeline_setting, values[DOUBT_MS]), .maximum = 60000,
        .summary = "How long an answer of 500 is kept back, while no other page tells whether it "
                   "is this one's own or everybody's; each that fails begins the time anew. Then "
                   "it is asked for once more, and passed on. Where others are answered, nobody "
                   "waits long for it.",
        .touch = "Raise it on a quiet site whose origin fails like this as a whole; 0 when a "
                 "broken page should be told at once."},
};

const struct setting_section lifeline_hold_settings = {
    .size = sizeof(struct lifeline_setting), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "While no backend answers, wait for one instead of failing, and go in as it can.",
};

const struct lifeline lifeline_hold = {.name = "hold", .failure = hold_failure};
