// Tasks, scopes and the ways to wait. A stack given back to the pool keeps its fiber, which waits
// in task_stack_main for the next task: nothing is set up anew.
#include "base/invariant.h"
#include "base/memory.h"
#include "io/fiber.h"
#include "io/inside.h"

#include <stdio.h>

#define EAGER_STEPS_MAX 64 // I/O calls a task may make without ever waiting
#define POOL_SHARE 8       // one in so many of limits.tasks may rest in the pool
#define POOL_MIN 32

enum task_state {
    TASK_RESTING, // in the pool
    TASK_READY,
    TASK_RUNNING,
    TASK_SUSPENDED,
};

struct task {
    struct fiber fiber;
    struct list link; // in the loop's ready tasks or pool
    struct list scope_link;
    struct loop *loop;
    struct scope *scope;
    task_main *main; // NULL: the stack is to be freed
    void *argument;
    struct timer deadline;
    enum task_state state;
    enum error reason; // why the last suspension ended
    unsigned eager_steps;
    bool woken;     // a wake is kept for the next suspension
    bool cancelled, interrupted;
    bool shielded;  // this suspension ends by a wake only
    void (*describe)(int descriptor, void *argument);
    void *describe_argument;
};

struct task *task_of_link(struct list *link)
{
    return LIST_ENTRY(link, struct task, link);
}

static void make_ready(struct task *task, enum error reason)
{
    invariant(task->state == TASK_SUSPENDED);
    timer_stop(task->loop, &task->deadline);
    task->reason = reason;
    task->state = TASK_READY;
    list_append(&task->loop->ready, &task->link);
}

static void deadline_came(struct timer *timer)
{
    make_ready(CONTAINER_OF(timer, struct task, deadline), ERROR_TIMEOUT);
}

static void task_end(struct task *task)
{
    struct loop *loop = task->loop;
    struct scope *scope = task->scope;
    if (scope != NULL) {
        list_remove(&task->scope_link);
        if (scope->closer != NULL && list_is_empty(&scope->tasks))
            task_wake(scope->closer);
    }
    invariant(!timer_is_armed(&task->deadline));
    task->state = TASK_RESTING;
    task->describe = NULL;
    loop->tasks_alive--;
    if (__builtin_expect(loop->on_task_end != NULL, 0))
        timer_start(loop, loop->on_task_end, 0);
}

static void task_stack_main(struct fiber *fiber)
{
    struct task *task = CONTAINER_OF(fiber, struct task, fiber);
    while (task->main != NULL) {
        task->main(task, task->argument);
        invariant(lock_held_count() == 0);
        task_end(task);
        fiber_leave(fiber);
    }
}

static void stack_free(struct task *task)
{
    task->main = NULL;
    fiber_enter(&task->fiber);
    fiber_destroy(&task->fiber);
}

static void stack_put(struct loop *loop, struct task *task)
{
    if (loop->stacks_pooled >= MAXIMUM(loop->limits.tasks / POOL_SHARE, POOL_MIN)) {
        stack_free(task);
        return;
    }
    list_prepend(&loop->pool, &task->link); // the warmest first
    loop->stacks_pooled++;
}

static struct task *stack_take(struct loop *loop)
{
    if (!list_is_empty(&loop->pool)) {
        struct task *task = task_of_link(loop->pool.next);
        list_remove(&task->link);
        loop->stacks_pooled--;
        return task;
    }
    struct fiber *fiber =
        fiber_create(loop->limits.stack_size, sizeof(struct task), task_stack_main);
    if (fiber == NULL)
        return NULL;
    struct task *task = CONTAINER_OF(fiber, struct task, fiber);
    task->loop = loop;
    timer_init(&task->deadline, deadline_came);
    return task;
}

// Where in the ring the number'th of those that wait is.
static size_t starts_place(const struct loop *loop, size_t number)
{
    return (loop->starts_begin + number) & (loop->starts_capacity - 1);
}

static void starts_free(struct loop *loop)
{
    if (loop->starts != loop->first_starts)
        memory_free(loop->starts);
}

void task_pool_drain(struct loop *loop)
{
    starts_free(loop);
    loop->starts = loop->first_starts;
    loop->starts_capacity = TASK_STARTS_MIN;
    while (!list_is_empty(&loop->pool)) {
        struct task *task = task_of_link(loop->pool.next);
        list_remove(&task->link);
        loop->stacks_pooled--;
        stack_free(task);
    }
}

static void task_set_up(struct task *task, struct scope *scope, task_main *main, void *argument)
{
    task->scope = scope;
    task->main = main;
    task->argument = argument;
    task->woken = false;
    task->shielded = false;
    task->interrupted = false;
    task->cancelled = scope != NULL && scope->cancelled;
    if (scope != NULL)
        list_append(&scope->tasks, &task->scope_link);
    task->state = TASK_READY;
}

// What belongs to no scope can be neither cancelled nor awaited before it runs, so it needs no
// stack until then.
static enum error start_later(struct loop *loop, task_main *main, void *argument)
{
    if (loop->starts_count == loop->starts_capacity) {
        size_t capacity = loop->starts_capacity * 2;
        struct task_start *starts = memory_alloc(capacity * sizeof(*starts));
        if (starts == NULL)
            return ERROR_MEMORY;
        for (size_t i = 0; i < loop->starts_count; i++)
            starts[i] = loop->starts[starts_place(loop, i)];
        starts_free(loop);
        loop->starts = starts;
        loop->starts_begin = 0;
        loop->starts_capacity = capacity;
    }
    loop->starts[starts_place(loop, loop->starts_count++)] = (struct task_start){main, argument};
    return ERROR_NONE;
}

enum error task_start(struct loop *loop, struct scope *scope, task_main *main, void *argument)
{
    if (loop->tasks_alive >= loop->limits.tasks) {
        loop->tasks_refused++;
        return ERROR_LIMIT;
    }
    if (scope == NULL) {
        enum error error = start_later(loop, main, argument);
        if (error != ERROR_NONE)
            return error;
    } else {
        struct task *task = stack_take(loop);
        if (task == NULL)
            return ERROR_MEMORY;
        task_set_up(task, scope, main, argument);
        list_append(&loop->ready, &task->link);
    }
    loop->tasks_alive++;
    loop->tasks_peak = MAXIMUM(loop->tasks_peak, loop->tasks_alive);
    return ERROR_NONE;
}

void task_begin_started(struct loop *loop)
{
    for (size_t left = loop->starts_count; left > 0; left--) {
        struct task *task = stack_take(loop);
        if (task == NULL)
            return; // no memory: the next round tries again, others may have given theirs back
        struct task_start start = loop->starts[loop->starts_begin];
        loop->starts_begin = starts_place(loop, 1);
        loop->starts_count--;
        task_set_up(task, NULL, start.main, start.argument);
        task_resume(task);
    }
}

void task_resume(struct task *task)
{
    struct loop *loop = task->loop;
    invariant(task->state == TASK_READY);
    task->state = TASK_RUNNING;
    task->eager_steps = 0;
    loop->current = task;
    fiber_enter(&task->fiber);
    loop->current = NULL;
    if (task->state == TASK_RESTING)
        stack_put(loop, task);
}

// Waiting.

static void check_may_suspend(const struct task *task)
{
    invariant(task->loop->current == task);
    invariant(lock_held_count() == 0);
}

static void sleep_until_resumed(struct task *task, enum task_state state)
{
    task->state = state;
    fiber_leave(&task->fiber);
}

enum error task_suspend(struct task *task, uint64_t deadline_ns)
{
    check_may_suspend(task);
    if (task_is_cancelled(task))
        return ERROR_CANCELLED;
    if (task->woken) {
        task->woken = false;
        return ERROR_NONE;
    }
    if (deadline_ns <= task->loop->now_ns)
        return ERROR_TIMEOUT;
    timer_start(task->loop, &task->deadline, deadline_ns);
    sleep_until_resumed(task, TASK_SUSPENDED);
    return task->reason;
}

void task_suspend_shielded(struct task *task)
{
    check_may_suspend(task);
    if (task->woken) {
        task->woken = false;
        return;
    }
    task->shielded = true;
    sleep_until_resumed(task, TASK_SUSPENDED);
    task->shielded = false;
}

void task_wake(struct task *task)
{
    if (task->state == TASK_SUSPENDED)
        make_ready(task, ERROR_NONE);
    else
        task->woken = true;
}

void task_cancel(struct task *task)
{
    task->cancelled = true;
    if (task->state == TASK_SUSPENDED && !task->shielded)
        make_ready(task, ERROR_CANCELLED);
}

void task_interrupt(struct task *task)
{
    task->interrupted = true;
    if (task->state == TASK_SUSPENDED && !task->shielded)
        make_ready(task, ERROR_CANCELLED);
}

bool task_settle(struct task *task)
{
    bool interrupted = task->interrupted;
    task->interrupted = false;
    return interrupted;
}

enum error task_sleep_until(struct task *task, uint64_t due_ns)
{
    for (;;) {
        enum error error = task_suspend(task, due_ns);
        if (error == ERROR_TIMEOUT)
            return ERROR_NONE;
        if (error != ERROR_NONE)
            return error;
    }
}

enum error task_yield(struct task *task)
{
    check_may_suspend(task);
    if (task_is_cancelled(task))
        return ERROR_CANCELLED;
    list_append(&task->loop->ready, &task->link);
    sleep_until_resumed(task, TASK_READY);
    return task_is_cancelled(task) ? ERROR_CANCELLED : ERROR_NONE;
}

enum error task_breathe(struct task *task)
{
    if (task_is_cancelled(task))
        return ERROR_CANCELLED;
    if (++task->eager_steps < EAGER_STEPS_MAX)
        return ERROR_NONE;
    return task_yield(task);
}

// Scopes.

void scope_open(struct scope *scope)
{
    list_init(&scope->tasks);
    scope->closer = NULL;
    scope->cancelled = false;
}

void scope_cancel(struct scope *scope)
{
    scope->cancelled = true;
    LIST_FOREACH (link, &scope->tasks)
        task_cancel(LIST_ENTRY(link, struct task, scope_link));
}

void scope_close(struct task *task, struct scope *scope)
{
    scope_cancel(scope);
    scope->closer = task;
    while (!list_is_empty(&scope->tasks))
        task_suspend_shielded(task);
    scope->closer = NULL;
}

enum error scope_join(struct task *task, struct scope *scope, uint64_t deadline_ns)
{
    enum error error = ERROR_NONE;
    scope->closer = task;
    while (error == ERROR_NONE && !list_is_empty(&scope->tasks))
        error = task_suspend(task, deadline_ns);
    scope->closer = NULL;
    return error;
}

// What a task says of itself.

struct loop *task_loop(const struct task *task)
{
    return task->loop;
}

uint64_t task_now_ns(const struct task *task)
{
    return task->loop->now_ns;
}

bool task_is_cancelled(const struct task *task)
{
    return task->cancelled || task->interrupted;
}

void task_set_description(struct task *task, void (*describe)(int descriptor, void *argument),
    void *argument)
{
    task->describe = describe;
    task->describe_argument = argument;
}

void task_dump_running(int descriptor)
{
    const struct loop *loop = loop_running();
    if (loop == NULL || loop->current == NULL) {
        dprintf(descriptor, "afloat: no task was running\n");
        return;
    }
    const struct task *task = loop->current;
    dprintf(descriptor, "afloat: task %p of loop %u\n", (const void *)task, loop->index);
    if (task->describe != NULL)
        task->describe(descriptor, task->describe_argument);
}
