// Signatures are those of RFC 4231, however the text is cut.
#include "tls/hmac.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect(struct slice key, const struct slice *parts, size_t count, const char *digits)
{
    uint8_t signature[HMAC_SIZE], expected[HMAC_SIZE];
    assert_int_equal(hmac_sign(key, parts, count, signature), ERROR_NONE);
    assert_true(slice_parse_hex(slice_from_string(digits), expected, sizeof(expected)));
    assert_memory_equal(signature, expected, sizeof(expected));
    assert_true(hmac_equal(signature, expected, sizeof(expected)));
    expected[HMAC_SIZE - 1] ^= 1;
    assert_false(hmac_equal(signature, expected, sizeof(expected)));
    assert_true(hmac_equal(signature, expected, HMAC_SIZE - 1));
}

static void test_they_are_what_others_compute(void **state)
{
    (void)state;
    const struct slice parts[] = {SLICE("what do ya want"), SLICE(""), SLICE_EMPTY,
        SLICE(" for nothing?")};
    char long_key[131];
    const char *digits = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    expect(SLICE("Jefe"), parts, ARRAY_SIZE(parts), digits);
    expect(SLICE("Jefe"), &SLICE("what do ya want for nothing?"), 1, digits);
    memset(long_key, 0xaa, sizeof(long_key));
    expect(slice_of(long_key, sizeof(long_key)),
        &SLICE("Test Using Larger Than Block-Size Key - Hash Key First"), 1,
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_they_are_what_others_compute)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
