// HTTP/2 on one connection, in rounds.
//
// While no stream is open the connection is parked: it costs its structs, and no task. When bytes
// come, a *reader* task takes a buffer full of them, feeds nghttp2, starts a task for each request
// whose head is whole, and parks the socket again. Then it becomes the *flusher*, if nobody is it:
// it lets everything that is ready run, gathers what all of that produced into one buffer and sends
// it with one call. Output that comes up later (an answer that had to be fetched) starts a flusher
// of its own. So a round of hits costs two system calls, however many streams take part; a visitor
// who waits for something costs his request's task and nothing else; and while a slow one blocks
// the flusher, what he sends is still read, by a second reader.
//
// A request's task hands a run of content over and waits until it is in the output, so whoever
// reads slowly holds back the reader of the body as over HTTP/1.1. nghttp2 orders what waits by
// urgency (RFC 9218). Content comes in up to its window, which moves on when it is read.
//
// Nothing suspends inside a callback of nghttp2. Whoever leaves, reader, flusher or request, calls
// http2_settle; the last one closes the connection.
#include "base/memory.h"
#include "edge/http2/http2_inside.h"

#define OUTPUT_SIZE 65536
#define OUTPUT_SMALL_SIZE 17408 // one frame and some
#define OUTPUTS_LARGE_MAX 64    // per thread: beyond, many visitors are slow, and get small ones
#define READS_MAX 8             // buffers per round, so that one visitor does not keep all others

static void http2_park(struct http2_connection *self);
static void http2_stop_listening(struct http2_connection *self);

static const struct connection_settings *settings_of(const struct http2_connection *self)
{
    return &http2_thread_of(self)->generation->settings->connections;
}

// --- Output ---

static bool http2_take_output(struct http2_connection *self)
{
    struct http2_thread *thread = http2_thread_of(self)->http2;
    if (self->output != NULL)
        return true;
    bool large = thread->outputs_large < OUTPUTS_LARGE_MAX;
    if (large && thread->outputs_kept > 0)
        self->output = thread->outputs[--thread->outputs_kept];
    else
        self->output = memory_alloc(large ? OUTPUT_SIZE : OUTPUT_SMALL_SIZE);
    if (self->output == NULL)
        return false;
    self->output_capacity = large ? OUTPUT_SIZE : OUTPUT_SMALL_SIZE;
    self->output_size = 0;
    thread->outputs_large += large;
    return true;
}

static void http2_give_output(struct http2_connection *self)
{
    struct http2_thread *thread = http2_thread_of(self)->http2;
    bool large = self->output_capacity == OUTPUT_SIZE;
    if (self->output == NULL)
        return;
    thread->outputs_large -= large;
    if (large && thread->outputs_kept < ARRAY_SIZE(thread->outputs))
        thread->outputs[thread->outputs_kept++] = self->output;
    else
        memory_free(self->output);
    self->output = NULL;
    self->output_size = 0;
}

static void http2_drop_spill(struct http2_connection *self)
{
    memory_free(self->spill);
    self->spill = NULL;
}

static void http2_take_pending(struct http2_connection *self)
{
    size_t size = MINIMUM(self->pending_size, http2_room(self));
    memcpy(self->output + self->output_size, self->pending, size);
    self->output_size += (uint32_t)size;
    self->pending += size;
    self->pending_size -= size;
    if (self->pending_size == 0)
        http2_drop_spill(self);
}

void http2_gather(struct http2_connection *self)
{
    if (self->sending || self->lost)
        return;
    if (!http2_take_output(self)) {
        http2_lose(self);
        return;
    }
    for (;;) {
        if (self->pending_size > 0)
            http2_take_pending(self);
        if (self->pending_size > 0)
            return;
        ssize_t size = nghttp2_session_mem_send(self->session, &self->pending);
        if (size < 0)
            http2_lose(self);
        if (size <= 0)
            return;
        self->pending_size = (size_t)size;
        if (self->section != NULL && !http2_write_section(self)) {
            http2_lose(self);
            return;
        }
    }
}

// After a GOAWAY with an error nothing of a stream goes on.
static void http2_end_streams(struct http2_connection *self)
{
    LIST_FOREACH (link, &self->streams)
        http2_stream_on_close(LIST_ENTRY(link, struct http2_stream, link));
}

// Nothing more is to be said on either side, but for the end.
static bool http2_is_over(const struct http2_connection *self)
{
    return self->stream_count == 0 && self->pending_size == 0
        && (self->deaf || nghttp2_session_want_read(self->session) == 0)
        && nghttp2_session_want_write(self->session) == 0;
}

static void http2_send_rounds(struct task *task, struct http2_connection *self)
{
    enum error error = task_yield(task); // others first: what they have to say goes along
    while (error == ERROR_NONE && !self->lost) {
        http2_gather(self);
        http2_session_check(self);
        if (self->output_size == 0)
            break;
        struct iovec piece = {.iov_base = self->output, .iov_len = self->output_size};
        self->sending = true;
        error = stream_send(task, &self->connection->stream, &piece, 1,
            settings_of(self)->send_timeout_ms, NULL);
        self->sending = false;
        self->output_size = 0;
        if (error == ERROR_TIMEOUT)
            http2_count(self, LEDGER_SEND_TIMEOUTS);
        if (error == ERROR_NONE)
            error = task_yield(task);
        self->round++;
    }
    if (error != ERROR_NONE)
        http2_lose(self);
}

// self->flushing is set.
static void http2_flush(struct task *task, struct http2_connection *self)
{
    self->flusher = task;
    http2_send_rounds(task, self);
    if (self->ending && !self->lost)
        http2_end_streams(self);
    if (!self->lost && !self->reading && http2_is_over(self)) {
        self->deaf = true;
        http2_stop_listening(self);
        connection_linger(task, self->connection);
        http2_lose(self);
    }
    http2_give_output(self);
    self->flusher = NULL;
    self->flushing = false;
}

static void http2_flush_main(struct task *task, void *argument)
{
    struct http2_connection *self = argument;
    http2_flush(task, self);
    http2_settle(self);
}

static void http2_give_up_flush(struct line_place *place)
{
    struct http2_connection *self = CONTAINER_OF(place, struct http2_connection, flush_place);
    self->flushing = false;
    http2_count(self, LEDGER_SHED);
    http2_lose(self);
    http2_settle(self);
}

static void http2_begin_flush(struct line_place *place)
{
    struct http2_connection *self = CONTAINER_OF(place, struct http2_connection, flush_place);
    if (task_start(http2_thread_of(self)->loop, NULL, http2_flush_main, self) != ERROR_NONE)
        http2_give_up_flush(place);
}

// Many are answered at once, and each has a flusher: they are quick, so one of them ends soon.
static void http2_wait_to_flush(struct http2_connection *self)
{
    static const struct line_operations operations = {
        .begin = http2_begin_flush, .give_up = http2_give_up_flush};
    struct edge_thread *thread = http2_thread_of(self);
    line_join(&thread->line, LINE_ANSWERED, &self->flush_place, &operations,
        deadline_after_ms(thread->loop, thread->generation->settings->overload.wait_ms));
}

void http2_flush_soon(struct http2_connection *self)
{
    if (self->flushing || self->lost)
        return;
    self->flushing = true;
    if (task_start(http2_thread_of(self)->loop, NULL, http2_flush_main, self) != ERROR_NONE)
        http2_wait_to_flush(self);
}

// --- Input ---

// What was received before it was known to be HTTP/2.
static void http2_feed_buffered(struct http2_connection *self)
{
    struct connection *connection = self->connection;
    if (connection->begin < connection->end)
        http2_session_feed(self, slice_of(connection->buffer + connection->begin,
            connection->end - connection->begin));
    connection_drop_buffer(connection);
}

// One buffer full. *ret_more: there may be more at once.
static enum error http2_receive(struct task *task, struct http2_connection *self, bool *ret_more)
{
    struct connection *connection = self->connection;
    char *buffer = edge_buffer_take(connection->thread);
    size_t size = 0;
    if (buffer == NULL)
        return ERROR_MEMORY;
    enum error error = stream_receive(task, &connection->stream, buffer, EDGE_BUFFER_SIZE,
        deadline_after_ms(task_loop(task), settings_of(self)->body_timeout_ms), &size);
    if (error == ERROR_NONE && !self->deaf)
        http2_session_feed(self, slice_of(buffer, size));
    edge_buffer_give(connection->thread, buffer);
    *ret_more = size == EDGE_BUFFER_SIZE || stream_has_buffered(&connection->stream);
    return error;
}

static void http2_read(struct task *task, struct http2_connection *self)
{
    enum error error = ERROR_NONE;
    bool more = true;
    self->reader = task;
    for (unsigned turn = 0; error == ERROR_NONE && more && !self->deaf; turn++) {
        error = http2_receive(task, self, &more);
        if (error == ERROR_NONE && more && turn == READS_MAX) {
            http2_stream_start_all(self);
            error = task_yield(task);
            turn = 0;
        }
    }
    self->reader = NULL;
    if (error == ERROR_CLOSED && self->stream_count > 0)
        self->deaf = true; // he said all he had to say, and may well listen
    else if (error != ERROR_NONE && error != ERROR_TIMEOUT)
        http2_lose(self);
    http2_stream_start_all(self);
    http2_park(self);
}

static void http2_round(struct task *task, struct http2_connection *self)
{
    if (line_place_waits(&self->flush_place)) { // no longer
        line_leave(&http2_thread_of(self)->line, &self->flush_place);
        self->flushing = false;
    }
    if (!self->flushing && !self->lost) {
        self->flushing = true;
        http2_flush(task, self);
    }
    http2_settle(self);
}

static void http2_read_main(struct task *task, void *argument)
{
    struct http2_connection *self = argument;
    http2_read(task, self);
    http2_round(task, self);
}

static void http2_on_timeout(struct http2_connection *self)
{
    if (self->head_since_ns != 0) {
        http2_count(self, LEDGER_HEAD_TIMEOUTS);
        http2_fail(self, NGHTTP2_ENHANCE_YOUR_CALM);
    } else {
        http2_count(self, LEDGER_IDLE_TIMEOUTS);
        http2_fail(self, NGHTTP2_NO_ERROR);
    }
    http2_flush_soon(self);
    http2_settle(self);
}

static bool http2_start_reader(struct http2_connection *self)
{
    self->reading =
        task_start(http2_thread_of(self)->loop, NULL, http2_read_main, self) == ERROR_NONE;
    return self->reading;
}

// Where nothing is under way he is told that nothing was done, and may ask elsewhere.
static void http2_give_up(struct http2_connection *self)
{
    http2_count(self, LEDGER_SHED);
    if (self->stream_count > 0) {
        http2_lose(self);
    } else {
        http2_fail(self, NGHTTP2_NO_ERROR);
        http2_flush_soon(self);
    }
    http2_settle(self);
}

static void http2_begin_waiting(struct line_place *place)
{
    struct http2_connection *self = CONTAINER_OF(place, struct connection, place)->http2;
    self->connection->has_turn = self->stream_count == 0;
    if (!http2_start_reader(self))
        http2_give_up(self);
}

static void http2_give_up_waiting(struct line_place *place)
{
    http2_give_up(CONTAINER_OF(place, struct connection, place)->http2);
}

// What he says waits with the kernel, until there is a task to read it.
static void http2_wait(struct http2_connection *self)
{
    static const struct line_operations operations = {
        .begin = http2_begin_waiting, .give_up = http2_give_up_waiting};
    struct edge_thread *thread = http2_thread_of(self);
    http2_count(self, LEDGER_WAITED_FOR_TASK);
    line_join(&thread->line, self->stream_count > 0 ? LINE_ANSWERED : LINE_COMING,
        &self->connection->place, &operations,
        deadline_after_ms(thread->loop, thread->generation->settings->overload.wait_ms));
}

static void http2_stop_listening(struct http2_connection *self)
{
    io_unpark(&self->connection->stream.socket);
    line_leave(&http2_thread_of(self)->line, &self->connection->place);
}

static void http2_on_ready(struct io_socket *socket, enum error reason)
{
    struct http2_connection *self =
        CONTAINER_OF(socket, struct connection, stream.socket)->http2;
    list_remove(&self->connection->silent_link);
    if (reason == ERROR_TIMEOUT) {
        http2_on_timeout(self);
        return;
    }
    // Those who are being answered already may use the tasks that are left to fetches.
    bool admitted = self->stream_count > 0 || line_admits(&http2_thread_of(self)->line);
    if (!admitted || !http2_start_reader(self))
        http2_wait(self);
}

static void http2_park(struct http2_connection *self)
{
    const struct connection_settings *settings = settings_of(self);
    struct io_socket *socket = &self->connection->stream.socket;
    uint64_t deadline_ns = NEVER_NS;
    self->reading = self->connection->has_turn = false;
    list_remove(&self->connection->silent_link);
    if (self->deaf || self->lost || io_is_parked(socket))
        return;
    self->connection->parked_ns = http2_thread_of(self)->loop->now_ns;
    if (self->head_since_ns == 0 && self->stream_count == 0)
        list_append(&self->connection->thread->silent, &self->connection->silent_link);
    if (self->head_since_ns != 0)
        deadline_ns = self->head_since_ns + settings->head_timeout_ms * NS_PER_MS;
    else if (self->stream_count == 0)
        deadline_ns = self->idle_since_ns + settings->idle_timeout_ms * NS_PER_MS;
    io_park(socket, deadline_ns, http2_on_ready);
}

// --- Beginning and end ---

static void http2_destroy(struct http2_connection *self)
{
    struct connection *connection = self->connection;
    http2_give_output(self);
    http2_drop_spill(self);
    hpack_free(&self->encoder);
    nghttp2_session_del(self->session);
    http2_memory_end(&self->memory);
    connection->http2 = NULL;
    memory_free(self);
    connection_destroy(connection);
}

void http2_settle(struct http2_connection *self)
{
    if (!self->lost && !self->reading && !self->flushing && http2_is_over(self))
        http2_flush_soon(self); // who says goodbye
    if (self->reading || self->flushing)
        return;
    if (self->lost && self->stream_count == 0) {
        http2_destroy(self);
        return;
    }
    if (!self->lost && self->stream_count == 0 && io_is_parked(&self->connection->stream.socket)) {
        io_unpark(&self->connection->stream.socket); // the deadline is another one now
        http2_park(self);
    }
}

void http2_lose(struct http2_connection *self)
{
    if (self->lost)
        return;
    self->lost = self->deaf = true;
    http2_stop_listening(self);
    http2_end_streams(self);
    if (self->reader != NULL)
        task_cancel(self->reader);
    if (self->flusher != NULL)
        task_cancel(self->flusher);
}

void http2_fail(struct http2_connection *self, uint32_t error_code)
{
    self->ending = self->deaf = true;
    http2_stop_listening(self);
    if (nghttp2_session_terminate_session(self->session, error_code) != 0)
        http2_lose(self);
}

void http2_go_away(struct http2_connection *self)
{
    int32_t last = nghttp2_session_get_last_proc_stream_id(self->session);
    if (self->lost || self->ending)
        return;
    if (nghttp2_submit_goaway(self->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0)
        != 0)
        http2_lose(self);
    else
        http2_flush_soon(self);
}

void http2_connection_serve(struct task *task, struct connection *connection)
{
    const struct http2_settings *settings =
        &connection->thread->generation->settings->connections.http2;
    struct http2_connection *self = memory_zero_alloc(sizeof(*self));
    connection->http2 = self;
    if (self != NULL) {
        self->connection = connection;
        self->idle_since_ns = task_now_ns(task);
        hpack_init(&self->encoder);
        list_init(&self->streams);
        list_init(&self->starting);
        line_place_init(&self->flush_place);
    }
    if (self == NULL || !http2_session_open(self, settings)) {
        if (self != NULL) {
            nghttp2_session_del(self->session);
            http2_memory_end(&self->memory);
        }
        memory_free(self);
        connection->http2 = NULL;
        connection_destroy(connection);
        return;
    }
    http2_count(self, LEDGER_HTTP2_CONNECTIONS);
    self->reading = true;
    self->reader = task;
    http2_feed_buffered(self);
    self->reader = NULL;
    http2_stream_start_all(self);
    if (connection->last)
        http2_go_away(self);
    if (stream_has_buffered(&connection->stream))
        http2_read(task, self); // what came with the end of the handshake
    else
        http2_park(self);
    http2_round(task, self);
}

void http2_connection_drain(struct connection *connection)
{
    http2_go_away(connection->http2);
    http2_settle(connection->http2);
}

void http2_connection_cut(struct connection *connection)
{
    http2_lose(connection->http2);
    http2_settle(connection->http2);
}
