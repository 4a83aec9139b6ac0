// Signing, reading, and what was used.
#include "watch/report/token.h"
#include "base/hash.h"
#include "tls/hmac.h"

#define PLACES 64 // where one may be remembered: enough for all sets to fill evenly

static const char kinds[] = {[TOKEN_FAILURE] = 'f', [TOKEN_PAGE] = 'p'};

static bool is_text(struct slice text, const char *also)
{
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
            || (byte >= '0' && byte <= '9');
        if (!is_letter && (byte == '\0' || strchr(also, byte) == NULL))
            return false;
    }
    return text.size > 0;
}

static void add(struct text *text, struct slice part)
{
    text_append_u64(text, part.size);
    text_append_byte(text, ':');
    text_append(text, part);
}

static bool sign(const uint8_t *secret, const struct token *token,
    uint8_t signature[TOKEN_SIGNATURE_SIZE])
{
    char buffer[TOKEN_MAX + 64];
    uint8_t digest[HMAC_SIZE];
    struct text text = text_in(buffer, sizeof(buffer));
    add(&text, SLICE("afloat report 1"));
    add(&text, slice_of(&kinds[token->kind], 1));
    text_append_u64(&text, (uint64_t)token->issued_ms);
    text_append_byte(&text, ':');
    add(&text, token->request);
    add(&text, token->component);
    if (text.full || hmac_sign(slice_of((const char *)secret, TOKEN_SECRET_SIZE),
            &(struct slice){text.data, text.size}, 1, digest) != ERROR_NONE)
        return false;
    memcpy(signature, digest, TOKEN_SIGNATURE_SIZE);
    return true;
}

bool token_write(struct text *text, const uint8_t secret[TOKEN_SECRET_SIZE],
    const struct token *token)
{
    char buffer[TOKEN_MAX];
    uint8_t signature[TOKEN_SIGNATURE_SIZE];
    struct text out = text_in(buffer, sizeof(buffer));
    if (token->issued_ms < 0 || !is_text(token->request, "-_")
        || !is_text(token->component, ".-_:[]*") || !sign(secret, token, signature))
        return false;
    text_format(&out, "%c.", kinds[token->kind]);
    text_append_u64(&out, (uint64_t)token->issued_ms);
    text_format(&out, ".%.*s.", SLICE_ARGS(token->request));
    text_append_hex_bytes(&out, signature, sizeof(signature));
    text_append_byte(&out, '.');
    text_append(&out, token->component);
    if (out.full || out.size > text->capacity - text->size)
        return false;
    text_append(text, text_slice(&out));
    return true;
}

static bool read_parts(struct slice value, struct token *token)
{
    uint64_t issued_ms;
    struct slice kind = slice_cut(&value, '.'), issued = slice_cut(&value, '.');
    token->request = slice_cut(&value, '.');
    struct slice signature = slice_cut(&value, '.');
    token->component = value;
    if (kind.size != 1 || (kind.data[0] != 'f' && kind.data[0] != 'p')
        || !slice_parse_u64(issued, INT64_MAX, &issued_ms) || !is_text(token->request, "-_")
        || !slice_parse_hex(signature, token->signature, TOKEN_SIGNATURE_SIZE)
        || !is_text(token->component, ".-_:[]*"))
        return false;
    token->kind = kind.data[0] == 'f' ? TOKEN_FAILURE : TOKEN_PAGE;
    token->issued_ms = (int64_t)issued_ms;
    return true;
}

static int64_t lifetime_ms(const struct token *token)
{
    return token->kind == TOKEN_FAILURE ? TOKEN_FAILURE_MS : TOKEN_PAGE_MS;
}

enum error token_read(struct slice value, const uint8_t secret[TOKEN_SECRET_SIZE], int64_t now_ms,
    struct token *ret_token)
{
    struct token token;
    uint8_t expected[TOKEN_SIGNATURE_SIZE];
    if (value.size > TOKEN_MAX || !read_parts(value, &token))
        return ERROR_INVALID;
    if (!sign(secret, &token, expected)
        || !hmac_equal(expected, token.signature, TOKEN_SIGNATURE_SIZE))
        return ERROR_DENIED;
    int64_t early_ms = token.kind == TOKEN_PAGE ? TOKEN_PAGE_EARLY_MS : 0;
    if (now_ms - token.issued_ms > lifetime_ms(&token))
        return ERROR_TIMEOUT;
    if (now_ms - token.issued_ms < early_ms)
        return ERROR_BUSY;
    *ret_token = token;
    return ERROR_NONE;
}

enum error token_use(struct token_memory *memory, const struct token *token, uint64_t voter,
    int64_t now_ms)
{
    uint8_t bytes[24];
    struct token_used *place = NULL;
    memcpy(bytes, token->signature, 16);
    voter = token->kind == TOKEN_PAGE ? voter : 0; // a failure is good for one network alone
    memcpy(bytes + 16, &voter, 8);
    uint64_t hash = hash_bytes(slice_of((const char *)bytes, sizeof(bytes)), memory->seed);
    struct token_used *places = &memory->used[hash % (TOKENS_USED_MAX / PLACES) * PLACES];
    for (size_t i = 0; i < PLACES; i++) {
        if (places[i].until_ms < now_ms)
            place = &places[i];
        else if (places[i].hash == hash)
            return ERROR_BUSY;
    }
    if (place == NULL)
        return ERROR_LIMIT;
    *place = (struct token_used){hash, token->issued_ms + lifetime_ms(token)};
    return ERROR_NONE;
}
