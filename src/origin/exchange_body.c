// Reading a response's body, decoded in place in the caller's buffer, without a copy where
// possible.
#include "base/memory.h"
#include "origin/http2.h"

// Content that has come for so long is an answer, whether it ends or not.
#define CONTENT_PROVEN_NS NS_PER_SECOND

// Decodes size bytes at buffer and moves the content to out, which may be buffer itself. Ends at
// the body's end or at a fault. Returns how many bytes were used; *ret_content of them are content.
static size_t decode(struct exchange *exchange, const char *buffer, size_t size, char *out,
    size_t *ret_content)
{
    size_t used = 0, content_size = 0;
    while (used < size && !exchange->body.done) {
        size_t step = 0;
        struct slice content = SLICE_EMPTY;
        enum http1_progress progress = http1_body_read(&exchange->body,
            slice_of(buffer + used, size - used), &exchange->limits, &step, &content);
        if (content.size > 0)
            memmove(out + content_size, content.data, content.size);
        content_size += content.size;
        used += step;
        if (progress == HTTP1_FAULT)
            break;
    }
    *ret_content = content_size;
    return used;
}

enum error exchange_break_off(struct task *task, struct exchange *exchange,
    enum failure_kind kind, enum error error)
{
    exchange->broken = error;
    exchange->owes_success = false; // what came before can still be read, and is no good answer
    exchange->quiet_ns = 0;
    exchange->failure = (struct failure){.kind = kind};
    memcpy(exchange->failure.backend, exchange->backend->name, sizeof(exchange->failure.backend));
    exchange_avoid_address(task, exchange, &exchange->failure);
    if (exchange->keeps_connections)
        exchange_report_failure(task, exchange->origin, exchange->plan, exchange->backend,
            &exchange->failure);
    return error;
}

void exchange_set_patience(struct exchange *exchange, uint64_t patience_ms)
{
    exchange->patience_ms = patience_ms;
}

static uint64_t last_deadline(const struct exchange *exchange)
{
    return exchange_deadline(exchange, exchange->quiet_ns, exchange->timeouts.between_bytes_ms);
}

uint64_t exchange_read_deadline(const struct task *task, struct exchange *exchange)
{
    uint64_t now_ns = task_now_ns(task);
    if (exchange->quiet_ns == 0)
        exchange->quiet_ns = now_ns;
    uint64_t patient_ns =
        exchange->patience_ms == 0 ? NEVER_NS : now_ns + exchange->patience_ms * NS_PER_MS;
    return MINIMUM(last_deadline(exchange), patient_ns);
}

bool exchange_may_wait_on(const struct task *task, const struct exchange *exchange)
{
    return task_now_ns(task) < last_deadline(exchange);
}

// The connection gave no more bytes. CLOSED if that is how the body ends.
static enum error end_of_connection(struct task *task, struct exchange *exchange, enum error error)
{
    switch (error) {
    case ERROR_CLOSED:
        if (http1_body_end(&exchange->body) == HTTP1_DONE) {
            exchange->body.done = true;
            return ERROR_CLOSED;
        }
        return exchange_break_off(task, exchange, FAILURE_RESPONSE_INCOMPLETE, ERROR_TRUNCATED);
    case ERROR_CANCELLED:
        return exchange_break_off(task, exchange, FAILURE_CANCELLED, error);
    case ERROR_TIMEOUT:
        return exchange_break_off(task, exchange, task_now_ns(task) >= exchange->deadline_ns
            ? FAILURE_RESPONSE_TIMEOUT : FAILURE_CONNECTION_READ_TIMEOUT, error);
    case ERROR_NONE:
    case ERROR_RESET:
    case ERROR_REFUSED:
    case ERROR_UNREACHABLE:
        return exchange_break_off(task, exchange, FAILURE_RESPONSE_INCOMPLETE, ERROR_RESET);
    case ERROR_MEMORY:
    case ERROR_LIMIT:
    case ERROR_RESOLVE:
    case ERROR_PROTOCOL:
    case ERROR_TRUNCATED:
    case ERROR_INVALID:
    case ERROR_NOT_FOUND:
    case ERROR_BUSY:
    case ERROR_DENIED:
    case ERROR_SYSTEM:
        break;
    }
    return exchange_break_off(task, exchange, FAILURE_INTERNAL, error);
}

static enum error read_content(struct task *task, struct exchange *exchange, char *buffer,
    size_t size, size_t *ret_size)
{
    for (;;) {
        size_t content = 0, received;
        if (exchange->body.fault != HTTP1_FAULT_NONE)
            return exchange_break_off(task, exchange, failure_kind_of_fault(exchange->body.fault),
                ERROR_PROTOCOL);
        if (exchange->body.done)
            return ERROR_CLOSED;
        if (exchange->begin < exchange->end) {
            const char *held = exchange->gathered != NULL ? exchange->gathered : exchange->buffer;
            exchange->begin += decode(exchange, held + exchange->begin,
                MINIMUM(exchange->end - exchange->begin, size), buffer, &content);
        } else {
            enum error error = stream_receive(task, &exchange->connection->stream, buffer, size,
                exchange_read_deadline(task, exchange), &received);
            if (error == ERROR_TIMEOUT && exchange_may_wait_on(task, exchange))
                return ERROR_BUSY;
            if (error != ERROR_NONE)
                return end_of_connection(task, exchange, error);
            exchange->quiet_ns = 0;
            size_t used = decode(exchange, buffer, received, buffer, &content);
            if (used < received)
                exchange->head.keep_alive = false; // bytes beyond the body: nobody knows whose
        }
        if (content > 0) {
            *ret_size = content;
            return ERROR_NONE;
        }
    }
}

void exchange_supply(struct exchange *exchange, char *bytes, size_t size)
{
    memory_free(exchange->gathered);
    exchange->gathered = bytes;
    exchange->begin = 0;
    exchange->end = size;
    exchange->supplied = true;
}

static enum error read_supplied(struct exchange *exchange, void *buffer, size_t size,
    size_t *ret_size)
{
    size_t step = MINIMUM(exchange->end - exchange->begin, size);
    if (step == 0)
        return ERROR_CLOSED;
    memcpy(buffer, exchange->gathered + exchange->begin, step);
    exchange->begin += step;
    *ret_size = step;
    return ERROR_NONE;
}

// What exchange_gather had got when it broke off.
static bool has_remains(const struct exchange *exchange)
{
    if (exchange->stream != NULL)
        return exchange_http2_has_remains(exchange);
    return exchange->gathered != NULL && exchange->begin < exchange->end;
}

enum error exchange_read(struct task *task, struct exchange *exchange, void *buffer, size_t size,
    size_t *ret_size, struct failure *ret_failure)
{
    if (exchange->supplied)
        return read_supplied(exchange, buffer, size, ret_size);
    enum error error = has_remains(exchange) ? ERROR_NONE : exchange->broken;
    if (error == ERROR_NONE && exchange->stream != NULL)
        error = exchange_http2_read(task, exchange, buffer, size, ret_size);
    else if (error == ERROR_NONE)
        error = read_content(task, exchange, buffer, size, ret_size);
    if (error == ERROR_CLOSED || (error == ERROR_NONE
        && task_now_ns(task) >= exchange->first_byte_ns + CONTENT_PROVEN_NS))
        exchange_report_success(task, exchange);
    if (error != ERROR_NONE && error != ERROR_CLOSED && error != ERROR_BUSY)
        *ret_failure = exchange->failure;
    return error;
}

// The head lies in the buffer and must stay there: what comes goes to another one.
static enum error gather(struct task *task, struct exchange *exchange, uint64_t deadline_ns)
{
    size_t wanted = (size_t)exchange->head.content_length;
    size_t held = exchange->end - exchange->begin;
    enum error error = ERROR_NONE;
    if (held >= wanted || (exchange->gathered = memory_alloc(wanted)) == NULL)
        return ERROR_NONE;
    memcpy(exchange->gathered, exchange->buffer + exchange->begin, held);
    exchange->begin = 0;
    exchange->end = held;
    while (exchange->end < wanted && error == ERROR_NONE) {
        size_t received = 0;
        error = stream_receive(task, &exchange->connection->stream,
            exchange->gathered + exchange->end, wanted - exchange->end, deadline_ns, &received);
        exchange->end += received;
    }
    if (error == ERROR_NONE || error == ERROR_TIMEOUT)
        return ERROR_NONE;
    return end_of_connection(task, exchange, error);
}

// Of what lies behind the head: looks at it as the first read will.
static enum error look_at_chunk(struct task *task, struct exchange *exchange)
{
    struct http1_body body = exchange->body; // the first read begins there too
    struct slice bytes = {exchange->buffer + exchange->begin, exchange->end - exchange->begin};
    struct slice content;
    size_t used;
    body.trailer = NULL;
    if (http1_body_read(&body, bytes, &exchange->limits, &used, &content) != HTTP1_FAULT)
        return ERROR_NONE;
    return exchange_break_off(task, exchange, failure_kind_of_fault(body.fault), ERROR_PROTOCOL);
}

// Behind the head, where the first read looks.
static enum error await_chunk(struct task *task, struct exchange *exchange, uint64_t deadline_ns)
{
    size_t received = 0;
    if (exchange->begin == exchange->end && exchange->end < exchange->capacity) {
        enum error error = stream_receive(task, &exchange->connection->stream,
            exchange->buffer + exchange->end, exchange->capacity - exchange->end, deadline_ns,
            &received);
        exchange->end += received;
        if (error != ERROR_NONE && error != ERROR_TIMEOUT)
            return end_of_connection(task, exchange, error);
    }
    return look_at_chunk(task, exchange);
}

enum error exchange_gather(struct task *task, struct exchange *exchange, uint64_t deadline_ns,
    struct failure *ret_failure)
{
    bool is_chunked = exchange->body.framing == HTTP_FRAMING_CHUNKED && exchange->stream == NULL;
    if (!is_chunked && (exchange->body.framing != HTTP_FRAMING_LENGTH
            || exchange->head.content_length > EXCHANGE_GATHERED_MOST))
        return ERROR_NONE;
    deadline_ns = MINIMUM(deadline_ns, exchange->deadline_ns);
    enum error error = is_chunked ? await_chunk(task, exchange, deadline_ns)
        : exchange->stream != NULL ? exchange_http2_gather(task, exchange, deadline_ns)
        : gather(task, exchange, deadline_ns);
    if (error != ERROR_NONE)
        *ret_failure = exchange->failure;
    return error;
}
