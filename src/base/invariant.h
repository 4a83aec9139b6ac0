// What must hold whatever the world sends. invariant() is always on: it prints where, and what
// the dump handler knows of the work at hand, then aborts. debug_invariant() is for costly checks
// in test builds. Never use either on input from the wire, a disk or settings: that gets an error.
#pragma once

#include "base/base.h"

#define invariant(condition)                                                                       \
    (__builtin_expect(!(condition), 0) ? invariant_fail(#condition, __FILE__, __LINE__) : (void)0)

#ifdef AFLOAT_DEBUG_INVARIANTS
#define debug_invariant(condition) invariant(condition)
#else
#define debug_invariant(condition) ((void)sizeof(!(condition)))
#endif

NO_RETURN void invariant_fail(const char *condition, const char *file, int line);

// Called before the abort, to write to descriptor what was being worked on. One per process, set
// once at start; it must not allocate.
void invariant_set_dump(void (*dump)(int descriptor));
