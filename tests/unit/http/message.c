// Methods and status phrases.
#include "http1_helpers.h"

static void methods_are_found_by_exact_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum http_method method;
        bool safe, idempotent;
    } cases[] = {
        {"GET", HTTP_METHOD_GET, true, true},
        {"HEAD", HTTP_METHOD_HEAD, true, true},
        {"POST", HTTP_METHOD_POST, false, false},
        {"PUT", HTTP_METHOD_PUT, false, true},
        {"DELETE", HTTP_METHOD_DELETE, false, true},
        {"OPTIONS", HTTP_METHOD_OPTIONS, true, true},
        {"TRACE", HTTP_METHOD_TRACE, true, true},
        {"CONNECT", HTTP_METHOD_CONNECT, false, false},
        {"PATCH", HTTP_METHOD_PATCH, false, false},
        {"get", HTTP_METHOD_OTHER, false, false},
        {"GETS", HTTP_METHOD_OTHER, false, false},
        {"GE", HTTP_METHOD_OTHER, false, false},
        {"PURGE", HTTP_METHOD_OTHER, false, false},
        {"DELETF", HTTP_METHOD_OTHER, false, false},
        {"OPTIONZ", HTTP_METHOD_OTHER, false, false},
        {"", HTTP_METHOD_OTHER, false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        enum http_method method = http_method_find(slice_from_string(cases[i].text));
        assert_int_equal(method, cases[i].method);
        assert_int_equal(http_method_is_safe(method), cases[i].safe);
        assert_int_equal(http_method_is_idempotent(method), cases[i].idempotent);
    }
}

static void status_lines_are_what_the_parser_reads(void **state)
{
    (void)state;
    unsigned known = 0;
    for (unsigned status = 0; status < 1000; status++) {
        struct slice line = http_status_line(status), reason = http_reason(status);
        assert_int_equal(line.data != NULL, reason.size > 0);
        if (line.data == NULL)
            continue;
        char raw[100];
        struct http_field items[1];
        struct http_response_head head = {.fields = {items, 0, 1}};
        memcpy(raw, line.data, line.size);
        memcpy(raw + line.size, "\r\n", 2);
        assert_int_equal(http1_parse_response(slice_of(raw, line.size + 2), &test_limits, &head),
            HTTP1_FAULT_NONE);
        assert_int_equal(head.status, status);
        assert_true(slice_equal(head.reason, reason));
        known++;
    }
    assert_true(known > 50);
    assert_text(http_status_line(503), "HTTP/1.1 503 Service Unavailable\r\n");
    assert_null(http_status_line(299).data);
    assert_non_null(http_reason(299).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods_are_found_by_exact_name),
        cmocka_unit_test(status_lines_are_what_the_parser_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
