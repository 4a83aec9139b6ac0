// Forms: values are found by their name and decoded as browsers encoded them; what is no encoding
// is refused, and nothing is read beyond its end.
#include "http/form.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_decodes(struct slice value, bool is_form, struct slice expected)
{
    char buffer[64];
    struct text text = text_in(buffer, sizeof(buffer));
    assert_true(form_decode(value, is_form, &text));
    assert_true(slice_equal(text_slice(&text), expected));
}

static void decodes(void **state)
{
    (void)state;
    assert_decodes(SLICE(""), true, SLICE(""));
    assert_decodes(SLICE("plain"), true, SLICE("plain"));
    assert_decodes(SLICE("a+b%2Bc%26%3d"), true, SLICE("a b+c&="));
    assert_decodes(SLICE("a+b"), false, SLICE("a+b"));
    assert_decodes(SLICE("%00%ff"), true, SLICE("\0\xff"));
}

static void refuses_what_is_no_encoding(void **state)
{
    (void)state;
    static const char *const bad[] = {"%", "%4", "%zz", "ok%g0", "%4%41"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char buffer[64];
        struct text text = text_in(buffer, sizeof(buffer));
        assert_false(form_decode(slice_from_string(bad[i]), true, &text));
    }
}

static void says_when_it_does_not_fit(void **state)
{
    (void)state;
    char buffer[4];
    struct text text = text_in(buffer, sizeof(buffer));
    assert_true(form_decode(SLICE("1234"), true, &text));
    text = text_in(buffer, sizeof(buffer));
    assert_false(form_decode(SLICE("12345"), true, &text));
}

static void finds_by_name(void **state)
{
    (void)state;
    struct slice form = SLICE("a=1&bb=2&b=%20&a=3&empty=&bare&=x");
    assert_true(slice_equal(form_find(form, SLICE("a")), SLICE("1")));
    assert_true(slice_equal(form_find(form, SLICE("b")), SLICE("%20")));
    assert_true(slice_equal(form_find(form, SLICE("empty")), SLICE("")));
    assert_non_null(form_find(form, SLICE("empty")).data);
    assert_non_null(form_find(form, SLICE("bare")).data);
    assert_null(form_find(form, SLICE("c")).data);
    assert_null(form_find(SLICE_EMPTY, SLICE("a")).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes),
        cmocka_unit_test(refuses_what_is_no_encoding),
        cmocka_unit_test(says_when_it_does_not_fit),
        cmocka_unit_test(finds_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
