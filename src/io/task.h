// Tasks: stackful fibers with a guard page, so that a request's life reads top to bottom. A task
// stays on its loop. Rules (checked where they can be): a function that may suspend takes the task
// first; no lock is held across a suspension; every suspension has a deadline; leaving a scope
// cancels and awaits what was started in it; nothing suspends inside a library's callback.
//
// Cancellation: the current suspension, and every later one but scope_close, returns
// ERROR_CANCELLED at once; the task then unwinds as from any other error.
#pragma once

#include "io/loop.h"

// A family of tasks on one loop that must not outlive the block that opened it.
struct scope {
    struct list tasks;
    struct task *closer; // waiting in scope_close
    bool cancelled;
};

typedef void task_main(struct task *task, void *argument);

// Starts a task that first runs when the loop next steps. scope may be NULL: the task is its own
// master. ERROR_LIMIT when limits.tasks are alive, ERROR_MEMORY when no stack can be had.
// Must be called on the loop's own thread.
enum error task_start(struct loop *loop, struct scope *scope, task_main *main,
    void *argument) MUST_CHECK;

static inline uint64_t deadline_after_ms(const struct loop *loop, uint64_t ms)
{
    return loop->now_ns + ms * NS_PER_MS;
}

struct loop *task_loop(const struct task *task);
uint64_t task_now_ns(const struct task *task);
bool task_is_cancelled(const struct task *task);
void task_cancel(struct task *task);
// Calls off what the task is doing, not the task: it unwinds as if cancelled until it says itself
// that it has, with task_settle (true: it was interrupted). From the task's own loop only.
void task_interrupt(struct task *task);
bool task_settle(struct task *task);

void scope_open(struct scope *scope);
void scope_cancel(struct scope *scope);
// Cancels what still runs in it and waits for its end, however long that takes.
void scope_close(struct task *task, struct scope *scope);
// Waits until every task of the scope ended by itself. TIMEOUT and CANCELLED leave them running.
enum error scope_join(struct task *task, struct scope *scope, uint64_t deadline_ns) MUST_CHECK;

// The primitive under all waiting: sleeps until task_wake. NONE, TIMEOUT or CANCELLED. Wakes are
// not counted: one that comes while the task runs or is ready is kept until its next suspension.
enum error task_suspend(struct task *task, uint64_t deadline_ns) MUST_CHECK;
void task_wake(struct task *task); // from the task's own loop only
// NONE when the time came, or CANCELLED.
enum error task_sleep_until(struct task *task, uint64_t due_ns) MUST_CHECK;
// Lets everything else that is ready run once. NONE or CANCELLED.
enum error task_yield(struct task *task) MUST_CHECK;
// Called where a task could go on for ever without suspending, because its socket never makes it
// wait: now and then lets the others run. NONE or CANCELLED.
enum error task_breathe(struct task *task) MUST_CHECK;

// What invariant_fail prints of the running task; call at start, valid until replaced or the end.
void task_set_description(struct task *task, void (*describe)(int descriptor, void *argument),
    void *argument);
// For invariant_set_dump: writes which task of this thread runs, and its description.
void task_dump_running(int descriptor);

// A counter that tasks of any loop wait on until it moves, and that any thread moves. One message
// per loop and signal, however many tasks wait there.
struct broadcast_seat;
struct broadcast {
    struct lock lock;
    _Atomic uint64_t version;
    struct broadcast_seat *seats; // one per loop with waiters, counted, may outlive the broadcast
};

void broadcast_init(struct broadcast *broadcast);
void broadcast_destroy(struct broadcast *broadcast); // nobody may be waiting
uint64_t broadcast_version(const struct broadcast *broadcast);
// Returns at once if the version is no longer `seen`. NONE, TIMEOUT, CANCELLED or MEMORY.
enum error broadcast_wait(struct task *task, struct broadcast *broadcast, uint64_t seen,
    uint64_t deadline_ns) MUST_CHECK;
void broadcast_signal(struct broadcast *broadcast);
