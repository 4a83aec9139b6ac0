// See siblings.h. Each bad answer leads to a comparison, a good one only counts.
#include "origin/siblings.h"
#include "base/log.h"

#include <stdlib.h>

#define SLOW_LEAST_MS 250 // what is quicker is slow to nobody

static bool is_well(const struct backend *backend)
{
    return atomic_load_explicit(&backend->health.healthy, memory_order_relaxed)
        && !outlier_is_aside(&backend->outlier);
}

bool siblings_compare(const struct origin_plan *plan)
{
    return plan->settings.outliers.enabled && plan->backend_count > 1
        && plan->settings.balance != BALANCE_HASH;
}

// --- What is slow ---

static int compare_numbers(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

// The p95 of the others that are well, the median of it; 0: of none it is known.
static uint64_t usual_p95_ms(const struct origin_plan *plan, const struct backend *backend)
{
    uint64_t known[ORIGIN_BACKENDS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < plan->backend_count; i++) {
        if (plan->backends[i] == backend || !is_well(plan->backends[i]))
            continue;
        known[count] = backend_quantile_ms(plan->backends[i], 950);
        count += known[count] != 0;
    }
    qsort(known, count, sizeof(known[0]), compare_numbers);
    return count == 0 ? 0 : known[(count - 1) / 2];
}

uint64_t siblings_slow_ns(const struct origin_plan *plan, const struct backend *backend)
{
    uint64_t times = plan->settings.outliers.slow;
    uint64_t usual_ms = times == 0 || !siblings_compare(plan) ? 0 : usual_p95_ms(plan, backend);
    return usual_ms == 0 ? NEVER_NS : MAXIMUM(times * usual_ms, SLOW_LEAST_MS) * NS_PER_MS;
}

// --- Who is worse ---

static int compare_shares(const void *left, const void *right)
{
    const struct outlier_counts *a = left, *b = right;
    uint64_t of_a = (a->failed + a->slow) * b->answers, of_b = (b->failed + b->slow) * a->answers;
    return (of_a > of_b) - (of_a < of_b);
}

// The better half of the others, so that two bad ones do not excuse each other.
static struct outlier_counts better_half(const struct origin_plan *plan,
    const struct backend *backend, uint64_t now_ns)
{
    struct outlier_counts each[ORIGIN_BACKENDS_MAX], sum = {0};
    size_t count = 0;
    for (size_t i = 0; i < plan->backend_count; i++) {
        if (plan->backends[i] == backend || outlier_is_aside(&plan->backends[i]->outlier))
            continue;
        each[count] = outlier_count(&plan->backends[i]->outlier, now_ns);
        count += each[count].answers != 0;
    }
    qsort(each, count, sizeof(each[0]), compare_shares);
    for (size_t i = 0; i < (count + 1) / 2; i++) {
        sum.answers += each[i].answers;
        sum.failed += each[i].failed;
        sum.slow += each[i].slow;
    }
    return sum;
}

static bool can_be_spared(const struct origin_plan *plan, const struct backend *backend)
{
    size_t left = 0;
    for (size_t i = 0; i < plan->backend_count; i++)
        left += plan->backends[i] != backend && is_well(plan->backends[i]);
    return 2 * left >= plan->backend_count;
}

static void compare(struct origin *origin, const struct origin_plan *plan, struct backend *backend,
    struct health_time time)
{
    const struct outlier_settings *settings = &plan->settings.outliers;
    if (!is_well(backend) || !can_be_spared(plan, backend))
        return;
    struct outlier_counts own = outlier_count(&backend->outlier, time.now_ns);
    struct outlier_counts others = better_half(plan, backend, time.now_ns);
    if (!outlier_differs(&own, &others, settings->share_percent)
        || !outlier_set_aside(&backend->outlier, &own, &others, settings->pause_ms * NS_PER_MS,
            time))
        return;
    char why[128] = "";
    int64_t ignored;
    count_one(&origin->counters.outliers);
    outlier_read(&backend->outlier, why, sizeof(why), &ignored);
    log_write(LOG_WARNING, "origin", "set aside, for it answers worse than the others origin=%.*s "
        "backend=%s why=\"%s\"", SLICE_ARGS(origin->name), backend->name, why);
}

static void note(struct origin *origin, const struct origin_plan *plan, struct backend *backend,
    enum outlier_answer answer, struct health_time time)
{
    if (outlier_note(&backend->outlier, answer, time))
        log_write(LOG_INFO, "origin", "answers like the others again origin=%.*s backend=%s",
            SLICE_ARGS(origin->name), backend->name);
    else if (answer != OUTLIER_GOOD)
        compare(origin, plan, backend, time);
}

void siblings_note_failure(struct origin *origin, const struct origin_plan *plan,
    struct backend *backend, struct health_time time)
{
    if (siblings_compare(plan))
        note(origin, plan, backend, OUTLIER_FAILED, time);
}

void siblings_note_answer(struct origin *origin, const struct origin_plan *plan,
    struct backend *backend, uint64_t took_ns, struct health_time time)
{
    if (!siblings_compare(plan))
        return;
    bool slow = took_ns >= SLOW_LEAST_MS * NS_PER_MS && took_ns >= siblings_slow_ns(plan, backend);
    note(origin, plan, backend, slow ? OUTLIER_SLOW : OUTLIER_GOOD, time);
}

void siblings_note_called_off(struct origin *origin, const struct origin_plan *plan,
    struct backend *backend, uint64_t took_ns, struct health_time time)
{
    if (took_ns >= siblings_slow_ns(plan, backend))
        note(origin, plan, backend, OUTLIER_SLOW, time);
}
