// Whose turn it is: people first, and no class waits for ever.
#include "origin/turn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PEOPLE (1u << PRIORITY_INTERACTIVE)
#define BACKGROUND (1u << PRIORITY_BACKGROUND)
#define BOTS (1u << PRIORITY_BOT)

static void count(unsigned waiting, unsigned turns, unsigned ret_counts[PRIORITY_COUNT])
{
    uint64_t contended = 0;
    for (unsigned i = 0; i < PRIORITY_COUNT; i++)
        ret_counts[i] = 0;
    for (unsigned i = 0; i < turns; i++)
        ret_counts[turn_next(waiting, &contended)]++;
}

static void test_who_is_alone_has_every_turn(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PRIORITY_COUNT; i++) {
        unsigned counts[PRIORITY_COUNT];
        count(1u << i, 100, counts);
        assert_int_equal(counts[i], 100);
    }
}

static void test_one_of_eight_is_for_the_lower(void **state)
{
    (void)state;
    unsigned counts[PRIORITY_COUNT];
    count(PEOPLE | BOTS, 80, counts);
    assert_int_equal(counts[PRIORITY_INTERACTIVE], 70);
    assert_int_equal(counts[PRIORITY_BOT], 10);
    count(BACKGROUND | BOTS, 80, counts);
    assert_int_equal(counts[PRIORITY_BACKGROUND], 70);
    assert_int_equal(counts[PRIORITY_BOT], 10);
}

static void test_the_lower_take_turns(void **state)
{
    (void)state;
    unsigned counts[PRIORITY_COUNT];
    count(PEOPLE | BACKGROUND | BOTS, 160, counts);
    assert_int_equal(counts[PRIORITY_INTERACTIVE], 140);
    assert_int_equal(counts[PRIORITY_BACKGROUND], 10);
    assert_int_equal(counts[PRIORITY_BOT], 10);
}

// Turns that nobody wanted are not saved up.
static void test_only_contended_turns_count(void **state)
{
    (void)state;
    uint64_t turns = 0;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(turn_next(PEOPLE, &turns), PRIORITY_INTERACTIVE);
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(turn_next(PEOPLE | BOTS, &turns), PRIORITY_INTERACTIVE);
    assert_int_equal(turn_next(PEOPLE | BOTS, &turns), PRIORITY_BOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_alone_has_every_turn),
        cmocka_unit_test(test_one_of_eight_is_for_the_lower),
        cmocka_unit_test(test_the_lower_take_turns),
        cmocka_unit_test(test_only_contended_turns_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
