// Memory with one lifetime: a request, a connection, a generation of settings. Allocations are
// never freed one by one; arena_reset frees all but the first chunk and starts over. What must
// outlive the arena is copied. Not thread-safe. Bounded: above limit, allocations return NULL.
#pragma once

#include "base/base.h"
#include "base/slice.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *first, *current;
    char *next, *end;
    size_t chunk_size; // of ordinary chunks, bytes
    size_t used;       // bytes held in chunks
    size_t limit;      // of used
};

// Allocates nothing yet.
void arena_init(struct arena *arena, size_t chunk_size, size_t limit);
void arena_reset(struct arena *arena);
void arena_free(struct arena *arena); // may be used again afterwards

// Aligned to 16 bytes, not zeroed; NULL when out of memory or over the limit.
void *arena_alloc(struct arena *arena, size_t size) MUST_CHECK;
void *arena_zero_alloc(struct arena *arena, size_t size) MUST_CHECK;
// A copy of the bytes, NUL-terminated for the convenience of C; data NULL on failure.
struct slice arena_copy(struct arena *arena, struct slice slice) MUST_CHECK;
// data NULL on failure.
struct slice arena_printf(struct arena *arena, const char *format, ...)
    MUST_CHECK PRINTF_LIKE(2, 3);
