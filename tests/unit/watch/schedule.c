// Who is due when: spread, on its grid for ever, never twice at once.
#include "watch/probe/schedule.h"
#include "base/memory.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 5000
#define BEGIN 1000000

static struct schedule_entry entries[MANY], *pointers[MANY];
static struct schedule schedule;

static void begin(size_t count, uint64_t interval_ms)
{
    for (size_t i = 0; i < count; i++) {
        entries[i] = (struct schedule_entry){.interval_ms = interval_ms};
        pointers[i] = &entries[i];
    }
    assert_int_equal(schedule_create(&schedule, pointers, count, BEGIN, 7), ERROR_NONE);
}

static void test_first_times_are_spread_over_the_interval(void **state)
{
    (void)state;
    unsigned in_second[30] = {0};
    begin(MANY, 30000);
    for (size_t i = 0; i < MANY; i++) {
        assert_in_range(entries[i].due.at_ms, BEGIN, BEGIN + 29999);
        in_second[(entries[i].due.at_ms - BEGIN) / 1000]++;
    }
    for (size_t i = 0; i < ARRAY_SIZE(in_second); i++)
        assert_in_range(in_second[i], 100, 240);
    schedule_destroy(&schedule);
}

static void test_everybody_once_an_interval_and_in_order(void **state)
{
    (void)state;
    static unsigned taken[MANY];
    uint64_t now = BEGIN;
    memset(taken, 0, sizeof(taken));
    begin(MANY, 30000);
    while ((now = schedule_next_ms(&schedule)) < BEGIN + 90000) {
        struct schedule_entry *entry = schedule_take(&schedule, now);
        assert_non_null(entry);
        taken[entry - entries]++;
        schedule_finish(entry);
        assert_true(schedule_next_ms(&schedule) >= now);
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(taken[i], 3);
        assert_int_equal(entries[i].skipped, 0);
    }
    assert_int_equal(schedule.latest_ms, 0);
    schedule_destroy(&schedule);
}

static void test_what_is_late_does_not_drift(void **state)
{
    (void)state;
    begin(1, 5000);
    uint64_t grid = entries[0].due.at_ms;
    for (unsigned round = 0; round < 100; round++) {
        uint64_t late = grid + round * 5000 + round % 7 * 100;
        assert_null(schedule_take(&schedule, grid + round * 5000 - 1));
        assert_ptr_equal(schedule_take(&schedule, late), &entries[0]);
        schedule_finish(&entries[0]);
        assert_int_equal(schedule_next_ms(&schedule), grid + (round + 1) * 5000);
    }
    assert_int_equal(schedule.latest_ms, 600);
    schedule_destroy(&schedule);
}

static void test_one_under_way_is_skipped_and_counted(void **state)
{
    (void)state;
    begin(1, 5000);
    uint64_t grid = entries[0].due.at_ms;
    assert_non_null(schedule_take(&schedule, grid));
    assert_null(schedule_take(&schedule, grid + 5000));
    assert_null(schedule_take(&schedule, grid + 10001));
    assert_int_equal(entries[0].skipped, 2);
    schedule_finish(&entries[0]);
    assert_null(schedule_take(&schedule, grid + 10001));
    assert_non_null(schedule_take(&schedule, grid + 15000));
    schedule_finish(&entries[0]);
    // The machine slept: once, not once for each time that has passed.
    assert_non_null(schedule_take(&schedule, grid + 100000));
    schedule_finish(&entries[0]);
    assert_null(schedule_take(&schedule, grid + 100000));
    assert_int_equal(entries[0].skipped, 2 + 16);
    schedule_destroy(&schedule);
}

static void test_haste_leaves_the_grid_as_it_is(void **state)
{
    (void)state;
    begin(1, 30000);
    uint64_t grid = entries[0].due.at_ms;
    assert_non_null(schedule_take(&schedule, grid));
    schedule_finish(&entries[0]);
    schedule_hasten(&schedule, &entries[0], grid + 10000);
    schedule_hasten(&schedule, &entries[0], grid + 40000); // later than it is due anyway
    assert_null(schedule_take(&schedule, grid + 9999));
    assert_non_null(schedule_take(&schedule, grid + 10003));
    schedule_finish(&entries[0]);
    assert_int_equal(schedule_next_ms(&schedule), grid + 30000);
    assert_int_equal(entries[0].skipped, 0);
    schedule_destroy(&schedule);
}

static void test_the_heap_holds_whatever_is_done_to_it(void **state)
{
    (void)state;
    static struct due dues[200];
    struct due_heap heap = {0};
    struct random random;
    random_seed(&random, 3);
    memset(dues, 0, sizeof(dues));
    assert_int_equal(due_heap_reserve(&heap, ARRAY_SIZE(dues)), ERROR_NONE);
    for (unsigned step = 0; step < 20000; step++) {
        struct due *due = &dues[random_below(&random, ARRAY_SIZE(dues))];
        if (random_chance(&random, 1, 3))
            due_heap_remove(&heap, due);
        else
            due_heap_put(&heap, due, random_below(&random, 1000));
        for (size_t i = 1; i <= heap.count; i++) {
            assert_int_equal(heap.items[i - 1]->place, i);
            assert_true(heap.items[i / 2 == 0 ? 0 : i / 2 - 1]->at_ms <= heap.items[i - 1]->at_ms);
        }
    }
    due_heap_free(&heap);
}

static void test_without_memory_there_is_none(void **state)
{
    (void)state;
    struct schedule_entry *entry = &entries[0];
    *entry = (struct schedule_entry){.interval_ms = 5000};
    memory_fail_after(1);
    void *passes = memory_alloc(1);
    assert_int_equal(schedule_create(&schedule, &entry, 1, 0, 1), ERROR_MEMORY);
    memory_free(passes);
    memory_fail_after(0);
    assert_int_equal(schedule_create(&schedule, NULL, 0, 0, 1), ERROR_NONE);
    assert_null(schedule_take(&schedule, UINT64_MAX));
    assert_int_equal(schedule_next_ms(&schedule), UINT64_MAX);
    schedule_destroy(&schedule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_times_are_spread_over_the_interval),
        cmocka_unit_test(test_everybody_once_an_interval_and_in_order),
        cmocka_unit_test(test_what_is_late_does_not_drift),
        cmocka_unit_test(test_one_under_way_is_skipped_and_counted),
        cmocka_unit_test(test_haste_leaves_the_grid_as_it_is),
        cmocka_unit_test(test_the_heap_holds_whatever_is_done_to_it),
        cmocka_unit_test(test_without_memory_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
