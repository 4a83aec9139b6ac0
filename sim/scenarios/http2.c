// Visitors over HTTP/2, alone and among others: many streams of one connection, small windows,
// resets, uploads.
#include "sim/scenarios/common.h"

#include "edge/edge.h"

static uint64_t ledger(struct sim_run *run, enum ledger_count count)
{
    return edge_read_ledger(sim_edge_of(run), count);
}

static void shape_http2(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    (void)client;
    visit->http2 = true;
    visit->pipelined = (unsigned)sim_between_values(run, 1, 12);
}

static void shape_every_other(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    if (client % 2 == 0)
        shape_http2(run, client, visit);
}

static void shape_slow(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    shape_http2(run, client, visit);
    visit->window = (uint32_t)sim_between_values(run, 4096, 200000);
    visit->read_size = (size_t)sim_between_values(run, 200, 8000);
    visit->pause_ms = sim_between_values(run, 1, 30);
}

static void shape_resetting(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    shape_http2(run, client, visit);
    if (client % 2 == 1)
        visit->leave_after = sim_between_values(run, 1, 60000);
}

static void plan_large(struct sim_run *run, struct sim_request *request)
{
    sim_plan_strict(run, request);
    if (random_chance(sim_random(run), 1, 3))
        snprintf(request->path, sizeof(request->path), "/big/%" PRIu64,
            random_below(sim_random(run), 2));
}

// The promise does not depend on the protocol.
static void http2_in_outage(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    struct sim_crowd crowd = {.clients = 12, .requests_each = 12, .over_ms = 5000, .think_ms = 300,
        .plan = sim_plan_any, .shape = shape_every_other};
    struct sim_background visitors;
    sim_warm(task, run);
    sim_background_start(&visitors, run, &crowd);
    sim_sleep_ms(task, sim_between_values(run, 0, 1500));
    sim_origin_kill(origin);
    sim_sleep_ms(task, sim_between_values(run, 500, 3000));
    sim_origin_revive(origin);
    sim_background_join(task, &visitors);
    sim_expect(run, ledger(run, LEDGER_HTTP2_CONNECTIONS) >= 6);
}

static void http2_slow_readers(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    origin->delay_ms = sim_between_values(run, 0, 300);
    struct sim_crowd crowd = {.clients = 12, .requests_each = 6, .over_ms = 1000,
        .plan = plan_large, .shape = shape_slow};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->answers == 72 && run->errors == 0);
}

// Half of them reset what they have seen enough of; the others must not notice.
static void http2_resets(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    origin->delay_ms = sim_between_values(run, 0, 200);
    origin->chunk_delay_ms = sim_between_values(run, 0, 10);
    struct sim_crowd crowd = {.clients = 16, .requests_each = 8, .over_ms = 1000, .think_ms = 20,
        .plan = plan_large, .shape = shape_resetting};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->answers >= 64 && run->errors == 0);
}

static void plan_uploads(struct sim_run *run, struct sim_request *request)
{
    struct random *random = sim_random(run);
    sim_plan_strict(run, request);
    if (random_chance(random, 1, 3))
        return;
    request->method = random_chance(random, 1, 2) ? "POST" : "PUT";
    snprintf(request->path, sizeof(request->path), "/post/%" PRIu64, random_below(random, 5));
    request->upload_id = 1 + request->client * 100 + request->index;
    request->upload_size = random_below(random, random_chance(random, 1, 3) ? 400000 : 3000);
    request->upload_chunked = random_chance(random, 1, 2);
    request->expect_continue = random_chance(random, 1, 3);
}

static void http2_uploads(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    origin->delay_ms = sim_between_values(run, 0, 100);
    struct sim_crowd crowd = {.clients = 10, .requests_each = 8, .over_ms = 1000, .think_ms = 50,
        .plan = plan_uploads, .shape = shape_http2};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->answers == 80 && run->errors == 0);
    LIST_FOREACH (link, &run->site.uploads) {
        const struct sim_upload *upload = LIST_ENTRY(link, struct sim_upload, link);
        sim_expect(run, upload->complete == 1);
    }
}

static void plan_huge(struct sim_run *run, struct sim_request *request)
{
    (void)run;
    snprintf(request->path, sizeof(request->path), "/huge/1");
}

// Of content that is too large to be kept, each stream reads as it can while it grows.
static void http2_growing_body(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run,
        "connections: {stream_window: 64KB}\nstore: {memory: 1MB}\n" SIM_ONE_BACKEND SIM_SITE);
    sim_site_add(&run->site, &(struct sim_page){.prefix = "/huge/", .size = 700000,
        .cache_control = "max-age=60", .fresh_ms = 60000, .etag = SIM_ETAG_STRONG,
        .framing = SIM_FRAMING_LENGTH, .ranges = true});
    origin->chunk_delay_ms = sim_between_values(run, 0, 3);
    struct sim_crowd crowd = {.clients = 4, .requests_each = 4, .over_ms = 300,
        .plan = plan_huge,
        .shape = random_chance(sim_random(run), 1, 2) ? shape_slow : shape_http2};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->answers == 16 && run->errors == 0);
}

static void plan_patient(struct sim_run *run, struct sim_request *request)
{
    sim_plan_strict(run, request);
    request->allow |= SIM_ALLOW_CUT | SIM_ALLOW_BROKEN;
}

// A drain finishes what was begun and sends the rest elsewhere, where nobody is.
static void http2_drain(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    origin->delay_ms = sim_between_values(run, 0, 1000);
    struct sim_crowd crowd = {.clients = 10, .requests_each = 10, .over_ms = 2000, .think_ms = 200,
        .plan = plan_patient, .shape = shape_every_other};
    struct sim_background visitors;
    sim_background_start(&visitors, run, &crowd);
    sim_sleep_ms(task, sim_between_values(run, 100, 3000));
    edge_drain(sim_edge_of(run));
    sim_background_join(task, &visitors);
    sim_expect(run, run->errors == 0);
}

static const struct sim_scenario scenarios[] = {
    {"http2_in_outage", http2_in_outage, 0,
        "HTTP/1.1 and HTTP/2 visitors while the origin is dead"},
    {"http2_slow_readers", http2_slow_readers, 0, "small windows and slow reading over HTTP/2"},
    {"http2_resets", http2_resets, 0, "streams reset in the middle of their answers"},
    {"http2_uploads", http2_uploads, 0, "uploads over HTTP/2, several at once"},
    {"http2_growing_body", http2_growing_body, 0, "many streams of one body that is not kept"},
    {"http2_drain", http2_drain, 0, "GOAWAY finishes what was begun"},
};

const struct sim_group sim_http2_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
