// What the edge believes of its backends, and that it never makes an error out of a belief.
#include "sim/scenarios/common.h"

static struct sim_origin *second_origin(struct sim_run *run, const char *host)
{
    struct sim_origin *origin = sim_origin_start(run, host);
    origin->health_path = "/health";
    return origin;
}

static void health_lies_sick(struct task *task, struct sim_run *run)
{
    bool two = random_chance(sim_random(run), 1, 2);
    struct sim_origin *first = sim_begin(task, run, two ? SIM_TWO_BACKENDS SIM_PROBE SIM_SITE :
        SIM_ONE_BACKEND SIM_PROBE SIM_SITE);
    struct sim_origin *second = second_origin(run, SIM_SECOND_ORIGIN);
    first->health_status = second->health_status = 500;
    sim_sleep_ms(task, sim_between_values(run, 0, 15000)); // long enough to be believed, or not
    sim_visitors(task, run, 5000, sim_plan_strict);
    sim_sleep_ms(task, 10000);
    sim_visitors(task, run, 5000, sim_plan_strict);
    sim_expect(run, first->health_requests > 0);
    sim_expect(run, run->errors == 0);
}

// The first backend's probes are fine and its answers are not; the second is well. After the edge
// had time to see it, hardly anybody notices.
static void health_lies_well(struct task *task, struct sim_run *run)
{
    struct sim_origin *first = sim_begin(task, run, SIM_TWO_BACKENDS SIM_PROBE SIM_SITE);
    second_origin(run, SIM_SECOND_ORIGIN);
    sim_warm(task, run);
    sim_origin_set(first, (struct sim_fault){.kind = SIM_FAULT_STATUS, .status = 500});
    sim_visitors(task, run, 10000, sim_plan_any);
    sim_visitors(task, run, 10000, sim_plan_any);
    uint64_t before = run->errors;
    sim_visitors(task, run, 20000, sim_plan_any);
    sim_expect(run, run->errors - before <= 3);
}

static void down_and_back(struct task *task, struct sim_run *run)
{
    struct sim_origin *origins[3];
    origins[0] = sim_begin(task, run, "origins:\n  main:\n    backends: [http://10.0.0.1, "
        "http://10.0.0.2, http://10.0.0.3]\n" SIM_PROBE SIM_SITE);
    origins[1] = second_origin(run, SIM_SECOND_ORIGIN);
    origins[2] = second_origin(run, SIM_THIRD_ORIGIN);
    sim_warm(task, run);
    for (int i = 0; i < 3; i++) {
        sim_origin_kill(origins[i]);
        sim_visitors(task, run, 3000, sim_plan_any);
    }
    sim_visitors(task, run, sim_between_values(run, 1000, 60000), sim_plan_any);
    sim_origin_revive(origins[random_below(sim_random(run), 3)]);
    run->troubled = true; // of the others
    sim_sleep_ms(task, 3000);
    sim_visitors(task, run, 5000, sim_plan_strict);
    for (int i = 0; i < 3; i++)
        sim_origin_revive(origins[i]);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    uint64_t before[3] = {origins[0]->requests, origins[1]->requests, origins[2]->requests};
    struct sim_crowd crowd = {.clients = 20, .requests_each = 10, .over_ms = 5000, .think_ms = 300,
        .plan = sim_plan_strict};
    sim_crowd_run(task, run, &crowd);
    for (int i = 0; i < 3; i++) // all of them work again
        sim_expect(run, origins[i]->requests > before[i]);
}

static void plan_write_or_read(struct sim_run *run, struct sim_request *request)
{
    sim_plan_any(run, request);
    if (random_chance(sim_random(run), 1, 5)) {
        request->method = "POST";
        request->upload_id = 1 + request->client * 100 + request->index;
        request->upload_size = random_below(sim_random(run), 3000);
        snprintf(request->path, sizeof(request->path), "/post/form");
    }
}

static void maintenance(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    sim_warm(task, run);
    sim_sleep_ms(task, sim_between_values(run, 0, 70000));
    sim_edge_maintain(run, true);
    run->troubled = true;
    sim_sleep_ms(task, 1000); // what was being refreshed behind is done
    uint64_t before = origin->requests;
    sim_visitors(task, run, 10000, plan_write_or_read);
    sim_expect(run, origin->requests == before);
    sim_edge_maintain(run, false);
    run->troubled = false;
    sim_trouble(run);
    sim_sleep_ms(task, 1000);
    sim_visitors(task, run, 5000, sim_plan_strict);
    sim_expect(run, origin->requests > before);
}

// An origin that answers every page with 503 and this Retry-After, and visitors all the time.
static void plan_unhurried(struct sim_run *run, struct sim_request *request)
{
    sim_plan_known(run, request);
    if (random_chance(sim_random(run), 1, 4)) {
        snprintf(request->path, sizeof(request->path), "/static/unseen%u",
            request->client * 1000 + request->index);
        request->allow = SIM_ALLOW_ERROR;
    }
}

static void judge_told(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    uint64_t waited_ms = (answer->head_ns - answer->sent_ns) / NS_PER_MS;
    if (answer->status == 503 && waited_ms > 20100)
        sim_fail(run, "%s: told after %" PRIu64 " ms", request->path, waited_ms);
}

// Half an hour, told by the origin itself: but for those who look whether it is back, nobody asks
// it; and when it is, nobody overruns it.
static void maintenance_learned(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    uint64_t retry_after_s = sim_between_values(run, 5, 2000);
    struct sim_crowd crowd = {.clients = 20, .requests_each = 150, .over_ms = 1000,
        .think_ms = 7500, .plan = plan_unhurried, .judge = judge_told};
    struct sim_background visitors;
    sim_warm(task, run);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_STATUS, .status = 503,
        .retry_after_s = retry_after_s});
    run->troubled = true;
    sim_background_start(&visitors, run, &crowd);
    sim_sleep_ms(task, 25000); // learned
    uint64_t before = origin->requests;
    sim_sleep_ms(task, 1800000 - 25000);
    uint64_t trials = 2 + 1800 / MINIMUM(retry_after_s, 300);
    if (origin->requests - before > trials)
        sim_fail(run, "asked %" PRIu64 " times, with a Retry-After of %" PRIu64 " s",
            origin->requests - before, retry_after_s);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_NONE});
    origin->service_ms = 20;
    run->troubled = true;
    sim_sleep_ms(task, 310000); // it is noticed
    run->troubled = false;
    sim_trouble(run);
    sim_background_join(task, &visitors);
    sim_expect(run, origin->inside_most <= 20);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_visitors(task, run, 5000, sim_plan_strict);
}

static void plan_failing(struct sim_run *run, struct sim_request *request)
{
    (void)run;
    snprintf(request->path, sizeof(request->path), "/api/%u-%u", request->client, request->index);
    request->allow = SIM_ALLOW_ERROR | SIM_ALLOW_CUT;
}

// Everything fails: extra attempts stay within their budget (10 % of the requests, 3 per 10 s).
static void retry_budget(struct task *task, struct sim_run *run)
{
    struct sim_origin *first = sim_begin(task, run, SIM_TWO_BACKENDS SIM_SITE);
    struct sim_origin *second = second_origin(run, SIM_SECOND_ORIGIN);
    struct sim_fault fault = {.kind = SIM_FAULT_BEFORE_HEAD, .how = SIM_HOW_RESET};
    sim_origin_set(first, fault);
    sim_origin_set(second, fault);
    uint64_t over_ms = sim_between_values(run, 1000, 40000);
    struct sim_crowd crowd = {.clients = 20, .requests_each = 10, .over_ms = over_ms / 2,
        .think_ms = over_ms / 20, .plan = plan_failing};
    uint64_t start_ns = task_now_ns(task);
    sim_crowd_run(task, run, &crowd);
    over_ms = (task_now_ns(task) - start_ns) / NS_PER_MS; // they are held
    uint64_t attempts = first->requests + second->requests;
    uint64_t windows = 2 + over_ms / 5000;
    if (attempts > 200 + 200 / 10 + 3 * windows)
        sim_fail(
            run, "200 requests made %" PRIu64 " attempts within %" PRIu64 " ms", attempts, over_ms);
    sim_expect(run, attempts >= 100);
}

static const struct sim_scenario scenarios[] = {
    {"health_lies_sick", health_lies_sick, 0, "probes say 500, the site is fine: no error"},
    {"health_lies_well", health_lies_well, 0,
        "probes say 200, the site fails: the other backend serves"},
    {"all_backends_down_and_back", down_and_back, 0,
        "three die one after another, one returns, all return"},
    {"maintenance_mode", maintenance, 0, "declared: nothing is fetched, copies are served"},
    {"maintenance_learned", maintenance_learned, 0,
        "the origin says it is in maintenance: nobody asks until it said it would be back"},
    {"retry_budget", retry_budget, 0, "when all fails, extra attempts stay within the budget"},
};

const struct sim_group sim_health_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
