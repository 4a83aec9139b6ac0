// Contents break off, or stand still, at any byte: they are gone on with from the very byte, or
// cut, and never spliced from two.
#include "sim/scenarios/common.h"

#include "edge/edge.h"

// So that chance alone fails nobody: there is always somebody left to ask.
#define SIM_PATIENT                                                                                \
    "    retry: {floor: 1000, attempts: 10}\n"
#define SIM_PATIENT_SITE                                                                           \
    "sites:\n  - origin: main\n    lifelines: {resume: {attempts: 100, time: 10m}}\n"
#define SIM_SMALL_WINDOW "connections: {stream_window: 64KiB}\n"
#define SIM_HTTP2 "    http2: prior_knowledge\n"

static uint64_t ledger(struct sim_run *run, enum ledger_count count)
{
    return edge_read_ledger(sim_edge_of(run), count);
}

// Kept and not, with a length and in chunks, with ranges and without.
static const struct sim_page pages[] = {
    {.prefix = "/kept/", .size = 100000, .spread = 300000, .cache_control = "max-age=86400",
        .fresh_ms = 86400000, .keepable = true, .etag = SIM_ETAG_STRONG,
        .framing = SIM_FRAMING_LENGTH, .ranges = true},
    {.prefix = "/passed/", .size = 100000, .spread = 300000, .cache_control = "no-store",
        .never_stored = true, .etag = SIM_ETAG_STRONG, .framing = SIM_FRAMING_LENGTH,
        .ranges = true},
    {.prefix = "/chunks/", .size = 70000, .spread = 100000, .cache_control = "max-age=5",
        .fresh_ms = 5000, .keepable = true, .etag = SIM_ETAG_STRONG,
        .framing = SIM_FRAMING_CHUNKED, .ranges = true},
    {.prefix = "/bare-kept/", .size = 70000, .spread = 100000, .cache_control = "no-store",
        .never_stored = true, .etag = SIM_ETAG_STRONG, .framing = SIM_FRAMING_CLOSE,
        .ranges = true},
    {.prefix = "/whole/", .size = 70000, .spread = 100000, .cache_control = "no-store",
        .never_stored = true, .etag = SIM_ETAG_STRONG, .framing = SIM_FRAMING_LENGTH},
    {.prefix = "/whole-chunks/", .size = 1, .spread = 100000, .cache_control = "max-age=5",
        .fresh_ms = 5000, .keepable = true, .etag = SIM_ETAG_STRONG,
        .framing = SIM_FRAMING_CHUNKED},
};
static const char *const encodings[] = {NULL, NULL, "gzip", "gzip, br, zstd"};

static void add_pages(struct sim_run *run, uint64_t period_ms)
{
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
        sim_site_add(&run->site, &pages[i])->period_ms = period_ms;
}

static void plan_large(struct sim_run *run, struct sim_request *request)
{
    struct random *random = sim_random(run);
    const struct sim_page *page = &pages[random_below(random, ARRAY_SIZE(pages))];
    snprintf(request->path, sizeof(request->path), "%s%" PRIu64, page->prefix,
        random_below(random, 20));
    if (random_chance(random, 1, 20)) {
        request->method = "HEAD";
    } else if (page->ranges && random_chance(random, 1, 4)) {
        request->has_range = true;
        request->range_first = random_below(random, 50000);
        request->range_last = request->range_first + random_below(random, 100000);
    } else {
        request->encodings = sim_choose(run, encodings, ARRAY_SIZE(encodings));
    }
}

static void plan_large_cut(struct sim_run *run, struct sim_request *request)
{
    plan_large(run, request);
    request->allow |= SIM_ALLOW_CUT | SIM_ALLOW_ERROR | SIM_ALLOW_BROKEN;
}

static void shape_any(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    struct random *random = sim_random(run);
    visit->http2 = client % 2 == 0;
    if (visit->http2)
        visit->pipelined = 1 + (unsigned)random_below(random, 6);
    if (random_chance(random, 1, 5)) {
        visit->read_size = 1000 + (size_t)random_below(random, 20000);
        visit->pause_ms = 1 + random_below(random, 5);
    }
}

static void visit_large(struct task *task, struct sim_run *run, sim_plan *plan)
{
    struct sim_crowd crowd = {.clients = 12, .requests_each = 5, .over_ms = 20000, .think_ms = 1000,
        .plan = plan, .shape = shape_any};
    sim_crowd_run(task, run, &crowd);
}

static struct sim_fault any_cut(struct sim_run *run, unsigned permille)
{
    static const enum sim_fault_how hows[] = {SIM_HOW_END, SIM_HOW_RESET, SIM_HOW_STALL};
    struct random *random = sim_random(run);
    return (struct sim_fault){.kind = SIM_FAULT_IN_BODY, .permille = permille,
        .how = hows[random_below(random, ARRAY_SIZE(hows))]};
}

// One backend or two, of either protocol.
static struct sim_origin *begin_with(struct task *task, struct sim_run *run,
    struct sim_fault fault, uint64_t period_ms, bool small_window, const char *site)
{
    static const char *const backends[] = {SIM_ONE_BACKEND, SIM_TWO_BACKENDS};
    struct random *random = sim_random(run);
    bool two = random_chance(random, 1, 2);
    bool http2 = random_chance(random, 1, 4);
    static char settings[1024];
    snprintf(settings, sizeof(settings), "%s%s%s" SIM_PATIENT "%s",
        small_window ? SIM_SMALL_WINDOW : "", backends[two],
        http2 ? SIM_HTTP2 : "", site);
    struct sim_origin *origin = sim_begin(task, run, settings);
    struct sim_origin *second = two ? sim_origin_start(run, SIM_SECOND_ORIGIN) : origin;
    add_pages(run, period_ms);
    origin->http2 = second->http2 = http2;
    sim_origin_set(origin, fault);
    sim_origin_set(second, fault);
    return origin;
}

static struct sim_origin *begin(struct task *task, struct sim_run *run, struct sim_fault fault,
    uint64_t period_ms, const char *site)
{
    return begin_with(task, run, fault, period_ms, random_chance(sim_random(run), 1, 2), site);
}

static void go_on(struct task *task, struct sim_run *run)
{
    struct sim_fault fault = any_cut(run, (unsigned)sim_between_values(run, 100, 400));
    begin(task, run, fault, 0, SIM_PATIENT_SITE);
    visit_large(task, run, plan_large);
    sim_expect(run, run->errors == 0 && run->cut == 0);
    sim_expect(run, ledger(run, LEDGER_SAVED_RESUME) > 0);
    sim_expect(run, ledger(run, LEDGER_CONTINUATIONS) > 0);
    sim_expect(run, ledger(run, LEDGER_BROKEN_BODIES) == 0);
}

// With nothing set but the origin.
static void go_on_untuned(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = sim_begin(task, run, SIM_ONE_BACKEND SIM_SITE);
    add_pages(run, 0);
    struct sim_fault fault = any_cut(run, 100);
    fault.prefix = "/kept/";
    sim_origin_set(origin, fault);
    for (unsigned i = 0; i < 40; i++) {
        struct sim_request request = {.path = "/kept/", .client = i};
        snprintf(request.path, sizeof(request.path), "/kept/%u", i);
        struct sim_answer answer = sim_ask(task, run, &request);
        sim_expect(run, answer.status == 200);
    }
    sim_expect(run, run->cut == 0);
}

// What it is changes all the time: nothing of one version may follow another.
static void changed(struct task *task, struct sim_run *run)
{
    struct sim_fault fault = any_cut(run, (unsigned)sim_between_values(run, 300, 900));
    struct sim_origin *origin =
        begin(task, run, fault, sim_between_values(run, 1, 400), SIM_PATIENT_SITE);
    origin->chunk_delay_ms = random_below(sim_random(run), 10);
    visit_large(task, run, plan_large_cut);
}

// More is promised than there is: what the visitor was told cannot come true, and he must notice.
static void plan_promised(struct sim_run *run, struct sim_request *request)
{
    plan_large_cut(run, request);
    request->has_range = false; // its Content-Range would repeat the wrong length
}

static void promised_too_much(struct task *task, struct sim_run *run)
{
    struct sim_fault fault = {.kind = SIM_FAULT_LENGTH, .how = SIM_HOW_END, .permille = 500,
        .amount = (int64_t)sim_between_values(run, 1, 5000)};
    begin(task, run, fault, 0, SIM_PATIENT_SITE);
    visit_large(task, run, plan_promised);
}

static void lied_to(struct task *task, struct sim_run *run)
{
    struct sim_fault fault = any_cut(run, 700);
    struct sim_origin *origin = begin(task, run, fault, 0, SIM_PATIENT_SITE);
    LIST_FOREACH (link, &run->origin_list) {
        struct sim_origin *each = LIST_ENTRY(link, struct sim_origin, link);
        each->lie = 1 + (enum sim_lie)random_below(sim_random(run), SIM_LIES - 1);
    }
    visit_large(task, run, plan_large_cut);
    sim_expect(run, origin->lies > 0 || origin->ranges == 0);
}

// A weak validator says that bytes may differ, and none says nothing.
static void plan_weak(struct sim_run *run, struct sim_request *request)
{
    snprintf(request->path, sizeof(request->path), "/weak/%" PRIu64,
        random_below(sim_random(run), 20));
    request->allow |= SIM_ALLOW_CUT | SIM_ALLOW_ERROR | SIM_ALLOW_BROKEN;
}

static void weak(struct task *task, struct sim_run *run)
{
    struct sim_origin *origin = begin(task, run, any_cut(run, 500), 0, SIM_PATIENT_SITE);
    sim_site_add(&run->site, &(struct sim_page){.prefix = "/weak/", .size = 100000,
        .spread = 100000, .cache_control = "no-store", .never_stored = true, .ranges = true,
        .etag = random_chance(sim_random(run), 1, 2) ? SIM_ETAG_WEAK : SIM_ETAG_NONE,
        .framing = SIM_FRAMING_LENGTH});
    visit_large(task, run, plan_weak);
    sim_expect(run, run->cut > 0);
    sim_expect(run, origin->ranges == 0 && ledger(run, LEDGER_CONTINUATIONS) == 0);
}

// Small ones with a length break off before anybody has heard of them: they are asked for again,
// whatever their validator says.
static void plan_small(struct sim_run *run, struct sim_request *request)
{
    static const char *const prefixes[] = {"/small/", "/api/", "/me/", "/static/cold"};
    snprintf(request->path, sizeof(request->path), "%s%" PRIu64,
        sim_choose(run, prefixes, ARRAY_SIZE(prefixes)), random_below(sim_random(run), 30));
    request->encodings = sim_choose(run, encodings, ARRAY_SIZE(encodings));
}

static void small(struct task *task, struct sim_run *run)
{
    struct sim_fault fault = {.kind = SIM_FAULT_IN_BODY, .how = SIM_HOW_ANY,
        .permille = (unsigned)sim_between_values(run, 50, 250)};
    if (random_chance(sim_random(run), 1, 3))
        fault = (struct sim_fault){.kind = SIM_FAULT_LENGTH, .how = SIM_HOW_END,
            .permille = fault.permille, .amount = (int64_t)sim_between_values(run, 1, 5000)};
    struct sim_origin *origin = begin(task, run, (struct sim_fault){.kind = SIM_FAULT_NONE}, 0,
        "sites:\n  - origin: main\n    lifelines: {resume: {enabled: false}, "
        "retry: {small_wait: 60s}}\n");
    sim_site_add(&run->site, &(struct sim_page){.prefix = "/small/", .size = 1,
        .spread = 50000, .cache_control = "no-store", .never_stored = true,
        .framing = SIM_FRAMING_LENGTH});
    LIST_FOREACH (link, &run->origin_list)
        sim_origin_set(LIST_ENTRY(link, struct sim_origin, link), fault);
    visit_large(task, run, plan_small);
    sim_expect(run, run->errors == 0 && run->cut == 0);
    sim_expect(run, origin->faults == 0 || ledger(run, LEDGER_SAVED_RETRY) > 0);
    sim_expect(run, ledger(run, LEDGER_BROKEN_BODIES) == 0);
}

// Those with a strong validator are gone on with, however often they break off.
static void plan_small_strong(struct sim_run *run, struct sim_request *request)
{
    snprintf(request->path, sizeof(request->path), "/small/%" PRIu64,
        random_below(sim_random(run), 30));
    request->encodings = sim_choose(run, encodings, ARRAY_SIZE(encodings));
}

static void small_go_on(struct task *task, struct sim_run *run)
{
    begin(task, run, any_cut(run, (unsigned)sim_between_values(run, 200, 500)), 0,
        "sites:\n  - origin: main\n    lifelines: {hold: {enabled: false}, "
        "resume: {attempts: 100}}\n");
    sim_site_add(&run->site, &(struct sim_page){.prefix = "/small/", .size = 1,
        .spread = 50000, .cache_control = "no-store", .never_stored = true,
        .etag = SIM_ETAG_STRONG, .framing = SIM_FRAMING_LENGTH, .ranges = true});
    visit_large(task, run, plan_small_strong);
    sim_expect(run, run->errors == 0 && run->cut == 0);
    sim_expect(run, ledger(run, LEDGER_SAVED_RESUME) > 0);
}

// And where what is gone on with is something else by now, that is the answer: each that broke off
// cost one request more.
static void small_changed(struct task *task, struct sim_run *run)
{
    struct sim_fault fault = any_cut(run, (unsigned)sim_between_values(run, 50, 250));
    if (fault.how == SIM_HOW_STALL)
        fault.how = SIM_HOW_RESET; // of what is late, the beginning has gone out
    begin(task, run, fault, 0,
        "sites:\n  - origin: main\n    lifelines: {retry: {small_wait: 60s}}\n");
    sim_site_add(&run->site, &(struct sim_page){.prefix = "/small/", .size = 1,
        .spread = 50000, .cache_control = "no-store", .never_stored = true, .period_ms = 1,
        .etag = SIM_ETAG_STRONG, .framing = SIM_FRAMING_LENGTH, .ranges = true});
    visit_large(task, run, plan_small_strong);
    uint64_t requests = 0, broken = ledger(run, LEDGER_ORIGIN_ERRORS);
    LIST_FOREACH (link, &run->origin_list)
        requests += LIST_ENTRY(link, struct sim_origin, link)->requests;
    sim_expect(run, run->errors == 0 && run->cut == 0);
    if (requests > run->answers + broken + broken / 4 + 3)
        sim_fail(run, "%" PRIu64 " answers made %" PRIu64 " requests, and %" PRIu64 " broke off",
            run->answers, requests, broken);
}

static void plan_small_cut(struct sim_run *run, struct sim_request *request)
{
    plan_small_strong(run, request);
    request->allow |= SIM_ALLOW_CUT | SIM_ALLOW_ERROR | SIM_ALLOW_BROKEN;
}

// What goes on stands still in its turn, and by then it is something else.
static void small_stalled(struct task *task, struct sim_run *run)
{
    struct sim_fault fault = {.kind = SIM_FAULT_IN_BODY, .how = SIM_HOW_RESET,
        .permille = (unsigned)sim_between_values(run, 300, 700)};
    struct sim_origin *first = sim_begin(task, run, SIM_TWO_BACKENDS SIM_SITE);
    struct sim_origin *second = sim_origin_start(run, SIM_SECOND_ORIGIN);
    sim_origin_set(first, fault);
    fault.how = SIM_HOW_STALL;
    sim_origin_set(second, fault);
    sim_site_add(&run->site, &(struct sim_page){.prefix = "/small/", .size = 1,
        .spread = 50000, .cache_control = "no-store", .never_stored = true,
        .period_ms = sim_between_values(run, 300, 3000), .etag = SIM_ETAG_STRONG,
        .framing = SIM_FRAMING_LENGTH, .ranges = true});
    visit_large(task, run, plan_small_cut);
}

// A transfer that nobody keeps goes at the pace of its fastest reader. It stays whole itself: only
// what those who are left behind ask for by themselves breaks off.
static void plan_together(struct sim_run *run, struct sim_request *request)
{
    snprintf(request->path, sizeof(request->path), "/large/%u", request->index);
    if (random_chance(sim_random(run), 1, 4)) {
        request->has_range = true;
        request->range_first = random_below(sim_random(run), 100000);
        request->range_last = request->range_first + 600000;
    }
}

static void plan_together_cut(struct sim_run *run, struct sim_request *request)
{
    plan_together(run, request);
    request->allow |= SIM_ALLOW_CUT | SIM_ALLOW_ERROR | SIM_ALLOW_BROKEN;
}

static void shape_laggard(struct sim_run *run, unsigned client, struct sim_visit *visit)
{
    visit->http2 = random_chance(sim_random(run), 1, 2);
    if (client % 2 == 0)
        return;
    // So slowly that whoever comes after him finds the beginning still there, and overtakes him.
    visit->read_size = 3000 + (size_t)random_below(sim_random(run), 4000);
    visit->pause_ms = 20 + random_below(sim_random(run), 20);
}

static struct sim_origin *begin_together(struct task *task, struct sim_run *run,
    struct sim_fault fault, uint64_t period_ms)
{
    struct sim_origin *origin = begin_with(task, run, (struct sim_fault){.kind = SIM_FAULT_NONE}, 0,
        true, SIM_PATIENT_SITE "store: {memory: 1MB}\n");
    sim_network_window(run->world, 32768); // the backends are faster than those who lag
    sim_site_add(&run->site, &(struct sim_page){.prefix = "/large/", .size = 900000,
        .cache_control = "max-age=86400", .fresh_ms = 86400000, .etag = SIM_ETAG_STRONG,
        .framing = SIM_FRAMING_LENGTH, .ranges = true, .period_ms = period_ms});
    fault.ranges_only = true;
    LIST_FOREACH (link, &run->origin_list)
        sim_origin_set(LIST_ENTRY(link, struct sim_origin, link), fault);
    return origin;
}

static void visit_together(struct task *task, struct sim_run *run, sim_plan *plan)
{
    struct sim_crowd crowd = {.clients = 10, .requests_each = 2, .over_ms = 50, .plan = plan,
        .shape = shape_laggard};
    sim_crowd_run(task, run, &crowd);
}

static void laggards(struct task *task, struct sim_run *run)
{
    struct sim_fault fault = any_cut(run, (unsigned)sim_between_values(run, 300, 600));
    if (random_chance(sim_random(run), 1, 3))
        fault.kind = SIM_FAULT_BEFORE_HEAD;
    begin_together(task, run, fault, 0);
    visit_together(task, run, plan_together);
    sim_expect(run, run->errors == 0 && run->cut == 0);
    sim_expect(run, ledger(run, LEDGER_RANGE_RESTARTS) > 0);
}

static void laggards_changed(struct task *task, struct sim_run *run)
{
    struct sim_fault fault = any_cut(run, 400);
    if (random_chance(sim_random(run), 1, 2))
        fault = (struct sim_fault){.kind = SIM_FAULT_LENGTH, .how = SIM_HOW_END, .permille = 500,
            .amount = (int64_t)random_below(sim_random(run), 10001) - 5000};
    begin_together(task, run, fault, sim_between_values(run, 50, 5000));
    visit_together(task, run, plan_together_cut);
}

static void laggards_lied_to(struct task *task, struct sim_run *run)
{
    begin_together(task, run, any_cut(run, 300), 0);
    LIST_FOREACH (link, &run->origin_list) {
        struct sim_origin *each = LIST_ENTRY(link, struct sim_origin, link);
        each->lie = 1 + (enum sim_lie)random_below(sim_random(run), SIM_LIES - 1);
    }
    visit_together(task, run, plan_together_cut);
}

static const struct sim_scenario scenarios[] = {
    {"cut_contents_go_on", go_on, 0,
        "contents break off or stand still anywhere, again and again: byte for byte whole"},
    {"cut_contents_go_on_untuned", go_on_untuned, 0, "the same without any settings"},
    {"cut_contents_changed", changed, 0, "meanwhile it is something else: cut, never spliced"},
    {"cut_contents_promised", promised_too_much, 0, "lengths that nobody can keep: cut"},
    {"cut_contents_lied_to", lied_to, 0, "what is said to be the rest is not"},
    {"cut_small_contents", small, 0, "small answers are whole before anybody hears of them"},
    {"cut_small_contents_go_on", small_go_on, 0,
        "small answers that break off again and again cost nobody an error"},
    {"cut_small_contents_stalled", small_stalled, 0,
        "small answers that stand still again and again, and change meanwhile: nothing is lost"},
    {"cut_small_contents_changed", small_changed, 0,
        "small answers break off, and the rest is of something else: that is the answer"},
    {"cut_contents_weak", weak, 0, "without a strong validator nothing is gone on with"},
    {"cut_laggards_go_on", laggards, 0,
        "who was left behind by a large transfer gets the rest, whatever breaks off"},
    {"cut_laggards_changed", laggards_changed, 0,
        "meanwhile it is something else, or its length is wrong: cut, never spliced"},
    {"cut_laggards_lied_to", laggards_lied_to, 0, "what he is told to be the rest is not"},
};

const struct sim_group sim_cut_scenarios = {scenarios, ARRAY_SIZE(scenarios)};
