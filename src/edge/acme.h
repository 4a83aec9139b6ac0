// Answers to ACME's HTTP-01 challenges (RFC 8555 section 8.3): files that an ACME client put into a
// directory, and nothing else from it.
#pragma once

#include "edge/request.h"

// True if the request was for a challenge that lies there, and is answered. Everybody else's are
// passed on, so that a backend may run a client of its own.
bool acme_serve(struct task *task, struct request *request);
