// Adding, and moving what was added to the wrong side.
#include "watch/history/rollup.h"

#define SLOTS_A_DAY CHRONICLE_POINTS
#define HALF_HOUR_MS 1800000
#define SHARE 10000

static void clear_day(struct rollup_day *day, int32_t number)
{
    *day = (struct rollup_day){.number = number};
}

void rollup_init(struct rollup *rollup, int64_t now_ms)
{
    *rollup = (struct rollup){
        .track = TRACK_UNKNOWN,
        .changed_ms = now_ms,
        .counted_ms = now_ms,
        .slots = {{.number = ROLLUP_NEVER}, {.number = ROLLUP_NEVER}},
        .point_days = {INT32_MIN, INT32_MIN},
    };
    for (size_t i = 0; i < SNAPSHOT_DAYS; i++)
        clear_day(&rollup->days[i], INT32_MIN);
    memset(rollup->points, 0xff, sizeof(rollup->points));
}

const struct chronicle_point *rollup_points(const struct rollup *rollup, int32_t day)
{
    return rollup->point_days[day & 1] == day ? rollup->points[day & 1] : NULL;
}

struct chronicle_point *rollup_take_points(struct rollup *rollup, int32_t day)
{
    struct chronicle_point *points = rollup->points[day & 1];
    if (rollup->point_days[day & 1] != day)
        memset(points, 0xff, sizeof(rollup->points[0]));
    rollup->point_days[day & 1] = day;
    return points;
}

struct rollup_day *rollup_take_day(struct rollup *rollup, int32_t day)
{
    struct rollup_day *place = &rollup->days[rollup_ring(day, SNAPSHOT_DAYS)];
    if (place->number != day)
        clear_day(place, day);
    return place;
}

// In parts of 10000; all and nothing are said only of what is all or nothing.
static uint16_t share_of(uint64_t part, uint64_t rest)
{
    double sum = (double)part + (double)rest; // what a damaged file says may not fit otherwise
    if (sum == 0)
        return UINT16_MAX;
    uint64_t share = (uint64_t)((double)part / sum * SHARE + 0.5);
    if (rest > 0 && share == SHARE)
        share = SHARE - 1;
    return part > 0 && share == 0 ? 1 : (uint16_t)share;
}

struct chronicle_point rollup_point(const struct rollup_slot *slot)
{
    struct chronicle_point point = {.up = share_of(slot->up_ms, slot->down_ms),
        .served = share_of(slot->requests - slot->failed, slot->failed),
        .typical_ms = UINT16_MAX, .slow_ms = UINT16_MAX};
    if (slot->responses > 0) {
        uint64_t typical = slot->responses_ms / slot->responses;
        point.typical_ms = (uint16_t)MINIMUM(typical, UINT16_MAX - 1);
        point.slow_ms = (uint16_t)MINIMUM(slot->slowest_ms, UINT16_MAX - 1);
    }
    return point;
}

static void settle_slot(struct rollup *rollup, const struct rollup_slot *slot)
{
    if (slot->number == ROLLUP_NEVER)
        return;
    int32_t day = (int32_t)rollup_floor(slot->number, SLOTS_A_DAY);
    if (day < rollup->point_days[day & 1]) // of long ago: newer points have its place
        return;
    rollup_take_points(rollup, day)[rollup_ring(slot->number, SLOTS_A_DAY)] = rollup_point(slot);
}

void rollup_settle(struct rollup *rollup)
{
    settle_slot(rollup, &rollup->slots[0]);
    settle_slot(rollup, &rollup->slots[1]);
}

static struct rollup_slot *take_slot(struct rollup *rollup, int64_t number)
{
    struct rollup_slot *slot = &rollup->slots[number & 1];
    if (slot->number != number) {
        settle_slot(rollup, slot);
        *slot = (struct rollup_slot){.number = number};
    }
    return slot;
}

static uint32_t *slot_time(struct rollup_slot *slot, enum chronicle_track track)
{
    switch (track) {
    case TRACK_UNKNOWN: return &slot->unknown_ms;
    case TRACK_UP: return &slot->up_ms;
    case TRACK_DOWN: return &slot->down_ms;
    case TRACK_MAINTENANCE: break;
    }
    return &slot->maintenance_ms;
}

static uint32_t *day_time(struct uptime_day *day, enum chronicle_track track)
{
    switch (track) {
    case TRACK_UNKNOWN: return &day->unknown_ms;
    case TRACK_UP: return &day->up_ms;
    case TRACK_DOWN: return &day->down_ms;
    case TRACK_MAINTENANCE: break;
    }
    return &day->maintenance_ms;
}

// ms of one slot. A day has 24 hours, however often the clock says the same hour.
static void add_time(struct rollup *rollup, int64_t slot_number, enum chronicle_track track,
    uint32_t ms)
{
    uint32_t *of_slot = slot_time(take_slot(rollup, slot_number), track);
    *of_slot = *of_slot > UINT32_MAX - ms ? UINT32_MAX : *of_slot + ms;
    struct uptime_day *day =
        &rollup_take_day(rollup, (int32_t)rollup_floor(slot_number, SLOTS_A_DAY))->sums;
    uint32_t rest = (uint32_t)ROLLUP_DAY_MS
        - (day->up_ms + day->down_ms + day->unknown_ms + day->maintenance_ms);
    *day_time(day, track) += MINIMUM(ms, rest);
}

void rollup_advance(struct rollup *rollup, int64_t now_ms)
{
    while (rollup->counted_ms < now_ms) {
        int64_t slot = rollup_slot_of(rollup->counted_ms);
        int64_t end_ms = MINIMUM((slot + 1) * CHRONICLE_POINT_MS, now_ms);
        add_time(rollup, slot, rollup->track, (uint32_t)(end_ms - rollup->counted_ms));
        rollup->counted_ms = end_ms;
    }
}

static void add_unknown_day(struct rollup *rollup, int32_t number, int64_t ms)
{
    struct uptime_day *day = &rollup_take_day(rollup, number)->sums;
    uint32_t rest = (uint32_t)ROLLUP_DAY_MS
        - (day->up_ms + day->down_ms + day->unknown_ms + day->maintenance_ms);
    day->unknown_ms += (uint32_t)MINIMUM(ms, (int64_t)rest);
}

// Only the two days at the ends get their parts; the days between are missing, which says the same.
void rollup_pass(struct rollup *rollup, int64_t now_ms)
{
    if (now_ms <= rollup->counted_ms)
        return;
    int32_t first = rollup_day_of(rollup->counted_ms), last = rollup_day_of(now_ms);
    if (first == last) {
        add_unknown_day(rollup, first, now_ms - rollup->counted_ms);
    } else {
        add_unknown_day(rollup, first, (first + 1) * ROLLUP_DAY_MS - rollup->counted_ms);
        add_unknown_day(rollup, last, now_ms - last * ROLLUP_DAY_MS);
    }
    rollup->counted_ms = rollup->changed_ms = now_ms;
}

void rollup_rewind(struct rollup *rollup, int64_t now_ms)
{
    if (now_ms >= rollup->counted_ms)
        return;
    rollup->counted_ms = rollup->changed_ms = now_ms;
    for (size_t i = 0; i < ARRAY_SIZE(rollup->slots); i++) {
        if (rollup->slots[i].number > rollup_slot_of(now_ms))
            rollup->slots[i] = (struct rollup_slot){.number = ROLLUP_NEVER};
        if (rollup->point_days[i] > rollup_day_of(now_ms))
            rollup->point_days[i] = INT32_MIN;
    }
}

static void move_ms(uint32_t *from, uint32_t *to, uint32_t ms)
{
    uint32_t there = MINIMUM(*from, ms);
    *from -= there;
    *to += there;
}

// All of that time was on the present track, for it is after the last change.
static void move_time(struct rollup *rollup, enum chronicle_track track, int64_t from_ms)
{
    while (from_ms < rollup->counted_ms) {
        int64_t number = rollup_slot_of(from_ms);
        int64_t end_ms = MINIMUM((number + 1) * CHRONICLE_POINT_MS, rollup->counted_ms);
        uint32_t ms = (uint32_t)(end_ms - from_ms);
        struct rollup_slot *slot = &rollup->slots[number & 1];
        if (slot->number == number)
            move_ms(slot_time(slot, rollup->track), slot_time(slot, track), ms);
        struct uptime_day *day = &rollup_take_day(rollup, rollup_day_of(from_ms))->sums;
        move_ms(day_time(day, rollup->track), day_time(day, track), ms);
        from_ms = end_ms;
    }
}

void rollup_track(struct rollup *rollup, enum chronicle_track track, int64_t from_ms)
{
    int64_t earliest_ms = MAXIMUM(rollup->changed_ms, rollup->counted_ms - ROLLUP_LATE_MS);
    from_ms = MAXIMUM(from_ms, earliest_ms);
    if (from_ms > rollup->counted_ms)
        rollup_advance(rollup, from_ms);
    if (track == rollup->track)
        return;
    move_time(rollup, track, from_ms);
    rollup->track = track;
    rollup->changed_ms = from_ms;
}

static struct rollup_slot *counted_slot(struct rollup *rollup, int64_t number)
{
    int64_t newest = rollup_slot_of(rollup->counted_ms);
    return take_slot(rollup, number == newest || number == newest - 1 || number == newest + 1
        ? number : newest);
}

void rollup_count(struct rollup *rollup, int64_t number, uint64_t requests, uint64_t failed)
{
    struct rollup_slot *slot = counted_slot(rollup, number);
    failed = MINIMUM(failed, requests);
    slot->requests += requests;
    slot->failed += failed;
    struct uptime_day *day =
        &rollup_take_day(rollup, (int32_t)rollup_floor(slot->number, SLOTS_A_DAY))->sums;
    day->requests += requests;
    day->failed += failed;
}

void rollup_respond(struct rollup *rollup, int64_t number, uint32_t count, uint64_t total_ms,
    uint32_t slowest_ms)
{
    struct rollup_slot *slot = counted_slot(rollup, number);
    slot->responses = slot->responses > UINT32_MAX - count ? UINT32_MAX : slot->responses + count;
    slot->responses_ms += total_ms;
    slot->slowest_ms = MAXIMUM(slot->slowest_ms, slowest_ms);
}

// Days that are missing after the first one that is known were dead time.
void rollup_read_days(const struct rollup *rollup, int32_t today,
    struct uptime_day ret_days[SNAPSHOT_DAYS])
{
    bool is_known = false;
    for (int32_t i = 0; i < SNAPSHOT_DAYS; i++) {
        int32_t number = today - SNAPSHOT_DAYS + 1 + i;
        const struct rollup_day *day = &rollup->days[rollup_ring(number, SNAPSHOT_DAYS)];
        bool is_there = day->number == number;
        ret_days[i] = is_there ? day->sums : (struct uptime_day){0};
        if (!is_there && is_known && number < today)
            ret_days[i].unknown_ms = (uint32_t)ROLLUP_DAY_MS;
        is_known = is_known || is_there;
    }
}

void rollup_read_recent(struct rollup *rollup, int64_t now_ms,
    uint16_t ret_responses[SNAPSHOT_RECENT])
{
    rollup_settle(rollup);
    const int64_t slots = HALF_HOUR_MS / CHRONICLE_POINT_MS;
    int64_t last = rollup_floor(now_ms, HALF_HOUR_MS);
    for (int64_t i = 0; i < SNAPSHOT_RECENT; i++) {
        int64_t first = (last - SNAPSHOT_RECENT + 1 + i) * slots;
        const struct chronicle_point *points =
            rollup_points(rollup, (int32_t)rollup_floor(first, SLOTS_A_DAY));
        uint32_t sum = 0, count = 0;
        for (int64_t slot = first; points != NULL && slot < first + slots; slot++) {
            uint16_t typical = points[rollup_ring(slot, SLOTS_A_DAY)].typical_ms;
            sum += typical == UINT16_MAX ? 0 : typical;
            count += typical != UINT16_MAX;
        }
        ret_responses[i] = (uint16_t)(count == 0 ? UINT16_MAX : sum / count);
    }
}

uint32_t rollup_response_ms(const struct rollup *rollup, int64_t now_ms)
{
    int64_t newest = rollup_slot_of(now_ms);
    uint64_t total_ms = 0, count = 0;
    for (int64_t number = newest - 1; number <= newest; number++) {
        const struct rollup_slot *slot = &rollup->slots[number & 1];
        if (slot->number == number) {
            total_ms += slot->responses_ms;
            count += slot->responses;
        }
    }
    return count == 0 ? UINT32_MAX : (uint32_t)MINIMUM(total_ms / count, UINT32_MAX - 1);
}
