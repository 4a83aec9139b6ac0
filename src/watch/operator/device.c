// Writing and checking.
#include "watch/operator/device.h"
#include "tls/hmac.h"

#include <openssl/rand.h>

#define NONCE_SIZE 16
#define SECRET_SIZE 32

// said: nonce and expiry. Names and hashes have no newline, so no two texts are the same.
static bool sign(const uint8_t *secret, const struct operator_person *person, struct slice said,
    uint8_t signature[HMAC_SIZE])
{
    const struct slice parts[] = {SLICE("afloat device 1\n"), said, SLICE("\n"), person->password,
        SLICE("\n"), person->name};
    return hmac_sign(slice_of((const char *)secret, SECRET_SIZE), parts, ARRAY_SIZE(parts),
               signature) == ERROR_NONE;
}

enum error device_write(const uint8_t secret[32], const struct operator_person *person,
    int64_t now_ms, struct text *ret_cookie)
{
    uint8_t nonce[NONCE_SIZE], signature[HMAC_SIZE];
    char buffer[DEVICE_COOKIE_MAX];
    struct text cookie = text_in(buffer, sizeof(buffer));
    if (RAND_bytes(nonce, sizeof(nonce)) != 1)
        return ERROR_SYSTEM;
    text_append_hex_bytes(&cookie, nonce, sizeof(nonce));
    text_append_byte(&cookie, '.');
    text_append_u64(&cookie, (uint64_t)(now_ms / 1000 + DEVICE_SECONDS));
    if (!sign(secret, person, text_slice(&cookie), signature))
        return ERROR_SYSTEM;
    text_append_byte(&cookie, '.');
    text_append_hex_bytes(&cookie, signature, sizeof(signature));
    text_append(ret_cookie, text_slice(&cookie));
    return cookie.full || ret_cookie->full ? ERROR_LIMIT : ERROR_NONE;
}

bool device_check(const uint8_t secret[32], const struct operator_person *person,
    struct slice cookie, int64_t now_ms, uint64_t *ret_key)
{
    uint8_t nonce[NONCE_SIZE], signature[HMAC_SIZE], expected[HMAC_SIZE];
    uint64_t expiry;
    struct slice rest = cookie, digits = slice_cut(&rest, '.'), until = slice_cut(&rest, '.');
    if (!slice_parse_hex(digits, nonce, sizeof(nonce))
        || !slice_parse_u64(until, INT64_MAX / 1000, &expiry)
        || !slice_parse_hex(rest, signature, sizeof(signature)))
        return false;
    struct slice said = slice_of(cookie.data, digits.size + 1 + until.size);
    if (!sign(secret, person, said, expected) || !hmac_equal(expected, signature, sizeof(expected))
        || (int64_t)expiry < now_ms / 1000)
        return false;
    memcpy(ret_key, signature, sizeof(*ret_key));
    return true;
}
