// The same for programs: Statuspage's API v2, an Atom feed (RFC 4287), badges (SVG), a calendar of
// maintenance (RFC 5545), metrics. Pure functions of a snapshot. And what changed of a component,
// which the database knows.
#pragma once

#include "watch/visit.h"

// "api/v2/NAME.json", "feed.atom", "calendar.ics", "badge/ID.svg", "badge.svg",
// "component/ID/events.json", "component/ID/events.csv"; false for others.
bool machine_serve(struct task *task, const struct visit *visit, struct edge_page *ret_page);

// Appends to Prometheus' text format. From memory_alloc, the caller's. MEMORY.
enum error machine_write_metrics(const struct snapshot *snapshot, char **ret_text,
    size_t *ret_size) MUST_CHECK;
