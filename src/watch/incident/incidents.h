// The set of all incidents that are kept: those that are open, and past ones. Bounded: so many of
// each, so many updates of one, so many bytes in all. Not locked: the world's lock is.
#pragma once

#include "watch/incident/incident.h"

#define INCIDENTS_BYTES_MAX ((size_t)64 << 20) // of all texts; the oldest past ones go first
#define INCIDENT_AUTHOR_MAX 64                 // bytes; the rest of a longer name is cut
#define INCIDENTS_KEEP_MS (INT64_C(400) * 86400000)

// What is to be told of it at the end of a tick.
enum incident_news { NEWS_NONE, NEWS_CHANGED, NEWS_OPENED };

struct incident {
    struct list link; // of incidents.open or .past, the newest first
    struct incident_id id;
    struct slice title, postmortem; // memory of their own
    enum incident_state state;
    enum incident_impact impact;
    bool by_machine;         // opened by it, so it is moved on by it
    bool automatic_title;
    bool state_by_operator;  // the last step was his: the machine does not take it back
    bool impact_by_operator;
    bool was_touched;        // by an operator, in any way
    bool was_merged;         // its components went on in another one
    enum incident_news news; // the rules'
    struct reason reason;
    int64_t started_ms, resolved_ms, eta_ms;
    int64_t failed_ms;       // when the last of its components failed; 0: not since the start
    int64_t calm_ms;         // since when all of them are well; 0: they are not
    uint32_t *components;
    size_t component_count;
    struct incident_update *updates; // the newest first; text and author are one block of memory
    uint32_t *numbers;       // of the updates, as they are stored: from 0 on
    size_t update_count, update_capacity;
    uint32_t next_number;
    uint32_t dropped_number; // of the update that made room for the last one; UINT32_MAX: none
};

struct incidents {
    struct incident_settings settings;
    struct list open, past;
    size_t open_count, past_count, bytes;
    uint64_t refused; // what could not be opened, for INCIDENTS_OPEN_MAX were
    // It is as it is now; update NULL: something else but a step of it.
    void (*changed)(void *context, const struct incident *incident,
        const struct incident_update *update);
    void (*forgotten)(void *context, const struct incident *incident); // too old, or too many
    void *context;
};

void incidents_init(struct incidents *incidents, const struct incident_settings *settings);
void incidents_free(struct incidents *incidents);

struct incident *incidents_find(const struct incidents *incidents, struct slice id) MUST_CHECK;
bool incident_has(const struct incident *incident, uint32_t component) MUST_CHECK;

// The operator's hand, as in world.h; components are below component_count.
enum error incidents_open(struct incidents *incidents, const struct incident_draft *draft,
    size_t component_count, struct slice author, int64_t now_ms, struct incident **ret_incident,
    struct text *why) MUST_CHECK;
enum error incidents_change(struct incidents *incidents, struct incident *incident,
    const struct incident_change *change, size_t component_count, struct slice author,
    int64_t now_ms, struct text *why) MUST_CHECK;

// The machine's. A new one that nobody has been told of yet: no title, no component, no update.
// LIMIT, MEMORY, SYSTEM.
enum error incidents_add(struct incidents *incidents, int64_t started_ms,
    struct incident **ret_incident) MUST_CHECK;
void incidents_remove(struct incidents *incidents, struct incident *incident); // tells nobody
// MEMORY, LIMIT: INCIDENT_COMPONENTS_MAX; it is in it already: NONE.
enum error incident_add_component(struct incident *incident, uint32_t component) MUST_CHECK;
// A step with an update; author empty: the machine. Puts it among the open or past ones. It says
// so to changed. LIMIT: it would be one too many open ones.
enum error incidents_step(struct incidents *incidents, struct incident *incident,
    enum incident_state state, struct slice text, struct slice author, int64_t now_ms) MUST_CHECK;
bool incident_has_room(const struct incident *incident) MUST_CHECK; // for an operator's update
enum error incidents_set_title(struct incidents *incidents, struct incident *incident,
    struct slice title) MUST_CHECK;
// As it was read from the disk, without saying so to anybody; `from` is copied. Past ones beyond
// the bounds are LIMIT.
enum error incidents_restore(struct incidents *incidents, const struct incident *from,
    struct incident **ret_incident) MUST_CHECK;
enum error incident_restore_update(struct incidents *incidents, struct incident *incident,
    uint32_t number, const struct incident_update *update) MUST_CHECK;
// Forgets what is too old, or one too many: after steps, by whoever holds no incident just then.
void incidents_trim(struct incidents *incidents, int64_t now_ms);
