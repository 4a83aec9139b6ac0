// Which scenario proves what.
#include "sim/mutations.h"

#include "sim/switches.h"

static const struct {
    const char *promise, *scenario;
} proofs[] = {
    {"coalesce", "herd_on_cold"},
    {"coalesce", "herd_on_expired"},
    {"stale_while_revalidate", "herd_while_revalidating"},
    {"stale_if_slow", "origin_slow"},
    {"stale_if_slow", "origin_hangs_unusually"},
    {"retry", "keepalive_race"},
    {"retry", "origin_dies_after_response"},
    {"retry", "cut_small_contents"},
    {"retry", "half_broken_quietly"},
    {"stale_if_error", "origin_returns_500"},
    {"hedge", "one_of_three_stalls"},
    {"resume", "cut_contents_go_on"},
    {"resume", "cut_contents_go_on_untuned"},
    {"resume", "cut_small_contents_go_on"},
    {"resume", "cut_laggards_go_on"},
    {"maintenance", "maintenance_learned"},
    {"peer_rescue", "peers_hold_it"},
    {"accepted_writes", "accepted_nobody_is_refused"},
    {"accepted_writes", "accepted_doubt_holds_up_its_path"},
    {"accepted_writes", "accepted_keyed_had_begun"},
    {"hold", "hold_unseen"},
    {"hold", "hold_first"},
    {"hold", "hold_paced"},
    {"hold", "hold_writes"},
    {"hold", "hold_for_a_connection"},
    {"hold", "doubt_everybodys"},
    {"hold", "doubt_its_own"},
    {"hold", "doubt_in_quiet"},
    {"hold", "doubt_a_moment"},
    {"negative_protection", "protected_from_empty_pages"},
    {"static_fallback", "fallback_for_unseen"},
    {"honest_page", "routed_origin_dies"},
    {"priority", "priority_at_a_busy_origin"},
    {"priority", "priority_after_an_outage"},
    {"priority", "priority_of_places"},
    {"outliers", "one_of_two_half_broken"},
    {"outliers", "one_of_four_half_broken"},
    {"outliers", "stalls_unnoticed"},
    {"outliers", "stalls_unnoticed_http2"},
    {"concurrency", "overload"},
    {"fail_open", "all_backends_down_and_back"},
    {"pacing", "hold_paced"},
    {"newest_first", "hold_newest"},
};

static const struct sim_scenario *find(const struct sim_group *const *groups, size_t group_count,
    const char *name)
{
    for (size_t i = 0; i < group_count; i++) {
        for (size_t k = 0; k < groups[i]->count; k++) {
            if (strcmp(groups[i]->scenarios[k].name, name) == 0)
                return &groups[i]->scenarios[k];
        }
    }
    return NULL;
}

static bool fails_without(const struct sim_scenario *scenario, const char *promise, uint64_t seed,
    uint64_t seeds)
{
    struct sim_result result;
    for (uint64_t i = 0; i < seeds; i++) {
        sim_scenario_run(scenario, seed + i, promise, NULL, &result);
        if (result.failed) {
            printf("ok   %-28s fails without %s (seed %" PRIu64 "): %s\n", scenario->name,
                promise, seed + i, result.reason);
            return true;
        }
    }
    printf("FAIL %s: passes without %s with %" PRIu64 " seeds, so it does not prove it\n",
        scenario->name, promise, seeds);
    return false;
}

static bool is_proved(const char *promise)
{
    for (size_t i = 0; i < ARRAY_SIZE(proofs); i++) {
        if (strcmp(proofs[i].promise, promise) == 0)
            return true;
    }
    printf("FAIL %s: no scenario proves it\n", promise);
    return false;
}

bool sim_mutations_run(const struct sim_group *const *groups, size_t group_count, uint64_t seed,
    uint64_t seeds)
{
    bool good = true;
    for (size_t i = 0; i < ARRAY_SIZE(proofs); i++) {
        const struct sim_scenario *scenario = find(groups, group_count, proofs[i].scenario);
        if (scenario == NULL || !sim_can_switch_off(proofs[i].promise)) {
            printf("FAIL %s: no scenario, or no switch %s\n", proofs[i].scenario,
                proofs[i].promise);
            good = false;
        } else {
            good = fails_without(scenario, proofs[i].promise, seed, seeds) && good;
        }
        fflush(stdout);
    }
    for (size_t i = 0; i < sim_switch_count(); i++)
        good = is_proved(sim_switch_name(i)) && good;
    return good;
}
