// When it is time to ask another backend beside one that is slow (Dean and Barroso, "The Tail at
// Scale": after the 95th percentile of what is expected).
//
// A backend's own p95 is the wrong measure when the backend itself is what is wrong: of one that
// stalls on one request in five it is the stall, and nobody would ever be asked in its place. So
// the quickest other backend's p95 is what is expected, but no less than three times what half of
// this one's answers take, lest a backend that is always slower lose all it is asked.
#include "origin/plan.h"

#define MEDIAN_TIMES 3

static bool is_well(const struct backend *backend)
{
    return atomic_load_explicit(&backend->health.healthy, memory_order_relaxed)
        && !outlier_is_aside(&backend->outlier);
}

// The least p95 of backends that are well and not in the set; 0: of none it is known.
static uint64_t quickest_other_ms(const struct origin_plan *plan, uint64_t tried, bool *ret_any)
{
    uint64_t quickest_ms = 0;
    *ret_any = false;
    for (size_t i = 0; i < plan->backend_count; i++) {
        if ((tried >> i & 1) != 0 || !is_well(plan->backends[i]))
            continue;
        *ret_any = true;
        uint64_t p95_ms = backend_quantile_ms(plan->backends[i], 950);
        if (p95_ms != 0 && (quickest_ms == 0 || p95_ms < quickest_ms))
            quickest_ms = p95_ms;
    }
    return quickest_ms;
}

static uint64_t patience_ms(const struct backend *backend, uint64_t quickest_ms)
{
    uint64_t own_ms = backend_quantile_ms(backend, 950);
    if (own_ms == 0)
        return MEDIAN_TIMES * quickest_ms;
    if (quickest_ms == 0)
        return own_ms;
    uint64_t usual_ms = MEDIAN_TIMES * backend_quantile_ms(backend, 500);
    return MINIMUM(own_ms, MAXIMUM(quickest_ms, usual_ms));
}

uint64_t origin_patience_ms(struct origin *origin, size_t backend, uint64_t tried,
    bool *ret_has_other)
{
    struct origin_plan *plan = origin_plan_acquire(origin);
    uint64_t ms = 0, quickest_ms = quickest_other_ms(plan, tried, ret_has_other);
    if (backend < plan->backend_count) // a reload may have left fewer
        ms = patience_ms(plan->backends[backend], quickest_ms);
    origin_plan_release(plan);
    return ms;
}
