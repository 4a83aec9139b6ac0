// Which page is whose. Where there is no status page, programs alone are answered, about the site
// whose host they ask; everything else is the edge's own affair.
#include "watch/machine/machine.h"
#include "watch/page/status_page.h"
#include "watch/visit.h"
#include "watch/watch_inside.h"
#include "http/form.h"

static bool is_for_programs(struct slice name)
{
    return slice_starts_with(name, SLICE("api/v2/")) || slice_starts_with(name, SLICE("badge"))
        || slice_equal(name, SLICE("feed.atom")) || slice_equal(name, SLICE("calendar.ics"));
}

static void say(struct edge_page *page, unsigned status, const char *fields, struct slice says)
{
    *page = (struct edge_page){.status = status, .content = says,
        .content_type = SLICE("text/plain; charset=utf-8"), .fields = slice_from_string(fields)};
}

// base + "push/TOKEN" and "push/TOKEN/fail", by GET, HEAD or POST: what cron jobs can send.
static void serve_push(const struct core *core, const struct visit *visit, struct edge_page *page)
{
    struct slice token = slice_of(visit->name.data + 5, visit->name.size - 5);
    bool is_well = !slice_ends_with(token, SLICE("/fail"));
    if (!is_well)
        token.size -= 5;
    if (core->prober != NULL && prober_push(core->prober, token, is_well, visit->now_ms))
        say(page, 200, "", SLICE("ok\n"));
    else
        say(page, 404, "", SLICE("No monitor has that token.\n"));
}

static void write_token(void *context, struct slice component, int64_t now_ms, struct text *token)
{
    reports_write_page_token(context, component, now_ms, token);
}

// What stands in the status page's frame has its policy, too.
static bool dress(const struct visit *visit, struct edge_page *page)
{
    char buffer[1024];
    struct text policy = text_in(buffer, sizeof(buffer));
    status_page_security_policy(visit->snapshot, &policy);
    page->policy = arena_copy(visit->request->arena, text_slice(&policy));
    return true;
}

// On a site's host, whatever the site's pages run could act as the operator who logs in there.
static bool is_place_of_operators(const struct core *core, const struct visit *visit)
{
    return core->host_count == 0 || visit->request->has_own_host;
}

static bool serve_page(struct task *task, struct core *core, const struct visit *visit,
    struct edge_page *page)
{
    struct watch *watch = visit->watch;
    if (machine_serve(task, visit, page)) {
        visit_encode(task, visit, page);
        return true;
    }
    if (core->reports != NULL && reports_serve(task, core->reports, visit, page))
        return true;
    if (watch->courier != NULL && courier_serve(task, watch->courier, visit, page))
        return dress(visit, page);
    bool has_operators = watch->operators != NULL && is_place_of_operators(core, visit);
    if (has_operators && operators_serve(task, watch->operators, visit, page))
        return true;
    const struct status_page_offers offers = {.database = watch->database,
        .reports = core->reports != NULL, .subscribe = core->subscribe,
        .operators = has_operators,
        .write_token = core->reports == NULL ? NULL : write_token, .context = core->reports};
    if (!status_page_serve(task, watch->shelf, visit, &offers, page))
        return false;
    visit_encode(task, visit, page);
    return true;
}

// What only the host's own site may be told of.
static bool serve_programs(struct task *task, struct core *core, struct visit *visit,
    struct edge_page *page)
{
    struct slice site;
    uint32_t component = COMPONENT_NONE;
    if (edge_page_site_name(visit->request, &site))
        component = world_find(core->world, site);
    if (component == COMPONENT_NONE)
        return false;
    struct snapshot *narrow = snapshot_narrow(visit->snapshot, component);
    if (narrow == NULL) {
        say(page, 503, "Retry-After: 10\r\n", SLICE("The edge is out of memory.\n"));
        return true;
    }
    visit->snapshot = narrow;
    bool is_served = machine_serve(task, visit, page);
    if (is_served)
        visit_encode(task, visit, page);
    snapshot_release(narrow);
    return is_served;
}

struct look {
    struct world *world;
    int64_t now_ms;
    struct snapshot *snapshot;
};

static void look(void *argument)
{
    struct look *look = argument;
    look->snapshot = world_snapshot(look->world, look->now_ms);
}

// What takes milliseconds must not be made in a loop's thread.
static struct snapshot *take_snapshot(struct task *task, const struct core *core,
    const struct visit *visit)
{
    struct look wanted = {.world = core->world, .now_ms = visit->now_ms};
    if (core->is_large)
        return visit_run(task, visit, look, &wanted) == ERROR_NONE ? wanted.snapshot : NULL;
    look(&wanted);
    return wanted.snapshot;
}

// What needs none of what is shown.
static bool serve_blind(struct core *core, const struct visit *visit, struct edge_page *page)
{
    if (!core->has_page)
        return false;
    if (slice_equal(visit->name, SLICE("events")))
        stream_serve(visit, core, page);
    else if (slice_starts_with(visit->name, SLICE("push/")))
        serve_push(core, visit, page);
    else
        return false;
    return true;
}

static bool serve(struct task *task, struct core *core, struct visit *visit,
    struct edge_page *page)
{
    if (serve_blind(core, visit, page))
        return true;
    visit->moment = stream_moment(visit->watch); // what changes from here on may not be shown
    struct snapshot *snapshot = take_snapshot(task, core, visit);
    if (snapshot == NULL) {
        say(page, 503, "Retry-After: 10\r\n", SLICE("The edge is out of memory.\n"));
        return true;
    }
    visit->snapshot = snapshot;
    const struct http_field *accept = http_fields_find_text(visit->request->fields,
        SLICE("accept-language"));
    struct slice wanted = SLICE_EMPTY;
    if (visit->request->query.data != NULL)
        wanted = visit_form_value(visit, visit->request->query, SLICE("lang"));
    visit->language = status_page_language(accept == NULL ? SLICE_EMPTY : accept->value, wanted,
        snapshot->brand.language);
    bool is_served = core->has_page ? serve_page(task, core, visit, page)
                                    : serve_programs(task, core, visit, page);
    snapshot_release(snapshot);
    return is_served;
}

// Pages leave it at 0, which is some lifeline's.
static void count(struct edge_page *page)
{
    page->count = page->more != NULL ? LEDGER_STATUS_STREAMS
        : page->status >= 400        ? LEDGER_STATUS_REFUSED
                                     : LEDGER_STATUS_PAGES;
}

// Names of sites have what URLs encode: "*", ":". What is no encoding is taken as it stands.
static struct slice decoded(struct arena *arena, struct slice name)
{
    if (!slice_contains(name, '%'))
        return name;
    char *buffer = arena_alloc(arena, name.size);
    struct text text = text_in(buffer, buffer == NULL ? 0 : name.size);
    return form_decode(name, false, &text) ? text_slice(&text) : name;
}

bool watch_serve_page(struct task *task, void *context, const struct edge_page_request *request,
    struct edge_page *ret_page)
{
    struct watch *watch = context;
    struct core *core = watch_hold(watch);
    struct visit visit = {.request = request, .watch = watch, .world = core->world,
        .base = request->prefix, .name = request->name, .now_ms = task_loop(task)->wall_ms};
    visit.home = request->has_own_host
        ? SLICE("/") : arena_printf(request->arena, "%.*sstatus", SLICE_ARGS(request->prefix));
    visit.name = decoded(request->arena, visit.name);
    if (slice_equal(visit.name, SLICE("status")))
        visit.name = SLICE("");
    else if (visit.name.size == 0 && !request->has_own_host)
        visit.name = SLICE("/"); // no page of that name
    bool is_served = visit.home.data != NULL
        && (core->has_page || is_for_programs(visit.name))
        && serve(task, core, &visit, ret_page);
    core_release(core);
    if (is_served)
        count(ret_page);
    return is_served;
}

bool watch_owns_host(void *context, struct slice host)
{
    struct watch *watch = context;
    struct core *core = watch_hold(watch);
    bool is_own = false;
    for (size_t i = 0; i < core->host_count && !is_own; i++)
        is_own = slice_equal_nocase(core->hosts[i], host)
            || slice_equal(core->hosts[i], SLICE("*"));
    core_release(core);
    return is_own;
}

void watch_report_token(void *context, struct slice request_id, struct slice site, int64_t now_ms,
    struct text *ret_token)
{
    struct core *core = watch_hold(context);
    if (core->reports != NULL)
        reports_write_token(core->reports, request_id, site, now_ms, ret_token);
    core_release(core);
}

int64_t watch_expected_ms(void *context, struct slice site)
{
    struct core *core = watch_hold(context);
    uint32_t component = world_find(core->world, site);
    int64_t expected_ms = component == COMPONENT_NONE ? 0 : world_eta_ms(core->world, component);
    core_release(core);
    return expected_ms;
}
