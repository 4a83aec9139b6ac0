// Gathering a response's fields as lines.
#include "http/http2_response.h"
#include "base/memory.h"
#include "base/text.h"
#include "http/http2_head.h"

#define SIZE_AT_FIRST 1024

void http2_response_begin(struct http2_response *response, bool is_trailer)
{
    *response = (struct http2_response){
        .bytes = response->bytes, .capacity = response->capacity, .is_trailer = is_trailer};
}

static enum error make_room(struct http2_response *response, size_t more)
{
    size_t capacity = MAXIMUM(response->capacity, (size_t)SIZE_AT_FIRST);
    while (capacity - response->size < more)
        capacity *= 2;
    if (capacity == response->capacity)
        return ERROR_NONE;
    char *bytes = memory_resize(response->bytes, capacity);
    if (bytes == NULL)
        return ERROR_MEMORY;
    response->bytes = bytes;
    response->capacity = capacity;
    return ERROR_NONE;
}

static void append(struct http2_response *response, struct slice slice)
{
    if (slice.size > 0)
        memcpy(response->bytes + response->size, slice.data, slice.size);
    response->size += slice.size;
}

// ":status", three digits, once, before everything else.
static enum http1_fault check_pseudo(const struct http2_response *response, struct slice name,
    struct slice value)
{
    if (response->is_trailer || response->in_fields || response->has_status
        || !slice_equal(name, SLICE(":status")))
        return HTTP1_FAULT_SYNTAX_FIELD;
    bool digits = value.size == 3;
    for (size_t i = 0; digits && i < 3; i++)
        digits = value.data[i] >= '0' && value.data[i] <= '9';
    return digits ? HTTP1_FAULT_NONE : HTTP1_FAULT_STATUS;
}

static enum http1_fault check_field(const struct http2_response *response, struct slice name,
    struct slice value, const struct http1_limits *limits)
{
    enum http1_fault fault = http2_field_check(name, value, http_name_find(name));
    uint64_t line_size = name.size + value.size + 2;
    if (fault != HTTP1_FAULT_NONE)
        return fault;
    if (!response->is_trailer && !response->has_status)
        return HTTP1_FAULT_STATUS;
    if (line_size > limits->line_size)
        return HTTP1_FAULT_HEAD_TOO_LARGE;
    if (response->lines >= limits->field_count)
        return HTTP1_FAULT_TOO_MANY_FIELDS;
    uint64_t whole = response->is_trailer ? limits->trailer_size : limits->head_size;
    return response->size + line_size + 4 > whole ? HTTP1_FAULT_HEAD_TOO_LARGE : HTTP1_FAULT_NONE;
}

enum error http2_response_add(struct http2_response *response, struct slice name,
    struct slice value, const struct http1_limits *limits)
{
    bool pseudo = name.size > 0 && name.data[0] == ':';
    if (response->fault != HTTP1_FAULT_NONE)
        return ERROR_NONE;
    response->fault = pseudo ? check_pseudo(response, name, value)
                             : check_field(response, name, value, limits);
    if (response->fault != HTTP1_FAULT_NONE)
        return ERROR_NONE;
    if (make_room(response, name.size + value.size + 16) != ERROR_NONE)
        return ERROR_MEMORY;
    if (pseudo) {
        response->has_status = true;
        append(response, SLICE("HTTP/1.1 "));
        append(response, value);
        append(response, SLICE(" \r\n"));
        return ERROR_NONE;
    }
    response->in_fields = true;
    response->lines++;
    append(response, name);
    append(response, SLICE(": "));
    append(response, value);
    append(response, SLICE("\r\n"));
    return ERROR_NONE;
}

enum error http2_response_finish(struct http2_response *response,
    const struct http1_limits *limits, struct http_response_head *ret_head)
{
    if (response->fault == HTTP1_FAULT_NONE && !response->has_status)
        response->fault = HTTP1_FAULT_STATUS;
    if (response->fault != HTTP1_FAULT_NONE)
        return ERROR_NONE;
    if (make_room(response, 2) != ERROR_NONE)
        return ERROR_MEMORY;
    append(response, SLICE("\r\n"));
    response->fault =
        http1_parse_response(slice_of(response->bytes, response->size), limits, ret_head);
    return ERROR_NONE;
}

void http2_response_free(struct http2_response *response)
{
    memory_free(response->bytes);
    *response = (struct http2_response){0};
}
