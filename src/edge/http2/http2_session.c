// The glue to nghttp2: what its callbacks tell goes into streams, what it asks for comes from them.
// Nothing here suspends, and no callback calls back into nghttp2 but to submit a frame.
#include "base/memory.h"
#include "edge/http2/http2_inside.h"

#define BOMB_FACTOR 8         // so many times the list size is no mistake any more
#define SETTINGS_MAX 32       // in one frame
#define FRAMES_PER_DATA 2     // WINDOW_UPDATEs that a DATA frame of ours calls for

enum http2_preface http2_preface_find(struct slice bytes)
{
    struct slice preface = SLICE(HTTP2_PREFACE);
    size_t size = MINIMUM(bytes.size, preface.size);
    if (size > 0 && memcmp(bytes.data, preface.data, size) != 0)
        return HTTP2_PREFACE_NONE;
    return size == preface.size ? HTTP2_PREFACE_WHOLE : HTTP2_PREFACE_PART;
}

// --- What comes in ---

static struct http2_stream *find_stream(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static uint64_t now_ns(const struct http2_connection *self)
{
    return http2_thread_of(self)->loop->now_ns;
}

static void charge(struct http2_connection *self, enum http2_glitch glitch)
{
    http2_guard_charge(&self->guard, glitch, now_ns(self));
}

static int terminate(struct http2_connection *self, uint32_t error_code)
{
    return nghttp2_session_terminate_session(self->session, error_code) == 0
        ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static void note_opened(struct http2_connection *self, int32_t id)
{
    unsigned shift = (unsigned)(id - self->last_id) / 2;
    self->opened = shift >= 64 ? 1 : self->opened << shift | 1;
    self->reset = shift >= 64 ? 0 : self->reset << shift;
    self->last_id = id;
}

static void note_reset(struct http2_connection *self, int32_t id)
{
    unsigned age = (unsigned)(self->last_id - id) / 2;
    if (id <= self->last_id && age < 64)
        self->reset |= UINT64_C(1) << age;
}

// Frames for a stream that is over (RFC 9113 section 5.1). Of one that we reset they may have been
// on their way, and of one long ago nobody knows; nghttp2 ignores them all.
static uint32_t check_closed(struct http2_connection *self, int32_t id)
{
    unsigned age = (unsigned)(self->last_id - id) / 2;
    if (id % 2 == 0 || id > self->last_id || age >= 64 || (self->reset >> age & 1) != 0)
        return NGHTTP2_NO_ERROR;
    if ((self->opened >> age & 1) == 0)
        return NGHTTP2_PROTOCOL_ERROR; // left out, it may not be opened any more (section 5.1.1)
    bool is_open = id > self->fed_id || nghttp2_session_find_stream(self->session, id) != NULL;
    return is_open && id != self->reset_id ? NGHTTP2_NO_ERROR : NGHTTP2_STREAM_CLOSED;
}

// The head of a frame that nghttp2 has not seen yet. An error code: it is a breach that nghttp2
// would overlook.
static uint32_t check_frame(struct http2_connection *self, const struct http2_frame_head *frame)
{
    bool is_empty = frame->length == 0;
    if (frame->type > NGHTTP2_CONTINUATION && frame->type != NGHTTP2_PRIORITY_UPDATE) {
        charge(self, HTTP2_GLITCH_OTHER);
        return NGHTTP2_NO_ERROR;
    }
    switch ((nghttp2_frame_type)frame->type) {
    case NGHTTP2_DATA:
        if (is_empty && (frame->flags & NGHTTP2_FLAG_END_STREAM) == 0)
            charge(self, HTTP2_GLITCH_EMPTY);
        return check_closed(self, (int32_t)frame->stream);
    case NGHTTP2_HEADERS:
        if (frame->stream % 2 == 1 && (int32_t)frame->stream > self->last_id)
            note_opened(self, (int32_t)frame->stream);
        return check_closed(self, (int32_t)frame->stream);
    case NGHTTP2_CONTINUATION:
        if (is_empty)
            charge(self, HTTP2_GLITCH_EMPTY);
        break;
    case NGHTTP2_PRIORITY:
        charge(self, HTTP2_GLITCH_PRIORITY);
        return frame->stream == 0 ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_NO_ERROR;
    case NGHTTP2_PRIORITY_UPDATE:
        charge(self, HTTP2_GLITCH_PRIORITY);
        break;
    case NGHTTP2_SETTINGS:
        charge(self, HTTP2_GLITCH_SETTINGS);
        if (frame->length > SETTINGS_MAX * 6) // where nghttp2 gives up
            http2_guard_trip(&self->guard, HTTP2_GLITCH_SETTINGS);
        break;
    case NGHTTP2_PING:
        charge(self, HTTP2_GLITCH_PING);
        break;
    case NGHTTP2_WINDOW_UPDATE:
        charge(self, HTTP2_GLITCH_WINDOW);
        break;
    case NGHTTP2_RST_STREAM:
        self->reset_id = (int32_t)frame->stream;
        break;
    case NGHTTP2_PUSH_PROMISE:
    case NGHTTP2_GOAWAY:
        break;
    case NGHTTP2_ALTSVC:
    case NGHTTP2_ORIGIN:
        break;
    }
    return NGHTTP2_NO_ERROR;
}

static void note_windows(struct http2_connection *self)
{
    self->initial_window = (int32_t)nghttp2_session_get_remote_settings(
        self->session, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE);
    self->widest_window = 0;
    LIST_FOREACH (link, &self->streams) {
        int32_t window = nghttp2_session_get_stream_remote_window_size(
            self->session, LIST_ENTRY(link, struct http2_stream, link)->id);
        self->widest_window = MAXIMUM(self->widest_window, window);
    }
}

// A change that makes a window too large ends the connection (section 6.9.2); nghttp2 would end
// the stream.
static int check_windows(struct http2_connection *self)
{
    int64_t change = (int64_t)nghttp2_session_get_remote_settings(
        self->session, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE) - self->initial_window;
    return self->widest_window + change > INT32_MAX
        ? terminate(self, NGHTTP2_FLOW_CONTROL_ERROR) : 0;
}

// An acknowledgement has no entries.
static void take_table_size(struct http2_connection *self, const nghttp2_settings *settings)
{
    for (size_t i = 0; i < settings->niv; i++) {
        if (settings->iv[i].settings_id == NGHTTP2_SETTINGS_HEADER_TABLE_SIZE)
            hpack_limit(&self->encoder, settings->iv[i].value);
    }
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *head, void *context)
{
    (void)session;
    if (head->type == NGHTTP2_SETTINGS)
        note_windows(context);
    return 0;
}

static int refuse_stream(struct http2_connection *self, int32_t id, uint32_t error_code)
{
    int result = nghttp2_submit_rst_stream(self->session, NGHTTP2_FLAG_NONE, id, error_code);
    return result == 0 ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct http2_connection *self = context;
    self->heading = NULL;
    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        self->heading = find_stream(session, frame->hd.stream_id);
        if (self->heading != NULL)
            http2_response_begin(&self->heading->request_trailer, true);
        return 0;
    }
    struct http2_stream *stream = http2_stream_create(self, frame->hd.stream_id);
    if (stream == NULL) {
        http2_count(self, LEDGER_HTTP2_REFUSED);
        return refuse_stream(self, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
    }
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
    self->heading = stream;
    return 0;
}

// A field after the content. One that is malformed ends the stream; too many of them are found by
// whoever reads the content to its end.
static int add_to_trailer(struct http2_connection *self, struct http2_stream *stream,
    struct slice name, struct slice value)
{
    const struct edge_thread *thread = http2_thread_of(self);
    struct http2_response *trailer = &stream->request_trailer;
    enum error error =
        http2_response_add(trailer, name, value, &thread->generation->settings->http);
    if (error != ERROR_NONE)
        return refuse_stream(self, stream->id, NGHTTP2_INTERNAL_ERROR);
    if (!http2_fault_is_malformed(trailer->fault))
        return 0;
    ledger_add_fault(thread->ledger, trailer->fault);
    return refuse_stream(self, stream->id, NGHTTP2_PROTOCOL_ERROR);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *context)
{
    struct http2_connection *self = context;
    struct http2_stream *stream = self->heading;
    (void)session;
    (void)flags;
    if (stream == NULL)
        return 0;
    struct http2_head *head = &stream->collected;
    struct slice name_text = slice_of((const char *)name, name_size);
    struct slice value_text = slice_of((const char *)value, value_size);
    if (stream->has_head)
        http2_head_count(head, name_text, value_text);
    else
        http2_head_add(head, name_text, value_text);
    if (head->list_size <= head->limits.list_size * BOMB_FACTOR)
        return stream->has_head ? add_to_trailer(self, stream, name_text, value_text) : 0;
    http2_guard_trip(&self->guard, HTTP2_GLITCH_HEADERS);
    return refuse_stream(self, frame->hd.stream_id, NGHTTP2_ENHANCE_YOUR_CALM);
}

// nghttp2 would leave a malformed field out and go on; we do not repair.
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
    const uint8_t *name, size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
    void *context)
{
    (void)session;
    (void)frame;
    (void)name;
    (void)name_size;
    (void)value;
    (void)value_size;
    (void)flags;
    (void)context;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_head(struct http2_connection *self, struct http2_stream *stream, bool ends)
{
    stream->has_head = true;
    stream->ends_with_head = stream->content_ended = ends;
    stream->fault = http2_head_finish(&stream->collected, ends, &stream->head);
    if (!http2_fault_is_malformed(stream->fault)) {
        stream->owes_continue = stream->fault == HTTP1_FAULT_NONE && stream->head.expect_continue;
        list_append(&self->starting, &stream->start_link);
        return 0;
    }
    ledger_add_fault(http2_thread_of(self)->ledger, stream->fault);
    return nghttp2_submit_rst_stream(
        self->session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_PROTOCOL_ERROR) == 0
        ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct http2_connection *self = context;
    struct http2_stream *stream = find_stream(session, frame->hd.stream_id);
    bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        if (stream != NULL && !stream->has_head)
            return on_head(self, stream, ends);
        break;
    case NGHTTP2_DATA:
        break;
    case NGHTTP2_RST_STREAM:
        if (stream != NULL && !stream->answered) {
            http2_count(self, LEDGER_HTTP2_RESETS);
            charge(self, HTTP2_GLITCH_RESET);
        }
        return 0;
    case NGHTTP2_SETTINGS:
        take_table_size(self, &frame->settings);
        return check_windows(self);
    case NGHTTP2_PRIORITY_UPDATE: {
        const nghttp2_ext_priority_update *update = frame->ext.payload;
        return update->stream_id == 0 ? terminate(self, NGHTTP2_PROTOCOL_ERROR) : 0;
    }
    default:
        return 0;
    }
    if (stream != NULL && ends) {
        stream->content_ended = true;
        http2_stream_notice(stream);
    }
    return 0;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
    void *context)
{
    struct http2_connection *self = context;
    (void)session;
    if (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA)
        ledger_add_fault(http2_thread_of(self)->ledger, error == NGHTTP2_ERR_HTTP_HEADER
            ? HTTP1_FAULT_SYNTAX_FIELD : HTTP1_FAULT_LENGTH);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
    size_t size, void *context)
{
    struct http2_stream *stream = find_stream(session, id);
    (void)flags;
    (void)context;
    if (stream != NULL && !stream->discarding && !stream->closed) {
        if (http2_stream_append(stream, slice_of((const char *)data, size)))
            return 0;
        if (nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_INTERNAL_ERROR) != 0)
            return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    return nghttp2_session_consume(session, id, size) == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t error_code, void *context)
{
    struct http2_stream *stream = find_stream(session, id);
    (void)error_code;
    (void)context;
    if (stream != NULL)
        http2_stream_on_close(stream);
    return 0;
}

// --- What goes out ---

// Resets that a visitor provokes by malformed frames cost us as much as those he sends himself.
static bool is_provoked(uint32_t error_code)
{
    return error_code == NGHTTP2_PROTOCOL_ERROR || error_code == NGHTTP2_FLOW_CONTROL_ERROR
        || error_code == NGHTTP2_STREAM_CLOSED || error_code == NGHTTP2_FRAME_SIZE_ERROR;
}

// The frame is on its way to http2_gather, which puts the fields in. This is the last moment at
// which nghttp2 is sure to know the stream; what the section is made of stays until the task runs.
static int on_section_sent(struct http2_connection *self, nghttp2_session *session,
    const nghttp2_frame *frame)
{
    struct http2_stream *stream = find_stream(session, frame->hd.stream_id);
    if (stream == NULL || stream->sections == NULL)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    self->section = stream->sections;
    stream->sections = stream->sections->next;
    stream->progress_ns = self->progress_ns = now_ns(self);
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        stream->answered = true;
    if (stream->sender != NULL && stream->content.size == 0)
        task_wake(stream->sender);
    return 0;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct http2_connection *self = context;
    if (frame->hd.type == NGHTTP2_HEADERS)
        return on_section_sent(self, session, frame);
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        note_reset(self, frame->hd.stream_id);
        if (is_provoked(frame->rst_stream.error_code))
            charge(self, HTTP2_GLITCH_RESET);
    }
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
        self->ending = true;
        if (self->guard.spent == HTTP2_GLITCH_NONE)
            http2_count(self, LEDGER_HTTP2_ERRORS);
    }
    return 0;
}

// True: the stream ends with the fields after its content and not with that.
static bool submit_trailer(nghttp2_session *session, struct http2_stream *stream)
{
    if (stream->trailer.runs[0].size == 0
        || nghttp2_submit_trailer(session, stream->id, NULL, 0) != 0)
        return false;
    http2_stream_add_section(stream, &stream->trailer);
    return true;
}

// How much of a stream's content the next DATA frame gets. Only what fits the output is promised,
// so that it can be copied at once: the content is its task's and may go at any moment.
ssize_t http2_session_content_wanted(nghttp2_session *session, int32_t id, uint8_t *buffer,
    size_t length, uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct http2_connection *self = context;
    struct http2_stream *stream = find_stream(session, id);
    (void)buffer;
    (void)source;
    if (stream == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (stream->content.size == 0 && !stream->ends) {
        // Its task has had no chance yet to hand over more: those behind it must not go first.
        if (stream->emptied_round == self->round && stream->sender != NULL)
            return NGHTTP2_ERR_PAUSE;
        stream->has_source = false;
        return NGHTTP2_ERR_DEFERRED;
    }
    size_t size = MINIMUM(length, stream->content.size);
    size_t room = http2_room(self);
    if (room < HTTP2_FRAME_HEAD_SIZE + MINIMUM(size, 1024))
        return NGHTTP2_ERR_PAUSE;
    size = MINIMUM(size, room - HTTP2_FRAME_HEAD_SIZE);
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (stream->ends && size == stream->content.size)
        *flags |= NGHTTP2_DATA_FLAG_EOF
            | (submit_trailer(session, stream) ? NGHTTP2_DATA_FLAG_NO_END_STREAM : 0);
    // A window of a few bytes is a game: its updates are not called for.
    if (size == stream->content.size || size >= 1024)
        http2_guard_allow(&self->guard, FRAMES_PER_DATA);
    return (ssize_t)size;
}

static int on_content_sent(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
    size_t length, nghttp2_data_source *source, void *context)
{
    struct http2_connection *self = context;
    struct http2_stream *stream = find_stream(session, frame->hd.stream_id);
    (void)source;
    if (stream == NULL || stream->content.size < length)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (http2_room(self) < HTTP2_FRAME_HEAD_SIZE + length)
        return NGHTTP2_ERR_WOULDBLOCK;
    memcpy(self->output + self->output_size, head, HTTP2_FRAME_HEAD_SIZE);
    self->output_size += HTTP2_FRAME_HEAD_SIZE;
    if (length > 0)
        memcpy(self->output + self->output_size, stream->content.data, length);
    self->output_size += (uint32_t)length;
    stream->content.data += length;
    stream->content.size -= length;
    stream->progress_ns = self->progress_ns = now_ns(self);
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        stream->answered = true;
    if (stream->content.size == 0) {
        stream->emptied_round = self->round;
        if (stream->sender != NULL)
            task_wake(stream->sender);
    }
    return 0;
}

// --- Sessions ---

static nghttp2_session_callbacks *session_callbacks_create(void)
{
    nghttp2_session_callbacks *callbacks;
    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return NULL;
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, on_content_sent);
    return callbacks;
}

struct http2_thread *http2_thread_take(struct edge_thread *thread)
{
    if (thread->http2 != NULL)
        return thread->http2;
    struct http2_thread *created = memory_zero_alloc(sizeof(*created));
    if (created == NULL)
        return NULL;
    list_init(&created->streams);
    created->callbacks = session_callbacks_create();
    if (created->callbacks == NULL) {
        memory_free(created);
        return NULL;
    }
    thread->http2 = created;
    return created;
}

void http2_thread_destroy(struct http2_thread *thread)
{
    if (thread == NULL)
        return;
    LIST_FOREACH (link, &thread->streams) {
        struct http2_stream *stream = LIST_ENTRY(link, struct http2_stream, link);
        arena_free(&stream->arena);
        memory_free(stream);
    }
    while (thread->outputs_kept > 0)
        memory_free(thread->outputs[--thread->outputs_kept]);
    http2_pool_free(&thread->pool);
    nghttp2_session_callbacks_del(thread->callbacks);
    memory_free(thread);
}

static nghttp2_option *session_option_create(const struct http2_settings *settings)
{
    nghttp2_option *option;
    if (nghttp2_option_new(&option) != 0)
        return NULL;
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_max_settings(option, SETTINGS_MAX);
    nghttp2_option_set_max_continuations(option,
        http2_continuations_for(settings->header_list_size));
    nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE);
    // Our own budget counts resets; nghttp2's would read the clock of the machine.
    nghttp2_option_set_stream_reset_rate_limit(option, UINT64_MAX, UINT64_MAX);
    return option;
}

static bool session_submit_settings(struct http2_connection *self,
    const struct http2_settings *settings)
{
    const nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)settings->streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)settings->stream_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)settings->header_list_size},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1}, // RFC 8441
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    return nghttp2_submit_settings(
               self->session, NGHTTP2_FLAG_NONE, entries, ARRAY_SIZE(entries)) == 0
        && nghttp2_session_set_local_window_size(
               self->session, NGHTTP2_FLAG_NONE, 0, (int32_t)settings->connection_window) == 0;
}

bool http2_session_open(struct http2_connection *self, const struct http2_settings *settings)
{
    struct http2_thread *thread = http2_thread_take(http2_thread_of(self));
    nghttp2_option *option = thread == NULL ? NULL : session_option_create(settings);
    if (option == NULL)
        return false;
    self->memory.pool = &thread->pool;
    nghttp2_mem memory = http2_memory_of(&self->memory);
    int result = nghttp2_session_server_new3(
        &self->session, thread->callbacks, self, option, &memory);
    nghttp2_option_del(option);
    if (result != 0)
        return false;
    self->scan.left = sizeof(HTTP2_PREFACE) - 1;
    http2_guard_init(&self->guard, settings->resets, settings->glitches, now_ns(self));
    return session_submit_settings(self, settings);
}

static void session_receive(struct http2_connection *self, struct slice bytes)
{
    ssize_t used = nghttp2_session_mem_recv(
        self->session, (const uint8_t *)bytes.data, bytes.size);
    if (used == NGHTTP2_ERR_FLOODED)
        http2_guard_trip(&self->guard, HTTP2_GLITCH_PING); // acknowledgements that nobody takes
    else if (used == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS)
        http2_guard_trip(&self->guard, HTTP2_GLITCH_CONTINUATION);
    else if (used == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
        http2_fail(self, NGHTTP2_PROTOCOL_ERROR);
    else if (used < 0)
        http2_lose(self);
}

void http2_session_feed(struct http2_connection *self, struct slice bytes)
{
    struct slice rest = bytes;
    uint32_t error_code = NGHTTP2_NO_ERROR;
    while (error_code == NGHTTP2_NO_ERROR && http2_scan_next(&self->scan, &rest))
        error_code = check_frame(self, &self->scan.frame);
    self->fed_id = self->last_id;
    self->reset_id = 0;
    if (error_code != NGHTTP2_NO_ERROR)
        bytes.size -= MINIMUM(bytes.size, rest.size + HTTP2_FRAME_HEAD_SIZE); // what came before
    session_receive(self, bytes);
    http2_session_check(self);
    if (error_code != NGHTTP2_NO_ERROR && !self->ending && !self->lost)
        http2_fail(self, error_code);
    if (!http2_scan_is_within(&self->scan))
        self->head_since_ns = 0;
    else if (self->head_since_ns == 0)
        self->head_since_ns = now_ns(self);
}

void http2_session_check(struct http2_connection *self)
{
    if (self->memory.failed)
        http2_lose(self);
    if (self->guard.spent == HTTP2_GLITCH_NONE || self->ending || self->lost)
        return;
    http2_count(self, http2_guard_counter(self->guard.spent));
    http2_fail(self, NGHTTP2_ENHANCE_YOUR_CALM);
}
