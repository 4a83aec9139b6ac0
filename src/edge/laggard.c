// One attempt of its own, from the very byte where the shared transfer left this visitor behind.
#include "edge/laggard.h"
#include "base/memory.h"
#include "edge/delivery.h"
#include "edge/forward.h"
#include "edge/rules/rule_serve.h"

#define LAGGARD_BUFFER_SIZE 65536

// The same representation from the same byte on, or nothing (RFC 9110 sections 13.1.5, 14.4).
static bool laggard_fits(const struct exchange *exchange, const struct object *object, uint64_t at)
{
    const struct http_response_head *head = exchange_head(exchange);
    uint64_t first, last, complete;
    return head->status == 206
        && http_content_range_parse(http_fields_value(&head->fields, HTTP_NAME_CONTENT_RANGE),
            &first, &last, &complete)
        && first == at && complete == object_length(object) && last + 1 == complete
        && http_etag_equal_strong(http_fields_value(&head->fields, HTTP_NAME_ETAG),
            object_etag(object));
}

static enum error laggard_copy(struct task *task, struct request *request,
    struct exchange *exchange, uint64_t at, uint64_t end)
{
    char *buffer = memory_alloc(LAGGARD_BUFFER_SIZE);
    enum error error = buffer == NULL ? ERROR_MEMORY : ERROR_NONE;
    while (error == ERROR_NONE && at < end) {
        size_t size;
        error = exchange_read(task, exchange, buffer, LAGGARD_BUFFER_SIZE, &size,
            &request->failure);
        if (error != ERROR_NONE)
            break;
        size = MINIMUM(size, end - at);
        error = delivery_send(task, request, NULL, slice_of(buffer, size), at + size == end);
        at += size;
    }
    memory_free(buffer);
    return error == ERROR_CLOSED ? ERROR_TRUNCATED : error;
}

enum error laggard_send_rest(struct task *task, struct request *request, uint64_t at, uint64_t end)
{
    struct object *object = request->object;
    struct slice etag = object_etag(object);
    if (end == UINT64_MAX || !http_etag_is_strong(etag))
        return ERROR_LIMIT;
    struct slice range = arena_printf(&request->arena, "Range: bytes=%llu-\r\nIf-Range: %.*s\r\n",
        (unsigned long long)at, SLICE_ARGS(etag));
    struct slice fields = range.data == NULL ? SLICE_EMPTY
        : forward_fields(request, &request->arena, FORWARD_WHOLE, range);
    struct slice target = rule_target(request, &request->arena);
    if (fields.data == NULL || target.data == NULL)
        return ERROR_MEMORY;
    struct exchange_request wanted = {
        .method = HTTP_METHOD_GET,
        .method_text = SLICE("GET"),
        .target = target,
        .host = rule_host(request),
        .fields = fields,
        .unconditional = true,
        .is_admitted = true, // he has half of it
        .affinity = request->key.hash.low,
    };
    uint64_t tried = 0;
    struct exchange *exchange;
    enum error error = exchange_open(task, request->origin, &wanted,
        &request->generation->settings->http, &tried, &exchange, &request->failure);
    if (error != ERROR_NONE)
        return error;
    error = laggard_fits(exchange, object, at)
        ? laggard_copy(task, request, exchange, at, end)
        : ERROR_TRUNCATED;
    exchange_close(task, exchange);
    return error;
}
