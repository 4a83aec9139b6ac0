// The budget for extra attempts: its share, its floor, its window, and several threads at it.
#include "origin/budget.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static unsigned take_all(struct budget *budget, uint64_t permille, uint64_t floor, uint64_t now_ns)
{
    unsigned taken = 0;
    while (taken < 100000 && budget_take(budget, permille, floor, now_ns))
        taken++;
    return taken;
}

static void test_the_floor_is_granted_to_a_quiet_site(void **state)
{
    (void)state;
    struct budget budget = {0};
    assert_int_equal(take_all(&budget, 100, 3, NS_PER_SECOND), 3);
    assert_int_equal(take_all(&budget, 100, 3, 4 * NS_PER_SECOND), 0);
}

static void test_the_share_grows_with_requests(void **state)
{
    (void)state;
    struct budget budget = {0};
    for (unsigned i = 0; i < 1000; i++)
        budget_count(&budget, NS_PER_SECOND);
    assert_int_equal(take_all(&budget, 100, 3, 2 * NS_PER_SECOND), 100);
    for (unsigned i = 0; i < 10; i++)
        budget_count(&budget, 2 * NS_PER_SECOND);
    assert_int_equal(take_all(&budget, 100, 3, 2 * NS_PER_SECOND), 1);
}

static void test_nothing_is_granted_where_it_is_forbidden(void **state)
{
    (void)state;
    struct budget budget = {0};
    for (unsigned i = 0; i < 1000; i++)
        budget_count(&budget, NS_PER_SECOND);
    assert_int_equal(take_all(&budget, 0, 0, NS_PER_SECOND), 0);
}

static void test_the_window_forgets(void **state)
{
    (void)state;
    struct budget budget = {0};
    for (unsigned i = 0; i < 1000; i++)
        budget_count(&budget, 7 * NS_PER_SECOND);
    assert_int_equal(take_all(&budget, 100, 3, 9 * NS_PER_SECOND), 100);
    // The half that holds them still counts in the next 5 s, with what was taken.
    assert_int_equal(take_all(&budget, 100, 3, 12 * NS_PER_SECOND), 0);
    // Afterwards only the floor is left, and it is fresh.
    assert_int_equal(take_all(&budget, 100, 3, 16 * NS_PER_SECOND), 3);
    // A long silence does not bring old counts back.
    assert_int_equal(take_all(&budget, 100, 3, 1000 * NS_PER_SECOND), 3);
}

struct racer {
    struct budget *budget;
    unsigned granted;
};

static void *race(void *argument)
{
    struct racer *racer = argument;
    for (unsigned i = 0; i < 20000; i++) {
        budget_count(racer->budget, 6 * NS_PER_SECOND);
        racer->granted += budget_take(racer->budget, 100, 3, 6 * NS_PER_SECOND);
    }
    return NULL;
}

static void test_threads_together_get_no_more_than_the_share(void **state)
{
    (void)state;
    struct budget budget = {0};
    struct racer racers[4];
    pthread_t threads[4];
    unsigned granted = 0;
    for (unsigned i = 0; i < 4; i++) {
        racers[i] = (struct racer){&budget, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        granted += racers[i].granted;
    }
    assert_true(granted <= 8000);
    granted += take_all(&budget, 100, 3, 6 * NS_PER_SECOND);
    assert_int_equal(granted, 8000); // and none is lost
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_floor_is_granted_to_a_quiet_site),
        cmocka_unit_test(test_the_share_grows_with_requests),
        cmocka_unit_test(test_nothing_is_granted_where_it_is_forbidden),
        cmocka_unit_test(test_the_window_forgets),
        cmocka_unit_test(test_threads_together_get_no_more_than_the_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
