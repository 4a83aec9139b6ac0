// May it be accepted, and taking it in.
#include "edge/outbox/outbox_accept.h"
#include "edge/forward.h"
#include "edge/outbox/outbox.h"
#include "edge/outbox/outbox_page.h"
#include "edge/rules/rule_serve.h"
#include "edge/secure.h"

#define URL_SIZE_MAX 1000

static bool has_method(const struct accept_settings *accept, enum http_method method)
{
    switch (method) {
    case HTTP_METHOD_POST: return (accept->methods >> OUTBOX_METHOD_POST & 1) != 0;
    case HTTP_METHOD_PUT: return (accept->methods >> OUTBOX_METHOD_PUT & 1) != 0;
    case HTTP_METHOD_PATCH: return (accept->methods >> OUTBOX_METHOD_PATCH & 1) != 0;
    case HTTP_METHOD_DELETE: return (accept->methods >> OUTBOX_METHOD_DELETE & 1) != 0;
    case HTTP_METHOD_OTHER:
    case HTTP_METHOD_GET:
    case HTTP_METHOD_HEAD:
    case HTTP_METHOD_OPTIONS:
    case HTTP_METHOD_TRACE:
    case HTTP_METHOD_CONNECT: break;
    }
    return false;
}

// What the site's rules say of such a write; NULL: it is none that is accepted.
static const struct accept_settings *accept_settings_of(const struct request *request)
{
    const struct accept_settings *accept = request->rule == NULL ? NULL
        : request->rule->accept_writes;
    bool is_wanted = accept != NULL && request->thread->edge->outbox != NULL
        && request->generation->settings->prefix.size > 0
        && request_site(request)->lifelines.of[LIFELINE_ACCEPTED_WRITES].enabled
        && request->upgrade.data == NULL && has_method(accept, request->head.method);
    return is_wanted ? accept : NULL;
}

bool outbox_goes_first(const struct request *request)
{
    return accept_settings_of(request) != NULL
        && outbox_has_waiting(request->thread->edge->outbox, request->host,
            request->rule->path.normal);
}

// It broke off, and nobody heard an answer. Where one may still come, a second write with the same
// key would be refused as a conflict, which is no end for the first.
static bool has_no_answer(enum failure_kind kind)
{
    switch (kind) {
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
    case FAILURE_TLS_PROTOCOL_ERROR:
    case FAILURE_TLS_CERTIFICATE_ERROR:
    case FAILURE_TLS_ALERT_RECEIVED:
        return true;
    case FAILURE_NONE:
    case FAILURE_RESPONSE_TIMEOUT:
    case FAILURE_RESPONSE_HEADER_TOO_LARGE:
    case FAILURE_RESPONSE_BODY_TOO_LARGE:
    case FAILURE_RESPONSE_TRANSFER_CODING:
    case FAILURE_PROTOCOL_ERROR:
    case FAILURE_STATUS:
    case FAILURE_INTERNAL:
    case FAILURE_CANCELLED:
    case FAILURE_REQUEST_BODY:
        return false;
    }
    return false;
}

// Nothing of it was sent, and all of its content is still to be read; or it may be sent again, and
// what was read of it is kept.
static bool may_be_sent(const struct request *request)
{
    return (request->failure.unsent && request->content_read == 0)
        || (repeat_is_possible(request) && has_no_answer(request->failure.kind));
}

static bool is_no_fault_of_the_origins(const struct request *request)
{
    return request->shed || request->failure.kind == FAILURE_NONE
        || request->failure.kind == FAILURE_CANCELLED
        || request->failure.kind == FAILURE_INTERNAL
        || request->failure.kind == FAILURE_REQUEST_BODY
        || atomic_load_explicit(&request->thread->edge->in_maintenance, memory_order_relaxed);
}

static uint64_t content_limit(const struct request *request, const struct accept_settings *accept)
{
    uint64_t limit = MINIMUM(accept->content, rule_content_limit(request));
    switch (request->head.framing) {
    case HTTP_FRAMING_NONE: return 0;
    case HTTP_FRAMING_LENGTH: return MINIMUM(request->head.content_length, limit);
    case HTTP_FRAMING_CHUNKED:
    case HTTP_FRAMING_CLOSE: break;
    }
    return limit;
}

static struct slice url_of(struct request *request)
{
    const struct http_request_head *head = &request->head;
    struct slice url = arena_printf(&request->arena, "%s://%.*s%.*s%s%.*s",
        secure_is_request(request) ? "https" : "http", SLICE_ARGS(head->authority),
        SLICE_ARGS(head->path), head->query.data == NULL ? "" : "?", SLICE_ARGS(head->query));
    url.size = MINIMUM(url.size, URL_SIZE_MAX);
    return url;
}

// What the origin shall get, later. False: the arena is full.
static bool describe(struct request *request, const struct accept_settings *accept,
    struct outbox_write *write)
{
    struct arena *arena = &request->arena;
    bool has_key =
        http_fields_find_text(&request->head.fields, SLICE("idempotency-key")) != NULL;
    bool adds_key = !has_key && accept->add_key;
    write->repeatable = rule_honours_keys(request) && (has_key || adds_key);
    write->accepted_ms = request->thread->loop->wall_ms;
    struct slice extra = SLICE("");
    if (adds_key) {
        uint64_t random[2];
        io_entropy(request->thread->loop, random, sizeof(random));
        extra = arena_printf(arena, "Idempotency-Key: \"%016llx%016llx\"\r\n",
            (unsigned long long)random[0], (unsigned long long)random[1]);
    }
    write->texts[OUTBOX_TEXT_host] = request->host;
    write->texts[OUTBOX_TEXT_path] = request->rule->path.normal;
    write->texts[OUTBOX_TEXT_url] = url_of(request);
    write->texts[OUTBOX_TEXT_origin] = origin_name(request->origin);
    write->texts[OUTBOX_TEXT_method] = request->head.method_text;
    write->texts[OUTBOX_TEXT_target] = rule_target(request, arena);
    write->texts[OUTBOX_TEXT_authority] = rule_host(request);
    if (extra.data != NULL)
        write->texts[OUTBOX_TEXT_fields] = forward_fields(request, arena, FORWARD_LATER, extra);
    return write->texts[OUTBOX_TEXT_url].data != NULL
        && write->texts[OUTBOX_TEXT_target].data != NULL
        && write->texts[OUTBOX_TEXT_fields].data != NULL;
}

// What ends it now is the visitor's doing, not the origin's.
static enum error blame_content(struct request *request, enum error error)
{
    request->content_error = error;
    request->failure.kind = FAILURE_REQUEST_BODY;
    request->strayed = false;
    return error;
}

// What was read of it for the origin, then what the visitor still has.
static enum error read_content(struct task *task, struct request *request, void *buffer,
    size_t size, size_t *ret_size)
{
    enum error error;
    if (repeat_read(request, buffer, size, ret_size, &error))
        return error;
    error = request->transport->read(task, request, buffer, size, ret_size);
    if (error == ERROR_NONE)
        request->content_read += *ret_size;
    return error == ERROR_NONE || error == ERROR_CLOSED ? error : blame_content(request, error);
}

// LIMIT: more came than is accepted. Other errors: the visitor's, or the disk's.
static enum error take_content(struct task *task, struct request *request,
    struct outbox_spool *spool)
{
    enum error error = ERROR_NONE;
    if (request->head.framing == HTTP_FRAMING_NONE)
        return ERROR_NONE;
    bool is_new = request->failure.unsent; // to the origin, so a refusal for its size is true
    repeat_rewind(request);
    for (;;) {
        size_t size;
        char *space = outbox_spool_space(spool, &size);
        error = read_content(task, request, space, size, &size);
        if (error == ERROR_CLOSED)
            return ERROR_NONE;
        if (error == ERROR_NONE)
            error = outbox_spool_filled(task, spool, size);
        if (error != ERROR_NONE)
            return error == ERROR_LIMIT && is_new ? blame_content(request, error) : error;
    }
}

bool outbox_accept(struct task *task, struct request *request)
{
    const struct accept_settings *accept = accept_settings_of(request);
    struct outbox_write write = {.state = OUTBOX_QUEUED};
    struct outbox_spool *spool;
    if (accept == NULL || is_no_fault_of_the_origins(request) || !may_be_sent(request))
        return false;
    uint64_t limit = content_limit(request, accept);
    if ((request->head.framing == HTTP_FRAMING_LENGTH && request->head.content_length > limit)
        || !describe(request, accept, &write)
        || outbox_spool_begin(task, request->thread->edge->outbox, &write, limit, &spool)
            != ERROR_NONE)
        return false;
    struct slice id = arena_copy(&request->arena,
        slice_of(outbox_spool_id(spool), OUTBOX_ID_SIZE));
    const struct own_answer *answer = id.data == NULL ? NULL : outbox_page_accepted(request, id);
    if (answer == NULL || take_content(task, request, spool) != ERROR_NONE) {
        outbox_spool_abandon(task, spool);
        return false;
    }
    if (outbox_spool_commit(task, spool) != ERROR_NONE)
        return false;
    object_release(request->object);
    request->object = NULL;
    request->own = answer;
    return true;
}
