// What the forms for reports carry, signed (HMAC-SHA256, RFC 2104, cut to 128 bits), so that a vote
// needs a page of ours that was really sent:
//
//   KIND.ISSUED.REQUEST.SIGNATURE.COMPONENT
//
// KIND f: this request failed here (the honest page); good for half an hour, once. KIND p: the
// status page was read; good from 3 s to an hour after, once for each network. ISSUED in ms since
// 1970; the signature over all parts with their lengths.
#pragma once

#include "base/error.h"
#include "base/text.h"

#define TOKEN_MAX 384             // bytes of one, with a component of any length
#define TOKEN_SECRET_SIZE 32
#define TOKEN_SIGNATURE_SIZE 16
#define TOKEN_FAILURE_MS 1800000
#define TOKEN_PAGE_EARLY_MS 3000
#define TOKEN_PAGE_MS 3600000
#define TOKENS_USED_MAX 32768     // remembered at once

enum token_kind { TOKEN_FAILURE, TOKEN_PAGE };

struct token {
    enum token_kind kind;
    int64_t issued_ms;
    struct slice request, component; // letters, digits and . - _ : [ ] *; request has no '.'
    uint8_t signature[TOKEN_SIGNATURE_SIZE]; // of token_read
};

// False, and nothing is appended: a part cannot stand in one, or OpenSSL failed.
bool token_write(struct text *text, const uint8_t secret[TOKEN_SECRET_SIZE],
    const struct token *token);
// INVALID: it is none. DENIED: nobody here has signed it. TIMEOUT: it is too old. BUSY: too early.
// Its texts are the value's.
enum error token_read(struct slice value, const uint8_t secret[TOKEN_SECRET_SIZE], int64_t now_ms,
    struct token *ret_token) MUST_CHECK;

// Tokens that were used, until they are too old anyway. Only what is signed gets here. Not
// thread-safe.
struct token_memory {
    struct token_used {
        uint64_t hash;     // of signature and network
        int64_t until_ms;  // in the past: the place is free
    } used[TOKENS_USED_MAX];
    uint64_t seed;
};

// voter: a hash of the network. BUSY: it was used. LIMIT: there is no room to remember it.
enum error token_use(struct token_memory *memory, const struct token *token, uint64_t voter,
    int64_t now_ms) MUST_CHECK;
