// Starting a thread with the mask it should live with.
#include "base/thread.h"

#include <signal.h>

enum error thread_start(
    pthread_t *ret_thread, const char *name, void *(*main)(void *argument), void *argument)
{
    // A new thread inherits the mask, so it is set around the start: no signal can slip in between.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int number = pthread_create(ret_thread, NULL, main, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (number != 0)
        return error_from_errno(number);
    pthread_setname_np(*ret_thread, name);
    return ERROR_NONE;
}
