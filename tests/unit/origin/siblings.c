// Backends beside each other: who is set aside, how many, and what choosing makes of it.
#include "origin/siblings.h"
#include "origin/balance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MOST 4
#define GOOD_NS (5 * NS_PER_MS)
#define SLOW_NS (2000 * NS_PER_MS)

struct family {
    struct origin *origin;
    struct origin_plan *plan;
    struct random random;
};

static struct family *family;

static struct health_time at(uint64_t ms)
{
    return (struct health_time){1000 * NS_PER_SECOND + ms * NS_PER_MS, (int64_t)ms};
}

static int begin(size_t count)
{
    family = calloc(1, sizeof(*family));
    assert_non_null(family);
    family->origin = calloc(1, sizeof(*family->origin));
    assert_non_null(family->origin);
    family->plan = calloc(1, sizeof(*family->plan));
    assert_non_null(family->plan);
    family->origin->name = SLICE("main");
    family->plan->settings.balance = BALANCE_LEAST_REQUESTS;
    family->plan->settings.outliers =
        (struct outlier_settings){.enabled = true, .share_percent = 5, .slow = 4, .pause_ms = 5000};
    family->plan->backend_count = count;
    random_seed(&family->random, 1);
    for (size_t i = 0; i < count; i++) {
        char url[64];
        int size = snprintf(url, sizeof(url), "http://10.0.0.%zu", i + 1);
        assert_int_equal(backend_create(slice_of(url, (size_t)size), 100, 1,
            &family->plan->backends[i]), ERROR_NONE);
    }
    return 0;
}

static void end(void)
{
    for (size_t i = 0; i < family->plan->backend_count; i++)
        backend_release(family->plan->backends[i]);
    free(family->plan);
    free(family->origin);
    free(family);
}

// So many answers of each, in turn; of those of backend i, bad[i] in a hundred fail, or are slow.
static void answer(unsigned each, const unsigned *bad, bool slow)
{
    for (unsigned number = 0; number < each; number++) {
        for (size_t i = 0; i < family->plan->backend_count; i++) {
            struct backend *backend = family->plan->backends[i];
            struct health_time time = at(10 * number);
            bool is_bad = (number + 1) * bad[i] / 100 > number * bad[i] / 100;
            if (is_bad && !slow) {
                siblings_note_failure(family->origin, family->plan, backend, time);
                continue;
            }
            uint64_t took_ns = is_bad ? SLOW_NS : GOOD_NS;
            histogram_add(&backend->first_byte_us, took_ns / 1000);
            siblings_note_answer(family->origin, family->plan, backend, took_ns, time);
        }
    }
}

static unsigned who_is_aside(void)
{
    unsigned set = 0;
    for (size_t i = 0; i < family->plan->backend_count; i++)
        set |= (unsigned)outlier_is_aside(&family->plan->backends[i]->outlier) << i;
    return set;
}

static void test_who_is_set_aside(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        unsigned bad[MOST], aside; // bit i: backend i
        bool is_usual;             // to be slow then, since most are
    } cases[] = {
        {1, {50}, 0, false},
        {1, {100}, 0, false},
        {2, {50, 0}, 1, false},
        {2, {0, 20}, 2, false},
        {2, {50, 50}, 0, false},
        {2, {20, 20}, 0, false},
        {2, {3, 0}, 0, false},
        {3, {0, 50, 0}, 2, false},
        {4, {0, 0, 0, 20}, 8, false},
        {4, {50, 50, 0, 0}, 3, false},
        {4, {50, 50, 50, 0}, 3, true}, // half of them at most
        {4, {30, 30, 30, 30}, 0, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (int slow = 0; slow < 2; slow++) {
            begin(cases[i].count);
            answer(120, cases[i].bad, slow);
            unsigned aside = who_is_aside();
            uint64_t counted = atomic_load(&family->origin->counters.outliers);
            end();
            unsigned expected = slow && cases[i].is_usual ? 0 : cases[i].aside;
            bool fits = __builtin_popcount(aside) == __builtin_popcount(expected)
                && (expected == 3 || aside == expected);
            if (!fits || counted != (uint64_t)__builtin_popcount(aside))
                fail_msg("case %zu%s: %x are aside", i, slow ? ", slow" : "", aside);
        }
    }
}

static void test_the_last_one_that_is_well_stays(void **state)
{
    (void)state;
    begin(2);
    static const unsigned none[MOST] = {0}, half[MOST] = {50};
    answer(30, none, false);
    health_report_failure(&family->plan->backends[1]->health, &family->plan->rules, at(400), true,
        SLICE("refused"));
    answer(30, half, false);
    assert_int_equal(who_is_aside(), 0);
    end();
}

static void test_it_can_be_switched_off(void **state)
{
    (void)state;
    static const unsigned half[MOST] = {50};
    begin(2);
    family->plan->settings.outliers.enabled = false;
    answer(100, half, false);
    assert_int_equal(who_is_aside(), 0);
    family->plan->settings.outliers.enabled = true;
    family->plan->settings.balance = BALANCE_HASH; // each has pages of its own
    answer(100, half, false);
    assert_int_equal(who_is_aside(), 0);
    family->plan->settings.balance = BALANCE_ROUND_ROBIN;
    family->plan->settings.outliers.slow = 0;
    answer(100, half, true);
    assert_int_equal(who_is_aside(), 0);
    end();
}

static unsigned times_chosen(size_t index, struct balance_question question)
{
    _Atomic uint64_t cursor = 0;
    unsigned times = 0;
    for (unsigned i = 0; i < 100; i++)
        times += balance_choose(family->plan->backends, family->plan->backend_count, &question,
            &cursor, &family->random) == index;
    return times;
}

static void test_choosing_leaves_it_out_but_never_alone(void **state)
{
    (void)state;
    static const unsigned half[MOST] = {50};
    struct balance_question question = {.policy = BALANCE_LEAST_REQUESTS, .most = 1000,
        .now_ns = at(2000).now_ns};
    begin(2);
    answer(100, half, false);
    assert_int_equal(who_is_aside(), 1);
    assert_int_equal(times_chosen(0, question), 0);
    // Canaries go, one at a time.
    question.now_ns = at(10000).now_ns;
    assert_int_equal(times_chosen(0, question), 0);
    question.may_try_sick = true;
    assert_int_equal(times_chosen(0, question), 1);
    question.may_try_sick = false;
    // Whom the other has failed, and when the other has no room, or is gone.
    question.tried = 2;
    assert_int_equal(times_chosen(0, question), 100);
    question.tried = 0;
    atomic_store(&family->plan->backends[1]->limit.at_once, 0);
    assert_int_equal(times_chosen(0, question), 100);
    atomic_store(&family->plan->backends[1]->limit.at_once, 100);
    assert_int_equal(times_chosen(0, question), 0);
    health_report_failure(&family->plan->backends[1]->health, &family->plan->rules, at(10000), true,
        SLICE("refused"));
    assert_int_equal(times_chosen(0, question), 100);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_set_aside),
        cmocka_unit_test(test_the_last_one_that_is_well_stays),
        cmocka_unit_test(test_it_can_be_switched_off),
        cmocka_unit_test(test_choosing_leaves_it_out_but_never_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
