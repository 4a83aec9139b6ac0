// HPACK as it is written: each line of the input that is a field is sent, several to a block, and
// what nghttp2 reads is what was written. A line "=N" sets the size of the table.
#include "../unit/http/hpack_inflated.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_PER_BLOCK 3
#define TEXT_MAX 65536

static void send_block(struct hpack_encoder *encoder, nghttp2_hd_inflater *inflater,
    struct slice lines)
{
    static char block[2 * TEXT_MAX], read_bytes[TEXT_MAX], expected_bytes[TEXT_MAX];
    struct text read = text_in(read_bytes, sizeof(read_bytes));
    struct text expected = text_in(expected_bytes, sizeof(expected_bytes));
    char *end = hpack_write_lines(encoder, lines, hpack_begin(encoder, block));
    invariant((size_t)(end - block) <= hpack_bound(lines.size));
    hpack_expect(lines, &expected);
    hpack_inflate(inflater, slice_of(block, (size_t)(end - block)), &read);
    invariant(slice_equal(text_slice(&read), text_slice(&expected)));
    invariant(encoder->size == nghttp2_hd_inflate_get_dynamic_table_size(inflater));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char bytes[TEXT_MAX];
    struct slice rest = slice_of((const char *)data, MINIMUM(size, TEXT_MAX / 4));
    struct text lines = text_in(bytes, sizeof(bytes));
    struct hpack_encoder encoder;
    nghttp2_hd_inflater *inflater;
    hpack_init(&encoder);
    invariant(nghttp2_hd_inflate_new(&inflater) == 0);
    for (unsigned count = 1; rest.size > 0; count++) {
        struct slice line = slice_cut(&rest, '\n');
        if (line.size == 2 && line.data[0] == '=') {
            uint32_t limit = (uint32_t)(unsigned char)line.data[1] * 24;
            hpack_limit(&encoder, limit);
            invariant(nghttp2_hd_inflate_change_table_size(inflater, limit) == 0);
        } else if (!slice_contains(line, '\r')) {
            text_append(&lines, line);
            text_append(&lines, SLICE("\r\n"));
        }
        if (count % LINES_PER_BLOCK == 0 || rest.size == 0) {
            send_block(&encoder, inflater, text_slice(&lines));
            lines.size = 0;
        }
    }
    hpack_free(&encoder);
    nghttp2_hd_inflate_del(inflater);
    return 0;
}
