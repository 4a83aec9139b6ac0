// Sibling edges, played by origins: what only they hold serves visitors when the backend fails.
#include "sim/scenarios/common.h"

#define SIBLINGS                                                                                   \
    "origins:\n  main:\n    backends: [http://10.0.0.1]\n"                                         \
    "  siblings:\n    backends: [http://10.0.0.2, http://10.0.0.3]\n"                              \
    "sites:\n  - origin: main\n"                                                                   \
    "    peers: {origin: siblings, secret: a-secret-between-edges}\n"

// One holds what was never seen here; the other one is there, gone, or says nothing. Nobody waits
// for it, nor for the backend, as he would have to otherwise.
static void hold_it(struct task *task, struct sim_run *run)
{
    static const enum sim_host_state states[] = {SIM_HOST_UP, SIM_HOST_REFUSING, SIM_HOST_SILENT};
    struct sim_origin *origin = sim_begin(task, run, SIBLINGS);
    struct sim_origin *holder = sim_origin_start(run, SIM_SECOND_ORIGIN);
    struct sim_origin *other = sim_origin_start(run, SIM_THIRD_ORIGIN);
    holder->sibling_of = "/static/";
    other->sibling_of = "/nothing/";
    sim_warm(task, run);
    sim_origin_kill(origin);
    run->troubled = true;
    sim_host_set(run->world, SIM_THIRD_ORIGIN,
        states[random_below(sim_random(run), ARRAY_SIZE(states))]);
    sim_sleep_ms(task, sim_between_values(run, 0, 5000));
    for (unsigned i = 0; i < 10; i++) {
        struct sim_request request = {.client = i, .method = i % 5 == 4 ? "HEAD" : NULL};
        snprintf(request.path, sizeof(request.path), "/static/new-%u", i);
        struct sim_answer answer = sim_ask(task, run, &request);
        uint64_t waited_ms = (answer.head_ns - answer.sent_ns) / NS_PER_MS;
        sim_expect(run, answer.status == 200 && waited_ms < 3000);
        sim_expect(run, strstr(answer.cache_status, "peer-rescue") != NULL);
        // From here on it is held, and goes the way of every copy.
        uint64_t before = holder->requests;
        sim_expect(run, sim_ask(task, run, &request).status == 200);
        sim_expect(run, holder->requests == before);
    }
    sim_visitors(task, run, 5000, sim_plan_known);
    sim_origin_revive(origin);
    sim_host_set(run->world, SIM_THIRD_ORIGIN, SIM_HOST_UP);
    run->troubled = false;
    sim_trouble(run);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    uint64_t before = holder->requests + other->requests;
    sim_visitors(task, run, 5000, sim_plan_strict);
    sim_expect(run, holder->requests + other->requests == before); // while all is well, nobody asks
}

// Nobody holds it: the honest page, or the wait, as without them; and no storm of questions.
static void hold_nothing(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIBLINGS);
    struct sim_origin *holder = sim_origin_start(run, SIM_SECOND_ORIGIN);
    struct sim_origin *other = sim_origin_start(run, SIM_THIRD_ORIGIN);
    holder->sibling_of = other->sibling_of = "/nothing/";
    sim_warm(task, run);
    sim_origin_kill(origin);
    run->troubled = true;
    struct sim_request request = {.path = "/static/unknown", .allow = SIM_ALLOW_ERROR};
    sim_expect(run, sim_ask(task, run, &request).status == 503);
    sim_expect(run, holder->requests >= 1 && holder->requests <= 6);
    sim_expect(run, other->requests >= 1 && other->requests <= 6);
    sim_origin_revive(origin);
    run->troubled = false;
    sim_trouble(run);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_visitors(task, run, 5000, sim_plan_strict);
}

static const struct sim_scenario scenarios[] = {
    {"peers_hold_it", hold_it, 0, "a sibling holds what was never seen here, and the backend dies"},
    {"peers_hold_nothing", hold_nothing, 0,
        "no sibling holds it: they are not asked again and again"},
};

const struct sim_group sim_peer_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
