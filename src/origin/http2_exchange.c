// One exchange over HTTP/2: finding a session for it, asking, sending a body, reading the answer.
#include "origin/http2.h"
#include "base/memory.h"
#include "http/http2_head.h"

#define FREE_RETRIES 1            // for a request that was provably not processed
// A backend may be ending a session that has been quiet for longer, and what is not repeatable
// would be lost there: as with HTTP/1.1 it gets a connection of its own.
#define TRUSTED_REST_NS (100 * NS_PER_MS)
#define CONTINUE_PATIENCE_MS 1000
#define OWN_FIELDS 8              // beside the lines of the request

// --- Finding a session ---

// Somebody connects; others wait, so that a herd opens one connection and not one each.
struct http2_opening {
    struct list link; // in the seat
    struct list waiters;
    uint64_t waiter_count;
};

struct waiter {
    struct list link;
    struct task *task;
    bool told;
    enum error error; // NONE: look again
    struct failure failure;
};

static struct backend_seat *seat_of(const struct task *task, const struct exchange *exchange)
{
    return &exchange->backend->seats[task_loop(task)->index];
}

static bool is_repeatable(const struct exchange *exchange)
{
    return http_method_is_idempotent(exchange->request->method)
        && exchange->request->body.framing == HTTP_FRAMING_NONE;
}

// Of the sessions at hand that are no older, one that can take the request.
static struct http2_session *find_session(struct task *task, struct exchange *exchange,
    uint64_t since_ns)
{
    LIST_FOREACH(link, &seat_of(task, exchange)->sessions) {
        struct http2_session *session = LIST_ENTRY(link, struct http2_session, seat_link);
        if (session->born_ns < since_ns || !http2_session_takes_streams(session))
            continue;
        if (!connection_fits(session->connection, exchange->plan->settings.tls_client)) {
            http2_session_retire(session);
            continue;
        }
        if (session->stream_count == 0 && !is_repeatable(exchange)
            && task_now_ns(task) - session->received_ns > TRUSTED_REST_NS) {
            http2_session_retire(session);
            continue;
        }
        if (!session->resting)
            return session;
        bool quiet = stream_is_quiet(&session->connection->stream);
        // News first: it may be a GOAWAY.
        if (http2_session_wake(session) && quiet)
            return session;
    }
    return NULL;
}

static enum error await_greeting(struct task *task, struct http2_session *session,
    uint64_t deadline_ns, struct failure *ret_failure)
{
    struct http2_greeting greeting = {.task = task};
    enum error error = ERROR_NONE;
    session->greeting = &greeting;
    if (http2_session_wake(session))
        http2_session_kick(session);
    while (!greeting.greeted && greeting.failed == FAILURE_NONE && error == ERROR_NONE)
        error = task_suspend(task, deadline_ns);
    if (greeting.failed != FAILURE_NONE) {
        *ret_failure = (struct failure){.kind = greeting.failed, .unsent = true};
        if (error != ERROR_NONE)
            return error;
        return greeting.failed == FAILURE_PROTOCOL_ERROR ? ERROR_PROTOCOL
            : greeting.failed == FAILURE_INTERNAL ? ERROR_MEMORY : ERROR_RESET;
    }
    session->greeting = NULL;
    if (greeting.greeted && error != ERROR_CANCELLED)
        return ERROR_NONE;
    http2_session_retire(session);
    *ret_failure = (struct failure){.unsent = true,
        .kind = error == ERROR_CANCELLED ? FAILURE_CANCELLED : FAILURE_CONNECTION_TIMEOUT};
    return error;
}

static enum error connect_session(struct task *task, struct exchange *exchange,
    struct http2_session **ret_session, struct failure *ret_failure)
{
    const struct pool_settings *settings = &exchange->plan->settings.pool;
    uint64_t deadline_ns =
        exchange_deadline(exchange, task_now_ns(task), exchange->timeouts.connect_ms);
    struct connection *connection;
    struct http2_session *session;
    enum error error = exchange_connect(task, exchange, true, &connection, ret_failure);
    if (error != ERROR_NONE)
        return error;
    if (connection->tls_identity != 0)
        atomic_store_explicit(&exchange->backend->speaks_http1, !connection->speaks_http2,
            memory_order_relaxed);
    if (connection->tls_identity != 0 && !connection->speaks_http2
        && exchange->plan->settings.http2 == HTTP2_NEGOTIATE) {
        exchange->connection = connection;
        *ret_session = NULL;
        return ERROR_NONE;
    }
    if (connection->tls_identity != 0 && !connection->speaks_http2) {
        *ret_failure = (struct failure){.kind = FAILURE_TLS_PROTOCOL_ERROR, .unsent = true,
            .detail = "it does not speak HTTP/2"};
        connection_close(connection);
        return ERROR_PROTOCOL;
    }
    error = http2_session_create(connection, exchange->origin, settings, &exchange->limits,
        exchange->timeouts.between_bytes_ms, &session);
    if (error != ERROR_NONE) {
        *ret_failure = (struct failure){.kind = FAILURE_INTERNAL, .unsent = true};
        return error;
    }
    error = await_greeting(task, session, deadline_ns, ret_failure);
    if (error == ERROR_NONE)
        *ret_session = session;
    return error;
}

static void tell_waiters(struct http2_opening *opening, enum error error,
    const struct failure *failure)
{
    list_remove(&opening->link);
    LIST_FOREACH(link, &opening->waiters) {
        struct waiter *waiter = LIST_ENTRY(link, struct waiter, link);
        list_remove(&waiter->link);
        waiter->told = true;
        // That this one was called off says nothing to the others.
        waiter->error = error == ERROR_CANCELLED ? ERROR_NONE : error;
        waiter->failure = *failure;
        task_wake(waiter->task);
    }
}

static enum error open_shared(struct task *task, struct exchange *exchange,
    struct http2_session **ret_session, struct failure *ret_failure)
{
    struct backend_seat *seat = seat_of(task, exchange);
    struct http2_opening opening;
    list_init(&opening.waiters);
    opening.waiter_count = 0;
    list_append(&seat->openings, &opening.link);
    enum error error = connect_session(task, exchange, ret_session, ret_failure);
    if (error == ERROR_NONE && *ret_session != NULL)
        list_append(&seat->sessions, &(*ret_session)->seat_link);
    tell_waiters(&opening, error, ret_failure);
    return error;
}

// Waits for a connection that somebody else opens. NONE: look again.
static enum error await_opening(struct task *task, struct exchange *exchange,
    struct http2_opening *opening, struct failure *ret_failure)
{
    struct waiter waiter = {.task = task};
    uint64_t deadline_ns =
        exchange_deadline(exchange, task_now_ns(task), exchange->timeouts.connect_ms);
    enum error error = ERROR_NONE;
    list_append(&opening->waiters, &waiter.link);
    opening->waiter_count++;
    while (!waiter.told && error == ERROR_NONE)
        error = task_suspend(task, deadline_ns);
    if (waiter.told && error != ERROR_CANCELLED) {
        *ret_failure = waiter.failure;
        return waiter.error;
    }
    if (!waiter.told) {
        list_remove(&waiter.link);
        opening->waiter_count--;
    }
    *ret_failure = (struct failure){.unsent = true,
        .kind = error == ERROR_CANCELLED ? FAILURE_CANCELLED : FAILURE_CONNECTION_TIMEOUT};
    return error;
}

// *ret_session NULL: HTTP/1.1 was agreed on, over exchange->connection.
static enum error take_session(struct task *task, struct exchange *exchange, uint64_t since_ns,
    struct http2_session **ret_session, struct failure *ret_failure)
{
    struct backend_seat *seat = seat_of(task, exchange);
    uint64_t limit = exchange->plan->settings.pool.http2_streams;
    if (!exchange->keeps_connections)
        return connect_session(task, exchange, ret_session, ret_failure);
    for (;;) {
        struct http2_opening *opening = NULL;
        *ret_session = find_session(task, exchange, since_ns);
        if (*ret_session != NULL)
            return ERROR_NONE;
        bool lonely = atomic_load_explicit(&exchange->backend->speaks_http1, memory_order_relaxed);
        LIST_FOREACH(link, &seat->openings) {
            if (lonely)
                break; // no two could share what comes of it
            struct http2_opening *one = LIST_ENTRY(link, struct http2_opening, link);
            if (one->waiter_count + 1 < limit)
                opening = one;
        }
        if (opening == NULL)
            break;
        enum error error = await_opening(task, exchange, opening, ret_failure);
        if (error != ERROR_NONE)
            return error;
    }
    return open_shared(task, exchange, ret_session, ret_failure);
}

// --- Asking ---

// The fields after the content end the stream in its place, if there are any, and memory for them.
static uint32_t end_with_trailer(nghttp2_session *nghttp2, const struct http2_stream *stream)
{
    struct slice lines = slice_of(stream->upload_trailer, stream->upload_trailer_size);
    size_t capacity = http2_lines_count(lines);
    nghttp2_nv *fields = capacity == 0 ? NULL : memory_alloc(capacity * sizeof(*fields));
    if (fields == NULL)
        return NGHTTP2_DATA_FLAG_NONE;
    size_t count = http2_fields_from_lines(lines, fields, capacity);
    bool queued = count > 0 && nghttp2_submit_trailer(nghttp2, stream->id, fields, count) == 0;
    memory_free(fields);
    return queued ? NGHTTP2_DATA_FLAG_NO_END_STREAM : NGHTTP2_DATA_FLAG_NONE;
}

static ssize_t on_upload(nghttp2_session *nghttp2, int32_t id, uint8_t *buffer, size_t size,
    uint32_t *flags, nghttp2_data_source *source, void *argument)
{
    struct http2_stream *stream = nghttp2_session_get_stream_user_data(nghttp2, id);
    (void)source;
    (void)argument;
    if (stream == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; // the exchange is over
    size_t held = stream->upload_end - stream->upload_begin;
    if (held == 0 && !stream->upload_ended)
        return NGHTTP2_ERR_DEFERRED;
    size_t step = MINIMUM(held, size);
    if (step > 0)
        memcpy(buffer, stream->exchange->upload + stream->upload_begin, step);
    stream->upload_begin += step;
    if (stream->upload_begin == stream->upload_end) {
        if (stream->upload_ended)
            *flags |= NGHTTP2_DATA_FLAG_EOF | end_with_trailer(nghttp2, stream);
        if (stream->sender != NULL)
            task_wake(stream->sender);
    }
    return (ssize_t)step;
}

static size_t add_own_fields(const struct exchange *exchange, bool secure, nghttp2_nv *fields)
{
    const struct exchange_request *request = exchange->request;
    struct slice host = request->host.size > 0 ? request->host : exchange->backend->authority;
    size_t count = 0;
    fields[count++] = http2_field(SLICE(":method"), request->method_text);
    fields[count++] = http2_field(SLICE(":scheme"), secure ? SLICE("https") : SLICE("http"));
    fields[count++] = http2_field(SLICE(":authority"), host);
    fields[count++] = http2_field(SLICE(":path"), request->target);
    return count;
}

static size_t add_framing_fields(const struct exchange *exchange, struct text *length,
    nghttp2_nv *fields)
{
    const struct exchange_request *request = exchange->request;
    size_t count = 0;
    if (request->body.framing == HTTP_FRAMING_LENGTH) {
        text_append_u64(length, request->body.length);
        fields[count++] = http2_field(SLICE("content-length"), text_slice(length));
    }
    if (request->wants_trailer)
        fields[count++] = http2_field(SLICE("te"), SLICE("trailers"));
    if (request->expect_continue && request->body.framing != HTTP_FRAMING_NONE)
        fields[count++] = http2_field(SLICE("expect"), SLICE("100-continue"));
    return count;
}

// Queues the request in nghttp2; nothing of it is sent yet.
static enum error submit(struct exchange *exchange, struct http2_session *session)
{
    const struct exchange_request *request = exchange->request;
    struct http2_stream *stream = exchange->stream;
    char digits[24];
    struct text length = text_in(digits, sizeof(digits));
    size_t capacity = OWN_FIELDS + http2_lines_count(request->fields);
    nghttp2_nv *fields = memory_alloc(capacity * sizeof(*fields));
    if (fields == NULL)
        return ERROR_MEMORY;
    size_t count = add_own_fields(exchange, session->connection->stream.tls != NULL, fields);
    count += http2_fields_from_lines(request->fields, fields + count, capacity - count);
    count += add_framing_fields(exchange, &length, fields + count);
    nghttp2_data_provider provider = {.read_callback = on_upload};
    int32_t id = nghttp2_submit_request(session->nghttp2, NULL, fields, count,
        request->body.framing == HTTP_FRAMING_NONE ? NULL : &provider, stream);
    memory_free(fields);
    if (id < 0)
        return ERROR_MEMORY;
    stream->id = id;
    stream->session = session;
    list_append(&session->streams, &stream->link);
    session->stream_count++;
    return ERROR_NONE;
}

static void fail_here(struct failure *ret_failure, enum failure_kind kind)
{
    *ret_failure = (struct failure){.kind = kind};
}

// --- Sending a body ---

// A GOAWAY may come while other streams fill the connection: then the head never goes out, and the
// visitor can be left alone until the request is sent elsewhere.
static enum error await_head_sent(struct task *task, struct exchange *exchange)
{
    struct http2_stream *stream = exchange->stream;
    enum error error = ERROR_NONE;
    uint64_t deadline_ns =
        exchange_deadline(exchange, task_now_ns(task), exchange->timeouts.between_bytes_ms);
    stream->sender = task;
    while (stream->session != NULL && !stream->head_sent && error == ERROR_NONE)
        error = task_suspend(task, deadline_ns);
    stream->sender = NULL;
    if (error != ERROR_NONE)
        return error;
    return stream->head_sent ? ERROR_NONE : ERROR_CLOSED;
}

static enum error await_taken(struct task *task, struct exchange *exchange)
{
    struct http2_stream *stream = exchange->stream;
    enum error error = ERROR_NONE;
    uint64_t deadline_ns =
        exchange_deadline(exchange, task_now_ns(task), exchange->timeouts.between_bytes_ms);
    stream->sender = task;
    while (stream->session != NULL && stream->upload_begin < stream->upload_end
        && error == ERROR_NONE) {
        size_t before = stream->upload_begin;
        error = task_suspend(task, deadline_ns);
        if (stream->upload_begin > before && error != ERROR_CANCELLED) {
            deadline_ns = exchange_deadline(exchange, task_now_ns(task),
                exchange->timeouts.between_bytes_ms);
            error = ERROR_NONE;
        }
    }
    stream->sender = NULL;
    if (error != ERROR_NONE)
        return error;
    return stream->session == NULL && stream->upload_begin < stream->upload_end ? ERROR_CLOSED
                                                                                : ERROR_NONE;
}

static void resume(struct http2_stream *stream)
{
    if (stream->session == NULL)
        return;
    nghttp2_session_resume_data(stream->session->nghttp2, stream->id);
    http2_session_kick(stream->session);
}

static enum failure_kind kind_of_sending(enum error error)
{
    if (error == ERROR_CANCELLED)
        return FAILURE_CANCELLED;
    if (error == ERROR_TIMEOUT)
        return FAILURE_CONNECTION_WRITE_TIMEOUT;
    return error == ERROR_CLOSED ? FAILURE_CONNECTION_TERMINATED : FAILURE_INTERNAL;
}

// They go out when the windows allow it, which may be after the request has ended: a copy.
static void take_trailer(struct http2_stream *stream, const struct exchange_body *body)
{
    struct slice lines = exchange_body_trailer(body);
    stream->upload_trailer = lines.size == 0 ? NULL : memory_alloc(lines.size);
    if (stream->upload_trailer == NULL)
        return;
    memcpy(stream->upload_trailer, lines.data, lines.size);
    stream->upload_trailer_size = lines.size;
}

// Behind what is kept of it, or in its place once it is too much. No bytes: that was all.
static enum error read_piece(struct task *task, struct exchange *exchange, uint64_t left,
    size_t *ret_size, struct failure *ret_failure)
{
    const struct exchange_body *body = &exchange->request->body;
    *ret_size = 0;
    if (exchange->upload_size == EXCHANGE_BUFFER_SIZE)
        exchange->body_lost = true;
    if (exchange->body_lost)
        exchange->upload_size = 0;
    enum error error = body->read(task, body->source, exchange->upload + exchange->upload_size,
        (size_t)MINIMUM(left, EXCHANGE_BUFFER_SIZE - exchange->upload_size), ret_size);
    exchange->upload_complete = error == ERROR_CLOSED && body->framing == HTTP_FRAMING_CHUNKED;
    if (exchange->upload_complete)
        return ERROR_NONE;
    if (error != ERROR_NONE) {
        fail_here(ret_failure, error == ERROR_CANCELLED ? FAILURE_CANCELLED : FAILURE_REQUEST_BODY);
        return error;
    }
    exchange->upload_size += *ret_size;
    return ERROR_NONE;
}

// The last of what is kept.
static enum error send_piece(struct task *task, struct exchange *exchange, size_t size,
    uint64_t *left, struct failure *ret_failure)
{
    struct http2_stream *stream = exchange->stream;
    stream->upload_begin = exchange->upload_size - size;
    stream->upload_end = exchange->upload_size;
    if (exchange->request->body.framing == HTTP_FRAMING_LENGTH)
        *left -= size;
    stream->upload_ended = *left == 0;
    resume(stream);
    enum error error = await_taken(task, exchange);
    if (error != ERROR_NONE)
        fail_here(ret_failure, kind_of_sending(error));
    return error;
}

static enum error send_body(struct task *task, struct exchange *exchange,
    struct failure *ret_failure)
{
    struct http2_stream *stream = exchange->stream;
    const struct exchange_body *body = &exchange->request->body;
    uint64_t left = body->framing == HTTP_FRAMING_LENGTH ? body->length : UINT64_MAX;
    enum error error = ERROR_NONE;
    if (exchange->upload_size > 0) // read for an attempt before
        error = send_piece(task, exchange, exchange->upload_size, &left, ret_failure);
    while (error == ERROR_NONE && left > 0 && !exchange->upload_complete) {
        size_t size;
        error = read_piece(task, exchange, left, &size, ret_failure);
        if (error == ERROR_NONE && size > 0)
            error = send_piece(task, exchange, size, &left, ret_failure);
    }
    if (error != ERROR_NONE)
        return error;
    if (body->framing == HTTP_FRAMING_CHUNKED)
        take_trailer(stream, body);
    stream->upload_ended = true;
    resume(stream);
    return ERROR_NONE;
}

static void sender_main(struct task *task, void *argument)
{
    struct exchange *exchange = argument;
    struct failure failure = {.kind = FAILURE_INTERNAL};
    enum error error = await_head_sent(task, exchange);
    if (error == ERROR_NONE && exchange->request->expect_continue)
        error = exchange_await_continue(task, exchange);
    if (error != ERROR_NONE)
        failure.kind = kind_of_sending(error);
    if (error == ERROR_NONE && exchange->upload == NULL)
        exchange->upload = memory_alloc(EXCHANGE_BUFFER_SIZE);
    if (error == ERROR_NONE && exchange->upload == NULL)
        error = ERROR_MEMORY;
    if (error == ERROR_NONE)
        error = send_body(task, exchange, &failure);
    exchange->sent = error == ERROR_NONE;
    exchange->sent_ns = task_now_ns(task);
    exchange->sender_error = error;
    exchange->sender_failure = failure;
    exchange->sending = false;
    task_wake(exchange->opener);
}

// Broken off by the visitor or by us, not by the peer: then no answer makes it good.
static bool is_sender_lost(const struct exchange *exchange)
{
    return !exchange->sending && exchange->sender_error != ERROR_NONE
        && exchange->sender_failure.kind != FAILURE_CONNECTION_TERMINATED;
}

// --- The answer ---

static void describe_failure(const struct exchange *exchange, struct failure *ret_failure)
{
    const struct http2_stream *stream = exchange->stream;
    *ret_failure = (struct failure){.kind = stream->failed,
        .unsent = stream->unsent && !exchange->body_lost,
        .reused_connection = stream->reused};
}

// Until the final head is there. While a body is being sent only its own deadlines count.
static enum error await_head(struct task *task, struct exchange *exchange,
    struct failure *ret_failure)
{
    struct http2_stream *stream = exchange->stream;
    enum error error = ERROR_NONE;
    stream->waiter = exchange->opener = task;
    while (!stream->has_head && stream->failed == FAILURE_NONE && !is_sender_lost(exchange)
        && error == ERROR_NONE) {
        bool sending = exchange->sending;
        error = task_suspend(task, sending ? exchange->deadline_ns
            : exchange_deadline(exchange, exchange->sent_ns, exchange->timeouts.first_byte_ms));
    }
    stream->waiter = NULL;
    if (stream->has_head && error != ERROR_CANCELLED)
        return ERROR_NONE;
    if (error == ERROR_CANCELLED) {
        fail_here(ret_failure, FAILURE_CANCELLED);
    } else if (error == ERROR_TIMEOUT) {
        fail_here(ret_failure, FAILURE_RESPONSE_TIMEOUT);
        if (stream->session != NULL)
            ret_failure->moves_on = http2_session_doubt(stream->session);
    } else if (stream->failed != FAILURE_NONE) {
        describe_failure(exchange, ret_failure);
        error = stream->failed == FAILURE_INTERNAL ? ERROR_MEMORY
            : stream->failed == FAILURE_CONNECTION_TERMINATED ? ERROR_RESET : ERROR_PROTOCOL;
    } else {
        *ret_failure = exchange->sender_failure;
        error = exchange->sender_error;
    }
    return error;
}

static enum error ask(struct task *task, struct exchange *exchange, struct http2_session *session,
    struct failure *ret_failure)
{
    bool uploads = exchange->request->body.framing != HTTP_FRAMING_NONE;
    struct http2_stream *stream = memory_zero_alloc(sizeof(*stream));
    struct scope scope;
    if (stream == NULL)
        return ERROR_MEMORY;
    scope_open(&scope);
    list_init(&stream->link);
    stream->exchange = exchange;
    stream->begun_ns = task_now_ns(task);
    exchange->stream = stream;
    exchange->asked_ns = task_now_ns(task);
    enum error error = submit(exchange, session);
    if (error != ERROR_NONE)
        return error;
    if (!exchange->keeps_connections)
        session->retired = true; // it ends with this stream
    exchange->sent_ns = task_now_ns(task);
    exchange->sending = uploads;
    exchange->sender_error = ERROR_NONE;
    http2_session_kick(session);
    if (uploads)
        error = task_start(task_loop(task), &scope, sender_main, exchange);
    if (error == ERROR_NONE)
        error = await_head(task, exchange, ret_failure);
    // As with HTTP/1.1, an early answer ends the sending.
    scope_close(task, &scope);
    exchange->sending = false;
    return error;
}

enum error exchange_http2_begin(struct task *task, struct exchange *exchange,
    struct failure *ret_failure)
{
    uint64_t since_ns = exchange->request->fresh_connection ? exchange->started_ns : 0;
    for (unsigned turn = 0;; turn++) {
        struct http2_session *session;
        struct failure failure = {.kind = FAILURE_INTERNAL, .unsent = true};
        enum error error = take_session(task, exchange, since_ns, &session, &failure);
        if (error == ERROR_NONE && session == NULL)
            return ERROR_NONE;
        if (error == ERROR_NONE) {
            error = ask(task, exchange, session, &failure);
            if (error == ERROR_NONE)
                return ERROR_NONE;
            if (failure.unsent && error == ERROR_RESET && turn < FREE_RETRIES) {
                exchange_http2_end(exchange);
                count_one(&exchange->origin->counters.stale_connections);
                since_ns = task_now_ns(task);
                continue;
            }
        }
        // What is kept of the body ends with the exchange.
        failure.unsent = failure.unsent && exchange->upload_size == 0 && !exchange->upload_complete;
        *ret_failure = failure;
        return error;
    }
}

static enum error break_off(struct task *task, struct exchange *exchange)
{
    enum failure_kind kind = exchange->stream->failed;
    if (kind == FAILURE_CONNECTION_TERMINATED)
        kind = FAILURE_RESPONSE_INCOMPLETE; // there was an answer
    enum error error = kind == FAILURE_PROTOCOL_ERROR ? ERROR_PROTOCOL
        : kind == FAILURE_INTERNAL ? ERROR_MEMORY : ERROR_TRUNCATED;
    return exchange_break_off(task, exchange, kind, error);
}

enum error exchange_http2_read(struct task *task, struct exchange *exchange, void *buffer,
    size_t size, size_t *ret_size)
{
    struct http2_stream *stream = exchange->stream;
    enum error error = ERROR_NONE;
    uint64_t deadline_ns = exchange_read_deadline(task, exchange);
    stream->waiter = task;
    while (stream->begin == stream->end && !stream->ended && stream->failed == FAILURE_NONE
        && error == ERROR_NONE)
        error = task_suspend(task, deadline_ns);
    stream->waiter = NULL;
    if (error == ERROR_CANCELLED)
        return exchange_break_off(task, exchange, FAILURE_CANCELLED, error);
    if (exchange_http2_has_remains(exchange)) {
        size_t step = MINIMUM(stream->end - stream->begin, size);
        memcpy(buffer, stream->content + stream->begin, step);
        stream->begin += step;
        exchange->quiet_ns = 0;
        if (stream->session != NULL) {
            nghttp2_session_consume_stream(stream->session->nghttp2, stream->id, step);
            http2_session_kick(stream->session);
        }
        *ret_size = step;
        return ERROR_NONE;
    }
    if (stream->failed != FAILURE_NONE)
        return break_off(task, exchange);
    if (stream->ended)
        return ERROR_CLOSED;
    if (error == ERROR_TIMEOUT && exchange_may_wait_on(task, exchange))
        return ERROR_BUSY;
    if (stream->session != NULL)
        http2_session_doubt(stream->session);
    return exchange_break_off(task, exchange, task_now_ns(task) >= exchange->deadline_ns
        ? FAILURE_RESPONSE_TIMEOUT : FAILURE_CONNECTION_READ_TIMEOUT, error);
}

enum error exchange_http2_gather(struct task *task, struct exchange *exchange,
    uint64_t deadline_ns)
{
    struct http2_stream *stream = exchange->stream;
    enum error error = ERROR_NONE;
    stream->waiter = task;
    while (stream->end - stream->begin < exchange->head.content_length && !stream->ended
        && stream->failed == FAILURE_NONE && error == ERROR_NONE)
        error = task_suspend(task, deadline_ns);
    stream->waiter = NULL;
    if (error == ERROR_CANCELLED)
        return exchange_break_off(task, exchange, FAILURE_CANCELLED, error);
    bool is_whole = stream->end - stream->begin >= exchange->head.content_length;
    return stream->failed != FAILURE_NONE && !is_whole ? break_off(task, exchange) : ERROR_NONE;
}

bool exchange_http2_has_remains(const struct exchange *exchange)
{
    const struct http2_stream *stream = exchange->stream;
    return stream->begin < stream->end && stream->failed != FAILURE_PROTOCOL_ERROR;
}

void exchange_http2_leave(struct exchange *exchange)
{
    struct http2_stream *stream = exchange->stream;
    struct http2_session *session = stream == NULL ? NULL : stream->session;
    if (session == NULL)
        return;
    nghttp2_session_set_stream_user_data(session->nghttp2, stream->id, NULL);
    nghttp2_submit_rst_stream(session->nghttp2, NGHTTP2_FLAG_NONE, stream->id,
        stream->ended ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
    stream->session = NULL;
    list_remove(&stream->link);
    session->stream_count--;
    if (!exchange->keeps_connections)
        http2_session_retire(session);
    else
        http2_session_kick(session);
}

void exchange_http2_end(struct exchange *exchange)
{
    struct http2_stream *stream = exchange->stream;
    if (stream == NULL)
        return;
    exchange_http2_leave(exchange);
    exchange->stream = NULL;
    http2_response_free(&stream->response);
    http2_response_free(&stream->trailer);
    memory_free(stream->content);
    memory_free(stream->upload_trailer);
    memory_free(stream);
}
