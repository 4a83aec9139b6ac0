// When the newest of those who wait go in first: only where some will get nothing in any case.
#include "origin/surplus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define START_NS (100 * NS_PER_SECOND)

// Somebody's time is over every so often; returns when the last one's was.
static uint64_t note(struct surplus *surplus, unsigned count, uint64_t every_ms)
{
    uint64_t now_ns = START_NS;
    for (unsigned i = 0; i < count; i++)
        surplus_note(surplus, now_ns = START_NS + i * every_ms * NS_PER_MS);
    return now_ns;
}

static void test_nobody_was_late(void **state)
{
    (void)state;
    struct surplus surplus = {0};
    assert_false(surplus_is_certain(&surplus, START_NS));
}

static void test_many_at_once_are_no_proof(void **state)
{
    (void)state;
    struct surplus surplus = {0};
    uint64_t now_ns = note(&surplus, 2900, 1);
    assert_false(surplus_is_certain(&surplus, now_ns));
    assert_false(surplus_is_certain(&surplus, now_ns + NS_PER_SECOND));
}

static void test_three_seconds_of_them_are(void **state)
{
    (void)state;
    struct surplus surplus = {0};
    assert_true(surplus_is_certain(&surplus, note(&surplus, 4, 1000)));
}

static void test_now_and_then_is_no_proof(void **state)
{
    (void)state;
    struct surplus surplus = {0};
    assert_false(surplus_is_certain(&surplus, note(&surplus, 100, 2001)));
}

static void test_it_is_over_when_nobody_is_late(void **state)
{
    (void)state;
    struct surplus surplus = {0};
    uint64_t now_ns = note(&surplus, 50, 100);
    assert_true(surplus_is_certain(&surplus, now_ns + SURPLUS_QUIET_NS));
    assert_false(surplus_is_certain(&surplus, now_ns + SURPLUS_QUIET_NS + 1));
    surplus_note(&surplus, now_ns + SURPLUS_QUIET_NS + 1); // and must be shown anew
    assert_false(surplus_is_certain(&surplus, now_ns + SURPLUS_QUIET_NS + 1));
}

// Each loop has a clock of its own, looked at once per turn: what is noted next may be older.
static void test_clocks_that_differ_are_no_proof(void **state)
{
    (void)state;
    struct surplus surplus = {0};
    surplus_note(&surplus, START_NS);
    surplus_note(&surplus, START_NS - NS_PER_MS);
    assert_false(surplus_is_certain(&surplus, START_NS));
    surplus_note(&surplus, START_NS + SURPLUS_QUIET_NS);
    surplus_note(&surplus, START_NS + SURPLUS_PROOF_NS);
    surplus_note(&surplus, START_NS + SURPLUS_PROOF_NS - NS_PER_MS);
    assert_true(surplus_is_certain(&surplus, START_NS + SURPLUS_PROOF_NS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_was_late),
        cmocka_unit_test(test_many_at_once_are_no_proof),
        cmocka_unit_test(test_three_seconds_of_them_are),
        cmocka_unit_test(test_now_and_then_is_no_proof),
        cmocka_unit_test(test_it_is_over_when_nobody_is_late),
        cmocka_unit_test(test_clocks_that_differ_are_no_proof),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
