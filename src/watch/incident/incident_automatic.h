// Incidents by themselves: which failing components make one, which join one that is open or take
// up one that was resolved, and when it is over. Pure rules over what is told of the components;
// time passes when its tick is called.
//
//   fails         DOWN, PARTIAL, or DEGRADED for degraded_ms
//   is told of    in an automatic incident, or in an operator's own of that impact or worse
//   is announced  what fails with a cause in maintenance: none opens for it
//   joins         of its cause; else what was resolved less than flap_ms ago and had it; else, when
//                 more than INCIDENT_MANY fail within group_ms, the one they all make; else what a
//                 relative (group, dependency) made within group_ms; else a new one
//   moves on      investigating → identified when the cause is known → monitoring when all is well
//                 → resolved after calm_ms. Back only when something fails anew, and never from
//                 where an operator has put it but from resolved. To an outage, what is merely
//                 DEGRADED for calm_ms is well: if that lasts, it is an incident of its own, for
//                 it would keep open for days what says that something is down.
#pragma once

#include "watch/incident/incidents.h"

#define INCIDENT_MANY 5 // more than so many at once have one cause, whatever it is

// A component, as it is told.
struct subject {
    enum component_state state; // MAINTENANCE during a window
    bool is_off;                // nothing of it answers, in MAINTENANCE too
    struct reason reason;
    int64_t since_ms;           // of the state
    uint32_t cause;             // by causes_find; COMPONENT_NONE
    struct slice title;
    uint32_t group;             // those of a group have the same number; UINT32_MAX: none
    const uint32_t *depends_on; // numbers of subjects, or beyond them: names that several share
    size_t depends_on_count;
    // The rules' own:
    struct incident *incident;  // the open one that carries it
    int64_t failed_ms;          // since when it fails; 0: it does not
    enum incident_impact dismissed; // it fails, so badly at most, and an operator says that it is
                                // over; NONE: he does not, or it has got worse
    enum incident_impact was_dismissed; // as it is on the disk
};

// Room for looking for causes.
struct causes {
    uint32_t *stack, *marks; // as many as there are subjects
    uint32_t mark;
};

enum error causes_init(struct causes *causes, size_t count) MUST_CHECK;
void causes_free(struct causes *causes);
// What is down and has the failing subject with it, the farthest along what depends on what; of a
// circle its lowest number; what is down in maintenance only if there is nothing else.
// COMPONENT_NONE: it fails alone.
uint32_t causes_find(struct causes *causes, const struct subject *subjects, size_t count,
    uint32_t which);

// Before the first tick, of what was read from the disk: what it carries has not begun to fail now.
void incidents_take_up(const struct incidents *incidents, struct subject *subjects);
void incidents_tick(struct incidents *incidents, struct subject *subjects, size_t count,
    int64_t now_ms);
// After an operator has changed an incident: what it no longer carries has his word.
void incidents_heed_operator(struct incidents *incidents, struct subject *subjects, size_t count,
    const struct incident *incident);
// An automatic title: an English sentence of whom it is about and what is wrong.
void incident_write_title(const struct incident *incident, const struct subject *subjects,
    struct text *title);
