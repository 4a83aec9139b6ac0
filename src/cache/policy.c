// S3-FIFO in bytes: a small queue where everything starts, a main queue for what was hit there, and
// fingerprints ("ghosts") of what was not.
#include "cache/policy.h"
#include "base/invariant.h"
#include "base/memory.h"

#include <string.h>

#define GHOST_WAYS 16
#define GHOST_SETS_LEAST 64
#define MEAN_WEIGHT 10000
#define FIRST_SIGHT_MOST (UINT64_C(4) * 1024 * 1024)

static uint64_t small_limit(const struct policy *policy)
{
    return policy->limit / 10;
}

static uint64_t main_limit(const struct policy *policy)
{
    return policy->limit - small_limit(policy);
}

uint64_t policy_used(const struct policy *policy)
{
    return policy->small_used + policy->main_used + policy->reserved;
}

// --- Ghosts ---

static uint32_t fingerprint_of(uint64_t hash)
{
    uint32_t fingerprint = (uint32_t)(hash >> 32);
    return fingerprint == 0 ? 1 : fingerprint;
}

static uint32_t *ghost_set(const struct policy *policy, uint32_t fingerprint)
{
    return policy->ghosts + (fingerprint & (policy->ghost_sets - 1)) * GHOST_WAYS;
}

static void ghost_remember(struct policy *policy, uint64_t hash)
{
    uint32_t fingerprint = fingerprint_of(hash);
    uint32_t *set = ghost_set(policy, fingerprint);
    memmove(set + 1, set, (GHOST_WAYS - 1) * sizeof(*set));
    set[0] = fingerprint;
}

static uint32_t *ghost_find(const struct policy *policy, uint64_t hash)
{
    uint32_t fingerprint = fingerprint_of(hash);
    uint32_t *set = ghost_set(policy, fingerprint);
    for (unsigned i = 0; i < GHOST_WAYS; i++) {
        if (set[i] == fingerprint)
            return &set[i];
    }
    return NULL;
}

static bool ghost_forget(struct policy *policy, uint64_t hash)
{
    uint32_t *ghost = ghost_find(policy, hash);
    if (ghost == NULL)
        return false;
    uint32_t *set = ghost_set(policy, fingerprint_of(hash));
    size_t after = (size_t)(set + GHOST_WAYS - ghost) - 1;
    memmove(ghost, ghost + 1, after * sizeof(*ghost));
    set[GHOST_WAYS - 1] = 0;
    return true;
}

static uint64_t ghost_bytes(uint64_t sets)
{
    return sets * GHOST_WAYS * sizeof(uint32_t);
}

// As many ghosts as there are entries in the main queue. Without memory for more, they stay few.
static void ghost_fit(struct policy *policy)
{
    if (policy->main_count <= policy->ghost_sets * GHOST_WAYS)
        return;
    uint64_t old_sets = policy->ghost_sets;
    uint32_t *ghosts = memory_zero_alloc(ghost_bytes(old_sets * 2));
    if (ghosts == NULL)
        return;
    uint32_t *old = policy->ghosts;
    policy->ghosts = ghosts;
    policy->ghost_sets = old_sets * 2;
    // Oldest first, so that their order stays.
    for (uint64_t i = 0; i < old_sets; i++) {
        for (unsigned way = GHOST_WAYS; way-- > 0;) {
            uint32_t fingerprint = old[i * GHOST_WAYS + way];
            if (fingerprint != 0)
                ghost_remember(policy, (uint64_t)fingerprint << 32);
        }
    }
    memory_free(old);
    policy->reserved += ghost_bytes(old_sets);
}

// --- Queues ---

enum error policy_init(struct policy *policy, uint64_t limit)
{
    *policy = (struct policy){.limit = limit, .ghost_sets = GHOST_SETS_LEAST};
    policy->ghosts = memory_zero_alloc(ghost_bytes(GHOST_SETS_LEAST));
    if (policy->ghosts == NULL)
        return ERROR_MEMORY;
    policy->reserved = ghost_bytes(GHOST_SETS_LEAST);
    list_init(&policy->small);
    list_init(&policy->main);
    return ERROR_NONE;
}

void policy_destroy(struct policy *policy)
{
    memory_free(policy->ghosts);
}

void policy_reserve(struct policy *policy, int64_t bytes)
{
    policy->reserved += (uint64_t)bytes;
}

static void enter(struct policy *policy, struct policy_entry *entry, enum policy_queue queue)
{
    entry->queue = (uint8_t)queue;
    if (queue == POLICY_MAIN) {
        list_append(&policy->main, &entry->link);
        policy->main_used += policy_size(entry);
        policy->main_count++;
    } else {
        list_append(&policy->small, &entry->link);
        policy->small_used += policy_size(entry);
        policy->small_count++;
    }
}

static uint32_t units_of(uint64_t size)
{
    return (uint32_t)((size + POLICY_UNIT - 1) / POLICY_UNIT);
}

void policy_remove(struct policy *policy, struct policy_entry *entry)
{
    list_remove(&entry->link);
    if (entry->queue == POLICY_MAIN) {
        policy->main_used -= policy_size(entry);
        policy->main_count--;
    } else {
        invariant(entry->queue == POLICY_SMALL);
        policy->small_used -= policy_size(entry);
        policy->small_count--;
    }
}

static void drop(struct policy *policy, struct policy_entry *entry)
{
    policy_remove(policy, entry);
    policy->evictions++;
    policy->drop(policy, entry);
}

static bool is_spent(struct policy *policy, struct policy_entry *entry)
{
    return policy->is_spent != NULL && policy->is_spent(policy, entry);
}

// A large entry must show more hits for the room it takes.
static unsigned promotion_threshold(const struct policy *policy, uint64_t size)
{
    double times = (double)size / policy->mean_size;
    return 1 + (times > 4) + (times > 16);
}

// The oldest of the small queue goes, or moves on to the main queue: true if one went.
static bool evict_small(struct policy *policy)
{
    while (!list_is_empty(&policy->small)) {
        struct policy_entry *oldest = LIST_ENTRY(policy->small.next, struct policy_entry, link);
        unsigned frequency = atomic_load_explicit(&oldest->frequency, memory_order_relaxed);
        bool spent = is_spent(policy, oldest);
        if (spent || frequency < promotion_threshold(policy, policy_size(oldest))) {
            if (!spent)
                ghost_remember(policy, oldest->hash);
            drop(policy, oldest);
            return true;
        }
        policy_remove(policy, oldest);
        atomic_store_explicit(&oldest->frequency, 0, memory_order_relaxed);
        enter(policy, oldest, POLICY_MAIN);
    }
    return false;
}

static bool evict_main(struct policy *policy)
{
    while (!list_is_empty(&policy->main)) {
        struct policy_entry *oldest = LIST_ENTRY(policy->main.next, struct policy_entry, link);
        uint8_t frequency = atomic_load_explicit(&oldest->frequency, memory_order_relaxed);
        if (frequency == 0 || is_spent(policy, oldest)) {
            drop(policy, oldest);
            return true;
        }
        list_remove(&oldest->link);
        atomic_store_explicit(&oldest->frequency, frequency - 1, memory_order_relaxed);
        list_append(&policy->main, &oldest->link);
    }
    return false;
}

bool policy_evict(struct policy *policy)
{
    if (policy->main_used > main_limit(policy) || list_is_empty(&policy->small))
        return evict_main(policy);
    return evict_small(policy) || evict_main(policy);
}

static void make_room(struct policy *policy, uint64_t size)
{
    while (policy_used(policy) + size > policy->limit) {
        if (!policy_evict(policy))
            return;
    }
}

void policy_set_limit(struct policy *policy, uint64_t limit)
{
    policy->limit = limit;
    make_room(policy, 0);
}

static void note_size(struct policy *policy, uint64_t size)
{
    if (policy->seen < MEAN_WEIGHT)
        policy->seen++;
    policy->mean_size += ((double)size - policy->mean_size) / (double)policy->seen;
}

enum policy_verdict policy_judge(struct policy *policy, uint64_t hash, uint64_t size)
{
    uint64_t reserved = policy->reserved;
    if (reserved >= policy->limit || size > main_limit(policy) || size > policy->limit - reserved)
        return POLICY_TOO_LARGE;
    if (size <= MINIMUM(small_limit(policy), FIRST_SIGHT_MOST) || ghost_find(policy, hash) != NULL)
        return POLICY_ADMIT;
    ghost_remember(policy, hash);
    return POLICY_FIRST_SIGHT;
}

void policy_insert(struct policy *policy, struct policy_entry *entry, uint64_t size,
    const struct policy_entry *predecessor)
{
    enum policy_queue queue = POLICY_SMALL;
    uint8_t frequency = 0;
    note_size(policy, size);
    if (predecessor != NULL) {
        queue = (enum policy_queue)predecessor->queue;
        frequency = atomic_load_explicit(&predecessor->frequency, memory_order_relaxed);
    } else if (ghost_forget(policy, entry->hash)) {
        policy->ghost_hits++;
        queue = POLICY_MAIN;
    }
    entry->units = units_of(size);
    atomic_store_explicit(&entry->frequency, frequency, memory_order_relaxed);
    ghost_fit(policy);
    make_room(policy, policy_size(entry));
    enter(policy, entry, queue);
}

void policy_resize(struct policy *policy, struct policy_entry *entry, uint64_t size)
{
    uint64_t before = policy_size(entry);
    entry->units = units_of(size);
    if (entry->queue == POLICY_MAIN)
        policy->main_used += policy_size(entry) - before;
    else
        policy->small_used += policy_size(entry) - before;
    make_room(policy, 0);
}
