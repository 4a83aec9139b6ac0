// A point in time as an operator types it.
#pragma once

#include "base/slice.h"

// RFC 3339 ("2026-01-31T18:30:00Z", with an offset, or without one for local time; seconds may be
// missing), HH:MM (the next such time, local) or a duration from now ("30m", "+30m"). False when it
// is none of them.
bool until_parse(struct slice text, int64_t wall_ms, int64_t *ret_wall_ms) MUST_CHECK;
