// Two connected sockets in one loop, and what tests say through them.
#pragma once

#include "world.h"

struct pair {
    struct io_socket listener, client, server;
};

static inline void open_pair(struct task *task, struct pair *pair)
{
    struct address any_port = loopback(0), address, peer;
    *pair = (struct pair){0};
    assert_int_equal(io_listen(task_loop(task), &any_port, &pair->listener), ERROR_NONE);
    assert_int_equal(io_local_address(&pair->listener, &address), ERROR_NONE);
    assert_int_not_equal(address_port(&address), 0);
    assert_int_equal(io_connect(task, &address, patience_ns(task), &pair->client), ERROR_NONE);
    assert_int_equal(
        io_accept(task, &pair->listener, &pair->server, &peer, patience_ns(task)), ERROR_NONE);
    struct address local;
    assert_int_equal(io_local_address(&pair->client, &local), ERROR_NONE);
    assert_true(address_equal(&peer, &local));
}

static inline void close_pair(struct pair *pair)
{
    io_close(&pair->client);
    io_close(&pair->server);
    io_close(&pair->listener);
}

static inline void send_text(struct task *task, struct io_socket *socket, const char *text)
{
    struct iovec piece = {.iov_base = (char *)(uintptr_t)text, .iov_len = strlen(text)};
    size_t size;
    assert_int_equal(io_send(task, socket, &piece, 1, 10000, &size), ERROR_NONE);
    assert_int_equal(size, strlen(text));
}

static inline void expect_received(struct task *task, struct io_socket *socket,
    const char *expected)
{
    char buffer[256];
    size_t done = 0, size;
    while (done < strlen(expected)) {
        assert_int_equal(io_receive(task, socket, buffer + done, sizeof(buffer) - done,
                             patience_ns(task), &size), ERROR_NONE);
        done += size;
    }
    assert_int_equal(done, strlen(expected));
    assert_memory_equal(buffer, expected, done);
}

static inline void expect_end(struct task *task, struct io_socket *socket, enum error expected)
{
    char byte;
    size_t size;
    assert_int_equal(io_receive(task, socket, &byte, 1, patience_ns(task), &size), expected);
}

// Until the loop has seen what the kernel knows by now.
static inline void see_events(struct task *task)
{
    pause_ms(task, 2);
}
