// Stacks are kept from one seed to the next: the kernel took a third of a run's time to give and
// take them, with a thousand worlds a minute. The doors stand before the calls of io/fiber.c.
#include "base/base.h"

#include <string.h>
#include <sys/mman.h>

#define SIZES_MOST 4
#define KEPT_MOST 16384
#define OWNER_MOST 4096 // at a stack's top, which its next owner wants zeroed

void *__real_mmap(void *place, size_t size, int protection, int flags, int file, off_t offset);
void *__wrap_mmap(void *place, size_t size, int protection, int flags, int file, off_t offset);
int __real_munmap(void *mapping, size_t size);
int __wrap_munmap(void *mapping, size_t size);

static struct stacks { // of one size: edges have one, the actors outside another
    size_t size, count;
    char *mappings[KEPT_MOST];
} kept[SIZES_MOST];

static struct stacks *stacks_of(size_t size)
{
    for (struct stacks *stacks = kept; stacks < kept + SIZES_MOST; stacks++) {
        if (stacks->size == size || stacks->size == 0) {
            stacks->size = size;
            return stacks;
        }
    }
    return NULL;
}

void *__wrap_mmap(void *place, size_t size, int protection, int flags, int file, off_t offset)
{
    struct stacks *stacks = stacks_of(size);
    if (stacks == NULL || stacks->count == 0)
        return __real_mmap(place, size, protection, flags, file, offset);
    char *mapping = stacks->mappings[--stacks->count];
    memset(mapping + size - OWNER_MOST, 0, OWNER_MOST);
    return mapping;
}

int __wrap_munmap(void *mapping, size_t size)
{
    struct stacks *stacks = stacks_of(size);
    if (stacks == NULL || stacks->count == KEPT_MOST)
        return __real_munmap(mapping, size);
    stacks->mappings[stacks->count++] = mapping;
    return 0;
}
