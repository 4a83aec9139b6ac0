// Monitors that poll nobody: they wait for signs of life. Pure but for its members, which any
// thread may set. Inside of this folder.
#pragma once

#include "watch/truth/quorum.h"

#include <stdatomic.h>

enum push_state {
    PUSH_NEVER, // heard of: it may not have been set up yet
    PUSH_WELL,
    PUSH_FAILED,
    PUSH_AWAY,  // a sign may have come while nobody could hear it
};

struct push {
    _Atomic int64_t seen_ms; // the last sign, monotonic, below 0 where it was before the machine's
                             // start; AWAY: since when signs are heard again
    _Atomic enum push_state state;
    _Atomic int64_t kept_ms; // when the last was written
};

void push_see(struct push *push, bool is_well, int64_t now_ms);
// Is this sign to be written? One a second is, and whatever says something else than the last.
// Before push_see.
bool push_is_news(struct push *push, bool is_well, int64_t now_ms);
// After a restart: its last sign was age_ms ago, and nothing is heard since but from now on. Where
// the next one was not due yet, it is due as if nothing had been. Where it may have come meanwhile
// (from so long before its time as it may be late), nobody knows: it is given a whole interval
// and all its grace from now, for then the one after it must have come; until then its state is
// unknown, whatever it was. The other ways would call a job dead that did its work during a
// restart, or well that has failed.
void push_restore(struct push *push, bool is_well, int64_t age_ms, uint64_t interval_ms,
    uint64_t grace_ms, int64_t now_ms);
void push_inherit(struct push *push, const struct push *from);
// Takes what the other has heard later, or alone.
void push_catch_up(struct push *push, const struct push *from);
struct vote push_vote(const struct push *push, uint64_t interval_ms, uint64_t grace_ms,
    int64_t now_ms);
// How often it is worth a look.
uint64_t push_look_ms(uint64_t interval_ms);
