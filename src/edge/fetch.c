// The life of a fetch, top to bottom:
//
//   fetch_main
//     fetch_ask           attempts (attempt.c), until one is answered or none is left to make
//     fetch_ask_whole     without conditions, when a 304 speaks of something else than the copy
//     fetch_refuses_size  larger than a rule allows: no answer
//     fetch_take_answer   judge it and pass it to the flight: confirmed, shared, or for the leader
//     protection_believes what a rule doubts is looked at before anybody hears of it
//     fetch_copy_content  from the backend into the body that everybody reads
//     fetch_give_up       no answer: say why, and let the copy rest from further fetches
#include "edge/fetch.h"
#include "base/log.h"
#include "base/memory.h"
#include "edge/attempt.h"
#include "edge/content.h"
#include "edge/forward.h"
#include "edge/invalidate.h"
#include "edge/lifeline.h"
#include "edge/part.h"
#include "edge/protection.h"
#include "edge/request.h"
#include "edge/rules/rule_serve.h"

#define ARENA_CHUNK_SIZE 4096
#define PATIENCE_SLACK_MS 5000
#define READER_WAIT_MS 1
#define CONTENT_STALL_MS 600000 // a window that nobody moves; visitors are cut long before

static void fetch_main(struct task *task, void *argument);

// --- Starting: what the fetch needs from the request is copied, for it may outlive it ---

static bool fetch_copy_head(struct fetch *fetch, const struct http_request_head *head)
{
    struct arena *arena = &fetch->arena;
    fetch->head = *head;
    fetch->head.method_text = arena_copy(arena, head->method_text);
    fetch->head.authority = arena_copy(arena, head->authority);
    fetch->head.target = arena_copy(arena, head->target);
    fetch->head.path = arena_copy(arena, head->path);
    fetch->head.query = head->query.data == NULL ? SLICE_EMPTY : arena_copy(arena, head->query);
    struct http_field *items = arena_alloc(arena, (head->fields.count + 1) * sizeof(*items));
    if (items == NULL || fetch->head.path.data == NULL || fetch->head.authority.data == NULL)
        return false;
    for (uint32_t i = 0; i < head->fields.count; i++) {
        items[i] = head->fields.items[i];
        items[i].name = arena_copy(arena, items[i].name);
        items[i].value = arena_copy(arena, items[i].value);
        if (items[i].name.data == NULL || items[i].value.data == NULL)
            return false;
    }
    fetch->head.fields = (struct http_fields){items, head->fields.count, head->fields.count};
    return true;
}

// The validators of the copy, so that an unchanged object costs the backend a 304 (RFC 9111
// section 4.3.1).
static struct slice fetch_conditions(struct fetch *fetch)
{
    struct slice etag = object_etag(fetch->copy), modified = object_last_modified(fetch->copy);
    if (etag.data != NULL && modified.data != NULL)
        return arena_printf(&fetch->arena, "If-None-Match: %.*s\r\nIf-Modified-Since: %.*s\r\n",
            SLICE_ARGS(etag), SLICE_ARGS(modified));
    if (etag.data != NULL)
        return arena_printf(&fetch->arena, "If-None-Match: %.*s\r\n", SLICE_ARGS(etag));
    if (modified.data != NULL)
        return arena_printf(&fetch->arena, "If-Modified-Since: %.*s\r\n", SLICE_ARGS(modified));
    return SLICE("");
}

static enum error fetch_read_upload(struct task *task, void *source, void *buffer, size_t size,
    size_t *ret_size)
{
    struct request *request = source;
    enum error error;
    if (repeat_read(request, buffer, size, ret_size, &error))
        return error;
    error = request->transport->read(task, request, buffer, size, ret_size);
    if (error == ERROR_NONE && (request->content_read += *ret_size) > rule_content_limit(request)) {
        ledger_add(request->thread->ledger, LEDGER_CONTENTS_REFUSED, 1);
        error = ERROR_LIMIT;
    }
    if (error != ERROR_NONE && error != ERROR_CLOSED)
        request->content_error = error;
    repeat_keep(request, error, buffer, error == ERROR_NONE ? *ret_size : 0);
    return error;
}

static struct slice fetch_upload_trailer(void *source)
{
    struct request *request = source;
    return forward_trailer(request, request->transport->trailer(request));
}

static bool fetch_visitor_has_validators(const struct request *request)
{
    return http_fields_find(&request->head.fields, HTTP_NAME_IF_NONE_MATCH) != NULL
        || http_fields_find(&request->head.fields, HTTP_NAME_IF_MODIFIED_SINCE) != NULL;
}

static void fetch_pass_interim(void *context, unsigned status, const struct http_fields *fields)
{
    struct fetch *fetch = context;
    flight_add_interim(fetch->flight, status, fields);
}

static bool fetch_build_request(struct fetch *fetch, struct request *request)
{
    struct slice conditions = SLICE("");
    if (fetch->shareable && request->copy != NULL) {
        fetch->copy = object_reference(request->copy);
        conditions = fetch_conditions(fetch);
    } else if (request->upgrade.data != NULL) {
        conditions = tunnel_own_fields(request);
    }
    struct slice fields = forward_fields(request, &fetch->arena,
        fetch->shareable ? FORWARD_WHOLE : FORWARD_AS_SENT, conditions);
    // Where they stand in the fields; everything else that is conditional was left out of them.
    if (fields.data != NULL && fetch->copy != NULL && conditions.size > 0)
        fetch->conditions = slice_of(
            memmem(fields.data, fields.size, conditions.data, conditions.size), conditions.size);
    if (conditions.data == NULL || fields.data == NULL || !fetch_copy_head(fetch, &request->head))
        return false;
    struct slice target = rule_target(request, &fetch->arena);
    struct slice host = arena_copy(&fetch->arena, rule_host(request));
    fetch->policy = rule_policy(request, &fetch->arena);
    // HEAD is answered from what GET would have brought; extended CONNECT is a GET to HTTP/1.1.
    bool as_get = fetch->shareable || request->upgrade.data != NULL;
    fetch->head.method = as_get ? HTTP_METHOD_GET : request->head.method;
    fetch->request = (struct exchange_request){
        .method = fetch->head.method,
        .method_text = as_get ? SLICE("GET") : fetch->head.method_text,
        .target = target,
        .host = host,
        .fields = fields,
        .body.framing = request->head.framing,
        .body.length = request->head.content_length,
        .body.read = fetch_read_upload,
        .body.trailer = fetch_upload_trailer,
        .body.source = request,
        .expect_continue = request->head.expect_continue,
        .wants_trailer = transport_takes_trailer(&request->head),
        .unconditional = fetch->conditions.size == 0
            && (fetch->shareable || !fetch_visitor_has_validators(request)),
        .interim = fetch_pass_interim,
        .interim_context = fetch,
        .upgrade = request->upgrade.data == NULL ? SLICE_EMPTY
            : arena_copy(&fetch->arena, request->upgrade),
        .affinity = request->key.hash.low,
        .is_admitted = request->pass.round != 0
            || !request_site(request)->lifelines.of[LIFELINE_HOLD].enabled,
        .grant = gate_take_grant(&request->pass),
        .has_failed = request->doubted && request->pass.round == 0,
    };
    fetch->upgrader = request->upgrade.data == NULL ? NULL : request;
    if (!fetch->shareable)
        repeat_begin(request, fields);
    fetch->writer = repeat_is_possible(request) ? request : NULL;
    return target.data != NULL && host.data != NULL && fetch->policy != NULL
        && (fetch->upgrader == NULL || fetch->request.upgrade.data != NULL);
}

static void fetch_destroy(struct fetch *fetch)
{
    gate_use_grant(origin_gate(fetch->origin), fetch->request.grant, fetch->thread->loop->now_ns);
    object_release(fetch->copy);
    if (fetch->flight != NULL)
        flight_release(fetch->flight);
    generation_release(fetch->generation);
    arena_free(&fetch->arena);
    memory_free(fetch);
}

static void fetch_abandon(struct flight *flight)
{
    struct fetch_report *report = flight->report;
    if (report->task != NULL)
        task_cancel(report->task);
}

enum error fetch_start(struct request *request, struct flight *flight, struct scope *scope)
{
    struct fetch *fetch = memory_zero_alloc(sizeof(*fetch));
    struct fetch_report *report = memory_zero_alloc(sizeof(*report));
    if (fetch == NULL || report == NULL) {
        memory_free(fetch);
        memory_free(report);
        return ERROR_MEMORY;
    }
    arena_init(&fetch->arena, ARENA_CHUNK_SIZE,
        edge_arena_limit(request->generation->settings));
    fetch->thread = request->thread;
    fetch->generation = generation_reference(request->generation);
    fetch->site = request->site;
    fetch->origin = request->origin;
    fetch->shareable = scope == NULL;
    fetch->credentials = request->credentials;
    fetch->response_limit = rule_response_limit(request);
    fetch->protect = fetch->shareable && request->rule != NULL ? request->rule->protect : NULL;
    fetch->may_keep = request->key.text.size > 0 && !rule_forbids_store(request);
    if (!fetch->shareable)
        flight->epoch = cache_epoch(request->thread->edge->cache);
    flight->report = fetch->report = report;
    flight->abandon = fetch_abandon;
    flight->fills_cache = fetch->shareable;
    enum error error = fetch_build_request(fetch, request) ? ERROR_NONE : ERROR_MEMORY;
    if (error == ERROR_NONE && fetch->shareable) {
        fetch->key.text = arena_copy(&fetch->arena, request->key.text);
        fetch->key.hash = request->key.hash;
        error = fetch->key.text.data == NULL ? ERROR_MEMORY : ERROR_NONE;
    } else if (error == ERROR_NONE) {
        fetch->key = request->key; // used only while the request lives
        fetch->key.text = arena_copy(&fetch->arena, request->key.text);
    }
    if (error == ERROR_NONE && !line_admits_fetch(request->thread->loop))
        error = ERROR_LIMIT;
    if (error == ERROR_NONE)
        error = task_start(request->thread->loop, scope != NULL ? scope : &request->thread->fetches,
            fetch_main, fetch);
    if (error == ERROR_NONE) {
        fetch->flight = flight_reference(flight);
        ledger_add(request->thread->ledger, LEDGER_ORIGIN_FETCHES, 1);
        if (request->held_since_ns == 0) // who was held has been counted, or tries for others
            origin_budget_count(fetch->origin, request->thread->loop->now_ns);
    } else {
        fetch_destroy(fetch);
    }
    return error;
}

uint64_t fetch_patience_ms(const struct request *request)
{
    struct timeout_settings timeouts = origin_timeouts(request->origin);
    uint64_t attempts = origin_retry(request->origin).attempts;
    return attempts * (timeouts.connect_ms + timeouts.first_byte_ms) + PATIENCE_SLACK_MS;
}

struct cache_key fetch_hint_key(const struct cache_key *key, unsigned credentials)
{
    struct cache_key hint = *key;
    hint.hash.low ^= credentials * UINT64_C(0x9E3779B97F4A7C15);
    return hint;
}

bool fetch_has_untried_backend(const struct fetch *fetch)
{
    size_t count = origin_backend_count(fetch->origin);
    return (size_t)__builtin_popcountll(fetch->tried) < count;
}

// --- Asking ---

static void fetch_note_failure(struct fetch *fetch)
{
    if (fetch->failure.kind != FAILURE_OVERLOAD) // that was none
        ledger_add(fetch->thread->ledger, LEDGER_ORIGIN_ERRORS, 1);
    fetch->report->failure = fetch->failure;
}

// The rest of a small answer that broke off, of which nobody has heard yet. *ret_anew: a whole one
// came in its place, the caller's; else NULL.
static enum error fetch_gather_rest(struct task *task, struct fetch *fetch,
    struct exchange *exchange, struct exchange **ret_anew)
{
    size_t size = (size_t)exchange_head(exchange)->content_length, at = 0, received;
    struct content content;
    content_begin(&content, fetch, exchange);
    content.is_withheld = true;
    char *bytes = content_may_continue(fetch, &content) ? memory_alloc(size) : NULL;
    enum error error = bytes == NULL ? ERROR_TRUNCATED : ERROR_NONE;
    for (; error == ERROR_NONE && at < size; at += received)
        error = content_read(task, fetch, &content, bytes + at, size - at, &received);
    *ret_anew = error == ERROR_NONE ? NULL : content_take_anew(&content);
    fetch->tried |= *ret_anew == NULL ? 0 : content.tried;
    content_end(task, &content);
    if (error == ERROR_NONE) {
        exchange_supply(exchange, bytes, size);
    } else {
        atomic_store_explicit(&fetch->report->content_saved_by, NULL, memory_order_relaxed);
        memory_free(bytes);
    }
    return error;
}

// It is something else by now, and that is here: as if it had been asked for again.
static enum error fetch_gather_anew(struct task *task, struct fetch *fetch,
    struct exchange **exchange, struct exchange *anew, uint64_t deadline_ns)
{
    fetch_note_failure(fetch);
    fetch->attempts++;
    fetch->saved_by = &lifeline_retry;
    exchange_close(task, *exchange);
    *exchange = anew;
    return exchange_gather(task, anew, deadline_ns, &fetch->failure);
}

// A small answer is here as a whole before anybody hears of it, if it comes soon: if it breaks off
// until then and nobody goes on with it, that is a failed attempt like any other. Streams do not
// tell their length; but while nobody is known to be well, there shall be more of them than a head.
static enum error fetch_gather(struct task *task, struct fetch *fetch, struct exchange **exchange)
{
    const struct lifeline_setting *setting = &fetch_site(fetch)->lifelines.of[LIFELINE_RETRY];
    const struct http_response_head *head = exchange_head(*exchange);
    bool is_wanted = head->has_content_length
        ? head->content_length <= setting->values[LIFELINE_GATHERED]
        : origin_is_failing(fetch->origin);
    if (!setting->enabled || !is_wanted)
        return ERROR_NONE;
    uint64_t deadline_ns =
        deadline_after_ms(task_loop(task), setting->values[LIFELINE_GATHER_MS]);
    struct exchange *anew = NULL;
    enum error error = exchange_gather(task, *exchange, deadline_ns, &fetch->failure);
    if (error != ERROR_NONE && error != ERROR_CANCELLED && head->has_content_length)
        error = fetch_gather_rest(task, fetch, *exchange, &anew);
    if (anew != NULL)
        error = fetch_gather_anew(task, fetch, exchange, anew, deadline_ns);
    if (error != ERROR_NONE) {
        exchange_close(task, *exchange);
        *exchange = NULL;
    }
    return error;
}

// Attempts until one is answered well or no further one may be made. On return the exchange is the
// last answer, which may be an error status; NULL: there was none.
static struct exchange *fetch_ask(struct task *task, struct fetch *fetch)
{
    struct loop *loop = task_loop(task);
    for (;;) {
        struct exchange *exchange = NULL;
        enum error error = attempt_make(task, fetch, &exchange);
        if (error == ERROR_NONE)
            error = fetch_gather(task, fetch, &exchange);
        fetch->request.grant = 0; // it is in
        fetch->asked_ns = exchange == NULL ? 0 : exchange_asked_ns(exchange);
        if (error == ERROR_NONE && !judge_is_error(exchange_head(exchange)->status))
            return exchange;
        if (error == ERROR_NONE)
            failure_from_status(exchange_head(exchange), exchange_backend(exchange),
                loop->wall_ms / 1000, &fetch->failure);
        fetch_note_failure(fetch);
        if (lifelines_attempt(task, fetch) != LIFELINE_AGAIN)
            return exchange;
        exchange_close(task, exchange);
        fetch->request.is_admitted = true; // the budget allowed it
        fetch->request.fresh_connection = true; // another kept one may be ending just as well
    }
}

static void fetch_finish_report(struct fetch *fetch, const struct exchange *exchange)
{
    struct fetch_report *report = fetch->report;
    report->attempts = fetch->attempts;
    struct slice backend = exchange == NULL ? slice_from_string(fetch->failure.backend)
                                            : exchange_backend(exchange);
    if (exchange != NULL) {
        uint64_t first_byte_us = exchange_first_byte_us(exchange);
        report->first_byte_ms = first_byte_us / 1000;
        if (!judge_is_error(exchange_head(exchange)->status)) {
            // How long an upload took says nothing about how fast the site answers.
            if (fetch->request.body.framing == HTTP_FRAMING_NONE)
                traffic_respond(&fetch->site->traffic[fetch->thread->index], first_byte_us);
            report->failure = (struct failure){0};
            report->saved_by = fetch->attempts > 1 ? fetch->saved_by : NULL;
        }
    }
    size_t size = MINIMUM(backend.size, sizeof(report->backend) - 1);
    if (size > 0)
        memcpy(report->backend, backend.data, size);
    report->backend[size] = '\0';
}

// The copy serves for a while without asking again: stale hits must not hammer a dying backend.
static void fetch_let_copy_rest(struct fetch *fetch)
{
    const struct lifeline_setting *setting =
        &fetch_site(fetch)->lifelines.of[LIFELINE_STALE_IF_ERROR];
    if (fetch->copy != NULL && fetch->failure.kind != FAILURE_CANCELLED)
        object_back_off(fetch->copy, fetch->thread->loop->now_ns,
            setting->values[LIFELINE_BACKOFF_MAX_MS]);
}

static void fetch_give_up(struct fetch *fetch)
{
    fetch_finish_report(fetch, NULL);
    fetch_let_copy_rest(fetch);
    flight_fail(fetch->flight);
}

// --- The answer ---

// When it was asked for, by the wall clock as it is now: the time a response took counts as its
// age, connecting and a jump of the clock meanwhile do not.
static int64_t fetch_asked_ms(const struct fetch *fetch)
{
    const struct loop *loop = fetch->thread->loop;
    return loop->wall_ms - (int64_t)((loop->now_ns - fetch->asked_ns) / NS_PER_MS);
}

// A 304 that speaks of something else than the copy (RFC 9111 section 4.3.3).
static bool fetch_is_contradicted(const struct fetch *fetch, const struct exchange *exchange)
{
    return exchange_head(exchange)->status == 304 && fetch->copy != NULL
        && !object_is_confirmed(fetch->copy, exchange_head(exchange));
}

// The whole answer then, without conditions. That is no further attempt: this one was answered.
static struct exchange *fetch_ask_whole(struct task *task, struct fetch *fetch,
    struct exchange *exchange)
{
    struct slice fields = fetch->request.fields, conditions = fetch->conditions;
    size_t before = (size_t)(conditions.data - fields.data);
    size_t after = fields.size - before - conditions.size;
    exchange_close(task, exchange);
    fields = arena_printf(&fetch->arena, "%.*s%.*s", (int)before, fields.data, (int)after,
        conditions.data + conditions.size);
    if (fields.data == NULL) {
        fetch->failure.kind = FAILURE_INTERNAL;
        return NULL;
    }
    fetch->request.fields = fields;
    fetch->request.unconditional = true;
    fetch->tried = 0;
    fetch->attempts = 0;
    return fetch_ask(task, fetch);
}

// What stale-if-slow learns its deadline from.
static void fetch_note_time(struct fetch *fetch, const struct object *object)
{
    struct slice type = object_field(object, HTTP_NAME_CONTENT_TYPE);
    origin_note_whole(fetch->origin, http_content_class(type),
        fetch->thread->loop->now_ns - fetch->flight->started_ns);
}

// 304 to our own condition: the copy is good for another lifetime.
static bool fetch_take_confirmation(struct fetch *fetch, struct exchange *exchange)
{
    struct loop *loop = fetch->thread->loop;
    struct object *object = object_refresh(fetch->copy, &fetch->head, exchange_head(exchange),
        fetch->policy, fetch_asked_ms(fetch), loop->wall_ms, loop->now_ns);
    if (object == NULL)
        return false;
    if (object_fields_apart(exchange_head(exchange), false, &fetch->flight->leader_fields)
        != ERROR_NONE) {
        object_release(object);
        return false;
    }
    fetch->report->revalidated = true;
    fetch_finish_report(fetch, exchange);
    if (object->storable) {
        cache_insert(fetch->thread->edge->cache, object, fetch->flight->epoch);
        fetch_note_time(fetch, object);
        flight_answer(fetch->flight, object);
    } else { // what the 304 added (private, Set-Cookie) is for the one who asked
        flight_answer_alone(fetch->flight, object);
    }
    flight_unlist(fetch->flight);
    object_release(object);
    return true;
}

// What belongs to one visitor is remembered for a while, so that others do not wait for it in vain.
// Not what a visitor's own no-store kept out: one of them could keep a page from all others.
static void fetch_remember_unshareable(const struct fetch *fetch, unsigned status)
{
    struct cache_key hint = fetch_hint_key(&fetch->key, fetch->credentials);
    if (fetch->shareable && judge_replaces(status)
        && fetch->reason != JUDGE_REASON_REQUEST_NO_STORE)
        cache_remember_uncacheable(fetch->thread->edge->cache, &hint,
            deadline_after_ms(fetch->thread->loop, fetch->policy->uncacheable_ms));
}

// The judge says whether the answer to a POST may be kept for GET; here only whether anything has
// happened to the key meanwhile, which nothing in the table of flights would tell.
static bool fetch_is_kept_post(const struct fetch *fetch)
{
    return fetch->head.method == HTTP_METHOD_POST && fetch->may_keep
        && !cache_is_touched_since(fetch->thread->edge->cache, &fetch->key, fetch->flight->epoch);
}

// The object for the answer, its content still to come; NULL when out of memory.
static struct object *fetch_create_object(struct fetch *fetch, struct exchange *exchange,
    struct judgement *part, bool *ret_kept)
{
    struct loop *loop = fetch->thread->loop;
    const struct http_response_head *head = exchange_head(exchange);
    const struct connection_settings *settings = &fetch->generation->settings->connections;
    struct judgement judgement;
    judge_response(&fetch->head, head, fetch->policy, fetch_asked_ms(fetch),
        loop->wall_ms, &judgement);
    fetch->reason = fetch->report->reason = judgement.reason;
    bool for_others = fetch->shareable || fetch_is_kept_post(fetch);
    bool shared = for_others && judgement.store == JUDGE_STORE;
    if (!for_others)
        judgement.store = JUDGE_NEVER;
    if (shared && object_fields_apart(head, judgement.drops_set_cookie,
            &fetch->flight->leader_fields) != ERROR_NONE)
        return NULL;
    uint64_t expected = head->has_content_length ? head->content_length : UINT64_MAX;
    struct body *body = NULL;
    bool is_part = part_may_keep(fetch, head, fetch_asked_ms(fetch), part);
    *ret_kept = (shared || is_part) && cache_would_keep(fetch->thread->edge->cache, &fetch->key,
        expected == UINT64_MAX ? 0 : expected);
    if (exchange_framing(exchange) != HTTP_FRAMING_NONE) {
        struct slice etag = http_fields_value(&head->fields, HTTP_NAME_ETAG);
        body = body_create(expected, *ret_kept ? 0 : settings->stream_window,
            expected != UINT64_MAX && http_etag_is_strong(etag));
        if (body == NULL)
            return NULL;
    }
    return object_create(for_others ? &fetch->key : NULL, &fetch->head, head, &judgement,
        loop->now_ns, loop->wall_ms, body);
}

// A window that is full and that nobody reads ends the transfer, but not while there are visitors
// who have only not got round to reading yet.
static enum error fetch_await_room(struct task *task, struct fetch *fetch, struct body *body,
    void **ret_room, size_t *ret_size)
{
    uint64_t deadline_ns = deadline_after_ms(task_loop(task), CONTENT_STALL_MS);
    for (;;) {
        enum error error = body_room(task, body, deadline_ns, ret_room, ret_size);
        uint32_t followers = atomic_load_explicit(&fetch->flight->followers, memory_order_relaxed);
        if (error != ERROR_CLOSED || followers == 0 || task_now_ns(task) >= deadline_ns)
            return error;
        error = task_sleep_until(task, deadline_after_ms(task_loop(task), READER_WAIT_MS));
        if (error != ERROR_NONE)
            return error;
    }
}

// From the backend into the body, until its end or until so much is there (then *ended stays
// false). The failure says whose fault it is that it broke off.
static enum error fetch_copy_content(struct task *task, struct fetch *fetch,
    struct content *content, struct body *body, uint64_t until, bool *kept, bool *ended)
{
    const struct connection_settings *settings = &fetch->generation->settings->connections;
    uint64_t look_at = settings->stream_window;
    fetch->failure = (struct failure){0};
    while (!*ended && body_size(body) < until) {
        void *room;
        size_t size;
        enum error error = fetch_await_room(task, fetch, body, &room, &size);
        if (error != ERROR_NONE)
            return error;
        error = content_read(task, fetch, content, room, size, &size);
        *ended = error == ERROR_CLOSED;
        if (error != ERROR_NONE)
            return *ended ? ERROR_NONE : error;
        if (size > fetch->response_limit - body_size(body)) {
            fetch->failure.kind = FAILURE_RESPONSE_BODY_TOO_LARGE;
            return ERROR_INVALID;
        }
        body_commit(body, size);
        if (*kept && body_size(body) >= look_at) {
            // Of unknown length: it has grown out of the cache.
            look_at *= 2;
            *kept = cache_would_keep(fetch->thread->edge->cache, &fetch->key, body_size(body));
            if (!*kept)
                body_set_window(body, settings->stream_window, false);
        }
    }
    return ERROR_NONE;
}

// Of what is not stored: a stored response would be sent without it the next time.
static void fetch_keep_trailer(struct fetch *fetch, struct exchange *exchange)
{
    struct slice trailer = exchange_trailer(exchange);
    char *copy = trailer.size == 0 ? NULL : memory_alloc(trailer.size);
    if (copy == NULL)
        return; // it is optional (RFC 9110 section 6.5.1)
    memcpy(copy, trailer.data, trailer.size);
    fetch->flight->trailer = slice_of(copy, trailer.size);
}

// An answer that says itself that it is larger than it may be is none. The backend is well.
static bool fetch_refuses_size(struct fetch *fetch, const struct exchange *exchange)
{
    const struct http_response_head *head = exchange_head(exchange);
    if (!head->has_content_length || head->content_length <= fetch->response_limit
        || exchange_framing(exchange) == HTTP_FRAMING_NONE)
        return false;
    fetch->failure = (struct failure){.kind = FAILURE_RESPONSE_BODY_TOO_LARGE};
    struct slice backend = exchange_backend(exchange);
    memcpy(fetch->failure.backend, backend.data,
        MINIMUM(backend.size, sizeof(fetch->failure.backend) - 1));
    ledger_add(fetch->thread->ledger, LEDGER_RESPONSES_REFUSED, 1);
    fetch_note_failure(fetch);
    return true;
}

static void fetch_count_broken(struct fetch *fetch)
{
    ledger_add(fetch->thread->ledger, fetch->failure.kind == FAILURE_RESPONSE_BODY_TOO_LARGE
        ? LEDGER_RESPONSES_REFUSED : LEDGER_BROKEN_BODIES, 1);
}

// The beginning of what a rule doubts is here before anybody hears of the answer. False: it was
// not to be believed, or broke off until then, and there is no answer.
static bool fetch_is_believed(struct task *task, struct fetch *fetch, struct content *content,
    struct object *object, bool *kept, bool *ended)
{
    uint64_t until = protection_examines(fetch, object);
    if (until == 0)
        return true;
    enum error error = object->body == NULL ? ERROR_NONE
        : fetch_copy_content(task, fetch, content, object->body, until, kept, ended);
    if (error == ERROR_NONE && protection_believes(fetch, object, *ended))
        return true;
    if (error == ERROR_NONE)
        fetch->failure = (struct failure){.kind = FAILURE_STATUS, .status = object->status,
            .disbelieved = true};
    else if (error != ERROR_CANCELLED)
        fetch_count_broken(fetch);
    if (fetch->failure.kind == FAILURE_NONE)
        fetch->failure.kind = FAILURE_INTERNAL;
    fetch_note_failure(fetch);
    return false;
}

// The content, from wherever it can be had, until it is whole or nobody has more of it.
static void fetch_bring_content(struct task *task, struct fetch *fetch, struct exchange *exchange,
    struct content *content, const struct object *object, bool *kept, bool ended)
{
    struct body *body = object->body;
    enum error error =
        fetch_copy_content(task, fetch, content, body, UINT64_MAX, kept, &ended);
    if (error == ERROR_CLOSED) {
        fetch->failure = (struct failure){0}; // nobody reads it any more, and it had been mended
    } else if (error != ERROR_NONE && error != ERROR_CANCELLED) {
        fetch_count_broken(fetch);
        fetch_let_copy_rest(fetch);
    }
    if (error == ERROR_NONE && !object->storable && content->source == exchange)
        fetch_keep_trailer(fetch, exchange);
    if (error == ERROR_NONE)
        body_finish(body, error);
    else
        body_break(body, error, (uint8_t)fetch->failure.kind);
}

// Publishes the head at once and then the content as it comes. False: there is no answer, and the
// failure says why.
static bool fetch_take_answer(struct task *task, struct fetch *fetch, struct exchange *exchange)
{
    unsigned status = exchange_head(exchange)->status;
    fetch->failure = (struct failure){.kind = FAILURE_INTERNAL}; // unless it turns out to be other
    if (status == 304 && fetch->copy != NULL)
        return !fetch_is_contradicted(fetch, exchange) && fetch_take_confirmation(fetch, exchange);
    bool kept;
    struct judgement part = {.store = JUDGE_NEVER};
    struct object *object = fetch_create_object(fetch, exchange, &part, &kept);
    if (object == NULL)
        return false;
    if (status == 101 && tunnel_take_offer(fetch->upgrader, exchange) != ERROR_NONE) {
        object_release(object);
        return false;
    }
    struct content content;
    bool ended = object->body == NULL;
    content_begin(&content, fetch, exchange);
    if (!fetch_is_believed(task, fetch, &content, object, &kept, &ended)) {
        content_end(task, &content);
        object_release(object);
        return false;
    }
    fetch_finish_report(fetch, exchange);
    struct flight *flight = fetch->flight;
    invalidate_after(fetch, exchange_head(exchange));
    if (fetch->head.method == HTTP_METHOD_POST)
        flight->epoch = cache_epoch(fetch->thread->edge->cache); // its own invalidation was before
    bool shared = object->storable;
    if (!judge_replaces(status))
        fetch_let_copy_rest(fetch);
    if (shared) {
        flight_set_fills_cache(flight, kept);
        flight_answer(flight, object);
    } else {
        fetch_remember_unshareable(fetch, status);
        flight_set_fills_cache(flight, false);
        flight_answer_alone(flight, object);
    }
    struct body *body = object->body;
    if (body != NULL)
        fetch_bring_content(task, fetch, exchange, &content, object, &kept, ended);
    content_end(task, &content);
    bool whole = body == NULL
        || (body_state(body) == BODY_COMPLETE && body_footprint(body) >= body_size(body));
    if (part.store == JUDGE_STORE && whole && body != NULL && !body_has_window(body))
        part_keep(fetch, exchange_head(exchange), &part, object->stored_ns, body);
    if (shared && whole && fetch->reason != JUDGE_REASON_DISBELIEVED) {
        cache_insert(fetch->thread->edge->cache, object, flight->epoch);
        fetch_note_time(fetch, object);
    }
    flight_unlist(flight);
    object_release(object);
    return true;
}

static void fetch_main(struct task *task, void *argument)
{
    struct fetch *fetch = argument;
    fetch->report->task = task;
    struct exchange *exchange = fetch_ask(task, fetch);
    if (exchange != NULL && fetch->conditions.size > 0 && fetch_is_contradicted(fetch, exchange))
        exchange = fetch_ask_whole(task, fetch, exchange);
    if (exchange != NULL && fetch_refuses_size(fetch, exchange)) {
        exchange_close(task, exchange);
        exchange = NULL;
    }
    if (exchange == NULL || !fetch_take_answer(task, fetch, exchange))
        fetch_give_up(fetch);
    exchange_close(task, exchange);
    fetch->report->task = NULL;
    fetch_destroy(fetch);
}
