// Normal forms of target URIs, and the authorities in them.
#include "http1_helpers.h"

#include "http/authority.h"
#include "http/key.h"

static void equivalent_targets_get_the_same_key(void **state)
{
    (void)state;
    static const struct {
        const char *scheme, *authority, *path, *query, *key;
    } cases[] = {
        {"http", "a.example", "/", NULL, "http://a.example/"},
        {"http", "a.example", "", NULL, "http://a.example/"},
        {"HTTP", "AZ.Example:80", "/AZ", NULL, "http://az.example/AZ"},
        {"http", "a.example:", "/", NULL, "http://a.example/"},
        {"http", "a.example:0080", "/", NULL, "http://a.example/"},
        {"http", "a.example:443", "/", NULL, "http://a.example:443/"},
        {"https", "a.example:443", "/", NULL, "https://a.example/"},
        {"https", "a.example:80", "/", NULL, "https://a.example:80/"},
        {"http", "a.example:08080", "/", NULL, "http://a.example:8080/"},
        {"http", "[2001:DB8::1]:80", "/", NULL, "http://[2001:db8::1]/"},
        {"http", "a", "/", "", "http://a/?"},
        {"http", "a", "", "q", "http://a/?q"},
        {"http", "a", "/x", "A=%7e&b=?", "http://a/x?A=%7e&b=?"},
        {"http", "a", "/%7euser/%41%2d%2E%5f%30", NULL, "http://a/~user/A-._0"},
        {"http", "a", "/%2f%3a%c3%a9%00", NULL, "http://a/%2F%3A%C3%A9%00"},
        {"http", "a", "/%", NULL, "http://a/%"},
        {"http", "a", "/%4", NULL, "http://a/%4"},
        {"http", "a", "/%zz%4g%", NULL, "http://a/%zz%4g%"},
        {"http", "a", "/%2541", NULL, "http://a/%2541"},
        {"http", "a", "/%%341", NULL, "http://a/%%341"},
        {"http", "a", "/%4%31", NULL, "http://a/%4%31"},
        {"http", "a", "/%41%", NULL, "http://a/%41%"},
        {"http", "a", "/a/../b/./c//", NULL, "http://a/a/../b/./c//"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char buffer[128];
        struct text text = text_in(buffer, sizeof(buffer));
        struct slice path = heap_copy(slice_from_string(cases[i].path));
        assert_int_equal(http_key_write(&text, slice_from_string(cases[i].scheme),
            slice_from_string(cases[i].authority), path, slice_from_string(cases[i].query)),
            ERROR_NONE);
        assert_text(text_slice(&text), cases[i].key);
        heap_release(path);
    }
}

static void keys_that_fail_leave_the_text_as_long_as_it_was(void **state)
{
    (void)state;
    char buffer[32];
    struct text text = text_in(buffer, sizeof(buffer));
    text_append(&text, SLICE("before "));
    assert_int_equal(http_key_write(&text, SLICE("http"), SLICE("a b"), SLICE("/"), SLICE_EMPTY),
        ERROR_INVALID);
    assert_int_equal(http_key_write(&text, SLICE("http"), SLICE_EMPTY, SLICE("/"), SLICE_EMPTY),
        ERROR_INVALID);
    assert_text(text_slice(&text), "before ");
    assert_int_equal(http_key_write(&text, SLICE("http"), SLICE("a"), SLICE("/23456789012345678"),
        SLICE_EMPTY), ERROR_LIMIT);
    assert_text(text_slice(&text), "before ");
}

static void authorities_are_split_into_host_and_port(void **state)
{
    (void)state;
    char longest[HTTP_HOST_SIZE_MAX + 1];
    struct http_authority authority = {SLICE("untouched"), 77};
    assert_false(http_authority_parse(SLICE("a:b"), &authority));
    assert_text(authority.host, "untouched");
    assert_true(http_authority_parse(SLICE("a.example:81"), &authority));
    assert_text(authority.host, "a.example");
    assert_int_equal(authority.port, 81);
    assert_true(http_authority_parse(SLICE("[::1]"), &authority));
    assert_text(authority.host, "[::1]");
    assert_int_equal(authority.port, 0);
    assert_true(http_authority_parse(SLICE("192.0.2.1:65535"), &authority));
    assert_int_equal(authority.port, 65535);
    memset(longest, 'a', sizeof(longest));
    assert_true(http_authority_parse(slice_of(longest, HTTP_HOST_SIZE_MAX), &authority));
    assert_false(http_authority_parse(slice_of(longest, HTTP_HOST_SIZE_MAX + 1), &authority));
    assert_false(http_authority_parse(SLICE_EMPTY, &authority));
    assert_false(http_authority_parse(SLICE("[::1\0]"), &authority));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equivalent_targets_get_the_same_key),
        cmocka_unit_test(keys_that_fail_leave_the_text_as_long_as_it_was),
        cmocka_unit_test(authorities_are_split_into_host_and_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
