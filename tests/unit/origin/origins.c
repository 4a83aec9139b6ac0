// The set of origins: reloads that lose nothing, probes and lookups in the background, names that
// move or fail, draining, and several loops at once.
#include "visit.h"

static void good_script(struct server *server, int descriptor, unsigned number)
{
    (void)number;
    while (server_read_head(server, descriptor)) {
        const char *status = strstr(server_head, "GET /health") != NULL
            ? "HTTP/1.1 404 Not Found" : "HTTP/1.1 200 OK";
        server_send(descriptor, status);
        server_send(descriptor, "\r\nContent-Length: 2\r\n\r\nok");
    }
}

static void visit_well(struct visit *visit)
{
    visit_once(visit);
    assert_int_equal(visit->opened, ERROR_NONE);
    assert_int_equal(visit->status, 200);
    assert_int_equal(visit->read, ERROR_CLOSED);
}

static void configure(struct bench *bench, const char *format, ...) PRINTF_LIKE(2, 3);

static void configure(struct bench *bench, const char *format, ...)
{
    char yaml[1024];
    va_list values;
    va_start(values, format);
    vsnprintf(yaml, sizeof(yaml), format, values);
    va_end(values);
    bench_configure(bench, yaml);
}

// Reloads.

static void test_a_reload_keeps_what_is_known(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(good_script);
    struct visit *visit = visit_create(&bench, "GET");
    open_bench(&bench, server, "");
    visit_well(visit);
    struct backend_view before = view_of(&bench);
    struct origin *handle = origin_find(bench.origins, SLICE("main"));
    configure(&bench, "origins:\n  other:\n    backends: http://127.0.0.1:1\n  main:\n"
        "    backends: [http://127.0.0.1:%u, http://127.0.0.1:1]\n    retry: {attempts: 7}\n",
        server->port);
    struct backend_view after = view_of(&bench);
    assert_int_equal(after.connections_idle, 1);
    assert_int_equal(after.requests, before.requests);
    assert_string_equal(after.url, before.url);
    assert_int_equal(origin_backend_count(handle), 2);
    assert_int_equal(origin_retry(handle).attempts, 7);
    struct origin *again = origin_find(bench.origins, SLICE("main"));
    assert_ptr_equal(handle, again);
    origin_release(again);
    origin_release(handle);
    configure(&bench, "origins:\n  main:\n    backends: http://127.0.0.1:%u\n", server->port);
    visit_well(visit);
    assert_int_equal(atomic_load(&server->connections), 1);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

static void sleep_main(struct task *task, void *argument)
{
    (void)argument;
    assert_int_equal(task_sleep_until(task, deadline_after_ms(task_loop(task), 20)), ERROR_NONE);
}

static void test_what_is_no_longer_named_drains(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(good_script);
    struct visit *visit = visit_create(&bench, "GET");
    open_bench(&bench, server, "");
    assert_int_equal(origins_start(bench.origins), ERROR_NONE);
    visit_well(visit);
    struct origin *handle = origin_find(bench.origins, SLICE("main"));
    struct backend *backend = backend_reference(handle->plan->backends[0]);
    configure(&bench, "origins:\n  other:\n    backends: http://127.0.0.1:1\n");
    assert_null(origin_find(bench.origins, SLICE("main")));
    bench_run(&bench, sleep_main, NULL); // the loop reads its mail
    assert_int_equal(atomic_load(&backend->connections_open), 0);
    // The handle still works for those who hold it.
    assert_int_equal(origin_backend_count(handle), 1);
    assert_true(slice_equal(origin_name(handle), SLICE("main")));
    backend_release(backend);
    origin_release(handle);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

static void test_a_refused_configuration_changes_nothing(void **state)
{
    (void)state;
    struct bench bench;
    struct slice urls[] = {SLICE("http://127.0.0.1:1"), SLICE("nonsense")};
    bench_open(&bench, "origins:\n  main:\n    backends: http://127.0.0.1:1\n");
    struct origin *handle = origin_find(bench.origins, SLICE("main"));
    struct setting_list good =
        helpers_settings(&bench.arena, "origins:\n  main:\n    backends: http://127.0.0.1:2\n");
    struct origin_settings settings[2] = {*(struct origin_settings *)good.items,
        *(struct origin_settings *)good.items};
    // One name twice.
    assert_int_equal(origins_configure(bench.origins, settings, 2), ERROR_INVALID);
    settings[1].name = SLICE("second");
    settings[1].backends = (struct setting_list){urls, 2};
    assert_int_equal(origins_configure(bench.origins, settings, 2), ERROR_INVALID);
    assert_null(origin_find(bench.origins, SLICE("second")));
    settings[1].backends = settings[0].backends;
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        struct backend_view view = view_of(&bench);
        assert_string_equal(view.url, "http://127.0.0.1:1");
        assert_null(origin_find(bench.origins, SLICE("second")));
        uint64_t failures = memory_failures();
        memory_fail_after(n);
        memory_free(memory_alloc(1));
        enum error error = origins_configure(bench.origins, settings, 2);
        failed = memory_failures() > failures;
        memory_fail_after(0);
        assert_int_equal(error, failed ? ERROR_MEMORY : ERROR_NONE);
        assert_true(failed ? n < 50 : n > 5);
    }
    struct backend_view view = view_of(&bench);
    assert_string_equal(view.url, "http://127.0.0.1:2");
    origin_release(handle);
    bench_close(&bench);
}

static void test_a_backend_named_twice_is_one(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench,
        "origins:\n  main:\n    backends: [http://127.0.0.1:1, http://127.0.0.1:1]\n");
    assert_int_equal(origin_read_backends(origin_find(bench.origins, SLICE("main")), NULL, 0), 1);
    origin_release(CONTAINER_OF(bench.origins->list.next, struct origin, link));
    bench_close(&bench);
}

// Probes.

struct await {
    struct bench *bench;
    bool healthy;
    bool disagrees;
};

static void await_health(struct task *task, void *argument)
{
    struct await *await = argument;
    struct backend_view view = view_of(await->bench);
    while (view.healthy != await->healthy || view.probe_disagrees != await->disagrees) {
        assert_int_equal(task_sleep_until(task, deadline_after_ms(task_loop(task), 5)), ERROR_NONE);
        view = view_of(await->bench);
    }
}

static void test_a_lying_probe_is_outranked(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(good_script);
    struct visit *visit = visit_create(&bench, "GET");
    open_bench(&bench, server, "    probe: {path: /health, interval: 100ms, fall: 2, rise: 1}\n");
    assert_int_equal(origins_start(bench.origins), ERROR_NONE);
    struct await sick = {&bench, false, false}, outranked = {&bench, true, true};
    bench_run(&bench, await_health, &sick);
    struct backend_view view = view_of(&bench);
    assert_non_null(strstr(view.why, "failed: status 404"));
    assert_true(view.next_probe_ms > 0);
    visit_well(visit); // nobody is refused for what a probe says
    bench_run(&bench, await_health, &outranked);
    // What is not expected is settled by the operator, at once.
    configure(&bench, "origins:\n  main:\n    backends: http://127.0.0.1:%u\n"
        "    probe: {path: /health, interval: 100ms, rise: 1, expect: 404}\n", server->port);
    struct await well = {&bench, true, false};
    bench_run(&bench, await_health, &well);
    configure(&bench, "origins:\n  main:\n    backends: http://127.0.0.1:%u\n", server->port);
    assert_int_equal(view_of(&bench).next_probe_ms, 0);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

static void silent_script(struct server *server, int descriptor, unsigned number)
{
    (void)number;
    if (server_read_head(server, descriptor))
        server_await_end(descriptor);
}

static void test_a_silent_probe_is_sick_and_stopping_does_not_wait_for_it(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(silent_script);
    open_bench(&bench, server,
        "    probe: {path: /h, interval: 1h, timeout: 50ms, fall: 1, host: www.example.org}\n");
    assert_int_equal(origins_start(bench.origins), ERROR_NONE);
    struct await sick = {&bench, false, false};
    bench_run(&bench, await_health, &sick);
    assert_string_equal(view_of(&bench).why, "1 probe in a row failed: no answer in time");
    configure(&bench, "origins:\n  main:\n    backends: http://127.0.0.1:%u\n"
        "    probe: {path: /h, timeout: 60s}\n", server->port);
    unsigned before = atomic_load(&server->requests);
    while (atomic_load(&server->requests) == before)
        bench_run(&bench, sleep_main, NULL); // until a patient probe is under way
    char *request = server_last_request(server);
    assert_non_null(strstr(request, "\r\nConnection: close\r\n"));
    free(request);
    bench_close(&bench);
    server_stop(server);
}

// Names. A name server of our own says what a test wants it to.

struct name_server {
    int descriptor;
    uint16_t port;
    pthread_t thread;
    _Atomic unsigned code;         // 0: answer, else the response code; 99: silence
    _Atomic unsigned address_count;
    uint8_t last[4];               // octets of the 127.0.0.x addresses it gives
    _Atomic unsigned questions;
};

static size_t name_answer(const struct name_server *names, uint8_t *packet, size_t size)
{
    size_t end = 12;
    while (end < size && packet[end] != 0)
        end += packet[end] + 1u;
    end += 5;
    if (end > size)
        return 0;
    bool is_a = packet[end - 3] == 1;
    unsigned code = atomic_load(&names->code);
    unsigned count = is_a && code == 0 ? atomic_load(&names->address_count) : 0;
    packet[2] = 0x81;
    packet[3] = (uint8_t)(0x80 | code);
    memset(packet + 6, 0, 6);
    packet[7] = (uint8_t)count;
    for (unsigned i = 0; i < count; i++) {
        const uint8_t record[] = {
            0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, names->last[i]};
        memcpy(packet + end, record, sizeof(record));
        end += sizeof(record);
    }
    return end;
}

static void *name_server_main(void *argument)
{
    struct name_server *names = argument;
    for (;;) {
        uint8_t packet[1024];
        struct sockaddr_in peer;
        socklen_t peer_size = sizeof(peer);
        ssize_t size = recvfrom(names->descriptor, packet, 512, 0, (struct sockaddr *)&peer,
            &peer_size);
        if (size <= 0)
            return NULL; // an empty packet says stop
        atomic_fetch_add(&names->questions, 1);
        if (atomic_load(&names->code) == 99)
            continue;
        size_t answer = name_answer(names, packet, (size_t)size);
        sendto(names->descriptor, packet, answer, 0, (struct sockaddr *)&peer, peer_size);
    }
}

static void name_server_start(struct name_server *names)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    names->descriptor = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(names->descriptor, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(names->descriptor, (struct sockaddr *)&address, &size), 0);
    names->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&names->thread, NULL, name_server_main, names), 0);
}

static void name_server_stop(struct name_server *names)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(names->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sendto(names->descriptor, "", 0, 0, (struct sockaddr *)&address, sizeof(address));
    pthread_join(names->thread, NULL);
    close(names->descriptor);
}

static void open_named(struct bench *bench, struct name_server *names, uint16_t port)
{
    struct loop_limits loop_limits = {64, 65536};
    struct address server;
    name_server_start(names);
    *bench = (struct bench){.world = epoll_world_create(0)};
    assert_int_equal(address_parse_host(SLICE("127.0.0.1"), names->port, &server), ERROR_NONE);
    assert_int_equal(epoll_world_set_resolvers(bench->world, &server, 1), ERROR_NONE);
    bench->loop = epoll_loop_create(bench->world, &loop_limits, 0, 1);
    assert_non_null(bench->loop);
    arena_init(&bench->arena, 4096, 1 << 20);
    bench->origins = origins_create(&bench->loop, 1);
    configure(bench, "origins:\n  main:\n    backends: http://backend.test:%u\n"
        "    pool: {idle_connections: 0}\n    dns_refresh: 1s\n    timeouts: {connect: 1s}\n",
        port);
}

static struct addresses *addresses_of(struct bench *bench)
{
    struct origin *origin = origin_find(bench->origins, SLICE("main"));
    struct addresses *addresses = &origin->plan->backends[0]->addresses;
    origin_release(origin);
    return addresses;
}

// As if the last lookup were long ago.
static void let_lookup_age(struct bench *bench)
{
    atomic_store(&addresses_of(bench)->asked_ns, 1);
}

static void test_a_dead_address_costs_no_error_and_is_remembered(void **state)
{
    (void)state;
    struct bench bench;
    struct name_server names = {.address_count = 3, .last = {9, 8, 1}};
    struct server *server = server_start(good_script); // listens on 127.0.0.1 only
    struct visit *visit = visit_create(&bench, "POST");
    struct address items[IO_ADDRESSES_MAX];
    open_named(&bench, &names, server->port);
    visit_well(visit);
    assert_int_equal(statistics_of(&bench).failures, 0);
    assert_int_equal(addresses_copy(addresses_of(&bench), bench.loop->now_ns, items), 3);
    assert_int_equal(ntohl(items[0].v4.sin_addr.s_addr) & 0xff, 1); // is tried first from now on
    unsigned questions = atomic_load(&names.questions);
    visit_well(visit);
    assert_int_equal(atomic_load(&names.questions), questions);
    bench_close(&bench);
    name_server_stop(&names);
    server_stop(server);
    free(visit);
}

static void test_a_backend_that_moved_is_found_without_an_error(void **state)
{
    (void)state;
    struct bench bench;
    struct name_server names = {.address_count = 1, .last = {9}};
    struct server *server = server_start(good_script);
    struct visit *visit = visit_create(&bench, "POST");
    open_named(&bench, &names, server->port);
    visit_once(visit);
    assert_int_equal(visit->failure.kind, FAILURE_CONNECTION_REFUSED);
    names.last[0] = 1;
    atomic_store(&names.code, 0); // the thread sees the address with it
    let_lookup_age(&bench);
    visit_well(visit);
    bench_close(&bench);
    name_server_stop(&names);
    server_stop(server);
    free(visit);
}

static void test_the_last_good_answer_stays(void **state)
{
    static const unsigned codes[] = {2, 3, 99, 0}; // SERVFAIL, NXDOMAIN, silence, no address
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        struct bench bench;
        struct name_server names = {.address_count = 1, .last = {1}};
        struct server *server = server_start(good_script);
        struct visit *visit = visit_create(&bench, "POST");
        open_named(&bench, &names, server->port);
        visit_well(visit);
        atomic_store(&names.address_count, 0);
        atomic_store(&names.code, codes[i]);
        let_lookup_age(&bench);
        unsigned questions = atomic_load(&names.questions);
        assert_int_equal(origins_start(bench.origins), ERROR_NONE); // asks again
        while (atomic_load(&names.questions) == questions
            || (codes[i] != 99 && statistics_of(&bench).resolve_failures == 0))
            bench_run(&bench, sleep_main, NULL);
        visit_well(visit);
        assert_int_equal(statistics_of(&bench).failures, 0);
        bench_close(&bench);
        name_server_stop(&names);
        server_stop(server);
        free(visit);
    }
}

static void test_an_unknown_name_is_a_dns_failure(void **state)
{
    static const struct {
        unsigned code;
        enum failure_kind kind;
    } cases[] = {{3, FAILURE_DNS_ERROR}, {0, FAILURE_DNS_ERROR}, {99, FAILURE_DNS_TIMEOUT}};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct bench bench;
        struct name_server names = {.code = cases[i].code};
        struct visit *visit = visit_create(&bench, "POST");
        open_named(&bench, &names, 1);
        visit_once(visit);
        assert_int_equal(visit->failure.kind, cases[i].kind);
        assert_true(visit->failure.unsent);
        assert_int_equal(statistics_of(&bench).resolve_failures, 1);
        assert_false(view_of(&bench).healthy);
        bench_close(&bench);
        name_server_stop(&names);
        free(visit);
    }
}

// Several loops, each with its thread, over one set of origins.

#define LOOPS 2
#define VISITS 200

struct crowd {
    struct bench benches[LOOPS]; // share world and origins
    uint16_t ports[2];
    _Atomic unsigned good, ended;
};

struct worker {
    struct crowd *crowd;
    unsigned index;
};

static void worker_visits(struct task *task, void *argument)
{
    struct worker *worker = argument;
    struct visit *visit = visit_create(&worker->crowd->benches[worker->index], "GET");
    for (unsigned i = 0; i < VISITS; i++) {
        visit->tried = 0;
        visit_main(task, visit);
        if (visit->read == ERROR_CLOSED && visit->status == 200)
            atomic_fetch_add(&worker->crowd->good, 1);
    }
    free(visit);
    atomic_fetch_add(&worker->crowd->ended, 1);
}

// Backends come and go while they are used; then everything stops.
static void direct_main(struct task *task, void *argument)
{
    struct crowd *crowd = argument;
    struct bench *bench = &crowd->benches[0];
    for (unsigned i = 0; i < 20 || atomic_load(&crowd->ended) < LOOPS; i++) {
        if (i < 20 && i % 2 == 0)
            configure(bench, "origins:\n  main:\n    backends: http://127.0.0.1:%u\n",
                crowd->ports[i / 2 % 2]);
        else if (i < 20)
            configure(bench,
                "origins:\n  main:\n    backends: [http://127.0.0.1:%u, http://127.0.0.1:%u]\n",
                crowd->ports[0], crowd->ports[1]);
        assert_int_equal(task_sleep_until(task, deadline_after_ms(task_loop(task), 2)), ERROR_NONE);
    }
    origins_stop(task, bench->origins);
    for (unsigned i = 0; i < LOOPS; i++)
        loop_stop(crowd->benches[i].loop);
}

static void *run_loop(void *argument)
{
    loop_run(argument);
    return NULL;
}

// One connection per backend, loop and reload at most: far fewer than a server here takes.
static void test_loops_share_origins_through_reloads(void **state)
{
    (void)state;
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    struct loop *loops[LOOPS];
    struct worker workers[LOOPS];
    pthread_t threads[LOOPS];
    struct loop_limits loop_limits = {64, 65536};
    struct server *servers[2] = {server_start(good_script), server_start(good_script)};
    assert_non_null(crowd);
    struct bench *bench = &crowd->benches[0];
    struct epoll_world *world = epoll_world_create(0);
    for (unsigned i = 0; i < LOOPS; i++) {
        loops[i] = epoll_loop_create(world, &loop_limits, i, LOOPS);
        assert_non_null(loops[i]);
        workers[i] = (struct worker){crowd, i};
    }
    struct origins *origins = origins_create(loops, LOOPS);
    for (unsigned i = 0; i < LOOPS; i++)
        crowd->benches[i] = (struct bench){.world = world, .loop = loops[i], .origins = origins};
    for (unsigned i = 0; i < 2; i++)
        crowd->ports[i] = servers[i]->port;
    arena_init(&bench->arena, 4096, 1 << 20);
    configure(bench, "origins:\n  main:\n    backends: http://127.0.0.1:%u\n", crowd->ports[0]);
    assert_int_equal(origins_start(origins), ERROR_NONE);
    for (unsigned i = 0; i < LOOPS; i++)
        assert_int_equal(task_start(loops[i], NULL, worker_visits, &workers[i]), ERROR_NONE);
    assert_int_equal(task_start(loops[0], NULL, direct_main, crowd), ERROR_NONE);
    for (unsigned i = 0; i < LOOPS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_loop, loops[i]), 0);
    for (unsigned i = 0; i < LOOPS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&crowd->good), LOOPS * VISITS);
    assert_int_equal(statistics_of(bench).failures, 0);
    assert_int_equal(statistics_of(bench).attempts, LOOPS * VISITS);
    origins_destroy(origins);
    for (unsigned i = 0; i < LOOPS; i++) {
        assert_int_equal(loops[i]->tasks_alive, 0);
        epoll_loop_destroy(loops[i]);
    }
    epoll_world_destroy(world);
    arena_free(&bench->arena);
    for (unsigned i = 0; i < 2; i++)
        server_stop(servers[i]);
    free(crowd);
}

// What an origin says of itself.

static void test_budgets_and_times_are_told(void **state)
{
    (void)state;
    struct bench bench;
    struct server *server = server_start(good_script);
    struct visit *visit = visit_create(&bench, "GET");
    open_bench(&bench, server, "    retry: {budget: 0%, floor: 1}\n");
    struct origin *origin = origin_find(bench.origins, SLICE("main"));
    assert_int_equal(origin_p95_ms(origin), 0);
    for (unsigned i = 0; i < 20; i++) {
        origin_budget_count(origin, bench.loop->now_ns);
        visit_well(visit);
    }
    assert_true(origin_p95_ms(origin) >= 1);
    assert_true(origin_budget_take(origin, bench.loop->now_ns));
    assert_false(origin_budget_take(origin, bench.loop->now_ns));
    struct origin_statistics statistics = statistics_of(&bench);
    assert_int_equal(statistics.requests, 20);
    assert_int_equal(statistics.attempts, 20);
    assert_int_equal(statistics.extra_attempts, 1);
    assert_int_equal(statistics.budget_refusals, 1);
    int64_t since_ms;
    assert_false(origin_is_down(origin, &since_ms));
    origin_release(origin);
    bench_close(&bench);
    server_stop(server);
    free(visit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reload_keeps_what_is_known),
        cmocka_unit_test(test_what_is_no_longer_named_drains),
        cmocka_unit_test(test_a_refused_configuration_changes_nothing),
        cmocka_unit_test(test_a_backend_named_twice_is_one),
        cmocka_unit_test(test_a_lying_probe_is_outranked),
        cmocka_unit_test(test_a_silent_probe_is_sick_and_stopping_does_not_wait_for_it),
        cmocka_unit_test(test_a_dead_address_costs_no_error_and_is_remembered),
        cmocka_unit_test(test_a_backend_that_moved_is_found_without_an_error),
        cmocka_unit_test(test_the_last_good_answer_stays),
        cmocka_unit_test(test_an_unknown_name_is_a_dns_failure),
        cmocka_unit_test(test_loops_share_origins_through_reloads),
        cmocka_unit_test(test_budgets_and_times_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
