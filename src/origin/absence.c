// See absence.h.
#include "origin/absence.h"

#define ANSWERS_LEAST 3 // two of them, far apart, may be chance

void absence_note(struct absence *absence, bool says_so, uint64_t now_ns)
{
    uint64_t since_ns = atomic_load_explicit(&absence->since_ns, memory_order_relaxed);
    if (!says_so && since_ns == 0)
        return;
    if (!says_so) {
        atomic_store_explicit(&absence->since_ns, 0, memory_order_relaxed);
        return;
    }
    if (since_ns == 0) {
        atomic_store_explicit(&absence->answers, 0, memory_order_relaxed);
        atomic_store_explicit(&absence->since_ns, MAXIMUM(now_ns, 1), memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&absence->answers, 1, memory_order_relaxed);
}

bool absence_is_certain(const struct absence *absence, uint64_t over_ns, uint64_t now_ns)
{
    uint64_t since_ns = atomic_load_explicit(&absence->since_ns, memory_order_relaxed);
    return since_ns != 0 && now_ns >= since_ns + over_ns
        && atomic_load_explicit(&absence->answers, memory_order_relaxed) >= ANSWERS_LEAST;
}
