// Tickets: good once, within their time, for what they were signed for, by who has the key.
#include "doctor/ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW INT64_C(1800000000)

static const struct slice key = SLICE("0123456789abcdef0123456789abcdef");
static const struct ticket_subject subject = {SLICE("GET"), SLICE("/.afloat/look"),
    SLICE("https://www.example.org/")};
static struct ticket_memory memory;

static int begin(void **state)
{
    (void)state;
    ticket_memory_init(&memory);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ticket_memory_destroy(&memory);
    return 0;
}

static struct slice written(char *buffer, size_t size, int64_t expiry, unsigned number)
{
    uint8_t nonce[TICKET_NONCE_SIZE] = {(uint8_t)number, (uint8_t)(number >> 8)};
    struct text text = text_in(buffer, size);
    assert_int_equal(ticket_write(&text, key, &subject, expiry, nonce), ERROR_NONE);
    assert_false(text.full);
    return text_slice(&text);
}

static enum error check(struct slice value, int64_t now)
{
    return ticket_check(value, &key, 1, &subject, now, &memory);
}

// By Python's hmac: the text is the lengths and parts one after the other.
static void test_the_signature_is_what_others_compute(void **state)
{
    (void)state;
    char buffer[256];
    assert_true(slice_equal(written(buffer, sizeof(buffer), NOW, 1),
        SLICE("1800000000 01000000000000000000000000000000 "
              "6e7edd7f8077f4be08a83e23f4aece6bbe87764b69cd98fff2ed322f81d6ab7a")));
}

static void test_a_ticket_is_good_once(void **state)
{
    (void)state;
    char first[256], second[256];
    struct slice one = written(first, sizeof(first), NOW + 60, 1);
    struct slice two = written(second, sizeof(second), NOW + 60, 2);
    assert_int_equal(check(one, NOW), ERROR_NONE);
    assert_int_equal(check(one, NOW), ERROR_BUSY);
    assert_int_equal(check(one, NOW + 60), ERROR_BUSY);
    assert_int_equal(check(two, NOW + 60), ERROR_NONE);
    assert_int_equal(check(one, NOW + 61), ERROR_TIMEOUT);
}

static void test_a_ticket_has_its_time(void **state)
{
    (void)state;
    char buffer[256];
    assert_int_equal(check(written(buffer, sizeof(buffer), NOW - 1, 1), NOW), ERROR_TIMEOUT);
    assert_int_equal(check(written(buffer, sizeof(buffer), NOW, 1), NOW), ERROR_NONE);
    assert_int_equal(check(written(buffer, sizeof(buffer), NOW + 300, 1), NOW), ERROR_NONE);
    assert_int_equal(check(written(buffer, sizeof(buffer), NOW + 301, 1), NOW), ERROR_INVALID);
    assert_int_equal(check(written(buffer, sizeof(buffer), INT64_MAX, 1), NOW), ERROR_INVALID);
}

static void test_it_is_for_what_it_was_signed_for(void **state)
{
    (void)state;
    char buffer[256];
    struct slice value = written(buffer, sizeof(buffer), NOW, 1);
    const struct ticket_subject others[] = {
        {SLICE("POST"), subject.path, subject.url},
        {subject.method, SLICE("/.afloat/lock"), subject.url},
        {subject.method, subject.path, SLICE("https://www.example.com/")},
        {SLICE("GET/"), SLICE(".afloat/look"), subject.url}, // parts do not run into one another
        {subject.method, SLICE(""), SLICE("/.afloat/lookhttps://www.example.org/")},
    };
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_int_equal(ticket_check(value, &key, 1, &others[i], NOW, &memory), ERROR_DENIED);
    assert_int_equal(check(value, NOW), ERROR_NONE);
}

static void test_one_of_the_keys_has_to_fit(void **state)
{
    (void)state;
    char buffer[256];
    struct slice value = written(buffer, sizeof(buffer), NOW, 1);
    const struct slice keys[] = {SLICE("0123456789abcdef0123456789abcdee"), key};
    assert_int_equal(ticket_check(value, keys, 0, &subject, NOW, &memory), ERROR_DENIED);
    assert_int_equal(ticket_check(value, keys, 1, &subject, NOW, &memory), ERROR_DENIED);
    assert_int_equal(ticket_check(value, keys, 2, &subject, NOW, &memory), ERROR_NONE);
}

static void test_each_changed_byte_is_noticed(void **state)
{
    (void)state;
    char buffer[256];
    struct slice value = written(buffer, sizeof(buffer), NOW, 1);
    for (size_t i = 0; i < value.size; i++) {
        char good = buffer[i];
        buffer[i] = good == '1' ? '2' : '1';
        assert_int_not_equal(check(value, NOW), ERROR_NONE);
        buffer[i] = '\0';
        assert_int_not_equal(check(value, NOW), ERROR_NONE);
        buffer[i] = good;
        assert_int_not_equal(check(slice_of(buffer, i), NOW), ERROR_NONE);
    }
    assert_int_equal(check(value, NOW), ERROR_NONE);
}

static void test_the_memory_is_bounded_and_clears_itself(void **state)
{
    (void)state;
    char buffer[256];
    for (unsigned i = 0; i < TICKET_MEMORY; i++)
        assert_int_equal(check(written(buffer, sizeof(buffer), NOW + 10, i), NOW), ERROR_NONE);
    struct slice value = written(buffer, sizeof(buffer), NOW + 20, TICKET_MEMORY);
    assert_int_equal(check(value, NOW + 10), ERROR_LIMIT);
    assert_int_equal(check(value, NOW + 11), ERROR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_signature_is_what_others_compute, begin, end),
        cmocka_unit_test_setup_teardown(test_a_ticket_is_good_once, begin, end),
        cmocka_unit_test_setup_teardown(test_a_ticket_has_its_time, begin, end),
        cmocka_unit_test_setup_teardown(test_it_is_for_what_it_was_signed_for, begin, end),
        cmocka_unit_test_setup_teardown(test_one_of_the_keys_has_to_fit, begin, end),
        cmocka_unit_test_setup_teardown(test_each_changed_byte_is_noticed, begin, end),
        cmocka_unit_test_setup_teardown(test_the_memory_is_bounded_and_clears_itself, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
