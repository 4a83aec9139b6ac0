// The mutation check: each lifeline has scenarios that prove it, which pass with it and fail when
// it is switched off. A scenario that passes either way tests something else.
#pragma once

#include "sim/run.h"

bool sim_is_lifeline(const char *name); // as in the settings
// Prints what it finds; true if all is as it should be: with the lifeline off, each of its
// scenarios fails with one of the seeds at least, and there is one for every lifeline.
bool sim_mutations_run(const struct sim_group *const *groups, size_t group_count, uint64_t seed,
    uint64_t seeds);
