// All values are tokens, numbers or strings that we made ourselves.
#include "edge/status_field.h"

static void append_s64(struct text *text, int64_t value)
{
    if (value < 0)
        text_append_byte(text, '-');
    text_append_u64(text, value < 0 ? (uint64_t)-value : (uint64_t)value);
}

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
    text_append(text, request->generation->settings->name);
    if (!request->asked && object != NULL)
        text_append(text, SLICE("; hit"));
    else if (request->asked) {
        text_append(text, SLICE("; fwd="));
        text_append(text, forward_reason(request));
        unsigned forward_status = request->outcome == OUTCOME_REVALIDATED ? 304
            : request->failure.kind == FAILURE_STATUS ? request->failure.status : 0;
        if (forward_status != 0) {
            text_append(text, SLICE("; fwd-status="));
            text_append_u64(text, forward_status);
        }
        if (request->flight != NULL && !request->leads)
            text_append(text, SLICE("; collapsed"));
        if (request->outcome == OUTCOME_MISS && object->storable)
            text_append(text, SLICE("; stored"));
    }
    if (object != NULL && object->storable) {
        uint64_t age_ms = object_age_ms(object, request->thread->loop->now_ns);
        text_append(text, SLICE("; ttl="));
        append_s64(text, (int64_t)object->lifetime_s - (int64_t)(age_ms / 1000));
    }
    if (request->saved_by != NULL) {
        text_append(text, SLICE("; detail="));
        text_append(text, slice_from_string(request->saved_by->name));
    } else if (request->site == NULL || (object == NULL && request->outcome == OUTCOME_NONE)) {
        text_append(text, SLICE("; detail=edge"));
    }
    text_append(text, SLICE("\r\n"));
}

void status_field_proxy(struct text *text, const struct request *request)
{
    text_append(text, SLICE("Proxy-Status: "));
    text_append(text, request->generation->settings->name);
    const char *token = failure_token(request->failure.kind);
    if (token[0] != '\0') {
        text_append(text, SLICE("; error="));
        text_append(text, slice_from_string(token));
    }
    if (request->failure.kind == FAILURE_STATUS) {
        text_append(text, SLICE("; received-status="));
        text_append_u64(text, request->failure.status);
    }
    text_append(text, SLICE("\r\n"));
}
