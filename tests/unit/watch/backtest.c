// Backtests: what a list may say and what is said of mistakes, what counts, false alarms and
// delays by hand, and the simulation against the research's table.
#include "watch/report/backtest.h"
#include "base/memory.h"
#include "watch/component.h"
#include "watch/report/backtest_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#define BEGIN INT64_C(1763596800) // 2025-11-20T00:00:00Z, seconds
#define DAY 86400

static struct backtest *backtest;
static char why_buffer[512];
static struct text why;

static int begin(void **state)
{
    (void)state;
    why = text_in(why_buffer, sizeof(why_buffer));
    return backtest_create(&backtest) == ERROR_NONE ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    backtest_destroy(backtest);
    return 0;
}

static void says(const char *expected)
{
    if (!slice_equal(text_slice(&why), slice_from_string(expected)))
        fail_msg("%.*s", SLICE_ARGS(text_slice(&why)));
    why.size = 0;
}

static void read_reports(const char *list)
{
    if (backtest_read_reports(backtest, slice_from_string(list), "list.csv", &why) != ERROR_NONE)
        fail_msg("%.*s", SLICE_ARGS(text_slice(&why)));
}

static void refuse_reports(const char *list, const char *expected)
{
    assert_int_equal(backtest_read_reports(backtest, slice_from_string(list), "list.csv", &why),
        ERROR_INVALID);
    says(expected);
}

// --- Lists ---

static void test_times(void **state)
{
    (void)state;
    static const struct { const char *text; int64_t ms; } known[] = {
        {"1763596800", 1763596800000}, {"1763596800.25", 1763596800250}, {"0", 0},
        {"2025-11-20T00:00:00Z", 1763596800000}, {"2025-11-20 00:00:00z", 1763596800000},
        {"2025-11-20T01:30:00+01:30", 1763596800000},
        {"2025-11-19T19:00:00.5-05:00", 1763596800500},
        {"2024-02-29T12:00:00Z", 1709208000000}, {"2016-12-31T23:59:60Z", 1483228800000},
        {"1763596800.1239", 1763596800123}, {"253402300799", 253402300799000},
    };
    static const char *const none[] = {"", "x", "2025-11-20", "2025-11-20T00:00:00",
        "2025-11-20T00:00Z", "2025-02-29T00:00:00Z", "2025-04-31T00:00:00Z", "-1", "1.", "1.x",
        "2025-13-01T00:00:00Z", "2025-11-20T24:00:00Z", "2025-11-20T00:00:00+1", "253402300800",
        "2025-11-20T00:00:00Zx", "2025-11-20T00:00:00.Z", "1969-12-31T00:00:00Z",
        "1970-01-01T00:00:00+01:00", "99999999999999999999"};
    int64_t ms;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (!list_parse_time(slice_from_string(known[i].text), &ms) || ms != known[i].ms)
            fail_msg("%s: %lld", known[i].text, (long long)ms);
    }
    for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
        if (list_parse_time(slice_from_string(none[i]), &ms))
            fail_msg("%s: %lld", none[i], (long long)ms);
    }
}

static void test_columns_have_their_usual_order_or_that_of_their_names(void **state)
{
    (void)state;
    read_reports("1763596800,192.0.2.1,shop\r\n\r\n# a remark\n 1763596801 , \"a, b\" ,mail\n");
    assert_int_equal(backtest->report_count, 2);
    assert_int_equal(backtest->service_count, 2);
    assert_true(slice_equal(backtest->services[1].name, SLICE("mail")));
    read_reports("\xef\xbb\xbf" "Service,Kind,TIME\nshop,x,1763596802\nnew,y,1763596803");
    assert_int_equal(backtest->report_count, 4);
    assert_int_equal(backtest->reports[2].service, 0);
    assert_int_equal(backtest->reports[3].at_ms, 1763596803000);
    assert_true(slice_equal(backtest->services[2].name, SLICE("new")));
    read_reports("1763596804"); // time alone, of a service without a name
    assert_int_equal(backtest->services[3].name.size, 0);
    read_reports("time,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18\n1");
}

static void test_networks_are_told_by_what_is_there(void **state)
{
    (void)state;
    read_reports("1,192.0.2.1\n1,192.0.2.200\n1,192.0.2.0/24\n1,192.0.3.1\n1,192.1.3.1\n"
        "1,2001:db8:1::1\n1,2001:db8:1:2::/64\n1,2001:db8:2::1\n1,a7f3\n1,a7f3\n1,\n1,\n");
    const struct backtest_report *reports = backtest->reports;
    assert_true(reports[0].network == reports[1].network);
    assert_true(reports[0].network == reports[2].network);
    assert_true(reports[0].network != reports[3].network);
    assert_true(reports[0].neighbourhood == reports[3].neighbourhood);
    assert_true(reports[0].neighbourhood != reports[4].neighbourhood);
    assert_true(reports[5].network == reports[6].network);
    assert_true(reports[5].network != reports[7].network);
    assert_true(reports[5].neighbourhood == reports[7].neighbourhood);
    assert_true(reports[8].network == reports[9].network);
    assert_true(reports[10].network != reports[11].network);
}

static void test_mistakes_are_told_with_their_line(void **state)
{
    (void)state;
    refuse_reports("time\n1763596800\n\nyesterday\n", "list.csv:4: \"yesterday\" is no time; "
        "expected one such as 2026-01-31T18:30:00Z, or seconds since 1970");
    refuse_reports("when,who\n1,2\n", "list.csv:1: \"when\" is no time; "
        "expected one such as 2026-01-31T18:30:00Z, or seconds since 1970");
    refuse_reports("1,\"a", "list.csv:1: \"\"a\" has a quote that does not end before a comma");
    refuse_reports("1,\"a\"b,c", "list.csv:1: \"\"a\"b,c\" has a quote that does not end before a "
        "comma");
    refuse_reports(",192.0.2.1", "list.csv:1: \"\" is no time; expected one such as "
        "2026-01-31T18:30:00Z, or seconds since 1970");
    read_reports("1763596800,,shop");
    assert_int_equal(backtest_read_incidents(backtest, SLICE("1,2,mail"), "in.csv", &why),
        ERROR_INVALID);
    says("in.csv:1: \"mail\" is no service that was reported");
    assert_int_equal(backtest_read_incidents(backtest, SLICE("begin,end\n5,2"), "in.csv", &why),
        ERROR_INVALID);
    says("in.csv:2: \"2\" is before its begin; expected begin,end");
    assert_int_equal(backtest_read_incidents(backtest, SLICE("5"), "in.csv", &why), ERROR_INVALID);
    says("in.csv:1: \"\" is no time; expected one such as 2026-01-31T18:30:00Z, or seconds since "
        "1970");
}

static void test_lists_have_a_most(void **state)
{
    (void)state;
    size_t size = 0;
    char *list = memory_alloc(BACKTEST_INCIDENTS_MAX * 8 + 64);
    assert_non_null(list);
    for (unsigned i = 0; i <= BACKTEST_SERVICES_MAX; i++)
        size += (size_t)snprintf(list + size, 16, "1,,%u\n", i);
    assert_int_equal(backtest_read_reports(backtest, slice_of(list, size), "list.csv", &why),
        ERROR_LIMIT);
    says("list.csv:1001: more than 1000 services; expected a shorter list");
    size = 0;
    for (unsigned i = 0; i <= BACKTEST_INCIDENTS_MAX; i++)
        size += (size_t)snprintf(list + size, 8, "1,2\n");
    assert_int_equal(backtest_read_incidents(backtest, slice_of(list, size), "in.csv", &why),
        ERROR_LIMIT);
    says("in.csv:10001: more than 10000 incidents; expected a shorter list");
    memory_free(list);
    backtest->report_count = BACKTEST_REPORTS_MAX;
    assert_int_equal(backtest_read_reports(backtest, SLICE("1"), "list.csv", &why), ERROR_LIMIT);
    says("list.csv:1: more than 5000000 reports; expected a shorter list");
    backtest->report_count = 0;
    char name[256];
    memset(name, 'a', sizeof(name));
    memcpy(name, "1,,", 3);
    assert_int_equal(backtest_read_reports(backtest, slice_of(name, sizeof(name)), "list.csv",
        &why), ERROR_INVALID);
    why.size = 0;
}

static void test_lists_of_no_use(void **state)
{
    (void)state;
    read_reports("time,network\n");
    assert_int_equal(backtest_run(backtest, &why), ERROR_INVALID);
    says("there are no reports in it");
    read_reports("0\n1763596800\n"); // as of two units
    assert_int_equal(backtest_run(backtest, &why), ERROR_INVALID);
    says("its reports are of more than 3660 days; expected a shorter time, and one unit for all "
        "times");
}

// --- Playing ---

// A list of a quiet service: one report at each end of eight days. text: space for more.
static struct text quiet(char *buffer, size_t size)
{
    struct text text = text_in(buffer, size);
    text_format(&text, "%lld,a,shop\n%lld,b,shop\n", (long long)BEGIN,
        (long long)(BEGIN + 8 * DAY));
    return text;
}

static void burst(struct text *text, int64_t at, unsigned networks, const char *service)
{
    for (unsigned i = 0; i < networks; i++)
        text_format(text, "%lld,10.%u.0.0/24,%s\n", (long long)(at + i), i, service);
}

static void run(const struct text *text)
{
    assert_false(text->full);
    if (backtest_read_reports(backtest, text_slice(text), "list.csv", &why) != ERROR_NONE
        || backtest_run(backtest, &why) != ERROR_NONE)
        fail_msg("%.*s", SLICE_ARGS(text_slice(&why)));
}

static void test_alarms_without_incidents_are_false(void **state)
{
    (void)state;
    static char buffer[65536];
    struct text text = quiet(buffer, sizeof(buffer));
    burst(&text, BEGIN + 4 * DAY, 5, "shop");             // possible
    burst(&text, BEGIN + 5 * DAY, 20, "shop");            // both
    burst(&text, BEGIN + 5 * DAY + 50 * 60, 20, "shop");  // the same, back within half an hour
    burst(&text, BEGIN + 6 * DAY, 20, "shop");
    burst(&text, BEGIN + 1 * DAY, 20, "shop");            // while it learns
    run(&text);
    assert_int_equal(backtest->learnt - backtest->begin, 2 * 1440);
    assert_int_equal(backtest->minutes, 6 * 1440 + 1);
    assert_int_equal(backtest->alarms[ANOMALY_POSSIBLE], 3);
    assert_int_equal(backtest->false_alarms[ANOMALY_POSSIBLE], 3);
    assert_int_equal(backtest->false_alarms[ANOMALY_PROBLEM], 2);
}

static void test_a_network_counts_once_in_half_an_hour(void **state)
{
    (void)state;
    static char buffer[65536];
    struct text text = quiet(buffer, sizeof(buffer));
    for (unsigned i = 0; i < 600; i++)
        text_format(&text, "%lld,192.0.2.%u,shop\n", (long long)(BEGIN + 4 * DAY + i * 6), i % 256);
    run(&text);
    assert_int_equal(backtest->counted, 2 + 2);
    assert_int_equal(backtest->alarms[ANOMALY_POSSIBLE], 0);
}

static void test_one_neighbourhood_is_not_many(void **state)
{
    (void)state;
    static char buffer[65536];
    struct text text = quiet(buffer, sizeof(buffer));
    for (unsigned i = 0; i < 200; i++)
        text_format(&text, "%lld,192.0.%u.1,shop\n", (long long)(BEGIN + 4 * DAY + i), i);
    run(&text);
    assert_int_equal(backtest->counted, 202);
    assert_int_equal(backtest->alarms[ANOMALY_POSSIBLE], 0);
}

static void test_delays_of_incidents(void **state)
{
    (void)state;
    static char buffer[65536], incidents[512];
    struct text text = quiet(buffer, sizeof(buffer)), list = text_in(incidents, sizeof(incidents));
    int64_t at = BEGIN + 4 * DAY;
    burst(&text, at + 180, 4, "shop");
    burst(&text, at + 300, 20, "shop");
    burst(&text, at + 2 * DAY, 20, "mail");
    text_format(&list, "begin,end,service\n%lld,%lld,shop\n%lld,%lld,shop\n%lld,%lld,\n",
        (long long)at, (long long)at + 1200, (long long)at + DAY, (long long)at + DAY + 600,
        (long long)at + 2 * DAY - 60, (long long)at + 2 * DAY + 600);
    assert_int_equal(backtest_read_reports(backtest, text_slice(&text), "list.csv", &why),
        ERROR_NONE);
    assert_int_equal(backtest_read_incidents(backtest, text_slice(&list), "in.csv", &why),
        ERROR_NONE);
    assert_int_equal(backtest_run(backtest, &why), ERROR_NONE);
    assert_int_equal(backtest->incidents[0].delays[ANOMALY_POSSIBLE], 6);
    assert_int_equal(backtest->incidents[0].delays[ANOMALY_PROBLEM], 6);
    assert_true(backtest->incidents[1].delays[ANOMALY_POSSIBLE] == BACKTEST_MISSED);
    assert_int_equal(backtest->incidents[2].delays[ANOMALY_PROBLEM], 2);
    assert_int_equal(backtest->alarms[ANOMALY_PROBLEM], 2);
    assert_int_equal(backtest->false_alarms[ANOMALY_POSSIBLE], 0);
    // Of two services, without the incidents and the half hours after them.
    assert_int_equal(backtest->minutes, 2 * (6 * 1440 + 1) - 51 - 41 - 2 * 42);
}

static void test_incidents_are_not_learnt_from(void **state)
{
    (void)state;
    static char buffer[65536], incidents[128];
    struct text text = quiet(buffer, sizeof(buffer)), list = text_in(incidents, sizeof(incidents));
    burst(&text, BEGIN + DAY, 250, "shop");
    text_format(&list, "%lld,%lld\n", (long long)BEGIN + DAY, (long long)BEGIN + DAY + 600);
    assert_int_equal(backtest_read_reports(backtest, text_slice(&text), "list.csv", &why),
        ERROR_NONE);
    assert_int_equal(backtest_read_incidents(backtest, text_slice(&list), "in.csv", &why),
        ERROR_NONE);
    assert_int_equal(backtest_run(backtest, &why), ERROR_NONE);
    assert_true(backtest->services[0].mean < 0.001);
    assert_int_equal(backtest->services[0].counted, 252);
}

// --- Showing ---

static char *shown(enum error (*show)(const struct backtest *backtest, FILE *out))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    if (show == NULL)
        backtest_show(backtest, out);
    else
        assert_int_equal(show(backtest, out), ERROR_NONE);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void test_what_is_shown(void **state)
{
    (void)state;
    static char buffer[65536];
    struct text text = quiet(buffer, sizeof(buffer));
    burst(&text, BEGIN + 4 * DAY, 20, "\x1b[31m\xff");
    assert_int_equal(backtest_read_reports(backtest, text_slice(&text), "list.csv", &why),
        ERROR_NONE);
    assert_int_equal(backtest_read_incidents(backtest,
        SLICE("1763942400,1763943000\n1764028800,1764029400,shop"), "in.csv", &why), ERROR_NONE);
    assert_int_equal(backtest_run(backtest, &why), ERROR_NONE);
    char *plain = shown(NULL), *json = shown(backtest_show_json);
    assert_null(strchr(plain, '\x1b'));
    assert_non_null(strstr(plain, "22 reports of 2 services from 2025-11-20T00:00:00Z to "
        "2025-11-28T00:00:00Z; 22 count"));
    assert_non_null(strstr(plain, "possible problem"));
    assert_non_null(strstr(plain, "0.105\n"));
    assert_non_null(strstr(plain, "missed"));
    assert_non_null(strstr(plain, "1 min"));
    json_t *object = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    double bound = json_number_value(json_object_get(json_object_get(json_object_get(object,
        "levels"), "possible"), "bound_per_year"));
    assert_true(bound > 10.51 && bound < 10.52);
    json_t *incidents = json_object_get(object, "incidents");
    assert_int_equal(json_array_size(incidents), 2);
    const json_t *delays = json_object_get(json_array_get(incidents, 0), "delay_minutes");
    assert_int_equal(json_integer_value(json_object_get(delays, "problem")), 1);
    delays = json_object_get(json_array_get(incidents, 1), "delay_minutes");
    assert_true(json_is_null(json_object_get(delays, "problem")));
    assert_int_equal(json_array_size(json_object_get(object, "services")), 2);
    json_decref(object);
    free(plain);
    free(json);
}

// --- Simulation ---

// The research's table at 0.1 a minute: no false problem, 0.61 possible ones a year; an outage of
// 1 a minute takes 37 minutes, if it is not missed (39 %), of 3: 6, 10 in nine of ten, of 10: 3, 4.
static void test_the_simulation_is_like_the_researchs(void **state)
{
    (void)state;
    const struct simulation simulation = {.rate = 0.1, .services = 8, .days = 120, .seed = 3};
    struct simulation_result result, again;
    assert_int_equal(simulation_run(&simulation, &result), ERROR_NONE);
    assert_int_equal(simulation_run(&simulation, &again), ERROR_NONE);
    assert_memory_equal(&result, &again, sizeof(result));
    assert_int_equal(result.minutes, 8 * 120 * 1440);
    assert_int_equal(result.alarms[ANOMALY_PROBLEM], 0);
    assert_in_range(result.alarms[ANOMALY_POSSIBLE], 0, 5);
    const struct simulation_delay *delays = result.delays[ANOMALY_PROBLEM];
    assert_in_range(delays[0].outages, 250, 400);
    assert_in_range(delays[0].missed * 100 / delays[0].outages, 30, 50);
    assert_in_range(delays[1].median, 6, 8);
    assert_in_range(delays[1].most, 9, 12);
    assert_in_range(delays[2].median, 3, 4);
    assert_in_range(delays[3].median, 2, 3);
    assert_true(result.delays[ANOMALY_POSSIBLE][1].median <= delays[1].median);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    backtest_show_simulation(&simulation, &result, out);
    assert_int_equal(backtest_show_simulation_json(&simulation, &result, out), ERROR_NONE);
    fclose(out);
    assert_non_null(strstr(text, "8 services of 0.1 networks a minute for 120 days"));
    assert_non_null(strstr(text, "\"extra_per_minute\": 40.0"));
    free(text);
}

static void test_alarms_within_half_an_hour_are_one(void **state)
{
    (void)state;
    struct alarm_counter counter = {0};
    assert_true(alarm_counter_take(&counter, 100, true));
    assert_false(alarm_counter_take(&counter, 101, true));
    assert_false(alarm_counter_take(&counter, 102, false));
    assert_false(alarm_counter_take(&counter, 131, true));
    assert_true(alarm_counter_take(&counter, 162, true));
    assert_int_equal(counter.count, 2);
}

static void test_every_want_of_memory_is_told(void **state)
{
    (void)state;
    uint64_t before, countdown = 1;
    do {
        struct backtest *other = NULL;
        before = memory_failures();
        memory_fail_after(countdown++);
        enum error error = backtest_create(&other);
        if (error == ERROR_NONE)
            error = backtest_read_reports(other, SLICE("1,,a\n90000,,b\n"), "list.csv", &why);
        if (error == ERROR_NONE)
            error = backtest_run(other, &why);
        memory_fail_after(0);
        assert_true((error == ERROR_MEMORY) == (memory_failures() > before));
        backtest_destroy(other);
    } while (memory_failures() > before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(times),
        TEST(columns_have_their_usual_order_or_that_of_their_names),
        TEST(networks_are_told_by_what_is_there),
        TEST(mistakes_are_told_with_their_line),
        TEST(lists_have_a_most),
        TEST(lists_of_no_use),
        TEST(alarms_without_incidents_are_false),
        TEST(a_network_counts_once_in_half_an_hour),
        TEST(one_neighbourhood_is_not_many),
        TEST(delays_of_incidents),
        TEST(incidents_are_not_learnt_from),
        TEST(what_is_shown),
        TEST(the_simulation_is_like_the_researchs),
        TEST(alarms_within_half_an_hour_are_one),
        TEST(every_want_of_memory_is_told),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
