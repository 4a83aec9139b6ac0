// Streams: each request's task, and how it sends its answer and reads its content.
#include "base/memory.h"
#include "edge/http2/http2_inside.h"
#include "edge/tunnel.h"

#include <stdio.h>

#define ARENA_CHUNK_SIZE 2048
#define STREAMS_KEPT 1024       // at rest, per thread
#define EAGER_SIZE 8192         // content that is taken at once, without regard to urgency
#define STREAMS_FACTOR 2        // tasks that still unwind may be as many as the streams allowed

// --- Coming and going ---

struct http2_stream *http2_stream_create(struct http2_connection *self, int32_t id)
{
    struct edge_thread *edge_thread = http2_thread_of(self);
    struct http2_thread *thread = edge_thread->http2;
    const struct edge_settings *settings = edge_thread->generation->settings;
    struct http2_head_limits limits = {
        .list_size = settings->connections.http2.header_list_size,
        .line_size = settings->http.line_size,
        .field_count = settings->http.field_count,
    };
    struct http2_stream *stream;
    if (thread->streams_kept > 0) {
        stream = LIST_ENTRY(thread->streams.next, struct http2_stream, link);
        list_remove(&stream->link);
        thread->streams_kept--;
        struct arena arena = stream->arena;
        memset(stream, 0, sizeof(*stream));
        stream->arena = arena;
    } else {
        stream = memory_zero_alloc(sizeof(*stream));
        if (stream == NULL)
            return NULL;
        // Fields cost more here than on the wire: their places, and what joining cookies takes.
        arena_init(&stream->arena, ARENA_CHUNK_SIZE,
            4 * limits.list_size + 4 * limits.field_count * sizeof(struct http_field)
                + 4 * ARENA_CHUNK_SIZE);
    }
    stream->owner = self;
    stream->id = id;
    list_init(&stream->start_link);
    line_place_init(&stream->place);
    timer_init(&stream->timer, http2_tunnel_on_timer);
    http2_head_init(&stream->collected, &stream->arena, &limits);
    list_append(&self->streams, &stream->link);
    self->stream_count++;
    return stream;
}

// Content that nobody read still counts in the connection's window. May be called from a callback
// of nghttp2; what could not be given back then is no more than a smaller window.
void http2_stream_drop_content(struct http2_stream *stream)
{
    struct http2_connection *self = stream->owner;
    size_t size = 0;
    while (stream->first != NULL) {
        struct http2_block *block = stream->first;
        stream->first = block->next;
        size += block->end - block->begin;
        edge_buffer_give(http2_thread_of(self), (char *)block);
    }
    stream->last = NULL;
    if (size > 0 && !self->lost)
        (void)nghttp2_session_consume(self->session, stream->id, size);
}

void http2_stream_destroy(struct http2_stream *stream)
{
    struct http2_connection *self = stream->owner;
    struct http2_thread *thread = http2_thread_of(self)->http2;
    http2_stream_drop_content(stream);
    http2_response_free(&stream->request_trailer);
    if (!stream->closed)
        nghttp2_session_set_stream_user_data(self->session, stream->id, NULL);
    if (self->heading == stream)
        self->heading = NULL;
    list_remove(&stream->link);
    list_remove(&stream->start_link);
    line_leave(&http2_thread_of(self)->line, &stream->place);
    timer_stop(http2_thread_of(self)->loop, &stream->timer);
    self->stream_count--;
    self->idle_since_ns = http2_thread_of(self)->loop->now_ns;
    if (thread->streams_kept == STREAMS_KEPT) {
        arena_free(&stream->arena);
        memory_free(stream);
        return;
    }
    arena_reset(&stream->arena);
    list_append(&thread->streams, &stream->link);
    thread->streams_kept++;
}

void http2_stream_on_close(struct http2_stream *stream)
{
    stream->closed = true;
    if (!stream->has_task || stream->is_left) {
        nghttp2_session_set_stream_user_data(stream->owner->session, stream->id, NULL);
        http2_stream_destroy(stream);
        return;
    }
    if (!stream->answered && stream->task != NULL)
        task_cancel(stream->task);
    if (stream->sender != NULL)
        task_wake(stream->sender);
    http2_stream_notice(stream);
}

bool http2_stream_is_gone(const struct http2_stream *stream)
{
    return stream->closed || stream->cut || stream->owner->lost;
}

void http2_stream_reset(struct http2_stream *stream, uint32_t error_code)
{
    struct http2_connection *self = stream->owner;
    if (http2_stream_is_gone(stream))
        return;
    stream->cut = true;
    if (nghttp2_submit_rst_stream(self->session, NGHTTP2_FLAG_NONE, stream->id, error_code) != 0)
        http2_lose(self);
    else
        http2_flush_soon(self);
}

// --- Sending ---

void http2_stream_add_section(struct http2_stream *stream, struct http2_section *section)
{
    struct http2_section **end = &stream->sections;
    while (*end != NULL)
        end = &(*end)->next;
    section->next = NULL;
    *end = section;
}

// A tunnel is agreed on by 200 here, and what belongs to HTTP/1.1's way of asking stays behind
// (RFC 8441 section 5).
static bool stream_drop_upgrade(struct request *request, struct http2_section *section)
{
    section->status = 200;
    for (size_t i = 0; i < ARRAY_SIZE(section->runs); i++) {
        struct slice rest = section->runs[i];
        char *copy = arena_alloc(&request->arena, rest.size + 1);
        if (copy == NULL)
            return false;
        struct text kept = text_in(copy, rest.size);
        while (rest.size > 0) {
            struct slice line = slice_cut(&rest, '\n'), name = line;
            if (!slice_equal_nocase(slice_cut(&name, ':'), SLICE("sec-websocket-accept")))
                text_append(&kept, slice_of(line.data, line.size + 1));
        }
        section->runs[i] = text_slice(&kept);
    }
    return true;
}

static enum error stream_submit_head(struct request *request, struct http2_stream *stream,
    const struct answer_head *head, bool whole, struct http2_section *section)
{
    nghttp2_data_provider provider = {.read_callback = http2_session_content_wanted};
    section->status = head->status;
    memcpy(section->runs, head->fields, sizeof(section->runs));
    if (request->tunnel != NULL && !stream_drop_upgrade(request, section))
        return ERROR_MEMORY;
    if (nghttp2_submit_response(stream->owner->session, stream->id, NULL, 0,
            whole ? NULL : &provider) != 0)
        return ERROR_MEMORY;
    http2_stream_add_section(stream, section);
    stream->has_source = !whole;
    return ERROR_NONE;
}

static bool stream_is_taken(const struct http2_stream *stream)
{
    return stream->content.size == 0 && stream->sections == NULL
        && (!stream->ends || stream->answered);
}

// When the visitor took something last, as far as this stream is concerned: while its own window is
// open, it may be the turn of others.
static uint64_t stream_progress_ns(const struct http2_stream *stream)
{
    const struct http2_connection *self = stream->owner;
    if (self->lost || stream->closed
        || nghttp2_session_get_stream_remote_window_size(self->session, stream->id) <= 0)
        return stream->progress_ns;
    return MAXIMUM(stream->progress_ns, self->progress_ns);
}

// Until all that was handed over is in the output, or the visitor has taken nothing for too long.
static enum error stream_await_taken(struct task *task, struct http2_stream *stream,
    uint64_t idle_ms)
{
    uint64_t patience_ns = idle_ms * NS_PER_MS;
    enum error error = ERROR_NONE;
    stream->progress_ns = task_now_ns(task);
    stream->sender = task;
    while (error == ERROR_NONE && !stream_is_taken(stream) && !http2_stream_is_gone(stream)) {
        error = task_suspend(task, stream_progress_ns(stream) + patience_ns);
        if (error == ERROR_TIMEOUT
            && task_now_ns(task) < stream_progress_ns(stream) + patience_ns)
            error = ERROR_NONE;
    }
    stream->sender = NULL;
    if (error == ERROR_NONE && !stream_is_taken(stream))
        error = ERROR_RESET;
    stream->content = SLICE_EMPTY; // the memory may go
    if (stream->sections != NULL) {
        http2_stream_reset(stream, NGHTTP2_INTERNAL_ERROR); // so that none is asked for any more
        stream->sections = NULL;
    }
    return error;
}

// nghttp2 knows of the content, and somebody will send it.
static enum error stream_await_sent(struct task *task, struct http2_stream *stream,
    uint64_t idle_ms)
{
    http2_flush_soon(stream->owner);
    if (stream->content.size <= EAGER_SIZE)
        http2_gather(stream->owner);
    return stream_await_taken(task, stream, idle_ms);
}

bool http2_stream_offer(struct http2_stream *stream, struct slice content, bool ends)
{
    if (http2_stream_is_gone(stream))
        return false;
    stream->content = content;
    stream->ends = ends;
    if (!stream->has_source
        && nghttp2_session_resume_data(stream->owner->session, stream->id) != 0) {
        stream->content = SLICE_EMPTY;
        return false;
    }
    stream->has_source = true;
    return true;
}

enum error http2_stream_send(struct task *task, struct http2_stream *stream, struct slice content,
    bool ends, uint64_t idle_ms)
{
    if (!http2_stream_offer(stream, content, ends))
        return ERROR_RESET;
    return stream_await_sent(task, stream, idle_ms);
}

static enum error http2_send(struct task *task, struct request *request,
    const struct answer_head *head, struct slice content, bool ends)
{
    struct http2_stream *stream = request->carrier;
    uint64_t idle_ms = request->generation->settings->connections.send_timeout_ms;
    if (head == NULL)
        return http2_stream_send(task, stream, content, ends, idle_ms);
    if (http2_stream_is_gone(stream))
        return ERROR_RESET;
    stream->content = content;
    stream->ends = ends && request->tunnel == NULL;
    struct http2_section section;
    enum error error = stream_submit_head(
        request, stream, head, stream->ends && content.size == 0, &section);
    if (error == ERROR_NONE)
        return stream_await_sent(task, stream, idle_ms);
    stream->content = SLICE_EMPTY;
    return error;
}

static enum error http2_send_trailer(struct task *task, struct request *request,
    struct slice lines)
{
    struct http2_stream *stream = request->carrier;
    stream->trailer.runs[0] = lines; // taken up at the content's end
    enum error error = http2_stream_send(task, stream, SLICE_EMPTY, true,
        request->generation->settings->connections.send_timeout_ms);
    stream->trailer.runs[0] = SLICE_EMPTY;
    return error;
}

// Nobody waits until it is in the output, so the stream keeps a copy.
static enum error http2_send_interim(struct task *task, struct request *request, unsigned status,
    struct slice lines)
{
    struct http2_stream *stream = request->carrier;
    struct http2_section *section = arena_alloc(&stream->arena, sizeof(*section));
    struct slice copy = arena_copy(&stream->arena, lines);
    (void)task;
    if (http2_stream_is_gone(stream))
        return ERROR_RESET;
    if (section == NULL || copy.data == NULL
        || nghttp2_submit_headers(stream->owner->session, NGHTTP2_FLAG_NONE, stream->id, NULL,
               NULL, 0, NULL) != 0)
        return ERROR_MEMORY;
    *section = (struct http2_section){.status = status, .runs = {copy}};
    http2_stream_add_section(stream, section);
    http2_flush_soon(stream->owner);
    return ERROR_NONE;
}

// --- Content of requests ---

bool http2_stream_append(struct http2_stream *stream, struct slice content)
{
    struct edge_thread *thread = http2_thread_of(stream->owner);
    const uint32_t capacity = EDGE_BUFFER_SIZE - sizeof(struct http2_block);
    while (content.size > 0) {
        struct http2_block *block = stream->last;
        if (block == NULL || block->end == capacity) {
            block = (struct http2_block *)(void *)edge_buffer_take(thread);
            if (block == NULL)
                return false;
            *block = (struct http2_block){.next = NULL};
            if (stream->last == NULL)
                stream->first = block;
            else
                stream->last->next = block;
            stream->last = block;
        }
        size_t size = MINIMUM(content.size, capacity - block->end);
        memcpy(block->data + block->end, content.data, size);
        block->end += (uint32_t)size;
        content = slice_of(content.data + size, content.size - size);
    }
    http2_stream_notice(stream);
    return true;
}

void http2_stream_notice(struct http2_stream *stream)
{
    if (stream->receiver != NULL)
        task_wake(stream->receiver);
    if (stream->parked != NULL) {
        stream->is_noticed = true; // in the loop: this may be a callback of nghttp2
        timer_start(http2_thread_of(stream->owner)->loop, &stream->timer, 0);
    }
}

static size_t stream_take_content(struct http2_stream *stream, char *buffer, size_t size)
{
    size_t total = 0;
    while (stream->first != NULL && total < size) {
        struct http2_block *block = stream->first;
        size_t part = MINIMUM(size - total, block->end - block->begin);
        memcpy(buffer + total, block->data + block->begin, part);
        block->begin += (uint32_t)part;
        total += part;
        if (block->begin < block->end)
            break;
        stream->first = block->next;
        if (stream->first == NULL)
            stream->last = NULL;
        edge_buffer_give(http2_thread_of(stream->owner), (char *)block);
    }
    return total;
}

bool http2_stream_has_content(const struct http2_stream *stream)
{
    return stream->first != NULL || stream->content_ended || stream->owner->deaf
        || http2_stream_is_gone(stream);
}

enum error http2_stream_receive(struct task *task, struct http2_stream *stream, void *buffer,
    size_t size, uint64_t deadline_ns, size_t *ret_size)
{
    struct http2_connection *self = stream->owner;
    enum error error = ERROR_NONE;
    stream->receiver = task;
    while (error == ERROR_NONE && !http2_stream_has_content(stream))
        error = task_suspend(task, deadline_ns);
    stream->receiver = NULL;
    if (error != ERROR_NONE)
        return error;
    size_t taken = stream_take_content(stream, buffer, size);
    if (taken == 0)
        return stream->content_ended ? ERROR_CLOSED : ERROR_RESET;
    if (!self->lost) {
        if (nghttp2_session_consume(self->session, stream->id, taken) != 0)
            http2_lose(self);
        else if (nghttp2_session_want_write(self->session) != 0)
            http2_flush_soon(self);
    }
    *ret_size = taken;
    return ERROR_NONE;
}

static enum error http2_content_read(struct task *task, struct request *request, void *buffer,
    size_t size, size_t *ret_size)
{
    struct http2_stream *stream = request->carrier;
    const struct connection_settings *settings = &request->generation->settings->connections;
    uint64_t began_ns = task_now_ns(task), deadline_ns = pace_deadline_ns(&stream->pace,
        task_loop(task), settings->body_timeout_ms, settings->body_rate);
    enum error error = ERROR_NONE;
    if (stream->owes_continue && stream->first == NULL && !stream->content_ended)
        error = http2_send_interim(task, request, 100, SLICE_EMPTY);
    stream->owes_continue = false;
    if (error == ERROR_NONE)
        error = http2_stream_receive(task, stream, buffer, size, deadline_ns, ret_size);
    if (error == ERROR_TIMEOUT)
        http2_count(stream->owner, LEDGER_BODY_TIMEOUTS);
    if (error == ERROR_CLOSED && stream->request_trailer.fault != HTTP1_FAULT_NONE) {
        ledger_add_fault(request->thread->ledger, HTTP1_FAULT_TRAILER); // it is too large
        return ERROR_PROTOCOL;
    }
    if (error != ERROR_NONE)
        return error;
    stream->pace.waited_ns += task_now_ns(task) - began_ns;
    stream->pace.bytes += *ret_size;
    return ERROR_NONE;
}

static struct slice http2_trailer(struct request *request)
{
    const struct http2_stream *stream = request->carrier;
    return slice_of(stream->request_trailer.bytes, stream->request_trailer.size);
}

static void http2_discard(struct request *request)
{
    struct http2_stream *stream = request->carrier;
    stream->discarding = true;
    http2_stream_drop_content(stream);
}

static bool http2_has_gone(struct request *request)
{
    const struct http2_stream *stream = request->carrier;
    return http2_stream_is_gone(stream) || io_has_gone(&request->connection->stream.socket);
}

static void http2_cut(struct request *request)
{
    http2_stream_reset(request->carrier, NGHTTP2_INTERNAL_ERROR);
}

static void http2_refuse(struct request *request)
{
    struct http2_stream *stream = request->carrier;
    http2_count(stream->owner, LEDGER_HTTP2_REFUSED);
    http2_stream_reset(stream, NGHTTP2_REFUSED_STREAM);
}

static const struct transport http2_transport = {
    .send = http2_send,
    .send_interim = http2_send_interim,
    .send_trailer = http2_send_trailer,
    .read = http2_content_read,
    .trailer = http2_trailer,
    .discard = http2_discard,
    .has_gone = http2_has_gone,
    .cut = http2_cut,
    .refuse = http2_refuse,
    .become_tunnel = http2_become_tunnel,
};

// --- Serving ---

static void stream_describe(int descriptor, void *argument)
{
    const struct request *request = argument;
    dprintf(descriptor, "request %016llx over HTTP/2 %.*s %.*s host %.*s\n",
        (unsigned long long)request->id, SLICE_ARGS(request->head.method_text),
        SLICE_ARGS(request->head.target), SLICE_ARGS(request->host));
}

// What is left of it when its answer is over, one way or the other (RFC 9113 section 8.1).
static void stream_finish(struct http2_stream *stream)
{
    if (!stream->answered)
        http2_stream_reset(stream, NGHTTP2_INTERNAL_ERROR);
    else if (!stream->content_ended)
        http2_stream_reset(stream, NGHTTP2_NO_ERROR);
}

// WebSocket is the one protocol that has a way here from HTTP/2 (RFC 8441 section 4).
static void stream_serve(struct task *task, struct request *request)
{
    struct slice protocol = request->head.protocol;
    if (protocol.data != NULL && !slice_equal_nocase(protocol, SLICE("websocket"))) {
        request_refuse(task, request, 501);
        return;
    }
    request->upgrade = protocol;
    request_serve(task, request);
}

static void stream_serve_main(struct task *task, void *argument)
{
    struct http2_stream *stream = argument;
    struct http2_connection *self = stream->owner;
    struct edge_thread *thread = http2_thread_of(self);
    struct request request;
    request_begin(&request, self->connection, &http2_transport, stream);
    request.started_ns = task_now_ns(task);
    task_set_description(task, stream_describe, &request);
    stream->task = task;
    if (http2_stream_is_gone(stream)) {
        task_cancel(task); // before it began
    } else if (stream->fault != HTTP1_FAULT_NONE) {
        ledger_add_fault(thread->ledger, stream->fault);
        request.head = (struct http_request_head){.method = HTTP_METHOD_GET, .major_version = 2};
        request_refuse(task, &request, http1_fault_status(stream->fault));
    } else {
        request.head = stream->head;
        stream_serve(task, &request);
    }
    struct tunnel *tunnel = request.tunnel;
    task_set_description(task, NULL, NULL);
    request_end(task, &request);
    thread->active_requests--;
    stream->task = NULL;
    if (tunnel != NULL) {
        tunnel_start(tunnel, NULL, 0);
        return;
    }
    stream_finish(stream);
    http2_stream_destroy(stream);
    http2_settle(self);
}

// What nobody has looked at may be tried again by the visitor (RFC 9113 section 8.7), which is
// better than any answer the edge could give of itself.
static void stream_refuse(struct http2_stream *stream)
{
    struct http2_connection *self = stream->owner;
    http2_count(self, LEDGER_HTTP2_REFUSED);
    http2_stream_reset(stream, NGHTTP2_REFUSED_STREAM);
    if (!self->lost) // else it went with all that have no task
        http2_stream_destroy(stream);
}

static bool stream_start(struct http2_stream *stream)
{
    struct edge_thread *thread = http2_thread_of(stream->owner);
    if (task_start(thread->loop, NULL, stream_serve_main, stream) != ERROR_NONE)
        return false;
    stream->has_task = true;
    thread->active_requests++;
    return true;
}

static void stream_begin_waiting(struct line_place *place)
{
    struct http2_stream *stream = CONTAINER_OF(place, struct http2_stream, place);
    struct http2_connection *self = stream->owner;
    if (http2_stream_is_gone(stream) || stream_start(stream))
        return; // who is gone is freed when nghttp2 closes it
    stream_refuse(stream);
    http2_settle(self);
}

static void stream_give_up(struct line_place *place)
{
    struct http2_stream *stream = CONTAINER_OF(place, struct http2_stream, place);
    struct http2_connection *self = stream->owner;
    http2_count(self, LEDGER_SHED);
    stream_refuse(stream);
    http2_settle(self);
}

// Where the connection stood in line already, its first stream takes its place there: the task that
// reads from it ends soon.
static void stream_wait(struct http2_stream *stream)
{
    static const struct line_operations operations = {
        .begin = stream_begin_waiting, .give_up = stream_give_up};
    struct edge_thread *thread = http2_thread_of(stream->owner);
    const struct connection *connection = stream->owner->connection;
    if (connection->has_turn) {
        line_return(&thread->line, &stream->place, &operations, connection->place.deadline_ns);
        return;
    }
    http2_count(stream->owner, LEDGER_WAITED_FOR_TASK);
    line_join(&thread->line, LINE_COMING, &stream->place, &operations,
        deadline_after_ms(thread->loop, thread->generation->settings->overload.wait_ms));
}

static bool stream_is_admitted(const struct http2_stream *stream)
{
    const struct edge_thread *thread = http2_thread_of(stream->owner);
    struct slice prefix = thread->generation->settings->prefix;
    return line_admits(&thread->line)
        || (prefix.size > 0 && slice_starts_with(stream->head.path, prefix));
}

// Starts its task, or lets it wait for one.
static void stream_take_up(struct http2_connection *self, struct http2_stream *stream)
{
    const struct http2_settings *settings =
        &http2_thread_of(self)->generation->settings->connections.http2;
    list_remove(&stream->start_link);
    if (self->stream_count > settings->streams * STREAMS_FACTOR) {
        stream_refuse(stream);
        return;
    }
    self->connection->requests++;
    if (!stream_is_admitted(stream) || !stream_start(stream))
        stream_wait(stream);
    self->connection->has_turn = false;
}

void http2_stream_start_all(struct http2_connection *self)
{
    const struct connection_settings *settings =
        &http2_thread_of(self)->generation->settings->connections;
    uint32_t before = self->connection->requests;
    while (!list_is_empty(&self->starting) && !self->lost)
        stream_take_up(self, LIST_ENTRY(self->starting.next, struct http2_stream, start_link));
    if (before < settings->requests && self->connection->requests >= settings->requests) {
        http2_count(self, LEDGER_CONNECTIONS_SPENT);
        http2_go_away(self);
    }
}
