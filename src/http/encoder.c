// Three libraries behind one interface.
//
// libbrotlienc calls exit() when its allocator returns NULL. So ours does not return then: it jumps
// back to where the library was called, and all that the library holds is freed block by block.
#include "http/encoder.h"
#include "base/invariant.h"
#include "base/list.h"
#include "base/memory.h"

#include <brotli/encode.h>
#include <malloc.h>
#include <setjmp.h>
#include <zlib.h>
#include <zstd.h>

#define GZIP_WRAPPED 16 // added to the window bits: gzip's header and trailer, not zlib's
#define GZIP_WINDOW_LEAST 10
#define GZIP_MEMORY_LEVEL 8 // with the largest window
#define GZIP_LOOKAHEAD 262  // of the window, zlib cannot use so much
#define RUN_MOST ((size_t)1 << 30) // zlib counts in unsigned int

struct encoder {
    enum http_coding coding;
    uint64_t memory; // taken through our allocators
    union {
        struct {
            z_stream gzip;
            gz_header gzip_header;
        };
        struct {
            BrotliEncoderState *brotli;
            struct list blocks; // all that it holds
            jmp_buf *escape;    // while the library runs
            size_t padding;     // still to be written
            bool is_padding;
        };
        ZSTD_CCtx *zstd;
    };
};

struct block {
    struct list link;
    // and then what the library asked for
};

// --- Memory ---

static void *counted_alloc(struct encoder *encoder, size_t size)
{
    void *memory = memory_alloc(size);
    if (memory != NULL)
        encoder->memory += malloc_usable_size(memory);
    return memory;
}

static void counted_free(struct encoder *encoder, void *memory)
{
    if (memory != NULL)
        encoder->memory -= malloc_usable_size(memory);
    memory_free(memory);
}

static void *gzip_alloc(void *encoder, unsigned items, unsigned size)
{
    return counted_alloc(encoder, (size_t)items * size);
}

static void gzip_free(void *encoder, void *memory)
{
    counted_free(encoder, memory);
}

static void *brotli_alloc(void *opaque, size_t size)
{
    struct encoder *encoder = opaque;
    struct block *block = counted_alloc(encoder, sizeof(*block) + size);
    if (block == NULL && encoder->escape != NULL)
        longjmp(*encoder->escape, 1);
    if (block == NULL)
        return NULL; // while it is created, when the library minds
    list_append(&encoder->blocks, &block->link);
    return block + 1;
}

static void brotli_free(void *encoder, void *memory)
{
    if (memory == NULL)
        return;
    struct block *block = (struct block *)memory - 1;
    list_remove(&block->link);
    counted_free(encoder, block);
}

static void brotli_free_all(struct encoder *encoder)
{
    LIST_FOREACH(link, &encoder->blocks)
        counted_free(encoder, LIST_ENTRY(link, struct block, link));
}

uint64_t encoder_memory(const struct encoder *encoder)
{
    uint64_t zstd = encoder->coding == HTTP_CODING_ZSTD ? ZSTD_sizeof_CCtx(encoder->zstd) : 0;
    return sizeof(*encoder) + encoder->memory + zstd;
}

// --- Beginning and end ---

static const char padding[] =
    "................................................................................"
    "................................................................................"
    "................................................................................"
    "................";
#define PADDING_SIZE (UINT8_MAX + 1)
_Static_assert(sizeof(padding) == PADDING_SIZE + 1, "");

// No larger than the content needs: most of the cost of a small one is clearing tables.
static bool gzip_begin(struct encoder *encoder, unsigned level, uint64_t size, uint8_t padding_size)
{
    int window_bits = MAX_WBITS, memory_level = GZIP_MEMORY_LEVEL;
    while (window_bits > GZIP_WINDOW_LEAST
        && size < UINT64_MAX / 2 && size + GZIP_LOOKAHEAD < UINT64_C(1) << (window_bits - 1)) {
        window_bits--;
        memory_level--;
    }
    const char *name = padding + (PADDING_SIZE - padding_size);
    encoder->gzip_header = (gz_header){.os = 255, // unknown
        .name = padding_size == 0 ? NULL : (Bytef *)(uintptr_t)name};
    encoder->gzip = (z_stream){.zalloc = gzip_alloc, .zfree = gzip_free, .opaque = encoder};
    return deflateInit2(&encoder->gzip, (int)MINIMUM(level, 9u), Z_DEFLATED,
               window_bits + GZIP_WRAPPED, memory_level, Z_DEFAULT_STRATEGY) == Z_OK
        && deflateSetHeader(&encoder->gzip, &encoder->gzip_header) == Z_OK;
}

static bool brotli_begin(struct encoder *encoder, unsigned level, uint32_t window_bits,
    uint64_t size)
{
    list_init(&encoder->blocks);
    encoder->brotli = BrotliEncoderCreateInstance(brotli_alloc, brotli_free, encoder);
    if (encoder->brotli == NULL)
        return false;
    uint32_t hint = size < UINT32_MAX ? (uint32_t)size : 0; // 0: not known
    return BrotliEncoderSetParameter(encoder->brotli, BROTLI_PARAM_QUALITY, MINIMUM(level, 11u))
        && BrotliEncoderSetParameter(encoder->brotli, BROTLI_PARAM_LGWIN, window_bits)
        && BrotliEncoderSetParameter(encoder->brotli, BROTLI_PARAM_SIZE_HINT, hint);
}

static bool zstd_set(struct encoder *encoder, ZSTD_cParameter parameter, unsigned value)
{
    return !ZSTD_isError(ZSTD_CCtx_setParameter(encoder->zstd, parameter, (int)value));
}

static bool zstd_begin(struct encoder *encoder, unsigned level, unsigned window_bits, uint64_t size)
{
    encoder->zstd = ZSTD_createCCtx();
    return encoder->zstd != NULL && zstd_set(encoder, ZSTD_c_compressionLevel, level)
        && zstd_set(encoder, ZSTD_c_windowLog, window_bits)
        && (size == UINT64_MAX
            || !ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(encoder->zstd, size)));
}

struct encoder *encoder_create(enum http_coding coding, const struct encoder_options *options)
{
    unsigned level = MINIMUM(options->level, (unsigned)ENCODER_LEVEL_MOST);
    unsigned window_bits = MAXIMUM(options->window_bits, (unsigned)ENCODER_WINDOW_LEAST);
    bool begun = false;
    struct encoder *encoder = memory_zero_alloc(sizeof(*encoder));
    if (encoder == NULL)
        return NULL;
    window_bits = MINIMUM(window_bits, (unsigned)ENCODER_WINDOW_MOST);
    encoder->coding = coding;
    switch (coding) {
    case HTTP_CODING_IDENTITY: break;
    case HTTP_CODING_GZIP:
        begun = gzip_begin(encoder, level, options->size, options->padding);
        break;
    case HTTP_CODING_BROTLI:
        // Not of 1 byte: what libbrotlienc writes for that, no decoder takes.
        encoder->padding = options->padding == 0 ? 0 : options->padding + (size_t)1;
        encoder->is_padding = encoder->padding > 0;
        begun = brotli_begin(encoder, level, window_bits, options->size);
        break;
    case HTTP_CODING_ZSTD: begun = zstd_begin(encoder, level, window_bits, options->size); break;
    }
    if (begun)
        return encoder;
    encoder_destroy(encoder);
    return NULL;
}

void encoder_destroy(struct encoder *encoder)
{
    if (encoder == NULL)
        return;
    switch (encoder->coding) {
    case HTTP_CODING_IDENTITY: break;
    case HTTP_CODING_GZIP: deflateEnd(&encoder->gzip); break;
    case HTTP_CODING_BROTLI: brotli_free_all(encoder); break;
    case HTTP_CODING_ZSTD: ZSTD_freeCCtx(encoder->zstd); break;
    }
    memory_free(encoder);
}

// --- Running ---

static enum error gzip_run(struct encoder *encoder, struct slice *input, enum encoder_end end,
    char *output, size_t capacity, size_t *ret_size)
{
    static const int flushes[] = {
        [ENCODER_GO_ON] = Z_NO_FLUSH, [ENCODER_FLUSH] = Z_SYNC_FLUSH, [ENCODER_FINISH] = Z_FINISH};
    z_stream *stream = &encoder->gzip;
    size_t taken = MINIMUM(input->size, RUN_MOST), room = MINIMUM(capacity, RUN_MOST);
    stream->next_in = (Bytef *)(uintptr_t)input->data; // zlib's own lack of const
    stream->avail_in = (uInt)taken;
    stream->next_out = (Bytef *)output;
    stream->avail_out = (uInt)room;
    int result = deflate(stream, taken < input->size ? Z_NO_FLUSH : flushes[end]);
    taken -= stream->avail_in;
    *input = slice_of(input->data + taken, input->size - taken);
    *ret_size = room - stream->avail_out;
    // BUF_ERROR: a flush that had ended exactly with the last output's room.
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return ERROR_MEMORY;
    if (end == ENCODER_FINISH)
        return result == Z_STREAM_END ? ERROR_NONE : ERROR_BUSY;
    return input->size == 0 && (end == ENCODER_GO_ON || stream->avail_out > 0) ? ERROR_NONE
                                                                               : ERROR_BUSY;
}

static bool brotli_step(struct encoder *encoder, BrotliEncoderOperation operation,
    struct slice *input, uint8_t **output, size_t *room)
{
    size_t left = input->size;
    const uint8_t *next = (const uint8_t *)input->data;
    bool well = BrotliEncoderCompressStream(
        encoder->brotli, operation, &left, &next, room, output, NULL);
    *input = slice_of(input->data + (input->size - left), left);
    return well;
}

// Metadata (RFC 7932 section 9.2). All of it must be taken away before anything else is begun.
static bool brotli_pad(struct encoder *encoder, uint8_t **output, size_t *room)
{
    struct slice left = slice_of(padding, encoder->padding);
    bool well = brotli_step(encoder, BROTLI_OPERATION_EMIT_METADATA, &left, output, room);
    encoder->padding = left.size;
    encoder->is_padding = left.size > 0 || BrotliEncoderHasMoreOutput(encoder->brotli);
    return well;
}

// May jump away, so it is a function of its own.
__attribute__((noinline)) static enum error brotli_work(struct encoder *encoder,
    struct slice *input, enum encoder_end end, char *output, size_t capacity, size_t *ret_size)
{
    static const BrotliEncoderOperation operations[] = {
        [ENCODER_GO_ON] = BROTLI_OPERATION_PROCESS,
        [ENCODER_FLUSH] = BROTLI_OPERATION_FLUSH,
        [ENCODER_FINISH] = BROTLI_OPERATION_FINISH};
    size_t room = capacity;
    uint8_t *out = (uint8_t *)output;
    bool well = !encoder->is_padding || brotli_pad(encoder, &out, &room);
    if (well && !encoder->is_padding)
        well = brotli_step(encoder, operations[end], input, &out, &room);
    *ret_size = capacity - room;
    if (!well)
        return ERROR_MEMORY;
    if (encoder->is_padding)
        return ERROR_BUSY;
    if (end == ENCODER_FINISH)
        return BrotliEncoderIsFinished(encoder->brotli) ? ERROR_NONE : ERROR_BUSY;
    return input->size == 0
            && (end == ENCODER_GO_ON || !BrotliEncoderHasMoreOutput(encoder->brotli))
        ? ERROR_NONE : ERROR_BUSY;
}

static enum error brotli_run(struct encoder *encoder, struct slice *input, enum encoder_end end,
    char *output, size_t capacity, size_t *ret_size)
{
    jmp_buf escape;
    *ret_size = 0;
    if (setjmp(escape) != 0)
        return ERROR_MEMORY;
    encoder->escape = &escape;
    enum error error = brotli_work(encoder, input, end, output, capacity, ret_size);
    encoder->escape = NULL;
    return error;
}

static enum error zstd_run(struct encoder *encoder, struct slice *input, enum encoder_end end,
    char *output, size_t capacity, size_t *ret_size)
{
    static const ZSTD_EndDirective directives[] = {[ENCODER_GO_ON] = ZSTD_e_continue,
        [ENCODER_FLUSH] = ZSTD_e_flush, [ENCODER_FINISH] = ZSTD_e_end};
    ZSTD_inBuffer in = {.src = input->data, .size = input->size};
    ZSTD_outBuffer out = {.dst = output, .size = capacity};
    size_t left = ZSTD_compressStream2(encoder->zstd, &out, &in, directives[end]);
    *input = slice_of(input->data + in.pos, input->size - in.pos);
    *ret_size = out.pos;
    if (ZSTD_isError(left))
        return ERROR_MEMORY;
    return input->size == 0 && (end == ENCODER_GO_ON || left == 0) ? ERROR_NONE : ERROR_BUSY;
}

enum error encoder_run(struct encoder *encoder, struct slice *input, enum encoder_end end,
    char *output, size_t capacity, size_t *ret_size)
{
    invariant(capacity >= ENCODER_OUTPUT_LEAST);
    switch (encoder->coding) {
    case HTTP_CODING_IDENTITY: break;
    case HTTP_CODING_GZIP: return gzip_run(encoder, input, end, output, capacity, ret_size);
    case HTTP_CODING_BROTLI: return brotli_run(encoder, input, end, output, capacity, ret_size);
    case HTTP_CODING_ZSTD: return zstd_run(encoder, input, end, output, capacity, ret_size);
    }
    invariant(false);
    return ERROR_MEMORY;
}
