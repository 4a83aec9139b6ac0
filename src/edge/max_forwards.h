// Max-Forwards (RFC 9110 section 7.6.2) limits how far an OPTIONS travels. TRACE, the other method
// that it is for, goes no further than here anyway.
#pragma once

#include "edge/request.h"

// Answers an OPTIONS that may go no further. False: it may, and its Max-Forwards is one less.
bool max_forwards_serve(struct task *task, struct request *request);
