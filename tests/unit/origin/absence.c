// When an origin is believed that it is in maintenance: after how long, how many, and when no more.
#include "origin/absence.h"
#include "base/slice.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define OVER_NS (10 * NS_PER_SECOND)

// One event a second: m says so, . nothing, a any other answer.
static bool is_certain_after(const char *events)
{
    struct absence absence = {0};
    uint64_t now_ns = 0;
    for (; *events != 0; events++, now_ns += NS_PER_SECOND) {
        if (*events != '.')
            absence_note(&absence, *events == 'm', now_ns);
    }
    return absence_is_certain(&absence, OVER_NS, now_ns - NS_PER_SECOND);
}

static void test_it_takes_its_time_and_three_answers(void **state)
{
    (void)state;
    assert_false(is_certain_after("mmmmmmmmmm"));
    assert_true(is_certain_after("mmmmmmmmmmmm"));
    assert_false(is_certain_after("m..........m"));
    assert_true(is_certain_after("m.....m....m"));
    assert_false(is_certain_after("aaaaaaaaaaaa"));
}

static void test_one_other_answer_ends_it(void **state)
{
    (void)state;
    assert_false(is_certain_after("mmmmmmmmmmmma"));
    assert_false(is_certain_after("mmmmmmmmmmmmammmmmmmm"));
    assert_true(is_certain_after("mmmmammmmmmmmmmmmm"));
    assert_false(is_certain_after("mmmmmmammmmmam"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_takes_its_time_and_three_answers),
        cmocka_unit_test(test_one_other_answer_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
