// Sockets of the epoll world. Each is registered once, edge-triggered, and remembers what its last
// events and calls said: a call into the kernel is made only when it may succeed.
#include "base/invariant.h"
#include "base/log.h"
#include "io/epoll_inside.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTEN_BACKLOG 4096 // the kernel cuts it to net.core.somaxconn
#define STARVED_PAUSE_MS 50
#define PIECES_MAX 1024 // IOV_MAX

enum { ENDED_HALF = 1, ENDED_WHOLE = 2 };

static enum error last_error(void)
{
    return error_from_errno(errno);
}

// Makes ret_socket the owner of the descriptor, also of closing it on failure.
static enum error adopt(struct loop *loop, int descriptor, bool writable,
    struct io_socket *ret_socket)
{
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = ret_socket};
    if (epoll_ctl(epoll_loop_of(loop)->epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) {
        enum error error = last_error();
        close(descriptor);
        return error;
    }
    *ret_socket = (struct io_socket){.loop = loop, .descriptor = descriptor, .writable = writable};
    return ERROR_NONE;
}

void epoll_socket_event(struct io_socket *socket, uint32_t events)
{
    bool gone = (events & (EPOLLHUP | EPOLLERR)) != 0;
    if (gone)
        socket->ended = ENDED_WHOLE;
    else if ((events & EPOLLRDHUP) != 0 && socket->ended == 0)
        socket->ended = ENDED_HALF;
    if (gone || (events & EPOLLOUT) != 0) {
        socket->writable = true;
        if (socket->writer != NULL)
            task_wake(socket->writer);
    }
    if (!gone && (events & (EPOLLIN | EPOLLRDHUP)) == 0)
        return;
    socket->readable = true;
    if (socket->reader != NULL)
        task_wake(socket->reader);
    else if (io_is_parked(socket))
        io_notice(socket); // last: the owner may free the socket
}

// Suspends as the socket's reader or writer until the hint says that it is worth a try.
static enum error wait_for(struct task *task, struct task **seat, const uint8_t *hint,
    uint64_t deadline_ns)
{
    enum error error = ERROR_NONE;
    invariant(*seat == NULL);
    *seat = task;
    while (!*hint && error == ERROR_NONE)
        error = task_suspend(task, deadline_ns);
    *seat = NULL;
    return *hint && error == ERROR_TIMEOUT ? ERROR_NONE : error;
}

enum error epoll_await_writable(struct task *task, struct io_socket *socket, uint64_t deadline_ns)
{
    return wait_for(task, &socket->writer, &socket->writable, deadline_ns);
}

bool epoll_socket_has_gone(const struct io_socket *socket)
{
    return socket->ended == ENDED_WHOLE;
}

// Listening.

static int open_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static bool set_option(int descriptor, int level, int option, int value)
{
    return setsockopt(descriptor, level, option, &value, sizeof(value)) == 0;
}

// A socket for the address. All addresses of a kernel without IPv6 are all its IPv4 addresses.
static int open_socket_for(struct address *address)
{
    int descriptor = open_socket(address->any.sa_family);
    if (descriptor >= 0 || errno != EAFNOSUPPORT || address->any.sa_family != AF_INET6 ||
        !IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr))
        return descriptor;
    uint16_t port = address_port(address);
    *address = (struct address){.v4 = {.sin_family = AF_INET}};
    address_set_port(address, port);
    return open_socket(AF_INET);
}

// Accepted sockets inherit TCP_NODELAY.
static enum error bind_socket(struct address *address, bool share_port, int *ret_descriptor)
{
    int descriptor = open_socket_for(address);
    if (descriptor < 0)
        return last_error();
    bool v6 = address->any.sa_family == AF_INET6;
    if (set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1) &&
        set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1) &&
        (!v6 || set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 0)) &&
        (!share_port || set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, 1)) &&
        bind(descriptor, &address->any, address_size(address)) == 0) {
        *ret_descriptor = descriptor;
        return ERROR_NONE;
    }
    enum error error = last_error();
    close(descriptor);
    return error;
}

// Binds alone, to find out whether anybody else has the port, and which one port 0 becomes.
static enum error probe_port(struct address *address)
{
    int descriptor = -1;
    enum error error = bind_socket(address, false, &descriptor);
    if (error != ERROR_NONE)
        return error;
    struct address bound;
    socklen_t size = sizeof(bound);
    if (getsockname(descriptor, &bound.any, &size) == 0)
        address_set_port(address, address_port(&bound));
    else
        error = last_error();
    close(descriptor);
    return error;
}

// A path that nobody listens on any more is left over from a process that died.
static bool is_left_over(const struct address *address)
{
    int descriptor = open_socket(AF_UNIX);
    if (descriptor < 0)
        return false;
    bool refused = connect(descriptor, &address->any, address_size(address)) != 0 &&
        errno == ECONNREFUSED;
    close(descriptor);
    return refused;
}

// Mode 0600: for this user's own tools.
static enum error bind_local(const struct address *address, int *ret_descriptor)
{
    int descriptor = open_socket(AF_UNIX);
    if (descriptor < 0)
        return last_error();
    enum error error = ERROR_NONE;
    if (fchmod(descriptor, 0600) != 0 ||
        bind(descriptor, &address->any, address_size(address)) != 0)
        error = last_error();
    if (error == ERROR_BUSY && is_left_over(address) && unlink(address->local.sun_path) == 0)
        error = bind(descriptor, &address->any, address_size(address)) == 0 ? ERROR_NONE
                                                                            : last_error();
    if (error == ERROR_NONE)
        *ret_descriptor = descriptor;
    else
        close(descriptor);
    return error;
}

enum error epoll_listen(struct loop *loop, const struct address *address, bool shared,
    struct io_socket *ret_socket)
{
    struct address actual = *address;
    int descriptor = -1;
    enum error error = ERROR_NONE;
    if (address->any.sa_family == AF_UNIX) {
        error = bind_local(address, &descriptor);
    } else {
        if (!shared)
            error = probe_port(&actual);
        if (error == ERROR_NONE)
            error = bind_socket(&actual, true, &descriptor);
    }
    if (error != ERROR_NONE)
        return error;
    if (listen(descriptor, LISTEN_BACKLOG) != 0) {
        error = last_error();
        close(descriptor);
        return error;
    }
    return adopt(loop, descriptor, false, ret_socket);
}

enum error epoll_local_address(const struct io_socket *socket, struct address *ret_address)
{
    struct address address = {0};
    socklen_t size = sizeof(address);
    if (getsockname(socket->descriptor, &address.any, &size) != 0)
        return last_error();
    *ret_address = address;
    return ERROR_NONE;
}

// Descriptors or memory have run out: trying again at once would only burn the processor.
static enum error pause_starved(struct task *task, uint64_t deadline_ns)
{
    struct epoll_loop *self = epoll_loop_of(task_loop(task));
    self->loop.accepts_starved++;
    if (!self->starvation_logged)
        log_write(LOG_WARNING, "io", "connections wait, descriptors or memory have run out loop=%u",
            self->loop.index);
    self->starvation_logged = true;
    uint64_t until_ns = deadline_after_ms(&self->loop, STARVED_PAUSE_MS);
    enum error error = task_sleep_until(task, MINIMUM(until_ns, deadline_ns));
    if (error == ERROR_NONE && self->loop.now_ns >= deadline_ns)
        return ERROR_TIMEOUT;
    return error;
}

enum error epoll_accept(struct task *task, struct io_socket *listener, struct io_socket *ret_socket,
    struct address *ret_peer, uint64_t deadline_ns)
{
    for (;;) {
        struct address peer = {0};
        socklen_t size = sizeof(peer);
        enum error error = wait_for(task, &listener->reader, &listener->readable, deadline_ns);
        if (error != ERROR_NONE)
            return error;
        int descriptor = accept4(listener->descriptor, &peer.any, &size,
            SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            if (adopt(listener->loop, descriptor, true, ret_socket) == ERROR_NONE) {
                *ret_peer = peer;
                return ERROR_NONE;
            }
            errno = ENOMEM;
        }
        switch (errno) {
        case EAGAIN:
            listener->readable = false;
            break;
        case EMFILE: case ENFILE: case ENOBUFS: case ENOMEM:
            error = pause_starved(task, deadline_ns);
            if (error != ERROR_NONE)
                return error;
            break;
        case EBADF: case EINVAL: case ENOTSOCK: case EOPNOTSUPP: case EFAULT:
            return last_error();
        default: // of the connection that would have come (accept(2)): the next one, please
            break;
        }
    }
}

// Connecting.

enum error epoll_connect(struct loop *loop, const struct address *address,
    struct io_socket *ret_socket)
{
    int descriptor = open_socket(address->any.sa_family);
    if (descriptor < 0)
        return last_error();
    if (address->any.sa_family != AF_UNIX)
        set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
    if (connect(descriptor, &address->any, address_size(address)) != 0 && errno != EINPROGRESS) {
        enum error error = last_error();
        close(descriptor);
        return error;
    }
    return adopt(loop, descriptor, false, ret_socket);
}

enum error epoll_connected(struct io_socket *socket)
{
    int number = 0;
    socklen_t size = sizeof(number);
    if (!socket->writable)
        return ERROR_BUSY;
    if (getsockopt(socket->descriptor, SOL_SOCKET, SO_ERROR, &number, &size) != 0)
        return last_error();
    return error_from_errno(number);
}

// Bytes.

enum error epoll_receive(struct task *task, struct io_socket *socket, void *buffer, size_t size,
    uint64_t deadline_ns, size_t *ret_size)
{
    for (;;) {
        if (!socket->readable) {
            enum error error = wait_for(task, &socket->reader, &socket->readable, deadline_ns);
            if (error != ERROR_NONE)
                return error;
        }
        ssize_t received = recv(socket->descriptor, buffer, size, 0);
        if (received > 0) {
            // A short read emptied the socket: news will come as an event, unless the end has been
            // announced already.
            if ((size_t)received < size && socket->ended == 0)
                socket->readable = false;
            *ret_size = (size_t)received;
            return ERROR_NONE;
        }
        if (received == 0)
            return ERROR_CLOSED;
        if (errno == EAGAIN)
            socket->readable = false;
        else if (errno != EINTR)
            return last_error();
    }
}

size_t epoll_receive_now(struct io_socket *socket, void *buffer, size_t size, bool keeps)
{
    ssize_t received =
        recv(socket->descriptor, buffer, size, keeps ? MSG_PEEK | MSG_DONTWAIT : MSG_DONTWAIT);
    return received < 0 ? 0 : (size_t)received; // whoever receives next learns why
}

static int send_flags(const struct io_socket *socket)
{
    return socket->ending ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL;
}

static ssize_t send_pieces(const struct io_socket *socket, const struct iovec *pieces, size_t count)
{
    int flags = send_flags(socket);
    if (count == 1)
        return send(socket->descriptor, pieces[0].iov_base, pieces[0].iov_len, flags);
    struct iovec *unchanged = (struct iovec *)(uintptr_t)pieces; // msghdr knows no const
    struct msghdr message = {.msg_iov = unchanged, .msg_iovlen = MINIMUM(count, PIECES_MAX)};
    return sendmsg(socket->descriptor, &message, flags);
}

enum error epoll_send(struct task *task, struct io_socket *socket, const struct iovec *pieces,
    size_t count, uint64_t deadline_ns, size_t *ret_size)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += pieces[i].iov_len;
    for (;;) {
        if (!socket->writable) {
            enum error error = wait_for(task, &socket->writer, &socket->writable, deadline_ns);
            if (error != ERROR_NONE)
                return error;
        }
        ssize_t sent = send_pieces(socket, pieces, count);
        if (sent >= 0) {
            if ((size_t)sent < total && count <= PIECES_MAX && socket->ended != ENDED_WHOLE)
                socket->writable = false; // the buffer is full: an event says when it is not
            *ret_size = (size_t)sent;
            return ERROR_NONE;
        }
        if (errno == EAGAIN)
            socket->writable = false;
        else if (errno != EINTR)
            return last_error();
    }
}

size_t epoll_send_now(struct io_socket *socket, const void *bytes, size_t size)
{
    if (!socket->writable)
        return 0;
    ssize_t sent = send(socket->descriptor, bytes, size, send_flags(socket));
    if (sent < 0 && errno != EAGAIN)
        return 0; // whoever sends next learns why
    if ((sent < 0 || (size_t)sent < size) && socket->ended != ENDED_WHOLE)
        socket->writable = false;
    return sent < 0 ? 0 : (size_t)sent;
}

// Control.

static bool is_quiet(struct io_socket *socket)
{
    char byte;
    if (socket->ended != 0)
        return false;
    return recv(socket->descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void park(struct io_socket *socket)
{
    if (!socket->readable)
        return;
    if (is_quiet(socket))
        socket->readable = false;
    else
        io_notice_soon(socket);
}

static void close_socket(struct io_socket *socket)
{
    struct epoll_loop *self = epoll_loop_of(socket->loop);
    // Explicitly, because a forked child may still hold the descriptor; and the events that came
    // with the one being handled may speak of this socket.
    epoll_ctl(self->epoll, EPOLL_CTL_DEL, socket->descriptor, NULL);
    for (int i = self->batch_at + 1; i < self->batch_count; i++)
        if (self->batch[i].data.ptr == socket)
            self->batch[i].data.ptr = NULL;
    close(socket->descriptor);
    socket->descriptor = -1;
}

bool epoll_control(struct io_socket *socket, unsigned control)
{
    struct linger abortive = {.l_onoff = 1, .l_linger = 0};
    switch ((enum io_control)control) {
    case IO_CONTROL_PARK:
        park(socket);
        break;
    case IO_CONTROL_UNPARK:
        break;
    case IO_CONTROL_IS_QUIET:
        return is_quiet(socket);
    case IO_CONTROL_HAS_GONE:
        return socket->ended == ENDED_WHOLE;
    case IO_CONTROL_RESET:
        setsockopt(socket->descriptor, SOL_SOCKET, SO_LINGER, &abortive, sizeof(abortive));
        close_socket(socket);
        break;
    case IO_CONTROL_CLOSE:
        close_socket(socket);
        break;
    case IO_CONTROL_END:
        shutdown(socket->descriptor, SHUT_WR);
        break;
    }
    return true;
}
