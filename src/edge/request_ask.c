// Asking the origin for a request, together with everybody who wants the same: joins or begins a
// flight (cache/flight.h), waits for it, and takes what it brought. The fetch itself is in fetch.c.
#include "edge/request_inside.h"
#include "edge/outbox/outbox_accept.h"
#include "edge/priority.h"
#include "edge/secure.h"

#define GONE_CHECK_MS 1000 // how often a waiting request looks whether its visitor left
#define PEOPLES_SHARE 8    // of the limit of requests, one of so many is for people alone
#define TURNS_MAX 4        // flights that turn out not to fit, before it fetches alone

// While nobody of the origin answers, or too many wait for it, the hold lifeline decides; while it
// says that it is in maintenance, that one. What becomes of a write it tells itself, even then.
static bool request_passes_gate(struct request *request)
{
    const struct lifeline_settings *lifelines = &request_site(request)->lifelines;
    const struct loop *loop = request->thread->loop;
    struct gate *gate = origin_gate(request->origin);
    int64_t until_ms =
        lifelines->of[LIFELINE_MAINTENANCE].enabled ? gate_maintenance_until_ms(gate) : 0;
    bool is_bound = until_ms != 0 ? http_method_is_safe(request->head.method)
        : lifelines->of[LIFELINE_HOLD].enabled && request->upgrade.data == NULL;
    if (request->pass.held || !is_bound || gate_try(gate, loop->now_ns, &request->pass))
        return true;
    request->kept_out = true;
    request->failure = (struct failure){.unsent = true,
        .kind = gate_is_crowded(gate) ? FAILURE_OVERLOAD : FAILURE_DESTINATION_UNAVAILABLE};
    if (until_ms != 0) {
        request->failure.declined = true;
        request->failure.retry_after_seconds =
            (uint32_t)((MAXIMUM(until_ms - loop->wall_ms, 0) + 999) / 1000);
    }
    return false;
}

void request_leave_gate(struct request *request)
{
    enum pacer_verdict verdict = PACER_FAILED;
    if (request->failure.kind == FAILURE_CANCELLED || request->failure.kind == FAILURE_OVERLOAD
        || !request->leads
        || request->outcome == OUTCOME_STALE)
        verdict = PACER_UNKNOWN; // or not known yet
    else if (request->failure.kind == FAILURE_NONE)
        verdict = PACER_GOOD;
    gate_leave(origin_gate(request->origin), &request->pass, verdict,
        request->thread->loop->now_ns);
}

// At the limit of requests, whoever they are for: who needs the origin would have to wait for it.
// The last of them are for people. Who was let in before stays.
static bool request_is_crowded_out(struct request *request)
{
    const struct connection_settings *settings = &request->generation->settings->connections;
    uint64_t active = request->thread->active_requests;
    uint64_t limit = edge_share(request->thread->edge, settings->active_requests);
    if (active <= limit - limit / PEOPLES_SHARE || request->asked || request->held_since_ns != 0
        || (active <= limit && priority_of(request) == PRIORITY_INTERACTIVE))
        return false;
    ledger_add(request->thread->ledger, LEDGER_SHED, 1);
    request->shed = request->crowded_out = true;
    request->failure = (struct failure){.kind = FAILURE_CONNECTION_LIMIT_REACHED, .unsent = true};
    return true;
}

// Not during declared maintenance, not past writes that were accepted before, and not while the
// copy's back-off lasts: the answer would be the copy anyway, and a dying backend must not be
// hammered by everybody who reads it.
bool request_may_ask(struct request *request)
{
    uint64_t now_ns = request->thread->loop->now_ns;
    if (atomic_load_explicit(&request->thread->edge->in_maintenance, memory_order_relaxed)) {
        request->failure.kind = FAILURE_DESTINATION_UNAVAILABLE;
        return false;
    }
    if (outbox_goes_first(request)) {
        request->failure = (struct failure){.kind = FAILURE_DESTINATION_UNAVAILABLE,
            .unsent = true};
        return false;
    }
    if (tunnel_is_refused(request)) {
        request->shed = true;
        request->failure.kind = FAILURE_CONNECTION_LIMIT_REACHED;
        return false;
    }
    if (request_is_crowded_out(request) || pressure_refuses(request))
        return false;
    if (request_site(request)->lifelines.of[LIFELINE_STALE_IF_ERROR].enabled
        && request_copy_may_go_stale(request) && object_in_backoff(request->copy, now_ns)) {
        request->failure.kind = FAILURE_DESTINATION_UNAVAILABLE;
        return false;
    }
    return request_passes_gate(request);
}

static void request_leave_flight(struct request *request)
{
    flight_leave(request->flight);
    request->flight = NULL;
    request->leads = false;
    request->interims = 0;
}

void request_begin_anew(struct task *task, struct request *request)
{
    scope_close(task, &request->fetches);
    scope_open(&request->fetches);
    body_reader_close(&request->place);
    if (request->flight != NULL)
        request_leave_flight(request);
    object_release(request->object);
    object_release(request->copy);
    request->object = request->copy = NULL;
    request->outcome = OUTCOME_NONE;
    request->failure = (struct failure){.kind = FAILURE_NONE};
    request->kept_out = request->joined_late = false;
    request->variant = (struct hash128){0};
}

// A fetch may have ended between this request's look-up and its own flight: then the copy that it
// left is the answer, for all who have joined meanwhile too.
static bool request_is_overtaken(struct request *request)
{
    struct object *object = cache_lookup(request->thread->edge->cache, &request->key,
        &request->head.fields);
    uint64_t now_ns = request->thread->loop->now_ns;
    bool overtaken = object != NULL && object != request->copy && object_is_fresh(object, now_ns)
        && (request->copy == NULL || object->stored_ns > request->copy->stored_ns);
    if (overtaken) {
        request->asked = false;
        flight_answer(request->flight, object);
        flight_unlist(request->flight);
    }
    object_release(object);
    return overtaken;
}

// Waits for the flight of the request's variant, as far as that is known, or starts one. Nobody
// waits behind an answer made for a stranger.
static enum error request_join_flight(struct request *request)
{
    struct edge *edge = request->thread->edge;
    const struct http_fields *fields = &request->head.fields;
    struct hash128 unknown = {.high = request->credentials};
    struct hash128 variant = cache_variant(edge->cache, &request->key, fields);
    bool is_stored = !hash128_equal(variant, (struct hash128){0});
    if (is_stored && request->lack == LACK_URI)
        request->lack = LACK_VARY;
    if (!is_stored)
        variant = request->variant;
    variant.high ^= request->credentials;
    if (is_stored) {
        request->leads = false;
        request->flight =
            flight_join_fitting(edge->flights, &request->key, unknown, edge->cache, fields);
        if (request->flight != NULL)
            return ERROR_NONE;
    }
    return flight_join(edge->flights, &request->key, variant, request->thread->loop, edge->cache,
        &request->flight, &request->leads);
}

bool request_begin_fetch(struct request *request, bool coalesce)
{
    if (request->flight != NULL)
        return true;
    request->leads = true;
    enum error error = coalesce ? request_join_flight(request)
        : flight_start_alone(request->thread->loop, &request->flight);
    if (error != ERROR_NONE) {
        request->flight = NULL;
        request->leads = false;
        request->failure.kind = FAILURE_INTERNAL;
        return false;
    }
    request->asked = true;
    request->joined_late = !request->leads
        && atomic_load_explicit(&request->flight->state, memory_order_acquire) == FLIGHT_ANSWERED;
    if (!request->leads)
        return true;
    if (coalesce && request_is_overtaken(request))
        return true;
    error = fetch_start(request, request->flight, coalesce ? NULL : &request->fetches);
    if (error == ERROR_NONE)
        return true;
    ledger_add(request->thread->ledger, LEDGER_FETCHES_REFUSED, 1);
    // The edge's fault, not the site's, and the page says so; but of a task there will be one soon,
    // and it may be held until then.
    request->shed = error != ERROR_LIMIT;
    request->failure = error == ERROR_LIMIT
        ? (struct failure){.kind = FAILURE_CONNECTION_LIMIT_REACHED, .unsent = true}
        : (struct failure){.kind = FAILURE_INTERNAL};
    flight_fail(request->flight);
    request_leave_flight(request);
    return false;
}

const struct fetch_report *request_report(const struct request *request)
{
    // While it is still being asked, the fetcher writes to its report.
    if (request->flight == NULL
        || atomic_load_explicit(&request->flight->state, memory_order_acquire) == FLIGHT_ASKING)
        return NULL;
    return request->flight->report;
}

// What the fetch's content owes to a lifeline, it owes to that one last; known while it comes.
void request_note_content(struct request *request)
{
    const struct fetch_report *report = request_report(request);
    if (report == NULL || request->object != request->flight->object)
        return;
    const struct lifeline *lifeline =
        atomic_load_explicit(&report->content_saved_by, memory_order_acquire);
    if (lifeline == NULL || request->object->body == NULL)
        return;
    request->saved_by = lifeline;
    request->strayed = true;
}

// The fetch has told the body. Where it has not, somebody called it off.
enum failure_kind request_failure_of(const struct object *object)
{
    uint8_t why = object->body == NULL ? FAILURE_NONE : body_why(object->body);
    return why == FAILURE_NONE || why == FAILURE_CANCELLED ? FAILURE_RESPONSE_INCOMPLETE
                                                           : (enum failure_kind)why;
}

// A copy in hand is only given up for a whole new answer: one that breaks off in the middle would
// be an error for something the edge still holds. TRUNCATED and the like: it broke off.
static enum error request_await_whole(struct task *task, struct body *body, uint64_t deadline_ns)
{
    struct body_reader reader;
    struct slice content;
    enum error error;
    body_reader_open(&reader, body, 0);
    while ((error = body_reader_next(task, &reader, deadline_ns, &content)) == ERROR_NONE)
        body_reader_advance(&reader, content.size);
    body_reader_close(&reader);
    return error == ERROR_CLOSED ? ERROR_NONE : error;
}

// Interim responses go to all who wait, as they come (RFC 9110 section 15.2). To a visitor whose
// own 100 (Continue) another task may be sending, only before the answer.
static enum error request_pass_interims(struct task *task, struct request *request, bool answered)
{
    struct flight *flight = request->flight;
    uint32_t count = atomic_load_explicit(&flight->interim_count, memory_order_acquire);
    enum error error = ERROR_NONE;
    if (request->head.expect_continue && !answered)
        return ERROR_NONE;
    while (request->interims < count && error == ERROR_NONE) {
        const struct flight_interim *interim = flight->interims[request->interims++];
        error = request->transport->send_interim(task, request, interim->status,
            slice_of(interim->fields, interim->size));
    }
    return error == ERROR_NONE || error == ERROR_CANCELLED ? error : ERROR_RESET;
}

static enum error request_await_head(struct task *task, struct request *request,
    uint64_t deadline_ns)
{
    struct flight *flight = request->flight;
    for (;;) {
        uint32_t seen = request->head.expect_continue
            ? atomic_load_explicit(&flight->interim_count, memory_order_acquire)
            : request->interims;
        enum error error = flight_wait(task, flight, seen, deadline_ns);
        bool answered =
            atomic_load_explicit(&flight->state, memory_order_acquire) != FLIGHT_ASKING;
        if (error == ERROR_NONE)
            error = request_pass_interims(task, request, answered);
        if (error != ERROR_NONE || answered)
            return error;
    }
}

enum error request_await_answer(struct task *task, struct request *request, uint64_t deadline_ns)
{
    struct flight *flight = request->flight;
    enum error error = request_await_head(task, request, deadline_ns);
    if (error != ERROR_NONE || !request_copy_may_go_stale(request)
        || atomic_load_explicit(&flight->state, memory_order_acquire) != FLIGHT_ANSWERED)
        return error;
    struct body *body = flight->object->body;
    if (body == NULL || !judge_replaces(flight->object->status) || body_has_window(body))
        return ERROR_NONE;
    error = request_await_whole(task, body, deadline_ns);
    return error == ERROR_TIMEOUT || error == ERROR_CANCELLED ? error : ERROR_NONE;
}

// Waits for the flight, looking up now and then whether anybody still waits for the answer.
static enum error request_await(struct task *task, struct request *request)
{
    uint64_t end_ns = deadline_after_ms(request->thread->loop, fetch_patience_ms(request));
    for (;;) {
        uint64_t next_ns = task_now_ns(task) + GONE_CHECK_MS * NS_PER_MS;
        enum error error = request_await_answer(task, request, MINIMUM(next_ns, end_ns));
        if (error != ERROR_TIMEOUT || task_now_ns(task) >= end_ns)
            return error;
        if (request->transport->has_gone(request))
            return ERROR_RESET;
    }
}

enum ask_result { ASK_ANSWERED, ASK_FAILED, ASK_AGAIN };

static enum ask_result request_take_failure(struct request *request, enum failure_kind otherwise)
{
    const struct fetch_report *report = request_report(request);
    if (report != NULL && report->failure.kind != FAILURE_NONE)
        request->failure = report->failure;
    else
        request->failure.kind = otherwise;
    return ASK_FAILED;
}

// Of a transfer that keeps only a window in memory, the beginning may be gone when somebody comes,
// the leader too: others may read faster than he wakes. One of unknown length has no window yet,
// but may get one at any moment. False: this visitor cannot have it from here, not even by Range.
static bool request_take_place(struct request *request, struct object *object)
{
    struct slice ignored;
    if (object->body == NULL)
        return true;
    body_reader_open(&request->place, object->body, 0);
    if (body_reader_peek(&request->place, &ignored) != ERROR_LIMIT)
        return true;
    body_reader_close(&request->place);
    return object_length(object) != UINT64_MAX && http_etag_is_strong(object_etag(object));
}

// An answer that had begun before this request came may serve it only while it is fresh (RFC 9111
// section 4); and of what is too large to keep, the backend sends a part faster than the whole
// passes by.
static bool request_is_better_off_alone(const struct request *request, const struct object *object)
{
    if (request->joined_late && !object_is_fresh(object, request->thread->loop->now_ns))
        return true;
    return object->storable && object->body != NULL && body_has_window(object->body)
        && http_fields_find(&request->head.fields, HTTP_NAME_RANGE) != NULL;
}

// Takes what the flight brought: an answer for everybody, one for its leader alone, or a failure.
static enum ask_result request_take_answer(struct request *request)
{
    struct flight *flight = request->flight;
    const struct fetch_report *report = request_report(request);
    enum flight_state state = atomic_load_explicit(&flight->state, memory_order_acquire);
    if (state == FLIGHT_FAILED || state == FLIGHT_ASKING)
        return request_take_failure(request, FAILURE_RESPONSE_TIMEOUT);
    struct object *object = flight->object;
    if (request_copy_may_go_stale(request)) { // the copy is the better answer
        if (!judge_replaces(object->status))
            return request_take_failure(request, FAILURE_STATUS);
        if (object->body != NULL && body_state(object->body) == BODY_BROKEN)
            return request_take_failure(request, request_failure_of(object));
    }
    if (state == FLIGHT_ALONE && !request->leads) {
        if (judge_is_error(object->status))
            return request_take_failure(request, FAILURE_STATUS);
        request->shareable = false;
        return ASK_AGAIN;
    }
    if (state == FLIGHT_ANSWERED && !request->leads
        && !object_matches(object, &request->head.fields)) {
        // Another variant than was thought. Now the Vary is known, long before the answer is
        // stored: those who want the same one wait for one fetch again.
        request->variant = object_variant_of(object, &request->head.fields);
        return ASK_AGAIN;
    }
    if (request_is_better_off_alone(request, object) || !request_take_place(request, object)) {
        request->shareable = false;
        return ASK_AGAIN;
    }
    if (judge_is_error(object->status))
        request_take_failure(request, FAILURE_STATUS);
    enum request_outcome outcome = state == FLIGHT_ALONE ? OUTCOME_PASS
        : report == NULL ? OUTCOME_HIT // request_is_overtaken
        : report->revalidated ? OUTCOME_REVALIDATED : OUTCOME_MISS;
    request_use(request, object, outcome);
    if (report != NULL)
        request->saved_by = report->saved_by;
    request->strayed = request->strayed || request->saved_by != NULL;
    if (!request->leads && request->saved_by == NULL)
        request->saved_by = lifeline_get(LIFELINE_COALESCE);
    request_note_content(request);
    return ASK_ANSWERED;
}

static enum ask_result request_ask_once(struct task *task, struct request *request)
{
    if (request->shareable && lifelines_lookup(task, request) == LIFELINE_ANSWERED)
        return ASK_ANSWERED;
    if (!request_begin_fetch(request, false))
        return ASK_FAILED;
    if (!request->leads)
        request_leave_gate(request); // somebody else is asking
    if (lifelines_wait(task, request) == LIFELINE_ANSWERED)
        return ASK_ANSWERED;
    enum error error = request_await(task, request);
    if (error == ERROR_MEMORY) {
        request->failure.kind = FAILURE_INTERNAL; // the visitor is still there, and so is his copy
        return ASK_FAILED;
    }
    if (error != ERROR_NONE && error != ERROR_TIMEOUT) {
        request->failure.kind = FAILURE_CANCELLED;
        request->last = true;
        return ASK_FAILED;
    }
    return request_take_answer(request);
}

bool request_ask(struct task *task, struct request *request)
{
    struct edge *edge = request->thread->edge;
    struct cache_key hint = fetch_hint_key(&request->key, request->credentials);
    if (request->shareable && request->copy == NULL
        && (request->head.method == HTTP_METHOD_HEAD
            || cache_is_uncacheable(edge->cache, &hint, task_now_ns(task))))
        request->shareable = false;
    for (int turn = 0; turn < TURNS_MAX; turn++) {
        enum ask_result result = request_ask_once(task, request);
        if (result != ASK_AGAIN)
            return result == ASK_ANSWERED;
        request_leave_flight(request);
        if (turn == TURNS_MAX - 2)
            request->shareable = false;
    }
    return false;
}
