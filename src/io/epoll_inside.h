// What the parts of the epoll world know of each other.
#pragma once

#include "io/epoll.h"
#include "io/helpers.h"
#include "io/inside.h"
#include "io/resolver.h"

#include <sys/epoll.h>

#define EPOLL_EVENTS_MAX 256

struct epoll_world {
    struct helpers helpers;
    struct resolver_servers servers;
};

struct epoll_loop {
    struct loop loop;
    struct epoll_world *world;
    int epoll, bell; // bell: an eventfd that interrupts a turn
    atomic_bool asleep;
    bool starvation_logged;
    struct resolver resolver;
    int batch_at, batch_count; // the event being handled, and how many came with it
    struct epoll_event batch[EPOLL_EVENTS_MAX];
};

static inline struct epoll_loop *epoll_loop_of(struct loop *loop)
{
    return CONTAINER_OF(loop, struct epoll_loop, loop);
}

// An event of a socket's descriptor. May free the socket.
void epoll_socket_event(struct io_socket *socket, uint32_t events);

enum error epoll_listen(struct loop *loop, const struct address *address, bool shared,
    struct io_socket *ret_socket) MUST_CHECK;
enum error epoll_local_address(const struct io_socket *socket,
    struct address *ret_address) MUST_CHECK;
enum error epoll_accept(struct task *task, struct io_socket *listener, struct io_socket *ret_socket,
    struct address *ret_peer, uint64_t deadline_ns) MUST_CHECK;
enum error epoll_connect(struct loop *loop, const struct address *address,
    struct io_socket *ret_socket) MUST_CHECK;
enum error epoll_connected(struct io_socket *socket) MUST_CHECK;
enum error epoll_receive(struct task *task, struct io_socket *socket, void *buffer, size_t size,
    uint64_t deadline_ns, size_t *ret_size) MUST_CHECK;
enum error epoll_send(struct task *task, struct io_socket *socket, const struct iovec *pieces,
    size_t count, uint64_t deadline_ns, size_t *ret_size) MUST_CHECK;
// As its writer, until a send is worth a try.
enum error epoll_await_writable(struct task *task, struct io_socket *socket,
    uint64_t deadline_ns) MUST_CHECK;
bool epoll_socket_has_gone(const struct io_socket *socket);
size_t epoll_send_now(struct io_socket *socket, const void *bytes, size_t size);
size_t epoll_receive_now(struct io_socket *socket, void *buffer, size_t size, bool keeps);
bool epoll_control(struct io_socket *socket, unsigned control);
