// Which paths a pattern stands for, and that no second spelling of a path escapes it.
#include "edge/rules/rule_pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static bool matches(const char *pattern, const char *path)
{
    struct rule_pattern compiled = rule_pattern_compile(slice_from_string(pattern));
    return rule_pattern_matches(&compiled, slice_from_string(path));
}

static void test_exact_prefix_suffix_and_all(void **state)
{
    (void)state;
    assert_true(matches("/robots.txt", "/robots.txt"));
    assert_false(matches("/robots.txt", "/Robots.txt"));
    assert_false(matches("/robots.txt", "/robots.txt/"));
    assert_true(matches("/static/*", "/static/a/b"));
    assert_true(matches("/static/*", "/static/"));
    assert_false(matches("/static/*", "/static"));
    assert_false(matches("/static/*", "/statics/a"));
    assert_true(matches("*.jpg", "/a/b.jpg"));
    assert_false(matches("*.jpg", "/a/b.jpeg"));
    assert_true(matches("*", "/anything"));
    assert_true(matches("/*", "/"));
}

static void test_wildcards_anywhere(void **state)
{
    (void)state;
    assert_true(matches("/a/*/c", "/a/b/c"));
    assert_true(matches("/a/*/c", "/a/b/x/c"));
    assert_false(matches("/a/*/c", "/a/c"));
    assert_true(matches("*/feed/*", "/blog/feed/atom"));
    assert_true(matches("*b*", "/abc"));
    assert_true(matches("**", "/"));
    assert_true(matches("/?.txt", "/a.txt"));
    assert_false(matches("/?.txt", "/ab.txt"));
    assert_false(matches("/?.txt", "/.txt"));
    assert_true(matches("/*a*a*b", "/aaaab"));
    assert_false(matches("/*a*a*b", "/aaaa"));
    assert_true(matches("/x?", "/x?"));
}

static void test_the_kinds_that_are_cheap_are_seen(void **state)
{
    (void)state;
    assert_int_equal(rule_pattern_compile(SLICE("/a")).kind, RULE_PATTERN_EXACT);
    assert_int_equal(rule_pattern_compile(SLICE("/a*")).kind, RULE_PATTERN_PREFIX);
    assert_int_equal(rule_pattern_compile(SLICE("/*")).kind, RULE_PATTERN_PREFIX);
    assert_int_equal(rule_pattern_compile(SLICE("*a")).kind, RULE_PATTERN_SUFFIX);
    assert_int_equal(rule_pattern_compile(SLICE("*")).kind, RULE_PATTERN_ALL);
    assert_int_equal(rule_pattern_compile(SLICE("*a*")).kind, RULE_PATTERN_GLOB);
    assert_int_equal(rule_pattern_compile(SLICE("/a?")).kind, RULE_PATTERN_GLOB);
}

static void assert_normal(const char *sent, const char *expected, bool rearranged)
{
    struct arena arena;
    struct rule_path path;
    arena_init(&arena, 1024, 65536);
    assert_int_equal(rule_path_normalise(slice_from_string(sent), &arena, &path), ERROR_NONE);
    assert_int_equal(path.normal.size, strlen(expected));
    assert_memory_equal(path.normal.data, expected, path.normal.size);
    assert_int_equal(path.is_rearranged, rearranged);
    arena_free(&arena);
}

static void test_one_form_for_all_spellings(void **state)
{
    (void)state;
    assert_normal("/a/b.c", "/a/b.c", false);
    assert_normal("/%61%2Fb", "/a/b", false);
    assert_normal("/a%20b%C3%A9", "/a b\xC3\xA9", false);
    assert_normal("/100%", "/100%", false);
    assert_normal("/%4", "/%4", false);
    assert_normal("/%zz", "/%zz", false);
    assert_normal("/%2541", "/%41", false); // once, as servers do
    assert_normal("//a///b//", "/a/b/", true);
    assert_normal("/a/./b", "/a/b", true);
    assert_normal("/a/../b", "/b", true);
    assert_normal("/a/b/..", "/a/", true);
    assert_normal("/a/.", "/a/", true);
    assert_normal("/..", "/", true);
    assert_normal("/../../a", "/a", true);
    assert_normal("/x/%2e%2e/admin", "/admin", true);
    assert_normal("/x/%2e%2E%2fadmin", "/admin", true);
    assert_normal("/.well-known/a", "/.well-known/a", false);
    assert_normal("/...", "/...", false);
    assert_normal("/", "/", false);
    assert_normal("*", "*", false);
    assert_normal("", "", false);
}

static void assert_after(const char *sent, size_t prefix, const char *expected)
{
    struct arena arena;
    struct rule_path path;
    arena_init(&arena, 1024, 65536);
    assert_int_equal(rule_path_normalise(slice_from_string(sent), &arena, &path), ERROR_NONE);
    struct slice after = rule_path_after(&path, slice_from_string(sent), prefix, &arena);
    assert_non_null(after.data);
    assert_int_equal(after.size, strlen(expected));
    assert_memory_equal(after.data, expected, after.size);
    arena_free(&arena);
}

static void test_the_rest_keeps_its_spelling_where_that_is_sure(void **state)
{
    (void)state;
    assert_after("/api/group%2Fproject", 4, "/group%2Fproject");
    assert_after("/%61pi/x%20y", 4, "/x%20y");
    assert_after("/api/../api/x", 4, "/x");
    assert_after("/api/%2e%2e/api/x%3fy", 4, "/x%3Fy");
    assert_after("/api", 4, "");
    assert_after("/%61pi/100%25", 4, "/100%25");
}

static void test_a_full_arena_is_an_error(void **state)
{
    (void)state;
    struct arena arena;
    struct rule_path path;
    arena_init(&arena, 64, 64);
    char sent[200];
    memset(sent, 'a', sizeof(sent));
    memcpy(sent, "/%61", 4);
    assert_int_equal(rule_path_normalise(slice_of(sent, sizeof(sent)), &arena, &path),
        ERROR_MEMORY);
    path = (struct rule_path){slice_of(sent, sizeof(sent)), true};
    assert_null(rule_path_after(&path, slice_of(sent, sizeof(sent)), 1, &arena).data);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_prefix_suffix_and_all),
        cmocka_unit_test(test_wildcards_anywhere),
        cmocka_unit_test(test_the_kinds_that_are_cheap_are_seen),
        cmocka_unit_test(test_one_form_for_all_spellings),
        cmocka_unit_test(test_the_rest_keeps_its_spelling_where_that_is_sure),
        cmocka_unit_test(test_a_full_arena_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
