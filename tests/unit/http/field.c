// Known names, field lists, list syntax, hop-by-hop rules.
#include "http1_helpers.h"

#include "base/memory.h"

#include <ctype.h>

static void every_known_name_is_found_in_any_case(void **state)
{
    (void)state;
    for (int i = HTTP_NAME_OTHER + 1; i < HTTP_NAME_COUNT; i++) {
        enum http_name name = (enum http_name)i;
        char upper[64];
        struct slice text = http_name_text(name);
        assert_true(text.size > 0 && text.size < sizeof(upper));
        assert_int_equal(http_name_find(text), name);
        for (size_t at = 0; at < text.size; at++)
            upper[at] = (char)toupper(text.data[at]);
        assert_int_equal(http_name_find(slice_of(upper, text.size)), name);
        // One byte less, one more, one other: no longer known.
        assert_int_not_equal(http_name_find(slice_of(upper, text.size - 1)), name);
        upper[text.size] = 'x';
        assert_int_not_equal(http_name_find(slice_of(upper, text.size + 1)), name);
        for (size_t at = 0; at < text.size; at++) {
            char kept = upper[at];
            upper[at] = (char)(kept ^ 0x40);
            assert_int_not_equal(http_name_find(slice_of(upper, text.size)), name);
            upper[at] = kept;
        }
    }
}

static void other_names_are_other(void **state)
{
    (void)state;
    static const char *const names[] = {"", "x", "content_length", "content\rlength", "hostt",
        "a-name-longer-than-any-known-one", "sec-fetch-mode", "\x88ost"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_int_equal(http_name_find(slice_from_string(names[i])), HTTP_NAME_OTHER);
    assert_int_equal(http_name_find(SLICE_EMPTY), HTTP_NAME_OTHER);
}

static void add(struct http_fields *fields, const char *name, const char *value)
{
    assert_int_equal(http_fields_add(fields, slice_from_string(name), slice_from_string(value)),
        ERROR_NONE);
}

static void fields_are_found_in_order(void **state)
{
    (void)state;
    struct http_field items[4];
    struct http_fields fields = {items, 0, 4};
    assert_null(http_fields_find(&fields, HTTP_NAME_VARY));
    assert_null(http_fields_value(&fields, HTTP_NAME_VARY).data);
    add(&fields, "Vary", "a");
    add(&fields, "X-Own", "b");
    add(&fields, "VARY", "c");
    add(&fields, "x-own", "");
    assert_int_equal(http_fields_add(&fields, SLICE("y"), SLICE("z")), ERROR_LIMIT);
    assert_int_equal(fields.count, 4);
    assert_ptr_equal(http_fields_find(&fields, HTTP_NAME_VARY), &items[0]);
    assert_ptr_equal(http_fields_find_text(&fields, SLICE("X-OWN")), &items[1]);
    assert_null(http_fields_find_text(&fields, SLICE("X-OW")));
    assert_text(http_fields_value(&fields, HTTP_NAME_VARY), "a");
    assert_int_equal(http_fields_count(&fields, HTTP_NAME_VARY), 2);
    assert_int_equal(http_fields_count(&fields, HTTP_NAME_AGE), 0);
}

static void values_are_joined_in_order(void **state)
{
    (void)state;
    struct http_field items[4];
    struct http_fields fields = {items, 0, 4};
    struct arena arena;
    struct slice value = SLICE("untouched");
    arena_init(&arena, 512, 4096);
    add(&fields, "A", "1");
    add(&fields, "B", "2");
    add(&fields, "a", "");
    add(&fields, "a", "3, 4");
    assert_int_equal(http_fields_joined(&fields, SLICE("a"), &arena, &value), ERROR_NONE);
    assert_text(value, "1, , 3, 4");
    assert_int_equal(http_fields_joined(&fields, SLICE("b"), &arena, &value), ERROR_NONE);
    assert_ptr_equal(value.data, items[1].value.data);
    assert_int_equal(http_fields_joined(&fields, SLICE("c"), &arena, &value), ERROR_NONE);
    assert_null(value.data);
    arena_free(&arena);
    arena_init(&arena, 512, 4096);
    value = SLICE("untouched");
    memory_fail_after(1);
    void *passed = memory_alloc(1); // the first passes, the arena's chunk is the one that fails
    enum error error = http_fields_joined(&fields, SLICE("a"), &arena, &value);
    memory_fail_after(0);
    memory_free(passed);
    assert_int_equal(error, ERROR_MEMORY);
    assert_text(value, "untouched");
    arena_free(&arena);
}

static void assert_list(const char *list, const char *const *elements)
{
    struct slice rest = slice_from_string(list), element;
    for (; *elements != NULL; elements++) {
        if (!http_list_next(&rest, &element))
            fail_msg("%s: no \"%s\"", list, *elements);
        assert_text(element, *elements);
    }
    assert_false(http_list_next(&rest, &element));
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void lists_are_cut_at_commas_outside_quotes(void **state)
{
    (void)state;
    assert_list("", LIST(NULL));
    assert_list(" , ,\t,", LIST(NULL));
    assert_list("a", LIST("a"));
    assert_list("a,b", LIST("a", "b"));
    assert_list(" a b\t,, c ;d=e ,", LIST("a b", "c ;d=e"));
    assert_list("a=\"b,c\", d", LIST("a=\"b,c\"", "d"));
    assert_list("a=\"b\\\",c\", d", LIST("a=\"b\\\",c\"", "d"));
    assert_list("a=\"b\\\\\", d", LIST("a=\"b\\\\\"", "d"));
    assert_list("a=\"b, c", LIST("a=\"b, c"));
    assert_list("a=\"b\\", LIST("a=\"b\\"));
    assert_list("a\\,b", LIST("a\\", "b"));
}

static void tokens_are_found_in_lists(void **state)
{
    (void)state;
    assert_true(http_list_has_token(SLICE("a, Close"), SLICE("close")));
    assert_true(http_list_has_token(SLICE("gzip;q=0.5, br"), SLICE("GZIP")));
    assert_true(http_list_has_token(SLICE("gzip ; q=0.5"), SLICE("gzip")));
    assert_false(http_list_has_token(SLICE("closed, xclose, clo"), SLICE("close")));
    assert_false(http_list_has_token(SLICE("a=\"x, close, y\""), SLICE("close")));
    assert_false(http_list_has_token(SLICE_EMPTY, SLICE("close")));
}

static void tokens_and_values_are_told_from_others(void **state)
{
    (void)state;
    assert_true(http_is_token(SLICE("aZ09!#$%&'*+-.^_`|~")));
    assert_false(http_is_token(SLICE_EMPTY));
    for (int byte = 0; byte < 256; byte++) {
        char one = (char)byte;
        bool token = byte != 0 && byte < 128
            && (isalnum(byte) || strchr("!#$%&'*+-.^_`|~", byte) != NULL);
        bool value = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        assert_int_equal(http_is_token(slice_of(&one, 1)), token);
        assert_int_equal(http_is_field_value(slice_of(&one, 1)), value);
        // At each place of a long value, so that the wide scan and its rest are both seen.
        for (size_t at = 0; at < 37; at++) {
            char text[37];
            memset(text, 'a', sizeof(text));
            text[at] = one;
            assert_int_equal(http_is_field_value(slice_of(text, sizeof(text))), value);
        }
    }
    assert_true(http_is_field_value(SLICE_EMPTY));
}

static void hop_by_hop_fields_end_here(void **state)
{
    (void)state;
    static const char *const known[] = {"Connection", "Keep-Alive", "Proxy-Connection",
        "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding",
        "Upgrade"};
    unsigned count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        assert_true(http_name_is_hop_by_hop(http_name_find(slice_from_string(known[i]))));
    for (int i = 0; i < HTTP_NAME_COUNT; i++)
        count += http_name_is_hop_by_hop((enum http_name)i);
    assert_int_equal(count, ARRAY_SIZE(known));
}

static void nominated_fields_end_here_too_but_not_those_for_everybody(void **state)
{
    (void)state;
    struct http_field items[9];
    struct http_fields fields = {items, 0, 9};
    add(&fields, "Connection", "x-own, close, cache-control");
    add(&fields, "X-OWN", "1");
    add(&fields, "Connection", "cookie,HOST, Content-Length");
    add(&fields, "Cookie", "a");
    add(&fields, "Host", "a");
    add(&fields, "Content-Length", "1");
    add(&fields, "Cache-Control", "no-store");
    add(&fields, "X-Other", "2");
    add(&fields, "TE", "trailers");
    static const bool expected[] = {true, true, true, true, false, false, false, false, true};
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
        assert_int_equal(http_field_is_hop_by_hop(&fields, &items[i]), expected[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_name_is_found_in_any_case),
        cmocka_unit_test(other_names_are_other),
        cmocka_unit_test(fields_are_found_in_order),
        cmocka_unit_test(values_are_joined_in_order),
        cmocka_unit_test(lists_are_cut_at_commas_outside_quotes),
        cmocka_unit_test(tokens_are_found_in_lists),
        cmocka_unit_test(tokens_and_values_are_told_from_others),
        cmocka_unit_test(hop_by_hop_fields_end_here),
        cmocka_unit_test(nominated_fields_end_here_too_but_not_those_for_everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
