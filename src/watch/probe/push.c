// A sign that says that it is not well is as good as none.
#include "watch/probe/push.h"

#define LOOK_LEAST_MS 5000
#define LOOK_MOST_MS 30000

void push_see(struct push *push, bool is_well, uint64_t now_ms)
{
    atomic_store(&push->is_well, is_well);
    atomic_store(&push->seen_ms, now_ms);
}

struct vote push_vote(const struct push *push, uint64_t interval_ms, uint64_t grace_ms,
    uint64_t now_ms)
{
    uint64_t seen_ms = atomic_load(&push->seen_ms);
    if (seen_ms == 0)
        return (struct vote){VOTE_INCONCLUSIVE, {REASON_NONE, 0}};
    bool is_late = now_ms > seen_ms + interval_ms + grace_ms;
    if (is_late || !atomic_load(&push->is_well))
        return (struct vote){VOTE_DOWN, {REASON_LATE, 0}};
    return (struct vote){VOTE_UP, {REASON_NONE, 0}};
}

uint64_t push_look_ms(uint64_t interval_ms)
{
    uint64_t ms = MINIMUM(MAXIMUM(interval_ms / 10, LOOK_LEAST_MS), LOOK_MOST_MS);
    return MINIMUM(ms, interval_ms);
}
