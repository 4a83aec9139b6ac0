// The edge under test: the production code of src/edge/ on the loops of a world.
#pragma once

#include "sim/run.h"

// Fine without an edge. Drains it, waits until its loops have stopped, destroys it and checks that
// every task came back.
void sim_edge_end(struct task *task, struct sim_run *run);
