// A small, fast, seeded generator (xoshiro256**). Not for secrets.
#pragma once

#include "base/base.h"

struct random {
    uint64_t state[4];
};

void random_seed(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);
// Uniform in [0, bound); bound > 0.
uint64_t random_below(struct random *random, uint64_t bound);
// True with probability numerator / denominator.
bool random_chance(struct random *random, uint64_t numerator, uint64_t denominator);
