// The addresses of a backend: asked for again and again, and the last good answer kept. Shared by
// all loops under a lock of its own; callers copy out. A numeric host is never asked for.
#pragma once

#include "io/io.h"

struct addresses {
    struct lock lock;
    struct slice host; // the owner's
    uint16_t port;
    bool is_numeric;
    struct address items[IO_ADDRESSES_MAX];
    size_t count, preferred; // preferred: the last one that worked
    atomic_bool asking;      // somebody asks again
    atomic_bool doubted;     // no connection could be had with them, and nobody has asked since
    _Atomic uint64_t asked_ns;
};

void addresses_init(struct addresses *addresses, struct slice host, uint16_t port);
void addresses_destroy(struct addresses *addresses);
// Fills ret_items, the preferred one first; returns how many are known.
size_t addresses_copy(struct addresses *addresses, struct address ret_items[IO_ADDRESSES_MAX]);
// A connection to this one succeeded.
void addresses_prefer(struct addresses *addresses, const struct address *address);
// None of them could be connected to.
void addresses_doubt(struct addresses *addresses);
bool addresses_are_doubted(const struct addresses *addresses);
// Asks for the name. On failure what is known stays. An empty answer is a failure: RESOLVE.
enum error addresses_ask(struct task *task, struct addresses *addresses, uint64_t deadline_ns)
    MUST_CHECK;
// The same unless somebody else is just asking, or did less than a second ago: BUSY then.
enum error addresses_ask_again(struct task *task, struct addresses *addresses, uint64_t deadline_ns)
    MUST_CHECK;
