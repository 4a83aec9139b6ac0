// The status for a terminal. Works from the JSON, so that it shows another process's state as well
// as a stored one.
#include "admin/status.h"
#include "base/text.h"

#include <time.h>

struct screen {
    FILE *out;
    bool colours;
    int64_t now_ms;
};

enum colour { PLAIN = 0, BOLD = 1, RED = 31, GREEN = 32, YELLOW = 33 };

// Control characters, those of ISO 8859 in UTF-8 (C2 80 to C2 9F) too.
static bool is_control(const char *at)
{
    unsigned char byte = (unsigned char)at[0], next = (unsigned char)at[1];
    return byte < ' ' || byte == 0x7F || (byte == 0xC2 && next >= 0x80 && next <= 0x9F);
}

// Pads to width columns; control characters become spaces, so that no backend's message can move
// the cursor. Bytes that continue a character take no column.
static void put(const struct screen *screen, enum colour colour, int width, const char *string)
{
    int columns = 0;
    if (screen->colours && colour != PLAIN)
        fprintf(screen->out, "\033[%dm", (int)colour);
    for (const char *at = string; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        bool control = is_control(at);
        fputc(control ? ' ' : byte, screen->out);
        columns += (byte & 0xC0) != 0x80;
        if (control && byte == 0xC2)
            at++;
    }
    if (screen->colours && colour != PLAIN)
        fputs("\033[0m", screen->out);
    for (; columns < width; columns++)
        fputc(' ', screen->out);
}

static void put_line(const struct screen *screen, enum colour colour, const char *string)
{
    put(screen, colour, 0, string);
    fputc('\n', screen->out);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

static uint64_t count_of(const json_t *object, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(object, name));
    return value < 0 ? 0 : (uint64_t)value;
}

// 1234567 as 1,234,567.
static const char *grouped(uint64_t value, char buffer[32])
{
    char *at = buffer + 31;
    *at = '\0';
    for (unsigned digits = 0; digits == 0 || value > 0; digits++, value /= 10) {
        if (digits > 0 && digits % 3 == 0)
            *--at = ',';
        *--at = (char)('0' + value % 10);
    }
    return at;
}

static const char *bytes_in_words(uint64_t bytes, char buffer[32])
{
    static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1024 && unit + 1 < ARRAY_SIZE(units); unit++)
        value /= 1024;
    snprintf(buffer, 32, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return buffer;
}

static const char *span_in_words(int64_t seconds, char buffer[64])
{
    if (seconds < 60)
        snprintf(buffer, 64, "%lld s", (long long)MAXIMUM(seconds, 0));
    else if (seconds < 3600)
        snprintf(buffer, 64, "%lld min", (long long)(seconds / 60));
    else if (seconds < 2 * 86400)
        snprintf(buffer, 64, "%lld h %lld min", (long long)(seconds / 3600),
            (long long)(seconds / 60 % 60));
    else
        snprintf(buffer, 64, "%lld d %lld h", (long long)(seconds / 86400),
            (long long)(seconds / 3600 % 24));
    return buffer;
}

// How long ago a time of the status is; negative: to come. False: it names none.
static bool seconds_since(const struct screen *screen, const char *time, int64_t *ret_seconds)
{
    struct tm utc = {0};
    const char *end = strptime(time, "%Y-%m-%dT%H:%M:%SZ", &utc);
    if (end == NULL || *end != '\0')
        return false;
    *ret_seconds = screen->now_ms / 1000 - timegm(&utc);
    return true;
}

static void render_head(const struct screen *screen, const json_t *status)
{
    char buffer[64];
    size_t index;
    const json_t *listener;
    put(screen, BOLD, 0, "afloat ");
    put(screen, BOLD, 0, text_of(status, "version"));
    put(screen, PLAIN, 0, ", up ");
    put(screen, PLAIN, 0, span_in_words((int64_t)count_of(status, "uptime_seconds"), buffer));
    json_array_foreach(json_object_get(status, "listeners"), index, listener)
    {
        put(screen, PLAIN, 0, index == 0 ? ", listening on " : ", ");
        put(screen, PLAIN, 0, json_is_string(listener) ? json_string_value(listener) : "");
    }
    fputc('\n', screen->out);

    const json_t *maintenance = json_object_get(status, "maintenance");
    if (!json_is_true(json_object_get(maintenance, "on")))
        return;
    put(screen, YELLOW, 0, "in maintenance");
    if (text_of(maintenance, "until")[0] != '\0') {
        put(screen, PLAIN, 0, " until ");
        put(screen, PLAIN, 0, text_of(maintenance, "until"));
    }
    if (text_of(maintenance, "message")[0] != '\0') {
        put(screen, PLAIN, 0, ": ");
        put(screen, PLAIN, 0, text_of(maintenance, "message"));
    }
    fputc('\n', screen->out);
}

static void put_right(const struct screen *screen, int width, const char *string)
{
    fprintf(screen->out, "%*s", width, string);
}

static void render_backend(const struct screen *screen, const json_t *backend, int url_width)
{
    char buffer[64];
    int64_t since;
    bool healthy = json_is_true(json_object_get(backend, "healthy"));
    put(screen, PLAIN, 2, "");
    put(screen, PLAIN, url_width, text_of(backend, "url"));
    bool aside = json_is_true(json_object_get(backend, "set_aside"));
    put(screen, !healthy ? RED : aside ? YELLOW : GREEN, 8,
        !healthy ? "  sick" : aside ? "  aside" : "  well");
    put_right(screen, 14,
        seconds_since(screen, text_of(backend, "since"), &since) ? span_in_words(since, buffer)
                                                                 : "start");
    put_right(screen, 11, grouped(count_of(backend, "in_flight"), buffer));
    put_right(screen, 12, grouped(count_of(backend, "requests"), buffer));
    put_right(screen, 12, grouped(count_of(backend, "failures"), buffer));
    if (count_of(backend, "p95_ms") == 0)
        snprintf(buffer, sizeof(buffer), "-");
    else
        snprintf(
            buffer, sizeof(buffer), "%llu ms", (unsigned long long)count_of(backend, "p95_ms"));
    put_right(screen, 11, buffer);
    fputc('\n', screen->out);
    if (text_of(backend, "why")[0] != '\0') {
        put(screen, PLAIN, 6, "");
        put(screen, PLAIN, 0, text_of(backend, "why"));
        fputc('\n', screen->out);
    }
    if (json_is_true(json_object_get(backend, "probe_disagrees")))
        put_line(
            screen, YELLOW, "      its probes say otherwise than real traffic, which counts more");
}

static void render_origin(const struct screen *screen, const json_t *origin)
{
    char buffer[64];
    int64_t since;
    int url_width = 7;
    size_t index;
    const json_t *backend, *backends = json_object_get(origin, "backends");
    bool down = json_is_true(json_object_get(origin, "down"));
    fputs("\norigin ", screen->out);
    put(screen, BOLD, 0, text_of(origin, "name"));
    put(screen, PLAIN, 0, ": ");
    put(screen, down ? RED : GREEN, 0, down ? "nobody answers" : "answering");
    if (down && seconds_since(screen, text_of(origin, "down_since"), &since)) {
        put(screen, PLAIN, 0, " for ");
        put(screen, PLAIN, 0, span_in_words(since, buffer));
    }
    if (text_of(origin, "maintenance_until")[0] != '\0') {
        put(screen, YELLOW, 0, ", in maintenance by its own word until ");
        put(screen, PLAIN, 0, text_of(origin, "maintenance_until"));
    }
    fputc('\n', screen->out);
    json_array_foreach(backends, index, backend) url_width =
        (int)MAXIMUM((size_t)url_width, MINIMUM(strlen(text_of(backend, "url")), 60));
    put(screen, PLAIN, 2, "");
    put(screen, PLAIN, url_width, "backend");
    put_line(screen, PLAIN, "  health         since  in flight    requests    failures  p95 first");
    json_array_foreach(backends, index, backend) render_backend(screen, backend, url_width);
}

static void render_cache(const struct screen *screen, const json_t *status)
{
    char objects[32], bytes[32], limit[32];
    const json_t *cache = json_object_get(status, "cache"),
                 *ledger = json_object_get(status, "ledger");
    uint64_t requests = count_of(ledger, "requests"), hits = count_of(ledger, "hits");
    fputc('\n', screen->out);
    put(screen, BOLD, 0, "cache");
    fprintf(screen->out, " holds %s response%s in %s of %s",
        grouped(count_of(cache, "objects"), objects), count_of(cache, "objects") == 1 ? "" : "s",
        bytes_in_words(count_of(cache, "bytes"), bytes),
        bytes_in_words(count_of(cache, "limit"), limit));
    if (requests > 0)
        fprintf(screen->out, "; %.1f %% of requests were answered from a fresh copy",
            MINIMUM(100.0, 100.0 * (double)hits / (double)requests));
    fputc('\n', screen->out);
}

static void render_store(const struct screen *screen, const json_t *status)
{
    char objects[32], bytes[32], limit[32], skipped[32];
    const json_t *store = json_object_get(status, "store");
    if (count_of(store, "limit") == 0) {
        put_line(screen, PLAIN, "      copies are kept in memory only: a restart begins empty");
        return;
    }
    fprintf(screen->out, "      and on the disk %s in %s of %s",
        grouped(count_of(store, "objects"), objects),
        bytes_in_words(count_of(store, "bytes"), bytes),
        bytes_in_words(count_of(store, "limit"), limit));
    if (count_of(store, "skipped") > 0)
        fprintf(screen->out, "; %s did not get there",
            grouped(count_of(store, "skipped"), skipped));
    fputc('\n', screen->out);
    if (count_of(store, "failing") != 0)
        put_line(screen, RED, "      the disk fails or is full: new copies are in memory only");
}

// Only where there is something, and loudly where somebody must decide.
static void render_outbox(const struct screen *screen, const json_t *status)
{
    char buffer[32];
    const json_t *outbox = json_object_get(status, "outbox");
    uint64_t waiting = count_of(outbox, "queued") + count_of(outbox, "sending");
    uint64_t unknown = count_of(outbox, "unknown");
    if (waiting + unknown == 0)
        return;
    put(screen, BOLD, 0, "outbox");
    fprintf(screen->out, " holds %s accepted write%s for delivery\n", grouped(waiting, buffer),
        waiting == 1 ? "" : "s");
    if (unknown > 0) {
        put(screen, YELLOW, 0, "note");
        fprintf(screen->out, ": nobody knows whether %s of them arrived, and you must decide: see "
            "afloat outbox list\n", grouped(unknown, buffer));
    }
}

static void render_counts(
    const struct screen *screen, const json_t *ledger, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++) {
        char buffer[32];
        uint64_t value = count_of(ledger, ledger_name((enum ledger_count)i));
        if (value == 0 && i >= LIFELINE_COUNT)
            continue;
        put(screen, PLAIN, 2, "");
        put_right(screen, 14, grouped(value, buffer));
        put(screen, PLAIN, 2, "");
        put(screen, PLAIN, 0, ledger_help((enum ledger_count)i));
        fputc('\n', screen->out);
    }
}

static void render_ledger(const struct screen *screen, const json_t *status)
{
    char buffer[32];
    const json_t *ledger = json_object_get(status, "ledger");
    uint64_t errors = count_of(ledger, "visitor_errors");
    fputc('\n', screen->out);
    put(screen, BOLD, 0, "lifelines");
    fprintf(screen->out, " answered %s visitor%s\n", grouped(count_of(status, "saved"), buffer),
        count_of(status, "saved") == 1 ? "" : "s");
    render_counts(screen, ledger, 0, LIFELINE_COUNT);
    fputc('\n', screen->out);
    put_line(screen, BOLD, "visitors");
    render_counts(screen, ledger, LIFELINE_COUNT, LEDGER_COUNTS);

    const json_t *forbidden = json_object_get(status, "forbidden");
    if (errors > 0 && count_of(forbidden, "errors") > 0) {
        fputc('\n', screen->out);
        put(screen, YELLOW, 0, "note");
        fprintf(screen->out,
            ": %.0f %% of the errors that visitors saw had a copy that the site forbids to send "
            "stale\n"
            "      (no-cache, must-revalidate, proxy-revalidate, s-maxage); the setting "
            "stale_despite\n"
            "      of the site's section cache lifts that\n",
            json_number_value(json_object_get(forbidden, "percent")));
    }
    uint64_t dropped = count_of(json_object_get(status, "access_log"), "dropped");
    if (dropped > 0) {
        fputc('\n', screen->out);
        put(screen, YELLOW, 0, "note");
        fprintf(screen->out, ": %s lines of the access log were dropped; raise log.access_buffer\n",
            grouped(dropped, buffer));
    }
}

// One character an hour, its height the share of the busiest one.
static void render_hours(const struct screen *screen, const json_t *hours, const char *name,
    enum colour colour)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    uint64_t most = 1;
    size_t index;
    const json_t *hour;
    json_array_foreach(hours, index, hour) {
        uint64_t value = count_of(hour, name);
        most = value > most ? value : most;
    }
    json_array_foreach(hours, index, hour) {
        uint64_t value = count_of(hour, name);
        put(screen, value == 0 ? PLAIN : colour, 0,
            value == 0 ? "·" : bars[MINIMUM(value * ARRAY_SIZE(bars) / most, 7)]);
    }
}

static void render_averted(const struct screen *screen, const json_t *status)
{
    char day[32], hour[32];
    const json_t *averted = json_object_get(status, "averted");
    const json_t *hours = json_object_get(averted, "hours");
    uint64_t errors = count_of(averted, "errors_last_day");
    if (count_of(averted, "last_day") == 0 && errors == 0)
        return;
    fputc('\n', screen->out);
    put(screen, BOLD, 0, "last 24 hours");
    fprintf(screen->out, ", the current one last\n");
    put(screen, PLAIN, 2, "");
    render_hours(screen, hours, "averted", GREEN);
    fprintf(screen->out, "  %s error%s averted, %s of them in the last hour\n",
        grouped(count_of(averted, "last_day"), day), count_of(averted, "last_day") == 1 ? "" : "s",
        grouped(count_of(averted, "last_hour"), hour));
    put(screen, PLAIN, 2, "");
    render_hours(screen, hours, "errors", RED);
    fprintf(screen->out, "  %s seen by visitors, %s of them in the last hour\n",
        grouped(errors, day), grouped(count_of(averted, "errors_last_hour"), hour));
}

void status_render(const json_t *status, bool colours, int64_t now_ms, FILE *out)
{
    struct screen screen = {.out = out, .colours = colours, .now_ms = now_ms};
    size_t index;
    const json_t *origin;
    render_head(&screen, status);
    json_array_foreach(json_object_get(status, "origins"), index, origin)
        render_origin(&screen, origin);
    render_cache(&screen, status);
    render_store(&screen, status);
    render_outbox(&screen, status);
    render_ledger(&screen, status);
    render_averted(&screen, status);
}
