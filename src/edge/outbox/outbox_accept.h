// Writes of visitors on their way into the outbox. For the life of a request.
#pragma once

#include "edge/request.h"

// Writes were accepted for its path before and are not delivered yet: it must not overtake them.
bool outbox_goes_first(const struct request *request);
// Its rule allows it, nothing of it can have reached the origin (or it was not answered, and has a
// key that makes it no harm to send it again), and it is no fault of the visitor's or the edge's:
// takes it in. On true, request->own is the answer.
bool outbox_accept(struct task *task, struct request *request);
