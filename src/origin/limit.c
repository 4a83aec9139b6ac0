// See limit.h.
#include "origin/limit.h"

#define ANSWERS_LEAST 8 // fewer say nothing
#define WINDOW_NS NS_PER_SECOND
#define SLACK_NS (10 * NS_PER_MS) // of what is always quick
#define CALM_SAMPLE 8   // one in so many is looked at

void limit_init(struct limit *limit, uint64_t at_once)
{
    *limit = (struct limit){.normal_ns = 0};
    lock_init(&limit->lock);
    atomic_store(&limit->at_once, at_once);
}

void limit_destroy(struct limit *limit)
{
    lock_destroy(&limit->lock);
}

static uint64_t at_once(const struct limit *limit)
{
    return atomic_load_explicit(&limit->at_once, memory_order_relaxed);
}

static bool is_calm(const struct limit *limit, uint64_t inside)
{
    return inside * 4 < at_once(limit);
}

static void begin_window(struct limit *limit, uint64_t now_ns)
{
    limit->window_ns = now_ns;
    limit->answers = limit->inside_sum = 0;
}

// All under the lock from here on.
static void change(struct limit *limit, const struct limit_rules *rules, uint64_t value,
    uint64_t now_ns)
{
    value = MAXIMUM(MINIMUM(value, rules->most), MINIMUM(rules->least, rules->most));
    atomic_store_explicit(&limit->at_once, value, memory_order_relaxed);
    limit->changed_ns = now_ns;
    begin_window(limit, now_ns);
}

// The time within which a quarter of the window's answers came. Sorts what is there.
static uint64_t fastest_quarter(struct limit *limit)
{
    size_t count = MINIMUM(limit->answers, LIMIT_SAMPLES);
    for (size_t i = 1; i < count; i++) {
        uint64_t value = limit->samples[i];
        size_t k = i;
        for (; k > 0 && limit->samples[k - 1] > value; k--)
            limit->samples[k] = limit->samples[k - 1];
        limit->samples[k] = value;
    }
    return limit->samples[count / 4];
}

static uint64_t root_of(uint64_t value)
{
    uint64_t root = 1;
    while ((root + 1) * (root + 1) <= value)
        root++;
    return root;
}

static bool is_slow(const struct limit *limit, uint64_t took_ns)
{
    return limit->normal_ns != 0 && took_ns > 2 * limit->normal_ns + SLACK_NS;
}

// Did the cut make them faster by at least half of what it took away? Otherwise they do not wait
// for each other.
static bool was_worth_it(const struct limit *limit, uint64_t took_ns, uint64_t inside)
{
    return took_ns * 2 * limit->before_inside
        <= limit->before_ns * (limit->before_inside + MINIMUM(inside, limit->before_inside));
}

// Another window shows what is so once all who came in before are out.
static void suspect(struct limit *limit, uint64_t now_ns)
{
    limit->is_suspect = true;
    limit->changed_ns = now_ns;
}

static void cut(struct limit *limit, const struct limit_rules *rules, uint64_t took_ns,
    uint64_t inside, uint64_t now_ns)
{
    limit->was_too_high = true;
    limit->before = at_once(limit);
    limit->before_ns = took_ns;
    limit->before_inside = inside;
    change(limit, rules, MINIMUM(limit->before, inside) / 2, now_ns);
}

static void judge_loaded(struct limit *limit, const struct limit_rules *rules, uint64_t took_ns,
    uint64_t inside, uint64_t now_ns)
{
    uint64_t value = at_once(limit), before = limit->before;
    bool is_certain = limit->is_suspect || before != 0;
    limit->before = 0;
    limit->is_suspect = false;
    if (limit->normal_ns == 0 || took_ns < limit->normal_ns)
        limit->normal_ns = took_ns;
    if (before != 0 && !was_worth_it(limit, took_ns, inside)) {
        limit->normal_ns = MAXIMUM(took_ns, limit->before_ns);
        change(limit, rules, before, now_ns);
    } else if (!is_slow(limit, took_ns) && inside * 4 >= value * 3) {
        change(limit, rules, value + (limit->was_too_high ? root_of(value) : value / 2 + 1),
            now_ns);
    } else if (is_slow(limit, took_ns) && !is_certain) {
        suspect(limit, now_ns);
    } else if (is_slow(limit, took_ns) && inside > rules->least) {
        cut(limit, rules, took_ns, inside, now_ns);
    }
}

// What is normal follows, at once when it is faster, else by an eighth of itself.
static void judge_calm(struct limit *limit, uint64_t took_ns)
{
    limit->before = 0;
    limit->is_suspect = false;
    if (limit->normal_ns == 0 || took_ns < limit->normal_ns)
        limit->normal_ns = took_ns;
    else
        limit->normal_ns = MINIMUM(took_ns, limit->normal_ns + limit->normal_ns / 8);
}

static void judge(struct limit *limit, const struct limit_rules *rules, uint64_t now_ns)
{
    uint64_t inside = limit->inside_sum / limit->answers;
    uint64_t took_ns = fastest_quarter(limit);
    begin_window(limit, now_ns);
    if (is_calm(limit, inside))
        judge_calm(limit, took_ns);
    else
        judge_loaded(limit, rules, took_ns, inside, now_ns);
}

void limit_leave(struct limit *limit, const struct limit_rules *rules,
    const struct limit_entry *entry, bool is_answer, uint64_t now_ns)
{
    atomic_fetch_sub_explicit(&limit->inside, 1, memory_order_relaxed);
    if (!is_answer)
        return;
    if (is_calm(limit, entry->inside)) { // counted roughly: threads may lose some
        uint64_t calm = atomic_load_explicit(&limit->calm, memory_order_relaxed) + 1;
        atomic_store_explicit(&limit->calm, calm, memory_order_relaxed);
        if (calm % CALM_SAMPLE != 1)
            return;
    }
    lock_acquire(&limit->lock);
    limit->answered_ns = now_ns;
    if (entry->entered_ns >= limit->changed_ns) {
        limit->samples[limit->answers % LIMIT_SAMPLES] =
            now_ns - MINIMUM(entry->entered_ns, now_ns);
        limit->inside_sum += entry->inside;
        limit->answers++;
        if (limit->answers >= LIMIT_SAMPLES
            || (limit->answers >= ANSWERS_LEAST && now_ns >= limit->window_ns + WINDOW_NS))
            judge(limit, rules, now_ns);
    }
    lock_release(&limit->lock);
}

void limit_refuse(struct limit *limit, const struct limit_rules *rules, uint64_t now_ns)
{
    lock_acquire(&limit->lock);
    if (now_ns >= MAXIMUM(limit->answered_ns, limit->changed_ns) + WINDOW_NS) {
        limit->before = 0;
        limit->is_suspect = false;
        change(limit, rules, at_once(limit) + at_once(limit) / 4 + 1, now_ns);
    }
    lock_release(&limit->lock);
}
