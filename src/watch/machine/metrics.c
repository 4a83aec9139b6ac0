// Prometheus' text format, version 0.0.4:
// https://prometheus.io/docs/instrumenting/exposition_formats
#include "watch/machine/machine_inside.h"

static void put_head(struct text *text, const char *name, const char *help)
{
    text_format(text, "# HELP afloat_%s %s\n# TYPE afloat_%s gauge\n", name, help, name);
}

static void put_label(struct text *text, struct slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        char byte = value.data[i];
        if (byte == '\n')
            text_append(text, SLICE("\\n"));
        else if (byte == '"' || byte == '\\')
            text_append(text, slice_of((const char[]){'\\', byte}, 2));
        else
            text_append_byte(text, byte);
    }
}

static void put_name(struct text *text, const char *name, const struct component_view *component)
{
    text_format(text, "afloat_%s{component=\"", name);
    put_label(text, component->id);
    text_append_byte(text, '"');
}

static void put_states(struct text *text, const struct snapshot *snapshot)
{
    put_head(text, "component_state", "0 not known, 1 operational, 2 degraded, 3 partial outage, "
        "4 outage, 5 maintenance.");
    for (size_t i = 0; i < snapshot->component_count; i++) {
        put_name(text, "component_state", &snapshot->components[i]);
        text_format(text, "} %d\n", (int)snapshot->components[i].state);
    }
}

static void put_uptimes(struct text *text, const struct snapshot *snapshot, const char *name,
    const char *help, double (*share)(const struct uptime_day *days, size_t count))
{
    static const unsigned spans[] = {1, 7, 30, SNAPSHOT_DAYS};
    put_head(text, name, help);
    for (size_t i = 0; i < snapshot->component_count && !text->full; i++) {
        const struct component_view *component = &snapshot->components[i];
        for (size_t j = 0; j < ARRAY_SIZE(spans); j++) {
            double uptime = share(component->days + SNAPSHOT_DAYS - spans[j], spans[j]);
            if (uptime < 0)
                continue;
            put_name(text, name, component);
            text_format(text, ",days=\"%u\"} %.6f\n", spans[j], uptime);
        }
    }
}

static void put_responses(struct text *text, const struct snapshot *snapshot)
{
    put_head(text, "component_response_seconds", "Typical response now.");
    for (size_t i = 0; i < snapshot->component_count; i++) {
        const struct component_view *component = &snapshot->components[i];
        if (component->response_ms == UINT32_MAX)
            continue;
        put_name(text, "component_response_seconds", component);
        text_format(text, "} %.3f\n", component->response_ms / 1000.0);
    }
}

static void put_reports(struct text *text, const struct snapshot *snapshot)
{
    put_head(text, "component_reporting_networks",
        "Networks whose visitors reported a problem in the last 15 minutes.");
    for (size_t i = 0; i < snapshot->component_count; i++) {
        put_name(text, "component_reporting_networks", &snapshot->components[i]);
        text_format(text, "} %u\n", snapshot->components[i].reported);
    }
}

static void put_incidents(struct text *text, const struct snapshot *snapshot)
{
    size_t of[IMPACT_CRITICAL + 1] = {0};
    for (size_t i = 0; i < snapshot->open_count; i++)
        of[snapshot->incidents[i].impact]++;
    put_head(text, "incidents_open", "Incidents that are not resolved.");
    for (unsigned i = 0; i < ARRAY_SIZE(of); i++)
        text_format(text, "afloat_incidents_open{impact=\"%s\"} %zu\n",
            api_v2_impact_word((enum incident_impact)i), of[i]);
}

static void put_windows(struct text *text, const struct snapshot *snapshot)
{
    size_t of[WINDOW_COMPLETED + 1] = {0};
    for (size_t i = 0; i < snapshot->window_count; i++)
        of[snapshot->windows[i].state]++;
    put_head(text, "maintenance_windows", "Under way, and to come within 90 days.");
    for (unsigned i = 0; i < WINDOW_COMPLETED; i++)
        text_format(text, "afloat_maintenance_windows{state=\"%s\"} %zu\n",
            api_v2_window_word((enum window_state)i), of[i]);
}

void metrics_write(struct text *text, const struct snapshot *snapshot)
{
    put_states(text, snapshot);
    put_uptimes(text, snapshot, "component_uptime_ratio",
        "Share of the time with an answer, of the days up to now.", snapshot_uptime);
    put_uptimes(text, snapshot, "component_visitors_uptime_ratio",
        "Share of visitors' requests that were answered, copies counted in.",
        snapshot_visitors_uptime);
    put_responses(text, snapshot);
    put_reports(text, snapshot);
    put_incidents(text, snapshot);
    put_windows(text, snapshot);
    put_head(text, "status_history_written", "Whether the history is written to the disk.");
    text_format(text, "afloat_status_history_written %d\n", snapshot->is_written);
}
