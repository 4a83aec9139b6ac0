// Sends what the outbox holds, once its origin answers: tasks of loop 0.
#pragma once

#include "io/task.h"

struct edge;
struct outbox_delivery;

// NULL when out of memory. Nothing is sent before the start.
struct outbox_delivery *outbox_delivery_create(struct edge *edge) MUST_CHECK;
enum error outbox_delivery_start(struct outbox_delivery *delivery) MUST_CHECK;
// In a task of loop 0, before the origins stop: begins nothing more, waits until the deadline for
// the answers to what was sent, then gives up waiting. NULL is fine.
void outbox_delivery_stop(struct task *task, struct outbox_delivery *delivery,
    uint64_t deadline_ns);
void outbox_delivery_destroy(struct outbox_delivery *delivery); // NULL is fine
