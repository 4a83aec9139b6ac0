// A sign that says that it is not well is as good as none.
#include "watch/probe/push.h"

#define LOOK_LEAST_MS 5000
#define LOOK_MOST_MS 30000
#define KEEP_EVERY_MS 1000

// The moment first: whoever sees the new state must not hold it against the old moment.
static void set(struct push *push, enum push_state state, int64_t seen_ms)
{
    atomic_store(&push->seen_ms, seen_ms);
    atomic_store(&push->state, state);
}

void push_see(struct push *push, bool is_well, int64_t now_ms)
{
    set(push, is_well ? PUSH_WELL : PUSH_FAILED, now_ms);
}

bool push_is_news(struct push *push, bool is_well, int64_t now_ms)
{
    enum push_state state = atomic_load(&push->state);
    bool is_same = state == (is_well ? PUSH_WELL : PUSH_FAILED);
    if (is_same && now_ms - atomic_load(&push->kept_ms) < KEEP_EVERY_MS)
        return false;
    atomic_store(&push->kept_ms, now_ms);
    return true;
}

void push_restore(struct push *push, bool is_well, int64_t age_ms, uint64_t interval_ms,
    uint64_t grace_ms, int64_t now_ms)
{
    age_ms = MAXIMUM(age_ms, 0); // the clock was set back
    if (is_well && age_ms + (int64_t)grace_ms < (int64_t)interval_ms)
        set(push, PUSH_WELL, now_ms - age_ms);
    else
        set(push, PUSH_AWAY, now_ms);
}

void push_inherit(struct push *push, const struct push *from)
{
    enum push_state state = atomic_load(&from->state);
    if (state != PUSH_NEVER)
        set(push, state, atomic_load(&from->seen_ms));
}

void push_catch_up(struct push *push, const struct push *from)
{
    enum push_state state = atomic_load(&from->state);
    int64_t seen_ms = atomic_load(&from->seen_ms);
    bool is_later = atomic_load(&push->state) == PUSH_NEVER
        || seen_ms > atomic_load(&push->seen_ms);
    if ((state == PUSH_WELL || state == PUSH_FAILED) && is_later)
        set(push, state, seen_ms);
}

struct vote push_vote(const struct push *push, uint64_t interval_ms, uint64_t grace_ms,
    int64_t now_ms)
{
    enum push_state state = atomic_load(&push->state);
    int64_t seen_ms = atomic_load(&push->seen_ms);
    bool is_late = now_ms > seen_ms + (int64_t)(interval_ms + grace_ms);
    if (state == PUSH_NEVER)
        return (struct vote){VOTE_INCONCLUSIVE, {REASON_NONE, 0}};
    if (is_late || state == PUSH_FAILED)
        return (struct vote){VOTE_DOWN, {is_late ? REASON_LATE : REASON_SAYS_FAILURE, 0}};
    if (state == PUSH_AWAY)
        return (struct vote){VOTE_INCONCLUSIVE, {REASON_BLIND, 0}};
    return (struct vote){VOTE_UP, {REASON_NONE, 0}};
}

uint64_t push_look_ms(uint64_t interval_ms)
{
    uint64_t ms = MINIMUM(MAXIMUM(interval_ms / 10, LOOK_LEAST_MS), LOOK_MOST_MS);
    return MINIMUM(ms, interval_ms);
}
