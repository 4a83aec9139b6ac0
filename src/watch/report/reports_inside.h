// What the files behind reports.h share.
#pragma once

#include "base/lock.h"
#include "base/memory.h"
#include "edge/client_table.h"
#include "watch/report/anomaly.h"
#include "watch/report/reports.h"
#include "watch/report/token.h"
#include "watch/report/votes.h"

#define REPORT_HOURS (ANOMALY_DAYS * 24)
#define REPORT_UNUSUAL UINT16_MAX // see report_schema.h

// One hour as it is on the disk.
struct report_hour {
    int64_t hour; // since 1970, 0: none
    uint16_t minutes[60];
    bool is_changed;
};

// Of a component that somebody has reported. The keeper's alone.
struct report_state {
    struct anomaly anomaly;
    struct report_hour hour; // of what has settled
    char id[COMPONENT_ID_MAX];
    uint8_t id_size;
    enum report_level level;
    uint32_t networks;
};

// Of a component, under the lock.
struct report_count {
    uint32_t fresh; // votes in the minute that is open
    bool is_known;  // somebody has reported it since the start, by this name:
    uint8_t id_size;
    char id[COMPONENT_ID_MAX];
};

struct reports {
    uint8_t secret[TOKEN_SECRET_SIZE];
    struct world *world;
    struct database *database;
    size_t component_count;
    int64_t started_ms;
    // --- Under the lock ---
    struct lock lock;
    int64_t minute;            // that is open, 0: none yet
    struct votes *votes;
    struct token_memory tokens;
    struct report_count *counts;
    // --- The keeper's alone ---
    struct client_table *askers; // has a lock of its own
    struct report_state **states;
    uint32_t closed;           // bit i: minute - 1 - i was closed by this process
    struct { int64_t hour; uint64_t minutes; } taken[REPORT_HOURS]; // in which reports were taken
    struct report_hour taken_hour;
    struct vote_origin origins[VOTES_OF_ONE_MAX];
};

enum report_outcome {
    REPORT_COUNTED,
    REPORT_REPEATED, // the network has a vote already, or the form was used
    REPORT_EXPIRED,  // the form is too old, or was not read
    REPORT_REFUSED,  // it is none of ours
    REPORT_BUSY,     // the network asks too often, or all do
};

// component: an id, or empty for whatever the token says.
enum report_outcome reports_take(struct reports *reports, struct slice token,
    struct slice component, const struct address *client, int64_t now_ms);

// Reads what there is of the last four weeks; blocks.
enum error report_store_read(struct reports *reports, int64_t now_ms) MUST_CHECK;
// A minute has settled: networks, or REPORT_UNUSUAL.
void report_store_set(struct report_hour *hour, int64_t minute, uint16_t networks,
    struct reports *reports, struct slice id);
void report_store_take(struct reports *reports, int64_t minute); // reports were taken in it
void report_store_write(struct reports *reports, struct report_hour *hour, struct slice id);
void report_store_drop(struct reports *reports, int64_t minute); // what is too old
// Tells the anomaly of all minutes in which reports were taken, the oldest first. hours: by place,
// hour % REPORT_HOURS; NULL: nobody reported anything.
void report_store_restore(const struct reports *reports, const struct report_hour *hours,
    struct anomaly *anomaly);
