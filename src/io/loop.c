// The loop: what a thread does, over and over. Waiting itself is the implementation's turn.
#include "base/invariant.h"
#include "io/inside.h"

#include <sched.h>

// Rounds of ready tasks before I/O is looked at again.
#define ROUNDS_MAX 16

static const struct setting loop_rows[] = {
    {
        .name = "limit",
        .type = SETTING_COUNT,
        .offset = offsetof(struct loop_limits, tasks),
        .fallback = "16384",
        .minimum = 64,
        .maximum = 1000000,
        .summary = "Tasks alive at once, over all threads: one for each request being answered and "
                   "for each fetch from a backend. Idle connections have none.",
        .touch = "When `afloat status` counts refused tasks and memory is left. Each takes "
                 "two kernel mappings: above 30000 raise the sysctl vm.max_map_count too.",
    },
    {
        .name = "stack_size",
        .type = SETTING_SIZE,
        .offset = offsetof(struct loop_limits, stack_size),
        .fallback = "64KB",
        .minimum = 32 * 1024,
        .maximum = 1024 * 1024,
        .summary = "Stack of one task. Only what a task really uses takes memory.",
        .touch = "Never, unless a crash report says that a stack overflowed.",
    },
};

const struct setting_section loop_settings = {
    .size = sizeof(struct loop_limits),
    .rows = loop_rows,
    .count = ARRAY_SIZE(loop_rows),
    .summary = "How much is done at once.",
};

static _Thread_local struct loop *running;

struct loop *loop_running(void)
{
    return running;
}

void loop_init(struct loop *loop, const struct io_operations *operations,
    const struct loop_limits *limits, unsigned index, unsigned count, uint64_t seed)
{
    *loop = (struct loop){
        .operations = operations, .index = index, .count = count, .limits = *limits};
    random_seed(&loop->random, seed);
    timer_wheel_init(&loop->wheel);
    list_init(&loop->ready);
    list_init(&loop->pool);
    loop->starts = loop->first_starts;
    loop->starts_capacity = TASK_STARTS_MIN;
    atomic_init(&loop->mailbox, NULL);
    atomic_init(&loop->stopping, false);
    atomic_init(&loop->callers, 0);
}

void loop_destroy(struct loop *loop)
{
    invariant(loop->tasks_alive == 0);
    invariant(running != loop);
    while (atomic_load_explicit(&loop->callers, memory_order_acquire) > 0)
        sched_yield();
    task_pool_drain(loop);
}

void loop_post(struct loop *loop, struct message *message)
{
    // Once pushed, the message may be delivered and the loop be on its way to destruction.
    atomic_fetch_add_explicit(&loop->callers, 1, memory_order_relaxed);
    struct message *first = atomic_load_explicit(&loop->mailbox, memory_order_relaxed);
    do
        message->next = first;
    while (!atomic_compare_exchange_weak_explicit(&loop->mailbox, &first, message,
        memory_order_seq_cst, memory_order_relaxed));
    // Whoever found the box empty rings; the loop itself looks into it before it sleeps.
    if (first == NULL && running != loop)
        loop->operations->interrupt(loop);
    atomic_fetch_sub_explicit(&loop->callers, 1, memory_order_release);
}

static bool deliver_mail(struct loop *loop)
{
    if (atomic_load_explicit(&loop->mailbox, memory_order_relaxed) == NULL)
        return false;
    struct message *newest = atomic_exchange_explicit(&loop->mailbox, NULL, memory_order_acquire);
    struct message *oldest = NULL;
    while (newest != NULL) {
        struct message *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct message *next = oldest->next; // delivery may free it
        oldest->deliver(loop, oldest);
        oldest = next;
    }
    return true;
}

// Each task that is ready now; what gets ready meanwhile waits for the next round.
static void run_round(struct loop *loop)
{
    struct list round;
    list_init(&round);
    list_move_all(&round, &loop->ready);
    while (!list_is_empty(&round)) {
        struct list *link = round.next;
        list_remove(link);
        task_resume(task_of_link(link));
    }
    task_begin_started(loop);
}

bool loop_is_ready(const struct loop *loop)
{
    return !list_is_empty(&loop->ready) || loop->starts_count > 0;
}

bool loop_step(struct loop *loop)
{
    struct loop *outer = running;
    invariant(loop->current == NULL);
    running = loop;
    bool any = timer_wheel_run(loop);
    for (unsigned rounds = 0; rounds < ROUNDS_MAX; rounds++) {
        any |= deliver_mail(loop);
        if (!loop_is_ready(loop))
            break;
        any = true;
        run_round(loop);
    }
    running = outer;
    return any;
}

void loop_run(struct loop *loop)
{
    while (!atomic_load_explicit(&loop->stopping, memory_order_acquire)) {
        loop_step(loop);
        uint64_t due_ns = loop_is_ready(loop) ? loop->now_ns : loop_next_due_ns(loop);
        loop->operations->turn(loop, due_ns);
    }
    atomic_store_explicit(&loop->stopping, false, memory_order_relaxed);
}

void loop_stop(struct loop *loop)
{
    atomic_fetch_add_explicit(&loop->callers, 1, memory_order_relaxed);
    atomic_store_explicit(&loop->stopping, true, memory_order_seq_cst);
    loop->operations->interrupt(loop);
    atomic_fetch_sub_explicit(&loop->callers, 1, memory_order_release);
}
