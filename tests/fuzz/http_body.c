// Bodies. The first byte chooses the framing ('@' none, 'A' length, 'B' chunked, 'C' to the end),
// the second the length; the rest is the body. Read whole, in steps, and byte by byte the outcome
// is one, and what a chunked body held comes back from a re-encoding of it.
#include "http_fuzz.h"

struct outcome {
    enum http1_progress progress;
    enum http1_fault fault;
    size_t used, content_size;
    char *content; // as large as the input
};

static void read_body(enum http_framing framing, uint64_t length, struct slice bytes, size_t step,
    struct outcome *outcome)
{
    struct http1_body body;
    http1_body_init(&body, framing, length);
    outcome->progress = HTTP1_MORE;
    outcome->used = outcome->content_size = 0;
    while (outcome->progress == HTTP1_MORE && outcome->used < bytes.size) {
        size_t used = SIZE_MAX, size = MINIMUM(step, bytes.size - outcome->used);
        struct slice content;
        char *piece = malloc(size);
        invariant(piece != NULL);
        memcpy(piece, bytes.data + outcome->used, size);
        outcome->progress
            = http1_body_read(&body, slice_of(piece, size), &fuzz_limits, &used, &content);
        invariant(used <= size && (used > 0 || outcome->progress != HTTP1_MORE));
        invariant(fuzz_is_within(slice_of(piece, used), content));
        if (content.size > 0)
            memcpy(outcome->content + outcome->content_size, content.data, content.size);
        outcome->content_size += content.size;
        outcome->used += used;
        free(piece);
    }
    outcome->fault = body.fault;
    invariant((outcome->progress == HTTP1_FAULT) == (body.fault != HTTP1_FAULT_NONE));
    invariant(body.line_size <= fuzz_limits.chunk_line_size + 1);
    invariant(body.trailer_size <= fuzz_limits.trailer_size + 1);
    if (outcome->progress == HTTP1_MORE)
        invariant(http1_body_end(&body) == (framing == HTTP_FRAMING_CLOSE ? HTTP1_DONE
                : body.done ? HTTP1_DONE : HTTP1_MORE));
}

static void check_round_trip(const struct outcome *outcome)
{
    char *encoded = malloc(outcome->content_size * 24 + 8);
    char *content = malloc(outcome->content_size + 1);
    invariant(encoded != NULL && content != NULL);
    size_t size = 0;
    for (size_t at = 0, chunk = 1; at < outcome->content_size; at += chunk, chunk = chunk * 2) {
        chunk = MINIMUM(chunk, outcome->content_size - at);
        size += http1_chunk_line(encoded + size, chunk);
        memcpy(encoded + size, outcome->content + at, chunk);
        memcpy(encoded + size + chunk, "\r\n", 2);
        size += chunk + 2;
    }
    memcpy(encoded + size, "0\r\n\r\n", 5);
    struct outcome again = {.content = content};
    read_body(HTTP_FRAMING_CHUNKED, 0, slice_of(encoded, size + 5), size + 5, &again);
    invariant(again.progress == HTTP1_DONE && again.used == size + 5);
    invariant(slice_equal(slice_of(content, again.content_size),
        slice_of(outcome->content, outcome->content_size)));
    free(encoded);
    free(content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum http_framing framing = (enum http_framing)(data[0] % 4);
    struct slice bytes = slice_of((const char *)data + 2, size - 2);
    struct outcome whole = {.content = malloc(size)}, cut = {.content = malloc(size)};
    invariant(whole.content != NULL && cut.content != NULL);
    read_body(framing, data[1], bytes, size, &whole);
    const size_t steps[] = {1, 3, size / 2 + 1};
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        read_body(framing, data[1], bytes, steps[i], &cut);
        invariant(cut.progress == whole.progress && cut.fault == whole.fault);
        invariant(cut.used == whole.used && cut.content_size == whole.content_size);
        invariant(memcmp(cut.content, whole.content, whole.content_size) == 0);
    }
    if (framing == HTTP_FRAMING_LENGTH)
        invariant(whole.content_size == MINIMUM(data[1], bytes.size));
    if (framing == HTTP_FRAMING_CHUNKED && whole.progress == HTTP1_DONE)
        check_round_trip(&whole);
    free(whole.content);
    free(cut.content);
    return 0;
}
