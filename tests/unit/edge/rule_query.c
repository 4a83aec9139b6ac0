// Which parameters are in the key: dropping helps the cache, dropping too much shows visitors what
// somebody else has chosen for them.
#include "edge/rules/rule_query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define LIST(array) {(array), ARRAY_SIZE(array)}

static void assert_query(const struct key_settings *settings, const char *query,
    const char *expected)
{
    char buffer[8192];
    struct text text = text_in(buffer, strlen(query));
    bool any = rule_query_write(&text, settings, slice_from_string(query));
    assert_false(text.full);
    assert_int_equal(any, expected != NULL);
    if (expected == NULL)
        return;
    buffer[text.size] = '\0';
    assert_string_equal(buffer, expected);
}

static void test_nothing_said_nothing_changed(void **state)
{
    (void)state;
    struct key_settings settings = {0}, absent = {SETTING_ABSENT, SETTING_ABSENT, {0}, {0}, {0},
        {0}};
    assert_false(rule_query_is_changed(&settings));
    assert_false(rule_query_is_changed(&absent));
    assert_query(&absent, "b=1&a=2&&utm_source=x", "b=1&a=2&&utm_source=x");
    assert_query(&settings, "", "");
    char buffer[8];
    struct text text = text_in(buffer, sizeof(buffer));
    assert_false(rule_query_write(&text, &settings, SLICE_EMPTY));
}

static void test_dropping(void **state)
{
    (void)state;
    struct slice drop[] = {SLICE("ref"), SLICE("partner_*")};
    struct key_settings settings = {.drop_parameters = LIST(drop)};
    assert_true(rule_query_is_changed(&settings));
    assert_query(&settings, "a=1&ref=x&b=2", "a=1&b=2");
    assert_query(&settings, "ref=x", NULL);
    assert_query(&settings, "ref", NULL);
    assert_query(&settings, "partner_id=1&partner=2", "partner=2");
    assert_query(&settings, "reff=1&re=2", "reff=1&re=2");
    // What another server might read otherwise stays.
    assert_query(&settings, "ref=1;id=2", "ref=1;id=2");
    assert_query(&settings, "REF=1&r%65f=1", "REF=1&r%65f=1");
}

static void test_trackers(void **state)
{
    (void)state;
    struct key_settings settings = {.tracking = KEY_TRACKING_DROPPED};
    assert_query(&settings, "utm_source=a&id=1&fbclid=b&gclid=c&_ga=d&mc_eid=e", "id=1");
    assert_query(&settings, "utm=1&gclide=2", "utm=1&gclide=2");
    assert_true(rule_query_is_tracking(SLICE("utm_anything")));
    assert_false(rule_query_is_tracking(SLICE("id")));
}

static void test_keeping(void **state)
{
    (void)state;
    struct slice keep[] = {SLICE("page"), SLICE("user_id"), SLICE("filter_*")};
    struct key_settings settings = {.keep_parameters = LIST(keep)};
    assert_query(&settings, "x=1&page=2&y=3", "page=2");
    assert_query(&settings, "x=1", NULL);
    assert_query(&settings, "filter_color=red&filters=2", "filter_color=red");
    // Every way in which some server reads one of these names.
    assert_query(&settings, "p%61ge=2", "p%61ge=2");
    assert_query(&settings, "PAGE=2", "PAGE=2");
    assert_query(&settings, "page[]=2&page[a]=3&page%5Bb%5D=4",
        "page[]=2&page[a]=3&page%5Bb%5D=4");
    assert_query(&settings, "user.id=2&user+id=3&user%20id=4&user%2Eid=5",
        "user.id=2&user+id=3&user%20id=4&user%2Eid=5");
    assert_query(&settings, "+page=2&%20page=3", "+page=2&%20page=3");
    assert_query(&settings, "page%00x=2", "page%00x=2");
    assert_query(&settings, "filter.color=red", "filter.color=red");
    assert_query(&settings, "x=1;page=2", "x=1;page=2");
}

static void test_sorting_keeps_the_order_of_one_name(void **state)
{
    (void)state;
    struct key_settings settings = {.query = KEY_QUERY_SORTED};
    assert_query(&settings, "b=1&a=2&c", "a=2&b=1&c");
    assert_query(&settings, "a=2&b=1&a=1", "a=2&a=1&b=1");
    assert_query(&settings, "%61=2&a=1", "%61=2&a=1");
    assert_query(&settings, "a=1&%61=2", "a=1&%61=2");
    assert_query(&settings, "A=1&a=2", "A=1&a=2");
    assert_query(&settings, "a=1&b=2;a=3", "a=1&b=2;a=3");
    assert_query(&settings, "", "");
}

static void test_too_many_stay_as_they_are(void **state)
{
    (void)state;
    char query[1024];
    size_t size = 0;
    for (int i = 0; i <= RULE_QUERY_SORTED_MAX; i++)
        size += (size_t)snprintf(query + size, sizeof(query) - size, "&p%03d=1", 200 - i);
    struct key_settings settings = {.query = KEY_QUERY_SORTED};
    assert_query(&settings, query + 1, query + 1);
    // One fewer is sorted: the last comes first.
    char buffer[1024];
    query[size - 7] = '\0';
    struct text text = text_in(buffer, sizeof(buffer));
    assert_true(rule_query_write(&text, &settings, slice_from_string(query + 1)));
    assert_memory_equal(buffer, "p137=1&", 7);
}

static void test_all_together_and_none(void **state)
{
    (void)state;
    struct slice keep[] = {SLICE("a*")}, drop[] = {SLICE("ab")};
    struct key_settings settings = {.query = KEY_QUERY_SORTED, .tracking = KEY_TRACKING_DROPPED,
        .keep_parameters = LIST(keep), .drop_parameters = LIST(drop)};
    assert_query(&settings, "x=1&ac=2&ab=3&aa=4&utm_id=5", "aa=4&ac=2");
    settings.query = KEY_QUERY_IGNORED;
    assert_query(&settings, "aa=4", NULL);
    assert_query(&settings, "aa=4;x", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_said_nothing_changed),
        cmocka_unit_test(test_dropping),
        cmocka_unit_test(test_trackers),
        cmocka_unit_test(test_keeping),
        cmocka_unit_test(test_sorting_keeps_the_order_of_one_name),
        cmocka_unit_test(test_too_many_stay_as_they_are),
        cmocka_unit_test(test_all_together_and_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
