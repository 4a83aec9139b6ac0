// Negotiation of content codings.
#include "http1_helpers.h"

#include "http/accept_encoding.h"

static const enum http_coding all[] = {HTTP_CODING_BROTLI, HTTP_CODING_ZSTD, HTTP_CODING_GZIP};

// Of one or two fields (NULL: only one; both: none).
static enum http_coding choose(const char *first, const char *second,
    const enum http_coding *offered, size_t count)
{
    struct http_field items[2];
    struct http_fields fields = {items, 0, 2};
    struct http_accept_encoding accept;
    struct slice values[2] = {SLICE_EMPTY, SLICE_EMPTY};
    if (first != NULL) {
        values[0] = heap_copy(slice_from_string(first));
        assert_int_equal(http_fields_add(&fields, SLICE("Accept-Encoding"), values[0]), ERROR_NONE);
    }
    if (second != NULL) {
        values[1] = heap_copy(slice_from_string(second));
        assert_int_equal(http_fields_add(&fields, SLICE("accept-encoding"), values[1]), ERROR_NONE);
    }
    http_accept_encoding_parse(&fields, &accept);
    heap_release(values[0]);
    heap_release(values[1]);
    return http_accept_encoding_choose(&accept, offered, count);
}

static void the_best_liked_coding_is_chosen(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        enum http_coding coding;
    } cases[] = {
        {NULL, HTTP_CODING_IDENTITY}, {"", HTTP_CODING_IDENTITY}, {" , ,", HTTP_CODING_IDENTITY},
        {"gzip", HTTP_CODING_GZIP}, {"GZip", HTTP_CODING_GZIP}, {"x-gzip", HTTP_CODING_GZIP},
        {"br", HTTP_CODING_BROTLI}, {"zstd", HTTP_CODING_ZSTD},
        {"gzip, deflate, br, zstd", HTTP_CODING_BROTLI}, {"zstd, gzip", HTTP_CODING_ZSTD},
        {"deflate", HTTP_CODING_IDENTITY}, {"compress, dcb", HTTP_CODING_IDENTITY},
        {"br;q=0.5, gzip;q=0.8", HTTP_CODING_GZIP}, {"br;q=0.8, gzip;q=0.8", HTTP_CODING_BROTLI},
        {"gzip;q=0", HTTP_CODING_IDENTITY}, {"gzip;q=0.0, br", HTTP_CODING_BROTLI},
        {"gzip;q=0.001", HTTP_CODING_GZIP}, {"gzip;q=0.000", HTTP_CODING_IDENTITY},
        {"gzip;q=1.000", HTTP_CODING_GZIP}, {"gzip ; q=0.5", HTTP_CODING_GZIP},
        {"gzip;Q=0.5", HTTP_CODING_GZIP}, {"gzip;\tq=1.", HTTP_CODING_GZIP},
        {"*", HTTP_CODING_BROTLI}, {"*;q=0", HTTP_CODING_IDENTITY},
        {"br;q=0, *", HTTP_CODING_ZSTD}, {"br;q=0.1, *;q=0.5", HTTP_CODING_ZSTD},
        {"gzip, *;q=0", HTTP_CODING_GZIP},
        {"identity", HTTP_CODING_IDENTITY}, {"identity, gzip;q=0.5", HTTP_CODING_IDENTITY},
        {"identity;q=0.5, gzip;q=0.5", HTTP_CODING_GZIP},
        {"identity;q=0.5, gzip;q=0.4", HTTP_CODING_IDENTITY},
        {"identity;q=0, gzip;q=0.1", HTTP_CODING_GZIP}, {"identity;q=0", HTTP_CODING_IDENTITY},
        // Twice: the lower weight.
        {"gzip, gzip;q=0", HTTP_CODING_IDENTITY}, {"gzip;q=0, x-gzip", HTTP_CODING_IDENTITY},
        // Malformed elements are not there.
        {"gzip;q=1.001", HTTP_CODING_IDENTITY}, {"gzip;q=2", HTTP_CODING_IDENTITY},
        {"gzip;q=0.1234", HTTP_CODING_IDENTITY}, {"gzip;q=", HTTP_CODING_IDENTITY},
        {"gzip;q=-1", HTTP_CODING_IDENTITY}, {"gzip;q=0,5", HTTP_CODING_IDENTITY},
        {"gzip;q=.5", HTTP_CODING_IDENTITY}, {"gzip;x=1", HTTP_CODING_IDENTITY},
        {"gzip;", HTTP_CODING_IDENTITY}, {"gzip;q=1;q=1", HTTP_CODING_IDENTITY},
        {"gzip br", HTTP_CODING_IDENTITY}, {"\"gzip\"", HTTP_CODING_IDENTITY},
        {"gzip;q=1x, br", HTTP_CODING_BROTLI}, {";q=1", HTTP_CODING_IDENTITY},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        enum http_coding coding = choose(cases[i].value, NULL, all, ARRAY_SIZE(all));
        if (coding != cases[i].coding)
            fail_msg("%s: %d", cases[i].value == NULL ? "(none)" : cases[i].value, (int)coding);
    }
}

static void several_fields_are_one_list(void **state)
{
    (void)state;
    assert_int_equal(choose("gzip;q=0.5", "br;q=0.4", all, 3), HTTP_CODING_GZIP);
    assert_int_equal(choose("", "zstd", all, 3), HTTP_CODING_ZSTD);
    assert_int_equal(choose("gzip", "*;q=0", all, 3), HTTP_CODING_GZIP);
}

static void only_what_is_offered_is_chosen_and_in_its_order(void **state)
{
    (void)state;
    static const enum http_coding order[] = {HTTP_CODING_ZSTD, HTTP_CODING_BROTLI};
    assert_int_equal(choose("gzip, br, zstd", NULL, order, 2), HTTP_CODING_ZSTD);
    assert_int_equal(choose("gzip, br", NULL, order, 2), HTTP_CODING_BROTLI);
    assert_int_equal(choose("gzip", NULL, order, 2), HTTP_CODING_IDENTITY);
    assert_int_equal(choose("*", NULL, order, 0), HTTP_CODING_IDENTITY);
}

static void names_are_found_in_any_case(void **state)
{
    (void)state;
    enum http_coding coding = HTTP_CODING_ZSTD;
    assert_false(http_coding_find(SLICE(""), &coding));
    assert_false(http_coding_find(SLICE("deflate"), &coding));
    assert_int_equal(coding, HTTP_CODING_ZSTD);
    assert_true(http_coding_find(SLICE("Identity"), &coding));
    assert_int_equal(coding, HTTP_CODING_IDENTITY);
    for (unsigned i = 0; i < HTTP_CODING_COUNT; i++) {
        assert_true(http_coding_find(http_coding_name((enum http_coding)i), &coding));
        assert_int_equal(coding, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_liked_coding_is_chosen),
        cmocka_unit_test(several_fields_are_one_list),
        cmocka_unit_test(only_what_is_offered_is_chosen_and_in_its_order),
        cmocka_unit_test(names_are_found_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
