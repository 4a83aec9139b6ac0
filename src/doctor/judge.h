// From facts to whose fault it is: pure, a table of rules in the order of the way from the visitor to
// the site. A rule explains or passes; the first that explains is the diagnosis. The order is OONI's
// Web Connectivity (ts-017): what is broken here explains everything behind it, so nothing behind it
// is blamed for it.
//
// After each step the rules are asked whether that suffices; those that could still be overruled by
// a later step do not explain before it was taken (`step` in the table).
#pragma once

#include "base/text.h"
#include "doctor/facts.h"
#include "doctor/step.h"

struct diagnosis {
    enum verdict verdict;
    const char *rule;       // its name in the table, for --explain and tests
    struct slice fault;     // one sentence that names it
    struct slice advice;    // what to do, and what not to do
    struct slice evidence[8];
    unsigned evidence_count;
    int64_t retry_at;       // Unix time; 0: nobody said
};

// taken: bits of enum step. True: that is it, no further step is needed. The texts are in the arena.
bool judge(const struct facts *facts, uint32_t taken, struct arena *arena,
    struct diagnosis *ret_diagnosis) MUST_CHECK;
// After the last step there is always one, UNKNOWN if need be.
void judge_at_last(const struct facts *facts, uint32_t taken, struct arena *arena,
    struct diagnosis *ret_diagnosis);
