// poll before each step, so that nobody on the other end can hold the thread.
#include "admin/blocking.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ACCEPT_PAUSE_NS (100 * NS_PER_MS) // when the process is out of descriptors
#define WAIT_STEP_MS 1000

enum error blocking_wait(int descriptor, short events, uint64_t deadline_ms)
{
    for (;;) {
        uint64_t now = clock_now_ms();
        if (now >= deadline_ms)
            return ERROR_TIMEOUT;
        struct pollfd wait = {.fd = descriptor, .events = events};
        int count = poll(&wait, 1, (int)MINIMUM(deadline_ms - now, WAIT_STEP_MS));
        if (count > 0)
            return ERROR_NONE;
        if (count < 0 && errno != EINTR)
            return error_from_errno(errno);
    }
}

enum error blocking_receive(
    int descriptor, void *buffer, size_t size, uint64_t deadline_ms, size_t *ret_size)
{
    for (;;) {
        enum error error = blocking_wait(descriptor, POLLIN, deadline_ms);
        if (error != ERROR_NONE)
            return error;
        ssize_t got = recv(descriptor, buffer, size, MSG_DONTWAIT);
        if (got == 0)
            return ERROR_CLOSED;
        if (got > 0) {
            *ret_size = (size_t)got;
            return ERROR_NONE;
        }
        if (errno != EINTR && errno != EAGAIN)
            return error_from_errno(errno);
    }
}

enum error blocking_send(int descriptor, struct slice bytes, uint64_t step_ms)
{
    while (bytes.size > 0) {
        enum error error = blocking_wait(descriptor, POLLOUT, clock_now_ms() + step_ms);
        if (error != ERROR_NONE)
            return error;
        ssize_t size = send(descriptor, bytes.data, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size >= 0)
            bytes = slice_of(bytes.data + size, bytes.size - (size_t)size);
        else if (errno != EINTR && errno != EAGAIN)
            return error_from_errno(errno);
    }
    return ERROR_NONE;
}

void blocking_serve(int listener, int stop, void (*serve)(void *context, int client), void *context)
{
    for (;;) {
        struct pollfd wait[] = {{.fd = listener, .events = POLLIN}, {.fd = stop, .events = POLLIN}};
        if (poll(wait, 2, -1) < 0)
            continue;
        if (wait[1].revents != 0)
            return;
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client >= 0) {
            serve(context, client);
            close(client);
        } else if (errno != EINTR && errno != ECONNABORTED && errno != EAGAIN) {
            nanosleep(&(struct timespec){.tv_nsec = ACCEPT_PAUSE_NS}, NULL);
        }
    }
}
