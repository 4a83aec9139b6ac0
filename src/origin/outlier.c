// See outlier.h. Each slot changes by compare-and-swap of its one word.
#include "origin/outlier.h"

#include <stdio.h>

#define SLOT_NS (OUTLIER_WINDOW_NS / OUTLIER_SLOTS)
#define COUNT_MAX UINT16_MAX
#define BAD_LEAST 3     // fewer are no pattern
#define OTHERS_LEAST 5  // answers, to compare with
#define CERTAIN 15.14   // of chi-squared with one degree of freedom: p = 0.0001
#define CANARY_STEP_NS NS_PER_SECOND
#define PAUSE_LAST_NS (300 * NS_PER_SECOND)
#define FORGET_NS (300 * NS_PER_SECOND)

struct slot {
    uint16_t epoch, answers, failed, slow;
};

static struct slot unpack(uint64_t word)
{
    return (struct slot){(uint16_t)(word >> 48), (uint16_t)(word >> 32), (uint16_t)(word >> 16),
        (uint16_t)word};
}

static uint64_t pack(struct slot slot)
{
    return (uint64_t)slot.epoch << 48 | (uint64_t)slot.answers << 32 | (uint64_t)slot.failed << 16
        | slot.slow;
}

void outlier_init(struct outlier *outlier)
{
    *outlier = (struct outlier){.since_ms = 0};
    lock_init(&outlier->lock);
}

void outlier_destroy(struct outlier *outlier)
{
    lock_destroy(&outlier->lock);
}

// --- Counting ---

static void count(struct outlier *outlier, enum outlier_answer answer, uint64_t now_ns)
{
    uint64_t epoch = now_ns / SLOT_NS;
    _Atomic uint64_t *place = &outlier->slots[epoch % OUTLIER_SLOTS];
    uint64_t word = atomic_load_explicit(place, memory_order_relaxed);
    struct slot slot;
    do {
        slot = unpack(word);
        if (slot.epoch != (uint16_t)epoch)
            slot = (struct slot){.epoch = (uint16_t)epoch};
        if (slot.answers == COUNT_MAX)
            return; // the shares are known well enough
        slot.answers++;
        if (answer == OUTLIER_FAILED)
            slot.failed++;
        if (answer == OUTLIER_SLOW)
            slot.slow++;
    } while (!atomic_compare_exchange_weak_explicit(place, &word, pack(slot),
        memory_order_relaxed, memory_order_relaxed));
}

struct outlier_counts outlier_count(const struct outlier *outlier, uint64_t now_ns)
{
    uint64_t epoch = now_ns / SLOT_NS;
    struct outlier_counts counts = {0};
    for (unsigned i = 0; i < OUTLIER_SLOTS; i++) {
        struct slot slot =
            unpack(atomic_load_explicit(&outlier->slots[i], memory_order_relaxed));
        if ((uint16_t)(epoch - slot.epoch) >= OUTLIER_SLOTS)
            continue;
        counts.answers += slot.answers;
        counts.failed += slot.failed;
        counts.slow += slot.slow;
    }
    return counts;
}

// What was before must not set it aside again at once, nor bring it back.
static void forget(struct outlier *outlier)
{
    for (unsigned i = 0; i < OUTLIER_SLOTS; i++)
        atomic_store_explicit(&outlier->slots[i], 0, memory_order_relaxed);
}

// --- Comparing ---

bool outlier_differs(const struct outlier_counts *own, const struct outlier_counts *others,
    uint64_t share_percent)
{
    uint64_t own_bad = own->failed + own->slow, others_bad = others->failed + others->slow;
    if (own_bad < BAD_LEAST || others->answers < OTHERS_LEAST)
        return false;
    double a = (double)own_bad, n = (double)own->answers;
    double b = (double)others_bad, m = (double)others->answers;
    if (a / n - b / m < (double)share_percent / 100)
        return false;
    double bad = a + b, good = n + m - bad, cross = a * m - b * n - (n + m) / 2;
    return cross > 0 && cross * cross * (n + m) >= CERTAIN * n * m * bad * good;
}

static void write_why(struct outlier *outlier, const struct outlier_counts *own,
    const struct outlier_counts *others)
{
    bool fails = own->failed >= own->slow;
    snprintf(outlier->why, sizeof(outlier->why),
        "%llu of %llu answers %s, of the others' %llu of %llu",
        (unsigned long long)(fails ? own->failed : own->slow), (unsigned long long)own->answers,
        fails ? "failed" : "were far slower",
        (unsigned long long)(fails ? others->failed : others->slow),
        (unsigned long long)others->answers);
}

// --- Away and back ---

static void set_canary(struct outlier *outlier, uint64_t at_ns)
{
    atomic_store_explicit(&outlier->canary_at_ns, at_ns, memory_order_relaxed);
}

bool outlier_set_aside(struct outlier *outlier, const struct outlier_counts *own,
    const struct outlier_counts *others, uint64_t pause_ns, struct health_time time)
{
    lock_acquire(&outlier->lock);
    bool is_new = !outlier_is_aside(outlier);
    if (is_new) {
        uint64_t returned_ns = atomic_load_explicit(&outlier->returned_ns, memory_order_relaxed);
        bool is_again = returned_ns != 0 && time.now_ns < returned_ns + FORGET_NS;
        outlier->pause_ns =
            is_again ? MINIMUM(MAXIMUM(2 * outlier->pause_ns, pause_ns), PAUSE_LAST_NS) : pause_ns;
        outlier->since_ms = time.wall_ms;
        outlier->canary_is_out = false;
        outlier->canaries_good = 0;
        write_why(outlier, own, others);
        set_canary(outlier, time.now_ns + outlier->pause_ns);
        forget(outlier);
        atomic_store_explicit(&outlier->aside, true, memory_order_relaxed);
    }
    lock_release(&outlier->lock);
    return is_new;
}

bool outlier_claim_canary(struct outlier *outlier, uint64_t now_ns)
{
    if (!outlier_is_aside(outlier)
        || now_ns < atomic_load_explicit(&outlier->canary_at_ns, memory_order_relaxed))
        return false;
    lock_acquire(&outlier->lock);
    bool claimed = outlier_is_aside(outlier)
        && now_ns >= atomic_load_explicit(&outlier->canary_at_ns, memory_order_relaxed);
    if (claimed) {
        outlier->canary_is_out = true;
        set_canary(outlier, now_ns + outlier->pause_ns); // if nothing is heard of it
    }
    lock_release(&outlier->lock);
    return claimed;
}

// Answers to what was under way when it was set aside say nothing new: a canary must be out.
static bool judge_canary(struct outlier *outlier, bool is_good, uint64_t now_ns)
{
    bool is_back = false;
    lock_acquire(&outlier->lock);
    if (outlier_is_aside(outlier) && outlier->canary_is_out) {
        outlier->canary_is_out = false;
        outlier->canaries_good = is_good ? outlier->canaries_good + 1 : 0;
        if (!is_good)
            outlier->pause_ns = MINIMUM(2 * outlier->pause_ns, PAUSE_LAST_NS);
        set_canary(outlier, now_ns + (is_good ? CANARY_STEP_NS : outlier->pause_ns));
        is_back = outlier->canaries_good >= OUTLIER_CANARIES;
    }
    if (is_back) {
        forget(outlier);
        atomic_store_explicit(&outlier->returned_ns, now_ns, memory_order_relaxed);
        atomic_store_explicit(&outlier->aside, false, memory_order_relaxed);
    }
    lock_release(&outlier->lock);
    return is_back;
}

void outlier_forget(struct outlier *outlier)
{
    lock_acquire(&outlier->lock);
    forget(outlier);
    atomic_store_explicit(&outlier->returned_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&outlier->aside, false, memory_order_relaxed);
    lock_release(&outlier->lock);
}

bool outlier_note(struct outlier *outlier, enum outlier_answer answer, struct health_time time)
{
    count(outlier, answer, time.now_ns);
    return outlier_is_aside(outlier) && judge_canary(outlier, answer == OUTLIER_GOOD, time.now_ns);
}

bool outlier_read(struct outlier *outlier, char *ret_why, size_t size, int64_t *ret_since_ms)
{
    lock_acquire(&outlier->lock);
    bool is_aside = outlier_is_aside(outlier);
    if (is_aside) {
        snprintf(ret_why, size, "%s", outlier->why);
        *ret_since_ms = outlier->since_ms;
    }
    lock_release(&outlier->lock);
    return is_aside;
}
