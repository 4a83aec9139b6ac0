// Tasks and scopes on a loop without a world.
#include "base/invariant.h"
#include "base/memory.h"
#include "io/fiber.h"
#include "virtual.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// What a task did, as a word.
struct diary {
    char text[256];
    struct task *task;
    uint64_t deadline_ns;
    enum error result;
};

static void note(struct diary *diary, const char *word)
{
    assert_true(strlen(diary->text) + strlen(word) < sizeof(diary->text));
    strcat(diary->text, word);
}

static struct loop *setup_loop(struct loop *loop)
{
    virtual_init(loop, 20000);
    return loop;
}

static void start(struct loop *loop, struct scope *scope, task_main *main, void *argument)
{
    assert_int_equal(task_start(loop, scope, main, argument), ERROR_NONE);
}

static void suspender(struct task *task, void *argument)
{
    struct diary *diary = argument;
    diary->task = task;
    note(diary, "s");
    diary->result = task_suspend(task, diary->deadline_ns);
    note(diary, "e");
}

static void test_a_task_runs_at_the_next_step_and_ends(void **state)
{
    (void)state;
    struct loop loop;
    struct diary diary = {.deadline_ns = 0};
    start(setup_loop(&loop), NULL, suspender, &diary);
    assert_string_equal(diary.text, "");
    assert_int_equal(loop.tasks_alive, 1);
    assert_true(loop_step(&loop));
    assert_string_equal(diary.text, "se");
    assert_int_equal(diary.result, ERROR_TIMEOUT); // the deadline had passed
    assert_int_equal(loop.tasks_alive, 0);
    assert_int_equal(loop.stacks_pooled, 1);
    assert_false(loop_step(&loop));
    loop_destroy(&loop);
}

static void test_a_wake_ends_a_suspension_before_its_deadline(void **state)
{
    (void)state;
    struct loop loop;
    struct diary diary = {.result = ERROR_SYSTEM};
    setup_loop(&loop);
    diary.deadline_ns = deadline_after_ms(&loop, 100);
    start(&loop, NULL, suspender, &diary);
    loop_step(&loop);
    assert_string_equal(diary.text, "s");
    assert_int_equal(loop.wheel.armed, 1);
    task_wake(diary.task);
    assert_int_equal(loop.wheel.armed, 0);
    loop_step(&loop);
    assert_string_equal(diary.text, "se");
    assert_int_equal(diary.result, ERROR_NONE);
    loop_destroy(&loop);
}

static void test_a_deadline_ends_a_suspension_on_time(void **state)
{
    (void)state;
    struct loop loop;
    struct diary diary = {.result = ERROR_SYSTEM};
    setup_loop(&loop);
    loop.now_ns += 123456;
    diary.deadline_ns = deadline_after_ms(&loop, 100);
    start(&loop, NULL, suspender, &diary);
    loop_step(&loop);
    virtual_run(&loop);
    assert_int_equal(diary.result, ERROR_TIMEOUT);
    assert_true(loop.now_ns >= diary.deadline_ns && loop.now_ns < diary.deadline_ns + NS_PER_MS);
    loop_destroy(&loop);
}

static void wakes_itself(struct task *task, void *argument)
{
    struct diary *diary = argument;
    task_wake(task);
    task_wake(task); // not counted
    diary->result = task_suspend(task, task_now_ns(task) + NS_PER_SECOND);
    note(diary, diary->result == ERROR_NONE ? "kept " : "lost ");
    diary->result = task_suspend(task, task_now_ns(task) + NS_PER_SECOND);
    note(diary, diary->result == ERROR_TIMEOUT ? "once" : "twice");
}

static void test_a_wake_while_running_is_kept_once(void **state)
{
    (void)state;
    struct loop loop;
    struct diary diary = {.result = ERROR_SYSTEM};
    start(setup_loop(&loop), NULL, wakes_itself, &diary);
    virtual_run(&loop);
    assert_string_equal(diary.text, "kept once");
    loop_destroy(&loop);
}

static void suspends_twice(struct task *task, void *argument)
{
    struct diary *diary = argument;
    diary->task = task;
    for (int i = 0; i < 2; i++)
        note(diary, error_text(task_suspend(task, task_now_ns(task) + NS_PER_SECOND)));
}

static void test_a_wake_of_a_ready_task_is_kept(void **state)
{
    (void)state;
    struct loop loop;
    struct diary diary = {.result = ERROR_SYSTEM};
    start(setup_loop(&loop), NULL, suspends_twice, &diary);
    loop_step(&loop);
    task_wake(diary.task);
    task_wake(diary.task);
    virtual_run(&loop);
    assert_string_equal(diary.text, "no errorno error");
    loop_destroy(&loop);
}

static void first_yielder(struct task *task, void *argument)
{
    for (int i = 0; i < 3; i++) {
        note(argument, "a");
        assert_int_equal(task_yield(task), ERROR_NONE);
    }
}

static void second_yielder(struct task *task, void *argument)
{
    for (int i = 0; i < 3; i++) {
        note(argument, "b");
        assert_int_equal(task_yield(task), ERROR_NONE);
    }
}

static void test_yielding_tasks_take_turns(void **state)
{
    (void)state;
    struct loop loop;
    struct diary diary = {0};
    setup_loop(&loop);
    start(&loop, NULL, first_yielder, &diary);
    start(&loop, NULL, second_yielder, &diary);
    virtual_run(&loop);
    assert_string_equal(diary.text, "ababab");
    loop_destroy(&loop);
}

static void yields_for_ever(struct task *task, void *argument)
{
    uint64_t *yields = argument;
    while (task_yield(task) == ERROR_NONE)
        ++*yields;
}

static void test_a_step_comes_back_even_if_a_task_is_always_ready(void **state)
{
    (void)state;
    struct loop loop;
    struct scope scope;
    uint64_t yields = 0;
    scope_open(&scope);
    start(setup_loop(&loop), &scope, yields_for_ever, &yields);
    assert_true(loop_step(&loop));
    assert_true(yields > 0);
    assert_false(list_is_empty(&loop.ready));
    scope_cancel(&scope);
    while (loop_step(&loop))
        ;
    assert_int_equal(loop.tasks_alive, 0);
    loop_destroy(&loop);
}

// Cancellation.

static void every_wait(struct task *task, void *argument)
{
    struct diary *diary = argument;
    struct broadcast broadcast;
    struct scope inner;
    uint64_t later_ns = task_now_ns(task) + NS_PER_SECOND;
    uint64_t before_ns = task_now_ns(task);
    broadcast_init(&broadcast);
    diary->task = task;
    assert_int_equal(task_suspend(task, later_ns), ERROR_CANCELLED);
    assert_true(task_is_cancelled(task));
    assert_int_equal(task_suspend(task, later_ns), ERROR_CANCELLED);
    assert_int_equal(task_sleep_until(task, later_ns), ERROR_CANCELLED);
    assert_int_equal(task_yield(task), ERROR_CANCELLED);
    assert_int_equal(broadcast_wait(task, &broadcast, 0, later_ns), ERROR_CANCELLED);
    scope_open(&inner);
    struct diary child = {.deadline_ns = NEVER_NS};
    start(task_loop(task), &inner, suspender, &child);
    assert_int_equal(scope_join(task, &inner, later_ns), ERROR_CANCELLED);
    assert_string_equal(child.text, "");
    scope_close(task, &inner); // waits all the same
    assert_string_equal(child.text, "se");
    assert_int_equal(child.result, ERROR_CANCELLED);
    assert_int_equal(task_now_ns(task), before_ns);
    broadcast_destroy(&broadcast);
    note(diary, "done");
}

static void test_cancellation_ends_this_wait_and_every_later_one(void **state)
{
    (void)state;
    struct loop loop;
    struct diary diary = {0};
    start(setup_loop(&loop), NULL, every_wait, &diary);
    loop_step(&loop);
    task_cancel(diary.task);
    virtual_run(&loop);
    assert_string_equal(diary.text, "done");
    loop_destroy(&loop);
}

static void goes_on(struct task *task, void *argument)
{
    struct diary *diary = argument;
    uint64_t later_ns = task_now_ns(task) + NS_PER_SECOND;
    diary->task = task;
    assert_int_equal(task_suspend(task, later_ns), ERROR_CANCELLED);
    assert_true(task_is_cancelled(task));
    assert_int_equal(task_suspend(task, later_ns), ERROR_CANCELLED);
    assert_true(task_settle(task));
    assert_false(task_settle(task));
    assert_false(task_is_cancelled(task));
    assert_int_equal(task_suspend(task, later_ns), ERROR_TIMEOUT);
    note(diary, "on");
    // One that comes after the end of what it was for is settled without a trace.
    task_interrupt(task);
    assert_true(task_settle(task));
    assert_int_equal(task_sleep_until(task, later_ns + NS_PER_SECOND), ERROR_NONE);
    // To settle an interruption does not undo a cancellation.
    task_interrupt(task);
    task_cancel(task);
    assert_true(task_settle(task));
    assert_int_equal(task_suspend(task, later_ns + 2 * NS_PER_SECOND), ERROR_CANCELLED);
    note(diary, " done");
}

static void test_an_interruption_ends_when_the_task_says_so(void **state)
{
    (void)state;
    struct loop loop;
    struct diary diary = {0};
    start(setup_loop(&loop), NULL, goes_on, &diary);
    loop_step(&loop);
    task_interrupt(diary.task);
    virtual_run(&loop);
    assert_string_equal(diary.text, "on done");
    loop_destroy(&loop);
}

enum wait_kind { WAIT_SUSPEND, WAIT_SLEEP, WAIT_YIELD, WAIT_BROADCAST, WAIT_JOIN, WAIT_KINDS };

struct waiting {
    enum wait_kind kind;
    struct task *task;
    enum error result;
};

static void waits_in_one_way(struct task *task, void *argument)
{
    struct waiting *waiting = argument;
    struct broadcast broadcast;
    struct scope inner;
    struct diary child = {.deadline_ns = NEVER_NS};
    uint64_t later_ns = task_now_ns(task) + NS_PER_SECOND;
    waiting->task = task;
    scope_open(&inner);
    broadcast_init(&broadcast);
    switch (waiting->kind) {
    case WAIT_SUSPEND:
        waiting->result = task_suspend(task, later_ns);
        break;
    case WAIT_SLEEP:
        waiting->result = task_sleep_until(task, later_ns);
        break;
    case WAIT_YIELD:
        while ((waiting->result = task_yield(task)) == ERROR_NONE)
            ;
        break;
    case WAIT_BROADCAST:
        waiting->result = broadcast_wait(task, &broadcast, 0, later_ns);
        break;
    case WAIT_JOIN:
        start(task_loop(task), &inner, suspender, &child);
        waiting->result = scope_join(task, &inner, later_ns);
        break;
    case WAIT_KINDS:
        break;
    }
    scope_close(task, &inner);
    broadcast_destroy(&broadcast);
}

static void test_cancellation_reaches_a_task_in_every_kind_of_wait(void **state)
{
    (void)state;
    for (enum wait_kind kind = 0; kind < WAIT_KINDS; kind++) {
        struct loop loop;
        struct waiting waiting = {.kind = kind, .result = ERROR_SYSTEM};
        start(setup_loop(&loop), NULL, waits_in_one_way, &waiting);
        uint64_t before_ns = loop.now_ns;
        loop_step(&loop);
        assert_int_equal(waiting.result, kind == WAIT_YIELD ? ERROR_NONE : ERROR_SYSTEM);
        task_cancel(waiting.task);
        while (loop_step(&loop))
            ;
        assert_int_equal(waiting.result, ERROR_CANCELLED);
        assert_int_equal(loop.tasks_alive, 0);
        assert_int_equal(loop.now_ns, before_ns);
        assert_int_equal(loop.wheel.armed, 0);
        loop_destroy(&loop);
    }
}

static void test_each_wait_meets_its_deadline(void **state)
{
    (void)state;
    for (enum wait_kind kind = 0; kind < WAIT_KINDS; kind++) {
        struct loop loop;
        struct waiting waiting = {.kind = kind, .result = ERROR_SYSTEM};
        if (kind == WAIT_YIELD)
            continue;
        start(setup_loop(&loop), NULL, waits_in_one_way, &waiting);
        uint64_t before_ns = loop.now_ns;
        virtual_run(&loop);
        assert_int_equal(waiting.result, kind == WAIT_SLEEP ? ERROR_NONE : ERROR_TIMEOUT);
        assert_int_equal(loop.now_ns, before_ns + NS_PER_SECOND);
        loop_destroy(&loop);
    }
}

static void sleeper(struct task *task, void *argument)
{
    struct diary *diary = argument;
    diary->task = task;
    diary->result = task_sleep_until(task, diary->deadline_ns);
    diary->deadline_ns = task_now_ns(task);
}

static void test_a_wake_does_not_cut_a_sleep_short(void **state)
{
    (void)state;
    struct loop loop;
    struct diary diary = {.result = ERROR_SYSTEM};
    setup_loop(&loop);
    uint64_t due_ns = deadline_after_ms(&loop, 70);
    diary.deadline_ns = due_ns;
    start(&loop, NULL, sleeper, &diary);
    loop_step(&loop);
    task_wake(diary.task);
    virtual_run(&loop);
    assert_int_equal(diary.result, ERROR_NONE);
    assert_int_equal(diary.deadline_ns, due_ns);
    loop_destroy(&loop);
}

// Scopes.

static void stubborn(struct task *task, void *argument)
{
    struct diary *diary = argument;
    struct scope inner;
    struct diary child = {.deadline_ns = NEVER_NS};
    scope_open(&inner);
    start(task_loop(task), &inner, suspender, &child);
    diary->result = task_suspend(task, NEVER_NS);
    scope_close(task, &inner); // takes one more round
    note(diary, "unwound ");
}

static void closer(struct task *task, void *argument)
{
    struct diary *diary = argument;
    struct scope scope;
    diary->task = task;
    scope_open(&scope);
    start(task_loop(task), &scope, stubborn, diary);
    assert_int_equal(scope_join(task, &scope, task_now_ns(task) + NS_PER_MS), ERROR_TIMEOUT);
    note(diary, "closing ");
    scope_close(task, &scope);
    assert_true(list_is_empty(&scope.tasks));
    note(diary, "closed");
    // Whoever starts one into a closed scope gets it cancelled.
    struct diary late = {.deadline_ns = NEVER_NS};
    start(task_loop(task), &scope, suspender, &late);
    scope_close(task, &scope);
    assert_int_equal(late.result, ERROR_CANCELLED);
}

static void test_closing_a_scope_cancels_and_awaits_its_tasks(void **state)
{
    (void)state;
    struct loop loop;
    struct diary diary = {0};
    start(setup_loop(&loop), NULL, closer, &diary);
    virtual_run(&loop);
    assert_string_equal(diary.text, "closing unwound closed");
    assert_int_equal(diary.result, ERROR_CANCELLED);
    assert_int_equal(loop.tasks_alive, 0);
    loop_destroy(&loop);
}

static void joiner(struct task *task, void *argument)
{
    struct diary *diary = argument;
    struct scope scope;
    struct diary children[3] = {{.result = ERROR_SYSTEM}};
    scope_open(&scope);
    for (unsigned i = 0; i < ARRAY_SIZE(children); i++) {
        children[i].deadline_ns = task_now_ns(task) + (i + 1) * 10 * NS_PER_MS;
        start(task_loop(task), &scope, sleeper, &children[i]);
    }
    diary->result = scope_join(task, &scope, task_now_ns(task) + NS_PER_SECOND);
    diary->deadline_ns = task_now_ns(task);
    for (unsigned i = 0; i < ARRAY_SIZE(children); i++)
        assert_int_equal(children[i].result, ERROR_NONE);
    scope_close(task, &scope);
}

static void test_joining_waits_for_the_last(void **state)
{
    (void)state;
    struct loop loop;
    struct diary diary = {0};
    start(setup_loop(&loop), NULL, joiner, &diary);
    uint64_t before_ns = loop.now_ns;
    virtual_run(&loop);
    assert_int_equal(diary.result, ERROR_NONE);
    assert_int_equal(diary.deadline_ns, before_ns + 30 * NS_PER_MS);
    loop_destroy(&loop);
}

// Limits and numbers.

static void ender(struct task *task, void *argument)
{
    (void)task;
    unsigned *ended = argument;
    ++*ended;
}

// More than the ring holds at first: it grows, nobody is forgotten, and one stack is enough.
static void test_tasks_that_never_wait_share_a_stack(void **state)
{
    (void)state;
    struct loop loop;
    unsigned ended = 0;
    virtual_init(&loop, 1000);
    for (unsigned turn = 1; turn <= 3; turn++) {
        for (unsigned i = 0; i < 300; i++)
            assert_int_equal(task_start(&loop, NULL, ender, &ended), ERROR_NONE);
        assert_true(loop_is_ready(&loop));
        assert_int_equal(loop.tasks_alive, 300);
        virtual_run(&loop);
        assert_int_equal(ended, 300 * turn);
        assert_int_equal(loop.tasks_alive, 0);
        assert_int_equal(loop.stacks_pooled, 1);
    }
    assert_int_equal(task_start(&loop, NULL, ender, &ended), ERROR_NONE);
    memory_fail_after(1);
    memory_free(memory_alloc(1));
    enum error error = ERROR_NONE;
    for (unsigned i = 0; i < 999 && error == ERROR_NONE; i++)
        error = task_start(&loop, NULL, ender, &ended);
    memory_fail_after(0);
    assert_int_equal(error, ERROR_MEMORY);
    virtual_run(&loop);
    assert_int_equal(loop.tasks_alive, 0);
    loop_destroy(&loop);
}

static void test_the_limit_of_tasks_refuses_and_counts(void **state)
{
    (void)state;
    struct loop loop;
    struct scope scope;
    struct diary *diaries = calloc(65, sizeof(*diaries));
    virtual_init(&loop, 64);
    scope_open(&scope);
    for (int i = 0; i < 64; i++) {
        diaries[i].deadline_ns = NEVER_NS;
        start(&loop, &scope, suspender, &diaries[i]);
    }
    assert_int_equal(task_start(&loop, &scope, suspender, &diaries[64]), ERROR_LIMIT);
    assert_int_equal(loop.tasks_refused, 1);
    assert_int_equal(loop.tasks_peak, 64);
    scope_cancel(&scope);
    virtual_run(&loop);
    assert_int_equal(loop.tasks_alive, 0);
    assert_int_equal(loop.stacks_pooled, 32); // the rest was given back
    diaries[64].deadline_ns = 0;
    start(&loop, NULL, suspender, &diaries[64]);
    assert_int_equal(loop.stacks_pooled, 32); // no stack before it begins
    assert_int_equal(loop.tasks_alive, 1);
    virtual_run(&loop);
    loop_destroy(&loop);
    free(diaries);
}

static void counts_on_its_stack(struct task *task, void *argument)
{
    uint64_t *sum = argument;
    volatile uint64_t locals[64];
    for (unsigned i = 0; i < ARRAY_SIZE(locals); i++)
        locals[i] = (uintptr_t)task + i;
    for (int rounds = 0; rounds < 3; rounds++) {
        assert_int_equal(task_yield(task), ERROR_NONE);
        for (unsigned i = 0; i < ARRAY_SIZE(locals); i++)
            assert_int_equal(locals[i], (uintptr_t)task + i); // no other task wrote here
    }
    ++*sum;
}

// ThreadSanitizer adds mappings of its own, of which a process has 65,530 by default.
#ifdef BASE_THREAD_SANITIZER
#define MANY_TASKS 5000
#else
#define MANY_TASKS 10000
#endif

static void test_thousands_of_tasks_live_at_once(void **state)
{
    (void)state;
    struct loop loop;
    uint64_t sum = 0;
    setup_loop(&loop);
    for (int wave = 0; wave < 2; wave++) {
        for (int i = 0; i < MANY_TASKS; i++)
            start(&loop, NULL, counts_on_its_stack, &sum);
        virtual_run(&loop);
    }
    assert_int_equal(sum, 2 * MANY_TASKS);
    assert_int_equal(loop.tasks_peak, MANY_TASKS);
    loop_destroy(&loop);
}

static void reuse_main(struct task *task, void *argument)
{
    (void)task;
    ++*(uint64_t *)argument;
}

static void test_a_stack_is_used_again_many_times(void **state)
{
    (void)state;
    struct loop loop;
    uint64_t sum = 0;
    setup_loop(&loop);
    for (int i = 0; i < 200000; i++) {
        start(&loop, NULL, reuse_main, &sum);
        loop_step(&loop);
    }
    assert_int_equal(sum, 200000);
    assert_int_equal(loop.stacks_pooled, 1);
    loop_destroy(&loop);
}

// What must kill the process, in a child of ours.

static int wait_status(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

// Runs main as the only task of a child whose stderr we read. The child exits 0 if it survives.
static int run_in_child(task_main *main, void *argument, char *output, size_t output_size)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct loop loop;
        dup2(pipes[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        signal(SIGSEGV, SIG_DFL);
        invariant_set_dump(task_dump_running);
        start(setup_loop(&loop), NULL, main, argument);
        virtual_run(&loop);
        _exit(0);
    }
    close(pipes[1]);
    size_t size = 0;
    ssize_t received;
    char rest[512];
    while ((received = read(pipes[0], size + 1 < output_size ? output + size : rest,
                size + 1 < output_size ? output_size - size - 1 : sizeof(rest))) > 0)
        if (size + 1 < output_size)
            size += (size_t)received;
    output[size] = '\0';
    close(pipes[0]);
    return wait_status(child);
}

// A page at a time, so that no frame steps over the guard page.
// Each looks at the page of the one above afterwards, so that the compiler makes no loop of it.
__attribute__((noinline)) static unsigned dig(unsigned depth, const volatile char *above)
{
    volatile char page[2048];
    page[0] = *above;
    page[sizeof(page) - 1] = *above;
    unsigned reached = depth == 0 ? 0 : 1 + dig(depth - 1, page);
    return reached + (unsigned)(page[sizeof(page) - 1] - *above);
}

static void digs(struct task *task, void *argument)
{
    const unsigned *depth = argument;
    volatile char top = 1;
    (void)task;
    dprintf(STDERR_FILENO, "digging\n");
    if (dig(*depth, &top) != *depth)
        abort();
}

static void test_a_stack_overflow_hits_the_guard_page(void **state)
{
    (void)state;
    char output[4096];
    unsigned deep = 8, too_deep = 4000;
    assert_int_equal(run_in_child(digs, &deep, output, sizeof(output)), 0);
    int status = run_in_child(digs, &too_deep, output, sizeof(output));
    assert_non_null(strstr(output, "digging"));
#if defined(BASE_ADDRESS_SANITIZER) || defined(BASE_THREAD_SANITIZER)
    assert_int_not_equal(status, 0); // the sanitizer reports it and exits
#else
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
#endif
}

static void describe(int descriptor, void *argument)
{
    dprintf(descriptor, "described as %s\n", (const char *)argument);
}

static char description[] = "a test";

static void suspends_with_a_lock(struct task *task, void *argument)
{
    struct lock lock;
    (void)argument;
    lock_init(&lock);
    task_set_description(task, describe, description);
    lock_acquire(&lock);
    enum error error = task_suspend(task, NEVER_NS);
    (void)error;
}

static void test_suspending_with_a_lock_dies_and_says_who(void **state)
{
    (void)state;
    char output[4096];
    int status = run_in_child(suspends_with_a_lock, NULL, output, sizeof(output));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(output, "lock_held_count() == 0"));
    assert_non_null(strstr(output, "described as a test"));
}

static void suspends_another(struct task *task, void *argument)
{
    struct diary *diary = argument;
    if (diary->task == NULL) {
        diary->task = task;
        start(task_loop(task), NULL, suspends_another, diary);
        note(diary, error_text(task_suspend(task, NEVER_NS)));
    } else {
        note(diary, error_text(task_suspend(diary->task, NEVER_NS)));
    }
}

static void test_suspending_another_task_dies(void **state)
{
    (void)state;
    char output[4096];
    struct diary diary = {0};
    int status = run_in_child(suspends_another, &diary, output, sizeof(output));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(output, "current == task"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_task_runs_at_the_next_step_and_ends),
        cmocka_unit_test(test_a_wake_ends_a_suspension_before_its_deadline),
        cmocka_unit_test(test_a_deadline_ends_a_suspension_on_time),
        cmocka_unit_test(test_a_wake_while_running_is_kept_once),
        cmocka_unit_test(test_a_wake_of_a_ready_task_is_kept),
        cmocka_unit_test(test_yielding_tasks_take_turns),
        cmocka_unit_test(test_a_step_comes_back_even_if_a_task_is_always_ready),
        cmocka_unit_test(test_cancellation_ends_this_wait_and_every_later_one),
        cmocka_unit_test(test_cancellation_reaches_a_task_in_every_kind_of_wait),
        cmocka_unit_test(test_an_interruption_ends_when_the_task_says_so),
        cmocka_unit_test(test_each_wait_meets_its_deadline),
        cmocka_unit_test(test_a_wake_does_not_cut_a_sleep_short),
        cmocka_unit_test(test_closing_a_scope_cancels_and_awaits_its_tasks),
        cmocka_unit_test(test_joining_waits_for_the_last),
        cmocka_unit_test(test_tasks_that_never_wait_share_a_stack),
        cmocka_unit_test(test_the_limit_of_tasks_refuses_and_counts),
        cmocka_unit_test(test_thousands_of_tasks_live_at_once),
        cmocka_unit_test(test_a_stack_is_used_again_many_times),
        cmocka_unit_test(test_a_stack_overflow_hits_the_guard_page),
        cmocka_unit_test(test_suspending_with_a_lock_dies_and_says_who),
        cmocka_unit_test(test_suspending_another_task_dies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
