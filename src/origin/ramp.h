// How a backend that returns gets its share back: little by little.
#pragma once

#include "base/base.h"

#define RAMP_FIRST 100 // permille

// Its share in permille, 1000 once slow_start_ms are over. returned_ns 0: it was never away.
static inline unsigned ramp_permille(uint64_t returned_ns, uint64_t slow_start_ms, uint64_t now_ns)
{
    if (returned_ns == 0 || slow_start_ms == 0 || now_ns < returned_ns)
        return 1000;
    uint64_t elapsed_ms = (now_ns - returned_ns) / NS_PER_MS;
    if (elapsed_ms >= slow_start_ms)
        return 1000;
    return (unsigned)MAXIMUM(elapsed_ms * 1000 / slow_start_ms, RAMP_FIRST);
}
