// Failures in the terms of RFC 9209, and those that a status is.
#include "origin/failure.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_every_failure_has_its_words(void **state)
{
    (void)state;
    for (int kind = FAILURE_NONE; kind <= FAILURE_REQUEST_BODY; kind++) {
        bool silent = kind == FAILURE_NONE || kind == FAILURE_CANCELLED;
        assert_int_equal(failure_token((enum failure_kind)kind)[0] == 0, silent);
        assert_int_equal(failure_gateway_status((enum failure_kind)kind) == 0, silent);
        assert_true(failure_phrase((enum failure_kind)kind)[0] != 0);
    }
    assert_string_equal(failure_token(FAILURE_DNS_TIMEOUT), "dns_timeout");
    assert_int_equal(failure_gateway_status(FAILURE_DNS_TIMEOUT), 504);
    assert_int_equal(failure_gateway_status(FAILURE_REQUEST_BODY), 400);
}

// What Proxy-Status may say (RFC 9209 section 2.3), and which status goes with it.
static void test_tokens_are_the_rfcs(void **state)
{
    (void)state;
    static const struct {
        const char *token;
        unsigned status; // 0: the most fitting one
    } types[] = {
        {"dns_timeout", 504}, {"dns_error", 502}, {"destination_not_found", 500},
        {"destination_unavailable", 503}, {"destination_ip_prohibited", 502},
        {"destination_ip_unroutable", 502}, {"connection_refused", 502},
        {"connection_terminated", 502}, {"connection_timeout", 504},
        {"connection_read_timeout", 504}, {"connection_write_timeout", 504},
        {"connection_limit_reached", 503}, {"tls_protocol_error", 502},
        {"tls_certificate_error", 502}, {"tls_alert_received", 502}, {"http_request_error", 0},
        {"http_request_denied", 403}, {"http_response_incomplete", 502},
        {"http_response_header_section_size", 502}, {"http_response_header_size", 502},
        {"http_response_body_size", 502}, {"http_response_trailer_section_size", 502},
        {"http_response_trailer_size", 502}, {"http_response_transfer_coding", 502},
        {"http_response_content_coding", 502}, {"http_response_timeout", 504},
        {"http_upgrade_failed", 502}, {"http_protocol_error", 502},
        {"proxy_internal_response", 0}, {"proxy_internal_error", 500},
        {"proxy_configuration_error", 500}, {"proxy_loop_detected", 502},
    };
    for (int kind = FAILURE_NONE; kind <= FAILURE_REQUEST_BODY; kind++) {
        const char *token = failure_token((enum failure_kind)kind);
        bool found = token[0] == '\0' || kind == FAILURE_STATUS;
        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
            if (strcmp(token, types[i].token) != 0)
                continue;
            found = true;
            if (types[i].status != 0)
                assert_int_equal(failure_gateway_status((enum failure_kind)kind), types[i].status);
        }
        if (!found)
            fail_msg("%s", token);
    }
}

static struct failure failure_of(unsigned status, const char *retry_after)
{
    struct http_field fields[1] = {{SLICE("Retry-After"), slice_from_string(retry_after),
        HTTP_NAME_RETRY_AFTER}};
    struct http_response_head head = {.status = (uint16_t)status,
        .fields = {fields, retry_after == NULL ? 0 : 1, 1}};
    struct failure failure;
    failure_from_status(&head, SLICE("10.0.0.1:80"), 784111777, &failure);
    assert_int_equal(failure.kind, FAILURE_STATUS);
    assert_int_equal(failure.status, status);
    assert_false(failure.unsent);
    assert_string_equal(failure.backend, "10.0.0.1:80");
    return failure;
}

static void test_retry_after_is_read(void **state)
{
    static const struct {
        unsigned status;
        const char *retry_after;
        bool declined;
        uint32_t seconds;
    } cases[] = {
        {503, NULL, false, 0}, {503, "120", true, 120}, {429, "1", true, 1},
        {500, "120", false, 120},
        {503, "0", true, 0}, {503, "soon", false, 0}, {503, "", false, 0}, {503, "-5", false, 0},
        {503, "99999999999999999999", true, 31536000},
        {503, "Sun, 06 Nov 1994 08:50:37 GMT", true, 60}, // one minute later
        {503, "Sun, 06 Nov 1994 08:00:00 GMT", true, 0},  // in the past
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct failure failure = failure_of(cases[i].status, cases[i].retry_after);
        assert_int_equal(failure.declined, cases[i].declined);
        assert_int_equal(failure.retry_after_seconds, cases[i].seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_failure_has_its_words),
        cmocka_unit_test(test_tokens_are_the_rfcs),
        cmocka_unit_test(test_retry_after_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
