// A reader of a large transfer whose window has moved on goes on by a Range request of his own.
#pragma once

#include "edge/content.h"
#include "edge/request.h"

// Sends content from at to end (exclusive) to the visitor, byte-exact, or fails. Needs a strong
// validator: what comes must be of the very same representation (content.h), and begin with the
// seam, the last bytes that were sent. Where it breaks off it may be continued.
enum error laggard_send_rest(struct task *task, struct request *request, uint64_t at, uint64_t end,
    const struct content_seam *seam) MUST_CHECK;
