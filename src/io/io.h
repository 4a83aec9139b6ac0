// The seam to the world: sockets, names, files. Completion style: a call returns when it is done,
// timed out, or its task was cancelled; meanwhile the task sleeps and the loop serves others.
// These are thin: they dispatch to the loop's operations. A socket belongs to one loop; one task
// may receive while another sends.
#pragma once

#include "io/address.h"
#include "io/task.h"

#include <sys/uio.h>

// Embedded in its owner's struct and pinned in memory while open. All zero is closed.
struct io_socket {
    struct loop *loop; // NULL when closed
    void *handle;   // simulation
    int descriptor; // epoll
    uint8_t readable, writable, ended; // what the implementation knows without asking
    bool ending, has_ended; // our end is about to follow what is sent; it was sent
    bool noticed; // parked, and on_ready is due at the next step
    struct task *reader, *writer;      // suspended here; writer: or connecting
    // While parked: called once, in the loop, when bytes or the end arrive (NONE) or at the
    // deadline (TIMEOUT). The socket is no longer parked then.
    void (*on_ready)(struct io_socket *socket, enum error reason);
    struct timer timer;
};

enum io_control {
    IO_CONTROL_PARK,     // watch for bytes, call on_ready
    IO_CONTROL_UNPARK,
    IO_CONTROL_IS_QUIET, // true: open, nothing to read, no end seen; asks the kernel
    IO_CONTROL_HAS_GONE, // true: the peer reset or closed both ways (a mere half-close is not that)
    IO_CONTROL_CLOSE,
    IO_CONTROL_RESET,    // close with RST: the peer learns that the message was cut
    IO_CONTROL_END,      // no more bytes from us (half-close)
};

// A listening socket that shares its port with the other loops of this process. Loop 0 listens
// first and asks for the port alone (shared false), so that a second process gets ERROR_BUSY
// instead of half of the visitors. Port 0: io_local_address tells which one it became, for the
// other loops.
enum error io_listen(struct loop *loop, const struct address *address,
    struct io_socket *ret_socket) MUST_CHECK;
enum error io_local_address(const struct io_socket *socket, struct address *ret_address) MUST_CHECK;
enum error io_accept(struct task *task, struct io_socket *listener, struct io_socket *ret_socket,
    struct address *ret_peer, uint64_t deadline_ns) MUST_CHECK;
// On failure ret_socket is closed.
enum error io_connect(struct task *task, const struct address *address, uint64_t deadline_ns,
    struct io_socket *ret_socket) MUST_CHECK;
// The same in parts, for a task that connects to several addresses at once: it is woken when there
// is news of any. Between begin and the end, which is anything but BUSY or giving up, the socket is
// good for nothing else.
enum error io_connect_begin(struct task *task, const struct address *address,
    struct io_socket *ret_socket) MUST_CHECK;
enum error io_connect_end(struct io_socket *socket) MUST_CHECK;
void io_connect_give_up(struct io_socket *socket);
// At least one byte, or CLOSED at the orderly end.
enum error io_receive(struct task *task, struct io_socket *socket, void *buffer, size_t size,
    uint64_t deadline_ns, size_t *ret_size) MUST_CHECK;
// All of it or an error. The deadline is for each step of progress: it moves on when bytes move
// (idle_ms), so that a slow reader is not cut but a stuck one is. *ret_size (may be NULL) is set on
// failure too: how much the kernel took.
enum error io_send(struct task *task, struct io_socket *socket, const struct iovec *pieces,
    size_t count, uint64_t idle_ms, size_t *ret_size) MUST_CHECK;
// What of the bytes can be sent without waiting: how many went. Not while a task sends.
size_t io_send_now(struct io_socket *socket, const void *bytes, size_t size);
// What has come by now, without waiting: how much. peek leaves it there. Not while a task receives.
size_t io_receive_now(struct io_socket *socket, void *buffer, size_t size);
size_t io_peek(struct io_socket *socket, void *buffer, size_t size);

// Idle without a task: see on_ready. Undone by the call of on_ready, io_unpark or io_close.
void io_park(struct io_socket *socket, uint64_t deadline_ns,
    void (*on_ready)(struct io_socket *socket, enum error reason));
void io_unpark(struct io_socket *socket);
bool io_is_open(const struct io_socket *socket);
bool io_is_quiet(struct io_socket *socket);
bool io_has_gone(struct io_socket *socket);
// What is sent from now on is the last and io_end follows at once: the kernel may hold it back to
// let the end travel with it, for one packet and one wakeup of the peer instead of two.
void io_expect_end(struct io_socket *socket);
void io_end(struct io_socket *socket); // once is enough
void io_close(struct io_socket *socket); // fine on a closed one; no task may be suspended on it
void io_reset(struct io_socket *socket);

// For implementations: bytes or the end came to a parked socket. Calls on_ready, here and now, so
// not from within control: there io_notice_soon, which does it at the next step.
void io_notice(struct io_socket *socket);
void io_notice_soon(struct io_socket *socket);
static inline bool io_is_parked(const struct io_socket *socket)
{
    return socket->on_ready != NULL;
}

#define IO_ADDRESSES_MAX 16
// The addresses of a name, IPv6 and IPv4 by turns (RFC 8305 section 4), in the resolver's order
// otherwise. A family of which nothing could be learned is unknown: having none is an answer.
struct io_names {
    struct address addresses[IO_ADDRESSES_MAX];
    size_t count;
    uint64_t lifetime_ms; // the least TTL
    bool v4_unknown, v6_unknown;
};
// Numeric hosts resolve at once. At least one address, or RESOLVE.
enum error io_resolve(struct task *task, struct slice host, uint16_t port, uint64_t deadline_ns,
    struct io_names *ret_names) MUST_CHECK;
// Runs work on a helper thread (files, anything that blocks). Not cancellable: it waits for the
// end. LIMIT when too much work waits already.
enum error io_blocking(struct task *task, void (*work)(void *argument), void *argument) MUST_CHECK;
// Bytes that nobody can guess, as loop->random's can be by who has seen enough of them.
void io_entropy(struct loop *loop, void *buffer, size_t size);
