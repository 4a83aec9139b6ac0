// The addresses of a name in virtual time: what an answer changes, and what a failure leaves.
#include "../io/virtual.h"
#include "helpers.h"
#include "origin/addresses.h"

struct oracle { // a world that only resolves, and says what it is told to
    struct loop loop;
    struct io_operations operations;
    struct io_names names;
    enum error error;
    struct addresses addresses;
};

static enum error oracle_resolve(struct task *task, struct slice host, uint16_t port,
    uint64_t deadline_ns, struct io_names *ret_names)
{
    struct oracle *oracle = CONTAINER_OF(task_loop(task), struct oracle, loop);
    (void)host;
    (void)port;
    (void)deadline_ns;
    if (oracle->error == ERROR_NONE)
        *ret_names = oracle->names;
    return oracle->error;
}

static struct address number(const char *text)
{
    struct address address;
    assert_int_equal(address_parse_host(slice_from_string(text), 80, &address), ERROR_NONE);
    return address;
}

static void open_oracle(struct oracle *oracle)
{
    *oracle = (struct oracle){.operations = virtual_operations};
    virtual_init(&oracle->loop, 8);
    oracle->operations.resolve = oracle_resolve;
    oracle->loop.operations = &oracle->operations;
    addresses_init(&oracle->addresses, SLICE("backend.test"), 80);
}

static void close_oracle(struct oracle *oracle)
{
    addresses_destroy(&oracle->addresses);
    loop_destroy(&oracle->loop);
}

static void answer(struct oracle *oracle, const char *const *texts)
{
    oracle->error = ERROR_NONE;
    oracle->names = (struct io_names){.lifetime_ms = 1000};
    for (size_t i = 0; texts[i] != NULL; i++)
        oracle->names.addresses[oracle->names.count++] = number(texts[i]);
}

static void ask_main(struct task *task, void *argument)
{
    struct oracle *oracle = argument;
    enum error expected = oracle->error;
    if (expected == ERROR_NONE && oracle->names.count == 0)
        expected = ERROR_RESOLVE;
    assert_int_equal(addresses_ask(task, &oracle->addresses, NEVER_NS), expected);
}

static void ask(struct oracle *oracle)
{
    assert_int_equal(task_start(&oracle->loop, NULL, ask_main, oracle), ERROR_NONE);
    virtual_run(&oracle->loop);
}

static void expect(struct oracle *oracle, const char *const *texts)
{
    struct address items[IO_ADDRESSES_MAX];
    size_t count = addresses_copy(&oracle->addresses, oracle->loop.now_ns, items), i = 0;
    for (; texts[i] != NULL; i++) {
        struct address wanted = number(texts[i]);
        assert_true(i < count && address_equal(&items[i], &wanted));
    }
    assert_int_equal(i, count);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_what_failed_is_tried_last_for_a_while(void **state)
{
    (void)state;
    struct oracle oracle;
    open_oracle(&oracle);
    answer(&oracle, LIST("192.0.2.1", "192.0.2.2", "192.0.2.3"));
    ask(&oracle);
    struct address first = number("192.0.2.1"), second = number("192.0.2.2");
    assert_true(addresses_avoid(&oracle.addresses, &first, oracle.loop.now_ns));
    expect(&oracle, LIST("192.0.2.2", "192.0.2.3", "192.0.2.1"));
    addresses_prefer(&oracle.addresses, &second);
    ask(&oracle); // a new answer does not make it better
    expect(&oracle, LIST("192.0.2.2", "192.0.2.3", "192.0.2.1"));
    oracle.loop.now_ns += ADDRESSES_AVOID_NS;
    expect(&oracle, LIST("192.0.2.2", "192.0.2.3", "192.0.2.1")); // where it stands by now
    addresses_prefer(&oracle.addresses, &first);
    expect(&oracle, LIST("192.0.2.1", "192.0.2.2", "192.0.2.3"));
    close_oracle(&oracle);
}

static void test_the_only_address_is_not_avoided(void **state)
{
    (void)state;
    struct oracle oracle;
    open_oracle(&oracle);
    answer(&oracle, LIST("192.0.2.1"));
    ask(&oracle);
    struct address only = number("192.0.2.1");
    uint64_t seen = 99;
    assert_false(addresses_avoid(&oracle.addresses, &only, oracle.loop.now_ns));
    assert_true(addresses_still_want(&oracle.addresses, &only, oracle.loop.now_ns, &seen));
    close_oracle(&oracle);
}

static void test_what_an_answer_leaves_out_drains_when_the_rest_works(void **state)
{
    (void)state;
    struct oracle oracle;
    open_oracle(&oracle);
    answer(&oracle, LIST("192.0.2.1"));
    ask(&oracle);
    struct address old = number("192.0.2.1"), new = number("192.0.2.2");
    addresses_prefer(&oracle.addresses, &old);
    uint64_t seen = atomic_load(&oracle.addresses.version);
    answer(&oracle, LIST("192.0.2.2"));
    ask(&oracle);
    assert_true(addresses_are_moving(&oracle.addresses));
    expect(&oracle, LIST("192.0.2.2"));
    assert_true(addresses_still_want(&oracle.addresses, &old, oracle.loop.now_ns, &seen));
    addresses_prefer(&oracle.addresses, &old); // a straggler's success says nothing
    assert_true(addresses_are_moving(&oracle.addresses));
    addresses_prefer(&oracle.addresses, &new);
    assert_false(addresses_are_moving(&oracle.addresses));
    assert_false(addresses_still_want(&oracle.addresses, &old, oracle.loop.now_ns, &seen));
    assert_true(addresses_still_want(&oracle.addresses, &new, oracle.loop.now_ns, &seen));
    close_oracle(&oracle);
}

static void test_a_family_nobody_knows_of_keeps_its_addresses(void **state)
{
    (void)state;
    struct oracle oracle;
    open_oracle(&oracle);
    answer(&oracle, LIST("2001:db8::1", "192.0.2.1"));
    ask(&oracle);
    answer(&oracle, LIST("192.0.2.2"));
    oracle.names.v6_unknown = true;
    ask(&oracle);
    expect(&oracle, LIST("192.0.2.2", "2001:db8::1"));
    oracle.names.v6_unknown = false; // now it is known that there are none
    ask(&oracle);
    expect(&oracle, LIST("192.0.2.2"));
    close_oracle(&oracle);
}

static void test_failures_leave_what_is_known(void **state)
{
    static const enum error errors[] = {ERROR_RESOLVE, ERROR_TIMEOUT, ERROR_MEMORY, ERROR_NONE};
    (void)state;
    struct oracle oracle;
    open_oracle(&oracle);
    answer(&oracle, LIST("192.0.2.1"));
    ask(&oracle);
    oracle.names.count = 0; // with NONE: an empty answer
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        oracle.error = errors[i];
        ask(&oracle);
        expect(&oracle, LIST("192.0.2.1"));
    }
    assert_int_equal(atomic_load(&oracle.addresses.lifetime_ms), 1000);
    close_oracle(&oracle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_failed_is_tried_last_for_a_while),
        cmocka_unit_test(test_the_only_address_is_not_avoided),
        cmocka_unit_test(test_what_an_answer_leaves_out_drains_when_the_rest_works),
        cmocka_unit_test(test_a_family_nobody_knows_of_keeps_its_addresses),
        cmocka_unit_test(test_failures_leave_what_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
