// The origin dies, hangs, lies and comes back: pages seen before stay up; afterwards all is well.
#include "sim/scenarios/common.h"

static void outage(struct task *task, struct sim_run *run, struct sim_fault fault,
    sim_plan *plan)
{
    sim_outage(task, run, sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE), fault, plan);
}

static void dies_before_headers(struct task *task, struct sim_run *run)
{
    outage(task, run, (struct sim_fault){.kind = SIM_FAULT_BEFORE_HEAD, .how = SIM_HOW_ANY},
        sim_plan_any);
}

static void dies_during_headers(struct task *task, struct sim_run *run)
{
    outage(
        task, run, (struct sim_fault){.kind = SIM_FAULT_IN_HEAD, .how = SIM_HOW_ANY}, sim_plan_any);
}

static void dies_mid_body(struct task *task, struct sim_run *run)
{
    outage(task, run, (struct sim_fault){.kind = SIM_FAULT_IN_BODY, .how = SIM_HOW_ANY},
        sim_plan_breakable);
}

static void dies_after_response(struct task *task, struct sim_run *run)
{
    outage(task, run, (struct sim_fault){.kind = SIM_FAULT_AFTER_RESPONSE, .how = SIM_HOW_END},
        sim_plan_strict);
}

static void hangs(struct task *task, struct sim_run *run)
{
    outage(task, run, (struct sim_fault){.kind = SIM_FAULT_BEFORE_HEAD, .how = SIM_HOW_STALL},
        sim_plan_any);
}

static uint64_t first_byte_ms(const struct sim_answer *answer)
{
    return (answer->head_ns - answer->sent_ns) / NS_PER_MS;
}

// How long a visitor waits for an origin that hangs is learned from how fast it usually is, and
// only the first one of each fetch waits that long.
static void hangs_unusually(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    bool is_slow = random_chance(sim_random(run), 1, 2);
    origin->delay_ms = is_slow ? 250 : 20;
    origin->spread_ms = origin->delay_ms / 2;
    uint64_t most_ms = is_slow ? 920 : 550; // twice its slowest, and the way there and back
    unsigned waited = 0, stale = 0;
    for (unsigned i = 0; i < 90; i++) {
        struct sim_request request = {.client = 1, .allow = SIM_ALLOW_OLD};
        snprintf(request.path, sizeof(request.path), "/soon/%u", i % 3);
        struct sim_answer answer = sim_ask(task, run, &request);
        stale += strstr(answer.cache_status, "stale-if-slow") != NULL;
        sim_sleep_ms(task, 700);
    }
    sim_expect(run, stale == 0);
    sim_origin_set(origin,
        (struct sim_fault){.kind = SIM_FAULT_BEFORE_HEAD, .how = SIM_HOW_STALL});
    uint64_t before = origin->requests;
    for (unsigned i = 0; i < 20; i++) {
        struct sim_answer answer = sim_get(task, run, "/soon/0");
        sim_expect(run, answer.status == 200 && first_byte_ms(&answer) <= most_ms);
        waited += first_byte_ms(&answer) > 100;
        sim_sleep_ms(task, 1000);
    }
    sim_expect(run, waited >= 1 && waited <= 2);
    sim_expect(run, origin->requests - before <= 2);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_NONE});
}

static void returns_500(struct task *task, struct sim_run *run)
{
    static const unsigned statuses[] = {500, 502, 503, 504};
    unsigned status = statuses[random_below(sim_random(run), ARRAY_SIZE(statuses))];
    outage(task, run, (struct sim_fault){.kind = SIM_FAULT_STATUS, .status = status,
        .retry_after_s = random_below(sim_random(run), 3)}, sim_plan_any);
}

static void garbage(struct task *task, struct sim_run *run)
{
    outage(task, run, (struct sim_fault){.kind = SIM_FAULT_GARBAGE}, sim_plan_breakable);
}

// More promised than sent: only this can be noticed.
static void wrong_length(struct task *task, struct sim_run *run)
{
    outage(task, run, (struct sim_fault){.kind = SIM_FAULT_LENGTH, .how = SIM_HOW_END,
        .amount = (int64_t)sim_between_values(run, 1, 5000)}, sim_plan_breakable);
}

static void fails_now_and_then(struct task *task, struct sim_run *run)
{
    static const enum sim_fault_kind kinds[] = {SIM_FAULT_BEFORE_HEAD, SIM_FAULT_IN_HEAD,
        SIM_FAULT_AFTER_RESPONSE, SIM_FAULT_STATUS};
    outage(task, run,
        (struct sim_fault){.kind = kinds[random_below(sim_random(run), ARRAY_SIZE(kinds))],
            .how = SIM_HOW_ANY,
            .permille = 200,
            .status = 500},
        sim_plan_any);
}

static void expect_quick(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    uint64_t waited_ms = (answer->head_ns - answer->sent_ns) / NS_PER_MS;
    if (waited_ms > 1500)
        sim_fail(run, "%s: held, but came only after %" PRIu64 " ms (%s)", request->path, waited_ms,
            answer->cache_status);
}

static void slow(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    sim_warm(task, run);
    sim_sleep_ms(task, sim_between_values(run, 2500, 70000));
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_DELAY,
        .delay_ms = sim_between_values(run, 2000, 20000)});
    struct sim_crowd crowd = {.clients = 10, .requests_each = 6, .over_ms = 10000, .think_ms = 500,
        .plan = sim_plan_known, .judge = expect_quick};
    sim_crowd_run(task, run, &crowd);
    sim_visitors(task, run, 5000, sim_plan_any);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_NONE});
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_visitors(task, run, 5000, sim_plan_strict);
}

static void flaps(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_PROBE SIM_SITE);
    sim_warm(task, run);
    struct sim_background visitors;
    struct sim_crowd crowd = {.clients = 12, .requests_each = 12, .over_ms = 5000, .think_ms = 1500,
        .odd_permille = 200, .plan = sim_plan_breakable};
    sim_background_start(&visitors, run, &crowd);
    for (int i = 0; i < 8; i++) {
        sim_sleep_ms(task, sim_between_values(run, 200, 3000));
        sim_origin_kill(origin);
        sim_sleep_ms(task, sim_between_values(run, 200, 3000));
        sim_origin_revive(origin);
    }
    sim_background_join(task, &visitors);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_visitors(task, run, 5000, sim_plan_strict);
}

// The network between: silence for a while, then everything that was sent arrives.
static void goes_silent(struct task *task, struct sim_run *run)
{
    sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    sim_silence(task, run);
}

static void loses_connections(struct task *task, struct sim_run *run)
{
    sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    sim_warm(task, run);
    sim_host_loss(run->world, SIM_ORIGIN, sim_between_values(run, 5, 50));
    run->troubled = true;
    sim_visitors(task, run, 20000, sim_plan_breakable);
    sim_host_loss(run->world, SIM_ORIGIN, 0);
    run->troubled = false;
    sim_trouble(run);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_visitors(task, run, 5000, sim_plan_strict);
}

// Whatever takes its place, an outage must not outlive its cause: the first request for a page
// never seen, right after the origin is back, gets it.
static void back_at_once(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_PROBE SIM_SITE);
    sim_warm(task, run);
    sim_origin_kill(origin);
    sim_visitors(task, run, sim_between_values(run, 1000, 30000), sim_plan_any);
    sim_origin_revive(origin);
    sim_sleep_ms(task, 5);
    struct sim_answer answer = sim_get(task, run, "/static/never-seen");
    sim_expect(run, answer.status == 200);
}

#define SIM_ROUTED                                                                                 \
    "origins:\n  main:\n    backends: [http://10.0.0.1]\n"                                         \
    "  second:\n    backends: [http://10.0.0.2]\n"                                                 \
    "sites:\n  - origin: main\n    key: {query: sorted}\n    rules:\n"                             \
    "      - {path: [/static/*, /lang/*], origin: second}\n"                                       \
    "      - {path: /static/*, response_headers: {remove: [X-Nothing]}, limits: {url: 1000}}\n"

static bool goes_to_second(const struct sim_request *request)
{
    return strncmp(request->path, "/static/", 8) == 0 || strncmp(request->path, "/lang/", 6) == 0;
}

// Of the paths whose origin is dead, what was never seen cannot be answered; all others must be.
static void plan_routed(struct sim_run *run, struct sim_request *request)
{
    sim_plan_strict(run, request);
    if (goes_to_second(request))
        request->allow |= SIM_ALLOW_ERROR | SIM_ALLOW_CUT;
}

static void routed_origin_dies(struct task *task, struct sim_run *run)
{
    struct sim_origin *main_origin = sim_begin(task, run, SIM_ROUTED);
    struct sim_origin *second = sim_origin_start(run, SIM_SECOND_ORIGIN);
    sim_warm(task, run);
    sim_expect(run, main_origin->requests > 0 && second->requests > 0);
    sim_origin_kill(second);
    sim_sleep_ms(task, sim_between_values(run, 0, 70000));
    uint64_t before = main_origin->requests;
    sim_visitors(task, run, sim_between_values(run, 1000, 20000), plan_routed);
    struct sim_answer cold = sim_get(task, run, "/page/never-seen");
    sim_expect(run, cold.status == 200);
    sim_expect(run, main_origin->requests > before);
    // Nothing of the dead one's went to the other.
    struct sim_request request = {.path = "/static/never-seen", .allow = SIM_ALLOW_ERROR};
    before = main_origin->requests;
    sim_expect(run, sim_ask(task, run, &request).status == 503);
    sim_expect(run, main_origin->requests == before);
    sim_origin_revive(second);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    before = second->requests;
    sim_visitors(task, run, 5000, sim_plan_strict);
    cold = sim_get(task, run, "/static/never-seen");
    sim_expect(run, cold.status == 200 && second->requests > before);
}

static const struct sim_scenario scenarios[] = {
    {"origin_dies_before_headers", dies_before_headers, 0, "requests are read and never answered"},
    {"origin_dies_during_headers", dies_during_headers, 0, "heads break off anywhere"},
    {"origin_dies_mid_body", dies_mid_body, 0, "bodies break off anywhere"},
    {"origin_dies_after_response", dies_after_response, 0,
        "connections end after each response, unannounced"},
    {"origin_hangs", hangs, 0, "requests are taken and nothing comes back"},
    {"origin_hangs_unusually", hangs_unusually, 0,
        "how long a copy is held back is learned; only the first visitor waits"},
    {"origin_slow", slow, 0, "seconds to the first byte: copies go out in time"},
    {"origin_flaps", flaps, 0, "killed and revived again and again, under load"},
    {"origin_returns_500", returns_500, 0, "every answer is 500, 502, 503 or 504"},
    {"origin_wrong_length", wrong_length, 0, "Content-Length promises more than is sent"},
    {"origin_garbage", garbage, 0, "what comes is not HTTP"},
    {"origin_fails_now_and_then", fails_now_and_then, 0, "one request in five fails"},
    {"origin_goes_silent", goes_silent, 0, "the network swallows everything for a while"},
    {"origin_loses_connections", loses_connections, 0, "connections are reset at any segment"},
    {"origin_back_at_once", back_at_once, 0,
        "the first request after an outage is tried and answered"},
    {"routed_origin_dies", routed_origin_dies, 0,
        "rules send some paths to a second origin, which dies"},
};

const struct sim_group sim_outage_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
