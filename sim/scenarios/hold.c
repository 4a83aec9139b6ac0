// Nobody of the origin answers: whoever asks for what the edge does not hold waits, goes in when it
// is back, at the pace it keeps up with, and nobody waits for ever.
#include "sim/scenarios/common.h"

#define HOLD_MS 20000

static bool was_held(const struct sim_answer *answer)
{
    return strstr(answer->cache_status, "detail=hold") != NULL;
}

static uint64_t waited_ms(const struct sim_answer *answer)
{
    return (answer->head_ns - answer->sent_ns) / NS_PER_MS;
}

static void plan_unseen(struct sim_run *run, struct sim_request *request)
{
    static const char *const prefixes[] = {"/static/unseen", "/page/unseen", "/api/", "/me/"};
    snprintf(request->path, sizeof(request->path), "%s%u",
        sim_choose(run, prefixes, ARRAY_SIZE(prefixes)), request->client * 100 + request->index);
}

// Dead for less than the hold time, and nobody sees an error.
static void unseen_in_outage(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    bool silent = random_chance(sim_random(run), 1, 3);
    uint64_t outage_ms = sim_between_values(run, 500, 12000);
    struct sim_background visitors;
    struct sim_crowd crowd = {.clients = 20, .requests_each = 3, .over_ms = outage_ms + 2000,
        .think_ms = 500, .plan = plan_unseen};
    if (silent)
        sim_host_set(run->world, SIM_ORIGIN, SIM_HOST_SILENT);
    else
        sim_origin_kill(origin);
    run->troubled = true;
    sim_background_start(&visitors, run, &crowd);
    sim_sleep_ms(task, outage_ms);
    if (silent)
        sim_host_set(run->world, SIM_ORIGIN, SIM_HOST_UP);
    else
        sim_origin_revive(origin);
    run->troubled = false;
    sim_trouble(run);
    sim_background_join(task, &visitors);
    sim_expect(run, run->errors == 0);
}

// A hundred come back to an origin that works on one request at a time: it never gets more of them
// at once than it can answer in good time.
static void plan_one_unseen(struct sim_run *run, struct sim_request *request)
{
    (void)run;
    snprintf(request->path, sizeof(request->path), "/static/unseen%u", request->client);
}

static void goes_in_paced(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    origin->service_ms = sim_between_values(run, 5, 50);
    sim_warm(task, run);
    sim_origin_kill(origin);
    struct sim_background visitors;
    struct sim_crowd crowd = {.clients = 100, .requests_each = 1, .over_ms = 2000,
        .plan = plan_one_unseen};
    sim_background_start(&visitors, run, &crowd);
    sim_sleep_ms(task, 5000);
    sim_origin_revive(origin);
    uint64_t back_ns = task_now_ns(task);
    sim_background_join(task, &visitors);
    uint64_t took_ms = (task_now_ns(task) - back_ns) / NS_PER_MS;
    sim_expect(run, run->errors == 0);
    sim_expect(run, origin->inside_most <= 50);
    // It was kept busy: after it was found to be back (a second at the most), nine tenths of what
    // it can.
    if (took_ms > 1200 + 100 * origin->service_ms * 10 / 9 + 500)
        sim_fail(run, "100 requests took %" PRIu64 " ms of a service of %" PRIu64 " ms each",
            took_ms, origin->service_ms);
}

struct promptness {
    unsigned asked, prompt;
};

// Of those who come once it has been back for a while, while more is asked of it than it can do.
static void judge_promptness(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    struct promptness *promptness = run->notes;
    (void)request;
    if (run->troubled || answer->sent_ns < run->trouble_ns)
        return;
    promptness->asked++;
    promptness->prompt += answer->status == 200 && waited_ms(answer) <= 5000;
}

static void plan_late(struct sim_run *run, struct sim_request *request)
{
    plan_one_unseen(run, request);
    request->allow = SIM_ALLOW_ERROR;
}

// Back after ten seconds of so many clients, with room for one request each service_ms.
static void come_back_to(struct task *task, struct sim_run *run, struct sim_crowd *crowd,
    uint64_t service_ms)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    struct sim_background visitors;
    origin->service_ms = service_ms;
    sim_warm(task, run);
    sim_origin_kill(origin);
    run->troubled = true;
    sim_background_start(&visitors, run, crowd);
    sim_sleep_ms(task, 10000);
    sim_origin_revive(origin);
    sim_sleep_ms(task, 28000); // what the outage left is over, one way or another
    run->troubled = false;
    sim_trouble(run);
    sim_background_join(task, &visitors);
}

// Half of those who come can be answered, and in the order of their coming each of them would wait
// until his time is nearly over. So they are those who just came.
static void newest_go_in(struct task *task, struct sim_run *run)
{
    struct promptness promptness = {0};
    run->notes = &promptness;
    struct sim_crowd crowd = {.clients = 480, .requests_each = 1, .over_ms = 60000,
        .plan = plan_late, .judge = judge_promptness};
    come_back_to(task, run, &crowd, 250);
    if (promptness.prompt < promptness.asked / 4)
        sim_fail(run, "%u of %u who came when it was back were answered within 5 s",
            promptness.prompt, promptness.asked);
}

// A quarter more than comes can be answered: nobody is told an error for what the outage left.
static void all_get_in(struct task *task, struct sim_run *run)
{
    struct sim_crowd crowd = {.clients = 240, .requests_each = 1, .over_ms = 30000,
        .plan = plan_one_unseen};
    come_back_to(task, run, &crowd, 100);
    sim_expect(run, run->errors == 0);
}

static void plan_writes(struct sim_run *run, struct sim_request *request)
{
    request->method = "POST";
    snprintf(request->path, sizeof(request->path), "/post");
    request->upload_id = 1 + request->client;
    request->upload_size = random_below(sim_random(run), 20000);
    request->upload_chunked = random_chance(sim_random(run), 1, 2);
}

// Nothing of them had been sent, so they are held like any other, and arrive once.
static void writes_wait(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    sim_origin_kill(origin);
    struct sim_background visitors;
    struct sim_crowd crowd = {.clients = 10, .requests_each = 1, .over_ms = 2000,
        .plan = plan_writes};
    sim_background_start(&visitors, run, &crowd);
    sim_sleep_ms(task, sim_between_values(run, 2500, 10000));
    sim_origin_revive(origin);
    sim_background_join(task, &visitors);
    sim_expect(run, run->errors == 0);
    unsigned arrived = 0;
    LIST_FOREACH (link, &run->site.uploads)
        arrived += LIST_ENTRY(link, struct sim_upload, link)->complete;
    sim_expect(run, arrived == 10);
}

static void judge_over(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    if (answer->status != 503 || waited_ms(answer) < HOLD_MS - 10
        || waited_ms(answer) > HOLD_MS + 3000)
        sim_fail(run, "%s: %u after %" PRIu64 " ms", request->path, answer->status,
            waited_ms(answer));
}

static void plan_hopeless(struct sim_run *run, struct sim_request *request)
{
    plan_one_unseen(run, request);
    request->allow = SIM_ALLOW_ERROR;
}

// Dead for longer: everybody is told after the hold time, and meanwhile the origin is hardly
// bothered.
static void told_in_the_end(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_BEFORE_HEAD,
        .how = SIM_HOW_RESET});
    struct sim_crowd first = {.clients = 6, .requests_each = 1, .over_ms = 1,
        .plan = plan_hopeless};
    sim_crowd_run(task, run, &first); // enough of them to be sure that nobody answers
    sim_sleep_ms(task, sim_between_values(run, 0, 20000));
    uint64_t before = origin->requests;
    struct sim_crowd crowd = {.clients = 60, .requests_each = 1, .over_ms = 1000,
        .plan = plan_hopeless, .judge = judge_over};
    sim_crowd_run(task, run, &crowd);
    if (origin->requests - before > 60)
        sim_fail(run, "60 who waited made %" PRIu64 " requests", origin->requests - before);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_NONE});
    sim_sleep_ms(task, 4000);
    struct sim_answer answer = sim_get(task, run, "/static/unseen-after");
    sim_expect(run, answer.status == 200 && waited_ms(&answer) < 1000);
}

#define SIM_FEW_MAY_WAIT \
    SIM_ONE_BACKEND "sites:\n  - origin: main\n    lifelines: {hold: {requests: 10}}\n"

static void judge_full(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    if (answer->status == 503 && waited_ms(answer) > 2000)
        sim_fail(run, "%s: told after %" PRIu64 " ms", request->path, waited_ms(answer));
    if (answer->status == 200 && !was_held(answer))
        sim_fail(run, "%s: not held (%s)", request->path, answer->cache_status);
}

static void only_so_many(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_FEW_MAY_WAIT);
    sim_origin_kill(origin);
    struct sim_background visitors;
    struct sim_crowd crowd = {.clients = 40, .requests_each = 1, .over_ms = 1000,
        .plan = plan_hopeless, .judge = judge_full};
    sim_background_start(&visitors, run, &crowd);
    sim_sleep_ms(task, 5000);
    sim_origin_revive(origin);
    sim_background_join(task, &visitors);
    // One may be inside, trying, when the tenth comes.
    sim_expect(run, run->errors >= 29 && run->errors <= 30);
}

// The other limit: a stack of 16 KiB each and what a request's arena took, so at most twelve.
#define SIM_LITTLE_MEMORY_MAY_WAIT \
    SIM_ONE_BACKEND "sites:\n  - origin: main\n    lifelines: {hold: {memory: 200KiB}}\n"

static void only_so_much(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_LITTLE_MEMORY_MAY_WAIT);
    sim_origin_kill(origin);
    struct sim_background visitors;
    struct sim_crowd crowd = {.clients = 40, .requests_each = 1, .over_ms = 1000,
        .plan = plan_hopeless, .judge = judge_full};
    sim_background_start(&visitors, run, &crowd);
    sim_sleep_ms(task, 5000);
    sim_origin_revive(origin);
    sim_background_join(task, &visitors);
    sim_expect(run, run->errors >= 27 && run->errors < 40);
}

static void leave_early(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    (void)run;
    if (client % 2 == 0)
        return;
    visit->patience_ms = 1000;
    visit->resets = true; // after a mere end he may go on listening
}

static void plan_leavers(struct sim_run *run, struct sim_request *request)
{
    plan_one_unseen(run, request);
    if (request->client % 2 == 1)
        request->allow = SIM_ALLOW_CUT | SIM_ALLOW_ERROR;
}

// Of those who left nothing reaches the origin.
static void leavers_are_forgotten(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    sim_origin_kill(origin);
    struct sim_background visitors;
    struct sim_crowd crowd = {.clients = 40, .requests_each = 1, .over_ms = 500,
        .plan = plan_leavers, .shape = leave_early};
    sim_background_start(&visitors, run, &crowd);
    sim_sleep_ms(task, 8000);
    sim_expect(run, edge_active_requests(sim_edge_of(run)) == 20);
    sim_origin_revive(origin);
    sim_background_join(task, &visitors);
    sim_expect(run, origin->requests == 20);
    sim_expect(run, run->errors == 0);
}

static void plan_unseen_or_cut(struct sim_run *run, struct sim_request *request)
{
    plan_unseen(run, request);
    request->allow = SIM_ALLOW_CUT;
}

// A backend that answers with nothing but 502, 503 and 504, or with what is no HTTP: already the
// first who ask for what was never seen wait, long before there were enough of them to be certain.
// (Before anything was wrong, a head without content may have gone out already.)
static void first_ones_wait(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    struct sim_background visitors;
    struct sim_crowd crowd = {.clients = 4, .requests_each = 2, .over_ms = 1000,
        .think_ms = 300, .plan = plan_unseen};
    bool is_garbage = random_chance(sim_random(run), 1, 3);
    if (is_garbage)
        crowd.plan = plan_unseen_or_cut;
    sim_origin_set(origin, (struct sim_fault){
        .kind = is_garbage ? SIM_FAULT_GARBAGE : SIM_FAULT_STATUS,
        .status = 502 + (unsigned)random_below(sim_random(run), 3)});
    sim_background_start(&visitors, run, &crowd);
    sim_sleep_ms(task, sim_between_values(run, 300, 12000));
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_NONE});
    sim_background_join(task, &visitors);
    sim_expect(run, run->errors == 0 && run->cut <= 1);
}

static void judge_at_once(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    if (answer->status == 503 && waited_ms(answer) > 1000)
        sim_fail(run, "%s: told after %" PRIu64 " ms", request->path, waited_ms(answer));
}

// It says that it will not be back while anybody may wait: everybody is told at once.
static void hopeless_is_told(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_STATUS, .status = 503,
        .retry_after_s = sim_between_values(run, 21, 4000)});
    struct sim_crowd crowd = {.clients = 12, .requests_each = 1, .over_ms = 3000,
        .plan = plan_hopeless, .judge = judge_at_once};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->errors == 12);
}

static void plan_broken(struct sim_run *run, struct sim_request *request)
{
    plan_unseen(run, request);
    snprintf(request->path, sizeof(request->path), "/static/broken%u",
        request->client * 100 + request->index);
    request->allow = SIM_ALLOW_ERROR;
}

static void judge_wait(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer, uint64_t most_ms)
{
    if (waited_ms(answer) > most_ms)
        sim_fail(run, "%s: answered after %" PRIu64 " ms", request->path, waited_ms(answer));
}

static void judge_broken(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    judge_wait(run, request, answer, 3000);
}

// Pages that fail by themselves while all others are well: who asks for one is told soon, nobody
// else waits for it, and the origin hardly notices.
static void own_failure_is_told(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    struct sim_background visitors;
    struct sim_crowd well = {.clients = 10, .requests_each = 20, .over_ms = 500,
        .think_ms = 500, .plan = plan_unseen};
    struct sim_crowd broken = {.clients = 8, .requests_each = 5, .over_ms = 3000,
        .think_ms = 200, .plan = plan_broken, .judge = judge_broken};
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_STATUS, .status = 503,
        .prefix = "/static/broken"});
    sim_background_start(&visitors, run, &well);
    sim_crowd_run(task, run, &broken);
    sim_background_join(task, &visitors);
    sim_expect(run, run->errors == 40);
    // Each that failed once more when somebody else was answered, and a tenth and three besides.
    if (origin->requests > 240 + 40 + 27)
        sim_fail(run, "240 visits made %" PRIu64 " requests", origin->requests);
}

// Half of them for what is kept and often expires, half for what was never seen.
static void plan_busy(struct sim_run *run, struct sim_request *request)
{
    sim_plan_known(run, request);
    if (random_chance(sim_random(run), 1, 2))
        snprintf(request->path, sizeof(request->path), "/static/unseen%u",
            request->client * 100 + request->index);
}

static void judge_quick(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    judge_wait(run, request, answer, 1500);
}

// The origin has an eighth of its speed for a while, which is less than is asked of it: no error,
// soon it is given no more at once than it can do, and afterwards all is as before.
static void overload(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    origin->service_ms = sim_between_values(run, 14, 20);
    sim_warm(task, run);
    struct sim_background visitors;
    struct sim_crowd crowd = {.clients = 120, .requests_each = 8, .over_ms = 5000,
        .think_ms = 5000, .plan = plan_busy};
    sim_background_start(&visitors, run, &crowd);
    sim_sleep_ms(task, 5000);
    origin->service_ms *= 8;
    run->troubled = true;
    sim_sleep_ms(task, 30000);
    if (origin->inside > 48)
        sim_fail(run, "%u at once after half a minute of overload", origin->inside);
    origin->service_ms /= 8;
    sim_background_join(task, &visitors);
    sim_sleep_ms(task, 15000);
    run->troubled = false;
    sim_trouble(run);
    struct sim_crowd after = {.clients = 30, .requests_each = 6, .over_ms = 1000,
        .think_ms = 1000, .plan = plan_busy, .judge = judge_quick};
    sim_crowd_run(task, run, &after);
    sim_expect(run, run->errors == 0);
}

static void plan_long_poll(struct sim_run *run, struct sim_request *request)
{
    (void)run;
    snprintf(request->path, sizeof(request->path), "/api/poll%u", request->client);
    request->allow = SIM_ALLOW_OLD;
}

// Slow answers that wait for something else than each other are no overload: hundreds of them keep
// nobody out.
static void slow_is_not_busy(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    sim_warm(task, run);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_DELAY, .prefix = "/api/",
        .delay_ms = 20000});
    struct sim_background polls;
    struct sim_crowd many = {.clients = 200, .requests_each = 1, .over_ms = 15000,
        .plan = plan_long_poll};
    struct sim_crowd others = {.clients = 25, .requests_each = 30, .over_ms = 2000,
        .think_ms = 700, .plan = plan_busy, .judge = judge_quick};
    sim_background_start(&polls, run, &many);
    sim_crowd_run(task, run, &others);
    sim_background_join(task, &polls);
    sim_expect(run, run->errors == 0);
}

static void plan_download(struct sim_run *run, struct sim_request *request)
{
    (void)run;
    snprintf(request->path, sizeof(request->path), "/big/download%u", request->client);
}

static void judge_connection(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    judge_wait(run, request, answer, 15000);
}

// Long contents take every connection that the pool allows. Nobody is sick for that: who asks for
// something else waits for one.
static void connections_are_awaited(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run,
        SIM_ONE_BACKEND "    pool: {connections: 2}\n" SIM_SITE);
    origin->chunk_delay_ms = sim_between_values(run, 40, 80);
    struct sim_background downloads;
    struct sim_crowd first = {.clients = 2, .requests_each = 1, .over_ms = 1,
        .plan = plan_download};
    struct sim_crowd crowd = {.clients = 6, .requests_each = 1, .over_ms = 2000,
        .plan = plan_one_unseen, .judge = judge_connection};
    sim_background_start(&downloads, run, &first);
    sim_sleep_ms(task, 300);
    sim_crowd_run(task, run, &crowd);
    sim_background_join(task, &downloads);
    sim_expect(run, run->errors == 0);
}

static void judge_soon(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    judge_wait(run, request, answer, 1500);
}

static void connect_anew(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    (void)run, (void)client;
    visit->fresh_connections = true;
}

// The only connection rests in another loop than the one that is asked: it makes room.
static void resting_connection_makes_room(struct task *task, struct sim_run *run)
{
    sim_begin(task, run, SIM_ONE_BACKEND "    pool: {connections: 1}\n" SIM_SITE);
    struct sim_crowd crowd = {.clients = 1, .requests_each = 20, .over_ms = 1,
        .think_ms = 200, .plan = plan_unseen, .judge = judge_soon, .shape = connect_anew};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->errors == 0);
}

static const struct sim_scenario scenarios[] = {
    {"slow_pages", slow_is_not_busy, 0, "slow answers that are no overload keep nobody out"},
    {"overload", overload, 0, "more is asked of the origin than it can do: no error, no pile"},
    {"hold_first", first_ones_wait, 0, "nothing but 503 or garbage: already the first wait"},
    {"hold_hopeless", hopeless_is_told, 0, "back only later than anybody may wait: told at once"},
    {"hold_own", own_failure_is_told, 0, "a page that fails by itself: told soon, nobody waits"},
    {"hold_unseen", unseen_in_outage, 0, "pages never seen, asked for in an outage: no error"},
    {"hold_paced", goes_in_paced, 0, "who waited goes in at a pace that the origin keeps up with"},
    {"hold_newest", newest_go_in, 0,
        "back, but not for all who come: those who just came are answered, and soon"},
    {"hold_in_order", all_get_in, 0,
        "back with a little more room than is asked for: all who waited get in"},
    {"hold_writes", writes_wait, 0, "writes of which nothing was sent wait too, and arrive once"},
    {"hold_over", told_in_the_end, 0, "an outage longer than the hold time: told, not hammered"},
    {"hold_full", only_so_many, 0, "more than may wait: the others are told at once"},
    {"hold_memory", only_so_much, 0, "more memory than may wait: the others are told at once"},
    {"hold_left", leavers_are_forgotten, 0, "who leaves while waiting is forgotten"},
    {"hold_for_a_connection", connections_are_awaited, 0,
        "long contents take every connection of the pool: who asks meanwhile waits for one"},
    {"hold_resting_elsewhere", resting_connection_makes_room, 3,
        "the only connection rests in another thread: it makes room"},
};

const struct sim_group sim_hold_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
