// Cache keys: the input's first line is the authority, the second the path, the rest the query.
// What is normalised once stays as it is, and never holds what an authority may not.
#include "base/invariant.h"
#include "http/authority.h"
#include "http/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_key(struct slice scheme, struct slice authority, struct slice path,
    struct slice query)
{
    char first[4096], second[4096];
    struct text key = text_in(first, sizeof(first)), again = text_in(second, sizeof(second));
    struct http_authority parts;
    bool valid = http_authority_parse(authority, &parts);
    enum error error = http_key_write(&key, scheme, authority, path, query);
    invariant((error == ERROR_INVALID) == !valid);
    if (error != ERROR_NONE) {
        invariant(key.size == 0);
        return;
    }
    // Take the key apart where it says and write it again.
    struct slice rest = text_slice(&key);
    size_t prefix = scheme.size + 3;
    struct slice written = slice_of(rest.data + prefix, rest.size - prefix);
    size_t host = 0;
    while (host < written.size && written.data[host] != '/')
        host++;
    size_t after = query.data == NULL ? 0 : query.size + 1;
    struct slice target = slice_of(written.data + host, written.size - host - after);
    if (path.size > 0 && path.data[0] != '/')
        return; // "*", which belongs to no cache
    invariant(http_key_write(&again, scheme, slice_of(written.data, host), target, query)
        == ERROR_NONE);
    invariant(slice_equal(text_slice(&key), text_slice(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice rest = slice_of((const char *)data, size);
    struct slice authority = slice_cut(&rest, '\n');
    struct slice path = slice_cut(&rest, '\n');
    check_key(SLICE("http"), authority, path, rest);
    check_key(SLICE("https"), authority, path, SLICE_EMPTY);
    return 0;
}
