// How many requests at once a backend is asked, learned from how long its answers' heads take. It
// is judged only while a quarter of the limit is in use, in windows of answers to requests that
// came in after the last change:
//
//   as fast as without load, and three       it grows: by half until it was once too high, then by
//   quarters of the limit are in use         its root
//   more than twice as slow, even the        another window, to be certain; then it becomes half of
//   fastest quarter of them                  what is in use, to see whether that helps
//   halved, and that made them as much       so they had waited for each other: it stays
//   faster, or at least half as much
//   halved, and they are as slow as before   so they are slow by themselves (a long poll, a busy
//                                            database): it is what it was, and this is normal now
//
// So nothing is made slow that is not, and nobody is kept out to measure: what is normal is learned
// while there is little to do. (The gradient of Netflix's and Envoy's limiters, with the check
// whether the cut was worth it in place of their windows of few requests.) While nothing is
// answered at all it grows, so that those who hang keep nobody out for long.
//
// A request counts until its answer's head. Rules only: time is handed in. Two atomics for a
// request while there is room.
#pragma once

#include "base/lock.h"

#include <stdatomic.h>

#define LIMIT_SAMPLES 64

struct limit_rules {
    uint64_t least, most;
};

struct limit {
    _Atomic uint64_t at_once; // the limit
    _Atomic uint64_t inside;
    struct lock lock;         // of the rest
    uint64_t normal_ns;       // the fastest quarter, without load; 0: not known
    uint64_t changed_ns;      // answers to requests from before that say nothing
    uint64_t window_ns;       // its begin
    uint64_t answers, inside_sum; // of them, when they came in
    uint64_t samples[LIMIT_SAMPLES];
    uint64_t answered_ns;     // when the last answer came
    bool was_too_high;        // once
    bool is_suspect;          // this window shows whether it is too high
    uint64_t before;          // this window shows whether a cut was worth it: the limit before;
    uint64_t before_ns, before_inside; // how long answers took then, with how many inside
    _Atomic uint64_t calm;    // answers without load, of which only some are looked at
};

void limit_init(struct limit *limit, uint64_t at_once);
void limit_destroy(struct limit *limit);
// How many more; most: whatever was learned.
static inline uint64_t limit_room(const struct limit *limit, uint64_t most)
{
    uint64_t at_once = atomic_load_explicit(&limit->at_once, memory_order_relaxed);
    uint64_t inside = atomic_load_explicit(&limit->inside, memory_order_relaxed);
    return MINIMUM(at_once, most) - MINIMUM(inside, MINIMUM(at_once, most));
}
static inline bool limit_has_room(const struct limit *limit, uint64_t most)
{
    return limit_room(limit, most) > 0;
}

struct limit_entry {
    uint64_t entered_ns;
    uint64_t inside; // then, itself included
};
static inline struct limit_entry limit_enter(struct limit *limit, uint64_t now_ns)
{
    return (struct limit_entry){now_ns,
        1 + atomic_fetch_add_explicit(&limit->inside, 1, memory_order_relaxed)};
}
// is_answer: how long it took tells something.
void limit_leave(struct limit *limit, const struct limit_rules *rules,
    const struct limit_entry *entry, bool is_answer, uint64_t now_ns);
// Somebody found no room.
void limit_refuse(struct limit *limit, const struct limit_rules *rules, uint64_t now_ns);
