// Sockets of the epoll world, over loopback. Parked ones are in epoll_parking.c.
#include "pair.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void echoes(struct task *task, void *argument)
{
    struct io_socket *socket = argument;
    char buffer[1000];
    size_t size;
    enum error error;
    struct random *random = &task_loop(task)->random;
    while ((error = io_receive(task, socket, buffer, 1 + random_below(random, 999),
                patience_ns(task), &size)) == ERROR_NONE) {
        struct iovec piece = {.iov_base = buffer, .iov_len = size};
        assert_int_equal(io_send(task, socket, &piece, 1, 10000, NULL), ERROR_NONE);
    }
    assert_int_equal(error, ERROR_CLOSED);
    io_end(socket);
}

#define ECHO_BYTES (3u << 20)

struct flood {
    struct io_socket *socket;
    bool done;
};

static unsigned char pattern(size_t at)
{
    return (unsigned char)(at * 31 + at / 251);
}

// Many pieces of odd sizes at once, more than a window holds.
static void floods(struct task *task, void *argument)
{
    struct flood *flood = argument;
    unsigned char *bytes = malloc(ECHO_BYTES);
    struct iovec pieces[50];
    size_t at = 0, size;
    for (size_t i = 0; i < ECHO_BYTES; i++)
        bytes[i] = pattern(i);
    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        size_t length = i + 1 == ARRAY_SIZE(pieces) ? ECHO_BYTES - at : i * 2001;
        pieces[i] = (struct iovec){.iov_base = bytes + at, .iov_len = length};
        at += length;
    }
    assert_int_equal(
        io_send(task, flood->socket, pieces, ARRAY_SIZE(pieces), 10000, &size), ERROR_NONE);
    assert_int_equal(size, ECHO_BYTES);
    io_end(flood->socket);
    free(bytes);
    flood->done = true;
}

static void echo_body(struct task *task, struct stage *stage)
{
    struct pair pair;
    struct scope scope;
    struct flood flood = {.socket = &pair.client};
    open_pair(task, &pair);
    scope_open(&scope);
    assert_int_equal(task_start(stage->loop, &scope, echoes, &pair.server), ERROR_NONE);
    assert_int_equal(task_start(stage->loop, &scope, floods, &flood), ERROR_NONE);
    size_t at = 0, size;
    unsigned char buffer[7000];
    enum error error;
    while ((error = io_receive(task, &pair.client, buffer, sizeof(buffer), patience_ns(task),
                &size)) == ERROR_NONE) {
        for (size_t i = 0; i < size; i++, at++)
            if (buffer[i] != pattern(at))
                fail();
    }
    assert_int_equal(error, ERROR_CLOSED);
    assert_int_equal(at, ECHO_BYTES);
    assert_true(flood.done);
    assert_int_equal(scope_join(task, &scope, patience_ns(task)), ERROR_NONE);
    scope_close(task, &scope);
    close_pair(&pair);
}

static void test_bytes_come_back_unchanged_both_ways_at_once(void **state)
{
    (void)state;
    in_world(0, NULL, echo_body);
}

static void half_close_body(struct task *task, struct stage *stage)
{
    (void)stage;
    struct pair pair;
    open_pair(task, &pair);
    send_text(task, &pair.client, "question");
    io_end(&pair.client);
    see_events(task);
    assert_false(io_has_gone(&pair.server)); // a half-close is not the end
    expect_received(task, &pair.server, "question");
    expect_end(task, &pair.server, ERROR_CLOSED);
    expect_end(task, &pair.server, ERROR_CLOSED); // and stays so
    send_text(task, &pair.server, "answer");
    expect_received(task, &pair.client, "answer");
    io_end(&pair.server);
    expect_end(task, &pair.client, ERROR_CLOSED);
    see_events(task);
    assert_true(io_has_gone(&pair.server));
    close_pair(&pair);
    assert_false(io_is_open(&pair.server));
    io_close(&pair.server); // fine on a closed one
}

static void test_a_half_close_leaves_the_other_way_open(void **state)
{
    (void)state;
    in_world(0, NULL, half_close_body);
}

static void reset_body(struct task *task, struct stage *stage)
{
    (void)stage;
    struct pair pair;
    open_pair(task, &pair);
    send_text(task, &pair.client, "cut");
    io_reset(&pair.client);
    see_events(task);
    assert_true(io_has_gone(&pair.server));
    assert_false(io_is_quiet(&pair.server));
    expect_received(task, &pair.server, "cut"); // what had arrived is not lost
    expect_end(task, &pair.server, ERROR_RESET);
    struct iovec piece = {.iov_base = &pair, .iov_len = sizeof(pair)};
    size_t size = 1;
    assert_int_equal(io_send(task, &pair.server, &piece, 1, 1000, &size), ERROR_RESET);
    assert_int_equal(size, 0);
    close_pair(&pair);
}

static void test_a_reset_is_told_from_an_end(void **state)
{
    (void)state;
    in_world(0, NULL, reset_body);
}

struct waiting_reader {
    struct io_socket *socket;
    struct task *task;
    uint64_t deadline_ms;
    enum error result;
    size_t size;
};

static void reads(struct task *task, void *argument)
{
    struct waiting_reader *reader = argument;
    char buffer[64];
    reader->task = task;
    reader->result = io_receive(task, reader->socket, buffer, sizeof(buffer),
        deadline_after_ms(task_loop(task), reader->deadline_ms), &reader->size);
}

static void waiting_body(struct task *task, struct stage *stage)
{
    struct pair pair;
    struct scope scope;
    open_pair(task, &pair);
    scope_open(&scope);
    // A deadline.
    struct waiting_reader late = {.socket = &pair.server, .deadline_ms = 20};
    assert_int_equal(task_start(stage->loop, &scope, reads, &late), ERROR_NONE);
    assert_int_equal(scope_join(task, &scope, patience_ns(task)), ERROR_NONE);
    assert_int_equal(late.result, ERROR_TIMEOUT);
    // Cancellation.
    struct waiting_reader cancelled = {.socket = &pair.server, .deadline_ms = 60000};
    assert_int_equal(task_start(stage->loop, &scope, reads, &cancelled), ERROR_NONE);
    see_events(task);
    assert_ptr_equal(pair.server.reader, cancelled.task);
    task_cancel(cancelled.task);
    assert_int_equal(scope_join(task, &scope, patience_ns(task)), ERROR_NONE);
    assert_int_equal(cancelled.result, ERROR_CANCELLED);
    assert_null(pair.server.reader);
    // Bytes; and neither of the above broke the socket.
    struct waiting_reader lucky = {.socket = &pair.server, .deadline_ms = 60000};
    assert_int_equal(task_start(stage->loop, &scope, reads, &lucky), ERROR_NONE);
    see_events(task);
    send_text(task, &pair.client, "here");
    assert_int_equal(scope_join(task, &scope, patience_ns(task)), ERROR_NONE);
    assert_int_equal(lucky.result, ERROR_NONE);
    assert_int_equal(lucky.size, 4);
    scope_close(task, &scope);
    close_pair(&pair);
}

static void test_a_receive_ends_by_bytes_deadline_or_cancellation(void **state)
{
    (void)state;
    in_world(0, NULL, waiting_body);
}

struct cancelled_io {
    struct pair pair;
    enum error receive, send, accept, connect;
    bool ended;
};

static void does_everything_cancelled(struct task *task, void *argument)
{
    struct cancelled_io *done = argument;
    char byte = 'x';
    size_t size;
    struct iovec piece = {.iov_base = &byte, .iov_len = 1};
    struct io_socket socket;
    struct address peer, to = loopback(1);
    uint64_t deadline_ns = patience_ns(task);
    task_cancel(task);
    done->receive = io_receive(task, &done->pair.server, &byte, 1, deadline_ns, &size);
    done->send = io_send(task, &done->pair.server, &piece, 1, 1000, NULL);
    done->accept = io_accept(task, &done->pair.listener, &socket, &peer, deadline_ns);
    done->connect = io_connect(task, &to, deadline_ns, &socket);
    assert_false(io_is_open(&socket));
    done->ended = true;
}

static void cancelled_body(struct task *task, struct stage *stage)
{
    struct scope scope;
    struct cancelled_io done = {.ended = false};
    open_pair(task, &done.pair);
    send_text(task, &done.pair.client, "ready to be read");
    see_events(task);
    scope_open(&scope);
    assert_int_equal(task_start(stage->loop, &scope, does_everything_cancelled, &done), ERROR_NONE);
    assert_int_equal(scope_join(task, &scope, patience_ns(task)), ERROR_NONE);
    assert_true(done.ended);
    assert_int_equal(done.receive, ERROR_CANCELLED);
    assert_int_equal(done.send, ERROR_CANCELLED);
    assert_int_equal(done.accept, ERROR_CANCELLED);
    assert_int_equal(done.connect, ERROR_CANCELLED);
    scope_close(task, &scope);
    close_pair(&done.pair);
}

static void test_a_cancelled_task_does_no_more_io(void **state)
{
    (void)state;
    in_world(0, NULL, cancelled_body);
}

static void quiet_body(struct task *task, struct stage *stage)
{
    (void)stage;
    struct pair pair;
    open_pair(task, &pair);
    assert_true(io_is_quiet(&pair.server));
    // It asks the kernel: no turn of the loop lies between.
    assert_int_equal(write(pair.client.descriptor, "x", 1), 1);
    assert_false(io_is_quiet(&pair.server));
    expect_received(task, &pair.server, "x");
    assert_true(io_is_quiet(&pair.server));
    io_end(&pair.client);
    assert_false(io_is_quiet(&pair.server));
    io_close(&pair.server);
    assert_false(io_is_quiet(&pair.server));
    assert_true(io_has_gone(&pair.server));
    close_pair(&pair);
}

static void test_quiet_means_open_and_nothing_to_read(void **state)
{
    (void)state;
    in_world(0, NULL, quiet_body);
}

static void no_delay_body(struct task *task, struct stage *stage)
{
    (void)stage;
    struct pair pair;
    open_pair(task, &pair);
    const int descriptors[] = {pair.client.descriptor, pair.server.descriptor};
    for (size_t i = 0; i < ARRAY_SIZE(descriptors); i++) {
        int value = 0;
        socklen_t size = sizeof(value);
        assert_int_equal(
            getsockopt(descriptors[i], IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
        assert_int_not_equal(value, 0);
        assert_true(fcntl(descriptors[i], F_GETFD) & FD_CLOEXEC);
        assert_true(fcntl(descriptors[i], F_GETFL) & O_NONBLOCK);
    }
    close_pair(&pair);
}

static void test_sockets_do_not_delay_block_or_leak_into_children(void **state)
{
    (void)state;
    in_world(0, NULL, no_delay_body);
}

// Connecting and accepting.

static void refused_body(struct task *task, struct stage *stage)
{
    struct address any_port = loopback(0), address;
    struct io_socket listener, client;
    assert_int_equal(io_listen(stage->loop, &any_port, &listener), ERROR_NONE);
    assert_int_equal(io_local_address(&listener, &address), ERROR_NONE);
    io_close(&listener);
    assert_int_equal(io_connect(task, &address, patience_ns(task), &client), ERROR_REFUSED);
    assert_false(io_is_open(&client));
    io_close(&client);
}

static void test_a_connect_to_nobody_is_refused(void **state)
{
    (void)state;
    in_world(0, NULL, refused_body);
}

#define FILLERS 8

static void connect_timeout_body(struct task *task, struct stage *stage)
{
    (void)stage;
    struct address address = loopback(0);
    socklen_t size = sizeof(address);
    struct io_socket client;
    int fillers[FILLERS];
    // A listener that nobody accepts from: when its queue is full, the kernel answers no more.
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, &address.any, address_size(&address)), 0);
    assert_int_equal(getsockname(listener, &address.any, &size), 0);
    assert_int_equal(listen(listener, 0), 0);
    for (int i = 0; i < FILLERS; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fillers[i], &address.any, address_size(&address)), -1);
        assert_int_equal(errno, EINPROGRESS);
    }
    uint64_t deadline_ns = deadline_after_ms(task_loop(task), 30);
    assert_int_equal(io_connect(task, &address, deadline_ns, &client), ERROR_TIMEOUT);
    assert_true(task_now_ns(task) >= deadline_ns);
    assert_false(io_is_open(&client));
    for (int i = 0; i < FILLERS; i++)
        close(fillers[i]);
    close(listener);
}

static void test_a_connect_without_answer_times_out(void **state)
{
    (void)state;
    in_world(0, NULL, connect_timeout_body);
}

static void starved_body(struct task *task, struct stage *stage)
{
    struct pair pair;
    struct address address, peer;
    struct io_socket late;
    struct rlimit before, starved;
    open_pair(task, &pair);
    assert_int_equal(io_local_address(&pair.listener, &address), ERROR_NONE);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, &address.any, address_size(&address)), 0);
    int next = dup(client); // the lowest free one
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    starved = before;
    starved.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &starved), 0);
    enum error error = io_accept(task, &pair.listener, &late, &peer,
        deadline_after_ms(stage->loop, 120));
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(error, ERROR_TIMEOUT);
    // It waited between its attempts: 50 ms each, never less.
    assert_in_range(stage->loop->accepts_starved, 1, 3);
    // No event announces that there are descriptors again.
    assert_int_equal(
        io_accept(task, &pair.listener, &late, &peer, patience_ns(task)), ERROR_NONE);
    io_close(&late);
    close(client);
    close_pair(&pair);
}

static void test_accepting_without_descriptors_waits_and_recovers(void **state)
{
    (void)state;
    in_world(0, NULL, starved_body);
}

static void test_loops_share_a_port_that_a_second_process_cannot_have(void **state)
{
    (void)state;
    struct loop_limits limits = {.tasks = 64, .stack_size = 64 * 1024};
    struct epoll_world *world = epoll_world_create(0);
    struct loop *loops[3];
    struct io_socket listeners[3];
    struct address address = loopback(0), local;
    for (unsigned i = 0; i < 3; i++) {
        loops[i] = epoll_loop_create(world, &limits, i, 3);
        assert_non_null(loops[i]);
        assert_int_equal(io_listen(loops[i], &address, &listeners[i]), ERROR_NONE);
        assert_int_equal(io_local_address(&listeners[i], &local), ERROR_NONE);
        if (i == 0)
            address = local; // port 0 became this one
        assert_true(address_equal(&local, &address));
        assert_int_not_equal(address_port(&local), 0);
    }
    pid_t child = fork();
    if (child == 0) {
        struct io_socket second;
        struct loop *loop = epoll_loop_create(world, &limits, 0, 1);
        _exit(loop == NULL ? 99 : (int)io_listen(loop, &address, &second));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), ERROR_BUSY);
    for (unsigned i = 0; i < 3; i++) {
        io_close(&listeners[i]);
        epoll_loop_destroy(loops[i]);
    }
    epoll_world_destroy(world);
}

static void all_addresses_body(struct task *task, struct stage *stage)
{
    struct address any, address, peer;
    struct io_socket listener, client, server;
    char buffer[ADDRESS_TEXT_MAX];
    assert_int_equal(address_parse(SLICE(":0"), &any), ERROR_NONE);
    assert_int_equal(io_listen(stage->loop, &any, &listener), ERROR_NONE);
    assert_int_equal(io_local_address(&listener, &address), ERROR_NONE);
    address = loopback(address_port(&address));
    assert_int_equal(io_connect(task, &address, patience_ns(task), &client), ERROR_NONE);
    assert_int_equal(io_accept(task, &listener, &server, &peer, patience_ns(task)), ERROR_NONE);
    struct text text = text_in(buffer, sizeof(buffer));
    address_format_host(&text, &peer);
    assert_true(slice_equal(text_slice(&text), SLICE("127.0.0.1"))); // no ::ffff: in sight
    io_close(&client);
    io_close(&server);
    io_close(&listener);
}

static void test_all_addresses_take_ipv4_too(void **state)
{
    (void)state;
    in_world(0, NULL, all_addresses_body);
}

static void local_body(struct task *task, struct stage *stage)
{
    char directory[] = "/tmp/afloat-test-XXXXXX", path[64];
    struct address address, peer;
    struct io_socket listener, second, client, server;
    struct stat status;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "unix:%s/control", directory);
    assert_int_equal(address_parse(slice_from_string(path), &address), ERROR_NONE);
    assert_int_equal(io_connect(task, &address, patience_ns(task), &client), ERROR_NOT_FOUND);
    assert_int_equal(io_listen(stage->loop, &address, &listener), ERROR_NONE);
    assert_int_equal(stat(address.local.sun_path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(io_listen(stage->loop, &address, &second), ERROR_BUSY);
    assert_int_equal(io_accept(task, &listener, &server, &peer, patience_ns(task)), ERROR_NONE);
    expect_end(task, &server, ERROR_CLOSED); // the second one only asked whether somebody is there
    io_close(&server);
    assert_int_equal(io_connect(task, &address, patience_ns(task), &client), ERROR_NONE);
    assert_int_equal(io_accept(task, &listener, &server, &peer, patience_ns(task)), ERROR_NONE);
    send_text(task, &client, "status");
    expect_received(task, &server, "status");
    io_close(&client);
    io_close(&server);
    io_close(&listener);
    // What a dead process left behind is no obstacle.
    assert_int_equal(io_connect(task, &address, patience_ns(task), &client), ERROR_REFUSED);
    assert_int_equal(io_listen(stage->loop, &address, &listener), ERROR_NONE);
    io_close(&listener);
    unlink(address.local.sun_path);
    rmdir(directory);
}

static void test_a_path_is_listened_on_by_one_process_for_its_user_only(void **state)
{
    (void)state;
    in_world(0, NULL, local_body);
}

// Sending to those who do not read.

static void back_pressure_body(struct task *task, struct stage *stage)
{
    struct pair pair;
    struct scope scope;
    struct flood flood = {.socket = &pair.client};
    int small = 65536;
    open_pair(task, &pair);
    assert_int_equal(
        setsockopt(pair.client.descriptor, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    assert_int_equal(
        setsockopt(pair.server.descriptor, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    scope_open(&scope);
    assert_int_equal(task_start(stage->loop, &scope, floods, &flood), ERROR_NONE);
    size_t at = 0, size;
    unsigned char *buffer = malloc(1 << 20);
    enum error error;
    pause_ms(task, 10);
    assert_false(flood.done); // it waits for us
    while ((error = io_receive(task, &pair.server, buffer, 1 << 20, patience_ns(task), &size)) ==
        ERROR_NONE) {
        for (size_t i = 0; i < size; i++, at++)
            if (buffer[i] != pattern(at))
                fail();
        if (at < ECHO_BYTES / 8)
            pause_ms(task, 1);
    }
    assert_int_equal(error, ERROR_CLOSED);
    assert_int_equal(at, ECHO_BYTES);
    assert_true(flood.done);
    free(buffer);
    scope_close(task, &scope);
    close_pair(&pair);
}

static void test_a_slow_reader_slows_the_sender_and_gets_everything(void **state)
{
    (void)state;
    in_world(0, NULL, back_pressure_body);
}

static void stuck_body(struct task *task, struct stage *stage)
{
    (void)stage;
    struct pair pair;
    open_pair(task, &pair);
    size_t total = 64u << 20, size = 0;
    char *bytes = calloc(1, total);
    struct iovec piece = {.iov_base = bytes, .iov_len = total};
    assert_int_equal(io_send(task, &pair.client, &piece, 1, 30, &size), ERROR_TIMEOUT);
    assert_true(size > 0 && size < total);
    assert_null(pair.client.writer);
    // The kernel has taken exactly that much.
    io_end(&pair.client);
    size_t arrived = 0, part;
    char *buffer = malloc(1 << 20);
    while (io_receive(task, &pair.server, buffer, 1 << 20, patience_ns(task), &part) == ERROR_NONE)
        arrived += part;
    assert_int_equal(arrived, size);
    free(buffer);
    free(bytes);
    close_pair(&pair);
}

static void test_a_send_to_nobody_reading_times_out_and_says_how_far_it_came(void **state)
{
    (void)state;
    in_world(0, NULL, stuck_body);
}

struct greedy {
    struct io_socket *socket;
    uint64_t sent;
};

static void sends_for_ever(struct task *task, void *argument)
{
    struct greedy *greedy = argument;
    char bytes[16] = "";
    struct iovec piece = {.iov_base = bytes, .iov_len = sizeof(bytes)};
    while (io_send(task, greedy->socket, &piece, 1, 60000, NULL) == ERROR_NONE)
        greedy->sent++;
}

static void fairness_body(struct task *task, struct stage *stage)
{
    struct pair pair;
    struct scope scope;
    struct greedy greedy = {.socket = &pair.client};
    open_pair(task, &pair);
    scope_open(&scope);
    assert_int_equal(task_start(stage->loop, &scope, sends_for_ever, &greedy), ERROR_NONE);
    assert_int_equal(task_yield(task), ERROR_NONE);
    // The socket would have taken far more without ever making the task wait.
    assert_in_range(greedy.sent, 1, 100);
    scope_close(task, &scope);
    close_pair(&pair);
}

static void test_a_task_that_never_has_to_wait_lets_others_run(void **state)
{
    (void)state;
    in_world(0, NULL, fairness_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_come_back_unchanged_both_ways_at_once),
        cmocka_unit_test(test_a_half_close_leaves_the_other_way_open),
        cmocka_unit_test(test_a_reset_is_told_from_an_end),
        cmocka_unit_test(test_a_receive_ends_by_bytes_deadline_or_cancellation),
        cmocka_unit_test(test_a_cancelled_task_does_no_more_io),
        cmocka_unit_test(test_quiet_means_open_and_nothing_to_read),
        cmocka_unit_test(test_sockets_do_not_delay_block_or_leak_into_children),
        cmocka_unit_test(test_a_connect_to_nobody_is_refused),
        cmocka_unit_test(test_a_connect_without_answer_times_out),
        cmocka_unit_test(test_accepting_without_descriptors_waits_and_recovers),
        cmocka_unit_test(test_loops_share_a_port_that_a_second_process_cannot_have),
        cmocka_unit_test(test_all_addresses_take_ipv4_too),
        cmocka_unit_test(test_a_path_is_listened_on_by_one_process_for_its_user_only),
        cmocka_unit_test(test_a_slow_reader_slows_the_sender_and_gets_everything),
        cmocka_unit_test(test_a_send_to_nobody_reading_times_out_and_says_how_far_it_came),
        cmocka_unit_test(test_a_task_that_never_has_to_wait_lets_others_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
