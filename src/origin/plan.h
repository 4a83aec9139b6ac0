// The insides of an origin, for the files of this room. A plan is an origin's settings with its
// backends; it never changes and is counted: a reload puts another in its place, and exchanges end
// with the one they began with.
#pragma once

#include "origin/absence.h"
#include "origin/budget.h"
#include "origin/gate.h"
#include "origin/pool.h"
#include "origin/throttle.h"

struct origin_plan {
    _Atomic uint64_t references;
    struct origin_settings settings; // its slices are the plan's own; backends is empty
    struct health_rules rules;
    struct limit_rules limits;
    size_t backend_count;
    struct backend *backends[ORIGIN_BACKENDS_MAX]; // counted, each once
    char text[]; // of the slices
};

struct origin {
    _Atomic uint64_t references;
    struct origins *origins;
    struct list link; // origins->list, under its lock
    struct lock lock; // of plan
    struct origin_plan *plan;
    struct budget budget;
    struct throttle throttle; // of that budget
    struct budget hedges;     // the part of it that second attempts take
    struct budget rescues;    // beside it: away from a backend that fails, to one that is well
    _Atomic uint64_t trial_at_ns; // when one may be made beside the budget
    struct gate gate;
    struct absence absence;
    _Atomic uint64_t mended_ns; // when a page that had been 500 was last well on asking again
    struct origin_counters counters;
    struct histogram first_byte_us;
    struct histogram whole_us[HTTP_CONTENT_CLASSES]; // to the last byte, of what may be shared
    _Atomic uint64_t cursor; // of round robin
    struct slice name;
    char name_text[];
};

struct origins {
    struct lock lock;  // of list
    struct list list;  // of struct origin, counted
    unsigned loop_count;
    struct broadcast flushed;
    // Loop 0's:
    struct scope scope; // holds the keeper
    struct task *keeper;
    uint64_t version;   // of the set of plans
    uint64_t halvings;  // of the histograms, so far
    bool started;
    struct origins_loop { // one per loop
        struct pool_loop pool;
        struct origins *origins;
    } seats[];
};

// Backends that old (may be NULL) has are taken over. INVALID: a URL is none, or their number.
enum error origin_plan_create(const struct origin_settings *settings,
    const struct origin_plan *old, unsigned loop_count, struct origin_plan **ret_plan) MUST_CHECK;
struct origin_plan *origin_plan_acquire(struct origin *origin); // a reference
void origin_plan_release(struct origin_plan *plan); // NULL is fine
// Over which its throttle looks: no answer takes longer.
static inline uint64_t origin_plan_window_ns(const struct origin_plan *plan)
{
    const struct timeout_settings *timeouts = &plan->settings.timeouts;
    return throttle_window_ns((timeouts->connect_ms + timeouts->first_byte_ms) * NS_PER_MS);
}
bool origin_plan_has(const struct origin_plan *plan, const struct backend *backend);
// Requests that its backends would still take. The gate's question.
uint64_t origin_room(void *origin, uint64_t now_ns);
struct origin *origin_reference(struct origin *origin);
// Every loop looks at what it has at rest, see pool_post_flush.
void origins_flush(struct origins *origins);
struct pool_loop *origins_pool(struct origins *origins, const struct loop *loop);

// The keeper: a task of loop 0 that lets histograms age, and in whose scope one task for
// each probed backend and one for each backend with a name to look up run. watch.c
void keeper_main(struct task *task, void *origins);
