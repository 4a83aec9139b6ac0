// Several threads, each with a real loop, that run tasks until all of them have ended. In tasks use
// invariant(), not the assertions of the test library, which belong to its own thread.
#pragma once

#include "base/invariant.h"
#include "base/memory.h"
#include "io/epoll.h"
#include "io/task.h"

#include <pthread.h>

#define CREW_MAX 4
#define CREW_PATIENCE_MS 120000 // only a hang meets it

struct crew {
    struct epoll_world *world;
    struct loop *loops[CREW_MAX];
    unsigned count;
    _Atomic uint64_t tasks_left;
};

struct crew_work {
    struct crew *crew;
    void (*work)(struct task *task, void *argument);
    void *argument;
};

static inline void crew_begin(struct crew *crew, unsigned count, uint64_t tasks)
{
    struct loop_limits limits = {.tasks = tasks, .stack_size = 64 * 1024};
    *crew = (struct crew){.world = epoll_world_create(0), .count = count};
    invariant(crew->world != NULL);
    for (unsigned i = 0; i < count; i++) {
        crew->loops[i] = epoll_loop_create(crew->world, &limits, i, count);
        invariant(crew->loops[i] != NULL);
    }
}

static inline void crew_task(struct task *task, void *argument)
{
    struct crew_work work = *(struct crew_work *)argument;
    memory_free(argument);
    work.work(task, work.argument);
    if (atomic_fetch_sub(&work.crew->tasks_left, 1) > 1)
        return;
    for (unsigned i = 0; i < work.crew->count; i++)
        loop_stop(work.crew->loops[i]);
}

// Before crew_run.
static inline void crew_add(struct crew *crew, unsigned loop,
    void (*work)(struct task *task, void *argument), void *argument)
{
    struct crew_work *added = memory_alloc(sizeof(*added));
    invariant(added != NULL);
    *added = (struct crew_work){crew, work, argument};
    atomic_fetch_add(&crew->tasks_left, 1);
    invariant(task_start(crew->loops[loop], NULL, crew_task, added) == ERROR_NONE);
}

static inline void *crew_thread(void *argument)
{
    loop_run(argument);
    return NULL;
}

// Runs all to their end and takes everything down.
static inline void crew_run(struct crew *crew)
{
    pthread_t threads[CREW_MAX];
    for (unsigned i = 0; i < crew->count; i++)
        invariant(pthread_create(&threads[i], NULL, crew_thread, crew->loops[i]) == 0);
    for (unsigned i = 0; i < crew->count; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < crew->count; i++) {
        // Mail posted after the last task's end is still delivered.
        while (loop_step(crew->loops[i]))
            ;
        invariant(crew->loops[i]->tasks_alive == 0);
    }
    for (unsigned i = 0; i < crew->count; i++)
        epoll_loop_destroy(crew->loops[i]);
    epoll_world_destroy(crew->world);
}

static inline uint64_t crew_patience_ns(struct task *task)
{
    return deadline_after_ms(task_loop(task), CREW_PATIENCE_MS);
}
