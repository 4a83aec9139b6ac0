// How a segment looks. Little-endian and packed as the processor has it; what another kind of
// processor or version has written has another magic number and is not read.
//
//   segment header, then records one behind the other, each beginning at a multiple of 64:
//     record header, head (an object's image and the hashes of its content's blocks; or marks),
//     content
//   footer, once it is full: all record headers again, and the trailer in the last 64 bytes
#pragma once

#include "base/error.h"
#include "base/hash.h"

#define RECORD_ALIGNMENT 64
#define RECORD_BLOCK_SIZE 65536         // of content, with a hash of its own
#define RECORD_HEAD_MOST (4u << 20)     // more is no head

enum record_kind { RECORD_OBJECT = 1, RECORD_RENEWED, RECORD_MARKS };

#define RECORD_STALE 1u    // it must not be taken for fresh
#define RECORD_HAS_BODY 2u // which may be empty

struct segment_header {
    uint64_t magic, sequence, owner, seed;
    uint64_t unused[3];
    uint64_t check;
};

struct record_header {
    uint64_t magic, sequence;       // of the segment it is in
    uint32_t offset, kind;          // where in it; enum record_kind
    uint32_t synced;                // so much of the segment was on the disk when this was written
    uint32_t flags;                 // of RECORD_…
    uint64_t key_hash, variant, url_hash; // of the object
    uint64_t body_sequence;         // where the content's record is: RENEWED's is another one
    uint32_t body_offset, head_size;
    uint64_t body_size;
    uint64_t head_hash;
    uint64_t check;                 // hash of all before it
};

struct segment_trailer {
    uint64_t magic, sequence, count, offset; // record headers, and where they begin
    uint64_t hash;                           // of them
    uint64_t unused[2];
    uint64_t check;
};

enum mark_kind { MARK_FORGET = 1, MARK_STALE };
struct mark {
    uint64_t key_hash, variant, kind;
};

_Static_assert(sizeof(struct segment_header) == 64, "");
_Static_assert(sizeof(struct record_header) == 96, "");
_Static_assert(sizeof(struct segment_trailer) == 64, "");

// Set magic and check. seed: the store's, a secret, so that no content can pass for a record.
void segment_header_seal(struct segment_header *header);
void record_header_seal(struct record_header *header, uint64_t seed);
void segment_trailer_seal(struct segment_trailer *trailer);
// Whether it is one, whole, and of where it was found.
bool segment_header_is_valid(const struct segment_header *header, uint64_t sequence);
bool record_header_is_valid(const struct record_header *header, uint64_t seed, uint64_t sequence,
    uint64_t offset);
bool segment_trailer_is_valid(
    const struct segment_trailer *trailer, uint64_t sequence, uint64_t file_size);

static inline uint64_t record_block_count(uint64_t body_size)
{
    return body_size / RECORD_BLOCK_SIZE + (body_size % RECORD_BLOCK_SIZE != 0);
}
// Without the content, if that is elsewhere.
uint64_t record_size(const struct record_header *header);

static inline uint64_t record_align(uint64_t offset)
{
    return (offset + RECORD_ALIGNMENT - 1) & ~(uint64_t)(RECORD_ALIGNMENT - 1);
}
