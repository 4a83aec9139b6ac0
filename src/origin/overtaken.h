// Attempts that another one has overtaken. Calling one off at once hides what it would have come
// to: whether its backend was a moment late or stalls, nobody knows by then. So a sample of them
// may go on, heard by nobody, until they would count as slow (siblings.h), and what they come to
// is what the comparison of backends hears of them: that they were slow, or have failed. Of those
// with a good head it hears nothing, for their content is not read.
//
// Neither the winner nor his visitor waits for them. Each has a task, and keeps its connection or
// stream: at most OVERTAKEN_MOST at once of a backend and loop, and one is added only while half of
// the loop's tasks, of pool.connections and of what the backend may be asked at once are free.
// Stopping calls them off; draining does not wait for them.
#pragma once

#include "origin/exchange_inside.h"

#define OVERTAKEN_MOST 16

// Takes the exchange, which has sent its request and was called off; false: it is not one to go on.
bool overtaken_watch(struct task *task, struct exchange *exchange);
