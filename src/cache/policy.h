// Who stays when memory is short: S3-FIFO (Yang et al., SOSP 2023) accounted in bytes, with the
// size rule of our measurements: the larger an object, the more hits it must show to be promoted,
// and what is larger than the small queue is let in at its second sight only. Knows entries, not
// objects.
//
// Everything but policy_touch must be called under one lock, the caller's. A hit takes none.
#pragma once

#include "base/list.h"
#include "base/error.h"

#include <stdatomic.h>

enum policy_queue { POLICY_NONE, POLICY_SMALL, POLICY_MAIN };

// Embedded in what is kept.
struct policy_entry {
    struct list link;
    uint64_t hash;
    uint32_t units;            // of POLICY_UNIT bytes
    _Atomic uint8_t frequency; // hits since it entered its queue, at most 3
    uint8_t queue;             // enum policy_queue
    _Atomic uint16_t owners;   // the owner's own, here because it would be padding otherwise
};
#define POLICY_UNIT 16

struct policy {
    uint64_t limit;                   // bytes
    uint64_t small_used, main_used, reserved; // reserved: by tables, the owner's and our own
    uint64_t small_count, main_count;
    uint64_t seen;                    // how many sizes went into mean_size
    double mean_size;                 // exponentially weighted over the last 10,000
    struct list small, main;          // oldest first
    uint32_t *ghosts;                 // fingerprints of what left the small queue without a hit:
                                      // sets of 16, the newest first in each; 0: free
    uint64_t ghost_sets;              // a power of two
    uint64_t ghost_hits, evictions;
    // Takes the entry out of the owner's tables and lets go of it. It is in no queue any more.
    void (*drop)(struct policy *policy, struct policy_entry *entry);
    // Of no use any more, however often it was hit; NULL: none ever is.
    bool (*is_spent)(struct policy *policy, struct policy_entry *entry);
};

enum policy_verdict { POLICY_ADMIT, POLICY_TOO_LARGE, POLICY_FIRST_SIGHT };

// MEMORY. Set drop and is_spent before the first insert.
enum error policy_init(struct policy *policy, uint64_t limit) MUST_CHECK;
void policy_destroy(struct policy *policy); // drops nothing
// Evicts down to it at once.
void policy_set_limit(struct policy *policy, uint64_t limit);
// So many bytes more (or fewer) in the owner's tables, counted against the limit.
void policy_reserve(struct policy *policy, int64_t bytes);
uint64_t policy_used(const struct policy *policy); // never above the limit, but for large tables

// May something of that size enter? A first sight is remembered, so that the second one may.
enum policy_verdict policy_judge(struct policy *policy, uint64_t hash, uint64_t size);
// Evicts until size fits the limit, then takes the entry in (zeroed, hash set). predecessor, NULL
// or an entry with POLICY_NONE just removed: its place and hits are inherited.
void policy_insert(struct policy *policy, struct policy_entry *entry, uint64_t size,
    const struct policy_entry *predecessor);
// Out of its queue, without drop. Leaves the queue and frequency readable for a successor.
void policy_remove(struct policy *policy, struct policy_entry *entry);
// It takes so much now. Evicts what is too much then, itself perhaps.
void policy_resize(struct policy *policy, struct policy_entry *entry, uint64_t size);
// Evicts one entry; false if there is none.
bool policy_evict(struct policy *policy);

static inline uint64_t policy_size(const struct policy_entry *entry)
{
    return (uint64_t)entry->units * POLICY_UNIT;
}

// A hit; any thread. Most hits of a popular entry only read.
static inline void policy_touch(struct policy_entry *entry)
{
    uint8_t frequency = atomic_load_explicit(&entry->frequency, memory_order_relaxed);
    if (frequency < 3)
        atomic_store_explicit(&entry->frequency, frequency + 1, memory_order_relaxed);
}
