// The site's usual paths, and who asks for them.
#include "sim/scenarios/common.h"

#define NUMBERS 3 // of paths under each prefix

static const char *const known[] = {
    "/static/", "/page/", "/soon/", "/lang/", "/none/", "/swr/", "/bare/"};
static const char *const encodings[] = {NULL, NULL, "gzip", "zstd, gzip;q=0.5", "gzip, br, zstd"};
static const char *const languages[] = {"de", "en", "fr"};

// No two runs have quite the same network and machine.
static void vary_world(struct sim_run *run)
{
    struct random *random = sim_random(run);
    sim_network_chop(run->world, (unsigned)random_below(random, 1000));
    if (random_chance(random, 1, 3)) {
        uint64_t latency_us = random_below(random, 10000);
        sim_host_latency(run->world, SIM_ORIGIN, latency_us, random_below(random, 5000));
    }
    if (random_chance(random, 1, 3))
        sim_loop_delay(run->world, random_below(random, 2000));
}

struct sim_origin *sim_begin(struct task *task, struct sim_run *run, const char *settings)
{
    sim_site_add_usual(&run->site);
    struct sim_origin *origin = sim_origin_start(run, SIM_ORIGIN);
    origin->health_path = "/health";
    origin->spread_ms = 5;
    vary_world(run);
    sim_edge_start(task, run, settings);
    return origin;
}

void sim_plan_known(struct sim_run *run, struct sim_request *request)
{
    struct random *random = sim_random(run);
    const char *prefix = sim_choose(run, known, ARRAY_SIZE(known));
    snprintf(
        request->path, sizeof(request->path), "%s%" PRIu64, prefix, random_below(random, NUMBERS));
    request->language = sim_choose(run, languages, ARRAY_SIZE(languages));
    request->encodings = sim_choose(run, encodings, ARRAY_SIZE(encodings));
    if (random_chance(random, 1, 12))
        request->method = "HEAD";
    else if (random_chance(random, 1, 12))
        request->if_none_match = "\"something-else\"";
}

void sim_plan_strict(struct sim_run *run, struct sim_request *request)
{
    static const char *const others[] = {"/static/cold", "/page/cold", "/me/", "/api/", "/must/"};
    struct random *random = sim_random(run);
    if (random_chance(random, 6, 10)) {
        sim_plan_known(run, request);
        return;
    }
    const char *prefix = sim_choose(run, others, ARRAY_SIZE(others));
    request->encodings = sim_choose(run, encodings, ARRAY_SIZE(encodings));
    snprintf(request->path, sizeof(request->path), "%s%" PRIu64, prefix, random_below(random, 30));
}

void sim_plan_any(struct sim_run *run, struct sim_request *request)
{
    sim_plan_strict(run, request);
    request->allow |= SIM_ALLOW_ERROR | SIM_ALLOW_CUT; // known pages are strict all the same
}

void sim_warm(struct task *task, struct sim_run *run)
{
    struct sim_request requests[ARRAY_SIZE(known) * NUMBERS * ARRAY_SIZE(languages)];
    size_t count = 0;
    memset(requests, 0, sizeof(requests));
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        const char *prefix = known[i / (NUMBERS * ARRAY_SIZE(languages))];
        size_t language = i % ARRAY_SIZE(languages);
        if (language > 0 && strcmp(prefix, "/lang/") != 0)
            continue;
        requests[count].language = languages[language];
        snprintf(requests[count].path, sizeof(requests[count].path), "%s%zu", prefix,
            i / ARRAY_SIZE(languages) % NUMBERS);
        count++;
    }
    struct sim_visit visit = {.run = run, .requests = requests, .count = count};
    sim_visit(task, &visit);
    sim_expect(run, run->errors == 0);
}

void sim_visitors(struct task *task, struct sim_run *run, uint64_t over_ms,
    sim_plan *plan)
{
    struct sim_crowd crowd = {.clients = 10, .requests_each = 6, .over_ms = over_ms,
        .think_ms = over_ms / 12, .odd_permille = 200, .plan = plan};
    sim_crowd_run(task, run, &crowd);
}

static void background_main(struct task *task, void *argument)
{
    struct sim_background *background = argument;
    sim_crowd_run(task, background->run, &background->crowd);
}

void sim_background_start(
    struct sim_background *background, struct sim_run *run, const struct sim_crowd *crowd)
{
    background->run = run;
    background->crowd = *crowd;
    scope_open(&background->scope);
    sim_start(run, &background->scope, background_main, background);
}

void sim_background_join(struct task *task, struct sim_background *background)
{
    enum error error = scope_join(task, &background->scope, sim_in_ms(task, 3600000));
    sim_expect(background->run, error == ERROR_NONE);
    scope_close(task, &background->scope);
}

void sim_plan_breakable(struct sim_run *run, struct sim_request *request)
{
    sim_plan_any(run, request);
    request->allow |= SIM_ALLOW_BROKEN;
}

void sim_outage(struct task *task, struct sim_run *run, struct sim_origin *origin,
    struct sim_fault fault, sim_plan *plan)
{
    sim_warm(task, run);
    sim_sleep_ms(task, sim_between_values(run, 0, 70000));
    sim_origin_set(origin, fault);
    sim_visitors(task, run, sim_between_values(run, 100, 20000), plan);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_NONE});
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_visitors(task, run, 5000, sim_plan_strict);
    sim_expect(run, run->answers > 60);
    sim_expect(run, origin->faults > 0 || fault.permille != 0);
}

void sim_fail_allocations(struct task *task, struct sim_run *run, sim_plan *plan)
{
    run->tolerant = run->troubled = true;
    sim_memory_chance(run->world, (unsigned)sim_between_values(run, 100, 600));
    struct sim_crowd crowd = {.clients = 12, .requests_each = 10, .over_ms = 3000, .think_ms = 300,
        .odd_permille = 300, .plan = plan};
    sim_crowd_run(task, run, &crowd);
    sim_memory_chance(run->world, 0);
    sim_expect(run, sim_world_counts(run->world).memory_failures > 0);
    run->tolerant = run->troubled = false;
    sim_trouble(run);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_visitors(task, run, 5000, sim_plan_strict);
}

void sim_silence(struct task *task, struct sim_run *run)
{
    sim_warm(task, run);
    sim_sleep_ms(task, sim_between_values(run, 0, 70000));
    sim_host_set(run->world, SIM_ORIGIN, SIM_HOST_SILENT);
    run->troubled = true;
    sim_visitors(task, run, 10000, sim_plan_breakable);
    sim_host_set(run->world, SIM_ORIGIN, SIM_HOST_UP);
    run->troubled = false;
    sim_trouble(run);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_visitors(task, run, 5000, sim_plan_strict);
}
