// What the files that put the watch together share.
#pragma once

#include "base/lock.h"
#include "base/memory.h"
#include "io/helpers.h"
#include "watch/notify/courier.h"
#include "watch/operator/operator.h"
#include "watch/page/status_page.h"
#include "watch/probe/prober.h"
#include "watch/report/reports.h"
#include "watch/truth/evidence.h"
#include "watch/watch.h"

#define WATCH_SECRET_SIZE 32
#define STREAM_PLACES 16384

// What one generation of settings makes. Counted: one reference of the watch, one of each visit.
struct core {
    _Atomic uint32_t references;
    struct core *next;         // among those that are no longer in force
    struct watch *watch;       // whose it is
    struct arena arena;        // hosts
    bool has_page;
    struct slice *hosts;
    size_t host_count;
    uint64_t streams;          // at once
    bool subscribe;            // visitors may, by mail
    bool is_large;             // a snapshot takes more than a moment
    struct component_definition *components; // sites first
    size_t component_count, site_count;
    struct world *world;
    struct evidence *evidence; // the keeper's
    struct prober *prober;     // NULL: nothing is polled
    struct reports *reports;   // NULL: visitors report nothing
};

struct watch {
    struct edge *edge;
    struct database *database; // NULL: nothing outlives the process
    struct courier *courier;   // NULL: nobody is told
    struct operators *operators; // NULL: there is no operator's page
    struct status_shelf *shelf;
    struct helpers helpers;
    bool has_helpers;
    uint8_t secret[WATCH_SECRET_SIZE];
    uint64_t seed;
    struct lock lock;          // of core
    struct core *core;
    struct lock keeping;       // held by the keeper while it works, and by a reload
    struct core *retired;      // some visit may still use them; the keeper ends them
    pthread_t keeper;
    bool has_keeper;
    _Atomic int64_t kept_ms;   // when the keeper last did its work, wall clock
    atomic_bool is_ending;
    struct broadcast changed;  // something that people would see, or the end
    _Atomic uint64_t open_streams;
    _Atomic uint32_t streams_of[STREAM_PLACES]; // the same by the network's hash
};

bool core_has_sites_of(const struct core *core, struct edge *edge);
void core_destroy(struct core *core); // of no more references; joins threads. NULL is fine
// Made of settings and what the edge serves; the world reads the database.
enum error core_create(struct watch *watch, const struct watch_settings *settings,
    struct text *why, struct core **ret_core) MUST_CHECK;

// base + "events?after=" and the moment of a page: tells of each change since, so that the page can
// look again.
uint64_t stream_moment(struct watch *watch); // now; another process has others
void stream_serve(const struct visit *visit, struct core *core, struct edge_page *ret_page);

// A copy that tells of one component and its incidents. NULL: no memory.
struct snapshot *snapshot_narrow(const struct snapshot *snapshot, uint32_t component) MUST_CHECK;
