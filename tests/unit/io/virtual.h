// A loop without a world for tests: its clock jumps to the next timer when nothing is ready.
#pragma once

#include "failing.h"
#include "io/inside.h"

static inline void virtual_turn(struct loop *loop, uint64_t due_ns)
{
    if (due_ns != NEVER_NS)
        loop->now_ns = MAXIMUM(loop->now_ns, due_ns);
}

static inline void virtual_interrupt(struct loop *loop)
{
    (void)loop;
}

static const struct io_operations virtual_operations = {
    .turn = virtual_turn, .interrupt = virtual_interrupt};

static inline void virtual_init(struct loop *loop, uint64_t tasks)
{
    struct loop_limits limits = {.tasks = tasks, .stack_size = 64 * 1024};
    loop_init(loop, &virtual_operations, &limits, 0, 1, 1);
    loop->now_ns = 5000 * NS_PER_SECOND;
}

// Until nothing can happen any more.
static inline void virtual_run(struct loop *loop)
{
    for (;;) {
        while (loop_step(loop))
            ;
        uint64_t due_ns = loop_next_due_ns(loop);
        if (due_ns == NEVER_NS)
            return;
        virtual_turn(loop, due_ns);
    }
}
