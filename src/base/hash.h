// Hashes for tables. Seeded from the io seam, so that an outsider cannot aim at one bucket.
#pragma once

#include "base/base.h"
#include "base/slice.h"

struct hash128 {
    uint64_t low, high;
};

uint64_t hash_bytes(struct slice slice, uint64_t seed);
struct hash128 hash_bytes_128(struct slice slice, uint64_t seed);

static inline bool hash128_equal(struct hash128 a, struct hash128 b)
{
    return a.low == b.low && a.high == b.high;
}
