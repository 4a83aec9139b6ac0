// Where frames begin and end.
#include "http/http2_scan.h"

#include <nghttp2/nghttp2.h>

static void scan_skip(struct http2_scan *scan, struct slice *bytes)
{
    size_t size = MINIMUM(scan->left, bytes->size);
    scan->left -= (uint32_t)size;
    *bytes = slice_of(bytes->data + size, bytes->size - size);
}

bool http2_scan_next(struct http2_scan *scan, struct slice *bytes)
{
    scan_skip(scan, bytes);
    size_t size = MINIMUM((size_t)HTTP2_FRAME_HEAD_SIZE - scan->head_size, bytes->size);
    if (scan->left > 0 || size == 0)
        return false;
    memcpy(scan->head + scan->head_size, bytes->data, size);
    scan->head_size += (uint8_t)size;
    *bytes = slice_of(bytes->data + size, bytes->size - size);
    if (scan->head_size < HTTP2_FRAME_HEAD_SIZE)
        return false;
    const uint8_t *head = scan->head;
    scan->frame = (struct http2_frame_head){
        .length = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2],
        .type = head[3],
        .flags = head[4],
        .stream = (uint32_t)(head[5] & 0x7f) << 24 | (uint32_t)head[6] << 16
            | (uint32_t)head[7] << 8 | head[8],
    };
    scan->head_size = 0;
    scan->left = scan->frame.length;
    if (scan->frame.type == NGHTTP2_HEADERS || scan->frame.type == NGHTTP2_CONTINUATION)
        scan->in_block = (scan->frame.flags & NGHTTP2_FLAG_END_HEADERS) == 0;
    return true;
}

bool http2_scan_is_within(const struct http2_scan *scan)
{
    return scan->in_block || scan->head_size > 0
        || (scan->left > 0 && scan->frame.type != NGHTTP2_DATA);
}
