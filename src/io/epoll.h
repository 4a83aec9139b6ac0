// The real world through epoll: works on every kernel since 3.9.
#pragma once

#include "io/io.h"

struct epoll_world; // what the loops of a process share: resolver configuration, helper threads

// helper_threads run io_blocking work, and each may have 64 pieces of it waiting; beyond that, and
// without threads, io_blocking is ERROR_LIMIT. NULL when out of memory or threads.
struct epoll_world *epoll_world_create(unsigned helper_threads) MUST_CHECK;
void epoll_world_destroy(struct epoll_world *world); // after its loops
#define EPOLL_RESOLVERS_MAX 8
// Name servers (IPv4 or IPv6) instead of those of /etc/resolv.conf (which is read anew now and
// then).
// Before the loops run.
enum error epoll_world_set_resolvers(struct epoll_world *world, const struct address *servers,
    size_t count) MUST_CHECK;
// A loop to be run by one thread, which becomes its owner. NULL when out of memory or
// descriptors.
struct loop *epoll_loop_create(struct epoll_world *world, const struct loop_limits *limits,
    unsigned index, unsigned count) MUST_CHECK;
void epoll_loop_destroy(struct loop *loop);
