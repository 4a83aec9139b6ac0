// What the files of this folder share: each writes one document of a snapshot into a text. A text
// that was too small is full, and the same is written again into a larger one (machine.c).
#pragma once

#include "watch/history/changes.h"
#include "watch/machine/machine.h"

#define MACHINE_INCIDENTS 50 // in a list, the newest
#define MACHINE_UPDATES 25   // of an incident in a list, the newest
#define MACHINE_WINDOWS 100  // likewise

struct machine_view {
    const struct snapshot *snapshot;
    struct slice base; // URL in front of each page's name
    struct slice page; // of the status page itself
    struct slice host; // where all that is
};

enum api_v2_document {
    API_V2_STATUS,
    API_V2_SUMMARY,
    API_V2_COMPONENTS,
    API_V2_INCIDENTS,
    API_V2_UNRESOLVED,
    API_V2_MAINTENANCES,
    API_V2_UPCOMING,
    API_V2_ACTIVE,
    API_V2_COUNT,
};
void api_v2_write(struct text *text, const struct machine_view *view,
    enum api_v2_document document);
// The path behind "api/v2/" and without ".json". False: there is none.
bool api_v2_find(struct slice name, enum api_v2_document *ret_document);

void atom_write(struct text *text, const struct machine_view *view);
void calendar_write(struct text *text, const struct machine_view *view);

enum badge_kind { BADGE_STATUS, BADGE_UPTIME };
// component COMPONENT_NONE: all together.
void badge_write(struct text *text, const struct machine_view *view, uint32_t component,
    enum badge_kind kind);

void events_write_json(struct text *text, const struct component_view *component,
    const struct change *changes, size_t count);
void events_write_csv(struct text *text, const struct change *changes, size_t count);

void metrics_write(struct text *text, const struct snapshot *snapshot);

// --- api_v2_state.c: Statuspage's words for what is known ---

struct api_v2_state {
    const char *indicator, *description;
};
struct api_v2_state api_v2_state(const struct snapshot *snapshot);
const char *api_v2_component_word(enum component_state state);
const char *api_v2_impact_word(enum incident_impact impact);
const char *api_v2_incident_word(enum incident_state state);
const char *api_v2_window_word(enum window_state state);

// What that update says, in English where afloat itself took that step.
struct slice machine_update_text(const struct incident_view *incident, size_t which);

// --- Moments ---

// "2026-12-01T02:00:00.000Z"
void machine_append_time(struct text *text, int64_t wall_ms);
// "20261201T020000Z"
void machine_append_compact_time(struct text *text, int64_t wall_ms);
// The last that happened to it.
int64_t machine_incident_updated_ms(const struct incident_view *incident);
int64_t machine_window_updated_ms(const struct window_view *window);
