// Monitors that poll nobody: they wait for signs of life. Pure but for the two members, which any
// thread may set. Inside of this folder.
#pragma once

#include "watch/truth/quorum.h"

#include <stdatomic.h>

struct push {
    _Atomic uint64_t seen_ms; // the last sign; 0: none yet
    atomic_bool is_well;      // what it said
};

void push_see(struct push *push, bool is_well, uint64_t now_ms);
// Before the first sign nobody knows: it may not have been set up yet.
struct vote push_vote(const struct push *push, uint64_t interval_ms, uint64_t grace_ms,
    uint64_t now_ms);
// How often it is worth a look.
uint64_t push_look_ms(uint64_t interval_ms);
