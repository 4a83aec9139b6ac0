// Writing and parsing, byte by byte.
#include "watch/history/chronicle_bytes.h"

static void put(uint8_t **at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        *(*at)++ = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t **at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)*(*at)++ << (8 * i);
    return value;
}

static const uint8_t *start_of(struct slice bytes)
{
    return (const uint8_t *)bytes.data;
}

static void put_slot(uint8_t **at, const struct rollup_slot *slot)
{
    put(at, (uint64_t)slot->number, 8);
    put(at, slot->up_ms, 4);
    put(at, slot->down_ms, 4);
    put(at, slot->requests, 8);
    put(at, slot->failed, 8);
    put(at, slot->responses, 4);
    put(at, slot->slowest_ms, 4);
    put(at, slot->responses_ms, 8);
}

static void get_slot(const uint8_t **at, struct rollup_slot *slot)
{
    *slot = (struct rollup_slot){.number = (int64_t)get(at, 8)};
    slot->up_ms = (uint32_t)get(at, 4);
    slot->down_ms = (uint32_t)get(at, 4);
    slot->requests = get(at, 8);
    slot->failed = get(at, 8);
    slot->responses = (uint32_t)get(at, 4);
    slot->slowest_ms = (uint32_t)get(at, 4);
    slot->responses_ms = get(at, 8);
}

static bool is_time(int64_t ms)
{
    return ms >= 0 && ms < CHRONICLE_LATEST_MS;
}

static bool is_slot(const struct rollup_slot *slot)
{
    return slot->failed <= slot->requests && (slot->number == ROLLUP_NEVER
        || (slot->number >= 0 && slot->number < CHRONICLE_LATEST_MS / CHRONICLE_POINT_MS));
}

// Unknown time and maintenance of a slot make no difference to its point and are left out.
void chronicle_write_state(const struct rollup *rollup, uint8_t ret_bytes[CHRONICLE_STATE_SIZE])
{
    uint8_t *at = ret_bytes;
    put(&at, rollup->track, 1);
    put(&at, (uint64_t)rollup->changed_ms, 8);
    put(&at, (uint64_t)rollup->counted_ms, 8);
    put(&at, 0, 4); // for later
    put_slot(&at, &rollup->slots[0]);
    put_slot(&at, &rollup->slots[1]);
}

enum error chronicle_parse_state(struct slice bytes, struct rollup *rollup)
{
    if (bytes.size != CHRONICLE_STATE_SIZE)
        return ERROR_INVALID;
    const uint8_t *at = start_of(bytes);
    uint64_t track = get(&at, 1);
    int64_t changed_ms = (int64_t)get(&at, 8), counted_ms = (int64_t)get(&at, 8);
    (void)get(&at, 4);
    struct rollup_slot slots[2];
    get_slot(&at, &slots[0]);
    get_slot(&at, &slots[1]);
    if (track > TRACK_MAINTENANCE || !is_time(changed_ms) || !is_time(counted_ms)
        || changed_ms > counted_ms || !is_slot(&slots[0]) || !is_slot(&slots[1]))
        return ERROR_INVALID;
    rollup->track = (enum chronicle_track)track;
    rollup->changed_ms = changed_ms;
    rollup->counted_ms = counted_ms;
    memcpy(rollup->slots, slots, sizeof(slots));
    return ERROR_NONE;
}

void chronicle_write_sums(const struct uptime_day *sums, uint8_t ret_bytes[CHRONICLE_SUMS_SIZE])
{
    uint8_t *at = ret_bytes;
    put(&at, sums->up_ms, 4);
    put(&at, sums->down_ms, 4);
    put(&at, sums->unknown_ms, 4);
    put(&at, sums->maintenance_ms, 4);
    put(&at, sums->requests, 8);
    put(&at, sums->failed, 8);
}

enum error chronicle_parse_sums(struct slice bytes, struct uptime_day *ret_sums)
{
    if (bytes.size != CHRONICLE_SUMS_SIZE)
        return ERROR_INVALID;
    const uint8_t *at = start_of(bytes);
    struct uptime_day sums = {.up_ms = (uint32_t)get(&at, 4)};
    sums.down_ms = (uint32_t)get(&at, 4);
    sums.unknown_ms = (uint32_t)get(&at, 4);
    sums.maintenance_ms = (uint32_t)get(&at, 4);
    sums.requests = get(&at, 8);
    sums.failed = get(&at, 8);
    uint64_t time = (uint64_t)sums.up_ms + sums.down_ms + sums.unknown_ms + sums.maintenance_ms;
    if (time > (uint64_t)ROLLUP_DAY_MS || sums.failed > sums.requests)
        return ERROR_INVALID;
    *ret_sums = sums;
    return ERROR_NONE;
}

void chronicle_write_points(const struct chronicle_point *points,
    uint8_t ret_bytes[CHRONICLE_POINTS_SIZE])
{
    uint8_t *at = ret_bytes;
    for (size_t i = 0; i < CHRONICLE_THIRD_POINTS; i++) {
        put(&at, points[i].up, 2);
        put(&at, points[i].served, 2);
        put(&at, points[i].typical_ms, 2);
        put(&at, points[i].slow_ms, 2);
    }
}

static bool is_share(uint16_t share)
{
    return share <= 10000 || share == UINT16_MAX;
}

enum error chronicle_parse_points(struct slice bytes,
    struct chronicle_point ret_points[CHRONICLE_THIRD_POINTS])
{
    struct chronicle_point points[CHRONICLE_THIRD_POINTS];
    if (bytes.size != CHRONICLE_POINTS_SIZE)
        return ERROR_INVALID;
    const uint8_t *at = start_of(bytes);
    for (size_t i = 0; i < CHRONICLE_THIRD_POINTS; i++) {
        points[i].up = (uint16_t)get(&at, 2);
        points[i].served = (uint16_t)get(&at, 2);
        points[i].typical_ms = (uint16_t)get(&at, 2);
        points[i].slow_ms = (uint16_t)get(&at, 2);
        if (!is_share(points[i].up) || !is_share(points[i].served))
            return ERROR_INVALID;
    }
    memcpy(ret_points, points, sizeof(points));
    return ERROR_NONE;
}

// Seven bits a byte, the lowest first.
static void put_number(uint8_t **at, uint64_t value)
{
    while (value >= 0x80) {
        *(*at)++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *(*at)++ = (uint8_t)value;
}

static bool get_number(struct slice *bytes, uint64_t maximum, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 10 && i < bytes->size; i++) {
        uint8_t byte = (uint8_t)bytes->data[i];
        if (i == 9 && byte > 1)
            return false;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *bytes = slice_of(bytes->data + i + 1, bytes->size - i - 1);
            *ret_value = value;
            return value <= maximum;
        }
    }
    return false;
}

// Tracks begin before the second they are told in, rarely after it.
#define EVENT_KINDS 8
#define AHEAD_MS 600000

size_t chronicle_write_event(const struct chronicle_event *event, int64_t at_ms,
    uint8_t ret_bytes[CHRONICLE_EVENT_SIZE])
{
    uint8_t *at = ret_bytes;
    put_number(&at, event->number);
    if (event->is_track) {
        put_number(&at, event->track);
        int64_t ago_ms = at_ms + AHEAD_MS - event->from_ms;
        put_number(&at, (uint64_t)MAXIMUM(ago_ms, 0));
        return (size_t)(at - ret_bytes);
    }
    put_number(&at, EVENT_KINDS);
    int64_t slots_ago = rollup_slot_of(at_ms) + 2 - event->slot;
    put_number(&at, (uint64_t)MAXIMUM(slots_ago, 0));
    put_number(&at, event->requests);
    put_number(&at, event->failed);
    put_number(&at, event->responses);
    put_number(&at, event->responses_ms);
    put_number(&at, event->slowest_ms);
    return (size_t)(at - ret_bytes);
}

static bool get_sums(struct slice *bytes, int64_t at_ms, struct chronicle_event *event)
{
    uint64_t slots_ago, responses, slowest_ms;
    if (!get_number(bytes, 1u << 20, &slots_ago)
        || !get_number(bytes, UINT64_MAX, &event->requests)
        || !get_number(bytes, event->requests, &event->failed)
        || !get_number(bytes, UINT32_MAX, &responses)
        || !get_number(bytes, UINT64_MAX, &event->responses_ms)
        || !get_number(bytes, UINT32_MAX, &slowest_ms))
        return false;
    event->slot = rollup_slot_of(at_ms) + 2 - (int64_t)slots_ago;
    event->responses = (uint32_t)responses;
    event->slowest_ms = (uint32_t)slowest_ms;
    return true;
}

enum error chronicle_parse_event(struct slice *bytes, int64_t at_ms,
    struct chronicle_event *ret_event)
{
    struct slice rest = *bytes;
    struct chronicle_event event = {0};
    uint64_t number, kind, ago_ms;
    if (!get_number(&rest, UINT32_MAX, &number) || !get_number(&rest, EVENT_KINDS, &kind)
        || (kind > TRACK_MAINTENANCE && kind != EVENT_KINDS))
        return ERROR_INVALID;
    event.number = (uint32_t)number;
    event.is_track = kind != EVENT_KINDS;
    if (event.is_track) {
        if (!get_number(&rest, (uint64_t)ROLLUP_DAY_MS, &ago_ms))
            return ERROR_INVALID;
        event.track = (enum chronicle_track)kind;
        event.from_ms = at_ms + AHEAD_MS - (int64_t)ago_ms;
    } else if (!get_sums(&rest, at_ms, &event)) {
        return ERROR_INVALID;
    }
    *bytes = rest;
    *ret_event = event;
    return ERROR_NONE;
}
