// What became of each component, over time: fixed-size rollups (points of five minutes, sums of
// days, 90 of them), kept in memory as far as pages need them and on the disk in whole. Fed with
// time, traffic and responses; fed by the world under its lock, so it only counts and queues.
#pragma once

#include "watch/history/database.h"
#include "watch/snapshot.h"

#define CHRONICLE_POINT_MS 300000
#define CHRONICLE_POINTS 288 // of a day

// One point on the disk and in charts, 8 bytes.
struct chronicle_point {
    uint16_t up;         // share of the time, of 10000; UINT16_MAX: unknown
    uint16_t served;     // share of visitors' requests, of 10000; UINT16_MAX: there were none
    uint16_t typical_ms; // mean of the responses; UINT16_MAX: there were none
    uint16_t slow_ms;    // the slowest, likewise
};

enum chronicle_track { TRACK_UNKNOWN, TRACK_UP, TRACK_DOWN, TRACK_MAINTENANCE };

struct chronicle;

// database NULL: in memory alone. Components are known by their ids, also on the disk: what was
// written of one that is back is its own. Reads; blocks.
enum error chronicle_create(struct database *database,
    const struct component_definition *components, size_t count, int64_t now_ms,
    struct chronicle **ret_chronicle) MUST_CHECK;
void chronicle_destroy(struct chronicle *chronicle); // NULL is fine
// Queues what was counted of the second under way, as its end would.
void chronicle_settle(struct chronicle *chronicle);

// The component's track from then on, which may lie a little in the past (what was found out late
// is true from when it began), but not before the last one.
void chronicle_track(struct chronicle *chronicle, unsigned component, enum chronicle_track track,
    int64_t from_ms);
void chronicle_count(struct chronicle *chronicle, unsigned component, int64_t at_ms,
    uint64_t requests, uint64_t failed);
// count responses that took total_ms together, the slowest slowest_ms.
void chronicle_respond(struct chronicle *chronicle, unsigned component, int64_t at_ms,
    uint32_t count, uint64_t total_ms, uint32_t slowest_ms);
// Now and then, once a second: closes points and days, writes, drops what is old.
void chronicle_tick(struct chronicle *chronicle, int64_t now_ms);
// The last moment before this start at which afloat was alive, 0: never. Time since is unknown.
int64_t chronicle_was_alive_ms(const struct chronicle *chronicle);

// For a snapshot.
void chronicle_read_days(struct chronicle *chronicle, unsigned component, int64_t now_ms,
    struct uptime_day ret_days[SNAPSHOT_DAYS]);
void chronicle_read_recent(struct chronicle *chronicle, unsigned component, int64_t now_ms,
    uint16_t ret_responses[SNAPSHOT_RECENT]);
uint32_t chronicle_response_ms(struct chronicle *chronicle, unsigned component, int64_t now_ms);

// The points of one day (days since 1970, UTC), the disk's; blocks, any thread. NOT_FOUND: none.
enum error chronicle_read_points(struct database *database, struct slice component_id, int32_t day,
    struct chronicle_point ret_points[CHRONICLE_POINTS]) MUST_CHECK;
