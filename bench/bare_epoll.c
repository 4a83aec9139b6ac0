// The floor: an epoll loop that answers whatever arrives with one fixed response of 1 KiB and
// parses nothing. No server that speaks HTTP through epoll can be cheaper than this.
// usage: bench.bare_epoll PORT
#include "loopback.h"

#include <sys/epoll.h>

int main(int count, char **arguments)
{
    if (count != 2)
        return fputs("usage: bench.bare_epoll PORT\n", stderr), 64;
    static char response[4096];
    int size = snprintf(response, sizeof(response),
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        "Cache-Control: max-age=3600\r\nContent-Length: 1024\r\n\r\n%01024d", 0);
    int listener = loopback_listen(arguments[1]), loop = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event ready[256];
        int ready_count = epoll_wait(loop, ready, 256, -1);
        for (int i = 0; i < ready_count; i++) {
            int descriptor = ready[i].data.fd;
            if (descriptor == listener) {
                event.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                int yes = 1;
                setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
                epoll_ctl(loop, EPOLL_CTL_ADD, event.data.fd, &event);
                continue;
            }
            char request[4096];
            if (recv(descriptor, request, sizeof(request), 0) <= 0 ||
                send(descriptor, response, (size_t)size, MSG_NOSIGNAL) < 0)
                close(descriptor);
        }
    }
}
