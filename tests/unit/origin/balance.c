// Choosing among backends: policies, what was tried, health, trials and slow start.
#include "origin/balance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define DRAWS 4000

struct choice {
    struct backend *backends[ORIGIN_BACKENDS_MAX];
    size_t count;
    _Atomic uint64_t cursor;
    struct random random;
    unsigned hits[ORIGIN_BACKENDS_MAX];
};

static const struct health_rules rules = {0, 0, 0};

static struct health_time at(uint64_t seconds)
{
    return (struct health_time){(1000 + seconds) * NS_PER_SECOND, 1};
}

static void setup(struct choice *choice, size_t count)
{
    *choice = (struct choice){.count = count};
    random_seed(&choice->random, 42);
    for (size_t i = 0; i < count; i++) {
        char url[64];
        int size = snprintf(url, sizeof(url), "http://10.0.0.%zu", i + 1);
        assert_int_equal(backend_create(slice_of(url, (size_t)size), 100, 1, &choice->backends[i]),
            ERROR_NONE);
    }
}

static void teardown(struct choice *choice)
{
    for (size_t i = 0; i < choice->count; i++)
        backend_release(choice->backends[i]);
}

static size_t choose(struct choice *choice, struct balance_question question)
{
    question.most = 1000;
    size_t index = balance_choose(choice->backends, choice->count, &question, &choice->cursor,
        &choice->random);
    assert_true(index < choice->count);
    return index;
}

static void draw(struct choice *choice, struct balance_question question)
{
    for (size_t i = 0; i < choice->count; i++)
        choice->hits[i] = 0;
    for (unsigned i = 0; i < DRAWS; i++) {
        question.affinity = i;
        choice->hits[choose(choice, question)]++;
    }
}

static void fall_sick(struct choice *choice, size_t index, uint64_t seconds)
{
    health_report_failure(&choice->backends[index]->health, &rules, at(seconds), true,
        SLICE("refused"));
}

static const struct balance_question policies[] = {
    {.policy = BALANCE_ROUND_ROBIN}, {.policy = BALANCE_LEAST_REQUESTS}, {.policy = BALANCE_HASH}};

static void test_every_policy_uses_all_of_equals(void **state)
{
    (void)state;
    struct choice choice;
    for (size_t count = 1; count <= ORIGIN_BACKENDS_MAX; count *= 4) {
        setup(&choice, count);
        for (size_t policy = 0; policy < ARRAY_SIZE(policies); policy++) {
            draw(&choice, policies[policy]);
            for (size_t i = 0; i < count; i++)
                assert_in_range(choice.hits[i], DRAWS / count / 2, DRAWS / count * 2);
        }
        teardown(&choice);
    }
}

static void test_round_robin_takes_turns(void **state)
{
    (void)state;
    struct choice choice;
    setup(&choice, 3);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(choose(&choice, policies[0]), i % 3);
    teardown(&choice);
}

static void test_least_requests_prefers_the_less_busy(void **state)
{
    (void)state;
    struct choice choice;
    setup(&choice, 2);
    atomic_store(&choice.backends[0]->in_flight, 5);
    draw(&choice, policies[1]);
    assert_int_equal(choice.hits[0], 0);
    teardown(&choice);
    setup(&choice, 4);
    atomic_store(&choice.backends[2]->in_flight, 5);
    draw(&choice, policies[1]);
    assert_int_equal(choice.hits[2], 0); // it loses against whichever is drawn with it
    teardown(&choice);
}

static void test_hash_moves_only_what_it_must(void **state)
{
    (void)state;
    struct choice choice;
    unsigned char before[DRAWS];
    setup(&choice, 5);
    for (unsigned i = 0; i < DRAWS; i++)
        before[i] = (unsigned char)choose(&choice,
            (struct balance_question){.policy = BALANCE_HASH, .affinity = i});
    fall_sick(&choice, 3, 0);
    for (unsigned i = 0; i < DRAWS; i++) {
        size_t now = choose(&choice,
            (struct balance_question){
                .policy = BALANCE_HASH, .affinity = i, .now_ns = at(0).now_ns});
        assert_true(before[i] == 3 ? now != 3 : now == before[i]);
    }
    teardown(&choice);
}

static void test_tried_ones_are_left_out_until_all_are_tried(void **state)
{
    (void)state;
    struct choice choice;
    setup(&choice, 3);
    for (size_t policy = 0; policy < ARRAY_SIZE(policies); policy++) {
        struct balance_question question = policies[policy];
        question.tried = 5;
        draw(&choice, question);
        assert_int_equal(choice.hits[1], DRAWS);
        question.tried = 7;
        draw(&choice, question);
        for (size_t i = 0; i < 3; i++)
            assert_true(choice.hits[i] > 0);
    }
    teardown(&choice);
}

static void test_sick_ones_are_avoided_but_never_all(void **state)
{
    (void)state;
    struct choice choice;
    setup(&choice, 3);
    fall_sick(&choice, 0, 0);
    for (size_t policy = 0; policy < ARRAY_SIZE(policies); policy++) {
        struct balance_question question = policies[policy];
        question.now_ns = at(0).now_ns;
        draw(&choice, question);
        assert_int_equal(choice.hits[0], 0);
        assert_true(choice.hits[1] > 0 && choice.hits[2] > 0);
        // The only untried one is taken although it is sick.
        question.tried = 6;
        assert_int_equal(choose(&choice, question), 0);
    }
    fall_sick(&choice, 1, 0);
    fall_sick(&choice, 2, 0);
    for (size_t policy = 0; policy < ARRAY_SIZE(policies); policy++) {
        draw(&choice, policies[policy]);
        for (size_t i = 0; i < 3; i++)
            assert_true(choice.hits[i] > 0);
    }
    teardown(&choice);
}

static void test_one_repeatable_request_tries_a_sick_one_when_its_pause_is_over(void **state)
{
    (void)state;
    struct choice choice;
    setup(&choice, 2);
    fall_sick(&choice, 0, 0);
    struct balance_question question = policies[1];
    question.now_ns = at(1).now_ns;
    draw(&choice, question); // not repeatable: never
    assert_int_equal(choice.hits[0], 0);
    question.may_try_sick = true;
    draw(&choice, question);
    assert_int_equal(choice.hits[0], 1);
    teardown(&choice);
}

static void test_a_returning_one_starts_slowly_unless_it_is_alone(void **state)
{
    (void)state;
    struct choice choice;
    setup(&choice, 2);
    fall_sick(&choice, 0, 0);
    health_report_success(&choice.backends[0]->health, &rules, at(10), at(10).now_ns);
    for (size_t policy = 0; policy < ARRAY_SIZE(policies); policy++) {
        struct balance_question question = policies[policy];
        question.slow_start_ms = 10000;
        question.now_ns = at(11).now_ns; // a share of 10 %
        draw(&choice, question);
        assert_in_range(choice.hits[0], 1, DRAWS / 8);
        question.now_ns = at(20).now_ns;
        draw(&choice, question);
        assert_in_range(choice.hits[0], DRAWS / 3, DRAWS * 2 / 3);
        question.now_ns = at(11).now_ns;
        question.tried = 2;
        draw(&choice, question);
        assert_int_equal(choice.hits[0], DRAWS);
    }
    teardown(&choice);
}

static void test_those_with_room_come_first_and_nobody_overfills_them(void **state)
{
    (void)state;
    struct choice choice;
    setup(&choice, 3);
    for (int i = 0; i < 100; i++) // as many as its limit
        limit_enter(&choice.backends[1]->limit, 1);
    for (int i = 0; i < 100; i++) {
        assert_true(choose(&choice, policies[0]) != 1);
        limit_enter(&choice.backends[0]->limit, 1);
        limit_enter(&choice.backends[2]->limit, 1);
    }
    struct balance_question question = policies[0];
    question.most = 1000;
    assert_true(balance_choose(choice.backends, 3, &question, &choice.cursor, &choice.random)
        == BALANCE_NONE);
    question.is_admitted = true;
    assert_in_range(choose(&choice, question), 0, 2);
    teardown(&choice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_policy_uses_all_of_equals),
        cmocka_unit_test(test_round_robin_takes_turns),
        cmocka_unit_test(test_least_requests_prefers_the_less_busy),
        cmocka_unit_test(test_hash_moves_only_what_it_must),
        cmocka_unit_test(test_tried_ones_are_left_out_until_all_are_tried),
        cmocka_unit_test(test_sick_ones_are_avoided_but_never_all),
        cmocka_unit_test(test_one_repeatable_request_tries_a_sick_one_when_its_pause_is_over),
        cmocka_unit_test(test_those_with_room_come_first_and_nobody_overfills_them),
        cmocka_unit_test(test_a_returning_one_starts_slowly_unless_it_is_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
