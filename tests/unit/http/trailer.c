// Which fields may come after the content, and what HTTP/2 may say in a head.
#include "http/http2_response.h"
#include "http/trailer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void check(const char *lines, const char *expected)
{
    char buffer[512];
    size_t size = strlen(lines);
    memcpy(buffer, lines, size);
    size = http_trailer_clean(buffer, size);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(buffer, expected, size);
}

static void test_harmless_fields_pass(void **state)
{
    (void)state;
    check("", "");
    check("X-Check: 42\r\n", "X-Check: 42\r\n");
    check("grpc-status: 0\r\ngrpc-message:\r\n", "grpc-status: 0\r\ngrpc-message:\r\n");
    check("ETag: \"a\"\r\nContent-Digest: sha-256=:x:\r\n",
        "ETag: \"a\"\r\nContent-Digest: sha-256=:x:\r\n");
    check("X-Check: 42\r\n\r\n", "X-Check: 42\r\n"); // with the section's end
}

static void test_fields_that_come_too_late_are_dropped(void **state)
{
    (void)state;
    static const char *const names[] = {"Content-Length", "transfer-encoding", "HOST", "Set-Cookie",
        "Cookie", "Cache-Control", "Expires", "Age", "Date", "Vary", "Location", "Retry-After",
        "Content-Type", "Content-Encoding", "Content-Range", "Connection", "Keep-Alive", "Upgrade",
        "Trailer", "TE", "Authorization", "WWW-Authenticate", "Proxy-Authenticate", "If-Match",
        "Range", "Expect", "Max-Forwards", "Link", "Pragma", "Warning", "Content-Location",
        "Last-Modified", "Surrogate-Key", "Cache-Tag", "Via", "Content-Security-Policy",
        "X-Forwarded-For", "x-forwarded-user", "X-Real-IP", "Forwarded", "Proxy-Anything",
        "Sec-Fetch-Site", "Origin", "Referer", "X-HTTP-Method-Override", "X-Rewrite-URL",
        "Client-Cert", "Early-Data", "HTTP2-Settings", "Access-Control-Request-Method"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char lines[128];
        snprintf(lines, sizeof(lines), "A: 1\r\n%s: x\r\nB: 2\r\n", names[i]);
        check(lines, "A: 1\r\nB: 2\r\n");
        assert_false(http_trailer_may_name(slice_from_string(names[i])));
    }
    assert_true(http_trailer_may_name(SLICE("Content-Digest")));
    assert_true(http_trailer_may_name(SLICE("X-For")));
    assert_false(http_trailer_may_name(SLICE("")));
}

static void test_what_is_no_field_is_dropped(void **state)
{
    (void)state;
    check("no colon\r\nA: 1\r\n", "A: 1\r\n");
    check(": x\r\nA b: x\r\nA: 1\r\n", "A: 1\r\n");
}

static const struct http1_limits limits = {1024, 256, 8, 256, 512};

static enum http1_fault fault_of(const char *const (*fields)[2], size_t count)
{
    struct http2_response response = {0};
    struct http_field items[8];
    struct http_response_head head = {.fields = {items, 0, 8}};
    http2_response_begin(&response, false);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(http2_response_add(&response, slice_from_string(fields[i][0]),
            slice_from_string(fields[i][1]), &limits), ERROR_NONE);
    assert_int_equal(http2_response_finish(&response, &limits, &head), ERROR_NONE);
    enum http1_fault fault = response.fault;
    http2_response_free(&response);
    return fault;
}

static void test_heads_of_http2_are_strict(void **state)
{
    (void)state;
    static const char *const good[][2] = {{":status", "200"}, {"content-length", "5"}, {"x", ""}};
    static const char *const bad[][2][2] = {
        {{":status", "200"}, {":status", "200"}}, {{"x", "a"}, {":status", "200"}},
        {{":status", "200"}, {":path", "/"}}, {{":status", "20"}, {"x", "a"}},
        {{":status", "099"}, {"x", "a"}}, {{":status", "200"}, {"X", "a"}},
        {{":status", "200"}, {"connection", "close"}}, {{":status", "200"}, {"upgrade", "a"}},
        {{":status", "200"}, {"transfer-encoding", "chunked"}}, {{":status", "200"}, {"", "a"}},
        {{":status", "200"}, {"x", " a"}}, {{":status", "200"}, {"x", "a\n"}},
        {{":status", "200"}, {"content-length", "+5"}}, {{":status", "200"}, {"x:", "a"}},
    };
    assert_int_equal(fault_of(good, 3), HTTP1_FAULT_NONE);
    assert_int_not_equal(fault_of(good + 1, 1), HTTP1_FAULT_NONE); // no status
    assert_int_not_equal(fault_of(good, 0), HTTP1_FAULT_NONE);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_not_equal(fault_of(bad[i], 2), HTTP1_FAULT_NONE);
}

static void test_heads_of_http2_are_bounded(void **state)
{
    (void)state;
    const char *many[10][2] = {{":status", "200"}};
    char long_value[300], value[240];
    memset(long_value, 'a', sizeof(long_value));
    long_value[299] = 0;
    memset(value, 'a', sizeof(value));
    value[239] = 0;
    for (size_t i = 1; i < 10; i++)
        many[i][0] = "x", many[i][1] = "a";
    assert_int_equal(fault_of(many, 9), HTTP1_FAULT_NONE);
    assert_int_equal(fault_of(many, 10), HTTP1_FAULT_TOO_MANY_FIELDS);
    many[1][1] = long_value;
    assert_int_equal(fault_of(many, 2), HTTP1_FAULT_HEAD_TOO_LARGE);
    for (size_t i = 1; i < 6; i++)
        many[i][1] = value;
    assert_int_equal(fault_of(many, 4), HTTP1_FAULT_NONE);
    assert_int_equal(fault_of(many, 6), HTTP1_FAULT_HEAD_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_harmless_fields_pass),
        cmocka_unit_test(test_fields_that_come_too_late_are_dropped),
        cmocka_unit_test(test_what_is_no_field_is_dropped),
        cmocka_unit_test(test_heads_of_http2_are_strict),
        cmocka_unit_test(test_heads_of_http2_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
