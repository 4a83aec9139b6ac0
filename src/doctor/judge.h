// From facts to whose fault it is: pure, a table of rules in the order of the way from the visitor
// to the site. A rule explains or passes; the first that explains is the diagnosis. The order is
// OONI's Web Connectivity (ts-017): what is broken here explains everything behind it, so nothing
// behind it is blamed for it.
//
// A rule is only asked once the steps that could overrule it are over (its `needs`).
#pragma once

#include "base/arena.h"
#include "doctor/facts.h"
#include "doctor/step.h"

#define DIAGNOSIS_EVIDENCE_MAX 40

struct diagnosis {
    enum verdict verdict;
    const char *rule;     // its name in the table, for --explain and tests
    struct slice fault;   // one sentence that names it
    struct slice advice;  // what to do, and what not to do
    struct slice evidence[DIAGNOSIS_EVIDENCE_MAX]; // may hold strangers' bytes
    unsigned evidence_count;
    int64_t retry_at;     // Unix time; 0: nobody said
};

// taken: bits of enum step that are over. True: that is it, no further step is needed. The texts
// are in the arena; one that is full leaves texts out.
bool judge(const struct facts *facts, uint32_t taken, struct arena *arena,
    struct diagnosis *ret_diagnosis) MUST_CHECK;
// After the last step, or when time is up: there is always one, UNKNOWN if need be. Rules whose
// steps did not end are asked too.
void judge_at_last(const struct facts *facts, struct arena *arena,
    struct diagnosis *ret_diagnosis);
