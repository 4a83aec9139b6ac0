// Heads of HTTP/2 frames in a stream of bytes (RFC 9113 section 4.1), whatever is in them: nghttp2
// says nothing of frames that it ignores, and nothing of where in a frame the bytes ended.
#pragma once

#include "base/slice.h"

#define HTTP2_FRAME_HEAD_SIZE 9
#define HTTP2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// How many CONTINUATION frames a head of so many bytes may take: twice as many as it needs, and no
// fewer than nghttp2 grants by itself, which ends a connection over more.
static inline size_t http2_continuations_for(uint64_t head_size)
{
    const size_t frame_size = 16384, least = 8;
    return MAXIMUM(least, 2 * (size_t)head_size / frame_size);
}

struct http2_frame_head {
    uint32_t length, stream;
    uint8_t type, flags;
};

// Zero it, then set left to what comes before the first frame.
struct http2_scan {
    struct http2_frame_head frame; // the latest
    uint32_t left;                 // of its payload, not seen yet
    uint8_t head[HTTP2_FRAME_HEAD_SIZE], head_size; // the next one's, as far as it came
    bool in_block;                 // a header block goes on with CONTINUATION
};

// Takes bytes off *bytes up to the end of the next frame's head; false: all are taken, none ended.
bool http2_scan_next(struct http2_scan *scan, struct slice *bytes);
// Do the bytes so far end within a header block, or within any frame but DATA?
bool http2_scan_is_within(const struct http2_scan *scan);
