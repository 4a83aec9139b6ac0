// The body of a request is read the same however its bytes come: with the head, later, split at any
// byte, with the next request behind it.
#include "../io/pair.h" // for what is sent and expected
#include "edge/connection.h"
#include "http/http1.h"

#include <stdio.h>

#define NEXT "GET /next HTTP/1.1\r\n"

static const struct http1_limits limits = {.head_size = 65536, .line_size = 16384,
    .field_count = 64, .chunk_line_size = 64, .trailer_size = 128};

// A thread with what reading a body needs, and a visitor's connection on its loop.
struct scene {
    struct io_socket listener, client; // sockets stay where they were opened
    struct edge_thread thread;
    struct ledger_row ledger;
    struct connection connection;
    struct request_body body;
};

static void scene_open(struct task *task, struct scene *scene)
{
    struct address address = loopback(0), peer;
    memset(scene, 0, sizeof(*scene));
    assert_int_equal(io_listen(task_loop(task), &address, &scene->listener), ERROR_NONE);
    assert_int_equal(io_local_address(&scene->listener, &address), ERROR_NONE);
    assert_int_equal(io_connect(task, &address, patience_ns(task), &scene->client), ERROR_NONE);
    assert_int_equal(io_accept(task, &scene->listener, &scene->connection.stream.socket, &peer,
                         patience_ns(task)), ERROR_NONE);
    scene->thread.loop = task_loop(task);
    scene->thread.ledger = &scene->ledger;
    scene->connection.thread = &scene->thread;
    scene->connection.buffer = edge_buffer_take(&scene->thread);
    assert_non_null(scene->connection.buffer);
    scene->connection.capacity = EDGE_BUFFER_SIZE;
}

static void scene_close(struct scene *scene)
{
    request_body_end(&scene->body);
    edge_buffer_give(&scene->thread, scene->connection.buffer);
    while (scene->thread.buffers != NULL) {
        struct buffer_link *buffer = scene->thread.buffers;
        scene->thread.buffers = buffer->next;
        memory_free(buffer);
    }
    io_close(&scene->connection.stream.socket);
    io_close(&scene->client);
    io_close(&scene->listener);
}

// As after reading a head: these bytes came with it. A head of some size stands before them.
static void came_with_head(struct scene *scene, const char *bytes, size_t size)
{
    scene->connection.begin = 40;
    scene->connection.end = 40 + (uint32_t)size;
    memcpy(scene->connection.buffer + 40, bytes, size);
}

static void begin(struct scene *scene, enum http_framing framing, uint64_t length, bool expects)
{
    struct http_request_head head = {.method = HTTP_METHOD_POST, .minor_version = 1,
        .framing = framing, .content_length = length, .expect_continue = expects};
    request_body_init(&scene->body, &scene->connection, &head, &limits, 60000);
}

static void send_bytes(struct task *task, struct scene *scene, const char *bytes, size_t size)
{
    struct iovec piece = {.iov_base = (char *)(uintptr_t)bytes, .iov_len = size};
    if (size > 0)
        assert_int_equal(io_send(task, &scene->client, &piece, 1, 60000, NULL), ERROR_NONE);
}

static void expect_content(struct task *task, struct scene *scene, const char *expected,
    size_t at_most)
{
    char content[256];
    size_t done = 0, size = 0;
    enum error error;
    while ((error = request_body_read(task, &scene->body, content + done, at_most, &size))
        == ERROR_NONE) {
        assert_in_range(size, 1, at_most);
        done += size;
        assert_true(done <= strlen(expected));
    }
    assert_int_equal(error, ERROR_CLOSED);
    assert_int_equal(done, strlen(expected));
    assert_memory_equal(content, expected, done);
    assert_true(request_body_is_finished(&scene->body));
    assert_int_equal(request_body_read(task, &scene->body, content, at_most, &size), ERROR_CLOSED);
}

// What follows the body is there for the next head, wherever it was buffered.
static void expect_next(struct task *task, struct scene *scene)
{
    struct connection *connection = &scene->connection;
    request_body_end(&scene->body);
    char text[sizeof(NEXT)];
    size_t done = connection->end - connection->begin, size;
    assert_true(done < sizeof(text));
    memcpy(text, connection->buffer + connection->begin, done);
    while (done < strlen(NEXT)) {
        assert_int_equal(io_receive(task, &connection->stream.socket, text + done,
                             strlen(NEXT) - done, patience_ns(task), &size), ERROR_NONE);
        done += size;
    }
    assert_int_equal(done, strlen(NEXT));
    assert_memory_equal(text, NEXT, done);
}

// With these lines behind the content.
static void split_with_trailer(struct task *task, enum http_framing framing, uint64_t length,
    const char *raw, const char *expected, const char *trailer)
{
    char whole[256];
    size_t size = (size_t)snprintf(whole, sizeof(whole), "%s%s", raw, NEXT);
    for (size_t first = 0; first <= size; first++) {
        for (size_t at_most = 1; at_most <= 16; at_most += 15) {
            struct scene scene;
            scene_open(task, &scene);
            came_with_head(&scene, whole, first);
            begin(&scene, framing, length, false);
            send_bytes(task, &scene, whole + first, size - first);
            expect_content(task, &scene, expected, at_most);
            assert_int_equal(scene.body.trailer.size, strlen(trailer));
            if (trailer[0] != '\0')
                assert_memory_equal(scene.body.trailer.bytes, trailer, strlen(trailer));
            expect_next(task, &scene);
            scene_close(&scene);
        }
    }
}

static void split_everywhere(struct task *task, enum http_framing framing, uint64_t length,
    const char *raw, const char *expected)
{
    split_with_trailer(task, framing, length, raw, expected, "");
}

static void length_split(struct task *task, struct stage *stage)
{
    (void)stage;
    split_everywhere(task, HTTP_FRAMING_LENGTH, 10, "0123456789", "0123456789");
    split_everywhere(task, HTTP_FRAMING_LENGTH, 0, "", "");
    split_everywhere(task, HTTP_FRAMING_NONE, 0, "", "");
}

static void test_a_known_length_split_at_every_byte(void **state)
{
    (void)state;
    in_world(0, NULL, length_split);
}

static void chunks_split(struct task *task, struct stage *stage)
{
    (void)stage;
    split_with_trailer(task, HTTP_FRAMING_CHUNKED, 0,
        "3\r\nabc\r\nA;name=value\r\n0123456789\r\n0\r\nX-Check: kept\r\nB:\r\n\r\n",
        "abc0123456789", "X-Check: kept\r\nB:\r\n\r\n");
    split_with_trailer(task, HTTP_FRAMING_CHUNKED, 0, "0\r\n\r\n", "", "\r\n");
}

static void test_chunks_split_at_every_byte(void **state)
{
    (void)state;
    in_world(0, NULL, chunks_split);
}

// Byte by byte: each is sent once the one before was taken.
static void trickle_main(struct task *task, void *argument)
{
    struct scene *scene = argument;
    static const char raw[] = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" NEXT;
    for (size_t i = 0; i < strlen(raw); i++) {
        send_bytes(task, scene, raw + i, 1);
        if (task_sleep_until(task, deadline_after_ms(task_loop(task), 1)) != ERROR_NONE)
            return; // all of it was taken
    }
}

static void trickle(struct task *task, struct stage *stage)
{
    (void)stage;
    struct scene scene;
    struct scope scope;
    scene_open(task, &scene);
    scope_open(&scope);
    begin(&scene, HTTP_FRAMING_CHUNKED, 0, false);
    assert_int_equal(task_start(task_loop(task), &scope, trickle_main, &scene), ERROR_NONE);
    expect_content(task, &scene, "abcde", 16);
    expect_next(task, &scene);
    scope_close(task, &scope);
    scene_close(&scene);
}

static void test_bytes_that_trickle_in(void **state)
{
    (void)state;
    in_world(0, NULL, trickle);
}

static void continues(struct task *task, struct stage *stage)
{
    (void)stage;
    struct scene scene;
    char content[16];
    size_t size;
    // Owed before the first read from the socket, once.
    scene_open(task, &scene);
    begin(&scene, HTTP_FRAMING_LENGTH, 4, true);
    send_bytes(task, &scene, "ab", 2);
    assert_int_equal(request_body_read(task, &scene.body, content, 16, &size), ERROR_NONE);
    expect_received(task, &scene.client, "HTTP/1.1 100 Continue\r\n\r\n");
    send_bytes(task, &scene, "cd" NEXT, 2 + strlen(NEXT));
    expect_content(task, &scene, size == 2 ? "cd" : "", 16);
    expect_next(task, &scene);
    scene_close(&scene);
    // Not when its content has come already.
    scene_open(task, &scene);
    came_with_head(&scene, "abcd", 4);
    begin(&scene, HTTP_FRAMING_LENGTH, 4, true);
    expect_content(task, &scene, "abcd", 16);
    io_end(&scene.connection.stream.socket);
    expect_end(task, &scene.client, ERROR_CLOSED);
    scene_close(&scene);
}

static void test_100_is_sent_when_it_is_waited_for(void **state)
{
    (void)state;
    in_world(0, NULL, continues);
}

static void expect_failure(struct task *task, struct scene *scene, enum error expected)
{
    char content[64];
    size_t size = 0;
    enum error error;
    while ((error = request_body_read(task, &scene->body, content, sizeof(content), &size))
        == ERROR_NONE) {
    }
    assert_int_equal(error, expected);
    assert_false(request_body_is_finished(&scene->body));
    // It stays so.
    assert_int_equal(request_body_read(task, &scene->body, content, 1, &size), expected);
}

static void failures(struct task *task, struct stage *stage)
{
    (void)stage;
    struct scene scene;
    scene_open(task, &scene);
    begin(&scene, HTTP_FRAMING_LENGTH, 10, false);
    send_bytes(task, &scene, "abc", 3);
    io_end(&scene.client);
    expect_failure(task, &scene, ERROR_TRUNCATED);
    scene_close(&scene);

    scene_open(task, &scene);
    begin(&scene, HTTP_FRAMING_CHUNKED, 0, false);
    send_bytes(task, &scene, "3\r\nabcX", 7);
    expect_failure(task, &scene, ERROR_PROTOCOL);
    assert_int_equal(scene.ledger.counts[LEDGER_BAD_REQUESTS], 1);
    assert_int_equal(scene.ledger.faults[HTTP1_FAULT_CHUNK], 1);
    scene_close(&scene);

    scene_open(task, &scene);
    begin(&scene, HTTP_FRAMING_LENGTH, 10, false);
    scene.body.timeout_ms = 5;
    expect_failure(task, &scene, ERROR_TIMEOUT);
    assert_int_equal(scene.ledger.counts[LEDGER_BODY_TIMEOUTS], 1);
    scene_close(&scene);
}

static void test_failures_are_told_apart_and_counted(void **state)
{
    (void)state;
    in_world(0, NULL, failures);
}

static void read_in_vain(struct task *task, void *argument)
{
    struct scene *scene = argument;
    char content[16];
    size_t size;
    assert_int_equal(request_body_read(task, &scene->body, content, sizeof(content), &size),
        ERROR_CANCELLED);
}

// Whoever reads it for another backend finds all of it.
static void called_off(struct task *task, struct stage *stage)
{
    struct scene scene;
    struct scope scope;
    (void)stage;
    scene_open(task, &scene);
    begin(&scene, HTTP_FRAMING_CHUNKED, 0, false);
    scope_open(&scope);
    assert_int_equal(task_start(task_loop(task), &scope, read_in_vain, &scene), ERROR_NONE);
    assert_int_equal(task_yield(task), ERROR_NONE);
    scope_close(task, &scope);
    send_bytes(task, &scene, "3\r\nabc\r\n0\r\n\r\n" NEXT, 13 + strlen(NEXT));
    expect_content(task, &scene, "abc", 16);
    expect_next(task, &scene);
    scene_close(&scene);
}

static void test_a_read_that_was_called_off_takes_nothing(void **state)
{
    (void)state;
    in_world(0, NULL, called_off);
}

static void discards(struct task *task, struct stage *stage)
{
    (void)stage;
    struct scene scene;
    // All of it is here: thrown away, and the connection goes on.
    scene_open(task, &scene);
    came_with_head(&scene, "0123" NEXT, 4 + strlen(NEXT));
    begin(&scene, HTTP_FRAMING_LENGTH, 4, false);
    request_body_discard_buffered(&scene.body);
    assert_true(request_body_is_finished(&scene.body));
    expect_next(task, &scene);
    scene_close(&scene);
    // Some of it: nothing is waited for.
    scene_open(task, &scene);
    came_with_head(&scene, "3\r\nab", 5);
    begin(&scene, HTTP_FRAMING_CHUNKED, 0, false);
    request_body_discard_buffered(&scene.body);
    assert_false(request_body_is_finished(&scene.body));
    scene_close(&scene);
    // Who waits for 100 has not sent it.
    scene_open(task, &scene);
    begin(&scene, HTTP_FRAMING_LENGTH, 4, true);
    request_body_discard_buffered(&scene.body);
    assert_false(request_body_is_finished(&scene.body));
    scene_close(&scene);
}

static void test_an_unwanted_body_is_thrown_away_without_waiting(void **state)
{
    (void)state;
    in_world(0, NULL, discards);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_known_length_split_at_every_byte),
        cmocka_unit_test(test_chunks_split_at_every_byte),
        cmocka_unit_test(test_bytes_that_trickle_in),
        cmocka_unit_test(test_100_is_sent_when_it_is_waited_for),
        cmocka_unit_test(test_failures_are_told_apart_and_counted),
        cmocka_unit_test(test_a_read_that_was_called_off_takes_nothing),
        cmocka_unit_test(test_an_unwanted_body_is_thrown_away_without_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
