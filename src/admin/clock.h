// The real clocks, for this room's own threads: they live outside the seam and its simulation.
#pragma once

#include "base/base.h"

uint64_t clock_now_ms(void); // monotonic
int64_t clock_wall_ms(void);
