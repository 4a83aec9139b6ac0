// The keeper in virtual time: what it forgets, and that it starts again what it could not start.
#include "../io/virtual.h"
#include "helpers.h"

struct clockwork {
    struct loop loop, *loops;
    struct origins *origins;
    struct arena arena;
};

static void setup(struct clockwork *clockwork, uint64_t tasks)
{
    virtual_init(&clockwork->loop, tasks);
    clockwork->loops = &clockwork->loop;
    arena_init(&clockwork->arena, 4096, 1 << 20);
    clockwork->origins = origins_create(&clockwork->loops, 1);
    assert_non_null(clockwork->origins);
    struct setting_list list = helpers_settings(&clockwork->arena,
        "origins:\n  main:\n    backends: http://127.0.0.1:1\n");
    assert_int_equal(origins_configure(clockwork->origins, list.items, list.count), ERROR_NONE);
}

static void teardown_main(struct task *task, void *argument)
{
    struct clockwork *clockwork = argument;
    origins_stop(task, clockwork->origins);
}

static void teardown(struct clockwork *clockwork)
{
    assert_int_equal(task_start(&clockwork->loop, NULL, teardown_main, clockwork), ERROR_NONE);
    virtual_run(&clockwork->loop);
    assert_int_equal(clockwork->loop.tasks_alive, 0);
    origins_destroy(clockwork->origins);
    loop_destroy(&clockwork->loop);
    arena_free(&clockwork->arena);
}

static void run_for(struct clockwork *clockwork, uint64_t ms)
{
    uint64_t end_ns = clockwork->loop.now_ns + ms * NS_PER_MS;
    for (;;) {
        while (loop_step(&clockwork->loop))
            continue;
        if (clockwork->loop.now_ns >= end_ns)
            return;
        virtual_turn(&clockwork->loop, MINIMUM(end_ns, loop_next_due_ns(&clockwork->loop)));
    }
}

static void test_times_are_forgotten_by_halves(void **state)
{
    (void)state;
    struct clockwork clockwork;
    setup(&clockwork, 64);
    assert_int_equal(origins_start(clockwork.origins), ERROR_NONE);
    struct origin *origin = origin_find(clockwork.origins, SLICE("main"));
    for (unsigned i = 0; i < 80; i++)
        histogram_add(&origin->first_byte_us, 5000);
    run_for(&clockwork, 9000);
    assert_int_equal(origin->first_byte_us.total, 80);
    assert_in_range(origin_p95_ms(origin), 5, 6);
    run_for(&clockwork, 2000);
    assert_int_equal(origin->first_byte_us.total, 40);
    run_for(&clockwork, 20000);
    assert_int_equal(origin->first_byte_us.total, 10);
    assert_int_equal(origin_p95_ms(origin), 0); // too few to know
    origin_release(origin);
    teardown(&clockwork);
}

static void test_reloads_do_not_put_forgetting_off(void **state)
{
    (void)state;
    struct clockwork clockwork;
    setup(&clockwork, 64);
    assert_int_equal(origins_start(clockwork.origins), ERROR_NONE);
    struct origin *origin = origin_find(clockwork.origins, SLICE("main"));
    for (unsigned i = 0; i < 80; i++)
        histogram_add(&origin->first_byte_us, 5000);
    struct setting_list list = helpers_settings(&clockwork.arena,
        "origins:\n  main:\n    backends: http://127.0.0.1:1\n");
    for (unsigned i = 0; i < 6; i++) {
        run_for(&clockwork, 2000);
        assert_int_equal(origins_configure(clockwork.origins, list.items, list.count), ERROR_NONE);
    }
    assert_int_equal(origin->first_byte_us.total, 40);
    origin_release(origin);
    teardown(&clockwork);
}

static void test_probes_that_could_not_start_start_later(void **state)
{
    (void)state;
    struct clockwork clockwork;
    setup(&clockwork, 1); // room for the keeper alone
    struct setting_list list = helpers_settings(&clockwork.arena,
        "origins:\n  main:\n    backends: http://127.0.0.1:1\n"
        "    probe: {path: /, interval: 1h}\n");
    assert_int_equal(origins_configure(clockwork.origins, list.items, list.count), ERROR_NONE);
    assert_int_equal(origins_start(clockwork.origins), ERROR_NONE);
    struct backend_view view;
    struct origin *origin = origin_find(clockwork.origins, SLICE("main"));
    run_for(&clockwork, 100);
    origin_read_backends(origin, &view, 1);
    assert_int_equal(view.next_probe_ms, 0);
    assert_int_equal(clockwork.loop.tasks_alive, 1);
    clockwork.loop.limits.tasks = 64;
    run_for(&clockwork, 901); // its first probe waits for its turn: the world has no sockets
    assert_int_equal(clockwork.loop.tasks_alive, 2);
    origin_release(origin);
    teardown(&clockwork);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_are_forgotten_by_halves),
        cmocka_unit_test(test_reloads_do_not_put_forgetting_off),
        cmocka_unit_test(test_probes_that_could_not_start_start_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
