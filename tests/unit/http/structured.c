// Structured values: what the public vectors (structured_vectors.c) leave out.
#include "http1_helpers.h"

#include "http/structured.h"

struct fixture {
    struct arena arena;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    arena_init(&fixture.arena, 1024, 65536);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    arena_free(&fixture->arena);
    return 0;
}

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
        structured_append_parameter_integer(&text, "n", cases[i].integer);
        assert_text(slice_of(text.data + 3, text.size - 3), cases[i].written);
    }
}

static void parameters_make_a_cache_status(void **state)
{
    (void)state;
    char buffer[128];
    struct text text = text_in(buffer, sizeof(buffer));
    structured_append_token(&text, SLICE("afloat"));
    structured_append_parameter_true(&text, "hit");
    structured_append_parameter_token(&text, "fwd", SLICE("stale"));
    structured_append_parameter_integer(&text, "ttl", -30);
    structured_append_parameter_string(&text, "key", SLICE("a\"b"));
    assert_text(text_slice(&text), "afloat;hit;fwd=stale;ttl=-30;key=\"a\\\"b\"");
    assert_false(text.full);
    text = text_in(buffer, 8);
    structured_append_token(&text, SLICE("afloat"));
    structured_append_parameter_string(&text, "key", SLICE("abc"));
    assert_true(text.full);
}

// Each is written as it was parsed, or as `canonical` says.
static void all_types_come_back_as_they_were(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        {"a=1, b=-1.500, c=\"x\\\"y\", d=t;p;q=?0, e=:AQID:, f=?0, g=@1, h=%\"f%c3%bc\", i=(b);z",
            "a=1, b=-1.5, c=\"x\\\"y\", d=t;p;q=?0, e=:AQID:, f=?0, g=@1, h=%\"f%c3%bc\", i=(b);z"},
        {"max-age=60 ,\tmust-revalidate", "max-age=60, must-revalidate"},
        {"a=1;x=1;x=2, b, a;y", "a;y, b"},
        {"u=0.001, v=-0.0, w=-0", "u=0.001, v=0.0, w=0"},
        {"", ""}, {"   ", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char buffer[256];
        struct text text = text_in(buffer, sizeof(buffer));
        struct structured_members members;
        assert_int_equal(structured_parse_dictionary(slice_from_string(cases[i].text),
            &fixture->arena, STRUCTURED_MEMBERS_MOST, &members), ERROR_NONE);
        assert_true(structured_append_dictionary(&text, &members));
        assert_text(text_slice(&text), cases[i].canonical);
    }
}

static void what_breaks_the_grammar_anywhere_is_refused_whole(void **state)
{
    struct fixture *fixture = *state;
    static const char *texts[] = {
        "a, b=", "a, b=1 c", "a,", ",a", "a,,b", "\ta", "a = 1", "a=(1 2", "a=(1,2)",
        "a=((1))", "a=1;", "a=1; ;b", "a=123456789012.11234567", "a=1234567890123.1", "a=1.",
        "a=1234567890123456", "a=.1", "a=--1", "a=@1.0", "a=\"x", "a=\"\\x\"", "a=:A:", "a=:AA",
        "a=?2", "a=?", "a=%\"%C3\"", "a=%\"%c3\"", "a=%\"%c\"", "a=%x", "A=1", "a=\x01",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct structured_members members = {.count = 7};
        assert_int_equal(structured_parse_dictionary(slice_from_string(texts[i]), &fixture->arena,
            STRUCTURED_MEMBERS_MOST, &members), ERROR_INVALID);
        assert_int_equal(members.count, 7);
    }
}

static void members_and_parameters_are_found_by_key(void **state)
{
    struct fixture *fixture = *state;
    struct structured_members members;
    assert_int_equal(structured_parse_dictionary(SLICE("a=1, max-age=60;b=2;c"), &fixture->arena, 8,
        &members), ERROR_NONE);
    const struct structured_member *member = structured_find(&members, SLICE("max-age"));
    assert_non_null(member);
    assert_int_equal(member->value.type, STRUCTURED_INTEGER);
    assert_int_equal(member->value.number, 60);
    assert_int_equal(structured_find_parameter(&member->parameters, SLICE("b"))->number, 2);
    assert_null(structured_find_parameter(&member->parameters, SLICE("a")));
    assert_null(structured_find(&members, SLICE("b")));
}

static void absent_fields_are_empty_lists_and_no_items(void **state)
{
    struct fixture *fixture = *state;
    struct structured_members members = {.count = 7};
    struct structured_member item = {.count = 7};
    assert_int_equal(structured_parse_item(SLICE_EMPTY, &fixture->arena, 8, &item), ERROR_INVALID);
    assert_int_equal(item.count, 7);
    assert_int_equal(structured_parse_list(SLICE_EMPTY, &fixture->arena, 8, &members), ERROR_NONE);
    assert_int_equal(members.count, 0);
    assert_int_equal(structured_parse_dictionary(SLICE_EMPTY, &fixture->arena, 8, &members),
        ERROR_NONE);
}

static void members_are_bounded(void **state)
{
    struct fixture *fixture = *state;
    struct structured_members members = {.count = 7};
    static const struct {
        const char *text;
        enum error error;
    } cases[] = {
        {"a,b,c", ERROR_NONE}, {"a,b,c,d", ERROR_LIMIT}, {"a;b;c;d", ERROR_NONE},
        {"a;b;c;d;e", ERROR_LIMIT}, {"a;b;b;b;b", ERROR_NONE}, {"(a b c)", ERROR_NONE},
        {"(a b c d)", ERROR_LIMIT}, {"(a;b;c;d;e)", ERROR_LIMIT}, {"();b;c;d;e", ERROR_LIMIT},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(structured_parse_list(slice_from_string(cases[i].text), &fixture->arena, 3,
            &members), cases[i].error);
}

static void a_full_arena_is_an_error(void **state)
{
    (void)state;
    static const char *texts[] = {"a", "\"\\\\\"", ":AQID:", "%\"x\"", "(a)", "\"x\";b"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct arena arena;
        struct structured_members members = {.count = 7};
        arena_init(&arena, 0, 0);
        assert_int_equal(structured_parse_list(slice_from_string(texts[i]), &arena, 8, &members),
            ERROR_MEMORY);
        assert_int_equal(members.count, 7);
        arena_free(&arena);
    }
}

static void what_cannot_be_said_or_does_not_fit_leaves_nothing(void **state)
{
    (void)state;
    char buffer[16];
    struct structured_parameter wrong_key = {SLICE("K"), {.number = 1}};
    struct structured_member members[] = {
        {.value = {.type = STRUCTURED_STRING, .text = SLICE("caf\xc3\xa9")}},
        {.value = {.type = STRUCTURED_DISPLAY, .text = SLICE("caf\xc3")}},
        {.value = {.type = STRUCTURED_TOKEN, .text = SLICE("")}},
        {.value = {.type = STRUCTURED_INTEGER, .number = INT64_MIN}},
        {.value = {.type = STRUCTURED_DECIMAL, .number = INT64_MAX}},
        {.value = {.type = STRUCTURED_DATE, .number = INT64_C(1000000000000000)}},
        {.value = {.number = 1}, .parameters = {&wrong_key, 1}},
        {.value = {.type = STRUCTURED_STRING, .text = SLICE("twenty bytes do not fit")}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        struct structured_members list = {&members[i], 1};
        struct structured_member inner = {.is_list = true, .items = &members[i], .count = 1};
        struct text text = text_in(buffer, sizeof(buffer));
        text_append(&text, SLICE("x: "));
        assert_false(structured_append_list(&text, &list));
        assert_false(structured_append_item(&text, &members[i]));
        assert_false(structured_append_dictionary(&text, &list)); // without a key
        list.items = &inner;
        assert_false(structured_append_list(&text, &list));
        assert_text(text_slice(&text), "x: ");
    }
    struct text text = text_in(buffer, sizeof(buffer));
    assert_false(structured_append_value(&text, &members[0].value));
    assert_true(structured_append_value(&text, &members[6].value));
    assert_text(text_slice(&text), "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_told_from_strings),
        cmocka_unit_test(integers_are_bounded),
        cmocka_unit_test(parameters_make_a_cache_status),
        cmocka_unit_test_setup_teardown(all_types_come_back_as_they_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_breaks_the_grammar_anywhere_is_refused_whole, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(members_and_parameters_are_found_by_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(absent_fields_are_empty_lists_and_no_items, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(members_are_bounded, set_up, tear_down),
        cmocka_unit_test(a_full_arena_is_an_error),
        cmocka_unit_test(what_cannot_be_said_or_does_not_fit_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
