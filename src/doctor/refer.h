// Where a reference that an answer has (Location, a link) leads, seen from what was asked for.
#pragma once

#include "doctor/check.h"

// False: to what is no URL of http or https, or the arena is full. Texts are in the arena.
bool target_refer(const struct target *base, struct slice reference, struct arena *arena,
    struct target *ret_target) MUST_CHECK;
