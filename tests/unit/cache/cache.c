// The index: finding, replacing, purging and what purges do to fetches under way, the memory limit,
// and all of it against a naive model and on several threads.
#include "cache/cache.h"
#include "base/random.h"
#include "things.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND NS_PER_SECOND
#define MIB (UINT64_C(1) << 20)
#define PURGE_LOG_SIZE 128     // as in the index
#define INVALIDATED_SLOTS 1024 // likewise

static struct cache *begin(uint64_t memory)
{
    struct cache_settings settings = {.memory = memory};
    struct cache *cache = cache_create(&settings, 42);
    assert_non_null(cache);
    return cache;
}

// Inserts a new object and keeps no reference: what is returned is for comparing only.
static const struct object *put(struct cache *cache, struct slice key, const char *request_fields,
    const char *response_fields, size_t size)
{
    struct object *object = thing_make(
        cache, key, request_fields, response_fields, size, 'x', SECOND);
    assert_non_null(object);
    bool inserted = cache_insert(cache, object, cache_epoch(cache));
    object_release(object);
    return inserted ? object : NULL;
}

static const struct object *find(struct cache *cache, struct slice key, const char *request_fields)
{
    struct object *object = thing_lookup(cache, key, request_fields);
    object_release(object);
    return object; // the index holds it
}

static bool is_purged(struct cache *cache, struct slice key)
{
    const struct object *object = find(cache, key, "");
    assert_non_null(object);
    return atomic_load(&object->purged);
}

static struct cache_statistics statistics_of(struct cache *cache)
{
    struct cache_statistics statistics;
    cache_read_statistics(cache, &statistics);
    return statistics;
}

#define K1 SLICE("site\0https://example.com/1")
#define K2 SLICE("site\0https://example.com/2")
#define FRESH "Cache-Control: max-age=60\n"

static void test_what_is_inserted_is_found(void **state)
{
    (void)state;
    struct cache *cache = begin(MIB);
    assert_null(find(cache, K1, ""));
    const struct object *first = put(cache, K1, "", FRESH, 100);
    assert_non_null(first);
    assert_ptr_equal(find(cache, K1, ""), first);
    assert_null(find(cache, K2, ""));
    assert_null(find(cache, SLICE("other\0https://example.com/1"), ""));
    const struct object *second = put(cache, K1, "", FRESH, 200);
    assert_ptr_equal(find(cache, K1, ""), second);
    assert_int_equal(statistics_of(cache).objects, 1);
    assert_int_equal(statistics_of(cache).inserts, 2);
    cache_destroy(cache);
}

static void test_each_variant_is_found_by_its_own_values(void **state)
{
    (void)state;
    struct cache *cache = begin(MIB);
    const struct object *one = put(cache, K1, "Foo: 1", FRESH "Vary: Foo", 10);
    const struct object *two = put(cache, K1, "Foo: 2", FRESH "Vary: Foo", 10);
    assert_ptr_equal(find(cache, K1, "Foo: 1"), one);
    assert_ptr_equal(find(cache, K1, "Foo: 2"), two);
    assert_null(find(cache, K1, "Foo: 3"));
    assert_null(find(cache, K1, ""));
    const struct object *again = put(cache, K1, "Foo: 1", FRESH "Vary: Foo", 20);
    assert_ptr_equal(find(cache, K1, "Foo: 1"), again);
    assert_ptr_equal(find(cache, K1, "Foo: 2"), two);
    assert_int_equal(statistics_of(cache).objects, 2);
    // Another Vary: the newest that matches.
    const struct object *bar = put(cache, K1, "Foo: 2\nBar: 1", FRESH "Vary: Bar", 10);
    assert_ptr_equal(find(cache, K1, "Foo: 2\nBar: 1"), bar);
    assert_ptr_equal(find(cache, K1, "Foo: 2\nBar: 2"), two);
    cache_destroy(cache);
}

static void test_the_variant_of_a_request_is_told_by_what_is_stored(void **state)
{
    (void)state;
    struct cache *cache = begin(MIB);
    static struct test_request one, two;
    test_parse_request(&one, "GET / HTTP/1.1", "Foo: 1");
    test_parse_request(&two, "GET / HTTP/1.1", "Foo: 2");
    struct cache_key key = cache_key_of(cache, K1);
    struct hash128 nothing = {0};
    assert_true(hash128_equal(cache_variant(cache, &key, &one.head.fields), nothing));
    put(cache, K1, "", FRESH, 10);
    assert_true(hash128_equal(cache_variant(cache, &key, &one.head.fields), nothing));
    put(cache, K1, "Foo: 1", FRESH "Vary: Foo", 10);
    struct hash128 a = cache_variant(cache, &key, &one.head.fields);
    struct hash128 b = cache_variant(cache, &key, &two.head.fields);
    assert_false(hash128_equal(a, b));
    assert_true(hash128_equal(a, object_variant(SLICE("Foo"), &one.head.fields)));
    cache_destroy(cache);
}

static void test_only_whole_storable_objects_are_let_in(void **state)
{
    (void)state;
    struct cache *cache = begin(MIB);
    assert_null(put(cache, K1, "", "Cache-Control: private", 10));
    struct object *object = thing_make(cache, K1, "", FRESH, 10, 'x', SECOND);
    body_release(object->body);
    object->body = body_create(10, 0, false);
    assert_false(cache_insert(cache, object, 0)); // growing
    body_finish(object->body, ERROR_RESET);
    assert_false(cache_insert(cache, object, 0)); // broken
    body_release(object->body);
    object->body = body_create(10, 65536, false);
    body_finish(object->body, ERROR_NONE);
    assert_false(cache_insert(cache, object, 0)); // through a window
    body_release(object->body);
    object->body = NULL;
    assert_true(cache_insert(cache, object, 0)); // without content
    assert_true(cache_insert(cache, object, 0)); // again the same
    assert_int_equal(statistics_of(cache).objects, 1);
    object_release(object);
    cache_destroy(cache);
}

static void test_a_slow_old_answer_does_not_replace_a_younger_one(void **state)
{
    (void)state;
    struct cache *cache = begin(MIB);
    struct object *old = thing_make(cache, K1, "", FRESH, 10, 'o', 10 * SECOND);
    struct object *young = thing_make(cache, K1, "", FRESH, 10, 'y', 20 * SECOND);
    assert_true(cache_insert(cache, young, 0));
    assert_false(cache_insert(cache, old, 0));
    assert_ptr_equal(find(cache, K1, ""), young);
    struct cache_key key = cache_key_of(cache, K1);
    assert_int_equal(cache_invalidate(cache, &key), 1); // now it may
    assert_true(cache_insert(cache, old, cache_epoch(cache)));
    assert_ptr_equal(find(cache, K1, ""), old);
    object_release(old);
    object_release(young);
    cache_destroy(cache);
}

static void test_large_ones_are_let_in_at_second_sight(void **state)
{
    (void)state;
    struct cache *cache = begin(20 * MIB);
    struct cache_key key = cache_key_of(cache, K1), other = cache_key_of(cache, K2);
    assert_true(cache_would_keep(cache, &key, MIB));
    assert_false(cache_would_keep(cache, &key, 3 * MIB));
    assert_true(cache_would_keep(cache, &key, 3 * MIB));
    assert_false(cache_would_keep(cache, &other, 19 * MIB));
    assert_false(cache_would_keep(cache, &other, 19 * MIB));
    assert_false(cache_would_keep(cache, &other, UINT64_MAX));
    assert_non_null(put(cache, K1, "", FRESH, 3 * MIB));
    assert_null(put(cache, K2, "", FRESH, 3 * MIB));
    assert_non_null(put(cache, K2, "", FRESH, 3 * MIB));
    // What is there has been seen.
    assert_true(cache_would_keep(cache, &key, 5 * MIB));
    assert_non_null(put(cache, K1, "", FRESH, 4 * MIB));
    assert_int_equal(statistics_of(cache).refused_size, 3);
    assert_int_equal(statistics_of(cache).refused_first_sight, 2);
    cache_destroy(cache);
}

static void test_the_limit_holds_and_the_popular_stay(void **state)
{
    (void)state;
    struct cache *cache = begin(2 * MIB);
    struct random random;
    random_seed(&random, 3);
    for (unsigned i = 0; i < 20000; i++) {
        char key[64];
        int size = snprintf(key, sizeof(key), "site%chttps://example.com/%u", '\0', i);
        put(cache, slice_of(key, (size_t)size), "", FRESH, random_below(&random, 4000));
        assert_true(statistics_of(cache).bytes <= 2 * MIB);
        if (i == 0)
            put(cache, K1, "", FRESH, 1000);
        if (i % 100 == 0)
            assert_non_null(find(cache, K1, ""));
    }
    struct cache_statistics statistics = statistics_of(cache);
    assert_true(statistics.bytes > 2 * MIB * 9 / 10);
    assert_true(statistics.evictions > 15000);
    assert_true(statistics.objects > 300);
    cache_set_memory(cache, MIB);
    assert_true(statistics_of(cache).bytes <= MIB);
    assert_true(statistics_of(cache).objects > 100);
    cache_destroy(cache);
}

// --- Purging ---

static uint64_t purge(struct cache *cache, enum purge_kind kind, const char *what, bool hard)
{
    struct purge order = {.kind = kind, .what = slice_from_string(what), .hard = hard};
    return cache_purge(cache, &order);
}

static void test_a_url_is_purged_on_both_schemes_every_site_and_in_all_variants(void **state)
{
    (void)state;
    struct cache *cache = begin(MIB);
    struct slice http = SLICE("site\0http://example.com/1"),
                 elsewhere = SLICE("b\0https://example.com/1");
    put(cache, K1, "Foo: 1", FRESH "Vary: Foo", 10);
    put(cache, K1, "Foo: 2", FRESH "Vary: Foo", 10);
    put(cache, http, "", FRESH, 10);
    put(cache, elsewhere, "", FRESH, 10);
    put(cache, K2, "", FRESH, 10);
    put(cache, SLICE("site\0https://example.com/1?q"), "", FRESH, 10);
    put(cache, SLICE("site\0http://example.com/1\0c:currency=EUR"), "", FRESH, 10);
    assert_int_equal(purge(cache, PURGE_URL, "http://example.com/1", false), 5);
    assert_true(is_purged(cache, SLICE("site\0http://example.com/1\0c:currency=EUR")));
    assert_true(atomic_load(&find(cache, K1, "Foo: 1")->purged));
    assert_true(atomic_load(&find(cache, K1, "Foo: 2")->purged));
    assert_true(is_purged(cache, http));
    assert_true(is_purged(cache, elsewhere));
    assert_false(is_purged(cache, K2));
    assert_int_equal(purge(cache, PURGE_URL, "https://example.com/1", true), 5);
    assert_null(find(cache, K1, "Foo: 1"));
    assert_null(find(cache, http, ""));
    assert_int_equal(statistics_of(cache).objects, 2);
    assert_int_equal(statistics_of(cache).purged, 10);
    cache_destroy(cache);
}

static void test_prefixes_tags_and_everything(void **state)
{
    (void)state;
    struct cache *cache = begin(MIB);
    put(cache, K1, "", FRESH "Surrogate-Key: news  front\nCache-Tag: a b, c", 10);
    put(cache, K2, "", FRESH "Cache-Tag: news", 10);
    assert_int_equal(purge(cache, PURGE_TAG, "new", false), 0);
    assert_int_equal(purge(cache, PURGE_TAG, "a", false), 0); // "a b" is one tag
    assert_int_equal(purge(cache, PURGE_TAG, "a b", false), 1);
    assert_true(is_purged(cache, K1));
    assert_false(is_purged(cache, K2));
    assert_int_equal(purge(cache, PURGE_TAG, "news", false), 2);
    assert_int_equal(purge(cache, PURGE_TAG, "front", true), 1);
    assert_null(find(cache, K1, ""));
    assert_int_equal(purge(cache, PURGE_PREFIX, "http://example.com/", false), 1);
    assert_int_equal(purge(cache, PURGE_PREFIX, "http://example.com/3", false), 0);
    put(cache, K1, "", FRESH, 10);
    assert_int_equal(purge(cache, PURGE_ALL, "", false), 2);
    assert_int_equal(purge(cache, PURGE_ALL, "", true), 2);
    assert_int_equal(statistics_of(cache).objects, 0);
    cache_destroy(cache);
}

static void test_a_purge_reaches_what_was_being_fetched(void **state)
{
    (void)state;
    struct cache *cache = begin(MIB);
    uint64_t epoch = cache_epoch(cache);
    struct object *object = thing_make(cache, K1, "", FRESH "Cache-Tag: t", 10, 'x', SECOND);
    purge(cache, PURGE_TAG, "other", false);
    assert_true(cache_insert(cache, object, epoch));
    assert_false(is_purged(cache, K1));
    object_release(object);
    purge(cache, PURGE_TAG, "t", false);
    uint64_t later = cache_epoch(cache);
    object = thing_make(cache, K1, "", FRESH "Cache-Tag: t", 10, 'x', SECOND);
    assert_true(cache_insert(cache, object, epoch));
    assert_true(is_purged(cache, K1));
    object_release(object);
    // Fetched after the purge: not its business.
    object = thing_make(cache, K1, "", FRESH "Cache-Tag: t", 10, 'x', SECOND);
    assert_true(cache_insert(cache, object, later));
    assert_false(is_purged(cache, K1));
    object_release(object);
    purge(cache, PURGE_URL, "https://example.com/1", true);
    object = thing_make(cache, K1, "", FRESH, 10, 'x', SECOND);
    assert_false(cache_insert(cache, object, later));
    assert_null(find(cache, K1, ""));
    assert_true(cache_insert(cache, object, cache_epoch(cache)));
    object_release(object);
    cache_destroy(cache);
}

static void test_an_invalidation_reaches_what_was_being_fetched(void **state)
{
    (void)state;
    struct cache *cache = begin(MIB);
    struct cache_key key = cache_key_of(cache, K1);
    uint64_t epoch = cache_epoch(cache);
    assert_int_equal(cache_invalidate(cache, &key), 0);
    struct object *object = thing_make(cache, K1, "", FRESH, 10, 'x', SECOND);
    assert_true(cache_insert(cache, object, epoch));
    assert_true(is_purged(cache, K1));
    object_release(object);
    object = thing_make(cache, K2, "", FRESH, 10, 'x', SECOND);
    assert_true(cache_insert(cache, object, epoch));
    assert_false(is_purged(cache, K2));
    object_release(object);
    cache_destroy(cache);
}

static void test_what_a_purge_removed_does_not_take_its_successor_along(void **state)
{
    (void)state;
    struct cache *cache = begin(MIB);
    uint64_t before = cache_epoch(cache);
    struct object *slow = thing_make(cache, K1, "", FRESH, 10, 'x', SECOND);
    purge(cache, PURGE_ALL, "", true);
    struct object *successor = thing_make(cache, K1, "", FRESH, 10, 'y', SECOND);
    assert_true(cache_insert(cache, successor, cache_epoch(cache)));
    purge(cache, PURGE_ALL, "", false); // stale, but what there is when the backend dies
    assert_false(cache_insert(cache, slow, before));
    const struct object *found = find(cache, K1, "");
    assert_ptr_equal(found, successor);
    object_release(slow);
    object_release(successor);
    cache_destroy(cache);
}

static void test_more_purges_than_are_remembered_count_as_hits(void **state)
{
    (void)state;
    struct cache *cache = begin(MIB);
    uint64_t epoch = cache_epoch(cache);
    for (unsigned i = 0; i < PURGE_LOG_SIZE; i++)
        purge(cache, PURGE_URL, "https://example.com/other", i == 0);
    put(cache, K2, "", FRESH, 10);
    struct object *object = thing_make(cache, K1, "", FRESH, 10, 'x', SECOND);
    assert_true(cache_insert(cache, object, epoch));
    assert_false(is_purged(cache, K1)); // all still remembered
    object_release(object);
    purge(cache, PURGE_URL, "https://example.com/other", false); // the hard one is forgotten
    object = thing_make(cache, K1, "", FRESH, 10, 'x', SECOND);
    assert_false(cache_insert(cache, object, epoch));
    assert_true(cache_insert(cache, object, epoch + 1));
    assert_false(is_purged(cache, K1));
    object_release(object);
    purge(cache, PURGE_URL, "https://example.com/other", false); // a soft one is forgotten
    object = thing_make(cache, K1, "", FRESH, 10, 'x', SECOND);
    assert_true(cache_insert(cache, object, epoch + 1));
    assert_true(is_purged(cache, K1));
    object_release(object);
    assert_false(is_purged(cache, K2));
    cache_destroy(cache);
}

static void test_a_purge_without_memory_counts_as_everything(void **state)
{
    (void)state;
    struct cache *cache = begin(MIB);
    uint64_t epoch = cache_epoch(cache);
    put(cache, K2, "", FRESH, 10);
    test_fail_allocation(1);
    purge(cache, PURGE_URL, "https://example.com/other", false);
    memory_fail_after(0);
    assert_false(is_purged(cache, K2)); // the walk itself knew
    struct object *object = thing_make(cache, K1, "", FRESH, 10, 'x', SECOND);
    assert_true(cache_insert(cache, object, epoch));
    assert_true(is_purged(cache, K1));
    object_release(object);
    cache_destroy(cache);
}

static void test_uncacheable_is_remembered_until_its_time(void **state)
{
    (void)state;
    struct cache *cache = begin(MIB);
    struct cache_key one = cache_key_of(cache, K1), two = cache_key_of(cache, K2);
    assert_false(cache_is_uncacheable(cache, &one, 0));
    cache_remember_uncacheable(cache, &one, 10 * SECOND);
    assert_true(cache_is_uncacheable(cache, &one, 10 * SECOND - 1));
    assert_false(cache_is_uncacheable(cache, &one, 10 * SECOND));
    assert_false(cache_is_uncacheable(cache, &two, 0));
    cache_remember_uncacheable(cache, &one, 20 * SECOND);
    assert_true(cache_is_uncacheable(cache, &one, 15 * SECOND));
    put(cache, K1, "", FRESH, 10); // it changed its mind
    assert_false(cache_is_uncacheable(cache, &one, 0));
    for (unsigned i = 0; i < 100000; i++) { // bounded: the oldest are forgotten
        char key[32];
        int size = snprintf(key, sizeof(key), "%u", i);
        struct cache_key many = cache_key_of(cache, slice_of(key, (size_t)size));
        cache_remember_uncacheable(cache, &many, 10 * SECOND);
        assert_true(cache_is_uncacheable(cache, &many, 0));
    }
    assert_int_equal(statistics_of(cache).uncacheable, 100002);
    cache_destroy(cache);
}

static void test_failing_allocations(void **state)
{
    (void)state;
    struct cache_settings settings = {.memory = 64 * MIB};
    struct cache *cache = NULL;
    uint64_t nth = 0;
    while (cache == NULL) {
        test_fail_allocation(++nth);
        cache = cache_create(&settings, 1);
    }
    memory_fail_after(0);
    assert_int_equal(nth, 67); // cache, ghosts, 64 shards
    // Where the tables cannot grow, all is still found.
    for (unsigned i = 0; i < 10000; i++) {
        char text[64];
        int size = snprintf(text, sizeof(text), "site%chttps://example.com/%u", '\0', i);
        struct object *object = thing_make(
            cache, slice_of(text, (size_t)size), "", FRESH, 1, 'x', SECOND);
        if (i % 2 == 0)
            test_fail_allocation(1);
        assert_true(cache_insert(cache, object, 0));
        memory_fail_after(0);
        object_release(object);
        assert_ptr_equal(find(cache, slice_of(text, (size_t)size), ""), object);
    }
    assert_int_equal(statistics_of(cache).objects, 10000);
    cache_destroy(cache);
}

// --- Against a model ---

#define MODEL_KEYS 60
#define MODEL_VARIANTS 3
#define MODEL_FETCHES 8

struct model_entry {
    const struct object *object; // NULL: none
    bool purged;
};

struct model_fetch {
    bool under_way;
    unsigned key, variant;
    uint64_t epoch;
    bool soft, hard; // hit by a purge since it began
};

struct model {
    struct cache *cache;
    struct random random;
    char keys[MODEL_KEYS][64];
    size_t sizes[MODEL_KEYS];
    struct model_entry entries[MODEL_KEYS][MODEL_VARIANTS];
    struct model_fetch fetches[MODEL_FETCHES];
    uint64_t now_ns;
};

static struct slice model_key(const struct model *model, unsigned key)
{
    return slice_of(model->keys[key], model->sizes[key]);
}

// Two sites, two schemes, and no two keys in one slot of the invalidations.
static void model_begin(struct model *model, uint64_t seed)
{
    *model = (struct model){.cache = begin(64 * MIB)};
    random_seed(&model->random, seed);
    bool taken[INVALIDATED_SLOTS] = {false};
    unsigned number = 0;
    for (unsigned i = 0; i < MODEL_KEYS; i++) {
        uint64_t slot;
        do {
            number++;
            model->sizes[i] = (size_t)snprintf(model->keys[i], sizeof(model->keys[i]),
                "s%u%chttp%s://h%u/%u", number % 2, '\0', number % 3 == 0 ? "" : "s", number % 5,
                number / 4);
            slot = cache_key_of(model->cache, model_key(model, i)).hash.low % INVALIDATED_SLOTS;
        } while (taken[slot]);
        taken[slot] = true;
    }
}

static const char *const model_requests[MODEL_VARIANTS] = {"", "Foo: 1", "Foo: 2"};

static void model_hit(struct model *model, unsigned key, unsigned variant, bool hard)
{
    struct model_entry *entry = &model->entries[key][variant];
    entry->purged = true;
    if (hard)
        entry->object = NULL;
}

// Whether a purge of that kind concerns the key; tags are "k<key % 7>".
static bool model_matches(
    const struct model *model, enum purge_kind kind, const char *what, unsigned key)
{
    const char *url = strstr(model->keys[key] + 3, "//") + 2, *asked = strstr(what, "//");
    char tag[8];
    snprintf(tag, sizeof(tag), "k%u", key % 7);
    switch (kind) {
    case PURGE_URL: return strcmp(url, asked + 2) == 0;
    case PURGE_PREFIX: return strncmp(url, asked + 2, strlen(asked + 2)) == 0;
    case PURGE_TAG: return strcmp(tag, what) == 0;
    case PURGE_MATCH:
    case PURGE_ALL: return true;
    }
    return false;
}

static void model_purge(struct model *model)
{
    enum purge_kind kind = (enum purge_kind)random_below(&model->random, 4);
    if (kind == PURGE_ALL && !random_chance(&model->random, 1, 10))
        kind = PURGE_URL;
    bool hard = random_chance(&model->random, 1, 3);
    unsigned chosen = (unsigned)random_below(&model->random, MODEL_KEYS);
    char what[64];
    if (kind == PURGE_TAG)
        snprintf(what, sizeof(what), "k%u", chosen % 7);
    else
        snprintf(what, sizeof(what), "%s", model->keys[chosen] + 3);
    if (kind == PURGE_PREFIX)
        what[strlen(what) - random_below(&model->random, 3)] = '\0';
    uint64_t expected = 0;
    for (unsigned key = 0; key < MODEL_KEYS; key++) {
        for (unsigned variant = 0; variant < MODEL_VARIANTS; variant++) {
            if (model->entries[key][variant].object != NULL
                && model_matches(model, kind, what, key)) {
                expected++;
                model_hit(model, key, variant, hard);
            }
        }
    }
    for (unsigned i = 0; i < MODEL_FETCHES; i++) {
        struct model_fetch *fetch = &model->fetches[i];
        if (fetch->under_way && model_matches(model, kind, what, fetch->key)) {
            fetch->soft = true;
            fetch->hard = fetch->hard || hard;
        }
    }
    assert_int_equal(purge(model->cache, kind, what, hard), expected);
}

static void model_invalidate(struct model *model)
{
    unsigned key = (unsigned)random_below(&model->random, MODEL_KEYS);
    uint64_t expected = 0;
    for (unsigned variant = 0; variant < MODEL_VARIANTS; variant++) {
        expected += model->entries[key][variant].object != NULL;
        model_hit(model, key, variant, false);
    }
    for (unsigned i = 0; i < MODEL_FETCHES; i++)
        model->fetches[i].soft = model->fetches[i].soft || model->fetches[i].key == key;
    struct cache_key cache_key = cache_key_of(model->cache, model_key(model, key));
    assert_int_equal(cache_invalidate(model->cache, &cache_key), expected);
}

static void model_fetch_step(struct model *model)
{
    struct model_fetch *fetch = &model->fetches[random_below(&model->random, MODEL_FETCHES)];
    if (!fetch->under_way) {
        *fetch = (struct model_fetch){.under_way = true,
            .key = (unsigned)random_below(&model->random, MODEL_KEYS),
            .variant = (unsigned)random_below(&model->random, MODEL_VARIANTS),
            .epoch = cache_epoch(model->cache)};
        return;
    }
    fetch->under_way = false;
    char fields[128];
    snprintf(fields, sizeof(fields), FRESH "Vary: Foo\nSurrogate-Key: x k%u y", fetch->key % 7);
    struct object *object = thing_make(model->cache, model_key(model, fetch->key),
        model_requests[fetch->variant], fields, random_below(&model->random, 2000), 'x',
        model->now_ns);
    assert_int_equal(cache_insert(model->cache, object, fetch->epoch), !fetch->hard);
    if (!fetch->hard)
        model->entries[fetch->key][fetch->variant] = (struct model_entry){object, fetch->soft};
    else
        model->entries[fetch->key][fetch->variant] = (struct model_entry){NULL, false};
    object_release(object);
}

static void model_compare(const struct model *model, unsigned key)
{
    for (unsigned variant = 0; variant < MODEL_VARIANTS; variant++) {
        const struct model_entry *entry = &model->entries[key][variant];
        const struct object *found = find(
            model->cache, model_key(model, key), model_requests[variant]);
        assert_ptr_equal(found, entry->object);
        if (found != NULL)
            assert_int_equal(atomic_load(&found->purged), entry->purged);
    }
}

static void test_random_operations_against_a_model(void **state)
{
    (void)state;
    static struct model model;
    for (uint64_t seed = 1; seed <= 15; seed++) {
        model_begin(&model, seed);
        for (unsigned step = 0; step < 1500; step++) {
            model.now_ns = (1 + step) * SECOND / 100;
            uint64_t dice = random_below(&model.random, 100);
            if (dice < 4)
                model_purge(&model);
            else if (dice < 10)
                model_invalidate(&model);
            else
                model_fetch_step(&model);
            model_compare(&model, (unsigned)random_below(&model.random, MODEL_KEYS));
        }
        uint64_t objects = 0;
        for (unsigned key = 0; key < MODEL_KEYS; key++) {
            model_compare(&model, key);
            for (unsigned variant = 0; variant < MODEL_VARIANTS; variant++)
                objects += model.entries[key][variant].object != NULL;
        }
        assert_int_equal(statistics_of(model.cache).objects, objects);
        cache_destroy(model.cache);
    }
}

// --- On several threads ---

struct crowd {
    struct cache *cache;
    atomic_bool stop;
    _Atomic uint64_t lookups, misses;
    unsigned index;
};

static void *read_without_pause(void *argument)
{
    struct crowd *crowd = argument;
    while (!atomic_load(&crowd->stop)) {
        struct object *object = thing_lookup(crowd->cache, K1, "");
        atomic_fetch_add(&crowd->lookups, 1);
        if (object == NULL) {
            atomic_fetch_add(&crowd->misses, 1);
            continue;
        }
        // Its content is one object's, never a mixture.
        struct body_reader reader;
        struct slice bytes;
        body_reader_open(&reader, object->body, 0);
        invariant(body_reader_peek(&reader, &bytes) == ERROR_NONE);
        invariant(bytes.size == 100 && bytes.data[0] == bytes.data[99]);
        body_reader_close(&reader);
        object_release(object);
    }
    return NULL;
}

static void test_a_reader_never_misses_while_an_object_is_replaced(void **state)
{
    (void)state;
    struct crowd crowd = {.cache = begin(2 * MIB)};
    put(crowd.cache, K1, "", FRESH, 100);
    pthread_t threads[2];
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_without_pause, &crowd), 0);
    for (unsigned i = 0; i < 3000 || atomic_load(&crowd.lookups) < 3000; i++) {
        struct object *object
            = thing_make(crowd.cache, K1, "", FRESH, 100, (char)('a' + i % 26), SECOND);
        assert_true(cache_insert(crowd.cache, object, 0));
        object_release(object);
        char key[64]; // others push it through the queues
        int size = snprintf(key, sizeof(key), "site%chttps://example.com/other/%u", '\0', i);
        put(crowd.cache, slice_of(key, (size_t)size), "", FRESH, 3000);
    }
    atomic_store(&crowd.stop, true);
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&crowd.misses), 0);
    assert_true(statistics_of(crowd.cache).evictions > 0);
    cache_destroy(crowd.cache);
}

static void *do_anything(void *argument)
{
    struct crowd *crowd = argument;
    struct random random;
    random_seed(&random, crowd->index);
    for (unsigned i = 0; i < 3000; i++) {
        char text[64];
        int size = snprintf(text, sizeof(text), "site%chttps://h%u/%u", '\0',
            (unsigned)random_below(&random, 3), (unsigned)random_below(&random, 300));
        struct slice key = slice_of(text, (size_t)size);
        struct cache_key cache_key = cache_key_of(crowd->cache, key);
        uint64_t epoch = cache_epoch(crowd->cache);
        struct purge order = {.kind = (enum purge_kind)random_below(&random, 4),
            .what = slice_of(text + 5, key.size - 5),
            .hard = random_chance(&random, 1, 2)};
        uint64_t dice = random_below(&random, 100);
        struct object *object = NULL;
        if (dice < 50) {
            object = thing_lookup(crowd->cache, key, "");
        } else if (dice < 94) {
            object = thing_make(
                crowd->cache, key, "", FRESH, random_below(&random, 8000), 'x', SECOND);
            (void)cache_insert(crowd->cache, object, epoch);
        } else if (dice < 96) {
            cache_purge(crowd->cache, &order);
        } else if (dice < 98) {
            cache_invalidate(crowd->cache, &cache_key);
        } else {
            cache_remember_uncacheable(crowd->cache, &cache_key, i);
            (void)cache_is_uncacheable(crowd->cache, &cache_key, i);
            (void)cache_would_keep(crowd->cache, &cache_key, 5 * MIB);
        }
        object_release(object);
    }
    return NULL;
}

static void test_everything_at_once_on_four_threads(void **state)
{
    (void)state;
    struct cache *cache = begin(MIB);
    struct crowd crowds[4];
    pthread_t threads[4];
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
        crowds[i] = (struct crowd){.cache = cache, .index = i};
        assert_int_equal(pthread_create(&threads[i], NULL, do_anything, &crowds[i]), 0);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(threads); i++)
        pthread_join(threads[i], NULL);
    struct cache_statistics statistics = statistics_of(cache);
    assert_true(statistics.bytes <= MIB);
    assert_true(statistics.inserts > 1000);
    struct purge all = {.kind = PURGE_ALL, .hard = true};
    assert_int_equal(cache_purge(cache, &all), statistics.objects);
    assert_int_equal(statistics_of(cache).objects, 0);
    cache_destroy(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_inserted_is_found),
        cmocka_unit_test(test_each_variant_is_found_by_its_own_values),
        cmocka_unit_test(test_the_variant_of_a_request_is_told_by_what_is_stored),
        cmocka_unit_test(test_only_whole_storable_objects_are_let_in),
        cmocka_unit_test(test_a_slow_old_answer_does_not_replace_a_younger_one),
        cmocka_unit_test(test_large_ones_are_let_in_at_second_sight),
        cmocka_unit_test(test_the_limit_holds_and_the_popular_stay),
        cmocka_unit_test(test_a_url_is_purged_on_both_schemes_every_site_and_in_all_variants),
        cmocka_unit_test(test_prefixes_tags_and_everything),
        cmocka_unit_test(test_a_purge_reaches_what_was_being_fetched),
        cmocka_unit_test(test_what_a_purge_removed_does_not_take_its_successor_along),
        cmocka_unit_test(test_an_invalidation_reaches_what_was_being_fetched),
        cmocka_unit_test(test_more_purges_than_are_remembered_count_as_hits),
        cmocka_unit_test(test_a_purge_without_memory_counts_as_everything),
        cmocka_unit_test(test_uncacheable_is_remembered_until_its_time),
        cmocka_unit_test(test_failing_allocations),
        cmocka_unit_test(test_random_operations_against_a_model),
        cmocka_unit_test(test_a_reader_never_misses_while_an_object_is_replaced),
        cmocka_unit_test(test_everything_at_once_on_four_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
