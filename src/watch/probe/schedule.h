// When which monitor is due: pure, in milliseconds of any clock. Each has a grid of its own,
// jittered at the start so that not all begin at once, and stays on it: nothing drifts. One that is
// still under way at its next time is skipped then, and counted.
#pragma once

#include "base/error.h"

// --- A heap by time; its items are the owner's ---

struct due {
    uint64_t at_ms;
    size_t place; // 1 is the first; 0: in no heap
};

struct due_heap {
    struct due **items;
    size_t count, capacity;
};

void due_heap_free(struct due_heap *heap);
// Room for so many; what is there stays.
enum error due_heap_reserve(struct due_heap *heap, size_t capacity) MUST_CHECK;
void due_heap_put(struct due_heap *heap, struct due *due, uint64_t at_ms); // again: at a new time
void due_heap_remove(struct due_heap *heap, struct due *due);              // fine where it is not
struct due *due_heap_first(const struct due_heap *heap); // NULL: it is empty

// --- The monitors ---

struct schedule_entry {
    struct due due;
    uint64_t interval_ms, grid_ms; // its next time by the grid
    uint64_t skipped;              // times at which it was still under way
    bool is_under_way;
};

struct schedule {
    struct due_heap heap;
    uint64_t latest_ms; // how late the latest was taken, after its time
};

// Entries whose interval_ms is set; the first times are spread over the interval. MEMORY.
enum error schedule_create(struct schedule *schedule, struct schedule_entry *const *entries,
    size_t count, uint64_t now_ms, uint64_t seed) MUST_CHECK;
void schedule_destroy(struct schedule *schedule);
// One that is due and not under way; it is under way from now on, until schedule_finish. NULL:
// none.
struct schedule_entry *schedule_take(struct schedule *schedule, uint64_t now_ms);
void schedule_finish(struct schedule_entry *entry);
// Once more, before its next time; afterwards the grid goes on.
void schedule_hasten(struct schedule *schedule, struct schedule_entry *entry, uint64_t at_ms);
uint64_t schedule_next_ms(const struct schedule *schedule); // UINT64_MAX: never
