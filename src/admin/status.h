// The state of the edge, as one JSON object and from that as text for a terminal. Stable: members
// are added, never renamed. Times are RFC 3339 in UTC or null; counts are whole numbers since
// start.
//
//   version, started, uptime_seconds, listeners: [ADDR:PORT or https://ADDR:PORT], threads
//   maintenance: {on, until, message}
//   sites: [{hosts: [NAME], origin}]                   no hosts: takes all others
//   origins: [{name, down, down_since, p95_ms, requests, attempts, extra_attempts, budget_refusals,
//       rescues, throttled, failures, resolve_failures, stale_connections, backends: [{url,
//       healthy, why, since, next_probe, set_aside, probe_disagrees, in_flight, requests,
//       failures, connections_open, connections_idle, p95_ms}]}]
//   cache: {objects, bytes, limit, inserts, evictions, refused_size, refused_first_sight,
//   ghost_hits,
//       purged, uncacheable}
//   store: {objects, cold, bytes, limit, queued, written, renewed, written_bytes, skipped, marks,
//       recalled, damaged, reclaimed, failures, failing}   limit 0: there is none
//   now: {connections, active_requests, flights}
//   ledger: {NAME: COUNT}                              the names of edge/ledger.h
//   saved: visitors answered by a lifeline; forbidden: {errors, percent}: errors that a copy could
//       have saved, had the site's directives not forbidden it, and their share of all errors seen
//   averted: {last_hour, last_day, errors_last_hour, errors_last_day, by_lifeline: {NAME: COUNT},
//       hours: [{averted, errors}]}: errors that lifelines averted and that they did not, in the
//       last 24 hours; by_lifeline is of the day, hours has 24, the oldest first
//   faults: {TEXT: COUNT}                              refused requests by kind, those that
//   occurred
//   outbox: {writes, bytes, queued, sending, unknown, accepted, delivered, refused, expired,
//       dropped, full, disk_errors}
//   access_log: {written, dropped, write_errors}
#pragma once

#include "admin/access_log.h"
#include "edge/edge.h"

#include <jansson.h>
#include <stdio.h>

#define STATUS_LISTENERS_MAX 32

struct watch;

// Where the facts come from. Set up by main; readers on any thread.
struct status_source {
    struct edge *edge;
    struct access_log *access_log; // may be NULL
    struct watch *watch;           // NULL: nobody watches
    unsigned thread_count;
    struct address listeners[STATUS_LISTENERS_MAX];
    bool secure[STATUS_LISTENERS_MAX]; // speaks TLS
    size_t listener_count;
    struct lock starting;                 // held by main while the edge is put together
    struct lock lock;                     // of settings
    const struct edge_settings *settings; // the newest
};

void status_source_init(
    struct status_source *source, struct edge *edge, const struct edge_settings *settings);
// While main is still putting the edge together, whoever asks waits: from hold to release, both in
// the same thread.
void status_source_hold(struct status_source *source);
void status_source_release(struct status_source *source);
void status_source_await(struct status_source *source);
void status_source_destroy(struct status_source *source);
// On reload, before the old ones may be freed: when it returns, no reader uses them any more.
void status_source_set_settings(struct status_source *source, const struct edge_settings *settings);

// NULL when out of memory.
json_t *status_build(struct status_source *source, int64_t now_ms) MUST_CHECK;
// For people: aligned, colours only if asked for. Takes any JSON: what is missing is left out,
// control characters are not passed on to the terminal.
void status_render(const json_t *status, bool colours, int64_t now_ms, FILE *out);
