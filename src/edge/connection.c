// Accepting, parking and reading. A parked connection costs its struct and nothing else: the buffer
// and the task are taken when its next request begins and given back when nothing is buffered.
#include "edge/connection.h"
#include "base/log.h"
#include "base/memory.h"
#include "edge/delivery.h"
#include "edge/request.h"

#include <stdio.h>

#define ACCEPT_PAUSE_MS 50
#define FETCHES_SHARE 8 // an eighth of the tasks
#define LINGER_MS 1000
#define LINGER_BYTES (256 * 1024)

char *edge_buffer_take(struct edge_thread *thread)
{
    struct buffer_link *buffer = thread->buffers;
    if (buffer == NULL)
        return memory_alloc(EDGE_BUFFER_SIZE);
    thread->buffers = buffer->next;
    thread->buffers_kept--;
    return (char *)buffer;
}

void edge_buffer_give(struct edge_thread *thread, char *buffer)
{
    if (buffer == NULL || thread->buffers_kept == EDGE_BUFFERS_KEPT) {
        memory_free(buffer);
        return;
    }
    struct buffer_link *link = (struct buffer_link *)(void *)buffer;
    link->next = thread->buffers;
    thread->buffers = link;
    thread->buffers_kept++;
}

static void connection_drop_buffer(struct connection *connection)
{
    if (connection->capacity == EDGE_BUFFER_SIZE)
        edge_buffer_give(connection->thread, connection->buffer);
    else
        memory_free(connection->buffer);
    connection->buffer = NULL;
    connection->capacity = connection->begin = connection->end = 0;
}

static void connection_destroy(struct connection *connection)
{
    struct edge_thread *thread = connection->thread;
    connection_drop_buffer(connection);
    list_remove(&connection->link);
    thread->connection_count--;
    stream_close(&connection->stream);
    memory_free(connection);
    edge_thread_connection_gone(thread);
}

static void connection_serve_main(struct task *task, void *argument);

// Visitors leave some tasks to fetches: if they took all, nobody could be answered.
static enum error connection_start(struct connection *connection)
{
    struct loop *loop = connection->thread->loop;
    if (loop->tasks_alive >= loop->limits.tasks - loop->limits.tasks / FETCHES_SHARE)
        return ERROR_LIMIT;
    return task_start(loop, NULL, connection_serve_main, connection);
}

static void connection_on_ready(struct io_socket *socket, enum error reason)
{
    struct connection *connection = CONTAINER_OF(socket, struct connection, stream.socket);
    if (reason == ERROR_NONE) {
        connection->busy = true;
        if (connection_start(connection) == ERROR_NONE)
            return;
        ledger_add(connection->thread->ledger, LEDGER_SHED, 1);
    } else if (reason == ERROR_TIMEOUT) {
        ledger_add(connection->thread->ledger, LEDGER_IDLE_TIMEOUTS, 1);
    }
    connection_destroy(connection);
}

static void connection_park(struct connection *connection)
{
    const struct connection_settings *settings =
        &connection->thread->generation->settings->connections;
    connection->busy = false;
    io_park(&connection->stream.socket,
        deadline_after_ms(connection->thread->loop, settings->idle_timeout_ms),
        connection_on_ready);
}

static struct connection *connection_create(struct edge_thread *thread)
{
    const struct connection_settings *settings = &thread->generation->settings->connections;
    if (thread->connection_count >= edge_share(thread->edge, settings->maximum))
        return NULL;
    struct connection *connection = memory_zero_alloc(sizeof(*connection));
    if (connection == NULL)
        return NULL;
    connection->thread = thread;
    connection->stream.socket.descriptor = -1;
    return connection;
}

// At the limit a visitor is let in and closed at once: a clear end is kinder than a hang.
static void connection_refuse(struct task *task, struct edge_listener *listener)
{
    struct io_socket socket;
    struct address peer;
    uint64_t deadline_ns = deadline_after_ms(task_loop(task), ACCEPT_PAUSE_MS);
    if (io_accept(task, &listener->socket, &socket, &peer, deadline_ns) != ERROR_NONE)
        return;
    ledger_add(listener->thread->ledger, LEDGER_CONNECTIONS_REFUSED, 1);
    io_close(&socket);
}

void connection_accept_main(struct task *task, void *argument)
{
    struct edge_listener *listener = argument;
    struct edge_thread *thread = listener->thread;
    while (!task_is_cancelled(task)) {
        struct connection *connection = connection_create(thread);
        if (connection == NULL) {
            connection_refuse(task, listener);
            continue;
        }
        enum error error = io_accept(task, &listener->socket, &connection->stream.socket,
            &connection->peer, NEVER_NS);
        if (error == ERROR_NONE) {
            list_append(&thread->connections, &connection->link);
            thread->connection_count++;
            ledger_add(thread->ledger, LEDGER_CONNECTIONS, 1);
            connection_park(connection);
            continue;
        }
        memory_free(connection);
        if (error != ERROR_CANCELLED
            && task_sleep_until(task, deadline_after_ms(thread->loop, ACCEPT_PAUSE_MS))
                != ERROR_NONE)
            return;
    }
}

// Room for at least one byte behind `end`: moves what is there to the front, then grows.
static enum error connection_make_room(struct connection *connection, uint64_t maximum)
{
    if (connection->buffer == NULL) {
        connection->buffer = edge_buffer_take(connection->thread);
        if (connection->buffer == NULL)
            return ERROR_MEMORY;
        connection->capacity = EDGE_BUFFER_SIZE;
    }
    if (connection->end < connection->capacity)
        return ERROR_NONE;
    if (connection->begin > 0) {
        connection->end -= connection->begin;
        memmove(connection->buffer, connection->buffer + connection->begin, connection->end);
        connection->begin = 0;
        return ERROR_NONE;
    }
    if (connection->capacity > maximum)
        return ERROR_LIMIT;
    char *larger = memory_alloc((size_t)connection->capacity * 2);
    if (larger == NULL)
        return ERROR_MEMORY;
    uint32_t end = connection->end, capacity = connection->capacity * 2;
    memcpy(larger, connection->buffer, end);
    connection_drop_buffer(connection);
    connection->buffer = larger;
    connection->capacity = capacity;
    connection->end = end;
    return ERROR_NONE;
}

// Reads until a whole head lies at begin. CLOSED: the visitor left between requests. PROTOCOL: see
// *ret_fault.
static enum error connection_read_head(struct task *task, struct connection *connection,
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

// After a last answer to a visitor who may still be sending: a plain close would make his kernel
// throw the answer away (RFC 9112 section 9.6).
static void connection_linger(struct task *task, struct connection *connection)
{
    uint64_t deadline_ns = deadline_after_ms(task_loop(task), LINGER_MS);
    char *scratch = edge_buffer_take(connection->thread);
    stream_end(&connection->stream);
    for (size_t total = 0, size; scratch != NULL && total < LINGER_BYTES; total += size) {
        if (stream_receive(task, &connection->stream, scratch, EDGE_BUFFER_SIZE, deadline_ns, &size)
            != ERROR_NONE)
            break;
    }
    edge_buffer_give(connection->thread, scratch);
}

static void connection_describe(int descriptor, void *argument)
{
    const struct request *request = argument;
    dprintf(descriptor, "request %016llx %.*s %.*s host %.*s\n", (unsigned long long)request->id,
        SLICE_ARGS(request->head.method_text), SLICE_ARGS(request->head.target),
        SLICE_ARGS(request->host));
}

// The head's fields, in the request's own storage or, when there are many, in its arena.
static enum http1_fault connection_parse_head(struct request *request, struct slice head)
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
static void connection_drop_nominated(struct http_fields *fields)
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

static void connection_refuse_request(struct task *task, struct request *request,
    enum http1_fault fault)
{
    ledger_add_fault(request->thread->ledger, fault);
    request->head = (struct http_request_head){.method = HTTP_METHOD_GET, .minor_version = 1};
    request_refuse(task, request, http1_fault_status(fault));
}

// One request, from its first byte to the last of its answer.
static void connection_serve_request(struct task *task, struct connection *connection)
{
    struct edge_thread *thread = connection->thread;
    struct request request;
    request_begin(&request, connection);
    task_set_description(task, connection_describe, &request);
    const struct edge_settings *settings = request.generation->settings;
    struct slice head;
    enum http1_fault fault = HTTP1_FAULT_NONE;
    enum error error = connection_read_head(task, connection, settings, &head, &fault);
    request.started_ns = task_now_ns(task);
    if (error == ERROR_NONE) {
        fault = connection_parse_head(&request, head);
        if (fault != HTTP1_FAULT_NONE)
            error = ERROR_PROTOCOL;
        else
            connection_drop_nominated(&request.head.fields);
    }
    if (error == ERROR_PROTOCOL) {
        connection_refuse_request(task, &request, fault);
    } else if (error == ERROR_TIMEOUT) {
        ledger_add(thread->ledger, LEDGER_HEAD_TIMEOUTS, 1);
        request_refuse(task, &request, 408);
    } else if (error != ERROR_NONE) {
        connection->last = true;
    } else {
        connection->requests++;
        bool spent = connection->requests >= settings->connections.requests;
        ledger_add(thread->ledger, LEDGER_CONNECTIONS_SPENT, spent);
        if (!request.head.keep_alive || thread->draining || spent)
            connection->last = true;
        request_body_init(&request.body, connection, &request.head, &settings->http,
            settings->connections.body_timeout_ms);
        thread->active_requests++;
        request_serve(task, &request);
        thread->active_requests--;
        if (!request_body_is_finished(&request.body))
            connection->last = true;
    }
    bool linger = connection->last && error != ERROR_CLOSED && error != ERROR_RESET
        && io_is_open(&connection->stream.socket);
    task_set_description(task, NULL, NULL);
    request_end(task, &request);
    if (linger)
        connection_linger(task, connection);
}

static void connection_serve_main(struct task *task, void *argument)
{
    struct connection *connection = argument;
    connection->task = task;
    do {
        connection_serve_request(task, connection);
    } while (!connection->last && connection->begin < connection->end && !task_is_cancelled(task));
    connection->task = NULL;
    if (connection->last || connection->thread->draining || task_is_cancelled(task)) {
        connection_destroy(connection);
        return;
    }
    connection_drop_buffer(connection);
    connection_park(connection);
}

void connection_drain(struct connection *connection)
{
    connection->last = true;
    if (connection->busy)
        return;
    io_unpark(&connection->stream.socket);
    connection_destroy(connection);
}

void connection_cut(struct connection *connection)
{
    connection->last = true;
    if (connection->task != NULL)
        task_cancel(connection->task);
}
