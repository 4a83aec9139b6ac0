// The rules of health.h. Every report changes what is remembered, then judge() draws the verdict.
#include "origin/health.h"
#include "origin/ramp.h"

#include <stdio.h>

#define STREAK_SICK 5
#define RETRY_FIRST_NS NS_PER_SECOND
#define RETRY_LAST_NS (30 * NS_PER_SECOND)

void health_init(struct health *health)
{
    *health = (struct health){.since_ms = 0};
    lock_init(&health->lock);
    atomic_store(&health->healthy, true);
}

void health_destroy(struct health *health)
{
    lock_destroy(&health->lock);
}

static void write_why(char *buffer, size_t size, struct slice why)
{
    snprintf(buffer, size, "%.*s", SLICE_ARGS(why));
}

// How long traffic's word stands against the probe's.
static uint64_t window_ns(const struct health_rules *rules)
{
    return rules->interval_ms * rules->fall * NS_PER_MS;
}

static bool is_recent(uint64_t event_ns, const struct health_rules *rules, uint64_t now_ns)
{
    return event_ns != 0 && now_ns < event_ns + window_ns(rules);
}

static void forget_sickness(struct health *health)
{
    health->streak = 0;
    health->traffic_sick = false;
    health->sicknesses = 0;
}

// Nobody but a claimed trial tries before that; each time it takes longer.
static void back_off(struct health *health, uint64_t now_ns)
{
    uint64_t pause = MINIMUM(RETRY_FIRST_NS << MINIMUM(health->sicknesses, 5u), RETRY_LAST_NS);
    atomic_store_explicit(&health->retry_at_ns, now_ns + pause, memory_order_relaxed);
    health->sicknesses++;
}

// The rule table. Under the lock.
static void judge(struct health *health, const struct health_rules *rules, struct health_time time)
{
    uint64_t success_ns = atomic_load_explicit(&health->last_success_ns, memory_order_relaxed);
    uint64_t failure_ns = atomic_load_explicit(&health->last_failure_ns, memory_order_relaxed);
    bool failed_lately = is_recent(failure_ns, rules, time.now_ns);
    bool succeeded_lately = is_recent(success_ns, rules, time.now_ns) && health->streak == 0;
    bool has_probes = rules->interval_ms > 0 && health->probed;
    bool healthy;
    if (!has_probes)
        healthy = !health->traffic_sick;
    else if (health->traffic_sick)
        healthy = !health->probe_sick && !failed_lately;
    else
        healthy = !health->probe_sick || succeeded_lately;
    health->disagrees = has_probes
        && ((!healthy && !health->probe_sick) || (healthy && health->probe_sick));
    bool troubled = health->streak > 0 || health->probe_sick;
    atomic_store_explicit(&health->troubled, troubled, memory_order_relaxed);
    if (healthy == atomic_load_explicit(&health->healthy, memory_order_relaxed))
        return;
    if (healthy) {
        health->since_ms = time.wall_ms;
        atomic_store_explicit(&health->returned_ns, time.now_ns, memory_order_relaxed);
    } else {
        health->since_ms = health->traffic_sick ? health->streak_since_ms
                                                : health->probes_bad_since_ms;
    }
    atomic_store_explicit(&health->healthy, healthy, memory_order_relaxed);
}

// Of two at once the later may be lost, until the next one.
static void note_asked(struct health *health, uint64_t asked_ns)
{
    if (asked_ns > atomic_load_explicit(&health->success_asked_ns, memory_order_relaxed))
        atomic_store_explicit(&health->success_asked_ns, asked_ns, memory_order_relaxed);
}

void health_report_success(struct health *health, const struct health_rules *rules,
    struct health_time time, uint64_t asked_ns)
{
    note_asked(health, asked_ns);
    atomic_store_explicit(&health->last_success_ns, time.now_ns, memory_order_relaxed);
    if (!atomic_load_explicit(&health->troubled, memory_order_relaxed))
        return;
    lock_acquire(&health->lock);
    forget_sickness(health);
    judge(health, rules, time);
    lock_release(&health->lock);
}

void health_report_failure(struct health *health, const struct health_rules *rules,
    struct health_time time, bool nobody, struct slice why)
{
    lock_acquire(&health->lock);
    if (health->streak == 0)
        health->streak_since_ms = time.wall_ms;
    health->streak++;
    atomic_store_explicit(&health->last_failure_ns, time.now_ns, memory_order_relaxed);
    write_why(health->traffic_why, sizeof(health->traffic_why), why);
    uint64_t retry_at = atomic_load_explicit(&health->retry_at_ns, memory_order_relaxed);
    bool sick = nobody || health->streak >= STREAK_SICK;
    // Requests that were under way when it became sick do not lengthen the back-off.
    if (sick && (!health->traffic_sick || time.now_ns >= retry_at))
        back_off(health, time.now_ns);
    health->traffic_sick = health->traffic_sick || sick;
    judge(health, rules, time);
    lock_release(&health->lock);
}

void health_report_probe(struct health *health, const struct health_rules *rules,
    struct health_time time, bool good, struct slice why)
{
    lock_acquire(&health->lock);
    health->probed = true;
    if (good) {
        health->probes_bad = 0;
        health->probes_good++;
        if (health->probe_sick && health->probes_good >= rules->rise) {
            health->probe_sick = false;
            forget_sickness(health);
        }
    } else {
        if (health->probes_bad == 0)
            health->probes_bad_since_ms = time.wall_ms;
        health->probes_good = 0;
        health->probes_bad++;
        write_why(health->probe_why, sizeof(health->probe_why), why);
        if (health->probes_bad >= rules->fall)
            health->probe_sick = true;
    }
    judge(health, rules, time);
    lock_release(&health->lock);
}

void health_forget_probes(struct health *health, const struct health_rules *rules,
    struct health_time time)
{
    lock_acquire(&health->lock);
    health->probed = health->probe_sick = false;
    health->probes_bad = health->probes_good = 0;
    judge(health, rules, time);
    lock_release(&health->lock);
}

bool health_claim_trial(struct health *health, uint64_t now_ns)
{
    bool claimed = false;
    if (now_ns < atomic_load_explicit(&health->retry_at_ns, memory_order_relaxed))
        return false;
    lock_acquire(&health->lock);
    uint64_t retry_at = atomic_load_explicit(&health->retry_at_ns, memory_order_relaxed);
    claimed = health->traffic_sick && now_ns >= retry_at;
    if (claimed)
        back_off(health, now_ns);
    lock_release(&health->lock);
    return claimed;
}

unsigned health_share_permille(const struct health *health, uint64_t slow_start_ms,
    uint64_t now_ns)
{
    return ramp_permille(atomic_load_explicit(&health->returned_ns, memory_order_relaxed),
        slow_start_ms, now_ns);
}

uint64_t health_failures(struct health *health)
{
    lock_acquire(&health->lock);
    uint64_t failures = health->streak;
    lock_release(&health->lock);
    return failures;
}

// In words: what speaks against it, or how probe and traffic disagree.
static void write_reason(const struct health *health, bool healthy, char *buffer, size_t size)
{
    if (healthy && health->probe_sick)
        snprintf(buffer, size, "real traffic succeeds although %.80s", health->probe_why);
    else if (healthy)
        buffer[0] = 0;
    else if (health->traffic_sick)
        snprintf(buffer, size, "%llu failure%s in a row: %.64s",
            (unsigned long long)health->streak, health->streak == 1 ? "" : "s",
            health->traffic_why);
    else
        snprintf(buffer, size, "%llu probe%s in a row failed: %.64s",
            (unsigned long long)health->probes_bad, health->probes_bad == 1 ? "" : "s",
            health->probe_why);
}

void health_read(struct health *health, struct health_view *ret_view)
{
    lock_acquire(&health->lock);
    ret_view->healthy = atomic_load_explicit(&health->healthy, memory_order_relaxed);
    ret_view->disagrees = health->disagrees;
    ret_view->probed = health->probed;
    ret_view->since_ms = health->since_ms;
    write_reason(health, ret_view->healthy, ret_view->why, sizeof(ret_view->why));
    lock_release(&health->lock);
}
