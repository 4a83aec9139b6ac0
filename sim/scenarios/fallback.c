// What rules say for the case that something is broken.
//
// The operator's file: whoever would see the honest page, or what a dead application's server says,
// gets it where a rule has one; nobody else, and nobody once the backend answers again.
#include "sim/scenarios/common.h"

#include <stdlib.h>
#include <unistd.h>

#define HOLD_MS 2000
#define FILE_SIZE_MAX 4000

struct file { // as real as any
    char path[64];
    char settings[1024];
    unsigned status, size;
};

static void file_make(struct sim_run *run, struct file *file, unsigned status)
{
    char content[FILE_SIZE_MAX];
    memset(content, 'f', sizeof(content));
    file->status = status;
    file->size = (unsigned)sim_between_values(run, 0, FILE_SIZE_MAX);
    snprintf(file->path, sizeof(file->path), "%s/afloat-sim-XXXXXX",
        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    int descriptor = mkstemp(file->path);
    sim_expect(run, descriptor >= 0);
    ssize_t written = write(descriptor, content, file->size);
    sim_expect(run, written == (ssize_t)file->size);
    close(descriptor);
    snprintf(file->settings, sizeof(file->settings),
        SIM_ONE_BACKEND "sites:\n  - origin: main\n    lifelines: {hold: {time: %dms}}\n"
        "    rules:\n      - path: [/api/*, /static/unseen*, /post/*]\n"
        "        fallback: {file: %s, type: text/plain, status: %u}\n",
        HOLD_MS, file->path, status);
}

static void file_remove(const struct file *file)
{
    unlink(file->path);
}

static void plan(struct sim_run *run, struct sim_request *request)
{
    static const char *const prefixes[] = {"/api/", "/static/unseen"};
    struct random *random = sim_random(run);
    if (random_chance(random, 1, 3)) {
        sim_plan_known(run, request);
        return;
    }
    snprintf(request->path, sizeof(request->path), "%s%u",
        sim_choose(run, prefixes, ARRAY_SIZE(prefixes)), request->client * 100 + request->index);
    request->method = random_chance(random, 1, 8) ? "HEAD" : NULL;
    request->has_range = request->method == NULL && random_chance(random, 1, 8);
    request->range_last = 9;
    request->allow = SIM_ALLOW_FILE;
}

static void plan_erring(struct sim_run *run, struct sim_request *request)
{
    plan(run, request);
    request->allow |= SIM_ALLOW_ERROR; // the file's status is one
}

// Whoever gets nothing of the site gets the whole file.
static void judge_as(const struct sim_request *request, const struct sim_answer *answer,
    struct sim_run *run, unsigned status)
{
    if (answer->error != ERROR_NONE || answer->version != 0)
        return;
    if (strstr(answer->cache_status, "detail=fallback") == NULL || answer->status != status)
        sim_fail(run, "%s: status %u (%s) in place of the file", request->path, answer->status,
            answer->cache_status);
}

static void judge_saved(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    judge_as(request, answer, run, 200);
}

static void judge_error(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    judge_as(request, answer, run, 503);
}

static struct sim_fault draw_fault(struct sim_run *run)
{
    static const struct sim_fault faults[] = {
        {.kind = SIM_FAULT_BEFORE_HEAD, .how = SIM_HOW_ANY},
        {.kind = SIM_FAULT_STATUS, .status = 502},
        {.kind = SIM_FAULT_STATUS, .status = 503, .retry_after_s = 30},
    };
    return faults[random_below(sim_random(run), ARRAY_SIZE(faults))];
}

static void ask_in_outage(struct task *task, struct sim_run *run, const struct file *file)
{
    bool is_error = file->status >= 500;
    struct sim_crowd crowd = {.clients = 12, .requests_each = 4, .over_ms = 8000, .think_ms = 500,
        .odd_permille = 200, .plan = is_error ? plan_erring : plan,
        .judge = is_error ? judge_error : judge_saved};
    sim_crowd_run(task, run, &crowd);
    struct sim_request whole = {.path = "/static/unseen-whole", .allow = SIM_ALLOW_FILE
        | (is_error ? SIM_ALLOW_ERROR : 0)};
    struct sim_answer answer = sim_ask(task, run, &whole);
    sim_expect(run, answer.status == file->status && answer.size == file->size);
    // A write must not seem to be done.
    struct sim_request post = {.method = "POST", .path = "/post/1", .upload_id = 1,
        .upload_size = 10, .allow = SIM_ALLOW_ERROR};
    answer = sim_ask(task, run, &post);
    sim_expect(run, answer.status >= 500
        && strstr(answer.cache_status, "detail=fallback") == NULL);
}

static void for_unseen(struct task *task, struct sim_run *run)
{
    struct file file;
    file_make(run, &file, random_chance(sim_random(run), 1, 2) ? 200 : 503);
    struct sim_origin *origin = sim_begin(task, run, file.settings);
    bool dies = random_chance(sim_random(run), 1, 2);
    sim_warm(task, run);
    run->troubled = true;
    if (dies)
        sim_origin_kill(origin);
    else
        sim_origin_set(origin, draw_fault(run));
    ask_in_outage(task, run, &file);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_NONE});
    if (dies)
        sim_origin_revive(origin);
    run->troubled = false;
    sim_trouble(run);
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_visitors(task, run, 5000, sim_plan_strict); // which put up with no file
    sim_edge_end(task, run);
    file_remove(&file);
}

// An application whose database is gone answers 200 with nothing: no copy is replaced by that,
// nobody sees it who could have one, and the backend is not hammered.
#define PAGES 4

static void plan_held(struct sim_run *run, struct sim_request *request)
{
    static const char *const prefixes[] = {"/static/", "/soon/", "/none/", "/swr/"};
    snprintf(request->path, sizeof(request->path), "%s0",
        sim_choose(run, prefixes, ARRAY_SIZE(prefixes)));
    request->method = random_chance(sim_random(run), 1, 8) ? "HEAD" : NULL;
}

static void empty_pages(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND
        "sites:\n  - origin: main\n    rules: [{protect: {minimum: 50%}}]\n");
    bool always = random_chance(sim_random(run), 1, 2);
    sim_warm(task, run);
    sim_sleep_ms(task, sim_between_values(run, 0, 5000));
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_STATUS, .status = 200,
        .permille = always ? 0 : 500});
    uint64_t before = origin->requests;
    struct sim_crowd crowd = {.clients = 12, .requests_each = 20, .over_ms = 2000,
        .think_ms = 1000, .odd_permille = 200, .plan = plan_held};
    sim_crowd_run(task, run, &crowd);
    if (always)
        sim_expect(run, origin->requests - before <= PAGES * 12);
    sim_expect(run, run->errors == 0);
    sim_expect(run, edge_read_ledger(sim_edge_of(run), LEDGER_DISBELIEVED) > 0);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_NONE});
    sim_sleep_ms(task, SIM_RECOVERY_MS);
    sim_visitors(task, run, 5000, sim_plan_strict);
}

static const struct sim_scenario scenarios[] = {
    {"protected_from_empty_pages", empty_pages, 0,
        "a backend that answers 200 with nothing: no copy is replaced by that"},
    {"fallback_for_unseen", for_unseen, 0,
        "an outage longer than anybody is held: the operator's file where there is one"},
};

const struct sim_group sim_fallback_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
