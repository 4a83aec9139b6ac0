// Buckets: values below 16 one each, then 16 per power of two up to 2^38.
#include "base/histogram.h"

#define STEPS 16

static unsigned bucket_of(uint64_t value)
{
    if (value < STEPS)
        return (unsigned)value;
    unsigned exponent = 63 - (unsigned)__builtin_clzll(value);
    unsigned bucket = (exponent - 3) * STEPS + (unsigned)((value >> (exponent - 4)) & (STEPS - 1));
    return MINIMUM(bucket, HISTOGRAM_BUCKETS - 1);
}

// The largest value that falls into the bucket.
static uint64_t bucket_limit(unsigned bucket)
{
    if (bucket < STEPS)
        return bucket;
    unsigned exponent = bucket / STEPS + 3;
    uint64_t step = UINT64_C(1) << (exponent - 4);
    return (UINT64_C(1) << exponent) + (bucket % STEPS + 1) * step - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    atomic_fetch_add_explicit(&histogram->counts[bucket_of(value)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->total, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum, value, memory_order_relaxed);
}

uint64_t histogram_quantile(const struct histogram *histogram, unsigned quantile_permille)
{
    uint64_t total = 0, seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        total += atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
    if (total == 0)
        return 0;
    uint64_t wanted = (total * quantile_permille + 999) / 1000;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
        if (seen >= wanted && seen > 0)
            return bucket_limit(i);
    }
    return bucket_limit(HISTOGRAM_BUCKETS - 1);
}

void histogram_halve(struct histogram *histogram)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint32_t half = atomic_load_explicit(&histogram->counts[i], memory_order_relaxed) / 2;
        atomic_store_explicit(&histogram->counts[i], half, memory_order_relaxed);
        total += half;
    }
    atomic_store_explicit(&histogram->total, total, memory_order_relaxed);
    uint64_t sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);
    atomic_store_explicit(&histogram->sum, sum / 2, memory_order_relaxed);
}
