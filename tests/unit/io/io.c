// What the seam does in every world, over operations that obey the test.
#include "virtual.h"

struct fake {
    struct loop loop;
    uint64_t step_ms;   // time that each send takes
    size_t chunk;       // bytes that each send takes at most
    unsigned sends, fail_at;
    unsigned controls[IO_CONTROL_END + 1];
    bool has_bytes;     // when parked
    bool shared;
    char sent[4096];
    size_t sent_size;
};

static struct fake *fake_of(struct loop *loop)
{
    return CONTAINER_OF(loop, struct fake, loop);
}

static enum error fake_listen(struct loop *loop, const struct address *address, bool shared,
    struct io_socket *ret_socket)
{
    (void)address;
    fake_of(loop)->shared = shared;
    *ret_socket = (struct io_socket){.loop = loop};
    return ERROR_NONE;
}

static enum error fake_send(struct task *task, struct io_socket *socket, const struct iovec *pieces,
    size_t count, uint64_t deadline_ns, size_t *ret_size)
{
    struct fake *fake = fake_of(socket->loop);
    if (++fake->sends == fake->fail_at)
        return ERROR_RESET;
    uint64_t until_ns = deadline_after_ms(socket->loop, fake->step_ms);
    enum error error = task_sleep_until(task, MINIMUM(until_ns, deadline_ns));
    if (error != ERROR_NONE)
        return error;
    if (until_ns > deadline_ns)
        return ERROR_TIMEOUT;
    size_t left = fake->chunk, size = 0;
    for (size_t i = 0; i < count && left > 0; i++) {
        size_t part = MINIMUM(left, pieces[i].iov_len);
        assert_true(fake->sent_size + part <= sizeof(fake->sent));
        if (part > 0)
            memcpy(fake->sent + fake->sent_size, pieces[i].iov_base, part);
        fake->sent_size += part;
        size += part;
        left -= part;
    }
    assert_true(size > 0); // never asked for nothing
    *ret_size = size;
    return ERROR_NONE;
}

static bool fake_control(struct io_socket *socket, unsigned control)
{
    struct fake *fake = fake_of(socket->loop);
    fake->controls[control]++;
    if (control == IO_CONTROL_PARK && fake->has_bytes)
        io_notice_soon(socket);
    return true;
}

static const struct io_operations fake_operations = {
    .turn = virtual_turn,
    .interrupt = virtual_interrupt,
    .listen = fake_listen,
    .send = fake_send,
    .control = fake_control,
};

static struct fake *fake_create(unsigned index)
{
    struct loop_limits limits = {.tasks = 64, .stack_size = 64 * 1024};
    struct fake *fake = calloc(1, sizeof(*fake));
    assert_non_null(fake);
    loop_init(&fake->loop, &fake_operations, &limits, index, 2, 1);
    fake->chunk = sizeof(fake->sent);
    return fake;
}

static void fake_destroy(struct fake *fake)
{
    loop_destroy(&fake->loop);
    free(fake);
}

struct sending {
    struct io_socket socket;
    struct iovec pieces[40];
    size_t count, size;
    uint64_t idle_ms;
    enum error result;
};

static void sends(struct task *task, void *argument)
{
    struct sending *sending = argument;
    sending->result = io_send(task, &sending->socket, sending->pieces, sending->count,
        sending->idle_ms, &sending->size);
}

// Pieces of 0, 1, 2, … bytes of one text.
static size_t fill(struct sending *sending, struct fake *fake, char *bytes)
{
    size_t at = 0;
    *sending = (struct sending){.socket.loop = &fake->loop, .count = ARRAY_SIZE(sending->pieces),
        .size = 12345, .idle_ms = 100, .result = ERROR_SYSTEM};
    for (size_t i = 0; i < sending->count; i++) {
        sending->pieces[i] = (struct iovec){.iov_base = bytes + at, .iov_len = i};
        for (size_t j = 0; j < i; j++, at++)
            bytes[at] = (char)('a' + at % 26);
    }
    return at;
}

static void run_sending(struct fake *fake, struct sending *sending)
{
    assert_int_equal(task_start(&fake->loop, NULL, sends, sending), ERROR_NONE);
    virtual_run(&fake->loop);
}

static void test_partial_sends_go_on_where_they_stopped(void **state)
{
    (void)state;
    for (size_t chunk = 1; chunk <= 800; chunk = chunk * 3 / 2 + 1) {
        struct fake *fake = fake_create(0);
        struct sending sending;
        char bytes[1000];
        size_t total = fill(&sending, fake, bytes);
        fake->chunk = chunk;
        run_sending(fake, &sending);
        assert_int_equal(sending.result, ERROR_NONE);
        assert_int_equal(sending.size, total);
        assert_int_equal(fake->sent_size, total);
        assert_memory_equal(fake->sent, bytes, total);
        fake_destroy(fake);
    }
}

static void test_the_idle_deadline_moves_on_with_each_byte(void **state)
{
    (void)state;
    struct fake *fake = fake_create(0);
    struct sending sending;
    char bytes[1000];
    size_t total = fill(&sending, fake, bytes);
    fake->chunk = 10;
    fake->step_ms = 99; // each step within the deadline, the whole far beyond it
    run_sending(fake, &sending);
    assert_int_equal(sending.result, ERROR_NONE);
    assert_int_equal(sending.size, total);
    assert_true(fake->loop.now_ns > 20 * sending.idle_ms * NS_PER_MS);
    fake_destroy(fake);
}

static void test_a_stuck_send_times_out_and_tells_its_progress(void **state)
{
    (void)state;
    struct fake *fake = fake_create(0);
    struct sending sending;
    char bytes[1000];
    fill(&sending, fake, bytes);
    fake->step_ms = 101;
    run_sending(fake, &sending);
    assert_int_equal(sending.result, ERROR_TIMEOUT);
    assert_int_equal(sending.size, 0);
    fake_destroy(fake);

    fake = fake_create(0);
    fill(&sending, fake, bytes);
    fake->chunk = 17;
    fake->fail_at = 4;
    run_sending(fake, &sending);
    assert_int_equal(sending.result, ERROR_RESET);
    assert_int_equal(sending.size, 3 * 17);
    fake_destroy(fake);
}

static void test_nothing_to_send_is_sent_at_once(void **state)
{
    (void)state;
    struct fake *fake = fake_create(0);
    struct sending sending = {.socket.loop = &fake->loop, .count = 3, .result = ERROR_SYSTEM};
    run_sending(fake, &sending);
    assert_int_equal(sending.result, ERROR_NONE);
    assert_int_equal(sending.size, 0);
    assert_int_equal(fake->sends, 0);
    fake_destroy(fake);
}

static void test_only_the_first_loop_asks_for_a_port_alone(void **state)
{
    (void)state;
    struct address address = {0};
    for (unsigned index = 0; index < 2; index++) {
        struct fake *fake = fake_create(index);
        struct io_socket listener;
        assert_int_equal(io_listen(&fake->loop, &address, &listener), ERROR_NONE);
        assert_int_equal(fake->shared, index > 0);
        fake_destroy(fake);
    }
}

struct parked {
    struct io_socket socket;
    unsigned calls;
    enum error reason;
};

static void ready(struct io_socket *socket, enum error reason)
{
    struct parked *parked = CONTAINER_OF(socket, struct parked, socket);
    parked->calls++;
    parked->reason = reason;
    assert_false(io_is_parked(socket));
}

static void test_parking_ends_by_notice_deadline_unparking_or_closing(void **state)
{
    (void)state;
    struct fake *fake = fake_create(0);
    struct parked parked = {.socket.loop = &fake->loop};
    io_park(&parked.socket, deadline_after_ms(&fake->loop, 5), ready);
    assert_int_equal(fake->controls[IO_CONTROL_PARK], 1);
    virtual_run(&fake->loop);
    assert_int_equal(parked.calls, 1);
    assert_int_equal(parked.reason, ERROR_TIMEOUT);
    assert_int_equal(fake->controls[IO_CONTROL_UNPARK], 1);

    io_park(&parked.socket, NEVER_NS, ready);
    io_notice(&parked.socket);
    assert_int_equal(parked.calls, 2);
    assert_int_equal(parked.reason, ERROR_NONE);

    fake->has_bytes = true;
    io_park(&parked.socket, NEVER_NS, ready);
    assert_int_equal(parked.calls, 2); // not from within
    virtual_run(&fake->loop);
    assert_int_equal(parked.calls, 3);
    assert_int_equal(parked.reason, ERROR_NONE);

    io_park(&parked.socket, NEVER_NS, ready);
    io_unpark(&parked.socket);
    io_park(&parked.socket, NEVER_NS, ready);
    io_close(&parked.socket);
    virtual_run(&fake->loop);
    assert_int_equal(parked.calls, 3);
    assert_int_equal(fake->loop.wheel.armed, 0);
    assert_int_equal(fake->controls[IO_CONTROL_CLOSE], 1);
    io_close(&parked.socket);
    io_reset(&parked.socket);
    io_end(&parked.socket);
    assert_int_equal(fake->controls[IO_CONTROL_CLOSE], 1);
    assert_int_equal(fake->controls[IO_CONTROL_RESET], 0);
    assert_int_equal(fake->controls[IO_CONTROL_END], 0);
    fake_destroy(fake);
}

static void test_an_end_is_told_once(void **state)
{
    (void)state;
    struct fake *fake = fake_create(0);
    struct io_socket socket = {.loop = &fake->loop};
    io_end(&socket);
    io_end(&socket);
    assert_int_equal(fake->controls[IO_CONTROL_END], 1);
    io_close(&socket);
    fake_destroy(fake);
}

static void test_parking_allocates_nothing(void **state)
{
    (void)state;
    struct fake *fake = fake_create(0);
    struct parked parked = {.socket.loop = &fake->loop};
    fail_next_allocation();
    io_park(&parked.socket, deadline_after_ms(&fake->loop, 5), ready);
    virtual_run(&fake->loop);
    memory_fail_after(0);
    assert_int_equal(parked.calls, 1);
    fake_destroy(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partial_sends_go_on_where_they_stopped),
        cmocka_unit_test(test_the_idle_deadline_moves_on_with_each_byte),
        cmocka_unit_test(test_a_stuck_send_times_out_and_tells_its_progress),
        cmocka_unit_test(test_nothing_to_send_is_sent_at_once),
        cmocka_unit_test(test_only_the_first_loop_asks_for_a_port_alone),
        cmocka_unit_test(test_parking_ends_by_notice_deadline_unparking_or_closing),
        cmocka_unit_test(test_an_end_is_told_once),
        cmocka_unit_test(test_parking_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
