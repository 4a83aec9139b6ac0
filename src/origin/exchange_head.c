// Reading a response's head: whatever comes in whatever pieces, until the final one is there.
#include "base/memory.h"
#include "origin/exchange_inside.h"

#define INTERIM_MAX 8 // 1xx responses before the final one
#define HEAD_GROWTH 2

static enum error fail(struct failure *ret_failure, enum failure_kind kind, enum error error)
{
    *ret_failure = (struct failure){.kind = kind};
    return error;
}

static enum error fail_fault(struct failure *ret_failure, enum http1_fault fault)
{
    return fail(ret_failure, failure_kind_of_fault(fault), ERROR_PROTOCOL);
}

// Room for at least one more byte. The scan refuses a head that is larger than its limit, so the
// buffer never needs more than that and a byte.
static enum error make_room(struct exchange *exchange, struct failure *ret_failure)
{
    if (exchange->end < exchange->capacity)
        return ERROR_NONE;
    size_t capacity = exchange->capacity * HEAD_GROWTH;
    char *buffer = memory_resize(exchange->buffer, capacity);
    if (buffer == NULL)
        return fail(ret_failure, FAILURE_INTERNAL, ERROR_MEMORY);
    exchange->buffer = buffer;
    exchange->capacity = capacity;
    return ERROR_NONE;
}

// The deadline for the head counts from the end of the request, so it is not known while one is
// still being sent; the sender has its own.
static uint64_t head_deadline(const struct exchange *exchange, uint64_t now_ns)
{
    uint64_t from_ns = exchange->sending ? now_ns : exchange->sent_ns;
    return exchange_deadline(exchange, from_ns, exchange->timeouts.first_byte_ms);
}

static enum error receive(struct task *task, struct exchange *exchange, struct failure *ret_failure)
{
    for (;;) {
        size_t size;
        uint64_t deadline_ns = head_deadline(exchange, task_now_ns(task));
        enum error error = stream_receive(task, &exchange->connection->stream,
            exchange->buffer + exchange->end, exchange->capacity - exchange->end, deadline_ns,
            &size);
        bool begun = exchange->end > 0;
        if (error == ERROR_NONE) {
            if (!begun)
                exchange->first_byte_ns = task_now_ns(task);
            exchange->end += size;
            return ERROR_NONE;
        }
        uint64_t now_ns = task_now_ns(task);
        if (error == ERROR_TIMEOUT && now_ns < head_deadline(exchange, now_ns))
            continue;
        if (error == ERROR_CANCELLED)
            return fail(ret_failure, FAILURE_CANCELLED, error);
        if (error == ERROR_TIMEOUT)
            return fail(ret_failure, FAILURE_RESPONSE_TIMEOUT, error);
        if (error == ERROR_CLOSED || error == ERROR_RESET)
            return fail(ret_failure,
                begun ? FAILURE_RESPONSE_INCOMPLETE : FAILURE_CONNECTION_TERMINATED,
                begun && error == ERROR_CLOSED ? ERROR_TRUNCATED : error);
        return fail(ret_failure, FAILURE_INTERNAL, error);
    }
}

// One whole head, from the buffer's start to *ret_end, is received; *ret_lines are in it.
static enum error receive_head(struct task *task, struct exchange *exchange, size_t *ret_end,
    uint32_t *ret_lines, struct failure *ret_failure)
{
    struct http1_scan scan = {.response = true};
    for (;;) {
        switch (http1_scan(&scan, slice_of(exchange->buffer, exchange->end), &exchange->limits,
            ret_end)) {
        case HTTP1_DONE:
            *ret_lines = scan.lines;
            return ERROR_NONE;
        case HTTP1_FAULT:
            return fail_fault(ret_failure, scan.fault);
        case HTTP1_MORE:
            break;
        }
        enum error error = make_room(exchange, ret_failure);
        if (error == ERROR_NONE)
            error = receive(task, exchange, ret_failure);
        if (error != ERROR_NONE)
            return error;
    }
}

enum error exchange_make_field_room(struct exchange *exchange, uint32_t count)
{
    exchange->head.fields = (struct http_fields){exchange->fields, 0, EXCHANGE_FIELDS_INLINE};
    if (count <= EXCHANGE_FIELDS_INLINE)
        return ERROR_NONE;
    memory_free(exchange->more_fields);
    exchange->more_fields = memory_alloc(count * sizeof(*exchange->more_fields));
    if (exchange->more_fields == NULL)
        return ERROR_MEMORY;
    exchange->head.fields = (struct http_fields){exchange->more_fields, 0, count};
    return ERROR_NONE;
}

static enum error parse_head(struct exchange *exchange, size_t end, uint32_t lines,
    struct failure *ret_failure)
{
    if (exchange_make_field_room(exchange, lines) != ERROR_NONE)
        return fail(ret_failure, FAILURE_INTERNAL, ERROR_MEMORY);
    enum http1_fault fault =
        http1_parse_response(slice_of(exchange->buffer, end), &exchange->limits, &exchange->head);
    return fault == HTTP1_FAULT_NONE ? ERROR_NONE : fail_fault(ret_failure, fault);
}

// 101 is an answer where another protocol was asked for, and names it (RFC 9110 section 7.8).
// Anywhere else it is an offence.
static bool is_switch(const struct exchange *exchange)
{
    struct slice chosen = http_fields_value(&exchange->head.fields, HTTP_NAME_UPGRADE);
    struct slice asked = exchange->request->upgrade, one;
    while (asked.data != NULL && http_list_next(&asked, &one)) {
        if (slice_equal_nocase(one, chosen))
            return true;
    }
    return false;
}

// An interim response (RFC 9110 section 15.2): 100 is ours, the others are the visitors'.
static void take_interim(struct exchange *exchange, size_t end)
{
    const struct exchange_request *request = exchange->request;
    if (exchange->head.status == 100) {
        exchange->may_continue = true;
        if (exchange->awaiting_continue != NULL)
            task_wake(exchange->awaiting_continue);
    } else if (request->interim != NULL) {
        request->interim(request->interim_context, exchange->head.status, &exchange->head.fields);
    }
    if (!exchange->head.keep_alive)
        exchange->spent = true;
    memmove(exchange->buffer, exchange->buffer + end, exchange->end - end);
    exchange->end -= end;
}

enum error exchange_read_head(struct task *task, struct exchange *exchange,
    struct failure *ret_failure)
{
    for (unsigned interim = 0; interim <= INTERIM_MAX; interim++) {
        size_t end;
        uint32_t lines;
        enum error error = receive_head(task, exchange, &end, &lines, ret_failure);
        if (error == ERROR_NONE)
            error = parse_head(exchange, end, lines, ret_failure);
        if (error != ERROR_NONE)
            return error;
        const struct http_response_head *head = &exchange->head;
        if (head->status >= 200 || (head->status == 101 && is_switch(exchange))) {
            exchange->begin = end;
            http1_body_init(&exchange->body,
                http_response_framing(head, exchange->request->method), head->content_length);
            exchange->body.trailer = &exchange->trailer;
            return ERROR_NONE;
        }
        if (head->status == 101)
            break;
        take_interim(exchange, end);
    }
    return fail(ret_failure, FAILURE_PROTOCOL_ERROR, ERROR_PROTOCOL);
}
