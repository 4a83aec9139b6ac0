// The limit against models of backends: so many work at once, each request takes so long, or all
// of them are worked on at once. Visitors come at a rate; whoever finds no room waits outside.
#include "origin/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 10000
#define STEP_NS (100 * 1000)

struct job {
    struct limit_entry entry;
    uint64_t ends_ns; // 0: not begun
};

struct model {
    struct limit limit;
    struct limit_rules rules;
    uint64_t now_ns, workers, service_ns; // workers 0: any number
    struct job jobs[MOST];
    size_t count, working;
    uint64_t arrivals, waiting, most_waiting; // outside
    uint64_t done, took_ns;                   // of those who were let in
    size_t inside_most;
};

static struct model *model_create(uint64_t workers, uint64_t service_ms)
{
    struct model *model = calloc(1, sizeof(*model));
    assert_non_null(model);
    model->rules = (struct limit_rules){4, MOST};
    model->now_ns = NS_PER_SECOND;
    model->workers = workers;
    model->service_ns = service_ms * NS_PER_MS;
    limit_init(&model->limit, 128);
    return model;
}

static void model_free(struct model *model)
{
    limit_destroy(&model->limit);
    free(model);
}

static uint64_t limit_of(const struct model *model)
{
    return atomic_load(&model->limit.at_once);
}

static void let_in(struct model *model)
{
    while (model->waiting > 0 && limit_has_room(&model->limit, MOST)) {
        model->waiting--;
        model->jobs[model->count++] =
            (struct job){limit_enter(&model->limit, model->now_ns), 0};
    }
    if (model->waiting > 0)
        limit_refuse(&model->limit, &model->rules, model->now_ns);
    model->inside_most = model->count > model->inside_most ? model->count : model->inside_most;
}

// First come, first served.
static void work(struct model *model)
{
    size_t kept = 0;
    for (size_t i = 0; i < model->count; i++) {
        struct job job = model->jobs[i];
        if (job.ends_ns == 0 && (model->workers == 0 || model->working < model->workers)) {
            model->working++;
            job.ends_ns = model->now_ns + model->service_ns;
        }
        if (job.ends_ns != 0 && job.ends_ns <= model->now_ns) {
            model->working--;
            model->done++;
            model->took_ns += model->now_ns - job.entry.entered_ns;
            limit_leave(&model->limit, &model->rules, &job.entry, true, model->now_ns);
        } else {
            model->jobs[kept++] = job;
        }
    }
    model->count = kept;
}

// Answers per second.
static uint64_t run(struct model *model, uint64_t seconds, uint64_t rate)
{
    uint64_t before = model->done;
    model->most_waiting = model->inside_most = model->took_ns = 0;
    for (uint64_t step = 0; step < seconds * NS_PER_SECOND / STEP_NS; step++) {
        model->now_ns += STEP_NS;
        model->arrivals += rate * STEP_NS;
        for (; model->arrivals >= NS_PER_SECOND; model->arrivals -= NS_PER_SECOND)
            model->waiting++;
        work(model);
        let_in(model);
        model->most_waiting = MAXIMUM(model->most_waiting, model->waiting);
    }
    return (model->done - before) / seconds;
}

static uint64_t mean_ms(const struct model *model, uint64_t rate, uint64_t seconds)
{
    return model->took_ns / MAXIMUM(rate * seconds, 1) / NS_PER_MS;
}

static void test_whoever_keeps_up_is_not_limited(void **state)
{
    (void)state;
    struct model *model = model_create(0, 50);
    run(model, 2, 100);
    assert_int_equal(limit_of(model), 128);
    for (uint64_t rate = 500; rate <= 10000; rate += 500) { // 500 at once in the end
        uint64_t done = run(model, 1, rate);
        assert_in_range(done, rate * 8 / 10, rate * 12 / 10);
        assert_int_equal(model->most_waiting, 0);
    }
    model_free(model);
}

static void test_a_queue_is_kept_outside(void **state)
{
    (void)state;
    struct model *model = model_create(8, 20); // 400 a second
    run(model, 5, 100);
    run(model, 10, 800);
    assert_in_range(run(model, 10, 800), 380, 400);
    assert_in_range(mean_ms(model, 400, 10), 20, 80);
    assert_true(model->inside_most <= 64);
    model_free(model);
}

// The trigger is gone, and so is what it did.
static void test_after_an_overload_all_is_as_before(void **state)
{
    (void)state;
    struct model *model = model_create(8, 20);
    run(model, 5, 100);
    run(model, 20, 1200);
    model->waiting = 0; // they have left
    run(model, 5, 300);
    assert_in_range(run(model, 10, 300), 290, 300);
    assert_in_range(mean_ms(model, 300, 10), 20, 30);
    assert_int_equal(model->most_waiting, 0);
    model_free(model);
}

// It has half of its processors for a while: 400 a second, 200, 400.
static void test_it_follows_what_the_backend_can(void **state)
{
    (void)state;
    struct model *model = model_create(16, 40);
    run(model, 5, 100);
    assert_in_range(run(model, 5, 350), 340, 350);
    model->workers = 8;
    run(model, 10, 350);
    assert_in_range(run(model, 10, 350), 190, 200);
    assert_in_range(mean_ms(model, 200, 10), 40, 160);
    model->workers = 16;
    model->waiting = 0;
    run(model, 3, 350);
    assert_in_range(run(model, 10, 350), 340, 350);
    assert_true(model->most_waiting <= 20);
    model_free(model);
}

// Slow, but not because of each other: a cut helps nobody and is taken back.
static void test_slow_answers_alone_are_no_overload(void **state)
{
    (void)state;
    struct model *model = model_create(0, 5);
    run(model, 5, 100);
    model->service_ns = 5 * NS_PER_SECOND;
    run(model, 60, 60); // 300 at once
    assert_in_range(run(model, 30, 60), 54, 70);
    assert_true(limit_of(model) >= 300);
    model_free(model);
}

// Nothing comes back at all, so nothing can be judged.
static void test_those_who_hang_keep_nobody_out_for_long(void **state)
{
    (void)state;
    struct model *model = model_create(0, 5);
    run(model, 5, 100);
    model->service_ns = 3600 * NS_PER_SECOND;
    run(model, 20, 20);
    assert_true(limit_of(model) >= 400);
    assert_true(model->most_waiting <= 40);
    model_free(model);
}

static void test_the_floor_and_the_ceiling_hold(void **state)
{
    (void)state;
    struct model *model = model_create(1, 100);
    run(model, 5, 2);
    run(model, 120, 50);
    assert_in_range(limit_of(model), 4, 24);
    model_free(model);
    model = model_create(0, 50);
    model->rules.most = 150;
    run(model, 2, 100);
    run(model, 5, 10000);
    assert_int_equal(limit_of(model), 150);
    model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whoever_keeps_up_is_not_limited),
        cmocka_unit_test(test_a_queue_is_kept_outside),
        cmocka_unit_test(test_after_an_overload_all_is_as_before),
        cmocka_unit_test(test_it_follows_what_the_backend_can),
        cmocka_unit_test(test_slow_answers_alone_are_no_overload),
        cmocka_unit_test(test_those_who_hang_keep_nobody_out_for_long),
        cmocka_unit_test(test_the_floor_and_the_ceiling_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
