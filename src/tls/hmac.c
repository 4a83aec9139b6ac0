// By OpenSSL.
#include "tls/hmac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

enum error hmac_sign(struct slice key, const struct slice *parts, size_t count,
    uint8_t ret_signature[HMAC_SIZE])
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = algorithm == NULL ? NULL : EVP_MAC_CTX_new(algorithm);
    size_t size = 0;
    bool is_good = mac != NULL
        && EVP_MAC_init(mac, (const unsigned char *)key.data, key.size, parameters) == 1;
    for (size_t i = 0; is_good && i < count; i++)
        is_good = parts[i].size == 0
            || EVP_MAC_update(mac, (const unsigned char *)parts[i].data, parts[i].size) == 1;
    is_good = is_good && EVP_MAC_final(mac, ret_signature, &size, HMAC_SIZE) == 1
        && size == HMAC_SIZE;
    EVP_MAC_CTX_free(mac);
    EVP_MAC_free(algorithm);
    return is_good ? ERROR_NONE : ERROR_SYSTEM;
}

bool hmac_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}
