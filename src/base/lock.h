// A mutex that knows how many of its kind the thread holds, so that a task which suspends while
// holding one is caught at once (held across a suspension, it would stop the whole thread).
#pragma once

#include "base/base.h"

#include <pthread.h>

struct lock {
    pthread_mutex_t mutex;
};

void lock_init(struct lock *lock);
void lock_destroy(struct lock *lock);
void lock_acquire(struct lock *lock);
void lock_release(struct lock *lock);
// Locks of this thread held now.
unsigned lock_held_count(void);
