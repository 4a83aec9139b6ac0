// Entity tags, ranges and Content-Range.
#include "http1_helpers.h"

#include "http/cache_control.h"

static void tags_are_valid_as_the_grammar_says(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid, strong;
    } cases[] = {
        {"\"abc\"", true, true}, {"\"\"", true, true}, {"W/\"abc\"", true, false},
        {"W/\"\"", true, false}, {"\"a\\\"", true, true}, {"\"\xe9\"", true, true},
        {"\"a,b\"", true, true}, {"\"a b\"", false, false}, {"\"a\"b\"", false, false},
        {"\"a\x7f\"", false, false}, {"\"a\tb\"", false, false}, {"abc", false, false},
        {"\"abc", false, false}, {"abc\"", false, false}, {"\"", false, false}, {"", false, false},
        {"w/\"abc\"", false, false}, {"W\"abc\"", false, false}, {"W/abc", false, false},
        {"W/", false, false}, {"W/\"", false, false}, {"*", false, false}, {" \"a\"", false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice copy = heap_copy(slice_from_string(cases[i].text));
        if (http_etag_is_valid(copy) != cases[i].valid
            || http_etag_is_strong(copy) != cases[i].strong)
            fail_msg("%s", cases[i].text);
        heap_release(copy);
    }
    assert_false(http_etag_is_valid(SLICE_EMPTY));
}

// The table of RFC 9110 section 8.8.3.2, and tags that are none.
static void tags_compare_strongly_and_weakly(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool strong, weak;
    } cases[] = {
        {"W/\"1\"", "W/\"1\"", false, true}, {"W/\"1\"", "W/\"2\"", false, false},
        {"W/\"1\"", "\"1\"", false, true}, {"\"1\"", "\"1\"", true, true},
        {"\"1\"", "\"2\"", false, false}, {"\"a\"", "\"A\"", false, false},
        {"1", "1", false, false}, {"", "", false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice a = slice_from_string(cases[i].a), b = slice_from_string(cases[i].b);
        assert_int_equal(http_etag_equal_strong(a, b), cases[i].strong);
        assert_int_equal(http_etag_equal_weak(a, b), cases[i].weak);
        assert_int_equal(http_etag_equal_strong(b, a), cases[i].strong);
        assert_int_equal(http_etag_equal_weak(b, a), cases[i].weak);
    }
}

static void lists_of_tags_match(void **state)
{
    (void)state;
    static const struct {
        const char *list, *etag;
        bool strong, weak;
    } cases[] = {
        {"\"a\"", "\"a\"", true, true},
        {"\"x\", \"a\", \"y\"", "\"a\"", true, true},
        {"\"x\",\t\"a\"", "\"a\"", true, true},
        {",, \"x\" ,, \"a\" ,", "\"a\"", true, true},
        {"W/\"a\"", "\"a\"", false, true},
        {"\"a\"", "W/\"a\"", false, true},
        {"\"x\", W/\"y\"", "\"a\"", false, false},
        {"\"x,\\\", \"a\"", "\"a\"", true, true}, // a backslash escapes nothing in a tag
        {"\"x, \"a\"", "\"a\"", false, false},
        {"a", "\"a\"", false, false},
        {"x, \"a\"", "\"a\"", false, false},
        {"\"x\" \"a\"", "\"a\"", false, false},
        {"\"a", "\"a\"", false, false},
        {"W/", "\"a\"", false, false},
        {"", "\"a\"", false, false},
        {"*", "\"a\"", true, true},
        {"*, \"a\"", "\"a\"", false, false},
        {"*", "invalid", true, true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice list = heap_copy(slice_from_string(cases[i].list));
        struct slice etag = slice_from_string(cases[i].etag);
        if (http_etag_list_matches(list, etag, true) != cases[i].strong
            || http_etag_list_matches(list, etag, false) != cases[i].weak)
            fail_msg("%s", cases[i].list);
        heap_release(list);
    }
    assert_false(http_etag_list_matches(SLICE("*"), SLICE_EMPTY, false));
    assert_false(http_etag_list_matches(SLICE("\"a\""), SLICE_EMPTY, false));
    assert_false(http_etag_list_matches(SLICE_EMPTY, SLICE("\"a\""), false));
}

#define NONE HTTP_RANGE_NONE
#define ONE HTTP_RANGE_ONE
#define UNSATISFIABLE HTTP_RANGE_UNSATISFIABLE

static void ranges_are_read_against_the_length(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t complete;
        enum http_range range;
        uint64_t first, last;
    } cases[] = {
        {"bytes=0-99", 1000, ONE, 0, 99},
        {"BYTES=0-99", 1000, ONE, 0, 99},
        {"bytes=0-0", 1, ONE, 0, 0},
        {"bytes=0-0", 1000, ONE, 0, 0},
        {"bytes=999-999", 1000, ONE, 999, 999},
        {"bytes=500-", 1000, ONE, 500, 999},
        {"bytes=500-5000", 1000, ONE, 500, 999},
        {"bytes=007-08", 1000, ONE, 7, 8},
        {"bytes=-1", 1000, ONE, 999, 999},
        {"bytes=-500", 1000, ONE, 500, 999},
        {"bytes=-5000", 1000, ONE, 0, 999},
        {"bytes=0-18446744073709551615", 1000, ONE, 0, 999},
        {"bytes=0-99999999999999999999999", 1000, ONE, 0, 999},
        {"bytes=-99999999999999999999999", 1000, ONE, 0, 999},
        {"bytes=18446744073709551614-", UINT64_MAX, ONE, UINT64_MAX - 1, UINT64_MAX - 1},
        {"bytes=-0", 1000, UNSATISFIABLE, 0, 0},
        {"bytes=1000-", 1000, UNSATISFIABLE, 0, 0},
        {"bytes=1000-2000", 1000, UNSATISFIABLE, 0, 0},
        {"bytes=99999999999999999999999-", 1000, UNSATISFIABLE, 0, 0},
        {"bytes=0-", 0, UNSATISFIABLE, 0, 0},
        {"bytes=-0", 0, UNSATISFIABLE, 0, 0},
        {"bytes=-5", 0, NONE, 0, 0},
        {"bytes=5-4", 1000, NONE, 0, 0},
        {"bytes=99999999999999999999999-5", 1000, NONE, 0, 0},
        {"bytes=0-1,5-6", 1000, NONE, 0, 0},
        {"bytes=0-1, 5-6", 1000, NONE, 0, 0},
        {"bytes=,0-1", 1000, NONE, 0, 0},
        {"bytes= 0-1", 1000, NONE, 0, 0},
        {"bytes=0 -1", 1000, NONE, 0, 0},
        {"bytes=0- 1", 1000, NONE, 0, 0},
        {"bytes =0-1", 1000, NONE, 0, 0},
        {"bytes=0-1 ", 1000, NONE, 0, 0},
        {"bytes=-", 1000, NONE, 0, 0},
        {"bytes=--1", 1000, NONE, 0, 0},
        {"bytes=1--2", 1000, NONE, 0, 0},
        {"bytes=", 1000, NONE, 0, 0},
        {"bytes", 1000, NONE, 0, 0},
        {"bytes=5", 1000, NONE, 0, 0},
        {"bytes=a-b", 1000, NONE, 0, 0},
        {"bytes=+1-2", 1000, NONE, 0, 0},
        {"bytes=0x1-2", 1000, NONE, 0, 0},
        {"items=0-1", 1000, NONE, 0, 0},
        {"0-1", 1000, NONE, 0, 0},
        {"", 1000, NONE, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t first = 77, last = 78;
        struct slice copy = heap_copy(slice_from_string(cases[i].text));
        enum http_range range = http_range_parse(copy, cases[i].complete, &first, &last);
        if (range != cases[i].range)
            fail_msg("%s: %d", cases[i].text, (int)range);
        assert_true(first == (range == ONE ? cases[i].first : 77));
        assert_true(last == (range == ONE ? cases[i].last : 78));
        heap_release(copy);
    }
}

static void several_ranges_are_taken_in_order_or_not_at_all(void **state)
{
    (void)state;
    struct http_byte_range ranges[3];
    assert_int_equal(http_ranges_parse(SLICE("bytes=5-6, 0-1,-1"), 10, ranges, 3), 3);
    assert_true(ranges[0].first == 5 && ranges[0].last == 6);
    assert_true(ranges[1].first == 0 && ranges[1].last == 1);
    assert_true(ranges[2].first == 9 && ranges[2].last == 9);
    assert_int_equal(http_ranges_parse(SLICE("bytes=0-1, 20-"), 10, ranges, 3), 1);
    static const char *const whole[] = {"", "bytes=", "bytes=0-1", "bytes=0-1,1-2", "bytes=0-1,x",
        "bytes=0-1,3-2", "bytes=20-,30-", "bytes=0-0,2-2,4-4,6-6", "items=0-1,3-4",
        "bytes 0-1,3-4"};
    for (size_t i = 0; i < ARRAY_SIZE(whole); i++) {
        if (http_ranges_parse(slice_from_string(whole[i]), 10, ranges, 3) != 0)
            fail_msg("%s", whole[i]);
    }
}

static void content_ranges_are_exact_or_refused(void **state)
{
    (void)state;
    uint64_t first = 0, last = 0, complete = 0;
    assert_true(http_content_range_parse(SLICE("bytes 0-99/1234"), &first, &last, &complete));
    assert_true(first == 0 && last == 99 && complete == 1234);
    assert_true(http_content_range_parse(SLICE("Bytes 5-5/*"), &first, &last, &complete));
    assert_true(first == 5 && last == 5 && complete == UINT64_MAX);
    assert_true(http_content_range_parse(SLICE("bytes 0-9223372036854775806/9223372036854775807"),
        &first, &last, &complete));
    static const char *const malformed[] = {"", "bytes", "bytes ", "bytes */1234", "bytes 0-99",
        "bytes 0-99/", "bytes 99-0/1234", "bytes 0-1234/1234", "bytes 0-99/99", "bytes=0-99/1234",
        "bytes  0-99/1234", "bytes 0 - 99/1234", "bytes 0-99/ 1234", "bytes 0-99/1234 ",
        "bytes -99/1234", "bytes 0-/1234", "items 0-99/1234", "bytes 0-99/1234/5",
        "bytes 0-9-9/1234",
        "bytes 0-99/**", "bytes 0-18446744073709551616/*", "bytes 0-1/18446744073709551615",
        "bytes +0-99/1234"};
    for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
        struct slice copy = heap_copy(slice_from_string(malformed[i]));
        first = 77;
        if (http_content_range_parse(copy, &first, &last, &complete) || first != 77)
            fail_msg("%s", malformed[i]);
        heap_release(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_valid_as_the_grammar_says),
        cmocka_unit_test(tags_compare_strongly_and_weakly),
        cmocka_unit_test(lists_of_tags_match),
        cmocka_unit_test(ranges_are_read_against_the_length),
        cmocka_unit_test(several_ranges_are_taken_in_order_or_not_at_all),
        cmocka_unit_test(content_ranges_are_exact_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
