// Incidents: something is wrong, or was. Data and rules alone: no lock (the world's), no clock, no
// I/O (incident_store.c). An incident goes investigating, identified, monitoring, resolved; any
// step may be left out, and what is resolved may be taken up again.
#pragma once

#include "base/error.h"
#include "base/list.h"
#include "base/setting.h"
#include "base/text.h"
#include "watch/snapshot.h"

#define INCIDENT_ID_SIZE 12
#define INCIDENT_TITLE_MAX 200   // bytes, of UTF-8 without controls
#define INCIDENT_TEXT_MAX 4000   // likewise; may have newlines
#define INCIDENT_POSTMORTEM_MAX 32768
#define INCIDENT_COMPONENTS_MAX 256
#define INCIDENT_UPDATES_MAX 200
#define INCIDENTS_OPEN_MAX 200
#define INCIDENTS_PAST_MAX 500   // the newest, of 400 days

struct incident_id {
    char text[INCIDENT_ID_SIZE + 1];
};

struct incident_settings {
    bool automatic;        // open incidents by itself
    uint64_t calm_ms;      // well for so long: monitoring becomes resolved
    uint64_t flap_ms;      // what fails again within this time after is the same incident
    uint64_t group_ms;     // what fails within this time is one incident
    uint64_t degraded_ms;  // what is degraded for so long is one too; 0: never
};
extern const struct setting_section incident_settings_section;

struct incident;

// What an operator opens one with.
struct incident_draft {
    struct slice title, text;      // text may be empty
    enum incident_state state;
    enum incident_impact impact;
    const uint32_t *components;
    size_t component_count;
    int64_t eta_ms;                // 0: none
};

// What he changes; members whose bit is not set stay as they are.
struct incident_change {
    bool has_state, has_title, has_impact, has_eta, has_postmortem, has_components;
    enum incident_state state;
    struct slice text;             // of the update; empty: none
    struct slice title, postmortem;
    enum incident_impact impact;
    int64_t eta_ms;
    const uint32_t *components;
    size_t component_count;
};

// A view of it; texts and lists are the incident's.
void incident_view(const struct incident *incident, struct incident_view *ret_view);

// What an automatic incident says last when its components go on in another one, and of which: its
// id. Empty: the text says something else.
void incident_write_merged(struct slice id, struct text *text);
struct slice incident_merged_into(struct slice text);
// What it says last when all that it was about has left the settings.
#define INCIDENT_UNWATCHED "What it was about is no longer watched."

const char *incident_state_word(enum incident_state state);    // Statuspage's: "investigating", …
const char *incident_impact_word(enum incident_impact impact); // "none", "minor", …
bool incident_find_state(struct slice word, enum incident_state *ret_state) MUST_CHECK;
bool incident_find_impact(struct slice word, enum incident_impact *ret_impact) MUST_CHECK;

// 12 characters that nobody mistakes for others, by OpenSSL's generator. SYSTEM: it has no entropy.
enum error incident_id_make(struct incident_id *ret_id) MUST_CHECK;
// Where the first control character is, of which lines may have newlines: what ends a line or turns
// the direction of what follows is one. The size: there is none. UTF-8.
size_t incident_find_control(struct slice value, bool lines) MUST_CHECK;
// One line (lines: several) of UTF-8 without controls, neither empty nor longer than maximum.
// False: why says what of it is wrong, beginning with its name.
bool incident_check_text(struct slice value, const char *name, size_t maximum, bool lines,
    struct text *why) MUST_CHECK;
