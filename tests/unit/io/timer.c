// The timer wheel against a list of timers that are looked at one by one.
#include "virtual.h"

#define MODEL_TIMERS 300

struct model_timer {
    struct timer timer;
    bool armed, fired;
};

static void model_fired(struct timer *timer)
{
    struct model_timer *model = CONTAINER_OF(timer, struct model_timer, timer);
    assert_true(model->armed); // a stopped one, or the same one twice
    assert_false(timer_is_armed(timer));
    model->armed = false;
    model->fired = true;
}

static uint64_t random_span_ns(struct random *random)
{
    // All magnitudes alike: from now to decades.
    return random_next(random) >> (4 + random_below(random, 60));
}

static void check_after_step(const struct loop *loop, const struct model_timer *models)
{
    uint64_t armed = 0, earliest_ns = NEVER_NS;
    for (size_t i = 0; i < MODEL_TIMERS; i++) {
        const struct model_timer *model = &models[i];
        assert_int_equal(timer_is_armed(&model->timer), model->armed);
        if (model->armed) {
            armed++;
            earliest_ns = MINIMUM(earliest_ns, model->timer.due_ns);
            // At most one tick late.
            assert_true(model->timer.due_ns + NS_PER_MS > loop->now_ns);
        } else if (model->fired) {
            assert_true(model->timer.due_ns <= loop->now_ns); // never early
        }
    }
    assert_int_equal(loop->wheel.armed, armed);
    uint64_t due_ns = loop_next_due_ns(loop);
    if (armed == 0)
        assert_true(due_ns == NEVER_NS);
    else
        assert_true(due_ns > loop->now_ns && due_ns < earliest_ns + NS_PER_MS);
}

static void run_model(uint64_t seed)
{
    struct loop loop;
    struct random random;
    struct model_timer *models = calloc(MODEL_TIMERS, sizeof(*models));
    size_t fired = 0;
    virtual_init(&loop, 64);
    random_seed(&random, seed);
    for (size_t i = 0; i < MODEL_TIMERS; i++)
        timer_init(&models[i].timer, model_fired);
    for (int round = 0; round < 400; round++) {
        for (uint64_t changes = random_below(&random, 40); changes > 0; changes--) {
            struct model_timer *model = &models[random_below(&random, MODEL_TIMERS)];
            model->fired = false;
            model->armed = random_chance(&random, 3, 4);
            if (model->armed)
                timer_start(&loop, &model->timer, loop.now_ns + random_span_ns(&random));
            else
                timer_stop(&loop, &model->timer);
        }
        // Half of the time exactly to where the wheel wants to be, else anywhere.
        uint64_t due_ns = loop_next_due_ns(&loop);
        if (random_chance(&random, 1, 2) && due_ns != NEVER_NS)
            virtual_turn(&loop, due_ns);
        else
            loop.now_ns += random_span_ns(&random) >> 6;
        loop_step(&loop);
        check_after_step(&loop, models);
        for (size_t i = 0; i < MODEL_TIMERS; i++)
            fired += models[i].fired;
    }
    assert_true(fired > 100);
    for (size_t i = 0; i < MODEL_TIMERS; i++)
        timer_stop(&loop, &models[i].timer);
    assert_int_equal(loop.wheel.armed, 0);
    for (unsigned level = 0; level < TIMER_WHEEL_LEVELS; level++)
        assert_true(loop.wheel.occupied[level] == 0); // stopping forgets slots at once
    loop_destroy(&loop);
    free(models);
}

static void test_wheel_agrees_with_a_naive_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++)
        run_model(seed);
}

struct chain {
    struct timer timer;
    struct loop *loop;
    struct chain *victim;
    uint64_t again_after_ns, fires;
};

static void chain_fired(struct timer *timer)
{
    struct chain *chain = CONTAINER_OF(timer, struct chain, timer);
    chain->fires++;
    if (chain->victim != NULL)
        timer_stop(chain->loop, &chain->victim->timer);
    if (chain->again_after_ns != NEVER_NS)
        timer_start(chain->loop, timer, chain->loop->now_ns + chain->again_after_ns);
}

static void chain_init(struct chain *chain, struct loop *loop, uint64_t again_after_ns)
{
    *chain = (struct chain){.loop = loop, .again_after_ns = again_after_ns};
    timer_init(&chain->timer, chain_fired);
}

static void test_a_firing_timer_stops_another_of_the_same_tick(void **state)
{
    (void)state;
    struct loop loop;
    struct chain first, second;
    virtual_init(&loop, 64);
    chain_init(&first, &loop, NEVER_NS);
    chain_init(&second, &loop, NEVER_NS);
    first.victim = &second;
    second.victim = &first;
    timer_start(&loop, &first.timer, loop.now_ns + 5 * NS_PER_MS);
    timer_start(&loop, &second.timer, loop.now_ns + 5 * NS_PER_MS);
    virtual_run(&loop);
    assert_int_equal(first.fires + second.fires, 1);
    assert_int_equal(loop.wheel.armed, 0);
    loop_destroy(&loop);
}

static void test_a_timer_that_restarts_itself_at_once_fires_once_a_step(void **state)
{
    (void)state;
    struct loop loop;
    struct chain chain;
    virtual_init(&loop, 64);
    chain_init(&chain, &loop, 0);
    timer_start(&loop, &chain.timer, 0);
    for (uint64_t step = 1; step <= 10; step++) {
        loop_step(&loop);
        assert_int_equal(chain.fires, step);
    }
    timer_stop(&loop, &chain.timer);
    loop_destroy(&loop);
}

static void test_a_periodic_timer_crosses_every_level(void **state)
{
    (void)state;
    struct loop loop;
    struct chain chain;
    static const uint64_t periods_ms[] = {1, 63, 64, 65, 4095, 4097, 262145, 16777217, 2000000000};
    for (size_t i = 0; i < ARRAY_SIZE(periods_ms); i++) {
        virtual_init(&loop, 64);
        uint64_t start_ns = loop.now_ns, turns = 0;
        chain_init(&chain, &loop, periods_ms[i] * NS_PER_MS);
        timer_start(&loop, &chain.timer, start_ns + chain.again_after_ns);
        while (chain.fires < 100) {
            virtual_turn(&loop, loop_next_due_ns(&loop));
            loop_step(&loop);
            turns++;
        }
        assert_int_equal(loop.now_ns, start_ns + 100 * chain.again_after_ns);
        assert_true(turns <= 100 * (TIMER_WHEEL_LEVELS + 1)); // each level is opened once
        timer_stop(&loop, &chain.timer);
        loop_destroy(&loop);
    }
}

static void test_restarting_moves_and_never_disarms(void **state)
{
    (void)state;
    struct loop loop;
    struct chain chain;
    virtual_init(&loop, 64);
    chain_init(&chain, &loop, NEVER_NS);
    timer_stop(&loop, &chain.timer); // not armed: fine
    timer_start(&loop, &chain.timer, loop.now_ns + NS_PER_MS);
    timer_start(&loop, &chain.timer, loop.now_ns + 50 * NS_PER_MS);
    assert_int_equal(loop.wheel.armed, 1);
    loop.now_ns += 49 * NS_PER_MS;
    loop_step(&loop);
    assert_int_equal(chain.fires, 0);
    loop.now_ns += NS_PER_MS;
    loop_step(&loop);
    assert_int_equal(chain.fires, 1);
    timer_start(&loop, &chain.timer, loop.now_ns + NS_PER_MS);
    timer_start(&loop, &chain.timer, NEVER_NS);
    assert_false(timer_is_armed(&chain.timer));
    assert_true(loop_next_due_ns(&loop) == NEVER_NS);
    loop_destroy(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wheel_agrees_with_a_naive_model),
        cmocka_unit_test(test_a_firing_timer_stops_another_of_the_same_tick),
        cmocka_unit_test(test_a_timer_that_restarts_itself_at_once_fires_once_a_step),
        cmocka_unit_test(test_a_periodic_timer_crosses_every_level),
        cmocka_unit_test(test_restarting_moves_and_never_disarms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
