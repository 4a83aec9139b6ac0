// Parked sockets of the epoll world: idle connections, and what waking one costs.
#include "pair.h"

#include <sys/epoll.h>
#include <sys/syscall.h>

// The calls that a keep-alive exchange must not make: counted here, on the way to the kernel.
static _Atomic uint64_t receives, sends, changes;

ssize_t recv(int descriptor, void *buffer, size_t size, int flags)
{
    atomic_fetch_add(&receives, 1);
    return syscall(SYS_recvfrom, descriptor, buffer, size, flags, NULL, NULL);
}

ssize_t send(int descriptor, const void *buffer, size_t size, int flags)
{
    atomic_fetch_add(&sends, 1);
    return syscall(SYS_sendto, descriptor, buffer, size, flags, NULL, 0);
}

int epoll_ctl(int epoll, int operation, int descriptor, struct epoll_event *event)
{
    atomic_fetch_add(&changes, 1);
    return (int)syscall(SYS_epoll_ctl, epoll, operation, descriptor, event);
}

struct parked {
    struct io_socket socket;
    struct parked *kills; // freed together with this one
    unsigned calls;
    enum error reason;
};

static void ready(struct io_socket *socket, enum error reason)
{
    struct parked *parked = CONTAINER_OF(socket, struct parked, socket);
    assert_false(io_is_parked(socket));
    parked->calls++;
    parked->reason = reason;
}

static void open_parked(struct task *task, struct io_socket *listener, struct parked *parked,
    struct io_socket *client)
{
    struct address address, peer;
    assert_int_equal(io_local_address(listener, &address), ERROR_NONE);
    assert_int_equal(io_connect(task, &address, patience_ns(task), client), ERROR_NONE);
    assert_int_equal(
        io_accept(task, listener, &parked->socket, &peer, patience_ns(task)), ERROR_NONE);
}

static void expect_call(struct task *task, struct parked *parked, enum error reason)
{
    for (int i = 0; i < 5000 && parked->calls == 0; i++)
        pause_ms(task, 1);
    assert_int_equal(parked->calls, 1);
    assert_int_equal(parked->reason, reason);
    assert_int_equal(task_loop(task)->wheel.armed, 0); // its deadline went with it
    parked->calls = 0;
}

static void park_body(struct task *task, struct stage *stage)
{
    struct address any_port = loopback(0);
    struct io_socket listener, client;
    struct parked parked = {.calls = 0};
    assert_int_equal(io_listen(stage->loop, &any_port, &listener), ERROR_NONE);
    open_parked(task, &listener, &parked, &client);

    // The deadline.
    io_park(&parked.socket, deadline_after_ms(stage->loop, 5), ready);
    expect_call(task, &parked, ERROR_TIMEOUT);

    // Bytes.
    io_park(&parked.socket, patience_ns(task), ready);
    see_events(task);
    assert_int_equal(parked.calls, 0);
    send_text(task, &client, "wake up");
    expect_call(task, &parked, ERROR_NONE);
    expect_received(task, &parked.socket, "wake up");

    // The end.
    io_park(&parked.socket, patience_ns(task), ready);
    io_close(&client);
    expect_call(task, &parked, ERROR_NONE);
    expect_end(task, &parked.socket, ERROR_CLOSED);

    // Parked after the end: told as well. Closing undoes parking.
    io_park(&parked.socket, patience_ns(task), ready);
    expect_call(task, &parked, ERROR_NONE);
    io_park(&parked.socket, patience_ns(task), ready);
    io_close(&parked.socket);
    see_events(task);
    assert_int_equal(parked.calls, 0);
    assert_int_equal(stage->loop->wheel.armed, 0);
    io_close(&listener);
}

static void test_a_parked_socket_calls_once_for_bytes_end_or_deadline(void **state)
{
    (void)state;
    in_world(0, NULL, park_body);
}

static void left_over_body(struct task *task, struct stage *stage)
{
    struct address any_port = loopback(0);
    struct io_socket listener, client;
    struct parked parked = {.calls = 0};
    char some[4];
    size_t size;
    assert_int_equal(io_listen(stage->loop, &any_port, &listener), ERROR_NONE);
    open_parked(task, &listener, &parked, &client);
    send_text(task, &client, "some more");
    assert_int_equal(
        io_receive(task, &parked.socket, some, 4, patience_ns(task), &size), ERROR_NONE);
    assert_int_equal(size, 4);

    // At the next step, never from within io_park.
    io_park(&parked.socket, patience_ns(task), ready);
    assert_int_equal(parked.calls, 0);
    expect_call(task, &parked, ERROR_NONE);

    // Taken back before the step.
    io_park(&parked.socket, patience_ns(task), ready);
    io_unpark(&parked.socket);
    io_unpark(&parked.socket);
    see_events(task);
    assert_int_equal(parked.calls, 0);
    expect_received(task, &parked.socket, " more");

    // A full buffer that happened to be the last bytes: the hint is wrong, the park is right.
    send_text(task, &client, "1234");
    assert_int_equal(
        io_receive(task, &parked.socket, some, 4, patience_ns(task), &size), ERROR_NONE);
    io_park(&parked.socket, deadline_after_ms(stage->loop, 5), ready);
    expect_call(task, &parked, ERROR_TIMEOUT);
    io_close(&parked.socket);
    io_close(&client);
    io_close(&listener);
}

static void test_parking_with_bytes_left_calls_at_the_next_step(void **state)
{
    (void)state;
    in_world(0, NULL, left_over_body);
}

static void kills_both(struct io_socket *socket, enum error reason)
{
    struct parked *parked = CONTAINER_OF(socket, struct parked, socket);
    struct parked *other = parked->kills;
    assert_int_equal(reason, ERROR_NONE);
    io_close(&other->socket);
    io_close(&parked->socket);
    free(other);
    free(parked);
}

static void stale_body(struct task *task, struct stage *stage)
{
    struct address any_port = loopback(0);
    struct io_socket listener, clients[2];
    struct parked *first = calloc(1, sizeof(*first)), *second = calloc(1, sizeof(*second));
    assert_int_equal(io_listen(stage->loop, &any_port, &listener), ERROR_NONE);
    open_parked(task, &listener, first, &clients[0]);
    open_parked(task, &listener, second, &clients[1]);
    first->kills = second;
    second->kills = first;
    io_park(&first->socket, patience_ns(task), kills_both);
    io_park(&second->socket, patience_ns(task), kills_both);
    see_events(task);
    // Both become ready while we run, so their events come in one batch.
    assert_int_equal(write(clients[0].descriptor, "a", 1), 1);
    assert_int_equal(write(clients[1].descriptor, "b", 1), 1);
    see_events(task);
    expect_end(task, &clients[0], ERROR_RESET);
    expect_end(task, &clients[1], ERROR_RESET);
    io_close(&clients[0]);
    io_close(&clients[1]);
    io_close(&listener);
}

static void test_events_of_a_socket_freed_in_the_same_batch_are_dropped(void **state)
{
    (void)state;
    in_world(0, NULL, stale_body);
}

// What a keep-alive exchange costs.

struct kept {
    struct io_socket socket;
    struct loop *loop;
    unsigned answered;
};

static void answers(struct task *task, void *argument)
{
    struct kept *kept = argument;
    char buffer[100];
    size_t size;
    assert_int_equal(io_receive(task, &kept->socket, buffer, sizeof(buffer), patience_ns(task),
                         &size), ERROR_NONE);
    send_text(task, &kept->socket, "answer");
    kept->answered++;
}

static void request_came(struct io_socket *socket, enum error reason)
{
    struct kept *kept = CONTAINER_OF(socket, struct kept, socket);
    assert_int_equal(reason, ERROR_NONE);
    assert_int_equal(task_start(kept->loop, NULL, answers, kept), ERROR_NONE);
}

static void keep_alive_body(struct task *task, struct stage *stage)
{
    struct pair pair;
    struct address peer, address;
    struct kept kept = {.loop = stage->loop};
    char buffer[100];
    open_pair(task, &pair);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(io_local_address(&pair.listener, &address), ERROR_NONE);
    assert_int_equal(connect(client, &address.any, address_size(&address)), 0);
    assert_int_equal(
        io_accept(task, &pair.listener, &kept.socket, &peer, patience_ns(task)), ERROR_NONE);
    uint64_t receives_before = atomic_load(&receives), sends_before = atomic_load(&sends);
    uint64_t changes_before = atomic_load(&changes);
    for (unsigned i = 1; i <= 50; i++) {
        io_park(&kept.socket, patience_ns(task), request_came);
        assert_int_equal(write(client, "question", 8), 8);
        while (kept.answered < i)
            pause_ms(task, 1);
        assert_int_equal(read(client, buffer, sizeof(buffer)), 6);
    }
    assert_int_equal(atomic_load(&receives) - receives_before, 50);
    assert_int_equal(atomic_load(&sends) - sends_before, 50);
    assert_int_equal(atomic_load(&changes) - changes_before, 0);
    close(client);
    io_close(&kept.socket);
    close_pair(&pair);
}

static void test_a_keep_alive_exchange_costs_one_receive_and_one_send(void **state)
{
    (void)state;
    in_world(0, NULL, keep_alive_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_parked_socket_calls_once_for_bytes_end_or_deadline),
        cmocka_unit_test(test_parking_with_bytes_left_calls_at_the_next_step),
        cmocka_unit_test(test_events_of_a_socket_freed_in_the_same_batch_are_dropped),
        cmocka_unit_test(test_a_keep_alive_exchange_costs_one_receive_and_one_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
