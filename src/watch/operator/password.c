// Passwords, as hashes that cost whoever steals them.
#include "watch/operator/operator.h"

#include <argon2.h>
#include <openssl/rand.h>

#define PASSES 3
#define MEMORY_KIB 65536
#define LANES 4
#define SALT_SIZE 16
#define HASH_SIZE 32
#define ENCODED_MAX 256

enum error operator_hash_password(struct slice password, struct text *ret_hash)
{
    uint8_t salt[SALT_SIZE];
    char encoded[ENCODED_MAX];
    if (password.size == 0 || password.size > OPERATOR_PASSWORD_MAX)
        return ERROR_INVALID;
    if (RAND_bytes(salt, sizeof(salt)) != 1)
        return ERROR_SYSTEM;
    int result = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password.data, password.size,
        salt, sizeof(salt), HASH_SIZE, encoded, sizeof(encoded));
    if (result != ARGON2_OK)
        return result == ARGON2_MEMORY_ALLOCATION_ERROR ? ERROR_MEMORY : ERROR_SYSTEM;
    text_append(ret_hash, slice_from_string(encoded));
    return ret_hash->full ? ERROR_LIMIT : ERROR_NONE;
}

bool operator_verify_password(struct slice password, const char *hash)
{
    return password.size <= OPERATOR_PASSWORD_MAX
        && argon2id_verify(hash, password.data, password.size) == ARGON2_OK;
}
