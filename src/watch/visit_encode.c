// Content codings of the room's pages: made anew for each visitor, for each has a form's token of
// his own, and so by what is quick.
#include "http/encoder.h"
#include "watch/visit.h"

#define LEAST 1024            // bytes; less is not worth it
#define AT_ONCE (64 << 10)    // more takes milliseconds: on one of the room's threads
#define MOST (4 << 20)
#define WINDOW_BITS 17

struct encoding {
    enum http_coding coding;
    struct slice content;
    char *buffer; // of the content's size: what does not become smaller stays as it is
    size_t size;  // 0: it stays
};

static bool is_text(struct slice type)
{
    return slice_starts_with(type, SLICE("text/"))
        || slice_starts_with(type, SLICE("application/json"))
        || slice_starts_with(type, SLICE("application/atom+xml"));
}

static void encode(void *argument)
{
    struct encoding *encoding = argument;
    static const unsigned levels[HTTP_CODING_COUNT] = {
        [HTTP_CODING_GZIP] = 2, [HTTP_CODING_BROTLI] = 2, [HTTP_CODING_ZSTD] = 2};
    const struct encoder_options options = {.level = levels[encoding->coding],
        .window_bits = WINDOW_BITS, .size = encoding->content.size};
    struct encoder *encoder = encoder_create(encoding->coding, &options);
    struct slice rest = encoding->content;
    size_t size = 0;
    if (encoder != NULL && encoder_run(encoder, &rest, ENCODER_FINISH, encoding->buffer,
            encoding->content.size, &size) == ERROR_NONE)
        encoding->size = size;
    encoder_destroy(encoder);
}

void visit_encode(struct task *task, const struct visit *visit, struct edge_page *page)
{
    static const enum http_coding quick_first[] = {
        HTTP_CODING_ZSTD, HTTP_CODING_BROTLI, HTTP_CODING_GZIP};
    struct arena *arena = visit->request->arena;
    struct http_accept_encoding accept;
    bool is_whole = page->status == 200 && page->more == NULL && page->content.size >= LEAST
        && page->content.size <= MOST && is_text(page->content_type);
    if (!is_whole)
        return;
    http_accept_encoding_parse(visit->request->fields, &accept);
    struct encoding encoding = {.content = page->content, .coding = http_accept_encoding_choose(
        &accept, quick_first, ARRAY_SIZE(quick_first))};
    if (encoding.coding != HTTP_CODING_IDENTITY)
        encoding.buffer = arena_alloc(arena, page->content.size);
    if (encoding.buffer != NULL && page->content.size <= AT_ONCE)
        encode(&encoding);
    else if (encoding.buffer != NULL && visit_run(task, visit, encode, &encoding) != ERROR_NONE)
        encoding.size = 0; // all are busy: it goes out as it is
    struct slice coding = encoding.size == 0 ? SLICE("") : arena_printf(arena,
        "Content-Encoding: %.*s\r\n", SLICE_ARGS(http_coding_name(encoding.coding)));
    struct slice fields = arena_printf(arena, "%.*sVary: Accept-Encoding\r\n%.*s",
        SLICE_ARGS(page->fields), SLICE_ARGS(coding));
    if (fields.data == NULL || coding.data == NULL)
        return;
    page->fields = fields;
    if (encoding.size > 0)
        page->content = slice_of(encoding.buffer, encoding.size);
}
