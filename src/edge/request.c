// The life of a request, top to bottom.
//
//   request_serve        whose request is it: the edge's own pages, a site, nobody
//   request_answer       the order in which an answer is sought
//     request_look_up      is there a copy, in memory or on the disk?
//     request_copy_serves  is it fresh enough for this visitor?
//     request_ask          ask the origin, together with everybody who wants the same
//     lifelines_failure    no answer came: what can still be sent?
//   request_deliver      send it
//   request_record       tell the ledger and the access log
//
// Asking is in request_ask.c, recording in request_record.c, what the lifelines do in lifelines/,
// what a fetch does in fetch.c.
#include "edge/request_inside.h"
#include "base/memory.h"
#include "edge/accept.h"
#include "edge/acme.h"
#include "edge/archive.h"
#include "edge/debug_field.h"
#include "edge/delivery.h"
#include "edge/max_forwards.h"
#include "edge/pages/own_page.h"
#include "edge/part.h"
#include "edge/purge_request.h"
#include "edge/rules/rule_serve.h"
#include "edge/secure.h"
#include "http/key.h"

#define ARENA_CHUNK_SIZE 4096

static void request_answer(struct task *task, struct request *request);
static void request_deliver(struct task *task, struct request *request);

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
    arena_init(&request->arena, ARENA_CHUNK_SIZE,
        edge_arena_limit(request->generation->settings));
    scope_open(&request->fetches);
}

void request_end(struct task *task, struct request *request)
{
    body_reader_close(&request->place);
    if (request->flight != NULL)
        flight_leave(request->flight);
    scope_close(task, &request->fetches);
    tunnel_offer_drop(&request->offer);
    repeat_end(request);
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
    client_identify(request);
    bool named = request_name_host(request);
    if (named)
        request->site = generation_find_site(request->generation, request->host);
    if (request->site != NULL) {
        request->origin = request->site->origin;
        debug_identify(request);
        peer_identify(request);
    }
    if (acme_serve(task, request)) {
        // Whoever asks for a certificate may not have a site yet, nor HTTPS.
    } else if (client_refuse(task, request)) {
        // counted, and told to wait
    } else if (purge_request_serve(task, request)) {
        // a tool's request, not a visitor's
    } else if (own_page_serve_anywhere(task, request)) {
        // of no site in particular
    } else if (request->site == NULL || secure_is_misdirected(request))
        delivery_send_page(task, request, 421);
    else if ((request->head.method == HTTP_METHOD_CONNECT && request->upgrade.data == NULL)
        || request->head.method == HTTP_METHOD_TRACE)
        delivery_send_page(task, request, 405);
    else if (!secure_redirect(task, request) && !max_forwards_serve(task, request)
        && !own_page_serve(task, request) && !rule_serve(task, request)) {
        request->sought = true;
        request->upgrade = tunnel_wish(request);
        request_answer(task, request);
        request_deliver(task, request);
    }
    if (!request->refused)
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

static void request_look_up(struct task *task, struct request *request)
{
    const struct http_fields *fields = &request->head.fields;
    request->credentials = (http_fields_find(fields, HTTP_NAME_COOKIE) != NULL ? 1 : 0)
        | (http_fields_find(fields, HTTP_NAME_AUTHORIZATION) != NULL ? 2 : 0);
    request->has_control = http_fields_find(fields, HTTP_NAME_CACHE_CONTROL) != NULL
        || http_fields_find(fields, HTTP_NAME_PRAGMA) != NULL;
    if (request->has_control)
        judge_visitor_control(fields, &request_site(request)->cache, &request->control);
    if (request->is_peer)
        request->has_control = false; // it takes whatever this edge has
    bool named = request_name_key(request);
    request->shareable = named && request_is_shareable(request) && !rule_forbids_store(request);
    if (rule_ignores_cookies(request))
        request->credentials &= ~1u;
    if (request->shareable)
        request->copy = archive_look_up(task, request);
}

static bool request_copy_serves(struct request *request)
{
    uint64_t now_ns = request->thread->loop->now_ns;
    bool is_safe = request->head.method == HTTP_METHOD_GET
        || request->head.method == HTTP_METHOD_HEAD;
    if (request->copy == NULL)
        request->lack = !is_safe ? LACK_METHOD : request->shareable ? LACK_URI : LACK_STORE;
    else if (!object_is_fresh(request->copy, now_ns))
        request->lack = LACK_FRESH;
    else if (!accept_fresh(request, request->copy))
        request->lack = LACK_REQUEST;
    else
        return true;
    return false;
}

// A kept error is fresh or nothing: no copy to fall back to.
static void request_forget_error(struct request *request)
{
    if (request->copy == NULL || !judge_is_error(request->copy->status))
        return;
    object_release(request->copy);
    request->copy = NULL;
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

bool request_look_again(struct task *task, struct request *request)
{
    if (request->copy == NULL && request->key.text.size > 0 && request_is_shareable(request)
        && !rule_forbids_store(request)) {
        request->copy = archive_look_up(task, request);
        request_forget_error(request);
    }
    return request_copy_may_go_stale(request);
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

// From what the edge has by itself: a copy, or part of one.
static bool request_answer_at_once(struct task *task, struct request *request)
{
    request_look_up(task, request);
    if (request_copy_serves(request)) {
        request_use(request, request->copy, OUTCOME_HIT);
        return true;
    }
    request_forget_error(request);
    bool stale_will_do = request->copy != NULL && (accept_stale(request, request->copy)
        || (request->is_peer && request_copy_may_go_stale(request)));
    if (stale_will_do) {
        request_answer_stale(request);
        return true;
    }
    struct object *part = part_look_up(request);
    if (part != NULL) {
        request_use(request, part, OUTCOME_HIT);
        object_release(part);
    }
    return part != NULL;
}

// For an error that was kept its origin is not asked, and nobody waits for it. But what would be
// sent instead of such an answer as it comes, is sent instead of this one.
static enum lifeline_outcome request_replace_error(struct task *task, struct request *request)
{
    if (!judge_is_error(request->object->status) || request_asks_only_for_copies(request))
        return LIFELINE_ANSWERED;
    request->strayed = true;
    request_forget_error(request);
    return lifelines_failure(task, request);
}

// AGAIN: it was held, and may begin anew.
static enum lifeline_outcome request_seek(struct task *task, struct request *request)
{
    if (request_answer_at_once(task, request))
        return request_replace_error(task, request);
    if (request_asks_only_for_copies(request)) {
        request->outcome = OUTCOME_ERROR;
        // RFC 9111 section 5.2.1.7: nothing has failed, delivery says so. To a sibling 404, since
        // it would take 504 for a failure of this edge.
        request->status = request->is_peer ? 404 : 504;
        return LIFELINE_ANSWERED;
    }
    if (!request_site(request)->rate.copies && request->held_since_ns == 0
        && !client_may_ask(request)) {
        request_answer_unasked(request);
        return LIFELINE_ANSWERED;
    }
    bool answered = request_may_ask(request) && request_ask(task, request);
    request_leave_gate(request);
    if (answered && !judge_is_error(request->object->status))
        return LIFELINE_ANSWERED;
    if (!answered)
        scope_close(task, &request->fetches); // a fetch that still reads this request's body
    if (request->failure.kind == FAILURE_CANCELLED)
        return LIFELINE_ANSWERED; // by nobody, for there is nobody
    request->strayed = request->strayed || request->failure.kind != FAILURE_REQUEST_BODY;
    request_look_again(task, request);
    return lifelines_failure(task, request);
}

static void request_answer(struct task *task, struct request *request)
{
    while (request_seek(task, request) == LIFELINE_AGAIN)
        request_begin_anew(task, request);
    request_leave_gate(request);
    bool is_error = request->object != NULL && judge_is_error(request->object->status);
    request->strayed = request->strayed || is_error; // also one that was kept
    if (request->held_since_ns != 0 && request->object != NULL && !is_error)
        request->saved_by = lifeline_get(LIFELINE_HOLD);
}

// --- Sending ---

// The content broke off before the visitor got anything of it: as if there had been no answer. If
// it did not, memory is short, and no other answer would be easier to send.
static void request_seek_another(struct task *task, struct request *request)
{
    struct body *body = request->object->body;
    bool is_broken = body != NULL && body_state(body) == BODY_BROKEN;
    request->failure = (struct failure){
        .kind = is_broken ? request_failure_of(request->object) : FAILURE_INTERNAL};
    request->strayed = true;
    object_release(request->object);
    request->object = NULL;
    request->outcome = is_broken ? OUTCOME_NONE : OUTCOME_ERROR;
    request->status = is_broken ? 0 : 503;
    if (!is_broken || lifelines_failure(task, request) != LIFELINE_AGAIN)
        return;
    request_begin_anew(task, request);
    request_answer(task, request);
}

// Nobody had an answer: the visitor must not wait for one.
static void request_end_unanswered(struct request *request)
{
    request->last = true;
    request->gone = request->gone || request->failure.kind == FAILURE_CANCELLED;
    request->cut = !request->gone;
}

// The origin never heard of it.
static void request_refuse_unseen(struct request *request)
{
    request->refused = true;
    request->transport->refuse(request);
}

static void request_deliver(struct task *task, struct request *request)
{
    if (request->object != NULL && request->object->status == 101) {
        tunnel_open(task, request);
        return;
    }
    while (request->object != NULL) { // and hold has a last time
        if (delivery_send_object(task, request))
            return;
        request_seek_another(task, request);
    }
    const struct own_answer *own = request->own;
    if (own != NULL)
        delivery_send_bytes(task, request, own->status, own->content_type, own->fields,
            own->content);
    else if (request->crowded_out && request->transport->refuse != NULL)
        request_refuse_unseen(request);
    else if (request->outcome == OUTCOME_ERROR && request_asks_only_for_copies(request))
        delivery_send_bytes(task, request, request->status,
            SLICE("text/plain; charset=utf-8"), SLICE(""),
            SLICE("There is no copy here that would do, and the request asked for nothing else "
                  "(Cache-Control: only-if-cached).\n"));
    else if (request->outcome == OUTCOME_ERROR)
        delivery_send_page(task, request, request->status);
    else
        request_end_unanswered(request);
}

void request_refuse(struct task *task, struct request *request, unsigned status)
{
    request->last = true;
    delivery_send_page(task, request, status);
    request_log(request);
}
