// Text in a fixed buffer: numbers, escapes, and what happens when it is full. And units.
#include "base/text.h"
#include "base/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_text(const struct text *text, const char *expected)
{
    assert_false(text->full);
    assert_int_equal(text->size, strlen(expected));
    assert_memory_equal(text->data, expected, text->size);
}

static void test_appending(void **state)
{
    (void)state;
    char buffer[128];
    struct text text = text_in(buffer, sizeof(buffer));
    text_append(&text, SLICE_EMPTY);
    text_append_u64(&text, 0);
    text_append_byte(&text, ' ');
    text_append_u64(&text, UINT64_MAX);
    text_append_byte(&text, ' ');
    text_append_hex(&text, 0xBEEF, 4);
    text_append_hex(&text, 0x1, 3);
    text_append_hex(&text, UINT64_MAX, 16);
    text_format(&text, " %s=%d", "a", -1);
    assert_text(&text, "0 18446744073709551615 beef001ffffffffffffffff a=-1");
}

static void test_a_full_text_drops_and_remembers(void **state)
{
    (void)state;
    char buffer[9] = "........";
    struct text text = text_in(buffer, 4);
    text_append(&text, SLICE("abcd"));
    assert_text(&text, "abcd"); // exactly full is not too full
    text_append_byte(&text, 'e');
    assert_true(text.full);
    assert_int_equal(text.size, 4);
    assert_string_equal(buffer, "abcd....");

    text = text_in(buffer, 4);
    text_append(&text, SLICE("abcde")); // nothing of it
    assert_true(text.full);
    assert_int_equal(text.size, 0);

    text = text_in(buffer, 4);
    text_format(&text, "%d", 1234); // needs room for its NUL
    assert_true(text.full);
    assert_int_equal(text.size, 0);
    assert_string_equal(buffer + 4, "....");
    text = text_in(buffer, 0);
    text_format(&text, "%s", "");
    assert_true(text.full);
}

static void test_quotes_are_fit_for_a_terminal(void **state)
{
    (void)state;
    char buffer[128];
    struct text text = text_in(buffer, sizeof(buffer));
    text_append_quoted(&text, SLICE("a\0b\x1B[31m\x7F\xC2\x9B\xC3\xA4"));
    text_append_quoted(&text, SLICE_EMPTY);
    assert_text(&text, "\"a?b?[31m???\xC3\xA4\"\"\"");
    text = text_in(buffer, sizeof(buffer));
    char value[80];
    memset(value, 'x', sizeof(value));
    memcpy(value + 59, "\xC3\xA4", 2); // would be cut in two
    text_append_quoted(&text, slice_of(value, sizeof(value)));
    assert_int_equal(text.size, 1 + 59 + 4);
    assert_memory_equal(text.data + 59, "x…\"", 5);
}

static void test_utf8_is_told_from_other_bytes(void **state)
{
    (void)state;
    assert_true(text_is_utf8(SLICE("a\xC3\xA4\xF0\x9F\x98\x80")));
    assert_true(text_is_utf8(SLICE_EMPTY));
    assert_false(text_is_utf8(SLICE("a\xE4")));
    assert_false(text_is_utf8(SLICE("\xED\xA0\x80")));
}

static void expect_character(struct slice text, size_t size, uint32_t point)
{
    uint32_t found = 0;
    assert_int_equal(text_first_character(text, &found), size);
    assert_int_equal(found, point);
}

static void test_characters_have_their_code_points(void **state)
{
    (void)state;
    expect_character(SLICE("ab"), 1, 'a');
    expect_character(SLICE("\0"), 1, 0);
    expect_character(SLICE("\xC3\xA4z"), 2, 0xE4);
    expect_character(SLICE("\xE2\x82\xAC"), 3, 0x20AC);
    expect_character(SLICE("\xF4\x8F\xBF\xBF"), 4, 0x10FFFF);
    expect_character(SLICE("\xE2\x82"), 0, 0);
    expect_character(SLICE("\xA4"), 0, 0);
}

static void test_a_query_has_unreserved_characters_only(void **state)
{
    (void)state;
    char buffer[64];
    struct text text = text_in(buffer, sizeof(buffer));
    text_append_percent(&text, SLICE("aZ09-._~ &=%/+\0\xC3"));
    assert_text(&text, "aZ09-._~%20%26%3D%25%2F%2B%00%C3");
}

static void test_html_escapes(void **state)
{
    (void)state;
    char buffer[128];
    struct text text = text_in(buffer, sizeof(buffer));
    text_append_html(&text, SLICE("<a href=\"x\">'&'</a> \xC3\xA4"));
    assert_text(&text, "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt; \xC3\xA4");
    text = text_in(buffer, sizeof(buffer));
    text_append_html(&text, slice_of("a\0b\x1B[c\x7F\r\n\t", 10));
    assert_text(&text, "a\xEF\xBF\xBD" "b\xEF\xBF\xBD[c\xEF\xBF\xBD\r\n\t");
}

static void expect_json(struct slice input, const char *expected)
{
    char buffer[256];
    struct text text = text_in(buffer, sizeof(buffer));
    text_append_json(&text, input);
    assert_text(&text, expected);
}

#define REPLACED "\xEF\xBF\xBD"

static void test_json_escapes(void **state)
{
    (void)state;
    expect_json(SLICE("a\"b\\c/"), "a\\\"b\\\\c/");
    expect_json(SLICE("\0\n\t\x1F\x7F"), "\\u0000\\u000a\\u0009\\u001f\x7F");
    expect_json(SLICE("\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80"),
        "\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80");
}

static void test_what_is_not_utf8_is_replaced(void **state)
{
    (void)state;
    char buffer[8];
    struct text text = text_in(buffer, sizeof(buffer));
    text_append_utf8(&text, SLICE("a\xE2\x82\0\xC3\xA4"));
    assert_true(slice_equal(text_slice(&text), SLICE("a\xEF\xBF\xBD\xEF\xBF\xBD\0")));
    assert_true(text.full); // and nothing comes after what did not fit
    text_append_utf8(&text, SLICE("b"));
    assert_int_equal(text.size, 8);
}

static void test_json_replaces_what_is_not_utf8(void **state)
{
    (void)state;
    expect_json(SLICE("a\xFFz"), "a" REPLACED "z");
    expect_json(SLICE("\x80"), REPLACED);                          // continuation alone
    expect_json(SLICE("\xC0\xAF"), REPLACED REPLACED);             // overlong
    expect_json(SLICE("\xE0\x9F\xBF"), REPLACED REPLACED REPLACED); // overlong
    expect_json(SLICE("\xED\xA0\x80"), REPLACED REPLACED REPLACED); // surrogate
    expect_json(SLICE("\xF4\x90\x80\x80"), REPLACED REPLACED REPLACED REPLACED); // above U+10FFFF
    expect_json(SLICE("\xE2\x82"), REPLACED REPLACED);             // cut off
    expect_json(SLICE("\xE2\x82z"), REPLACED REPLACED "z");
    expect_json(SLICE("\xF4\x8F\xBF\xBF"), "\xF4\x8F\xBF\xBF");
}

struct unit_case {
    const char *written;
    uint64_t value;
    const char *formatted;
};

static void test_durations(void **state)
{
    (void)state;
    static const struct unit_case cases[] = {
        {"0", 0, "0"}, {"0ms", 0, "0"}, {"250ms", 250, "250ms"}, {"10s", 10000, "10s"},
        {"90s", 90000, "90s"}, {"60s", 60000, "1m"}, {"5m", 300000, "5m"}, {"2h", 7200000, "2h"},
        {"36h", 129600000, "36h"}, {"30d", UINT64_C(2592000000), "30d"}, {"1001ms", 1001, "1001ms"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char buffer[64];
        struct text text = text_in(buffer, sizeof(buffer));
        uint64_t value;
        assert_true(units_parse_duration_ms(slice_from_string(cases[i].written), &value));
        assert_int_equal(value, cases[i].value);
        units_format_duration_ms(&text, value);
        assert_text(&text, cases[i].formatted);
    }
    static const char *const bad[] = {"", "10", "s", "-1s", "1.5s", "10 s", "10S", "10sec", "1w",
        "18446744073709551615d", "18446744073709551616ms"};
    uint64_t value = 77;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(units_parse_duration_ms(slice_from_string(bad[i]), &value));
    assert_int_equal(value, 77);
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct unit_case cases[] = {
        {"0", 0, "0"}, {"512", 512, "512B"}, {"512B", 512, "512B"}, {"1024", 1024, "1KB"},
        {"64KB", 65536, "64KB"}, {"64KiB", 65536, "64KB"}, {"16MB", 16 << 20, "16MB"},
        {"2GB", UINT64_C(2) << 30, "2GB"}, {"1TiB", UINT64_C(1) << 40, "1TB"},
        {"1536KB", 1536 << 10, "1536KB"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char buffer[64];
        struct text text = text_in(buffer, sizeof(buffer));
        uint64_t value;
        assert_true(units_parse_size(slice_from_string(cases[i].written), &value));
        assert_int_equal(value, cases[i].value);
        units_format_size(&text, value);
        assert_text(&text, cases[i].formatted);
    }
    static const char *const bad[] = {"", "MB", "64mb", "64M", "-1", "1.5GB", "64 MB",
        "16777216TB"};
    uint64_t value = 77;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(units_parse_size(slice_from_string(bad[i]), &value));
    assert_int_equal(value, 77);
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *expected;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"}, {INT64_C(784111777999), "1994-11-06T08:49:37Z"},
        {INT64_C(253402300799000), "9999-12-31T23:59:59Z"}, {INT64_C(253402300800000), ""},
        {INT64_MAX, ""}, {INT64_MIN, ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char buffer[64];
        struct text text = text_in(buffer, sizeof(buffer));
        units_format_time(&text, cases[i].ms);
        assert_text(&text, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appending),
        cmocka_unit_test(test_a_full_text_drops_and_remembers),
        cmocka_unit_test(test_quotes_are_fit_for_a_terminal),
        cmocka_unit_test(test_utf8_is_told_from_other_bytes),
        cmocka_unit_test(test_characters_have_their_code_points),
        cmocka_unit_test(test_a_query_has_unreserved_characters_only),
        cmocka_unit_test(test_html_escapes),
        cmocka_unit_test(test_json_escapes),
        cmocka_unit_test(test_what_is_not_utf8_is_replaced),
        cmocka_unit_test(test_json_replaces_what_is_not_utf8),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests_name("base.text", tests, NULL, NULL);
}
