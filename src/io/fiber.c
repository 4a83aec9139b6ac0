// Stacks and the switch between them.
#include "io/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#ifdef BASE_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#ifdef BASE_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

#define OWNER_ALIGNMENT ((uintptr_t)64)

// Boost.Context's own header is C++.
struct transfer {
    void *from; // context of whoever jumped here
    void *data;
};
struct transfer jump_fcontext(void *to, void *data);
void *make_fcontext(void *stack_top, size_t size, void (*enter)(struct transfer transfer));

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

// After a switch into the fiber, on its stack.
static void arrived_inside(struct fiber *fiber)
{
#ifdef BASE_ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(fiber->fake_stack, &fiber->outer_stack, &fiber->outer_size);
#else
    (void)fiber;
#endif
}

static void leave(struct fiber *fiber, bool for_ever)
{
#ifdef BASE_ADDRESS_SANITIZER
    __sanitizer_start_switch_fiber(for_ever ? NULL : &fiber->fake_stack, fiber->outer_stack,
        fiber->outer_size);
#else
    (void)for_ever;
#endif
#ifdef BASE_THREAD_SANITIZER
    __tsan_switch_to_fiber(fiber->outer_state, 0);
#endif
    fiber->context = jump_fcontext(fiber->context, NULL).from;
    arrived_inside(fiber);
}

static void enter_first(struct transfer transfer)
{
    struct fiber *fiber = transfer.data;
    fiber->context = transfer.from;
    arrived_inside(fiber);
    fiber->main(fiber);
    leave(fiber, true);
    __builtin_unreachable();
}

struct fiber *fiber_create(size_t stack_size, size_t owner_size, void (*main)(struct fiber *fiber))
{
    size_t page = page_size();
    size_t mapping_size = page + (stack_size + page - 1) / page * page;
    char *mapping = mmap(NULL, mapping_size, PROT_NONE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED)
        return NULL;
    if (mprotect(mapping + page, mapping_size - page, PROT_READ | PROT_WRITE) != 0) {
        munmap(mapping, mapping_size);
        return NULL;
    }
    char *owner = mapping + mapping_size - owner_size;
    owner -= (uintptr_t)owner % OWNER_ALIGNMENT;
    struct fiber *fiber = (struct fiber *)(void *)owner;
    fiber->main = main;
    fiber->mapping = mapping;
    fiber->mapping_size = mapping_size;
    fiber->context = make_fcontext(owner, (size_t)(owner - mapping) - page, enter_first);
#ifdef BASE_ADDRESS_SANITIZER
    __lsan_register_root_region(mapping + page, mapping_size - page);
#endif
#ifdef BASE_THREAD_SANITIZER
    fiber->state = __tsan_create_fiber(0);
#endif
    return fiber;
}

void fiber_enter(struct fiber *fiber)
{
#ifdef BASE_ADDRESS_SANITIZER
    void *fake_stack;
    char *bottom = fiber->mapping + page_size();
    __sanitizer_start_switch_fiber(&fake_stack, bottom, (size_t)((char *)fiber - bottom));
#endif
#ifdef BASE_THREAD_SANITIZER
    fiber->outer_state = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber->state, 0);
#endif
    fiber->context = jump_fcontext(fiber->context, fiber).from;
#ifdef BASE_ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(fake_stack, NULL, NULL);
#endif
}

void fiber_leave(struct fiber *fiber)
{
    leave(fiber, false);
}

void fiber_destroy(struct fiber *fiber)
{
    char *mapping = fiber->mapping;
    size_t mapping_size = fiber->mapping_size;
#ifdef BASE_ADDRESS_SANITIZER
    __lsan_unregister_root_region(mapping + page_size(), mapping_size - page_size());
    __asan_unpoison_memory_region(mapping + page_size(), mapping_size - page_size());
#endif
#ifdef BASE_THREAD_SANITIZER
    __tsan_destroy_fiber(fiber->state);
#endif
    munmap(mapping, mapping_size);
}
