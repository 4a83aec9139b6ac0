// One answer for many: when it is fetched once, when it must not be shared, and what replaces it.
#include "sim/scenarios/common.h"

#include <stdlib.h>

#define HERD 40

struct herd {
    struct sim_request requests[HERD];
    struct sim_visit visits[HERD];
    struct sim_answer answers[HERD];
};

// HERD visitors ask for the same path within spread_ms. Returns how many requests that made at the
// origin, and when the last of them had its answer.
static uint64_t stampede(struct task *task, struct sim_run *run, const char *path,
    uint64_t spread_ms, uint64_t *ret_took_ms)
{
    struct herd *herd = sim_alloc(sizeof(*herd));
    struct sim_path *record = sim_site_path(&run->site, slice_from_string(path), SLICE(""));
    uint64_t before = record->requests, start_ns = task_now_ns(task);
    for (unsigned i = 0; i < HERD; i++) {
        herd->requests[i].client = i;
        snprintf(herd->requests[i].path, sizeof(herd->requests[i].path), "%s", path);
        herd->visits[i] = (struct sim_visit){.run = run, .requests = &herd->requests[i], .count = 1,
            .answers = &herd->answers[i],
            .start_ms = spread_ms == 0 ? 0 : random_below(sim_random(run), spread_ms)};
    }
    sim_visits_run(task, run, herd->visits, HERD);
    *ret_took_ms = (task_now_ns(task) - start_ns) / NS_PER_MS;
    for (unsigned i = 0; i < HERD; i++)
        sim_expect(run, herd->answers[i].status == 200 && herd->answers[i].error == ERROR_NONE);
    free(herd);
    return record->requests - before;
}

static void herd_on_cold(struct task *task, struct sim_run *run)
{
    static const char *const paths[] = {
        "/static/new", "/page/new", "/big/new", "/bare/new", "/lang/new"};
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    uint64_t took_ms;
    origin->delay_ms = sim_between_values(run, 100, 900);
    origin->chunk_delay_ms = sim_between_values(run, 0, 5);
    const char *path = paths[random_below(sim_random(run), ARRAY_SIZE(paths))];
    uint64_t fetches = stampede(task, run, path, sim_between_values(run, 0, 90), &took_ms);
    if (fetches != 1)
        sim_fail(run, "%s: %" PRIu64 " fetches for a herd of %d", path, fetches, HERD);
}

static void herd_on_expired(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    uint64_t took_ms;
    sim_get(task, run, "/soon/herd");
    sim_sleep_ms(task, sim_between_values(run, 4000, 60000));
    origin->delay_ms = sim_between_values(run, 100, 900);
    uint64_t fetches = stampede(task, run, "/soon/herd", sim_between_values(run, 0, 90), &took_ms);
    if (fetches != 1)
        sim_fail(run, "%" PRIu64 " fetches for a herd of %d on an expired page", fetches, HERD);
}

// Behind a stale-while-revalidate window nobody waits, and one fetch refreshes.
static void herd_while_revalidating(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    uint64_t took_ms;
    sim_get(task, run, "/swr/herd");
    sim_sleep_ms(task, sim_between_values(run, 2500, 25000));
    origin->delay_ms = 5000;
    uint64_t fetches = stampede(task, run, "/swr/herd", 50, &took_ms);
    sim_expect(run, fetches == 1);
    sim_expect(run, took_ms < 1000);
}

// Not shareable: everybody has his own fetch, and nobody waits for anybody's.
static void uncacheable_herd(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    uint64_t took_ms;
    origin->delay_ms = 300;
    uint64_t fetches = stampede(task, run, "/api/herd", sim_between_values(run, 0, 50), &took_ms);
    sim_expect(run, fetches == HERD);
    if (took_ms > 3 * 300)
        sim_fail(
            run, "a herd on an uncacheable page took %" PRIu64 " ms, one fetch takes 300", took_ms);
    fetches = stampede(task, run, "/api/herd", 50, &took_ms);
    sim_expect(run, fetches == HERD);
    if (took_ms > 2 * 300)
        sim_fail(run, "known to be uncacheable, and took %" PRIu64 " ms all the same", took_ms);
}

static void plan_languages(struct sim_run *run, struct sim_request *request)
{
    static const char *const languages[] = {"de", "en", "fr", "it", NULL};
    struct random *random = sim_random(run);
    snprintf(request->path, sizeof(request->path), "/lang/%" PRIu64, random_below(random, 3));
    request->language = languages[random_below(random, ARRAY_SIZE(languages))];
    if (random_chance(random, 1, 10))
        request->method = "HEAD";
}

static void vary_mix(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    origin->delay_ms = sim_between_values(run, 0, 300);
    struct sim_crowd crowd = {.clients = 20, .requests_each = 10, .over_ms = 3000, .think_ms = 500,
        .odd_permille = 200, .plan = plan_languages};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->errors == 0);
    sim_expect(run, origin->requests < 150); // variants are kept, and told apart
}

// The Vary is not known before the first answer: then each language has one fetch, while the first
// answer still grows.
static void vary_herd_on_cold(struct task *task, struct sim_run *run)
{
    static const char *const languages[] = {"de", "en", "fr", "it"};
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    struct herd *herd = sim_alloc(sizeof(*herd));
    origin->delay_ms = sim_between_values(run, 0, 300);
    origin->chunk_delay_ms = sim_between_values(run, 0, 200);
    for (unsigned i = 0; i < HERD; i++) {
        struct sim_request *request = &herd->requests[i];
        snprintf(request->path, sizeof(request->path), "/lang/new");
        request->client = i;
        request->language = languages[i % ARRAY_SIZE(languages)];
        herd->visits[i] = (struct sim_visit){.run = run, .requests = request, .count = 1,
            .start_ms = random_below(sim_random(run), 400)};
    }
    sim_visits_run(task, run, herd->visits, HERD);
    sim_expect(run, run->errors == 0 && run->cut == 0);
    if (origin->requests != ARRAY_SIZE(languages))
        sim_fail(run, "%" PRIu64 " fetches for %zu languages", origin->requests,
            ARRAY_SIZE(languages));
    free(herd);
}

// Pages that are one visitor's own in every way that RFC 9111 knows.
static void plan_private(struct sim_run *run, struct sim_request *request)
{
    struct random *random = sim_random(run);
    switch (random_below(random, 5)) {
    case 0:
        snprintf(request->path, sizeof(request->path), "/me/x");
        break;
    case 1: // storable by its fields, but not with Authorization (section 3.5)
        snprintf(request->path, sizeof(request->path), "/authorized/x");
        request->fields = "Authorization: Basic Zm9vOmJhcg==\r\n";
        break;
    case 2: // without explicit freshness, to a request with a cookie
        snprintf(request->path, sizeof(request->path), "/cookie/x");
        request->fields = "Cookie: session=1\r\n";
        break;
    case 3:
        snprintf(request->path, sizeof(request->path), "/varies/x");
        break;
    case 4:
        sim_plan_known(run, request);
        break;
    }
}

static void private_never_shared(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    sim_site_add(&run->site,
        &(struct sim_page){.prefix = "/authorized/",
            .size = 50,
            .is_private = true,
            .cache_control = "max-age=60",
            .framing = SIM_FRAMING_LENGTH});
    sim_site_add(&run->site,
        &(struct sim_page){
            .prefix = "/cookie/", .size = 50, .is_private = true, .framing = SIM_FRAMING_LENGTH});
    sim_site_add(&run->site,
        &(struct sim_page){.prefix = "/varies/",
            .size = 50,
            .is_private = true,
            .cache_control = "max-age=60",
            .framing = SIM_FRAMING_LENGTH,
            .fields = "Vary: *\r\n"});
    origin->delay_ms = sim_between_values(run, 0, 300);
    struct sim_crowd crowd = {.clients = 25, .requests_each = 8, .over_ms = 1000, .think_ms = 100,
        .odd_permille = 200, .plan = plan_private};
    sim_crowd_run(task, run, &crowd);
    sim_origin_kill(origin); // nor when all else fails
    struct sim_request requests[3] = {{.client = 77, .path = "/me/x"},
        {.client = 77, .path = "/authorized/x"},
        {.client = 77, .path = "/cookie/x", .fields = "Cookie: session=2\r\n"}};
    for (int i = 0; i < 3; i++) {
        requests[i].allow = SIM_ALLOW_ERROR;
        struct sim_answer answer = sim_ask(task, run, &requests[i]);
        sim_expect(run, answer.status >= 500);
    }
}

static void plan_ranges(struct sim_run *run, struct sim_request *request)
{
    struct random *random = sim_random(run);
    bool big = random_chance(random, 1, 4);
    snprintf(request->path, sizeof(request->path), "%s%" PRIu64, big ? "/big/" : "/static/",
        random_below(random, 3));
    if (random_chance(random, 1, 4))
        return;
    request->has_range = true;
    request->range_first = random_below(random, big ? 200000 : 90);
    request->range_last = request->range_first + random_below(random, big ? 400000 : 30000);
}

static void range_requests(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    origin->chunk_delay_ms = sim_between_values(run, 0, 10);
    struct sim_crowd crowd = {.clients = 15, .requests_each = 6, .over_ms = 2000, .think_ms = 50,
        .odd_permille = 300, .plan = plan_ranges};
    sim_crowd_run(task, run, &crowd);
    sim_expect(run, run->errors == 0);
}

static void revalidation_304(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    sim_site_add(&run->site, &(struct sim_page){.prefix = "/constant/", .size = 5000,
        .cache_control = "max-age=1", .fresh_ms = 1000, .keepable = true, .etag = SIM_ETAG_STRONG,
        .framing = SIM_FRAMING_LENGTH});
    struct sim_answer first = sim_get(task, run, "/constant/a");
    struct sim_request request = {.path = "/constant/a", .if_none_match = first.etag};
    uint64_t before = origin->requests;
    for (int i = 0; i < 5; i++) {
        sim_sleep_ms(task, 2500);
        struct sim_answer whole = sim_get(
            task, run, "/constant/a"); // the age check sees to its renewal
        sim_expect(run, whole.status == 200 && strcmp(whole.etag, first.etag) == 0);
        struct sim_answer same = sim_ask(task, run, &request);
        sim_expect(run, same.status == 304);
    }
    sim_expect(run, origin->requests - before == 5);
    sim_expect(run, origin->not_modified == 5);
    sim_site_change(&run->site);
    sim_sleep_ms(task, 2500);
    struct sim_answer changed = sim_ask(task, run, &request);
    sim_expect(run, changed.status == 200 && changed.version > first.version);
}

static void plan_purged(struct sim_run *run, struct sim_request *request)
{
    (void)run;
    snprintf(request->path, sizeof(request->path), "/static/purged");
}

struct purger {
    struct sim_run *run;
    bool hard;
};

static void purge_now(void *argument)
{
    struct purger *purger = argument;
    sim_edge_purge(purger->run, PURGE_URL, "http://www.example.org/static/purged", purger->hard);
}

// What was asked for before a purge must not be taken for the news after it.
static void purge_during_fetch(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    bool warm = random_chance(sim_random(run), 1, 2);
    if (warm)
        sim_get(task, run, "/static/purged");
    origin->delay_ms = 200;
    origin->chunk_delay_ms = 20;
    struct sim_background early;
    struct sim_request request = {.client = 5, .path = "/static/purged"};
    sim_background_start(&early, run, &(struct sim_crowd){.clients = 5, .requests_each = 1,
        .over_ms = 300, .plan = plan_purged});
    sim_sleep_ms(task, sim_between_values(run, 1, 600));
    sim_site_change(&run->site);
    struct purger purger = {run, random_chance(sim_random(run), 1, 2)};
    sim_world_between(task, purge_now, &purger);
    sim_sleep_ms(task, sim_between_values(run, 0, 50));
    request.version_least = 1000001;
    struct sim_answer answer = sim_ask(task, run, &request);
    sim_expect(run, answer.status == 200);
    sim_background_join(task, &early);
    answer = sim_ask(task, run, &request);
    sim_expect(run, answer.status == 200);
    // A soft purge leaves a copy for bad times, a hard one does not.
    sim_world_between(task, purge_now, &purger);
    sim_origin_kill(origin);
    request.version_least = 0;
    request.allow = SIM_ALLOW_ERROR;
    run->tolerant = true;
    answer = sim_ask(task, run, &request);
    sim_expect(run, purger.hard ? answer.status >= 500 : answer.status == 200);
}

// A write that succeeded makes what is held of its target suspect (RFC 9111 section 4.4).
static void write_invalidates(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    struct sim_request write = {.method = "POST", .path = "/static/form", .upload_id = 7,
        .upload_size = sim_between_values(run, 0, 9000)};
    write.upload_chunked = random_chance(sim_random(run), 1, 2);
    struct sim_answer before = sim_get(task, run, "/static/form");
    struct sim_answer hit = sim_get(task, run, "/static/form");
    sim_expect(run, hit.version == before.version && origin->requests == 1);
    sim_site_change(&run->site);
    struct sim_answer written = sim_ask(task, run, &write);
    sim_expect(run, written.status == 200);
    struct sim_answer after = sim_get(task, run, "/static/form");
    sim_expect(run, after.version > before.version);
}

static const struct sim_scenario scenarios[] = {
    {"herd_on_cold", herd_on_cold, 0, "many ask at once for a page never seen: one fetch"},
    {"herd_on_expired", herd_on_expired, 0, "many ask at once for an expired page: one fetch"},
    {"herd_while_revalidating", herd_while_revalidating, 0,
        "within the window nobody waits, one fetch"},
    {"uncacheable_herd", uncacheable_herd, 0,
        "many ask at once for what cannot be shared: no queue"},
    {"vary_mix", vary_mix, 0, "variants by Accept-Language are never mixed up"},
    {"vary_herd_on_cold", vary_herd_on_cold, 0,
        "many ask at once for a page in several languages: one fetch for each"},
    {"private_never_shared", private_never_shared, 0,
        "private, authorized, cookie and Vary: * answers"},
    {"range_requests", range_requests, 0, "ranges of cold, growing and stored content, byte-exact"},
    {"revalidation_304", revalidation_304, 0, "304 both ways renews what is held"},
    {"write_invalidates", write_invalidates, 0, "a POST makes the stored answer to GET suspect"},
    {"purge_during_fetch", purge_during_fetch, 0, "a fetch from before a purge does not undo it"},
};

const struct sim_group sim_sharing_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
