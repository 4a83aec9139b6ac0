// A visitor who speaks HTTP/2: several streams at once on one connection, by nghttp2's side for
// clients. What an answer must be is checked as over HTTP/1.1.
#include "sim/client_inside.h"

#include "base/invariant.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#define TRIES_MAX 50
#define FIELDS_MAX 64

enum state { WAITS, ASKED, DONE, JUDGED };

struct exchange2 { // one request of the batch
    struct session2 *owner;
    size_t place;          // in the visit
    enum state state;
    int32_t id;
    unsigned tries;
    uint64_t uploaded;
    bool whole, refused, left;
    struct sim_answer answer;
    struct visitor *reader; // checks this answer
};

struct session2 {
    struct visitor *visitor;
    nghttp2_session *session; // NULL: no connection
    bool served;              // answered something on this connection already
    bool last;                // GOAWAY came
    int32_t last_id;
    enum error error;         // of content
    size_t count;
    struct exchange2 exchanges[];
};

static const struct sim_request *request_of(const struct exchange2 *exchange)
{
    return &exchange->owner->visitor->visit->requests[exchange->place];
}

// --- What nghttp2 tells ---

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *context)
{
    struct exchange2 *exchange =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    (void)flags;
    (void)context;
    if (exchange == NULL)
        return 0;
    struct sim_head *head = &exchange->reader->head;
    uint64_t status;
    if (slice_equal(slice_of((const char *)name, name_size), SLICE(":status"))) {
        invariant(slice_parse_u64(slice_of((const char *)value, value_size), 599, &status));
        exchange->answer.status = (unsigned)status;
        exchange->answer.began = true;
        head->size = head->count = 0;
        return 0;
    }
    invariant(head->count < SIM_WIRE_FIELDS);
    invariant(head->size + name_size + value_size <= sizeof(head->text));
    char *at = head->text + head->size;
    memcpy(at, name, name_size);
    memcpy(at + name_size, value, value_size);
    head->fields[head->count++] =
        (struct sim_field){slice_of(at, name_size), slice_of(at + name_size, value_size)};
    head->size += name_size + value_size;
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct session2 *self = context;
    struct sim_run *run = self->visitor->visit->run;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        self->last = true;
        self->last_id = frame->goaway.last_stream_id;
        if (frame->goaway.error_code != NGHTTP2_NO_ERROR && !run->tolerant)
            sim_fail(run, "GOAWAY with error %u", frame->goaway.error_code);
        return 0;
    }
    struct exchange2 *exchange =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (exchange == NULL)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && exchange->answer.status >= 200) {
        struct visitor *reader = exchange->reader;
        exchange->answer.head_ns = sim_world_now_ns(run->world);
        sim_check_head(
            &reader->check, run, request_of(exchange), &exchange->answer, &reader->head);
        sim_begin_decoding(reader, request_of(exchange), &exchange->answer);
    }
    if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA)
        && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        exchange->whole = true;
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
    size_t size, void *context)
{
    struct session2 *self = context;
    struct exchange2 *exchange = nghttp2_session_get_stream_user_data(session, id);
    (void)flags;
    if (exchange == NULL || exchange->left)
        return 0;
    enum error error = sim_take_body(exchange->reader, slice_of((const char *)data, size));
    if (error == ERROR_CANCELLED) { // he has seen enough of it
        exchange->left = true;
        return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    }
    if (error != ERROR_NONE)
        self->error = error;
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t error_code, void *context)
{
    struct exchange2 *exchange = nghttp2_session_get_stream_user_data(session, id);
    (void)context;
    if (exchange == NULL)
        return 0;
    exchange->refused = error_code == NGHTTP2_REFUSED_STREAM;
    exchange->state = DONE;
    return 0;
}

// --- Asking ---

static nghttp2_nv field(struct slice name, struct slice value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name.data, (uint8_t *)(uintptr_t)value.data,
        name.size, value.size, NGHTTP2_NV_FLAG_NONE};
}

static bool has_trailer(const struct sim_request *request)
{
    return request->upload_id != 0 && request->upload_chunked
        && sim_upload_has_trailer(request->upload_id);
}

static uint32_t submit_trailer(nghttp2_session *session, int32_t id,
    const struct sim_request *request)
{
    char buffer[256];
    struct text text = text_in(buffer, sizeof(buffer));
    nghttp2_nv fields[8];
    size_t count = 0;
    text_format(&text, SIM_UPLOAD_TRAILER, request->upload_id);
    for (struct slice rest = text_slice(&text); rest.size > 0; count++) {
        struct slice value = slice_cut(&rest, '\n'), name = slice_cut(&value, ':');
        fields[count] = field(name, slice_trim(slice_cut(&value, '\r')));
    }
    invariant(nghttp2_submit_trailer(session, id, fields, count) == 0);
    return NGHTTP2_DATA_FLAG_NO_END_STREAM;
}

static ssize_t on_upload(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t size,
    uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct exchange2 *exchange = source->ptr;
    const struct sim_request *request = request_of(exchange);
    (void)session;
    (void)id;
    (void)context;
    uint64_t part = 1 + random_below(sim_random(exchange->owner->visitor->visit->run), 2048);
    part = MINIMUM(MINIMUM(part, size), request->upload_size - exchange->uploaded);
    sim_content_fill(sim_upload_seed(request->upload_id), exchange->uploaded, (char *)buffer,
        (size_t)part);
    exchange->uploaded += part;
    if (exchange->uploaded == request->upload_size)
        *flags |= NGHTTP2_DATA_FLAG_EOF
            | (has_trailer(request) ? submit_trailer(session, id, request) : 0);
    return (ssize_t)part;
}

// What would be said over HTTP/1.1, said over HTTP/2.
static void submit(struct exchange2 *exchange)
{
    struct session2 *self = exchange->owner;
    const struct sim_request *request = request_of(exchange);
    nghttp2_nv fields[FIELDS_MAX];
    char buffer[4096];
    struct text text = text_in(buffer, sizeof(buffer));
    sim_write_request(&text, request);
    struct slice rest = text_slice(&text), host = SLICE_EMPTY;
    size_t count = 4;
    (void)slice_cut(&rest, '\n');
    while (rest.size > 2) {
        struct slice line = slice_cut(&rest, '\r'), value = line;
        struct slice name = slice_cut(&value, ':');
        rest = slice_of(rest.data + 1, rest.size - 1);
        if (slice_equal(name, SLICE("Host")))
            host = slice_trim(value);
        else if (!slice_equal(name, SLICE("Transfer-Encoding")))
            fields[count++] = field(name, slice_trim(value));
        invariant(count < FIELDS_MAX);
    }
    fields[0] = field(SLICE(":method"), slice_from_string(sim_method_of(request)));
    fields[1] = field(SLICE(":scheme"), SLICE("http"));
    fields[2] = field(SLICE(":path"), slice_from_string(request->path));
    fields[3] = field(SLICE(":authority"), host);
    nghttp2_data_provider provider = {.source.ptr = exchange, .read_callback = on_upload};
    bool uploads = request->upload_id != 0 && !request->upload_bare
        && (request->upload_size > 0 || has_trailer(request));
    memset(&exchange->answer, 0, sizeof(exchange->answer));
    exchange->answer.sent_ns = sim_world_now_ns(self->visitor->visit->run->world);
    exchange->uploaded = 0;
    exchange->whole = exchange->refused = exchange->left = false;
    exchange->reader->body_bytes = 0;
    exchange->id = nghttp2_submit_request(
        self->session, NULL, fields, count, uploads ? &provider : NULL, exchange);
    invariant(exchange->id > 0);
    exchange->state = ASKED;
}

static void begin_session(struct session2 *self)
{
    nghttp2_session_callbacks *callbacks;
    uint32_t window = self->visitor->visit->window;
    nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};
    invariant(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    invariant(nghttp2_session_client_new(&self->session, callbacks, self) == 0);
    nghttp2_session_callbacks_del(callbacks);
    invariant(nghttp2_submit_settings(self->session, 0, &entry, window != 0) == 0);
    self->served = self->last = false;
    self->last_id = INT32_MAX;
}

static void end_session(struct session2 *self)
{
    nghttp2_session_del(self->session);
    self->session = NULL;
    sim_visitor_disconnect(self->visitor);
}

static enum error send_output(struct task *task, struct session2 *self)
{
    const uint8_t *bytes;
    ssize_t size;
    while ((size = nghttp2_session_mem_send(self->session, &bytes)) > 0) {
        enum error error = sim_wire_send(
            task, &self->visitor->wire, slice_of((const char *)bytes, (size_t)size));
        if (error != ERROR_NONE)
            return error;
    }
    return size < 0 ? ERROR_PROTOCOL : ERROR_NONE;
}

static enum error receive_input(struct task *task, struct session2 *self)
{
    struct sim_wire *wire = &self->visitor->wire;
    size_t size, wanted = wire->read_size == 0 ? sizeof(wire->buffer) : wire->read_size;
    if (wire->pause_ms > 0)
        sim_sleep_ms(task, wire->pause_ms);
    enum error error = io_receive(task, wire->socket, wire->buffer,
        MINIMUM(wanted, sizeof(wire->buffer)), sim_in_ms(task, wire->wait_ms), &size);
    if (error != ERROR_NONE)
        return error;
    ssize_t used = nghttp2_session_mem_recv(self->session, (const uint8_t *)wire->buffer, size);
    return used < 0 ? ERROR_PROTOCOL : self->error;
}

static bool has_open(const struct session2 *self)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->exchanges[i].state == ASKED)
            return true;
    }
    return false;
}

// Asks what waits, and reads until all of it is over, or the connection is.
static enum error exchange_all(struct task *task, struct session2 *self)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->exchanges[i].state == WAITS)
            submit(&self->exchanges[i]);
    }
    enum error error = send_output(task, self);
    while (error == ERROR_NONE && has_open(self)) {
        error = receive_input(task, self);
        if (error == ERROR_NONE)
            error = send_output(task, self);
    }
    return error;
}

// May the request be sent again? RFC 9113 section 8.7: what was refused or stands above a GOAWAY's
// number was not looked at; otherwise as over HTTP/1.1.
static bool may_try_again(const struct session2 *self, const struct exchange2 *exchange,
    enum error error)
{
    if (exchange->tries >= TRIES_MAX)
        return false;
    if (exchange->refused || (self->last && exchange->id > self->last_id))
        return true;
    return (error == ERROR_CLOSED || error == ERROR_RESET) && self->served
        && !exchange->answer.began && request_of(exchange)->upload_id == 0;
}

// What became of each, after exchange_all ended that way. Those that may be tried again wait.
static void settle_all(struct session2 *self, enum error error)
{
    struct visitor *visitor = self->visitor;
    for (size_t i = 0; i < self->count; i++) {
        struct exchange2 *exchange = &self->exchanges[i];
        struct sim_answer *answer = &exchange->answer;
        const struct sim_request *request = request_of(exchange);
        bool whole = exchange->whole && self->error == ERROR_NONE;
        if (exchange->state == WAITS || exchange->state == JUDGED)
            continue;
        bool has_content = strcmp(sim_method_of(request), "HEAD") != 0 && answer->status != 304
            && answer->status != 204;
        sim_end_decoding(exchange->reader, request, whole && has_content);
        if (!whole && may_try_again(self, exchange, error)) {
            exchange->state = WAITS;
            exchange->tries++;
            continue;
        }
        self->served = true;
        exchange->state = JUDGED;
        answer->size = exchange->reader->check.at - exchange->reader->check.first;
        answer->end_ns = sim_world_now_ns(visitor->visit->run->world);
        if (!whole)
            answer->error = error != ERROR_NONE ? error : ERROR_TRUNCATED;
        else if (has_content && answer->status != 0)
            sim_check_end(&exchange->reader->check);
        visitor->visit->run->unread += exchange->left;
        if (!exchange->left)
            sim_keep_answer(visitor->visit, exchange->place, answer);
    }
}

static bool waits_any(const struct session2 *self)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->exchanges[i].state == WAITS)
            return true;
    }
    return false;
}

static void ask_batch(struct task *task, struct session2 *self)
{
    while (waits_any(self)) {
        enum error error = self->session != NULL ? ERROR_NONE
            : sim_visitor_connect(task, self->visitor);
        for (size_t i = 0; error != ERROR_NONE && i < self->count; i++) { // nobody listens
            struct exchange2 *exchange = &self->exchanges[i];
            if (exchange->state == WAITS) {
                exchange->state = JUDGED;
                exchange->answer = (struct sim_answer){.error = error};
                sim_keep_answer(self->visitor->visit, exchange->place, &exchange->answer);
            }
        }
        if (error != ERROR_NONE)
            return;
        if (self->session == NULL)
            begin_session(self);
        self->error = ERROR_NONE;
        error = exchange_all(task, self);
        settle_all(self, error);
        if (error != ERROR_NONE || self->last || self->visitor->visit->fresh_connections)
            end_session(self);
        if (waits_any(self))
            sim_sleep_ms(task, 20);
    }
}

void sim_http2_visit_all(struct task *task, struct visitor *visitor)
{
    const struct sim_visit *visit = visitor->visit;
    size_t most = MAXIMUM(visit->pipelined, 1u);
    struct session2 *self = sim_alloc(sizeof(*self) + most * sizeof(self->exchanges[0]));
    memset(self, 0, sizeof(*self));
    self->visitor = visitor;
    for (size_t i = 0; i < most; i++) {
        self->exchanges[i].reader = sim_alloc(sizeof(struct visitor));
        self->exchanges[i].reader->visit = visit;
    }
    for (size_t at = 0; at < visit->count; at += self->count) {
        self->count = MINIMUM(most, visit->count - at);
        for (size_t i = 0; i < self->count; i++) {
            struct visitor *reader = self->exchanges[i].reader;
            self->exchanges[i] = (struct exchange2){.owner = self, .place = at + i,
                .reader = reader};
        }
        ask_batch(task, self);
        if (visit->think_ms != 0 && at + self->count < visit->count)
            (void)!task_sleep_until(task, sim_in_ms(task, visit->think_ms));
    }
    if (self->session != NULL)
        end_session(self);
    for (size_t i = 0; i < most; i++)
        free(self->exchanges[i].reader);
    free(self);
}
