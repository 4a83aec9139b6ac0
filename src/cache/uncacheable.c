// Hit-for-miss memory: a table of two-way sets. Hash and time of a slot are not one atom; what a
// race can do is forget a key early or remember one too long, by the time another one had.
#include "cache/inside.h"

static struct uncacheable *set_of(struct uncacheable *slots, uint64_t hash)
{
    return &slots[hash & (UNCACHEABLE_SLOTS - 2)];
}

void uncacheable_remember(struct uncacheable *slots, uint64_t hash, uint64_t until_ns)
{
    struct uncacheable *set = set_of(slots, hash);
    struct uncacheable *slot = &set[0];
    uint64_t soonest = UINT64_MAX;
    for (int way = 0; way < 2; way++) {
        uint64_t until = atomic_load_explicit(&set[way].until_ns, memory_order_relaxed);
        if (atomic_load_explicit(&set[way].hash, memory_order_relaxed) == hash)
            until = 0; // its own
        if (until < soonest) {
            soonest = until;
            slot = &set[way];
        }
    }
    atomic_store_explicit(&slot->until_ns, until_ns, memory_order_relaxed);
    atomic_store_explicit(&slot->hash, hash, memory_order_relaxed);
}

bool uncacheable_has(struct uncacheable *slots, uint64_t hash, uint64_t now_ns)
{
    struct uncacheable *set = set_of(slots, hash);
    for (int way = 0; way < 2; way++) {
        if (atomic_load_explicit(&set[way].hash, memory_order_relaxed) == hash)
            return now_ns < atomic_load_explicit(&set[way].until_ns, memory_order_relaxed);
    }
    return false;
}

void uncacheable_forget(struct uncacheable *slots, uint64_t hash)
{
    struct uncacheable *set = set_of(slots, hash);
    for (int way = 0; way < 2; way++) {
        if (atomic_load_explicit(&set[way].hash, memory_order_relaxed) == hash)
            atomic_store_explicit(&set[way].until_ns, 0, memory_order_relaxed);
    }
}
