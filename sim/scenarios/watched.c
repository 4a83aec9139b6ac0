// What the status page would tell of a site whose origin dies, as visitors come: how soon it is
// said, and whether both uptimes are what visitors and the origin's own end know better.
#include "sim/scenarios/common.h"
#include "watch/truth/site.h"

#define LOOK_MS 250
#define SEEN_MS 2000
#define OPENED_MS 5000
#define HUNG_MS 10000
#define HOUR_MS 3600000

struct watcher {
    struct sim_run *run;
    struct world *world;
    struct site_judge judge;
    struct finding found;
    int64_t opened_ms;  // an incident; 0: there was none
    int64_t seen_ms;    // visitors were told; 0: not yet
    uint64_t requests, failed, responses;
    int64_t began_ms, from_ms, of_track[4]; // the origin's time by track, up to from_ms
    bool are_gone;      // the visitors
    bool is_over;
};

static int64_t now_of(const struct watcher *watcher)
{
    return sim_true_wall_ms(watcher->run->world);
}

static void note_track(struct watcher *watcher, const struct finding *finding, int64_t now_ms)
{
    int64_t since_ms = finding->since_ms == 0 ? now_ms : finding->since_ms;
    if (finding->track == watcher->found.track)
        return;
    since_ms = MAXIMUM(since_ms, watcher->from_ms);
    watcher->of_track[watcher->found.track] += since_ms - watcher->from_ms;
    watcher->from_ms = since_ms;
}

static void look(struct watcher *watcher)
{
    struct site_evidence site;
    struct finding finding;
    int64_t now_ms = now_of(watcher);
    sim_expect(watcher->run, edge_read_sites(sim_edge_of(watcher->run), &site, 1) == 1);
    if (site_judge_look(&watcher->judge, &site, now_ms, &finding)) {
        note_track(watcher, &finding, now_ms);
        watcher->requests += finding.requests;
        watcher->failed += finding.failed;
        watcher->responses += finding.responses;
        watcher->found = finding;
        world_learn(watcher->world, 0, &finding, now_ms);
    }
    if (watcher->seen_ms == 0 && finding.state >= COMPONENT_PARTIAL)
        watcher->seen_ms = now_ms;
    world_tick(watcher->world, now_ms);
}

static void watcher_main(struct task *task, void *argument)
{
    struct watcher *watcher = argument;
    while (!watcher->is_over) {
        look(watcher);
        sim_sleep_ms(task, LOOK_MS);
    }
}

static void on_incident(void *context, const struct incident *incident,
    const struct incident_update *update)
{
    struct watcher *watcher = context;
    (void)incident, (void)update;
    if (watcher->opened_ms == 0)
        watcher->opened_ms = now_of(watcher);
}

static void watcher_begin(struct watcher *watcher, struct sim_run *run)
{
    const struct component_definition site = {.id = SLICE("www.example.org"),
        .title = SLICE("www.example.org")};
    struct site_evidence evidence;
    *watcher = (struct watcher){.run = run, .from_ms = sim_true_wall_ms(run->world)};
    watcher->began_ms = watcher->from_ms;
    struct world_settings settings = {.components = &site, .component_count = 1,
        .now_ms = watcher->from_ms,
        .incidents = {.automatic = true, .calm_ms = 60000, .flap_ms = 60000, .group_ms = 60000}};
    struct world_hooks hooks = {.incident_changed = on_incident, .context = watcher};
    sim_expect(run, world_create(&settings, &hooks, &watcher->world) == ERROR_NONE);
    sim_expect(run, edge_read_sites(sim_edge_of(run), &evidence, 1) == 1);
    site_judge_begin(&watcher->judge, &evidence);
    sim_start(run, NULL, watcher_main, watcher);
}

static void watcher_end(struct task *task, struct watcher *watcher)
{
    watcher->is_over = true;
    sim_sleep_ms(task, 2 * LOOK_MS);
    look(watcher);
    watcher->of_track[watcher->found.track] += now_of(watcher) - watcher->from_ms;
    world_destroy(watcher->world);
}

// Of the visitors' requests, to the last one: all that were answered, or cut.
static void expect_what_visitors_saw(const struct watcher *watcher)
{
    struct sim_run *run = watcher->run;
    uint64_t requests = run->answers + run->cut, failed = run->errors + run->cut;
    if (watcher->requests != requests || watcher->failed != failed)
        sim_fail(run, "visitors saw %" PRIu64 " of %" PRIu64 " fail, told are %" PRIu64 " of %"
            PRIu64, failed, requests, watcher->failed, watcher->requests);
}

// Ten requests a second.
static void dies(struct task *task, struct sim_run *run)
{
    struct watcher watcher;
    struct sim_background background;
    struct sim_crowd crowd = {.clients = 30, .requests_each = 20, .over_ms = 3000,
        .think_ms = 3000, .plan = sim_plan_any};
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    watcher_begin(&watcher, run);
    sim_warm(task, run);
    sim_background_start(&background, run, &crowd);
    sim_sleep_ms(task, sim_between_values(run, 10000, 12000));
    sim_expect(run, watcher.found.state == COMPONENT_OPERATIONAL);
    sim_expect(run, watcher.found.track == TRACK_UP && watcher.seen_ms == 0);
    int64_t died_ms = now_of(&watcher);
    sim_origin_kill(origin);
    sim_sleep_ms(task, 10000);
    if (watcher.seen_ms == 0 || watcher.seen_ms - died_ms > SEEN_MS
        || watcher.opened_ms == 0 || watcher.opened_ms - died_ms > OPENED_MS)
        sim_fail(run, "told after %" PRId64 " ms, an incident after %" PRId64,
            watcher.seen_ms - died_ms, watcher.opened_ms - died_ms);
    sim_expect(run, watcher.found.track == TRACK_DOWN);
    sim_sleep_ms(task, sim_between_values(run, 0, 40000)); // longer than anybody is held
    sim_origin_revive(origin);
    sim_background_join(task, &background);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_visitors(task, run, 5000, sim_plan_strict);
    sim_sleep_ms(task, 2 * LOOK_MS);
    sim_expect(run, watcher.found.state == COMPONENT_OPERATIONAL);
    sim_expect(run, watcher.found.track == TRACK_UP && watcher.responses > 0);
    watcher_end(task, &watcher);
    expect_what_visitors_saw(&watcher);
}

// It takes requests and never answers: that is told long before they time out.
static void hangs(struct task *task, struct sim_run *run)
{
    struct watcher watcher;
    struct sim_background background;
    struct sim_crowd crowd = {.clients = 100, .requests_each = 5, .over_ms = 10000,
        .think_ms = 10000, .plan = sim_plan_any};
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    watcher_begin(&watcher, run);
    sim_warm(task, run);
    sim_background_start(&background, run, &crowd);
    sim_sleep_ms(task, sim_between_values(run, 10000, 12000));
    sim_expect(run, watcher.found.state == COMPONENT_OPERATIONAL);
    int64_t began_ms = now_of(&watcher);
    sim_origin_set(origin,
        (struct sim_fault){.kind = SIM_FAULT_BEFORE_HEAD, .how = SIM_HOW_STALL});
    sim_sleep_ms(task, 20000);
    if (watcher.seen_ms == 0 || watcher.seen_ms - began_ms > HUNG_MS)
        sim_fail(run, "told after %" PRId64 " ms", watcher.seen_ms - began_ms);
    sim_expect(run, watcher.found.track == TRACK_DOWN);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_NONE});
    sim_background_join(task, &background);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_expect(run, watcher.found.state == COMPONENT_OPERATIONAL);
    watcher_end(task, &watcher);
    expect_what_visitors_saw(&watcher);
}

// One crowd after another for nearly an hour, about one request a second.
static void crowds_main(struct task *task, void *argument)
{
    struct watcher *watcher = argument;
    struct sim_crowd crowd = {.clients = 20, .requests_each = 12, .over_ms = 20000,
        .think_ms = 15000, .plan = sim_plan_any};
    while (now_of(watcher) - watcher->began_ms < HOUR_MS - 900000)
        sim_crowd_run(task, watcher->run, &crowd);
    watcher->are_gone = true;
}

// An hour, in which the origin is away for a while.
static void uptimes(struct task *task, struct sim_run *run)
{
    struct watcher watcher;
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_PROBE SIM_SITE);
    watcher_begin(&watcher, run);
    sim_warm(task, run);
    sim_start(run, NULL, crowds_main, &watcher);
    sim_sleep_ms(task, sim_between_values(run, 100000, 1000000));
    int64_t died_ms = now_of(&watcher);
    sim_origin_kill(origin);
    sim_sleep_ms(task, sim_between_values(run, 10000, 600000));
    int64_t down_ms = now_of(&watcher) - died_ms;
    sim_origin_revive(origin);
    sim_sleep_ms(task, (uint64_t)(HOUR_MS - (now_of(&watcher) - watcher.began_ms)));
    sim_expect(run, watcher.are_gone);
    watcher_end(task, &watcher);
    expect_what_visitors_saw(&watcher);
    int64_t error_ms = watcher.of_track[TRACK_DOWN] - down_ms;
    if (error_ms > HOUR_MS / 1000 || error_ms < -HOUR_MS / 1000)
        sim_fail(run, "was down for %" PRId64 " ms, told are %" PRId64, down_ms,
            watcher.of_track[TRACK_DOWN]);
    sim_expect(run, watcher.of_track[TRACK_UNKNOWN] < 2000);
}

static const struct sim_scenario scenarios[] = {
    {"watched_dies", dies, 0, "the status page tells of an origin's death within 2 s"},
    {"watched_hangs", hangs, 0, "an origin that hangs is told of before anything times out"},
    {"watched_uptimes", uptimes, 0, "an hour with an outage: both uptimes within a thousandth"},
};

const struct sim_group sim_watched_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
