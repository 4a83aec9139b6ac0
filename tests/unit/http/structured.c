// Serialisation of structured values.
#include "http1_helpers.h"

#include "http/structured.h"

static void tokens_are_told_from_strings(void **state)
{
    (void)state;
    static const struct {
        const char *text, *written;
    } cases[] = {
        {"afloat", "afloat"}, {"*x", "*x"}, {"a:b/c!#$%&'*+-.^_`|~9", "a:b/c!#$%&'*+-.^_`|~9"},
        {"A", "A"}, {"Z", "Z"}, {"zz", "zz"}, {"~", "\"~\""}, {" ", "\" \""}, {"", "\"\""},
        {"9a", "\"9a\""}, {"a b", "\"a b\""}, {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"-a", "\"-a\""}, {"a,b", "\"a,b\""}, {"caf\xc3\xa9", "\"caf\""}, {"\xc1x", "\"x\""},
        {"a\r\nb\x7f", "\"ab\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char buffer[64];
        struct text text = text_in(buffer, sizeof(buffer));
        structured_append_token(&text, slice_from_string(cases[i].text));
        assert_text(text_slice(&text), cases[i].written);
        assert_int_equal(structured_is_token(slice_from_string(cases[i].text)),
            strcmp(cases[i].text, cases[i].written) == 0);
    }
}

static void integers_are_bounded(void **state)
{
    (void)state;
    static const struct {
        int64_t integer;
        const char *written;
    } cases[] = {
        {0, "0"}, {-1, "-1"}, {42, "42"}, {INT64_C(999999999999999), "999999999999999"},
        {INT64_C(1000000000000000), "999999999999999"}, {INT64_MAX, "999999999999999"},
        {INT64_MIN, "-999999999999999"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char buffer[64];
        struct text text = text_in(buffer, sizeof(buffer));
        structured_append_integer(&text, cases[i].integer);
        assert_text(text_slice(&text), cases[i].written);
    }
}

static void parameters_make_a_cache_status(void **state)
{
    (void)state;
    char buffer[128];
    struct text text = text_in(buffer, sizeof(buffer));
    structured_append_token(&text, SLICE("afloat"));
    structured_append_parameter_boolean(&text, "hit", true);
    structured_append_parameter_token(&text, "fwd", SLICE("stale"));
    structured_append_parameter_integer(&text, "ttl", -30);
    structured_append_parameter_boolean(&text, "stored", false);
    structured_append_parameter_string(&text, "key", SLICE("a\"b"));
    assert_text(text_slice(&text), "afloat;hit;fwd=stale;ttl=-30;stored=?0;key=\"a\\\"b\"");
    assert_false(text.full);
    text = text_in(buffer, 8);
    structured_append_token(&text, SLICE("afloat"));
    structured_append_parameter_string(&text, "key", SLICE("abc"));
    assert_true(text.full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_told_from_strings),
        cmocka_unit_test(integers_are_bounded),
        cmocka_unit_test(parameters_make_a_cache_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
