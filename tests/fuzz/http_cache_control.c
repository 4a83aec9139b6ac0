// What stands in values: Cache-Control, lists, validators. The input's first line is one value, the
// rest another; each law below must hold for any two.
#include "base/invariant.h"
#include "http/cache_control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct http_cache_control parse(const struct slice *values, uint32_t count)
{
    struct http_field items[2];
    struct http_fields fields = {items, 0, 2};
    struct http_cache_control control;
    for (uint32_t i = 0; i < count; i++)
        invariant(http_fields_add(&fields, SLICE("cache-control"), values[i]) == ERROR_NONE);
    http_cache_control_parse(&fields, &control);
    return control;
}

static void check_smaller(int64_t both, int64_t a, int64_t b)
{
    invariant(both >= HTTP_SECONDS_ABSENT && (both <= INT64_C(1) << 31 || both == INT64_MAX));
    invariant(both == (a == HTTP_SECONDS_ABSENT ? b : b == HTTP_SECONDS_ABSENT
        ? a : MINIMUM(a, b)));
}

// Two fields say what each says, the stricter one where they differ.
static void check_cache_control(const struct slice *values)
{
    struct http_cache_control a = parse(values, 1), b = parse(values + 1, 1),
        both = parse(values, 2);
    check_smaller(both.max_age, a.max_age, b.max_age);
    check_smaller(both.s_maxage, a.s_maxage, b.s_maxage);
    check_smaller(both.max_stale, a.max_stale, b.max_stale);
    check_smaller(both.stale_if_error, a.stale_if_error, b.stale_if_error);
    check_smaller(both.stale_while_revalidate, a.stale_while_revalidate, b.stale_while_revalidate);
    invariant(both.min_fresh == MAXIMUM(a.min_fresh, b.min_fresh));
    invariant(both.no_store == (a.no_store || b.no_store));
    // More lists of names than are kept restrict everything.
    invariant(both.no_cache || (!a.no_cache && !b.no_cache));
    invariant(both.is_private || (!a.is_private && !b.is_private));
    invariant((both.no_cache || both.no_cache_fields)
        == (a.no_cache || b.no_cache || a.no_cache_fields || b.no_cache_fields));
    invariant((both.is_private || both.private_fields)
        == (a.is_private || b.is_private || a.private_fields || b.private_fields));
    invariant(both.is_public == (a.is_public || b.is_public));
    invariant(both.must_revalidate == (a.must_revalidate || b.must_revalidate));
    invariant(both.immutable == (a.immutable || b.immutable));
}

static int64_t lifetime_of(struct slice targeted, struct slice plain, bool *is_targeted)
{
    struct http_field items[2];
    struct http_fields fields = {items, 0, 2};
    struct http_cache_control control;
    invariant(http_fields_add(&fields, SLICE("CDN-Cache-Control"), targeted) == ERROR_NONE);
    invariant(http_fields_add(&fields, SLICE("Cache-Control"), plain) == ERROR_NONE);
    http_cache_control_parse_response(&fields, &control);
    *is_targeted = control.targeted;
    return control.max_age;
}

// A targeted field counts alone or not at all (RFC 9213).
static void check_targeted(struct slice value)
{
    bool first, second;
    int64_t with_one = lifetime_of(value, SLICE("max-age=1"), &first);
    int64_t with_two = lifetime_of(value, SLICE("max-age=2, no-store"), &second);
    invariant(first == second);
    invariant(first ? with_one == with_two : with_one == 1 && with_two == 2);
}

static void check_list(struct slice list, struct slice token)
{
    struct slice rest = list, element;
    bool found = false;
    const char *before = list.data;
    while (http_list_next(&rest, &element)) {
        invariant(element.size > 0 && element.data >= before);
        invariant(element.data + element.size <= list.data + list.size);
        invariant(slice_equal(slice_trim(element), element));
        before = element.data + element.size;
        found = found || slice_equal_nocase(slice_trim(slice_cut(&element, ';')), token);
    }
    invariant(rest.size == 0);
    invariant(found == http_list_has_token(list, token));
}

static void check_etags(struct slice list, struct slice etag)
{
    invariant(http_etag_equal_weak(etag, etag) == http_etag_is_valid(etag));
    invariant(http_etag_equal_strong(etag, etag) == http_etag_is_strong(etag));
    invariant(http_etag_equal_weak(list, etag) == http_etag_equal_weak(etag, list));
    if (http_etag_is_valid(etag))
        invariant(http_etag_list_matches(etag, etag, false));
    if (http_etag_list_matches(list, etag, true))
        invariant(http_etag_list_matches(list, etag, false));
    if (http_etag_equal_weak(list, etag))
        invariant(http_etag_list_matches(list, etag, false));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice values[2] = {SLICE_EMPTY, slice_of((const char *)data, size)};
    values[0] = slice_cut(&values[1], '\n');
    check_cache_control(values);
    for (size_t i = 0; i < 2; i++) {
        check_list(values[i], values[1 - i]);
        check_etags(values[i], values[1 - i]);
        check_targeted(values[i]);
    }
    return 0;
}
