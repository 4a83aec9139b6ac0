// The edge under test: the production code of src/edge/ on the loops of a world.
#pragma once

#include "edge/edge.h"
#include "sim/run.h"

#define SIM_SITE "sites:\n  - origin: main\n"
#define SIM_ONE_BACKEND "origins:\n  main:\n    backends: [http://10.0.0.1]\n"
#define SIM_TWO_BACKENDS "origins:\n  main:\n    backends: [http://10.0.0.1, http://10.0.0.2]\n"
#define SIM_NAMED_BACKEND "origins:\n  main:\n    backends: [http://origin.test]\n"
// To follow an origin.
#define SIM_PROBE "    probe: {path: /health, interval: 1s, timeout: 500ms}\n"

// settings: YAML as in a settings file. Listens on SIM_EDGE_HOST, port 80.
void sim_edge_start(struct task *task, struct sim_run *run, const char *settings);
void sim_edge_reload(struct task *task, struct sim_run *run, const char *settings);
void sim_edge_drain(struct task *task, struct sim_run *run); // begins it
// As a kill leaves the disk, with or without power; the next edge may start. Nobody may be there.
void sim_edge_kill(struct task *task, struct sim_run *run, bool lost_power);
struct edge *sim_edge_of(struct sim_run *run);
void sim_edge_maintain(struct sim_run *run, bool on);
uint64_t sim_edge_purge(struct sim_run *run, enum purge_kind kind, const char *what, bool hard);
// Fine without an edge. Drains it, waits until its loops have stopped, destroys it and checks that
// every task came back.
void sim_edge_end(struct task *task, struct sim_run *run);
