// Origins that speak HTTP/2: the same promises over connections that many answers share.
#include "sim/scenarios/common.h"

#define SIM_HTTP2 "    http2: prior_knowledge\n"

static struct sim_origin *begin(struct task *task, struct sim_run *run, const char *settings)
{
    struct sim_origin *origin = sim_begin(task, run, settings);
    struct random *random = sim_random(run);
    origin->http2 = true;
    if (random_chance(random, 1, 2))
        origin->streams_each = (unsigned)sim_between_values(run, 1, 8);
    return origin;
}

// Connections end early and late; nobody notices.
static void usual(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = begin(task, run, SIM_ONE_BACKEND SIM_HTTP2 SIM_SITE);
    if (random_chance(sim_random(run), 1, 2))
        origin->requests_each = (unsigned)sim_between_values(run, 3, 40);
    if (random_chance(sim_random(run), 1, 2))
        origin->idle_ms = sim_between_values(run, 100, 3000);
    sim_warm(task, run);
    sim_visitors(task, run, sim_between_values(run, 100, 20000), sim_plan_strict);
    sim_visitors(task, run, sim_between_values(run, 100, 20000), sim_plan_strict);
    sim_expect(run, run->answers > 100);
    sim_expect(run, run->errors == 0);
}

// A herd for different pages shares connections as far as the origin allows.
static void shared(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = begin(task, run, SIM_ONE_BACKEND SIM_HTTP2 SIM_SITE
        "    lifelines: {resume: {enabled: false}, hedge: {enabled: false}}\n"); // they add some
    unsigned loops = sim_world_edge_loop(run->world, 0)->count, each = 12;
    origin->streams_each = each;
    origin->delay_ms = 200;
    struct sim_request requests[30];
    struct sim_visit visits[30];
    memset(requests, 0, sizeof(requests));
    memset(visits, 0, sizeof(visits));
    for (size_t i = 0; i < ARRAY_SIZE(visits); i++) {
        snprintf(requests[i].path, sizeof(requests[i].path), "/static/shared%zu", i);
        visits[i] = (struct sim_visit){.run = run, .requests = &requests[i], .count = 1};
    }
    sim_visits_run(task, run, visits, ARRAY_SIZE(visits));
    sim_expect(run, run->errors == 0 && run->answers == ARRAY_SIZE(visits));
    sim_expect(run, origin->streams_most > 1 && origin->streams_most <= each);
    sim_expect(run, origin->connections <= loops + ARRAY_SIZE(visits) / each + 1);
}

// Every answer fails, in one way; copies save what was seen before.
static void fails(struct task *task, struct sim_run *run)
{
    static const enum sim_fault_kind kinds[] = {SIM_FAULT_BEFORE_HEAD, SIM_FAULT_IN_HEAD,
        SIM_FAULT_IN_BODY, SIM_FAULT_GARBAGE, SIM_FAULT_LENGTH, SIM_FAULT_REFUSED,
        SIM_FAULT_STATUS};
    static const enum sim_fault_how hows[] = {SIM_HOW_END, SIM_HOW_RESET, SIM_HOW_STALL};
    struct random *random = sim_random(run);
    enum sim_fault_kind kind = kinds[random_below(random, ARRAY_SIZE(kinds))];
    enum sim_fault_how how = hows[random_below(random, ARRAY_SIZE(hows))];
    struct sim_fault fault = {.kind = kind, .how = how, .status = 503,
        .amount = (int64_t)sim_between_values(run, 1, 5000)};
    struct sim_origin *origin = begin(task, run, SIM_ONE_BACKEND SIM_HTTP2 SIM_SITE);
    sim_outage(task, run, origin, fault, sim_plan_breakable);
}

// One answer's death is often the connection's, and that of all answers on it.
static void cuts_connections(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = begin(task, run, SIM_ONE_BACKEND SIM_HTTP2 SIM_SITE);
    sim_warm(task, run);
    origin->chunk_delay_ms = sim_between_values(run, 0, 20);
    sim_origin_set(origin, (struct sim_fault){.kind = random_chance(sim_random(run), 1, 2)
        ? SIM_FAULT_BEFORE_HEAD : SIM_FAULT_IN_BODY, .how = SIM_HOW_ANY, .permille = 150});
    struct sim_crowd crowd = {.clients = 30, .requests_each = 6, .over_ms = 3000, .think_ms = 300,
        .odd_permille = 200, .plan = sim_plan_breakable};
    sim_crowd_run(task, run, &crowd);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_NONE});
    origin->chunk_delay_ms = 0;
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_visitors(task, run, 5000, sim_plan_strict);
}

// REFUSED_STREAM and GOAWAY lose nothing: what was not processed is asked again, for free.
static void refuses(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = begin(task, run, SIM_ONE_BACKEND SIM_HTTP2
        "    retry: {budget: 0%, floor: 0}\n" SIM_SITE);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_REFUSED, .permille = 30});
    run->troubled = false;
    sim_visitors(task, run, sim_between_values(run, 100, 20000), sim_plan_strict);
    sim_expect(run, run->errors == 0);
}

static void goes_silent(struct task *task, struct sim_run *run)
{
    begin(task, run, SIM_ONE_BACKEND SIM_HTTP2 SIM_SITE);
    sim_silence(task, run);
}

static void flaps(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = begin(task, run, SIM_ONE_BACKEND SIM_HTTP2 SIM_PROBE SIM_SITE);
    sim_warm(task, run);
    struct sim_background visitors;
    struct sim_crowd crowd = {.clients = 12, .requests_each = 12, .over_ms = 5000, .think_ms = 1500,
        .odd_permille = 300, .plan = sim_plan_breakable};
    sim_background_start(&visitors, run, &crowd);
    for (int i = 0; i < 5; i++) {
        sim_sleep_ms(task, sim_between_values(run, 100, 3000));
        sim_origin_kill(origin);
        sim_sleep_ms(task, sim_between_values(run, 100, 6000));
        sim_origin_revive(origin);
    }
    sim_background_join(task, &visitors);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_visitors(task, run, 5000, sim_plan_strict);
}

static void plan_uploads(struct sim_run *run, struct sim_request *request)
{
    struct random *random = sim_random(run);
    if (random_chance(random, 1, 3)) {
        sim_plan_strict(run, request);
        return;
    }
    snprintf(request->path, sizeof(request->path), "/post/%" PRIu64, random_below(random, 5));
    request->method = "POST";
    request->upload_id = 1 + request->client * 100 + request->index;
    request->upload_size = random_below(random, random_chance(random, 1, 4) ? 200000 : 3000);
    request->upload_chunked = random_chance(random, 1, 2);
    request->expect_continue = random_chance(random, 1, 4);
    request->upload_pause_ms = random_chance(random, 1, 4) ? 1 + random_below(random, 5) : 0;
}

static void shape_either(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    (void)run;
    visit->http2 = client % 2 == 0;
}

static void uploads(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = begin(task, run, SIM_ONE_BACKEND SIM_HTTP2 SIM_SITE);
    if (random_chance(sim_random(run), 1, 2))
        origin->idle_ms = sim_between_values(run, 500, 5000);
    struct sim_crowd crowd = {.clients = 15, .requests_each = 4, .over_ms = 5000, .think_ms = 500,
        .plan = plan_uploads, .shape = shape_either};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->errors == 0);
    LIST_FOREACH (link, &run->site.uploads) {
        const struct sim_upload *upload = LIST_ENTRY(link, struct sim_upload, link);
        sim_expect(run, upload->complete == 1);
    }
}

#define KEPT_UPLOAD 16384 // so much of it is kept until it is known to be processed

static void plan_refused_uploads(struct sim_run *run, struct sim_request *request)
{
    plan_uploads(run, request);
    if (request->upload_size > KEPT_UPLOAD)
        request->allow |= SIM_ALLOW_ERROR | SIM_ALLOW_CUT;
}

static void shape_any(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    (void)client;
    visit->http2 = random_chance(sim_random(run), 1, 2);
}

// One at a time: the GOAWAY that refuses one would refuse others too, whose turn it was not.
static void refuses_uploads(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = begin(task, run, SIM_ONE_BACKEND SIM_HTTP2
        "    retry: {budget: 0%, floor: 0}\n" SIM_SITE);
    struct sim_crowd crowd = {.clients = 1, .requests_each = 40, .over_ms = 100, .think_ms = 100,
        .plan = plan_refused_uploads, .shape = shape_any};
    origin->refuses_uploads = true;
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->answers > 20);
}

static void plan_hopeful(struct sim_run *run, struct sim_request *request)
{
    plan_uploads(run, request);
    request->allow |=
        SIM_ALLOW_ERROR | SIM_ALLOW_CUT | SIM_ALLOW_BROKEN | SIM_ALLOW_OLD;
}

static void allocation_failure(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = begin(task, run, SIM_ONE_BACKEND SIM_HTTP2 SIM_PROBE SIM_SITE);
    origin->delay_ms = sim_between_values(run, 0, 50);
    sim_fail_allocations(task, run, plan_hopeful);
}

// The edge stops under load: everybody gets what he asked for, nothing is left behind.
static void drain(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = begin(task, run, SIM_ONE_BACKEND SIM_HTTP2 SIM_SITE);
    origin->delay_ms = sim_between_values(run, 0, 500);
    struct sim_background visitors;
    struct sim_crowd crowd = {.clients = 10, .requests_each = 3, .over_ms = 1000, .think_ms = 100,
        .plan = sim_plan_breakable};
    sim_background_start(&visitors, run, &crowd);
    sim_sleep_ms(task, sim_between_values(run, 50, 1500));
    run->tolerant = true; // who comes later finds nobody
    sim_edge_drain(task, run);
    sim_background_join(task, &visitors);
}

static const struct sim_scenario scenarios[] = {
    {"http2_origin_usual", usual, 0, "connections carry many answers and end now and then"},
    {"http2_origin_shared", shared, 0, "a herd shares connections, as many streams as are allowed"},
    {"http2_origin_fails", fails, 0, "every answer fails in one way, by stream or by connection"},
    {"http2_origin_cuts_connections", cuts_connections, 0,
        "a connection dies under all the answers on it"},
    {"http2_origin_refuses", refuses, 0, "REFUSED_STREAM and GOAWAY cost no visitor anything"},
    {"http2_origin_goes_silent", goes_silent, 0, "the network swallows everything for a while"},
    {"http2_origin_flaps", flaps, 0, "killed and revived again and again, under load"},
    {"http2_origin_uploads", uploads, 0,
        "uploads reach the origin once and byte-exact, with what comes after them"},
    {"http2_origin_refuses_uploads", refuses_uploads, 0,
        "a refused upload is sent again, whatever of it has come, while all of that is kept"},
    {"http2_origin_allocation_failure", allocation_failure, 0,
        "any allocation may fail; afterwards all is well"},
    {"http2_origin_drain", drain, 0, "the edge stops under load"},
};

const struct sim_group sim_http2_origin_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
