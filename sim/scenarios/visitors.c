// Visitors who are slow, leave, half-close, pipeline, upload, or send what is no HTTP.
#include "sim/scenarios/common.h"

#include <stdlib.h>

static void plan_large(struct sim_run *run, struct sim_request *request)
{
    sim_plan_strict(run, request);
    if (random_chance(sim_random(run), 1, 4))
        snprintf(request->path, sizeof(request->path), "/big/%" PRIu64,
            random_below(sim_random(run), 2));
}

static void shape_slow(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    (void)client;
    visit->read_size = (size_t)sim_between_values(run, 200, 8000);
    visit->pause_ms = sim_between_values(run, 1, 30);
}

static void shape_mixed(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    if (client % 3 == 0)
        shape_slow(run, client, visit);
}

static void slow_clients(struct task *task, struct sim_run *run)
{
    sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    struct sim_crowd crowd = {.clients = 12,
        .requests_each = 4,
        .over_ms = 1000,
        .plan = plan_large,
        .shape = shape_slow};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->answers == 48);
}

static void shape_leaving(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    struct random *random = sim_random(run);
    if (client % 2 == 0)
        return; // they stay, and must not notice
    switch (random_below(random, 3)) {
    case 0:
        visit->leave_after = 1 + random_below(random, 100000);
        break;
    case 1:
        visit->leave_after_ms = 1 + random_below(random, 300);
        break;
    case 2:
        visit->patience_ms = 1 + random_below(random, 300); // leaves without a word
        break;
    }
}

static void plan_leaving(struct sim_run *run, struct sim_request *request)
{
    plan_large(run, request);
    if (request->client % 2 == 1)
        request->allow = SIM_ALLOW_CUT | SIM_ALLOW_BROKEN;
}

static void cancelled_clients(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    origin->delay_ms = sim_between_values(run, 0, 400);
    origin->chunk_delay_ms = sim_between_values(run, 0, 20);
    struct sim_crowd crowd = {.clients = 24, .requests_each = 5, .over_ms = 1000, .think_ms = 20,
        .odd_permille = 200, .plan = plan_leaving, .shape = shape_leaving};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->answers >= 60);
}

static void shape_half_closing(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    (void)client;
    visit->half_closes = true;
    visit->pipelined = (unsigned)sim_between_values(run, 1, 4);
}

static void half_closed_clients(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    origin->delay_ms = sim_between_values(run, 0, 3000);
    struct sim_crowd crowd = {.clients = 15,
        .requests_each = 4,
        .over_ms = 1000,
        .plan = plan_large,
        .shape = shape_half_closing};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->answers == 60);
}

static void shape_pipelining(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    (void)client;
    visit->pipelined = (unsigned)sim_between_values(run, 2, 10);
}

static void pipelined_clients(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    origin->delay_ms = sim_between_values(run, 0, 100);
    struct sim_crowd crowd = {.clients = 10,
        .requests_each = 20,
        .over_ms = 1000,
        .plan = plan_large,
        .shape = shape_pipelining};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->answers == 200);
}

static void plan_uploads(struct sim_run *run, struct sim_request *request)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH"};
    struct random *random = sim_random(run);
    sim_plan_strict(run, request);
    if (random_chance(random, 1, 3))
        return;
    request->method = methods[random_below(random, ARRAY_SIZE(methods))];
    snprintf(request->path, sizeof(request->path), "/post/%" PRIu64, random_below(random, 5));
    request->upload_id = 1 + request->client * 100 + request->index;
    request->upload_size = random_below(random, random_chance(random, 1, 4) ? 200000 : 3000);
    request->upload_chunked = random_chance(random, 1, 2);
    request->expect_continue = random_chance(random, 1, 3);
    request->upload_pause_ms = random_chance(random, 1, 4) ? 1 + random_below(random, 5) : 0;
}

static void upload_streams(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    origin->idle_ms = sim_between_values(run, 50, 30000);
    struct sim_crowd crowd = {.clients = 10, .requests_each = 6, .over_ms = 1000, .think_ms = 50,
        .plan = plan_uploads};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->answers == 60 && run->errors == 0);
    LIST_FOREACH (link, &run->site.uploads) {
        const struct sim_upload *upload = LIST_ENTRY(link, struct sim_upload, link);
        sim_expect(run, upload->complete == 1);
    }
}

static void plan_refused_uploads(struct sim_run *run, struct sim_request *request)
{
    plan_uploads(run, request);
    if (request->upload_id != 0) {
        snprintf(request->path, sizeof(request->path), "/early/%u", request->index);
        request->upload_size = sim_between_values(
            run, 1000, 200000); // the edge reads on for 256 KB
    }
}

static void expect_refusal(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    if (request->upload_id != 0 && answer->error == ERROR_NONE && answer->status != 413)
        sim_fail(run, "%s: status %u where the origin said 413", request->path, answer->status);
}

// The origin answers before it has read the upload, and closes or stops reading.
static void upload_early_answer(struct task *task, struct sim_run *run)
{
    sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    sim_site_add(&run->site,
        &(struct sim_page){.prefix = "/early/",
            .size = 200,
            .early_status = 413,
            .cache_control = "no-store",
            .never_stored = true,
            .framing = SIM_FRAMING_LENGTH});
    struct sim_crowd crowd = {.clients = 10, .requests_each = 5, .over_ms = 1000, .think_ms = 50,
        .plan = plan_refused_uploads, .shape = shape_mixed, .judge = expect_refusal};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->answers == 50);
}

static void plan_writes(struct sim_run *run, struct sim_request *request)
{
    plan_uploads(run, request);
    request->allow = SIM_ALLOW_ERROR | SIM_ALLOW_CUT;
    if (request->upload_id == 0 || random_chance(sim_random(run), 2, 3))
        return;
    request->upload_bare = true;
    request->method = "POST"; // PUT may be repeated
    request->upload_chunked = request->expect_continue = false;
    request->upload_size = 0;
}

// Whether the origin did what it was told before it died, nobody can know: a write is not repeated.
// That each came at most once is checked at the end of every run.
static void writes_never_repeated(struct task *task, struct sim_run *run)
{
    struct sim_origin *first = sim_begin(task, run, SIM_TWO_BACKENDS SIM_SITE);
    struct sim_origin *second = sim_origin_start(run, SIM_SECOND_ORIGIN);
    struct sim_fault fault = {.kind = SIM_FAULT_BEFORE_HEAD, .how = SIM_HOW_ANY, .permille = 400};
    sim_origin_set(first, fault);
    sim_origin_set(second, fault);
    first->idle_ms = second->idle_ms = sim_between_values(run, 5, 5000);
    struct sim_crowd crowd = {.clients = 10, .requests_each = 8, .over_ms = 1000, .think_ms = 100,
        .plan = plan_writes};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, first->faults + second->faults > 0);
}

static void plan_racing(struct sim_run *run, struct sim_request *request)
{
    if (random_chance(sim_random(run), 1, 3))
        plan_uploads(run, request);
    else
        snprintf(
            request->path, sizeof(request->path), "/api/%u-%u", request->client, request->index);
    request->upload_size = MINIMUM(request->upload_size, 5000);
}

// Kept connections end, on both sides, just when they are used again.
static void keepalive_race(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run,
        "connections: {idle_timeout: 1s}\n" SIM_ONE_BACKEND SIM_SITE);
    origin->idle_ms = sim_between_values(run, 1, 60);
    origin->requests_each = (unsigned)random_below(sim_random(run), 4);
    struct sim_crowd crowd = {.clients = 10, .requests_each = 15, .over_ms = 500,
        .think_ms = random_chance(sim_random(run), 1, 2) ? 30 : 1000, .plan = plan_racing};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->errors == 0);
}

static void plan_huge(struct sim_run *run, struct sim_request *request)
{
    snprintf(request->path, sizeof(request->path), "%s",
        random_chance(sim_random(run), 1, 2) ? "/huge/strong" : "/weak/huge");
}

// Content that no cache keeps: memory is bounded, every reader gets every byte.
static void large_body_window(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run,
        "connections: {stream_window: 64KB}\nstore: {memory: 1MB}\n" SIM_ONE_BACKEND SIM_SITE);
    struct sim_page page = {.prefix = "/huge/", .size = 900000, .cache_control = "max-age=60",
        .fresh_ms = 60000, .etag = SIM_ETAG_STRONG, .framing = SIM_FRAMING_LENGTH, .ranges = true};
    sim_site_add(&run->site, &page);
    if (random_chance(sim_random(run), 1, 2)) { // much arrives at once
        sim_network_window(run->world, 1 << 20);
        sim_loop_delay(run->world, 5000);
    }
    page.prefix = "/weak/";
    page.etag = SIM_ETAG_WEAK;
    page.framing = random_chance(sim_random(run), 1, 2) ? SIM_FRAMING_LENGTH : SIM_FRAMING_CHUNKED;
    sim_site_add(&run->site, &page);
    origin->delay_ms = sim_between_values(run, 0, 300);
    struct sim_crowd crowd = {.clients = 8, .requests_each = 1, .over_ms = 300, .plan = plan_huge,
        .shape = shape_mixed};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->answers == 8);
}

// One who sends what is no HTTP. Nothing may come of it but a refusal.
static void rude_visitor(struct task *task, void *argument)
{
    static const char *const openings[] = {"GET / HTTP/1.1\r\nHost: a\r\n",
        "POST /post/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET  / HTTP/1.1\r\n\r\n", "\r\n\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: a\r\n\r\n", "\x16\x03\x01", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"};
    struct sim_run *run = argument;
    struct random *random = sim_random(run);
    struct address address = sim_address(SIM_EDGE_HOST, 80);
    struct io_socket socket;
    char bytes[4000];
    struct text text = text_in(bytes, sizeof(bytes));
    text_append(&text, slice_from_string(openings[random_below(random, ARRAY_SIZE(openings))]));
    size_t noise = (size_t)random_below(random, 3000);
    for (size_t i = 0; i < noise; i++)
        text_append_byte(&text, (char)random_below(random, 256));
    sim_sleep_ms(task, random_below(random, 2000));
    enum error error = sim_connect(task, "198.51.100.66", &address,
        sim_in_ms(task, 5000), &socket);
    if (error != ERROR_NONE)
        return;
    struct iovec piece = {bytes, text.size};
    error = io_send(task, &socket, &piece, 1, 5000, NULL);
    size_t size, total = 0;
    while (error == ERROR_NONE && total < 100000) {
        error = io_receive(task, &socket, bytes, sizeof(bytes), sim_in_ms(task, 90000), &size);
        total += error == ERROR_NONE ? size : 0;
    }
    if (error == ERROR_TIMEOUT)
        sim_fail(run, "a malformed request was neither refused nor its connection closed");
    io_close(&socket);
}

static void rude_clients(struct task *task, struct sim_run *run)
{
    sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    struct scope scope;
    scope_open(&scope);
    for (int i = 0; i < 25; i++)
        sim_start(run, &scope, rude_visitor, run);
    sim_visitors(task, run, 2000, sim_plan_strict);
    enum error error = scope_join(task, &scope, sim_in_ms(task, 600000));
    sim_expect(run, error == ERROR_NONE);
    scope_close(task, &scope);
    sim_visitors(task, run, 1000, sim_plan_strict);
}

#define GREEDY_REQUESTS 300
#define GREEDY_RATE 10
#define GREEDY_BURST 20

static void judge_unlimited(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    if (answer->status == 429)
        sim_fail(run, "%s: somebody else asked too much, and client %u was told so", request->path,
            request->client);
}

// One visitor asks for all that he can, of what no copy answers. He gets his share and no more.
static void greedy_client(struct task *task, struct sim_run *run)
{
    struct sim_request *requests = sim_alloc(GREEDY_REQUESTS * sizeof(*requests));
    struct sim_answer *answers = sim_alloc(GREEDY_REQUESTS * sizeof(*answers));
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND
        "sites:\n  - origin: main\n    rate: {requests: 10, burst: 20}\n");
    struct sim_background others;
    struct sim_visit visit = {.run = run, .source = "203.0.113.9", .requests = requests,
        .count = GREEDY_REQUESTS, .answers = answers, .think_ms = sim_between_values(run, 0, 20),
        .pipelined = (unsigned)sim_between_values(run, 1, 4), .http2 = random_chance(
            sim_random(run), 1, 3)};
    origin->delay_ms = sim_between_values(run, 0, 10);
    sim_get(task, run, "/static/0");
    for (unsigned i = 0; i < GREEDY_REQUESTS; i++)
        requests[i] = (struct sim_request){.client = 100, .index = i, .path = "/api/greedy"};
    sim_background_start(&others, run, &(struct sim_crowd){.clients = 10, .requests_each = 6,
        .over_ms = 1000, .plan = sim_plan_strict, .judge = judge_unlimited});
    uint64_t began_ns = task_now_ns(task), served = 0, limited = 0;
    sim_visits_run(task, run, &visit, 1);
    uint64_t most = GREEDY_BURST + 1
        + GREEDY_RATE * (task_now_ns(task) - began_ns) / (1000 * NS_PER_MS);
    for (unsigned i = 0; i < GREEDY_REQUESTS; i++) {
        served += answers[i].status == 200;
        limited += answers[i].status == 429;
    }
    sim_expect(run, served + limited == GREEDY_REQUESTS);
    sim_expect(run, served >= GREEDY_BURST && served <= most);
    // What a copy answers he gets all the same.
    snprintf(requests[0].path, sizeof(requests[0].path), "/static/0");
    visit.count = 1;
    sim_visits_run(task, run, &visit, 1);
    sim_expect(run, answers[0].status == 200);
    sim_background_join(task, &others);
    free(requests);
    free(answers);
}

static const struct sim_scenario scenarios[] = {
    {"slow_clients", slow_clients, 0, "visitors who read slowly get every byte"},
    {"cancelled_clients", cancelled_clients, 0,
        "visitors leave at any moment; the others notice nothing"},
    {"half_closed_clients", half_closed_clients, 0,
        "visitors close their side and still get their answers"},
    {"pipelined_clients", pipelined_clients, 0,
        "several requests before the first answer, in order"},
    {"upload_streams", upload_streams, 0,
        "uploads reach the origin once and byte-exact, with what comes after them"},
    {"upload_early_answer", upload_early_answer, 0,
        "the origin refuses an upload before it has read it"},
    {"writes_never_repeated", writes_never_repeated, 0, "the origin dies after it took a write"},
    {"keepalive_race", keepalive_race, 0, "kept connections end just when they are used again"},
    {"large_body_window", large_body_window, 0,
        "content larger than the cache, fast and slow readers"},
    {"greedy_client", greedy_client, 0,
        "one who asks too fast gets his share, and nobody else notices"},
    {"rude_clients", rude_clients, 0, "what is no HTTP is refused, and nobody else notices"},
};

const struct sim_group sim_visitor_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
