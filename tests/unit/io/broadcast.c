// Broadcasts: on one loop step by step, then across threads with real loops.
#include "io/epoll.h"
#include "virtual.h"

struct listener {
    struct broadcast *broadcast;
    struct task *task;
    uint64_t seen, deadline_ns;
    enum error result;
    bool returned;
};

static void listens(struct task *task, void *argument)
{
    struct listener *listener = argument;
    listener->task = task;
    listener->result =
        broadcast_wait(task, listener->broadcast, listener->seen, listener->deadline_ns);
    listener->returned = true;
}

static void start(struct loop *loop, struct listener *listener)
{
    assert_int_equal(task_start(loop, NULL, listens, listener), ERROR_NONE);
}

static void test_a_signal_wakes_all_who_wait_with_one_message(void **state)
{
    (void)state;
    struct loop loop;
    struct broadcast broadcast;
    struct listener listeners[20];
    virtual_init(&loop, 64);
    broadcast_init(&broadcast);
    for (size_t i = 0; i < ARRAY_SIZE(listeners); i++) {
        listeners[i] = (struct listener){.broadcast = &broadcast, .deadline_ns = NEVER_NS};
        start(&loop, &listeners[i]);
    }
    loop_step(&loop);
    assert_non_null(broadcast.seats);
    broadcast_signal(&broadcast);
    assert_int_equal(broadcast_version(&broadcast), 1);
    struct message *mail = atomic_load(&loop.mailbox);
    assert_non_null(mail);
    assert_null(mail->next);
    broadcast_destroy(&broadcast); // the seat under way outlives it
    virtual_run(&loop);
    for (size_t i = 0; i < ARRAY_SIZE(listeners); i++) {
        assert_true(listeners[i].returned);
        assert_int_equal(listeners[i].result, ERROR_NONE);
    }
    loop_destroy(&loop);
}

static void test_an_older_version_returns_at_once(void **state)
{
    (void)state;
    struct loop loop;
    struct broadcast broadcast;
    virtual_init(&loop, 64);
    broadcast_init(&broadcast);
    broadcast_signal(&broadcast);
    struct listener listener = {.broadcast = &broadcast, .deadline_ns = NEVER_NS};
    start(&loop, &listener);
    loop_step(&loop);
    assert_true(listener.returned);
    assert_int_equal(listener.result, ERROR_NONE);
    broadcast_destroy(&broadcast);
    loop_destroy(&loop);
}

static void test_a_foreign_wake_is_not_taken_for_a_signal(void **state)
{
    (void)state;
    struct loop loop;
    struct broadcast broadcast;
    virtual_init(&loop, 64);
    broadcast_init(&broadcast);
    struct listener listener = {.broadcast = &broadcast, .deadline_ns = NEVER_NS};
    start(&loop, &listener);
    loop_step(&loop);
    task_wake(listener.task);
    virtual_run(&loop);
    assert_false(listener.returned);
    broadcast_signal(&broadcast);
    virtual_run(&loop);
    assert_true(listener.returned);
    broadcast_destroy(&broadcast);
    loop_destroy(&loop);
}

static void test_a_waiter_that_gives_up_leaves_nothing_behind(void **state)
{
    (void)state;
    struct loop loop;
    struct broadcast broadcast;
    virtual_init(&loop, 64);
    broadcast_init(&broadcast);
    struct listener early = {.broadcast = &broadcast, .deadline_ns = deadline_after_ms(&loop, 10)};
    struct listener late = {.broadcast = &broadcast, .deadline_ns = deadline_after_ms(&loop, 20)};
    start(&loop, &early);
    start(&loop, &late);
    virtual_run(&loop);
    assert_int_equal(early.result, ERROR_TIMEOUT);
    assert_int_equal(late.result, ERROR_TIMEOUT);
    assert_null(broadcast.seats);
    broadcast_destroy(&broadcast);
    loop_destroy(&loop);
}

static void test_giving_up_while_the_signal_is_under_way(void **state)
{
    (void)state;
    struct loop loop;
    struct broadcast broadcast;
    virtual_init(&loop, 64);
    broadcast_init(&broadcast);
    struct listener cancelled = {.broadcast = &broadcast, .deadline_ns = NEVER_NS};
    struct listener next = {.broadcast = &broadcast, .seen = 1, .deadline_ns = NEVER_NS};
    start(&loop, &cancelled);
    loop_step(&loop);
    task_cancel(cancelled.task);
    broadcast_signal(&broadcast); // its message is delivered before the task runs
    start(&loop, &next);          // and this one needs a seat of its own
    loop_step(&loop);
    assert_true(cancelled.returned);
    assert_int_equal(cancelled.result, ERROR_CANCELLED);
    assert_false(next.returned);
    broadcast_signal(&broadcast);
    virtual_run(&loop);
    assert_true(next.returned);
    broadcast_destroy(&broadcast);
    loop_destroy(&loop);
}

static void test_no_memory_for_a_seat(void **state)
{
    (void)state;
    struct loop loop;
    struct broadcast broadcast;
    virtual_init(&loop, 64);
    broadcast_init(&broadcast);
    struct listener listener = {.broadcast = &broadcast, .deadline_ns = NEVER_NS};
    start(&loop, &listener);
    fail_next_allocation();
    loop_step(&loop);
    memory_fail_after(0);
    assert_true(listener.returned);
    assert_int_equal(listener.result, ERROR_MEMORY);
    assert_null(broadcast.seats);
    broadcast_destroy(&broadcast);
    loop_destroy(&loop);
}

// Across threads: a token goes round all tasks of all loops. Whoever has it hands it on and
// signals; a lost wake would stop it for good. Beside them others wait with deadlines that pass
// just when signals come.

#define THREADS 3
#define RUNNERS 4 // per thread
#define TURNS 12000
#define PATIENCE_MS 60000

struct ring {
    struct broadcast broadcast;
    _Atomic uint64_t token;
    _Atomic uint64_t failures, gave_up;
};

struct runner {
    struct ring *ring;
    uint64_t number;
};

struct ring_thread {
    struct ring *ring;
    struct loop *loop;
    struct runner runners[RUNNERS];
    pthread_t thread;
};

static void runs(struct task *task, void *argument)
{
    struct runner *runner = argument;
    struct ring *ring = runner->ring;
    for (;;) {
        uint64_t seen = broadcast_version(&ring->broadcast);
        uint64_t token = atomic_load(&ring->token);
        if (token >= TURNS)
            return;
        if (token % (THREADS * RUNNERS) == runner->number) {
            atomic_store(&ring->token, token + 1);
            broadcast_signal(&ring->broadcast);
            continue;
        }
        uint64_t patience_ns = deadline_after_ms(task_loop(task), PATIENCE_MS);
        if (broadcast_wait(task, &ring->broadcast, seen, patience_ns) != ERROR_NONE) {
            atomic_fetch_add(&ring->failures, 1);
            return;
        }
    }
}

static void hesitates(struct task *task, void *argument)
{
    struct ring *ring = argument;
    while (atomic_load(&ring->token) < TURNS) {
        uint64_t seen = broadcast_version(&ring->broadcast);
        uint64_t soon_ns =
            task_now_ns(task) + random_below(&task_loop(task)->random, NS_PER_MS / 4);
        if (broadcast_wait(task, &ring->broadcast, seen, soon_ns) == ERROR_TIMEOUT)
            atomic_fetch_add(&ring->gave_up, 1);
        if (task_yield(task) != ERROR_NONE)
            return;
    }
}

static void runs_one_loop(struct task *task, void *argument)
{
    struct ring_thread *self = argument;
    struct scope scope;
    scope_open(&scope);
    bool started = true;
    for (unsigned i = 0; i < RUNNERS; i++)
        started &= task_start(self->loop, &scope, runs, &self->runners[i]) == ERROR_NONE;
    started &= task_start(self->loop, &scope, hesitates, self->ring) == ERROR_NONE;
    if (!started || scope_join(task, &scope, NEVER_NS) != ERROR_NONE)
        atomic_fetch_add(&self->ring->failures, 1);
    scope_close(task, &scope);
    loop_stop(self->loop);
}

static void *ring_thread_main(void *argument)
{
    struct ring_thread *self = argument;
    loop_run(self->loop);
    return NULL;
}

static void test_no_wake_is_lost_between_threads(void **state)
{
    (void)state;
    struct ring ring = {.token = 0};
    struct ring_thread threads[THREADS];
    struct loop_limits limits = {.tasks = 64, .stack_size = 64 * 1024};
    struct epoll_world *world = epoll_world_create(0);
    assert_non_null(world);
    broadcast_init(&ring.broadcast);
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i].ring = &ring;
        threads[i].loop = epoll_loop_create(world, &limits, i, THREADS);
        assert_non_null(threads[i].loop);
        for (unsigned j = 0; j < RUNNERS; j++)
            threads[i].runners[j] = (struct runner){&ring, j * THREADS + i};
        assert_int_equal(
            task_start(threads[i].loop, NULL, runs_one_loop, &threads[i]), ERROR_NONE);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i].thread, NULL, ring_thread_main, &threads[i]), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i].thread, NULL);
    assert_int_equal(atomic_load(&ring.failures), 0);
    assert_int_equal(atomic_load(&ring.token), TURNS);
    assert_true(atomic_load(&ring.gave_up) > 0);
    for (unsigned i = 0; i < THREADS; i++)
        epoll_loop_destroy(threads[i].loop);
    broadcast_destroy(&ring.broadcast);
    epoll_world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_signal_wakes_all_who_wait_with_one_message),
        cmocka_unit_test(test_an_older_version_returns_at_once),
        cmocka_unit_test(test_a_foreign_wake_is_not_taken_for_a_signal),
        cmocka_unit_test(test_a_waiter_that_gives_up_leaves_nothing_behind),
        cmocka_unit_test(test_giving_up_while_the_signal_is_under_way),
        cmocka_unit_test(test_no_memory_for_a_seat),
        cmocka_unit_test(test_no_wake_is_lost_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
