// Reading the lists, and playing them minute by minute.
#include "watch/report/backtest.h"
#include "base/hash.h"
#include "base/memory.h"
#include "io/network.h"
#include "watch/report/backtest_list.h"
#include "watch/report/votes.h"

#include <stdlib.h>

#define DAY 1440
#define KEEP_MS 1800000      // one vote of a network in this time
#define AFTERMATH 30         // minutes after an incident that are no one's fault
#define NAME_MAX_SIZE 200    // bytes of a service's name
#define ARENA_LIMIT ((size_t)8 << 20)

enum error backtest_create(struct backtest **ret_backtest)
{
    struct backtest *backtest = memory_zero_alloc(sizeof(*backtest));
    if (backtest == NULL)
        return ERROR_MEMORY;
    arena_init(&backtest->arena, 65536, ARENA_LIMIT);
    backtest->services = memory_zero_alloc(BACKTEST_SERVICES_MAX * sizeof(*backtest->services));
    backtest->incidents = memory_zero_alloc(BACKTEST_INCIDENTS_MAX * sizeof(*backtest->incidents));
    if (backtest->services == NULL || backtest->incidents == NULL) {
        backtest_destroy(backtest);
        return ERROR_MEMORY;
    }
    *ret_backtest = backtest;
    return ERROR_NONE;
}

void backtest_destroy(struct backtest *backtest)
{
    if (backtest == NULL)
        return;
    arena_free(&backtest->arena);
    memory_free(backtest->reports);
    memory_free(backtest->services);
    memory_free(backtest->incidents);
    memory_free(backtest);
}

// --- Lists ---

static enum error too_many(struct list_reader *reader, const char *what, size_t most)
{
    text_format(reader->why, "%s:%llu: more than %zu %s; expected a shorter list", reader->name,
        (unsigned long long)reader->line, most, what);
    return ERROR_LIMIT;
}

static uint32_t find_service(const struct backtest *backtest, struct slice name)
{
    for (uint32_t i = 0; i < backtest->service_count; i++) {
        if (slice_equal(backtest->services[i].name, name))
            return i;
    }
    return COMPONENT_NONE;
}

// guess: that of the line before.
static enum error read_service(struct backtest *backtest, struct list_reader *reader,
    struct slice name, uint32_t *guess)
{
    if (*guess < backtest->service_count && slice_equal(backtest->services[*guess].name, name))
        return ERROR_NONE;
    if (name.size > NAME_MAX_SIZE)
        return list_reader_refuse(reader, name, "is too long for a service; expected 200 bytes");
    uint32_t number = find_service(backtest, name);
    if (number == COMPONENT_NONE) {
        if (backtest->service_count == BACKTEST_SERVICES_MAX)
            return too_many(reader, "services", BACKTEST_SERVICES_MAX);
        struct slice copy = arena_copy(&backtest->arena, name);
        if (copy.data == NULL)
            return ERROR_MEMORY;
        number = (uint32_t)backtest->service_count++;
        backtest->services[number].name = copy;
    }
    *guess = number;
    return ERROR_NONE;
}

// What stands for a network has its neighbourhood in it only where it is an address.
static void read_network(struct slice text, uint64_t line, struct backtest_report *report)
{
    struct network network;
    struct slice host = text;
    host = slice_cut(&host, '/');
    if (text.size == 0) {
        report->network = hash_bytes(slice_of((const char *)&line, sizeof(line)), 1);
    } else if (network_parse(host, &network) == ERROR_NONE) {
        bool is_v4 = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)network.bytes);
        report->network = hash_bytes(slice_of((const char *)network.bytes, is_v4 ? 15 : 6), 2);
        report->neighbourhood =
            (uint32_t)hash_bytes(slice_of((const char *)network.bytes, is_v4 ? 14 : 4), 2);
        return;
    } else {
        report->network = hash_bytes(text, 3);
    }
    report->neighbourhood = (uint32_t)(report->network >> 32);
}

static enum error add_report(struct backtest *backtest, const struct backtest_report *report)
{
    if (backtest->report_count == backtest->report_capacity) {
        size_t capacity = MAXIMUM(backtest->report_capacity * 2, 4096);
        struct backtest_report *grown =
            memory_resize(backtest->reports, capacity * sizeof(*grown));
        if (grown == NULL)
            return ERROR_MEMORY;
        backtest->reports = grown;
        backtest->report_capacity = capacity;
    }
    backtest->reports[backtest->report_count++] = *report;
    return ERROR_NONE;
}

enum error backtest_read_reports(struct backtest *backtest, struct slice list, const char *name,
    struct text *why)
{
    static const char *const fields[] = {"time", "network", "service"};
    struct list_reader reader;
    struct slice values[LIST_FIELDS_MAX];
    struct backtest_report report = {.service = COMPONENT_NONE};
    list_reader_init(&reader, list, name, fields, ARRAY_SIZE(fields), why);
    enum error error;
    while ((error = list_reader_next(&reader, values)) == ERROR_NONE) {
        if (!list_parse_time(values[0], &report.at_ms))
            return list_reader_refuse(&reader, values[0], "is no time; expected one such as "
                "2026-01-31T18:30:00Z, or seconds since 1970");
        if (backtest->report_count == BACKTEST_REPORTS_MAX)
            return too_many(&reader, "reports", BACKTEST_REPORTS_MAX);
        error = read_service(backtest, &reader, values[2], &report.service);
        if (error != ERROR_NONE)
            return error;
        read_network(values[1], reader.line, &report);
        error = add_report(backtest, &report);
        if (error != ERROR_NONE)
            return error;
        backtest->services[report.service].reports++;
    }
    return error == ERROR_NOT_FOUND ? ERROR_NONE : error;
}

static enum error read_incident(struct backtest *backtest, struct list_reader *reader,
    const struct slice *values)
{
    int64_t begin_ms = 0, end_ms = 0;
    struct backtest_incident *incident = &backtest->incidents[backtest->incident_count];
    for (size_t i = 0; i < 2; i++) {
        if (!list_parse_time(values[i], i == 0 ? &begin_ms : &end_ms))
            return list_reader_refuse(reader, values[i], "is no time; expected one such as "
                "2026-01-31T18:30:00Z, or seconds since 1970");
    }
    if (end_ms < begin_ms)
        return list_reader_refuse(reader, values[1], "is before its begin; expected begin,end");
    if (backtest->incident_count == BACKTEST_INCIDENTS_MAX)
        return too_many(reader, "incidents", BACKTEST_INCIDENTS_MAX);
    *incident = (struct backtest_incident){.begin = begin_ms / 60000, .end = end_ms / 60000,
        .service = COMPONENT_NONE, .delays = {BACKTEST_MISSED, BACKTEST_MISSED}};
    if (values[2].size > 0) {
        incident->service = find_service(backtest, values[2]);
        if (incident->service == COMPONENT_NONE)
            return list_reader_refuse(reader, values[2], "is no service that was reported");
    }
    backtest->incident_count++;
    return ERROR_NONE;
}

enum error backtest_read_incidents(struct backtest *backtest, struct slice list, const char *name,
    struct text *why)
{
    static const char *const fields[] = {"begin", "end", "service"};
    struct list_reader reader;
    struct slice values[LIST_FIELDS_MAX];
    list_reader_init(&reader, list, name, fields, ARRAY_SIZE(fields), why);
    enum error error;
    while ((error = list_reader_next(&reader, values)) == ERROR_NONE) {
        error = read_incident(backtest, &reader, values);
        if (error != ERROR_NONE)
            return error;
    }
    return error == ERROR_NOT_FOUND ? ERROR_NONE : error;
}

// --- Playing ---

struct last_vote {
    uint64_t network;
    int64_t at_ms;
    bool is_taken;
};

// One service.
struct play {
    struct backtest *backtest;
    uint32_t service;
    struct backtest_report *reports; // by time; of these, those that count come first
    size_t count;
    struct anomaly anomaly;
    struct alarm_counter counters[ANOMALY_LEVELS];
    size_t window, at;               // reports of the minutes before: [window, at)
    size_t incident;                 // the first that begins later
    int64_t incident_until;          // of those before
};

static int compare_reports(const void *a, const void *b)
{
    const struct backtest_report *one = a, *other = b;
    if (one->service != other->service)
        return one->service < other->service ? -1 : 1;
    return (one->at_ms > other->at_ms) - (one->at_ms < other->at_ms);
}

// A power of two, and at least half of it stays free.
static size_t places_for(size_t count)
{
    size_t places = 2;
    while (places < 2 * count)
        places *= 2;
    return places;
}

// Moves the reports that count to the front, and returns how many.
static size_t count_once(struct backtest_report *reports, size_t count, struct last_vote *table)
{
    size_t counted = 0, places = places_for(count);
    memset(table, 0, places * sizeof(*table));
    for (size_t i = 0; i < count; i++) {
        size_t place = reports[i].network & (places - 1);
        while (table[place].is_taken && table[place].network != reports[i].network)
            place = (place + 1) & (places - 1);
        if (table[place].is_taken && reports[i].at_ms - table[place].at_ms < KEEP_MS)
            continue;
        table[place] = (struct last_vote){reports[i].network, reports[i].at_ms, true};
        reports[counted++] = reports[i];
    }
    return counted;
}

static int compare_incidents(const void *a, const void *b)
{
    const struct backtest_incident *one = a, *other = b;
    return (one->begin > other->begin) - (one->begin < other->begin);
}

static bool is_of(const struct play *play, const struct backtest_incident *incident)
{
    return incident->service == COMPONENT_NONE || incident->service == play->service;
}

// Asked of each minute in its turn. Incidents are in the order of their begins.
static bool has_incident(struct play *play, int64_t minute)
{
    const struct backtest *backtest = play->backtest;
    for (; play->incident < backtest->incident_count; play->incident++) {
        const struct backtest_incident *incident = &backtest->incidents[play->incident];
        if (incident->begin > minute)
            break;
        if (is_of(play, incident))
            play->incident_until = MAXIMUM(play->incident_until, incident->end + AFTERMATH);
    }
    return minute <= play->incident_until;
}

static struct anomaly_minute next_minute(struct play *play, int64_t minute,
    struct vote_origin *origins)
{
    struct anomaly_minute seen = {0};
    const struct backtest_report *reports = play->reports;
    while (play->at < play->count && reports[play->at].at_ms / 60000 <= minute) {
        play->at++;
        seen.networks++;
    }
    while (play->window < play->at
        && reports[play->window].at_ms / 60000 <= minute - ANOMALY_WINDOW)
        play->window++;
    size_t count = MINIMUM(play->at - play->window, VOTES_OF_ONE_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct backtest_report *report = &reports[play->at - 1 - i];
        origins[i] = (struct vote_origin){report->neighbourhood,
            report->at_ms / 60000 > minute - ANOMALY_SHORT};
    }
    votes_judge(origins, count, &seen);
    return seen;
}

static bool is_on(enum report_level level, size_t alarm)
{
    return alarm == ANOMALY_PROBLEM ? level == REPORTS_PROBLEM : level != REPORTS_NONE;
}

static void note_delays(struct play *play, int64_t minute, size_t alarm)
{
    struct backtest *backtest = play->backtest;
    for (size_t i = 0; i < backtest->incident_count; i++) {
        struct backtest_incident *incident = &backtest->incidents[i];
        if (is_of(play, incident) && minute >= incident->begin && minute <= incident->end)
            incident->delays[alarm] =
                MINIMUM(incident->delays[alarm], minute - incident->begin + 1);
    }
}

static void evaluate(struct play *play, int64_t minute, const struct anomaly_minute *seen,
    bool is_incident)
{
    struct backtest *backtest = play->backtest;
    struct anomaly_settled settled;
    enum report_level level = anomaly_close(&play->anomaly, minute, seen, &settled);
    backtest->minutes += !is_incident;
    for (size_t alarm = 0; alarm < ANOMALY_LEVELS; alarm++) {
        if (alarm_counter_take(&play->counters[alarm], minute, is_on(level, alarm))) {
            backtest->alarms[alarm]++;
            backtest->false_alarms[alarm] += !is_incident;
        }
        if (is_on(level, alarm))
            note_delays(play, minute, alarm);
    }
}

static void play_service(struct play *play, struct vote_origin *origins)
{
    struct backtest *backtest = play->backtest;
    struct backtest_service *service = &backtest->services[play->service];
    anomaly_init(&play->anomaly);
    for (int64_t minute = backtest->begin; minute <= backtest->end; minute++) {
        struct anomaly_minute seen = next_minute(play, minute, origins);
        bool is_incident = has_incident(play, minute);
        if (minute >= backtest->learnt)
            evaluate(play, minute, &seen, is_incident);
        else if (!is_incident)
            anomaly_restore(&play->anomaly, minute, 1, seen.networks);
    }
    service->counted = (uint32_t)play->count;
    service->mean = play->anomaly.mean;
    service->dispersion = play->anomaly.dispersion;
    memcpy(service->thresholds, play->anomaly.thresholds, sizeof(service->thresholds));
    backtest->counted += play->count;
}

static enum error find_span(struct backtest *backtest, struct text *why)
{
    int64_t first = INT64_MAX, last = 0;
    for (size_t i = 0; i < backtest->report_count; i++) {
        first = MINIMUM(first, backtest->reports[i].at_ms / 60000);
        last = MAXIMUM(last, backtest->reports[i].at_ms / 60000);
    }
    if (backtest->report_count == 0) {
        text_append(why, SLICE("there are no reports in it"));
        return ERROR_INVALID;
    }
    if (last - first > (int64_t)BACKTEST_DAYS_MAX * DAY) {
        text_format(why, "its reports are of more than %d days; expected a shorter time, and one "
            "unit for all times", BACKTEST_DAYS_MAX);
        return ERROR_INVALID;
    }
    backtest->begin = MAXIMUM(first, 1);
    backtest->end = MAXIMUM(last, 1);
    backtest->learnt = first + MINIMUM((last - first) / 4, ANOMALY_DAYS * DAY);
    return ERROR_NONE;
}

enum error backtest_run(struct backtest *backtest, struct text *why)
{
    enum error error = find_span(backtest, why);
    struct last_vote *table = NULL;
    uint32_t most = 0;
    for (size_t i = 0; i < backtest->service_count; i++)
        most = MAXIMUM(most, backtest->services[i].reports);
    struct vote_origin *origins = memory_alloc(VOTES_OF_ONE_MAX * sizeof(*origins));
    struct play *play = memory_alloc(sizeof(*play));
    if (error == ERROR_NONE)
        table = memory_alloc(places_for(most) * sizeof(*table));
    if (error == ERROR_NONE && (table == NULL || origins == NULL || play == NULL))
        error = ERROR_MEMORY;
    if (error == ERROR_NONE) {
        struct backtest_report *reports = backtest->reports;
        qsort(reports, backtest->report_count, sizeof(*reports), compare_reports);
        qsort(backtest->incidents, backtest->incident_count, sizeof(*backtest->incidents),
            compare_incidents);
        for (uint32_t i = 0; i < backtest->service_count; i++) {
            size_t count = backtest->services[i].reports;
            *play = (struct play){.backtest = backtest, .service = i, .reports = reports};
            play->count = count_once(reports, count, table);
            play_service(play, origins);
            reports += count;
        }
    }
    memory_free(table);
    memory_free(origins);
    memory_free(play);
    return error;
}
