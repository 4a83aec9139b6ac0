// What goes on without visitors, all on loop 0: histograms age, backends are probed,
// their names are looked up again. See keeper_main in plan.h.
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "origin/exchange_inside.h"
#include "origin/plan.h"
#include "origin/race.h"

#define HALVING_MS 10000
#define WHOLE_HALVING 30 // every so many times
#define DOUBLINGS_MAX 20 // of the time between lookups that fail
#define ANOTHER_TRY_MS 1000 // when there was no memory or task to watch all

// One task's errand. Counted parts, so that a reload may come before its end.
struct watcher {
    struct origin *origin;
    struct origin_plan *plan;
    struct backend *backend;
    bool told_disagreement;
};

static struct health_time time_of(const struct task *task)
{
    const struct loop *loop = task_loop(task);
    return (struct health_time){loop->now_ns, loop->wall_ms};
}

static void watcher_free(struct watcher *watcher)
{
    backend_release(watcher->backend);
    origin_plan_release(watcher->plan);
    origin_release(watcher->origin);
    memory_free(watcher);
}

static enum error watcher_start(struct origins *origins, struct scope *scope, task_main *main,
    struct origin *origin, size_t index)
{
    struct watcher *watcher = memory_zero_alloc(sizeof(*watcher));
    if (watcher == NULL)
        return ERROR_MEMORY;
    watcher->origin = origin_reference(origin);
    watcher->plan = origin_plan_acquire(origin);
    watcher->backend = backend_reference(watcher->plan->backends[index]);
    enum error error = task_start(origins->seats[0].pool.loop, scope, main, watcher);
    if (error != ERROR_NONE)
        watcher_free(watcher);
    return error;
}

// Once, until they agree again: somebody has to mend either the backend or what is probed.
static void tell_disagreement(struct watcher *watcher)
{
    struct health_view view;
    health_read(&watcher->backend->health, &view);
    if (view.disagrees && !watcher->told_disagreement)
        log_write(LOG_WARNING, "origin", "probes and real traffic disagree, and traffic counts "
            "more origin=%.*s backend=%s healthy=%s why=\"%s\"",
            SLICE_ARGS(watcher->origin->name), watcher->backend->name,
            view.healthy ? "yes" : "no", view.why);
    watcher->told_disagreement = view.disagrees;
}

static void probe_once(struct task *task, struct watcher *watcher)
{
    static const struct http1_limits limits = {16384, 8192, 128, 256, 8192};
    const struct probe_settings *probe = &watcher->plan->settings.probe;
    struct exchange_request request = {
        .method = HTTP_METHOD_GET,
        .method_text = SLICE("GET"),
        .target = probe->path,
        .host = probe->host.size > 0 ? probe->host : watcher->backend->authority,
        .fields = SLICE("User-Agent: afloat-probe\r\n"),
    };
    struct exchange_way way = {
        .origin = watcher->origin,
        .plan = watcher->plan,
        .backend = watcher->backend,
        .limits = &limits,
        .timeouts = {probe->timeout_ms, probe->timeout_ms, probe->timeout_ms, probe->timeout_ms},
    };
    struct exchange *exchange;
    struct failure failure;
    char buffer[96];
    struct text why = text_in(buffer, sizeof(buffer));
    bool good = false;
    enum error error = exchange_begin(task, &way, &request, &exchange, &failure);
    if (error == ERROR_NONE) {
        unsigned status = exchange_head(exchange)->status;
        good = setting_status_set_has(&probe->expect, status);
        text_format(&why, "status %u", status);
        exchange_close(task, exchange);
    } else {
        if (failure.kind == FAILURE_CANCELLED || failure.kind == FAILURE_INTERNAL)
            return; // says nothing about the backend
        text_append(&why, slice_from_string(failure_phrase(failure.kind)));
    }
    health_report_probe(&watcher->backend->health, &watcher->plan->rules, time_of(task), good,
        text_slice(&why));
    tell_disagreement(watcher);
}

// The first probe comes at once, but not the same moment for all backends.
static void probe_main(struct task *task, void *argument)
{
    struct watcher *watcher = argument;
    struct backend *backend = watcher->backend;
    struct loop *loop = task_loop(task);
    uint64_t interval_ms = watcher->plan->settings.probe.interval_ms;
    uint64_t due_ns = loop->now_ns
        + random_below(&loop->random, MINIMUM(interval_ms, UINT64_C(500))) * NS_PER_MS;
    enum error error = ERROR_NONE;
    while (error == ERROR_NONE) {
        int64_t wait_ms = (int64_t)((due_ns - loop->now_ns) / NS_PER_MS);
        atomic_store(&backend->next_probe_ms, loop->wall_ms + wait_ms);
        error = task_sleep_until(task, due_ns);
        if (error != ERROR_NONE)
            break;
        probe_once(task, watcher);
        due_ns = MAXIMUM(due_ns + interval_ms * NS_PER_MS, loop->now_ns);
    }
    watcher_free(watcher);
}

// The answer left some addresses out. Whether the others are there is tried here, so that no
// connection that works is given up for a place where nobody is.
static void try_new_place(struct task *task, struct addresses *addresses, uint64_t deadline_ns)
{
    struct address items[IO_ADDRESSES_MAX];
    struct connection *connection;
    size_t count = addresses_copy(addresses, task_now_ns(task), items);
    if (race_connect(task, addresses, items, count, deadline_ns, &connection) != ERROR_NONE)
        return; // the next lookup tries again
    io_close(&connection->stream.socket);
    memory_free(connection);
}

// The answer's lifetime within its bounds; while there is no answer soon, then ever later.
static uint64_t lookup_wait_ms(const struct watcher *watcher, unsigned failures)
{
    const struct origin_settings *settings = &watcher->plan->settings;
    uint64_t least_ms = MINIMUM(settings->dns_refresh_min_ms, settings->dns_refresh_ms);
    uint64_t wait_ms =
        atomic_load_explicit(&watcher->backend->addresses.lifetime_ms, memory_order_relaxed);
    if (failures > 0)
        wait_ms = least_ms << MINIMUM(failures - 1, DOUBLINGS_MAX);
    return MINIMUM(MAXIMUM(wait_ms, least_ms), settings->dns_refresh_ms);
}

static void lookup_main(struct task *task, void *argument)
{
    struct watcher *watcher = argument;
    struct addresses *addresses = &watcher->backend->addresses;
    uint64_t patience_ms = watcher->plan->settings.timeouts.connect_ms;
    unsigned failures = 0;
    enum error error = ERROR_NONE;
    while (error != ERROR_CANCELLED) {
        error = addresses_ask_again(task, addresses,
            deadline_after_ms(task_loop(task), patience_ms));
        bool failed = error != ERROR_NONE && error != ERROR_BUSY && error != ERROR_CANCELLED;
        failures = failed ? failures + 1 : 0;
        if (failed)
            count_one(&watcher->origin->counters.resolve_failures);
        if (error != ERROR_CANCELLED && addresses_are_moving(addresses))
            try_new_place(task, addresses, deadline_after_ms(task_loop(task), patience_ms));
        if (error != ERROR_CANCELLED)
            error = task_sleep_until(task,
                deadline_after_ms(task_loop(task), lookup_wait_ms(watcher, failures)));
    }
    watcher_free(watcher);
}

// False if not all could be started.
static bool start_watchers(struct origins *origins, struct scope *scope)
{
    bool complete = true;
    LIST_FOREACH(link, &origins->list) {
        struct origin *origin = LIST_ENTRY(link, struct origin, link);
        const struct origin_plan *plan = origin->plan;
        for (size_t i = 0; i < plan->backend_count; i++) {
            if (plan->rules.interval_ms > 0
                && watcher_start(origins, scope, probe_main, origin, i) != ERROR_NONE)
                complete = false;
            if (!plan->backends[i]->addresses.is_numeric
                && watcher_start(origins, scope, lookup_main, origin, i) != ERROR_NONE)
                complete = false;
        }
    }
    return complete;
}

// Those of whole answers more seldom: of what is mostly answered from copies, few are fetched.
static void halve_histograms(struct origins *origins)
{
    origins->halvings++;
    LIST_FOREACH(link, &origins->list) {
        struct origin *origin = LIST_ENTRY(link, struct origin, link);
        histogram_halve(&origin->first_byte_us);
        for (size_t i = 0; i < HTTP_CONTENT_CLASSES && origins->halvings % WHOLE_HALVING == 0; i++)
            histogram_halve(&origin->whole_us[i]);
        for (size_t i = 0; i < origin->plan->backend_count; i++)
            histogram_halve(&origin->plan->backends[i]->first_byte_us);
    }
}

// List and plans are changed by this thread alone, so here they are read without their locks.
void keeper_main(struct task *task, void *argument)
{
    struct origins *origins = argument;
    struct loop *loop = task_loop(task);
    uint64_t halving_ns = deadline_after_ms(loop, HALVING_MS);
    enum error error = ERROR_NONE;
    origins->keeper = task;
    while (error != ERROR_CANCELLED) {
        struct scope scope;
        scope_open(&scope);
        uint64_t version = origins->version;
        uint64_t again_ns = start_watchers(origins, &scope)
            ? NEVER_NS : deadline_after_ms(loop, ANOTHER_TRY_MS);
        while (error != ERROR_CANCELLED && version == origins->version && loop->now_ns < again_ns) {
            error = task_suspend(task, MINIMUM(halving_ns, again_ns));
            if (loop->now_ns >= halving_ns) {
                halve_histograms(origins);
                halving_ns = deadline_after_ms(loop, HALVING_MS);
            }
        }
        scope_close(task, &scope);
    }
    origins->keeper = NULL;
}
