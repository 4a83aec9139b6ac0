// The backends of an origin beside each other: which of them answers so much worse than the others
// that it is set aside (outlier.h). Never more than half of them, nor the only one that is well;
// and not where each has pages of its own (balance: hash), whose fault it may be.
#pragma once

#include "origin/plan.h"

// Does the plan want it at all?
bool siblings_compare(const struct origin_plan *plan);
// An answer of the backend failed, or one came after that time.
void siblings_note_failure(struct origin *origin, const struct origin_plan *plan,
    struct backend *backend, struct health_time time);
void siblings_note_answer(struct origin *origin, const struct origin_plan *plan,
    struct backend *backend, uint64_t took_ns, struct health_time time);
// From when on it is slow, since it was begun; NEVER_NS: nobody knows, or wants to.
uint64_t siblings_slow_ns(const struct origin_plan *plan, const struct backend *backend);
// One was called off after that time, which says something only if it was slow already: what was
// overtaken may have been about to come (overtaken.h).
void siblings_note_called_off(struct origin *origin, const struct origin_plan *plan,
    struct backend *backend, uint64_t took_ns, struct health_time time);
