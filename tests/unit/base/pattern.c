// Regular expressions: found, not found, refused, and stopped where they would take too long.
#include "base/pattern.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool matches(const char *expression, const char *text)
{
    struct pattern *pattern;
    assert_int_equal(pattern_create(slice_from_string(expression), &pattern), ERROR_NONE);
    bool found = pattern_matches(pattern, slice_from_string(text));
    assert_int_equal(pattern_matches(pattern, slice_from_string(text)), found);
    pattern_destroy(pattern);
    return found;
}

static void test_what_tools_send_is_understood(void **state)
{
    (void)state;
    assert_true(matches("/.*", "/anything"));
    assert_true(matches("", "anything"));
    assert_true(matches("(^|,)(a|b)(,|$)", "x,b,y"));
    assert_false(matches("(^|,)(a|b)(,|$)", "x,bb,y"));
    assert_true(matches("((^|,)cat_p_17(,|$))|((^|,)cat_c_3(,|$))", "cms_p_1,cat_c_3"));
    assert_false(matches("((^|,)cat_p_17(,|$))", "cat_p_177"));
    assert_true(matches("^(www\\.)?example\\.org$", "www.example.org"));
    assert_false(matches("^(www\\.)?example\\.org$", "www.example.org\n"));
    assert_true(matches(".*projects.*", "/our/projects/7"));
    assert_true(matches("node\\:1", "node:1 node_list"));
}

static void test_what_is_no_expression_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"(", "*", "[", "a{2,1}", "(?<", "\\", "a\\C"};
    struct pattern *pattern = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(pattern_create(slice_from_string(wrong[i]), &pattern), ERROR_INVALID);
    static char long_one[PATTERN_SIZE_MAX + 1];
    memset(long_one, 'a', sizeof(long_one));
    assert_int_equal(pattern_create(slice_of(long_one, sizeof(long_one)), &pattern), ERROR_INVALID);
    assert_null(pattern);
    assert_int_equal(pattern_create(slice_of(long_one, PATTERN_SIZE_MAX), &pattern), ERROR_NONE);
    pattern_destroy(pattern);
    pattern_destroy(NULL);
}

// Taken for found, so that a purge errs on the side of what is asked for.
static void test_what_would_take_too_long_is_stopped(void **state)
{
    (void)state;
    char text[4096];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_true(matches("(a+)+[bc]$", text));
    assert_true(matches("^(a|aa|aaa)*[bc]", text));
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    enum error error = ERROR_MEMORY;
    unsigned failed = 0;
    for (uint64_t i = 0; error == ERROR_MEMORY; i++, failed++) {
        struct pattern *pattern = NULL;
        uint64_t before = memory_failures();
        memory_fail_after(i);
        error = pattern_create(SLICE("(a|b)c"), &pattern);
        memory_fail_after(0);
        if (i > 0 && memory_failures() == before)
            assert_int_equal(error, ERROR_NONE);
        if (i == 0)
            error = ERROR_MEMORY; // 0 switches failing off
        pattern_destroy(pattern);
    }
    assert_true(failed > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_tools_send_is_understood),
        cmocka_unit_test(test_what_is_no_expression_is_refused),
        cmocka_unit_test(test_what_would_take_too_long_is_stopped),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
