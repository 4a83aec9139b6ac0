// pthread mutexes, counted per thread.
#include "base/lock.h"
#include "base/invariant.h"

static _Thread_local unsigned held;

void lock_init(struct lock *lock)
{
    invariant(pthread_mutex_init(&lock->mutex, NULL) == 0);
}

void lock_destroy(struct lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

void lock_acquire(struct lock *lock)
{
    invariant(pthread_mutex_lock(&lock->mutex) == 0);
    held++;
}

void lock_release(struct lock *lock)
{
    invariant(held > 0);
    held--;
    pthread_mutex_unlock(&lock->mutex);
}

unsigned lock_held_count(void)
{
    return held;
}
