// Cache-Status: which cache answered, cached errors, copies past their time.
#include "doctor/cache_status.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 4096, (size_t)1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct cache_status read_status(const char *value, uint16_t status)
{
    struct cache_status facts;
    assert_int_equal(cache_status_read(slice_from_string(value), status, &arena, &facts),
        ERROR_NONE);
    return facts;
}

static void test_a_hit_on_an_error_is_a_cached_error(void **state)
{
    (void)state;
    assert_true(read_status("edge; hit; ttl=30", 503).is_cached_error);
    assert_false(read_status("edge; hit; ttl=30", 200).is_cached_error);
    assert_false(read_status("edge; fwd=uri-miss; fwd-status=503", 503).is_cached_error);
    assert_int_equal(read_status("edge; fwd=uri-miss; fwd-status=503", 503).forwarded_status, 503);
}

static void test_a_ttl_below_zero_is_a_stale_copy(void **state)
{
    (void)state;
    struct cache_status facts = read_status("edge; hit; ttl=-412", 200);
    assert_true(facts.is_stale && facts.is_hit && facts.has_ttl);
    assert_int_equal(facts.ttl_seconds, -412);
    assert_false(read_status("edge; hit; ttl=0", 200).is_stale);
    assert_false(read_status("edge; hit", 200).has_ttl);
    assert_false(read_status("edge; hit; ttl=-1.5", 200).is_stale); // no integer
}

static void test_the_hit_nearest_the_visitor_answered(void **state)
{
    (void)state;
    struct cache_status facts = read_status("shield; hit; ttl=5, edge; fwd=uri-miss; stored", 200);
    assert_true(slice_equal(facts.cache, SLICE("shield")));
    assert_false(facts.is_stored);
    facts = read_status("shield; fwd=miss, edge; hit; ttl=9", 200);
    assert_true(slice_equal(facts.cache, SLICE("edge")));
    facts = read_status("shield; fwd=miss, \"the edge\"; fwd=stale; collapsed; stored", 200);
    assert_true(slice_equal(facts.cache, SLICE("the edge")));
    assert_true(slice_equal(facts.why, SLICE("stale")));
    assert_true(facts.is_collapsed && facts.is_stored && !facts.is_hit);
    assert_null(read_status("edge; hit=?0", 200).why.data);
    assert_false(read_status("edge; hit=?0", 200).is_hit);
}

static void test_what_cannot_be_read_is_no_fact(void **state)
{
    (void)state;
    struct cache_status facts = {.forwarded_status = 1};
    assert_int_equal(cache_status_read(SLICE_EMPTY, 200, &arena, &facts), ERROR_NOT_FOUND);
    assert_int_equal(cache_status_read(SLICE("HIT from proxy"), 200, &arena, &facts),
        ERROR_INVALID);
    assert_int_equal(facts.forwarded_status, 1);
    assert_int_equal(read_status("HIT", 200).is_hit, 0); // a cache of that name
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hit_on_an_error_is_a_cached_error),
        cmocka_unit_test(test_a_ttl_below_zero_is_a_stale_copy),
        cmocka_unit_test(test_the_hit_nearest_the_visitor_answered),
        cmocka_unit_test(test_what_cannot_be_read_is_no_fact),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
