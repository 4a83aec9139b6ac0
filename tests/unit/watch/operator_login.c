// Logins: a password's hash is argon2id and fits that password alone; a login is found by its token
// until it was not used for too long; a proof is of one login; a browser that
// is known is one person's.
#include "watch/operator/device.h"
#include "watch/operator/operator.h"
#include "watch/operator/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define IDLE_MS 60000
#define NOW INT64_C(1764000000000)
#define DAY INT64_C(86400000)

static const uint8_t secret[32] = {1, 2, 3};

static void a_hash_fits_its_password_alone(void **state)
{
    (void)state;
    char first[256] = "", second[256] = "";
    struct text text = text_in(first, sizeof(first) - 1);
    assert_int_equal(operator_hash_password(SLICE("correct horse"), &text), ERROR_NONE);
    assert_true(slice_starts_with(text_slice(&text), SLICE("$argon2id$v=19$m=65536,t=3,p=4$")));
    assert_true(operator_verify_password(SLICE("correct horse"), first));
    assert_false(operator_verify_password(SLICE("correct horsE"), first));
    assert_false(operator_verify_password(SLICE(""), first));
    assert_false(operator_verify_password(SLICE("correct horse"), "$argon2id$v=19$broken"));
    text = text_in(second, sizeof(second) - 1);
    assert_int_equal(operator_hash_password(SLICE("correct horse"), &text), ERROR_NONE);
    assert_string_not_equal(first, second); // salted
}

static void refuses_passwords_without_end(void **state)
{
    (void)state;
    char hash[256];
    struct text text = text_in(hash, sizeof(hash));
    static char longest[OPERATOR_PASSWORD_MAX + 1];
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(operator_hash_password(SLICE(""), &text), ERROR_INVALID);
    assert_int_equal(operator_hash_password(slice_of(longest, sizeof(longest)), &text),
        ERROR_INVALID);
    text = text_in(hash, 20);
    assert_int_equal(operator_hash_password(SLICE("a"), &text), ERROR_LIMIT);
}

static struct slice begin(struct sessions *sessions, uint32_t person, int64_t now_ms, char *buffer)
{
    struct text token = text_in(buffer, SESSION_TOKEN_SIZE);
    assert_int_equal(sessions_begin(sessions, person, now_ms, &token), ERROR_NONE);
    assert_int_equal(token.size, SESSION_TOKEN_SIZE);
    return text_slice(&token);
}

static struct sessions *sessions;

static int set_up(void **state)
{
    (void)state;
    sessions = malloc(sizeof(*sessions));
    sessions_init(sessions, secret, IDLE_MS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sessions_destroy(sessions);
    free(sessions);
    return 0;
}

static void lasts_while_it_is_used(void **state)
{
    (void)state;
    char one[SESSION_TOKEN_SIZE], two[SESSION_TOKEN_SIZE];
    struct slice first = begin(sessions, 7, NOW, one), second = begin(sessions, 8, NOW, two);
    uint32_t person = 0;
    assert_true(sessions_find(sessions, first, NOW + IDLE_MS, &person));
    assert_int_equal(person, 7);
    assert_true(sessions_find(sessions, first, NOW + 2 * IDLE_MS, &person));
    assert_false(sessions_find(sessions, second, NOW + 2 * IDLE_MS, &person));
    assert_false(sessions_find(sessions, first, NOW + 3 * IDLE_MS + 1, &person));
}

static void a_clock_that_is_set_back_makes_none_last_longer(void **state)
{
    (void)state;
    char one[SESSION_TOKEN_SIZE], two[SESSION_TOKEN_SIZE];
    struct slice used = begin(sessions, 7, NOW, one), left = begin(sessions, 8, NOW, two);
    uint32_t person = 0;
    assert_true(sessions_find(sessions, used, NOW - IDLE_MS, &person)); // by a little
    assert_false(sessions_find(sessions, used, NOW + 1, &person)); // not used since
    assert_false(sessions_find(sessions, left, NOW - DAY, &person)); // nobody knows
}

static void ends_when_told(void **state)
{
    (void)state;
    char buffer[SESSION_TOKEN_SIZE];
    struct slice token = begin(sessions, 1, NOW, buffer);
    uint32_t person;
    sessions_end(sessions, SLICE("not one"));
    assert_true(sessions_find(sessions, token, NOW, &person));
    sessions_end(sessions, token);
    assert_false(sessions_find(sessions, token, NOW, &person));
}

static void finds_nobody_by_what_is_no_token(void **state)
{
    (void)state;
    char buffer[SESSION_TOKEN_SIZE];
    struct slice token = begin(sessions, 1, NOW, buffer);
    uint32_t person;
    buffer[0] = buffer[0] == '0' ? '1' : '0';
    assert_false(sessions_find(sessions, token, NOW, &person));
    assert_false(sessions_find(sessions, SLICE_EMPTY, NOW, &person));
    assert_false(sessions_find(sessions, slice_of(buffer, SESSION_TOKEN_SIZE - 1), NOW, &person));
}

// The one that was not used for the longest makes room.
static void are_bounded(void **state)
{
    (void)state;
    char first[SESSION_TOKEN_SIZE], second[SESSION_TOKEN_SIZE], other[SESSION_TOKEN_SIZE];
    struct slice a = begin(sessions, 1, NOW, first), b = begin(sessions, 2, NOW + 1, second);
    uint32_t person;
    assert_true(sessions_find(sessions, a, NOW + 2, &person));
    for (unsigned i = 0; i < SESSIONS_MAX - 1; i++)
        begin(sessions, 3, NOW + 3, other);
    assert_true(sessions_find(sessions, a, NOW + 4, &person));
    assert_false(sessions_find(sessions, b, NOW + 4, &person));
}

static void a_proof_is_of_one_login(void **state)
{
    (void)state;
    char one[SESSION_TOKEN_SIZE], two[SESSION_TOKEN_SIZE], buffer[64];
    struct slice first = begin(sessions, 1, NOW, one), second = begin(sessions, 1, NOW, two);
    struct text proof = text_in(buffer, sizeof(buffer));
    sessions_write_proof(sessions, first, &proof);
    assert_int_equal(proof.size, sizeof(buffer));
    assert_true(sessions_check_proof(sessions, first, text_slice(&proof)));
    assert_false(sessions_check_proof(sessions, second, text_slice(&proof)));
    assert_false(sessions_check_proof(sessions, first, SLICE("")));
    buffer[5] ^= 1;
    assert_false(sessions_check_proof(sessions, first, text_slice(&proof)));
}

// --- Browsers that are known ---

static const struct operator_person anna = {.name = SLICE("anna"),
    .password = SLICE("$argon2id$a")};

static void a_device_is_of_one_person(void **state)
{
    (void)state;
    char buffer[DEVICE_COOKIE_MAX];
    struct text cookie = text_in(buffer, sizeof(buffer));
    struct operator_person other = anna;
    static const uint8_t other_secret[32] = {8};
    uint64_t key = 0, other_key;
    assert_int_equal(device_write(secret, &anna, DAY, &cookie), ERROR_NONE);
    assert_true(device_check(secret, &anna, text_slice(&cookie), DAY, &key));
    assert_true(device_check(secret, &anna, text_slice(&cookie), 181 * DAY, &other_key));
    assert_true(key == other_key && key != 0);
    assert_false(device_check(secret, &anna, text_slice(&cookie), 181 * DAY + 1000, &key));
    assert_false(device_check(other_secret, &anna, text_slice(&cookie), DAY, &key));
    other.name = SLICE("ben");
    assert_false(device_check(secret, &other, text_slice(&cookie), DAY, &key));
    other = anna;
    other.password = SLICE("$argon2id$b"); // he has changed it
    assert_false(device_check(secret, &other, text_slice(&cookie), DAY, &key));
}

static void a_device_cannot_be_made_up(void **state)
{
    (void)state;
    char buffer[DEVICE_COOKIE_MAX], small[DEVICE_COOKIE_MAX];
    struct text cookie = text_in(buffer, sizeof(buffer));
    uint64_t key;
    assert_int_equal(device_write(secret, &anna, DAY, &cookie), ERROR_NONE);
    for (size_t i = 0; i < cookie.size; i++) {
        buffer[i] ^= 1;
        assert_false(device_check(secret, &anna, text_slice(&cookie), DAY, &key));
        buffer[i] ^= 1;
        assert_false(device_check(secret, &anna, slice_of(buffer, i), DAY, &key));
    }
    assert_false(device_check(secret, &anna, SLICE_EMPTY, DAY, &key));
    assert_false(device_check(secret, &anna, SLICE("..."), DAY, &key));
    struct text room = text_in(small, cookie.size - 1);
    assert_int_equal(device_write(secret, &anna, DAY, &room), ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_fits_its_password_alone),
        cmocka_unit_test(refuses_passwords_without_end),
        cmocka_unit_test_setup_teardown(lasts_while_it_is_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_clock_that_is_set_back_makes_none_last_longer, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(ends_when_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finds_nobody_by_what_is_no_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_proof_is_of_one_login, set_up, tear_down),
        cmocka_unit_test(a_device_is_of_one_person),
        cmocka_unit_test(a_device_cannot_be_made_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
