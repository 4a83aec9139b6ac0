// malloc with a countdown to failure for tests.
#include "base/memory.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_SIZE 1024

static _Thread_local uint64_t fail_countdown;
static _Thread_local uint64_t failures;

static bool memory_should_fail(void)
{
    if (__builtin_expect(fail_countdown == 0, 1))
        return false;
    if (--fail_countdown > 0)
        return false;
    failures++;
    return true;
}

void *memory_alloc(size_t size)
{
    return memory_should_fail() ? NULL : malloc(size);
}

// For small blocks glibc's calloc passes by the cache that malloc and free have in each thread.
void *memory_zero_alloc(size_t size)
{
    if (memory_should_fail())
        return NULL;
    if (size > SMALL_SIZE)
        return calloc(1, size);
    void *memory = malloc(size);
    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

void *memory_resize(void *memory, size_t size)
{
    return memory_should_fail() ? NULL : realloc(memory, size);
}

void memory_free(void *memory)
{
    free(memory);
}

void memory_return(void)
{
    malloc_trim(0);
}

void memory_fail_after(uint64_t countdown)
{
    fail_countdown = countdown == 0 ? 0 : countdown + 1;
}

uint64_t memory_failures(void)
{
    return failures;
}
