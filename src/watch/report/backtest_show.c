// Results of backtests and simulations, for people and as JSON.
#include "base/units.h"
#include "watch/component.h"
#include "watch/report/backtest.h"

#include <jansson.h>

#define YEAR_MINUTES 525600.0
#define SERVICES_SHOWN 20
#define INCIDENTS_SHOWN 50

static const char *const level_names[] = {
    [ANOMALY_POSSIBLE] = "possible problem", [ANOMALY_PROBLEM] = "problem"};
static const char *const level_words[] = {
    [ANOMALY_POSSIBLE] = "possible", [ANOMALY_PROBLEM] = "problem"};

static double bound(size_t level)
{
    return YEAR_MINUTES * 2 * anomaly_alphas[level];
}

static double a_year(uint64_t alarms, uint64_t minutes)
{
    return minutes == 0 ? 0 : (double)alarms * YEAR_MINUTES / (double)minutes;
}

static struct slice time_text(int64_t minute, char buffer[32])
{
    struct text text = text_in(buffer, 32);
    units_format_time(&text, minute * 60000);
    return text_slice(&text);
}

static void show_rates(const uint32_t alarms[ANOMALY_LEVELS],
    const uint32_t false_alarms[ANOMALY_LEVELS], uint64_t minutes, FILE *out)
{
    fprintf(out, "%-18s %8s %8s %14s %14s\n", "level", "alarms", "false", "false a year",
        "at most a year");
    for (size_t i = 0; i < ANOMALY_LEVELS; i++)
        fprintf(out, "%-18s %8u %8u %14.3f %14.3f\n", level_names[i], alarms[i], false_alarms[i],
            a_year(false_alarms[i], minutes), bound(i));
}

// --- Backtests ---

// A stranger's text: nothing in it does anything to a terminal.
static void show_name(struct slice name, FILE *out)
{
    char buffer[256];
    struct text text = text_in(buffer, sizeof(buffer));
    text_append_utf8(&text, name.size == 0 ? SLICE("(all)") : name);
    text_replace_controls(&text, 0);
    fprintf(out, "%.*s", SLICE_ARGS(text_slice(&text)));
}

static void show_services(const struct backtest *backtest, FILE *out)
{
    fprintf(out, "\nthresholds at the end, in networks in 5 and in 15 minutes:\n%10s %6s %11s %11s"
        "  service\n", "usual/min", "r", "possible", "problem");
    for (size_t i = 0; i < backtest->service_count && i < SERVICES_SHOWN; i++) {
        const struct backtest_service *service = &backtest->services[i];
        fprintf(out, "%10.4f %6.2f", service->mean, service->dispersion);
        for (size_t level = 0; level < ANOMALY_LEVELS; level++)
            fprintf(out, " %5u %5u", service->thresholds[level].in_short,
                service->thresholds[level].in_window);
        fprintf(out, "  ");
        show_name(service->name, out);
        fprintf(out, "\n");
    }
    if (backtest->service_count > SERVICES_SHOWN)
        fprintf(out, "and %zu more; --json has them all\n",
            backtest->service_count - SERVICES_SHOWN);
}

static void show_delay(int64_t delay, FILE *out)
{
    if (delay == BACKTEST_MISSED)
        fprintf(out, " %16s", "missed");
    else
        fprintf(out, " %12lld min", (long long)delay);
}

static void show_incidents(const struct backtest *backtest, FILE *out)
{
    char begin[32], end[32];
    if (backtest->incident_count == 0)
        return;
    fprintf(out, "\nincidents, and when each level was told:\n%-20s  %-20s %16s %16s  service\n",
        "begin", "end", "possible problem", "problem");
    for (size_t i = 0; i < backtest->incident_count && i < INCIDENTS_SHOWN; i++) {
        const struct backtest_incident *incident = &backtest->incidents[i];
        fprintf(out, "%-20.*s  %-20.*s", SLICE_ARGS(time_text(incident->begin, begin)),
            SLICE_ARGS(time_text(incident->end, end)));
        for (size_t level = 0; level < ANOMALY_LEVELS; level++)
            show_delay(incident->delays[level], out);
        fprintf(out, "  ");
        show_name(incident->service == COMPONENT_NONE ? SLICE("")
                : backtest->services[incident->service].name, out);
        fprintf(out, "\n");
    }
    if (backtest->incident_count > INCIDENTS_SHOWN)
        fprintf(out, "and %zu more; --json has them all\n",
            backtest->incident_count - INCIDENTS_SHOWN);
}

void backtest_show(const struct backtest *backtest, FILE *out)
{
    char begin[32], end[32];
    fprintf(out, "%zu reports of %zu service%s from %.*s to %.*s; %llu count (a network once in 30 "
        "minutes)\n", backtest->report_count, backtest->service_count,
        backtest->service_count == 1 ? "" : "s", SLICE_ARGS(time_text(backtest->begin, begin)),
        SLICE_ARGS(time_text(backtest->end, end)), (unsigned long long)backtest->counted);
    fprintf(out, "the first %.1f days are learnt from; %llu minutes are evaluated, %.3f years of a "
        "service\n\n", (double)(backtest->learnt - backtest->begin) / 1440,
        (unsigned long long)backtest->minutes, (double)backtest->minutes / YEAR_MINUTES);
    show_rates(backtest->alarms, backtest->false_alarms, backtest->minutes, out);
    if (backtest->incident_count == 0)
        fprintf(out, "(without --incidents, every alarm is taken for a false one)\n");
    show_services(backtest, out);
    show_incidents(backtest, out);
}

static json_t *rates_json(const uint32_t alarms[ANOMALY_LEVELS],
    const uint32_t false_alarms[ANOMALY_LEVELS], uint64_t minutes)
{
    json_t *levels = json_object();
    for (size_t i = 0; i < ANOMALY_LEVELS; i++)
        (void)json_object_set_new(levels, level_words[i],
            json_pack("{s:f, s:i, s:i, s:f, s:f}", "alpha", anomaly_alphas[i], "alarms",
                (int)alarms[i], "false_alarms", (int)false_alarms[i], "false_alarms_per_year",
                a_year(false_alarms[i], minutes), "bound_per_year", bound(i)));
    return levels;
}

static json_t *text_json(struct slice text)
{
    char buffer[1024];
    struct text utf8 = text_in(buffer, sizeof(buffer));
    text_append_utf8(&utf8, text);
    return json_stringn(utf8.data, utf8.size);
}

static json_t *time_json(int64_t minute)
{
    char buffer[32];
    return text_json(time_text(minute, buffer));
}

static json_t *services_json(const struct backtest *backtest)
{
    json_t *services = json_array();
    for (size_t i = 0; i < backtest->service_count; i++) {
        const struct backtest_service *service = &backtest->services[i];
        json_t *thresholds = json_object();
        for (size_t level = 0; level < ANOMALY_LEVELS; level++)
            (void)json_object_set_new(thresholds, level_words[level], json_pack("{s:i, s:i}",
                "in_5_minutes", (int)service->thresholds[level].in_short, "in_15_minutes",
                (int)service->thresholds[level].in_window));
        (void)json_array_append_new(services, json_pack("{s:o, s:i, s:i, s:f, s:f, s:o}", "service",
            text_json(service->name), "reports", (int)service->reports, "counted",
            (int)service->counted, "usual_per_minute", service->mean, "dispersion",
            service->dispersion, "thresholds", thresholds));
    }
    return services;
}

static json_t *incidents_json(const struct backtest *backtest)
{
    json_t *incidents = json_array();
    for (size_t i = 0; i < backtest->incident_count; i++) {
        const struct backtest_incident *incident = &backtest->incidents[i];
        json_t *delays = json_object();
        for (size_t level = 0; level < ANOMALY_LEVELS; level++)
            (void)json_object_set_new(delays, level_words[level],
                incident->delays[level] == BACKTEST_MISSED ? json_null()
                    : json_integer(incident->delays[level]));
        (void)json_array_append_new(incidents, json_pack("{s:o, s:o, s:o, s:o}", "begin",
            time_json(incident->begin), "end", time_json(incident->end), "service",
            incident->service == COMPONENT_NONE ? json_null()
                : text_json(backtest->services[incident->service].name),
            "delay_minutes", delays));
    }
    return incidents;
}

static enum error write_json(json_t *json, FILE *out)
{
    size_t style = JSON_INDENT(2) | JSON_REAL_PRECISION(6);
    bool is_written = json != NULL && json_dumpf(json, out, style) == 0;
    json_decref(json);
    fprintf(out, "\n");
    return is_written ? ERROR_NONE : ERROR_MEMORY;
}

enum error backtest_show_json(const struct backtest *backtest, FILE *out)
{
    return write_json(json_pack("{s:I, s:I, s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "reports",
        (json_int_t)backtest->report_count, "counted", (json_int_t)backtest->counted, "begin",
        time_json(backtest->begin), "evaluated_from", time_json(backtest->learnt), "end",
        time_json(backtest->end), "minutes", (json_int_t)backtest->minutes, "levels",
        rates_json(backtest->alarms, backtest->false_alarms, backtest->minutes), "services",
        services_json(backtest), "incidents", incidents_json(backtest)), out);
}

// --- Simulations ---

static void show_minutes(uint32_t minutes, FILE *out)
{
    if (minutes == SIMULATION_NEVER)
        fprintf(out, " %8s", "-");
    else
        fprintf(out, " %8u", minutes);
}

void backtest_show_simulation(const struct simulation *simulation,
    const struct simulation_result *result, FILE *out)
{
    fprintf(out, "%u services of %g networks a minute for %u days each, drawn by seed %llu: %llu "
        "minutes, %.1f years of a service\n\n", simulation->services, simulation->rate,
        simulation->days, (unsigned long long)simulation->seed,
        (unsigned long long)result->minutes, (double)result->minutes / YEAR_MINUTES);
    show_rates(result->alarms, result->alarms, result->minutes, out);
    fprintf(out, "\noutages, and the minutes until each level was told; missed: not within %d\n"
        "%-18s %10s %8s %8s %8s %8s\n", SIMULATION_WAIT, "level", "extra/min", "outages", "median",
        "90 %", "missed");
    for (size_t i = 0; i < ANOMALY_LEVELS * SIMULATION_EXTRAS; i++) {
        size_t level = ANOMALY_LEVELS - 1 - i / SIMULATION_EXTRAS;
        const struct simulation_delay *delay = &result->delays[level][i % SIMULATION_EXTRAS];
        fprintf(out, "%-18s %10g %8u", level_names[level], delay->extra, delay->outages);
        show_minutes(delay->median, out);
        show_minutes(delay->most, out);
        fprintf(out, " %6.1f %%\n",
            delay->outages == 0 ? 0 : 100.0 * delay->missed / delay->outages);
    }
}

static json_t *minutes_json(uint32_t minutes)
{
    return minutes == SIMULATION_NEVER ? json_null() : json_integer(minutes);
}

enum error backtest_show_simulation_json(const struct simulation *simulation,
    const struct simulation_result *result, FILE *out)
{
    json_t *outages = json_array();
    for (size_t i = 0; i < ANOMALY_LEVELS * SIMULATION_EXTRAS; i++) {
        size_t level = i / SIMULATION_EXTRAS;
        const struct simulation_delay *delay = &result->delays[level][i % SIMULATION_EXTRAS];
        (void)json_array_append_new(outages, json_pack("{s:s, s:f, s:i, s:i, s:o, s:o}", "level",
            level_words[level], "extra_per_minute", delay->extra, "outages", (int)delay->outages,
            "missed", (int)delay->missed, "median_minutes", minutes_json(delay->median),
            "nine_in_ten_minutes", minutes_json(delay->most)));
    }
    return write_json(json_pack("{s:f, s:i, s:i, s:I, s:I, s:o, s:o}", "rate", simulation->rate,
        "services", (int)simulation->services, "days", (int)simulation->days, "seed",
        (json_int_t)simulation->seed, "minutes", (json_int_t)result->minutes, "levels",
        rates_json(result->alarms, result->alarms, result->minutes), "outages", outages), out);
}
