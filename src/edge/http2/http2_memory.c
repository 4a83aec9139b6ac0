// nghttp2's memory. A stream takes a few small blocks and gives them back at its end, always of the
// same sizes and, when a visitor asks for much at once, by the dozen: more than malloc keeps at
// hand. So each thread lets some of them rest.
#include "base/memory.h"
#include "edge/http2/http2_inside.h"

#define CLASS_STEP 64 // bytes

#if defined(__SANITIZE_ADDRESS__)
#define RESTING_MAX 0 // so that it sees who uses what he gave back
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RESTING_MAX 0
#endif
#endif
#ifndef RESTING_MAX
#define RESTING_MAX 1024 // of each class
#endif

// Before each block; within it, while it rests.
struct http2_memory_block {
    size_t class;                   // HTTP2_MEMORY_CLASSES: of none, too large to rest
    struct http2_memory_block *next;
};

#define HEAD_SIZE sizeof(struct http2_memory_block)

static void *memory_of(struct http2_memory_block *block)
{
    return (char *)block + HEAD_SIZE;
}

static struct http2_memory_block *block_of(void *memory)
{
    return (struct http2_memory_block *)(void *)((char *)memory - HEAD_SIZE);
}

static void *take(size_t size, void *context)
{
    struct http2_thread *thread = context;
    size_t class = MINIMUM(size / CLASS_STEP, HTTP2_MEMORY_CLASSES);
    struct http2_memory_block *block = class == HTTP2_MEMORY_CLASSES
        ? NULL : thread->resting[class];
    if (block != NULL) {
        thread->resting[class] = block->next;
        thread->resting_count[class]--;
        return memory_of(block);
    }
    if (class < HTTP2_MEMORY_CLASSES)
        size = (class + 1) * CLASS_STEP;
    block = memory_alloc(HEAD_SIZE + size);
    if (block == NULL)
        return NULL;
    block->class = class;
    return memory_of(block);
}

static void give(void *memory, void *context)
{
    struct http2_thread *thread = context;
    if (memory == NULL)
        return;
    struct http2_memory_block *block = block_of(memory);
    size_t class = block->class;
    if (class == HTTP2_MEMORY_CLASSES || thread->resting_count[class] >= RESTING_MAX) {
        memory_free(block);
        return;
    }
    block->next = thread->resting[class];
    thread->resting[class] = block;
    thread->resting_count[class]++;
}

static void *take_zero(size_t count, size_t size, void *context)
{
    void *memory = take(count * size, context);
    return memory == NULL ? NULL : memset(memory, 0, count * size);
}

static void *resize(void *memory, size_t size, void *context)
{
    if (memory == NULL)
        return take(size, context);
    struct http2_memory_block *block = block_of(memory);
    size_t class = block->class;
    if (class < HTTP2_MEMORY_CLASSES && size / CLASS_STEP <= class)
        return memory;
    if (class == HTTP2_MEMORY_CLASSES && size / CLASS_STEP >= HTTP2_MEMORY_CLASSES) {
        block = memory_resize(block, HEAD_SIZE + size);
        return block == NULL ? NULL : memory_of(block);
    }
    void *other = take(size, context);
    if (other == NULL)
        return NULL;
    size_t old_size = class == HTTP2_MEMORY_CLASSES ? size : (class + 1) * CLASS_STEP;
    memcpy(other, memory, MINIMUM(size, old_size));
    give(memory, context);
    return other;
}

nghttp2_mem http2_memory_of(struct http2_thread *thread)
{
    return (nghttp2_mem){thread, take, give, take_zero, resize};
}

void http2_memory_free(struct http2_thread *thread)
{
    for (size_t class = 0; class < HTTP2_MEMORY_CLASSES; class++) {
        while (thread->resting[class] != NULL) {
            struct http2_memory_block *block = thread->resting[class];
            thread->resting[class] = block->next;
            memory_free(block);
        }
    }
}
