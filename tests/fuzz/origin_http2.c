// The glue to nghttp2 towards backends: any bytes from one, cut in any way, read or not read by
// three exchanges. What is taken for a head reads as one of HTTP/1.1 would, content stays within
// the window, and nothing stays behind.
#include "http_fuzz.h"
#include "http/http2_head.h"
#include "origin/http2.h"

#define EXCHANGES 3

struct scene {
    struct http2_session session;
    struct exchange_request requests[EXCHANGES];
    struct exchange exchanges[EXCHANGES];
    struct http2_stream streams[EXCHANGES];
    unsigned interims;
};

static void take_interim(void *context, unsigned status, const struct http_fields *fields)
{
    struct scene *scene = context;
    invariant(status > 100 && status < 200 && status != 101);
    invariant(fields->count <= fuzz_limits.field_count);
    scene->interims++;
}

static void open_session(struct scene *scene)
{
    struct http2_session *session = &scene->session;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    memset(scene, 0, sizeof(*scene));
    list_init(&session->seat_link);
    list_init(&session->home_link);
    list_init(&session->streams);
    session->reading = true; // so that nothing frees it
    invariant(http2_callbacks_create(&callbacks) == ERROR_NONE);
    invariant(nghttp2_option_new(&option) == 0);
    nghttp2_option_set_no_auto_window_update(option, 1);
    invariant(nghttp2_session_client_new2(&session->nghttp2, callbacks, session, option) == 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP2_STREAM_WINDOW};
    invariant(nghttp2_submit_settings(session->nghttp2, NGHTTP2_FLAG_NONE, &window, 1) == 0);
}

static void ask(struct scene *scene, unsigned number, enum http_method method)
{
    struct http2_session *session = &scene->session;
    struct http2_stream *stream = &scene->streams[number];
    struct exchange *exchange = &scene->exchanges[number];
    struct slice word = method == HTTP_METHOD_HEAD ? SLICE("HEAD") : SLICE("GET");
    nghttp2_nv fields[] = {http2_field(SLICE(":method"), word),
        http2_field(SLICE(":scheme"), SLICE("http")), http2_field(SLICE(":authority"), SLICE("x")),
        http2_field(SLICE(":path"), SLICE("/"))};
    scene->requests[number] = (struct exchange_request){.method = method, .method_text = word,
        .interim = take_interim, .interim_context = scene};
    exchange->request = &scene->requests[number];
    exchange->limits = fuzz_limits;
    exchange->stream = stream;
    stream->exchange = exchange;
    stream->session = session;
    stream->id = nghttp2_submit_request(session->nghttp2, NULL, fields, ARRAY_SIZE(fields), NULL,
        stream);
    invariant(stream->id > 0);
    list_append(&session->streams, &stream->link);
    session->stream_count++;
}

static void send_all(struct http2_session *session)
{
    const uint8_t *data;
    while (nghttp2_session_mem_send(session->nghttp2, &data) > 0) {
        // into the void
    }
}

static void check(const struct http2_stream *stream)
{
    const struct exchange *exchange = stream->exchange;
    const struct http_response_head *head = &exchange->head;
    invariant(stream->begin <= stream->end && stream->end <= stream->capacity);
    invariant(stream->end - stream->begin <= HTTP2_STREAM_WINDOW);
    invariant(!stream->ended || stream->has_head);
    invariant(stream->begin == stream->end || stream->has_head);
    if (!stream->has_head)
        return;
    invariant(head->status >= 200 && head->status <= 999);
    invariant(http_fields_count(&head->fields, HTTP_NAME_TRANSFER_ENCODING) == 0);
    fuzz_check_fields(slice_of(stream->response.bytes, stream->response.size), &head->fields);
    fuzz_check_framing(&head->fields,
        head->has_content_length && http_fields_count(&head->fields, HTTP_NAME_CONTENT_LENGTH) > 0
            ? HTTP_FRAMING_LENGTH : HTTP_FRAMING_NONE);
}

// As exchange_http2_read does.
static void read_some(struct http2_stream *stream, size_t most)
{
    size_t step = MINIMUM(stream->end - stream->begin, most);
    stream->begin += step;
    if (stream->session != NULL && step > 0)
        invariant(nghttp2_session_consume_stream(stream->session->nghttp2, stream->id, step) == 0);
}

static void close_all(struct scene *scene)
{
    http2_session_break(&scene->session, FAILURE_CONNECTION_TERMINATED);
    invariant(scene->session.stream_count == 0 && list_is_empty(&scene->session.streams));
    for (unsigned i = 0; i < EXCHANGES; i++) {
        struct http2_stream *stream = &scene->streams[i];
        invariant(stream->session == NULL && (stream->ended || stream->failed != FAILURE_NONE));
        check(stream);
        http2_response_free(&stream->response);
        http2_response_free(&stream->trailer);
        free(stream->content);
        free(scene->exchanges[i].more_fields);
    }
    nghttp2_session_del(scene->session.nghttp2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scene scene;
    if (size < 2)
        return 0;
    size_t step = data[0] == 0 ? size : data[0], most = (size_t)data[1] << 4;
    open_session(&scene);
    for (unsigned i = 0; i < EXCHANGES; i++)
        ask(&scene, i, i == 1 ? HTTP_METHOD_HEAD : HTTP_METHOD_GET);
    send_all(&scene.session);
    const uint8_t settings[] = {0, 0, 0, NGHTTP2_SETTINGS, 0, 0, 0, 0, 0};
    invariant(nghttp2_session_mem_recv(scene.session.nghttp2, settings, sizeof(settings))
        == sizeof(settings));
    for (size_t at = 2; at < size && !scene.session.broken; at += step) {
        size_t part = MINIMUM(step, size - at);
        uint8_t *copy = malloc(part);
        invariant(copy != NULL);
        memcpy(copy, data + at, part);
        ssize_t used = nghttp2_session_mem_recv(scene.session.nghttp2, copy, part);
        free(copy);
        for (unsigned i = 0; i < EXCHANGES; i++) {
            check(&scene.streams[i]);
            read_some(&scene.streams[i], most);
        }
        if (used < 0)
            break;
        send_all(&scene.session);
    }
    close_all(&scene);
    return 0;
}
