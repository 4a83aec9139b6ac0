// Puts a world around a scenario, runs it to its end and asks whether everything was given back.
#include "sim/run.h"

#include "sim/disk.h"
#include "sim/edge.h"
#include "sim/origin.h"
#include "sim/switches.h"

#include "base/invariant.h"

#include <stdarg.h>
#include <stdlib.h>

#define SIM_RUN_LIMIT_NS (UINT64_C(20000) * NS_PER_SECOND)

void sim_fail(struct sim_run *run, const char *format, ...)
{
    if (run->failed)
        return;
    run->failed = true;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(run->reason, sizeof(run->reason), format, arguments);
    va_end(arguments);
    sim_trace(run->world, "FAIL %s", run->reason);
}

void sim_trouble(struct sim_run *run)
{
    run->trouble_ns = sim_world_now_ns(run->world);
}

uint64_t sim_between_values(struct sim_run *run, uint64_t least, uint64_t most)
{
    return least + random_below(sim_random(run), most - least + 1);
}

const char *sim_choose(struct sim_run *run, const char *const *choices, size_t count)
{
    return choices[random_below(sim_random(run), count)];
}

void sim_sleep_ms(struct task *task, uint64_t ms)
{
    enum error error = task_sleep_until(task, sim_in_ms(task, ms));
    (void)error; // cancelled: whoever sleeps finds out at his next step
}

void sim_start(struct sim_run *run, struct scope *scope, task_main *main, void *argument)
{
    enum error error = task_start(sim_world_outside(run->world), scope, main, argument);
    invariant(error == ERROR_NONE); // no limit and no injected failure outside
}

struct direction {
    const struct sim_scenario *scenario;
    struct sim_run *run;
};

static void direct(struct task *task, void *argument)
{
    struct direction *direction = argument;
    struct sim_run *run = direction->run;
    direction->scenario->direct(task, run);
    sim_edge_end(task, run);
    scope_close(task, &run->origins);
    sim_sleep_ms(task, 1000); // what is still on its way arrives
    run->ended = true;
}

static bool has_ended(void *argument)
{
    struct sim_run *run = argument;
    // The director's own task is the last one outside.
    return run->ended && sim_world_outside(run->world)->tasks_alive == 0;
}

static void check_returned(struct sim_run *run)
{
    struct sim_counts counts = sim_world_counts(run->world);
    if (counts.edge_sockets != 0)
        sim_fail(run, "%" PRIu64 " sockets of the edge are still open", counts.edge_sockets);
    if (counts.outside_sockets != 0)
        sim_fail(run, "%" PRIu64 " sockets of the actors are still open", counts.outside_sockets);
    if (counts.endless_waits != 0)
        sim_fail(run, "%" PRIu64 " waits of the edge had no deadline", counts.endless_waits);
    bool saw_all = run->cut == 0 && run->unread == 0;
    if (!run->tolerant && run->edge_ended && (saw_all ? run->errors != run->told
        : run->errors > run->told))
        sim_fail(run, "the ledger counts %" PRIu64 " errors, the visitors saw %" PRIu64, run->told,
            run->errors);
    LIST_FOREACH (link, &run->site.uploads) {
        const struct sim_upload *upload = LIST_ENTRY(link, struct sim_upload, link);
        if (upload->complete > 1)
            sim_fail(run, "upload %" PRIu64 " reached the origin %u times", upload->id,
                upload->complete);
    }
}

static void run_to_end(struct sim_run *run)
{
    uint64_t limit_ns = sim_world_now_ns(run->world) + SIM_RUN_LIMIT_NS;
    switch (sim_world_run(run->world, has_ended, run, limit_ns)) {
    case SIM_END_FINISHED:
        check_returned(run);
        break;
    case SIM_END_IDLE:
        sim_fail(run, "deadlock: nothing will ever happen again");
        break;
    case SIM_END_TIME:
        sim_fail(run, "not finished after %" PRIu64 " virtual seconds",
            SIM_RUN_LIMIT_NS / NS_PER_SECOND);
        break;
    case SIM_END_BUSY:
        sim_fail(run, "something spins without letting time pass");
        break;
    }
}

static void run_free(struct sim_run *run)
{
    // A run that did not finish leaves stacks behind that nobody may unwind any more.
    if (run->ended)
        sim_world_destroy(run->world);
    LIST_FOREACH (link, &run->origin_list) {
        list_remove(link);
        free(LIST_ENTRY(link, struct sim_origin, link));
    }
    sim_site_free(&run->site);
    sim_disk_destroy(run->disk);
}

void sim_scenario_run(const struct sim_scenario *scenario, uint64_t seed, const char *without,
    FILE *trace, struct sim_result *ret_result)
{
    struct sim_run run;
    struct direction direction = {scenario, &run};
    memset(&run, 0, sizeof(run));
    struct random random;
    random_seed(&random, seed);
    unsigned loops = scenario->edge_loops != 0 ? scenario->edge_loops :
        1 + (unsigned)random_below(&random, 3);
    run.seed = seed;
    run.without = without;
    sim_switch_off(without);
    run.world = sim_world_create(seed, loops);
    run.target = SIM_EDGE_HOST;
    list_init(&run.origin_list);
    sim_world_trace_to(run.world, trace);
    sim_site_init(&run.site, sim_world_now_ns(run.world));
    scope_open(&run.origins);
    uint64_t start_ns = sim_world_now_ns(run.world);
    sim_start(&run, NULL, direct, &direction);
    run_to_end(&run);
    // Of a run that is stuck, who waits for what is all there is to see.
    if (!run.ended || (run.failed && trace != NULL))
        sim_world_dump(run.world, trace != NULL ? trace : stdout);
    memset(ret_result, 0, sizeof(*ret_result));
    ret_result->failed = run.failed;
    memcpy(ret_result->reason, run.reason, sizeof(run.reason));
    ret_result->hash = sim_world_trace_hash(run.world);
    ret_result->virtual_ms = (sim_world_now_ns(run.world) - start_ns) / NS_PER_MS;
    ret_result->answers = run.answers;
    ret_result->errors = run.errors;
    ret_result->steps = sim_world_counts(run.world).steps;
    run_free(&run);
}
