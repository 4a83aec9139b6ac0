// How many a returning origin gets at once: few first, more while it keeps up, fewer when not.
#include "origin/pacer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NORMAL_NS (20 * NS_PER_MS)

static unsigned fill(struct pacer *pacer)
{
    while (pacer_has_room(pacer))
        pacer_enter(pacer);
    return pacer->inside;
}

// All that are inside come back after so long; returns how many then go in.
static unsigned round_of(struct pacer *pacer, enum pacer_verdict verdict, uint64_t took_ns,
    uint64_t *now_ns)
{
    *now_ns += took_ns;
    for (unsigned left = fill(pacer); left > 0; left--)
        pacer_leave(pacer, verdict, took_ns, *now_ns);
    return fill(pacer);
}

static void test_it_begins_with_few(void **state)
{
    (void)state;
    struct pacer pacer;
    pacer_begin(&pacer, NORMAL_NS);
    assert_int_equal(fill(&pacer), 4);
}

static void test_it_doubles_while_answers_are_in_time(void **state)
{
    (void)state;
    struct pacer pacer;
    uint64_t now_ns = NS_PER_SECOND;
    pacer_begin(&pacer, NORMAL_NS);
    unsigned before = fill(&pacer);
    unsigned after = round_of(&pacer, PACER_GOOD, NORMAL_NS, &now_ns);
    assert_true(after > before && after <= 2 * before);
    for (int i = 0; i < 20; i++)
        after = round_of(&pacer, PACER_GOOD, NORMAL_NS, &now_ns);
    assert_true(after > 20);
}

static void test_late_answers_make_it_fewer_once_a_round(void **state)
{
    (void)state;
    struct pacer pacer;
    uint64_t now_ns = NS_PER_SECOND;
    pacer_begin(&pacer, NORMAL_NS);
    for (int i = 0; i < 20; i++)
        round_of(&pacer, PACER_GOOD, NORMAL_NS, &now_ns);
    unsigned before = fill(&pacer);
    unsigned after = round_of(&pacer, PACER_GOOD, 10 * NORMAL_NS, &now_ns);
    assert_true(after < before && after >= before * 8 / 10);
    assert_false(pacer.starting);
    // From here on it grows by about one a round.
    before = round_of(&pacer, PACER_GOOD, NORMAL_NS, &now_ns);
    after = round_of(&pacer, PACER_GOOD, NORMAL_NS, &now_ns);
    assert_true(after <= before + 2);
}

static void test_failures_make_it_few_and_never_none(void **state)
{
    (void)state;
    struct pacer pacer;
    uint64_t now_ns = NS_PER_SECOND;
    pacer_begin(&pacer, NORMAL_NS);
    unsigned after = 0;
    for (int i = 0; i < 50; i++)
        after = round_of(&pacer, PACER_FAILED, NORMAL_NS, &now_ns);
    assert_int_equal(after, 2);
}

static void test_without_a_past_the_fastest_answer_is_the_measure(void **state)
{
    (void)state;
    struct pacer pacer;
    uint64_t now_ns = NS_PER_SECOND;
    pacer_begin(&pacer, 0);
    round_of(&pacer, PACER_GOOD, 30 * NS_PER_MS, &now_ns);
    assert_true(pacer.starting);
    round_of(&pacer, PACER_GOOD, 200 * NS_PER_MS, &now_ns);
    assert_false(pacer.starting);
}

static void test_what_is_not_known_changes_nothing(void **state)
{
    (void)state;
    struct pacer pacer;
    uint64_t now_ns = NS_PER_SECOND;
    pacer_begin(&pacer, NORMAL_NS);
    assert_int_equal(round_of(&pacer, PACER_UNKNOWN, NORMAL_NS, &now_ns), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_begins_with_few),
        cmocka_unit_test(test_it_doubles_while_answers_are_in_time),
        cmocka_unit_test(test_late_answers_make_it_fewer_once_a_round),
        cmocka_unit_test(test_failures_make_it_few_and_never_none),
        cmocka_unit_test(test_without_a_past_the_fastest_answer_is_the_measure),
        cmocka_unit_test(test_what_is_not_known_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
