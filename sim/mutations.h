// The mutation check: each lifeline, and whatever else keeps a promise by itself, has scenarios
// that prove it, which pass with it and fail when it is switched off. A scenario that passes either
// way tests something else.
#pragma once

#include "sim/run.h"

// Prints what it finds; true if all is as it should be: with what it proves switched off, each
// scenario fails with one of the seeds at least, and there is one for everything in switches.h.
bool sim_mutations_run(const struct sim_group *const *groups, size_t group_count, uint64_t seed,
    uint64_t seeds);
