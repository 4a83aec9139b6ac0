// See budget.h. Each half changes by compare-and-swap of its one word, so that a check and the
// count it leads to are one step.
#include "origin/budget.h"

#define HALF_NS (5 * NS_PER_SECOND)
#define EXTRAS_MAX 0xFFFFu
#define REQUESTS_MAX 0xFFFFFFFFu

struct half {
    uint16_t epoch, extras;
    uint32_t requests;
};

static struct half unpack(uint64_t word)
{
    return (struct half){(uint16_t)(word >> 48), (uint16_t)(word >> 32), (uint32_t)word};
}

static uint64_t pack(struct half half)
{
    return (uint64_t)half.epoch << 48 | (uint64_t)half.extras << 32 | half.requests;
}

// What the half says if it counts that epoch, else nothing.
static struct half half_of(uint64_t word, uint16_t epoch)
{
    struct half half = unpack(word);
    return half.epoch == epoch ? half : (struct half){epoch, 0, 0};
}

void budget_count(struct budget *budget, uint64_t now_ns)
{
    uint16_t epoch = (uint16_t)(now_ns / HALF_NS);
    _Atomic uint64_t *place = &budget->halves[epoch & 1];
    uint64_t word = atomic_load_explicit(place, memory_order_relaxed);
    struct half half;
    do {
        half = half_of(word, epoch);
        if (half.requests == REQUESTS_MAX)
            return;
        half.requests++;
    } while (!atomic_compare_exchange_weak_explicit(place, &word, pack(half),
        memory_order_relaxed, memory_order_relaxed));
}

bool budget_take(struct budget *budget, uint64_t permille, uint64_t floor, uint64_t now_ns)
{
    uint16_t epoch = (uint16_t)(now_ns / HALF_NS);
    _Atomic uint64_t *place = &budget->halves[epoch & 1];
    uint64_t word = atomic_load_explicit(place, memory_order_relaxed);
    struct half half, before;
    do {
        half = half_of(word, epoch);
        before = half_of(atomic_load_explicit(&budget->halves[(epoch + 1) & 1],
            memory_order_relaxed), (uint16_t)(epoch - 1));
        uint64_t requests = (uint64_t)half.requests + before.requests;
        uint64_t allowed = MAXIMUM(floor, requests * permille / 1000);
        if (half.extras == EXTRAS_MAX || (uint64_t)half.extras + before.extras >= allowed)
            return false;
        half.extras++;
    } while (!atomic_compare_exchange_weak_explicit(place, &word, pack(half),
        memory_order_relaxed, memory_order_relaxed));
    return true;
}
