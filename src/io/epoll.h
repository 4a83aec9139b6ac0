// The real world through epoll: works on every kernel since 3.9.
#pragma once

#include "io/io.h"

struct epoll_world; // what the loops of a process share: resolver configuration, helper threads

// helper_threads run io_blocking work. NULL when out of memory or descriptors.
struct epoll_world *epoll_world_create(unsigned helper_threads) MUST_CHECK;
void epoll_world_destroy(struct epoll_world *world); // after its loops
// A loop to be run by one thread, which becomes its owner.
struct loop *epoll_loop_create(struct epoll_world *world, const struct loop_limits *limits,
    unsigned index, unsigned count) MUST_CHECK;
void epoll_loop_destroy(struct loop *loop);
