// What the chronicle has on the disk, as bytes: little-endian, of fixed size but for events. Pure.
// Bytes from a disk are not believed: what makes no sense is refused.
#pragma once

#include "base/error.h"
#include "watch/history/rollup.h"

#define CHRONICLE_THIRDS 3                                       // of a day: a row each
#define CHRONICLE_THIRD_POINTS (CHRONICLE_POINTS / CHRONICLE_THIRDS)
#define CHRONICLE_POINTS_SIZE (CHRONICLE_THIRD_POINTS * 8)
#define CHRONICLE_SUMS_SIZE 32
#define CHRONICLE_STATE_SIZE 117
#define CHRONICLE_EVENT_SIZE 64                                  // at most
#define CHRONICLE_LATEST_MS INT64_C(253402300800000)             // the year 10000

// What happened to a component within one second.
struct chronicle_event {
    uint32_t number; // the component's on the disk
    bool is_track;
    enum chronicle_track track;
    int64_t from_ms; // of a track
    int64_t slot;    // of the others
    uint64_t requests, failed;
    uint32_t responses, slowest_ms;
    uint64_t responses_ms;
};

void chronicle_write_state(const struct rollup *rollup,
    uint8_t ret_bytes[CHRONICLE_STATE_SIZE]);
// Sets track, times and slots alone. INVALID: the rollup is as it was.
enum error chronicle_parse_state(struct slice bytes, struct rollup *rollup) MUST_CHECK;
void chronicle_write_sums(const struct uptime_day *sums, uint8_t ret_bytes[CHRONICLE_SUMS_SIZE]);
enum error chronicle_parse_sums(struct slice bytes, struct uptime_day *ret_sums) MUST_CHECK;
void chronicle_write_points(const struct chronicle_point *points,
    uint8_t ret_bytes[CHRONICLE_POINTS_SIZE]);
enum error chronicle_parse_points(struct slice bytes,
    struct chronicle_point ret_points[CHRONICLE_THIRD_POINTS]) MUST_CHECK;

// Returns how many bytes it took. at_ms: of the second, the same for both.
size_t chronicle_write_event(const struct chronicle_event *event, int64_t at_ms,
    uint8_t ret_bytes[CHRONICLE_EVENT_SIZE]);
// Cuts one off. INVALID: it makes no sense, nor does what follows.
enum error chronicle_parse_event(struct slice *bytes, int64_t at_ms,
    struct chronicle_event *ret_event) MUST_CHECK;
