// The real world for the campaign's programs: one loop over epoll, and an end when anything fails.
#pragma once

#include "io/epoll.h"
#include "sim/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static inline int NO_RETURN world_fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static inline void *world_grow(void *block, size_t size)
{
    void *grown = realloc(block, size);
    if (grown == NULL)
        world_fail("out of memory");
    return grown;
}

static inline struct loop *world_loop(void)
{
    static const struct loop_limits limits = {.tasks = 20000, .stack_size = 32768};
    struct epoll_world *world = epoll_world_create(0);
    struct loop *loop = world == NULL ? NULL : epoll_loop_create(world, &limits, 0, 1);
    if (loop == NULL)
        world_fail("no loop");
    return loop;
}

static inline struct address world_address(const char *text)
{
    struct address address;
    if (address_parse(slice_from_string(text), &address) != ERROR_NONE)
        world_fail("no address");
    return address;
}

static inline uint64_t world_in_ms(const struct task *task, uint64_t ms)
{
    return deadline_after_ms(task_loop(task), ms);
}
