// Not all can be served at once: people go in before prefetches and bots, and none of these waits
// for ever.
#include "sim/scenarios/common.h"

#define SERVICE_MS 50
#define BUSY                                                                                       \
    SIM_ONE_BACKEND "    concurrency: {start: 2, least: 1, most: 2}\n" SIM_SITE

static unsigned bots_answered, bots_before_people; // when the last of the people was answered

static uint64_t waited_ms(const struct sim_answer *answer)
{
    return (answer->head_ns - answer->sent_ns) / NS_PER_MS;
}

static void plan_person(struct sim_run *run, struct sim_request *request)
{
    static const char *const fields[] = {NULL, "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n",
        "User-Agent: Mozilla/5.0 (Linux; Android 13; CUBOT KINGKONG)\r\nPriority: u=0, i\r\n"};
    snprintf(request->path, sizeof(request->path), "/static/person%u",
        request->client * 1000 + request->index);
    request->fields = sim_choose(run, fields, ARRAY_SIZE(fields));
}

static void plan_bot(struct sim_run *run, struct sim_request *request)
{
    static const char *const fields[] = {
        "User-Agent: Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)\r\n",
        "User-Agent: Mozilla/5.0 (compatible; Baiduspider/2.0)\r\n",
        "Sec-Purpose: prefetch;prerender\r\n", "Priority: i, u=7\r\n"};
    snprintf(request->path, sizeof(request->path), "/static/bot%u",
        request->client * 1000 + request->index);
    request->fields = sim_choose(run, fields, ARRAY_SIZE(fields));
}

static void plan_bot_in_vain(struct sim_run *run, struct sim_request *request)
{
    plan_bot(run, request);
    request->allow = SIM_ALLOW_ERROR;
}

static void judge_person(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    bots_before_people = bots_answered;
    if (waited_ms(answer) > 1500)
        sim_fail(run, "%s: a person waited %" PRIu64 " ms", request->path, waited_ms(answer));
}

static void count_person(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    (void)run, (void)request, (void)answer;
    bots_before_people = bots_answered;
}

static void count_bot(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    (void)run, (void)request, (void)answer;
    bots_answered++;
}

static struct origin_statistics statistics_of(struct sim_run *run)
{
    struct origin_statistics statistics;
    struct origin *origin = origin_find(edge_origins(sim_edge_of(run)), SLICE("main"));
    origin_read_statistics(origin, &statistics);
    origin_release(origin);
    return statistics;
}

// An origin that answers 20 a second, and is asked for 10 by people and twice as many by bots: the
// people do not notice.
static void goes_before_bots(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, BUSY);
    origin->service_ms = SERVICE_MS;
    struct sim_crowd bots = {.clients = 100, .requests_each = 1, .over_ms = 5000,
        .plan = plan_bot};
    struct sim_crowd people = {.clients = 50, .requests_each = 1, .over_ms = 5000,
        .plan = plan_person, .judge = judge_person};
    struct sim_background background;
    sim_background_start(&background, run, &bots);
    sim_crowd_run(task, run, &people);
    sim_background_join(task, &background);
    sim_expect(run, run->errors == 0);
    struct origin_statistics statistics = statistics_of(run);
    sim_expect(run, statistics.waits_bots > 0 && statistics.waits_background > 0);
}

// All of them waited for an origin that was away. When it is back the people are let in first, with
// one of eight for the rest.
static void comes_back_to_people(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    sim_origin_kill(origin);
    bots_answered = bots_before_people = 0;
    struct sim_crowd bots = {.clients = 80, .requests_each = 1, .over_ms = 2000,
        .plan = plan_bot, .judge = count_bot};
    struct sim_crowd people = {.clients = 40, .requests_each = 1, .over_ms = 2000,
        .plan = plan_person, .judge = count_person};
    struct sim_background first, second;
    sim_background_start(&first, run, &bots);
    sim_background_start(&second, run, &people);
    sim_sleep_ms(task, 4000);
    origin->service_ms = SERVICE_MS;
    sim_origin_revive(origin);
    sim_background_join(task, &second);
    if (bots_before_people > 20)
        sim_fail(run, "%u bots were answered before the last of the people", bots_before_people);
    sim_background_join(task, &first);
    sim_expect(run, run->errors == 0 && bots_answered == 80);
}

static void judge_bot(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    if (waited_ms(answer) > 3000)
        sim_fail(run, "%s: a bot waited %" PRIu64 " ms", request->path, waited_ms(answer));
}

// People alone ask for half as much again as the origin can do, so there is always one who waits.
static void bots_are_not_starved(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, BUSY);
    origin->service_ms = SERVICE_MS;
    struct sim_crowd people = {.clients = 150, .requests_each = 1, .over_ms = 5000,
        .plan = plan_person};
    struct sim_crowd bots = {.clients = 4, .requests_each = 1, .over_ms = 3000,
        .plan = plan_bot, .judge = judge_bot};
    struct sim_background background;
    sim_background_start(&background, run, &people);
    sim_crowd_run(task, run, &bots);
    sim_background_join(task, &background);
    sim_expect(run, run->errors == 0);
}

// Bots take every place to wait: they give them up to people, and are told to come later.
static void bots_give_their_place_up(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run,
        SIM_ONE_BACKEND "sites:\n  - origin: main\n    lifelines: {hold: {requests: 12}}\n");
    sim_origin_kill(origin);
    struct sim_crowd bots = {.clients = 30, .requests_each = 1, .over_ms = 1,
        .plan = plan_bot_in_vain};
    struct sim_crowd people = {.clients = 10, .requests_each = 1, .over_ms = 1000,
        .plan = plan_person};
    struct sim_background first, second;
    sim_background_start(&first, run, &bots);
    sim_sleep_ms(task, 3000);
    sim_background_start(&second, run, &people);
    sim_sleep_ms(task, 3000);
    sim_expect(run, statistics_of(run).displaced >= 8);
    sim_origin_revive(origin);
    sim_background_join(task, &second);
    sim_background_join(task, &first);
    sim_expect(run, run->errors >= 28);
}

static const struct sim_scenario scenarios[] = {
    {"priority_at_a_busy_origin", goes_before_bots, 0,
        "a crawl takes more than the origin can do: people do not wait for it"},
    {"priority_after_an_outage", comes_back_to_people, 0,
        "an origin comes back: people are let in first"},
    {"priority_starves_nobody", bots_are_not_starved, 0,
        "people take more than the origin can do: a bot is still answered"},
    {"priority_of_places", bots_give_their_place_up, 0,
        "bots take every place to wait: they give them up to people"},
};

const struct sim_group sim_priority_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
