// Whether more come to a gate than can ever be let in. A queue that stands says nothing of that:
// what an outage has left behind stands for a while even before an origin that has room for all of
// it, and whoever waited longest must be let in first then, or is told an error for nothing. Only
// when for 3 s there was somebody again and again whose time was over, although others were let in,
// some will go away with nothing in any case; as long as that lasts, the newest should go first.
//
// (CoDel, RFC 8289, turns on the wait alone, and would give up a seventh of those who wait where a
// quarter more could be done than is asked for: nobody here is to be dropped who can be saved.)
//
// Rules only: time is handed in, the caller locks.
#pragma once

#include "base/base.h"

#define SURPLUS_PROOF_NS (3 * NS_PER_SECOND)
#define SURPLUS_QUIET_NS (2 * NS_PER_SECOND) // that long nobody's time was over: it is no more so

struct surplus {
    uint64_t first_ns, last_ns; // of the times that were over, one soon after the other; 0: none
};

// Somebody's time was over while others were let in.
void surplus_note(struct surplus *surplus, uint64_t now_ns);
bool surplus_is_certain(const struct surplus *surplus, uint64_t now_ns);
