// Kept connections: used again, retired, found closed, bounded, and never under a POST.
#include "visit.h"

static void good_script(struct server *server, int descriptor, unsigned number)
{
    (void)number;
    while (server_read_head(server, descriptor))
        server_send(descriptor, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void visit_well(struct visit *visit)
{
    visit_once(visit);
    assert_int_equal(visit->opened, ERROR_NONE);
    assert_int_equal(visit->status, 200);
    assert_int_equal(visit->read, ERROR_CLOSED);
    assert_memory_equal(visit->content, "ok", 2);
}

static void test_a_kept_connection_is_used_again(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(good_script);
    open_bench(&bench, server, "");
    struct visit *visit = visit_create(&bench, "GET");
    for (unsigned i = 0; i < 10; i++)
        visit_well(visit);
    assert_int_equal(atomic_load(&server->connections), 1);
    assert_int_equal(atomic_load(&server->requests), 10);
    assert_int_equal(view_of(&bench).connections_idle, 1);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

static void test_what_cannot_be_repeated_gets_a_fresh_connection(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(good_script);
    open_bench(&bench, server, "");
    struct visit *get = visit_create(&bench, "GET"), *post = visit_create(&bench, "POST");
    visit_well(get);
    visit_well(post);
    assert_int_equal(atomic_load(&server->connections), 2);
    visit_well(get); // which then serves whoever can be repeated
    assert_int_equal(atomic_load(&server->connections), 2);
    bench_close(&bench);
    server_stop(server);
    free(get);
    free(post);
}

static void test_a_fresh_connection_can_be_asked_for(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(good_script);
    open_bench(&bench, server, "");
    struct visit *visit = visit_create(&bench, "GET");
    visit_well(visit);
    visit->request.fresh_connection = true;
    visit_well(visit);
    assert_int_equal(atomic_load(&server->connections), 2);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

// Lets the loop go on until nothing of the backend is kept any more.
static void await_nothing_kept(struct task *task, void *argument)
{
    struct bench *bench = argument;
    enum error error = ERROR_NONE;
    while (error == ERROR_NONE && view_of(bench).connections_idle > 0)
        error = task_sleep_until(task, deadline_after_ms(task_loop(task), 1));
}

// Sends another answer after its own, late and beyond the buffer of the head, for somebody to take.
static void poisoning_script(struct server *server, int descriptor, unsigned number)
{
    static _Thread_local char large[20001];
    (void)number;
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = 0;
    if (!server_read_head(server, descriptor))
        return;
    server_send(descriptor, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n");
    server_send(descriptor, large);
    server_send(descriptor,
        "\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    server_await_end(descriptor);
}

static void test_nobody_gets_an_answer_that_nobody_asked_for(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(poisoning_script);
    open_bench(&bench, server, "");
    struct visit *visit = visit_create(&bench, "GET");
    for (unsigned i = 0; i < 5; i++) {
        visit_once(visit);
        assert_int_equal(visit->read, ERROR_CLOSED);
        assert_int_equal(visit->content_size, 20000);
        bench_run(&bench, await_nothing_kept, &bench); // at the latest when the surplus is there
    }
    assert_int_equal(atomic_load(&server->connections), 5);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

static void test_nothing_is_kept_where_the_setting_says_so(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(good_script);
    open_bench(&bench, server, "    pool: {idle_connections: 0}\n");
    struct visit *visit = visit_create(&bench, "GET");
    visit_well(visit);
    visit_well(visit);
    assert_int_equal(atomic_load(&server->connections), 2);
    assert_int_equal(statistics_of(&bench).pool_overflows, 2);
    assert_int_equal(view_of(&bench).connections_open, 0);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

static void test_an_unread_body_costs_the_connection(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(good_script);
    open_bench(&bench, server, "");
    struct visit *visit = visit_create(&bench, "GET");
    visit->leaves_early = true;
    visit_once(visit);
    assert_int_equal(visit->opened, ERROR_NONE);
    assert_int_equal(view_of(&bench).connections_open, 0);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

// Closes each connection after its answer, without having said so.
static void faithless_script(struct server *server, int descriptor, unsigned number)
{
    (void)number;
    if (server_read_head(server, descriptor))
        server_send(descriptor, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void test_a_connection_closed_at_rest_is_noticed_at_once(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(faithless_script);
    open_bench(&bench, server, "");
    struct visit *visit = visit_create(&bench, "GET");
    for (unsigned i = 0; i < 3; i++) {
        visit_well(visit);
        bench_run(&bench, await_nothing_kept, &bench);
        assert_int_equal(view_of(&bench).connections_open, 0);
    }
    assert_int_equal(statistics_of(&bench).failures, 0);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

struct faithless_visit {
    struct visit *visit;
    struct server *server;
};

// Blocks the loop's thread, so that it cannot notice the end before the next request looks.
static void visit_after_end(struct task *task, void *argument)
{
    struct faithless_visit *both = argument;
    visit_main(task, both->visit);
    assert_int_equal(both->visit->read, ERROR_CLOSED);
    for (unsigned i = 0; i < atomic_load(&both->server->connections); i++)
        pthread_join(both->server->seats[i].thread, NULL); // has closed
    both->visit->tried = 0;
    visit_main(task, both->visit);
}

static void test_a_connection_that_ended_is_not_written_to(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(faithless_script);
    open_bench(&bench, server, "");
    struct visit *visit = visit_create(&bench, "GET");
    struct faithless_visit both = {visit, server};
    bench_run(&bench, visit_after_end, &both);
    assert_int_equal(visit->opened, ERROR_NONE);
    assert_int_equal(visit->read, ERROR_CLOSED);
    assert_int_equal(statistics_of(&bench).stale_connections, 1);
    assert_int_equal(statistics_of(&bench).failures, 0);
    bench_close(&bench);
    // Its threads were joined above but for the last.
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    pthread_join(server->seats[1].thread, NULL);
    pthread_mutex_destroy(&server->mutex);
    free(server);
    free(visit);
}

// Takes a second request on its first connection and then cuts it without a word.
static void cutting_script(struct server *server, int descriptor, unsigned number)
{
    if (!server_read_head(server, descriptor))
        return;
    server_send(descriptor, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    if (server_read_head(server, descriptor) && number > 0)
        server_send(descriptor, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void test_a_kept_connection_cut_under_a_request_is_no_fault_of_the_backend(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(cutting_script);
    open_bench(&bench, server, "");
    struct visit *visit = visit_create(&bench, "GET");
    visit_well(visit);
    visit_once(visit);
    assert_int_equal(visit->failure.kind, FAILURE_CONNECTION_TERMINATED);
    assert_true(visit->failure.reused_connection);
    assert_false(visit->failure.unsent); // it may have been acted on
    struct origin *origin = origin_find(bench.origins, SLICE("main"));
    assert_int_equal(origin->plan->backends[0]->health.streak, 0);
    origin_release(origin);
    visit_well(visit);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

static void hinting_script(struct server *server, int descriptor, unsigned number)
{
    (void)number;
    while (server_read_head(server, descriptor))
        server_send(descriptor,
            "HTTP/1.1 200 OK\r\nKeep-Alive: max=9, timeout=0\r\nContent-Length: 2\r\n\r\nok");
}

static void test_connections_retire(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(good_script);
    open_bench(&bench, server, "    pool: {idle_timeout: 100ms}\n");
    struct visit *visit = visit_create(&bench, "GET");
    visit_well(visit);
    bench_run(&bench, await_nothing_kept, &bench);
    visit_well(visit);
    assert_int_equal(atomic_load(&server->connections), 2);
    assert_int_equal(statistics_of(&bench).stale_connections, 0);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

// Two at once on one loop.
struct pair {
    struct visit *first, *second;
};

static void pair_main(struct task *task, void *argument)
{
    struct pair *pair = argument;
    struct scope scope;
    scope_open(&scope);
    assert_int_equal(task_start(task_loop(task), &scope, visit_main, pair->first), ERROR_NONE);
    assert_int_equal(task_start(task_loop(task), &scope, visit_main, pair->second), ERROR_NONE);
    assert_int_equal(scope_join(task, &scope, deadline_after_ms(task_loop(task), 60000)),
        ERROR_NONE);
}

static void test_connections_are_bounded(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(good_script);
    open_bench(&bench, server, "    pool: {connections: 1}\n");
    struct pair pair = {visit_create(&bench, "GET"), visit_create(&bench, "GET")};
    pair.second->request.is_admitted = true;
    bench_run(&bench, pair_main, &pair);
    assert_int_equal(pair.first->read, ERROR_CLOSED);
    assert_int_equal(pair.second->opened, ERROR_LIMIT);
    assert_int_equal(pair.second->failure.kind, FAILURE_CONNECTION_LIMIT_REACHED);
    assert_true(pair.second->failure.unsent);
    assert_int_equal(statistics_of(&bench).connection_refusals, 1);
    assert_true(view_of(&bench).healthy);
    // One at rest makes room for one that must be fresh.
    struct visit *post = visit_create(&bench, "POST");
    visit_well(post);
    assert_int_equal(view_of(&bench).connections_open, 1);
    bench_close(&bench);
    server_stop(server);
    free(pair.first);
    free(pair.second);
    free(post);
}

static void test_a_keep_alive_field_is_heeded(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(hinting_script);
    open_bench(&bench, server, "");
    struct visit *visit = visit_create(&bench, "GET");
    visit_well(visit);
    assert_int_equal(view_of(&bench).connections_idle, 0);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

// 80 % of 5 s and of what the test took since.
static void check_learned(struct task *task, struct backend *backend, uint64_t since_ns)
{
    uint64_t took_ms = (task_now_ns(task) - since_ns) / NS_PER_MS;
    assert_in_range(atomic_load(&backend->idle_limit_ms), 4000, 4000 + took_ms * 8 / 10);
}

// Ages are learned in the pool's own time, without waiting for it.
static void learn_main(struct task *task, void *argument)
{
    struct bench *bench = argument;
    struct loop *loop = task_loop(task);
    struct origin *origin = origin_find(bench->origins, SLICE("main"));
    struct backend *backend = origin->plan->backends[0];
    struct visit *visit = visit_create(bench, "GET");
    visit_main(task, visit);
    assert_int_equal(backend->seats[0].idle_count, 1);
    struct connection *connection =
        LIST_ENTRY(backend->seats[0].idle.next, struct connection, seat_link);
    uint64_t since_ns = loop->now_ns;
    connection->rested_ns = since_ns - 5 * NS_PER_SECOND;
    await_nothing_kept(task, bench); // the backend has closed it
    check_learned(task, backend, since_ns);
    uint64_t learned = atomic_load(&backend->idle_limit_ms);
    // A restart closes young connections and teaches nothing.
    visit->tried = 0;
    visit_main(task, visit);
    await_nothing_kept(task, bench);
    assert_in_range(atomic_load(&backend->idle_limit_ms), 4000, learned);
    free(visit);
    origin_release(origin);
}

static void test_the_backends_patience_is_learned(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(faithless_script);
    open_bench(&bench, server, "");
    bench_run(&bench, learn_main, &bench);
    bench_close(&bench);
    server_stop(server);
}

// The same when the end crossed a request on its way.
static void learn_cut_main(struct task *task, void *argument)
{
    struct bench *bench = argument;
    struct origin *origin = origin_find(bench->origins, SLICE("main"));
    struct backend *backend = origin->plan->backends[0];
    struct visit *visit = visit_create(bench, "GET");
    visit_main(task, visit);
    assert_int_equal(backend->seats[0].idle_count, 1);
    uint64_t since_ns = task_now_ns(task);
    LIST_ENTRY(backend->seats[0].idle.next, struct connection, seat_link)->rested_ns =
        since_ns - 5 * NS_PER_SECOND;
    visit->tried = 0;
    visit_main(task, visit);
    assert_true(visit->failure.reused_connection);
    check_learned(task, backend, since_ns);
    free(visit);
    origin_release(origin);
}

static void test_a_cut_under_a_request_teaches_too(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(cutting_script);
    open_bench(&bench, server, "");
    bench_run(&bench, learn_cut_main, &bench);
    bench_close(&bench);
    server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_kept_connection_is_used_again),
        cmocka_unit_test(test_what_cannot_be_repeated_gets_a_fresh_connection),
        cmocka_unit_test(test_a_fresh_connection_can_be_asked_for),
        cmocka_unit_test(test_nobody_gets_an_answer_that_nobody_asked_for),
        cmocka_unit_test(test_nothing_is_kept_where_the_setting_says_so),
        cmocka_unit_test(test_an_unread_body_costs_the_connection),
        cmocka_unit_test(test_a_connection_closed_at_rest_is_noticed_at_once),
        cmocka_unit_test(test_a_connection_that_ended_is_not_written_to),
        cmocka_unit_test(test_a_kept_connection_cut_under_a_request_is_no_fault_of_the_backend),
        cmocka_unit_test(test_connections_retire),
        cmocka_unit_test(test_connections_are_bounded),
        cmocka_unit_test(test_a_keep_alive_field_is_heeded),
        cmocka_unit_test(test_the_backends_patience_is_learned),
        cmocka_unit_test(test_a_cut_under_a_request_teaches_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
