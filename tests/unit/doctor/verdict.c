// The verdicts' names, sides and exit statuses.
#include "doctor/verdict.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_names_are_found_again(void **state)
{
    (void)state;
    enum verdict found;
    for (enum verdict verdict = VERDICT_OK; verdict < VERDICT_COUNT; verdict++) {
        assert_true(verdict_find(verdict_name(verdict), &found));
        assert_int_equal(found, verdict);
    }
    assert_true(slice_equal(verdict_name(VERDICT_ORIGIN_DOWN), SLICE("ORIGIN_DOWN")));
    assert_false(verdict_find(SLICE("origin_down"), &found));
    assert_false(verdict_find(SLICE("ORIGIN"), &found));
    assert_false(verdict_find(SLICE_EMPTY, &found));
    assert_int_equal(VERDICT_COUNT, 23);
}

// No code of the site's is on the visitor's side, and none of his on the site's.
static void test_sides_are_the_exit_statuses(void **state)
{
    (void)state;
    assert_int_equal(verdict_side(VERDICT_OK), 0);
    for (enum verdict verdict = VERDICT_OK; verdict < VERDICT_COUNT; verdict++) {
        struct slice name = verdict_name(verdict);
        if (slice_starts_with(name, SLICE("ORIGIN_")) || slice_starts_with(name, SLICE("SITE_")))
            assert_int_equal(verdict_side(verdict), 1);
        if (slice_starts_with(name, SLICE("LOCAL_")))
            assert_int_equal(verdict_side(verdict), 2);
        if (slice_starts_with(name, SLICE("CDN_")))
            assert_int_equal(verdict_side(verdict), 3);
    }
    assert_int_equal(verdict_side(VERDICT_MAINTENANCE), 1);
    assert_int_equal(verdict_side(VERDICT_MTU), 2);
    assert_int_equal(verdict_side(VERDICT_UNKNOWN), 4);
}

static void test_several_have_a_side_only_if_they_agree(void **state)
{
    (void)state;
    struct verdicts none = {0};
    struct verdicts one = verdicts_of(VERDICT_CAPTIVE);
    struct verdicts agreed = verdicts_either(VERDICT_ORIGIN_OVERLOAD, VERDICT_MAINTENANCE);
    struct verdicts split = verdicts_either(VERDICT_CDN_POP, VERDICT_ORIGIN_DOWN);
    struct verdicts unknown = verdicts_of(VERDICT_UNKNOWN);
    assert_int_equal(verdicts_side(&none), VERDICT_SIDE_UNKNOWN);
    assert_int_equal(verdicts_side(&one), VERDICT_SIDE_YOURS);
    assert_int_equal(verdicts_side(&agreed), VERDICT_SIDE_SITE);
    assert_int_equal(verdicts_side(&split), VERDICT_SIDE_UNKNOWN);
    assert_int_equal(verdicts_side(&unknown), VERDICT_SIDE_UNKNOWN);
    assert_false(verdicts_ask_control(&one));
    assert_true(verdicts_ask_control(&none));
    assert_true(verdicts_ask_control(&agreed));
    assert_true(verdicts_ask_control(&split));
    assert_true(verdicts_ask_control(&unknown));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_found_again),
        cmocka_unit_test(test_sides_are_the_exit_statuses),
        cmocka_unit_test(test_several_have_a_side_only_if_they_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
