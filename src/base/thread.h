// A plain thread of this room: named, and deaf to signals, which are main's.
#pragma once

#include "base/error.h"

#include <pthread.h>

// name: at most 15 characters.
enum error thread_start(pthread_t *ret_thread, const char *name, void *(*main)(void *argument),
    void *argument) MUST_CHECK;
