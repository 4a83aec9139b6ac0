// HMAC-SHA256 (RFC 2104, FIPS 180-4): what this process, or another with the same key, has said.
// Pure; any thread.
#pragma once

#include "base/error.h"
#include "base/slice.h"

#define HMAC_SIZE 32 // bytes

// Of all parts, one behind the other: whoever signs more than one text by the same key says where
// each ends. SYSTEM: OpenSSL failed.
enum error hmac_sign(struct slice key, const struct slice *parts, size_t count,
    uint8_t ret_signature[HMAC_SIZE]) MUST_CHECK;
// Takes as long wherever they differ. size: of both; a signature may be cut.
bool hmac_equal(const uint8_t *a, const uint8_t *b, size_t size) MUST_CHECK;
