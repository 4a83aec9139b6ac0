// References against the target http://Example.org/a/b/c?q (examples of RFC 3986 section 5.4).
#include "http/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct http_request_head base = {
    .authority = SLICE("Example.org"),
    .path = SLICE("/a/b/c"),
    .query = SLICE("q"),
};

static void assert_leads_to(const char *reference, const char *expected)
{
    struct arena arena;
    struct http_target target;
    arena_init(&arena, 4096, 65536);
    assert_int_equal(http_reference_resolve(slice_from_string(reference), &base, &arena, &target),
        ERROR_NONE);
    struct slice text = arena_printf(&arena, "%.*s %.*s%s%.*s", SLICE_ARGS(target.authority),
        SLICE_ARGS(target.path), target.query.data == NULL ? "" : "?", SLICE_ARGS(target.query));
    assert_non_null(text.data);
    if (!slice_equal(text, slice_from_string(expected)))
        fail_msg("%s leads to %.*s", reference, SLICE_ARGS(text));
    arena_free(&arena);
}

static void references_lead_where_they_should(void **state)
{
    (void)state;
    assert_leads_to("", "Example.org /a/b/c?q");
    assert_leads_to("#x", "Example.org /a/b/c?q");
    assert_leads_to("?y", "Example.org /a/b/c?y");
    assert_leads_to("g", "Example.org /a/b/g");
    assert_leads_to("g?y#z", "Example.org /a/b/g?y");
    assert_leads_to("g/", "Example.org /a/b/g/");
    assert_leads_to("/g", "Example.org /g");
    assert_leads_to("/g?a:b", "Example.org /g?a:b");
    assert_leads_to("//other/g", "other /g");
    assert_leads_to("//other", "other /");
    assert_leads_to("http://other:8080?y", "other:8080 /?y");
    assert_leads_to("HTTPS://other/g?y", "other /g?y");
    assert_leads_to(".", "Example.org /a/b/");
    assert_leads_to("./g", "Example.org /a/b/g");
    assert_leads_to("..", "Example.org /a/");
    assert_leads_to("../g", "Example.org /a/g");
    assert_leads_to("../../g", "Example.org /g");
    assert_leads_to("../../../../g", "Example.org /g");
    assert_leads_to("/a/./b/../c/.", "Example.org /a/c/");
    assert_leads_to("/..", "Example.org /");
    assert_leads_to("g;x=1/../y", "Example.org /a/b/y");
    assert_leads_to("..g/g..", "Example.org /a/b/..g/g..");
}

static void other_schemes_and_malformed_ones_lead_nowhere(void **state)
{
    (void)state;
    const char *references[] = {
        "mailto:a@b", "ftp://other/", "http:g", "g g", "/a\"b", "javascript:1"};
    for (size_t i = 0; i < ARRAY_SIZE(references); i++) {
        struct arena arena;
        struct http_target target;
        arena_init(&arena, 4096, 65536);
        assert_int_equal(http_reference_resolve(slice_from_string(references[i]), &base, &arena,
            &target), ERROR_INVALID);
        arena_free(&arena);
    }
}

static void without_memory_nothing_is_said(void **state)
{
    (void)state;
    struct arena arena;
    struct http_target target;
    arena_init(&arena, 16, 16);
    assert_int_equal(http_reference_resolve(SLICE("a-name-longer-than-the-arena"), &base, &arena,
        &target), ERROR_MEMORY);
    arena_free(&arena);
}

static void the_target_itself_is_known(void **state)
{
    (void)state;
    assert_true(http_reference_is_target(SLICE("/a/b/c?q"), &base));
    assert_true(http_reference_is_target(SLICE("//example.org/a/b/c?q"), &base));
    assert_true(http_reference_is_target(SLICE("https://EXAMPLE.org:443/a/b/c?q"), &base));
    assert_false(http_reference_is_target(SLICE("/a/b/c"), &base));
    assert_false(http_reference_is_target(SLICE("/a/b/c?"), &base));
    assert_false(http_reference_is_target(SLICE("/a/b/c?q#"), &base));
    assert_false(http_reference_is_target(SLICE("c?q"), &base));
    assert_false(http_reference_is_target(SLICE("http://example.org:8080/a/b/c?q"), &base));
    assert_false(http_reference_is_target(SLICE("http://example.com/a/b/c?q"), &base));
    assert_false(http_reference_is_target(SLICE("http:///a/b/c?q"), &base));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_lead_where_they_should),
        cmocka_unit_test(other_schemes_and_malformed_ones_lead_nowhere),
        cmocka_unit_test(without_memory_nothing_is_said),
        cmocka_unit_test(the_target_itself_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
