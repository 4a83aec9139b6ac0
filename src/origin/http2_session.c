// The life of a session: its connection, its two tasks, its rest and its end. What the frames mean
// is http2_stream.c's business.
#include "origin/http2.h"
#include "base/memory.h"

#define SENT_HEAD_MAX (16 * 1024 * 1024) // what we took from a visitor is bounded there
#define READ_STEP_MS 1000 // how long the reader stays without streams before the session rests

// --- Beginning and end ---

static enum error configure(struct http2_session *session, nghttp2_option *option)
{
    nghttp2_mem memory = http2_memory_of(&session->memory);
    nghttp2_session_callbacks *callbacks;
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP2_STREAM_WINDOW},
    };
    enum error error = http2_callbacks_create(&callbacks);
    if (error != ERROR_NONE)
        return error;
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_max_send_header_block_length(option, SENT_HEAD_MAX);
    int result = nghttp2_session_client_new3(&session->nghttp2, callbacks, session, option,
        &memory);
    nghttp2_session_callbacks_del(callbacks);
    if (result != 0) {
        session->nghttp2 = NULL;
        return ERROR_MEMORY;
    }
    if (nghttp2_submit_settings(session->nghttp2, NGHTTP2_FLAG_NONE, settings,
            ARRAY_SIZE(settings)) != 0
        || nghttp2_session_set_local_window_size(session->nghttp2, NGHTTP2_FLAG_NONE, 0,
            HTTP2_CONNECTION_WINDOW) != 0)
        return ERROR_MEMORY;
    return ERROR_NONE;
}

static void session_free(struct http2_session *session)
{
    struct pool_loop *home = session->connection->home;
    nghttp2_session_del(session->nghttp2);
    http2_memory_end(&session->memory);
    connection_close(session->connection);
    origin_release(session->origin);
    list_remove(&session->seat_link);
    list_remove(&session->home_link);
    memory_free(session);
    atomic_fetch_sub(&home->session_count, 1);
    if (atomic_load(&home->stopping))
        home->flushed(home);
}

enum error http2_session_create(struct connection *connection, struct origin *origin,
    const struct pool_settings *settings, const struct http1_limits *limits, uint64_t patience_ms,
    struct http2_session **ret_session)
{
    struct pool_loop *home = connection->home;
    struct http2_session *session = memory_zero_alloc(sizeof(*session));
    nghttp2_option *option = NULL;
    if (session == NULL || nghttp2_option_new(&option) != 0) {
        memory_free(session);
        connection_close(connection);
        return ERROR_MEMORY;
    }
    session->connection = connection;
    session->origin = origin_reference(origin);
    list_init(&session->seat_link);
    list_init(&session->streams);
    list_append(&home->sessions, &session->home_link);
    atomic_fetch_add(&home->session_count, 1);
    session->stream_limit = settings->http2_streams;
    session->rest_ms = settings->idle_timeout_ms;
    session->patience_ms = patience_ms;
    session->born_ns = session->received_ns = home->loop->now_ns;
    nghttp2_option_set_max_continuations(option, http2_continuations_for(limits->head_size));
    enum error error = configure(session, option);
    nghttp2_option_del(option);
    if (error != ERROR_NONE) {
        session_free(session);
        return error;
    }
    *ret_session = session;
    return ERROR_NONE;
}

// Frees it when it is broken and both tasks have ended; breaks it when it is retired and empty.
static void settle(struct http2_session *session)
{
    if (session->retired && !session->broken && session->stream_count == 0)
        http2_session_break(session, FAILURE_CONNECTION_TERMINATED);
    else if (session->broken && !session->reading && !session->writing)
        session_free(session);
}

static void stop_resting(struct http2_session *session)
{
    if (!session->resting)
        return;
    session->resting = false;
    io_unpark(&session->connection->stream.socket);
    atomic_fetch_sub_explicit(&session->connection->backend->connections_idle, 1,
        memory_order_relaxed);
}

static void fail_streams(struct http2_session *session, enum failure_kind why)
{
    list_remove(&session->seat_link);
    LIST_FOREACH(link, &session->streams)
        http2_stream_fail(LIST_ENTRY(link, struct http2_stream, link), why);
    session->stream_count = 0;
}

void http2_session_break(struct http2_session *session, enum failure_kind why)
{
    if (session->broken)
        return;
    session->broken = session->retired = true;
    if (session->greeting != NULL) {
        session->greeting->failed = why;
        task_wake(session->greeting->task);
        session->greeting = NULL;
    }
    stop_resting(session);
    fail_streams(session, why);
    if (session->reader != NULL)
        task_cancel(session->reader);
    if (session->writer != NULL)
        task_cancel(session->writer);
    settle(session);
}

void http2_session_retire(struct http2_session *session)
{
    session->retired = true;
    list_remove(&session->seat_link);
    settle(session);
}

bool http2_session_takes_streams(const struct http2_session *session)
{
    uint64_t limit = nghttp2_session_get_remote_settings(session->nghttp2,
        NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    return !session->retired && !session->memory.failed
        && session->doubted_ns <= session->received_ns
        && session->stream_count < MINIMUM(limit, session->stream_limit)
        && nghttp2_session_check_request_allowed(session->nghttp2) != 0;
}

bool http2_session_doubt(struct http2_session *session)
{
    struct connection *connection = session->connection;
    session->doubted_ns = connection->home->loop->now_ns;
    bool moves_on = addresses_avoid(&connection->backend->addresses, &connection->address,
        session->doubted_ns);
    if (nghttp2_submit_ping(session->nghttp2, NGHTTP2_FLAG_NONE, NULL) == 0)
        http2_session_kick(session);
    return moves_on;
}

void http2_sessions_flush(struct pool_loop *pool_loop)
{
    bool all = atomic_load(&pool_loop->stopping);
    LIST_FOREACH(link, &pool_loop->sessions) {
        struct http2_session *session = LIST_ENTRY(link, struct http2_session, home_link);
        if (all || atomic_load(&session->connection->backend->removed))
            http2_session_retire(session);
    }
}

// --- Writing ---

// Fills the buffer with what nghttp2 wants to send. False: out of memory.
static bool gather(struct http2_session *session, char *buffer, size_t *ret_size)
{
    size_t size = 0;
    while (size < HTTP2_BUFFER_SIZE) {
        if (session->unsent == NULL || session->unsent_size == 0) {
            const uint8_t *data;
            ssize_t result = nghttp2_session_mem_send(session->nghttp2, &data);
            if (result < 0)
                return false;
            if (result == 0)
                break;
            session->unsent = (const char *)data;
            session->unsent_size = (size_t)result;
        }
        size_t step = MINIMUM(session->unsent_size, HTTP2_BUFFER_SIZE - size);
        memcpy(buffer + size, session->unsent, step);
        session->unsent += step;
        session->unsent_size -= step;
        size += step;
    }
    *ret_size = size;
    return true;
}

// After an offence of the peer nghttp2 sends its GOAWAY and then wants nothing more.
static void note_offence(struct http2_session *session)
{
    if (!session->broken && !session->writing && nghttp2_session_want_read(session->nghttp2) == 0
        && nghttp2_session_want_write(session->nghttp2) == 0)
        http2_session_break(session, FAILURE_PROTOCOL_ERROR);
}

static enum failure_kind kind_of_sending(enum error error)
{
    if (error == ERROR_TIMEOUT)
        return FAILURE_CONNECTION_WRITE_TIMEOUT;
    return error == ERROR_CLOSED || error == ERROR_RESET ? FAILURE_CONNECTION_TERMINATED
                                                         : FAILURE_INTERNAL;
}

static void writer_main(struct task *task, void *argument)
{
    struct http2_session *session = argument;
    char *buffer = memory_alloc(HTTP2_BUFFER_SIZE);
    size_t size = 1;
    session->writer = task;
    if (buffer == NULL)
        http2_session_break(session, FAILURE_INTERNAL);
    while (buffer != NULL && !session->broken && size > 0) {
        if (!gather(session, buffer, &size)) {
            http2_session_break(session, FAILURE_INTERNAL);
            break;
        }
        struct iovec piece = {buffer, size};
        enum error error = size == 0 ? ERROR_NONE : stream_send(task,
            &session->connection->stream, &piece, 1, session->patience_ms, NULL);
        if (error != ERROR_NONE)
            http2_session_break(session, kind_of_sending(error));
    }
    memory_free(buffer);
    session->writer = NULL;
    session->writing = false;
    note_offence(session);
    settle(session);
}

void http2_session_kick(struct http2_session *session)
{
    if (session->broken || session->writing || nghttp2_session_want_write(session->nghttp2) == 0)
        return;
    session->writing = true;
    if (task_start(session->connection->home->loop, NULL, writer_main, session) == ERROR_NONE)
        return;
    session->writing = false;
    http2_session_break(session, FAILURE_INTERNAL);
}

// --- Reading and resting ---

static void on_ready(struct io_socket *socket, enum error reason)
{
    struct http2_session *session = CONTAINER_OF(socket, struct stream, socket)->owner;
    if (reason == ERROR_TIMEOUT)
        http2_session_break(session, FAILURE_CONNECTION_TERMINATED);
    else
        http2_session_wake(session);
}

// Without streams: parked until bytes come or its time is over. False: it cannot be.
static bool rest(struct http2_session *session)
{
    struct stream *stream = &session->connection->stream;
    struct loop *loop = session->connection->home->loop;
    if (session->stream_count > 0 || session->writing || session->broken
        || stream_has_buffered(stream))
        return false;
    if (session->retired || session->doubted_ns > session->received_ns) {
        http2_session_break(session, FAILURE_CONNECTION_TERMINATED);
        return true;
    }
    session->resting = true;
    atomic_fetch_add_explicit(&session->connection->backend->connections_idle, 1,
        memory_order_relaxed);
    stream->owner = session;
    io_park(&stream->socket, deadline_after_ms(loop, session->rest_ms), on_ready);
    return true;
}

static void take(struct task *task, struct http2_session *session, const char *buffer, size_t size)
{
    session->received_ns = task_now_ns(task);
    ssize_t taken = nghttp2_session_mem_recv(session->nghttp2, (const uint8_t *)buffer, size);
    http2_session_kick(session);
    if (taken < 0)
        http2_session_break(session,
            taken == NGHTTP2_ERR_NOMEM ? FAILURE_INTERNAL : FAILURE_PROTOCOL_ERROR);
    else
        note_offence(session);
    settle(session);
}

static void reader_main(struct task *task, void *argument)
{
    struct http2_session *session = argument;
    char *buffer = memory_alloc(HTTP2_BUFFER_SIZE);
    session->reader = task;
    if (buffer == NULL)
        http2_session_break(session, FAILURE_INTERNAL);
    while (!session->broken) {
        size_t size;
        enum error error = stream_receive(task, &session->connection->stream, buffer,
            HTTP2_BUFFER_SIZE, deadline_after_ms(task_loop(task), READ_STEP_MS), &size);
        if (error == ERROR_NONE)
            take(task, session, buffer, size);
        else if (error != ERROR_TIMEOUT)
            http2_session_break(session, error == ERROR_CLOSED || error == ERROR_RESET
                ? FAILURE_CONNECTION_TERMINATED
                : error == ERROR_PROTOCOL ? FAILURE_PROTOCOL_ERROR : FAILURE_INTERNAL);
        else if (rest(session))
            break;
    }
    memory_free(buffer);
    session->reader = NULL;
    session->reading = false;
    settle(session);
}

bool http2_session_wake(struct http2_session *session)
{
    stop_resting(session);
    if (session->broken || session->reading)
        return !session->broken;
    session->reading = true;
    if (task_start(session->connection->home->loop, NULL, reader_main, session) == ERROR_NONE)
        return true;
    session->reading = false;
    http2_session_break(session, FAILURE_INTERNAL);
    return false;
}
