// What the files of io/ know of each other.
#pragma once

#include "io/io.h"
#include "io/running.h"

void timer_wheel_init(struct timer_wheel *wheel);
// Fires what is due at the loop's time. True if anything was.
bool timer_wheel_run(struct loop *loop);

struct task *task_of_link(struct list *link); // of the loop's ready tasks
// Runs the task until it suspends or ends.
void task_resume(struct task *task);
// Begins those that were started by now, one after another. Whoever ends without waiting leaves his
// stack to the next, still warm: of a hundred hits at once none but the first touches cold memory.
void task_begin_started(struct loop *loop);
// Frees the stacks at rest.
void task_pool_drain(struct loop *loop);
// As task_suspend without deadline and deaf to cancellation, for what must be awaited.
void task_suspend_shielded(struct task *task);
