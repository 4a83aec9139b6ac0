// Three decoders behind one interface.
#include "sim/decoder.h"
#include "sim/world.h"

#include <brotli/decode.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define OUTPUT_SIZE 4096

struct sim_decoder {
    char kind; // 'g', 'b' or 'z'
    bool whole;
    z_stream gzip;
    BrotliDecoderState *brotli;
    ZSTD_DCtx *zstd;
    char output[OUTPUT_SIZE];
};

struct sim_decoder *sim_decoder_create(struct slice coding)
{
    char kind = slice_equal(coding, SLICE("gzip")) ? 'g' : slice_equal(coding, SLICE("br")) ? 'b'
        : slice_equal(coding, SLICE("zstd")) ? 'z' : 0;
    if (kind == 0)
        return NULL;
    struct sim_decoder *decoder = sim_alloc(sizeof(*decoder));
    decoder->kind = kind;
    if (kind == 'g' && inflateInit2(&decoder->gzip, MAX_WBITS + 16) != Z_OK)
        abort();
    if (kind == 'b')
        decoder->brotli = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    if (kind == 'z')
        decoder->zstd = ZSTD_createDCtx();
    return decoder;
}

void sim_decoder_destroy(struct sim_decoder *decoder)
{
    if (decoder == NULL)
        return;
    if (decoder->kind == 'g')
        inflateEnd(&decoder->gzip);
    if (decoder->brotli != NULL)
        BrotliDecoderDestroyInstance(decoder->brotli);
    ZSTD_freeDCtx(decoder->zstd);
    free(decoder);
}

// Each takes from *bytes and returns how much came out; false: broken.
static bool step_gzip(struct sim_decoder *decoder, struct slice *bytes, size_t *ret_size)
{
    z_stream *stream = &decoder->gzip;
    stream->next_in = (Bytef *)(uintptr_t)bytes->data;
    stream->avail_in = (uInt)bytes->size;
    stream->next_out = (Bytef *)decoder->output;
    stream->avail_out = OUTPUT_SIZE;
    int result = inflate(stream, Z_NO_FLUSH);
    *bytes = slice_of((const char *)stream->next_in, stream->avail_in);
    *ret_size = OUTPUT_SIZE - stream->avail_out;
    decoder->whole = result == Z_STREAM_END;
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR;
}

static bool step_brotli(struct sim_decoder *decoder, struct slice *bytes, size_t *ret_size)
{
    const uint8_t *next = (const uint8_t *)bytes->data;
    uint8_t *out = (uint8_t *)decoder->output;
    size_t room = OUTPUT_SIZE;
    BrotliDecoderResult result = BrotliDecoderDecompressStream(
        decoder->brotli, &bytes->size, &next, &room, &out, NULL);
    bytes->data = (const char *)next;
    *ret_size = OUTPUT_SIZE - room;
    decoder->whole = result == BROTLI_DECODER_RESULT_SUCCESS;
    return result != BROTLI_DECODER_RESULT_ERROR;
}

static bool step_zstd(struct sim_decoder *decoder, struct slice *bytes, size_t *ret_size)
{
    ZSTD_inBuffer in = {bytes->data, bytes->size, 0};
    ZSTD_outBuffer out = {decoder->output, OUTPUT_SIZE, 0};
    size_t result = ZSTD_decompressStream(decoder->zstd, &out, &in);
    *bytes = slice_of(bytes->data + in.pos, bytes->size - in.pos);
    *ret_size = out.pos;
    decoder->whole = result == 0;
    return !ZSTD_isError(result);
}

enum error sim_decoder_feed(struct sim_decoder *decoder, struct slice bytes,
    enum error (*take)(void *argument, struct slice bytes), void *argument)
{
    size_t size = OUTPUT_SIZE;
    while (!decoder->whole && (bytes.size > 0 || size == OUTPUT_SIZE)) {
        bool well = decoder->kind == 'g' ? step_gzip(decoder, &bytes, &size)
            : decoder->kind == 'b' ? step_brotli(decoder, &bytes, &size)
            : step_zstd(decoder, &bytes, &size);
        if (!well)
            return ERROR_PROTOCOL;
        enum error error = size == 0
            ? ERROR_NONE : take(argument, slice_of(decoder->output, size));
        if (error != ERROR_NONE)
            return error;
    }
    return bytes.size == 0 ? ERROR_NONE : ERROR_PROTOCOL;
}

bool sim_decoder_is_whole(const struct sim_decoder *decoder)
{
    return decoder->whole;
}
