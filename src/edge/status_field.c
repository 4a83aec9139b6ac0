// Both are structured fields (RFC 9651): a list of one item, written with its parameters.
#include "edge/status_field.h"

#include "http/structured.h"

// Why it went forward (RFC 9211 section 2.2).
static struct slice forward_reason(const struct request *request)
{
    switch (request->lack) {
    case LACK_URI: return SLICE("uri-miss");
    case LACK_VARY: return SLICE("vary-miss");
    case LACK_PART: return SLICE("partial");
    case LACK_FRESH: return SLICE("stale");
    case LACK_REQUEST: return SLICE("request");
    case LACK_METHOD: return SLICE("method");
    case LACK_STORE: return SLICE("bypass");
    }
    return SLICE("bypass");
}

// What the backend answered (section 2.3), where the visitor gets another status; 0: nothing, or
// the same.
static unsigned forward_status(const struct request *request)
{
    if (request->outcome == OUTCOME_REVALIDATED)
        return 304;
    if (request->failure.kind == FAILURE_STATUS)
        return request->failure.status;
    bool is_its_answer = request->outcome == OUTCOME_MISS || request->outcome == OUTCOME_PASS;
    unsigned status = is_its_answer ? request->object->status : 0;
    return status != request->status ? status : 0;
}

// What is held in a window only is too large to be kept.
static bool is_being_stored(const struct request *request)
{
    const struct object *object = request->object;
    const struct fetch_report *report = request_report(request);
    return request->outcome == OUTCOME_MISS && object->storable
        && (report == NULL || report->reason != JUDGE_REASON_DISBELIEVED)
        && (object->body == NULL || !body_has_window(object->body));
}

void status_field_cache(struct text *text, const struct request *request)
{
    const struct object *object = request->object;
    text_append(text, SLICE("Cache-Status: "));
    structured_append_token(text, request->generation->settings->name);
    if (!request->asked && object != NULL)
        structured_append_parameter_true(text, "hit");
    else if (request->asked) {
        structured_append_parameter_token(text, "fwd", forward_reason(request));
        if (forward_status(request) != 0)
            structured_append_parameter_integer(text, "fwd-status", forward_status(request));
        if (request->flight != NULL && !request->leads)
            structured_append_parameter_true(text, "collapsed");
        if (is_being_stored(request))
            structured_append_parameter_true(text, "stored");
    }
    if (object != NULL && object->storable) {
        uint64_t age_ms = object_age_ms(object, request->thread->loop->now_ns);
        structured_append_parameter_integer(text, "ttl",
            (int64_t)object->lifetime_s - (int64_t)(age_ms / 1000));
    }
    if (request->saved_by != NULL)
        structured_append_parameter_token(text, "detail",
            slice_from_string(request->saved_by->name));
    else if (request->site == NULL || (object == NULL && request->outcome == OUTCOME_NONE))
        structured_append_parameter_token(text, "detail", SLICE("edge"));
    text_append(text, SLICE("\r\n"));
}

void status_field_proxy(struct text *text, const struct request *request)
{
    text_append(text, SLICE("Proxy-Status: "));
    structured_append_token(text, request->generation->settings->name);
    const char *token = failure_token(request->failure.kind);
    if (request->failure.kind == FAILURE_NONE && request->object == NULL)
        token = "proxy_internal_response"; // nobody was asked
    if (token[0] != '\0' && request->failure.kind != FAILURE_STATUS)
        structured_append_parameter_token(text, "error", slice_from_string(token));
    else if (request->failure.kind == FAILURE_STATUS)
        structured_append_parameter_integer(text, "received-status", request->failure.status);
    if (request->failure.detail[0] != '\0')
        structured_append_parameter_string(text, "details",
            slice_from_string(request->failure.detail));
    text_append(text, SLICE("\r\n"));
}
