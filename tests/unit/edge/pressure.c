// How short it is with so much of a limit used.
#include "edge/pressure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_levels_have_their_bounds(void **state)
{
    (void)state;
    assert_int_equal(pressure_of(0, 100), PRESSURE_NONE);
    assert_int_equal(pressure_of(74, 100), PRESSURE_NONE);
    assert_int_equal(pressure_of(75, 100), PRESSURE_TIGHT);
    assert_int_equal(pressure_of(88, 100), PRESSURE_SHORT);
    assert_int_equal(pressure_of(95, 100), PRESSURE_CRITICAL);
    assert_int_equal(pressure_of(200, 100), PRESSURE_CRITICAL);
    assert_int_equal(pressure_of(UINT64_MAX, 100), PRESSURE_CRITICAL);
}

static void test_without_a_limit_there_is_no_pressure(void **state)
{
    (void)state;
    assert_int_equal(pressure_of(UINT64_MAX, 0), PRESSURE_NONE);
}

static void test_small_limits_are_rounded_to_the_safe_side(void **state)
{
    (void)state;
    assert_int_equal(pressure_of(2, 3), PRESSURE_NONE);
    assert_int_equal(pressure_of(3, 4), PRESSURE_TIGHT);
    assert_int_equal(pressure_of(18, 20), PRESSURE_SHORT);
    assert_int_equal(pressure_of(19, 20), PRESSURE_CRITICAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels_have_their_bounds),
        cmocka_unit_test(test_without_a_limit_there_is_no_pressure),
        cmocka_unit_test(test_small_limits_are_rounded_to_the_safe_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
