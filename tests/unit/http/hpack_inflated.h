// What HPACK's other side makes of a block, as lines with names in lower case: for the unit test
// and the fuzz target, with nghttp2 as the judge.
#pragma once

#include "base/invariant.h"
#include "base/text.h"
#include "http/hpack.h"
#include "http/http2_head.h"

// All fields of one block; the block must be whole and sound.
static inline void hpack_inflate(nghttp2_hd_inflater *inflater, struct slice block,
    struct text *ret_lines)
{
    const uint8_t *at = (const uint8_t *)block.data;
    size_t left = block.size;
    for (;;) {
        nghttp2_nv field;
        int flags = 0;
        ssize_t used = nghttp2_hd_inflate_hd2(inflater, &field, &flags, at, left, 1);
        invariant(used >= 0);
        at += used;
        left -= (size_t)used;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
            text_append(ret_lines, slice_of((const char *)field.name, field.namelen));
            text_append(ret_lines, SLICE(": "));
            text_append(ret_lines, slice_of((const char *)field.value, field.valuelen));
            text_append(ret_lines, SLICE("\r\n"));
        }
        if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0)
            break;
        invariant(used > 0 || (flags & NGHTTP2_HD_INFLATE_EMIT) != 0);
    }
    invariant(left == 0 && !ret_lines->full);
    invariant(nghttp2_hd_inflate_end_headers(inflater) == 0);
}

// What should come out: without what speaks of the connection, names in lower case.
static inline void hpack_expect(struct slice lines, struct text *ret_lines)
{
    while (lines.size > 0) {
        struct slice value = slice_cut(&lines, '\r');
        struct slice name = slice_cut(&value, ':');
        lines = slice_of(lines.data + 1, lines.size - 1); // the line feed
        if (value.data == NULL || http2_name_is_forbidden(name))
            continue;
        for (size_t i = 0; i < name.size; i++) {
            char byte = name.data[i];
            text_append_byte(
                ret_lines, byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte);
        }
        text_append(ret_lines, SLICE(": "));
        text_append(ret_lines, slice_trim(value));
        text_append(ret_lines, SLICE("\r\n"));
    }
}
