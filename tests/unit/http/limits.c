// The settings rows of this room agree with the struct they fill, and their
// defaults with a browser.
#include "http1_helpers.h"

#include "http/limits.h"

#include "base/units.h"

static struct http1_limits defaults(void)
{
    struct http1_limits limits = {0};
    for (size_t i = 0; i < http_settings.count; i++) {
        const struct setting *row = &http_settings.rows[i];
        uint64_t value = 0;
        struct slice fallback = slice_from_string(row->fallback);
        if (row->type == SETTING_SIZE)
            assert_true(units_parse_size(fallback, &value));
        else
            assert_true(slice_parse_u64(fallback, UINT64_MAX, &value));
        assert_true(value >= row->minimum && value <= row->maximum);
        assert_true(row->offset % sizeof(uint64_t) == 0 && row->offset < sizeof(limits));
        memcpy((char *)&limits + row->offset, &value, sizeof(value));
    }
    return limits;
}

static void every_limit_has_a_row_and_a_default(void **state)
{
    (void)state;
    struct http1_limits limits = defaults();
    assert_int_equal(http_settings.size, sizeof(limits));
    assert_int_equal(http_settings.count, sizeof(limits) / sizeof(uint64_t));
    assert_int_equal(limits.head_size, 65536);
    assert_int_equal(limits.line_size, 16384);
    assert_int_equal(limits.field_count, 256);
    assert_int_equal(limits.chunk_line_size, 256);
    assert_int_equal(limits.trailer_size, 8192);
    for (size_t i = 0; i < http_settings.count; i++) {
        assert_non_null(http_settings.rows[i].summary);
        assert_non_null(http_settings.rows[i].touch);
    }
}

static void the_defaults_hold_against_a_hundred_thousand_fields_and_endless_lines(void **state)
{
    (void)state;
    struct http1_limits limits = defaults();
    size_t size = 4 * 100000, end = 0;
    char *raw = malloc(size);
    assert_non_null(raw);
    for (size_t at = 0; at < size; at += 4)
        memcpy(raw + at, "a:\r\n", 4);
    memcpy(raw, "GET / HTTP/1.1\r\n", 16);
    struct http1_scan scan = {0};
    assert_int_equal(http1_scan(&scan, slice_of(raw, size), &limits, &end), HTTP1_FAULT);
    assert_int_equal(scan.fault, HTTP1_FAULT_TOO_MANY_FIELDS);
    memset(raw, 'a', size);
    scan = (struct http1_scan){0};
    assert_int_equal(http1_scan(&scan, slice_of(raw, size), &limits, &end), HTTP1_FAULT);
    assert_int_equal(scan.fault, HTTP1_FAULT_LINE_TOO_LONG);
    free(raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_limit_has_a_row_and_a_default),
        cmocka_unit_test(the_defaults_hold_against_a_hundred_thousand_fields_and_endless_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
