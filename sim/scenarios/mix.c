// Everything at once: one to four backends that fail in whatever way and whatever order, while
// visitors of all kinds come, the operator reloads, purges and declares maintenance. What was
// served before is never an error, and afterwards all is well.
#include "sim/scenarios/common.h"

#define BACKENDS_MAX 4

static const char *const hosts[BACKENDS_MAX] = {
    SIM_ORIGIN, SIM_SECOND_ORIGIN, SIM_THIRD_ORIGIN, "10.0.0.4"};

struct mix {
    struct sim_run *run;
    size_t count;
    struct sim_origin *origins[BACKENDS_MAX];
    char settings[2][1024]; // between which it reloads
};

// Not what ends with its connection: nobody can tell that such content broke off.
static void plan(struct sim_run *run, struct sim_request *request)
{
    do
        sim_plan_breakable(run, request);
    while (strncmp(request->path, "/bare/", 6) == 0);
}

static void plan_afterwards(struct sim_run *run, struct sim_request *request)
{
    plan(run, request);
    request->allow = 0;
}

static void write_settings(struct mix *mix, char *buffer, size_t size)
{
    struct random *random = sim_random(mix->run);
    struct text text = text_in(buffer, size);
    text_append(&text, SLICE("origins:\n  main:\n    backends: ["));
    for (size_t i = 0; i < mix->count; i++)
        text_format(&text, "%shttp://%s", i == 0 ? "" : ", ", hosts[i]);
    text_append(&text, SLICE("]\n"));
    if (random_chance(random, 1, 2))
        text_append(&text, SLICE(SIM_PROBE));
    static const char *const balances[] = {"round_robin", "least_requests", "hash"};
    text_format(&text, "    balance: %s\n", sim_choose(mix->run, balances, ARRAY_SIZE(balances)));
    uint64_t hold_s = sim_between_values(mix->run, 1, 20);
    text_format(&text, "sites:\n  - origin: main\n    lifelines: {hold: {time: %" PRIu64 "s}}\n",
        hold_s);
}

static struct sim_fault any_fault(struct sim_run *run)
{
    static const enum sim_fault_kind kinds[] = {SIM_FAULT_BEFORE_HEAD, SIM_FAULT_IN_HEAD,
        SIM_FAULT_IN_BODY, SIM_FAULT_AFTER_RESPONSE, SIM_FAULT_DELAY, SIM_FAULT_STATUS,
        SIM_FAULT_LENGTH, SIM_FAULT_GARBAGE};
    static const unsigned statuses[] = {500, 502, 503, 504};
    struct random *random = sim_random(run);
    struct sim_fault fault = {.kind = kinds[random_below(random, ARRAY_SIZE(kinds))]};
    fault.how = (enum sim_fault_how)random_below(random, SIM_HOW_ANY + 1);
    fault.permille = (unsigned)random_below(random, 3) * 333; // 0: all
    fault.status = statuses[random_below(random, ARRAY_SIZE(statuses))];
    fault.retry_after_s = random_below(random, 30);
    fault.delay_ms = sim_between_values(run, 1, 8000);
    fault.amount = (int64_t)sim_between_values(run, 1, 5000);
    return fault;
}

static void meddle_with_backend(struct mix *mix)
{
    struct random *random = sim_random(mix->run);
    size_t which = random_below(random, mix->count);
    struct sim_origin *origin = mix->origins[which];
    bool is_there = io_is_open(&origin->listener);
    switch (random_below(random, 5)) {
    case 0:
        if (is_there)
            sim_origin_kill(origin);
        break;
    case 1:
        if (!is_there)
            sim_origin_revive(origin);
        break;
    case 2:
        sim_origin_set(origin, any_fault(mix->run));
        break;
    case 3:
        sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_NONE});
        break;
    case 4:
        sim_host_set(mix->run->world, hosts[which],
            random_chance(random, 1, 2) ? SIM_HOST_SILENT : SIM_HOST_UP);
        break;
    }
}

static void meddle_with_edge(struct task *task, struct mix *mix)
{
    struct random *random = sim_random(mix->run);
    switch (random_below(random, 4)) {
    case 0:
        sim_edge_reload(task, mix->run, mix->settings[random_below(random, 2)]);
        break;
    case 1:
        sim_edge_purge(mix->run, PURGE_ALL, "", false);
        break;
    case 2:
        sim_edge_maintain(mix->run, true);
        sim_sleep_ms(task, random_below(random, 5000));
        sim_edge_maintain(mix->run, false);
        break;
    case 3:
        sim_site_change(&mix->run->site);
        break;
    }
}

static void end_trouble(struct mix *mix)
{
    for (size_t i = 0; i < mix->count; i++) {
        sim_host_set(mix->run->world, hosts[i], SIM_HOST_UP);
        sim_origin_set(mix->origins[i], (struct sim_fault){.kind = SIM_FAULT_NONE});
        if (!io_is_open(&mix->origins[i]->listener))
            sim_origin_revive(mix->origins[i]);
    }
    mix->run->troubled = false;
    sim_trouble(mix->run);
}

static void everything(struct task *task, struct sim_run *run)
{
    struct mix mix = {.run = run};
    mix.count = sim_between_values(run, 1, BACKENDS_MAX);
    write_settings(&mix, mix.settings[0], sizeof(mix.settings[0]));
    write_settings(&mix, mix.settings[1], sizeof(mix.settings[1]));
    mix.origins[0] = sim_begin(task, run, mix.settings[0]);
    for (size_t i = 1; i < mix.count; i++) {
        mix.origins[i] = sim_origin_start(run, hosts[i]);
        mix.origins[i]->health_path = "/health";
    }
    sim_warm(task, run);
    struct sim_background visitors;
    struct sim_crowd crowd = {.clients = 15, .requests_each = 12, .over_ms = 20000,
        .think_ms = 2500, .odd_permille = 400, .plan = plan};
    run->troubled = true;
    // A silent network brings requests later than they were sent, and answers than they were made.
    run->clocks_differ = run->answers_linger = true;
    sim_background_start(&visitors, run, &crowd);
    uint64_t steps = sim_between_values(run, 5, 40);
    for (uint64_t i = 0; i < steps; i++) {
        sim_sleep_ms(task, sim_between_values(run, 10, 3000));
        if (random_chance(sim_random(run), 4, 5))
            meddle_with_backend(&mix);
        else
            meddle_with_edge(task, &mix);
    }
    end_trouble(&mix);
    sim_background_join(task, &visitors);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    crowd = (struct sim_crowd){.clients = 10, .requests_each = 6, .over_ms = 5000,
        .think_ms = 400, .plan = plan_afterwards};
    sim_crowd_run(task, run, &crowd);
}

static const struct sim_scenario scenarios[] = {
    {"mix", everything, 0, "backends fail in any way and order, the operator meddles"},
};

const struct sim_group sim_mix_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
