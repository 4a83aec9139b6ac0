// Checking and sealing what segments are made of.
#include "cache/store_record.h"

#define MAGIC_SEGMENT UINT64_C(0x0131474553464153) // the last byte is the format's version
#define MAGIC_RECORD UINT64_C(0x0143455253464153)
#define MAGIC_TRAILER UINT64_C(0x0152544653464153)

static uint64_t hash_before(const void *begin, const void *check, uint64_t seed)
{
    return hash_bytes(slice_of(begin, (size_t)((const char *)check - (const char *)begin)), seed);
}

void segment_header_seal(struct segment_header *header)
{
    header->magic = MAGIC_SEGMENT;
    header->check = hash_before(header, &header->check, 0);
}

void record_header_seal(struct record_header *header, uint64_t seed)
{
    header->magic = MAGIC_RECORD;
    header->check = hash_before(header, &header->check, seed);
}

void segment_trailer_seal(struct segment_trailer *trailer)
{
    trailer->magic = MAGIC_TRAILER;
    trailer->check = hash_before(trailer, &trailer->check, 0);
}

bool segment_header_is_valid(const struct segment_header *header, uint64_t sequence)
{
    return header->magic == MAGIC_SEGMENT && header->sequence == sequence
        && header->check == hash_before(header, &header->check, 0);
}

bool record_header_is_valid(const struct record_header *header, uint64_t seed, uint64_t sequence,
    uint64_t offset)
{
    if (header->magic != MAGIC_RECORD || header->sequence != sequence || header->offset != offset
        || header->check != hash_before(header, &header->check, seed)
        || header->head_size > RECORD_HEAD_MOST || header->body_size > UINT32_MAX)
        return false;
    bool is_elsewhere = header->body_sequence != sequence || header->body_offset != offset;
    switch (header->kind) {
    case RECORD_OBJECT:
        return !is_elsewhere
            && header->head_size >= record_block_count(header->body_size) * sizeof(uint64_t);
    case RECORD_RENEWED:
        return is_elsewhere;
    case RECORD_MARKS:
        return header->body_size == 0 && header->head_size % sizeof(struct mark) == 0;
    }
    return false;
}

bool segment_trailer_is_valid(
    const struct segment_trailer *trailer, uint64_t sequence, uint64_t file_size)
{
    return trailer->magic == MAGIC_TRAILER && trailer->sequence == sequence
        && trailer->check == hash_before(trailer, &trailer->check, 0)
        && trailer->count <= file_size / sizeof(struct record_header)
        && trailer->offset <= file_size
        && trailer->offset + trailer->count * sizeof(struct record_header) + sizeof(*trailer)
            == file_size;
}

uint64_t record_size(const struct record_header *header)
{
    uint64_t content = header->kind == RECORD_OBJECT ? header->body_size : 0;
    return record_align(sizeof(*header) + header->head_size + content);
}
