// Cache-Control and Pragma.
#include "http1_helpers.h"

#include "http/cache_control.h"

static struct http_cache_control parse(const char *first, const char *second)
{
    struct http_field items[3];
    struct http_fields fields = {items, 0, 3};
    struct http_cache_control control;
    memset(&control, 0x55, sizeof(control));
    assert_int_equal(http_fields_add(&fields, SLICE("X"), SLICE("no-store")), ERROR_NONE);
    if (first != NULL)
        assert_int_equal(http_fields_add(&fields, SLICE("Cache-Control"), slice_from_string(first)),
            ERROR_NONE);
    if (second != NULL)
        assert_int_equal(http_fields_add(&fields, SLICE("cache-control"),
            slice_from_string(second)), ERROR_NONE);
    http_cache_control_parse(&fields, &control);
    return control;
}

static void without_the_field_nothing_is_said(void **state)
{
    (void)state;
    struct http_cache_control control = parse(NULL, NULL);
    assert_false(control.no_store || control.no_cache || control.is_private || control.is_public
        || control.must_revalidate || control.proxy_revalidate || control.must_understand
        || control.no_transform || control.only_if_cached || control.immutable
        || control.no_cache_fields || control.private_fields);
    assert_int_equal(control.max_age, HTTP_SECONDS_ABSENT);
    assert_int_equal(control.s_maxage, HTTP_SECONDS_ABSENT);
    assert_int_equal(control.min_fresh, HTTP_SECONDS_ABSENT);
    assert_int_equal(control.max_stale, HTTP_SECONDS_ABSENT);
    assert_int_equal(control.stale_while_revalidate, HTTP_SECONDS_ABSENT);
    assert_int_equal(control.stale_if_error, HTTP_SECONDS_ABSENT);
}

static void every_directive_is_read_in_any_case(void **state)
{
    (void)state;
    assert_true(parse("No-Store", NULL).no_store);
    assert_true(parse("NO-CACHE", NULL).no_cache);
    assert_true(parse("private", NULL).is_private);
    assert_true(parse("Public", NULL).is_public);
    assert_true(parse("must-revalidate", NULL).must_revalidate);
    assert_true(parse("proxy-revalidate", NULL).proxy_revalidate);
    assert_true(parse("must-understand", NULL).must_understand);
    assert_true(parse("no-transform", NULL).no_transform);
    assert_true(parse("only-if-cached", NULL).only_if_cached);
    assert_true(parse("immutable", NULL).immutable);
    assert_int_equal(parse("Max-Age=60", NULL).max_age, 60);
    assert_int_equal(parse("s-maxage=61", NULL).s_maxage, 61);
    assert_int_equal(parse("min-fresh=62", NULL).min_fresh, 62);
    assert_int_equal(parse("max-stale=63", NULL).max_stale, 63);
    assert_true(parse("max-stale", NULL).max_stale == INT64_MAX);
    assert_int_equal(parse("stale-while-revalidate=64", NULL).stale_while_revalidate, 64);
    assert_int_equal(parse("stale-if-error=65", NULL).stale_if_error, 65);
    struct http_cache_control control
        = parse(" ,public,, max-age=1 ,x, x=y, x=\"z\",", "must-revalidate;q=1,s-maxage=2");
    assert_true(control.is_public);
    assert_int_equal(control.max_age, 1);
    assert_int_equal(control.s_maxage, 2);
    assert_true(control.must_revalidate);
}

static void repeated_directives_count_at_their_most_restrictive(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"max-age=1800, max-age=1", NULL},
        {"max-age=1, max-age=1800", NULL}, {"max-age=1800", "max-age=1"},
        {"max-age=1", "max-age=1800"}};
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
        assert_int_equal(parse(pairs[i][0], pairs[i][1]).max_age, 1);
    assert_int_equal(parse("max-age=1800, max-age=x", NULL).max_age, 0);
    assert_int_equal(parse("s-maxage=5", "s-maxage=3").s_maxage, 3);
    assert_int_equal(parse("min-fresh=5", "min-fresh=9").min_fresh, 9);
    assert_int_equal(parse("max-stale", "max-stale=9").max_stale, 9);
    assert_int_equal(parse("max-stale=9", "max-stale").max_stale, 9);
    assert_int_equal(parse("stale-if-error=9, stale-if-error=8", NULL).stale_if_error, 8);
    struct http_cache_control twice =
        parse("stale-while-revalidate=9, stale-while-revalidate=8", NULL);
    assert_int_equal(twice.stale_while_revalidate, 8);
    assert_true(parse("public", "no-store").no_store);
}

static void malformed_seconds_are_stale_and_large_ones_large(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"max-age=0", 0},
        {"max-age=003600", 3600},
        {"max-age=\"3600\"", 3600},
        {"max-age=2147483647", INT64_C(2147483647)},
        {"max-age=2147483648", INT64_C(2147483648)},
        {"max-age=2147483649", INT64_C(2147483648)},
        {"max-age=99999999999999999999999999", INT64_C(2147483648)},
        {"max-age", 0},
        {"max-age=", 0},
        {"max-age=\"\"", 0},
        {"max-age=\"", 0},
        {"max-age=-1", 0},
        {"max-age=+5", 0},
        {"max-age=3600.0", 0},
        {"max-age=3600.5", 0},
        {"max-age=3600a", 0},
        {"max-age=a3600", 0},
        {"max-age='3600'", 0},
        {"max-age=\"3600", 0},
        {"max-age=3600\"", 0},
        {"max-age =3600", 0},
        {"max-age= 3600", 0},
        {"max-age=36 00", 0},
        {"max-age=0x10", 0},
        {"max-age=1;x", 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (parse(cases[i].text, NULL).max_age != cases[i].seconds)
            fail_msg("%s", cases[i].text);
    }
}

static void quoted_strings_hide_their_content(void **state)
{
    (void)state;
    assert_int_equal(parse("extension=\"max-age=3600\", max-age=1", NULL).max_age, 1);
    assert_int_equal(parse("max-age=10, extension=\"a, max-age=3, no-store\"", NULL).max_age, 10);
    assert_false(parse("x=\"a, no-store, b\"", NULL).no_store);
    assert_false(parse("x=\"a\\\", no-store\"", NULL).no_store);
}

static void what_follows_a_name_lifts_no_restriction(void **state)
{
    (void)state;
    assert_true(parse("private;\"x\"", NULL).is_private);
    assert_true(parse("no-store; x", NULL).no_store);
    assert_true(parse("must-revalidate;q=1", NULL).must_revalidate);
    assert_int_equal(parse("max-age;x=60", NULL).max_age, 0);
    assert_false(parse("public;x", NULL).is_public);
}

static void field_names_narrow_no_cache_and_private(void **state)
{
    (void)state;
    struct http_cache_control control = parse("no-cache=\"Set-Cookie, X\", private=Set-Cookie",
        NULL);
    assert_false(control.no_cache || control.is_private);
    assert_true(control.no_cache_fields && control.private_fields);
    control = parse("no-cache=\"Set-Cookie\"", "no-cache");
    assert_true(control.no_cache && control.no_cache_fields);
    control = parse("no-cache=\"", NULL);
    assert_true(control.no_cache);
    control = parse("no-cache=\"\", private=", NULL);
    assert_true(control.no_cache && control.is_private);
}

static void restrictions_hold_with_arguments_permissions_do_not(void **state)
{
    (void)state;
    assert_true(parse("no-store=x", NULL).no_store);
    assert_true(parse("no-store=\"x\"", NULL).no_store);
    assert_true(parse("must-revalidate=x", NULL).must_revalidate);
    assert_false(parse("public=x", NULL).is_public);
    assert_false(parse("immutable=1", NULL).immutable);
    assert_false(parse("must-understand=1", NULL).must_understand);
    assert_false(parse("no-stores, xno-store, no_store, no-store x", NULL).no_store);
}

static void pragma_counts_only_alone(void **state)
{
    (void)state;
    struct http_field items[3];
    struct http_fields fields = {items, 0, 3};
    assert_false(http_pragma_is_no_cache(&fields));
    assert_int_equal(http_fields_add(&fields, SLICE("Pragma"), SLICE("x")), ERROR_NONE);
    assert_false(http_pragma_is_no_cache(&fields));
    assert_int_equal(http_fields_add(&fields, SLICE("Pragma"), SLICE("y, No-Cache")), ERROR_NONE);
    assert_true(http_pragma_is_no_cache(&fields));
    assert_int_equal(http_fields_add(&fields, SLICE("Cache-Control"), SLICE("max-age=1")),
        ERROR_NONE);
    assert_false(http_pragma_is_no_cache(&fields));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_field_nothing_is_said),
        cmocka_unit_test(every_directive_is_read_in_any_case),
        cmocka_unit_test(repeated_directives_count_at_their_most_restrictive),
        cmocka_unit_test(malformed_seconds_are_stale_and_large_ones_large),
        cmocka_unit_test(quoted_strings_hide_their_content),
        cmocka_unit_test(what_follows_a_name_lifts_no_restriction),
        cmocka_unit_test(field_names_narrow_no_cache_and_private),
        cmocka_unit_test(restrictions_hold_with_arguments_permissions_do_not),
        cmocka_unit_test(pragma_counts_only_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
