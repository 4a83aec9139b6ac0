// Answers of 500: are they everybody's, then nobody shall see the first of them; or a page's own,
// then its visitors are told soon and the origin hardly notices.
#include "sim/scenarios/common.h"

#define FELL_MS 1000

static uint64_t waited_ms(const struct sim_answer *answer)
{
    return (answer->head_ns - answer->sent_ns) / NS_PER_MS;
}

static void fail_pages(struct sim_origin *origin, const char *prefix)
{
    sim_origin_set(origin,
        (struct sim_fault){.kind = SIM_FAULT_STATUS, .status = 500, .prefix = prefix});
}

static void mend(struct sim_origin *origin)
{
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_NONE});
}

static void plan_unseen(struct sim_run *run, struct sim_request *request)
{
    static const char *const prefixes[] = {"/static/unseen", "/page/unseen", "/api/", "/me/"};
    snprintf(request->path, sizeof(request->path), "%s%u",
        sim_choose(run, prefixes, ARRAY_SIZE(prefixes)), request->client * 100 + request->index);
    if (random_chance(sim_random(run), 1, 5))
        request->method = "HEAD";
    else if (random_chance(sim_random(run), 1, 5)) // what others ask for too
        snprintf(request->path, sizeof(request->path), "/page/common%u", request->client / 5);
}

// Everybody comes once. A few a second: one every 200 to 600 ms, with half of that as chance.
static void come_seldom(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    visit->start_ms = client * 400 + random_below(sim_random(run), 200);
}

static void come_often(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    visit->start_ms = client * 10 + random_below(sim_random(run), 20);
}

// Everything is 500 for three seconds. Nobody sees one, however many come, and though some answers
// of before are still on their way when it begins.
static void everybodys(struct task *task, struct sim_run *run)
{
    bool is_busy = random_chance(sim_random(run), 1, 2);
    bool has_two = random_chance(sim_random(run), 1, 3);
    struct sim_origin *origin = sim_begin(task, run,
        has_two ? SIM_TWO_BACKENDS SIM_SITE : SIM_ONE_BACKEND SIM_SITE);
    struct sim_origin *second = sim_origin_start(run, SIM_SECOND_ORIGIN);
    struct sim_background visitors;
    struct sim_crowd crowd = {.clients = is_busy ? 600 : 15, .requests_each = 1, .over_ms = 1,
        .plan = plan_unseen, .shape = is_busy ? come_often : come_seldom};
    origin->spread_ms = second->spread_ms = sim_between_values(run, 1, 100);
    sim_background_start(&visitors, run, &crowd);
    sim_sleep_ms(task, FELL_MS + random_below(sim_random(run), 500));
    uint64_t before = origin->requests + second->requests;
    fail_pages(origin, NULL);
    fail_pages(second, NULL);
    sim_sleep_ms(task, 3000);
    uint64_t during = origin->requests + second->requests - before, most = is_busy ? 100 : 12;
    mend(origin);
    mend(second);
    sim_background_join(task, &visitors);
    sim_expect(run, run->errors == 0);
    if (during > most)
        sim_fail(run, "%" PRIu64 " requests while it failed", during);
}

static void plan_broken(struct sim_run *run, struct sim_request *request)
{
    (void)run;
    snprintf(request->path, sizeof(request->path), "/page/broken%u", request->client);
    request->allow = SIM_ALLOW_ERROR;
}

static void judge_soon(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    if (answer->status < 500 || waited_ms(answer) > 300)
        sim_fail(run, "%s: %u after %" PRIu64 " ms", request->path, answer->status,
            waited_ms(answer));
}

// Pages that are always 500 on a busy site whose others are well.
static void its_own(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    struct sim_background visitors;
    struct sim_crowd well = {.clients = 50, .requests_each = 60, .over_ms = 200,
        .think_ms = 200, .plan = plan_unseen};
    struct sim_crowd broken = {.clients = 8, .requests_each = 10, .over_ms = 1000,
        .think_ms = 700, .plan = plan_broken, .judge = judge_soon};
    fail_pages(origin, "/page/broken");
    sim_background_start(&visitors, run, &well);
    sim_sleep_ms(task, FELL_MS);
    sim_crowd_run(task, run, &broken);
    sim_background_join(task, &visitors);
    sim_expect(run, run->errors == 80);
    if (origin->faults <= 80 || origin->faults > 160)
        sim_fail(run, "80 visits made %" PRIu64 " requests", origin->faults);
}

// A page that is always 500 on a site where nobody else is about.
static void its_own_in_quiet(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    const struct sim_request request = {.path = "/page/broken", .allow = SIM_ALLOW_ERROR};
    fail_pages(origin, "/page/broken");
    for (unsigned i = 0; i < 12; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/page/unseen%u", i);
        if (i % 4 == 0) // five in a row would be an outage to anybody
            sim_expect(run, sim_get(task, run, path).status == 200);
        uint64_t before = origin->faults;
        struct sim_answer answer = sim_ask(task, run, &request);
        if (answer.status != 500 || waited_ms(&answer) > 1100 || origin->faults - before != 2)
            sim_fail(run, "%u after %" PRIu64 " ms and %" PRIu64 " requests", answer.status,
                waited_ms(&answer), origin->faults - before);
        sim_sleep_ms(task, sim_between_values(run, 100, 30000));
    }
}

// The same page, which fails only for a moment.
static void a_moment(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    struct sim_background visitors;
    struct sim_crowd crowd = {.clients = 4, .requests_each = 1, .over_ms = 300,
        .plan = plan_unseen};
    fail_pages(origin, NULL);
    sim_background_start(&visitors, run, &crowd);
    sim_sleep_ms(task, sim_between_values(run, 350, 900));
    mend(origin);
    sim_background_join(task, &visitors);
    sim_expect(run, run->errors == 0);
}

static void plan_common(struct sim_run *run, struct sim_request *request)
{
    (void)run;
    snprintf(request->path, sizeof(request->path), "/page/common");
}

// A crowd before one page of which one fetch failed: they shared it, and share the next one too.
static void of_a_crowd(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    struct sim_background visitors;
    struct sim_crowd crowd = {.clients = 30, .requests_each = 1, .over_ms = 50,
        .plan = plan_common};
    fail_pages(origin, NULL);
    origin->spread_ms = sim_between_values(run, 1, 100);
    sim_background_start(&visitors, run, &crowd);
    while (origin->faults == 0)
        sim_sleep_ms(task, 1);
    mend(origin);
    sim_background_join(task, &visitors);
    sim_expect(run, run->errors == 0);
    sim_expect(run, origin->requests <= 4);
}

static const struct sim_scenario scenarios[] = {
    {"doubt_everybodys", everybodys, 0, "500 for three seconds: nobody sees the first of them"},
    {"doubt_its_own", its_own, 0, "pages that are 500 by themselves, on a busy site: told soon"},
    {"doubt_in_quiet", its_own_in_quiet, 0, "the same where nobody else is: told after a second"},
    {"doubt_of_a_crowd", of_a_crowd, 0, "the first fetch of a page that a crowd wants fails"},
    {"doubt_a_moment", a_moment, 0, "500 for less than a second, and hardly anybody there"},
};

const struct sim_group sim_doubt_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
