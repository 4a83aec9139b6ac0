// The steps of a check, one file each (steps/NAME.c), one row each in one table (step_map.h), in the
// order in which they are taken. A step looks at one thing, writes it into the facts, and fails
// nobody: what it could not find out stays unknown. It blocks its thread, never past its deadline.
#pragma once

#include "doctor/facts.h"

struct check; // options, deadlines, sockets of third parties, progress: check.h

struct step {
    const char *name;   // for --explain and --json
    const char *doing;  // "asking your resolver", for the progress line
    uint64_t most_ms;   // of this step
    bool is_remote;     // a vantage takes it too
    void (*take)(struct check *check, struct facts *facts);
};
