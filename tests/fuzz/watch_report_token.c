// What a stranger sends as a form's token: what nobody signed never counts, whatever it says; what
// was signed is read back as it was, and a byte of it changed is not.
#include "base/invariant.h"
#include "watch/report/token.h"

#define NOW INT64_C(1764500000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t secret[TOKEN_SECRET_SIZE] = {1, 2, 3};

static void check_signed(const struct token *made, size_t changed, uint8_t by)
{
    char buffer[TOKEN_MAX];
    struct token token;
    struct text text = text_in(buffer, sizeof(buffer));
    if (!token_write(&text, secret, made)) {
        invariant(text.size == 0);
        return;
    }
    int64_t at_ms = made->issued_ms + TOKEN_PAGE_EARLY_MS;
    invariant(token_read(text_slice(&text), secret, at_ms, &token) == ERROR_NONE);
    invariant(token.kind == made->kind && token.issued_ms == made->issued_ms);
    invariant(slice_equal(token.request, made->request));
    invariant(slice_equal(token.component, made->component));
    invariant(token_read(text_slice(&text), secret, at_ms + TOKEN_PAGE_MS, &token)
        == ERROR_TIMEOUT);
    buffer[changed % text.size] ^= (char)(by == 0 ? 1 : by);
    enum error error = token_read(text_slice(&text), secret, at_ms, &token);
    invariant(error == ERROR_INVALID || error == ERROR_DENIED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct token token;
    struct slice rest = slice_of((const char *)data, size);
    enum error error = token_read(rest, secret, NOW, &token);
    invariant(error == ERROR_INVALID || error == ERROR_DENIED);
    struct slice request = slice_cut(&rest, '\n'), number = slice_cut(&rest, '\n');
    uint64_t seconds;
    if (!slice_parse_u64(number, INT32_MAX, &seconds))
        seconds = size;
    const struct token made = {.kind = size % 2 == 0 ? TOKEN_FAILURE : TOKEN_PAGE,
        .issued_ms = NOW + (int64_t)seconds, .request = request, .component = rest};
    check_signed(&made, (size_t)seconds, size == 0 ? 0 : data[size - 1]);
    return 0;
}
