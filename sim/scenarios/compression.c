// Visitors who take compressed content get the right bytes, whoever compressed them and whenever.
// (In all other scenarios, too, some visitors do.)
#include "sim/scenarios/common.h"

#include <stdlib.h>

#define HERD 30

static const char *const encodings[] = {"gzip", "br", "zstd"};

static void plan_compressed(struct sim_run *run, struct sim_request *request)
{
    sim_plan_known(run, request);
    if (random_chance(sim_random(run), 1, 8))
        snprintf(request->path, sizeof(request->path), "/big/%" PRIu64,
            random_below(sim_random(run), 2));
    request->encodings = sim_choose(run, encodings, ARRAY_SIZE(encodings));
}

static void plan_compressed_any(struct sim_run *run, struct sim_request *request)
{
    sim_plan_any(run, request);
    request->encodings = sim_choose(run, encodings, ARRAY_SIZE(encodings));
}

// HERD visitors at once, each with one of the three encodings, or all with the same.
static void herd_compressed(struct task *task, struct sim_run *run, const char *path, bool alike)
{
    struct sim_request *requests = sim_alloc(HERD * sizeof(*requests));
    struct sim_visit *visits = sim_alloc(HERD * sizeof(*visits));
    for (unsigned i = 0; i < HERD; i++) {
        requests[i].client = i;
        requests[i].encodings = alike ? "br" : sim_choose(run, encodings, ARRAY_SIZE(encodings));
        snprintf(requests[i].path, sizeof(requests[i].path), "%s", path);
        visits[i] = (struct sim_visit){.run = run, .requests = &requests[i], .count = 1,
            .start_ms = random_below(sim_random(run), 20)};
    }
    sim_visits_run(task, run, visits, HERD);
    free(requests);
    free(visits);
}

static uint64_t ledger(struct sim_run *run, enum ledger_count count)
{
    return edge_read_ledger(sim_edge_of(run), count);
}

// The copies were fetched for visitors without encodings; their forms are first asked for when the
// origin is dead already.
static void compressed_in_outage(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    sim_warm(task, run);
    sim_get(task, run, "/big/0");
    sim_get(task, run, "/big/1");
    sim_sleep_ms(task, sim_between_values(run, 0, 70000));
    sim_origin_kill(origin);
    sim_visitors(task, run, sim_between_values(run, 100, 20000), plan_compressed);
    sim_expect(run, ledger(run, LEDGER_COMPRESSED) > 0);
    sim_expect(run, ledger(run, LEDGER_FORMS_MADE) > 0);
    sim_expect(run, run->errors == 0 && run->cut == 0);
    sim_origin_revive(origin);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_visitors(task, run, 5000, plan_compressed_any);
}

// One form of each kind, however many ask at once on however many loops, whether the content is
// there or still comes.
static void compressed_once(struct task *task, struct sim_run *run)
{
    static const char *const paths[] = {"/big/once", "/static/once"};
    // One encoder for each loop: whoever began one in vain would leave somebody without.
    char settings[1024];
    snprintf(settings, sizeof(settings), "compression: {jobs: 12, streams: %u}\n%s",
        sim_world_edge_loop(run->world, 0)->count, SIM_ONE_BACKEND SIM_SITE
        "    lifelines: {retry: {small: 0}}\n"); // so that it still comes
    struct sim_origin *origin = sim_begin(task, run, settings);
    sim_site_add(&run->site, &(struct sim_page){.prefix = "/fresh/", .size = 30000,
        .cache_control = "max-age=86400", .fresh_ms = 86400000, .keepable = true,
        .framing = SIM_FRAMING_LENGTH});
    origin->chunk_delay_ms = sim_between_values(run, 10, 40);
    herd_compressed(task, run, "/fresh/cold", true);
    sim_expect(run, ledger(run, LEDGER_FORMS_GROWN) == 1);
    sim_expect(run, ledger(run, LEDGER_COMPRESSED) == HERD);
    herd_compressed(task, run, "/fresh/colder", false);
    sim_expect(run, ledger(run, LEDGER_FORMS_GROWN) <= 4);
    origin->chunk_delay_ms = 0;
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        sim_get(task, run, paths[i]);
        uint64_t before = ledger(run, LEDGER_FORMS_MADE);
        herd_compressed(task, run, paths[i], true);
        sim_sleep_ms(task, 100);
        herd_compressed(task, run, paths[i], true);
        uint64_t made = ledger(run, LEDGER_FORMS_MADE) - before;
        bool small = sim_page_size(sim_site_page(&run->site, slice_from_string(paths[i])),
            slice_from_string(paths[i])) < 1024;
        sim_expect(run, made == (small ? 0u : 1u));
        herd_compressed(task, run, paths[i], false);
        sim_sleep_ms(task, 100);
        sim_expect(run, ledger(run, LEDGER_FORMS_MADE) - before <= 3);
    }
    sim_expect(run, ledger(run, LEDGER_FORMS_PUT_OFF) == 0);
}

// Cold pages, more than there may be encoders: the rest goes out as it is.
static void compressed_while_it_grows(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run,
        "compression: {streams: 6}\n" SIM_ONE_BACKEND SIM_SITE);
    struct sim_request requests[HERD];
    struct sim_visit visits[HERD];
    memset(requests, 0, sizeof(requests));
    origin->chunk_delay_ms = sim_between_values(run, 1, 10);
    for (unsigned i = 0; i < HERD; i++) {
        requests[i].client = i;
        requests[i].encodings = sim_choose(run, encodings, ARRAY_SIZE(encodings));
        snprintf(requests[i].path, sizeof(requests[i].path), "/big/cold%u", i / 2);
        visits[i] = (struct sim_visit){.run = run, .requests = &requests[i], .count = 1,
            .start_ms = random_below(sim_random(run), 20)};
    }
    sim_visits_run(task, run, visits, HERD);
    sim_expect(run, ledger(run, LEDGER_COMPRESSED) > 0);
    sim_expect(run, ledger(run, LEDGER_ENCODERS_REFUSED) > 0);
    sim_expect(run, run->errors == 0 && run->cut == 0);
}

// Beyond the size of which forms are made, what grows is held in a window: who is slow gets all of
// it, who comes late gets it otherwise.
static void compressed_beyond_bounds(struct task *task, struct sim_run *run)
{
    struct sim_request requests[12];
    struct sim_visit visits[ARRAY_SIZE(requests)];
    struct sim_origin *origin = sim_begin(task, run,
        "connections: {stream_window: 64KB}\n" SIM_ONE_BACKEND SIM_SITE
        "    compression: {maximum: 50KB}\n");
    sim_site_add(&run->site, &(struct sim_page){.prefix = "/flow/", .size = 200000,
        .cache_control = "max-age=86400", .fresh_ms = 86400000, .keepable = true,
        .etag = SIM_ETAG_STRONG, .framing = SIM_FRAMING_CHUNKED});
    memset(requests, 0, sizeof(requests));
    origin->chunk_delay_ms = 1;
    for (unsigned i = 0; i < ARRAY_SIZE(requests); i++) {
        requests[i].client = i;
        requests[i].encodings = "gzip";
        snprintf(requests[i].path, sizeof(requests[i].path), "/flow/x");
        visits[i] = (struct sim_visit){.run = run, .requests = &requests[i], .count = 1,
            .start_ms = random_below(sim_random(run), 150)};
        if (random_chance(sim_random(run), 1, 4)) {
            visits[i].pause_ms = 1 + random_below(sim_random(run), 10);
            visits[i].read_size = 500 + (size_t)random_below(sim_random(run), 4000);
        }
    }
    sim_visits_run(task, run, visits, ARRAY_SIZE(visits));
    sim_expect(run, run->errors == 0 && run->cut == 0);
    sim_expect(run, ledger(run, LEDGER_FORMS_GROWN) == 1);
}

// It breaks off: what was sent is never passed off as the whole.
static void compressed_and_cut(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    origin->chunk_delay_ms = sim_between_values(run, 0, 5);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_IN_BODY, .how = SIM_HOW_ANY,
        .permille = 500});
    struct sim_crowd crowd = {.clients = 10, .requests_each = 8, .over_ms = 5000, .think_ms = 300,
        .odd_permille = 200, .plan = plan_compressed_any};
    struct sim_background background;
    sim_background_start(&background, run, &crowd);
    sim_background_join(task, &background);
    sim_expect(run, ledger(run, LEDGER_COMPRESSED) > 0);
}

static const struct sim_scenario scenarios[] = {
    {"compressed_in_outage", compressed_in_outage, 0,
        "forms asked for while the origin is dead have the right bytes"},
    {"compressed_once", compressed_once, 0, "a compressed form is made once"},
    {"compressed_while_it_grows", compressed_while_it_grows, 0,
        "content is compressed as it passes, up to a limit"},
    {"compressed_beyond_bounds", compressed_beyond_bounds, 0,
        "what is too large for a form is compressed once all the same, in a window"},
    {"compressed_and_cut", compressed_and_cut, 0, "compressed answers that break off say so"},
};

const struct sim_group sim_compression_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
