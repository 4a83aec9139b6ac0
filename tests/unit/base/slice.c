// Slices: comparing, cutting, trimming, numbers.
#include "base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_equality(void **state)
{
    (void)state;
    assert_true(slice_equal(SLICE("abc"), SLICE("abc")));
    assert_false(slice_equal(SLICE("abc"), SLICE("abd")));
    assert_false(slice_equal(SLICE("abc"), SLICE("ab")));
    assert_true(slice_equal(SLICE_EMPTY, SLICE("")));
    assert_true(slice_equal(slice_from_string(NULL), SLICE_EMPTY));
    assert_true(slice_equal(SLICE("a\0b"), slice_of("a\0b", 3)));
    assert_false(slice_equal(SLICE("a\0b"), SLICE("a\0c")));
}

static void test_case_folds_in_ascii_only(void **state)
{
    (void)state;
    assert_true(slice_equal_nocase(SLICE("Content-LENGTH"), SLICE("content-length")));
    assert_false(slice_equal_nocase(SLICE("abc"), SLICE("abcd")));
    assert_true(slice_equal_nocase(SLICE_EMPTY, SLICE("")));
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            char left = (char)a, right = (char)b;
            bool is_letter_pair = (a ^ b) == 0x20 && (a | 0x20) >= 'a' && (a | 0x20) <= 'z';
            assert_int_equal(slice_equal_nocase(slice_of(&left, 1), slice_of(&right, 1)),
                a == b || is_letter_pair);
        }
    }
}

static void test_ends_and_contents(void **state)
{
    (void)state;
    assert_true(slice_starts_with(SLICE("/path"), SLICE("/")));
    assert_true(slice_starts_with(SLICE("/path"), SLICE_EMPTY));
    assert_false(slice_starts_with(SLICE("/"), SLICE("/path")));
    assert_true(slice_ends_with(SLICE("a.yaml"), SLICE(".yaml")));
    assert_true(slice_ends_with(SLICE("a.yaml"), SLICE("")));
    assert_false(slice_ends_with(SLICE("yaml"), SLICE(".yaml")));
    assert_false(slice_ends_with(SLICE_EMPTY, SLICE("a")));
    assert_true(slice_contains(SLICE("a\0b"), '\0'));
    assert_false(slice_contains(SLICE("abc"), 'd'));
    assert_false(slice_contains(SLICE_EMPTY, 'd'));
}

static void test_trimming_takes_spaces_and_tabs(void **state)
{
    (void)state;
    assert_true(slice_equal(slice_trim(SLICE(" \t a b\t ")), SLICE("a b")));
    assert_true(slice_equal(slice_trim(SLICE(" \t ")), SLICE("")));
    assert_true(slice_equal(slice_trim(SLICE("\na\r")), SLICE("\na\r")));
    assert_int_equal(slice_trim(SLICE_EMPTY).size, 0);
}

static void test_cutting_visits_every_part(void **state)
{
    (void)state;
    struct slice rest = SLICE("a,,b");
    assert_true(slice_equal(slice_cut(&rest, ','), SLICE("a")));
    assert_true(slice_equal(slice_cut(&rest, ','), SLICE("")));
    assert_non_null(rest.data);
    assert_true(slice_equal(slice_cut(&rest, ','), SLICE("b")));
    assert_null(rest.data);
    rest = SLICE("a,");
    slice_cut(&rest, ',');
    assert_non_null(rest.data); // an empty part follows
    assert_int_equal(slice_cut(&rest, ',').size, 0);
    assert_null(rest.data);
    rest = SLICE_EMPTY;
    assert_int_equal(slice_cut(&rest, ',').size, 0);
    assert_null(rest.data);
}

static void test_numbers(void **state)
{
    (void)state;
    uint64_t value = 77;
    static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1a",
        "18446744073709551616", "99999999999999999999999999"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(slice_parse_u64(slice_from_string(bad[i]), UINT64_MAX, &value));
    assert_false(slice_parse_u64(SLICE("100"), 99, &value));
    assert_int_equal(value, 77); // untouched on failure
    assert_true(slice_parse_u64(SLICE("18446744073709551615"), UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
    assert_true(slice_parse_u64(SLICE("000099"), 99, &value));
    assert_int_equal(value, 99);
}

static void test_hexadecimal_bytes_have_one_text(void **state)
{
    (void)state;
    uint8_t bytes[2] = {7, 7};
    static const char digits[] = "00112233445566778899aAbBcCdDeEfF"; // each in either case
    static const char *const bad[] = {"", "0", "000", "00000", "00fg", "00F0", "0x00", "+000"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(slice_parse_hex(slice_from_string(bad[i]), bytes, sizeof(bytes)));
    assert_int_equal(bytes[0], 7); // untouched on failure
    assert_true(slice_parse_hex(SLICE("09af"), bytes, sizeof(bytes)));
    assert_int_equal(bytes[0] << 8 | bytes[1], 0x09af);
    for (int byte = 0; byte < 256; byte++) {
        const char *at = byte == 0 ? NULL : strchr(digits, byte);
        int value = at == NULL ? -1 : (int)(at - digits) / 2;
        assert_int_equal(slice_hex_value((char)byte), value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_case_folds_in_ascii_only),
        cmocka_unit_test(test_ends_and_contents),
        cmocka_unit_test(test_trimming_takes_spaces_and_tabs),
        cmocka_unit_test(test_cutting_visits_every_part),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_hexadecimal_bytes_have_one_text),
    };
    return cmocka_run_group_tests_name("base.slice", tests, NULL, NULL);
}
