// The status as Prometheus reads it (text exposition format 0.0.4): HELP and TYPE once per metric,
// then all its samples.
#include "admin/counters.h"
#include "admin/metrics.h"
#include "base/clock.h"
#include "base/memory.h"
#include "watch/watch.h"

#define FIRST_CAPACITY 32768

static void head(
    struct text *text, const char *name, const char *suffix, const char *type, const char *help)
{
    text_format(text, "# HELP %s%s ", name, suffix);
    text_append(text, slice_from_string(help));
    text_format(text, "\n# TYPE %s%s %s\n", name, suffix, type);
}

static void append_label(struct text *text, const char *name, const char *value)
{
    text_format(text, "%s=\"", name);
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"')
            text_append_byte(text, '\\');
        if (*value == '\n')
            text_append(text, SLICE("\\n"));
        else
            text_append_byte(text, *value);
    }
    text_append_byte(text, '"');
}

static uint64_t count_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_boolean(value) ? json_is_true(value) : (uint64_t)json_integer_value(value);
}

static void simple(
    struct text *text, const char *name, const char *type, const char *help, uint64_t value)
{
    head(text, name, "", type, help);
    text_format(text, "%s %llu\n", name, (unsigned long long)value);
}

// One sample for each object of an array, or for the one object itself. owner: the array's own
// label.
struct series {
    const char *name, *suffix, *member;
    const char *label;              // NULL: none
    const char *owner_name, *owner; // NULL: none
};

static void sample(
    struct text *text, const struct series *series, const json_t *object, const char *key)
{
    text_format(text, "%s%s", series->name, series->suffix);
    if (series->label != NULL) {
        text_append_byte(text, '{');
        if (series->owner != NULL) {
            append_label(text, series->owner_name, series->owner);
            text_append_byte(text, ',');
        }
        append_label(text, series->label, json_string_value(json_object_get(object, key)));
        text_append_byte(text, '}');
    }
    text_format(text, " %llu\n", (unsigned long long)count_of(object, series->member));
}

static void origin_samples(struct text *text, struct series series, const json_t *origins)
{
    size_t index;
    const json_t *origin;
    series.label = "origin";
    json_array_foreach(origins, index, origin) sample(text, &series, origin, "name");
}

static void backend_samples(struct text *text, struct series series, const json_t *origins)
{
    size_t index, inner;
    const json_t *origin, *backend;
    series.label = "backend";
    series.owner_name = "origin";
    json_array_foreach(origins, index, origin)
    {
        series.owner = json_string_value(json_object_get(origin, "name"));
        json_array_foreach(json_object_get(origin, "backends"), inner, backend)
            sample(text, &series, backend, "url");
    }
}

static void table_samples(struct text *text, const struct counter_table *table, const json_t *owner,
    void (*samples)(struct text *text, struct series series, const json_t *owner))
{
    for (size_t i = 0; i < table->count; i++) {
        const struct counter *counter = &table->items[i];
        char name[128];
        snprintf(name, sizeof(name), "%s%s", table->metric, counter->name);
        struct series series = {
            .name = name, .suffix = counter->gauge ? "" : "_total", .member = counter->name};
        head(text, name, series.suffix, counter->gauge ? "gauge" : "counter", counter->help);
        samples(text, series, owner);
    }
}

static void single_sample(struct text *text, struct series series, const json_t *owner)
{
    sample(text, &series, owner, NULL);
}

static void write_ledger(struct text *text, const json_t *ledger)
{
    for (unsigned i = 0; i < LEDGER_COUNTS; i++) {
        char name[128];
        const char *count = ledger_name((enum ledger_count)i);
        snprintf(name, sizeof(name), "afloat_%s", count);
        head(text, name, "_total", "counter", ledger_help((enum ledger_count)i));
        text_format(text, "%s_total %llu\n", name, (unsigned long long)count_of(ledger, count));
    }
}

static void write_faults(struct text *text, const json_t *faults)
{
    static const char name[] = "afloat_refused_requests";
    head(text, name, "_total", "counter", "requests refused for what is wrong with them");
    for (unsigned i = HTTP1_FAULT_NONE + 1; i < HTTP1_FAULT_COUNT; i++) {
        const char *fault = http1_fault_text((enum http1_fault)i);
        text_format(text, "%s_total{", name);
        append_label(text, "fault", fault);
        text_format(text, "} %llu\n", (unsigned long long)count_of(faults, fault));
    }
}

static void write_all(struct text *text, const json_t *status, int64_t started_ms)
{
    const json_t *origins = json_object_get(status, "origins"),
                 *now = json_object_get(status, "now");
    head(text, "afloat_build_info", "", "gauge", "the version in its label; always 1");
    text_append(text, SLICE("afloat_build_info{"));
    append_label(text, "version", AFLOAT_VERSION);
    text_append(text, SLICE("} 1\n"));
    simple(text, "afloat_start_time_seconds", "gauge", "when it started, seconds since 1970",
        (uint64_t)started_ms / 1000);
    simple(text, "afloat_maintenance", "gauge", "1 while maintenance is declared",
        count_of(json_object_get(status, "maintenance"), "on"));
    simple(text, "afloat_open_connections", "gauge", "connections of visitors open",
        count_of(now, "connections"));
    simple(text, "afloat_active_requests", "gauge", "requests being answered",
        count_of(now, "active_requests"));
    simple(text, "afloat_open_tunnels", "gauge", "tunnels open", count_of(now, "tunnels"));
    simple(text, "afloat_flights", "gauge", "fetches under way", count_of(now, "flights"));
    write_ledger(text, json_object_get(status, "ledger"));
    write_faults(text, json_object_get(status, "faults"));
    table_samples(text, &counters_cache, json_object_get(status, "cache"), single_sample);
    table_samples(text, &counters_store, json_object_get(status, "store"), single_sample);
    table_samples(text, &counters_outbox, json_object_get(status, "outbox"), single_sample);
    table_samples(text, &counters_access_log, json_object_get(status, "access_log"), single_sample);

    head(text, "afloat_origin_down", "", "gauge", "1 while no backend of it answers");
    origin_samples(text,
        (struct series){.name = "afloat_origin_down", .suffix = "", .member = "down"}, origins);
    table_samples(text, &counters_origin, origins, origin_samples);
    head(text, "afloat_backend_healthy", "", "gauge", "0 while it is avoided");
    backend_samples(text,
        (struct series){.name = "afloat_backend_healthy", .suffix = "", .member = "healthy"},
        origins);
    head(text, "afloat_backend_set_aside", "", "gauge",
        "1 while it gets only canaries because it answers worse than the others");
    backend_samples(text,
        (struct series){.name = "afloat_backend_set_aside", .suffix = "", .member = "set_aside"},
        origins);
    head(text, "afloat_backend_probe_disagrees", "", "gauge",
        "1 while its probes say otherwise than real traffic, which counts more");
    backend_samples(text, (struct series){.name = "afloat_backend_probe_disagrees", .suffix = "",
        .member = "probe_disagrees"}, origins);
    table_samples(text, &counters_backend, origins, backend_samples);
}

enum error metrics_build(struct status_source *source, char **ret_text, size_t *ret_size)
{
    json_t *status = status_build(source, clock_wall_ms());
    if (status == NULL)
        return ERROR_MEMORY;
    enum error error = ERROR_LIMIT;
    for (size_t capacity = FIRST_CAPACITY; capacity <= METRICS_SIZE_MAX; capacity *= 2) {
        char *buffer = memory_alloc(capacity);
        if (buffer == NULL) {
            error = ERROR_MEMORY;
            break;
        }
        struct text text = text_in(buffer, capacity);
        write_all(&text, status, edge_started_ms(source->edge));
        enum error watched = source->watch == NULL ? ERROR_NONE
            : watch_write_metrics(source->watch, clock_wall_ms(), &text);
        if (watched == ERROR_NONE && !text.full) {
            *ret_text = buffer;
            *ret_size = text.size;
            error = ERROR_NONE;
            break;
        }
        memory_free(buffer);
        if (watched != ERROR_NONE) {
            error = watched;
            break;
        }
    }
    json_decref(status);
    return error;
}
