// What frames mean: nghttp2's callbacks, which note what came in the streams and wake who waits.
// They never suspend and never free a session or a stream.
#include "origin/http2.h"
#include "base/memory.h"

#define INTERIM_MAX 8
#define CONTENT_AT_FIRST 16384

// --- A stream's state ---

static void wake(struct http2_stream *stream)
{
    if (stream->waiter != NULL)
        task_wake(stream->waiter);
    if (stream->sender != NULL)
        task_wake(stream->sender);
}

static void leave_session(struct http2_stream *stream)
{
    stream->session = NULL;
    list_remove(&stream->link);
    wake(stream);
}

void http2_stream_fail(struct http2_stream *stream, enum failure_kind kind)
{
    struct http2_session *session = stream->session;
    if (!stream->ended && stream->failed == FAILURE_NONE) {
        stream->failed = kind;
        stream->unsent = !stream->head_sent;
        stream->reused = session->used && session->received_ns <= stream->begun_ns;
    }
    leave_session(stream);
}

// The stream is of no use any more, for a reason of our own: the peer and the exchange are told.
static void refuse(struct http2_stream *stream, enum failure_kind kind)
{
    if (stream->failed == FAILURE_NONE)
        stream->failed = kind;
    wake(stream);
}

static struct http2_stream *find(nghttp2_session *nghttp2, int32_t id)
{
    return id == 0 ? NULL : nghttp2_session_get_stream_user_data(nghttp2, id);
}

// --- Heads ---

static int on_begin_headers(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *argument)
{
    struct http2_stream *stream = find(nghttp2, frame->hd.stream_id);
    (void)argument;
    if (stream == NULL)
        return 0;
    struct exchange *exchange = stream->exchange;
    if (exchange->first_byte_ns == 0)
        exchange->first_byte_ns = stream->session->received_ns;
    http2_response_begin(stream->has_head ? &stream->trailer : &stream->response,
        stream->has_head);
    return 0;
}

static int on_header(nghttp2_session *nghttp2, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *argument)
{
    struct http2_stream *stream = find(nghttp2, frame->hd.stream_id);
    (void)flags;
    (void)argument;
    if (stream == NULL)
        return 0;
    struct http2_response *response = stream->has_head ? &stream->trailer : &stream->response;
    enum error error = http2_response_add(response, slice_of((const char *)name, name_size),
        slice_of((const char *)value, value_size), &stream->exchange->limits);
    if (error == ERROR_NONE && response->fault == HTTP1_FAULT_NONE)
        return 0;
    refuse(stream, error != ERROR_NONE ? FAILURE_INTERNAL : failure_kind_of_fault(response->fault));
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

// What nghttp2 would drop without a word: nothing is repaired here.
static int on_invalid_header(nghttp2_session *nghttp2, const nghttp2_frame *frame,
    const uint8_t *name, size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
    void *argument)
{
    struct http2_stream *stream = find(nghttp2, frame->hd.stream_id);
    (void)name, (void)name_size, (void)value, (void)value_size, (void)flags, (void)argument;
    if (stream != NULL)
        refuse(stream, FAILURE_PROTOCOL_ERROR);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_invalid_frame(nghttp2_session *nghttp2, const nghttp2_frame *frame, int code,
    void *argument)
{
    struct http2_stream *stream = find(nghttp2, frame->hd.stream_id);
    (void)argument;
    (void)code;
    if (stream != NULL)
        refuse(stream, FAILURE_PROTOCOL_ERROR);
    return 0;
}

// The content's end is known without a length.
static void settle_empty(struct http_response_head *head)
{
    if (head->framing != HTTP_FRAMING_CLOSE)
        return;
    head->framing = HTTP_FRAMING_LENGTH;
    head->content_length = 0;
    head->has_content_length = true;
}

static void take_final(struct http2_stream *stream, bool ends)
{
    struct exchange *exchange = stream->exchange;
    struct http_response_head *head = &exchange->head;
    if (ends && exchange->request->method != HTTP_METHOD_HEAD)
        settle_empty(head);
    http1_body_init(&exchange->body, http_response_framing(head, exchange->request->method),
        head->content_length);
    stream->has_head = true;
    stream->session->used = true;
    wake(stream);
}

static void take_interim(struct http2_stream *stream)
{
    struct exchange *exchange = stream->exchange;
    stream->interim++;
    if (exchange->head.status == 101 || stream->interim > INTERIM_MAX) {
        refuse(stream, FAILURE_PROTOCOL_ERROR);
        return;
    }
    if (exchange->head.status != 100) {
        const struct exchange_request *request = exchange->request;
        if (request->interim != NULL)
            request->interim(request->interim_context, exchange->head.status,
                &exchange->head.fields);
        return;
    }
    exchange->may_continue = true;
    if (exchange->awaiting_continue != NULL)
        task_wake(exchange->awaiting_continue);
}

static void take_head(struct http2_stream *stream, bool ends)
{
    struct exchange *exchange = stream->exchange;
    struct http2_response *response = &stream->response;
    if (stream->has_head || stream->failed != FAILURE_NONE)
        return; // the trailer is whole as it is
    enum error error = exchange_make_field_room(exchange, response->lines);
    if (error == ERROR_NONE)
        error = http2_response_finish(response, &exchange->limits, &exchange->head);
    if (error != ERROR_NONE)
        refuse(stream, FAILURE_INTERNAL);
    else if (response->fault != HTTP1_FAULT_NONE)
        refuse(stream, failure_kind_of_fault(response->fault));
    else if (exchange->head.status >= 200)
        take_final(stream, ends);
    else
        take_interim(stream);
}

static int on_frame_recv(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *argument)
{
    struct http2_session *session = argument;
    struct http2_stream *stream = find(nghttp2, frame->hd.stream_id);
    bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        http2_session_retire(session);
    if (frame->hd.type == NGHTTP2_SETTINGS && session->greeting != NULL
        && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
        session->greeting->greeted = true; // and stays: the session may break before it is seen
        task_wake(session->greeting->task);
    }
    if (stream == NULL)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS)
        take_head(stream, ends);
    if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) && ends
        && stream->has_head && stream->failed == FAILURE_NONE) {
        stream->ended = true;
        wake(stream);
    }
    if (stream->failed != FAILURE_NONE)
        nghttp2_submit_rst_stream(nghttp2, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
            stream->failed == FAILURE_INTERNAL ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_PROTOCOL_ERROR);
    return 0;
}

// --- Content ---

static bool make_content_room(struct http2_stream *stream, size_t size)
{
    if (stream->begin == stream->end)
        stream->begin = stream->end = 0;
    if (stream->capacity - stream->end >= size)
        return true;
    size_t held = stream->end - stream->begin;
    if (held > 0 && stream->begin > 0)
        memmove(stream->content, stream->content + stream->begin, held);
    stream->begin = 0;
    stream->end = held;
    size_t capacity = MAXIMUM(stream->capacity, (size_t)CONTENT_AT_FIRST);
    while (capacity - held < size)
        capacity *= 2; // the window bounds it
    if (capacity == stream->capacity)
        return true;
    char *content = memory_resize(stream->content, capacity);
    if (content == NULL)
        return false;
    stream->content = content;
    stream->capacity = capacity;
    return true;
}

static int on_data(nghttp2_session *nghttp2, uint8_t flags, int32_t id, const uint8_t *data,
    size_t size, void *argument)
{
    struct http2_stream *stream = find(nghttp2, id);
    (void)flags;
    (void)argument;
    int result = nghttp2_session_consume_connection(nghttp2, size);
    if (result != 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (stream == NULL || stream->failed != FAILURE_NONE)
        return 0;
    if (!make_content_room(stream, size)) {
        refuse(stream, FAILURE_INTERNAL);
        return 0;
    }
    memcpy(stream->content + stream->end, data, size);
    stream->end += size;
    wake(stream);
    return 0;
}

// --- Ends ---

// The peer's reasons (section 7), or ours.
static enum failure_kind kind_of_close(const struct http2_stream *stream)
{
    return stream->has_head ? FAILURE_RESPONSE_INCOMPLETE : FAILURE_CONNECTION_TERMINATED;
}

static int on_stream_close(nghttp2_session *nghttp2, int32_t id, uint32_t code, void *argument)
{
    struct http2_session *session = argument;
    struct http2_stream *stream = find(nghttp2, id);
    if (stream == NULL)
        return 0;
    if (!stream->ended && stream->failed == FAILURE_NONE) {
        stream->failed = kind_of_close(stream);
        // Section 8.7: neither was processed.
        stream->unsent = !stream->head_sent
            || (code == NGHTTP2_REFUSED_STREAM && !stream->has_head);
    }
    session->stream_count--;
    leave_session(stream);
    return 0;
}

static int before_frame_send(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *argument)
{
    struct http2_stream *stream = find(nghttp2, frame->hd.stream_id);
    (void)argument;
    if (stream == NULL || frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    stream->head_sent = true;
    if (stream->sender != NULL)
        task_wake(stream->sender);
    return 0;
}

enum error http2_callbacks_create(nghttp2_session_callbacks **ret_callbacks)
{
    nghttp2_session_callbacks *callbacks;
    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return ERROR_MEMORY;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_before_frame_send_callback(callbacks, before_frame_send);
    *ret_callbacks = callbacks;
    return ERROR_NONE;
}
