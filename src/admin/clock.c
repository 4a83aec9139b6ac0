// Reads them.
#include "admin/clock.h"

#include <time.h>

static int64_t read_ms(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / (int64_t)NS_PER_MS;
}

uint64_t clock_now_ms(void)
{
    return (uint64_t)read_ms(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}
