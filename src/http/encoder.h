// Compressors for content codings as bytes in, bytes out: no I/O, resumable at every byte of
// input. gzip by zlib, brotli by libbrotlienc, zstd by libzstd.
//
// Memory is bounded by level and window, and counted. zlib and brotli take theirs through
// base/memory.h; libzstd's interface for that is not part of what its shared library promises, so
// it allocates by itself and only tells how much it has.
#pragma once

#include "http/accept_encoding.h"

#define ENCODER_LEVEL_MOST 19   // of zstd; gzip has 9, brotli 11
#define ENCODER_OUTPUT_LEAST 16
#define ENCODER_WINDOW_LEAST 15 // bits: 32 KB, which is all that gzip has
#define ENCODER_WINDOW_MOST 23  // 8 MB: what a decoder must have for zstd (RFC 9659)

struct encoder_options {
    unsigned level;       // above the coding's highest counts as that
    unsigned window_bits; // how far back repetitions are found, log2 of bytes, cut to the above
    uint64_t size;        // of the content; UINT64_MAX: not known
    // Bytes of no meaning at the beginning, so that the size tells less about the content: a file
    // name in gzip, metadata in brotli. zstd has no place for it that all decoders know: none.
    uint8_t padding;
};

struct encoder;

// What feeding is followed by. FLUSH: all that was fed can be decoded by what has been written.
// FINISH: no more comes, the end is written.
enum encoder_end { ENCODER_GO_ON, ENCODER_FLUSH, ENCODER_FINISH };

// coding is not IDENTITY. NULL when out of memory.
struct encoder *encoder_create(enum http_coding coding,
    const struct encoder_options *options) MUST_CHECK;
void encoder_destroy(struct encoder *encoder); // NULL is fine; at any time
// Takes from *input (advancing it) and writes up to capacity bytes, which must be at least
// ENCODER_OUTPUT_LEAST (with less, zlib begins a flush again and again). NONE: the input is used up
// and end is reached. BUSY: the output is full: call again with the same end. MEMORY: destroy it.
// Nothing may be fed after FINISH.
enum error encoder_run(struct encoder *encoder, struct slice *input, enum encoder_end end,
    char *output, size_t capacity, size_t *ret_size) MUST_CHECK;
uint64_t encoder_memory(const struct encoder *encoder); // held now, bytes
