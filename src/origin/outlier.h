// A backend that is there, but answers worse than the others of its origin: more of its answers
// fail, or are far slower. It is set aside: asked nothing while the others have room, but for a
// canary now and then. Rules only: time is handed in. Whom it is compared with, and how many may be
// set aside at all, is siblings.h's matter.
//
// What a few backends need is not what a fleet does: with two of them there is no mean and no
// deviation to be outside of. So the answers of the last 16 s are held against those of the others
// as a two by two table, and the difference must be larger than chance explains (Pearson's
// chi-squared with the correction of Yates; 15.14: once in 10,000 times) and large enough to matter
// (`share`). Where all are alike, however bad, none differs.
//
// The first canary comes after `pause`; each that fails doubles the pause, up to 5 min; eight good
// ones, a second apart, bring it back, with a share that grows as after a sickness. If it is set
// aside again within 5 min, the pause goes on from where it was.
//
// A lock of its own guards it; counting and choosing a backend do without.
#pragma once

#include "base/lock.h"
#include "origin/health.h"

#define OUTLIER_SLOTS 8
#define OUTLIER_WINDOW_NS (16 * NS_PER_SECOND)
#define OUTLIER_CANARIES 8

enum outlier_answer { OUTLIER_GOOD, OUTLIER_FAILED, OUTLIER_SLOW };

struct outlier_counts {
    uint64_t answers, failed, slow; // failed and slow are of the answers
};

struct outlier {
    // Each is one word: which two seconds it counts, answers, failed and slow, 16 bits each.
    _Atomic uint64_t slots[OUTLIER_SLOTS];
    atomic_bool aside;
    _Atomic uint64_t canary_at_ns; // while aside: when the next one may go
    _Atomic uint64_t returned_ns;  // 0: it never was away
    struct lock lock;
    bool canary_is_out;
    unsigned canaries_good; // in a row
    uint64_t pause_ns;
    int64_t since_ms;       // wall clock
    char why[128];
};

void outlier_init(struct outlier *outlier);
void outlier_destroy(struct outlier *outlier);

static inline bool outlier_is_aside(const struct outlier *outlier)
{
    return atomic_load_explicit(&outlier->aside, memory_order_relaxed);
}
// Counts it. While set aside it is also what the canary brought: true if that was the last one
// needed, and the backend is back.
bool outlier_note(struct outlier *outlier, enum outlier_answer answer, struct health_time time);
struct outlier_counts outlier_count(const struct outlier *outlier, uint64_t now_ns);
// Is it certain that more of own are bad than of others, by at least so many percent of all?
bool outlier_differs(const struct outlier_counts *own, const struct outlier_counts *others,
    uint64_t share_percent);
// False if it is aside already.
bool outlier_set_aside(struct outlier *outlier, const struct outlier_counts *own,
    const struct outlier_counts *others, uint64_t pause_ns, struct health_time time);
// True if this caller is the one whose request is the canary.
bool outlier_claim_canary(struct outlier *outlier, uint64_t now_ns);
// Nobody compares any more: as if nothing had been.
void outlier_forget(struct outlier *outlier);
// What is wrong, in words, and since when; nothing while it is not aside.
bool outlier_read(struct outlier *outlier, char *ret_why, size_t size, int64_t *ret_since_ms);
