// Settings from YAML, and the edge's life from start to drain.
#include "sim/edge.h"

#include "conf/conf.h"
#include "cache/store.h"
#include "edge/lifeline.h"
#include "sim/disk.h"
#include "sim/switches.h"

#include "base/invariant.h"

#include <stdlib.h>

#define DRAIN_PATIENCE_MS 600000

struct generation_kept { // settings live until the edge lets go of them
    struct list link;
    struct sim_edge *owner;
    struct arena arena;
    struct edge_settings settings;
    bool released;
};

struct sim_edge {
    struct sim_run *run;
    struct edge *edge;
    struct store *store; // NULL: the run has no disk
    struct list generations;
    const char *text; // of the settings that are to be loaded
    bool draining, killed;
};

static const struct setting root_rows[] = {
    {.name = "http",
        .type = SETTING_SECTION,
        .offset = offsetof(struct edge_settings, http),
        .section = &http_settings},
    {.name = "connections",
        .type = SETTING_SECTION,
        .offset = offsetof(struct edge_settings, connections),
        .section = &connection_settings_section},
    {.name = "overload",
        .type = SETTING_SECTION,
        .offset = offsetof(struct edge_settings, overload),
        .section = &pressure_settings_section},
    {.name = "compression",
        .type = SETTING_SECTION,
        .offset = offsetof(struct edge_settings, compression),
        .section = &compress_limits_section},
    {.name = "clients",
        .type = SETTING_SECTION,
        .offset = offsetof(struct edge_settings, clients),
        .section = &client_settings_section},
    {.name = "store",
        .type = SETTING_SECTION,
        .offset = offsetof(struct edge_settings, store),
        .section = &cache_settings_section},
    {.name = "outbox",
        .type = SETTING_SECTION,
        .offset = offsetof(struct edge_settings, outbox),
        .section = &outbox_settings_section},
    {.name = "origins",
        .type = SETTING_SECTION_MAP,
        .offset = offsetof(struct edge_settings, origins),
        .section = &origin_settings_section},
    {.name = "sites",
        .type = SETTING_SECTION_LIST,
        .offset = offsetof(struct edge_settings, sites),
        .section = &site_settings_section},
    {.name = "prefix",
        .type = SETTING_TEXT,
        .offset = offsetof(struct edge_settings, prefix),
        .fallback = "/.afloat/"},
    {.name = "name",
        .type = SETTING_TEXT,
        .offset = offsetof(struct edge_settings, name),
        .fallback = "afloat"},
};

static const struct setting_section root = {
    .size = sizeof(struct edge_settings), .rows = root_rows, .count = ARRAY_SIZE(root_rows)};

// How small a form gets is not what the sim looks at, and most of its time went there.
static void compress_lightly(struct edge_settings *settings)
{
    struct site_settings *sites = settings->sites.items;
    for (size_t i = 0; i < settings->sites.count; i++) {
        struct compress_settings *compression = &sites[i].compression;
        compression->gzip_level = compression->brotli_level = compression->zstd_level = 1;
    }
}

static struct generation_kept *load_settings(struct sim_edge *edge)
{
    struct generation_kept *kept = sim_alloc(sizeof(*kept));
    struct conf_mistakes mistakes;
    arena_init(&kept->arena, 8192, 1 << 20);
    kept->owner = edge;
    enum error error = conf_load_text(slice_from_string(edge->text), &root, &kept->arena,
        &kept->settings, &mistakes);
    if (error != ERROR_NONE) {
        conf_print_mistakes(&mistakes, edge->run->reason, stderr);
        fputs(edge->text, stderr);
    }
    invariant(error == ERROR_NONE); // scenarios are ours
    compress_lightly(&kept->settings);
    if (edge->run->without != NULL)
        sim_switch_off_settings(edge->run->without, &kept->settings);
    list_append(&edge->generations, &kept->link);
    return kept;
}

static void settings_released(void *context)
{
    struct generation_kept *kept = context;
    invariant(!kept->released);
    kept->released = true;
    arena_free(&kept->arena); // whoever still reads them now is caught by AddressSanitizer
}

static void open_store(struct sim_edge *edge, const struct cache_settings *settings)
{
    struct store_settings store = {.disk = settings->disk, .write_budget = settings->write_budget,
        .owner = 1, .seed = edge->run->seed};
    enum error error = store_open(sim_disk_of(edge->run->disk), &store, &edge->store);
    invariant(error == ERROR_NONE);
    edge_use_store(edge->edge, edge->store);
}

static void start_edge(void *argument)
{
    struct sim_edge *edge = argument;
    struct sim_run *run = edge->run;
    struct loop *loops[SIM_EDGE_LOOPS_MAX];
    unsigned count = sim_world_edge_loop(run->world, 0)->count;
    for (unsigned i = 0; i < count; i++)
        loops[i] = sim_world_edge_loop(run->world, i);
    struct generation_kept *kept = load_settings(edge);
    edge->edge = edge_create(loops, count, &kept->settings, NULL);
    invariant(edge->edge != NULL);
    if (run->resources != NULL)
        edge_set_resources(edge->edge, run->resources);
    if (run->disk != NULL)
        open_store(edge, &kept->settings.store);
    struct address address = sim_address(SIM_EDGE_HOST, 80);
    enum error error = edge_open_outbox(edge->edge);
    invariant(error == ERROR_NONE);
    error = edge_listen(edge->edge, &address, false);
    invariant(error == ERROR_NONE);
    error = edge_start(edge->edge);
    invariant(error == ERROR_NONE);
}

void sim_edge_start(struct task *task, struct sim_run *run, const char *settings)
{
    struct sim_edge *edge = sim_alloc(sizeof(*edge));
    edge->run = run;
    edge->text = settings;
    list_init(&edge->generations);
    run->edge = edge;
    sim_world_between(task, start_edge, edge);
}

// The settings of before are freed as soon as the edge says that it is done with them.
static void reload_edge(void *argument)
{
    struct sim_edge *edge = argument;
    struct generation_kept *old = LIST_ENTRY(
        edge->generations.previous, struct generation_kept, link);
    struct generation_kept *kept = load_settings(edge);
    enum error error = edge_reload(edge->edge, &kept->settings, settings_released, old);
    if (error != ERROR_NONE)
        sim_fail(edge->run, "reload: %s", error_text(error));
}

void sim_edge_reload(struct task *task, struct sim_run *run, const char *settings)
{
    run->edge->text = settings;
    sim_world_between(task, reload_edge, run->edge);
}

static void drain_edge(void *argument)
{
    struct sim_edge *edge = argument;
    edge->draining = true;
    edge_drain(edge->edge);
}

void sim_edge_drain(struct task *task, struct sim_run *run)
{
    sim_world_between(task, drain_edge, run->edge);
}

struct edge *sim_edge_of(struct sim_run *run)
{
    return run->edge->edge;
}

void sim_edge_maintain(struct sim_run *run, bool on)
{
    struct maintenance maintenance = {.on = on, .message = "back soon"};
    edge_set_maintenance(run->edge->edge, &maintenance);
}

uint64_t sim_edge_purge(struct sim_run *run, enum purge_kind kind, const char *what, bool hard)
{
    struct purge purge = {.kind = kind, .what = slice_from_string(what), .hard = hard};
    return cache_purge(edge_cache(run->edge->edge), &purge);
}

static bool loops_stopped(struct sim_run *run)
{
    unsigned count = sim_world_edge_loop(run->world, 0)->count;
    for (unsigned i = 0; i < count; i++) {
        if (!atomic_load(&sim_world_edge_loop(run->world, i)->stopping))
            return false;
    }
    return true;
}

// What failed by the sites' own counts is what the ledger says. But that also has those who waited
// for a task in vain, of whom no site is known.
static void check_sites(struct sim_run *run, struct edge *edge, uint64_t failed)
{
    static struct site_evidence sites[8];
    size_t count = edge_read_sites(edge, sites, ARRAY_SIZE(sites));
    uint64_t told = 0, requests = 0;
    for (size_t i = 0; i < MINIMUM(count, ARRAY_SIZE(sites)); i++) {
        told += sites[i].traffic.failed;
        requests += sites[i].traffic.requests;
    }
    bool is_exact = count <= ARRAY_SIZE(sites)
        && edge_read_ledger(edge, LEDGER_WAITED_FOR_TASK) == 0;
    if (told > requests || told > failed || (is_exact && told != failed))
        sim_fail(run, "of %" PRIu64 " requests %" PRIu64 " failed by the sites' counts, %" PRIu64
            " by the ledger", requests, told, failed);
}

// Every request that strayed was saved once, or was an error, or its visitor had left.
static void check_ledger(struct sim_run *run, struct edge *edge)
{
    uint64_t strayed = edge_read_ledger(edge, LEDGER_STRAYED), averted = 0;
    uint64_t errors = edge_read_ledger(edge, LEDGER_VISITOR_ERRORS);
    uint64_t cut = edge_read_ledger(edge, LEDGER_CUT);
    uint64_t gave_up = edge_read_ledger(edge, LEDGER_GAVE_UP);
    for (enum lifeline_id id = 0; id < LIFELINE_COUNT; id++)
        averted += lifeline_averts(id) ? edge_read_ledger(edge, (enum ledger_count)id) : 0;
    if (strayed != averted + errors + cut + gave_up)
        sim_fail(run, "the ledger does not balance: %" PRIu64 " strayed, %" PRIu64 " saved, %"
            PRIu64 " errors, %" PRIu64 " cut, %" PRIu64 " gave up", strayed, averted, errors, cut,
            gave_up);
    check_sites(run, edge, errors + cut);
    run->told += errors;
    run->edge_ended = true;
}

static void destroy_edge(void *argument)
{
    struct sim_edge *edge = argument;
    const struct loop *loop = sim_world_edge_loop(edge->run->world, 0);
    if (!edge->run->tolerant)
        check_ledger(edge->run, edge->edge);
    if (edge->killed)
        store_abandon(edge->store);
    else
        store_close(edge->store, edge_cache(edge->edge), loop->now_ns, loop->wall_ms);
    edge_destroy(edge->edge);
    edge->edge = NULL;
}

static void check_tasks(struct sim_run *run)
{
    unsigned count = sim_world_edge_loop(run->world, 0)->count;
    for (unsigned i = 0; i < count; i++) {
        const struct loop *loop = sim_world_edge_loop(run->world, i);
        if (loop->tasks_alive != 0)
            sim_fail(
                run, "%" PRIu64 " tasks of loop %u did not come to an end", loop->tasks_alive, i);
        if (loop->wheel.armed != 0)
            sim_fail(run, "%" PRIu64 " timers of loop %u are still armed", loop->wheel.armed, i);
    }
}

void sim_edge_end(struct task *task, struct sim_run *run)
{
    struct sim_edge *edge = run->edge;
    if (edge == NULL)
        return;
    if (!edge->draining)
        sim_edge_drain(task, run);
    uint64_t waited_ms = 0;
    for (; waited_ms < DRAIN_PATIENCE_MS && !loops_stopped(run); waited_ms += 20)
        sim_sleep_ms(task, 20);
    if (!loops_stopped(run)) {
        sim_fail(run,
            "drained for %d s and not done: %" PRIu64 " connections, %" PRIu64 " requests, %" PRIu64
            " flights",
            DRAIN_PATIENCE_MS / 1000, edge_open_connections(edge->edge),
            edge_active_requests(edge->edge), edge_flights(edge->edge));
        return;
    }
    sim_world_between(task, destroy_edge, edge);
    check_tasks(run);
    LIST_FOREACH (link, &edge->generations) {
        struct generation_kept *kept = LIST_ENTRY(link, struct generation_kept, link);
        bool last = link->next == &edge->generations;
        if (!kept->released && !last)
            sim_fail(run, "settings replaced by a reload were never released");
        list_remove(link);
        arena_free(&kept->arena);
        free(kept);
    }
    free(edge);
    run->edge = NULL;
}

static void start_machine_again(void *argument)
{
    struct sim_run *run = argument;
    sim_world_restart_edge(run->world);
}

// From here on the disk takes no more: whatever the edge still does, it might as well not.
void sim_edge_kill(struct task *task, struct sim_run *run, bool lost_power)
{
    sim_trace(run->world, "the edge is killed%s", lost_power ? " by a loss of power" : "");
    sim_disk_stop_after(run->disk, 0);
    run->edge->killed = true;
    sim_edge_end(task, run);
    sim_disk_start_again(run->disk, lost_power);
    sim_world_between(task, start_machine_again, run);
}
