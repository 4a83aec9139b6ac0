// Local time to UTC over changes of daylight saving time, by the files of this machine; and files
// that are damaged.
#include "watch/incident/window_zone.h"
#include "base/memory.h"
#include "base/units.h"
#include "watch/incident/window_day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static char why_buffer[512];
static struct text why;

static int64_t seconds_of(const char *moment)
{
    int year, month, day, hour, minute;
    assert_int_equal(
        sscanf(moment, "%d-%d-%d %d:%d", &year, &month, &day, &hour, &minute), 5);
    return window_day_of(year, month, day) * INT64_C(86400) + hour * 3600 + minute * 60;
}

static struct window_zone *load(const char *name)
{
    struct window_zone *zone = NULL;
    why = text_in(why_buffer, sizeof(why_buffer));
    assert_int_equal(window_zone_load(slice_from_string(name), &why, &zone), ERROR_NONE);
    return zone;
}

// Expected ones by another implementation (Python's zoneinfo, of tzdata 2025b).
static void test_local_times(void **state)
{
    static const struct {
        const char *zone, *local, *utc;
    } cases[] = {
        {"Europe/Berlin", "2026-03-29 01:59", "2026-03-29 00:59"},
        {"Europe/Berlin", "2026-03-29 02:00", "2026-03-29 01:00"}, // does not exist
        {"Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:30"}, // nor this one
        {"Europe/Berlin", "2026-03-29 03:00", "2026-03-29 01:00"},
        {"Europe/Berlin", "2026-10-25 01:59", "2026-10-24 23:59"},
        {"Europe/Berlin", "2026-10-25 02:30", "2026-10-25 00:30"}, // the first of two
        {"Europe/Berlin", "2026-10-25 03:00", "2026-10-25 02:00"},
        {"Europe/Berlin", "2050-07-01 12:00", "2050-07-01 10:00"}, // by the rule at the end
        {"Europe/Berlin", "2199-12-31 23:59", "2199-12-31 22:59"},
        {"America/New_York", "2026-03-08 02:30", "2026-03-08 07:30"},
        {"America/New_York", "2026-03-08 03:00", "2026-03-08 07:00"},
        {"America/New_York", "2026-11-01 00:59", "2026-11-01 04:59"},
        {"America/New_York", "2026-11-01 01:30", "2026-11-01 05:30"},
        {"America/New_York", "2026-11-01 02:00", "2026-11-01 07:00"},
        {"America/New_York", "2027-03-14 02:30", "2027-03-14 07:30"},
        {"America/New_York", "2027-11-07 01:30", "2027-11-07 05:30"},
        {"Australia/Lord_Howe", "2026-04-05 01:29", "2026-04-04 14:29"}, // half an hour
        {"Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04 14:45"},
        {"Australia/Lord_Howe", "2026-04-05 02:00", "2026-04-04 15:30"},
        {"Australia/Lord_Howe", "2026-10-04 01:59", "2026-10-03 15:29"},
        {"Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03 15:45"},
        {"Australia/Lord_Howe", "2026-10-04 02:30", "2026-10-03 15:30"},
        {"Australia/Lord_Howe", "2060-01-15 02:00", "2060-01-14 15:00"},
        {"Africa/Casablanca", "2026-02-15 01:59", "2026-02-15 00:59"}, // by the moon
        {"Africa/Casablanca", "2026-02-15 02:30", "2026-02-15 01:30"},
        {"Africa/Casablanca", "2026-02-15 03:00", "2026-02-15 03:00"},
        {"Africa/Casablanca", "2026-03-22 02:30", "2026-03-22 02:30"},
        {"Africa/Casablanca", "2026-03-22 03:00", "2026-03-22 02:00"},
        {"Africa/Casablanca", "2027-02-07 02:30", "2027-02-07 01:30"},
        {"Africa/Casablanca", "2027-03-14 02:30", "2027-03-14 02:30"},
        {"America/Sao_Paulo", "2026-01-15 02:00", "2026-01-15 05:00"}, // no more since 2019
        {"America/Sao_Paulo", "2026-07-15 02:00", "2026-07-15 05:00"},
        {"America/Sao_Paulo", "2018-11-04 00:30", "2018-11-04 03:30"},
        {"America/Sao_Paulo", "2019-02-16 23:30", "2019-02-17 01:30"},
        {"America/Sao_Paulo", "2027-11-07 00:30", "2027-11-07 03:30"},
        {"Europe/Dublin", "2026-07-01 12:00", "2026-07-01 11:00"}, // winter is its daylight time
        {"Europe/Dublin", "2026-12-01 12:00", "2026-12-01 12:00"},
        {"Europe/Dublin", "2050-07-01 12:00", "2050-07-01 11:00"},
        {"Europe/Dublin", "2050-12-01 12:00", "2050-12-01 12:00"},
        {"Pacific/Apia", "2011-12-30 12:00", "2011-12-30 22:00"}, // a whole day left out
        {"Pacific/Apia", "2011-12-31 12:00", "2011-12-30 22:00"},
        {"Asia/Kathmandu", "2026-12-01 02:00", "2026-11-30 20:15"},
        {"America/Nuuk", "2026-03-28 22:30", "2026-03-29 00:30"}, // changes the day before
        {"America/Nuuk", "2050-10-29 23:30", "2050-10-30 00:30"},
        {"Etc/GMT+5", "2026-03-28 22:30", "2026-03-29 03:30"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct window_zone *zone = load(cases[i].zone);
        int64_t utc = window_zone_to_utc(zone, seconds_of(cases[i].local));
        if (utc != seconds_of(cases[i].utc))
            fail_msg("%s %s is off by %lld s", cases[i].zone, cases[i].local,
                (long long)(utc - seconds_of(cases[i].utc)));
        window_zone_free(zone);
    }
    assert_int_equal(window_zone_to_utc(NULL, 1234), 1234);
}

// Every moment's local time leads back to it, or to the same local time one change before.
static void test_there_and_back(void **state)
{
    static const char *const names[] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
        "Africa/Casablanca", "America/Sao_Paulo", "America/St_Johns", "Pacific/Chatham"};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct window_zone *zone = load(names[i]);
        for (int64_t at = seconds_of("2025-01-01 00:00"); at < seconds_of("2045-01-01 00:00");
             at += 6247) {
            int64_t local = at + window_zone_offset(zone, at);
            int64_t back = window_zone_to_utc(zone, local);
            assert_true(back <= at && at - back <= 7200);
            assert_int_equal(back + window_zone_offset(zone, back), local);
        }
        window_zone_free(zone);
    }
}

static void test_far_away_times_do_no_harm(void **state)
{
    (void)state;
    struct window_zone *zone = load("Europe/Berlin");
    assert_in_range(window_zone_offset(zone, INT64_C(1) << 61), 3600, 7200);
    assert_in_range(window_zone_offset(zone, -(INT64_C(1) << 61)), 0, 7200);
    window_zone_free(zone);
    zone = load("Etc/UTC");
    assert_int_equal(window_zone_offset(zone, -(INT64_C(1) << 61)), 0);
    window_zone_free(zone);
}

static void assert_unknown(const char *name, const char *said)
{
    struct window_zone *zone;
    why = text_in(why_buffer, sizeof(why_buffer) - 1);
    assert_int_equal(window_zone_load(slice_from_string(name), &why, &zone), ERROR_INVALID);
    why_buffer[why.size] = '\0';
    if (strstr(why_buffer, said) == NULL)
        fail_msg("\"%s\" is not in: %s", said, why_buffer);
}

static void test_unknown_names(void **state)
{
    (void)state;
    assert_unknown("Europe/Berln", "did you mean \"Europe/Berlin\"?");
    assert_unknown("europe/berlin", "did you mean \"Europe/Berlin\"?");
    assert_unknown("America/Argentina/Sallta", "did you mean \"America/Argentina/Salta\"?");
    assert_unknown("Nowhere at all, really", "write it as IANA does, like \"Europe/Berlin\"");
    assert_unknown("../../../etc/passwd", "is no time zone");
    assert_unknown("/etc/localtime", "is no time zone");
    assert_unknown("right/Europe/Berlin", "is no time zone");
    assert_unknown("Europe", "is no time zone");
    assert_unknown("Europe/Berlin/", "is no time zone");
    assert_unknown("leapseconds", "cannot be understood");
    assert_unknown("", "is no time zone");
}

static size_t read_file(const char *path, char *buffer, size_t capacity)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(buffer, 1, capacity, file);
    fclose(file);
    return size;
}

static void test_damaged_files(void **state)
{
    static char bytes[8192], copy[8192];
    struct window_zone *zone = NULL;
    (void)state;
    size_t size = read_file("/usr/share/zoneinfo/Europe/Berlin", bytes, sizeof(bytes));
    for (size_t i = 0; i < size; i++) { // every beginning of it
        assert_int_equal(window_zone_parse(slice_of(bytes, i), &zone), ERROR_INVALID);
        assert_null(zone);
    }
    for (size_t i = 0; i < size; i++) { // and one byte off
        memcpy(copy, bytes, size);
        copy[i] = (char)(copy[i] ^ 0x55);
        if (window_zone_parse(slice_of(copy, size), &zone) != ERROR_NONE)
            continue;
        (void)window_zone_to_utc(zone, seconds_of("2026-12-01 12:00"));
        window_zone_free(zone);
        zone = NULL;
    }
    size = read_file("/usr/share/zoneinfo/right/Europe/Berlin", bytes, sizeof(bytes));
    assert_int_equal(window_zone_parse(slice_of(bytes, size), &zone), ERROR_INVALID);
}

// A file made by hand: no change, and that tail.
static enum error parse_tail(const char *tail, struct window_zone **ret_zone)
{
    char file[256] = {0};
    for (unsigned block = 0; block < 2; block++) {
        char *at = file + block * 51;
        memcpy(at, "TZif2", 5);
        at[39] = 1; // type
        at[43] = 1; // character
    }
    int size = snprintf(file + 102, sizeof(file) - 102, "\n%s\n", tail);
    return window_zone_parse(slice_of(file, 102 + (size_t)size), ret_zone);
}

static void test_tails(void **state)
{
    static const struct {
        const char *tail, *utc;
        int offset;
    } cases[] = {
        {"ZZZ3", "2026-07-01 00:00", -10800},
        {"<+0330>-3:30", "2026-07-01 00:00", 12600},
        {"AAA0BBB,M3.5.0/1,M10.5.0/2", "2026-03-29 00:59", 0},
        {"AAA0BBB,M3.5.0/1,M10.5.0/2", "2026-03-29 01:00", 3600},
        {"AAA0BBB,M3.5.0/1,M10.5.0/2", "2026-10-25 00:59", 3600},
        {"AAA0BBB,M3.5.0/1,M10.5.0/2", "2026-10-25 01:00", 0},
        {"AAA-10BBB,M10.1.0,M4.1.0/3", "2026-01-01 00:00", 39600}, // the south
        {"AAA-10BBB,M10.1.0,M4.1.0/3", "2026-07-01 00:00", 36000},
        {"AAA3BBB2,M3.5.0/-2,M10.5.0/-1", "2026-03-29 00:59", -10800}, // on the day before
        {"AAA3BBB2,M3.5.0/-2,M10.5.0/-1", "2026-03-29 01:00", -7200},
        {"AAA0BBB,J60/0,J300/0", "2024-02-29 23:59", 0}, // 1 March, leap year or not
        {"AAA0BBB,J60/0,J300/0", "2024-03-01 00:00", 3600},
        {"AAA0BBB,J60/0,J300/0", "2025-03-01 00:00", 3600},
        {"AAA0BBB,59/0,300/0", "2024-02-29 00:00", 3600},
        {"AAA0BBB,59/0,300/0", "2025-02-28 23:59", 0},
        {"AAA3BBB,0/0,J365/25", "2026-12-31 23:59", -7200}, // all the year
    };
    static const char *const wrong[] = {"X", "ZZZ", "ZZZ25", "ZZZ3YYY", "ZZZ3YYY,M3.5.0",
        "ZZZ3YYY,M0.5.0,M10.5.0", "ZZZ3YYY,M3.6.0,M10.5.0", "ZZZ3YYY,M3.5.7,M10.5.0",
        "ZZZ3YYY,J0,J3", "ZZZ3YYY,366,3", "ZZZ3YYY,M3.5.0/168,M10.5.0", "ZZZ3YYY,M3.5.0,M10.5.0x",
        "<ZZZ3", "ZZZ3:60", "ZZZ-", "ZZZ3YYY,M13.5.0,M10.5.0"};
    struct window_zone *zone;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(parse_tail(cases[i].tail, &zone), ERROR_NONE);
        int32_t offset = window_zone_offset(zone, seconds_of(cases[i].utc));
        if (offset != cases[i].offset)
            fail_msg("%s at %s is %d", cases[i].tail, cases[i].utc, offset);
        window_zone_free(zone);
    }
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        if (parse_tail(wrong[i], &zone) != ERROR_INVALID)
            fail_msg("%s is taken", wrong[i]);
    }
}

static void test_days(void **state)
{
    (void)state;
    int32_t day = window_day_of(1, 1, 1);
    for (int year = 1; year < 2500; year += year < 1890 ? 7 : 1) {
        day = window_day_of(year, 1, 1);
        for (int i = 0; i < (window_is_leap(year) ? 366 : 365); i++, day++) {
            struct window_date date = window_date_of(day);
            assert_int_equal(date.year, year);
            assert_int_equal(date.day_of_year, i + 1);
            assert_int_equal(window_day_of(date.year, date.month, date.day), day);
        }
        assert_int_equal(day, window_day_of(year + 1, 1, 1));
    }
    assert_int_equal(window_day_of(1970, 1, 1), 0);
    assert_int_equal(window_day_of(2026, 11, 30), 20787);
    assert_int_equal(window_weekday(20787), 0); // a Monday
    assert_int_equal(window_weekday(-1), 2);
}

static void test_no_memory(void **state)
{
    struct window_zone *zone = NULL;
    (void)state;
    for (unsigned i = 1; i <= 2; i++) { // the file's bytes, then the zone
        memory_fail_after(i);
        if (i == 1)
            memory_free(memory_zero_alloc(1));
        why = text_in(why_buffer, sizeof(why_buffer));
        enum error error = window_zone_load(SLICE("Europe/Berlin"), &why, &zone);
        memory_fail_after(0);
        assert_int_equal(error, i == 1 ? ERROR_MEMORY : ERROR_NONE);
    }
    window_zone_free(zone);
    memory_fail_after(1);
    assert_int_equal(window_zone_load(SLICE("Europe/Berlin"), &why, &zone), ERROR_MEMORY);
    memory_fail_after(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_local_times),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_far_away_times_do_no_harm),
        cmocka_unit_test(test_unknown_names),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_tails),
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("watch.window_zone", tests, NULL, NULL);
}
