// What the control socket understands of incidents and maintenance windows, for the operator's
// command line; what people are shown of the answers.
//
//   {"command":"incident","action":"list","all":BOOL} → {"ok":true,"incidents":[{id, title, state,
//       impact, automatic, reason, started, resolved, eta, components: [ID]}]}
//   {"command":"incident","action":"show","id":ID} → {"ok":true,"incident":{the same, updates:
//       [{state, at, text, author}], postmortem}}
//   {"command":"incident","action":"open","title":TEXT,"text":TEXT,"state":WORD,"impact":WORD,
//       "components":[ID],"eta_ms":N} → {"ok":true,"id":ID}
//   {"command":"incident","action":"update","id":ID,…} → {"ok":true,"id":ID}
//   {"command":"incident","action":"resolve","id":ID,"text":TEXT} → the same
//   {"command":"incident","action":"postmortem","id":ID,"text":TEXT} → the same
//   {"command":"window","action":"list","all":BOOL} → {"ok":true,"windows":[{id, title, text,
//       rule, zone, state, begin, end, components}]}
//   {"command":"window","action":"add","title":TEXT,"text":TEXT,"begin":TEXT,"duration_ms":N,
//       "zone":TEXT,"rule":TEXT,"components":[ID]} → {"ok":true,"id":ID}
//   {"command":"window","action":"remove","id":ID} → {"ok":true,"id":ID}
//
// list: without all only what is open, or to come. States are investigating, identified,
// monitoring, resolved; impacts none, minor, major, critical. All but action, id, title, begin and
// duration_ms may be left out; update takes what open takes, and changes what is there. Times are
// RFC 3339 in UTC or null. Anything else is refused with a sentence.
#pragma once

#include "watch/world.h"

#include <jansson.h>
#include <stdio.h>

// world NULL: there is none, which is a refusal. NULL when out of memory.
json_t *watch_command_incident(struct world *world, const json_t *request) MUST_CHECK;
json_t *watch_command_window(struct world *world, const json_t *request) MUST_CHECK;

// For people, of what list and show bring. What is missing is left out, control characters are not
// passed on to the terminal.
void watch_render_incidents(const json_t *response, FILE *out);
void watch_render_incident(const json_t *incident, FILE *out);
void watch_render_windows(const json_t *response, FILE *out);
