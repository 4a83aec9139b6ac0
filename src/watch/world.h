// The truth as the status page tells it: components with their states, incidents, windows of
// maintenance, what visitors report. One lock, held for no more than memory takes; whoever knows
// something says it here, and whoever shows something takes a snapshot. Persistent where there is a
// database. Any thread but where said otherwise.
#pragma once

#include "watch/history/chronicle.h"
#include "watch/incident/incident.h"
#include "watch/incident/window.h"
#include "watch/snapshot.h"

struct world;

// What is found out about one component: by its site's traffic, or by a quorum of places.
struct finding {
    enum component_state state;  // MAINTENANCE: the operator has declared it of the edge, or the
                                 // site says so; of windows the world knows by itself
    struct reason reason;
    enum chronicle_track track;  // of the origin, or of what is polled
    int64_t since_ms;            // when it began, at most a minute before; 0: now
    uint32_t responses;          // since the last finding; 0: none
    uint64_t responses_ms;       // their sum
    uint32_t slowest_ms;
    uint64_t requests, failed;   // of visitors, likewise
};

// Called under the world's lock; must only queue. NULL members: nobody wants to know.
struct world_hooks {
    // update NULL: something else about it has changed (title, ETA, postmortem, components).
    void (*incident_changed)(void *context, const struct incident *incident,
        const struct incident_update *update);
    // It was announced, has begun or has ended, as its view says.
    void (*window_changed)(void *context, const struct window_view *window);
    void (*changed)(void *context); // something that people would see; wake who waits for it
    void *context;
};

struct world_settings {
    struct brand brand;
    struct incident_settings incidents;
    const struct component_definition *components; // copied
    size_t component_count;
    struct database *database; // NULL: nothing outlives the process
    int64_t now_ms;
};

// Reads what the database has of incidents and windows; blocks.
enum error world_create(const struct world_settings *settings, const struct world_hooks *hooks,
    struct world **ret_world) MUST_CHECK;
void world_destroy(struct world *world); // NULL is fine
// A successor is about to read what this one has written: what was counted is queued for the disk,
// operators are asked to come again (BUSY), and what is found out counts no more. false takes it
// back.
void world_close(struct world *world, bool is_closed);

void world_learn(struct world *world, unsigned component, const struct finding *finding,
    int64_t now_ms);
void world_report(struct world *world, unsigned component, enum report_level level,
    uint32_t networks, int64_t now_ms);
// Several times a second: time passes, windows begin, incidents open, calm down and are resolved.
void world_tick(struct world *world, int64_t now_ms);
// A counted one; the same for all who ask while nothing has changed, for a second. NULL: no memory.
struct snapshot *world_snapshot(struct world *world, int64_t now_ms) MUST_CHECK;
// COMPONENT_NONE: there is none of that id.
uint32_t world_find(struct world *world, struct slice id);
// What it is; NULL: there is none of that number. Lives as long as the world; takes no lock, so
// hooks may ask.
const struct component_definition *world_component(const struct world *world, uint32_t component);
struct database *world_database(struct world *world);

// The operator's hand. why: one sentence for him on failure: INVALID, NOT_FOUND, LIMIT, MEMORY.
// author is who does it, for the audit and the update.
enum error world_open_incident(struct world *world, const struct incident_draft *draft,
    struct slice author, int64_t now_ms, struct incident_id *ret_id, struct text *why) MUST_CHECK;
enum error world_change_incident(struct world *world, struct slice id,
    const struct incident_change *change, struct slice author, int64_t now_ms,
    struct text *why) MUST_CHECK;
enum error world_add_window(struct world *world, const struct window_draft *draft,
    struct slice author, int64_t now_ms, struct incident_id *ret_id, struct text *why) MUST_CHECK;
enum error world_remove_window(struct world *world, struct slice id, struct slice author,
    int64_t now_ms, struct text *why) MUST_CHECK;

// When visitors of the component may expect it back, as an operator or a window says; 0: nobody
// has said. For the honest page and Retry-After; does not block.
int64_t world_eta_ms(struct world *world, unsigned component);
