// Whether somebody takes a connection: each address in turn, and each gets its share of the time
// that is left.
#include "base/clock.h"
#include "watch/probe/probe.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void close_it(struct probe *probe)
{
    if (probe->descriptor < 0)
        return;
    poller_unwatch(probe->poller, probe->descriptor);
    close(probe->descriptor);
    probe->descriptor = -1;
}

static void connect_next(struct probe *probe, int number);

static void on_socket(struct waiter *waiter, uint32_t events)
{
    struct probe *probe = CONTAINER_OF(waiter, struct probe, waiter);
    int number = 0;
    socklen_t size = sizeof(number);
    (void)events;
    if (getsockopt(probe->descriptor, SOL_SOCKET, SO_ERROR, &number, &size) < 0)
        number = errno;
    if (number == 0)
        probe_vote(probe, VOTE_UP, REASON_NONE, 0);
    else
        connect_next(probe, number);
}

// False: not to this address, see errno.
static bool connect_to(struct probe *probe, const struct address *address)
{
    probe->descriptor = socket(address->any.sa_family,
        SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe->descriptor < 0)
        return false;
    if (connect(probe->descriptor, &address->any, address_size(address)) < 0
        && errno != EINPROGRESS)
        return false;
    return poller_watch(probe->poller, probe->descriptor, &probe->waiter, EPOLLOUT) == ERROR_NONE;
}

// number: why the last one failed.
static void connect_next(struct probe *probe, int number)
{
    close_it(probe);
    while (probe->address_at < probe->address_count) {
        uint64_t now = clock_now_ms(), left = probe->address_count - probe->address_at;
        if (connect_to(probe, &probe->addresses[probe->address_at++])) {
            uint64_t share = (probe->deadline_ms - MINIMUM(now, probe->deadline_ms)) / left;
            probe_wait(probe, now + share);
            return;
        }
        number = errno;
        close_it(probe);
        if (number == EMFILE || number == ENFILE || number == ENOMEM) {
            probe_lacks(probe, number);
            return;
        }
    }
    probe_vote(probe, VOTE_DOWN, probe_reason(number), 0);
}

static void on_addresses(struct probe *probe)
{
    probe->waiter.ready = on_socket;
    connect_next(probe, ETIMEDOUT);
}

void tcp_begin(struct probe *probe)
{
    probe_find(probe, probe->target->host, probe->target->port, on_addresses);
}

void tcp_late(struct probe *probe)
{
    connect_next(probe, ETIMEDOUT);
}
