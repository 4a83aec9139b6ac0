// One run of one scenario: its world, its site, its edge, and the first thing that went wrong.
#pragma once

#include "sim/site.h"
#include "sim/world.h"

struct edge;
struct pressure_resources;
struct sim_disk; // of sim/disk.h
struct sim_edge; // the edge under test with its settings, see edge.h

struct sim_run {
    struct sim_world *world;
    uint64_t seed;
    struct sim_site site;
    struct scope origins;   // what never ends by itself: ended after the director
    struct list origin_list;
    const char *target;     // where clients go: the edge, or an origin in tests of the world itself
    struct pressure_resources *resources; // of the edge; NULL: without limits
    struct sim_edge *edge;  // NULL: the scenario does without
    void *notes;            // the scenario's own, for its judge
    struct sim_disk *disk;  // what the edge keeps copies on; NULL: nothing. The run's from then on
    uint64_t trouble_ns;    // when an origin last misbehaved; 0: never
    bool troubled;          // something is broken now
    bool clocks_differ;     // the edge's and its origins': an Age may be of any size
    bool answers_linger;    // in a silent network: who asks meanwhile shares one made before
    const char *without;    // this is switched off, see switches.h; NULL: nothing is
    bool tolerant;          // errors are nobody's fault here (allocation failures, no memory)
    bool failed, ended;
    char reason[512];
    uint64_t answers, errors, cut; // complete answers; of them 5xx; broken off
    uint64_t unread;        // further ones that nobody counted: of who left, or tried again
    bool edge_ended;        // there was one
    uint64_t told;          // what the edge's ledger says of errors, once it has ended
};

// Remembers the first failure of the run.
void sim_fail(struct sim_run *run, const char *format, ...) PRINTF_LIKE(2, 3);
#define sim_expect(run, condition)                                                                 \
    ((condition) ? (void)0 : sim_fail(run, "%s:%d: expected %s", __FILE__, __LINE__, #condition))

void sim_trouble(struct sim_run *run); // an origin misbehaves just now
static inline struct random *sim_random(struct sim_run *run)
{
    return sim_world_random(run->world);
}
// Draw once per statement: the order of evaluation within one differs between compilers, and a seed
// must mean the same run everywhere.
uint64_t sim_between_values(struct sim_run *run, uint64_t least, uint64_t most); // both included
const char *sim_choose(struct sim_run *run, const char *const *choices, size_t count);
void sim_sleep_ms(struct task *task, uint64_t ms);
void sim_start(struct sim_run *run, struct scope *scope, task_main *main, void *argument);

// A named scenario: straight code in a task outside, the director.
struct sim_scenario {
    const char *name;
    void (*direct)(struct task *task, struct sim_run *run);
    unsigned edge_loops; // 0: seeded, 1 to 3
    const char *summary;
};

struct sim_group {
    const struct sim_scenario *scenarios;
    size_t count;
};

extern const struct sim_group sim_cut_scenarios;
extern const struct sim_group sim_world_scenarios, sim_outage_scenarios, sim_health_scenarios,
    sim_sharing_scenarios, sim_visitor_scenarios, sim_operation_scenarios,
    sim_compression_scenarios, sim_http2_origin_scenarios,
    sim_tunnel_scenarios, sim_name_scenarios, sim_overload_scenarios, sim_http2_scenarios,
    sim_hold_scenarios, sim_attempt_scenarios, sim_mix_scenarios, sim_survival_scenarios,
    sim_peer_scenarios, sim_outbox_scenarios, sim_priority_scenarios,
    sim_fallback_scenarios, sim_doubt_scenarios, sim_watched_scenarios;

struct sim_result {
    bool failed;
    char reason[512];
    uint64_t hash;
    uint64_t virtual_ms, answers, errors, steps;
};
// without: as in sim_run. trace: where to; NULL: nowhere.
void sim_scenario_run(const struct sim_scenario *scenario, uint64_t seed, const char *without,
    FILE *trace, struct sim_result *ret_result);
