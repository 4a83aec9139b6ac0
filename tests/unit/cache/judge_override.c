// What a rule says instead of the origin: how far it reaches, and where it does not.
#include "cache/object.h"
#include "heads.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define D "Date: " DATE_NOW "\n"
#define NOTHING                                                                                    \
    {.fresh_ms = SETTING_ABSENT, .fresh_minimum_ms = SETTING_ABSENT,                               \
        .fresh_maximum_ms = SETTING_ABSENT, .while_revalidate_ms = SETTING_ABSENT}

static struct judge_override none(void)
{
    return (struct judge_override)NOTHING;
}

static struct judgement judge(const char *asked, unsigned status, const char *answered,
    struct judge_override override)
{
    static struct test_request request;
    static struct test_response response;
    struct judgement judgement;
    struct judge_policy policy = {
        .keep_ms = 1000000, .negative_max_ms = 10000000, .override = &override};
    test_parse_request(&request, "GET / HTTP/1.1", asked);
    test_parse_response(&response, status, answered);
    judge_response(&request.head, &response.head, &policy, NOW_MS, NOW_MS, &judgement);
    return judgement;
}

static void assert_fresh(const char *asked, unsigned status, const char *answered,
    struct judge_override override, uint64_t seconds)
{
    struct judgement judgement = judge(asked, status, answered, override);
    assert_string_equal(judge_reason_text(judgement.reason), "");
    assert_int_equal(judgement.store, JUDGE_STORE);
    assert_int_equal(judgement.lifetime_ms, seconds * 1000);
}

static void assert_refused(const char *asked, const char *answered, struct judge_override override,
    const char *reason)
{
    struct judgement judgement = judge(asked, 200, answered, override);
    assert_string_equal(judge_reason_text(judgement.reason), reason);
    assert_int_equal(judgement.store, JUDGE_NEVER);
    assert_false(judgement.drops_set_cookie);
}

static void test_a_rule_that_says_nothing_changes_nothing(void **state)
{
    (void)state;
    assert_fresh("", 200, D "Cache-Control: max-age=60", none(), 60);
    assert_fresh("", 200, D, none(), 0);
    assert_refused("", D "Cache-Control: no-store", none(), "no-store");
    assert_refused("", D "Set-Cookie: a=b", none(), "set-cookie");
    assert_refused("Cookie: a=b", D, none(), "cookie");
}

static void test_fresh_overrules_the_origin(void **state)
{
    (void)state;
    struct judge_override override = none();
    override.fresh_ms = 600000;
    assert_fresh("", 200, D, override, 600);
    assert_fresh("", 200, D "Cache-Control: max-age=60", override, 600);
    assert_fresh("", 200, D "Cache-Control: max-age=86400", override, 600);
    assert_fresh("", 200, D "Cache-Control: no-cache", override, 600);
    assert_fresh("", 302, D, override, 600);
    // Errors are not kept for as long as what they stand in for.
    assert_fresh("", 404, D, override, 0);
    assert_fresh("", 404, D "Cache-Control: max-age=5", override, 5);
    override.fresh_ms = 0;
    assert_fresh("", 200, D "Cache-Control: max-age=60", override, 0);
}

static void test_fresh_makes_nothing_shareable(void **state)
{
    (void)state;
    struct judge_override override = none();
    override.fresh_ms = override.fresh_minimum_ms = 600000;
    assert_refused("", D "Cache-Control: private", override, "private");
    assert_refused("", D "Cache-Control: no-store", override, "no-store");
    assert_refused("", D "Set-Cookie: a=b", override, "set-cookie");
    assert_refused("Cookie: a=b", D, override, "cookie");
    assert_refused("Authorization: x", D, override, "authorization");
    assert_fresh("Cookie: a=b", 200, D "Cache-Control: max-age=60", override, 600);
}

static void test_minimum_and_maximum(void **state)
{
    (void)state;
    struct judge_override override = none();
    override.fresh_minimum_ms = 100000;
    override.fresh_maximum_ms = 1000000;
    assert_fresh("", 200, D "Cache-Control: max-age=60", override, 100);
    assert_fresh("", 200, D "Cache-Control: max-age=500", override, 500);
    assert_fresh("", 200, D "Cache-Control: max-age=5000", override, 1000);
    assert_fresh("", 200, D, override, 100);
    assert_fresh("", 200, D "ETag: \"a\"\nCache-Control: no-cache", override, 0);
    assert_fresh("", 404, D "Cache-Control: max-age=5", override, 5);
    assert_fresh("", 404, D "Cache-Control: max-age=5000", override, 1000);
}

static void test_stale_while_revalidate_is_granted_or_taken(void **state)
{
    (void)state;
    const char *answered = D "Cache-Control: max-age=60, stale-while-revalidate=30";
    struct judge_override override = none();
    override.while_revalidate_ms = 5000;
    assert_int_equal(judge("", 200, answered, override).while_revalidate_ms, 5000);
    override.while_revalidate_ms = 0;
    assert_int_equal(judge("", 200, answered, override).while_revalidate_ms, 0);
}

static void test_each_obstacle_is_lifted_alone(void **state)
{
    (void)state;
    static const struct {
        enum judge_store_despite despite;
        const char *asked, *answered, *reason;
    } rows[] = {
        {JUDGE_STORE_COOKIE, "Cookie: a=b", D, "cookie"},
        {JUDGE_STORE_SET_COOKIE, "", D "Set-Cookie: a=b", "set-cookie"},
        {JUDGE_STORE_PRIVATE, "", D "Cache-Control: private", "private"},
        {JUDGE_STORE_NO_STORE, "", D "Cache-Control: no-store", "no-store"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (unsigned despite = 0; despite < ARRAY_SIZE(rows); despite++) {
            struct judge_override override = none();
            override.fresh_ms = 60000;
            override.store_despite = 1u << despite;
            if (despite == rows[i].despite)
                assert_fresh(rows[i].asked, 200, rows[i].answered, override, 60);
            else
                assert_refused(rows[i].asked, rows[i].answered, override, rows[i].reason);
        }
    }
}

// Or the first visitor's session would be everybody's.
static void test_a_cookie_is_not_stored(void **state)
{
    (void)state;
    static struct test_request request;
    static struct test_response response;
    struct judge_override override = none();
    override.store_despite = 1u << JUDGE_STORE_SET_COOKIE;
    const char *answered = D "Set-Cookie: a=b\nX-Other: c\nset-cookie: d=e";
    struct judgement judgement = judge("", 200, answered, override);
    assert_true(judgement.drops_set_cookie);
    test_parse_request(&request, "GET / HTTP/1.1", "");
    test_parse_response(&response, 200, answered);
    struct cache_key key = {.text = SLICE("site\0http://example.com/")};
    struct object *object = object_create(&key, &request.head, &response.head, &judgement, 0,
        NOW_MS, NULL);
    assert_non_null(object);
    assert_null(object_field(object, HTTP_NAME_SET_COOKIE).data);
    assert_memory_equal(object_fields(object).data + object_fields(object).size - 12,
        "X-Other: c\r\n", 12);
    object_release(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_rule_that_says_nothing_changes_nothing),
        cmocka_unit_test(test_fresh_overrules_the_origin),
        cmocka_unit_test(test_fresh_makes_nothing_shareable),
        cmocka_unit_test(test_minimum_and_maximum),
        cmocka_unit_test(test_stale_while_revalidate_is_granted_or_taken),
        cmocka_unit_test(test_each_obstacle_is_lifted_alone),
        cmocka_unit_test(test_a_cookie_is_not_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
