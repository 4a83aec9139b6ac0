// See throttle.h. Each slot changes by compare-and-swap of its one word.
#include "origin/throttle.h"

#define WINDOW_LEAST_NS (120 * NS_PER_SECOND)
#define ACCEPTED_WEIGHT 2
#define COUNT_MAX 0xFFFFFFu

struct slot {
    uint16_t epoch;
    uint32_t sent, accepted;
};

static struct slot unpack(uint64_t word)
{
    return (struct slot){(uint16_t)(word >> 48), (uint32_t)(word >> 24) & COUNT_MAX,
        (uint32_t)word & COUNT_MAX};
}

static uint64_t pack(struct slot slot)
{
    return (uint64_t)slot.epoch << 48 | (uint64_t)slot.sent << 24 | slot.accepted;
}

uint64_t throttle_window_ns(uint64_t slowest_ns)
{
    return MAXIMUM(WINDOW_LEAST_NS, slowest_ns);
}

static uint64_t epoch_of(uint64_t window_ns, uint64_t now_ns)
{
    return now_ns / (window_ns / THROTTLE_SLOTS);
}

static void add(struct throttle *throttle, uint64_t window_ns, uint64_t now_ns, unsigned sent,
    unsigned accepted)
{
    uint64_t epoch = epoch_of(window_ns, now_ns);
    _Atomic uint64_t *place = &throttle->slots[epoch % THROTTLE_SLOTS];
    uint64_t word = atomic_load_explicit(place, memory_order_relaxed);
    struct slot slot;
    do {
        slot = unpack(word);
        if (slot.epoch != (uint16_t)epoch)
            slot = (struct slot){(uint16_t)epoch, 0, 0};
        slot.sent = MINIMUM(slot.sent + sent, COUNT_MAX);
        slot.accepted = MINIMUM(slot.accepted + accepted, COUNT_MAX);
    } while (!atomic_compare_exchange_weak_explicit(place, &word, pack(slot),
        memory_order_relaxed, memory_order_relaxed));
}

void throttle_count_sent(struct throttle *throttle, uint64_t window_ns, uint64_t now_ns)
{
    add(throttle, window_ns, now_ns, 1, 0);
}

void throttle_count_accepted(struct throttle *throttle, uint64_t window_ns, uint64_t now_ns)
{
    add(throttle, window_ns, now_ns, 0, 1);
}

unsigned throttle_withheld_permille(const struct throttle *throttle, uint64_t window_ns,
    uint64_t now_ns)
{
    uint64_t epoch = epoch_of(window_ns, now_ns), sent = 0, accepted = 0;
    for (unsigned i = 0; i < THROTTLE_SLOTS; i++) {
        struct slot slot =
            unpack(atomic_load_explicit(&throttle->slots[i], memory_order_relaxed));
        if ((uint16_t)(epoch - slot.epoch) >= THROTTLE_SLOTS)
            continue;
        sent += slot.sent;
        accepted += slot.accepted;
    }
    if (sent <= ACCEPTED_WEIGHT * accepted)
        return 0;
    return (unsigned)((sent - ACCEPTED_WEIGHT * accepted) * 1000 / (sent + 1));
}
