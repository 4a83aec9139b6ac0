// The throttle of the budget: what it withholds, what it forgets, and its window.
#include "origin/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WINDOW_NS (120 * NS_PER_SECOND)

static void count(struct throttle *throttle, unsigned sent, unsigned accepted, uint64_t now_ns)
{
    for (unsigned i = 0; i < sent; i++)
        throttle_count_sent(throttle, WINDOW_NS, now_ns);
    for (unsigned i = 0; i < accepted; i++)
        throttle_count_accepted(throttle, WINDOW_NS, now_ns);
}

static void test_nothing_is_withheld_while_half_is_accepted(void **state)
{
    (void)state;
    struct throttle throttle = {0};
    assert_int_equal(throttle_withheld_permille(&throttle, WINDOW_NS, 0), 0);
    count(&throttle, 100, 50, NS_PER_SECOND);
    assert_int_equal(throttle_withheld_permille(&throttle, WINDOW_NS, NS_PER_SECOND), 0);
    count(&throttle, 1, 0, NS_PER_SECOND);
    assert_in_range(throttle_withheld_permille(&throttle, WINDOW_NS, NS_PER_SECOND), 1, 20);
}

static void test_the_less_is_accepted_the_more_is_withheld(void **state)
{
    (void)state;
    struct throttle throttle = {0};
    count(&throttle, 99, 0, NS_PER_SECOND);
    assert_int_equal(throttle_withheld_permille(&throttle, WINDOW_NS, NS_PER_SECOND), 990);
    count(&throttle, 0, 25, NS_PER_SECOND);
    assert_int_equal(throttle_withheld_permille(&throttle, WINDOW_NS, NS_PER_SECOND), 490);
}

// What was sent weighs before anything is known of it.
static void test_what_hangs_counts_at_once(void **state)
{
    (void)state;
    struct throttle throttle = {0};
    count(&throttle, 1, 0, 0);
    assert_int_equal(throttle_withheld_permille(&throttle, WINDOW_NS, 0), 500);
}

static void test_the_window_forgets(void **state)
{
    (void)state;
    struct throttle throttle = {0};
    count(&throttle, 99, 0, NS_PER_SECOND);
    assert_int_equal(throttle_withheld_permille(&throttle, WINDOW_NS, 119 * NS_PER_SECOND), 990);
    assert_int_equal(throttle_withheld_permille(&throttle, WINDOW_NS, 121 * NS_PER_SECOND), 0);
    // A slot is used again for another time, and old counts do not come back with it.
    count(&throttle, 10, 10, 121 * NS_PER_SECOND);
    assert_int_equal(throttle_withheld_permille(&throttle, WINDOW_NS, 121 * NS_PER_SECOND), 0);
    assert_int_equal(throttle_withheld_permille(&throttle, WINDOW_NS, 5000 * NS_PER_SECOND), 0);
}

static void test_the_window_is_as_long_as_answers_may_take(void **state)
{
    (void)state;
    struct throttle throttle = {0};
    assert_int_equal(throttle_window_ns(30 * NS_PER_SECOND), WINDOW_NS);
    uint64_t window_ns = throttle_window_ns(3600 * NS_PER_SECOND);
    assert_int_equal(window_ns, 3600 * NS_PER_SECOND);
    throttle_count_sent(&throttle, window_ns, NS_PER_SECOND);
    assert_int_equal(
        throttle_withheld_permille(&throttle, window_ns, 3000 * NS_PER_SECOND), 500);
}

static void test_counts_do_not_run_into_each_other(void **state)
{
    (void)state;
    struct throttle throttle = {0};
    atomic_store(&throttle.slots[0], UINT64_C(0xFFFFFF) << 24);
    count(&throttle, 3, 0, 0);
    assert_int_equal(throttle_withheld_permille(&throttle, WINDOW_NS, 0), 999);
    count(&throttle, 0, 1, 0);
    assert_int_equal(throttle_withheld_permille(&throttle, WINDOW_NS, 0), 999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_withheld_while_half_is_accepted),
        cmocka_unit_test(test_the_less_is_accepted_the_more_is_withheld),
        cmocka_unit_test(test_what_hangs_counts_at_once),
        cmocka_unit_test(test_the_window_forgets),
        cmocka_unit_test(test_the_window_is_as_long_as_answers_may_take),
        cmocka_unit_test(test_counts_do_not_run_into_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
