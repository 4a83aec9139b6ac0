// What an unsafe request that succeeded makes suspect (RFC 9111 section 4.4).
#pragma once

#include "edge/fetch.h"

// The target, and what Location and Content-Location of the response name at the same host, by
// whatever keys rules give them. For statuses from 200 to 399.
void invalidate_after(struct fetch *fetch, const struct http_response_head *response);
