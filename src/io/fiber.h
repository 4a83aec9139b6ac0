// A stack of its own for straight code that can stop in the middle: what is under a task. The
// switch is Boost.Context's assembly; around it the sanitizers are told which stack runs.
#pragma once

#include "base/base.h"

// First member of its owner, which stands at the top of the stack it describes.
struct fiber {
    void *context; // where to go on: of the fiber while it is out, of its resumer while it is in
    void (*main)(struct fiber *fiber);
    char *mapping; // guard page, stack, owner
    size_t mapping_size;
#ifdef BASE_ADDRESS_SANITIZER
    void *fake_stack;
    const void *outer_stack;
    size_t outer_size;
#endif
#ifdef BASE_THREAD_SANITIZER
    void *state, *outer_state;
#endif
};

// Maps a stack with a guard page below it and an owner of owner_size bytes, zeroed, at its top.
// main starts at the first fiber_enter. NULL when the kernel gives no mapping.
struct fiber *fiber_create(size_t stack_size, size_t owner_size,
    void (*main)(struct fiber *fiber)) MUST_CHECK;
// Goes on with the fiber, until it leaves or main returns. Always from the same thread.
void fiber_enter(struct fiber *fiber);
void fiber_leave(struct fiber *fiber); // from inside
void fiber_destroy(struct fiber *fiber); // after main returned
