// A log-linear histogram (16 steps per doubling, so a quantile is right within 6.25 %), for
// latencies. Fixed size, no allocation. Writers on several threads may race: counts are relaxed
// atomics. Old values fade: histogram_halve is called by the owner at its own pace.
#pragma once

#include "base/base.h"

#include <stdatomic.h>

#define HISTOGRAM_BUCKETS 560

struct histogram {
    _Atomic uint32_t counts[HISTOGRAM_BUCKETS];
    _Atomic uint64_t total, sum;
};

void histogram_add(struct histogram *histogram, uint64_t value);
// The smallest bucket bound with at least quantile_permille of all values at or below; 0 if empty.
uint64_t histogram_quantile(const struct histogram *histogram, unsigned quantile_permille);
void histogram_halve(struct histogram *histogram);
