// Further attempts: what a second backend can save, and that all together never cost more than
// their budget.
#include "sim/scenarios/common.h"

#include <stdlib.h>

#define THREE_BACKENDS                                                                             \
    "origins:\n  main:\n    backends: [http://10.0.0.1, http://10.0.0.2, http://10.0.0.3]\n"
#define TOGETHER "    outliers: {enabled: false}\n" // nobody is set aside
#define STALL_MS 2000
#define SLOW_MS 1000
#define ASIDE_NS (60 * NS_PER_SECOND)

struct crew { // visitors who ask for what nobody keeps, each at his own pace
    unsigned visitors, each;
    struct sim_request *requests;
    struct sim_answer *answers;
    struct sim_visit *visits;
};

static void crew_run(struct task *task, struct sim_run *run, struct crew *crew, const char *prefix,
    unsigned allow)
{
    size_t count = (size_t)crew->visitors * crew->each;
    crew->requests = sim_alloc(count * sizeof(*crew->requests));
    crew->answers = sim_alloc(count * sizeof(*crew->answers));
    crew->visits = sim_alloc(crew->visitors * sizeof(*crew->visits));
    for (size_t i = 0; i < count; i++) {
        crew->requests[i].client = (unsigned)(i / crew->each);
        crew->requests[i].allow = allow;
        snprintf(crew->requests[i].path, sizeof(crew->requests[i].path), "%s%zu", prefix, i);
    }
    for (unsigned i = 0; i < crew->visitors; i++) {
        crew->visits[i] = (struct sim_visit){.run = run,
            .requests = crew->requests + (size_t)i * crew->each, .count = crew->each,
            .answers = crew->answers + (size_t)i * crew->each, .think_ms = 500};
        crew->visits[i].start_ms = sim_between_values(run, 0, 500);
    }
    sim_visits_run(task, run, crew->visits, crew->visitors);
}

static unsigned crew_slow(const struct crew *crew)
{
    unsigned slow = 0;
    for (size_t i = 0; i < (size_t)crew->visitors * crew->each; i++)
        slow += crew->answers[i].head_ns - crew->answers[i].sent_ns > SLOW_MS * NS_PER_MS;
    return slow;
}

static void crew_free(struct crew *crew)
{
    free(crew->requests);
    free(crew->answers);
    free(crew->visits);
}

#define HTTP2 "    http2: prior_knowledge\n"

static void begin_three(struct task *task, struct sim_run *run, const char *site,
    struct sim_origin *origins[3])
{
    char settings[512];
    bool http2 = random_chance(sim_random(run), 1, 3);
    snprintf(settings, sizeof(settings), "%s" TOGETHER "%s%s", THREE_BACKENDS, http2 ? HTTP2 : "",
        site);
    origins[0] = sim_begin(task, run, settings);
    origins[1] = sim_origin_start(run, SIM_SECOND_ORIGIN);
    origins[2] = sim_origin_start(run, SIM_THIRD_ORIGIN);
    for (unsigned i = 0; i < 3; i++) {
        origins[i]->spread_ms = 5;
        origins[i]->http2 = http2;
    }
}

// One of three answers one request in five with an error, after a stall: hardly anybody notices,
// and the origin gets at most a tenth more than visitors ask for. In turn, it is one in ten, for
// nothing keeps requests away from it then, and hedges are bounded.
static void one_of_three(struct task *task, struct sim_run *run)
{
    struct sim_origin *origins[3];
    struct crew before = {.visitors = 40, .each = 5}, during = {.visitors = 30, .each = 50};
    bool in_turn = random_chance(sim_random(run), 1, 2);
    begin_three(task, run, in_turn ? "    balance: round_robin\n" SIM_SITE : SIM_SITE, origins);
    crew_run(task, run, &before, "/api/before", 0);
    sim_expect(run, crew_slow(&before) == 0);
    struct sim_origin *sick = origins[random_below(sim_random(run), 3)];
    uint64_t requests = origins[0]->requests + origins[1]->requests + origins[2]->requests;
    sim_origin_set(sick, (struct sim_fault){.kind = SIM_FAULT_STATUS, .status = 503,
        .permille = in_turn ? 100 : 200, .delay_ms = STALL_MS});
    crew_run(task, run, &during, "/api/during", SIM_ALLOW_ERROR);
    requests = origins[0]->requests + origins[1]->requests + origins[2]->requests - requests;
    unsigned asked = during.visitors * during.each, slow = crew_slow(&during);
    if (slow > asked / 100) // in turn, without a second attempt, one in thirty
        sim_fail(run, "%u of %u waited for more than %u ms, although two were well", slow, asked,
            SLOW_MS);
    if (requests > asked + asked / 10)
        sim_fail(run, "%u asked for made %" PRIu64 " requests", asked, requests);
    sim_expect(run, run->errors == 0 && sick->faults > 20);
    crew_free(&before);
    crew_free(&during);
}

// One of two answers every second request with a 500, and the site is so quiet that its budget for
// extra attempts is soon spent: the other one, which is well, is asked nevertheless.
static void half_broken_quietly(struct task *task, struct sim_run *run)
{
    struct sim_origin *origins[2];
    struct crew crew = {.visitors = 2, .each = 30};
    origins[0] = sim_begin(task, run, SIM_TWO_BACKENDS TOGETHER SIM_SITE);
    origins[1] = sim_origin_start(run, SIM_SECOND_ORIGIN);
    sim_origin_set(origins[random_below(sim_random(run), 2)], (struct sim_fault){
        .kind = SIM_FAULT_STATUS, .status = 500, .permille = 500});
    crew_run(task, run, &crew, "/api/", 0);
    sim_expect(run, run->errors == 0 && origins[0]->faults + origins[1]->faults > 4);
    crew_free(&crew);
}

// So many equal backends.
static void begin_equal(struct task *task, struct sim_run *run, unsigned count, bool http2,
    struct sim_origin *origins[4])
{
    static const char *const hosts[4] = {SIM_ORIGIN, SIM_SECOND_ORIGIN, SIM_THIRD_ORIGIN,
        "10.0.0.4"};
    char settings[512];
    snprintf(settings, sizeof(settings), "origins:\n  main:\n    backends: [http://10.0.0.1, "
        "http://10.0.0.2%s]\n%s" SIM_SITE, count == 4 ? ", http://10.0.0.3, http://10.0.0.4" : "",
        http2 ? HTTP2 : "");
    origins[0] = sim_begin(task, run, settings);
    for (unsigned i = 1; i < count; i++)
        origins[i] = sim_origin_start(run, hosts[i]);
    for (unsigned i = 0; i < count; i++) {
        origins[i]->spread_ms = 5;
        origins[i]->http2 = http2;
    }
}

static uint64_t requests_of(struct sim_origin *const *origins, unsigned count)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum += origins[i]->requests;
    return sum;
}

// One of two or of four answers every second request with a 500, or every fifth with a 503 after
// two seconds: nobody sees an error, few wait, and in the first case it is hardly asked any more
// within seconds. When it is well again it gets its share back.
static void one_half_broken(struct task *task, struct sim_run *run, unsigned count)
{
    static const struct sim_fault faults[] = {
        {.kind = SIM_FAULT_STATUS, .status = 500, .permille = 500},
        {.kind = SIM_FAULT_STATUS, .status = 503, .permille = 200, .delay_ms = STALL_MS},
    };
    struct sim_origin *origins[4];
    struct crew before = {.visitors = 20, .each = 10}, learning = {.visitors = 20, .each = 100},
        known = {.visitors = 20, .each = 60}, after = {.visitors = 20, .each = 60};
    begin_equal(task, run, count, false, origins);
    crew_run(task, run, &before, "/api/before", 0);
    struct sim_origin *bad = origins[random_below(sim_random(run), count)];
    size_t fault = random_below(sim_random(run), ARRAY_SIZE(faults));
    sim_origin_set(bad, faults[fault]);
    crew_run(task, run, &learning, "/api/learning", 0);
    uint64_t of_bad = bad->requests;
    crew_run(task, run, &known, "/api/known", 0);
    of_bad = bad->requests - of_bad;
    unsigned asked = known.visitors * known.each, slow = crew_slow(&known);
    // But for canaries. Of what stalls it takes longer to be certain: only a part of it tells.
    if (fault == 0 && of_bad > asked / count / 3)
        sim_fail(run, "%" PRIu64 " of %u went to the backend that is known to be bad", of_bad,
            asked);
    if (slow > asked / 100)
        sim_fail(run, "%u of %u waited for more than %u ms", slow, asked, SLOW_MS);
    sim_expect(run, run->errors == 0);
    sim_origin_set(bad, (struct sim_fault){.kind = SIM_FAULT_NONE});
    for (unsigned i = 0; i < 250; i++) { // the canaries of a pause that was doubled a few times
        char path[32];
        snprintf(path, sizeof(path), "/api/between%u", i);
        sim_expect(run, sim_get(task, run, path).status == 200);
        sim_sleep_ms(task, 2000);
    }
    sim_sleep_ms(task, 12000); // slow start
    of_bad = bad->requests;
    crew_run(task, run, &after, "/api/after", 0);
    if (bad->requests - of_bad < asked / count / 4)
        sim_fail(run, "%" PRIu64 " of %u went to the backend that is well again",
            bad->requests - of_bad, asked);
    crew_free(&before);
    crew_free(&learning);
    crew_free(&known);
    crew_free(&after);
}

static void one_of_two_half_broken(struct task *task, struct sim_run *run)
{
    one_half_broken(task, run, 2);
}

static void one_of_four_half_broken(struct task *task, struct sim_run *run)
{
    one_half_broken(task, run, 4);
}

struct watch { // of one backend: when it was set aside
    struct sim_run *run;
    size_t backend;
    bool is_over;
    uint64_t aside_ns; // 0: it was not
};

static void watch_main(struct task *task, void *argument)
{
    struct watch *watch = argument;
    struct origin *origin = origin_find(edge_origins(sim_edge_of(watch->run)), SLICE("main"));
    while (!watch->is_over && watch->aside_ns == 0) {
        struct backend_view views[4];
        origin_read_backends(origin, views, ARRAY_SIZE(views));
        if (views[watch->backend].set_aside)
            watch->aside_ns = task_now_ns(task);
        sim_sleep_ms(task, 50);
    }
    origin_release(origin);
}

// One of two or of four stalls at every fifth request and then says 503, with 40 requests a second:
// nobody sees an error and hardly anybody waits, whether it has been set aside or not. It is within
// a minute, although most of what stalls is overtaken.
static void stalls(struct task *task, struct sim_run *run, bool http2)
{
    struct sim_origin *origins[4];
    struct scope scope;
    unsigned count = random_chance(sim_random(run), 1, 2) ? 2 : 4;
    struct crew before = {.visitors = 20, .each = 10}, during = {.visitors = 20, .each = 120};
    struct watch watch = {.run = run, .backend = random_below(sim_random(run), count)};
    begin_equal(task, run, count, http2, origins);
    crew_run(task, run, &before, "/api/before", 0);
    sim_origin_set(origins[watch.backend], (struct sim_fault){.kind = SIM_FAULT_STATUS,
        .status = 503, .permille = 200, .delay_ms = STALL_MS});
    uint64_t start_ns = task_now_ns(task);
    scope_open(&scope);
    sim_start(run, &scope, watch_main, &watch);
    crew_run(task, run, &during, "/api/during", SIM_ALLOW_ERROR);
    watch.is_over = true;
    enum error error = scope_join(task, &scope, sim_in_ms(task, 1000));
    scope_close(task, &scope);
    sim_expect(run, error == ERROR_NONE);
    unsigned asked = during.visitors * during.each, slow = crew_slow(&during);
    if (slow > asked / 100)
        sim_fail(run, "%u of %u waited for more than %u ms", slow, asked, SLOW_MS);
    if (watch.aside_ns == 0 || watch.aside_ns > start_ns + ASIDE_NS)
        sim_fail(run, "not set aside within %u s", (unsigned)(ASIDE_NS / NS_PER_SECOND));
    sim_expect(run, run->errors == 0);
    crew_free(&before);
    crew_free(&during);
}

static void stalls_unnoticed(struct task *task, struct sim_run *run)
{
    stalls(task, run, false);
}

static void stalls_unnoticed_http2(struct task *task, struct sim_run *run)
{
    stalls(task, run, true);
}

// All of them answer one request in five with an error, alike: they are all asked.
static void alike_bad(struct task *task, struct sim_run *run)
{
    struct sim_origin *origins[4];
    struct crew crew = {.visitors = 20, .each = 100};
    begin_equal(task, run, 4, false, origins);
    for (unsigned i = 0; i < 4; i++)
        sim_origin_set(origins[i], (struct sim_fault){.kind = SIM_FAULT_STATUS, .status = 500,
            .permille = 200});
    crew_run(task, run, &crew, "/api/", SIM_ALLOW_ERROR);
    unsigned asked = 0;
    for (unsigned i = 0; i < 4; i++)
        asked += origins[i]->requests > requests_of(origins, 4) / 8;
    sim_expect(run, asked >= 3); // once in a while chance makes one of them look worse
    crew_free(&crew);
}

// Nobody answers, and nobody waits for that to change: extra attempts are hardly more than those
// that are always allowed.
static void all_down(struct task *task, struct sim_run *run)
{
    static const enum sim_fault_kind kinds[] = {SIM_FAULT_BEFORE_HEAD, SIM_FAULT_STATUS};
    struct sim_origin *origins[3];
    struct crew crew = {.visitors = 100, .each = 5};
    begin_three(task, run, SIM_SITE "    lifelines: {hold: {enabled: false}}\n", origins);
    enum sim_fault_kind kind = kinds[random_below(sim_random(run), ARRAY_SIZE(kinds))];
    for (unsigned i = 0; i < 3; i++)
        sim_origin_set(origins[i], (struct sim_fault){.kind = kind, .how = SIM_HOW_RESET,
            .status = 503});
    uint64_t start_ns = task_now_ns(task);
    crew_run(task, run, &crew, "/api/", SIM_ALLOW_ERROR | SIM_ALLOW_CUT);
    uint64_t took_s = (task_now_ns(task) - start_ns) / NS_PER_SECOND;
    uint64_t requests = origins[0]->requests + origins[1]->requests + origins[2]->requests;
    unsigned asked = crew.visitors * crew.each;
    sim_expect(run, requests >= asked * 9 / 10); // what is reset may not have been read
    if (requests > asked + 3 * (took_s / 5 + 2))
        sim_fail(run, "%u asked for made %" PRIu64 " requests within %" PRIu64 " s", asked,
            requests, took_s);
    crew_free(&crew);
}

#define HUNG 5

// Something between has forgotten the connections that are kept: what is asked on them goes
// nowhere. With one backend, too, the visitor hardly waits.
static void kept_hang(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    struct crew crew = {.visitors = 5, .each = 10};
    crew_run(task, run, &crew, "/api/before", 0);
    sim_origin_set(origin, (struct sim_fault){.kind = SIM_FAULT_BEFORE_HEAD,
        .how = SIM_HOW_STALL, .kept_only = true});
    for (unsigned i = 0; i < HUNG; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/api/hung%u", i);
        struct sim_answer answer = sim_get(task, run, path);
        uint64_t waited_ms = (answer.head_ns - answer.sent_ns) / NS_PER_MS;
        if (answer.status != 200 || waited_ms > 2100)
            sim_fail(run, "%s: %u after %" PRIu64 " ms", path, answer.status, waited_ms);
        sim_sleep_ms(task, sim_between_values(run, 11000, 20000)); // the share of a quiet site
    }
    sim_expect(run, origin->faults > 0);
    crew_free(&crew);
}

#define RACERS 40
#define ROUNDS 3

struct racer {
    struct sim_run *run;
    unsigned number;
};

// Leaves a kept connection behind, and writes when the origin is about to close it.
static void race_main(struct task *task, void *argument)
{
    struct racer *racer = argument;
    struct sim_run *run = racer->run;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct sim_request read = {.client = racer->number}, write = {.client = racer->number,
            .method = "POST", .path = "/post/edge", .upload_id = 1 + racer->number * 100 + i};
        snprintf(read.path, sizeof(read.path), "/api/%u-%u", racer->number, i);
        write.upload_size = random_below(sim_random(run), 3000);
        struct sim_answer answer = sim_ask(task, run, &read);
        sim_expect(run, answer.status == 200);
        uint64_t due_us = sim_between_values(run, 4990000, 5010000);
        enum error error = task_sleep_until(task, task_now_ns(task) + due_us * 1000);
        if (error != ERROR_NONE)
            return;
        answer = sim_ask(task, run, &write);
        sim_expect(run, answer.status == 200);
    }
}

static void writes_at_the_edge(struct task *task, struct sim_run *run)
{
    bool http2 = random_chance(sim_random(run), 1, 3);
    struct sim_origin *origin = sim_begin(task, run,
        http2 ? SIM_ONE_BACKEND HTTP2 SIM_SITE : SIM_ONE_BACKEND SIM_SITE);
    struct racer racers[RACERS];
    struct scope scope;
    origin->http2 = http2;
    origin->idle_ms = 4990;
    origin->idle_spread_ms = 20;
    sim_host_latency(run->world, SIM_ORIGIN, sim_between_values(run, 1000, 10000), 100);
    scope_open(&scope);
    for (unsigned i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){run, i};
        sim_start(run, &scope, race_main, &racers[i]);
    }
    enum error error = scope_join(task, &scope, sim_in_ms(task, 3600000));
    scope_close(task, &scope);
    sim_expect(run, error == ERROR_NONE && run->errors == 0);
    unsigned arrived = 0;
    LIST_FOREACH (link, &run->site.uploads)
        arrived += LIST_ENTRY(link, struct sim_upload, link)->complete;
    sim_expect(run, arrived == RACERS * ROUNDS); // and none twice, as always
}

#define KEYED_SITE                                                                                 \
    "    retry: {floor: 100, attempts: 6}\nsites:\n  - origin: main\n    rules:\n"                 \
    "      - {path: /post/*, idempotency_key: honoured}\n"
#define WRITERS 20

// One connection in ten dies after a write has arrived. Those with a key are sent again, and
// happen once; nobody sees anything of it.
static void keyed_writes(struct task *task, struct sim_run *run)
{
    struct sim_origin *origins[2];
    struct sim_request requests[WRITERS];
    struct sim_visit visits[WRITERS];
    char keys[WRITERS][48];
    memset(requests, 0, sizeof(requests));
    memset(visits, 0, sizeof(visits));
    origins[0] = sim_begin(task, run, SIM_TWO_BACKENDS KEYED_SITE);
    origins[1] = sim_origin_start(run, SIM_SECOND_ORIGIN);
    for (unsigned i = 0; i < 2; i++) {
        origins[i]->honours_keys = true;
        sim_origin_set(origins[i], (struct sim_fault){.kind = SIM_FAULT_BEFORE_HEAD,
            .how = SIM_HOW_ANY, .permille = 100});
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        snprintf(keys[i], sizeof(keys[i]), "Idempotency-Key: \"order-%u\"\r\n", i);
        requests[i] = (struct sim_request){.method = i % 4 == 0 ? "PATCH" : "POST", .client = i,
            .path = "/post/order", .fields = keys[i], .upload_id = 1 + i,
            .upload_chunked = i % 2 == 0};
        requests[i].upload_size = random_below(sim_random(run), i % 3 == 0 ? 60000 : 3000);
        visits[i] = (struct sim_visit){.run = run, .requests = &requests[i], .count = 1};
        visits[i].start_ms = sim_between_values(run, 0, 2000);
        visits[i].http2 = random_chance(sim_random(run), 1, 3);
    }
    sim_visits_run(task, run, visits, WRITERS);
    sim_expect(run, run->errors == 0 && run->answers == WRITERS);
    LIST_FOREACH (link, &run->site.uploads)
        sim_expect(run, LIST_ENTRY(link, struct sim_upload, link)->complete >= 1);
}

static const struct sim_scenario scenarios[] = {
    {"one_of_three_stalls", one_of_three, 0,
        "one of three backends stalls and fails on one request in five: others are asked in time"},
    {"half_broken_quietly", half_broken_quietly, 0,
        "one of two fails at every second request of a quiet site: the other one is asked"},
    {"one_of_two_half_broken", one_of_two_half_broken, 0,
        "one of two answers much worse than the other: it is set aside, and comes back"},
    {"one_of_four_half_broken", one_of_four_half_broken, 0, "the same of four"},
    {"stalls_unnoticed", stalls_unnoticed, 0,
        "one of two or four stalls and fails at every fifth request: nobody sees it"},
    {"stalls_unnoticed_http2", stalls_unnoticed_http2, 0, "the same over HTTP/2"},
    {"backends_alike_bad", alike_bad, 0, "all answer equally badly: all are asked"},
    {"all_backends_down", all_down, 0, "nobody answers: hardly any extra attempt is made"},
    {"kept_connections_hang", kept_hang, 0,
        "what is asked on a kept connection goes nowhere: it is asked again over a fresh one"},
    {"writes_at_the_keepalive_edge", writes_at_the_edge, 0,
        "the origin closes kept connections after 5 s, writes come just then: each arrives once"},
    {"keyed_writes", keyed_writes, 0,
        "connections die under writes with an Idempotency-Key, which are sent again and done once"},
};

const struct sim_group sim_attempt_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
