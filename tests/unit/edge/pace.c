// How long the next byte is waited for, by how fast those before it came.
#include "edge/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
#define NOW (100 * SECOND)

static uint64_t patience_ms(uint64_t bytes, uint64_t waited_ms, uint64_t least_rate)
{
    static struct loop loop;
    struct pace pace = {bytes, waited_ms * NS_PER_MS};
    loop.now_ns = NOW;
    return (pace_deadline_ns(&pace, &loop, 30000, least_rate) - NOW) / NS_PER_MS;
}

static void test_whoever_keeps_the_pace_may_pause_for_the_whole_timeout(void **state)
{
    (void)state;
    assert_int_equal(patience_ms(0, 0, 100), 30000);
    assert_int_equal(patience_ms(1000, 10000, 100), 30000);
    assert_int_equal(patience_ms(UINT64_MAX, 10000, 1), 30000);
    assert_int_equal(patience_ms(1, 3600000, 0), 30000); // any pace will do
}

static void test_whoever_falls_behind_has_less_and_in_the_end_none(void **state)
{
    (void)state;
    assert_int_equal(patience_ms(1000, 15000, 100), 25000);
    assert_int_equal(patience_ms(1, 29000, 100), 1000);
    assert_int_equal(patience_ms(1, 30000, 100), 0);
    assert_int_equal(patience_ms(1, 3600000, 100), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whoever_keeps_the_pace_may_pause_for_the_whole_timeout),
        cmocka_unit_test(test_whoever_falls_behind_has_less_and_in_the_end_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
