// The clock: right within ten minutes, and who may say so.
#include "doctor/check.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW INT64_C(1764500000)

static struct clock_facts look_at(int64_t portal, int64_t control, enum fact clear)
{
    struct facts facts = {.at_ms = NOW * 1000 + 999};
    facts.portal = (struct portal_facts){.asked = SLICE("http://portal.test/"), .clear = clear,
        .date = portal};
    facts.control = (struct control_facts){.url = SLICE("https://control.test/"), .date = control};
    step_clock(NULL, &facts);
    return facts.clock;
}

static void test_nobody_said_anything(void **state)
{
    (void)state;
    assert_int_equal(look_at(0, 0, FACT_GOOD).right, FACT_UNKNOWN);
    assert_int_equal(look_at(0, 0, FACT_UNKNOWN).right, FACT_UNKNOWN);
}

static void test_ten_minutes_are_right(void **state)
{
    (void)state;
    assert_int_equal(look_at(NOW, 0, FACT_GOOD).right, FACT_GOOD);
    assert_int_equal(look_at(NOW - 600, 0, FACT_GOOD).right, FACT_GOOD);
    assert_int_equal(look_at(NOW + 600, 0, FACT_GOOD).right, FACT_GOOD);
    assert_int_equal(look_at(NOW - 601, 0, FACT_GOOD).right, FACT_BAD);
    assert_int_equal(look_at(NOW + 601, 0, FACT_GOOD).right, FACT_BAD);
    assert_int_equal(look_at(0, NOW - 601, FACT_GOOD).right, FACT_BAD);
}

static void test_how_far_and_who_says_so(void **state)
{
    (void)state;
    struct clock_facts clock = look_at(NOW - 86400, NOW - 86401, FACT_GOOD);
    assert_int_equal(clock.right, FACT_BAD);
    assert_int_equal(clock.ahead_seconds, 86400);
    assert_true(slice_equal(clock.told_by, SLICE("http://portal.test/")));
    clock = look_at(0, NOW + 3600, FACT_GOOD);
    assert_int_equal(clock.ahead_seconds, -3600);
    assert_true(slice_equal(clock.told_by, SLICE("https://control.test/")));
}

static void test_two_that_contradict_each_other(void **state)
{
    (void)state;
    assert_int_equal(look_at(NOW - 86400, NOW + 86400, FACT_GOOD).right, FACT_UNKNOWN);
    struct clock_facts clock = look_at(NOW - 86400, NOW + 1, FACT_GOOD);
    assert_int_equal(clock.right, FACT_GOOD);
    assert_true(slice_equal(clock.told_by, SLICE("https://control.test/")));
    clock = look_at(NOW, NOW - 86400, FACT_GOOD);
    assert_int_equal(clock.right, FACT_GOOD);
    assert_true(slice_equal(clock.told_by, SLICE("http://portal.test/")));
}

static void test_a_login_page_is_no_witness(void **state)
{
    (void)state;
    assert_int_equal(look_at(NOW - 86400, 0, FACT_BAD).right, FACT_UNKNOWN);
    assert_int_equal(look_at(NOW - 86400, 0, FACT_UNKNOWN).right, FACT_UNKNOWN);
    assert_int_equal(look_at(NOW - 86400, NOW, FACT_BAD).right, FACT_GOOD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_said_anything),
        cmocka_unit_test(test_ten_minutes_are_right),
        cmocka_unit_test(test_how_far_and_who_says_so),
        cmocka_unit_test(test_two_that_contradict_each_other),
        cmocka_unit_test(test_a_login_page_is_no_witness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
