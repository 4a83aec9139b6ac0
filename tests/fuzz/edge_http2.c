// The glue to nghttp2: any bytes from a visitor, cut in any way, answered in any order. Nothing is
// read outside, nothing stays behind, and every stream is told of once.
#include "base/invariant.h"
#include "base/memory.h"
#include "edge/http2/http2_inside.h"

#define HEADS_PER_ROUND 16
#define TRAILER_SIZE 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct scene {
    struct loop loop;
    struct ledger_row ledger;
    struct edge_settings settings;
    struct generation generation;
    struct edge_thread thread;
    struct connection connection;
    struct http2_connection self;
};

static void scene_set(struct scene *scene)
{
    memset(scene, 0, sizeof(*scene));
    list_init(&scene->loop.ready);
    scene->settings.http = (struct http1_limits){.line_size = 512, .field_count = 20,
        .trailer_size = TRAILER_SIZE};
    scene->settings.connections.http2 = (struct http2_settings){.enabled = true, .streams = 8,
        .header_list_size = 1024, .stream_window = 65535, .connection_window = 65535,
        .resets = 10, .glitches = 50};
    scene->generation.settings = &scene->settings;
    scene->thread.loop = &scene->loop;
    scene->thread.ledger = &scene->ledger;
    scene->thread.generation = &scene->generation;
    line_init(&scene->thread.line, &scene->loop);
    scene->connection.thread = &scene->thread;
    line_place_init(&scene->connection.place);
    scene->self.connection = &scene->connection;
    scene->self.flushing = true; // gathering is all there is
    list_init(&scene->self.streams);
    list_init(&scene->self.starting);
    line_place_init(&scene->self.flush_place);
}

static void check_head(const struct http2_stream *stream)
{
    const struct http_request_head *head = &stream->head;
    struct http_field fields[64];
    if (stream->fault != HTTP1_FAULT_NONE) {
        invariant(!http2_fault_is_malformed(stream->fault));
        return;
    }
    invariant(http_is_token(head->method_text) && head->authority.size > 0);
    invariant(head->fields.count <= 20);
    for (uint32_t i = 0; i < head->fields.count; i++) {
        fields[i] = head->fields.items[i];
        invariant(http_is_token(fields[i].name) && http_is_field_value(fields[i].value));
        invariant(fields[i].known != HTTP_NAME_TRANSFER_ENCODING
            && fields[i].known != HTTP_NAME_CONNECTION);
    }
    invariant(head->path.size == 0 || head->path.data[0] == '/' || head->path.data[0] == '*');
}

// What came after the content is lines that HTTP/1.1 would read the same.
static void check_trailer(const struct http2_stream *stream)
{
    struct slice rest =
        slice_of(stream->request_trailer.bytes, stream->request_trailer.size);
    invariant(rest.size <= TRAILER_SIZE);
    while (rest.size > 0 && !http2_fault_is_malformed(stream->request_trailer.fault)) {
        struct slice value = slice_cut(&rest, '\n');
        struct slice name = slice_cut(&value, ':');
        invariant(value.size >= 2 && value.data[0] == ' ' && value.data[value.size - 1] == '\r');
        invariant(http_is_token(name)
            && http_is_field_value(slice_of(value.data + 1, value.size - 2)));
    }
}

// As a request's task would: an answer with content, one without, or none yet.
static void answer(struct http2_connection *self, struct http2_stream *stream, unsigned how)
{
    nghttp2_nv status = http2_field(SLICE(":status"), SLICE("200"));
    nghttp2_data_provider provider = {.read_callback = http2_session_content_wanted};
    list_remove(&stream->start_link);
    check_head(stream);
    if (how % 3 == 0)
        return;
    stream->content = how % 3 == 1 ? SLICE("some content") : SLICE_EMPTY;
    stream->ends = true;
    invariant(nghttp2_submit_response(self->session, stream->id, &status, 1,
        how % 3 == 1 ? &provider : NULL) == 0);
}

static void play_round(struct http2_connection *self, unsigned how)
{
    for (unsigned i = 0; i < HEADS_PER_ROUND && !list_is_empty(&self->starting); i++)
        answer(self, LIST_ENTRY(self->starting.next, struct http2_stream, start_link), how + i);
    LIST_FOREACH(link, &self->streams)
        check_trailer(LIST_ENTRY(link, struct http2_stream, link));
    do {
        self->output_size = 0;
        http2_gather(self);
        http2_session_check(self);
    } while (self->output_size > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scene scene;
    scene_set(&scene);
    struct http2_connection *self = &scene.self;
    if (size < 2 || !http2_session_open(self, &scene.settings.connections.http2))
        return 0;
    unsigned how = data[0];
    size_t step = data[1] == 0 ? size : data[1];
    struct slice preface = SLICE(HTTP2_PREFACE "\0\0\0\4\0\0\0\0\0");
    http2_session_feed(self, preface);
    for (size_t at = 2; at < size && !self->lost && !self->ending; at += step) {
        size_t part = MINIMUM(step, size - at);
        char *copy = memory_alloc(part);
        invariant(copy != NULL);
        memcpy(copy, data + at, part);
        http2_session_feed(self, slice_of(copy, part));
        memory_free(copy);
        play_round(self, how);
    }
    http2_lose(self);
    invariant(self->stream_count == 0 && list_is_empty(&self->streams));
    nghttp2_session_del(self->session);
    http2_memory_end(&self->memory);
    memory_free(self->output);
    while (scene.thread.buffers != NULL) {
        struct buffer_link *buffer = scene.thread.buffers;
        scene.thread.buffers = buffer->next;
        memory_free(buffer);
    }
    http2_thread_destroy(scene.thread.http2);
    return 0;
}
