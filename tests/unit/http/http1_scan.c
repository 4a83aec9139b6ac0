// The search for a head's end: limits, and that it never looks at a byte twice.
#include "http1_helpers.h"

#define H "Host: a.example\r\n"

static const struct http1_limits small = {
    .head_size = 80, .line_size = 40, .field_count = 3, .chunk_line_size = 16, .trailer_size = 16};

static void assert_fault(struct slice raw, const struct http1_limits *limits,
    enum http1_fault fault)
{
    struct scan_verdict verdict = scan_every_way(raw, false, limits);
    if (verdict.fault != fault)
        fail_msg("\"%s\" instead of \"%s\":\n%.*s", http1_fault_text(verdict.fault),
            http1_fault_text(fault), SLICE_ARGS(raw));
    assert_int_equal(verdict.progress, fault == HTTP1_FAULT_NONE ? HTTP1_DONE : HTTP1_FAULT);
}

static void limits_are_exact(void **state)
{
    (void)state;
    // 40 bytes without CRLF pass, 41 do not.
    assert_fault(SLICE("GET /23456789012345678901234567 HTTP/1.1\r\n" H "\r\n"), &small,
        HTTP1_FAULT_NONE);
    assert_fault(SLICE("GET /234567890123456789012345678 HTTP/1.1\r\n" H "\r\n"), &small,
        HTTP1_FAULT_LINE_TOO_LONG);
    assert_fault(SLICE("GET / HTTP/1.1\r\nA: 4567890123456789012345678901234567890\r\n\r\n"),
        &small, HTTP1_FAULT_NONE);
    assert_fault(SLICE("GET / HTTP/1.1\r\nA: 45678901234567890123456789012345678901\r\n\r\n"),
        &small, HTTP1_FAULT_HEAD_TOO_LARGE);
    // 16 + 31 + 31 + 2 = 80 bytes, then one more; the empty line before does not count.
    assert_fault(SLICE("GET / HTTP/1.1\r\nA: 45678901234567890123456789\r\n"
                       "B: 45678901234567890123456789\r\n\r\n"), &small, HTTP1_FAULT_NONE);
    assert_fault(SLICE("\r\nGET / HTTP/1.1\r\nA: 45678901234567890123456789\r\n"
                       "B: 45678901234567890123456789\r\n\r\n"), &small, HTTP1_FAULT_NONE);
    assert_fault(SLICE("GET / HTTP/1.1\r\nA: 45678901234567890123456789\r\n"
                       "B: 456789012345678901234567890\r\n\r\n"), &small,
        HTTP1_FAULT_HEAD_TOO_LARGE);
    assert_fault(SLICE("GET / HTTP/1.1\r\nA:\r\nB:\r\nC:\r\n\r\n"), &small, HTTP1_FAULT_NONE);
    assert_fault(SLICE("GET / HTTP/1.1\r\nA:\r\nB:\r\nC:\r\nD:\r\n\r\n"), &small,
        HTTP1_FAULT_TOO_MANY_FIELDS);
}

// With both limits passed by one line, the one passed first is named, however the bytes are cut.
static void the_limit_passed_first_is_named(void **state)
{
    (void)state;
    char line[100];
    memset(line, 'a', sizeof(line));
    memcpy(line + sizeof(line) - 4, "\r\n\r\n", 4);
    for (uint64_t head_size = 45; head_size <= 60; head_size++) {
        struct http1_limits limits = small;
        limits.line_size = 50;
        limits.head_size = head_size;
        assert_fault(slice_of(line, sizeof(line)), &limits,
            head_size >= 51 ? HTTP1_FAULT_LINE_TOO_LONG : HTTP1_FAULT_HEAD_TOO_LARGE);
    }
}

static void limits_refuse_before_the_end_is_there(void **state)
{
    (void)state;
    char endless[200];
    memset(endless, 'a', sizeof(endless));
    assert_fault(slice_of(endless, 42), &small, HTTP1_FAULT_LINE_TOO_LONG);
    assert_fault(slice_of(endless, sizeof(endless)), &small, HTTP1_FAULT_LINE_TOO_LONG);
    memcpy(endless, "GET / HTTP/1.1\r\n", 16);
    assert_fault(slice_of(endless, sizeof(endless)), &small, HTTP1_FAULT_HEAD_TOO_LARGE);
    assert_int_equal(scan_every_way(slice_of(endless, 57), false, &small).progress, HTTP1_MORE);
}

static void a_response_may_not_begin_with_an_empty_line(void **state)
{
    (void)state;
    struct scan_verdict verdict
        = scan_every_way(SLICE("\r\nHTTP/1.1 200 OK\r\n\r\n"), true, &test_limits);
    assert_int_equal(verdict.progress, HTTP1_FAULT);
    assert_int_equal(verdict.fault, HTTP1_FAULT_SYNTAX_LINE);
}

static void a_fault_stays(void **state)
{
    (void)state;
    struct http1_scan scan = {0};
    size_t end = 77;
    assert_int_equal(http1_scan(&scan, SLICE(" "), &test_limits, &end), HTTP1_FAULT);
    assert_int_equal(http1_scan(&scan, SLICE("GET / HTTP/1.1\r\n\r\n"), &test_limits, &end),
        HTTP1_FAULT);
    assert_int_equal(end, 77);
}

// Each call starts where the last one stopped: what was seen before may be overwritten, apart from
// the few bytes before it that end a request line, without any effect.
static void bytes_seen_are_not_looked_at_again(void **state)
{
    (void)state;
    struct slice raw = SLICE("GET / HTTP/1.1\r\nHost: a.example\r\nA: b\r\n\r\n");
    char buffer[64];
    struct http1_scan scan = {0};
    size_t end = 0;
    assert_true(raw.size < sizeof(buffer));
    for (size_t size = 1; size <= raw.size; size++) {
        if (size > 11)
            buffer[size - 12] = '\n';
        buffer[size - 1] = raw.data[size - 1];
        enum http1_progress progress
            = http1_scan(&scan, slice_of(buffer, size), &test_limits, &end);
        assert_int_equal(progress, size < raw.size ? HTTP1_MORE : HTTP1_DONE);
    }
    assert_int_equal(end, raw.size);
}

static void every_fault_has_text_and_status(void **state)
{
    (void)state;
    for (int fault = HTTP1_FAULT_NONE + 1; fault < HTTP1_FAULT_COUNT; fault++) {
        assert_true(strlen(http1_fault_text((enum http1_fault)fault)) > 0);
        unsigned status = http1_fault_status((enum http1_fault)fault);
        assert_true(status >= 400 && status < 600);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(the_limit_passed_first_is_named),
        cmocka_unit_test(limits_refuse_before_the_end_is_there),
        cmocka_unit_test(a_response_may_not_begin_with_an_empty_line),
        cmocka_unit_test(a_fault_stays),
        cmocka_unit_test(bytes_seen_are_not_looked_at_again),
        cmocka_unit_test(every_fault_has_text_and_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
