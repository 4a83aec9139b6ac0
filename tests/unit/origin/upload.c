// Requests with a body: both framings, early answers, Expect, broken visitors, cancellation, and
// the nth allocation failing anywhere.
#include "visit.h"

// A visitor's body: so many bytes in reads of so many, then the end or an error.
struct source {
    uint64_t size, sent;
    size_t step;
    enum error end;  // CLOSED: proper
    bool stalls;     // instead of ending, until cancelled
    unsigned calls;
};

static enum error source_read(struct task *task, void *argument, void *buffer, size_t size,
    size_t *ret_size)
{
    struct source *source = argument;
    source->calls++;
    if (source->sent == source->size)
        return source->stalls ? task_suspend(task, NEVER_NS) : source->end;
    size_t step = (size_t)MINIMUM(MINIMUM(source->step, size), source->size - source->sent);
    for (size_t i = 0; i < step; i++)
        ((char *)buffer)[i] = (char)('a' + (source->sent + i) % 26);
    source->sent += step;
    *ret_size = step;
    return ERROR_NONE;
}

static struct visit *upload_create(struct bench *bench, enum http_framing framing, uint64_t length,
    struct source *source)
{
    struct visit *visit = visit_create(bench, "POST");
    visit->request.body = (struct exchange_body){.framing = framing, .length = length,
        .read = source_read, .source = source};
    return visit;
}

static const char created[] = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok";
static _Atomic uint64_t body_sum, body_size; // of what the backend received

static bool receive_exactly(int descriptor, char *buffer, size_t size)
{
    return size == 0 || recv(descriptor, buffer, size, MSG_WAITALL) == (ssize_t)size;
}

static void note_body(const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != (char)('a' + (atomic_load(&body_size) + i) % 26))
            abort();
    }
    atomic_fetch_add(&body_size, size);
}

static bool read_length(int descriptor)
{
    char buffer[4096];
    const char *field = strstr(server_head, "Content-Length: ");
    size_t left = field == NULL ? 0 : (size_t)atol(field + 16);
    while (left > 0) {
        size_t step = MINIMUM(left, sizeof(buffer));
        if (!receive_exactly(descriptor, buffer, step))
            return false;
        note_body(buffer, step);
        left -= step;
    }
    return true;
}

static bool read_chunk(int descriptor, size_t *ret_size)
{
    char line[64];
    static _Thread_local char buffer[32768];
    size_t at = 0;
    do {
        if (at == sizeof(line) - 1 || !receive_exactly(descriptor, line + at, 1))
            return false;
        at++;
    } while (line[at - 1] != '\n');
    line[at] = 0;
    *ret_size = strtoul(line, NULL, 16);
    if (*ret_size > sizeof(buffer) || !receive_exactly(descriptor, buffer, *ret_size)
        || !receive_exactly(descriptor, line, 2) || memcmp(line, "\r\n", 2) != 0)
        return false;
    note_body(buffer, *ret_size);
    return true;
}

static void upload_script(struct server *server, int descriptor, unsigned number)
{
    (void)number;
    while (server_read_head(server, descriptor)) {
        size_t size = 1;
        bool chunked = strstr(server_head, "Transfer-Encoding: chunked\r\n") != NULL;
        if (!chunked && !read_length(descriptor))
            return;
        while (chunked && size > 0) {
            if (!read_chunk(descriptor, &size))
                return;
        }
        server_send(descriptor, created);
    }
}

static void check_upload(enum http_framing framing, uint64_t size, size_t step)
{
    struct bench bench;
    struct source source = {.size = size, .step = step, .end = ERROR_CLOSED};
    struct server *server = server_start(upload_script);
    atomic_store(&body_size, 0);
    open_bench(&bench, server, "");
    struct visit *visit = upload_create(&bench, framing, size, &source);
    visit_once(visit);
    assert_int_equal(visit->opened, ERROR_NONE);
    assert_int_equal(visit->status, 201);
    assert_int_equal(visit->read, ERROR_CLOSED);
    assert_int_equal(source.sent, size);
    assert_int_equal(atomic_load(&body_size), size);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

static void test_bodies_arrive_whole(void **state)
{
    static const uint64_t sizes[] = {0, 1, 1000, 16384, 16385, 3000000};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        check_upload(HTTP_FRAMING_LENGTH, sizes[i], 65536);
        check_upload(HTTP_FRAMING_CHUNKED, sizes[i], 65536);
    }
    check_upload(HTTP_FRAMING_LENGTH, 500, 1);
    check_upload(HTTP_FRAMING_CHUNKED, 500, 1);
}

static void test_a_whole_upload_leaves_a_usable_connection(void **state)
{
    (void)state;
    struct bench bench;
    struct source source = {.size = 5, .step = 5, .end = ERROR_CLOSED};
    struct server *server = server_start(upload_script);
    atomic_store(&body_size, 0);
    open_bench(&bench, server, "");
    struct visit *visit = upload_create(&bench, HTTP_FRAMING_LENGTH, 5, &source);
    visit_once(visit);
    struct visit *get = visit_create(&bench, "GET");
    visit_once(get);
    assert_int_equal(get->status, 201);
    assert_int_equal(atomic_load(&server->connections), 1);
    bench_close(&bench);
    server_stop(server);
    free(visit);
    free(get);
}

// Refuses before it has read the body, and reads none of it.
static void refusing_script(struct server *server, int descriptor, unsigned number)
{
    (void)number;
    if (!server_read_head(server, descriptor))
        return;
    server_send(descriptor, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    server_await_end(descriptor);
}

static void test_an_early_answer_ends_the_upload(void **state)
{
    (void)state;
    struct bench bench;
    struct source source = {.size = 10, .step = 10, .stalls = true};
    struct server *server = server_start(refusing_script);
    open_bench(&bench, server, "");
    struct visit *visit = upload_create(&bench, HTTP_FRAMING_LENGTH, 1000000, &source);
    visit_once(visit);
    assert_int_equal(visit->opened, ERROR_NONE);
    assert_int_equal(visit->status, 413);
    assert_memory_equal(visit->content, "no", 2);
    assert_int_equal(view_of(&bench).connections_open, 0); // the request is not over
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

// Refuses and hangs up at once, so that the rest of the body meets a RST.
static void slamming_script(struct server *server, int descriptor, unsigned number)
{
    (void)number;
    if (server_read_head(server, descriptor))
        server_send(descriptor, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
}

static void test_an_early_answer_counts_although_the_upload_broke(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(slamming_script);
    open_bench(&bench, server, "");
    for (unsigned i = 0; i < 20; i++) {
        struct source source = {.size = 100000000, .step = 16384, .end = ERROR_CLOSED};
        struct visit *visit = upload_create(&bench, HTTP_FRAMING_LENGTH, source.size, &source);
        visit_once(visit);
        assert_int_equal(visit->opened, ERROR_NONE);
        assert_int_equal(visit->status, 413);
        assert_true(source.sent < source.size);
        free(visit);
    }
    bench_close(&bench);
    server_stop(server);
}

static void test_a_visitor_who_breaks_off_is_not_the_backends_fault(void **state)
{
    static const struct {
        enum http_framing framing;
        enum error end;
    } cases[] = {
        {HTTP_FRAMING_LENGTH, ERROR_CLOSED}, {HTTP_FRAMING_LENGTH, ERROR_RESET},
        {HTTP_FRAMING_CHUNKED, ERROR_TRUNCATED}, {HTTP_FRAMING_CHUNKED, ERROR_TIMEOUT},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct bench bench;
        struct source source = {.size = 10, .step = 10, .end = cases[i].end};
        struct server *server = server_start(upload_script);
        atomic_store(&body_size, 0);
        open_bench(&bench, server, "");
        struct visit *visit = upload_create(&bench, cases[i].framing, 1000, &source);
        visit_once(visit);
        assert_int_equal(visit->opened, cases[i].end);
        assert_int_equal(visit->failure.kind, FAILURE_REQUEST_BODY);
        assert_false(visit->failure.unsent);
        assert_int_equal(statistics_of(&bench).failures, 0);
        assert_int_equal(view_of(&bench).connections_open, 0);
        bench_close(&bench);
        server_stop(server);
        free(visit);
    }
}

static void test_an_unsent_body_is_untouched(void **state)
{
    (void)state;
    struct bench bench;
    struct source source = {.size = 10, .step = 10, .end = ERROR_CLOSED};
    struct server nobody = {0};
    close(listen_somewhere(&nobody.port));
    open_bench(&bench, &nobody, "");
    struct visit *visit = upload_create(&bench, HTTP_FRAMING_LENGTH, 10, &source);
    visit_once(visit);
    assert_int_equal(visit->failure.kind, FAILURE_CONNECTION_REFUSED);
    assert_true(visit->failure.unsent);
    assert_int_equal(source.calls, 0);
    bench_close(&bench);
    free(visit);
}

static void continuing_script(struct server *server, int descriptor, unsigned number)
{
    char byte;
    if (!server_read_head(server, descriptor))
        return;
    if (strstr(server_head, "Expect: 100-continue\r\n") == NULL)
        abort();
    if (number == 1) {
        server_send(descriptor, "HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno");
        server_await_end(descriptor);
        return;
    }
    if (number == 0 && recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
        abort(); // the body before its permission
    if (number == 0)
        server_send(descriptor, "HTTP/1.1 100 Continue\r\n\r\n");
    if (read_length(descriptor))
        server_send(descriptor, created);
}

static void test_expect_waits_for_the_backends_word(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(continuing_script);
    open_bench(&bench, server, "");
    static const unsigned statuses[] = {201, 417, 201}; // allowed, refused, silence for a while
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
        struct source source = {.size = 10, .step = 10, .end = ERROR_CLOSED};
        atomic_store(&body_size, 0);
        struct visit *visit = upload_create(&bench, HTTP_FRAMING_LENGTH, 10, &source);
        visit->request.expect_continue = true;
        visit_once(visit);
        assert_int_equal(visit->status, statuses[i]);
        assert_int_equal(source.sent, statuses[i] == 201 ? 10 : 0);
        free(visit);
    }
    bench_close(&bench);
    server_stop(server);
}

// Reads nothing at all, and answers nothing.
static void deaf_script(struct server *server, int descriptor, unsigned number)
{
    char byte;
    (void)number;
    if (!server_read_head(server, descriptor))
        return;
    while (recv(descriptor, &byte, 1, MSG_PEEK) > 0 && atomic_load(&body_sum) == 0)
        usleep(1000);
}

static void test_a_backend_that_stops_taking_is_given_up(void **state)
{
    (void)state;
    struct bench bench;
    struct source source = {.size = 100000000, .step = 16384, .end = ERROR_CLOSED};
    struct server *server = server_start(deaf_script);
    atomic_store(&body_sum, 0);
    open_bench(&bench, server, "    timeouts: {between_bytes: 150ms}\n");
    struct visit *visit = upload_create(&bench, HTTP_FRAMING_LENGTH, source.size, &source);
    visit_once(visit);
    assert_int_equal(visit->failure.kind, FAILURE_CONNECTION_WRITE_TIMEOUT);
    assert_true(source.sent < source.size);
    atomic_store(&body_sum, 1);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

// Cancels a visit once its request is with the backend.
struct cancelled {
    struct visit *visit;
    struct server *server;
};

static void cancelled_main(struct task *task, void *argument)
{
    struct cancelled *cancelled = argument;
    struct scope scope;
    scope_open(&scope);
    assert_int_equal(task_start(task_loop(task), &scope, visit_main, cancelled->visit), ERROR_NONE);
    while (atomic_load(&cancelled->server->requests) == 0)
        assert_int_equal(task_sleep_until(task, deadline_after_ms(task_loop(task), 1)), ERROR_NONE);
    scope_close(task, &scope);
}

static void silent_script(struct server *server, int descriptor, unsigned number)
{
    (void)number;
    if (server_read_head(server, descriptor))
        server_await_end(descriptor);
}

static void check_cancelled(struct source *source)
{
    struct bench bench;
    struct server *server = server_start(silent_script);
    open_bench(&bench, server, "");
    struct visit *visit = source == NULL
        ? visit_create(&bench, "GET") : upload_create(&bench, HTTP_FRAMING_CHUNKED, 0, source);
    struct cancelled cancelled = {visit, server};
    bench_run(&bench, cancelled_main, &cancelled);
    assert_int_equal(visit->opened, ERROR_CANCELLED);
    assert_int_equal(visit->failure.kind, FAILURE_CANCELLED);
    assert_int_equal(statistics_of(&bench).failures, 0);
    assert_int_equal(view_of(&bench).in_flight, 0);
    assert_int_equal(view_of(&bench).connections_open, 0);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

static void test_cancelling_ends_everything(void **state)
{
    (void)state;
    struct source stalling = {.size = 10, .step = 10, .stalls = true};
    struct source finished = {.size = 10, .step = 10, .end = ERROR_CLOSED};
    check_cancelled(NULL);
    check_cancelled(&stalling);
    check_cancelled(&finished);
}

static void test_no_allocation_is_taken_for_granted(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(upload_script);
    open_bench(&bench, server, "    pool: {idle_connections: 0}\n");
    uint64_t failures = memory_failures();
    for (unsigned upload = 0; upload < 2; upload++) {
        bool failed = true;
        for (uint64_t n = 1; failed; n++) {
            struct source source = {.size = 10, .step = 10, .end = ERROR_CLOSED};
            atomic_store(&body_size, 0);
            struct visit *visit = upload == 0
                ? visit_create(&bench, "GET")
                : upload_create(&bench, HTTP_FRAMING_LENGTH, 10, &source);
            memory_fail_after(n);
            memory_free(memory_alloc(1)); // the first that passes, so that n counts from there
            visit_once(visit);
            failed = memory_failures() > failures;
            memory_fail_after(0);
            failures = memory_failures();
            assert_int_equal(visit->opened, failed ? ERROR_MEMORY : ERROR_NONE);
            assert_int_equal(visit->failure.kind, failed ? FAILURE_INTERNAL : FAILURE_NONE);
            assert_true(n < 100);
            assert_true(failed || n > 3); // there was something to fail
            free(visit);
        }
    }
    assert_true(view_of(&bench).healthy); // it was not the backend
    assert_int_equal(view_of(&bench).connections_open, 0);
    bench_close(&bench);
    server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies_arrive_whole),
        cmocka_unit_test(test_a_whole_upload_leaves_a_usable_connection),
        cmocka_unit_test(test_an_early_answer_ends_the_upload),
        cmocka_unit_test(test_an_early_answer_counts_although_the_upload_broke),
        cmocka_unit_test(test_a_visitor_who_breaks_off_is_not_the_backends_fault),
        cmocka_unit_test(test_an_unsent_body_is_untouched),
        cmocka_unit_test(test_expect_waits_for_the_backends_word),
        cmocka_unit_test(test_a_backend_that_stops_taking_is_given_up),
        cmocka_unit_test(test_cancelling_ends_everything),
        cmocka_unit_test(test_no_allocation_is_taken_for_granted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
