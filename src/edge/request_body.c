// Reading a request's body off its connection.
#include "edge/connection.h"
#include "base/memory.h"

void request_body_init(struct request_body *body, struct connection *connection,
    const struct http_request_head *head, const struct http1_limits *limits, uint64_t timeout_ms)
{
    body->connection = connection;
    body->limits = limits;
    body->timeout_ms = timeout_ms;
    body->least_rate = 0;
    body->pace = (struct pace){0};
    body->staging = NULL;
    body->begin = body->end = 0;
    body->must_continue = head->expect_continue && head->minor_version >= 1;
    body->begun = false;
    body->error = ERROR_NONE;
    http1_body_init(&body->decoder, head->framing, head->content_length);
    body->trailer = (struct http1_trailer){0};
    body->decoder.trailer = &body->trailer;
}

enum http1_fault request_body_look_ahead(const struct connection *connection,
    const struct http_request_head *head, const struct http1_limits *limits)
{
    struct http1_body decoder;
    struct slice bytes = slice_of(connection->buffer + connection->begin,
        connection->end - connection->begin);
    if (head->framing != HTTP_FRAMING_CHUNKED)
        return HTTP1_FAULT_NONE;
    http1_body_init(&decoder, head->framing, 0);
    while (bytes.size > 0) {
        size_t used;
        struct slice content;
        if (http1_body_read(&decoder, bytes, limits, &used, &content) != HTTP1_MORE)
            break;
        bytes = slice_of(bytes.data + used, bytes.size - used);
    }
    return decoder.fault;
}

static enum error request_body_send_continue(struct task *task, struct request_body *body)
{
    struct slice line = SLICE("HTTP/1.1 100 Continue\r\n\r\n");
    struct iovec piece = {.iov_base = (void *)(uintptr_t)line.data, .iov_len = line.size};
    return stream_send(task, &body->connection->stream, &piece, 1, body->timeout_ms, NULL);
}

// Moves what came with the head into a buffer of the body's own: the head's views must stay.
static enum error request_body_begin(struct task *task, struct request_body *body)
{
    struct connection *connection = body->connection;
    body->begun = true;
    body->staging = edge_buffer_take(connection->thread);
    if (body->staging == NULL)
        return ERROR_MEMORY;
    if (!body->must_continue || connection->begin != connection->end)
        return ERROR_NONE;
    enum error error = request_body_send_continue(task, body);
    if (error == ERROR_CANCELLED)
        body->error = error; // half of it may have gone: nothing can come after it
    return error;
}

// Of a body with a known length never more than belongs to it, so that nothing must be given back.
static size_t request_body_wanted(const struct request_body *body)
{
    size_t wanted = EDGE_BUFFER_SIZE;
    if (body->decoder.framing == HTTP_FRAMING_LENGTH)
        wanted = MINIMUM(wanted, http1_body_remaining(&body->decoder));
    return wanted;
}

// Undecoded bytes that came with the head, into staging. False: there are none left.
static bool request_body_take_buffered(struct request_body *body)
{
    struct connection *connection = body->connection;
    uint32_t buffered = connection->end - connection->begin;
    if (buffered == 0)
        return false;
    uint32_t taken = MINIMUM(buffered, (uint32_t)request_body_wanted(body));
    memcpy(body->staging, connection->buffer + connection->begin, taken);
    connection->begin += taken;
    body->begin = 0;
    body->end = taken;
    return true;
}

// Undecoded bytes into staging: first those that came with the head, then from the socket.
static enum error request_body_fill(struct task *task, struct request_body *body)
{
    struct connection *connection = body->connection;
    size_t size;
    if (request_body_take_buffered(body))
        return ERROR_NONE;
    uint64_t began_ns = task_now_ns(task);
    enum error error = stream_receive(task, &connection->stream, body->staging,
        request_body_wanted(body),
        pace_deadline_ns(&body->pace, task_loop(task), body->timeout_ms, body->least_rate), &size);
    if (error != ERROR_NONE)
        return error == ERROR_CLOSED ? ERROR_TRUNCATED : error;
    body->pace.waited_ns += task_now_ns(task) - began_ns;
    body->pace.bytes += size;
    body->begin = 0;
    body->end = (uint32_t)size;
    return ERROR_NONE;
}

static enum error request_body_next(
    struct task *task, struct request_body *body, char *buffer, size_t size, size_t *ret_size)
{
    if (!body->begun && !body->decoder.done) {
        enum error error = request_body_begin(task, body);
        if (error != ERROR_NONE)
            return error;
    }
    while (!body->decoder.done) {
        size_t used;
        struct slice content;
        if (body->begin == body->end) {
            enum error error = request_body_fill(task, body);
            if (error != ERROR_NONE)
                return error;
        }
        // At most `size` bytes are offered, so that all content found fits.
        struct slice bytes = slice_of(
            body->staging + body->begin, MINIMUM(body->end - body->begin, size));
        if (http1_body_read(&body->decoder, bytes, body->limits, &used, &content) == HTTP1_FAULT)
            return ERROR_PROTOCOL;
        body->begin += (uint32_t)used;
        if (content.size > 0) {
            memcpy(buffer, content.data, content.size);
            *ret_size = content.size;
            return ERROR_NONE;
        }
    }
    return ERROR_CLOSED;
}

static void request_body_fail(struct request_body *body, enum error error)
{
    struct ledger_row *ledger = body->connection->thread->ledger;
    body->error = error;
    if (error == ERROR_PROTOCOL)
        ledger_add_fault(ledger, body->decoder.fault);
    else if (error == ERROR_TIMEOUT)
        ledger_add(ledger, LEDGER_BODY_TIMEOUTS, 1);
}

enum error request_body_read(struct task *task, struct request_body *body, void *buffer,
    size_t size, size_t *ret_size)
{
    if (body->error != ERROR_NONE)
        return body->error;
    enum error error = request_body_next(task, body, buffer, size, ret_size);
    if (error != ERROR_NONE && error != ERROR_CLOSED && error != ERROR_CANCELLED)
        request_body_fail(body, error);
    return error;
}

void request_body_discard_buffered(struct request_body *body)
{
    struct connection *connection = body->connection;
    if (body->must_continue || body->decoder.done || body->error != ERROR_NONE)
        return;
    if (body->staging == NULL) {
        body->staging = edge_buffer_take(connection->thread);
        body->begun = true;
    }
    while (body->staging != NULL && !body->decoder.done) {
        size_t used;
        struct slice content;
        if (body->begin == body->end && !request_body_take_buffered(body))
            return;
        struct slice bytes = slice_of(body->staging + body->begin, body->end - body->begin);
        if (http1_body_read(&body->decoder, bytes, body->limits, &used, &content) == HTTP1_FAULT) {
            request_body_fail(body, ERROR_PROTOCOL);
            return;
        }
        body->begin += (uint32_t)used;
    }
}

bool request_body_is_finished(const struct request_body *body)
{
    return body->decoder.done && body->error == ERROR_NONE;
}

void request_body_end(struct request_body *body)
{
    struct connection *connection = body->connection;
    if (connection == NULL)
        return; // no head came, so no body was ever looked for
    uint32_t extra = body->end - body->begin;
    // Pipelined bytes that came with the body go back to the connection; the head is done with.
    if (extra > 0 && request_body_is_finished(body)) {
        if (extra <= connection->begin) {
            connection->begin -= extra;
        } else { // they came from the socket, so the connection's own buffer is used up
            connection->begin = 0;
            connection->end = extra;
        }
        memcpy(connection->buffer + connection->begin, body->staging + body->begin, extra);
    }
    edge_buffer_give(connection->thread, body->staging);
    memory_free(body->trailer.bytes);
    body->trailer = (struct http1_trailer){0};
    body->staging = NULL;
    body->begin = body->end = 0;
}
