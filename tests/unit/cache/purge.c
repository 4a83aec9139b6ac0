// Purges by many tags in all fields that have some, by expressions, of a part of the keys, and of
// an index that grows meanwhile.
#include "base/pattern.h"
#include "base/text.h"
#include "things.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define FRESH "Cache-Control: max-age=60\n"
#define MANY 20000

static struct cache *cache_begin(void)
{
    struct cache_settings settings = {.memory = UINT64_C(1) << 28};
    struct cache *cache = cache_create(&settings, 42);
    assert_non_null(cache);
    return cache;
}

static void put(struct cache *cache, const char *url, const char *fields)
{
    char key[256];
    struct text text = text_in(key, sizeof(key));
    text_append(&text, SLICE("site"));
    text_append_byte(&text, '\0');
    text_append(&text, slice_from_string(url));
    struct object *object =
        thing_make(cache, text_slice(&text), "", fields, 10, 'x', NS_PER_SECOND);
    assert_non_null(object);
    assert_true(cache_insert(cache, object, cache_epoch(cache)));
    object_release(object);
}

static uint64_t purge_tags(struct cache *cache, const char *tags)
{
    struct purge purge = {.kind = PURGE_TAG, .what = slice_from_string(tags)};
    return cache_purge(cache, &purge);
}

static void test_tags_are_found_in_every_field_that_has_some(void **state)
{
    (void)state;
    static const char *const fields[] = {"Surrogate-Key: b a", "xkey: b a", "Cache-Tag: b, a",
        "Cache-Tags: b a", "Cache-Tags: b,a", "Purge-Cache-Tags: b a", "X-Cache-Tags: b,a",
        "X-Magento-Tags: b,a", "X-Magento-Tags: b a"};
    struct cache *cache = cache_begin();
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        char url[64], lines[128];
        snprintf(url, sizeof(url), "http://a/%zu", i);
        snprintf(lines, sizeof(lines), FRESH "%s\n", fields[i]);
        put(cache, url, lines);
    }
    put(cache, "http://a/none", FRESH "X-Tags: a\n");
    assert_int_equal(purge_tags(cache, "a"), ARRAY_SIZE(fields));
    assert_int_equal(purge_tags(cache, "b"), ARRAY_SIZE(fields));
    assert_int_equal(purge_tags(cache, "c"), 0);
    cache_destroy(cache);
}

static void test_many_tags_are_one_purge(void **state)
{
    (void)state;
    struct cache *cache = cache_begin();
    put(cache, "http://a/1", FRESH "Cache-Tags: one\n");
    put(cache, "http://a/2", FRESH "Cache-Tags: two three\n");
    put(cache, "http://a/3", FRESH "Cache-Tags: four\n");
    put(cache, "http://a/4", FRESH "Cache-Tag: five and more, six\n");
    assert_int_equal(purge_tags(cache, "three\none\ntwo\nzero"), 2); // one object, one hit
    assert_int_equal(purge_tags(cache, "\n\nfour\n"), 1);
    assert_int_equal(purge_tags(cache, "five\nseven"), 0);
    assert_int_equal(purge_tags(cache, "five and more\nseven"), 1);
    assert_int_equal(purge_tags(cache, ""), 0);
    assert_int_equal(purge_tags(cache, "\n"), 0);
    cache_destroy(cache);
}

static struct pattern *pattern_of(const char *text)
{
    struct pattern *pattern;
    assert_int_equal(pattern_create(slice_from_string(text), &pattern), ERROR_NONE);
    return pattern;
}

static void test_all_of_a_match_must_be_found(void **state)
{
    (void)state;
    struct cache *cache = cache_begin();
    put(cache, "http://a.example/x/1?q=1", FRESH "Content-Type: text/html\nX-Cache-Tags: t,u\n");
    put(cache, "https://b.example:8443/x/2", FRESH "Content-Type: image/png\n");
    put(cache, "https://a.example/y", FRESH);
    struct pattern *x = pattern_of("^/x/"), *html = pattern_of("html"),
        *u = pattern_of("(^|,)u(,|$)"),
        *port = pattern_of(":8443$"), *empty = pattern_of("^$"), *query = pattern_of("\\?q=1$");
    struct purge purge = {.kind = PURGE_MATCH};
    assert_int_equal(cache_purge(cache, &purge), 3);
    purge.match.url = x;
    assert_int_equal(cache_purge(cache, &purge), 2);
    purge.match.content_type = html;
    assert_int_equal(cache_purge(cache, &purge), 1);
    purge.match.tags = u;
    assert_int_equal(cache_purge(cache, &purge), 1);
    purge.match.host = port;
    assert_int_equal(cache_purge(cache, &purge), 0);
    purge.match = (struct purge_match){.host = port};
    assert_int_equal(cache_purge(cache, &purge), 1);
    purge.match = (struct purge_match){.content_type = empty};
    assert_int_equal(cache_purge(cache, &purge), 1);
    purge.match = (struct purge_match){.url = query};
    assert_int_equal(cache_purge(cache, &purge), 1);
    purge.match = (struct purge_match){.url = NULL};
    purge.what = SLICE("a.example");
    assert_int_equal(cache_purge(cache, &purge), 2);
    purge.what = SLICE("b.example");
    assert_int_equal(cache_purge(cache, &purge), 0);
    struct pattern *all[] = {x, html, u, port, empty, query};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        pattern_destroy(all[i]);
    cache_destroy(cache);
}

static void test_a_match_reaches_whatever_is_being_fetched(void **state)
{
    (void)state;
    struct cache *cache = cache_begin();
    struct slice text = SLICE("site\0http://a/1");
    struct cache_key key = cache_key_of(cache, text);
    uint64_t epoch = cache_epoch(cache);
    struct pattern *pattern = pattern_of("nothing that is here");
    struct purge purge = {.kind = PURGE_MATCH, .match.url = pattern, .hard = true};
    assert_int_equal(cache_purge(cache, &purge), 0);
    pattern_destroy(pattern); // nobody keeps it
    assert_true(cache_is_touched_since(cache, &key, epoch));
    struct object *object = thing_make(cache, text, "", FRESH, 10, 'x', NS_PER_SECOND);
    assert_false(cache_insert(cache, object, epoch));
    object_release(object);
    cache_destroy(cache);
}

static bool covers(const void *context, struct slice url)
{
    return slice_starts_with(url, slice_from_string(context));
}

static void test_only_what_is_covered_is_hit(void **state)
{
    (void)state;
    struct cache *cache = cache_begin();
    put(cache, "http://a.example/1", FRESH "xkey: t\n");
    put(cache, "https://b.example/1", FRESH "xkey: t\n");
    struct purge purge = {
        .kind = PURGE_TAG, .what = SLICE("t"), .covers = covers, .context = "b.example/"};
    assert_int_equal(cache_purge(cache, &purge), 1);
    purge.kind = PURGE_ALL;
    purge.hard = true;
    assert_int_equal(cache_purge(cache, &purge), 1);
    purge.context = "";
    assert_int_equal(cache_purge(cache, &purge), 1);
    cache_destroy(cache);
}

static void *fill_main(void *cache)
{
    for (unsigned i = 0; i < MANY; i++) {
        char url[64];
        snprintf(url, sizeof(url), "http://new/%u", i);
        put(cache, url, FRESH);
    }
    return NULL;
}

static void test_all_that_was_there_is_hit_while_the_index_grows(void **state)
{
    (void)state;
    struct cache *cache = cache_begin();
    pthread_t thread;
    for (unsigned i = 0; i < MANY; i++) {
        char url[64];
        snprintf(url, sizeof(url), "http://old/%u", i);
        put(cache, url, FRESH);
    }
    assert_int_equal(pthread_create(&thread, NULL, fill_main, cache), 0);
    struct purge purge = {.kind = PURGE_PREFIX, .what = SLICE("http://old/"), .hard = true};
    uint64_t count = cache_purge(cache, &purge);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(count, MANY);
    assert_int_equal(cache_purge(cache, &purge), 0);
    cache_destroy(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags_are_found_in_every_field_that_has_some),
        cmocka_unit_test(test_many_tags_are_one_purge),
        cmocka_unit_test(test_all_of_a_match_must_be_found),
        cmocka_unit_test(test_a_match_reaches_whatever_is_being_fetched),
        cmocka_unit_test(test_only_what_is_covered_is_hit),
        cmocka_unit_test(test_all_that_was_there_is_hit_while_the_index_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
