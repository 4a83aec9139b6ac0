// The scripted origin in HTTP/2: nghttp2 does the frames, one task reads, one writes, and each
// request has one that answers it. All belong to the connection and end with it.
#include "sim/origin_inside.h"

#include "base/invariant.h"
#include "sim/content.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#define FIELDS_MAX 32
#define NOTICE_MS 500

struct h2 {
    struct sim_origin *origin;
    struct io_socket *socket;
    nghttp2_session *session;
    struct scope scope;  // the writer and those who answer
    struct task *reader, *writer;
    struct list streams;
    unsigned served, active;
    struct slice garbage; // to be sent instead of anything else
    bool refused;        // some stream was, and its client is to know
    int32_t answered;    // the last stream that a head was sent on
    bool over;           // falls as `how` says
    enum sim_fault_how how;
};

struct h2_stream {
    struct h2 *h2;
    struct list link;
    int32_t id;
    struct sim_head request;
    bool whole, closed, answering;
    bool refused;
    bool body_over;      // all that will be sent is sent, or its fault has happened
    struct task *task;   // that answers
    struct sim_response response;
    uint64_t at, cut;
    struct sim_upload *upload;
    char trailer[256];   // as lines
    size_t trailer_size;
    uint64_t upload_id, upload_at;
    uint64_t refused_at; // of the upload
};

static void wake(struct task *task)
{
    if (task != NULL)
        task_wake(task);
}

// The connection ends the way the fault wants it, under everything that goes on there.
static void fall(struct h2 *h2, enum sim_fault_how how)
{
    if (h2->over || how == SIM_HOW_STALL)
        return;
    h2->over = true;
    h2->how = how;
    task_cancel(h2->reader);
}

// --- Requests ---

static nghttp2_nv field_of(struct slice name, struct slice value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name.data, (uint8_t *)(uintptr_t)value.data,
        name.size, value.size, 0};
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *argument)
{
    struct h2 *h2 = argument;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct h2_stream *stream = sim_alloc(sizeof(*stream));
    stream->h2 = h2;
    stream->id = frame->hd.stream_id;
    stream->cut = UINT64_MAX;
    list_append(&h2->streams, &stream->link);
    h2->active++;
    h2->origin->streams_most = MAXIMUM(h2->origin->streams_most, h2->active);
    nghttp2_session_set_stream_user_data(session, stream->id, stream);
    return 0;
}

static struct slice keep(struct sim_head *head, const uint8_t *data, size_t size)
{
    invariant(size <= sizeof(head->text) - head->size);
    struct slice kept = slice_of(head->text + head->size, size);
    if (size > 0)
        memcpy(head->text + head->size, data, size);
    head->size += size;
    return kept;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *argument)
{
    struct h2_stream *stream =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    (void)flags;
    (void)argument;
    if (stream == NULL)
        return 0;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        struct text text = {stream->trailer, stream->trailer_size, sizeof(stream->trailer), false};
        text_format(&text, "%.*s: %.*s\n", (int)name_size, (const char *)name, (int)value_size,
            (const char *)value);
        stream->trailer_size = text.size;
        return 0;
    }
    struct sim_head *head = &stream->request;
    struct slice kept_name = keep(head, name, name_size), kept = keep(head, value, value_size);
    if (slice_equal(kept_name, SLICE(":method")))
        head->line[0] = kept;
    else if (slice_equal(kept_name, SLICE(":path")))
        head->line[1] = kept;
    else if (slice_equal(kept_name, SLICE(":authority")) && head->count < SIM_WIRE_FIELDS)
        head->fields[head->count++] = (struct sim_field){SLICE("host"), kept};
    else if (kept_name.data[0] != ':' && head->count < SIM_WIRE_FIELDS)
        head->fields[head->count++] = (struct sim_field){kept_name, kept};
    return 0;
}

// What nghttp2 refuses is a mistake of the edge's.
static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int code,
    void *argument)
{
    struct h2 *h2 = argument;
    (void)session;
    sim_fail(h2->origin->run, "the origin got a malformed frame of type %u: %s", frame->hd.type,
        nghttp2_strerror(code));
    return 0;
}

// It was not processed (RFC 9113 section 8.7); what stands behind it is refused with it by GOAWAY,
// which may not name what is being answered (section 6.8).
static void refuse(struct h2_stream *stream)
{
    struct h2 *h2 = stream->h2;
    stream->refused = h2->refused = true;
    bool alone = random_chance(sim_random(h2->origin->run), 1, 2);
    if (alone || h2->answered > stream->id)
        nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, stream->id,
            NGHTTP2_REFUSED_STREAM);
    else
        nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE, MAXIMUM(stream->id - 2, 0),
            NGHTTP2_NO_ERROR, NULL, 0);
}

static void refuse_upload(struct h2_stream *stream)
{
    if (stream->refused || stream->upload == NULL || stream->upload_at < stream->refused_at)
        return;
    refuse(stream);
}

static void begin_upload(struct h2_stream *stream)
{
    struct sim_run *run = stream->h2->origin->run;
    stream->upload_id = sim_head_number(&stream->request, "x-upload", 0);
    if (stream->upload_id == 0)
        return;
    stream->upload = sim_site_upload(&run->site, stream->upload_id);
    stream->upload->begun++;
    stream->refused_at = UINT64_MAX;
    if (stream->h2->origin->refuses_uploads && stream->upload->begun == 1)
        stream->refused_at = random_below(sim_random(run),
            sim_head_number(&stream->request, "x-upload-size", 0) + 1);
    refuse_upload(stream);
    if (!stream->refused && slice_equal_nocase(
            sim_head_value(&stream->request, "expect", NULL), SLICE("100-continue"))) {
        nghttp2_nv field = field_of(SLICE(":status"), SLICE("100"));
        nghttp2_submit_headers(stream->h2->session, NGHTTP2_FLAG_NONE, stream->id, NULL, &field, 1,
            NULL);
    }
}

static void end_upload(struct h2_stream *stream)
{
    struct sim_run *run = stream->h2->origin->run;
    if (stream->upload == NULL)
        return;
    stream->upload->complete++;
    stream->upload->arrival = ++run->site.arrivals;
    if (sim_head_value(&stream->request, "content-length", NULL).data == NULL)
        sim_origin_check_trailer(run, &stream->request,
            slice_of(stream->trailer, stream->trailer_size));
    if (stream->upload_at != sim_head_number(&stream->request, "x-upload-size", 0))
        sim_fail(run, "upload %" PRIu64 ": the origin got %" PRIu64 " bytes, complete as it seemed",
            stream->upload_id, stream->upload_at);
}

static void answer_main(struct task *task, void *argument);

static void answer(struct h2_stream *stream)
{
    stream->answering = true;
    sim_start(stream->h2->origin->run, &stream->h2->scope, answer_main, stream);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *argument)
{
    struct h2_stream *stream =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    (void)argument;
    if (stream == NULL
        || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        struct slice rest = stream->request.line[1];
        const struct sim_page *page =
            sim_site_page(&stream->h2->origin->run->site, slice_cut(&rest, '?'));
        stream->h2->served++;
        begin_upload(stream);
        if (page != NULL && page->early_status != 0)
            answer(stream); // before the content
    }
    if (stream->refused || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
        return 0;
    stream->whole = true;
    end_upload(stream);
    if (!stream->answering)
        answer(stream);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
    size_t size, void *argument)
{
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    struct h2 *h2 = argument;
    (void)flags;
    if (stream == NULL)
        return 0;
    uint64_t wrong = sim_content_check(sim_upload_seed(stream->upload_id), stream->upload_at,
        slice_of((const char *)data, size));
    if (wrong != UINT64_MAX)
        sim_fail(h2->origin->run, "upload %" PRIu64 ": the origin got a wrong byte at %" PRIu64,
            stream->upload_id, wrong);
    stream->upload_at += size;
    refuse_upload(stream);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *argument)
{
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    struct h2 *h2 = argument;
    (void)code;
    if (stream == NULL)
        return 0;
    h2->active--;
    stream->closed = true;
    wake(stream->task);
    return 0;
}

// --- Answers ---

// What the fault does to the stream or to the whole connection, as chance will have it.
static void break_off(struct h2_stream *stream)
{
    struct h2 *h2 = stream->h2;
    enum sim_fault_how how = stream->response.fault.how;
    stream->body_over = true;
    wake(stream->task);
    if (how == SIM_HOW_STALL)
        return;
    if (random_chance(sim_random(h2->origin->run), 1, 2))
        fall(h2, how);
    else
        nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, stream->id,
            how == SIM_HOW_RESET ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL);
}

static ssize_t on_content(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t size,
    uint32_t *flags, nghttp2_data_source *source, void *argument)
{
    struct h2_stream *stream = source->ptr;
    struct sim_response *response = &stream->response;
    struct random *random = sim_random(stream->h2->origin->run);
    (void)session, (void)id, (void)argument;
    uint64_t end = MINIMUM(response->end, stream->cut);
    size = (size_t)MINIMUM((uint64_t)size, 1 + random_below(random, SIM_ORIGIN_PIECE));
    size = (size_t)MINIMUM((uint64_t)size, end - stream->at);
    sim_content_fill(response->seed, stream->at, (char *)buffer, size);
    stream->at += size;
    if (stream->at < end)
        return (ssize_t)size;
    if (stream->cut != UINT64_MAX && size == 0) {
        break_off(stream);
        return NGHTTP2_ERR_DEFERRED;
    }
    if (stream->cut == UINT64_MAX) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        stream->body_over = true;
        wake(stream->task);
    }
    return (ssize_t)size;
}

// From the lines of HTTP/1.1, without what speaks of a connection.
static size_t make_fields(struct slice head, nghttp2_nv *fields)
{
    size_t count = 0;
    struct slice line = slice_cut(&head, '\n');
    slice_cut(&line, ' ');
    fields[count++] = field_of(SLICE(":status"), slice_cut(&line, ' '));
    while (head.size > 2) {
        struct slice value = slice_cut(&head, '\n');
        struct slice name = slice_cut(&value, ':');
        if (slice_equal_nocase(name, SLICE("Connection"))
            || slice_equal_nocase(name, SLICE("X-Hop"))
            || slice_equal_nocase(name, SLICE("Transfer-Encoding")))
            continue;
        invariant(count < FIELDS_MAX);
        fields[count++] = field_of(name, slice_trim(slice_cut(&value, '\r')));
    }
    return count;
}

static void submit_response(struct h2_stream *stream)
{
    struct h2 *h2 = stream->h2;
    struct sim_response *response = &stream->response;
    struct random *random = sim_random(h2->origin->run);
    char head[SIM_ORIGIN_HEAD];
    nghttp2_nv fields[FIELDS_MAX];
    size_t count =
        make_fields(sim_origin_write_head(h2->origin, response, head), fields);
    nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = on_content};
    if (response->fault.kind == SIM_FAULT_IN_HEAD) // whatever nghttp2 lets pass that is malformed
        fields[count - 1] = field_of(SLICE("connection"), SLICE("close"));
    h2->answered = MAXIMUM(h2->answered, stream->id);
    stream->at = response->first;
    if (response->fault.kind == SIM_FAULT_IN_BODY)
        stream->cut = stream->at + random_below(random, MAXIMUM(response->end - stream->at, 1));
    bool has_body = response->has_body && response->end > response->first;
    stream->body_over = !has_body;
    if (nghttp2_submit_response(h2->session, stream->id, fields, count,
            has_body ? &provider : NULL) != 0)
        stream->body_over = true;
}

// True: the fault is all there is to this answer.
static bool suffer(struct h2_stream *stream)
{
    static const struct slice garbage[] = {
        SLICE("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        SLICE("\0\0\4\0\0\0\0\0\0evil"),         // DATA on no stream
        SLICE("\0\0\4\10\0\0\0\0\0\0\0\0\0"),  // a window opened by nothing
        SLICE("\0\0\1\4\0\0\0\0\0x"),            // SETTINGS of one byte
        SLICE("\0\0\5\1\4\0\0\0\1\377\377\377\377\377"), // a head that is no HPACK
        SLICE("\0\377\377\0\0\0\0\0\1"),          // larger than any frame may be
    };
    struct h2 *h2 = stream->h2;
    switch (stream->response.fault.kind) {
    case SIM_FAULT_BEFORE_HEAD:
        break_off(stream);
        return true;
    case SIM_FAULT_REFUSED:
        refuse(stream);
        return true;
    case SIM_FAULT_GARBAGE:
        h2->garbage = garbage[random_below(sim_random(h2->origin->run), ARRAY_SIZE(garbage))];
        stream->body_over = true;
        return true;
    case SIM_FAULT_NONE:
    case SIM_FAULT_IN_HEAD:
    case SIM_FAULT_IN_BODY:
    case SIM_FAULT_AFTER_RESPONSE:
    case SIM_FAULT_DELAY:
    case SIM_FAULT_STATUS:
    case SIM_FAULT_LENGTH:
        break;
    }
    return false;
}

static void answer_site(struct task *task, struct h2_stream *stream)
{
    struct h2 *h2 = stream->h2;
    struct sim_origin *origin = h2->origin;
    struct sim_response *response = &stream->response;
    sim_origin_choose(origin, &stream->request, h2->served, response);
    response->framing = response->framing == SIM_FRAMING_CLOSE ? SIM_FRAMING_CHUNKED
                                                               : response->framing;
    struct sim_path *path = sim_origin_begin(origin, &stream->request, response);
    if (response->page != NULL && response->page->early_status != 0)
        response->status = response->page->early_status;
    enum error error = sim_origin_wait(task, origin, &response->fault);
    if (error == ERROR_NONE && !stream->closed) {
        if (!suffer(stream))
            submit_response(stream);
        wake(h2->writer);
        while (error == ERROR_NONE && !stream->closed && !stream->body_over)
            error = task_suspend(task, NEVER_NS);
    }
    path->fetching--;
    bool goes = !response->keep || response->fault.kind == SIM_FAULT_AFTER_RESPONSE;
    if (error == ERROR_NONE && !response->keep) {
        // The polite way (RFC 9113 section 6.8): what is under way still counts.
        nghttp2_submit_shutdown_notice(h2->session);
        wake(h2->writer);
        error = task_sleep_until(task, sim_in_ms(task, NOTICE_MS));
    }
    if (error == ERROR_NONE && goes) {
        nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
            nghttp2_session_get_last_proc_stream_id(h2->session), NGHTTP2_NO_ERROR, NULL, 0);
        wake(h2->writer);
    }
}

static void answer_main(struct task *task, void *argument)
{
    struct h2_stream *stream = argument;
    struct sim_origin *origin = stream->h2->origin;
    stream->task = task;
    bool health = origin->health_path != NULL
        && slice_equal(stream->request.line[1], slice_from_string(origin->health_path));
    if (health) {
        char status[8];
        snprintf(status, sizeof(status), "%u", origin->health_status);
        nghttp2_nv field = field_of(SLICE(":status"), slice_of(status, 3));
        origin->health_requests++;
        nghttp2_submit_response(stream->h2->session, stream->id, &field, 1, NULL);
        wake(stream->h2->writer);
    } else {
        answer_site(task, stream);
    }
    stream->task = NULL;
}

// --- The connection ---

static void writer_main(struct task *task, void *argument)
{
    struct h2 *h2 = argument;
    enum error error = ERROR_NONE;
    h2->writer = task;
    while (error == ERROR_NONE && !h2->over) {
        const uint8_t *data = (const uint8_t *)h2->garbage.data;
        ssize_t size = (ssize_t)h2->garbage.size;
        if (size > 0)
            error = ERROR_CLOSED; // after it
        else
            size = nghttp2_session_mem_send(h2->session, &data);
        if (error == ERROR_CLOSED) {
            struct iovec piece = {(void *)(uintptr_t)data, (size_t)size};
            if (io_send(task, h2->socket, &piece, 1, SIM_ORIGIN_WAIT_MS, NULL) == ERROR_NONE)
                sim_sleep_ms(task, 10); // so that it arrives before the end
        } else if (size < 0) {
            error = ERROR_SYSTEM;
        } else if (size == 0) {
            error = task_suspend(task, NEVER_NS);
        } else {
            struct iovec piece = {(void *)(uintptr_t)data, (size_t)size};
            error = io_send(task, h2->socket, &piece, 1, SIM_ORIGIN_WAIT_MS, NULL);
            if (error == ERROR_NONE && h2->origin->chunk_delay_ms > 0)
                error = task_sleep_until(task, sim_in_ms(task, h2->origin->chunk_delay_ms));
        }
    }
    h2->writer = NULL;
    fall(h2, SIM_HOW_END);
}

static void read_frames(struct task *task, struct h2 *h2)
{
    uint8_t buffer[4096];
    while (!h2->over) {
        size_t size;
        uint64_t wait_ms = MAXIMUM(sim_origin_idle_ms(h2->origin), (uint64_t)1);
        enum error error =
            io_receive(task, h2->socket, buffer, sizeof(buffer), sim_in_ms(task, wait_ms), &size);
        if (error == ERROR_TIMEOUT && h2->active > 0)
            continue;
        if (error != ERROR_NONE)
            break;
        ssize_t taken = nghttp2_session_mem_recv(h2->session, buffer, size);
        if (taken < 0) {
            sim_fail(h2->origin->run, "the origin got what is no HTTP/2: %s",
                nghttp2_strerror((int)taken));
            break;
        }
        wake(h2->writer);
        // Closing on what is still coming would be a reset, which may overtake the GOAWAY.
        if (!h2->refused && nghttp2_session_want_read(h2->session) == 0
            && nghttp2_session_want_write(h2->session) == 0)
            break;
    }
}

static void open_session(struct h2 *h2)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
        h2->origin->streams_each == 0 ? 100 : h2->origin->streams_each};
    int result = nghttp2_session_callbacks_new(&callbacks);
    invariant(result == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    result = nghttp2_session_server_new(&h2->session, callbacks, h2);
    invariant(result == 0);
    nghttp2_session_callbacks_del(callbacks);
    result = nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, &entry, 1);
    invariant(result == 0);
}

void sim_origin_serve_http2(struct task *task, struct sim_origin *origin, struct io_socket *socket)
{
    struct h2 *h2 = sim_alloc(sizeof(*h2));
    h2->origin = origin;
    h2->socket = socket;
    h2->reader = task;
    h2->how = SIM_HOW_END;
    list_init(&h2->streams);
    scope_open(&h2->scope);
    open_session(h2);
    sim_start(origin->run, &h2->scope, writer_main, h2);
    read_frames(task, h2);
    h2->over = true;
    scope_close(task, &h2->scope);
    LIST_FOREACH(link, &h2->streams)
        free(LIST_ENTRY(link, struct h2_stream, link));
    nghttp2_session_del(h2->session);
    if (h2->how == SIM_HOW_RESET)
        io_reset(socket);
    else
        io_close(socket);
    free(h2);
}
