// What the lifelines averted, over time: per site the last 24 hours in slots of ten minutes, so
// that the status page and `afloat status` can say not only how much was saved since the start but
// when. In memory; survives a reload (sites are matched by their first host name, a site that takes
// all others by its origin), not a restart.
//
// Only requests that strayed are counted, so a site that is well never comes here. One lock each,
// held for an addition. Any thread. All requests are in traffic, which lives as long.
#pragma once

#include "base/list.h"
#include "base/lock.h"
#include "base/slice.h"
#include "edge/lifeline_map.h"
#include "edge/traffic.h"

#include <stdatomic.h>

#define HISTORY_SLOT_MS 600000
#define HISTORY_SLOTS 144
#define HISTORY_HOURS 24
#define HISTORY_ERRORS LIFELINE_HONEST_PAGE // errors and cut answers: that lifeline averts none

struct history_slot {
    int64_t number; // of ten minutes since 1970, 0: never used
    uint32_t counts[LIFELINE_COUNT];
};

struct history {
    struct history_table *table;
    struct list link;    // there
    uint32_t references; // under the table's lock
    struct lock lock; // of slots
    struct history_slot *slots; // HISTORY_SLOTS once there was something to count
    struct traffic_row *traffic; // one per loop, within traffic_memory
    void *traffic_memory;
    char name[256];
};

struct history_table {
    struct lock lock;
    unsigned loops;
    struct list histories;
};

struct history_hour {
    uint64_t averted, errors;
};

// Sums, of one site or of several.
struct history_view {
    uint64_t day[LIFELINE_COUNT];  // in the last 24 hours, by what averted them; [HISTORY_ERRORS]
    uint64_t hour_averted, hour_errors; // in the last hour
    struct history_hour hours[HISTORY_HOURS]; // the oldest first; the last one is not over
};

void history_table_init(struct history_table *table, unsigned loops);
void history_table_destroy(struct history_table *table); // when every history was released
// A counted reference to the one of that name, which is made if there is none; NULL: no memory.
struct history *history_find(struct history_table *table, struct slice name) MUST_CHECK;
void history_release(struct history *history); // NULL is fine

// What saved a request that strayed, or HISTORY_ERRORS. Without memory it is not counted.
void history_count(struct history *history, enum lifeline_id what, int64_t wall_ms);
// Adds to *view, which begins as zeros.
void history_read(struct history *history, int64_t wall_ms, struct history_view *view);
void history_read_all(struct history_table *table, int64_t wall_ms, struct history_view *view);
uint64_t history_day_averted(const struct history_view *view);
