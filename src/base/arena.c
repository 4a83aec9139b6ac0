// A chain of chunks with a bump pointer.
#include "base/arena.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; // of data
    _Alignas(16) char data[];
};

void arena_init(struct arena *arena, size_t chunk_size, size_t limit)
{
    *arena = (struct arena){.chunk_size = chunk_size, .limit = limit};
}

static void arena_use(struct arena *arena, struct arena_chunk *chunk)
{
    arena->current = chunk;
    arena->next = chunk->data;
    arena->end = chunk->data + chunk->size;
}

void arena_reset(struct arena *arena)
{
    if (arena->first == NULL)
        return;
    struct arena_chunk *chunk = arena->first->next;
    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;
        arena->used -= chunk->size;
        memory_free(chunk);
        chunk = next;
    }
    arena->first->next = NULL;
    arena_use(arena, arena->first);
}

void arena_free(struct arena *arena)
{
    arena_reset(arena);
    memory_free(arena->first);
    arena_init(arena, arena->chunk_size, arena->limit);
}

static bool arena_grow(struct arena *arena, size_t size)
{
    size_t chunk_size = MAXIMUM(size, arena->chunk_size);
    if (chunk_size > arena->limit - arena->used)
        chunk_size = size;
    if (chunk_size > arena->limit - arena->used)
        return false;
    struct arena_chunk *chunk = memory_alloc(sizeof(*chunk) + chunk_size);
    if (chunk == NULL)
        return false;
    chunk->next = NULL;
    chunk->size = chunk_size;
    if (arena->first == NULL)
        arena->first = chunk;
    else
        arena->current->next = chunk;
    arena->used += chunk_size;
    arena_use(arena, chunk);
    return true;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (UNLIKELY(size > SIZE_MAX - 15))
        return NULL;
    size = (MAXIMUM(size, 1) + 15) & ~(size_t)15; // so that no size gives NULL for success
    if (UNLIKELY((size_t)(arena->end - arena->next) < size) && !arena_grow(arena, size))
        return NULL;
    void *memory = arena->next;
    arena->next += size;
    return memory;
}

void *arena_zero_alloc(struct arena *arena, size_t size)
{
    void *memory = arena_alloc(arena, size);
    return memory == NULL ? NULL : memset(memory, 0, size);
}

struct slice arena_copy(struct arena *arena, struct slice slice)
{
    char *copy = arena_alloc(arena, slice.size + 1);
    if (copy == NULL)
        return SLICE_EMPTY;
    if (slice.size > 0)
        memcpy(copy, slice.data, slice.size);
    copy[slice.size] = '\0';
    return slice_of(copy, slice.size);
}

struct slice arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = size < 0 ? NULL : arena_alloc(arena, (size_t)size + 1);
    if (text == NULL)
        return SLICE_EMPTY;
    va_start(arguments, format);
    vsnprintf(text, (size_t)size + 1, format, arguments);
    va_end(arguments);
    return slice_of(text, (size_t)size);
}
