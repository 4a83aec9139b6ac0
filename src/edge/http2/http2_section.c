// Heads of answers, and fields after them. nghttp2's own way from fields to bytes costs several
// times what hpack.c does: it copies each field, looks it up by name and writes into a buffer of
// its own. So it is given no fields: it keeps the order of frames, the states of streams and the
// windows, and each HEADERS frame that it puts out is written anew here, with what it should say.
// Its own dynamic table stays empty.
#include "base/invariant.h"
#include "base/memory.h"
#include "edge/http2/http2_inside.h"

enum { LENGTH_SIZE = 3, TYPE_AT = 3, FLAGS_AT = 4 };

// The stream is the same in all frames of a block.
static void write_frame_head(char *at, const uint8_t *like, size_t length, uint8_t type,
    unsigned flags)
{
    memcpy(at, like, HTTP2_FRAME_HEAD_SIZE);
    for (unsigned i = 0; i < LENGTH_SIZE; i++)
        at[i] = (char)(length >> (8 * (LENGTH_SIZE - 1 - i)));
    at[TYPE_AT] = (char)type;
    at[FLAGS_AT] = (char)flags;
}

// Heads the block that lies behind the place of its first frame's head; what is too large for one
// frame is moved apart to go on in CONTINUATION. Returns the size of all.
static size_t frame_block(char *at, size_t size, const uint8_t *first)
{
    size_t more = size == 0 ? 0 : (size - 1) / HTTP2_FRAME_SIZE;
    for (size_t i = more; i > 0; i--) {
        size_t begin = i * HTTP2_FRAME_SIZE, length = MINIMUM(size - begin, HTTP2_FRAME_SIZE);
        char *frame = at + begin + i * HTTP2_FRAME_HEAD_SIZE;
        memmove(frame + HTTP2_FRAME_HEAD_SIZE, at + HTTP2_FRAME_HEAD_SIZE + begin, length);
        write_frame_head(frame, first, length, NGHTTP2_CONTINUATION,
            i == more ? NGHTTP2_FLAG_END_HEADERS : NGHTTP2_FLAG_NONE);
    }
    unsigned ends = first[FLAGS_AT] & NGHTTP2_FLAG_END_STREAM;
    write_frame_head(at, first, MINIMUM(size, HTTP2_FRAME_SIZE), NGHTTP2_HEADERS,
        more == 0 ? ends | NGHTTP2_FLAG_END_HEADERS : ends);
    return size + (more + 1) * HTTP2_FRAME_HEAD_SIZE;
}

static size_t section_bound(const struct http2_section *section)
{
    size_t size = 0;
    for (size_t i = 0; i < ARRAY_SIZE(section->runs); i++)
        size += section->runs[i].size;
    size = hpack_bound(size);
    return size + (size / HTTP2_FRAME_SIZE + 1) * HTTP2_FRAME_HEAD_SIZE;
}

static size_t section_write(struct http2_connection *self, const struct http2_section *section,
    const uint8_t *frame, char *begin)
{
    char *block = begin + HTTP2_FRAME_HEAD_SIZE;
    char *at = hpack_begin(&self->encoder, block);
    if (section->status != 0)
        at = hpack_write_status(section->status, at);
    for (size_t i = 0; i < ARRAY_SIZE(section->runs); i++)
        at = hpack_write_lines(&self->encoder, section->runs[i], at);
    return frame_block(begin, (size_t)(at - block), frame);
}

bool http2_write_section(struct http2_connection *self)
{
    size_t bound = section_bound(self->section);
    bool fits = bound <= http2_room(self);
    if (!fits && (self->spill = memory_alloc(bound)) == NULL)
        return false;
    char *begin = fits ? self->output + self->output_size : self->spill;
    size_t size = section_write(self, self->section, self->pending, begin);
    invariant(size <= bound);
    self->output_size += fits ? (uint32_t)size : 0;
    self->pending_size = fits ? 0 : size;
    self->pending = (const uint8_t *)begin;
    self->section = NULL;
    return true;
}
