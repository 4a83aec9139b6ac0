// HTTP/1.1 towards visitors (RFC 9112): reading heads, framing answers. One request after the
// other, each served by the connection's task; pipelined ones wait in the buffer.
#include "base/memory.h"
#include "edge/connection.h"
#include "edge/request.h"

#include <stdio.h>

#define PIECES_MAX (ANSWER_FIELD_RUNS + 8)

// How the content's end is marked towards the visitor (RFC 9112 section 6.3).
enum http1_framing { HTTP1_FRAMING_NONE, HTTP1_FRAMING_LENGTH, HTTP1_FRAMING_CHUNKED,
    HTTP1_FRAMING_CLOSE };

// What of the connection is one request's.
struct http1_message {
    struct request_body body;  // zero: no head came, so no content was ever looked for
    enum http1_framing framing; // of the answer
};

// --- Answers ---

struct http1_pieces {
    struct iovec items[PIECES_MAX];
    size_t count;
    char chunk_line[20], status_line[32];
};

static void http1_add(struct http1_pieces *pieces, struct slice piece)
{
    if (piece.size > 0)
        pieces->items[pieces->count++] =
            (struct iovec){.iov_base = (void *)(uintptr_t)piece.data, .iov_len = piece.size};
}

static void http1_add_status_line(struct http1_pieces *pieces, unsigned status)
{
    struct slice line = http_status_line(status);
    if (line.data == NULL) {
        struct text text = text_in(pieces->status_line, sizeof(pieces->status_line));
        text_format(&text, "HTTP/1.1 %u \r\n", status);
        line = text_slice(&text);
    }
    http1_add(pieces, line);
}

// What ends the head: how the content is framed, and whether the connection goes on.
static struct slice http1_end_of_head(const struct request *request,
    const struct http1_message *message)
{
    bool chunked = message->framing == HTTP1_FRAMING_CHUNKED;
    if (request->tunnel != NULL)
        return SLICE("\r\n");
    if (request->last)
        return chunked ? SLICE("Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
                       : SLICE("Connection: close\r\n\r\n");
    if (request->head.minor_version == 0)
        return SLICE("Connection: keep-alive\r\n\r\n"); // never chunked
    return chunked ? SLICE("Transfer-Encoding: chunked\r\n\r\n") : SLICE("\r\n");
}

static void http1_add_head(struct http1_pieces *pieces, struct request *request,
    const struct answer_head *head)
{
    struct http1_message *message = request->carrier;
    message->framing = HTTP1_FRAMING_NONE;
    if (head->has_content && head->length != UINT64_MAX)
        message->framing = HTTP1_FRAMING_LENGTH;
    else if (head->has_content)
        message->framing = request->head.minor_version >= 1 ? HTTP1_FRAMING_CHUNKED
                                                            : HTTP1_FRAMING_CLOSE;
    // An answer before the end of the request's content is the last one here, and says so.
    if (message->framing == HTTP1_FRAMING_CLOSE || !request_body_is_finished(&message->body)
        || request->connection->last)
        request->last = true;
    http1_add_status_line(pieces, head->status);
    for (size_t i = 0; i < ANSWER_FIELD_RUNS; i++)
        http1_add(pieces, head->fields[i]);
    if (request->tunnel != NULL) {
        http1_add(pieces, SLICE("Connection: Upgrade\r\nUpgrade: "));
        http1_add(pieces, request->upgrade);
        http1_add(pieces, SLICE("\r\n"));
    }
    http1_add(pieces, http1_end_of_head(request, message));
}

static enum error http1_send_pieces(struct task *task, struct request *request,
    const struct http1_pieces *pieces, bool is_last)
{
    struct stream *stream = &request->connection->stream;
    uint64_t idle_ms = request->generation->settings->connections.send_timeout_ms, bytes = 0;
    for (size_t i = 0; i < pieces->count; i++)
        bytes += pieces->items[i].iov_len;
    connection_begin_phase(request->connection, CONNECTION_TAKES, bytes);
    enum error error = is_last
        ? stream_send_last(task, stream, pieces->items, pieces->count, idle_ms)
        : stream_send(task, stream, pieces->items, pieces->count, idle_ms, NULL);
    request->connection->phase = CONNECTION_WORKS;
    return error;
}

// The end of the connection goes with the end of its last answer, unless somebody may still owe the
// visitor a 100 (Continue).
static bool http1_may_end(const struct request *request)
{
    const struct http1_message *message = request->carrier;
    return request->last && request->tunnel == NULL && request_body_is_finished(&message->body);
}

// A hit is one system call: head and first run of content leave together.
static enum error http1_send(struct task *task, struct request *request,
    const struct answer_head *head, struct slice content, bool ends)
{
    const struct http1_message *message = request->carrier;
    struct http1_pieces pieces;
    pieces.count = 0;
    if (head != NULL)
        http1_add_head(&pieces, request, head);
    bool chunked = message->framing == HTTP1_FRAMING_CHUNKED;
    if (chunked && content.size > 0)
        http1_add(&pieces, slice_of(pieces.chunk_line,
            http1_chunk_line(pieces.chunk_line, content.size)));
    http1_add(&pieces, content);
    if (chunked && content.size > 0)
        http1_add(&pieces, ends ? SLICE("\r\n0\r\n\r\n") : SLICE("\r\n"));
    else if (chunked && ends)
        http1_add(&pieces, SLICE("0\r\n\r\n"));
    if (pieces.count == 0)
        return ERROR_NONE;
    return http1_send_pieces(task, request, &pieces, ends && http1_may_end(request));
}

static enum error http1_send_trailer(struct task *task, struct request *request,
    struct slice lines)
{
    const struct http1_message *message = request->carrier;
    struct http1_pieces pieces;
    pieces.count = 0;
    if (message->framing != HTTP1_FRAMING_CHUNKED)
        return ERROR_NONE;
    http1_add(&pieces, SLICE("0\r\n"));
    http1_add(&pieces, lines);
    http1_add(&pieces, SLICE("\r\n"));
    return http1_send_pieces(task, request, &pieces, http1_may_end(request));
}

static enum error http1_send_interim(struct task *task, struct request *request, unsigned status,
    struct slice fields)
{
    struct http1_pieces pieces;
    pieces.count = 0;
    if (request->head.minor_version == 0)
        return ERROR_NONE; // RFC 9110 section 15.2: never to an HTTP/1.0 client
    http1_add_status_line(&pieces, status);
    http1_add(&pieces, fields);
    http1_add(&pieces, SLICE("\r\n"));
    return http1_send_pieces(task, request, &pieces, false);
}

static enum error http1_read(struct task *task, struct request *request, void *buffer, size_t size,
    size_t *ret_size)
{
    struct http1_message *message = request->carrier;
    return request_body_read(task, &message->body, buffer, size, ret_size);
}

static struct slice http1_trailer(struct request *request)
{
    const struct http1_message *message = request->carrier;
    return slice_of(message->body.trailer.bytes, message->body.trailer.size);
}

static void http1_discard(struct request *request)
{
    struct http1_message *message = request->carrier;
    if (message->body.connection != NULL)
        request_body_discard_buffered(&message->body);
}

static bool http1_has_gone(struct request *request)
{
    return io_has_gone(&request->connection->stream.socket);
}

// The announced length or the missing last chunk tells the visitor that it was cut. Only where the
// connection's end is the content's must it be a reset, which may cost him bytes.
static void http1_cut(struct request *request)
{
    const struct http1_message *message = request->carrier;
    request->last = true;
    if (message->framing == HTTP1_FRAMING_CLOSE)
        stream_reset(&request->connection->stream);
    else
        stream_close(&request->connection->stream);
}

static void http1_close_tunnel(void *argument, bool cut)
{
    struct connection *connection = CONTAINER_OF(argument, struct connection, stream);
    if (cut)
        stream_reset(&connection->stream);
    connection_destroy(connection);
}

static const struct tunnel_operations http1_tunnel_operations = {
    .receive = tunnel_stream_receive,
    .send = tunnel_stream_send,
    .end = tunnel_stream_end,
    .park = tunnel_stream_park,
    .unpark = tunnel_stream_unpark,
    .close = http1_close_tunnel,
};

static void http1_become_tunnel(struct request *request, struct tunnel_side *ret_side)
{
    *ret_side = (struct tunnel_side){&http1_tunnel_operations, &request->connection->stream};
}

static const struct transport http1_transport = {
    .send = http1_send,
    .send_interim = http1_send_interim,
    .send_trailer = http1_send_trailer,
    .read = http1_read,
    .trailer = http1_trailer,
    .discard = http1_discard,
    .has_gone = http1_has_gone,
    .cut = http1_cut,
    .become_tunnel = http1_become_tunnel,
};

// --- Requests ---

// Reads until a whole head lies at begin. CLOSED: the visitor left between requests. PROTOCOL: see
// *ret_fault.
static enum error http1_read_head(struct task *task, struct connection *connection,
    const struct edge_settings *settings, struct slice *ret_head, enum http1_fault *ret_fault)
{
    struct http1_scan scan = {0};
    uint64_t deadline_ns = deadline_after_ms(task_loop(task),
        settings->connections.head_timeout_ms);
    for (;;) {
        struct slice bytes = SLICE_EMPTY;
        size_t end, size;
        if (connection->begin < connection->end) {
            bytes = slice_of(connection->buffer + connection->begin,
                connection->end - connection->begin);
            switch (http1_scan(&scan, bytes, &settings->http, &end)) {
            case HTTP1_DONE:
                *ret_head = slice_of(bytes.data + scan.begin, end - scan.begin);
                connection->begin += (uint32_t)end;
                return ERROR_NONE;
            case HTTP1_FAULT:
                *ret_fault = scan.fault;
                return ERROR_PROTOCOL;
            case HTTP1_MORE:
                break;
            }
        }
        enum error error = connection_make_room(connection, settings->http.head_size);
        if (error == ERROR_LIMIT) {
            *ret_fault = HTTP1_FAULT_HEAD_TOO_LARGE;
            return ERROR_PROTOCOL;
        }
        if (error == ERROR_NONE)
            error = stream_receive(task, &connection->stream, connection->buffer + connection->end,
                connection->capacity - connection->end, deadline_ns, &size);
        if (error != ERROR_NONE)
            return error == ERROR_TIMEOUT && bytes.size == 0 ? ERROR_CLOSED : error;
        connection->end += (uint32_t)size;
    }
}

static void http1_describe(int descriptor, void *argument)
{
    const struct request *request = argument;
    dprintf(descriptor, "request %016llx %.*s %.*s host %.*s\n", (unsigned long long)request->id,
        SLICE_ARGS(request->head.method_text), SLICE_ARGS(request->head.target),
        SLICE_ARGS(request->host));
}

// The head's fields, in the request's own storage or, when there are many, in its arena.
static enum http1_fault http1_parse_head(struct request *request, struct slice head)
{
    const struct http1_limits *limits = &request->generation->settings->http;
    request->head.fields = (struct http_fields){request->fields, 0, REQUEST_FIELDS_ON_STACK};
    enum http1_fault fault = http1_parse_request(head, limits, &request->head);
    if (fault != HTTP1_FAULT_TOO_MANY_FIELDS || limits->field_count <= REQUEST_FIELDS_ON_STACK)
        return fault;
    struct http_field *more = arena_alloc(&request->arena, limits->field_count * sizeof(*more));
    if (more == NULL)
        return fault;
    request->head.fields = (struct http_fields){more, 0, (uint32_t)limits->field_count};
    return http1_parse_request(head, limits, &request->head);
}

// What Connection names is meant for us alone (RFC 9110 section 7.6.1). It is not passed on, so it
// must not choose a variant or count as credentials either: the backend answers without it.
static void http1_drop_nominated(struct http_fields *fields)
{
    uint32_t kept = 0;
    if (http_fields_find(fields, HTTP_NAME_CONNECTION) == NULL)
        return;
    for (uint32_t i = 0; i < fields->count; i++) {
        struct http_field field = fields->items[i];
        if (http_name_is_hop_by_hop(field.known) || !http_field_is_hop_by_hop(fields, &field))
            fields->items[kept++] = field;
    }
    fields->count = kept;
}

static void http1_refuse(struct task *task, struct request *request,
    enum http1_fault fault)
{
    ledger_add_fault(request->thread->ledger, fault);
    request->head = (struct http_request_head){
        .method = HTTP_METHOD_GET, .major_version = 1, .minor_version = 1};
    request_refuse(task, request, http1_fault_status(fault));
}

static void http1_serve_parsed(struct task *task, struct request *request)
{
    struct connection *connection = request->connection;
    struct edge_thread *thread = connection->thread;
    struct http1_message *message = request->carrier;
    const struct edge_settings *settings = request->generation->settings;
    connection->requests++;
    bool spent = connection->requests >= settings->connections.requests;
    ledger_add(thread->ledger, LEDGER_CONNECTIONS_SPENT, spent);
    request->last = !request->head.keep_alive || thread->draining || spent;
    request_body_init(&message->body, connection, &request->head, &settings->http,
        settings->connections.body_timeout_ms);
    message->body.least_rate = settings->connections.body_rate;
    thread->active_requests++;
    request_serve(task, request);
    thread->active_requests--;
    if (!request_body_is_finished(&message->body))
        request->last = true;
}

// One request, from its first byte to the last of its answer.
static void http1_serve_request(struct task *task, struct connection *connection)
{
    struct http1_message message;
    struct request request;
    memset(&message, 0, sizeof(message));
    request_begin(&request, connection, &http1_transport, &message);
    task_set_description(task, http1_describe, &request);
    struct slice head;
    enum http1_fault fault = HTTP1_FAULT_NONE;
    if (connection->phase != CONNECTION_ASKS) // else it began with a handshake
        connection_begin_phase(connection, CONNECTION_ASKS, 0);
    enum error error = http1_read_head(
        task, connection, request.generation->settings, &head, &fault);
    connection->phase = CONNECTION_WORKS;
    request.started_ns = task_now_ns(task);
    if (error == ERROR_NONE) {
        fault = http1_parse_head(&request, head);
        if (fault == HTTP1_FAULT_NONE)
            fault = request_body_look_ahead(connection, &request.head,
                &request.generation->settings->http);
        if (fault != HTTP1_FAULT_NONE)
            error = ERROR_PROTOCOL;
        else
            http1_drop_nominated(&request.head.fields);
    }
    if (error == ERROR_PROTOCOL) {
        http1_refuse(task, &request, fault);
    } else if (error == ERROR_TIMEOUT) {
        ledger_add(connection->thread->ledger, LEDGER_HEAD_TIMEOUTS, 1);
        request_refuse(task, &request, 408);
    } else if (error != ERROR_NONE) {
        request.last = true;
    } else {
        http1_serve_parsed(task, &request);
    }
    connection->last = connection->last || request.last;
    connection->tunnel = request.tunnel;
    bool linger = connection->last && connection->tunnel == NULL && error != ERROR_CLOSED
        && error != ERROR_RESET
        && io_is_open(&connection->stream.socket);
    task_set_description(task, NULL, NULL);
    request_end(task, &request);
    request_body_end(&message.body);
    if (linger)
        connection_linger(task, connection);
}

void http1_connection_serve(struct task *task, struct connection *connection)
{
    do {
        http1_serve_request(task, connection);
    } while (!connection->last && connection->tunnel == NULL && connection_has_bytes(connection)
             && !task_is_cancelled(task));
}
