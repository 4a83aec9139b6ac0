// What the world is made of, for world.c, world_windows.c and world_snapshot.c alone.
#pragma once

#include "base/lock.h"
#include "watch/incident/incident_automatic.h"
#include "watch/incident/incident_store.h"
#include "watch/world.h"

#define WORLD_WINDOWS_BYTES ((size_t)64 << 20) // of their views

struct component {
    struct slice id, title, group;
    enum component_kind kind;
    enum component_state found; // by the last finding
    struct reason reason;       // likewise
    enum chronicle_track track; // likewise
    enum chronicle_track told;  // to the chronicle
    enum component_state noted; // in the list of changes, by this process or the one before
    bool in_window;
    int64_t updated_ms;
    enum report_level reports;
    uint32_t reported;
    int64_t eta_ms;         // 0: none
    _Atomic int64_t eta;    // the same, for loops: they do not wait for the lock
};

struct world {
    struct lock lock;    // of all below
    struct arena arena;  // of what stays as long as the world
    struct brand brand;
    bool is_closed;      // see world_close
    struct component *components;
    struct component_definition *definitions;
    struct subject *subjects; // what is told of the components, for the rules
    struct slice *ids;
    uint32_t *by_id;          // numbers, in the order of the ids
    size_t count;
    struct incidents incidents;
    struct incident_store store;
    struct causes causes;
    struct windows *windows;
    struct arena window_arena; // of the views
    struct window_view *window_views; // under way and to come, by their begin; then past ones
    size_t window_count, past_window_count;
    int64_t windows_looked_ms, windows_next_ms;
    struct chronicle *chronicle;
    int64_t chronicled_ms, tidied_ms;
    uint64_t database_epoch; // of which all incidents have been written
    struct world_hooks hooks;
    _Atomic uint64_t version; // changed with the lock held
    uint64_t told_version;
    struct snapshot *snapshot; // of its version; NULL: none yet
};

// --- All with the lock held ---

// What the component is now, with its windows, to the chronicle and to the rules.
void world_track(struct world *world, unsigned number, int64_t from_ms);
void world_publish_state(struct world *world, unsigned number, int64_t from_ms);

// Without memory for it all stays as it was, until the next tick. is_first: nobody is told.
void world_look_at_windows(struct world *world, int64_t now_ms, bool is_first);
// Those that will not come again and that nobody is shown any more.
void world_forget_windows(struct world *world, int64_t now_ms);
void world_tell_window(const struct world *world, const struct window_view *view);
bool world_window_covers(const struct window_view *view, uint32_t number);

struct snapshot *world_build_snapshot(const struct world *world, int64_t now_ms) MUST_CHECK;
