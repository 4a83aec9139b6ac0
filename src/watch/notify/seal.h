// Sealed words: what is said in links of mails (who confirms, who unsubscribes), readable and
// writable by nobody without the secret. Sealed, not only signed, for links end up in logs, and
// there no address belongs. Pure; the same words give the same seal.
//
//   base64url(NONCE CIPHERTEXT TAG), AES-256-GCM
//
// The nonce is HMAC-SHA256 of the words: two that are the same tell no more than that.
#pragma once

#include "base/error.h"
#include "base/text.h"

#define SEAL_KEY_SIZE 32
#define SEAL_WORDS_MAX 1500 // bytes
#define SEAL_TEXT_MAX ((SEAL_WORDS_MAX + 28 + 2) / 3 * 4 + 1)

struct seal {
    uint8_t key[SEAL_KEY_SIZE], nonce_key[SEAL_KEY_SIZE];
};

// Keys of their own from the secret, which others use too.
enum error seal_init(struct seal *seal, const uint8_t secret[32]) MUST_CHECK;
// LIMIT: the words are too long, or the text is full.
enum error seal_close(const struct seal *seal, struct slice words, struct text *text) MUST_CHECK;
// words: SEAL_WORDS_MAX bytes. INVALID: it is none of ours.
enum error seal_open(const struct seal *seal, struct slice sealed, char *words,
    size_t *ret_size) MUST_CHECK;
