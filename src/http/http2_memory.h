// The memory of nghttp2's sessions. A stream takes a few small blocks and gives them back at its
// end, always of the same sizes and, when a visitor asks for much at once, by the dozen: more than
// malloc keeps at hand. So blocks may rest in a pool, which belongs to one thread.
//
// After an allocation of its own has failed, nghttp2 (1.52) may give one block back twice: a frame
// that it could not queue is freed and stays with its stream. From then on a session's blocks are
// kept until its end, each once, and the session is to be ended: see `failed`.
#pragma once

#include "base/base.h"

#include <nghttp2/nghttp2.h>

#define HTTP2_MEMORY_CLASSES 8 // of 64 bytes more each

struct http2_block_head;

struct http2_pool {
    struct http2_block_head *resting[HTTP2_MEMORY_CLASSES];
    unsigned resting_count[HTTP2_MEMORY_CLASSES];
};

// Of one session. All zero, with the pool or without one, before the session begins.
struct http2_memory {
    struct http2_pool *pool;          // NULL: none
    bool failed;                      // an allocation did
    struct http2_block_head *given;   // since then
};

// For nghttp2_session_*_new3. The memory must stay where it is until after nghttp2_session_del.
nghttp2_mem http2_memory_of(struct http2_memory *memory);
// After nghttp2_session_del.
void http2_memory_end(struct http2_memory *memory);
// What rests.
void http2_pool_free(struct http2_pool *pool);
