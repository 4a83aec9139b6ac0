// Responses: raw ones with their verdicts, framing by status and method, connection reuse.
#include "http1_helpers.h"

struct raw_response {
    enum http1_fault fault;
    struct slice raw;
};

#define R(name, text) {HTTP1_FAULT_##name, {text, sizeof(text) - 1}},

static const struct raw_response responses[] = {
    R(NONE, "HTTP/1.1 200 OK\r\n\r\n")
    R(NONE, "HTTP/1.1 200 \r\n\r\n")
    R(NONE, "HTTP/1.1 200\r\n\r\n")
    R(NONE, "HTTP/1.0 404 Not  Found\tat all \xe9\r\n\r\n")
    R(NONE, "HTTP/1.1 599 X\r\n\r\n")
    R(NONE, "HTTP/1.1 100 Continue\r\n\r\n")
    R(NONE, "HTTP/1.3 200 OK\r\n\r\n")
    R(STATUS, "HTTP/1.1 099 X\r\n\r\n")
    R(STATUS, "HTTP/1.1 600 X\r\n\r\n")
    R(STATUS, "HTTP/1.1 000 X\r\n\r\n")
    R(STATUS, "HTTP/1.1 999 X\r\n\r\n")
    R(SYNTAX_LINE, "HTTP/1.1 20 OK\r\n\r\n")
    R(SYNTAX_LINE, "HTTP/1.1 2000 OK\r\n\r\n")
    R(SYNTAX_LINE, "HTTP/1.1 20x OK\r\n\r\n")
    R(SYNTAX_LINE, "HTTP/1.1 +20 OK\r\n\r\n")
    R(SYNTAX_LINE, "HTTP/1.1 200OK\r\n\r\n")
    R(SYNTAX_LINE, "HTTP/1.1  200 OK\r\n\r\n")
    R(SYNTAX_LINE, "HTTP/1.1\t200 OK\r\n\r\n")
    R(SYNTAX_LINE, "HTTP/1.1 200\tOK\r\n\r\n")
    R(SYNTAX_LINE, "HTTP/1.1 OK\r\n\r\n")
    R(SYNTAX_LINE, "HTTP/1.1\r\n\r\n")
    R(SYNTAX_LINE, "HTTP/1.10 200 OK\r\n\r\n")
    R(SYNTAX_LINE, "http/1.1 200 OK\r\n\r\n")
    R(SYNTAX_LINE, "ICY/1.1 200 OK\r\n\r\n")
    R(SYNTAX_LINE, "GET / HTTP/1.1\r\n\r\n")
    R(SYNTAX_LINE, "<html>\r\n\r\n")
    R(SYNTAX_LINE, "\r\nHTTP/1.1 200 OK\r\n\r\n")
    R(VERSION, "HTTP/2.0 200 OK\r\n\r\n")
    R(VERSION, "HTTP/0.9 200 OK\r\n\r\n")
    R(SYNTAX_NEWLINE, "HTTP/1.1 200 OK\n\n")
    R(SYNTAX_NEWLINE, "HTTP/1.1 200 O\rK\r\n\r\n")
    R(SYNTAX_CHARACTER, "HTTP/1.1 200 O\x00K\r\n\r\n")
    R(SYNTAX_CHARACTER, "HTTP/1.1 200 OK\r\nA: \x07\r\n\r\n")
    R(SYNTAX_FOLD, "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n")
    R(SYNTAX_FIELD, "HTTP/1.1 200 OK\r\nA : b\r\n\r\n")
    R(SYNTAX_FIELD, "HTTP/1.1 200 OK\r\nno colon\r\n\r\n")
    R(NONE, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    R(LENGTH, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n")
    R(LENGTH, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n")
    R(LENGTH, "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n")
    R(LENGTH, "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n")
    R(LENGTH, "HTTP/1.1 204 No Content\r\nContent-Length: x\r\n\r\n")
    R(LENGTH_AND_CODING, "HTTP/1.1 200 OK\r\n"
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n")
    R(NONE, "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n")
    R(CODING, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")
    R(CODING_SYNTAX, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n")
    R(CODING_SYNTAX, "HTTP/1.1 200 OK\r\nTransfer-Encoding: abc, gzip\r\n\r\n")
    R(CODING_SYNTAX, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, abc\r\n\r\n")
    R(CODING_SYNTAX, "HTTP/1.1 200 OK\r\nTransfer-Encoding: abc;q=1\r\n\r\n")
    R(CODING_SYNTAX, "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n")
    R(CODING_SYNTAX, "HTTP/1.1 200 OK\r\n"
        "Transfer-Encoding: abc\r\nTransfer-Encoding: chunked\r\n\r\n")
    R(CODING_SYNTAX, "HTTP/1.0 200 OK\r\nTransfer-Encoding: identity\r\n\r\n")
    R(LENGTH_AND_CODING, "HTTP/1.1 200 OK\r\n"
        "Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\n")
    R(NONE, "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n")
    R(NONE, "HTTP/1.1 200 OK\r\nTransfer-Encoding: abc\r\n\r\n")
    R(CODING_SYNTAX, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n")
    R(CODING_SYNTAX, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
};

static void every_raw_response_gets_its_verdict_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(responses); i++) {
        struct http_field items[FIELDS_MAX];
        struct http_response_head head = {.fields = {items, 0, FIELDS_MAX}};
        enum http1_fault fault = read_response(responses[i].raw, &test_limits, &head);
        if (fault != responses[i].fault)
            fail_msg("response %zu: \"%s\" instead of \"%s\":\n%.*s", i, http1_fault_text(fault),
                http1_fault_text(responses[i].fault), SLICE_ARGS(responses[i].raw));
    }
}

static void accept(struct slice raw, struct http_response_head *head)
{
    enum http1_fault fault = read_response(raw, &test_limits, head);
    if (fault != HTTP1_FAULT_NONE)
        fail_msg("refused with \"%s\":\n%.*s", http1_fault_text(fault), SLICE_ARGS(raw));
}

static void the_parts_of_a_response_are_named(void **state)
{
    (void)state;
    struct http_field items[FIELDS_MAX];
    struct http_response_head head = {.fields = {items, 0, FIELDS_MAX}};
    accept(SLICE("HTTP/1.1 404 Not Found\r\nServer: x\r\nContent-Length: 9\r\n\r\n"), &head);
    assert_int_equal(head.status, 404);
    assert_text(head.reason, "Not Found");
    assert_int_equal(head.minor_version, 1);
    assert_true(head.keep_alive);
    assert_true(head.has_content_length);
    assert_int_equal(head.content_length, 9);
    assert_int_equal(head.framing, HTTP_FRAMING_LENGTH);
    assert_int_equal(head.fields.count, 2);
    assert_text(http_fields_value(&head.fields, HTTP_NAME_SERVER), "x");
    accept(SLICE("HTTP/1.0 200\r\n\r\n"), &head);
    assert_text(head.reason, "");
    assert_false(head.keep_alive);
    assert_false(head.has_content_length);
    assert_int_equal(head.framing, HTTP_FRAMING_CLOSE);
}

#define LENGTH_5 "Content-Length: 5\r\n\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"

static void the_body_ends_as_status_and_method_say(void **state)
{
    (void)state;
    static const struct {
        struct slice raw;
        enum http_method method;
        enum http_framing framing;
        bool keep_alive;
    } cases[] = {
        {SLICE("HTTP/1.1 200 OK\r\n" LENGTH_5), HTTP_METHOD_GET, HTTP_FRAMING_LENGTH, true},
        {SLICE("HTTP/1.1 200 OK\r\n" CHUNKED), HTTP_METHOD_GET, HTTP_FRAMING_CHUNKED, true},
        {SLICE("HTTP/1.1 200 OK\r\n\r\n"), HTTP_METHOD_GET, HTTP_FRAMING_CLOSE, true},
        {SLICE("HTTP/1.1 200 OK\r\n" LENGTH_5), HTTP_METHOD_HEAD, HTTP_FRAMING_NONE, true},
        {SLICE("HTTP/1.1 200 OK\r\n" CHUNKED), HTTP_METHOD_HEAD, HTTP_FRAMING_NONE, true},
        {SLICE("HTTP/1.1 200 OK\r\n\r\n"), HTTP_METHOD_HEAD, HTTP_FRAMING_NONE, true},
        {SLICE("HTTP/1.1 205 Reset\r\n" LENGTH_5), HTTP_METHOD_GET, HTTP_FRAMING_LENGTH, true},
        {SLICE("HTTP/1.1 304 N\r\n" LENGTH_5), HTTP_METHOD_GET, HTTP_FRAMING_NONE, true},
        {SLICE("HTTP/1.1 304 N\r\n" CHUNKED), HTTP_METHOD_GET, HTTP_FRAMING_NONE, true},
        {SLICE("HTTP/1.1 204 N\r\n\r\n"), HTTP_METHOD_GET, HTTP_FRAMING_NONE, true},
        {SLICE("HTTP/1.1 204 N\r\nContent-Length: 0\r\n\r\n"), HTTP_METHOD_GET, HTTP_FRAMING_NONE,
            true},
        {SLICE("HTTP/1.1 204 N\r\n" LENGTH_5), HTTP_METHOD_GET, HTTP_FRAMING_NONE, false},
        {SLICE("HTTP/1.1 204 N\r\n" CHUNKED), HTTP_METHOD_GET, HTTP_FRAMING_NONE, false},
        {SLICE("HTTP/1.1 100 C\r\n\r\n"), HTTP_METHOD_POST, HTTP_FRAMING_NONE, true},
        {SLICE("HTTP/1.1 103 E\r\n" LENGTH_5), HTTP_METHOD_GET, HTTP_FRAMING_NONE, false},
        {SLICE("HTTP/1.1 200 OK\r\n\r\n"), HTTP_METHOD_CONNECT, HTTP_FRAMING_NONE, true},
        {SLICE("HTTP/1.1 300 M\r\n" LENGTH_5), HTTP_METHOD_CONNECT, HTTP_FRAMING_LENGTH, true},
        {SLICE("HTTP/1.1 403 F\r\n" LENGTH_5), HTTP_METHOD_CONNECT, HTTP_FRAMING_LENGTH, true},
        {SLICE("HTTP/1.1 200 OK\r\nConnection: close\r\n" LENGTH_5), HTTP_METHOD_GET,
            HTTP_FRAMING_LENGTH, false},
        {SLICE("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" LENGTH_5), HTTP_METHOD_GET,
            HTTP_FRAMING_LENGTH, true},
        {SLICE("HTTP/1.0 200 OK\r\n" LENGTH_5), HTTP_METHOD_GET, HTTP_FRAMING_LENGTH, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_field items[FIELDS_MAX];
        struct http_response_head head = {.fields = {items, 0, FIELDS_MAX}};
        accept(cases[i].raw, &head);
        if (http_response_framing(&head, cases[i].method) != cases[i].framing
            || head.keep_alive != cases[i].keep_alive)
            fail_msg("case %zu: %.*s", i, SLICE_ARGS(cases[i].raw));
    }
}

static void the_length_named_without_content_is_known(void **state)
{
    (void)state;
    struct http_field items[FIELDS_MAX];
    struct http_response_head head = {.fields = {items, 0, FIELDS_MAX}};
    accept(SLICE("HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n"), &head);
    assert_true(head.has_content_length);
    assert_int_equal(head.content_length, 1234);
}

static void every_prefix_of_a_head_is_refused_by_the_parser(void **state)
{
    (void)state;
    struct slice raw = SLICE("HTTP/1.1 200 OK\r\nServer: a\r\nA: b\r\n\r\n");
    for (size_t size = 1; size < raw.size; size++) {
        struct http_field items[4];
        struct http_response_head head = {.fields = {items, 0, 4}};
        struct slice part = heap_copy(slice_of(raw.data, size));
        assert_int_not_equal(http1_parse_response(part, &test_limits, &head), HTTP1_FAULT_NONE);
        heap_release(part);
    }
}

static void a_line_may_be_as_long_as_its_limit_and_no_longer(void **state)
{
    (void)state;
    struct http1_limits limits = test_limits;
    struct http_field items[4];
    struct http_response_head head = {.fields = {items, 0, 4}};
    limits.line_size = 15;
    assert_int_equal(http1_parse_response(SLICE("HTTP/1.1 200 OK\r\n\r\n"), &limits, &head),
        HTTP1_FAULT_NONE);
    assert_int_equal(http1_parse_response(SLICE("HTTP/1.1 200 OK.\r\n\r\n"), &limits, &head),
        HTTP1_FAULT_LINE_TOO_LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_raw_response_gets_its_verdict_however_it_is_cut),
        cmocka_unit_test(the_parts_of_a_response_are_named),
        cmocka_unit_test(the_body_ends_as_status_and_method_say),
        cmocka_unit_test(the_length_named_without_content_is_known),
        cmocka_unit_test(a_line_may_be_as_long_as_its_limit_and_no_longer),
        cmocka_unit_test(every_prefix_of_a_head_is_refused_by_the_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
