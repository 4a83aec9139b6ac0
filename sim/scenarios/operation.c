// What an operator and a machine do to an edge while visitors are there.
#include "sim/scenarios/common.h"

static const struct sim_crowd steady = {.clients = 12, .requests_each = 15, .over_ms = 2000,
    .think_ms = 600, .odd_permille = 300, .plan = sim_plan_strict};

static void reload_under_load(struct task *task, struct sim_run *run)
{
    static const char *const settings[] = {
        SIM_ONE_BACKEND SIM_SITE,
        SIM_TWO_BACKENDS SIM_SITE,
        SIM_ONE_BACKEND SIM_PROBE SIM_SITE,
        "connections: {requests: 3}\n" SIM_TWO_BACKENDS SIM_SITE "    forwarded: false\n",
    };
    struct sim_origin *first = sim_begin(task, run, settings[0]);
    struct sim_origin *second = sim_origin_start(run, SIM_SECOND_ORIGIN);
    second->health_path = "/health";
    first->delay_ms = second->delay_ms = sim_between_values(run, 0, 300);
    struct sim_background visitors;
    sim_background_start(&visitors, run, &steady);
    for (int i = 0; i < 8; i++) {
        sim_sleep_ms(task, sim_between_values(run, 1, 1500));
        sim_edge_reload(task, run, settings[random_below(sim_random(run), ARRAY_SIZE(settings))]);
    }
    sim_background_join(task, &visitors);
    sim_expect(run, run->errors == 0 && run->answers == 180);
}

static void plan_draining(struct sim_run *run, struct sim_request *request)
{
    sim_plan_strict(run, request);
    request->allow = SIM_ALLOW_CUT | SIM_ALLOW_BROKEN; // whoever comes too late; see expect_whole
}

static void expect_whole(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    if (answer->error != ERROR_NONE && answer->began)
        sim_fail(run, "%s: begun, and cut by a drain that had time: %s", request->path,
            error_text(answer->error));
    if (answer->error == ERROR_TIMEOUT)
        sim_fail(run, "%s: neither answered nor refused", request->path);
}

static void drain_under_load(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    origin->delay_ms = sim_between_values(run, 0, 500);
    struct sim_background visitors;
    struct sim_crowd crowd = steady;
    crowd.plan = plan_draining;
    crowd.judge = expect_whole;
    sim_background_start(&visitors, run, &crowd);
    sim_sleep_ms(task, sim_between_values(run, 1, 4000));
    uint64_t start_ns = task_now_ns(task);
    sim_edge_drain(task, run);
    sim_background_join(task, &visitors);
    sim_expect(run, (task_now_ns(task) - start_ns) / NS_PER_MS < 60000);
}

static void plan_hopeful(struct sim_run *run, struct sim_request *request)
{
    sim_plan_strict(run, request);
    request->allow = SIM_ALLOW_ERROR | SIM_ALLOW_CUT | SIM_ALLOW_BROKEN;
}

static void fail_allocations(struct task *task, struct sim_run *run, const char *settings)
{
    struct sim_origin *origin = sim_begin(task, run, settings);
    origin->delay_ms = sim_between_values(run, 0, 50);
    if (random_chance(sim_random(run), 1, 2))
        sim_warm(task, run);
    sim_fail_allocations(task, run, plan_hopeful);
}

static void allocation_failure(struct task *task, struct sim_run *run)
{
    fail_allocations(task, run, SIM_ONE_BACKEND SIM_PROBE SIM_SITE);
}

// Whatever rules need memory for: keys, fields both ways, policies, rewritten paths.
static void allocation_failure_in_rules(struct task *task, struct sim_run *run)
{
    fail_allocations(task, run, SIM_ONE_BACKEND SIM_PROBE
        "sites:\n  - origin: main\n"
        "    key: {query: sorted, cookies: [a], headers: [Accept-Language]}\n"
        "    rules:\n"
        "      - {host: main.internal, request_headers: {set: {X-Path: \"${path}${rest}\"}}}\n"
        "      - {methods: [GET, POST], response_headers: {set: {X-Host: \"${host} ${query}\"},"
        " remove: [X-Other]}}\n"
        "      - {path: /page/*, strip_prefix: /nothing, cache: {keep: 20d}}\n");
}

static void memory_full(struct task *task, struct sim_run *run)
{
    sim_begin(task, run, "store: {memory: 1MB}\n" SIM_ONE_BACKEND SIM_SITE);
    struct sim_crowd crowd = steady;
    crowd.requests_each = 30;
    sim_crowd_run(task, run, &crowd);
    struct cache_statistics statistics;
    cache_read_statistics(edge_cache(sim_edge_of(run)), &statistics);
    sim_expect(run, statistics.bytes <= statistics.limit);
}

#define HOUR_MS INT64_C(3600000)
#define YEAR_MS (365 * 24 * HOUR_MS)

// Wrong by minutes to hours, or by decades, either way.
static int64_t clock_fault_ms(struct sim_run *run)
{
    static const int64_t sizes[] = {HOUR_MS / 60, HOUR_MS, 13 * HOUR_MS, YEAR_MS, 45 * YEAR_MS};
    int64_t size = sizes[random_below(sim_random(run), ARRAY_SIZE(sizes))];
    return random_chance(sim_random(run), 1, 2) ? size : -size;
}

// Freshness is counted by a clock that does not jump; what comes meanwhile is judged by one that
// does, and by a Date that does not.
static void clock_jumps(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_PROBE SIM_SITE);
    struct sim_background visitors;
    origin->tells_date = random_chance(sim_random(run), 1, 2);
    run->clocks_differ = true;
    sim_background_start(&visitors, run, &steady);
    for (int i = 0; i < 6; i++) {
        sim_sleep_ms(task, sim_between_values(run, 1, 2000));
        sim_wall_jump(run->world, clock_fault_ms(run));
    }
    sim_background_join(task, &visitors);
    sim_expect(run, run->errors == 0);
}

// A backend whose clock is wrong has copies like any other when it dies. If the clock is ahead,
// they are fresh as long as they say.
static void origin_clock_is_wrong(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    origin->tells_date = run->clocks_differ = true;
    origin->clock_offset_ms = clock_fault_ms(run);
    sim_warm(task, run);
    sim_visitors(task, run, 5000, sim_plan_strict);
    const struct sim_path *path = sim_site_path(&run->site, SLICE("/static/0"), SLICE(""));
    uint64_t before = path->requests;
    sim_get(task, run, "/static/0");
    bool is_fresh = origin->clock_offset_ms > -24 * HOUR_MS;
    sim_expect(run, path->requests == before + (is_fresh ? 0 : 1));
    sim_origin_kill(origin);
    sim_visitors(task, run, sim_between_values(run, 100, 60000), sim_plan_known);
    sim_expect(run, run->errors == 0 && run->cut == 0);
    sim_origin_revive(origin);
    sim_sleep_ms(task, 100000);
    sim_visitors(task, run, 5000, sim_plan_strict);
}

static void late_threads(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_PROBE SIM_SITE);
    sim_loop_delay(run->world, sim_between_values(run, 100, 20000));
    origin->delay_ms = sim_between_values(run, 0, 50);
    sim_crowd_run(task, run, &steady);
    sim_expect(run, run->errors == 0);
}

static const struct sim_scenario scenarios[] = {
    {"reload_under_load", reload_under_load, 0, "settings change under load: nobody notices"},
    {"drain_under_load", drain_under_load, 0, "a stop lets every request under way finish"},
    {"allocation_failure_in_rules", allocation_failure_in_rules, 0,
        "memory fails here and there where rules need it: errors perhaps, but never wrong answers"},
    {"allocation_failure", allocation_failure, 0,
        "any allocation may fail; afterwards all is well"},
    {"memory_full", memory_full, 0, "a cache much smaller than the site stays within its limit"},
    {"clock_jumps", clock_jumps, 0, "the wall clock jumps by minutes to decades, either way"},
    {"origin_clock_is_wrong", origin_clock_is_wrong, 0,
        "the backend's Date is off by minutes to decades: its copies still save it"},
    {"late_threads", late_threads, 3, "threads get the processor late"},
};

const struct sim_group sim_operation_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
