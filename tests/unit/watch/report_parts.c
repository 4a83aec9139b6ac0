// What reports are made of: tokens as bytes, those that were used, and votes.
#include "base/memory.h"
#include "watch/component.h"
#include "watch/report/token.h"
#include "watch/report/votes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define START INT64_C(1763596800000) // 2025-11-20T00:00:00Z
#define MINUTE INT64_C(60000)

static const uint8_t secret[TOKEN_SECRET_SIZE] = {7};

static void test_texts_that_cannot_stand_in_a_token(void **state)
{
    (void)state;
    char buffer[TOKEN_MAX * 2], longest[TOKEN_MAX];
    struct token token = {.issued_ms = START, .request = SLICE("1"), .component = SLICE("a<b")};
    struct text text = text_in(buffer, sizeof(buffer));
    memset(longest, 'a', sizeof(longest));
    assert_false(token_write(&text, secret, &token));
    token.component = slice_of(longest, sizeof(longest));
    assert_false(token_write(&text, secret, &token));
    token.component = slice_of(longest, COMPONENT_ID_MAX);
    assert_true(token_write(&text, secret, &token));
    token.request = SLICE("1.2");
    assert_false(token_write(&text, secret, &token));
    token.request = SLICE("");
    assert_false(token_write(&text, secret, &token));
    token.request = SLICE("1");
    text = text_in(buffer, 20);
    assert_false(token_write(&text, secret, &token));
    assert_int_equal(text.size, 0);
}

// By Python's hmac, over "15:afloat report 1" and the parts.
static void test_the_signature_is_what_others_compute(void **state)
{
    (void)state;
    char buffer[TOKEN_MAX];
    static const uint8_t key[TOKEN_SECRET_SIZE] = {1, 2, 3};
    struct text text = text_in(buffer, sizeof(buffer));
    const struct token token = {.issued_ms = 1763596800000, .request = SLICE("00000000000000ab"),
        .component = SLICE("shop.example.org")};
    assert_true(token_write(&text, key, &token));
    assert_true(slice_equal(text_slice(&text), SLICE("f.1763596800000.00000000000000ab."
        "d1a8e097e324082591d56b447170d50a.shop.example.org")));
}

static void test_all_votes_have_a_bounded_room(void **state)
{
    (void)state;
    struct votes *votes;
    struct address address = {.v4 = {.sin_family = AF_INET}};
    assert_int_equal(votes_create(16, 1800000, &votes), ERROR_NONE);
    for (uint32_t i = 0; i < VOTES_MAX + 16; i++) {
        address.v4.sin_addr.s_addr = htonl(i << 8);
        assert_true(votes_add(votes, i % 16, &address, START / MINUTE, START));
    }
    assert_int_equal(votes_count(votes), VOTES_MAX);
    address.v4.sin_addr.s_addr = htonl(16 << 8);
    assert_false(votes_add(votes, 0, &address, START / MINUTE, START));
    address.v4.sin_addr.s_addr = htonl(0);
    assert_true(votes_add(votes, 0, &address, START / MINUTE, START));
    assert_false(votes_add(votes, 16, &address, START / MINUTE, START)); // there is no such
    votes_destroy(votes);
}

static void test_used_tokens_have_a_bounded_room_and_are_never_forgotten(void **state)
{
    (void)state;
    size_t counted = 0;
    struct token token = {.issued_ms = START};
    struct token_memory *memory = memory_zero_alloc(sizeof(*memory));
    assert_non_null(memory);
    for (uint32_t i = 0; i < 2 * TOKENS_USED_MAX; i++) {
        memcpy(token.signature, &i, sizeof(i));
        enum error error = token_use(memory, &token, i, START);
        counted += error == ERROR_NONE;
        assert_true(error == ERROR_NONE || error == ERROR_LIMIT);
    }
    assert_in_range(counted, TOKENS_USED_MAX / 2, TOKENS_USED_MAX);
    size_t fresh = 0;
    for (uint32_t i = 0; i < 2 * TOKENS_USED_MAX; i++) {
        memcpy(token.signature, &i, sizeof(i));
        enum error error = token_use(memory, &token, i + 1, START + TOKEN_FAILURE_MS);
        fresh += error == ERROR_NONE;
        assert_true(error == ERROR_BUSY || error == ERROR_LIMIT);
    }
    assert_int_equal(fresh, 0);
    token.issued_ms += TOKEN_FAILURE_MS + 1;
    assert_int_equal(token_use(memory, &token, 0, token.issued_ms), ERROR_NONE);
    memory_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_that_cannot_stand_in_a_token),
        cmocka_unit_test(test_the_signature_is_what_others_compute),
        cmocka_unit_test(test_all_votes_have_a_bounded_room),
        cmocka_unit_test(test_used_tokens_have_a_bounded_room_and_are_never_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
