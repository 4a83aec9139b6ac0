// Accepting and parking. A parked connection costs its struct and nothing else: the buffer
// and the task are taken when its next request begins and given back when nothing is buffered.
#include "edge/connection.h"
#include "base/memory.h"
#include "edge/client.h"
#include "edge/client_table.h"
#include "edge/http2/http2.h"
#include "edge/secure.h"
#include "edge/tunnel.h"
#include "edge/waiting.h"

#define ACCEPT_PAUSE_MS 50
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

void connection_drop_buffer(struct connection *connection)
{
    if (connection->capacity == EDGE_BUFFER_SIZE)
        edge_buffer_give(connection->thread, connection->buffer);
    else
        memory_free(connection->buffer);
    connection->buffer = NULL;
    connection->capacity = connection->begin = connection->end = 0;
}

void connection_destroy(struct connection *connection)
{
    struct edge_thread *thread = connection->thread;
    connection_drop_buffer(connection);
    list_remove(&connection->link);
    list_remove(&connection->silent_link);
    line_leave(&thread->line, &connection->place);
    thread->connection_count--;
    client_leave(connection);
    stream_close(&connection->stream);
    memory_free(connection);
    edge_thread_connection_gone(thread);
}

static void connection_serve_main(struct task *task, void *argument);

enum error connection_start(struct connection *connection)
{
    return task_start(connection->thread->loop, NULL, connection_serve_main, connection);
}

// He has begun to ask.
static void connection_take_up(struct connection *connection)
{
    connection->busy = true;
    bool admitted =
        line_admits(&connection->thread->line) || waiting_asks_for_own_page(connection);
    if (!admitted || connection_start(connection) != ERROR_NONE)
        waiting_begin(connection);
}

static void connection_count_timeout(const struct connection *connection)
{
    ledger_add(connection->thread->ledger, connection->awaits_proxy_header
        ? LEDGER_PROXY_HEADER_FAULTS : connection->awaits_handshake
        ? LEDGER_TLS_TIMEOUTS : LEDGER_IDLE_TIMEOUTS, 1);
}

static void connection_on_ready(struct io_socket *socket, enum error reason)
{
    struct connection *connection = CONTAINER_OF(socket, struct connection, stream.socket);
    list_remove(&connection->silent_link);
    if (reason == ERROR_NONE) {
        connection_take_up(connection);
        return;
    }
    if (reason == ERROR_TIMEOUT)
        connection_count_timeout(connection);
    connection_destroy(connection);
}

static void connection_park(struct connection *connection)
{
    const struct edge_settings *settings = connection->thread->generation->settings;
    uint64_t timeout_ms = connection->awaits_proxy_header ? settings->connections.head_timeout_ms
        : connection->awaits_handshake ? settings->tls.handshake_timeout_ms
                                       : settings->connections.idle_timeout_ms;
    connection->busy = connection->has_turn = false;
    connection->parked_ns = connection->thread->loop->now_ns;
    list_append(&connection->thread->silent, &connection->silent_link);
    io_park(&connection->stream.socket, deadline_after_ms(connection->thread->loop, timeout_ms),
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
    list_init(&connection->silent_link);
    line_place_init(&connection->place);
    connection->stream.socket.descriptor = -1;
    connection->client_place = CLIENT_PLACE_NONE;
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
        if (!pressure_admits(thread)) {
            // They wait in the kernel meanwhile, the first to come first.
            enum error paused =
                task_sleep_until(task, deadline_after_ms(thread->loop, ACCEPT_PAUSE_MS));
            if (paused != ERROR_NONE)
                return;
            continue;
        }
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
            connection->awaits_handshake = listener->secure;
            if (client_admit(connection))
                connection_park(connection);
            else
                connection_destroy(connection);
            continue;
        }
        memory_free(connection);
        if (error != ERROR_CANCELLED
            && task_sleep_until(task, deadline_after_ms(thread->loop, ACCEPT_PAUSE_MS))
                != ERROR_NONE)
            return;
    }
}

// Bytes that came right behind the request belong to the other protocol already.
static void connection_start_tunnel(struct connection *connection)
{
    struct tunnel *tunnel = connection->tunnel;
    size_t size = connection->end - connection->begin;
    char *received = size == 0 ? NULL : memory_alloc(size);
    if (received != NULL)
        memcpy(received, connection->buffer + connection->begin, size);
    connection_drop_buffer(connection);
    if (size > 0 && received == NULL)
        tunnel_cut(tunnel);
    else
        tunnel_start(tunnel, received, size);
}

// Moves what is there to the front, then grows.
enum error connection_make_room(struct connection *connection, uint64_t maximum)
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

void connection_linger(struct task *task, struct connection *connection)
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

// False: the connection ended, or what began as HTTP/2 took too long to go on. *ret_http2: the
// bytes at its beginning are the preface of HTTP/2 (RFC 9113 section 3.3), which is nowhere else
// understood: between two requests it could be one that an intermediary forwarded unread.
static bool connection_find_protocol(struct task *task, struct connection *connection,
    bool *ret_http2)
{
    const struct edge_settings *settings = connection->thread->generation->settings;
    uint64_t deadline_ns =
        deadline_after_ms(task_loop(task), settings->connections.head_timeout_ms);
    enum http2_preface preface = HTTP2_PREFACE_PART;
    while (preface == HTTP2_PREFACE_PART) {
        size_t size;
        enum error error = connection_make_room(connection, settings->http.head_size);
        if (error == ERROR_NONE)
            error = stream_receive(task, &connection->stream, connection->buffer + connection->end,
                connection->capacity - connection->end, deadline_ns, &size);
        if (error == ERROR_TIMEOUT)
            ledger_add(connection->thread->ledger, LEDGER_HEAD_TIMEOUTS, connection->end > 0);
        if (error != ERROR_NONE)
            return false;
        connection->end += (uint32_t)size;
        preface = http2_preface_find(slice_of(connection->buffer, connection->end));
    }
    *ret_http2 = preface == HTTP2_PREFACE_WHOLE;
    return true;
}

static void connection_serve_main(struct task *task, void *argument)
{
    struct connection *connection = argument;
    const struct http2_settings *http2 =
        &connection->thread->generation->settings->connections.http2;
    bool is_http2 = false, alive = true;
    connection->task = task;
    connection_begin_phase(connection, CONNECTION_ASKS, 0);
    bool begins = connection->awaits_proxy_header || connection->awaits_handshake;
    if (connection->awaits_proxy_header) {
        alive = client_read_proxy_header(task, connection);
    } else if (connection->awaits_handshake) {
        alive = secure_accept(task, connection, &is_http2);
        connection->awaits_handshake = !alive;
    } else if (connection->requests == 0 && connection->stream.tls == NULL && http2->enabled
        && http2->prior_knowledge) {
        alive = connection_find_protocol(task, connection, &is_http2);
    }
    // After a handshake a visitor may take his time to ask.
    if (alive && !is_http2 && (!begins || connection_has_bytes(connection)))
        http1_connection_serve(task, connection);
    connection->task = NULL;
    connection->phase = CONNECTION_WORKS;
    if (is_http2) {
        connection->last = connection->last || connection->crowded; // told by a GOAWAY
        http2_connection_serve(task, connection);
        return;
    }
    if (connection->tunnel != NULL) {
        connection_start_tunnel(connection);
        return;
    }
    if (!alive || connection->last || connection->thread->draining || task_is_cancelled(task)) {
        connection_destroy(connection);
        return;
    }
    connection_drop_buffer(connection);
    connection_park(connection);
}

void connection_drain(struct connection *connection)
{
    connection->last = true;
    list_remove(&connection->silent_link);
    if (connection->http2 != NULL) {
        http2_connection_drain(connection);
        return;
    }
    if (connection->busy)
        return;
    io_unpark(&connection->stream.socket);
    connection_destroy(connection);
}

void connection_cut(struct connection *connection)
{
    connection->last = true;
    if (connection->http2 != NULL)
        http2_connection_cut(connection);
    else if (connection->task != NULL)
        task_cancel(connection->task);
    else if (connection->tunnel != NULL)
        tunnel_cut(connection->tunnel);
    else if (line_place_waits(&connection->place))
        connection_destroy(connection);
}
