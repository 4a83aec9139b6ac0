// Both are structured fields (RFC 9651): a list of one item, written with its parameters.
#include "edge/status_field.h"

#include "http/structured.h"

// Why it went forward (RFC 9211 section 2.2).
static struct slice forward_reason(const struct request *request)
{
    if (request->copy != NULL)
        return SLICE("stale");
    if (request->head.method != HTTP_METHOD_GET && request->head.method != HTTP_METHOD_HEAD)
        return SLICE("method");
    return request->outcome == OUTCOME_PASS ? SLICE("bypass") : SLICE("uri-miss");
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
        unsigned forward_status = request->outcome == OUTCOME_REVALIDATED ? 304
            : request->failure.kind == FAILURE_STATUS ? request->failure.status : 0;
        if (forward_status != 0)
            structured_append_parameter_integer(text, "fwd-status", forward_status);
        if (request->flight != NULL && !request->leads)
            structured_append_parameter_true(text, "collapsed");
        if (request->outcome == OUTCOME_MISS && object->storable)
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
    if (token[0] != '\0')
        structured_append_parameter_token(text, "error", slice_from_string(token));
    if (request->failure.kind == FAILURE_STATUS)
        structured_append_parameter_integer(text, "received-status", request->failure.status);
    if (request->failure.detail[0] != '\0')
        structured_append_parameter_string(text, "details",
            slice_from_string(request->failure.detail));
    text_append(text, SLICE("\r\n"));
}
