// Dates of RFC 9110 section 5.6.7.
#include "http1_helpers.h"

#include "http/cache_control.h"

#include <stdio.h>
#include <time.h>

#define NOW INT64_C(1760000000) // October 2025

static void assert_date(const char *text, int64_t seconds)
{
    int64_t parsed = -77;
    struct slice copy = heap_copy(slice_from_string(text));
    if (!http_date_parse(copy, NOW, &parsed) || parsed != seconds)
        fail_msg("%s: %lld", text, (long long)parsed);
    heap_release(copy);
}

static void assert_no_date(const char *text)
{
    int64_t parsed = -77;
    struct slice copy = heap_copy(slice_from_string(text));
    if (http_date_parse(copy, NOW, &parsed) || parsed != -77)
        fail_msg("%s: %lld", text, (long long)parsed);
    heap_release(copy);
}

static void the_three_forms_mean_the_same(void **state)
{
    (void)state;
    assert_date("Sun, 06 Nov 1994 08:49:37 GMT", 784111777);
    assert_date("Sunday, 06-Nov-94 08:49:37 GMT", 784111777);
    assert_date("Sun Nov  6 08:49:37 1994", 784111777);
    assert_date("Sun Nov 06 08:49:37 1994", 784111777);
    assert_date("Wed Nov 16 08:49:37 1994", 784975777);
}

static void names_are_taken_in_any_case_and_no_zone_but_gmt(void **state)
{
    (void)state;
    assert_date("THU, 18 aug 2050 02:01:18 gMt", 2544400878);
    assert_no_date("Thu, 18 Aug 2050 02:01:18 UTC");
    assert_no_date("Thu, 18 Aug 2050 02:01:18 AEST");
    assert_no_date("Sunday, 06-Nov-94 08:49:37 UTC");
    assert_date("sUNDAY, 06-nOV-94 08:49:37 gmt", 784111777);
    assert_date("sun nOV  6 08:49:37 1994", 784111777);
    assert_date("Mon, 06 Nov 1994 08:49:37 GMT", 784111777); // the wrong day of the week
}

static void times_beyond_32_bits_are_right(void **state)
{
    (void)state;
    assert_date("Thu, 01 Jan 1970 00:00:00 GMT", 0);
    assert_date("Wed, 31 Dec 1969 23:59:59 GMT", -1);
    assert_date("Tue, 19 Jan 2038 03:14:07 GMT", INT64_C(2147483647));
    assert_date("Tue, 19 Jan 2038 03:14:08 GMT", INT64_C(2147483648));
    assert_date("Sun, 07 Feb 2106 06:28:16 GMT", INT64_C(4294967296));
    assert_date("Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799));
    assert_date("Sat, 01 Jan 0000 00:00:00 GMT", INT64_C(-62167219200));
}

static void leap_days_and_seconds_exist_where_they_do(void **state)
{
    (void)state;
    assert_date("Thu, 29 Feb 2024 00:00:00 GMT", 1709164800);
    assert_date("Tue, 29 Feb 2000 00:00:00 GMT", 951782400);
    assert_no_date("Wed, 29 Feb 2023 00:00:00 GMT");
    assert_no_date("Mon, 29 Feb 1900 00:00:00 GMT");
    assert_no_date("Mon, 29 Feb 2100 00:00:00 GMT");
    assert_date("Sat, 31 Dec 2016 23:59:60 GMT", 1483228800);
    assert_no_date("Sat, 31 Dec 2016 23:59:61 GMT");
}

static void two_digit_years_are_near_now(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t now, seconds;
    } cases[] = {
        {"Sunday, 06-Nov-94 08:49:37 GMT", NOW, 784111777},
        {"Saturday, 06-Nov-75 00:00:00 GMT", NOW, INT64_C(3340224000)}, // 2075, 50 years ahead
        {"Saturday, 06-Nov-76 00:00:00 GMT", NOW, 216086400}, // 1976
        {"Saturday, 01-Jan-00 00:00:00 GMT", NOW, 946684800}, // 2000
        // In 2090: 2100.
        {"Saturday, 01-Jan-00 00:00:00 GMT", INT64_C(3786912000), INT64_C(4102444800)},
        {"Saturday, 01-Jan-70 00:00:00 GMT", -5, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t seconds = 0;
        if (!http_date_parse(slice_from_string(cases[i].text), cases[i].now, &seconds)
            || seconds != cases[i].seconds)
            fail_msg("case %zu: %lld", i, (long long)seconds);
    }
    int64_t seconds;
    assert_true(http_date_parse(SLICE("Friday, 31-Dec-99 23:59:59 GMT"), INT64_MAX, &seconds));
    assert_true(seconds == INT64_C(253402300799)); // 9999, the last year that can be written
    assert_true(http_date_parse(SLICE("Friday, 31-Dec-00 23:59:59 GMT"), INT64_MAX, &seconds));
    assert_true(seconds == INT64_C(250278163199)); // 9900
    assert_true(http_date_parse(SLICE("Sunday, 06-Nov-94 08:49:37 GMT"), INT64_MAX, &seconds));
    assert_true(seconds < INT64_C(253402300800));
    assert_true(http_date_parse(SLICE("Sunday, 06-Nov-94 08:49:37 GMT"), INT64_MIN, &seconds));
}

static void garbage_is_no_date(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "0", "-1", "1994", "now", "Sun", "Sun,", "Sunday", "Sun, 06 Nov 1994",
        "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 ", "Sun, 06 Nov 1994 08:49:37 GM",
        "Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMTX", "Sun, 06 Nov 1994 08:49:37 EST",
        "Sun, 06 Nov 1994 08:49:37 +0000", "Sun, 06 Nov 1994 08:49:37 Z",
        "Sun,06 Nov 1994 08:49:37 GMT", "Sun 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun,  6 Nov 1994 08:49:37 GMT",
        "Sun, 06  Nov  1994 08:49:37 GMT", "Sun, 06-Nov-1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT", "Sun, 06 Nov 19944 08:49:37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 06 Nov 1994 08.49.37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 32 Oct 1994 08:49:37 GMT",
        "Sun, 06 Nox 1994 08:49:37 GMT", "Sux, 06 Nov 1994 08:49:37 GMT",
        "Sun, -6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov -994 08:49:37 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT", "06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z",
        "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday, 06 Nov 94 08:49:37 GMT",
        "Sunday, 6-Nov-94 08:49:37 GMT", "Sunday 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37", "Sun Nov 6 08:49:37 1994", "Sun Nov   6 08:49:37 1994",
        "Sun Nov  6 08:49:37 94", "Sun Nov  6 08:49:37 1994 GMT", "Sun Nov 31 08:49:37 1994",
        "Sunday Nov  6 08:49:37 1994",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_no_date(texts[i]);
    int64_t seconds = -77;
    assert_false(http_date_parse(SLICE("Sun, 06 Nov 1994 08:49:37 GMT\0"), NOW, &seconds));
    assert_false(http_date_parse(SLICE_EMPTY, NOW, &seconds));
}

static void formatted_dates_are_the_c_librarys_and_read_back(void **state)
{
    (void)state;
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
        "Sep", "Oct", "Nov", "Dec"};
    // A step that is no whole number of days passes through all days and times.
    for (int64_t seconds = INT64_C(-62167219200); seconds < INT64_C(253402300800);
         seconds += 86400 * 97 + 12345) {
        char buffer[HTTP_DATE_SIZE], expected[64];
        struct tm tm;
        time_t time = (time_t)seconds;
        int64_t parsed = -77;
        assert_non_null(gmtime_r(&time, &tm));
        snprintf(expected, sizeof(expected), "%s, %02d %s %04d %02d:%02d:%02d GMT",
            days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
            tm.tm_min, tm.tm_sec);
        http_date_format(seconds, buffer);
        assert_text(slice_of(buffer, sizeof(buffer)), expected);
        assert_true(http_date_parse(slice_of(buffer, sizeof(buffer)), NOW, &parsed));
        assert_true(parsed == seconds);
    }
}

static void formatting_is_bounded(void **state)
{
    (void)state;
    char buffer[HTTP_DATE_SIZE];
    http_date_format(INT64_MAX, buffer);
    assert_text(slice_of(buffer, sizeof(buffer)), "Fri, 31 Dec 9999 23:59:59 GMT");
    http_date_format(INT64_MIN, buffer);
    assert_text(slice_of(buffer, sizeof(buffer)), "Sat, 01 Jan 0000 00:00:00 GMT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_forms_mean_the_same),
        cmocka_unit_test(names_are_taken_in_any_case_and_no_zone_but_gmt),
        cmocka_unit_test(times_beyond_32_bits_are_right),
        cmocka_unit_test(leap_days_and_seconds_exist_where_they_do),
        cmocka_unit_test(two_digit_years_are_near_now),
        cmocka_unit_test(garbage_is_no_date),
        cmocka_unit_test(formatted_dates_are_the_c_librarys_and_read_back),
        cmocka_unit_test(formatting_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
