// Compressed forms: made once, counted, shared with what a 304 makes of the object, freed with it.
#include "things.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define KEY SLICE("site\0https://example.org/a")
#define FRESH "Cache-Control: max-age=60\nETag: \"a\"\nContent-Type: text/html"
#define THREADS 8

static struct cache *make_cache(void)
{
    struct cache_settings settings = {.memory = UINT64_C(1) << 24};
    struct cache *cache = cache_create(&settings, 1);
    assert_non_null(cache);
    return cache;
}

static struct object *keep(struct cache *cache, const char *fields)
{
    struct object *object = thing_make(cache, KEY, "", fields, 4000, 'x', NS_PER_SECOND);
    assert_non_null(object);
    assert_true(cache_insert(cache, object, 0));
    return object;
}

static uint64_t bytes_of(struct cache *cache)
{
    struct cache_statistics statistics;
    cache_read_statistics(cache, &statistics);
    return statistics.bytes;
}

static struct body *small_body(void)
{
    struct body *body = body_from_bytes(SLICE("compressed, let us say"));
    assert_non_null(body);
    return body;
}

static void what_a_head_allows(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *fields;
        unsigned flags;
    } cases[] = {
        {200, "", OBJECT_MAY_BE_CODED}, {404, "", OBJECT_MAY_BE_CODED},
        {203, "", OBJECT_MAY_BE_CODED}, {500, "", OBJECT_MAY_BE_CODED},
        {204, "", 0}, {206, "Content-Range: bytes 0-1/2", 0}, {301, "", 0}, {304, "", 0},
        {416, "", 0}, {200, "Content-Range: bytes 0-1/2", 0},
        {200, "Content-Encoding: br", OBJECT_IS_CODED}, {200, "Cache-Control: no-transform", 0},
        {200, "Cache-Control: max-age=1\nCache-Control: NO-TRANSFORM", 0},
        {200, "Vary: Cookie", OBJECT_MAY_BE_CODED},
        {200, "Vary: Cookie, Accept-Encoding", OBJECT_MAY_BE_CODED | OBJECT_VARIES_BY_ENCODING},
        {200, "Vary: Cookie\nVary: accept-ENCODING",
            OBJECT_MAY_BE_CODED | OBJECT_VARIES_BY_ENCODING},
        {200, "Vary: *", OBJECT_MAY_BE_CODED | OBJECT_VARIES_BY_ENCODING},
        {200, "Vary: Accept-Encoding\nContent-Encoding: gzip",
            OBJECT_VARIES_BY_ENCODING | OBJECT_IS_CODED},
    };
    static struct test_request request;
    static struct test_response response;
    test_parse_request(&request, "GET /x HTTP/1.1", "");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct judgement judgement = {.store = JUDGE_NEVER};
        test_parse_response(&response, cases[i].status, cases[i].fields);
        struct object *object =
            object_create(NULL, &request.head, &response.head, &judgement, 0, NOW_MS, NULL);
        assert_non_null(object);
        if (object_flags(object) != cases[i].flags)
            fail_msg("%u %s: %u", cases[i].status, cases[i].fields, object_flags(object));
        bool note;
        assert_false(object_recall(object, 1, &note));
        object_note(object, 255, true);
        assert_true(object_recall(object, 255, &note) && note);
        object_note(object, 7, false);
        assert_true(object_recall(object, 7, &note) && !note);
        assert_false(object_recall(object, 255, &note));
        assert_int_equal(object_flags(object), cases[i].flags);
        object_release(object);
    }
}

// What the origin has coded is for those who take it, Vary or not; both kinds are kept.
static void coded_copies_are_not_for_everybody(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        bool coded;
    } cases[] = {
        {"Accept-Encoding: gzip, br", true}, {"Accept-Encoding: x-gzip", true},
        {"Accept-Encoding: *", true}, {"", true}, {"Accept-Encoding: identity", false},
        {"Accept-Encoding: br", false}, {"Accept-Encoding: gzip;q=0, *", false},
        {"Accept-Encoding:", false},
    };
    struct cache *cache = make_cache();
    struct object *plain = keep(cache, FRESH);
    struct object *coded = keep(cache, FRESH "\nContent-Encoding: gzip");
    struct object *unknown = keep(cache, FRESH "\nContent-Encoding: dcb");
    assert_false(object_has_same_selectors(plain, coded));
    assert_false(object_has_same_selectors(coded, unknown));
    assert_true(object_has_same_selectors(coded, coded));
    struct cache_statistics statistics;
    cache_read_statistics(cache, &statistics);
    assert_int_equal(statistics.objects, 3);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        static struct test_request request;
        test_parse_request(&request, "GET /x HTTP/1.1", cases[i].accept);
        if (object_matches(coded, &request.head.fields) != cases[i].coded)
            fail_msg("%s", cases[i].accept);
        assert_true(object_matches(plain, &request.head.fields));
        assert_true(object_matches(unknown, &request.head.fields));
    }
    object_release(plain);
    object_release(coded);
    object_release(unknown);
    cache_destroy(cache);
}

static void one_may_make_it(void **state)
{
    (void)state;
    struct cache *cache = make_cache();
    struct object *object = keep(cache, FRESH);
    assert_int_equal(object_form_state(object, HTTP_CODING_GZIP), FORM_NONE);
    assert_true(object_form_begin(object, HTTP_CODING_GZIP));
    assert_false(object_form_begin(object, HTTP_CODING_GZIP));
    assert_true(object_form_begin(object, HTTP_CODING_ZSTD));
    assert_int_equal(object_form_state(object, HTTP_CODING_GZIP), FORM_MAKING);
    object_form_end(object, HTTP_CODING_GZIP, FORM_NONE);
    assert_true(object_form_begin(object, HTTP_CODING_GZIP));
    object_form_end(object, HTTP_CODING_GZIP, FORM_POINTLESS);
    assert_false(object_form_begin(object, HTTP_CODING_GZIP));
    struct body *body = small_body();
    cache_add_form(cache, object, HTTP_CODING_ZSTD, body);
    assert_int_equal(object_form_state(object, HTTP_CODING_ZSTD), FORM_READY);
    assert_ptr_equal(object_form(object, HTTP_CODING_ZSTD), body);
    object_release(object);
    cache_destroy(cache);
}

static void its_memory_counts(void **state)
{
    (void)state;
    struct cache *cache = make_cache();
    struct object *object = keep(cache, FRESH);
    uint64_t before = bytes_of(cache), footprint = object_footprint(object);
    struct body *body = small_body();
    uint64_t more = body_footprint(body);
    assert_true(object_form_begin(object, HTTP_CODING_BROTLI));
    cache_add_form(cache, object, HTTP_CODING_BROTLI, body);
    assert_true(object_footprint(object) >= footprint + more);
    uint64_t with_body = bytes_of(cache);
    assert_true(with_body >= before + more && with_body <= before + more + 256);
    assert_null(object_form_fields(object).data);
    object_set_form_fields(object, SLICE("ETag: W/\"a\"\r\n"));
    object_set_form_fields(object, SLICE("something else")); // is late
    assert_true(slice_equal(object_form_fields(object), SLICE("ETag: W/\"a\"\r\n")));
    cache_count_again(cache, object);
    assert_true(bytes_of(cache) > with_body);
    // And is given back.
    struct purge purge = {.kind = PURGE_ALL, .hard = true};
    assert_int_equal(cache_purge(cache, &purge), 1);
    assert_true(bytes_of(cache) <= before - footprint + 16);
    // What is not there any more is not counted.
    uint64_t empty = bytes_of(cache);
    assert_true(object_form_begin(object, HTTP_CODING_GZIP));
    cache_add_form(cache, object, HTTP_CODING_GZIP, small_body());
    cache_count_again(cache, object);
    assert_int_equal(bytes_of(cache), empty);
    object_release(object);
    cache_destroy(cache);
}

// A form too many: something goes, at worst the object itself, and the limit holds.
static void the_limit_holds(void **state)
{
    (void)state;
    struct cache_settings settings = {.memory = UINT64_C(1) << 20};
    struct cache *cache = cache_create(&settings, 1);
    assert_non_null(cache);
    struct object *object = keep(cache, FRESH);
    size_t size = (size_t)1 << 20;
    char *bytes = calloc(1, size);
    struct body *body = body_from_bytes(slice_of(bytes, size));
    assert_non_null(body);
    assert_true(object_form_begin(object, HTTP_CODING_BROTLI));
    cache_add_form(cache, object, HTTP_CODING_BROTLI, body);
    struct cache_statistics statistics;
    cache_read_statistics(cache, &statistics);
    assert_true(statistics.bytes <= statistics.limit);
    assert_int_equal(statistics.objects, 0);
    assert_ptr_equal(object_form(object, HTTP_CODING_BROTLI), body);
    object_release(object);
    free(bytes);
    cache_destroy(cache);
}

static struct object *refresh(struct cache *cache, struct object *object, const char *fields)
{
    static struct test_request request;
    static struct test_response response;
    test_parse_request(&request, "GET /x HTTP/1.1", "");
    test_parse_response(&response, 304, fields);
    struct object *refreshed = object_refresh(object, &request.head, &response.head, &thing_policy,
        NOW_MS, NOW_MS, 2 * NS_PER_SECOND);
    assert_non_null(refreshed);
    assert_true(cache_insert(cache, refreshed, 0));
    return refreshed;
}

static void a_304_keeps_it(void **state)
{
    (void)state;
    struct cache *cache = make_cache();
    struct object *object = keep(cache, FRESH);
    struct body *body = small_body();
    assert_true(object_form_begin(object, HTTP_CODING_BROTLI));
    assert_true(object_form_begin(object, HTTP_CODING_GZIP));
    object_form_end(object, HTTP_CODING_GZIP, FORM_POINTLESS);
    cache_add_form(cache, object, HTTP_CODING_BROTLI, body);
    object_set_form_fields(object, SLICE("old"));
    uint64_t before = bytes_of(cache);
    struct object *refreshed = refresh(cache, object, "ETag: \"a\"\nNew: 1");
    assert_ptr_equal(object_form(refreshed, HTTP_CODING_BROTLI), body);
    assert_int_equal(object_form_state(refreshed, HTTP_CODING_GZIP), FORM_POINTLESS);
    assert_int_equal(object_form_state(refreshed, HTTP_CODING_ZSTD), FORM_NONE);
    assert_null(object_form_fields(refreshed).data); // its own will be others
    assert_true(bytes_of(cache) + 64 >= before && bytes_of(cache) <= before + 64);
    object_release(object);
    object_release(refreshed);
    cache_destroy(cache);
}

// The 304 came while it was being made.
static void it_finds_the_one_that_took_the_objects_place(void **state)
{
    (void)state;
    struct cache *cache = make_cache();
    struct object *object = keep(cache, FRESH);
    assert_true(object_form_begin(object, HTTP_CODING_BROTLI));
    struct object *refreshed = refresh(cache, object, "ETag: \"a\"");
    assert_int_equal(object_form_state(refreshed, HTTP_CODING_BROTLI), FORM_NONE);
    struct body *body = small_body();
    uint64_t before = bytes_of(cache);
    cache_add_form(cache, object, HTTP_CODING_BROTLI, body);
    assert_ptr_equal(object_form(refreshed, HTTP_CODING_BROTLI), body);
    assert_true(bytes_of(cache) > before);
    // And leaves alone one that is being made there.
    assert_true(object_form_begin(object, HTTP_CODING_GZIP));
    assert_true(object_form_begin(refreshed, HTTP_CODING_GZIP));
    cache_add_form(cache, object, HTTP_CODING_GZIP, small_body());
    assert_int_equal(object_form_state(refreshed, HTTP_CODING_GZIP), FORM_MAKING);
    object_form_end(refreshed, HTTP_CODING_GZIP, FORM_NONE);
    object_release(object);
    object_release(refreshed);
    cache_destroy(cache);
}

// The next allocation of this thread fails.
static void fail_next(void)
{
    memory_fail_after(1);
    memory_free(memory_alloc(1));
}

static void without_memory_it_can_be_tried_again(void **state)
{
    (void)state;
    struct cache *cache = make_cache();
    struct object *object = keep(cache, FRESH);
    struct body *body = small_body();
    fail_next();
    assert_false(object_form_begin(object, HTTP_CODING_GZIP));
    fail_next();
    assert_false(object_form_set(object, HTTP_CODING_GZIP, body));
    fail_next();
    object_set_form_fields(object, SLICE("x"));
    fail_next();
    object_set_form_fields(object, SLICE("x")); // the text's memory now
    assert_null(object_form_fields(object).data);
    assert_true(object_form_set(object, HTTP_CODING_GZIP, body));
    body_release(body);
    object_release(object);
    cache_destroy(cache);
}

// --- At the same time ---

struct race {
    struct cache *cache;
    struct object *object;
    pthread_barrier_t barrier;
    _Atomic unsigned makers;
};

static void *race_main(void *argument)
{
    struct race *race = argument;
    pthread_barrier_wait(&race->barrier);
    for (unsigned i = 0; i < HTTP_CODING_COUNT; i++) {
        enum http_coding coding = (enum http_coding)i;
        if (object_form_begin(race->object, coding)) {
            atomic_fetch_add(&race->makers, 1);
            struct body *body = body_from_bytes(SLICE("made in a race"));
            if (body != NULL)
                cache_add_form(race->cache, race->object, coding, body);
        }
        if (object_form_state(race->object, coding) == FORM_READY
            && body_size(object_form(race->object, coding)) != 14)
            abort();
        object_set_form_fields(race->object, SLICE("fields"));
        cache_count_again(race->cache, race->object);
    }
    return NULL;
}

static void threads_make_each_once(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct race race = {.cache = make_cache()};
        pthread_t threads[THREADS];
        race.object = keep(race.cache, FRESH);
        pthread_barrier_init(&race.barrier, NULL, THREADS);
        for (unsigned i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, race_main, &race), 0);
        for (unsigned i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(race.makers, HTTP_CODING_COUNT);
        assert_true(slice_equal(object_form_fields(race.object), SLICE("fields")));
        pthread_barrier_destroy(&race.barrier);
        object_release(race.object);
        cache_destroy(race.cache);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_head_allows),
        cmocka_unit_test(coded_copies_are_not_for_everybody),
        cmocka_unit_test(one_may_make_it),
        cmocka_unit_test(its_memory_counts),
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(a_304_keeps_it),
        cmocka_unit_test(it_finds_the_one_that_took_the_objects_place),
        cmocka_unit_test(without_memory_it_can_be_tried_again),
        cmocka_unit_test(threads_make_each_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
