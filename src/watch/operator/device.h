// A browser in which an operator has logged in before: a signed cookie says so, and what it then
// tries is counted apart, so that strangers who guess keep him from nothing (OWASP, "Slow Down
// Online Guessing Attacks with Device Cookies"). It is no login: a password is asked all the same.
//
//   NONCE.EXPIRY.SIGNATURE
//
// 32 hexadecimal digits, seconds since 1970, and 64 of HMAC-SHA256 over both, the person's name and
// the hash of his password: it is good for him alone, and for no other password. Pure.
#pragma once

#include "watch/operator/operator.h"

#define DEVICE_COOKIE "afloat-device="
#define DEVICE_COOKIE_MAX 128         // bytes
#define DEVICE_SECONDS (180 * 86400)  // so long it is good

// Appends a new one. SYSTEM: OpenSSL failed. LIMIT: the text is full.
enum error device_write(const uint8_t secret[32], const struct operator_person *person,
    int64_t now_ms, struct text *ret_cookie) MUST_CHECK;
// False: nobody here has signed it for this person, or it has expired. *ret_key: which one it is.
bool device_check(const uint8_t secret[32], const struct operator_person *person,
    struct slice cookie, int64_t now_ms, uint64_t *ret_key) MUST_CHECK;
