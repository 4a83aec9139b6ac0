// A connection on which a request begins while all tasks are taken. It waits in line (line.h)
// without a task: what it says is looked at in the kernel's buffer, and stays there.
#pragma once

#include "edge/connection.h"

// Its whole head is there, and it is the edge's own pages that are asked for: they have tasks of
// their own, so that whoever watches the edge does not take it for dead. With TLS nobody can tell.
bool waiting_asks_for_own_page(struct connection *connection);
// Until there is a task, or its time is over; then it is told so and closed. It may be closed now.
void waiting_begin(struct connection *connection);
