// Objects: what is kept of a response, updating by a 304, variants, time, and what is sent for
// conditional and range requests.
#include "cache/object.h"
#include "base/memory.h"
#include "heads.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND NS_PER_SECOND
#define KEY_TEXT "site\0https://example.com/x"

static const struct judge_policy policy = {
    .keep_ms = 1000 * 1000, .heuristic_percent = 10, .heuristic_max_ms = 3600 * 1000};

static struct cache_key test_key(void)
{
    struct slice text = SLICE(KEY_TEXT);
    return (struct cache_key){text, hash_bytes_128(text, 1)};
}

// As if that response came at now_ns for that request, with content of that size (0: none).
static struct object *make(const char *request_fields, unsigned status, const char *response_fields,
    size_t content_size, uint64_t now_ns)
{
    static struct test_request request;
    static struct test_response response;
    static char content[1000];
    test_parse_request(&request, "GET /x HTTP/1.1", request_fields);
    test_parse_response(&response, status, response_fields);
    struct judgement judgement;
    judge_response(&request.head, &response.head, &policy, NOW_MS, NOW_MS, &judgement);
    struct cache_key key = test_key();
    memset(content, 'x', sizeof(content));
    struct body *body = content_size == 0 ? NULL : body_from_bytes(slice_of(content, content_size));
    return object_create(&key, &request.head, &response.head, &judgement, now_ns, NOW_MS, body);
}

static void expect_slice(struct slice slice, const char *expected)
{
    char found[2048];
    snprintf(found, sizeof(found), "%.*s", SLICE_ARGS(slice));
    assert_string_equal(found, expected);
}

static bool matches(const struct object *object, const char *request_fields)
{
    static struct test_request request;
    test_parse_request(&request, "GET /x HTTP/1.1", request_fields);
    return object_matches(object, &request.head.fields);
}

// --- What is kept ---

static void test_fields_are_kept_as_received_without_those_of_the_hop(void **state)
{
    (void)state;
    struct object *object = make("", 200,
        "Date: " DATE_NOW "\nserver: x\nConnection: a, B\nA: 1\nb: 2\nC:  3 \nAge: 7\n"
        "Keep-Alive: timeout=5\nProxy-Authenticate: Basic\nProxy-Authentication-Info: x\n"
        "Transfer-Encoding: chunked\nTrailer: t\nUpgrade: u\nC: 4\nEmpty:",
        3, SECOND);
    expect_slice(object_fields(object),
        "Date: " DATE_NOW "\r\nserver: x\r\nC: 3\r\nC: 4\r\nEmpty: \r\n");
    expect_slice(object_key(object), "site");
    assert_int_equal(object_key(object).size, sizeof(KEY_TEXT) - 1);
    assert_int_equal(object_length(object), 3);
    struct slice rest = object_fields(object);
    struct http_field field;
    const char *names[] = {"Date", "server", "C", "C", "Empty"};
    size_t count = 0;
    while (object_next_field(&rest, &field))
        expect_slice(field.name, names[count++]);
    assert_int_equal(count, ARRAY_SIZE(names));
    object_release(object);
}

static void test_a_missing_date_is_added(void **state)
{
    (void)state;
    struct object *object = make("", 200, "A: 1", 1, SECOND);
    expect_slice(object_fields(object), "A: 1\r\nDate: " DATE_NOW "\r\n");
    object_release(object);
}

static void test_fields_are_found_by_name(void **state)
{
    (void)state;
    struct object *object = make("", 200,
        "X-ETag: no\nETag-X: no\neTag: \"e\"\nLAST-MODIFIED: " DATE_HOUR_AGO "\nVary: a\nVary: b",
        1, SECOND);
    expect_slice(object_etag(object), "\"e\"");
    expect_slice(object_last_modified(object), DATE_HOUR_AGO);
    expect_slice(object_field(object, HTTP_NAME_VARY), "a");
    assert_null(object_field(object, HTTP_NAME_EXPIRES).data);
    object_release(object);
    object = make("", 200, "ETag: unquoted", 1, SECOND);
    assert_null(object_etag(object).data);
    object_release(object);
}

static void test_what_is_not_storable_keeps_no_key(void **state)
{
    (void)state;
    struct object *object = make("", 200, "Cache-Control: private\nSurrogate-Key: a b", 1, SECOND);
    assert_false(object->storable);
    assert_int_equal(object_key(object).size, 0);
    assert_int_equal(object->tag_count, 0);
    object_release(object);
    object = make(
        "", 200, "Cache-Control: max-age=1\nSurrogate-Key: a b  a\nCache-Tag: c d, e", 1, SECOND);
    assert_true(object->storable);
    assert_int_equal(object->tag_count, 5);
    object_release(object);
}

// Makes one while the nth allocation fails; NULL if it was needed.
static struct object *make_failing(uint64_t nth)
{
    static struct test_request request;
    static struct test_response response;
    test_parse_request(&request, "GET /x HTTP/1.1", "");
    test_parse_response(&response, 200, "Cache-Control: max-age=1\nETag: \"e\"");
    struct judgement judgement;
    judge_response(&request.head, &response.head, &policy, NOW_MS, NOW_MS, &judgement);
    struct cache_key key = test_key();
    struct body *body = body_from_bytes(SLICE("x"));
    test_fail_allocation(nth);
    struct object *object = object_create(
        &key, &request.head, &response.head, &judgement, 0, NOW_MS, body);
    if (object == NULL)
        return NULL;
    test_parse_response(&response, 304, "ETag: \"e\"");
    struct object *refreshed
        = object_refresh(object, &request.head, &response.head, &policy, NOW_MS, NOW_MS, SECOND);
    object_release(object);
    return refreshed;
}

static void test_failing_allocations_leak_nothing(void **state)
{
    (void)state;
    uint64_t nth = 1, failures = memory_failures();
    struct object *object;
    while ((object = make_failing(nth)) == NULL) // the leak checker watches
        nth++;
    memory_fail_after(0);
    assert_int_equal(nth, 4); // object, fields to merge, object
    assert_int_equal(memory_failures(), failures + 3);
    object_release(object);
}

// --- Updating by a 304 ---

static struct object *refresh(const struct object *object, const char *fields)
{
    static struct test_request request;
    static struct test_response response;
    test_parse_request(&request, "GET /x HTTP/1.1", "");
    test_parse_response(&response, 304, fields);
    return object_refresh(
        object, &request.head, &response.head, &policy, NOW_MS, NOW_MS, 100 * SECOND);
}

static void test_a_304_updates_the_head_and_keeps_the_content(void **state)
{
    (void)state;
    struct object *object = make("", 200,
        "Date: " DATE_HOUR_AGO
        "\nCache-Control: max-age=1\nETag: \"e\"\nA: 1\nB: 1\nB: 2\nContent-Type: t/a\n"
        "Content-Encoding: gzip\nContent-Length: 3",
        3, SECOND);
    struct object *refreshed = refresh(object,
        "Date: " DATE_NOW "\nCache-Control: max-age=9\nETag: \"e\"\nb: 3\nC: 1\nContent-Type: t/b\n"
        "Content-Encoding: br\nContent-Range: x\nContent-Length: 77\nConnection: D\nD: 1\nAge: 4");
    expect_slice(object_fields(refreshed),
        "A: 1\r\nContent-Encoding: gzip\r\nDate: " DATE_NOW
        "\r\nCache-Control: max-age=9\r\nETag: \"e\"\r\nb: 3\r\nC: 1\r\nContent-Type: t/b\r\n");
    assert_ptr_equal(refreshed->body, object->body);
    assert_int_equal(refreshed->status, 200);
    assert_int_equal(object_length(refreshed), 3);
    assert_int_equal(object_lifetime_ms(refreshed), 9000);
    assert_int_equal(object_age_ms(refreshed, 100 * SECOND), 4000);
    assert_true(refreshed->storable);
    assert_int_equal(refreshed->entry.hash, object->entry.hash);
    expect_slice(slice_of(object_key(refreshed).data + 5, 8), "https://");
    object_release(object); // the content lives on
    assert_int_equal(body_size(refreshed->body), 3);
    object_release(refreshed);
}

static void test_a_304_without_date_came_now(void **state)
{
    (void)state;
    struct object *object = make(
        "", 200, "Date: " DATE_DAY_AGO "\nCache-Control: max-age=60\nETag: \"e\"", 1, SECOND);
    struct object *refreshed = refresh(object, "ETag: \"e\"");
    assert_int_equal(object_age_ms(refreshed, 100 * SECOND), 0);
    assert_true(object_is_fresh(refreshed, 100 * SECOND));
    expect_slice(object_field(refreshed, HTTP_NAME_DATE), DATE_NOW);
    object_release(object);
    object_release(refreshed);
}

static void test_a_304_can_forbid_storing(void **state)
{
    (void)state;
    struct object *object = make("", 200, "Cache-Control: max-age=60\nETag: \"e\"", 1, SECOND);
    const char *fields[] = {
        "Cache-Control: private", "Cache-Control: no-store", "Vary: *"};
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        struct object *refreshed = refresh(object, fields[i]);
        assert_false(refreshed->storable);
        assert_int_equal(object_length(refreshed), 1);
        object_release(refreshed);
    }
    object_release(object);
}

static void test_a_304_speaks_only_of_what_it_names(void **state)
{
    (void)state;
    static struct test_response response;
    struct {
        const char *stored, *update;
        bool confirmed;
    } rows[] = {
        {"ETag: \"a\"", "ETag: \"a\"", true},
        {"ETag: \"a\"", "ETag: \"b\"", false},
        {"ETag: W/\"a\"", "ETag: \"a\"", false},
        {"ETag: W/\"a\"", "ETag: W/\"a\"", true},
        {"ETag: \"a\"", "ETag: W/\"a\"", true},
        {"ETag: \"a\"", "ETag: W/\"b\"", false},
        {"Last-Modified: " DATE_HOUR_AGO, "Last-Modified: " DATE_HOUR_AGO, true},
        {"Last-Modified: " DATE_HOUR_AGO, "Last-Modified: " DATE_NOW, false},
        {"Last-Modified: " DATE_HOUR_AGO, "ETag: \"a\"", false},
        {"ETag: \"a\"\nLast-Modified: " DATE_HOUR_AGO, "ETag: \"a\"\nLast-Modified: " DATE_NOW,
            true},
        {"ETag: \"a\"", "A: 1", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct object *object = make("", 200, rows[i].stored, 1, SECOND);
        test_parse_response(&response, 304, rows[i].update);
        assert_int_equal(object_is_confirmed(object, &response.head), rows[i].confirmed);
        object_release(object);
    }
}

// --- Variants ---

static void test_variants(void **state)
{
    (void)state;
    struct {
        const char *vary, *stored, *asked;
        bool matches;
    } rows[] = {
        {"A: 1", "", "Foo: 1", true},
        {"Vary: Foo", "Foo: 1", "Foo: 1", true},
        {"Vary: Foo", "Foo: 1", "foo: 1\nOther: 2", true},
        {"Vary: Foo", "Foo: 1", "Foo: 2", false},
        {"Vary: Foo", "Foo: 1", "", false},
        {"Vary: Foo", "", "Foo: 1", false},
        {"Vary: Foo", "", "", true},
        {"Vary: Foo", "Foo:", "", false}, // empty is not absent
        {"Vary: Foo", "", "Foo:", false},
        {"Vary: Foo", "Foo:", "Foo:  ", true},
        {"Vary: Foo", "Foo: 1", "Foo: 1 2", false},
        {"Vary: Foo", "Foo: 1 2", "Foo: 1", false}, // a prefix is not the same
        {"Vary: Foo", "Foo: a", "Foo: A", false},
        {"Vary: Foo", "Foo: 1, 2", "Foo: 1\nFoo: 2", true},
        {"Vary: Foo", "Foo: 1,2", "Foo:  1 ,  2 ", true},
        {"Vary: Foo", "Foo: 1, 2", "Foo: 2, 1", false},
        {"Vary: Foo", "Foo: \"1, 2\"", "Foo: \"1,2\"", false}, // inside quotes space counts
        {"Vary: Foo, Bar", "Foo: 1\nBar: 2", "Bar: 2\nFoo: 1", true},
        {"Vary: Foo, Bar", "Foo: 1\nBar: 2", "Bar: 2\nFoo: 3", false},
        {"Vary: Foo, Bar", "Foo: 1", "Foo: 1", true},
        {"Vary: Foo, Bar", "Foo: 1", "Bar: 1", false},
        {"Vary: Foo\nVary: Bar", "Foo: 1\nBar: 2", "Foo: 1\nBar: 3", false},
        {"Vary: foo, FOO, Foo", "Foo: 1", "Foo: 1", true},
        {"Vary: Accept-Language", "Accept-Language: en, de", "Accept-Language: eN,De", true},
        {"Vary: Accept-Language", "Accept-Language: en, de", "Accept-Language: de, en", true},
        {"Vary: Accept-Language", "Accept-Language: en;q=1.0, de;q=0.50",
            "Accept-Language: de; Q=.5, en", false},
        {"Vary: Accept-Language", "Accept-Language: en;q=1.0, de;q=0.50",
            "Accept-Language: de;Q=0.5, EN", true},
        {"Vary: Accept-Language", "Accept-Language: en, de;q=0.5", "Accept-Language: en;q=0.5, de",
            false},
        {"Vary: Accept-Language", "Accept-Language: en;q=2", "Accept-Language: en", false},
        {"Vary: Accept-Language", "Accept-Language: de-AT;q=0.9, de",
            "Accept-Language: de;q=1, de-at;q=0.900", true},
        {"Vary: Accept-Language", "Accept-Language: de;q=0.5", "Accept-Language: de; q=0.5", true},
        {"Vary: Accept-Encoding", "Accept-Encoding: gzip, br", "Accept-Encoding: BR,gzip", true},
        {"Vary: Accept-Encoding", "Accept-Encoding: gzip, br",
            "Accept-Encoding: br\nAccept-Encoding: gzip", true},
        {"Vary: Accept-Encoding", "Accept-Encoding: gzip, br", "Accept-Encoding: gzip", false},
        {"Vary: Accept-Encoding", "Accept-Encoding: gzip;q=0, br", "Accept-Encoding: br, gzip",
            false},
    };
    static struct test_request asked;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct object *object = make(rows[i].stored, 200, rows[i].vary, 1, SECOND);
        assert_true(object->storable);
        if (matches(object, rows[i].asked) != rows[i].matches)
            fail_msg(
                "%s, stored for '%s', asked for '%s'", rows[i].vary, rows[i].stored, rows[i].asked);
        assert_true(matches(object, rows[i].stored));
        // The hash tells the same ones apart.
        static struct test_request stored;
        test_parse_request(&stored, "GET /x HTTP/1.1", rows[i].stored);
        test_parse_request(&asked, "GET /x HTTP/1.1", rows[i].asked);
        struct hash128 a = object_variant_of(object, &stored.head.fields);
        struct hash128 b = object_variant_of(object, &asked.head.fields);
        assert_int_equal(hash128_equal(a, b), rows[i].matches);
        object_release(object);
    }
}

static void test_the_preferred_language_will_do(void **state)
{
    (void)state;
    static struct test_request request;
    struct {
        const char *vary, *language, *asked;
        bool will_do;
    } rows[] = {
        {"Accept-Language", "de", "Accept-Language: fr;q=0.5, de;q=1.0", true},
        {"Accept-Language", "de", "Accept-Language: fr;q=0.5, DE", true},
        {"Accept-Language", "de", "Accept-Language: fr, de", false},
        {"Accept-Language", "de", "Accept-Language: fr, de;q=0.9", false},
        {"Accept-Language", "de", "Accept-Language: de;q=0", false},
        {"Accept-Language", "de", "Accept-Language: de-AT, de;q=0.9", false},
        {"Accept-Language", "de", "Accept-Language: de, fr;q=much", false},
        {"Accept-Language", "de, en", "Accept-Language: de", false},
        {"Accept-Language", "", "Accept-Language: de", false},
        {"Accept-Language", "de", "", false},
        {"Accept-Language, X", "de", "Accept-Language: de", true},
        {"Accept-Language, X", "de", "Accept-Language: de\nX: 1", false},
        {"X", "de", "Accept-Language: de\nX: 1", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char fields[256];
        snprintf(fields, sizeof(fields),
            "Cache-Control: max-age=60\nVary: %s\nContent-Language: %s",
            rows[i].vary, rows[i].language);
        struct object *object = make("Accept-Language: en, de", 200, fields, 1, SECOND);
        test_parse_request(&request, "GET / HTTP/1.1", rows[i].asked);
        if (object_speaks_preferred(object, &request.head.fields) != rows[i].will_do)
            fail_msg("row %zu", i);
        object_release(object);
    }
}

static void test_the_hash_by_vary_is_the_hash_by_object(void **state)
{
    (void)state;
    static struct test_request request;
    test_parse_request(&request, "GET /x HTTP/1.1", "B: 2\nA: 1");
    struct object *object = make("A: 1\nB: 2", 200, "Vary: b, A", 1, SECOND);
    struct hash128 by_object = object_variant_of(object, &request.head.fields);
    assert_true(hash128_equal(by_object, object_variant(SLICE("A,  B"), &request.head.fields)));
    assert_false(hash128_equal(by_object, object_variant(SLICE("A"), &request.head.fields)));
    assert_true(
        hash128_equal(object_variant(SLICE_EMPTY, &request.head.fields), (struct hash128){0}));
    object_release(object);
}

static void test_values_longer_than_any_buffer_and_many_codings(void **state)
{
    (void)state;
    static char fields[6000];
    size_t size = (size_t)sprintf(fields, "Accept-Language: ");
    for (int i = 0; i < 300; i++)
        size += (size_t)sprintf(fields + size, "LANGUAGE-%d, ", i);
    size += (size_t)sprintf(fields + size, "z\nAccept-Encoding: ");
    for (int i = 0; i < 40; i++)
        size += (size_t)sprintf(fields + size, "c%d, ", i);
    sprintf(fields + size, "z");
    struct object *object = make(fields, 200, "Vary: Accept-Language, Accept-Encoding", 1, SECOND);
    assert_true(matches(object, fields));
    char *last = strrchr(fields, 'z');
    *last = 'y';
    assert_false(matches(object, fields));
    object_release(object);
}

static void test_too_many_vary_names_are_as_good_as_all(void **state)
{
    (void)state;
    char fields[1000];
    size_t size = (size_t)sprintf(fields, "Cache-Control: max-age=60\nVary: a0");
    for (int i = 1; i < 32; i++)
        size += (size_t)sprintf(fields + size, ", a%d", i);
    struct object *object = make("", 200, fields, 1, SECOND);
    assert_true(object->storable);
    object_release(object);
    sprintf(fields + size, ", a32");
    object = make("", 200, fields, 1, SECOND);
    assert_false(object->storable);
    object_release(object);
}

// --- Time ---

static void test_the_life_of_an_object(void **state)
{
    (void)state;
    struct object *object = make(
        "", 200, "Cache-Control: max-age=10, stale-while-revalidate=5\nAge: 3", 1, 50 * SECOND);
    assert_int_equal(object_age_ms(object, 50 * SECOND), 3000);
    assert_int_equal(object_age_ms(object, 49 * SECOND), 3000); // a clock behind
    uint64_t end = 57 * SECOND;
    assert_true(object_is_fresh(object, end - NS_PER_MS));
    assert_false(object_is_fresh(object, end));
    assert_false(object_may_revalidate_behind(object, end - NS_PER_MS));
    assert_true(object_may_revalidate_behind(object, end));
    assert_true(object_may_revalidate_behind(object, end + 5 * SECOND - NS_PER_MS));
    assert_false(object_may_revalidate_behind(object, end + 5 * SECOND));
    assert_true(object_may_go_stale(object, end + 1000 * SECOND - NS_PER_MS));
    assert_false(object_may_go_stale(object, end + 1000 * SECOND));
    atomic_store(&object->purged, true);
    assert_false(object_is_fresh(object, 50 * SECOND));
    assert_false(object_may_revalidate_behind(object, end));
    assert_true(object_may_go_stale(object, end));
    object_release(object);
}

static void test_a_purged_object_that_may_never_be_stale_is_unusable(void **state)
{
    (void)state;
    struct object *object = make("", 200, "Cache-Control: max-age=10, must-revalidate", 1, SECOND);
    assert_true(object_is_fresh(object, SECOND));
    atomic_store(&object->purged, true);
    assert_false(object_is_fresh(object, SECOND));
    assert_false(object_may_go_stale(object, SECOND));
    object_release(object);
}

static void test_ages_and_lifetimes_of_decades(void **state)
{
    (void)state;
    struct object *object = make(
        "", 200, "Cache-Control: max-age=99999999999\nAge: 2147483600", 1, SECOND);
    assert_true(object_is_fresh(object, SECOND));
    assert_int_equal(object_age_ms(object, SECOND), 2147483600000);
    assert_false(object_is_fresh(object, 100 * SECOND));
    object_release(object);
    object = make("", 200, "Cache-Control: max-age=99999999999\nAge: 99999999999", 1, SECOND);
    assert_int_equal(object_age_ms(object, SECOND) / 1000, 2147483647);
    object_release(object);
    object = make(
        "", 200, "Cache-Control: max-age=60\nAge: 2000000", 1, SECOND); // above 2^31 ms / 2
    assert_int_equal(object_age_ms(object, 2 * SECOND), 2000001000);
    object_release(object);
}

static void test_back_off_doubles_to_its_maximum(void **state)
{
    (void)state;
    struct object *object = make("", 200, "Cache-Control: max-age=1", 1, SECOND);
    uint64_t now_ns = 10 * SECOND;
    assert_false(object_in_backoff(object, now_ns));
    uint64_t expected_s[] = {1, 2, 4, 8, 10, 10};
    for (size_t i = 0; i < ARRAY_SIZE(expected_s); i++) {
        object_back_off(object, now_ns, 10000);
        assert_true(object_in_backoff(object, now_ns));
        assert_true(object_in_backoff(object, now_ns + expected_s[i] * SECOND - NS_PER_MS));
        now_ns += expected_s[i] * SECOND + SECOND / 5; // kept in tenths
        assert_false(object_in_backoff(object, now_ns));
    }
    for (int i = 0; i < 100; i++)
        object_back_off(object, now_ns, 10000);
    assert_false(object_in_backoff(object, now_ns + 11 * SECOND));
    object_release(object);
}

// --- What is sent ---

struct selection_row {
    const char *stored, *request;
    enum object_selection selection;
    uint64_t first, last;
    const char *method;
    unsigned status;
};

#define E "ETag: \"e\"\n"
#define W "ETag: W/\"e\"\n"
#define M "Last-Modified: " DATE_HOUR_AGO "\n"
#define D "Date: " DATE_NOW "\n"

// Content has 100 bytes.
static const struct selection_row selection_rows[] = {
    {E, "", .selection = OBJECT_WHOLE},
    // If-None-Match
    {E, "If-None-Match: \"e\"", .selection = OBJECT_NOT_MODIFIED},
    {E, "If-None-Match: \"e\"", .selection = OBJECT_NOT_MODIFIED, .method = "HEAD"},
    {E, "If-None-Match: W/\"e\"", .selection = OBJECT_NOT_MODIFIED},
    {W, "If-None-Match: \"e\"", .selection = OBJECT_NOT_MODIFIED},
    {W, "If-None-Match: W/\"e\"", .selection = OBJECT_NOT_MODIFIED},
    {E, "If-None-Match: \"x\"", .selection = OBJECT_WHOLE},
    {E, "If-None-Match: \"x\", \"e\", \"y\"", .selection = OBJECT_NOT_MODIFIED},
    {E, "If-None-Match: \"x\"\nIf-None-Match: \"e\"", .selection = OBJECT_NOT_MODIFIED},
    {E, "If-None-Match: *", .selection = OBJECT_NOT_MODIFIED},
    {M, "If-None-Match: *", .selection = OBJECT_NOT_MODIFIED},
    {M, "If-None-Match: \"e\"", .selection = OBJECT_WHOLE},
    {E M, "If-None-Match: \"x\"\nIf-Modified-Since: " DATE_NOW, .selection = OBJECT_WHOLE},
    {E M, "If-None-Match: \"e\"\nIf-Modified-Since: " DATE_DAY_AGO,
        .selection = OBJECT_NOT_MODIFIED},
    {E, "If-None-Match: \"e\"", .selection = OBJECT_WHOLE, .status = 404},
    // If-Modified-Since
    {M, "If-Modified-Since: " DATE_HOUR_AGO, .selection = OBJECT_NOT_MODIFIED},
    {M, "If-Modified-Since: " DATE_NOW, .selection = OBJECT_NOT_MODIFIED},
    {M, "If-Modified-Since: " DATE_DAY_AGO, .selection = OBJECT_WHOLE},
    {M, "If-Modified-Since: Wednesday, 21-Oct-15 06:28:00 GMT", .selection = OBJECT_NOT_MODIFIED},
    {M, "If-Modified-Since: today", .selection = OBJECT_WHOLE},
    {M, "If-Modified-Since: " DATE_NOW "\nIf-Modified-Since: " DATE_NOW, .selection = OBJECT_WHOLE},
    {"Date: " DATE_HOUR_AGO, "If-Modified-Since: " DATE_HOUR_AGO, .selection = OBJECT_NOT_MODIFIED},
    {"Date: " DATE_HOUR_AGO, "If-Modified-Since: " DATE_DAY_AGO, .selection = OBJECT_WHOLE},
    // If-Match, If-Unmodified-Since
    {E, "If-Match: \"e\"", .selection = OBJECT_WHOLE},
    {E, "If-Match: \"x\"", .selection = OBJECT_PRECONDITION_FAILED},
    {W, "If-Match: W/\"e\"", .selection = OBJECT_PRECONDITION_FAILED},
    {E, "If-Match: *", .selection = OBJECT_WHOLE},
    {M, "If-Unmodified-Since: " DATE_HOUR_AGO, .selection = OBJECT_WHOLE},
    {M, "If-Unmodified-Since: " DATE_DAY_AGO, .selection = OBJECT_PRECONDITION_FAILED},
    {E, "If-Unmodified-Since: " DATE_DAY_AGO, .selection = OBJECT_WHOLE},
    {E M, "If-Match: \"e\"\nIf-Unmodified-Since: " DATE_DAY_AGO, .selection = OBJECT_WHOLE},
    {E, "If-Match: \"e\"\nIf-None-Match: \"e\"", .selection = OBJECT_NOT_MODIFIED},
    // Range
    {E, "Range: bytes=0-9", .selection = OBJECT_PART, .first = 0, .last = 9},
    {E, "Range: bytes=90-", .selection = OBJECT_PART, .first = 90, .last = 99},
    {E, "Range: bytes=-1", .selection = OBJECT_PART, .first = 99, .last = 99},
    {E, "Range: bytes=50-1000", .selection = OBJECT_PART, .first = 50, .last = 99},
    {E, "Range: bytes=-1000", .selection = OBJECT_PART, .first = 0, .last = 99},
    {E, "Range: bytes=100-", .selection = OBJECT_UNSATISFIABLE},
    {E, "Range: bytes=9-5", .selection = OBJECT_WHOLE},
    {E, "Range: lines=0-9", .selection = OBJECT_WHOLE},
    {E, "Range: bytes=0-1,5-6", .selection = OBJECT_WHOLE},
    {E, "Range: bytes=0-9\nRange: bytes=0-9", .selection = OBJECT_WHOLE},
    {E, "Range: bytes=0-9", .selection = OBJECT_WHOLE, .method = "HEAD"},
    {E, "Range: bytes=0-9", .selection = OBJECT_WHOLE, .status = 404},
    {E, "Range: bytes=0-9", .selection = OBJECT_WHOLE, .status = 203},
    {E, "Range: bytes=0-9\nIf-None-Match: \"e\"", .selection = OBJECT_NOT_MODIFIED},
    {E, "Range: bytes=0-9\nIf-None-Match: \"x\"", .selection = OBJECT_PART, .last = 9},
    {E, "Range: bytes=0-9\nIf-Match: \"x\"", .selection = OBJECT_PRECONDITION_FAILED},
    // If-Range
    {E, "Range: bytes=0-9\nIf-Range: \"e\"", .selection = OBJECT_PART, .last = 9},
    {E, "Range: bytes=0-9\nIf-Range: \"x\"", .selection = OBJECT_WHOLE},
    {E, "Range: bytes=100-\nIf-Range: \"x\"", .selection = OBJECT_WHOLE},
    {W, "Range: bytes=0-9\nIf-Range: W/\"e\"", .selection = OBJECT_WHOLE},
    {E, "Range: bytes=0-9\nIf-Range: W/\"e\"", .selection = OBJECT_WHOLE},
    {E, "Range: bytes=0-9\nIf-Range: \"e\"\nIf-Range: \"e\"", .selection = OBJECT_WHOLE},
    {E, "Range: bytes=0-9\nIf-Range: e", .selection = OBJECT_WHOLE},
    {D M, "Range: bytes=0-9\nIf-Range: " DATE_HOUR_AGO, .selection = OBJECT_PART, .last = 9},
    {D M, "Range: bytes=0-9\nIf-Range: " DATE_NOW, .selection = OBJECT_WHOLE}, // not the same
    {D M, "Range: bytes=0-9\nIf-Range: " DATE_DAY_AGO, .selection = OBJECT_WHOLE},
    // A date is strong a second later at the earliest.
    {D "Last-Modified: " DATE_NOW, "Range: bytes=0-9\nIf-Range: " DATE_NOW,
        .selection = OBJECT_WHOLE},
    {D "Last-Modified: " DATE_SECOND_AGO, "Range: bytes=0-9\nIf-Range: " DATE_SECOND_AGO,
        .selection = OBJECT_PART, .last = 9},
    {E, "If-Range: \"x\"", .selection = OBJECT_WHOLE},
};

static void test_selection(void **state)
{
    (void)state;
    static struct test_request request;
    for (size_t i = 0; i < ARRAY_SIZE(selection_rows); i++) {
        const struct selection_row *row = &selection_rows[i];
        struct object *object
            = make("", row->status == 0 ? 200 : row->status, row->stored, 100, SECOND);
        char line[64];
        snprintf(line, sizeof(line), "%s /x HTTP/1.1", row->method == NULL ? "GET" : row->method);
        test_parse_request(&request, line, row->request);
        uint64_t first = 0, last = 0;
        enum object_selection selection
            = object_select(object, &request.head, NOW_SECONDS, &first, &last);
        if (selection != row->selection
            || (selection == OBJECT_PART && (first != row->first || last != row->last)))
            fail_msg("'%s' from '%s': %d %llu-%llu", row->request, row->stored, selection,
                (unsigned long long)first, (unsigned long long)last);
        object_release(object);
    }
}

static void test_a_range_of_unknown_length_or_no_content_is_the_whole(void **state)
{
    (void)state;
    static struct test_request request;
    uint64_t first, last;
    test_parse_request(&request, "GET /x HTTP/1.1", "Range: bytes=0-9");
    struct object *object = make("", 200, E, 0, SECOND);
    assert_int_equal(
        object_select(object, &request.head, NOW_SECONDS, &first, &last), OBJECT_WHOLE);
    object->body = body_create(UINT64_MAX, 0, false); // growing
    assert_int_equal(object_length(object), UINT64_MAX);
    assert_int_equal(
        object_select(object, &request.head, NOW_SECONDS, &first, &last), OBJECT_WHOLE);
    body_finish(object->body, ERROR_NONE);
    assert_int_equal(object_length(object), 0);
    assert_int_equal(
        object_select(object, &request.head, NOW_SECONDS, &first, &last), OBJECT_UNSATISFIABLE);
    object_release(object);
    // Growing, but its length is known.
    object = make("", 200, E "Content-Length: 100", 0, SECOND);
    object->body = body_create(100, 0, false);
    assert_int_equal(object_select(object, &request.head, NOW_SECONDS, &first, &last), OBJECT_PART);
    object_release(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_kept_as_received_without_those_of_the_hop),
        cmocka_unit_test(test_a_missing_date_is_added),
        cmocka_unit_test(test_fields_are_found_by_name),
        cmocka_unit_test(test_what_is_not_storable_keeps_no_key),
        cmocka_unit_test(test_failing_allocations_leak_nothing),
        cmocka_unit_test(test_a_304_updates_the_head_and_keeps_the_content),
        cmocka_unit_test(test_a_304_without_date_came_now),
        cmocka_unit_test(test_a_304_can_forbid_storing),
        cmocka_unit_test(test_a_304_speaks_only_of_what_it_names),
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_the_preferred_language_will_do),
        cmocka_unit_test(test_the_hash_by_vary_is_the_hash_by_object),
        cmocka_unit_test(test_values_longer_than_any_buffer_and_many_codings),
        cmocka_unit_test(test_too_many_vary_names_are_as_good_as_all),
        cmocka_unit_test(test_the_life_of_an_object),
        cmocka_unit_test(test_a_purged_object_that_may_never_be_stale_is_unusable),
        cmocka_unit_test(test_ages_and_lifetimes_of_decades),
        cmocka_unit_test(test_back_off_doubles_to_its_maximum),
        cmocka_unit_test(test_selection),
        cmocka_unit_test(test_a_range_of_unknown_length_or_no_content_is_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
