// All that the pages show, at one moment: made by the world, immutable, counted. Pages, feeds,
// badges and programs' answers are pure functions of it, so they need no lock and tests need no
// world.
#pragma once

#include "base/arena.h"
#include "watch/component.h"

#include <stdatomic.h>

#define SNAPSHOT_DAYS 90
#define SNAPSHOT_RECENT 48 // half hours

enum incident_state { // Statuspage's words, in their order
    INCIDENT_INVESTIGATING,
    INCIDENT_IDENTIFIED,
    INCIDENT_MONITORING,
    INCIDENT_RESOLVED,
};

enum incident_impact { IMPACT_NONE, IMPACT_MINOR, IMPACT_MAJOR, IMPACT_CRITICAL };

// What visitors say; never more than that a problem is reported.
enum report_level { REPORTS_NONE, REPORTS_POSSIBLE, REPORTS_PROBLEM };

// The time of one day (UTC) is its four parts; what is missing has not happened yet.
struct uptime_day {
    uint32_t up_ms, down_ms, unknown_ms, maintenance_ms; // of the origin, or what is polled
    uint64_t requests, failed;                           // of visitors; 0 of a monitor
};

struct component_view {
    struct slice id, title, group;
    enum component_kind kind;
    enum component_state state;
    struct reason reason;
    uint32_t cause;      // the component that it fails with; COMPONENT_NONE: it fails alone
    int64_t since_ms;    // of that state, 0: since the start
    int64_t updated_ms;  // of the last that was seen of it, 0: nothing yet
    uint32_t response_ms; // typical now; UINT32_MAX: not known
    struct uptime_day days[SNAPSHOT_DAYS];  // the oldest first, today last
    uint16_t responses[SNAPSHOT_RECENT];    // typical ms, the oldest first; UINT16_MAX: not known
    enum report_level reports;
    uint32_t reported; // networks in the last 15 minutes
};

struct incident_update {
    enum incident_state state;
    int64_t at_ms;
    struct slice text;   // may be empty
    struct slice author; // empty: afloat itself
};

struct incident_view {
    struct slice id;     // letters and digits
    struct slice title;
    struct slice postmortem; // empty: none
    enum incident_state state;
    enum incident_impact impact;
    bool automatic;      // opened by afloat, and no operator has changed its title
    struct reason reason; // of an automatic one
    int64_t started_ms, resolved_ms; // resolved_ms 0: it is open
    int64_t eta_ms;      // 0: none
    const uint32_t *components; // numbers
    size_t component_count;
    const struct incident_update *updates; // the newest first
    size_t update_count;
};

enum window_state { WINDOW_SCHEDULED, WINDOW_IN_PROGRESS, WINDOW_COMPLETED };

// One occurrence of a maintenance window.
struct window_view {
    struct slice id;  // of the window; its occurrences share it
    struct slice title, text;
    struct slice rule; // RFC 5545 recurrence, empty: it comes once
    struct slice zone; // IANA's name
    enum window_state state;
    int64_t begin_ms, end_ms;
    int64_t announced_ms; // when people could first know of it
    const uint32_t *components;
    size_t component_count;
};

// How the page looks and whose it is, from the settings.
struct brand {
    struct slice name;
    struct slice url;     // of the status page for the outside, without / at its end; may be empty
    struct slice site;    // what the name links to; may be empty
    struct slice support; // a URL or an address; may be empty
    struct slice accent, accent_dark; // "#rrggbb"
    struct slice logo, logo_type;     // bytes and media type; size 0: none
    struct slice language;            // where visitors ask for none of ours, "en"
    uint64_t logo_hash;   // for its URL
};

struct snapshot {
    _Atomic uint32_t references;
    struct arena arena;
    int64_t made_ms;
    uint64_t version; // grows with what people would see change, not with what is only counted
    struct brand brand;
    enum component_state state; // the worst of all, seen or told in an incident that is worked on
    struct component_view *components;
    size_t component_count;
    struct incident_view *incidents; // open ones first, each kind the newest first
    size_t incident_count, open_count;
    struct window_view *windows; // under way and to come, by their begin; then past, newest first
    size_t window_count, past_window_count; // window_count counts all of them
    bool is_written; // false: the history cannot be written just now
};

struct snapshot *snapshot_reference(struct snapshot *snapshot);
void snapshot_release(struct snapshot *snapshot); // NULL is fine

// NULL: there is none of that id.
const struct incident_view *snapshot_find_incident(const struct snapshot *snapshot,
    struct slice id);

// Share of the days' time with an answer of what is watched, or of visitors' requests that were
// answered; maintenance and unknown time count neither way. Negative: nothing is known.
double snapshot_uptime(const struct uptime_day *days, size_t count);
double snapshot_visitors_uptime(const struct uptime_day *days, size_t count);
