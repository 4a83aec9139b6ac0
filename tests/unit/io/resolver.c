// Names to addresses, against a name server of our own.
#include "io/epoll_inside.h"
#include "world.h"

#include <arpa/inet.h>
#include <poll.h>

// Answers over UDP in a thread: names starting with "good" have 192.0.2.7 and 192.0.2.8, "six" has
// 2001:db8::6, "both" has all three, "half" only says what it has of IPv4, "lame" fails for IPv6,
// "silent" gets no answer, "broken" a SERVFAIL, all others do not exist.
struct server {
    struct address address;
    int descriptor;
    pthread_t thread;
    _Atomic bool stopping;
    _Atomic unsigned questions;
};

#define TYPE_A 1
#define TYPE_AAAA 28

static size_t append(unsigned char *packet, size_t size, const void *bytes, size_t count)
{
    memcpy(packet + size, bytes, count);
    return size + count;
}

static size_t append_record(unsigned char *packet, size_t size, unsigned type, const char *text)
{
    unsigned char data[16];
    size_t data_size = type == TYPE_A ? 4 : 16;
    assert_int_equal(inet_pton(type == TYPE_A ? AF_INET : AF_INET6, text, data), 1);
    unsigned char head[] = {0xC0, 12, 0, (unsigned char)type, 0, 1, 0, 0, 0, 60, 0,
        (unsigned char)data_size};
    size = append(packet, size, head, sizeof(head));
    packet[7]++; // answers
    return append(packet, size, data, data_size);
}

// Turns the question in packet into its answer; 0: none.
static size_t answer(unsigned char *packet, size_t size)
{
    size_t end = 12;
    while (end < size && packet[end] != 0)
        end += packet[end] + 1u;
    if (size < 17 || end + 5 > size)
        return 0;
    unsigned type = packet[end + 2];
    const char *label = (const char *)packet + 13;
    size = end + 5; // without EDNS
    packet[2] |= 0x80;
    packet[3] = 0;
    memset(packet + 6, 0, 6);
    bool both = strncmp(label, "both", 4) == 0;
    bool half = strncmp(label, "half", 4) == 0, lame = strncmp(label, "lame", 4) == 0;
    if (strncmp(label, "silent", 6) == 0 || (half && type == TYPE_AAAA))
        return 0;
    if (strncmp(label, "broken", 6) == 0 || (lame && type == TYPE_AAAA)) {
        packet[3] = 2;
    } else if (strncmp(label, "good", 4) == 0 || ((both || half || lame) && type == TYPE_A)) {
        if (type == TYPE_A) {
            size = append_record(packet, size, TYPE_A, "192.0.2.7");
            size = append_record(packet, size, TYPE_A, "192.0.2.8");
        }
    } else if (strncmp(label, "six", 3) == 0 || both) {
        if (type == TYPE_AAAA)
            size = append_record(packet, size, TYPE_AAAA, "2001:db8::6");
    } else {
        packet[3] = 3;
    }
    return size;
}

static void *server_main(void *argument)
{
    struct server *server = argument;
    unsigned char packet[1024];
    while (!atomic_load(&server->stopping)) {
        struct pollfd ready = {.fd = server->descriptor, .events = POLLIN};
        struct address from;
        socklen_t from_size = sizeof(from);
        if (poll(&ready, 1, 20) <= 0)
            continue;
        ssize_t size = recvfrom(server->descriptor, packet, 512, 0, &from.any, &from_size);
        if (size <= 0)
            continue;
        atomic_fetch_add(&server->questions, 1);
        size_t answer_size = answer(packet, (size_t)size);
        if (answer_size > 0)
            sendto(server->descriptor, packet, answer_size, 0, &from.any, from_size);
    }
    return NULL;
}

static void with_server(void (*body)(struct task *task, struct stage *stage))
{
    struct server server = {.address = loopback(0)};
    socklen_t size = sizeof(server.address);
    server.descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(
        bind(server.descriptor, &server.address.any, address_size(&server.address)), 0);
    assert_int_equal(getsockname(server.descriptor, &server.address.any, &size), 0);
    assert_int_equal(pthread_create(&server.thread, NULL, server_main, &server), 0);
    in_world(0, &server.address, body);
    atomic_store(&server.stopping, true);
    pthread_join(server.thread, NULL);
    close(server.descriptor);
}

static struct resolver *resolver_of(struct stage *stage)
{
    return &epoll_loop_of(stage->loop)->resolver;
}

static enum error ask(struct task *task, const char *host, uint64_t deadline_ms,
    struct io_names *ret_names)
{
    return io_resolve(task, slice_from_string(host), 8080,
        deadline_after_ms(task_loop(task), deadline_ms), ret_names);
}

static bool has(const struct io_names *names, const char *text)
{
    struct address wanted;
    assert_int_equal(address_parse(slice_from_string(text), &wanted), ERROR_NONE);
    for (size_t i = 0; i < names->count; i++)
        if (address_equal(&names->addresses[i], &wanted))
            return true;
    return false;
}

static void numbers_body(struct task *task, struct stage *stage)
{
    struct io_names names = {.count = 0};
    (void)stage;
    uint64_t before_ns = task_now_ns(task);
    assert_int_equal(ask(task, "192.0.2.1", 0, &names), ERROR_NONE);
    assert_true(names.count == 1 && has(&names, "192.0.2.1:8080"));
    assert_int_equal(ask(task, "2001:db8::1", 0, &names), ERROR_NONE);
    assert_true(names.count == 1 && has(&names, "[2001:db8::1]:8080"));
    assert_int_equal(ask(task, "[2001:db8::1]", 0, &names), ERROR_NONE);
    assert_int_equal(task_now_ns(task), before_ns); // nobody was asked
}

static void test_numbers_resolve_at_once(void **state)
{
    (void)state;
    in_world(0, NULL, numbers_body);
}

static void names_body(struct task *task, struct stage *stage)
{
    struct io_names names = {.count = 0};
    (void)stage;
    assert_int_equal(ask(task, "good.test", 30000, &names), ERROR_NONE);
    assert_int_equal(names.count, 2);
    assert_int_equal(names.lifetime_ms, 60000);
    assert_false(names.v4_unknown || names.v6_unknown); // there are none of version 6
    assert_true(has(&names, "192.0.2.7:8080") && has(&names, "192.0.2.8:8080"));
    assert_int_equal(ask(task, "six.test", 30000, &names), ERROR_NONE);
    assert_true(names.count == 1 && has(&names, "[2001:db8::6]:8080"));
    names.count = 77;
    assert_int_equal(ask(task, "nowhere.test", 30000, &names), ERROR_RESOLVE);
    assert_int_equal(ask(task, "broken.test", 30000, &names), ERROR_RESOLVE);
    assert_int_equal(names.count, 77);
}

static void families_body(struct task *task, struct stage *stage)
{
    struct io_names names;
    assert_int_equal(ask(task, "both.test", 30000, &names), ERROR_NONE);
    assert_int_equal(names.count, 3);
    assert_int_equal(names.addresses[0].any.sa_family, AF_INET6); // by turns
    assert_int_equal(names.addresses[1].any.sa_family, AF_INET);
    // One that nobody answers for does not hold up the other.
    assert_int_equal(ask(task, "half.test", 30000, &names), ERROR_NONE);
    assert_int_equal(resolver_of(stage)->queries, 1); // still asks
    assert_int_equal(names.count, 2);
    assert_true(names.v6_unknown && !names.v4_unknown);
    assert_int_equal(ask(task, "lame.test", 30000, &names), ERROR_NONE);
    assert_int_equal(names.count, 2);
    assert_true(names.v6_unknown && !names.v4_unknown);
    assert_int_equal(ask(task, "six.test", 30000, &names), ERROR_NONE);
    assert_false(names.v6_unknown || names.v4_unknown);
}

static void test_families_are_asked_for_apart(void **state)
{
    (void)state;
    with_server(families_body);
}

static void test_names_resolve_or_say_that_they_do_not(void **state)
{
    (void)state;
    with_server(names_body);
}

static void hosts_body(struct task *task, struct stage *stage)
{
    struct io_names names;
    (void)stage;
    assert_int_equal(ask(task, "localhost", 30000, &names), ERROR_NONE);
    assert_true(has(&names, "127.0.0.1:8080"));
}

static void test_localhost_comes_from_the_hosts_file(void **state)
{
    (void)state;
    with_server(hosts_body); // which does not know it
}

static void nonsense_body(struct task *task, struct stage *stage)
{
    struct io_names names = {.count = 77};
    char long_name[400];
    (void)stage;
    memset(long_name, 'x', sizeof(long_name));
    const struct slice nonsense[] = {SLICE_EMPTY, slice_of(long_name, sizeof(long_name)),
        slice_of(long_name, 200), slice_of("good\0.test", 10), SLICE("..")};
    for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++)
        assert_int_equal(io_resolve(task, nonsense[i], 80, patience_ns(task), &names),
            ERROR_RESOLVE);
    assert_int_equal(names.count, 77);
}

static void test_what_is_no_name_does_not_resolve(void **state)
{
    (void)state;
    with_server(nonsense_body);
}

struct asking {
    const char *host;
    struct task *task;
    uint64_t deadline_ms;
    enum error result;
    size_t count;
};

static void asks(struct task *task, void *argument)
{
    struct asking *asking = argument;
    struct io_names names = {.count = 0};
    asking->task = task;
    asking->result = ask(task, asking->host, asking->deadline_ms, &names);
    asking->count = names.count;
}

static void gives_up_body(struct task *task, struct stage *stage)
{
    struct scope scope;
    struct asking late = {.host = "silent.test", .deadline_ms = 30, .result = ERROR_SYSTEM};
    struct asking cancelled = {.host = "silent2.test", .deadline_ms = 60000};
    struct asking lucky = {.host = "good.test", .deadline_ms = 60000};
    scope_open(&scope);
    assert_int_equal(task_start(stage->loop, &scope, asks, &cancelled), ERROR_NONE);
    assert_int_equal(task_start(stage->loop, &scope, asks, &late), ERROR_NONE);
    assert_int_equal(task_start(stage->loop, &scope, asks, &lucky), ERROR_NONE);
    pause_ms(task, 10);
    task_cancel(cancelled.task);
    assert_int_equal(scope_join(task, &scope, patience_ns(task)), ERROR_NONE);
    assert_int_equal(cancelled.result, ERROR_CANCELLED);
    assert_int_equal(late.result, ERROR_TIMEOUT);
    assert_int_equal(lucky.result, ERROR_NONE); // one that is stuck holds nobody up
    assert_int_equal(lucky.count, 2);
    assert_int_equal(resolver_of(stage)->queries, 2); // given up, not yet ended
    scope_close(task, &scope);
    // Destroying the loop ends what was given up.
}

static void test_a_question_is_given_up_at_its_deadline_or_when_cancelled(void **state)
{
    (void)state;
    with_server(gives_up_body);
}

static void silent_body(struct task *task, struct stage *stage)
{
    struct io_names names;
    assert_int_equal(ask(task, "silent.test", 10, &names), ERROR_TIMEOUT);
    assert_int_equal(resolver_of(stage)->queries, 1);
    assert_true(stage->loop->wheel.armed > 0); // c-ares's own timeouts go on
}

static void test_timeouts_of_the_name_server_run_on_the_loops_timers(void **state)
{
    (void)state;
    with_server(silent_body);
}

static void limits_body(struct task *task, struct stage *stage)
{
    struct io_names names;
    fail_next_allocation();
    enum error error = ask(task, "good.test", 30000, &names);
    memory_fail_after(0);
    assert_int_equal(error, ERROR_MEMORY);
    stage->loop->limits.tasks = 1;
    assert_int_equal(ask(task, "silent.test", 5, &names), ERROR_TIMEOUT);
    assert_int_equal(ask(task, "good.test", 30000, &names), ERROR_LIMIT);
}

static void test_questions_are_bounded_and_survive_a_lack_of_memory(void **state)
{
    (void)state;
    with_server(limits_body);
}

static void test_servers_are_numbers_and_few(void **state)
{
    (void)state;
    struct epoll_world *world = epoll_world_create(0);
    struct address servers[RESOLVER_SERVERS_MAX + 1] = {{.any.sa_family = AF_UNIX}};
    assert_int_equal(epoll_world_set_resolvers(world, servers, 1), ERROR_INVALID);
    for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
        servers[i] = loopback(53);
    assert_int_equal(
        epoll_world_set_resolvers(world, servers, ARRAY_SIZE(servers)), ERROR_LIMIT);
    assert_int_equal(epoll_world_set_resolvers(world, servers, RESOLVER_SERVERS_MAX), ERROR_NONE);
    assert_int_equal(epoll_world_set_resolvers(world, NULL, 0), ERROR_NONE);
    epoll_world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_resolve_at_once),
        cmocka_unit_test(test_families_are_asked_for_apart),
        cmocka_unit_test(test_names_resolve_or_say_that_they_do_not),
        cmocka_unit_test(test_localhost_comes_from_the_hosts_file),
        cmocka_unit_test(test_what_is_no_name_does_not_resolve),
        cmocka_unit_test(test_a_question_is_given_up_at_its_deadline_or_when_cancelled),
        cmocka_unit_test(test_timeouts_of_the_name_server_run_on_the_loops_timers),
        cmocka_unit_test(test_questions_are_bounded_and_survive_a_lack_of_memory),
        cmocka_unit_test(test_servers_are_numbers_and_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
