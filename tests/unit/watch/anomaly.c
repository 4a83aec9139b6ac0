// The rule for reports: its arithmetic against exact sums, what is usual, when an alarm begins and
// ends, and what it does not learn from.
#include "watch/report/anomaly.h"
#include "watch/report/simulation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define START INT64_C(29393280) // minutes since 1970, the begin of hour 0 of a week
#define DAY 1440

static struct anomaly anomaly;
static struct anomaly_settled settled;

static int begin(void **state)
{
    (void)state;
    anomaly_init(&anomaly);
    return 0;
}

// networks of so many neighbourhoods that the cap has nothing to say.
static enum report_level tell(int64_t minute, uint32_t networks)
{
    struct anomaly_minute seen = {.networks = networks, .neighbourhoods = ANOMALY_UNKNOWN};
    return anomaly_close(&anomaly, minute, &seen, &settled);
}

// --- Arithmetic ---

// By Python's decimal module, 80 digits, as 1 - the sum of all terms below.
static void test_the_tail_is_that_of_exact_sums(void **state)
{
    (void)state;
    static const struct {
        double mean, dispersion;
        uint32_t count;
        double tail;
    } known[] = {
        {0.5, 4, 5, 7.092061669459098e-04},
        {0.0833333333333333, 4, 5, 1.883086713310918e-07},
        {12.5, 3, 60, 2.014075159441830e-04},
        {187.5, 3, 1700, 7.373432829691036e-10},
        {187.5, 10, 900, 1.473485506357185e-11},
        {3, 50, 20, 8.806008237982079e-10},
        {1500, 1, 20000, 1.626807808175479e-06},
        {1.5, 1.37, 3, 2.159199510511261e-01},
        {20000, 50, 35000, 5.330154604599005e-06},
        {0.25, 4, 1, 2.153350654326457e-01},
    };
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        double tail = anomaly_tail(known[i].mean, known[i].dispersion, known[i].count);
        if (fabs(tail / known[i].tail - 1) > 1e-8)
            fail_msg("row %zu: %.15e", i, tail);
    }
    assert_true(anomaly_tail(3, 4, 0) == 1);
    assert_true(anomaly_tail(0, 4, 1) == 0);
}

static void test_the_tail_is_that_of_a_sum_from_the_far_end(void **state)
{
    (void)state;
    for (double dispersion = 1; dispersion < 60; dispersion *= 2.7) {
        for (double mean = 0.05; mean < 300; mean *= 3.1) {
            long double p = mean / (mean + dispersion), term = 1, sum = 0;
            uint32_t count = (uint32_t)(4 * mean + 6), last = count + 20000;
            for (uint32_t k = 0; k <= last; k++) {
                if (k == 0)
                    term = powl(1 - p, dispersion);
                sum += k >= count ? term : 0;
                term *= (k + (long double)dispersion) / (k + 1) * p;
            }
            double tail = anomaly_tail(mean, dispersion, count);
            if (sum > 1e-290L && fabsl(tail / sum - 1) > 1e-9L)
                fail_msg("mean %g, r %g: %g, not %Lg", mean, dispersion, tail, sum);
        }
    }
}

static void test_the_least_count_is_the_least(void **state)
{
    (void)state;
    static const struct {
        double mean, dispersion;
        uint32_t counts[ANOMALY_LEVELS]; // by Python
    } known[] = {
        {0.0833333333333333, 4, {5, 6}}, {0.25, 4, {6, 8}}, {0.625, 4, {9, 11}},
        {1.875, 4, {16, 20}}, {12.5, 3, {76, 100}}, {37.5, 3, {215, 281}}, {62.5, 10, {195, 237}},
        {187.5, 3, {1042, 1365}}, {187.5, 10, {564, 685}}, {187.5, 50, {341, 382}},
        {100, 1, {1158, 1620}},
    };
    static const uint32_t guesses[] = {0, 5, 6, 100, 1041, 1042, 1043, 70000};
    for (size_t i = 0; i < ARRAY_SIZE(known) * ARRAY_SIZE(guesses); i++) {
        size_t row = i / ARRAY_SIZE(guesses);
        for (size_t level = 0; level < ANOMALY_LEVELS; level++)
            assert_int_equal(anomaly_least(known[row].mean, known[row].dispersion,
                anomaly_alphas[level], guesses[i % ARRAY_SIZE(guesses)]), known[row].counts[level]);
    }
}

// --- What is usual ---

// Hours of four weeks with so many networks each, in their first minutes.
static void restore_weeks(uint32_t (*networks)(int64_t hour))
{
    for (int64_t hour = -ANOMALY_HOURS * 4; hour < 0; hour++) {
        int64_t minute = START + hour * 60;
        for (int64_t i = 0; i < 4; i++)
            anomaly_restore(&anomaly, minute + i * 15, 15, networks(hour));
    }
}

static uint32_t none(int64_t hour)
{
    (void)hour;
    return 0;
}

static uint32_t thirty(int64_t hour)
{
    (void)hour;
    return 30;
}

static uint32_t in_one_hour(int64_t hour)
{
    return (hour + ANOMALY_HOURS * 4) % ANOMALY_HOURS == 1 ? 15 : 0;
}

static uint32_t by_turns(int64_t hour)
{
    return hour % 2 == 0 ? 10 : 50;
}

static void test_without_reports_the_rate_is_one_an_hour(void **state)
{
    (void)state;
    restore_weeks(none);
    tell(START, 0);
    assert_true(anomaly.mean == 0);
    assert_true(anomaly.dispersion == 4);
    assert_int_equal(anomaly.thresholds[ANOMALY_POSSIBLE].in_short, 5);
    assert_int_equal(anomaly.thresholds[ANOMALY_PROBLEM].in_short, 6);
    assert_int_equal(anomaly.thresholds[ANOMALY_POSSIBLE].in_window, 6);
    assert_int_equal(anomaly.thresholds[ANOMALY_PROBLEM].in_window, 8);
}

static void test_a_steady_rate_is_the_mean(void **state)
{
    (void)state;
    restore_weeks(thirty);
    tell(START, 2);
    assert_true(fabs(anomaly.mean - 2) < 1e-9);
    assert_true(anomaly.dispersion == 50); // no more than Poisson's variance
    assert_int_equal(anomaly.thresholds[ANOMALY_POSSIBLE].in_window,
        anomaly_least(15 * 2.5, 50, 1e-5, 0));
}

// C[h-1] + C[h] + C[h+1] = 240, of 720 minutes, and 240 minutes of the mean 240 / 40320.
static void test_an_hour_of_the_week_is_told_by_its_neighbours_too(void **state)
{
    (void)state;
    double expected = (240.0 + 240.0 * 240 / 40320) / 960, mean = 240.0 / 40320 * 240 / 960;
    for (int64_t hour = 0; hour < 4; hour++) {
        anomaly_init(&anomaly);
        restore_weeks(in_one_hour);
        tell(START + hour * 60, 0);
        assert_true(fabs(anomaly.mean - (hour == 3 ? mean : expected)) < 1e-9);
    }
}

// E is (10 + 50 + 10) / 3 by four blocks and so on; x goes from 10 to 50.
static void test_reports_in_bursts_have_a_small_dispersion(void **state)
{
    (void)state;
    restore_weeks(by_turns);
    tell(START, 0);
    double even = 15 * (4 * 4 * (10 + 50 + 50) + 240 * 2.0) / 960;
    double odd = 15 * (4 * 4 * (50 + 10 + 10) + 240 * 2.0) / 960;
    double excess = (10 - even) * (10 - even) - even + (50 - odd) * (50 - odd) - odd;
    assert_true(fabs(anomaly.dispersion - (even * even + odd * odd) / excess) < 1e-9);
}

static void test_what_is_four_weeks_old_is_forgotten(void **state)
{
    (void)state;
    restore_weeks(thirty);
    for (int64_t i = 0; i < 4 * 7 * DAY + 60; i++)
        tell(START + i, 0);
    assert_true(anomaly.mean == 0);
    for (size_t i = 0; i < ANOMALY_HOURS; i++) {
        assert_int_equal(anomaly.hour_networks[i], 0);
        assert_int_equal(anomaly.hour_minutes[i], 240);
    }
}

static void test_minutes_that_nobody_saw_are_not_without_reports(void **state)
{
    (void)state;
    anomaly_restore(&anomaly, START - 30, 15, 30);
    tell(START, 0);
    assert_true(fabs(anomaly.mean - 2) < 1e-9);
}

// --- Alarms ---

static void test_an_alarm_is_raised_at_the_threshold(void **state)
{
    (void)state;
    restore_weeks(none);
    assert_int_equal(tell(START, 4), REPORTS_NONE);
    assert_int_equal(tell(START + 1, 1), REPORTS_POSSIBLE);
    assert_int_equal(tell(START + 2, 1), REPORTS_PROBLEM);
    assert_int_equal(anomaly_networks(&anomaly), 6);
}

static void test_the_longer_sum_finds_what_is_slow(void **state)
{
    (void)state;
    restore_weeks(none);
    for (int64_t i = 0; i < 14; i++) { // every other minute: 3 in 5 minutes
        enum report_level expected = i < 10 ? REPORTS_NONE : REPORTS_POSSIBLE;
        assert_int_equal(tell(START + i, i % 2 == 0), expected);
    }
    assert_int_equal(tell(START + 14, 1), REPORTS_PROBLEM); // 8
}

static void test_an_alarm_ends_after_a_quarter_of_calm(void **state)
{
    (void)state;
    restore_weeks(none);
    assert_int_equal(tell(START, 20), REPORTS_PROBLEM);
    // It leaves the longer sum after 15 minutes; then it has to be calm for 15.
    for (int64_t i = 1; i < 29; i++)
        assert_int_equal(tell(START + i, 0), REPORTS_PROBLEM);
    assert_int_equal(tell(START + 29, 0), REPORTS_NONE);
}

static void test_what_is_half_of_the_threshold_is_not_calm(void **state)
{
    (void)state;
    restore_weeks(none);
    assert_int_equal(tell(START, 20), REPORTS_PROBLEM);
    for (int64_t i = 1; i < 300; i++) // 3 in 15 minutes, of 6
        tell(START + i, i % 5 == 0);
    assert_int_equal(tell(START + 300, 0), REPORTS_POSSIBLE);
}

static void test_a_problem_is_told_by_three_neighbourhoods(void **state)
{
    (void)state;
    restore_weeks(none);
    struct anomaly_minute seen = {.networks = 40, .largest_short = 20, .largest = 20,
        .neighbourhoods = 2};
    assert_int_equal(anomaly_close(&anomaly, START, &seen, &settled), REPORTS_POSSIBLE);
    seen = (struct anomaly_minute){.networks = 1, .largest_short = 20, .largest = 20,
        .neighbourhoods = 3};
    assert_int_equal(anomaly_close(&anomaly, START + 1, &seen, &settled), REPORTS_PROBLEM);
}

static void test_a_neighbourhood_has_half_of_the_votes_at_most(void **state)
{
    (void)state;
    restore_weeks(none);
    struct anomaly_minute alone = {.networks = 200, .largest_short = 200, .largest = 200,
        .neighbourhoods = 1};
    assert_int_equal(anomaly_close(&anomaly, START, &alone, &settled), REPORTS_NONE);
    for (int64_t i = 1; i <= 2; i++) { // two others make four votes of 202
        struct anomaly_minute seen = {.networks = 1, .largest_short = 200, .largest = 200,
            .neighbourhoods = 3};
        assert_int_equal(anomaly_close(&anomaly, START + i, &seen, &settled), REPORTS_NONE);
    }
    struct anomaly_minute third = {.networks = 1, .largest_short = 200, .largest = 200,
        .neighbourhoods = 4};
    assert_int_equal(anomaly_close(&anomaly, START + 3, &third, &settled), REPORTS_PROBLEM);
    assert_int_equal(anomaly_networks(&anomaly), 203);
}

static void test_minutes_of_an_alarm_are_not_learnt(void **state)
{
    (void)state;
    restore_weeks(none);
    for (int64_t i = 0; i < 15; i++) // before it, and they are in its window
        assert_int_equal(tell(START + i, i == 9), REPORTS_NONE);
    for (int64_t i = 15; i < 120; i++)
        assert_int_equal(tell(START + i, 10), REPORTS_PROBLEM);
    for (int64_t i = 120; i < 300; i++)
        tell(START + i, 0);
    assert_true(anomaly.mean == 0);
    assert_true(settled.is_usual && settled.minute == START + 299 - 15);
}

static void test_an_alarm_of_a_day_has_become_usual(void **state)
{
    (void)state;
    restore_weeks(none);
    for (int64_t i = 0; i < DAY + 16; i++)
        tell(START + i, 10);
    assert_true(anomaly.mean == 0);
    int64_t day = 1;
    while (day < 40 && tell(START + day * DAY + 17, 10) != REPORTS_NONE) {
        for (int64_t i = 18; i < DAY + 17; i++)
            tell(START + day * DAY + i, 10);
        day++;
    }
    assert_in_range(day, 2, 30);
    assert_true(anomaly.mean > 1);
}

static void test_what_settles_is_told_once(void **state)
{
    (void)state;
    restore_weeks(none);
    for (int64_t i = 0; i < 40; i++) {
        tell(START + i, (uint32_t)i % 2);
        assert_int_equal(settled.minute, i < 15 ? 0 : START + i - 15);
        if (i >= 15)
            assert_int_equal(settled.networks, (i - 15) % 2);
    }
    tell(START + 1000, 0); // nobody knows of those in between
    assert_true(settled.minute <= START + 39);
    tell(START + 1001, 0);
    assert_int_equal(settled.minute, 0);
}

static void test_a_clock_that_goes_back_loses_the_window_alone(void **state)
{
    (void)state;
    restore_weeks(thirty);
    tell(START, 2);
    tell(START - 120, 7);
    assert_int_equal(anomaly_networks(&anomaly), 7);
    tell(START - 119, 2);
    assert_true(fabs(anomaly.mean - 2) < 1e-9);
    tell(START - 100 * DAY, 0); // it had been far ahead: what was learnt is of other times
    assert_true(anomaly.mean == 0);
    tell(3, 5); // whatever it says
    tell(2, 5);
    assert_int_equal(anomaly_networks(&anomaly), 5);
    for (int64_t i = 3; i < 40; i++) // as clocks begin that nobody has set
        tell(i, 1);
    assert_int_equal(anomaly_networks(&anomaly), 15);
}

static void test_a_minute_has_a_most(void **state)
{
    (void)state;
    restore_weeks(thirty);
    assert_int_equal(tell(START, UINT32_MAX), REPORTS_PROBLEM);
    assert_int_equal(anomaly_networks(&anomaly), ANOMALY_MINUTE_MAX);
    anomaly_init(&anomaly);
    anomaly_restore(&anomaly, START - 15, 1, 65000);
    anomaly_restore(&anomaly, START - 14, 1, 65000);
    anomaly_restore(&anomaly, START - 13, 100, 0); // more minutes than the block has left
    assert_int_equal(anomaly.hour_networks[ANOMALY_HOURS - 1], UINT16_MAX);
}

// --- The promise ---

// 20 services of 180 days, of rates from one report in an hour to ten a minute: no more false
// alarms than the union bound allows, 10.5 and 0.105 in the year of a service.
static void test_false_alarms_stay_within_the_bound(void **state)
{
    (void)state;
    static const double rates[] = {0.0167, 0.1, 0.5, 2, 10};
    uint64_t minutes = 0;
    uint32_t alarms[ANOMALY_LEVELS] = {0};
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        const struct simulation simulation = {.rate = rates[i], .services = 4, .days = 180,
            .seed = 100 + i};
        struct simulation_result result;
        assert_int_equal(simulation_run(&simulation, &result), ERROR_NONE);
        minutes += result.minutes;
        for (size_t level = 0; level < ANOMALY_LEVELS; level++)
            alarms[level] += result.alarms[level];
    }
    assert_int_equal(minutes, 20 * 180 * DAY);
    for (size_t level = 0; level < ANOMALY_LEVELS; level++) {
        if (alarms[level] > 2 * anomaly_alphas[level] * (double)minutes)
            fail_msg("level %zu: %u false alarms", level, alarms[level]);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(test_##name, begin)
    const struct CMUnitTest tests[] = {
        TEST(the_tail_is_that_of_exact_sums),
        TEST(the_tail_is_that_of_a_sum_from_the_far_end),
        TEST(the_least_count_is_the_least),
        TEST(without_reports_the_rate_is_one_an_hour),
        TEST(a_steady_rate_is_the_mean),
        TEST(an_hour_of_the_week_is_told_by_its_neighbours_too),
        TEST(reports_in_bursts_have_a_small_dispersion),
        TEST(what_is_four_weeks_old_is_forgotten),
        TEST(minutes_that_nobody_saw_are_not_without_reports),
        TEST(an_alarm_is_raised_at_the_threshold),
        TEST(the_longer_sum_finds_what_is_slow),
        TEST(an_alarm_ends_after_a_quarter_of_calm),
        TEST(what_is_half_of_the_threshold_is_not_calm),
        TEST(a_problem_is_told_by_three_neighbourhoods),
        TEST(a_neighbourhood_has_half_of_the_votes_at_most),
        TEST(minutes_of_an_alarm_are_not_learnt),
        TEST(an_alarm_of_a_day_has_become_usual),
        TEST(what_settles_is_told_once),
        TEST(a_clock_that_goes_back_loses_the_window_alone),
        TEST(a_minute_has_a_most),
        TEST(false_alarms_stay_within_the_bound),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
