// Sums of one component: time adds up whatever happens, late news corrects it, clocks may jump.
#include "watch/history/rollup.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY ROLLUP_DAY_MS
#define NOON (INT64_C(20700) * DAY + 12 * HOUR)

static struct rollup rollup;
static struct uptime_day days[SNAPSHOT_DAYS];

static struct uptime_day *day_of(int64_t now_ms, int ago)
{
    rollup_read_days(&rollup, rollup_day_of(now_ms), days);
    return &days[SNAPSHOT_DAYS - 1 - ago];
}

static struct uptime_day *today(int64_t now_ms)
{
    return day_of(now_ms, 0);
}

static uint32_t total(const struct uptime_day *day)
{
    return day->up_ms + day->down_ms + day->unknown_ms + day->maintenance_ms;
}

static const struct chronicle_point *point_at(int64_t ms)
{
    rollup_settle(&rollup);
    const struct chronicle_point *points = rollup_points(&rollup, rollup_day_of(ms));
    assert_non_null(points);
    return &points[rollup_ring(rollup_slot_of(ms), CHRONICLE_POINTS)];
}

static void begin_up(int64_t now_ms)
{
    rollup_init(&rollup, now_ms);
    rollup_track(&rollup, TRACK_UP, now_ms);
}

static void test_time_goes_to_its_track(void **state)
{
    (void)state;
    rollup_init(&rollup, NOON);
    rollup_advance(&rollup, NOON + MINUTE);
    rollup_track(&rollup, TRACK_UP, NOON + MINUTE);
    rollup_track(&rollup, TRACK_DOWN, NOON + 3 * MINUTE);
    rollup_track(&rollup, TRACK_MAINTENANCE, NOON + 4 * MINUTE);
    rollup_advance(&rollup, NOON + 20 * MINUTE);
    struct uptime_day *day = today(NOON);
    assert_int_equal(day->unknown_ms, MINUTE);
    assert_int_equal(day->up_ms, 2 * MINUTE);
    assert_int_equal(day->down_ms, MINUTE);
    assert_int_equal(day->maintenance_ms, 16 * MINUTE);
    assert_int_equal(point_at(NOON)->up, 6667);
    assert_int_equal(point_at(NOON + 5 * MINUTE)->up, UINT16_MAX); // maintenance says nothing
    assert_int_equal(total(day_of(NOON, 1)), 0); // it was not there yet
}

static void test_days_end_at_midnight(void **state)
{
    (void)state;
    begin_up(NOON);
    for (int64_t now = NOON; now <= NOON + 2 * DAY; now += MINUTE)
        rollup_advance(&rollup, now);
    assert_int_equal(day_of(NOON + 2 * DAY, 0)->up_ms, 12 * HOUR);
    assert_int_equal(day_of(NOON + 2 * DAY, 1)->up_ms, DAY);
    assert_int_equal(day_of(NOON + 2 * DAY, 2)->up_ms, 12 * HOUR);
}

static void test_late_news_corrects_what_was_counted(void **state)
{
    (void)state;
    begin_up(NOON);
    int64_t now = NOON + 5 * MINUTE + 20000;
    rollup_advance(&rollup, now);
    rollup_track(&rollup, TRACK_DOWN, now - 40000); // over the border of two slots
    assert_int_equal(today(now)->down_ms, 40000);
    assert_int_equal(today(now)->up_ms, now - NOON - 40000);
    assert_int_equal(point_at(NOON)->up, 9333);
    assert_int_equal(point_at(now)->up, 0);
    rollup_track(&rollup, TRACK_UP, now - 60000); // not before the last change
    assert_int_equal(today(now)->down_ms, 0);
    rollup_track(&rollup, TRACK_DOWN, now - 30000);
    rollup_track(&rollup, TRACK_UP, now - 10000);
    assert_int_equal(today(now)->down_ms, 20000);
    now += 10 * MINUTE;
    rollup_advance(&rollup, now);
    rollup_track(&rollup, TRACK_DOWN, NOON); // not more than a minute
    assert_int_equal(today(now)->down_ms, 20000 + ROLLUP_LATE_MS);
    assert_int_equal(total(today(now)), now - NOON);
}

static void test_late_news_over_midnight(void **state)
{
    (void)state;
    begin_up(NOON);
    int64_t midnight = NOON + 12 * HOUR;
    rollup_advance(&rollup, midnight + 10000);
    rollup_track(&rollup, TRACK_DOWN, midnight - 5000);
    assert_int_equal(day_of(midnight, 0)->down_ms, 10000);
    assert_int_equal(day_of(midnight, 0)->up_ms, 0);
    assert_int_equal(day_of(midnight, 1)->down_ms, 5000);
    assert_int_equal(day_of(midnight, 1)->up_ms, 12 * HOUR - 5000);
}

static void test_dead_time_is_unknown(void **state)
{
    (void)state;
    begin_up(NOON);
    rollup_advance(&rollup, NOON + HOUR);
    rollup_pass(&rollup, NOON + 3 * DAY);
    int64_t now = NOON + 3 * DAY;
    assert_int_equal(day_of(now, 3)->up_ms, HOUR);
    assert_int_equal(day_of(now, 3)->unknown_ms, 11 * HOUR);
    assert_int_equal(day_of(now, 2)->unknown_ms, DAY);
    assert_int_equal(day_of(now, 1)->unknown_ms, DAY);
    assert_int_equal(day_of(now, 0)->unknown_ms, 12 * HOUR);
    rollup_track(&rollup, TRACK_DOWN, now - 30000); // who was not there cannot know
    assert_int_equal(today(now)->down_ms, 0);
    rollup_pass(&rollup, now - HOUR); // no way back
    assert_int_equal(total(today(now)), 12 * HOUR);
    now += 400 * DAY; // nothing of it is shown any more
    rollup_pass(&rollup, now);
    assert_int_equal(day_of(now, 1)->unknown_ms, 0);
    assert_int_equal(today(now)->unknown_ms, 12 * HOUR);
}

static void test_a_clock_that_jumps_destroys_nothing(void **state)
{
    (void)state;
    begin_up(NOON);
    int64_t now = NOON;
    for (; now < NOON + 30 * DAY; now += MINUTE)
        rollup_advance(&rollup, now);
    rollup_pass(&rollup, now + 4000 * DAY);
    rollup_advance(&rollup, now + 4000 * DAY + MINUTE);
    rollup_respond(&rollup, rollup_slot_of(now + 4000 * DAY), 1, 5, 5);
    rollup_settle(&rollup);
    rollup_rewind(&rollup, now);
    rollup_advance(&rollup, now + HOUR);
    rollup_respond(&rollup, rollup_slot_of(now + HOUR), 1, 7, 7);
    unsigned whole = 0;
    rollup_read_days(&rollup, rollup_day_of(now), days);
    for (size_t i = 0; i < SNAPSHOT_DAYS; i++) {
        assert_true(total(&days[i]) <= DAY);
        whole += days[i].up_ms == DAY;
    }
    assert_true(whole >= 28); // of 29
    assert_int_equal(point_at(now + HOUR)->typical_ms, 7);
    for (int i = 0; i < 50; i++) { // the same hour, again and again
        rollup_rewind(&rollup, now);
        rollup_advance(&rollup, now + HOUR);
    }
    assert_int_equal(total(today(now)), DAY);
    rollup_rewind(&rollup, 0); // 1970
    rollup_advance(&rollup, HOUR);
    rollup_rewind(&rollup, -3 * DAY);
    rollup_advance(&rollup, -3 * DAY + HOUR);
    assert_int_equal(today(-3 * DAY)->up_ms, HOUR);
}

static void test_shares_say_all_and_nothing_only_of_it(void **state)
{
    (void)state;
    struct rollup_slot slot = {.up_ms = 300000, .requests = 1000000};
    assert_int_equal(rollup_point(&slot).up, 10000);
    assert_int_equal(rollup_point(&slot).served, 10000);
    assert_int_equal(rollup_point(&slot).typical_ms, UINT16_MAX);
    slot.down_ms = 1;
    slot.failed = 1;
    assert_int_equal(rollup_point(&slot).up, 9999);
    assert_int_equal(rollup_point(&slot).served, 9999);
    slot = (struct rollup_slot){.up_ms = 1, .down_ms = 299999, .requests = 1000000,
        .failed = 999999};
    assert_int_equal(rollup_point(&slot).up, 1);
    assert_int_equal(rollup_point(&slot).served, 1);
    slot = (struct rollup_slot){.unknown_ms = 300000};
    assert_int_equal(rollup_point(&slot).up, UINT16_MAX);
    assert_int_equal(rollup_point(&slot).served, UINT16_MAX);
    slot = (struct rollup_slot){.responses = 2, .responses_ms = 400000, .slowest_ms = 300000};
    assert_int_equal(rollup_point(&slot).typical_ms, UINT16_MAX - 1);
    assert_int_equal(rollup_point(&slot).slow_ms, UINT16_MAX - 1);
}

static void test_traffic_and_responses(void **state)
{
    (void)state;
    begin_up(NOON);
    rollup_advance(&rollup, NOON + 6 * MINUTE);
    int64_t slot = rollup_slot_of(NOON);
    rollup_count(&rollup, slot, 10, 20); // no more than all
    rollup_count(&rollup, slot + 1, 30, 0);
    rollup_count(&rollup, slot + 900, 5, 0); // nobody's: the newest
    rollup_count(&rollup, slot - 900, 5, 5);
    assert_int_equal(today(NOON)->requests, 50);
    assert_int_equal(today(NOON)->failed, 15);
    assert_int_equal(point_at(NOON)->served, 0);
    assert_int_equal(point_at(NOON + 6 * MINUTE)->served, 8750);
    rollup_respond(&rollup, slot, 2, 100, 80);
    rollup_respond(&rollup, slot + 1, 1, 200, 200);
    assert_int_equal(point_at(NOON)->typical_ms, 50);
    assert_int_equal(point_at(NOON)->slow_ms, 80);
    assert_int_equal(rollup_response_ms(&rollup, NOON + 6 * MINUTE), 100);
    assert_int_equal(rollup_response_ms(&rollup, NOON + HOUR), UINT32_MAX);
    uint16_t recent[SNAPSHOT_RECENT];
    rollup_read_recent(&rollup, NOON + 6 * MINUTE, recent);
    assert_int_equal(recent[SNAPSHOT_RECENT - 1], 125); // of the two points
    assert_int_equal(recent[SNAPSHOT_RECENT - 2], UINT16_MAX);
    rollup_read_recent(&rollup, NOON + 5 * HOUR, recent);
    assert_int_equal(recent[SNAPSHOT_RECENT - 11], 125);
    assert_int_equal(recent[SNAPSHOT_RECENT - 1], UINT16_MAX);
}

// Any history that can be told: each millisecond is counted once, on the track it was on.
static void test_a_random_history_adds_up(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct random random;
        random_seed(&random, seed);
        int64_t now = NOON, since = NOON;
        uint64_t truth[4] = {0};
        enum chronicle_track track = TRACK_UNKNOWN;
        rollup_init(&rollup, now);
        for (int i = 0; i < 2000; i++) {
            now += (int64_t)random_below(&random, 80000);
            if (random_chance(&random, 3, 4))
                rollup_advance(&rollup, now);
            if (random_chance(&random, 1, 2))
                continue;
            // Within the time that may be corrected, not before the last change.
            int64_t from = now - (int64_t)random_below(&random, ROLLUP_LATE_MS);
            from = MAXIMUM(from, since);
            enum chronicle_track next = (enum chronicle_track)random_below(&random, 4);
            truth[track] += (uint64_t)(from - since);
            track = next;
            since = from;
            rollup_track(&rollup, next, from);
        }
        rollup_advance(&rollup, now);
        truth[track] += (uint64_t)(now - since);
        uint64_t found[4] = {0};
        rollup_read_days(&rollup, rollup_day_of(now), days);
        for (size_t i = 0; i < SNAPSHOT_DAYS; i++) {
            found[TRACK_UP] += days[i].up_ms;
            found[TRACK_DOWN] += days[i].down_ms;
            found[TRACK_UNKNOWN] += days[i].unknown_ms;
            found[TRACK_MAINTENANCE] += days[i].maintenance_ms;
        }
        assert_memory_equal(found, truth, sizeof(truth));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_goes_to_its_track),
        cmocka_unit_test(test_days_end_at_midnight),
        cmocka_unit_test(test_late_news_corrects_what_was_counted),
        cmocka_unit_test(test_late_news_over_midnight),
        cmocka_unit_test(test_dead_time_is_unknown),
        cmocka_unit_test(test_a_clock_that_jumps_destroys_nothing),
        cmocka_unit_test(test_shares_say_all_and_nothing_only_of_it),
        cmocka_unit_test(test_traffic_and_responses),
        cmocka_unit_test(test_a_random_history_adds_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
