// Heads of frames are found however the bytes are cut.
#include "http/http2_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BYTES HTTP2_PREFACE                                                                        \
    "\0\0\6\4\0\0\0\0\0" "abcdef"              /* SETTINGS */                                      \
    "\0\0\2\1\1\0\0\0\1" "xy"                  /* HEADERS without END_HEADERS */                   \
    "\0\0\0\x9\0\0\0\0\1"                      /* CONTINUATION */                                  \
    "\0\0\1\x9\4\0\0\0\1" "z"                  /* the last one */                                  \
    "\0\0\3\0\1\x80\0\0\1" "123"               /* DATA, with the reserved bit */                   \
    "\0\0\0\x77\0\0\0\0\0"

static void frames_are_found_however_they_are_cut(void **state)
{
    static const struct http2_frame_head wanted[] = {
        {6, 0, 4, 0}, {2, 1, 1, 1}, {0, 1, 9, 0}, {1, 1, 9, 4}, {3, 1, 0, 1}, {0, 0, 0x77, 0}};
    struct slice bytes = SLICE(BYTES);
    (void)state;
    for (size_t step = 1; step <= bytes.size; step++) {
        struct http2_scan scan = {.left = sizeof(HTTP2_PREFACE) - 1};
        size_t found = 0;
        for (size_t at = 0; at < bytes.size; at += step) {
            struct slice part = slice_of(bytes.data + at, MINIMUM(step, bytes.size - at));
            while (http2_scan_next(&scan, &part)) {
                assert_true(found < ARRAY_SIZE(wanted));
                assert_memory_equal(&scan.frame, &wanted[found], sizeof(scan.frame));
                found++;
            }
            assert_int_equal(part.size, 0);
        }
        assert_int_equal(found, ARRAY_SIZE(wanted));
        assert_false(http2_scan_is_within(&scan));
    }
}

static bool is_within(struct slice bytes)
{
    struct http2_scan scan = {0};
    while (http2_scan_next(&scan, &bytes))
        ;
    return http2_scan_is_within(&scan);
}

static void what_is_incomplete_is_known(void **state)
{
    (void)state;
    assert_false(is_within(SLICE("")));
    assert_true(is_within(SLICE("\0\0")));
    assert_true(is_within(SLICE("\0\0\2\1\1\0\0\0\1xy")));         // a block goes on
    assert_false(is_within(SLICE("\0\0\2\1\5\0\0\0\1xy")));
    assert_true(is_within(SLICE("\0\0\2\1\5\0\0\0\1x")));
    assert_true(is_within(SLICE("\0\0\2\1\1\0\0\0\1xy\0\0\1\x9\0\0\0\0\1z")));
    assert_false(is_within(SLICE("\0\0\2\0\1\0\0\0\1x")));         // content may take its time
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_found_however_they_are_cut),
        cmocka_unit_test(what_is_incomplete_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
