// The decoders of the three codings, for tests: all at once, or as much as can be decoded so far.
#pragma once

#include "http/encoder.h"

#include <brotli/decode.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

struct decoded {
    char *bytes; // of malloc
    size_t size;
    bool whole;  // the coding's own end was reached, and nothing follows it
    bool broken;
};

static inline void decode_gzip(struct slice coded, size_t most, struct decoded *ret)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)coded.data, .avail_in = (uInt)coded.size,
        .next_out = (Bytef *)ret->bytes, .avail_out = (uInt)most};
    ret->broken = inflateInit2(&stream, MAX_WBITS + 16) != Z_OK;
    int result = inflate(&stream, Z_SYNC_FLUSH);
    ret->whole = result == Z_STREAM_END && stream.avail_in == 0;
    ret->broken = ret->broken
        || (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR);
    ret->size = most - stream.avail_out;
    inflateEnd(&stream);
}

static inline void decode_brotli(struct slice coded, size_t most, struct decoded *ret)
{
    BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    size_t left = coded.size, room = most;
    const uint8_t *next = (const uint8_t *)coded.data;
    uint8_t *out = (uint8_t *)ret->bytes;
    BrotliDecoderResult result =
        BrotliDecoderDecompressStream(state, &left, &next, &room, &out, NULL);
    ret->whole = result == BROTLI_DECODER_RESULT_SUCCESS && left == 0;
    ret->broken = result == BROTLI_DECODER_RESULT_ERROR;
    ret->size = most - room;
    BrotliDecoderDestroyInstance(state);
}

static inline void decode_zstd(struct slice coded, size_t most, struct decoded *ret)
{
    ZSTD_DCtx *state = ZSTD_createDCtx();
    ZSTD_inBuffer in = {coded.data, coded.size, 0};
    ZSTD_outBuffer out = {ret->bytes, most, 0};
    size_t result = 1, before = SIZE_MAX;
    while (result != 0 && !ZSTD_isError(result) && in.pos + out.pos != before) {
        before = in.pos + out.pos;
        result = ZSTD_decompressStream(state, &out, &in);
    }
    ret->whole = result == 0 && in.pos == in.size;
    ret->broken = ZSTD_isError(result);
    ret->size = out.pos;
    ZSTD_freeDCtx(state);
}

// At most so many bytes come out.
static inline struct decoded decode(enum http_coding coding, struct slice coded, size_t most)
{
    struct decoded decoded = {.bytes = malloc(most + 1)};
    switch (coding) {
    case HTTP_CODING_IDENTITY: break;
    case HTTP_CODING_GZIP: decode_gzip(coded, most + 1, &decoded); break;
    case HTTP_CODING_BROTLI: decode_brotli(coded, most + 1, &decoded); break;
    case HTTP_CODING_ZSTD: decode_zstd(coded, most + 1, &decoded); break;
    }
    return decoded;
}
