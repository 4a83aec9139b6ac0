// What the cache's disk (cache/store.h) asks of tasks: a request that finds nothing in memory looks
// there, and one task of the edge sees to it that copies are written.
#pragma once

#include "edge/request.h"

// The request's copy, a reference, or NULL; suspends only if the disk may have what memory lacks.
struct object *archive_look_up(struct task *task, struct request *request) MUST_CHECK;

// Until it is cancelled. argument: the edge, with a store.
void archive_main(struct task *task, void *argument);
