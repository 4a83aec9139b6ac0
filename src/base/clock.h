// The real clocks, for this room's own threads and for the commands: they live outside the seam and
// its simulation.
#pragma once

#include "base/base.h"

uint64_t clock_now_us(void); // monotonic
uint64_t clock_now_ms(void); // the same
int64_t clock_wall_ms(void);
