// Which rules hold for a request and what they add up to, from settings as one writes them.
#include "base/memory.h"
#include "conf/conf.h"
#include "edge/rules/rule.h"
#include "edge/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;
static struct rules *rules;
static struct site_settings site;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 4096, (size_t)16 << 20);
    rules = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rules_destroy(rules);
    arena_free(&arena);
    return 0;
}

static void load(const char *yaml)
{
    struct conf_mistakes mistakes;
    enum error error = conf_load_text(slice_from_string(yaml), &site_settings_section, &arena,
        &site, &mistakes);
    conf_print_mistakes(&mistakes, "test", stderr);
    assert_int_equal(error, ERROR_NONE);
    assert_int_equal(rules_create(&site, NULL, &rules), ERROR_NONE);
}

static struct rule_effect apply(const char *method, const char *path, const char *cookie)
{
    struct http_field item = {SLICE("Cookie"), slice_from_string(cookie), HTTP_NAME_COOKIE};
    struct http_fields fields = {&item, cookie == NULL ? 0 : 1, 1};
    struct rule_effect effect;
    assert_int_equal(rules_apply(rules, slice_from_string(method), slice_from_string(path), &fields,
        &arena, &effect), ERROR_NONE);
    return effect;
}

static uint64_t fitting(const char *method, const char *path, const char *cookie)
{
    return apply(method, path, cookie).fitting.bits[0];
}

static void assert_slice(struct slice slice, const char *expected)
{
    assert_int_equal(slice.size, strlen(expected));
    assert_memory_equal(slice.data, expected, slice.size);
}

static void test_a_site_without_either_has_none(void **state)
{
    (void)state;
    load("origin: main\n");
    assert_null(rules);
    load("key: {query: as_sent}\n");
    assert_null(rules);
    load("key: {query: sorted}\n");
    assert_non_null(rules);
    struct rule_effect effect = apply("GET", "/", NULL);
    assert_true(rule_query_is_changed(&effect.key));
}

static void test_conditions(void **state)
{
    (void)state;
    load("rules:\n"
         "  - {path: [/a/*, \"*.jpg\"], except: /a/no/*, cache: {fresh: 1m}}\n"
         "  - {methods: [GET], cache: {fresh: 2m}}\n"
         "  - {methods: POST, cache: {fresh: 3m}}\n"
         "  - {cookies: [\"in_*\", exact], cache: {fresh: 4m}}\n"
         "  - {cache: {fresh: 5m}}\n");
    assert_int_equal(fitting("GET", "/a/x", NULL), 0x13);
    assert_int_equal(fitting("HEAD", "/b/x.jpg", NULL), 0x13);
    assert_int_equal(fitting("PUT", "/a/no/x", NULL), 0x10);
    assert_int_equal(fitting("POST", "/a/no/x.jpg", NULL), 0x14);
    assert_int_equal(fitting("PUT", "/", "a=1; in_x=2"), 0x18);
    assert_int_equal(fitting("PUT", "/", "exact"), 0x18);
    assert_int_equal(fitting("PUT", "/", "exactly=1; xin_=2; a=in_x"), 0x10);
    assert_int_equal(fitting("PUT", "/", ""), 0x10);
    assert_int_equal(fitting("PUT", "/%61/x", NULL), 0x11);
}

static void test_the_later_has_its_way(void **state)
{
    (void)state;
    load("key: {query: sorted, drop_parameters: [x]}\n"
         "rules:\n"
         "  - cache: {fresh: 1m, keep: 1h, browser: 1s, store: never, store_despite: cookie}\n"
         "    limits: {methods: [GET], content: 1KB, url: 100}\n"
         "    host: one\n"
         "    strip_prefix: /a\n"
         "  - path: /two\n"
         "    cache: {fresh: 0, store: allowed, store_despite: private}\n"
         "    limits: {content: 2KB}\n"
         "    key: {query: as_sent, drop_parameters: [y, z]}\n"
         "    host: two\n"
         "    add_prefix: /b\n");
    struct rule_effect one = apply("GET", "/one", NULL), two = apply("GET", "/two", NULL);
    assert_int_equal(one.cache.fresh_ms, 60000);
    assert_int_equal(one.cache.store, RULE_STORE_NEVER);
    assert_int_equal(one.key.query, KEY_QUERY_SORTED);
    assert_int_equal(one.key.drop_parameters.count, 1);
    assert_slice(one.host, "one");
    assert_int_equal(two.cache.fresh_ms, 0);
    assert_int_equal(two.cache.store, RULE_STORE_ALLOWED);
    assert_int_equal(two.cache.keep_ms, 3600000);
    assert_int_equal(two.cache.browser_ms, 1000);
    assert_true(two.cache.fresh_minimum_ms == SETTING_ABSENT);
    assert_int_equal(two.cache.store_despite, 1u << JUDGE_STORE_COOKIE | 1u << JUDGE_STORE_PRIVATE);
    assert_int_equal(two.content, 2048);
    assert_int_equal(two.url, 100);
    assert_int_equal(two.methods->count, 1);
    assert_int_equal(two.key.query, KEY_QUERY_AS_SENT);
    assert_int_equal(two.key.drop_parameters.count, 2);
    assert_slice(two.host, "two");
    assert_slice(two.strip_prefix, "/a");
    assert_slice(two.add_prefix, "/b");
}

static void test_an_ending_rule_ends_the_list(void **state)
{
    (void)state;
    load("rules:\n"
         "  - {response_headers: {set: {X-A: a}}}\n"
         "  - {path: /old/*, redirect: {to: /new}}\n"
         "  - {path: /old/*, answer: {status: 410}}\n"
         "  - {limits: {url: 1}}\n");
    struct rule_effect effect = apply("GET", "/old/x/y", NULL);
    assert_int_equal(effect.fitting.bits[0], 3);
    assert_ptr_equal(effect.last, &rules->items[1]);
    assert_true(effect.url == SETTING_ABSENT);
    assert_true(effect.has_response_headers);
    assert_false(effect.has_request_headers);
    assert_slice(rule_rest(&effect, SLICE("/old/x/y"), &arena), "x/y");
    assert_null(apply("GET", "/older", NULL).last);
}

static void test_the_key_of_a_path_knows_no_visitor(void **state)
{
    (void)state;
    load("rules:\n"
         "  - {path: /a, key: {query: ignored}}\n"
         "  - {path: /a, cookies: x, cache: {store: never}}\n"
         "  - {path: /b, key: {query: sorted}}\n");
    struct rule_effect effect;
    assert_int_equal(rules_apply_to_path(rules, SLICE("/%61"), &arena, &effect), ERROR_NONE);
    assert_int_equal(effect.key.query, KEY_QUERY_IGNORED);
    assert_true(effect.cache.store == SETTING_ABSENT);
}

static void test_what_depends_on_more_than_the_path_parts_copies(void **state)
{
    (void)state;
    load("rules:\n"
         "  - {path: /a, host: one}\n"
         "  - {path: /b, cookies: x, host: two}\n"
         "  - {path: /c, cookies: x, cache: {fresh: 1m}}\n"
         "  - {path: /d, methods: GET, request_headers: {remove: [Accept]}}\n");
    assert_false(apply("GET", "/a", "x=1").parts_copies);
    assert_true(apply("GET", "/b", "x=1").parts_copies);
    assert_false(apply("GET", "/b", NULL).parts_copies);
    assert_false(apply("GET", "/c", "x=1").parts_copies);
    assert_true(apply("GET", "/d", NULL).parts_copies);
}

static void test_credentials_that_the_origin_does_not_see(void **state)
{
    (void)state;
    load("rules:\n"
         "  - {path: /a, request_headers: {remove: [cookie]}}\n"
         "  - {path: /b, request_headers: {set: {Authorization: Basic x}}}\n"
         "  - path: /c\n"
         "    request_headers: {add: {Cookie: a}}\n"
         "    response_headers: {remove: Cookie}\n");
    assert_true(apply("GET", "/a", NULL).hides_cookie);
    assert_false(apply("GET", "/a", NULL).hides_authorization);
    assert_false(apply("GET", "/b", NULL).hides_cookie);
    assert_true(apply("GET", "/b", NULL).hides_authorization);
    assert_false(apply("GET", "/c", NULL).hides_cookie);
}

static void test_without_cookies(void **state)
{
    (void)state;
    load("rules:\n"
         "  - {without_cookies: [\"SESS*\", x], cache: {fresh: 1m}}\n"
         "  - {cookies: a, without_cookies: b, request_headers: {remove: [Cookie]}}\n");
    assert_int_equal(fitting("GET", "/", NULL), 1);
    assert_int_equal(fitting("GET", "/", "SESSx=1"), 0);
    assert_int_equal(fitting("GET", "/", "a=1; x"), 2);
    assert_int_equal(fitting("GET", "/", "a=1; b=2"), 1);
    assert_true(apply("GET", "/", "a=1").parts_copies);
}

static void test_as_many_rules_as_there_may_be(void **state)
{
    (void)state;
    static char yaml[65536];
    size_t size = (size_t)snprintf(yaml, sizeof(yaml), "rules:\n");
    for (int i = 0; i < RULES_MAX; i++)
        size += (size_t)snprintf(yaml + size, sizeof(yaml) - size,
            "  - {path: \"/%d/*\", cache: {keep: %ds}}\n", i, i + 1);
    load(yaml);
    assert_int_equal(rules->count, RULES_MAX);
    struct rule_effect effect = apply("GET", "/255/x", NULL);
    assert_true(rule_set_has(&effect.fitting, 255));
    assert_int_equal(effect.cache.keep_ms, 256000);
}

static void test_a_failing_allocation_leaves_nothing_behind(void **state)
{
    (void)state;
    load("rules:\n  - {path: /a, request_headers: {set: {X-A: a}}, redirect: {to: /b}}\n");
    rules_destroy(rules);
    rules = NULL;
    uint64_t before = memory_failures(), countdown = 0;
    enum error error;
    do {
        memory_fail_after(++countdown);
        error = rules_create(&site, NULL, &rules);
    } while (error == ERROR_MEMORY && countdown < 100);
    memory_fail_after(0);
    assert_int_equal(error, ERROR_NONE);
    assert_true(memory_failures() > before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_a_site_without_either_has_none),
        TEST(test_conditions),
        TEST(test_the_later_has_its_way),
        TEST(test_an_ending_rule_ends_the_list),
        TEST(test_the_key_of_a_path_knows_no_visitor),
        TEST(test_what_depends_on_more_than_the_path_parts_copies),
        TEST(test_credentials_that_the_origin_does_not_see),
        TEST(test_without_cookies),
        TEST(test_as_many_rules_as_there_may_be),
        TEST(test_a_failing_allocation_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
