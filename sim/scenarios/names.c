// Backends known by name: answers that change, fail and lie, and addresses that are not there.
#include "sim/scenarios/common.h"

#include "edge/edge.h"

static struct sim_origin *second_origin(struct sim_run *run, const char *host)
{
    struct sim_origin *origin = sim_origin_start(run, host);
    origin->health_path = "/health";
    return origin;
}

static struct sim_origin *plan_named(struct task *task, struct sim_run *run)
{
    static const char *const first[] = {SIM_ORIGIN, NULL};
    sim_dns_set(run->world, "origin.test", first);
    struct sim_origin *origin = sim_begin(task, run, SIM_NAMED_BACKEND SIM_SITE);
    sim_sleep_ms(task, 100);
    sim_warm(task, run);
    return origin;
}

static void dns_moves(struct task *task, struct sim_run *run)
{
    static const char *const second[] = {SIM_SECOND_ORIGIN, NULL};
    plan_named(task, run);
    struct sim_origin *moved = second_origin(run, SIM_SECOND_ORIGIN);
    sim_dns_set(run->world, "origin.test", second);
    sim_host_set(run->world, SIM_ORIGIN, random_chance(sim_random(run), 1, 2) ? SIM_HOST_SILENT :
        SIM_HOST_REFUSING);
    run->troubled = true;
    sim_visitors(task, run, 10000, sim_plan_any);
    sim_sleep_ms(task, 60000);
    run->troubled = false;
    sim_trouble(run);
    sim_visitors(task, run, 5000, sim_plan_strict);
    sim_expect(run, moved->requests > 0);
}

static void names_are_lost(struct task *task, struct sim_run *run)
{
    sim_visitors(task, run, 100000, sim_plan_strict);
    sim_visitors(task, run, 5000, sim_plan_strict);
    sim_expect(run, run->errors == 0);
}

static void dns_fails(struct task *task, struct sim_run *run)
{
    plan_named(task, run);
    sim_dns_fail(run->world, "origin.test", random_chance(sim_random(run), 1, 2) ? ERROR_RESOLVE :
        ERROR_TIMEOUT);
    names_are_lost(task, run);
}

static void dns_empty(struct task *task, struct sim_run *run)
{
    static const char *const none[] = {NULL};
    plan_named(task, run);
    sim_dns_set(run->world, "origin.test", none);
    names_are_lost(task, run);
}

static void dns_late(struct task *task, struct sim_run *run)
{
    static const char *const first[] = {SIM_ORIGIN, NULL};
    sim_dns_fail(run->world, "origin.test", ERROR_RESOLVE);
    sim_begin(task, run, SIM_NAMED_BACKEND SIM_SITE);
    sim_visitors(task, run, 3000, sim_plan_any);
    sim_dns_set(run->world, "origin.test", first);
    sim_sleep_ms(task, 40000);
    sim_visitors(task, run, 5000, sim_plan_strict);
}

// Of what a name stands for, one address is dead from the start; the others serve. Nobody waits
// longer than it takes to begin with the next address.

#define QUICK_MS 1000

static void expect_prompt(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    uint64_t waited_ms = (answer->head_ns - answer->sent_ns) / NS_PER_MS;
    if (waited_ms > QUICK_MS)
        sim_fail(run, "%s: the first byte came after %" PRIu64 " ms (%s)", request->path, waited_ms,
            answer->cache_status);
}

static enum sim_host_state any_death(struct sim_run *run)
{
    static const enum sim_host_state deaths[] = {
        SIM_HOST_REFUSING, SIM_HOST_SILENT, SIM_HOST_SILENT, SIM_HOST_UNREACHABLE};
    return deaths[random_below(sim_random(run), ARRAY_SIZE(deaths))];
}

static void visit_promptly(struct task *task, struct sim_run *run)
{
    struct sim_crowd crowd = {.clients = 12, .requests_each = 8, .over_ms = 40000,
        .think_ms = 3000, .plan = sim_plan_strict, .judge = expect_prompt};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->errors == 0);
}

static void one_of_four_dead(struct task *task, struct sim_run *run)
{
    static const char *const all[] = {SIM_ORIGIN, SIM_SECOND_ORIGIN, SIM_THIRD_ORIGIN, "10.0.0.4"};
    const char *order[ARRAY_SIZE(all) + 1] = {NULL};
    uint64_t turn = random_below(sim_random(run), ARRAY_SIZE(all));
    uint64_t dead = random_chance(sim_random(run), 1, 2) ? turn
        : random_below(sim_random(run), ARRAY_SIZE(all));
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        order[i] = all[(i + turn) % ARRAY_SIZE(all)];
    sim_dns_set(run->world, "origin.test", order);
    sim_host_set(run->world, all[dead], any_death(run));
    sim_begin(task, run, SIM_NAMED_BACKEND "    pool: {idle_connections: 0}\n" SIM_SITE);
    for (size_t i = 1; i < ARRAY_SIZE(all); i++)
        second_origin(run, all[i]);
    visit_promptly(task, run);
}

static void v6_broken(struct task *task, struct sim_run *run)
{
    static const char *const both[] = {"2001:db8::1", SIM_ORIGIN, "2001:db8::2", NULL};
    sim_dns_set(run->world, "origin.test", both);
    sim_host_set(run->world, both[0], any_death(run));
    sim_host_set(run->world, both[2], any_death(run));
    struct sim_origin *origin =
        sim_begin(task, run, SIM_NAMED_BACKEND "    pool: {idle_connections: 0}\n" SIM_SITE);
    visit_promptly(task, run);
    sim_expect(run, origin->requests > 0);
}

// One address takes connections and requests, and says nothing. Whoever meets it is answered by
// the other; then it is left alone for a while.
static void hanging_address(struct task *task, struct sim_run *run)
{
    static const char *const two[] = {SIM_ORIGIN, SIM_SECOND_ORIGIN, NULL};
    sim_dns_set(run->world, "origin.test", two);
    struct sim_origin *first = sim_begin(task, run,
        SIM_NAMED_BACKEND "    timeouts: {first_byte: 500ms, between_bytes: 500ms}\n" SIM_SITE);
    struct sim_origin *second = second_origin(run, SIM_SECOND_ORIGIN);
    sim_origin_set(first, (struct sim_fault){.kind = SIM_FAULT_BEFORE_HEAD, .how = SIM_HOW_STALL});
    for (unsigned i = 0; i < 25; i++) {
        struct sim_request request = {.client = i};
        snprintf(request.path, sizeof(request.path), "/static/new-%u", i);
        sim_expect(run, sim_ask(task, run, &request).status == 200);
        sim_sleep_ms(task, 500);
    }
    sim_expect(run, first->faults == 1);
    sim_expect(run, second->requests >= 25);
}

// A name moves while its old place still works: it is left, connections kept included.
static void moves_while_all_is_well(struct task *task, struct sim_run *run)
{
    static const char *const later[] = {SIM_SECOND_ORIGIN, NULL};
    struct sim_origin *old = plan_named(task, run);
    struct sim_origin *moved = second_origin(run, SIM_SECOND_ORIGIN);
    sim_dns_set(run->world, "origin.test", later);
    struct sim_background visitors;
    struct sim_crowd crowd = {.clients = 12, .requests_each = 20, .over_ms = 20000,
        .think_ms = 3000, .odd_permille = 200, .plan = sim_plan_strict};
    sim_background_start(&visitors, run, &crowd);
    sim_sleep_ms(task, 35000); // dns_refresh, and then some
    uint64_t before = old->requests;
    sim_background_join(task, &visitors);
    sim_visitors(task, run, 5000, sim_plan_strict);
    sim_expect(run, run->errors == 0);
    sim_expect(run, old->requests == before);
    sim_expect(run, moved->requests > 0);
}

// A name moves to where nobody is: the connections that work are kept.
static void moves_to_nowhere(struct task *task, struct sim_run *run)
{
    static const char *const nowhere[] = {SIM_SECOND_ORIGIN, SIM_THIRD_ORIGIN, NULL};
    plan_named(task, run);
    sim_dns_set(run->world, "origin.test", nowhere);
    for (unsigned i = 0; i < 45; i++) {
        struct sim_request request = {.client = i};
        snprintf(request.path, sizeof(request.path), "/static/new-%u", i);
        sim_expect(run, sim_ask(task, run, &request).status == 200);
        sim_sleep_ms(task, 1000);
    }
}

// Names are asked for when their answers' lifetime is over, within bounds.
static void lifetimes(struct task *task, struct sim_run *run)
{
    plan_named(task, run);
    uint64_t before = sim_world_counts(run->world).questions;
    sim_dns_lifetime(run->world, "origin.test", 3600 * 1000);
    sim_sleep_ms(task, 121000);
    uint64_t often = sim_world_counts(run->world).questions - before;
    sim_expect(run, often >= 4 && often <= 5); // dns_refresh is 30 s
    sim_dns_lifetime(run->world, "origin.test", 10000);
    sim_sleep_ms(task, 31000);
    before = sim_world_counts(run->world).questions;
    sim_sleep_ms(task, 100000);
    often = sim_world_counts(run->world).questions - before;
    sim_expect(run, often >= 9 && often <= 11);
    sim_dns_lifetime(run->world, "origin.test", 0);
    sim_sleep_ms(task, 11000);
    before = sim_world_counts(run->world).questions;
    sim_sleep_ms(task, 100000);
    often = sim_world_counts(run->world).questions - before;
    sim_expect(run, often >= 19 && often <= 21); // dns_refresh_min is 5 s
}

static const struct sim_scenario scenarios[] = {
    {"dns_moves", dns_moves, 0, "the backend's name gets another address"},
    {"dns_fails", dns_fails, 0, "the name cannot be resolved any more: the last answer stays"},
    {"dns_empty", dns_empty, 0, "the name has no addresses any more: the last answer stays"},
    {"dns_late", dns_late, 0, "the name resolves only after the start"},
    {"dns_one_of_four_dead", one_of_four_dead, 0,
        "of a name's addresses one is dead: nobody waits"},
    {"dns_v6_broken", v6_broken, 0, "a name's IPv6 addresses lead nowhere: nobody waits"},
    {"dns_hanging_address", hanging_address, 1,
        "one address takes requests and never answers: it is avoided"},
    {"dns_moves_while_all_is_well", moves_while_all_is_well, 0,
        "the old place still works, and is left"},
    {"dns_moves_to_nowhere", moves_to_nowhere, 1,
        "nobody is at the new place: connections that work are kept"},
    {"dns_lifetimes", lifetimes, 0, "names are looked up again when their lifetime is over"},
};

const struct sim_group sim_name_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
