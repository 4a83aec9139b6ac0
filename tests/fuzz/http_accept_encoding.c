// Accept-Encoding: the input's first line is one field, the rest another; and what encoders make of
// the same bytes as content, fed and put out in pieces, comes back.
#include "../unit/http/decoding.h"
#include "base/invariant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum http_coding offered[] = {
    HTTP_CODING_BROTLI, HTTP_CODING_ZSTD, HTTP_CODING_GZIP};

static void parse(const struct slice *values, uint32_t count,
    struct http_accept_encoding *ret_accept)
{
    struct http_field items[2];
    struct http_fields fields = {items, 0, 2};
    for (uint32_t i = 0; i < count; i++)
        invariant(http_fields_add(&fields, SLICE("Accept-Encoding"), values[i]) == ERROR_NONE);
    http_accept_encoding_parse(&fields, ret_accept);
}

// What is chosen is acceptable, and liked no less than anything else that is offered.
static void check_choice(const struct http_accept_encoding *accept)
{
    enum http_coding coding =
        http_accept_encoding_choose(accept, offered, ARRAY_SIZE(offered));
    uint16_t weight = accept->weights[coding];
    for (size_t i = 0; i < HTTP_CODING_COUNT; i++)
        invariant(accept->weights[i] <= 1000);
    for (size_t i = 0; i < ARRAY_SIZE(offered); i++)
        invariant(coding == HTTP_CODING_IDENTITY
            ? accept->weights[offered[i]] == 0 || accept->has_identity
            : accept->weights[offered[i]] <= weight && weight > 0);
}

static void check_negotiation(const struct slice *values)
{
    struct http_accept_encoding first, second, both, swapped;
    struct slice other[2] = {values[1], values[0]};
    parse(values, 1, &first);
    parse(values + 1, 1, &second);
    parse(values, 2, &both);
    parse(other, 2, &swapped);
    check_choice(&first);
    check_choice(&both);
    invariant(both.has_identity == (first.has_identity || second.has_identity));
    invariant(memcmp(both.weights, swapped.weights, sizeof(both.weights)) == 0);
}

static void check_encoder(enum http_coding coding, struct slice content, size_t cut)
{
    static char output[65536];
    struct encoder_options options = {.level = (unsigned)(cut % 7),
        .window_bits = ENCODER_WINDOW_LEAST, .size = UINT64_MAX,
        .padding = (uint8_t)(cut * 5)};
    struct encoder *encoder = encoder_create(coding, &options);
    struct slice input = slice_of(content.data, cut);
    size_t used = 0, size, step = cut % 13 + ENCODER_OUTPUT_LEAST;
    invariant(encoder != NULL);
    enum encoder_end end = cut % 2 == 0 ? ENCODER_GO_ON : ENCODER_FLUSH;
    for (;;) {
        invariant(used + step <= sizeof(output));
        enum error error = encoder_run(encoder, &input, end, output + used, step, &size);
        invariant(error != ERROR_MEMORY && size <= step);
        used += size;
        if (error == ERROR_NONE && end == ENCODER_FINISH)
            break;
        if (error == ERROR_NONE) {
            input = slice_of(content.data + cut, content.size - cut);
            end = ENCODER_FINISH;
        }
    }
    encoder_destroy(encoder);
    struct decoded decoded = decode(coding, slice_of(output, used), content.size);
    invariant(decoded.whole && !decoded.broken && decoded.size == content.size);
    invariant(content.size == 0 || memcmp(decoded.bytes, content.data, content.size) == 0);
    free(decoded.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice content = slice_of((const char *)data, MINIMUM(size, 8192));
    struct slice values[2] = {SLICE_EMPTY, content};
    values[0] = slice_cut(&values[1], '\n');
    check_negotiation(values);
    if (size > 0 && data[0] % 8 < ARRAY_SIZE(offered))
        check_encoder(offered[data[0] % 8], content, data[size - 1] % (content.size + 1));
    return 0;
}
