// What was averted, by the hour: counted where it belongs, forgotten after a day.
#include "edge/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_MS INT64_C(3600000)
#define NOON_MS (INT64_C(1700000000000) / HOUR_MS * HOUR_MS) // a full hour

struct fixture {
    struct history_table table;
    struct history *history;
};

static int begin(void **state)
{
    static struct fixture fixture;
    history_table_init(&fixture.table, 2);
    fixture.history = history_find(&fixture.table, SLICE("www.example.org"));
    *state = &fixture;
    return fixture.history == NULL;
}

static int end(void **state)
{
    struct fixture *fixture = *state;
    history_release(fixture->history);
    history_table_destroy(&fixture->table);
    return 0;
}

static struct history_view read_at(struct fixture *fixture, int64_t wall_ms)
{
    struct history_view view = {0};
    history_read(fixture->history, wall_ms, &view);
    return view;
}

static void test_what_is_counted_stands_in_its_hour(void **state)
{
    struct fixture *fixture = *state;
    history_count(fixture->history, LIFELINE_RETRY, NOON_MS - 2 * HOUR_MS);
    history_count(fixture->history, LIFELINE_HOLD, NOON_MS);
    history_count(fixture->history, LIFELINE_HOLD, NOON_MS + 1000);
    history_count(fixture->history, HISTORY_ERRORS, NOON_MS + HISTORY_SLOT_MS);
    struct history_view view = read_at(fixture, NOON_MS + HISTORY_SLOT_MS);
    assert_int_equal(view.day[LIFELINE_RETRY], 1);
    assert_int_equal(view.day[LIFELINE_HOLD], 2);
    assert_int_equal(view.day[HISTORY_ERRORS], 1);
    assert_int_equal(history_day_averted(&view), 3);
    assert_int_equal(view.hour_averted, 2);
    assert_int_equal(view.hour_errors, 1);
    assert_int_equal(view.hours[HISTORY_HOURS - 1].averted, 2);
    assert_int_equal(view.hours[HISTORY_HOURS - 1].errors, 1);
    uint64_t elsewhere = 0;
    for (unsigned i = 0; i < HISTORY_HOURS - 1; i++)
        elsewhere += view.hours[i].averted;
    assert_int_equal(elsewhere, 1);
}

static void test_after_a_day_it_is_forgotten(void **state)
{
    struct fixture *fixture = *state;
    history_count(fixture->history, LIFELINE_RETRY, NOON_MS);
    struct history_view view = read_at(fixture, NOON_MS + 24 * HOUR_MS - HISTORY_SLOT_MS);
    assert_int_equal(view.day[LIFELINE_RETRY], 1);
    assert_int_equal(view.hours[0].averted, 1);
    view = read_at(fixture, NOON_MS + 24 * HOUR_MS);
    assert_int_equal(history_day_averted(&view), 0);
    // And its slot is taken over, not added to.
    history_count(fixture->history, LIFELINE_HOLD, NOON_MS + 24 * HOUR_MS);
    view = read_at(fixture, NOON_MS + 24 * HOUR_MS);
    assert_int_equal(view.day[LIFELINE_RETRY], 0);
    assert_int_equal(view.day[LIFELINE_HOLD], 1);
}

// Set back, the clock makes a future of what was: that is not shown, and does no harm.
static void test_a_clock_that_is_set_back(void **state)
{
    struct fixture *fixture = *state;
    history_count(fixture->history, LIFELINE_RETRY, NOON_MS);
    struct history_view view = read_at(fixture, NOON_MS - HOUR_MS);
    assert_int_equal(history_day_averted(&view), 0);
    history_count(fixture->history, LIFELINE_RETRY, NOON_MS - HOUR_MS);
    view = read_at(fixture, NOON_MS - HOUR_MS);
    assert_int_equal(history_day_averted(&view), 1);
    view = read_at(fixture, -1);
    assert_int_equal(history_day_averted(&view), 0);
}

static void test_one_name_is_one_history_for_as_long_as_somebody_has_it(void **state)
{
    struct fixture *fixture = *state;
    struct history *other = history_find(&fixture->table, SLICE("other.example"));
    struct history *same = history_find(&fixture->table, SLICE("www.example.org"));
    assert_ptr_equal(same, fixture->history);
    assert_ptr_not_equal(other, fixture->history);
    history_count(other, LIFELINE_RETRY, NOON_MS);
    history_count(same, LIFELINE_HOLD, NOON_MS);
    struct history_view view = {0};
    history_read_all(&fixture->table, NOON_MS, &view);
    assert_int_equal(history_day_averted(&view), 2);
    history_release(other);
    history_release(same);
    view = (struct history_view){0};
    history_read_all(&fixture->table, NOON_MS, &view);
    assert_int_equal(history_day_averted(&view), 1);
    history_release(NULL);
}

static void test_a_name_longer_than_any(void **state)
{
    struct fixture *fixture = *state;
    char name[400];
    memset(name, 'a', sizeof(name));
    struct history *first = history_find(&fixture->table, slice_of(name, sizeof(name)));
    struct history *second = history_find(&fixture->table, slice_of(name, sizeof(name)));
    assert_non_null(first);
    assert_ptr_equal(first, second);
    history_release(first);
    history_release(second);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_counted_stands_in_its_hour),
        TEST(test_after_a_day_it_is_forgotten),
        TEST(test_a_clock_that_is_set_back),
        TEST(test_one_name_is_one_history_for_as_long_as_somebody_has_it),
        TEST(test_a_name_longer_than_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
