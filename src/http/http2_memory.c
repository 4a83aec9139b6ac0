// Blocks of nghttp2, with a head before each.
#include "http/http2_memory.h"
#include "base/memory.h"

#include <string.h>

#define CLASS_STEP 64 // bytes

// Of each class. With the address sanitizer none rests: it is to see who uses what he gave back.
#ifdef BASE_ADDRESS_SANITIZER
static const size_t resting_max = 0;
#else
static const size_t resting_max = 1024;
#endif

struct http2_block_head {
    size_t capacity;               // 0: it was given back after a failure
    struct http2_block_head *next; // while it rests or was given back
};

#define HEAD_SIZE sizeof(struct http2_block_head)

static void *memory_of(struct http2_block_head *block)
{
    return (char *)block + HEAD_SIZE;
}

static struct http2_block_head *block_of(void *memory)
{
    return (struct http2_block_head *)(void *)((char *)memory - HEAD_SIZE);
}

// HTTP2_MEMORY_CLASSES: of none, too large to rest.
static size_t class_of(size_t size)
{
    return size == 0 ? 0 : MINIMUM((size - 1) / CLASS_STEP, HTTP2_MEMORY_CLASSES);
}

static void *take(size_t size, void *context)
{
    struct http2_memory *memory = context;
    struct http2_pool *pool = memory->pool;
    size_t class = class_of(size);
    if (class < HTTP2_MEMORY_CLASSES && pool != NULL && pool->resting[class] != NULL) {
        struct http2_block_head *rested = pool->resting[class];
        pool->resting[class] = rested->next;
        pool->resting_count[class]--;
        return memory_of(rested);
    }
    if (class < HTTP2_MEMORY_CLASSES)
        size = (class + 1) * CLASS_STEP;
    struct http2_block_head *block = size > SIZE_MAX - HEAD_SIZE ? NULL
        : memory_alloc(HEAD_SIZE + size);
    if (block == NULL) {
        memory->failed = true;
        return NULL;
    }
    block->capacity = size;
    return memory_of(block);
}

static void keep_until_end(struct http2_memory *memory, struct http2_block_head *block)
{
    if (block->capacity == 0)
        return; // the second time
    block->capacity = 0;
    block->next = memory->given;
    memory->given = block;
}

static void give(void *bytes, void *context)
{
    struct http2_memory *memory = context;
    struct http2_pool *pool = memory->pool;
    if (bytes == NULL)
        return;
    struct http2_block_head *block = block_of(bytes);
    if (memory->failed) {
        keep_until_end(memory, block);
        return;
    }
    size_t class = class_of(block->capacity);
    if (class == HTTP2_MEMORY_CLASSES || pool == NULL
        || pool->resting_count[class] >= resting_max) {
        memory_free(block);
        return;
    }
    block->next = pool->resting[class];
    pool->resting[class] = block;
    pool->resting_count[class]++;
}

static void *take_zero(size_t count, size_t size, void *context)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        total = SIZE_MAX; // which nobody has
    void *bytes = take(total, context);
    if (bytes != NULL)
        memset(bytes, 0, total);
    return bytes;
}

static void *resize(void *bytes, size_t size, void *context)
{
    if (bytes == NULL)
        return take(size, context);
    size_t capacity = block_of(bytes)->capacity;
    if (size <= capacity)
        return bytes;
    void *larger = take(size, context);
    if (larger == NULL)
        return NULL;
    memcpy(larger, bytes, capacity);
    give(bytes, context);
    return larger;
}

nghttp2_mem http2_memory_of(struct http2_memory *memory)
{
    return (nghttp2_mem){memory, take, give, take_zero, resize};
}

static void free_all(struct http2_block_head **first)
{
    while (*first != NULL) {
        struct http2_block_head *block = *first;
        *first = block->next;
        memory_free(block);
    }
}

void http2_memory_end(struct http2_memory *memory)
{
    free_all(&memory->given);
}

void http2_pool_free(struct http2_pool *pool)
{
    for (size_t class = 0; class < HTTP2_MEMORY_CLASSES; class++)
        free_all(&pool->resting[class]);
}
