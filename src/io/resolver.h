// Names to addresses through c-ares: one channel per loop, made when it is first needed.
#pragma once

#include "io/io.h"

#include <ares.h>

#define RESOLVER_SERVERS_MAX 8

struct resolver_servers {
    struct address servers[RESOLVER_SERVERS_MAX];
    size_t count; // 0: those of the system
};

struct resolver {
    struct loop *loop;
    const struct resolver_servers *servers;
    int epoll;            // holds c-ares's own descriptors; readable when one of them is
    ares_channel channel; // NULL until the first query
    uint64_t opened_ns;
    uint64_t queries;     // questions under way, those included that nobody waits for any more
    struct timer timer;
};

// ERROR_LIMIT when there is no descriptor.
enum error resolver_init(struct resolver *resolver, struct loop *loop,
    const struct resolver_servers *servers) MUST_CHECK;
void resolver_destroy(struct resolver *resolver); // nobody may be waiting
void resolver_turn(struct resolver *resolver);    // its epoll descriptor is readable
// RESOLVE when the name has no address or the servers do not answer; TIMEOUT, CANCELLED, LIMIT,
// MEMORY.
enum error resolver_ask(struct task *task, struct resolver *resolver, struct slice host,
    uint16_t port, uint64_t deadline_ns, struct io_names *ret_names) MUST_CHECK;
