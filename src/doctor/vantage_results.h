// Looks that are under way or were taken a moment ago, by URL: who asks for the same gets the same,
// also while it is being found out. Bounded in number; any thread.
#pragma once

#include "base/arena.h"
#include "io/task.h"

#define VANTAGE_RESULTS_MAX 64

struct vantage_result { // what is answered
    unsigned status;
    char *content;
    size_t size;
};

enum vantage_turn {
    VANTAGE_TURN_LOOK,  // it is the caller's to look, and to call vantage_results_finish
    VANTAGE_TURN_DONE,
    VANTAGE_TURN_BUSY,  // too many are under way, or their end was not waited for
};

struct vantage_results;

// most: looks under way at once. NULL when out of memory.
struct vantage_results *vantage_results_create(unsigned most, uint64_t keep_ms) MUST_CHECK;
void vantage_results_destroy(struct vantage_results *results); // NULL is fine; nobody may wait

// DONE: *ret_result is a copy in the arena. Suspends while somebody else looks. MEMORY counts as
// BUSY.
enum vantage_turn vantage_results_take(struct task *task, struct vantage_results *results,
    struct slice url, uint64_t deadline_ns, struct arena *arena, unsigned *ret_place,
    struct vantage_result *ret_result);
// Takes over the content, of memory_alloc. Status 0: nothing came of it, who waits looks himself.
void vantage_results_finish(struct vantage_results *results, unsigned place,
    struct vantage_result result, uint64_t now_ns);
