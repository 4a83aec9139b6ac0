// The addresses of a backend: asked for again and again, and the last good answer kept. Shared by
// all loops under a lock of its own; callers copy out. A numeric host is never asked for.
//
// One that failed is avoided for a while: tried after all others, and connections to it are not
// used again. Addresses that an answer leaves out drain: connections to them are not used again
// either, as soon as one of those that the answer names was connected to.
#pragma once

#include "io/io.h"

#define ADDRESSES_AVOID_NS (30 * NS_PER_SECOND)

struct addresses {
    struct lock lock;
    struct slice host; // the owner's
    uint16_t port;
    bool is_numeric;
    struct known_address {
        struct address address;
        uint64_t avoided_until_ns;
    } items[IO_ADDRESSES_MAX];
    size_t count, preferred; // preferred: the last one that worked, or beyond the last
    bool moving;             // some were left out, and nobody has connected to the rest since
    atomic_bool asking;      // somebody asks again
    atomic_bool doubted;     // no connection could be had with them, and nobody has asked since
    _Atomic uint64_t asked_ns;
    _Atomic uint64_t lifetime_ms; // that the last answer had
    _Atomic uint64_t version;     // moves on when some are avoided, or drain
};

void addresses_init(struct addresses *addresses, struct slice host, uint16_t port);
void addresses_destroy(struct addresses *addresses);
// Fills ret_items, the preferred one first, those to be avoided last; returns how many are known.
size_t addresses_copy(struct addresses *addresses, uint64_t now_ns,
    struct address ret_items[IO_ADDRESSES_MAX]);
// A connection to this one succeeded.
void addresses_prefer(struct addresses *addresses, const struct address *address);
// This one did not, or did not do what it was asked to. True if another one takes its place.
bool addresses_avoid(struct addresses *addresses, const struct address *address, uint64_t now_ns);
// None of them could be connected to.
void addresses_doubt(struct addresses *addresses);
bool addresses_are_doubted(const struct addresses *addresses);
bool addresses_are_moving(struct addresses *addresses);
// May a connection to it be used again? *seen: the version at which that was last found out.
bool addresses_still_want(struct addresses *addresses, const struct address *address,
    uint64_t now_ns, uint64_t *seen);
// Asks for the name. On failure what is known stays; so do the addresses of a family of which
// nothing could be learned. An empty answer is a failure: RESOLVE.
enum error addresses_ask(struct task *task, struct addresses *addresses, uint64_t deadline_ns)
    MUST_CHECK;
// The same unless somebody else is just asking, or did less than a second ago: BUSY then.
enum error addresses_ask_again(struct task *task, struct addresses *addresses, uint64_t deadline_ns)
    MUST_CHECK;
