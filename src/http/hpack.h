// Writing HPACK (RFC 7541): the head of an answer, lines as they are stored and composed, becomes
// the block of fields that a HEADERS frame carries. No frames, no I/O.
//
// The dynamic table remembers lines as they came, so that one which was sent before costs a hash, a
// comparison and a byte: it is neither taken apart nor made lower-case again. Lines that are likely
// to come again get into the table at once, others when they came twice, and what is different in
// every answer never does: it would only push others out.
#pragma once

#include "base/slice.h"

#define HPACK_TABLE_SIZE 4096 // the most that is used, which every decoder allows at first
#define HPACK_ENTRIES_MAX 128 // that many of the smallest fill it
#define HPACK_BUCKETS 64
#define HPACK_SEEN_MAX 64

struct hpack_entry;

struct hpack_encoder {
    struct hpack_entry *entries[HPACK_ENTRIES_MAX]; // by number; the latest is number `inserted`
    uint32_t newest[HPACK_BUCKETS]; // number of the latest entry by hash; it may be long gone
    uint32_t inserted, count;
    uint32_t size, limit;           // in the terms of section 4.1
    uint32_t lowest_limit;          // since the last block
    bool has_new_limit;             // the next block begins by telling it
    uint16_t seen[HPACK_SEEN_MAX];  // parts of hashes of lines that are not in the table
};

void hpack_init(struct hpack_encoder *encoder);
void hpack_free(struct hpack_encoder *encoder);
// The decoder's SETTINGS_HEADER_TABLE_SIZE, each time it is told (section 4.2).
void hpack_limit(struct hpack_encoder *encoder, uint32_t size);

// No block of such lines, with its status, is larger.
static inline size_t hpack_bound(size_t lines_size)
{
    return lines_size + lines_size / 2 + 32;
}

// These write at `at`, where there is room, and return where they ended. A block begins with one
// hpack_begin. status: 3 digits. lines: "Name: value\r\n" each; those that speak of the connection
// are left out (RFC 9113 section 8.2.2).
char *hpack_begin(struct hpack_encoder *encoder, char *at) MUST_CHECK;
char *hpack_write_status(unsigned status, char *at) MUST_CHECK;
char *hpack_write_lines(struct hpack_encoder *encoder, struct slice lines, char *at) MUST_CHECK;
