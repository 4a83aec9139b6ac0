// What the chronicle has on the disk, damaged in any way: parsed or refused, within its bytes, and
// what is believed adds up. Events come out as they went in.
#include "base/invariant.h"
#include "watch/history/chronicle_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_events(struct slice bytes, int64_t at_ms, struct rollup *rollup)
{
    struct chronicle_event event, again;
    while (bytes.size > 0 && chronicle_parse_event(&bytes, at_ms, &event) == ERROR_NONE) {
        uint8_t written[CHRONICLE_EVENT_SIZE];
        size_t length = chronicle_write_event(&event, at_ms, written);
        invariant(length <= sizeof(written));
        struct slice rest = slice_of((const char *)written, length);
        invariant(chronicle_parse_event(&rest, at_ms, &again) == ERROR_NONE && rest.size == 0);
        invariant(again.number == event.number && again.is_track == event.is_track
            && again.track == event.track && again.from_ms == event.from_ms
            && again.slot == event.slot && again.requests == event.requests
            && again.failed == event.failed && again.responses == event.responses
            && again.responses_ms == event.responses_ms
            && again.slowest_ms == event.slowest_ms);
        if (event.is_track)
            rollup_track(rollup, event.track, MINIMUM(event.from_ms, rollup->counted_ms));
        else
            rollup_count(rollup, event.slot, event.requests, event.failed);
        rollup_respond(rollup, event.slot, event.responses, event.responses_ms, event.slowest_ms);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rollup rollup;
    struct chronicle_point points[CHRONICLE_THIRD_POINTS];
    struct uptime_day sums, days[SNAPSHOT_DAYS];
    struct slice bytes = slice_of((const char *)data, size);
    int64_t at_ms = INT64_C(1800000000000);
    rollup_init(&rollup, at_ms);
    if (chronicle_parse_sums(bytes, &sums) == ERROR_NONE) {
        uint8_t written[CHRONICLE_SUMS_SIZE];
        chronicle_write_sums(&sums, written);
        invariant(memcmp(written, data, size) == 0);
    }
    (void)chronicle_parse_points(bytes, points);
    struct slice state = slice_of(bytes.data, MINIMUM(size, CHRONICLE_STATE_SIZE));
    if (chronicle_parse_state(state, &rollup) == ERROR_NONE) {
        bytes = slice_of(bytes.data + state.size, size - state.size);
        at_ms = rollup.counted_ms;
    }
    take_events(bytes, at_ms, &rollup);
    rollup_pass(&rollup, at_ms + 3 * ROLLUP_DAY_MS);
    rollup_settle(&rollup);
    rollup_read_days(&rollup, rollup_day_of(at_ms + 3 * ROLLUP_DAY_MS), days);
    for (size_t i = 0; i < SNAPSHOT_DAYS; i++)
        invariant((uint64_t)days[i].up_ms + days[i].down_ms + days[i].unknown_ms
                + days[i].maintenance_ms
            <= (uint64_t)ROLLUP_DAY_MS);
    return 0;
}
