// What most scenarios begin with, and the usual requests.
#pragma once

#include "sim/client.h"
#include "sim/edge.h"
#include "sim/origin.h"

#define SIM_ORIGIN "10.0.0.1"
#define SIM_SECOND_ORIGIN "10.0.0.2"
#define SIM_THIRD_ORIGIN "10.0.0.3"
#define SIM_RECOVERY_MS 100000 // long enough for every back-off to have run out

// The usual site, one origin, and an edge with these settings before it.
struct sim_origin *sim_begin(struct task *task, struct sim_run *run, const char *settings);

// Plans for sim_crowd. "Known" are keepable pages that sim_warm asks for; of them nobody may ever
// see an error. "Any" adds pages never seen, private ones and answers that may not be stored, all
// of which put up with an honest error. "Strict" is the same mix, without that.
void sim_plan_known(struct sim_run *run, struct sim_request *request);
void sim_plan_any(struct sim_run *run, struct sim_request *request);
void sim_plan_strict(struct sim_run *run, struct sim_request *request);
// Any, and what is under way when something breaks may break: it cannot be taken back.
void sim_plan_breakable(struct sim_run *run, struct sim_request *request);
// Asks once for every known page.
void sim_warm(struct task *task, struct sim_run *run);
// A moderate crowd with that plan: 10 visitors, 6 requests each.
void sim_visitors(struct task *task, struct sim_run *run, uint64_t over_ms,
    sim_plan *plan);
// The same beside the director, until the scope ends; at most one at a time per scope.
struct sim_background {
    struct sim_run *run;
    struct scope scope;
    struct sim_crowd crowd;
};
void sim_background_start(
    struct sim_background *background, struct sim_run *run, const struct sim_crowd *crowd);
void sim_background_join(struct task *task, struct sim_background *background);

// An origin that has begun fails like this while visitors come, recovers, and all is well.
void sim_outage(struct task *task, struct sim_run *run, struct sim_origin *origin,
    struct sim_fault fault, sim_plan *plan);
// Any allocation may fail while visitors come with that plan; afterwards all is well.
void sim_fail_allocations(struct task *task, struct sim_run *run, sim_plan *plan);
// The network to the origin swallows everything for a while; afterwards all is well.
void sim_silence(struct task *task, struct sim_run *run);
