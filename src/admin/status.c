// Gathers the facts. Every number is read where its room keeps it, without stopping anybody, so
// they are of about the same moment, not of the same.
#include "admin/status.h"
#include "admin/counters.h"
#include "base/memory.h"
#include "base/units.h"
#include "cache/store.h"
#include "edge/history.h"
#include "edge/lifeline.h"
#include "edge/outbox/outbox.h"

#include <time.h>

// One failed allocation spoils the whole, which is noticed at the end.
struct builder {
    bool failed;
};

static void set(struct builder *builder, json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value) < 0)
        builder->failed = true;
}

static void append(struct builder *builder, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) < 0)
        builder->failed = true;
}

static void set_count(struct builder *builder, json_t *object, const char *name, uint64_t value)
{
    set(builder, object, name, json_integer((json_int_t)value));
}

static void set_bool(struct builder *builder, json_t *object, const char *name, bool value)
{
    set(builder, object, name, json_boolean(value));
}

static json_t *text_value(struct slice value)
{
    char buffer[4096];
    struct text text = text_in(buffer, sizeof(buffer));
    json_t *string = json_stringn(value.size == 0 ? "" : value.data, value.size);
    if (string != NULL)
        return string;
    // Not UTF-8: an operator's file can say anything.
    for (size_t i = 0; i < MINIMUM(value.size, sizeof(buffer)); i++)
        text_append_byte(&text, (unsigned char)value.data[i] < 0x80 ? value.data[i] : '?');
    return json_stringn(text.data, text.size);
}

static void set_text(struct builder *builder, json_t *object, const char *name, struct slice value)
{
    set(builder, object, name, text_value(value));
}

static void set_time(struct builder *builder, json_t *object, const char *name, int64_t wall_ms)
{
    char buffer[64];
    struct text text = text_in(buffer, sizeof(buffer));
    if (wall_ms != 0)
        units_format_time(&text, wall_ms);
    set(builder, object, name, text.size == 0 ? json_null() : text_value(text_slice(&text)));
}

static void set_counters(
    struct builder *builder, json_t *object, const struct counter_table *table, const void *owner)
{
    for (size_t i = 0; i < table->count; i++)
        set_count(builder, object, table->items[i].name, counter_read(&table->items[i], owner));
}

static json_t *build_listeners(struct builder *builder, const struct status_source *source)
{
    json_t *array = json_array();
    for (size_t i = 0; i < source->listener_count; i++) {
        char buffer[ADDRESS_TEXT_MAX];
        struct text text = text_in(buffer, sizeof(buffer));
        if (source->secure[i])
            text_append(&text, SLICE("https://"));
        address_format(&text, &source->listeners[i]);
        append(builder, array, text_value(text_slice(&text)));
    }
    return array;
}

static json_t *build_maintenance(struct builder *builder, struct edge *edge)
{
    struct maintenance maintenance;
    edge_read_maintenance(edge, &maintenance);
    json_t *object = json_object();
    set_bool(builder, object, "on", maintenance.on);
    set_time(builder, object, "until", maintenance.on ? maintenance.until_ms : 0);
    set_text(
        builder, object, "message", slice_from_string(maintenance.on ? maintenance.message : ""));
    return object;
}

static json_t *build_sites(struct builder *builder, const struct edge_settings *settings)
{
    json_t *array = json_array();
    const struct site_settings *sites = settings->sites.items;
    for (size_t i = 0; i < settings->sites.count; i++) {
        json_t *site = json_object(), *hosts = json_array();
        const struct slice *names = sites[i].hosts.items;
        for (size_t j = 0; j < sites[i].hosts.count; j++)
            append(builder, hosts, text_value(names[j]));
        set(builder, site, "hosts", hosts);
        set_text(builder, site, "origin", sites[i].origin);
        append(builder, array, site);
    }
    return array;
}

static json_t *build_backends(struct builder *builder, struct origin *origin)
{
    json_t *array = json_array();
    struct backend_view *views = memory_alloc(ORIGIN_BACKENDS_MAX * sizeof(*views));
    if (views == NULL) {
        builder->failed = true;
        return array;
    }
    size_t count = origin_read_backends(origin, views, ORIGIN_BACKENDS_MAX);
    for (size_t i = 0; i < MINIMUM(count, ORIGIN_BACKENDS_MAX); i++) {
        json_t *backend = json_object();
        set_text(builder, backend, "url", slice_from_string(views[i].url));
        set_bool(builder, backend, "healthy", views[i].healthy);
        set_text(builder, backend, "why", slice_from_string(views[i].why));
        set_time(builder, backend, "since", views[i].since_ms);
        set_time(builder, backend, "next_probe", views[i].next_probe_ms);
        set_bool(builder, backend, "set_aside", views[i].set_aside);
        set_bool(builder, backend, "probe_disagrees", views[i].probe_disagrees);
        set_counters(builder, backend, &counters_backend, &views[i]);
        append(builder, array, backend);
    }
    memory_free(views);
    return array;
}

static json_t *build_origins(struct builder *builder, const struct status_source *source)
{
    json_t *array = json_array();
    const struct origin_settings *settings = source->settings->origins.items;
    for (size_t i = 0; i < source->settings->origins.count; i++) {
        struct origin *origin = origin_find(edge_origins(source->edge), settings[i].name);
        if (origin == NULL)
            continue; // named by settings that are just coming into force
        int64_t since_ms = 0;
        struct origin_statistics statistics;
        bool down = origin_is_down(origin, &since_ms);
        origin_read_statistics(origin, &statistics);
        json_t *object = json_object();
        set_text(builder, object, "name", settings[i].name);
        set_bool(builder, object, "down", down);
        set_time(builder, object, "down_since", down ? since_ms : 0);
        set_time(builder, object, "maintenance_until",
            gate_maintenance_until_ms(origin_gate(origin)));
        set_count(builder, object, "p95_ms", origin_p95_ms(origin));
        set_counters(builder, object, &counters_origin, &statistics);
        set(builder, object, "backends", build_backends(builder, origin));
        append(builder, array, object);
        origin_release(origin);
    }
    return array;
}

static json_t *build_cache(struct builder *builder, struct edge *edge)
{
    struct cache_statistics statistics;
    cache_read_statistics(edge_cache(edge), &statistics);
    json_t *object = json_object();
    set_counters(builder, object, &counters_cache, &statistics);
    return object;
}

static json_t *build_store(struct builder *builder, struct edge *edge)
{
    struct store_statistics statistics = {0};
    if (edge_store(edge) != NULL)
        store_read_statistics(edge_store(edge), &statistics);
    json_t *object = json_object();
    set_counters(builder, object, &counters_store, &statistics);
    return object;
}

static json_t *build_now(struct builder *builder, struct edge *edge)
{
    json_t *object = json_object();
    set_count(builder, object, "connections", edge_open_connections(edge));
    set_count(builder, object, "active_requests", edge_active_requests(edge));
    set_count(builder, object, "tunnels", edge_open_tunnels(edge));
    set_count(builder, object, "flights", edge_flights(edge));
    return object;
}

static void set_ledger(struct builder *builder, json_t *root, struct edge *edge)
{
    json_t *ledger = json_object();
    uint64_t saved = 0;
    for (unsigned i = 0; i < LEDGER_COUNTS; i++) {
        uint64_t value = edge_read_ledger(edge, (enum ledger_count)i);
        set_count(builder, ledger, ledger_name((enum ledger_count)i), value);
        if (i < LIFELINE_COUNT && i != LEDGER_SAVED_HONEST_PAGE)
            saved += value;
    }
    set(builder, root, "ledger", ledger);
    set_count(builder, root, "saved", saved);

    uint64_t errors = edge_read_ledger(edge, LEDGER_VISITOR_ERRORS);
    uint64_t forbidden = edge_read_ledger(edge, LEDGER_STALE_FORBIDDEN);
    double percent = errors == 0 ? 0 : MINIMUM(100.0, 100.0 * (double)forbidden / (double)errors);
    json_t *share = json_object();
    set_count(builder, share, "errors", forbidden);
    set(builder, share, "percent", json_real(percent));
    set(builder, root, "forbidden", share);
}

static json_t *build_averted(struct builder *builder, struct edge *edge, int64_t now_ms)
{
    struct history_view view;
    edge_read_history(edge, now_ms, &view);
    json_t *object = json_object(), *by = json_object(), *hours = json_array();
    for (unsigned i = 0; i < LIFELINE_COUNT; i++) {
        if (lifeline_averts((enum lifeline_id)i))
            set_count(builder, by, ledger_name((enum ledger_count)i), view.day[i]);
    }
    for (unsigned i = 0; i < HISTORY_HOURS; i++) {
        json_t *hour = json_object();
        set_count(builder, hour, "averted", view.hours[i].averted);
        set_count(builder, hour, "errors", view.hours[i].errors);
        append(builder, hours, hour);
    }
    set_count(builder, object, "last_hour", view.hour_averted);
    set_count(builder, object, "last_day", history_day_averted(&view));
    set_count(builder, object, "errors_last_hour", view.hour_errors);
    set_count(builder, object, "errors_last_day", view.day[HISTORY_ERRORS]);
    set(builder, object, "by_lifeline", by);
    set(builder, object, "hours", hours);
    return object;
}

static json_t *build_faults(struct builder *builder, struct edge *edge)
{
    json_t *object = json_object();
    for (unsigned i = HTTP1_FAULT_NONE + 1; i < HTTP1_FAULT_COUNT; i++) {
        uint64_t value = edge_read_fault(edge, (enum http1_fault)i);
        if (value > 0)
            set_count(builder, object, http1_fault_text((enum http1_fault)i), value);
    }
    return object;
}

static json_t *build_access_log(struct builder *builder, const struct access_log *log)
{
    struct access_log_statistics statistics = {0};
    if (log != NULL)
        access_log_read_statistics(log, &statistics);
    json_t *object = json_object();
    set_counters(builder, object, &counters_access_log, &statistics);
    return object;
}

static json_t *build_outbox(struct builder *builder, struct edge *edge)
{
    struct outbox_statistics statistics = {0};
    if (edge_outbox(edge) != NULL)
        outbox_read_statistics(edge_outbox(edge), &statistics);
    json_t *object = json_object();
    set_counters(builder, object, &counters_outbox, &statistics);
    return object;
}

json_t *status_build(struct status_source *source, int64_t now_ms)
{
    struct builder builder = {0};
    struct edge *edge = source->edge;
    json_t *root = json_object();
    set_text(&builder, root, "version", SLICE(AFLOAT_VERSION));
    set_time(&builder, root, "started", edge_started_ms(edge));
    set_count(&builder, root, "uptime_seconds",
        (uint64_t)MAXIMUM(now_ms - edge_started_ms(edge), 0) / 1000);
    set(&builder, root, "listeners", build_listeners(&builder, source));
    set_count(&builder, root, "threads", source->thread_count);
    set(&builder, root, "maintenance", build_maintenance(&builder, edge));
    lock_acquire(&source->lock);
    set(&builder, root, "sites", build_sites(&builder, source->settings));
    set(&builder, root, "origins", build_origins(&builder, source));
    lock_release(&source->lock);
    set(&builder, root, "cache", build_cache(&builder, edge));
    set(&builder, root, "store", build_store(&builder, edge));
    set(&builder, root, "now", build_now(&builder, edge));
    set_ledger(&builder, root, edge);
    set(&builder, root, "averted", build_averted(&builder, edge, now_ms));
    set(&builder, root, "faults", build_faults(&builder, edge));
    set(&builder, root, "outbox", build_outbox(&builder, edge));
    set(&builder, root, "access_log", build_access_log(&builder, source->access_log));
    if (builder.failed) {
        json_decref(root);
        return NULL;
    }
    return root;
}

void status_source_init(
    struct status_source *source, struct edge *edge, const struct edge_settings *settings)
{
    *source = (struct status_source){.edge = edge, .settings = settings};
    lock_init(&source->lock);
    lock_init(&source->starting);
}

void status_source_hold(struct status_source *source)
{
    lock_acquire(&source->starting);
}

void status_source_release(struct status_source *source)
{
    lock_release(&source->starting);
}

void status_source_await(struct status_source *source)
{
    lock_acquire(&source->starting);
    lock_release(&source->starting);
}

void status_source_destroy(struct status_source *source)
{
    lock_destroy(&source->starting);
    lock_destroy(&source->lock);
}

void status_source_set_settings(struct status_source *source, const struct edge_settings *settings)
{
    lock_acquire(&source->lock);
    source->settings = settings;
    lock_release(&source->lock);
}
