// afloat-sim [--seed N] [--seeds N] [--list] [--trace] [--without PROMISE] [--mutations]
//            [SCENARIO…]: runs scenarios over seeds.
//
// --mutations turns the question round, see mutations.h.
#include "sim/mutations.h"
#include "sim/switches.h"

#include "base/log.h"

#include <stdlib.h>
#include <time.h>

#define SEEDS 1000

static const struct sim_group *const groups[] = {
    &sim_world_scenarios,
    &sim_cut_scenarios,
    &sim_outage_scenarios,
    &sim_health_scenarios,
    &sim_sharing_scenarios,
    &sim_visitor_scenarios,
    &sim_operation_scenarios,
    &sim_compression_scenarios,
    &sim_http2_origin_scenarios,
    &sim_tunnel_scenarios,
    &sim_hold_scenarios,
    &sim_doubt_scenarios,
    &sim_watched_scenarios,
    &sim_mix_scenarios,
    &sim_name_scenarios,
    &sim_attempt_scenarios,
    &sim_overload_scenarios,
    &sim_priority_scenarios,
    &sim_survival_scenarios,
    &sim_peer_scenarios,
    &sim_outbox_scenarios,
    &sim_fallback_scenarios,
    &sim_http2_scenarios,
};

struct options {
    uint64_t seed, seeds;
    bool list, trace, mutations;
    const char *without;
    char **names;
    int name_count;
};

static bool parse_number(const char *text, uint64_t *ret_value)
{
    return text != NULL && slice_parse_u64(slice_from_string(text), UINT64_MAX, ret_value);
}

static bool parse_options(int count, char **arguments, struct options *ret_options)
{
    *ret_options = (struct options){.seed = 1, .seeds = SEEDS};
    bool seed_given = false, seeds_given = false;
    int at = 1;
    for (; at < count && strncmp(arguments[at], "--", 2) == 0; at++) {
        bool good = true;
        if (strcmp(arguments[at], "--list") == 0)
            ret_options->list = true;
        else if (strcmp(arguments[at], "--trace") == 0)
            ret_options->trace = true;
        else if (strcmp(arguments[at], "--mutations") == 0)
            ret_options->mutations = true;
        else if (strcmp(arguments[at], "--without") == 0 && at + 1 < count)
            ret_options->without = arguments[++at], good = sim_can_switch_off(ret_options->without);
        else if (strcmp(arguments[at], "--seed") == 0 && at + 1 < count)
            good = seed_given = parse_number(arguments[++at], &ret_options->seed);
        else if (strcmp(arguments[at], "--seeds") == 0 && at + 1 < count)
            good = seeds_given = parse_number(arguments[++at], &ret_options->seeds);
        else
            good = false;
        if (!good)
            return false;
    }
    if (seed_given && !seeds_given)
        ret_options->seeds = 1; // one seed is one run
    ret_options->names = &arguments[at];
    ret_options->name_count = count - at;
    return true;
}

static bool is_wanted(const struct options *options, const struct sim_scenario *scenario)
{
    for (int i = 0; i < options->name_count; i++) {
        if (strcmp(options->names[i], scenario->name) == 0)
            return true;
    }
    return options->name_count == 0;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// True if it passed with every seed.
static bool run_seeds(const struct options *options, const struct sim_scenario *scenario)
{
    struct sim_result result;
    uint64_t hash = 0, answers = 0, errors = 0, virtual_ms = 0;
    double start_s = now_s();
    for (uint64_t i = 0; i < options->seeds; i++) {
        uint64_t seed = options->seed + i;
        sim_scenario_run(scenario, seed, options->without, options->trace ? stdout : NULL, &result);
        uint64_t first_hash = result.hash;
        if (i == 0 && !result.failed) { // the same seed must give the same run
            sim_scenario_run(scenario, seed, options->without, NULL, &result);
            if (result.hash != first_hash && !result.failed) {
                result.failed = true;
                snprintf(result.reason, sizeof(result.reason), "not deterministic: trace hash %016"
                    PRIx64 ", then %016" PRIx64, first_hash, result.hash);
            }
        }
        if (result.failed) {
            printf("FAIL %s seed=%" PRIu64 ": %s\n     ./dev sim --seed %" PRIu64 " %s\n",
                scenario->name, seed, result.reason, seed, scenario->name);
            return false;
        }
        hash = (hash ^ result.hash) * UINT64_C(0x9E3779B97F4A7C15);
        answers += result.answers;
        errors += result.errors;
        virtual_ms += result.virtual_ms;
    }
    printf("ok   %-28s %4" PRIu64 " seeds %7" PRIu64 " answers %5" PRIu64 " errors %6" PRIu64
           " virtual s %6.2f s  hash %016" PRIx64 "\n",
        scenario->name, options->seeds, answers, errors, virtual_ms / 1000, now_s() - start_s,
        hash);
    return true;
}

static int run_wanted(const struct options *options)
{
    unsigned passed = 0, failed = 0;
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        for (size_t k = 0; k < groups[i]->count; k++) {
            const struct sim_scenario *scenario = &groups[i]->scenarios[k];
            if (!is_wanted(options, scenario))
                continue;
            if (options->list)
                printf("%-28s %s\n", scenario->name, scenario->summary);
            else if (run_seeds(options, scenario))
                passed++;
            else
                failed++;
            fflush(stdout);
        }
    }
    if (options->list)
        return 0;
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0 || passed == 0 ? 1 : 0;
}

int main(int count, char **arguments)
{
    struct options options;
    if (!parse_options(count, arguments, &options)) {
        fputs(
            "usage: afloat-sim [--seed N] [--seeds N] [--list] [--trace] [--without PROMISE]\n"
            "                  [--mutations] [SCENARIO...]\n", stderr);
        return 64;
    }
    if (!options.trace && log_open("/dev/null", LOG_ERROR) != ERROR_NONE)
        return 1;
    if (!options.mutations)
        return run_wanted(&options);
    return sim_mutations_run(groups, ARRAY_SIZE(groups), options.seed, options.seeds) ? 0 : 1;
}
