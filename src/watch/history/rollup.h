// One component's time, traffic and responses as sums of fixed size: two slots of five minutes that
// are still counted, points of two days, sums of 90 days. Pure arithmetic: no lock, no clock, no
// I/O; each step takes the same time, however long the last one is ago.
//
// Days and points that time has passed over are not written, they are known by their number: what
// is missing between two is unknown. So a clock that jumps ahead and back costs a day at most.
#pragma once

#include "watch/history/chronicle.h"

#define ROLLUP_DAY_MS INT64_C(86400000)
#define ROLLUP_LATE_MS 60000 // a track may begin so long before what is counted already
#define ROLLUP_NEVER INT64_MIN

struct rollup_slot {
    int64_t number;                 // 5 minutes since 1970; ROLLUP_NEVER: none yet
    uint32_t up_ms, down_ms, unknown_ms, maintenance_ms;
    uint64_t requests, failed;
    uint32_t responses, slowest_ms;
    uint64_t responses_ms;
};

struct rollup_day {
    int32_t number; // days since 1970; INT32_MIN: none yet
    struct uptime_day sums;
};

struct rollup {
    enum chronicle_track track;
    int64_t changed_ms; // since then
    int64_t counted_ms; // time up to then is counted
    struct rollup_slot slots[2];                       // by number & 1
    struct rollup_day days[SNAPSHOT_DAYS];             // by number % SNAPSHOT_DAYS
    int32_t point_days[2];                             // of points, by number & 1
    struct chronicle_point points[2][CHRONICLE_POINTS];
};

static inline int64_t rollup_floor(int64_t value, int64_t divisor) // also below 1970
{
    return value / divisor - (value % divisor < 0);
}

static inline int64_t rollup_slot_of(int64_t ms)
{
    return rollup_floor(ms, CHRONICLE_POINT_MS);
}

static inline int32_t rollup_day_of(int64_t ms)
{
    return (int32_t)rollup_floor(ms, ROLLUP_DAY_MS);
}

// Its place in a ring, also below 1970.
static inline size_t rollup_ring(int64_t number, size_t size)
{
    return (size_t)(number - rollup_floor(number, (int64_t)size) * (int64_t)size);
}

void rollup_init(struct rollup *rollup, int64_t now_ms); // nothing is known before now

// Time goes by on its track. Not more than a few minutes, see rollup_pass.
void rollup_advance(struct rollup *rollup, int64_t now_ms);
// Nobody looked until now: that time is unknown; then its track goes on.
void rollup_pass(struct rollup *rollup, int64_t now_ms);
// The clock was set back to now.
void rollup_rewind(struct rollup *rollup, int64_t now_ms);
void rollup_track(struct rollup *rollup, enum chronicle_track track, int64_t from_ms);
// Of the slot, if it is still counted, else of the newest.
void rollup_count(struct rollup *rollup, int64_t slot, uint64_t requests, uint64_t failed);
void rollup_respond(struct rollup *rollup, int64_t slot, uint32_t count, uint64_t total_ms,
    uint32_t slowest_ms);
void rollup_settle(struct rollup *rollup); // the points of the slots that are still counted

struct chronicle_point rollup_point(const struct rollup_slot *slot);
// The points of that day, or NULL: they are not in memory.
const struct chronicle_point *rollup_points(const struct rollup *rollup, int32_t day);
// The points of that day for writing, unknown ones if they were another's.
struct chronicle_point *rollup_take_points(struct rollup *rollup, int32_t day);
struct rollup_day *rollup_take_day(struct rollup *rollup, int32_t day);
void rollup_read_days(const struct rollup *rollup, int32_t today,
    struct uptime_day ret_days[SNAPSHOT_DAYS]);
// The typical response of each of the last half hours; the one that is under way last.
void rollup_read_recent(struct rollup *rollup, int64_t now_ms,
    uint16_t ret_responses[SNAPSHOT_RECENT]);
uint32_t rollup_response_ms(const struct rollup *rollup, int64_t now_ms); // UINT32_MAX: not known
