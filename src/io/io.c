// The seam: what is the same in every world, then over to the loop's operations.
#include "base/invariant.h"
#include "io/inside.h"

#define WINDOW_MAX 16 // pieces looked at again after a partial send

// One writer: a plain addition that readers may see late.
static void count_socket(struct loop *loop, int by)
{
    uint64_t count = atomic_load_explicit(&loop->sockets, memory_order_relaxed);
    atomic_store_explicit(&loop->sockets, count + (uint64_t)(int64_t)by, memory_order_relaxed);
}

enum error io_listen(struct loop *loop, const struct address *address, struct io_socket *ret_socket)
{
    enum error error = loop->operations->listen(loop, address, loop->index > 0, ret_socket);
    count_socket(loop, error == ERROR_NONE);
    return error;
}

enum error io_local_address(const struct io_socket *socket, struct address *ret_address)
{
    return socket->loop->operations->local_address(socket, ret_address);
}

enum error io_accept(struct task *task, struct io_socket *listener, struct io_socket *ret_socket,
    struct address *ret_peer, uint64_t deadline_ns)
{
    enum error error = task_breathe(task);
    if (error != ERROR_NONE)
        return error;
    error = listener->loop->operations->accept(task, listener, ret_socket, ret_peer, deadline_ns);
    count_socket(listener->loop, error == ERROR_NONE);
    return error;
}

enum error io_connect_begin(struct task *task, const struct address *address,
    struct io_socket *ret_socket)
{
    *ret_socket = (struct io_socket){0};
    enum error error = task_loop(task)->operations->connect(task_loop(task), address, ret_socket);
    count_socket(task_loop(task), error == ERROR_NONE);
    if (error == ERROR_NONE)
        ret_socket->writer = task;
    return error;
}

enum error io_connect_end(struct io_socket *socket)
{
    enum error error = socket->loop->operations->connected(socket);
    if (error == ERROR_BUSY)
        return error;
    socket->writer = NULL;
    if (error != ERROR_NONE)
        io_close(socket);
    return error;
}

void io_connect_give_up(struct io_socket *socket)
{
    socket->writer = NULL;
    io_close(socket);
}

enum error io_connect(struct task *task, const struct address *address, uint64_t deadline_ns,
    struct io_socket *ret_socket)
{
    *ret_socket = (struct io_socket){0};
    enum error error = task_breathe(task);
    if (error == ERROR_NONE)
        error = io_connect_begin(task, address, ret_socket);
    if (error != ERROR_NONE)
        return error;
    enum error waited = ERROR_NONE;
    while ((error = io_connect_end(ret_socket)) == ERROR_BUSY && waited == ERROR_NONE)
        waited = task_suspend(task, deadline_ns);
    if (error == ERROR_BUSY)
        io_connect_give_up(ret_socket);
    return error == ERROR_BUSY ? waited : error;
}

enum error io_receive(struct task *task, struct io_socket *socket, void *buffer, size_t size,
    uint64_t deadline_ns, size_t *ret_size)
{
    invariant(io_is_open(socket) && !io_is_parked(socket) && size > 0);
    enum error error = task_breathe(task);
    if (error != ERROR_NONE)
        return error;
    return socket->loop->operations->receive(task, socket, buffer, size, deadline_ns, ret_size);
}

// Fills window with what is left of pieces from byte `done` on; returns how many pieces it took.
static size_t window_after(const struct iovec *pieces, size_t count, size_t done,
    struct iovec window[WINDOW_MAX])
{
    size_t taken = 0;
    for (size_t i = 0; i < count && taken < WINDOW_MAX; i++) {
        if (done >= pieces[i].iov_len) {
            done -= pieces[i].iov_len;
            continue;
        }
        window[taken].iov_base = (char *)pieces[i].iov_base + done;
        window[taken].iov_len = pieces[i].iov_len - done;
        taken++;
        done = 0;
    }
    return taken;
}

static enum error send_all(struct task *task, struct io_socket *socket, const struct iovec *pieces,
    size_t count, uint64_t idle_ms, size_t *done)
{
    struct loop *loop = socket->loop;
    struct iovec window[WINDOW_MAX];
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += pieces[i].iov_len;
    while (*done < total) {
        enum error error = task_breathe(task);
        if (error != ERROR_NONE)
            return error;
        const struct iovec *from = pieces;
        size_t pieces_left = count;
        if (*done > 0 || count > WINDOW_MAX) {
            pieces_left = window_after(pieces, count, *done, window);
            from = window;
        }
        size_t size;
        error = loop->operations->send(task, socket, from, pieces_left,
            deadline_after_ms(loop, idle_ms), &size);
        if (error != ERROR_NONE)
            return error;
        *done += size;
    }
    return ERROR_NONE;
}

enum error io_send(struct task *task, struct io_socket *socket, const struct iovec *pieces,
    size_t count, uint64_t idle_ms, size_t *ret_size)
{
    invariant(io_is_open(socket));
    size_t done = 0;
    enum error error = send_all(task, socket, pieces, count, idle_ms, &done);
    if (ret_size != NULL)
        *ret_size = done;
    return error;
}

size_t io_send_now(struct io_socket *socket, const void *bytes, size_t size)
{
    invariant(io_is_open(socket) && socket->writer == NULL);
    return size == 0 ? 0 : socket->loop->operations->send_now(socket, bytes, size);
}

static size_t receive_now(struct io_socket *socket, void *buffer, size_t size, bool keeps)
{
    invariant(io_is_open(socket) && socket->reader == NULL && size > 0);
    return socket->loop->operations->receive_now(socket, buffer, size, keeps);
}

size_t io_receive_now(struct io_socket *socket, void *buffer, size_t size)
{
    return receive_now(socket, buffer, size, false);
}

size_t io_peek(struct io_socket *socket, void *buffer, size_t size)
{
    return receive_now(socket, buffer, size, true);
}

// Parked sockets.

static void stop_parking(struct io_socket *socket)
{
    timer_stop(socket->loop, &socket->timer);
    socket->on_ready = NULL;
    socket->noticed = false;
}

static void unpark_and_call(struct io_socket *socket, enum error reason)
{
    void (*on_ready)(struct io_socket *, enum error) = socket->on_ready;
    io_unpark(socket);
    on_ready(socket, reason); // may free the socket
}

static void park_timer_fired(struct timer *timer)
{
    struct io_socket *socket = CONTAINER_OF(timer, struct io_socket, timer);
    unpark_and_call(socket, socket->noticed ? ERROR_NONE : ERROR_TIMEOUT);
}

void io_park(struct io_socket *socket, uint64_t deadline_ns,
    void (*on_ready)(struct io_socket *socket, enum error reason))
{
    invariant(io_is_open(socket) && !io_is_parked(socket) && socket->reader == NULL);
    socket->on_ready = on_ready;
    timer_init(&socket->timer, park_timer_fired);
    timer_start(socket->loop, &socket->timer, deadline_ns);
    socket->loop->operations->control(socket, IO_CONTROL_PARK);
}

void io_unpark(struct io_socket *socket)
{
    if (!io_is_parked(socket))
        return;
    stop_parking(socket);
    socket->loop->operations->control(socket, IO_CONTROL_UNPARK);
}

void io_notice(struct io_socket *socket)
{
    invariant(io_is_parked(socket));
    unpark_and_call(socket, ERROR_NONE);
}

void io_notice_soon(struct io_socket *socket)
{
    invariant(io_is_parked(socket));
    socket->noticed = true;
    timer_start(socket->loop, &socket->timer, 0);
}

// What else there is to know and to do.

bool io_is_open(const struct io_socket *socket)
{
    return socket->loop != NULL;
}

bool io_is_quiet(struct io_socket *socket)
{
    return io_is_open(socket) && socket->loop->operations->control(socket, IO_CONTROL_IS_QUIET);
}

bool io_has_gone(struct io_socket *socket)
{
    return !io_is_open(socket) || socket->loop->operations->control(socket, IO_CONTROL_HAS_GONE);
}

void io_expect_end(struct io_socket *socket)
{
    socket->ending = true;
}

void io_end(struct io_socket *socket)
{
    if (!io_is_open(socket) || socket->has_ended)
        return;
    socket->has_ended = true;
    socket->loop->operations->control(socket, IO_CONTROL_END);
}

static void close_with(struct io_socket *socket, enum io_control control)
{
    if (!io_is_open(socket))
        return;
    invariant(socket->reader == NULL && socket->writer == NULL);
    io_unpark(socket);
    count_socket(socket->loop, -1);
    socket->loop->operations->control(socket, control);
    socket->loop = NULL;
}

void io_close(struct io_socket *socket)
{
    close_with(socket, IO_CONTROL_CLOSE);
}

void io_reset(struct io_socket *socket)
{
    close_with(socket, IO_CONTROL_RESET);
}

enum error io_resolve(struct task *task, struct slice host, uint16_t port, uint64_t deadline_ns,
    struct io_names *ret_names)
{
    struct address address;
    if (address_parse_host(host, port, &address) == ERROR_NONE) {
        *ret_names = (struct io_names){
            .addresses = {address}, .count = 1, .lifetime_ms = UINT64_MAX};
        return ERROR_NONE;
    }
    return task_loop(task)->operations->resolve(task, host, port, deadline_ns, ret_names);
}

enum error io_blocking(struct task *task, void (*work)(void *argument), void *argument)
{
    return task_loop(task)->operations->blocking(task, work, argument);
}

void io_entropy(struct loop *loop, void *buffer, size_t size)
{
    loop->operations->entropy(loop, buffer, size);
}
