// Variables in texts; and that a redirect leads where its operator said, whatever the visitor says.
#include "edge/rules/rule_template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct rule_values values = {.of = {
    [RULE_VARIABLE_HOST] = {"a.example", 9},
    [RULE_VARIABLE_PATH] = {"/x/y", 4},
    [RULE_VARIABLE_QUERY] = {"?q=1", 4},
    [RULE_VARIABLE_REST] = {"y", 1},
    [RULE_VARIABLE_SCHEME] = {"https", 5},
    [RULE_VARIABLE_METHOD] = {"GET", 3},
    [RULE_VARIABLE_CLIENT_IP] = {"192.0.2.1", 9},
    [RULE_VARIABLE_REQUEST_ID] = {"00ff", 4},
}};

static void assert_filled(const char *template, const struct rule_values *with,
    bool is_target, const char *expected)
{
    struct arena arena;
    struct rule_template compiled;
    char buffer[512];
    struct text text = text_in(buffer, sizeof(buffer));
    arena_init(&arena, 1024, 65536);
    assert_int_equal(rule_template_compile(slice_from_string(template), &arena, &compiled),
        ERROR_NONE);
    text_append(&text, SLICE("x"));
    if (is_target)
        rule_template_append_target(&text, &compiled, with);
    else
        rule_template_append(&text, &compiled, with);
    assert_false(text.full);
    buffer[text.size] = '\0';
    assert_string_equal(buffer + 1, expected);
    arena_free(&arena);
}

static void test_every_variable(void **state)
{
    (void)state;
    assert_filled("${host} ${path} ${query} ${rest} ${scheme} ${method} ${client_ip} ${request_id}",
        &values, false, "a.example /x/y ?q=1 y https GET 192.0.2.1 00ff");
    assert_filled("plain", &values, false, "plain");
    assert_filled("", &values, false, "");
    assert_filled("$5 and $host} }{", &values, false, "$5 and $host} }{");
    assert_filled("a${rest}b${rest}", &values, false, "ayby");
}

static void assert_bad_value(const char *value, const char *expected)
{
    char message[512];
    assert_false(rule_template_check_value(slice_from_string(value), message, sizeof(message)));
    assert_non_null(strstr(message, expected));
}

static void test_mistakes_in_values(void **state)
{
    (void)state;
    char message[512];
    assert_true(rule_template_check_value(SLICE("a ${host}"), message, sizeof(message)));
    assert_true(rule_template_check_value(SLICE(""), message, sizeof(message)));
    assert_bad_value("${hots}", "knows no variable \"hots\"; expected one of ${host}, ${path}");
    assert_bad_value("${", "has a ${ without its }");
    assert_bad_value("a${host", "has a ${ without its }");
    assert_bad_value("a\r\nSet-Cookie: b", "cannot stand in a header field");
    assert_bad_value("a\nb", "cannot stand in a header field");
    assert_bad_value(" a", "without spaces around it");
    // A message longer than its room is cut, and no more.
    char small[16];
    assert_false(rule_template_check_value(SLICE("${hots}"), small, sizeof(small)));
    assert_true(strlen(small) < sizeof(small));
}

static void test_targets_whose_host_is_sure(void **state)
{
    (void)state;
    static const char *const good[] = {"/new", "/${rest}", "/new${path}${query}", "${path}/",
        "https://example.org", "https://example.org/", "https://example.org${path}",
        "https://${host}${path}${query}", "https://www.${host}/x", "${scheme}://${host}/",
        "http://example.org:8080${path}", "http://[2001:db8::1]/", "https://${host}?a#b",
        "https://example.org${query}", "/a#b"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        char message[512] = "";
        if (!rule_template_check_target(slice_from_string(good[i]), message, sizeof(message)))
            fail_msg("%s: %s", good[i], message);
    }
}

static void test_targets_that_a_visitor_could_bend(void **state)
{
    (void)state;
    static const char *const bad[] = {"https://example.org${rest}", "https://${rest}/",
        "https://${client_ip}/", "https://${path}", "https://", "https:///x", "//example.org/",
        "example.org", "", "${rest}", "javascript:alert(1)", "https://a@example.org/",
        "https://example.org\\x", "/a b", "/a\tb", "/\xC3\xA9", "https://${query}", "/${nothing}",
        "ftp://example.org/", "https://${host}${rest}", "https://${request_id}.example.org/"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char message[512] = "";
        if (rule_template_check_target(slice_from_string(bad[i]), message, sizeof(message)))
            fail_msg("%s was accepted", bad[i]);
        assert_true(strlen(message) > 0);
    }
}

static void test_a_path_never_becomes_a_host(void **state)
{
    (void)state;
    struct rule_values evil = values;
    evil.of[RULE_VARIABLE_PATH] = SLICE("//evil.example/x");
    evil.of[RULE_VARIABLE_REST] = SLICE("//evil.example");
    assert_filled("${path}", &evil, true, "/evil.example/x");
    assert_filled("/${rest}", &evil, true, "/evil.example");
    evil.of[RULE_VARIABLE_REST] = SLICE("\\evil.example");
    assert_filled("/${rest}", &evil, true, "/evil.example");
    assert_filled("https://a${path}", &evil, true, "https://a//evil.example/x");
    assert_filled("/${query}", &values, true, "/?q=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_variable),
        cmocka_unit_test(test_mistakes_in_values),
        cmocka_unit_test(test_targets_whose_host_is_sure),
        cmocka_unit_test(test_targets_that_a_visitor_could_bend),
        cmocka_unit_test(test_a_path_never_becomes_a_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
