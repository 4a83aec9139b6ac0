// The way of access records from a loop to the writer: a ring of bytes with one writing and one
// reading thread. Records are copied in whole, longer values cut; nothing waits for anything.
#pragma once

#include "admin/access_log.h"

#include <stdatomic.h>

struct access_ring {
    char *bytes;
    size_t capacity;       // a power of two
    _Atomic uint64_t head; // bytes ever written; the loop's
    _Atomic uint64_t dropped;
    char apart[64];        // neither side's writes slow the other's reads down
    _Atomic uint64_t tail; // bytes ever read; the writer's
    char apart_from_next[64];
};

// Rounds size up to a power of two. False when out of memory.
bool access_ring_init(struct access_ring *ring, size_t size) MUST_CHECK;
void access_ring_free(struct access_ring *ring);
// False, and counted, when it is full.
bool access_ring_put(struct access_ring *ring, const struct access_record *record);
// The oldest record as views into the ring, valid until access_ring_next. False: it is empty.
bool access_ring_peek(struct access_ring *ring, struct access_record *ret_record);
void access_ring_next(struct access_ring *ring);
