// The edge is killed and starts again with its disk, while there is nobody behind it.
#include "sim/scenarios/common.h"

#include "sim/disk.h"

#define ON_DISK_MS 5000 // after that long what was served outlives the edge

static const char small_memory[] = "store: {memory: 1MB}\n" SIM_ONE_BACKEND SIM_SITE;

// An edge with a disk, before a backend that it knows by name.
static struct sim_origin *begin(struct task *task, struct sim_run *run)
{
    static const char *const addresses[] = {SIM_ORIGIN, NULL};
    sim_dns_set(run->world, "origin.test", addresses);
    run->disk = sim_disk_create(run->seed);
    return sim_begin(task, run, SIM_NAMED_BACKEND SIM_SITE);
}

static void lose_origin_and_names(struct sim_run *run)
{
    bool refuses = random_chance(sim_random(run), 1, 2);
    bool answers = random_chance(sim_random(run), 1, 2);
    sim_host_set(run->world, SIM_ORIGIN, refuses ? SIM_HOST_REFUSING : SIM_HOST_SILENT);
    sim_dns_fail(run->world, "origin.test", answers ? ERROR_RESOLVE : ERROR_TIMEOUT);
    run->troubled = true;
}

static void find_them_again(struct task *task, struct sim_run *run)
{
    static const char *const addresses[] = {SIM_ORIGIN, NULL};
    sim_host_set(run->world, SIM_ORIGIN, SIM_HOST_UP);
    sim_dns_set(run->world, "origin.test", addresses);
    run->troubled = false;
    sim_trouble(run);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_visitors(task, run, 5000, sim_plan_strict);
}

static void kill_edge(struct task *task, struct sim_run *run)
{
    sim_site_forget_since(&run->site, task_now_ns(task) - ON_DISK_MS * NS_PER_MS);
    sim_edge_kill(task, run, random_chance(sim_random(run), 1, 2));
}

// Once or more often, also before what it began with has been asked for.
static void killed_in_outage(struct task *task, struct sim_run *run)
{
    begin(task, run);
    sim_warm(task, run);
    if (random_chance(sim_random(run), 1, 2))
        sim_visitors(task, run, 20000, sim_plan_strict);
    sim_sleep_ms(task, sim_between_values(run, ON_DISK_MS, 70000));
    lose_origin_and_names(run);
    if (random_chance(sim_random(run), 1, 2))
        sim_visitors(task, run, 5000, sim_plan_known);
    for (uint64_t kills = sim_between_values(run, 1, 3); kills > 0; kills--) {
        kill_edge(task, run);
        sim_edge_start(task, run, SIM_NAMED_BACKEND SIM_SITE);
        if (kills == 1 || random_chance(sim_random(run), 1, 2))
            sim_visitors(task, run, sim_between_values(run, 100, 20000), sim_plan_known);
    }
    sim_warm(task, run);
    sim_expect(run, run->errors == 0);
    find_them_again(task, run);
}

// What was read a moment before the kill may be lost; nothing else, and no visitor sees a torn
// byte.
static void killed_under_load(struct task *task, struct sim_run *run)
{
    begin(task, run);
    for (int i = 0; i < 4; i++) {
        sim_visitors(task, run, sim_between_values(run, 100, 20000), sim_plan_strict);
        kill_edge(task, run);
        sim_edge_start(task, run, SIM_NAMED_BACKEND SIM_SITE);
    }
    lose_origin_and_names(run);
    sim_visitors(task, run, 10000, sim_plan_any);
    find_them_again(task, run);
}

// The disk has what memory has no room for.
static void more_than_memory(struct task *task, struct sim_run *run)
{
    run->disk = sim_disk_create(run->seed);
    sim_begin(task, run, small_memory);
    sim_site_add(&run->site, &(struct sim_page){.prefix = "/wide/", .size = 30000,
        .spread = 30000, .cache_control = "max-age=86400", .fresh_ms = 86400000,
        .keepable = true, .etag = SIM_ETAG_STRONG, .framing = SIM_FRAMING_LENGTH});
    struct sim_request requests[60] = {0};
    for (unsigned i = 0; i < ARRAY_SIZE(requests); i++)
        snprintf(requests[i].path, sizeof(requests[i].path), "/wide/%u", i);
    struct sim_visit visit = {.run = run, .requests = requests, .count = ARRAY_SIZE(requests)};
    for (unsigned i = 0; i < ARRAY_SIZE(requests); i += 10) { // as fast as the disk takes them
        visit.requests = requests + i;
        visit.count = 10;
        sim_visit(task, &visit);
        sim_sleep_ms(task, ON_DISK_MS);
    }
    sim_host_set(run->world, SIM_ORIGIN, SIM_HOST_REFUSING);
    run->troubled = true;
    visit.requests = requests;
    visit.count = ARRAY_SIZE(requests);
    sim_visit(task, &visit);
    sim_expect(run, run->errors == 0);
}

static void expect_gone(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    if (answer->error == ERROR_NONE && answer->status < 500)
        sim_fail(run, "%s: purged, and here again: status %u", request->path, answer->status);
}

static void plan_purged(struct sim_run *run, struct sim_request *request)
{
    sim_plan_known(run, request);
    request->if_none_match = NULL;
    request->allow = SIM_ALLOW_ERROR | SIM_ALLOW_CUT;
}

static void purged_then_killed(struct task *task, struct sim_run *run)
{
    begin(task, run);
    sim_warm(task, run);
    sim_sleep_ms(task, sim_between_values(run, 0, 10000));
    sim_edge_purge(run, PURGE_ALL, "", true);
    sim_expect(run, edge_settle(sim_edge_of(run)) == ERROR_NONE);
    lose_origin_and_names(run);
    sim_site_forget_since(&run->site, 0);
    sim_edge_kill(task, run, random_chance(sim_random(run), 1, 2));
    sim_edge_start(task, run, SIM_NAMED_BACKEND SIM_SITE);
    struct sim_crowd crowd = {.clients = 8, .requests_each = 3, .over_ms = 5000, .think_ms = 100,
        .plan = plan_purged, .judge = expect_gone};
    sim_crowd_run(task, run, &crowd);
    find_them_again(task, run);
}

static void ask_to_purge(struct task *task, struct sim_run *run, const char *path)
{
    struct address address = sim_address(SIM_EDGE_HOST, 80);
    struct io_socket socket;
    char bytes[4096];
    size_t size = 0;
    int length = snprintf(bytes, sizeof(bytes),
        "PURGE %s HTTP/1.1\r\nHost: www.example.org\r\nAfloat-Purge: hard\r\n\r\n", path);
    struct iovec piece = {bytes, (size_t)length};
    enum error error = sim_connect(task, "127.0.0.1", &address, sim_in_ms(task, 60000), &socket);
    if (error == ERROR_NONE)
        error = io_send(task, &socket, &piece, 1, 60000, NULL);
    while (error == ERROR_NONE && size < sizeof("HTTP/1.1 200")) {
        size_t step = 0;
        error = io_receive(task, &socket, bytes + size, sizeof(bytes) - size,
            sim_in_ms(task, 60000), &step);
        size += step;
    }
    io_close(&socket);
    if (error != ERROR_NONE || !slice_starts_with(slice_of(bytes, size), SLICE("HTTP/1.1 200 ")))
        sim_fail(run, "PURGE %s was not answered well", path);
}

// Who is told that it is gone may pull the plug.
static void acknowledged_then_killed(struct task *task, struct sim_run *run)
{
    begin(task, run);
    sim_warm(task, run);
    sim_sleep_ms(task, sim_between_values(run, ON_DISK_MS, 2 * ON_DISK_MS));
    char path[32];
    unsigned first = (unsigned)random_below(sim_random(run), 3);
    lose_origin_and_names(run);
    for (unsigned i = first; i < 2; i++) {
        snprintf(path, sizeof(path), "/static/%u", i);
        ask_to_purge(task, run, path);
    }
    sim_site_forget_since(&run->site, 0);
    sim_edge_kill(task, run, random_chance(sim_random(run), 1, 2));
    sim_edge_start(task, run, SIM_NAMED_BACKEND SIM_SITE);
    for (unsigned i = first; i < 2; i++) {
        struct sim_request request = {.allow = SIM_ALLOW_ERROR | SIM_ALLOW_CUT};
        snprintf(request.path, sizeof(request.path), "/static/%u", i);
        struct sim_answer answer = sim_ask(task, run, &request);
        expect_gone(run, &request, &answer);
    }
    sim_expect(run, sim_get(task, run, "/static/2").status == 200); // what was not purged is there
    find_them_again(task, run);
}

// Nobody notices but the operator, not even across a kill, unless there is no origin either.
static void failing_disk(struct task *task, struct sim_run *run)
{
    begin(task, run);
    sim_warm(task, run);
    for (int i = 0; i < 3; i++) {
        sim_disk_errors(run->disk, (unsigned)sim_between_values(run, 0, 400));
        if (random_chance(sim_random(run), 1, 2))
            sim_disk_room(run->disk, sim_between_values(run, 0, 300000));
        sim_visitors(task, run, 20000, sim_plan_strict);
        sim_disk_errors(run->disk, 0);
        sim_disk_room(run->disk, UINT64_MAX);
        sim_edge_kill(task, run, random_chance(sim_random(run), 1, 2));
        sim_edge_start(task, run, SIM_NAMED_BACKEND SIM_SITE);
    }
    sim_visitors(task, run, 5000, sim_plan_strict);
    sim_expect(run, run->errors == 0);
}

static const struct sim_scenario scenarios[] = {
    {"killed_in_outage", killed_in_outage, 0,
        "killed and begun anew without power, origin or names: what was served is served"},
    {"killed_under_load", killed_under_load, 0,
        "killed again and again while visitors come: never a wrong byte"},
    {"more_than_memory", more_than_memory, 0, "what memory has no room for is on the disk"},
    {"purged_then_killed", purged_then_killed, 0, "purged hard, killed at once: gone for good"},
    {"purge_acknowledged_then_killed", acknowledged_then_killed, 0,
        "killed as soon as it has said that something is gone: it stays gone"},
    {"failing_disk", failing_disk, 0, "the disk fails or is full: no visitor notices"},
};

const struct sim_group sim_survival_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
