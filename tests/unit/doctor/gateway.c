// The gateway: what is there on every machine. Worlds in which it is dead, or loses packets, are
// the fault laboratory's (tests/lab).
#include "doctor/echo.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "step_fixture.h"

static struct check check;
static char path[64];

static int begin(void **state)
{
    (void)state;
    fixture_begin(&check, 60000);
    fixture_file(path, sizeof(path));
    check.options.resolver_file = path;
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_end(&check);
    unlink(path);
    return 0;
}

static struct address address_of(const char *text)
{
    struct address address;
    assert_int_equal(address_parse_host(slice_from_string(text), 0, &address), ERROR_NONE);
    return address;
}

static void test_echoes_are_counted_once(void **state)
{
    (void)state;
    struct address here = address_of("127.0.0.1");
    struct echo echo;
    echo_open(&echo, &here);
    if (echo.descriptor < 0) { // the system lets nobody ping
        assert_int_equal(echo_end_ms(&echo), 0);
        skip();
    }
    for (unsigned i = 0; i < ECHOES + 3; i++) {
        assert_true(i >= ECHOES || echo_end_ms(&echo) == UINT64_MAX);
        echo_send(&echo, 1000 + i);
    }
    assert_int_equal(echo.sent, ECHOES);
    assert_int_equal(echo_end_ms(&echo), 1000 + ECHOES - 1 + ECHO_PATIENCE_MS);
    while (echo.replies < ECHOES) {
        struct pollfd polled = {echo.descriptor, POLLIN, 0};
        assert_int_equal(poll(&polled, 1, 60000), 1);
        echo_receive(&echo, 1100);
    }
    assert_int_equal(echo.answered, (UINT32_C(1) << ECHOES) - 1);
    assert_int_equal(echo_end_ms(&echo), 0);
    echo_close(&echo);
}

static void test_without_a_gateway_nothing_is_said_of_it(void **state)
{
    (void)state;
    struct facts facts = {0};
    step_gateway(&check, &facts);
    assert_int_equal(facts.gateway.answers, FACT_UNKNOWN);
    assert_int_equal(facts.gateway.echoes, 0);
}

// This machine as its own gateway and as the server further out: it refuses the datagram, and
// answers echoes where they are allowed.
static void test_a_gateway_that_is_there(void **state)
{
    (void)state;
    struct facts facts = {.link = {.gateway = address_of("127.0.0.1"), .name = SLICE("lo")}};
    check.options.second = SLICE("127.0.0.1:53");
    step_gateway(&check, &facts);
    assert_int_equal(facts.gateway.answers, FACT_GOOD);
    assert_true(facts.gateway.replies <= facts.gateway.echoes);
    assert_true(facts.gateway.echoes % ECHOES == 0);
    assert_true(facts.gateway.near_replies <= facts.gateway.near_echoes);
}

// Neither the router itself nor this machine is somebody further out.
static void test_who_is_not_further_out(void **state)
{
    (void)state;
    struct facts facts = {.link = {.gateway = address_of("127.0.0.1"), .name = SLICE("lo")}};
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("nameserver 127.0.0.1\nnameserver 127.0.0.53\nnameserver ::1\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    step_gateway(&check, &facts);
    assert_int_equal(facts.gateway.echoes, facts.gateway.near_echoes);
    if (facts.gateway.echoes > 0)
        assert_true(address_equal(&facts.gateway.echoed, &facts.link.gateway));
}

static void test_a_check_that_is_over_is_not_held_up(void **state)
{
    (void)state;
    struct facts facts = {.link = {.gateway = address_of("192.0.2.1"), .name = SLICE("lo")}};
    close(check.stop[1]); // the deadline is a minute away
    check.stop[1] = -1;
    step_gateway(&check, &facts);
    check.is_over = true;
    step_gateway(&check, &facts);
    assert_int_equal(facts.gateway.echoes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_echoes_are_counted_once, begin, end),
        cmocka_unit_test_setup_teardown(test_without_a_gateway_nothing_is_said_of_it, begin, end),
        cmocka_unit_test_setup_teardown(test_a_gateway_that_is_there, begin, end),
        cmocka_unit_test_setup_teardown(test_who_is_not_further_out, begin, end),
        cmocka_unit_test_setup_teardown(test_a_check_that_is_over_is_not_held_up, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
