// The budgets of what costs a visitor little.
#include "edge/http2/http2_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SECOND_NS UINT64_C(1000000000)

static void the_budget_is_spent_by_one_more(void **state)
{
    struct http2_guard guard;
    (void)state;
    http2_guard_init(&guard, 10, 50, 0);
    for (int i = 0; i < 50; i++)
        http2_guard_charge(&guard, HTTP2_GLITCH_PING, 0);
    for (int i = 0; i < 10; i++)
        http2_guard_charge(&guard, HTTP2_GLITCH_RESET, 0);
    assert_int_equal(guard.spent, HTTP2_GLITCH_NONE);
    http2_guard_charge(&guard, HTTP2_GLITCH_RESET, 0);
    assert_int_equal(guard.spent, HTTP2_GLITCH_RESET);
    http2_guard_charge(&guard, HTTP2_GLITCH_PING, 0);
    assert_int_equal(guard.spent, HTTP2_GLITCH_RESET); // the first one counts
}

static void a_tenth_comes_back_each_second(void **state)
{
    struct http2_guard guard;
    (void)state;
    http2_guard_init(&guard, 10, 50, 0);
    uint64_t now_ns = 0;
    for (int i = 0; i < 50; i++)
        http2_guard_charge(&guard, HTTP2_GLITCH_EMPTY, now_ns);
    for (int second = 0; second < 100; second++) {
        now_ns += SECOND_NS;
        for (int i = 0; i < 5; i++)
            http2_guard_charge(&guard, HTTP2_GLITCH_EMPTY, now_ns + (uint64_t)i);
    }
    assert_int_equal(guard.spent, HTTP2_GLITCH_NONE);
    http2_guard_charge(&guard, HTTP2_GLITCH_OTHER, now_ns);
    assert_int_equal(guard.spent, HTTP2_GLITCH_OTHER);
    http2_guard_init(&guard, 10, 50, 0);
    // Never beyond full.
    http2_guard_charge(&guard, HTTP2_GLITCH_RESET, SECOND_NS * 3600 * 24 * 365);
    assert_int_equal(guard.resets, 9 * 1000000);
}

static void what_answers_call_for_is_free(void **state)
{
    struct http2_guard guard;
    (void)state;
    http2_guard_init(&guard, 10, 50, 0);
    for (int i = 0; i < 1000; i++) {
        http2_guard_allow(&guard, 2);
        http2_guard_charge(&guard, HTTP2_GLITCH_WINDOW, 0);
        http2_guard_charge(&guard, HTTP2_GLITCH_WINDOW, 0);
    }
    assert_int_equal(guard.spent, HTTP2_GLITCH_NONE);
    assert_int_equal(guard.glitches, 48 * 1000000);
}

static void each_has_a_counter_of_its_own(void **state)
{
    (void)state;
    for (int a = HTTP2_GLITCH_RESET; a <= HTTP2_GLITCH_OTHER; a++) {
        for (int b = HTTP2_GLITCH_RESET; b < a; b++)
            assert_int_not_equal(http2_guard_counter((enum http2_glitch)a),
                http2_guard_counter((enum http2_glitch)b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_budget_is_spent_by_one_more),
        cmocka_unit_test(a_tenth_comes_back_each_second),
        cmocka_unit_test(what_answers_call_for_is_free),
        cmocka_unit_test(each_has_a_counter_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
