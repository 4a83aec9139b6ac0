// Proxy-Status: who decides, what each registered error type says, and what is ignored.
#include "doctor/proxy_status.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 4096, (size_t)1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct proxy_status read_status(const char *value)
{
    struct proxy_status status;
    assert_int_equal(proxy_status_read(slice_from_string(value), &arena, &status), ERROR_NONE);
    return status;
}

static void assert_verdicts(const char *value, enum verdict first, uint32_t count)
{
    struct proxy_status status = read_status(value);
    assert_int_equal(status.verdicts.count, count);
    assert_int_equal(status.verdicts.items[0], first);
}

static void test_error_types_are_verdicts(void **state)
{
    (void)state;
    assert_verdicts("a; error=dns_error; rcode=\"NXDOMAIN\"", VERDICT_SITE_DNS, 1);
    assert_verdicts("a; error=dns_timeout", VERDICT_SITE_DNS, 1);
    assert_verdicts("a; error=connection_refused", VERDICT_ORIGIN_DOWN, 1);
    assert_verdicts("a; error=connection_timeout", VERDICT_ORIGIN_DOWN, 1);
    assert_verdicts("a; error=http_response_timeout", VERDICT_ORIGIN_SLOW, 1);
    assert_verdicts("a; error=connection_limit_reached", VERDICT_ORIGIN_OVERLOAD, 1);
    assert_verdicts("a; error=tls_certificate_error", VERDICT_ORIGIN_TLS, 1);
    assert_verdicts("a; error=http_request_denied", VERDICT_BLOCKED_YOU, 1);
    assert_verdicts("a; error=http_request_error", VERDICT_CLIENT_STATE, 2);
    assert_verdicts("a; error=proxy_internal_error", VERDICT_CDN_POP, 2);
    assert_verdicts("a; error=destination_not_found", VERDICT_CDN_POP, 2);
}

static void test_the_error_nearest_the_origin_decides(void **state)
{
    (void)state;
    struct proxy_status status = read_status("shield; error=connection_refused, "
                                             "edge; error=http_response_timeout; details=\"10 s\"");
    assert_true(slice_equal(status.proxy, SLICE("shield")));
    assert_true(slice_equal(status.error, SLICE("connection_refused")));
    assert_null(status.details.data);
    status = read_status("shield, \"my edge\"; error=http_response_timeout; details=\"10 s\"");
    assert_true(slice_equal(status.proxy, SLICE("my edge")));
    assert_true(slice_equal(status.details, SLICE("10 s")));
    assert_int_equal(status.verdicts.items[0], VERDICT_ORIGIN_SLOW);
}

// Only the first one's next hop may be the origin.
static void test_a_received_status_means_that_the_origin_spoke(void **state)
{
    (void)state;
    assert_int_equal(read_status("a; received-status=503").received_status, 503);
    assert_int_equal(read_status("a; received-status=503").verdicts.count, 0);
    assert_int_equal(read_status("a, b; received-status=503").received_status, 0);
    struct proxy_status status = read_status("a; received-status=200; "
                                             "error=http_response_incomplete");
    assert_int_equal(status.received_status, 200);
    assert_int_equal(status.verdicts.items[0], VERDICT_ORIGIN_DOWN);
    assert_int_equal(read_status("a; received-status=42").received_status, 0);
    assert_int_equal(read_status("a; received-status=\"503\"").received_status, 0);
}

static void test_what_nobody_registered_decides_nothing(void **state)
{
    (void)state;
    struct proxy_status status = read_status("a; error=coffee_is_cold; details=\"brr\"");
    assert_true(slice_equal(status.error, SLICE("coffee_is_cold")));
    assert_int_equal(status.verdicts.count, 0);
    assert_null(read_status("a; error=\"dns_error\"").error.data); // a string, no token
    assert_null(read_status("a; error").error.data);
    assert_true(slice_equal(read_status("42; error=dns_error").error, SLICE("dns_error")));
}

static void test_what_cannot_be_read_is_no_status(void **state)
{
    (void)state;
    struct proxy_status status = {.received_status = 1};
    static char many[PROXY_STATUS_MEMBERS_MAX * 2 + 1];
    for (size_t i = 0; i < sizeof(many); i++)
        many[i] = i % 2 == 0 ? 'a' : ',';
    assert_int_equal(proxy_status_read(SLICE_EMPTY, &arena, &status), ERROR_NOT_FOUND);
    assert_int_equal(proxy_status_read(SLICE("a; error="), &arena, &status), ERROR_INVALID);
    assert_int_equal(proxy_status_read(SLICE("a; error=dns_error,"), &arena, &status),
        ERROR_INVALID);
    assert_int_equal(proxy_status_read(slice_of(many, sizeof(many)), &arena, &status),
        ERROR_LIMIT);
    assert_int_equal(status.received_status, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_types_are_verdicts),
        cmocka_unit_test(test_the_error_nearest_the_origin_decides),
        cmocka_unit_test(test_a_received_status_means_that_the_origin_spoke),
        cmocka_unit_test(test_what_nobody_registered_decides_nothing),
        cmocka_unit_test(test_what_cannot_be_read_is_no_status),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
