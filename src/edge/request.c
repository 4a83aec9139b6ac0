// The life of a request, top to bottom.
//
//   request_serve        whose request is it: the edge's own pages, a site, nobody
//   request_answer       the order in which an answer is sought
//     request_look_up      is there a copy?
//     request_copy_serves  is it fresh enough for this visitor?
//     request_ask          ask the origin, together with everybody who wants the same
//     lifelines_failure    no answer came: what can still be sent?
//   request_deliver      send it
//   request_record       tell the ledger and the access log
//
// What the lifelines do is in lifelines/, what a fetch does in fetch.c.
#include "edge/request.h"
#include "base/memory.h"
#include "edge/accept.h"
#include "edge/acme.h"
#include "edge/debug_field.h"
#include "edge/delivery.h"
#include "edge/max_forwards.h"
#include "edge/own_page.h"
#include "edge/part.h"
#include "edge/purge_request.h"
#include "edge/rule_serve.h"
#include "edge/secure.h"
#include "http/key.h"

#define ARENA_CHUNK_SIZE 4096
#define ARENA_LIMIT (1024 * 1024)
#define GONE_CHECK_MS 1000       // how often a waiting request looks whether its visitor left
#define TURNS_MAX 4              // flights that turn out not to fit, before it fetches alone

static void request_answer(struct task *task, struct request *request);
static void request_deliver(struct task *task, struct request *request);
static void request_record(struct request *request);

void request_begin(struct request *request, struct connection *connection,
    const struct transport *transport, void *carrier)
{
    struct edge_thread *thread = connection->thread;
    // Not the big arrays: this runs for every hit.
    memset(request, 0, offsetof(struct request, fields));
    memset(&request->host, 0, offsetof(struct request, key_text) - offsetof(struct request, host));
    memset(&request->key, 0, sizeof(*request) - offsetof(struct request, key));
    request->thread = thread;
    request->connection = connection;
    request->transport = transport;
    request->carrier = carrier;
    request->client.address = connection->peer;
    request->generation = generation_reference(thread->generation);
    request->id = random_next(&thread->loop->random);
    arena_init(&request->arena, ARENA_CHUNK_SIZE, ARENA_LIMIT);
    scope_open(&request->fetches);
}

void request_end(struct task *task, struct request *request)
{
    body_reader_close(&request->place);
    if (request->flight != NULL)
        flight_leave(request->flight);
    scope_close(task, &request->fetches);
    tunnel_offer_drop(&request->offer);
    object_release(request->object);
    object_release(request->copy);
    generation_release(request->generation);
    arena_free(&request->arena);
}

// The host name alone, in lower case: what sites are found by.
static bool request_name_host(struct request *request)
{
    struct slice host = request->head.authority;
    if (host.size > 0 && host.data[0] != '[' && slice_contains(host, ':'))
        host = slice_cut(&host, ':');
    else if (host.size > 0 && host.data[0] == '[')
        host.size = (size_t)((const char *)memchr(host.data, ']', host.size) + 1 - host.data);
    if (host.size > sizeof(request->host_text))
        return false;
    for (size_t i = 0; i < host.size; i++) {
        char byte = host.data[i];
        request->host_text[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
    }
    request->host = slice_of(request->host_text, host.size);
    return true;
}

void request_serve(struct task *task, struct request *request)
{
    const struct connection_settings *settings = &request->generation->settings->connections;
    client_identify(request);
    bool named = request_name_host(request);
    if (named)
        request->site = generation_find_site(request->generation, request->host);
    if (request->site != NULL) {
        request->origin = request->site->origin;
        debug_identify(request);
    }
    if (acme_serve(task, request)) {
        // Whoever asks for a certificate may not have a site yet, nor HTTPS.
    } else if (client_refuse(task, request)) {
        // counted, and told to wait
    } else if (purge_request_serve(task, request)) {
        // a tool's request, not a visitor's
    } else if (request->site == NULL || secure_is_misdirected(request))
        delivery_send_page(task, request, 421);
    else if (request->thread->active_requests
        > edge_share(request->thread->edge, settings->active_requests)) {
        ledger_add(request->thread->ledger, LEDGER_SHED, 1);
        request->shed = true;
        delivery_send_page(task, request, 503);
    } else if ((request->head.method == HTTP_METHOD_CONNECT && request->upgrade.data == NULL)
        || request->head.method == HTTP_METHOD_TRACE)
        delivery_send_page(task, request, 405);
    else if (!secure_redirect(task, request) && !max_forwards_serve(task, request)
        && !own_page_serve(task, request) && !rule_serve(task, request)) {
        request->upgrade = tunnel_wish(request);
        request_answer(task, request);
        request_deliver(task, request);
    }
    request_record(request);
}

// --- Is there a copy, and may it be used as it is? ---

static bool request_is_shareable(const struct request *request)
{
    return request->head.framing == HTTP_FRAMING_NONE && request->upgrade.data == NULL
        && (request->head.method == HTTP_METHOD_GET || request->head.method == HTTP_METHOD_HEAD);
}

static bool request_name_key(struct request *request)
{
    struct rule_key parts; // two sites of one host cannot exist: the origin's name will do
    if (!rule_compose_key(request, &parts))
        return false;
    size_t size = parts.origin.size + request->head.authority.size + request->head.target.size
        + parts.suffix.size + 32;
    bool here = size <= sizeof(request->key_text);
    char *buffer = here ? request->key_text : arena_alloc(&request->arena, size);
    if (buffer == NULL)
        return false;
    struct text text = text_in(buffer, here ? sizeof(request->key_text) : size);
    text_append(&text, parts.origin);
    text_append_byte(&text, '\0');
    struct slice scheme = secure_is_request(request) ? SLICE("https") : SLICE("http");
    if (http_key_write(&text, scheme, request->head.authority, request->head.path, parts.query)
        != ERROR_NONE)
        return false;
    text_append(&text, parts.suffix);
    if (text.full)
        return false;
    request->key = cache_key_of(request->thread->edge->cache, text_slice(&text));
    return true;
}

static void request_look_up(struct request *request)
{
    const struct http_fields *fields = &request->head.fields;
    request->credentials = (http_fields_find(fields, HTTP_NAME_COOKIE) != NULL ? 1 : 0)
        | (http_fields_find(fields, HTTP_NAME_AUTHORIZATION) != NULL ? 2 : 0);
    request->has_control = http_fields_find(fields, HTTP_NAME_CACHE_CONTROL) != NULL
        || http_fields_find(fields, HTTP_NAME_PRAGMA) != NULL;
    if (request->has_control)
        judge_visitor_control(fields, &request_site(request)->cache, &request->control);
    bool named = request_name_key(request);
    request->shareable = named && request_is_shareable(request) && !rule_forbids_store(request);
    if (rule_ignores_cookies(request))
        request->credentials &= ~1u;
    if (request->shareable)
        request->copy = cache_lookup(request->thread->edge->cache, &request->key, fields);
}

static bool request_copy_serves(const struct request *request)
{
    uint64_t now_ns = request->thread->loop->now_ns;
    return request->copy != NULL && object_is_fresh(request->copy, now_ns)
        && accept_fresh(request, request->copy);
}

static void request_use(struct request *request, struct object *object,
    enum request_outcome outcome)
{
    object_release(request->object);
    request->object = object_reference(object);
    request->outcome = outcome;
}

enum lifeline_outcome request_answer_stale(struct request *request)
{
    request_use(request, request->copy, OUTCOME_STALE);
    return LIFELINE_ANSWERED;
}

bool request_copy_may_go_stale(const struct request *request)
{
    uint64_t now_ns = request->thread->loop->now_ns;
    return request->copy != NULL && (object_may_go_stale(request->copy, now_ns)
        || object_is_fresh(request->copy, now_ns));
}

// --- Asking the origin ---

// Not during declared maintenance, and not while the copy's back-off lasts: the answer would be
// the copy anyway, and a dying backend must not be hammered by everybody who reads it.
static bool request_may_ask(struct request *request)
{
    uint64_t now_ns = request->thread->loop->now_ns;
    if (atomic_load_explicit(&request->thread->edge->in_maintenance, memory_order_relaxed)) {
        request->failure.kind = FAILURE_DESTINATION_UNAVAILABLE;
        return false;
    }
    if (tunnel_is_refused(request)) {
        request->shed = true;
        request->failure.kind = FAILURE_CONNECTION_LIMIT_REACHED;
        return false;
    }
    if (request_site(request)->lifelines.of[LIFELINE_STALE_IF_ERROR].enabled
        && request_copy_may_go_stale(request) && object_in_backoff(request->copy, now_ns)) {
        request->failure.kind = FAILURE_DESTINATION_UNAVAILABLE;
        return false;
    }
    return true;
}

static void request_leave_flight(struct request *request)
{
    flight_leave(request->flight);
    request->flight = NULL;
    request->leads = false;
    request->interims = 0;
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

bool request_begin_fetch(struct request *request, bool coalesce)
{
    struct edge *edge = request->thread->edge;
    if (request->flight != NULL)
        return true;
    enum error error;
    request->leads = true;
    if (coalesce) {
        struct hash128 variant = cache_variant(edge->cache, &request->key, &request->head.fields);
        variant.high ^= request->credentials; // nobody waits behind an answer made for a stranger
        error = flight_join(edge->flights, &request->key, variant, request->thread->loop,
            edge->cache, &request->flight, &request->leads);
    } else {
        error = flight_start_alone(request->thread->loop, &request->flight);
    }
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
    request->shed = true; // the edge's fault, not the site's, and the page says so
    request->failure.kind = FAILURE_INTERNAL;
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
            return request_take_failure(request, FAILURE_RESPONSE_INCOMPLETE);
    }
    if (state == FLIGHT_ALONE && !request->leads) {
        if (judge_is_error(object->status))
            return request_take_failure(request, FAILURE_STATUS);
        request->shareable = false;
        return ASK_AGAIN;
    }
    if (state == FLIGHT_ANSWERED && !request->leads
        && !object_matches(object, &request->head.fields))
        return ASK_AGAIN; // another variant than was thought; now the Vary is known
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
    if (!request->leads)
        request->saved_by = lifeline_get(LIFELINE_COALESCE);
    else if (report != NULL)
        request->saved_by = report->saved_by;
    return ASK_ANSWERED;
}

static enum ask_result request_ask_once(struct task *task, struct request *request)
{
    if (request->shareable && lifelines_lookup(task, request) == LIFELINE_ANSWERED)
        return ASK_ANSWERED;
    if (!request_begin_fetch(request, false))
        return ASK_FAILED;
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

static enum ask_result request_ask(struct task *task, struct request *request)
{
    struct edge *edge = request->thread->edge;
    struct cache_key hint = fetch_hint_key(&request->key, request->credentials);
    origin_budget_count(request->origin, task_now_ns(task));
    if (request->shareable && request->copy == NULL
        && (request->head.method == HTTP_METHOD_HEAD
            || cache_is_uncacheable(edge->cache, &hint, task_now_ns(task))))
        request->shareable = false;
    for (int turn = 0; turn < TURNS_MAX; turn++) {
        enum ask_result result = request_ask_once(task, request);
        if (result != ASK_AGAIN)
            return result;
        request_leave_flight(request);
        if (turn == TURNS_MAX - 2)
            request->shareable = false;
    }
    return ASK_FAILED;
}

// Whose rate is spent gets what the edge has by itself.
static void request_answer_unasked(struct request *request)
{
    if (request_copy_may_go_stale(request)) {
        request_answer_stale(request);
        return;
    }
    request->outcome = OUTCOME_ERROR;
    request->status = 429;
}

static bool request_asks_only_for_copies(const struct request *request)
{
    return request->has_control && request->control.only_if_cached;
}

static void request_answer(struct task *task, struct request *request)
{
    request_look_up(request);
    if (request_copy_serves(request)) {
        request_use(request, request->copy, OUTCOME_HIT);
        return;
    }
    if (request->copy != NULL && judge_is_error(request->copy->status)) {
        object_release(request->copy); // fresh or nothing: a kept error is no copy to fall back to
        request->copy = NULL;
    }
    if (request->copy != NULL && accept_stale(request, request->copy)) {
        request_answer_stale(request);
        return;
    }
    struct object *part = part_look_up(request);
    if (part != NULL) {
        request_use(request, part, OUTCOME_HIT);
        object_release(part);
        return;
    }
    if (request_asks_only_for_copies(request)) {
        request->outcome = OUTCOME_ERROR;
        request->status = 504; // RFC 9111 section 5.2.1.7: nothing has failed, delivery says so
        return;
    }
    if (!request_site(request)->rate.copies && !client_may_ask(request)) {
        request_answer_unasked(request);
        return;
    }
    if (request_may_ask(request) && request_ask(task, request) == ASK_ANSWERED)
        return;
    scope_close(task, &request->fetches); // a fetch that still reads this request's body
    if (request->failure.kind != FAILURE_CANCELLED)
        lifelines_failure(task, request);
}

// --- Sending and counting ---

// The content broke off before the visitor got anything of it: as if there had been no answer.
static void request_seek_another(struct task *task, struct request *request)
{
    object_release(request->object);
    request->object = NULL;
    request->outcome = OUTCOME_NONE;
    request->failure = (struct failure){.kind = FAILURE_RESPONSE_INCOMPLETE};
    lifelines_failure(task, request);
}

static void request_deliver(struct task *task, struct request *request)
{
    if (request->object != NULL && request->object->status == 101) {
        tunnel_open(task, request);
        return;
    }
    if (request->object != NULL && delivery_send_object(task, request))
        return;
    if (request->object != NULL)
        request_seek_another(task, request);
    if (request->object != NULL && delivery_send_object(task, request))
        return;
    if (request->outcome == OUTCOME_ERROR && request_asks_only_for_copies(request))
        delivery_send_bytes(task, request, 504, SLICE("text/plain; charset=utf-8"), SLICE(""),
            SLICE("There is no copy here that would do, and the request asked for nothing else "
                  "(Cache-Control: only-if-cached).\n"));
    else if (request->outcome == OUTCOME_ERROR)
        delivery_send_page(task, request, request->status);
    else
        request->last = true; // nobody had an answer: the visitor must not wait for one
}

// Which lines of the site kept its copy from being sent, so that the operator knows what to lift.
static void request_count_forbidden(const struct request *request)
{
    struct ledger_row *ledger = request->thread->ledger;
    struct http_field items[16], field;
    struct http_fields lines = {.items = items, .capacity = ARRAY_SIZE(items)};
    struct http_cache_control control;
    struct slice rest = object_fields(request->copy);
    uint64_t lifted = request_site(request)->cache.stale_despite
        | (request->rule == NULL ? 0 : request->rule->cache.stale_despite);
    while (lines.count < lines.capacity && object_next_field(&rest, &field)) {
        if (field.known == HTTP_NAME_CACHE_CONTROL || field.known == HTTP_NAME_CDN_CACHE_CONTROL
            || field.known == HTTP_NAME_AFLOAT_CACHE_CONTROL)
            items[lines.count++] = field;
    }
    http_cache_control_parse_response(&lines, &control);
    const bool found[] = {
        [JUDGE_NO_CACHE] = control.no_cache,
        [JUDGE_MUST_REVALIDATE] = control.must_revalidate,
        [JUDGE_PROXY_REVALIDATE] = control.proxy_revalidate,
        [JUDGE_S_MAXAGE] = control.s_maxage != HTTP_SECONDS_ABSENT,
    };
    static const enum ledger_count counts[] = {
        [JUDGE_NO_CACHE] = LEDGER_FORBIDDEN_NO_CACHE,
        [JUDGE_MUST_REVALIDATE] = LEDGER_FORBIDDEN_MUST_REVALIDATE,
        [JUDGE_PROXY_REVALIDATE] = LEDGER_FORBIDDEN_PROXY_REVALIDATE,
        [JUDGE_S_MAXAGE] = LEDGER_FORBIDDEN_S_MAXAGE,
    };
    ledger_add(ledger, LEDGER_STALE_FORBIDDEN, 1);
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        ledger_add(ledger, counts[i], found[i] && (lifted >> i & 1) == 0);
}

static void request_count(const struct request *request)
{
    struct ledger_row *ledger = request->thread->ledger;
    ledger_add(ledger, LEDGER_REQUESTS, 1);
    ledger_add(ledger, LEDGER_BYTES_SENT, request->bytes);
    switch (request->outcome) {
    case OUTCOME_HIT: ledger_add(ledger, LEDGER_HITS, 1); break;
    case OUTCOME_MISS: ledger_add(ledger, LEDGER_MISSES, 1); break;
    case OUTCOME_REVALIDATED: ledger_add(ledger, LEDGER_REVALIDATED, 1); break;
    case OUTCOME_PASS: ledger_add(ledger, LEDGER_PASSES, 1); break;
    case OUTCOME_STALE: case OUTCOME_ERROR: case OUTCOME_NONE: break;
    }
    if (request->saved_by != NULL)
        ledger_add(ledger, lifeline_ledger(request->saved_by), 1);
    if (request->status >= 500 && !request_asks_only_for_copies(request)) {
        ledger_add(ledger, LEDGER_VISITOR_ERRORS, 1);
        if (request->copy != NULL && !request_copy_may_go_stale(request))
            request_count_forbidden(request);
    }
    if (!request->complete)
        ledger_add(ledger, LEDGER_ABORTED, 1);
}

const char *request_outcome_word(enum request_outcome outcome)
{
    switch (outcome) {
    case OUTCOME_NONE: return "edge";
    case OUTCOME_HIT: return "hit";
    case OUTCOME_STALE: return "stale";
    case OUTCOME_MISS: return "miss";
    case OUTCOME_REVALIDATED: return "revalidated";
    case OUTCOME_PASS: return "pass";
    case OUTCOME_ERROR: return "error";
    }
    return "";
}

static void request_log(const struct request *request)
{
    struct edge_thread *thread = request->thread;
    if (!atomic_load_explicit(&thread->edge->records_wanted, memory_order_relaxed))
        return;
    char id[REQUEST_ID_DIGITS];
    struct text id_text = text_in(id, sizeof(id));
    text_append_hex(&id_text, request->id, REQUEST_ID_DIGITS);
    const struct fetch_report *report = request_report(request);
    const struct http_fields *fields = &request->head.fields;
    struct access_record record = {
        .wall_ms = thread->loop->wall_ms,
        .duration_us = (thread->loop->now_ns - request->started_ns) / 1000,
        .first_byte_us = request->first_byte_ns == 0
            ? 0 : (request->first_byte_ns - request->started_ns) / 1000,
        .peer = request->client.address,
        .method = request->head.method_text,
        .target = request->head.target,
        .host = request->head.authority,
        .referer = http_fields_find_text(fields, SLICE("referer")) == NULL ? SLICE_EMPTY
            : http_fields_find_text(fields, SLICE("referer"))->value,
        .user_agent = http_fields_value(fields, HTTP_NAME_USER_AGENT),
        .request_id = text_slice(&id_text),
        .major_version = request->head.major_version,
        .minor_version = request->head.minor_version,
        .status = request->status,
        .bytes = request->bytes,
        .cache = request_outcome_word(request->outcome),
        .lifeline = request->saved_by == NULL ? "" : request->saved_by->name,
        .failure = failure_token(request->failure.kind),
        .backend = report == NULL ? SLICE_EMPTY : slice_from_string(report->backend),
        .complete = request->complete,
    };
    thread->edge->hooks.answered(thread->edge->hooks.context, thread->index, &record);
}

static void request_record(struct request *request)
{
    request_count(request);
    request_log(request);
}

void request_refuse(struct task *task, struct request *request, unsigned status)
{
    request->last = true;
    delivery_send_page(task, request, status);
    request_log(request);
}
