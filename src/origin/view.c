// Looking at an origin from outside: its backends, whether it is down, budgets and counts.
#include "base/invariant.h"
#include "origin/plan.h"

#define TRIAL_NS NS_PER_SECOND
#define ANSWERS_KNOWN 20 // fewer say nothing about a p95
#define HEDGES_FLOOR 1   // in 10 s, so that a quiet site has one too

struct slice origin_name(const struct origin *origin)
{
    return origin->name;
}

size_t origin_backend_count(struct origin *origin)
{
    struct origin_plan *plan = origin_plan_acquire(origin);
    size_t count = plan->backend_count;
    origin_plan_release(plan);
    return count;
}

struct retry_settings origin_retry(struct origin *origin)
{
    struct origin_plan *plan = origin_plan_acquire(origin);
    struct retry_settings retry = plan->settings.retry;
    origin_plan_release(plan);
    return retry;
}

struct timeout_settings origin_timeouts(struct origin *origin)
{
    struct origin_plan *plan = origin_plan_acquire(origin);
    struct timeout_settings timeouts = plan->settings.timeouts;
    origin_plan_release(plan);
    return timeouts;
}

size_t origin_read_backends(struct origin *origin, struct backend_view *ret_views, size_t capacity)
{
    struct origin_plan *plan = origin_plan_acquire(origin);
    size_t count = plan->backend_count;
    for (size_t i = 0; i < MINIMUM(count, capacity); i++)
        backend_read(plan->backends[i], &ret_views[i]);
    origin_plan_release(plan);
    return count;
}

static void summarize_backend(struct backend *backend, struct origin_summary *summary)
{
    struct health_view health;
    health_read(&backend->health, &health);
    uint64_t answered_ns =
        atomic_load_explicit(&backend->health.success_asked_ns, memory_order_relaxed);
    summary->answered_ns = MAXIMUM(summary->answered_ns, answered_ns);
    summary->is_probed = summary->is_probed || health.probed;
    if (!health.healthy)
        return;
    if (summary->healthy == 0 || health.since_ms < summary->healthy_since_ms)
        summary->healthy_since_ms = health.since_ms;
    summary->healthy++;
}

void origin_summarize(struct origin *origin, struct origin_summary *ret_summary)
{
    struct origin_plan *plan = origin_plan_acquire(origin);
    *ret_summary = (struct origin_summary){.backends = plan->backend_count};
    for (size_t i = 0; i < plan->backend_count; i++)
        summarize_backend(plan->backends[i], ret_summary);
    origin_plan_release(plan);
}

bool origin_is_down(struct origin *origin, int64_t *ret_since_ms)
{
    struct origin_plan *plan = origin_plan_acquire(origin);
    bool down = true;
    int64_t since_ms = 0;
    for (size_t i = 0; i < plan->backend_count && down; i++) {
        struct health_view health;
        down = !atomic_load_explicit(&plan->backends[i]->health.healthy, memory_order_relaxed);
        if (!down)
            break;
        health_read(&plan->backends[i]->health, &health);
        down = !health.healthy;
        since_ms = MAXIMUM(since_ms, health.since_ms);
    }
    origin_plan_release(plan);
    if (down)
        *ret_since_ms = since_ms;
    return down;
}

uint64_t origin_failures(struct origin *origin)
{
    struct origin_plan *plan = origin_plan_acquire(origin);
    uint64_t all = 0, own = 1;
    for (size_t i = 0; i < plan->backend_count && own > 0; i++) {
        own = health_failures(&plan->backends[i]->health);
        all += own;
    }
    origin_plan_release(plan);
    return own == 0 ? 0 : all;
}

bool origin_is_failing(struct origin *origin)
{
    return origin_failures(origin) > 0;
}

bool origin_has_mended_since(struct origin *origin, uint64_t since_ns)
{
    return since_ns < atomic_load_explicit(&origin->mended_ns, memory_order_relaxed);
}

bool origin_has_answered_since(struct origin *origin, uint64_t since_ns)
{
    struct origin_plan *plan = origin_plan_acquire(origin);
    bool has_answered = false;
    for (size_t i = 0; i < plan->backend_count && !has_answered; i++)
        has_answered = since_ns < atomic_load_explicit(
            &plan->backends[i]->health.success_asked_ns, memory_order_relaxed);
    origin_plan_release(plan);
    return has_answered;
}

uint64_t origin_last_failure_ns(struct origin *origin)
{
    struct origin_plan *plan = origin_plan_acquire(origin);
    uint64_t last_ns = 0;
    for (size_t i = 0; i < plan->backend_count; i++) {
        uint64_t own_ns = atomic_load_explicit(&plan->backends[i]->health.last_failure_ns,
            memory_order_relaxed);
        last_ns = MAXIMUM(last_ns, own_ns);
    }
    origin_plan_release(plan);
    return last_ns;
}

bool origin_says_maintenance(struct origin *origin, uint64_t over_ns, uint64_t now_ns)
{
    return absence_is_certain(&origin->absence, over_ns, now_ns);
}

uint64_t origin_room(void *argument, uint64_t now_ns)
{
    struct origin_plan *plan = origin_plan_acquire(argument);
    uint64_t of_all = 0, of_healthy = 0;
    bool has_healthy = false;
    for (size_t i = 0; i < plan->backend_count; i++) {
        struct backend *backend = plan->backends[i];
        bool is_healthy = atomic_load_explicit(&backend->health.healthy, memory_order_relaxed);
        uint64_t room = limit_room(&backend->limit, plan->limits.most);
        if (room == 0)
            limit_refuse(&backend->limit, &plan->limits, now_ns);
        of_all += room;
        of_healthy += is_healthy ? room : 0;
        has_healthy = has_healthy || is_healthy;
    }
    origin_plan_release(plan);
    return has_healthy ? of_healthy : of_all;
}

struct gate *origin_gate(struct origin *origin)
{
    return &origin->gate;
}

static uint64_t p95_ms(const struct histogram *times_us)
{
    if (atomic_load_explicit(&times_us->total, memory_order_relaxed) < ANSWERS_KNOWN)
        return 0;
    return MAXIMUM(histogram_quantile(times_us, 950) / 1000, 1);
}

uint64_t origin_p95_ms(struct origin *origin)
{
    return p95_ms(&origin->first_byte_us);
}

void origin_note_whole(struct origin *origin, enum http_content_class class, uint64_t took_ns)
{
    histogram_add(&origin->whole_us[class], took_ns / 1000);
}

uint64_t origin_whole_p95_ms(struct origin *origin, enum http_content_class class)
{
    return p95_ms(&origin->whole_us[class]);
}

void origin_budget_count(struct origin *origin, uint64_t now_ns)
{
    count_one(&origin->counters.requests);
    budget_count(&origin->budget, now_ns);
    budget_count(&origin->hedges, now_ns);
}

// One whose last answer was good, and who has room for another request.
static bool has_well(const struct origin_plan *plan, uint64_t tried)
{
    for (size_t i = 0; i < plan->backend_count; i++) {
        struct backend *backend = plan->backends[i];
        if ((tried >> i & 1) == 0
            && atomic_load_explicit(&backend->health.healthy, memory_order_relaxed)
            && !outlier_is_aside(&backend->outlier)
            && atomic_load_explicit(&backend->health.last_success_ns, memory_order_relaxed) != 0
            && health_failures(&backend->health) == 0
            && limit_has_room(&backend->limit, plan->limits.most))
            return true;
    }
    return false;
}

static bool take_rescue(struct origin *origin, const struct origin_plan *plan, uint64_t tried,
    uint64_t now_ns)
{
    bool granted = has_well(plan, tried)
        && budget_take(&origin->rescues, 0, plan->settings.retry.rescues, now_ns);
    if (granted)
        count_one(&origin->counters.rescues);
    return granted;
}

bool origin_budget_take_rescue(struct origin *origin, uint64_t tried, uint64_t now_ns)
{
    struct origin_plan *plan = origin_plan_acquire(origin);
    const struct retry_settings *retry = &plan->settings.retry;
    uint64_t withheld =
        throttle_withheld_permille(&origin->throttle, origin_plan_window_ns(plan), now_ns);
    bool granted = budget_take(&origin->budget, retry->budget_percent * (1000 - withheld) / 100,
        retry->budget_floor, now_ns) || take_rescue(origin, plan, tried, now_ns);
    count_one(granted ? &origin->counters.extra_attempts : &origin->counters.budget_refusals);
    if (!granted && withheld > 0)
        count_one(&origin->counters.throttled);
    origin_plan_release(plan);
    return granted;
}

bool origin_budget_take(struct origin *origin, uint64_t now_ns)
{
    return origin_budget_take_rescue(origin, UINT64_MAX, now_ns);
}

bool origin_take_trial(struct origin *origin, uint64_t now_ns)
{
    uint64_t at_ns = atomic_load_explicit(&origin->trial_at_ns, memory_order_relaxed);
    return now_ns >= at_ns && atomic_compare_exchange_strong_explicit(&origin->trial_at_ns, &at_ns,
        now_ns + TRIAL_NS, memory_order_relaxed, memory_order_relaxed);
}

bool origin_budget_take_hedge(struct origin *origin, uint64_t percent, uint64_t now_ns)
{
    return budget_take(&origin->hedges, percent * 10, HEDGES_FLOOR, now_ns)
        && origin_budget_take(origin, now_ns);
}

void origin_read_statistics(struct origin *origin, struct origin_statistics *ret_statistics)
{
    const struct origin_counters *counters = &origin->counters;
#define READ(name) .name = atomic_load_explicit(&counters->name, memory_order_relaxed)
    *ret_statistics = (struct origin_statistics){READ(requests), READ(attempts),
        READ(extra_attempts), READ(budget_refusals), READ(rescues), READ(throttled), READ(failures),
        READ(resolve_failures), READ(stale_connections), READ(connection_refusals),
        READ(overloads),
        READ(pool_overflows), READ(outliers)};
#undef READ
    const struct gate *gate = &origin->gate;
    ret_statistics->waiting = atomic_load_explicit(&gate->waiting_count, memory_order_relaxed);
    ret_statistics->waits_background =
        atomic_load_explicit(&gate->waits[PRIORITY_BACKGROUND], memory_order_relaxed);
    ret_statistics->waits_bots =
        atomic_load_explicit(&gate->waits[PRIORITY_BOT], memory_order_relaxed);
    ret_statistics->waits = ret_statistics->waits_background + ret_statistics->waits_bots
        + atomic_load_explicit(&gate->waits[PRIORITY_INTERACTIVE], memory_order_relaxed);
    ret_statistics->wait_refusals = atomic_load_explicit(&gate->refusals, memory_order_relaxed);
    ret_statistics->displaced = atomic_load_explicit(&gate->displaced, memory_order_relaxed);
    ret_statistics->maintenances =
        atomic_load_explicit(&gate->maintenances, memory_order_relaxed);
    ret_statistics->wait_timeouts = atomic_load_explicit(&gate->timeouts, memory_order_relaxed);
}
