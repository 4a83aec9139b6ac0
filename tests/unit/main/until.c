// Times as operators type them.
#include "main/until.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define NOW INT64_C(1784289600123) // 2026-07-17T12:00:00.123Z, 14:00 in Berlin
#define NOON (NOW / 1000 * 1000)
#define MINUTE 60000
#define DAY (INT64_C(1440) * MINUTE)

static void use_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static void good_at(int64_t now, const char *text, int64_t expected)
{
    int64_t found = 0;
    if (!until_parse(slice_from_string(text), now, &found) || found != expected)
        fail_msg("%s: %lld instead of %lld", text, (long long)found, (long long)expected);
}

static void good(const char *text, int64_t expected)
{
    good_at(NOW, text, expected);
}

static void test_durations(void **state)
{
    (void)state;
    good("30m", NOW + 30 * MINUTE);
    good("+30m", NOW + 30 * MINUTE);
    good("2h", NOW + 120 * MINUTE);
    good("0", NOW);
}

static void test_dates(void **state)
{
    (void)state;
    use_zone("Europe/Berlin");
    good("2026-07-17T12:30:00Z", NOON + 30 * MINUTE);
    good("2026-07-17t12:30z", NOON + 30 * MINUTE);
    good("2026-07-17 12:30:00.999Z", NOON + 30 * MINUTE);
    good("2026-07-17T12:30:00+02:00", NOON - 90 * MINUTE);
    good("2026-07-17T12:30:00-01:30", NOON + 120 * MINUTE);
    good("2026-07-17T14:30", NOON + 30 * MINUTE); // local
    good("2028-02-29T00:00:00Z", INT64_C(1835395200000));
    good("1970-01-01T00:00:00Z", 0);
}

static void test_clock_times_are_the_next_ones(void **state)
{
    (void)state;
    use_zone("Europe/Berlin");
    good("14:30", NOON + 30 * MINUTE);
    good("14:01", NOON + MINUTE);
    good("14:00", NOON + DAY); // already begun
    good("13:30", NOON + DAY - 30 * MINUTE);
    good("00:00", NOON + 600 * MINUTE);
    use_zone("UTC");
    good("14:30", NOON + 150 * MINUTE);
}

// The night of 2026-10-25 in Berlin has 25 hours, that of 2026-03-29 has 23.
static void test_days_of_other_lengths(void **state)
{
    (void)state;
    use_zone("Europe/Berlin");
    int64_t before_winter = INT64_C(1792857600000); // 2026-10-24T16:00:00Z, 18:00 local
    good_at(before_winter, "17:00", before_winter + 24 * 60 * MINUTE);
    int64_t before_summer = INT64_C(1774717200000); // 2026-03-28T17:00:00Z, 18:00 local
    good_at(before_summer, "17:00", before_summer + 22 * 60 * MINUTE);
    use_zone("UTC");
}

static void test_everything_else_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "soon", "30", "+", "-30m", "24:00", "12:60", "1:30",
        "12:30:00", "12-30", "2026-07-17", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-00-10T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-07-17T24:00:00Z", "2026-07-17T12:30:00.Z",
        "2026-07-17T12:30:00ZZ", "2026-07-17T12:30:00+24:00", "2026-07-17T12:30:00+0200",
        "2026-07-17T12:30:61Z", "99999999999d", "0001-01-01T00:00:00Z"};
    int64_t found = 77;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (until_parse(slice_from_string(texts[i]), NOW, &found))
            fail_msg("%s", texts[i]);
    }
    assert_false(until_parse(SLICE("12:3\0"), NOW, &found));
    assert_int_equal(found, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_clock_times_are_the_next_ones),
        cmocka_unit_test(test_days_of_other_lengths),
        cmocka_unit_test(test_everything_else_is_refused),
    };
    return cmocka_run_group_tests_name("main.until", tests, NULL, NULL);
}
