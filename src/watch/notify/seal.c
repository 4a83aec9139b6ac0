// By OpenSSL; base64url by hand (RFC 4648 section 5), without padding.
#include "watch/notify/seal.h"
#include "tls/hmac.h"

#include <openssl/evp.h>

#define NONCE_SIZE 12
#define TAG_SIZE 16
#define SEALED_MAX (NONCE_SIZE + SEAL_WORDS_MAX + TAG_SIZE)

enum error seal_init(struct seal *seal, const uint8_t secret[32])
{
    const struct slice key = slice_of((const char *)secret, 32);
    const struct slice names[] = {SLICE("afloat links 1"), SLICE("afloat link nonces 1")};
    enum error error = hmac_sign(key, &names[0], 1, seal->key);
    return error == ERROR_NONE ? hmac_sign(key, &names[1], 1, seal->nonce_key) : error;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void append_base64url(struct text *text, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= i + 2 < size ? bytes[i + 2] : 0;
        for (unsigned j = 0; j < MINIMUM(size - i, 3) + 1; j++)
            text_append_byte(text, alphabet[group >> (18 - 6 * j) & 63]);
    }
}

// False: it is none, or more than most bytes.
static bool read_base64url(struct slice text, uint8_t *bytes, size_t most, size_t *ret_size)
{
    uint32_t group = 0;
    size_t size = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < text.size; i++) {
        const char *at = text.data[i] == '\0' ? NULL : strchr(alphabet, text.data[i]);
        if (at == NULL)
            return false;
        group = group << 6 | (uint32_t)(at - alphabet);
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        if (size == most)
            return false;
        bytes[size++] = (uint8_t)(group >> bits);
        group &= (1U << bits) - 1;
    }
    *ret_size = size;
    return bits < 6 && group == 0; // nothing is left over, so that each has one text
}

static bool encrypt(const struct seal *seal, struct slice words, uint8_t *sealed)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int size = 0, end = 0;
    bool is_good = cipher != NULL
        && EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, seal->key, sealed) == 1
        && EVP_EncryptUpdate(cipher, sealed + NONCE_SIZE, &size,
            (const unsigned char *)words.data, (int)words.size) == 1
        && EVP_EncryptFinal_ex(cipher, sealed + NONCE_SIZE + size, &end) == 1
        && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_SIZE,
            sealed + NONCE_SIZE + words.size) == 1;
    EVP_CIPHER_CTX_free(cipher);
    return is_good;
}

enum error seal_close(const struct seal *seal, struct slice words, struct text *text)
{
    uint8_t sealed[SEALED_MAX], nonce[HMAC_SIZE];
    if (words.size > SEAL_WORDS_MAX)
        return ERROR_LIMIT;
    enum error error = hmac_sign(slice_of((const char *)seal->nonce_key, SEAL_KEY_SIZE), &words, 1,
        nonce);
    memcpy(sealed, nonce, NONCE_SIZE);
    if (error != ERROR_NONE || !encrypt(seal, words, sealed))
        return ERROR_SYSTEM;
    append_base64url(text, sealed, NONCE_SIZE + words.size + TAG_SIZE);
    return text->full ? ERROR_LIMIT : ERROR_NONE;
}

static bool decrypt(const struct seal *seal, uint8_t *sealed, size_t size, char *words)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int got = 0, end = 0;
    bool is_good = cipher != NULL
        && EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, seal->key, sealed) == 1
        && EVP_DecryptUpdate(cipher, (unsigned char *)words, &got, sealed + NONCE_SIZE,
            (int)size) == 1
        && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_SIZE,
            sealed + NONCE_SIZE + size) == 1
        && EVP_DecryptFinal_ex(cipher, (unsigned char *)words + got, &end) == 1;
    EVP_CIPHER_CTX_free(cipher);
    return is_good;
}

enum error seal_open(const struct seal *seal, struct slice sealed, char *words, size_t *ret_size)
{
    uint8_t bytes[SEALED_MAX];
    size_t size;
    if (!read_base64url(sealed, bytes, sizeof(bytes), &size) || size < NONCE_SIZE + TAG_SIZE
        || !decrypt(seal, bytes, size - NONCE_SIZE - TAG_SIZE, words))
        return ERROR_INVALID;
    *ret_size = size - NONCE_SIZE - TAG_SIZE;
    return ERROR_NONE;
}
