// Exchanges with scripted backends over real sockets: framing, failures, kept connections, uploads,
// cancellation, limits, and the nth allocation failing.
#include "visit.h"

#define SHORT_MS "150ms"

// Answers by the number of the connection: the text of a table, in one go or byte by byte, then
// ends.

struct answer_case {
    const char *method, *bytes;
    enum error opened;
    enum failure_kind kind;
    unsigned status;
    enum error read;
    const char *content;
    bool keeps; // the connection afterwards
};

static const struct answer_case answer_cases[] = {
    {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", ERROR_NONE, FAILURE_NONE, 200,
        ERROR_CLOSED, "hello", true},
    {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ERROR_NONE, FAILURE_NONE, 200,
        ERROR_CLOSED, "", true},
    {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n"
        "T: v\r\n\r\n", ERROR_NONE, FAILURE_NONE, 200, ERROR_CLOSED, "abcde", true},
    {"GET", "HTTP/1.1 200 OK\r\n\r\nto the end", ERROR_NONE, FAILURE_NONE, 200, ERROR_CLOSED,
        "to the end", false},
    {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", ERROR_NONE, FAILURE_NONE, 200,
        ERROR_CLOSED, "ok", false},
    {"GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", ERROR_NONE,
        FAILURE_NONE, 200, ERROR_CLOSED, "ok", false},
    {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok, more", ERROR_NONE, FAILURE_NONE, 200,
        ERROR_CLOSED, "ok", false},
    {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nmore", ERROR_NONE,
        FAILURE_NONE, 200, ERROR_CLOSED, "", false},
    {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", ERROR_NONE, FAILURE_NONE, 200,
        ERROR_CLOSED, "", true},
    {"GET", "HTTP/1.1 204 No Content\r\n\r\n", ERROR_NONE, FAILURE_NONE, 204, ERROR_CLOSED, "",
        true},
    {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", ERROR_NONE, FAILURE_NONE, 304,
        ERROR_CLOSED, "", true},
    {"GET", "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", ERROR_NONE, FAILURE_NONE, 503,
        ERROR_CLOSED, "busy", true},
    {"GET", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", ERROR_NONE, FAILURE_NONE, 200,
        ERROR_CLOSED, "x", true},
    // Broken off.
    {"GET", "", ERROR_CLOSED, FAILURE_CONNECTION_TERMINATED, 0, ERROR_NONE, "", false},
    {"GET", "HTTP/1.1 200 OK\r\nConte", ERROR_TRUNCATED, FAILURE_RESPONSE_INCOMPLETE, 0, ERROR_NONE,
        "", false},
    {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", ERROR_NONE,
        FAILURE_RESPONSE_INCOMPLETE, 200, ERROR_TRUNCATED, "hello", false},
    {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", ERROR_NONE,
        FAILURE_RESPONSE_INCOMPLETE, 200, ERROR_TRUNCATED, "abc", false},
    {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", ERROR_NONE,
        FAILURE_RESPONSE_INCOMPLETE, 200, ERROR_TRUNCATED, "", false},
    // Malformed.
    {"GET", "SSH-2.0-OpenSSH_9.2p1\r\n\r\n", ERROR_PROTOCOL, FAILURE_PROTOCOL_ERROR, 0, ERROR_NONE,
        "", false},
    {"GET", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", ERROR_PROTOCOL, FAILURE_PROTOCOL_ERROR, 0,
        ERROR_NONE, "", false},
    {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        ERROR_PROTOCOL, FAILURE_PROTOCOL_ERROR, 0, ERROR_NONE, "", false},
    {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", ERROR_PROTOCOL,
        FAILURE_RESPONSE_TRANSFER_CODING, 0, ERROR_NONE, "", false},
    {"GET", "HTTP/1.1 101 Switching Protocols\r\n\r\n", ERROR_PROTOCOL, FAILURE_PROTOCOL_ERROR, 0,
        ERROR_NONE, "", false},
    {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nxyz\r\n", ERROR_NONE,
        FAILURE_RESPONSE_TRANSFER_CODING, 200, ERROR_PROTOCOL, "ab", false},
    {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabxyz", ERROR_NONE,
        FAILURE_RESPONSE_TRANSFER_CODING, 200, ERROR_PROTOCOL, "ab", false},
    {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\na b: c\r\n\r\n",
        ERROR_NONE, FAILURE_PROTOCOL_ERROR, 200, ERROR_PROTOCOL, "ab", false},
    {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked;a\r\n\r\n", ERROR_PROTOCOL,
        FAILURE_PROTOCOL_ERROR, 0, ERROR_NONE, "", false},
};

static const struct answer_case *answer_now; // what the script below sends
static bool answer_slowly;

static void answer_script(struct server *server, int descriptor, unsigned number)
{
    (void)number;
    while (server_read_head(server, descriptor)) {
        const char *bytes = answer_now->bytes;
        if (!answer_slowly)
            server_send(descriptor, bytes);
        for (; answer_slowly && *bytes != 0; bytes++) {
            char byte[2] = {*bytes, 0};
            int one = 1;
            setsockopt(descriptor, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof(one));
            server_send(descriptor, byte);
        }
        if (!answer_now->keeps)
            return;
    }
}

static void check_answer(const struct answer_case *expected, size_t read_size)
{
    struct bench bench;
    struct server *server = server_start(answer_script);
    answer_now = expected;
    open_bench(&bench, server, "");
    struct visit *visit = visit_create(&bench, expected->method);
    visit->read_size = read_size;
    visit_once(visit);
    if (visit->opened != expected->opened || visit->failure.kind != expected->kind)
        fail_msg("%s: error %s, failure %s", expected->bytes, error_text(visit->opened),
            failure_phrase(visit->failure.kind));
    assert_false(visit->failure.unsent);
    assert_false(visit->failure.reused_connection);
    if (expected->opened == ERROR_NONE) {
        assert_int_equal(visit->status, expected->status);
        assert_int_equal(visit->read, expected->read);
        assert_int_equal(visit->content_size, strlen(expected->content));
        assert_memory_equal(visit->content, expected->content, strlen(expected->content));
    }
    struct backend_view view = view_of(&bench);
    assert_int_equal(view.in_flight, 0);
    assert_int_equal(view.connections_idle, expected->keeps ? 1 : 0);
    assert_int_equal(view.connections_open, view.connections_idle);
    bool failed = expected->kind != FAILURE_NONE || expected->status == 503;
    assert_int_equal(statistics_of(&bench).failures, failed ? 1 : 0);
    char *request = server_last_request(server);
    assert_string_equal(request,
        visit->request.method == HTTP_METHOD_HEAD
            ? "HEAD /page?q HTTP/1.1\r\nHost: example.org\r\nA: b\r\n\r\n"
            : "GET /page?q HTTP/1.1\r\nHost: example.org\r\nA: b\r\n\r\n");
    free(request);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

static void test_answers_in_one_piece(void **state)
{
    (void)state;
    answer_slowly = false;
    for (size_t i = 0; i < ARRAY_SIZE(answer_cases); i++)
        check_answer(&answer_cases[i], 65536);
}

static void test_answers_byte_by_byte(void **state)
{
    (void)state;
    answer_slowly = true;
    for (size_t i = 0; i < ARRAY_SIZE(answer_cases); i++) {
        // What comes after the end comes too late here to be seen with it.
        if (strstr(answer_cases[i].bytes, "more") == NULL)
            check_answer(&answer_cases[i], 65536);
    }
    answer_slowly = false;
}

static void test_answers_read_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(answer_cases); i++)
        check_answer(&answer_cases[i], 1);
}

static void test_too_many_interim_answers_are_malformed(void **state)
{
    (void)state;
    char bytes[2048] = "";
    for (unsigned i = 0; i < 9; i++)
        strcat(bytes, "HTTP/1.1 100 Continue\r\n\r\n");
    strcat(bytes, "HTTP/1.1 204 No Content\r\n\r\n");
    struct answer_case nine = {"GET", bytes, ERROR_PROTOCOL, FAILURE_PROTOCOL_ERROR, 0, ERROR_NONE,
        "", false};
    check_answer(&nine, 65536);
    struct answer_case eight = {"GET", bytes + 25, ERROR_NONE, FAILURE_NONE, 204, ERROR_CLOSED, "",
        true};
    check_answer(&eight, 65536);
}

static void check_large_head(size_t line, unsigned lines, bool fits)
{
    size_t size = (line + 8) * lines + 200;
    char *bytes = calloc(1, size);
    assert_non_null(bytes);
    char *at = bytes + sprintf(bytes, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n");
    for (unsigned i = 0; i < lines; i++) {
        memcpy(at, "X: ", 3);
        memset(at + 3, 'x', line);
        memcpy(at + 3 + line, "\r\n", 2);
        at += line + 5;
    }
    memcpy(at, "\r\n!", 3);
    struct answer_case large = {"GET", bytes, fits ? ERROR_NONE : ERROR_PROTOCOL,
        fits ? FAILURE_NONE : FAILURE_RESPONSE_HEADER_TOO_LARGE, fits ? 200 : 0,
        fits ? ERROR_CLOSED : ERROR_NONE, fits ? "!" : "", fits};
    check_answer(&large, 65536);
    free(bytes);
}

static void test_large_heads_fit_or_are_refused(void **state)
{
    (void)state;
    check_large_head(1000, 50, true);    // beyond the first buffer
    check_large_head(10, 250, true);     // beyond the inline fields
    check_large_head(1000, 80, false);   // beyond head_size
    check_large_head(20000, 1, false);   // beyond line_size
    check_large_head(10, 300, false);    // beyond field_count
}

// A backend that cuts with RST.
static void reset_script(struct server *server, int descriptor, unsigned number)
{
    static const char *const beginnings[] = {
        "", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"};
    if (!server_read_head(server, descriptor))
        return;
    server_send(descriptor, beginnings[number % 3]);
    server_reset(descriptor);
}

static void test_resets(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(reset_script);
    open_bench(&bench, server, "");
    struct visit *visit = visit_create(&bench, "GET");
    visit_once(visit);
    assert_int_equal(visit->failure.kind, FAILURE_CONNECTION_TERMINATED);
    assert_false(visit->failure.unsent);
    visit_once(visit);
    // The RST may overtake the bytes before it.
    assert_true(visit->failure.kind == FAILURE_RESPONSE_INCOMPLETE
        || visit->failure.kind == FAILURE_CONNECTION_TERMINATED);
    visit_once(visit);
    assert_true(visit->failure.kind == FAILURE_RESPONSE_INCOMPLETE
        || visit->failure.kind == FAILURE_CONNECTION_TERMINATED);
    assert_true(visit->opened != ERROR_NONE || visit->read == ERROR_RESET);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

// Backends that stop.
static void hang_script(struct server *server, int descriptor, unsigned number)
{
    static const char *const beginnings[] = {
        "", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"};
    if (!server_read_head(server, descriptor))
        return;
    server_send(descriptor, beginnings[number % 3]);
    server_await_end(descriptor);
}

static void test_hanging_backends_are_given_up(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(hang_script);
    open_bench(&bench, server, "    timeouts: {first_byte: " SHORT_MS "}\n");
    struct visit *visit = visit_create(&bench, "GET");
    visit_once(visit);
    assert_int_equal(visit->opened, ERROR_TIMEOUT);
    assert_int_equal(visit->failure.kind, FAILURE_RESPONSE_TIMEOUT);
    visit_once(visit);
    assert_int_equal(visit->opened, ERROR_TIMEOUT);
    assert_int_equal(visit->failure.kind, FAILURE_RESPONSE_TIMEOUT);
    free(visit);
    bench_close(&bench);
    // Its head has all the time it needs.
    open_bench(&bench, server, "    timeouts: {between_bytes: " SHORT_MS "}\n");
    visit = visit_create(&bench, "GET");
    visit_once(visit);
    assert_int_equal(visit->opened, ERROR_NONE);
    assert_int_equal(visit->read, ERROR_TIMEOUT);
    assert_int_equal(visit->failure.kind, FAILURE_CONNECTION_READ_TIMEOUT);
    assert_int_equal(visit->content_size, 4);
    assert_int_equal(view_of(&bench).connections_open, 0);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

static void test_the_whole_attempt_has_a_deadline(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(hang_script);
    open_bench(&bench, server, "    timeouts: {total: " SHORT_MS "}\n");
    struct visit *visit = visit_create(&bench, "GET");
    for (unsigned i = 0; i < 3; i++) {
        visit_once(visit);
        assert_int_equal(visit->opened == ERROR_NONE ? visit->read : visit->opened, ERROR_TIMEOUT);
        assert_int_equal(visit->failure.kind, FAILURE_RESPONSE_TIMEOUT);
    }
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

static void error_script(struct server *server, int descriptor, unsigned number)
{
    (void)number;
    while (server_read_head(server, descriptor))
        server_send(descriptor, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
}

// Who asks once more for what was 500 is one witness, however often.
static void test_the_same_failure_twice_says_nothing_new(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(error_script);
    open_bench(&bench, server, "");
    struct visit *visit = visit_create(&bench, "GET");
    struct origin *origin = origin_find(bench.origins, SLICE("main"));
    int64_t since_ms;
    assert_int_equal(origin_last_failure_ns(origin), 0);
    visit->request.has_failed = true;
    for (unsigned i = 0; i < 8; i++)
        visit_once(visit);
    assert_int_equal(origin_last_failure_ns(origin), 0);
    assert_false(origin_is_failing(origin));
    assert_int_equal(statistics_of(&bench).failures, 8);
    visit->request.has_failed = false;
    for (unsigned i = 0; i < 5; i++) {
        assert_false(origin_is_down(origin, &since_ms));
        visit_once(visit);
        assert_int_equal(visit->status, 500);
    }
    assert_true(origin_is_down(origin, &since_ms) && origin_last_failure_ns(origin) > 0);
    origin_release(origin);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

static void test_nobody_listens(void **state)
{
    (void)state;
    struct bench bench;
    struct server nobody = {0};
    close(listen_somewhere(&nobody.port));
    open_bench(&bench, &nobody, "");
    struct visit *visit = visit_create(&bench, "POST");
    int64_t since_ms = 0;
    visit_once(visit);
    assert_int_equal(visit->opened, ERROR_REFUSED);
    assert_int_equal(visit->failure.kind, FAILURE_CONNECTION_REFUSED);
    assert_true(visit->failure.unsent);
    char name[64];
    snprintf(name, sizeof(name), "127.0.0.1:%u", nobody.port);
    assert_string_equal(visit->failure.backend, name);
    struct backend_view view = view_of(&bench);
    assert_false(view.healthy);
    assert_string_equal(view.why, "1 failure in a row: connection refused");
    struct origin *origin = origin_find(bench.origins, SLICE("main"));
    assert_true(origin_is_down(origin, &since_ms));
    assert_true(since_ms > 0 && since_ms == view.since_ms);
    origin_release(origin);
    // It is still tried.
    visit_once(visit);
    assert_int_equal(visit->failure.kind, FAILURE_CONNECTION_REFUSED);
    assert_int_equal(statistics_of(&bench).attempts, 2);
    bench_close(&bench);
    free(visit);
}

static void test_a_name_that_does_not_resolve(void **state)
{
    (void)state;
    struct bench bench;
    struct address nobody;
    uint16_t port;
    close(listen_somewhere(&port)); // no name server there
    struct loop_limits loop_limits = {64, 65536};
    bench = (struct bench){.world = epoll_world_create(0)};
    assert_int_equal(address_parse_host(SLICE("127.0.0.1"), port, &nobody), ERROR_NONE);
    assert_int_equal(epoll_world_set_resolvers(bench.world, &nobody, 1), ERROR_NONE);
    bench.loop = epoll_loop_create(bench.world, &loop_limits, 0, 1);
    assert_non_null(bench.loop);
    arena_init(&bench.arena, 4096, 1 << 20);
    bench.origins = origins_create(&bench.loop, 1);
    bench_configure(&bench, "origins:\n  main:\n    backends: http://nowhere.invalid:80\n");
    struct visit *visit = visit_create(&bench, "GET");
    visit_once(visit);
    assert_true(visit->failure.kind == FAILURE_DNS_ERROR
        || visit->failure.kind == FAILURE_DNS_TIMEOUT);
    assert_true(visit->failure.unsent);
    assert_int_equal(statistics_of(&bench).resolve_failures, 1);
    assert_false(view_of(&bench).healthy);
    bench_close(&bench);
    free(visit);
}

static void small_and_cut_script(struct server *server, int descriptor, unsigned number)
{
    (void)number;
    if (server_read_head(server, descriptor))
        server_send(descriptor, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
}

// What came of it is read only long after it broke off.
static void gather_main(struct task *task, void *argument)
{
    struct visit *visit = argument;
    struct origin *origin = origin_find(visit->bench->origins, SLICE("main"));
    struct exchange *exchange = NULL;
    assert_int_equal(exchange_open(task, origin, &visit->request, &visit_limits, &visit->tried,
        &exchange, &visit->failure), ERROR_NONE);
    visit->read = exchange_gather(task, exchange, deadline_after_ms(task_loop(task), 600000),
        &visit->failure);
    enum error error = task_sleep_until(task, deadline_after_ms(task_loop(task), 1100));
    assert_int_equal(error, ERROR_NONE);
    error = exchange_read(task, exchange, visit->content, sizeof(visit->content),
        &visit->content_size, &visit->failure);
    assert_int_equal(error, ERROR_NONE);
    assert_true(origin_is_failing(origin)); // the last thing that is known of it
    exchange_close(task, exchange);
    assert_true(origin_is_failing(origin));
    origin_release(origin);
}

static void test_the_beginning_of_what_broke_off_is_no_success(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(small_and_cut_script);
    open_bench(&bench, server, "");
    struct visit *visit = visit_create(&bench, "GET");
    bench_run(&bench, gather_main, visit);
    assert_int_equal(visit->read, ERROR_TRUNCATED);
    assert_int_equal(visit->content_size, 4);
    assert_memory_equal(visit->content, "half", 4);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_in_one_piece),
        cmocka_unit_test(test_answers_byte_by_byte),
        cmocka_unit_test(test_answers_read_byte_by_byte),
        cmocka_unit_test(test_too_many_interim_answers_are_malformed),
        cmocka_unit_test(test_large_heads_fit_or_are_refused),
        cmocka_unit_test(test_resets),
        cmocka_unit_test(test_the_beginning_of_what_broke_off_is_no_success),
        cmocka_unit_test(test_hanging_backends_are_given_up),
        cmocka_unit_test(test_the_whole_attempt_has_a_deadline),
        cmocka_unit_test(test_the_same_failure_twice_says_nothing_new),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_a_name_that_does_not_resolve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
