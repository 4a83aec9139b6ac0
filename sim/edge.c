#include "sim/edge.h"

void sim_edge_end(struct task *task, struct sim_run *run)
{
    (void)task;
    (void)run;
}
