// A few threads for work that blocks: files above all. The queue is bounded.
#pragma once

#include "io/task.h"

#define HELPERS_MAX 64
#define HELPERS_QUEUE_SHARE 64 // pieces of work that may wait, per thread

struct helpers {
    struct lock lock;
    pthread_cond_t more;
    struct list queue;
    size_t queued;
    bool stopping;
    unsigned count;
    pthread_t threads[HELPERS_MAX];
};

// ERROR_LIMIT for too many threads, ERROR_SYSTEM or ERROR_MEMORY when they cannot be had.
enum error helpers_start(struct helpers *helpers, unsigned count) MUST_CHECK;
void helpers_stop(struct helpers *helpers); // after the work that was given
// Runs work on one of the threads and waits for its end. LIMIT: the queue is full.
enum error helpers_run(struct task *task, struct helpers *helpers, void (*work)(void *argument),
    void *argument) MUST_CHECK;
