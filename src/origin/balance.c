// See balance.h. Sets of backends are words with a bit for each.
#include "origin/balance.h"
#include "base/hash.h"
#include "base/invariant.h"

static size_t size_of(uint64_t set)
{
    return (size_t)__builtin_popcountll(set);
}

static size_t member(uint64_t set, size_t number)
{
    for (; number > 0; number--)
        set &= set - 1;
    return (size_t)__builtin_ctzll(set);
}

static uint64_t healthy_among(struct backend *const *backends, uint64_t set)
{
    uint64_t healthy = 0;
    for (uint64_t rest = set; rest != 0; rest &= rest - 1) {
        size_t i = (size_t)__builtin_ctzll(rest);
        if (atomic_load_explicit(&backends[i]->health.healthy, memory_order_relaxed))
            healthy |= UINT64_C(1) << i;
    }
    return healthy;
}

static uint64_t aside_among(struct backend *const *backends, uint64_t set)
{
    uint64_t aside = 0;
    for (uint64_t rest = set; rest != 0; rest &= rest - 1) {
        size_t i = (size_t)__builtin_ctzll(rest);
        if (outlier_is_aside(&backends[i]->outlier))
            aside |= UINT64_C(1) << i;
    }
    return aside;
}

// Without those set aside, unless too few backends are left then (Envoy's panic rule), or none of
// this set.
static uint64_t without_outliers(struct backend *const *backends, size_t count, uint64_t set)
{
    uint64_t aside = aside_among(backends, set), all = UINT64_MAX >> (64 - count);
    if (aside == 0 || aside == set)
        return set;
    uint64_t well = healthy_among(backends, all) & ~aside_among(backends, all);
    return 2 * size_of(well) < count ? set : set & ~aside;
}

static uint64_t roomy_among(struct backend *const *backends, uint64_t set, uint64_t most)
{
    uint64_t roomy = 0;
    for (uint64_t rest = set; rest != 0; rest &= rest - 1) {
        size_t i = (size_t)__builtin_ctzll(rest);
        if (limit_has_room(&backends[i]->limit, most))
            roomy |= UINT64_C(1) << i;
    }
    return roomy;
}

// Leaves returning backends out as often as their share is short, but never all.
static uint64_t without_slow_starters(struct backend *const *backends, uint64_t set,
    const struct balance_question *question, struct random *random)
{
    uint64_t left = set;
    for (uint64_t rest = set; rest != 0 && size_of(left) > 1; rest &= rest - 1) {
        size_t i = (size_t)__builtin_ctzll(rest);
        unsigned share = backend_share_permille(backends[i], question->slow_start_ms,
            question->now_ns);
        if (share < 1000 && !random_chance(random, share, 1000))
            left &= ~(UINT64_C(1) << i);
    }
    return left;
}

static uint64_t in_flight(const struct backend *backend)
{
    return atomic_load_explicit(&backend->in_flight, memory_order_relaxed);
}

// The less busy of two drawn by lot.
static size_t choose_least_requests(struct backend *const *backends, uint64_t set,
    struct random *random)
{
    size_t count = size_of(set);
    if (count == 1)
        return member(set, 0);
    size_t first = random_below(random, count);
    size_t second = random_below(random, count - 1);
    if (second >= first)
        second++;
    first = member(set, first);
    second = member(set, second);
    return in_flight(backends[second]) < in_flight(backends[first]) ? second : first;
}

// Rendezvous hashing: when a backend goes, only what was its own moves.
static size_t choose_hash(struct backend *const *backends, uint64_t set, uint64_t affinity)
{
    size_t best = member(set, 0);
    uint64_t best_rank = 0;
    for (uint64_t rest = set; rest != 0; rest &= rest - 1) {
        size_t i = (size_t)__builtin_ctzll(rest);
        uint64_t rank =
            hash_bytes(slice_of((const char *)&affinity, sizeof(affinity)), backends[i]->hash);
        if (rank >= best_rank) {
            best = i;
            best_rank = rank;
        }
    }
    return best;
}

// A sick one that may be tried, or one set aside whose canary this is; NONE: there is none.
static size_t find_trial(struct backend *const *backends, uint64_t set, uint64_t healthy,
    uint64_t now_ns)
{
    for (uint64_t sick = set & ~healthy; sick != 0 && healthy != 0; sick &= sick - 1) {
        size_t i = (size_t)__builtin_ctzll(sick);
        if (health_claim_trial(&backends[i]->health, now_ns))
            return i;
    }
    for (uint64_t aside = aside_among(backends, healthy); aside != 0; aside &= aside - 1) {
        size_t i = (size_t)__builtin_ctzll(aside);
        if (outlier_claim_canary(&backends[i]->outlier, now_ns))
            return i;
    }
    return BALANCE_NONE;
}

size_t balance_choose(struct backend *const *backends, size_t count,
    const struct balance_question *question, _Atomic uint64_t *cursor, struct random *random)
{
    invariant(count > 0 && count <= ORIGIN_BACKENDS_MAX);
    uint64_t all = UINT64_MAX >> (64 - count);
    uint64_t set = all & ~question->tried;
    if (set == 0)
        set = all;
    uint64_t healthy = healthy_among(backends, set);
    size_t trial = question->may_try_sick
        ? find_trial(backends, set, healthy, question->now_ns) : BALANCE_NONE;
    if (trial != BALANCE_NONE)
        return trial;
    if (healthy != 0)
        set = healthy;
    uint64_t roomy = roomy_among(backends, without_outliers(backends, count, set), question->most);
    if (roomy == 0)
        roomy = roomy_among(backends, set, question->most);
    if (roomy == 0 && !question->is_admitted)
        return BALANCE_NONE;
    set = roomy != 0 ? roomy : without_outliers(backends, count, set);
    if (healthy != 0)
        set = without_slow_starters(backends, set, question, random);
    switch (question->policy) {
    case BALANCE_ROUND_ROBIN:
        return member(set, atomic_fetch_add_explicit(cursor, 1, memory_order_relaxed)
            % size_of(set));
    case BALANCE_LEAST_REQUESTS:
        return choose_least_requests(backends, set, random);
    case BALANCE_HASH:
        break;
    }
    return choose_hash(backends, set, question->affinity);
}
