// Sending a request: its head, and its body in a task of its own while another reads the answer.
#include "base/memory.h"
#include "origin/exchange_inside.h"

#define CHUNK_LINE_SIZE 20
#define CONTINUE_PATIENCE_MS 1000 // RFC 9110 section 10.1.1: not indefinitely

static struct iovec piece(struct slice slice)
{
    return (struct iovec){(void *)(uintptr_t)slice.data, slice.size};
}

enum error exchange_send_head(struct task *task, struct exchange *exchange, size_t *ret_size)
{
    const struct exchange_request *request = exchange->request;
    char buffer[128];
    bool upgrades = request->upgrade.data != NULL;
    struct text framing = text_in(buffer, sizeof(buffer));
    if (request->body.framing == HTTP_FRAMING_LENGTH)
        text_format(&framing, "Content-Length: %llu\r\n",
            (unsigned long long)request->body.length);
    else if (request->body.framing == HTTP_FRAMING_CHUNKED)
        text_append(&framing, SLICE("Transfer-Encoding: chunked\r\n"));
    if (request->expect_continue && request->body.framing != HTTP_FRAMING_NONE)
        text_append(&framing, SLICE("Expect: 100-continue\r\n"));
    if (!exchange->keeps_connections)
        text_append(&framing, SLICE("Connection: close\r\n"));
    else if (request->wants_trailer && !upgrades)
        text_append(&framing, SLICE("TE: trailers\r\nConnection: TE\r\n"));
    text_append(&framing, SLICE("\r\n"));
    struct iovec pieces[] = {
        piece(request->method_text), piece(SLICE(" ")), piece(request->target),
        piece(SLICE(" HTTP/1.1\r\nHost: ")), piece(request->host), piece(SLICE("\r\n")),
        piece(request->fields), piece(upgrades ? SLICE("Connection: Upgrade\r\nUpgrade: ")
            : SLICE("")), piece(request->upgrade), piece(upgrades ? SLICE("\r\n") : SLICE("")),
        piece(text_slice(&framing)),
    };
    return stream_send(task, &exchange->connection->stream, pieces, ARRAY_SIZE(pieces),
        exchange->timeouts.between_bytes_ms, ret_size);
}

static enum error fail_body(struct failure *ret_failure, enum failure_kind kind, enum error error)
{
    *ret_failure = (struct failure){.kind = kind};
    return error;
}

// The backend's word, or its silence for a while, allows the body.
enum error exchange_await_continue(struct task *task, struct exchange *exchange)
{
    uint64_t deadline_ns =
        exchange_deadline(exchange, task_now_ns(task), CONTINUE_PATIENCE_MS);
    enum error error = ERROR_NONE;
    exchange->awaiting_continue = task;
    while (!exchange->may_continue && error == ERROR_NONE)
        error = task_suspend(task, deadline_ns);
    exchange->awaiting_continue = NULL;
    return error == ERROR_TIMEOUT ? ERROR_NONE : error;
}

static enum error send_part(struct task *task, struct exchange *exchange, struct slice part)
{
    const struct exchange_body *body = &exchange->request->body;
    char line[CHUNK_LINE_SIZE];
    struct iovec pieces[3] = {piece(part)};
    size_t count = 1;
    if (body->framing == HTTP_FRAMING_CHUNKED) {
        pieces[0] = piece(slice_of(line, http1_chunk_line(line, part.size)));
        pieces[1] = piece(part);
        pieces[2] = piece(SLICE("\r\n"));
        count = 3;
    }
    return stream_send(task, &exchange->connection->stream, pieces, count,
        exchange->timeouts.between_bytes_ms, NULL);
}

static enum failure_kind kind_of_sending(enum error error)
{
    if (error == ERROR_CANCELLED)
        return FAILURE_CANCELLED;
    if (error == ERROR_TIMEOUT)
        return FAILURE_CONNECTION_WRITE_TIMEOUT;
    if (error == ERROR_CLOSED || error == ERROR_RESET)
        return FAILURE_CONNECTION_TERMINATED;
    return FAILURE_INTERNAL;
}

// NONE when all of it is sent.
static enum error send_body(struct task *task, struct exchange *exchange, char *buffer,
    struct failure *ret_failure)
{
    const struct exchange_body *body = &exchange->request->body;
    uint64_t left = body->framing == HTTP_FRAMING_LENGTH ? body->length : UINT64_MAX;
    size_t kept = exchange->upload_size; // read for HTTP/2, which a fresh connection did not speak
    if (kept > 0) {
        enum error error = send_part(task, exchange, slice_of(exchange->upload, kept));
        if (error != ERROR_NONE)
            return fail_body(ret_failure, kind_of_sending(error), error);
        left -= body->framing == HTTP_FRAMING_LENGTH ? kept : 0;
    }
    while (left > 0 && !exchange->upload_complete) {
        size_t size;
        enum error error = body->read(task, body->source, buffer,
            (size_t)MINIMUM(left, EXCHANGE_BUFFER_SIZE), &size);
        if (error == ERROR_CLOSED && body->framing == HTTP_FRAMING_CHUNKED)
            break;
        if (error != ERROR_NONE)
            return fail_body(ret_failure,
                error == ERROR_CANCELLED ? FAILURE_CANCELLED : FAILURE_REQUEST_BODY, error);
        error = send_part(task, exchange, slice_of(buffer, size));
        if (error != ERROR_NONE)
            return fail_body(ret_failure, kind_of_sending(error), error);
        if (body->framing == HTTP_FRAMING_LENGTH)
            left -= size;
    }
    if (body->framing != HTTP_FRAMING_CHUNKED)
        return ERROR_NONE;
    struct iovec last[] = {piece(SLICE("0\r\n")), piece(exchange_body_trailer(body)),
        piece(SLICE("\r\n"))};
    enum error error = stream_send(task, &exchange->connection->stream, last, ARRAY_SIZE(last),
        exchange->timeouts.between_bytes_ms, NULL);
    return error == ERROR_NONE ? error : fail_body(ret_failure, kind_of_sending(error), error);
}

static void sender_main(struct task *task, void *argument)
{
    struct exchange *exchange = argument;
    struct failure failure = {.kind = FAILURE_INTERNAL};
    enum error error = ERROR_NONE;
    if (exchange->request->expect_continue)
        error = exchange_await_continue(task, exchange);
    if (error != ERROR_NONE)
        error = fail_body(&failure, FAILURE_CANCELLED, error);
    char *buffer = error == ERROR_NONE ? memory_alloc(EXCHANGE_BUFFER_SIZE) : NULL;
    if (buffer != NULL)
        error = send_body(task, exchange, buffer, &failure);
    else if (error == ERROR_NONE)
        error = ERROR_MEMORY;
    memory_free(buffer);
    exchange->sent = error == ERROR_NONE;
    exchange->sent_ns = task_now_ns(task);
    exchange->sender_error = error;
    exchange->sender_failure = failure;
    exchange->sending = false;
    task_wake(exchange->opener);
}

static void reader_main(struct task *task, void *argument)
{
    struct exchange *exchange = argument;
    exchange->reader_error = exchange_read_head(task, exchange, &exchange->reader_failure);
    exchange->head_read = true;
    task_wake(exchange->opener);
}

// Sending failed in a way that no answer can make good. When the backend merely stopped taking the
// body by closing, it may have said why before.
static bool is_sender_lost(const struct exchange *exchange)
{
    return !exchange->sending && exchange->sender_error != ERROR_NONE
        && exchange->sender_failure.kind != FAILURE_CONNECTION_TERMINATED;
}

enum error exchange_upload(struct task *task, struct exchange *exchange,
    struct failure *ret_failure)
{
    struct scope scope;
    struct failure failure = {.kind = FAILURE_INTERNAL};
    scope_open(&scope);
    exchange->opener = task;
    exchange->sending = true;
    enum error error = task_start(task_loop(task), &scope, sender_main, exchange);
    if (error == ERROR_NONE)
        error = task_start(task_loop(task), &scope, reader_main, exchange);
    while (error == ERROR_NONE && !exchange->head_read && !is_sender_lost(exchange)) {
        error = task_suspend(task, exchange->deadline_ns);
        if (error == ERROR_CANCELLED)
            failure.kind = FAILURE_CANCELLED;
        else if (error == ERROR_TIMEOUT)
            failure.kind = FAILURE_RESPONSE_TIMEOUT;
    }
    if (error == ERROR_NONE && exchange->head_read) {
        error = exchange->reader_error;
        failure = exchange->reader_failure;
    } else if (error == ERROR_NONE) {
        error = exchange->sender_error;
        failure = exchange->sender_failure;
    }
    // An early answer ends the sending: what it says does not depend on the rest.
    scope_close(task, &scope);
    exchange->sending = false;
    if (error != ERROR_NONE)
        *ret_failure = failure;
    return error;
}
