// Helper threads. A piece of work lives on the stack of the task that waits for it.
#include "io/helpers.h"
#include "io/inside.h"

#include <signal.h>

struct piece {
    struct list link;
    struct message message;
    struct task *task;
    void (*work)(void *argument);
    void *argument;
    bool done; // of the task's loop
};

static void piece_done(struct loop *loop, struct message *message)
{
    struct piece *piece = CONTAINER_OF(message, struct piece, message);
    (void)loop;
    piece->done = true;
    task_wake(piece->task);
}

static struct piece *take_piece(struct helpers *helpers)
{
    struct piece *piece = NULL;
    lock_acquire(&helpers->lock);
    while (list_is_empty(&helpers->queue) && !helpers->stopping)
        pthread_cond_wait(&helpers->more, &helpers->lock.mutex);
    if (!list_is_empty(&helpers->queue)) {
        piece = LIST_ENTRY(helpers->queue.next, struct piece, link);
        list_remove(&piece->link);
        helpers->queued--;
    }
    lock_release(&helpers->lock);
    return piece;
}

static void *helper_main(void *argument)
{
    struct piece *piece;
    while ((piece = take_piece(argument)) != NULL) {
        struct loop *loop = task_loop(piece->task);
        piece->work(piece->argument);
        loop_post(loop, &piece->message);
    }
    return NULL;
}

enum error helpers_start(struct helpers *helpers, unsigned count)
{
    if (count > HELPERS_MAX)
        return ERROR_LIMIT;
    *helpers = (struct helpers){0};
    lock_init(&helpers->lock);
    pthread_cond_init(&helpers->more, NULL);
    list_init(&helpers->queue);
    // Signals are for the main thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = 0;
    while (helpers->count < count && failed == 0) {
        failed = pthread_create(&helpers->threads[helpers->count], NULL, helper_main, helpers);
        if (failed == 0)
            helpers->count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed == 0)
        return ERROR_NONE;
    helpers_stop(helpers);
    return error_from_errno(failed);
}

void helpers_stop(struct helpers *helpers)
{
    lock_acquire(&helpers->lock);
    helpers->stopping = true;
    pthread_cond_broadcast(&helpers->more);
    lock_release(&helpers->lock);
    for (unsigned i = 0; i < helpers->count; i++)
        pthread_join(helpers->threads[i], NULL);
    pthread_cond_destroy(&helpers->more);
    lock_destroy(&helpers->lock);
}

enum error helpers_run(struct task *task, struct helpers *helpers, void (*work)(void *argument),
    void *argument)
{
    struct piece piece = {
        .message.deliver = piece_done, .task = task, .work = work, .argument = argument};
    lock_acquire(&helpers->lock);
    bool full = helpers->queued >= (size_t)helpers->count * HELPERS_QUEUE_SHARE;
    if (!full) {
        list_append(&helpers->queue, &piece.link);
        helpers->queued++;
        pthread_cond_signal(&helpers->more);
    }
    lock_release(&helpers->lock);
    if (full) {
        task_loop(task)->work_refused++;
        return ERROR_LIMIT;
    }
    while (!piece.done)
        task_suspend_shielded(task);
    return ERROR_NONE;
}
