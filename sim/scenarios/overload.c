// The edge itself runs short: of descriptors, of memory. What is worth least goes first; copies and
// the edge's own pages are served all the while.
#include "sim/scenarios/common.h"

#define DESCRIPTORS 60
#define CROWD 90

// Visitors who are there and are no use: silent after an answer, or in the middle of a head.

struct idler {
    struct sim_run *run;
    unsigned number;
    bool asks; // first, and is answered; else half a head is all that comes
    uint64_t stays_ms;
};

static void idle_main(struct task *task, void *argument)
{
    const struct idler *idler = argument;
    static const char whole[] = "GET /static/1 HTTP/1.1\r\nHost: www.example.org\r\n\r\n";
    char source[24], buffer[4096];
    struct io_socket socket;
    struct address address = sim_address(SIM_EDGE_HOST, 80);
    size_t size;
    snprintf(source, sizeof(source), "198.51.100.%u", 100 + idler->number % 100);
    if (sim_connect(task, source, &address, sim_in_ms(task, idler->stays_ms), &socket)
        != ERROR_NONE)
        return;
    struct iovec piece = {(void *)(uintptr_t)whole, idler->asks ? sizeof(whole) - 1 : 30};
    enum error error = io_send(task, &socket, &piece, 1, 10000, NULL);
    uint64_t until_ns = sim_in_ms(task, idler->stays_ms);
    while (error == ERROR_NONE)
        error = io_receive(task, &socket, buffer, sizeof(buffer), until_ns, &size);
    io_close(&socket);
}

static void idlers_start(struct sim_run *run, struct scope *scope, struct idler *idlers,
    unsigned count, bool ask)
{
    for (unsigned i = 0; i < count; i++) {
        idlers[i] = (struct idler){.run = run, .number = i, .asks = ask, .stays_ms = 120000};
        sim_start(run, scope, idle_main, &idlers[i]);
    }
}

static void expect_in_time(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    uint64_t waited_ms = (answer->head_ns - answer->sent_ns) / NS_PER_MS;
    if (waited_ms > 10000)
        sim_fail(run, "%s: waited %" PRIu64 " ms", request->path, waited_ms);
}

static void descriptors(struct task *task, struct sim_run *run, bool silent)
{
    static struct pressure_resources resources = {.descriptors = DESCRIPTORS - 4};
    static struct idler idlers[CROWD];
    struct scope scope;
    run->resources = &resources;
    sim_descriptors(run->world, DESCRIPTORS);
    sim_begin(task, run, "clients: {connections: 0}\nconnections: {idle_timeout: 1h, "
        "head_timeout: 1h}\n" SIM_ONE_BACKEND SIM_SITE);
    sim_warm(task, run);
    scope_open(&scope);
    idlers_start(run, &scope, idlers, CROWD, silent);
    sim_sleep_ms(task, 200);
    struct sim_crowd crowd = {.clients = 8, .requests_each = 6, .over_ms = 20000, .think_ms = 2000,
        .plan = sim_plan_known, .judge = expect_in_time};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->errors == 0);
    uint64_t gone = edge_read_ledger(sim_edge_of(run),
        silent ? LEDGER_OVERLOAD_SILENT : LEDGER_OVERLOAD_SLOW);
    sim_expect(run, gone > 0);
    if (!silent) // nobody can make room at once, so the next ones have to wait for it
        sim_expect(run, edge_read_ledger(sim_edge_of(run), LEDGER_OVERLOAD_PAUSES) > 0);
    sim_expect(run, edge_read_ledger(sim_edge_of(run), LEDGER_VISITOR_ERRORS) == 0);
    scope_cancel(&scope);
    scope_close(task, &scope);
    sim_sleep_ms(task, 5000);
    sim_visitors(task, run, 5000, sim_plan_strict);
}

static void silent_visitors(struct task *task, struct sim_run *run)
{
    descriptors(task, run, true);
}

static void slow_heads(struct task *task, struct sim_run *run)
{
    descriptors(task, run, false);
}

// Memory: what is used is said by the scenario.

struct gauge {
    _Atomic uint64_t used;
};

static uint64_t read_gauge(void *context)
{
    return atomic_load(&((struct gauge *)context)->used);
}

#define UNDER_PRESSURE                                                                             \
    "overload: {memory: 100MB}\n"

static uint64_t ledger(struct sim_run *run, enum ledger_count count)
{
    return edge_read_ledger(sim_edge_of(run), count);
}

static uint64_t megabytes(uint64_t count)
{
    return count << 20;
}

static uint64_t edge_cache_limit(struct sim_run *run)
{
    struct cache_statistics statistics;
    cache_read_statistics(edge_cache(sim_edge_of(run)), &statistics);
    return statistics.limit;
}

// Copies are served at every level. What needs the origin is asked for until it is critical, for a
// bot until it is short, for a prefetch until it is tight; a copy past its lifetime is sent then.
static void memory_short(struct task *task, struct sim_run *run)
{
    static struct gauge gauge;
    static struct pressure_resources resources = {.memory_used = read_gauge, .context = &gauge};
    struct sim_request prefetch = {.path = "/static/prefetched", .allow = SIM_ALLOW_ERROR,
        .fields = "Sec-Purpose: prefetch;prerender\r\n"};
    struct sim_request bot = {.path = "/static/crawled-now", .allow = SIM_ALLOW_ERROR,
        .fields = "User-Agent: Mozilla/5.0 (compatible; bingbot/2.0)\r\n"};
    struct sim_request cold = {.path = "/static/cold-then", .allow = SIM_ALLOW_ERROR};
    gauge.used = megabytes(10);
    run->resources = &resources;
    struct sim_origin *origin = sim_begin(task, run, UNDER_PRESSURE SIM_ONE_BACKEND SIM_SITE);
    sim_warm(task, run);
    sim_expect(run, sim_get(task, run, "/swr/kept").status == 200);
    uint64_t limit_before = edge_cache_limit(run);
    gauge.used = megabytes(80);
    sim_sleep_ms(task, 2500);
    sim_expect(run, sim_ask(task, run, &prefetch).status == 503);
    sim_expect(run, ledger(run, LEDGER_OVERLOAD_PREFETCHES) == 1);
    uint64_t asked = origin->requests;
    sim_expect(run, sim_get(task, run, "/swr/kept").status == 200); // stale, and stays it
    sim_expect(run, ledger(run, LEDGER_OVERLOAD_REFRESHES) == 1);
    sim_sleep_ms(task, 1000);
    sim_expect(run, origin->requests == asked);
    sim_expect(run, sim_get(task, run, "/static/cold-now").status == 200);
    sim_expect(run, edge_cache_limit(run) < limit_before);
    sim_expect(run, sim_ask(task, run, &bot).status == 200);
    gauge.used = megabytes(90);
    sim_sleep_ms(task, 2500);
    snprintf(bot.path, sizeof(bot.path), "/static/crawled-then");
    sim_expect(run, sim_ask(task, run, &bot).status == 503);
    sim_expect(run, sim_get(task, run, "/static/cold-still").status == 200);
    sim_expect(run, edge_read_ledger(sim_edge_of(run), LEDGER_OVERLOAD_BOTS) == 1);
    gauge.used = megabytes(99);
    run->troubled = true;
    sim_sleep_ms(task, 10000);
    uint64_t before = origin->requests;
    sim_expect(run, sim_ask(task, run, &cold).status == 503);
    sim_visitors(task, run, 10000, sim_plan_known);
    sim_expect(run, origin->requests == before);
    sim_expect(run, ledger(run, LEDGER_OVERLOAD_REFUSED) > 0);
    gauge.used = megabytes(10);
    run->troubled = false;
    sim_trouble(run);
    sim_sleep_ms(task, 100000);
    sim_expect(run, edge_cache_limit(run) == limit_before);
    sim_expect(run, sim_ask(task, run, &prefetch).status == 200);
    sim_visitors(task, run, 5000, sim_plan_strict);
}

// Those who hardly take their answers are cut, after those who hardly ask.
static void slow_readers(struct task *task, struct sim_run *run)
{
    static struct gauge gauge;
    static struct pressure_resources resources = {.memory_used = read_gauge, .context = &gauge};
    gauge.used = megabytes(10);
    run->resources = &resources;
    sim_network_window(run->world, 8192);
    sim_begin(task, run, UNDER_PRESSURE SIM_ONE_BACKEND SIM_SITE);
    sim_warm(task, run);
    struct sim_request request = {.path = "/big/1", .client = 7,
        .allow = SIM_ALLOW_CUT | SIM_ALLOW_BROKEN};
    struct sim_answer answer;
    struct sim_visit visit = {.run = run, .requests = &request, .count = 1, .answers = &answer,
        .read_size = 500, .pause_ms = 1000, .patience_ms = 30000};
    gauge.used = megabytes(90);
    sim_sleep_ms(task, 1500);
    sim_visit(task, &visit);
    sim_expect(run, answer.error != ERROR_NONE);
    sim_expect(run, edge_read_ledger(sim_edge_of(run), LEDGER_OVERLOAD_SLOW) > 0);
    sim_expect(run, sim_get(task, run, "/static/1").status == 200);
}

// Requests: the origin is so slow that all that may be under way wait for it. Whoever asks for what
// there is a copy of has it at once, the others are told at once.
#define REQUESTS 16

static void plan_cold(struct sim_run *run, struct sim_request *request)
{
    (void)run;
    snprintf(request->path, sizeof(request->path), "/static/cold%u",
        request->client * 100 + request->index);
    request->allow = SIM_ALLOW_ERROR | SIM_ALLOW_CUT; // over HTTP/2 tried again, then given up
}

static void speak_either(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    (void)run;
    visit->http2 = client % 2 == 1;
}

static void expect_at_once(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    uint64_t waited_ms = (answer->head_ns - answer->sent_ns) / NS_PER_MS;
    if (answer->error != ERROR_NONE || answer->status >= 500 || waited_ms > 1000)
        sim_fail(run, "%s: status %u after %" PRIu64 " ms", request->path, answer->status,
            waited_ms);
}

static void requests_short(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, "connections: {active_requests: 16, "
        "http2: {prior_knowledge: true}}\n" SIM_ONE_BACKEND SIM_SITE);
    sim_warm(task, run);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_DELAY, .delay_ms = 5000});
    run->troubled = true;
    struct sim_background cold;
    struct sim_crowd crowd = {.clients = 4 * REQUESTS, .requests_each = 2, .over_ms = 200,
        .plan = plan_cold, .shape = speak_either};
    sim_background_start(&cold, run, &crowd);
    sim_sleep_ms(task, 500);
    struct sim_crowd warm = {.clients = 12, .requests_each = 6, .over_ms = 1000, .think_ms = 200,
        .plan = sim_plan_known, .shape = speak_either, .judge = expect_at_once};
    sim_crowd_run(task, run, &warm);
    sim_background_join(task, &cold);
    sim_expect(run, ledger(run, LEDGER_SHED) > 0);
    sim_expect(run, ledger(run, LEDGER_HTTP2_REFUSED) > 0);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_NONE});
    run->troubled = false;
    sim_trouble(run);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_visitors(task, run, 5000, sim_plan_strict);
}

// Tasks: all are taken by visitors who wait for a slow origin. Whoever comes then waits for his
// turn, and is told so only when that takes too long; who watches the edge does not wait.
#define TASKS 64

static void begin_with_few_tasks(struct task *task, struct sim_run *run, const char *settings,
    uint64_t delay_ms)
{
    struct sim_origin *origin = sim_begin(task, run, settings);
    sim_world_edge_loop(run->world, 0)->limits.tasks = TASKS;
    sim_warm(task, run);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_DELAY, .delay_ms = delay_ms});
}

static void end_with_few_tasks(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = LIST_ENTRY(run->origin_list.next, struct sim_origin, link);
    sim_expect(run, ledger(run, LEDGER_WAITED_FOR_TASK) > 0);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_NONE});
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_visitors(task, run, 5000, sim_plan_strict);
}

static void plan_few_paths(struct sim_run *run, struct sim_request *request)
{
    (void)run;
    snprintf(request->path, sizeof(request->path), "/static/cold%u", request->client % 4);
}

static void speak_either_at_once(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    speak_either(run, client, visit);
    visit->pipelined = visit->http2 ? 8 : 1;
}

static void task_for_all(struct task *task, struct sim_run *run)
{
    begin_with_few_tasks(task, run, "overload: {wait: 60s}\nconnections: {http2: "
        "{prior_knowledge: true}}\n" SIM_ONE_BACKEND SIM_SITE, 2000);
    struct sim_crowd crowd = {.clients = TASKS, .requests_each = 8, .over_ms = 500,
        .plan = plan_few_paths, .shape = speak_either_at_once, .judge = expect_in_time};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->errors == 0 && ledger(run, LEDGER_SHED) == 0);
    end_with_few_tasks(task, run);
}

// Of each protocol, the time of all visitors together until they were answered.
static void add_up(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    uint64_t *waited_ms = run->notes;
    waited_ms[request->client % 2] += (answer->head_ns - answer->sent_ns) / NS_PER_MS;
}

// A connection of HTTP/2 stands in line once, as one of HTTP/1.1 does, and its stream not again.
static void task_in_turn(struct task *task, struct sim_run *run)
{
    uint64_t waited_ms[2] = {0};
    begin_with_few_tasks(task, run, "overload: {wait: 60s}\nconnections: {http2: "
        "{prior_knowledge: true}}\n" SIM_ONE_BACKEND SIM_SITE, 1000);
    sim_network_chop(run->world, 0); // a first request comes with the preface
    run->notes = waited_ms;
    struct sim_crowd crowd = {.clients = 4 * TASKS, .requests_each = 1, .over_ms = 500,
        .plan = plan_cold, .shape = speak_either, .judge = add_up};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->errors == 0 && ledger(run, LEDGER_SHED) == 0);
    sim_expect(run, waited_ms[1] < waited_ms[0] * 3 / 2);
    end_with_few_tasks(task, run);
}

static void plan_few_paths_in_vain(struct sim_run *run, struct sim_request *request)
{
    plan_few_paths(run, request);
    request->allow = SIM_ALLOW_ERROR | SIM_ALLOW_CUT;
    request->method = random_chance(sim_random(run), 1, 4) ? "HEAD" : NULL;
}

static void expect_told_in_time(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    uint64_t waited_ms = (answer->head_ns - answer->sent_ns) / NS_PER_MS;
    if (answer->status == 503 && (waited_ms < 1000 || waited_ms > 3000))
        sim_fail(run, "%s: told after %" PRIu64 " ms", request->path, waited_ms);
}

// With more streams than there are tasks for visitors.
static void speak_http2_at_once(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    (void)run;
    (void)client;
    visit->http2 = true;
    visit->pipelined = TASKS;
}

// As a probe asks.
static bool edge_shows_its_status(struct task *task)
{
    static const char request[] =
        "GET /.afloat/status.json HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n\r\n";
    char answer[16] = {0};
    struct io_socket socket;
    struct address address = sim_address(SIM_EDGE_HOST, 80);
    struct iovec piece = {(void *)(uintptr_t)request, sizeof(request) - 1};
    if (sim_connect(task, "198.51.100.251", &address, sim_in_ms(task, 500), &socket) != ERROR_NONE)
        return false;
    enum error error = io_send(task, &socket, &piece, 1, 500, NULL);
    for (size_t at = 0, size; error == ERROR_NONE && at < 12; at += size)
        error = io_receive(task, &socket, answer + at, 12 - at, sim_in_ms(task, 500), &size);
    io_close(&socket);
    return memcmp(answer, "HTTP/1.1 200", 12) == 0;
}

static void no_task_in_time(struct task *task, struct sim_run *run)
{
    begin_with_few_tasks(task, run, "overload: {wait: 1s}\nconnections: {http2: "
        "{prior_knowledge: true}}\n" SIM_ONE_BACKEND SIM_SITE, 20000);
    sim_network_chop(run->world, 0); // a probe's head comes as one
    run->troubled = true;
    struct sim_background first, others;
    struct sim_crowd streams = {.clients = 1, .requests_each = TASKS, .over_ms = 1,
        .plan = plan_few_paths_in_vain, .shape = speak_http2_at_once};
    struct sim_crowd crowd = {.clients = TASKS, .requests_each = 8, .over_ms = 500,
        .plan = plan_few_paths_in_vain, .shape = speak_either_at_once,
        .judge = expect_told_in_time};
    sim_background_start(&first, run, &streams);
    sim_background_start(&others, run, &crowd);
    sim_sleep_ms(task, 400);
    for (unsigned i = 0; i < 10; i++) {
        sim_expect(run, edge_shows_its_status(task));
        sim_sleep_ms(task, 100);
    }
    sim_background_join(task, &first);
    sim_background_join(task, &others);
    sim_expect(run, run->errors > 0 && ledger(run, LEDGER_SHED) > 0);
    sim_expect(run, ledger(run, LEDGER_HTTP2_REFUSED) > 0);
    run->troubled = false;
    sim_trouble(run);
    end_with_few_tasks(task, run);
}

// And memory fails here and there meanwhile.
static void no_task_nor_memory(struct task *task, struct sim_run *run)
{
    begin_with_few_tasks(task, run, "overload: {wait: 1s}\nconnections: {http2: "
        "{prior_knowledge: true}}\n" SIM_ONE_BACKEND SIM_SITE, 5000);
    run->tolerant = run->troubled = true;
    struct sim_crowd crowd = {.clients = TASKS / 4, .requests_each = 4 * TASKS, .over_ms = 500,
        .plan = plan_few_paths_in_vain, .shape = speak_http2_at_once};
    sim_memory_chance(run->world, (unsigned)sim_between_values(run, 100, 600));
    sim_crowd_run(task, run, &crowd);
    sim_memory_chance(run->world, 0);
    sim_expect(run, ledger(run, LEDGER_HTTP2_REFUSED) > 0);
    run->tolerant = run->troubled = false;
    sim_trouble(run);
    end_with_few_tasks(task, run);
}

static const struct sim_scenario scenarios[] = {
    {"overload_silent_visitors", silent_visitors, 0,
        "silent connections take every descriptor: the longest silent make room"},
    {"overload_slow_heads", slow_heads, 0,
        "heads that do not end take every descriptor: they are cut"},
    {"overload_memory", memory_short, 0, "memory runs short: copies are served all the while"},
    {"overload_requests", requests_short, 1,
        "as many requests as may be wait for the origin: copies are sent all the while"},
    {"overload_tasks", task_for_all, 1,
        "all tasks are taken for a while: visitors wait in line for theirs"},
    {"overload_tasks_in_turn", task_in_turn, 1,
        "all tasks are taken for a while: over HTTP/2 nobody waits for longer"},
    {"overload_tasks_for_long", no_task_in_time, 1,
        "all tasks are taken for long: visitors are told, and the edge shows its status"},
    {"overload_tasks_and_memory", no_task_nor_memory, 1,
        "all tasks are taken, and memory fails here and there: never a wrong answer"},
    {"overload_slow_readers", slow_readers, 0, "visitors who hardly take their answers are cut"},
};

const struct sim_group sim_overload_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
