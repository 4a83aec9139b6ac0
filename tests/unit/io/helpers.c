// Work that blocks, on helper threads.
#include "io/helpers.h"
#include "world.h"

struct job {
    pthread_t thread; // that ran it
    struct gate *gate;
    struct task *task;
    enum error result;
    bool returned;
    _Atomic bool ran;
};

// Lets work block until the test opens it.
struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t opened;
    bool open;
    _Atomic unsigned inside;
};

static void pass_gate(void *argument)
{
    struct job *job = argument;
    struct gate *gate = job->gate;
    job->thread = pthread_self();
    if (gate != NULL) {
        pthread_mutex_lock(&gate->mutex);
        atomic_fetch_add(&gate->inside, 1);
        while (!gate->open)
            pthread_cond_wait(&gate->opened, &gate->mutex);
        pthread_mutex_unlock(&gate->mutex);
    }
    atomic_store(&job->ran, true);
}

static void open_gate(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->open = true;
    pthread_cond_broadcast(&gate->opened);
    pthread_mutex_unlock(&gate->mutex);
}

static void blocks(struct task *task, void *argument)
{
    struct job *job = argument;
    job->task = task;
    job->result = io_blocking(task, pass_gate, job);
    job->returned = true;
    assert_true(job->result != ERROR_NONE || atomic_load(&job->ran));
}

static void elsewhere_body(struct task *task, struct stage *stage)
{
    struct job job = {.result = ERROR_SYSTEM};
    (void)stage;
    blocks(task, &job);
    assert_int_equal(job.result, ERROR_NONE);
    assert_false(pthread_equal(job.thread, pthread_self()));
}

static void test_work_runs_on_another_thread_and_is_awaited(void **state)
{
    (void)state;
    in_world(1, NULL, elsewhere_body);
}

#define MANY 500

static void many_body(struct task *task, struct stage *stage)
{
    struct scope scope;
    struct job *jobs = calloc(MANY, sizeof(*jobs));
    scope_open(&scope);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(task_start(stage->loop, &scope, blocks, &jobs[i]), ERROR_NONE);
    assert_int_equal(scope_join(task, &scope, patience_ns(task)), ERROR_NONE);
    unsigned ran = 0, refused = 0;
    for (int i = 0; i < MANY; i++) {
        ran += jobs[i].result == ERROR_NONE && atomic_load(&jobs[i].ran);
        refused += jobs[i].result == ERROR_LIMIT && !atomic_load(&jobs[i].ran);
    }
    assert_int_equal(ran + refused, MANY);
    assert_true(ran >= 3 * HELPERS_QUEUE_SHARE);
    assert_int_equal(stage->loop->work_refused, refused);
    scope_close(task, &scope);
    free(jobs);
}

static void test_a_crowd_runs_or_is_refused_and_counted(void **state)
{
    (void)state;
    in_world(3, NULL, many_body);
}

static void full_body(struct task *task, struct stage *stage)
{
    struct scope scope;
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0};
    struct job *jobs = calloc(1 + HELPERS_QUEUE_SHARE + 1, sizeof(*jobs));
    scope_open(&scope);
    for (int i = 0; i <= HELPERS_QUEUE_SHARE; i++) {
        jobs[i].gate = &gate;
        assert_int_equal(task_start(stage->loop, &scope, blocks, &jobs[i]), ERROR_NONE);
        while (atomic_load(&gate.inside) == 0)
            pause_ms(task, 1); // the only thread has the first one
    }
    pause_ms(task, 1);
    struct job *last = &jobs[HELPERS_QUEUE_SHARE + 1];
    blocks(task, last);
    assert_int_equal(last->result, ERROR_LIMIT);
    assert_int_equal(stage->loop->work_refused, 1);
    open_gate(&gate);
    assert_int_equal(scope_join(task, &scope, patience_ns(task)), ERROR_NONE);
    for (int i = 0; i <= HELPERS_QUEUE_SHARE; i++)
        assert_int_equal(jobs[i].result, ERROR_NONE);
    scope_close(task, &scope);
    free(jobs);
}

static void test_a_full_queue_refuses(void **state)
{
    (void)state;
    in_world(1, NULL, full_body);
}

static void cancelled_body(struct task *task, struct stage *stage)
{
    struct scope scope;
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0};
    struct job job = {.gate = &gate, .result = ERROR_SYSTEM};
    scope_open(&scope);
    assert_int_equal(task_start(stage->loop, &scope, blocks, &job), ERROR_NONE);
    while (atomic_load(&gate.inside) == 0)
        pause_ms(task, 1);
    scope_cancel(&scope);
    task_wake(job.task); // nor does a foreign wake end it
    pause_ms(task, 2);
    assert_false(job.returned); // its work uses its stack
    open_gate(&gate);
    scope_close(task, &scope);
    assert_true(job.returned);
    assert_int_equal(job.result, ERROR_NONE);
}

static void test_cancellation_waits_for_the_end_of_the_work(void **state)
{
    (void)state;
    in_world(1, NULL, cancelled_body);
}

static void no_threads_body(struct task *task, struct stage *stage)
{
    struct job job = {.result = ERROR_SYSTEM};
    (void)stage;
    blocks(task, &job);
    assert_int_equal(job.result, ERROR_LIMIT);
}

static void test_without_threads_there_is_no_work(void **state)
{
    (void)state;
    in_world(0, NULL, no_threads_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_runs_on_another_thread_and_is_awaited),
        cmocka_unit_test(test_a_crowd_runs_or_is_refused_and_counted),
        cmocka_unit_test(test_a_full_queue_refuses),
        cmocka_unit_test(test_cancellation_waits_for_the_end_of_the_work),
        cmocka_unit_test(test_without_threads_there_is_no_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
