// A reader of a large transfer whose window has moved on goes on by a Range request of his own.
#pragma once

#include "edge/request.h"

// Sends content from at to end (exclusive) to the visitor, byte-exact, or fails. Needs a strong
// validator; the backend must answer 206 for the very same representation.
enum error laggard_send_rest(struct task *task, struct request *request, uint64_t at, uint64_t end)
    MUST_CHECK;
