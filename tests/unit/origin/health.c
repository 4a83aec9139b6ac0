// The rule table of health, event by event in a time of its own.
#include "origin/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct health_rules probed = {5000, 2, 3}; // traffic's word stands for 15 s
static const struct health_rules unprobed = {0, 0, 0};

static struct health_time at(uint64_t seconds)
{
    return (struct health_time){(1000 + seconds) * NS_PER_SECOND, (int64_t)seconds * 1000 + 1};
}

static struct health_view view_of(struct health *health)
{
    struct health_view view;
    health_read(health, &view);
    assert_int_equal(view.healthy, atomic_load(&health->healthy));
    return view;
}

// Each letter of a history is one event, a second after the one before: s success, f failure (500),
// r refused, g good probe, b bad probe, . nothing (a second passes), _ 20 s pass.
struct history {
    const char *events;
    bool probes, healthy, disagrees;
    int64_t since_s; // -1: since start
};

static void play(struct health *health, const struct history *history)
{
    const struct health_rules *rules = history->probes ? &probed : &unprobed;
    uint64_t seconds = 0;
    health_init(health);
    for (const char *event = history->events; *event != 0; event++, seconds++) {
        if (*event == 's')
            health_report_success(health, rules, at(seconds), at(seconds).now_ns);
        else if (*event == 'f')
            health_report_failure(health, rules, at(seconds), false, SLICE("status 500"));
        else if (*event == 'r')
            health_report_failure(health, rules, at(seconds), true, SLICE("refused"));
        else if (*event == 'g' || *event == 'b')
            health_report_probe(health, rules, at(seconds), *event == 'g', SLICE("status 503"));
        else if (*event == '_')
            seconds += 20;
    }
}

static void test_the_rule_table(void **state)
{
    static const struct history histories[] = {
        {"", false, true, false, -1},
        {"", true, true, false, -1},
        // Traffic alone.
        {"ffff", false, true, false, -1},
        {"fffff", false, false, false, 0},
        {"sssfffff", false, false, false, 3},
        {"ffffsffff", false, true, false, -1},
        {"fffffs", false, true, false, 5},
        {"r", false, false, false, 0},
        {"fr", false, false, false, 0},
        {"rs", false, true, false, 1},
        {"r_", false, false, false, 0},
        // Probes alone: an idle site.
        {"bb", true, true, false, -1},
        {"bbb", true, false, false, 0},
        {"gbbb", true, false, false, 1},
        {"bbbg", true, false, false, 0},
        {"bbbgg", true, true, false, 4},
        {"bbbgbg", true, false, false, 0},
        {"bgbgb", true, true, false, -1},
        // Probes say sick, visitors are served: the visitors are right.
        {"sbbb", true, true, true, -1},
        {"bbbs", true, true, true, 3},
        {"sbbb.........b", true, true, true, -1},
        {"sbbb_b", true, false, false, 1},
        {"sbbb_bs", true, true, true, 26},
        // Probes say well, visitors are not served.
        {"gfffff", true, false, true, 1},
        {"ggr", true, false, true, 2},
        {"ggfffffg", true, false, true, 2},
        {"ggfffffs", true, true, false, 7},
        {"ggfffff_g", true, true, false, 28}, // nobody comes any more: the probe is all there is
        // Both say sick; the probe's turn ends it, and so does a visitor.
        {"rbbb", true, false, false, 0},
        {"rbbbgg", true, true, false, 5},
        {"rbbbs", true, true, true, 4},
        {"bbbfffff_", true, false, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(histories); i++) {
        struct health health;
        play(&health, &histories[i]);
        struct health_view view = view_of(&health);
        int64_t since_ms = histories[i].since_s < 0 ? 0 : histories[i].since_s * 1000 + 1;
        if (view.healthy != histories[i].healthy || view.disagrees != histories[i].disagrees
            || view.since_ms != since_ms)
            fail_msg("history \"%s\": healthy %d, disagrees %d, since %lld", histories[i].events,
                view.healthy, view.disagrees, (long long)view.since_ms);
        health_destroy(&health);
    }
}

static void test_it_says_why(void **state)
{
    static const struct {
        struct history history;
        const char *why;
    } cases[] = {
        {{"", true, true, false, 0}, ""},
        {{"bbb", true, false, false, 0}, "3 probes in a row failed: status 503"},
        {{"r", true, false, false, 0}, "1 failure in a row: refused"},
        {{"ffffff", false, false, false, 0}, "6 failures in a row: status 500"},
        {{"sbbb", true, true, true, 0}, "real traffic succeeds although status 503"},
        {{"rs", true, true, false, 0}, ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct health health;
        play(&health, &cases[i].history);
        assert_string_equal(view_of(&health).why, cases[i].why);
        health_destroy(&health);
    }
}

static void test_a_sick_one_is_tried_by_one_request_after_ever_longer_pauses(void **state)
{
    static const uint64_t pauses[] = {1, 2, 4, 8, 16, 30, 30};
    (void)state;
    struct health health;
    uint64_t now_s = 0;
    health_init(&health);
    assert_false(health_claim_trial(&health, at(0).now_ns));
    health_report_failure(&health, &unprobed, at(0), true, SLICE("refused"));
    for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
        assert_false(health_claim_trial(&health, at(now_s + pauses[i]).now_ns - 1));
        now_s += pauses[i];
        assert_true(health_claim_trial(&health, at(now_s).now_ns));
        assert_false(health_claim_trial(&health, at(now_s).now_ns));
        health_report_failure(&health, &unprobed, at(now_s), true, SLICE("refused"));
    }
    health_report_success(&health, &unprobed, at(now_s), at(now_s).now_ns);
    assert_false(health_claim_trial(&health, at(now_s + 1000).now_ns));
    // The next sickness begins with the shortest pause again.
    health_report_failure(&health, &unprobed, at(now_s), true, SLICE("refused"));
    assert_true(health_claim_trial(&health, at(now_s + 1).now_ns));
    health_destroy(&health);
}

static void test_requests_under_way_do_not_lengthen_the_pause(void **state)
{
    (void)state;
    struct health health;
    health_init(&health);
    for (unsigned i = 0; i < 50; i++)
        health_report_failure(&health, &unprobed, at(0), true, SLICE("refused"));
    assert_true(health_claim_trial(&health, at(1).now_ns));
    health_destroy(&health);
}

static void test_a_returning_one_gets_its_share_little_by_little(void **state)
{
    (void)state;
    struct health health;
    health_init(&health);
    assert_int_equal(health_share_permille(&health, 10000, at(0).now_ns), 1000);
    health_report_failure(&health, &unprobed, at(0), true, SLICE("refused"));
    health_report_success(&health, &unprobed, at(10), at(10).now_ns);
    assert_int_equal(health_share_permille(&health, 10000, at(10).now_ns), 100);
    assert_int_equal(health_share_permille(&health, 10000, at(15).now_ns), 500);
    assert_int_equal(health_share_permille(&health, 10000, at(20).now_ns), 1000);
    assert_int_equal(health_share_permille(&health, 0, at(10).now_ns), 1000);
    health_destroy(&health);
}

static void test_of_successes_the_one_asked_for_last_is_known(void **state)
{
    (void)state;
    struct health health;
    health_init(&health);
    health_report_success(&health, &unprobed, at(10), at(3).now_ns);
    assert_true(atomic_load(&health.success_asked_ns) == at(3).now_ns);
    health_report_success(&health, &unprobed, at(11), at(9).now_ns);
    health_report_success(&health, &unprobed, at(12), at(5).now_ns); // a slow one
    assert_true(atomic_load(&health.success_asked_ns) == at(9).now_ns);
    assert_true(atomic_load(&health.last_success_ns) == at(12).now_ns);
    health_destroy(&health);
}

static void test_without_probes_their_word_is_forgotten(void **state)
{
    (void)state;
    struct health health;
    struct history history = {"bbb", true, false, false, 0};
    play(&health, &history);
    health_forget_probes(&health, &unprobed, at(10));
    assert_true(view_of(&health).healthy);
    health_destroy(&health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rule_table),
        cmocka_unit_test(test_it_says_why),
        cmocka_unit_test(test_a_sick_one_is_tried_by_one_request_after_ever_longer_pauses),
        cmocka_unit_test(test_requests_under_way_do_not_lengthen_the_pause),
        cmocka_unit_test(test_a_returning_one_gets_its_share_little_by_little),
        cmocka_unit_test(test_of_successes_the_one_asked_for_last_is_known),
        cmocka_unit_test(test_without_probes_their_word_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
