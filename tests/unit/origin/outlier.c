// Outliers: what is counted, what differs for certain, and how a backend goes and comes back.
#include "origin/outlier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SHARE 5
#define PAUSE_NS (5 * NS_PER_SECOND)

static struct health_time at(uint64_t seconds)
{
    return (struct health_time){(1000 + seconds) * NS_PER_SECOND, (int64_t)seconds * 1000 + 1};
}

static void test_the_window_slides(void **state)
{
    (void)state;
    struct outlier outlier;
    outlier_init(&outlier);
    for (unsigned i = 0; i < 6; i++)
        assert_false(outlier_note(&outlier, (enum outlier_answer)(i % 3), at(0)));
    assert_false(outlier_note(&outlier, OUTLIER_FAILED, at(10)));
    struct outlier_counts counts = outlier_count(&outlier, at(10).now_ns);
    assert_int_equal(counts.answers, 7);
    assert_int_equal(counts.failed, 3);
    assert_int_equal(counts.slow, 2);
    counts = outlier_count(&outlier, at(17).now_ns);
    assert_int_equal(counts.answers, 1);
    assert_int_equal(counts.failed, 1);
    counts = outlier_count(&outlier, at(40).now_ns);
    assert_int_equal(counts.answers, 0);
    outlier_destroy(&outlier);
}

static void test_a_full_slot_keeps_its_shares(void **state)
{
    (void)state;
    struct outlier outlier;
    outlier_init(&outlier);
    for (unsigned i = 0; i < 200000; i++)
        (void)outlier_note(&outlier, i % 4 == 0 ? OUTLIER_FAILED : OUTLIER_GOOD, at(0));
    struct outlier_counts counts = outlier_count(&outlier, at(0).now_ns);
    assert_int_equal(counts.answers, UINT16_MAX);
    assert_in_range(counts.failed, counts.answers / 4, counts.answers / 4 + 1);
    outlier_destroy(&outlier);
}

static void test_what_differs(void **state)
{
    (void)state;
    static const struct {
        struct outlier_counts own, others;
        bool differs;
    } cases[] = {
        // Half of them, and a fifth: within seconds.
        {{28, 14, 0}, {28, 0, 0}, true},
        {{80, 16, 0}, {80, 0, 0}, true},
        {{80, 0, 16}, {80, 0, 0}, true},
        {{80, 8, 8}, {80, 0, 0}, true},
        {{8, 8, 0}, {12, 0, 0}, true},
        // Chance can do that.
        {{2, 2, 0}, {100, 0, 0}, false},
        {{12, 6, 0}, {12, 0, 0}, false},
        {{10, 8, 0}, {28, 3, 0}, false},
        {{40, 8, 0}, {40, 0, 0}, false},
        // Nobody to compare with.
        {{100, 100, 0}, {0, 0, 0}, false},
        {{100, 100, 0}, {4, 0, 0}, false},
        // All alike, however bad, in whatever way.
        {{1000, 1000, 0}, {1000, 1000, 0}, false},
        {{1000, 500, 0}, {1000, 500, 0}, false},
        {{1000, 200, 0}, {3000, 500, 0}, false},
        {{1000, 500, 0}, {1000, 0, 490}, false},
        // The better one.
        {{1000, 0, 0}, {1000, 500, 0}, false},
        // Certain, but too little to matter.
        {{50000, 2000, 0}, {50000, 0, 0}, false},
        {{50000, 3000, 0}, {50000, 0, 0}, true},
        // Both bad, and one far worse.
        {{100, 90, 0}, {100, 30, 0}, true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (outlier_differs(&cases[i].own, &cases[i].others, SHARE) != cases[i].differs)
            fail_msg("case %zu", i);
    }
}

static bool set_aside(struct outlier *outlier, uint64_t seconds)
{
    static const struct outlier_counts own = {40, 8, 1}, others = {41, 0, 0};
    return outlier_set_aside(outlier, &own, &others, PAUSE_NS, at(seconds));
}

// A canary at that time, and what it brings; true if that made it come back.
static bool send_canary(struct outlier *outlier, uint64_t seconds, enum outlier_answer answer)
{
    assert_true(outlier_claim_canary(outlier, at(seconds).now_ns));
    assert_false(outlier_claim_canary(outlier, at(seconds).now_ns)); // one at a time
    return outlier_note(outlier, answer, at(seconds));
}

static void test_it_says_why_and_since_when(void **state)
{
    (void)state;
    static const struct outlier_counts own = {30, 2, 7}, others = {31, 1, 0};
    struct outlier outlier;
    char why[128] = "nothing";
    int64_t since_ms = 0;
    outlier_init(&outlier);
    assert_false(outlier_read(&outlier, why, sizeof(why), &since_ms));
    assert_string_equal(why, "nothing");
    assert_true(set_aside(&outlier, 3));
    assert_false(set_aside(&outlier, 4)); // it is already
    assert_true(outlier_read(&outlier, why, sizeof(why), &since_ms));
    assert_string_equal(why, "8 of 40 answers failed, of the others' 0 of 41");
    assert_int_equal(since_ms, 3001);
    outlier_forget(&outlier);
    assert_false(outlier_is_aside(&outlier));
    assert_true(outlier_set_aside(&outlier, &own, &others, PAUSE_NS, at(5)));
    assert_true(outlier_read(&outlier, why, sizeof(why), &since_ms));
    assert_string_equal(why, "7 of 30 answers were far slower, of the others' 0 of 31");
    outlier_destroy(&outlier);
}

static void test_good_canaries_bring_it_back(void **state)
{
    (void)state;
    struct outlier outlier;
    outlier_init(&outlier);
    assert_false(outlier_claim_canary(&outlier, at(0).now_ns)); // there is nothing to find out
    assert_true(set_aside(&outlier, 0));
    assert_false(outlier_claim_canary(&outlier, at(4).now_ns));
    // What was under way says nothing new.
    for (unsigned i = 0; i < 10; i++)
        assert_false(outlier_note(&outlier, OUTLIER_GOOD, at(4)));
    for (unsigned i = 0; i < OUTLIER_CANARIES - 1; i++)
        assert_false(send_canary(&outlier, 5 + i, OUTLIER_GOOD));
    assert_true(outlier_is_aside(&outlier));
    uint64_t last_s = 5 + OUTLIER_CANARIES - 1;
    assert_true(send_canary(&outlier, last_s, OUTLIER_GOOD));
    assert_false(outlier_is_aside(&outlier));
    assert_int_equal(outlier_count(&outlier, at(last_s).now_ns).answers, 0); // it begins anew
    assert_int_equal(atomic_load(&outlier.returned_ns), at(last_s).now_ns);
    outlier_destroy(&outlier);
}

static void test_bad_canaries_come_ever_more_seldom(void **state)
{
    (void)state;
    struct outlier outlier;
    uint64_t now_s = 0, pause_s = 5;
    outlier_init(&outlier);
    assert_true(set_aside(&outlier, now_s));
    for (unsigned i = 0; i < 10; i++) {
        assert_false(outlier_claim_canary(&outlier, at(now_s + pause_s - 1).now_ns));
        now_s += pause_s;
        assert_false(send_canary(&outlier, now_s, i % 2 == 0 ? OUTLIER_FAILED : OUTLIER_SLOW));
        pause_s = MINIMUM(2 * pause_s, 300u);
    }
    // One of which nothing is heard is followed by another.
    now_s += 300;
    assert_true(outlier_claim_canary(&outlier, at(now_s).now_ns));
    assert_false(outlier_claim_canary(&outlier, at(now_s + 299).now_ns));
    assert_true(outlier_claim_canary(&outlier, at(now_s + 300).now_ns));
    outlier_destroy(&outlier);
}

static void bring_back(struct outlier *outlier, uint64_t *now_s)
{
    while (outlier_is_aside(outlier)) {
        if (outlier_claim_canary(outlier, at(*now_s).now_ns))
            (void)outlier_note(outlier, OUTLIER_GOOD, at(*now_s));
        ++*now_s;
    }
}

static void test_a_relapse_takes_longer_unless_it_was_long_ago(void **state)
{
    (void)state;
    struct outlier outlier;
    uint64_t now_s = 0;
    outlier_init(&outlier);
    assert_true(set_aside(&outlier, now_s));
    bring_back(&outlier, &now_s);
    assert_true(set_aside(&outlier, now_s));
    assert_false(outlier_claim_canary(&outlier, at(now_s + 9).now_ns));
    assert_true(outlier_claim_canary(&outlier, at(now_s + 10).now_ns));
    bring_back(&outlier, &now_s);
    now_s += 301;
    assert_true(set_aside(&outlier, now_s));
    assert_true(outlier_claim_canary(&outlier, at(now_s + 5).now_ns));
    outlier_destroy(&outlier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_window_slides),
        cmocka_unit_test(test_a_full_slot_keeps_its_shares),
        cmocka_unit_test(test_what_differs),
        cmocka_unit_test(test_it_says_why_and_since_when),
        cmocka_unit_test(test_good_canaries_bring_it_back),
        cmocka_unit_test(test_bad_canaries_come_ever_more_seldom),
        cmocka_unit_test(test_a_relapse_takes_longer_unless_it_was_long_ago),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
