// What is sent from an object for a request: conditions (RFC 9110 section 13, RFC 9111 section
// 4.3.2) and ranges (section 14).
#include "cache/object.h"

// Conditions are read only where the answer would be a success (RFC 9110 section 13.2.1).
static bool conditions_apply(const struct object *object, const struct http_request_head *request)
{
    return object->status >= 200 && object->status < 300
        && (request->method == HTTP_METHOD_GET || request->method == HTTP_METHOD_HEAD);
}

// The date in the only field of that name; more than one is as none (section 13.1.3).
static bool request_date(const struct http_request_head *request, enum http_name name,
    int64_t wall_seconds, int64_t *ret_seconds)
{
    return http_fields_count(&request->fields, name) == 1
        && http_date_parse(http_fields_value(&request->fields, name), wall_seconds, ret_seconds);
}

static bool object_date(const struct object *object, enum http_name name, int64_t wall_seconds,
    int64_t *ret_seconds)
{
    struct slice value = object_field(object, name);
    return value.data != NULL && http_date_parse(value, wall_seconds, ret_seconds);
}

// Last-Modified, else Date, else now, which is later than when it came (RFC 9111 section 4.3.2).
static int64_t modified_seconds(const struct object *object, int64_t wall_seconds)
{
    int64_t seconds;
    if (object_date(object, HTTP_NAME_LAST_MODIFIED, wall_seconds, &seconds)
        || object_date(object, HTTP_NAME_DATE, wall_seconds, &seconds))
        return seconds;
    return wall_seconds;
}

static bool matches_any(const struct http_request_head *request, enum http_name name,
    struct slice etag, bool strong)
{
    for (uint32_t i = 0; i < request->fields.count; i++) {
        const struct http_field *field = &request->fields.items[i];
        if (field->known == name && (slice_equal(field->value, SLICE("*"))
                || http_etag_list_matches(field->value, etag, strong)))
            return true;
    }
    return false;
}

static bool has(const struct http_request_head *request, enum http_name name)
{
    return http_fields_find(&request->fields, name) != NULL;
}

// The order of RFC 9110 section 13.2.2.
static enum object_selection check_conditions(const struct object *object,
    const struct http_request_head *request, int64_t wall_seconds)
{
    int64_t seconds;
    if (has(request, HTTP_NAME_IF_MATCH)) {
        if (!matches_any(request, HTTP_NAME_IF_MATCH, object_etag(object), true))
            return OBJECT_PRECONDITION_FAILED;
    } else if (request_date(request, HTTP_NAME_IF_UNMODIFIED_SINCE, wall_seconds, &seconds)) {
        int64_t modified;
        if (object_date(object, HTTP_NAME_LAST_MODIFIED, wall_seconds, &modified)
            && modified > seconds)
            return OBJECT_PRECONDITION_FAILED;
    }
    if (has(request, HTTP_NAME_IF_NONE_MATCH)) {
        if (matches_any(request, HTTP_NAME_IF_NONE_MATCH, object_etag(object), false))
            return OBJECT_NOT_MODIFIED;
    } else if (request_date(request, HTTP_NAME_IF_MODIFIED_SINCE, wall_seconds, &seconds)) {
        if (modified_seconds(object, wall_seconds) <= seconds)
            return OBJECT_NOT_MODIFIED;
    }
    return OBJECT_WHOLE;
}

// A date is strong enough to join parts by only if the content was a second old when it was sent
// (section 8.8.2.2).
static bool if_range_holds(const struct object *object, const struct http_request_head *request,
    int64_t wall_seconds)
{
    struct slice value = http_fields_value(&request->fields, HTTP_NAME_IF_RANGE);
    if (value.data == NULL)
        return true;
    if (http_fields_count(&request->fields, HTTP_NAME_IF_RANGE) > 1)
        return false;
    if (http_etag_is_valid(value))
        return http_etag_equal_strong(value, object_etag(object));
    int64_t asked, modified, sent;
    return http_date_parse(value, wall_seconds, &asked)
        && object_date(object, HTTP_NAME_LAST_MODIFIED, wall_seconds, &modified)
        && asked == modified && object_date(object, HTTP_NAME_DATE, wall_seconds, &sent)
        && sent > modified;
}

static enum object_selection select_range(const struct object *object,
    const struct http_request_head *request, int64_t wall_seconds, uint64_t *ret_first,
    uint64_t *ret_last)
{
    uint64_t length = object_length(object);
    if (request->method != HTTP_METHOD_GET || object->status != 200 || object->body == NULL
        || length == UINT64_MAX || http_fields_count(&request->fields, HTTP_NAME_RANGE) != 1
        || !if_range_holds(object, request, wall_seconds))
        return OBJECT_WHOLE;
    struct slice range = http_fields_value(&request->fields, HTTP_NAME_RANGE);
    switch (http_range_parse(range, length, ret_first, ret_last)) {
    case HTTP_RANGE_NONE: return OBJECT_WHOLE;
    case HTTP_RANGE_ONE: return OBJECT_PART;
    case HTTP_RANGE_UNSATISFIABLE: return OBJECT_UNSATISFIABLE;
    }
    return OBJECT_WHOLE;
}

enum object_selection object_select(const struct object *object,
    const struct http_request_head *request, int64_t wall_seconds, uint64_t *ret_first,
    uint64_t *ret_last)
{
    if (conditions_apply(object, request)) {
        enum object_selection selection = check_conditions(object, request, wall_seconds);
        if (selection != OBJECT_WHOLE)
            return selection;
    }
    return select_range(object, request, wall_seconds, ret_first, ret_last);
}
