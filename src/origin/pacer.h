// How many requests at once an origin gets that is coming back: few at first, one more with each
// answer in good time (so twice as many each round), and from the first late or failed one on as
// TCP does: one more each round, fewer at once when it struggles (RFC 5681 section 3.1). "Late" is
// measured by what was normal before, or by the fastest answer seen since.
//
// Rules only: time is handed in, the caller locks.
#pragma once

#include "base/base.h"

struct pacer {
    uint64_t limit_milli;   // thousandths of a request
    uint64_t normal_ns;     // time to an answer in better days; 0: not known
    uint64_t fastest_ns;    // since it came back; 0: no answer yet
    uint64_t next_cut_ns;   // one cut a round
    unsigned inside;
    bool starting;          // nothing was late yet
};

enum pacer_verdict { PACER_GOOD, PACER_FAILED, PACER_UNKNOWN };

void pacer_begin(struct pacer *pacer, uint64_t normal_ns);
static inline bool pacer_has_room(const struct pacer *pacer)
{
    return (uint64_t)pacer->inside * 1000 + 1000 <= pacer->limit_milli;
}
static inline void pacer_enter(struct pacer *pacer)
{
    pacer->inside++;
}
// took_ns: from entering to the answer's head.
void pacer_leave(struct pacer *pacer, enum pacer_verdict verdict, uint64_t took_ns,
    uint64_t now_ns);
