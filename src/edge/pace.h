// How slowly a request's content may come. That it comes at all is not enough: a byte now and then
// would hold a task, and a connection to the backend, for as long as somebody likes.
#pragma once

#include "io/task.h"

struct pace {
    uint64_t bytes;     // that came
    uint64_t waited_ns; // for them; not while nobody wanted more
};

// Until when the next byte is waited for: timeout_ms, and less where all so far came more slowly
// than least_rate bytes a second (0: any pace will do) for longer than that.
static inline uint64_t pace_deadline_ns(const struct pace *pace, const struct loop *loop,
    uint64_t timeout_ms, uint64_t least_rate)
{
    uint64_t timeout_ns = timeout_ms * NS_PER_MS;
    if (least_rate == 0 || pace->bytes / least_rate >= pace->waited_ns / (1000 * NS_PER_MS))
        return loop->now_ns + timeout_ns;
    uint64_t late_ns = pace->waited_ns - pace->bytes / least_rate * 1000 * NS_PER_MS;
    return loop->now_ns + (late_ns >= timeout_ns ? 0 : timeout_ns - late_ns);
}
