// The status page as a part of the process: its threads, what it keeps, and which page is whose.
// There always is one: without a name in the settings it keeps nothing on the disk and answers
// programs alone, each site's host for that site.
#pragma once

#include "edge/edge.h"
#include "watch/settings.h"
#include "watch/world.h"

struct watch;

struct watch_start {
    const struct watch_settings *settings; // nothing of them is kept
    struct edge *edge;
    const char *directory; // of what is kept; there already. NULL: nothing is
    uint64_t seed;         // nobody can guess it
};

// Before the edge starts; blocks. A directory that cannot be used is logged, and nothing is kept.
// On failure why says what is wrong: with the settings, INVALID; BUSY: another process has the
// directory. Or MEMORY, SYSTEM.
enum error watch_create(const struct watch_start *start, struct text *why,
    struct watch **ret_watch) MUST_CHECK;
// Its threads begin; once the edge has started.
enum error watch_begin(struct watch *watch) MUST_CHECK;
// Before a drain: no visitor's stream goes on, and nothing is looked at any more. NULL is fine.
void watch_end(struct watch *watch);
// After the loops have stopped, before the edge is destroyed. NULL is fine.
void watch_destroy(struct watch *watch);

// The settings in force, or the edge's sites, are others now; blocks. On failure nothing changed.
enum error watch_reload(struct watch *watch, const struct watch_settings *settings,
    struct text *why) MUST_CHECK;

// For edge_hooks; context: the watch.
bool watch_serve_page(struct task *task, void *context, const struct edge_page_request *request,
    struct edge_page *ret_page);
bool watch_owns_host(void *context, struct slice host);
void watch_report_token(void *context, struct slice request_id, struct slice site, int64_t now_ms,
    struct text *ret_token);
int64_t watch_expected_ms(void *context, struct slice site);

// For the control socket and for metrics: what is in force now, until it is given back.
struct core;
struct core *watch_hold(struct watch *watch);
struct world *core_world(const struct core *core);
void core_release(struct core *core);
// Appends to Prometheus' text format; not for a loop's thread. MEMORY. What does not fit leaves
// the text full.
enum error watch_write_metrics(struct watch *watch, int64_t now_ms,
    struct text *ret_text) MUST_CHECK;
