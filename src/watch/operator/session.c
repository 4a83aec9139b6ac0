// A table of a few logins; searching it takes no time beside what a page takes.
#include "watch/operator/session.h"
#include "tls/hmac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#define TOKEN_BYTES (SESSION_TOKEN_SIZE / 2)

void sessions_init(struct sessions *sessions, const uint8_t secret[32], uint64_t idle_ms)
{
    memset(sessions, 0, sizeof(*sessions));
    lock_init(&sessions->lock);
    memcpy(sessions->secret, secret, sizeof(sessions->secret));
    sessions->idle_ms = idle_ms;
}

void sessions_destroy(struct sessions *sessions)
{
    OPENSSL_cleanse(sessions->secret, sizeof(sessions->secret));
    lock_destroy(&sessions->lock);
}

static bool hash_token(struct slice token, uint8_t hash[32])
{
    return token.size == SESSION_TOKEN_SIZE
        && EVP_Digest(token.data, token.size, hash, NULL, EVP_sha256(), NULL) == 1;
}

// After a clock that was set back, nobody knows how long it was not used.
static bool is_over(const struct sessions *sessions, const struct session *session, int64_t now_ms)
{
    int64_t idle_ms = (int64_t)sessions->idle_ms, age_ms = now_ms - session->used_ms;
    return session->used_ms == 0 || age_ms > idle_ms || age_ms < -idle_ms;
}

enum error sessions_begin(struct sessions *sessions, uint32_t person, int64_t now_ms,
    struct text *ret_token)
{
    uint8_t bytes[TOKEN_BYTES];
    char digits[SESSION_TOKEN_SIZE];
    struct text token = text_in(digits, sizeof(digits));
    struct session session = {.used_ms = now_ms, .person = person};
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return ERROR_SYSTEM;
    text_append_hex_bytes(&token, bytes, sizeof(bytes));
    if (!hash_token(text_slice(&token), session.hash))
        return ERROR_SYSTEM;
    lock_acquire(&sessions->lock);
    struct session *place = &sessions->places[0];
    for (size_t i = 1; i < SESSIONS_MAX; i++) {
        if (sessions->places[i].used_ms < place->used_ms)
            place = &sessions->places[i];
    }
    *place = session;
    lock_release(&sessions->lock);
    text_append(ret_token, text_slice(&token));
    return ERROR_NONE;
}

// Compared in constant time, although nobody can choose the hash of what he sends.
static struct session *find(struct sessions *sessions, struct slice token)
{
    uint8_t hash[32];
    if (!hash_token(token, hash))
        return NULL;
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        if (sessions->places[i].used_ms != 0
            && CRYPTO_memcmp(sessions->places[i].hash, hash, sizeof(hash)) == 0)
            return &sessions->places[i];
    }
    return NULL;
}

bool sessions_find(struct sessions *sessions, struct slice token, int64_t now_ms,
    uint32_t *ret_person)
{
    lock_acquire(&sessions->lock);
    struct session *session = find(sessions, token);
    bool is_good = session != NULL && !is_over(sessions, session, now_ms);
    if (is_good) {
        session->used_ms = now_ms; // loops' clocks differ by milliseconds
        *ret_person = session->person;
    }
    lock_release(&sessions->lock);
    return is_good;
}

void sessions_end(struct sessions *sessions, struct slice token)
{
    lock_acquire(&sessions->lock);
    struct session *session = find(sessions, token);
    if (session != NULL)
        *session = (struct session){0};
    lock_release(&sessions->lock);
}

static bool prove(const struct sessions *sessions, struct slice token, uint8_t proof[HMAC_SIZE])
{
    return hmac_sign(slice_of((const char *)sessions->secret, sizeof(sessions->secret)), &token, 1,
               proof) == ERROR_NONE;
}

void sessions_write_proof(struct sessions *sessions, struct slice token, struct text *ret_proof)
{
    uint8_t proof[HMAC_SIZE];
    if (prove(sessions, token, proof))
        text_append_hex_bytes(ret_proof, proof, sizeof(proof));
}

bool sessions_check_proof(struct sessions *sessions, struct slice token, struct slice proof)
{
    uint8_t expected[HMAC_SIZE], said[HMAC_SIZE];
    return slice_parse_hex(proof, said, sizeof(said)) && prove(sessions, token, expected)
        && hmac_equal(expected, said, sizeof(expected));
}
