// References: the input's first line is the base's path, the rest the reference. What comes out is
// a path without dot segments that resolves to itself.
#include "base/invariant.h"
#include "http/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct slice path)
{
    invariant(path.size > 0 && path.data[0] == '/');
    struct slice rest = path;
    while (rest.data != NULL) {
        struct slice segment = slice_cut(&rest, '/');
        invariant(!slice_equal(segment, SLICE(".")) && !slice_equal(segment, SLICE("..")));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice reference = slice_of((const char *)data, size);
    struct slice path = slice_cut(&reference, '\n'), query;
    struct http_request_head base = {.authority = SLICE("example.org")};
    if (reference.data == NULL || !http_path_parse(path, &base.path, &query) || path.size == 0
        || path.data[0] != '/')
        return 0;
    base.query = query;
    struct arena arena;
    struct http_target target, again;
    arena_init(&arena, 4096, 1 << 20);
    if (http_reference_resolve(reference, &base, &arena, &target) == ERROR_NONE
        && target.path.data != base.path.data) {
        check_path(target.path);
        invariant(http_reference_resolve(target.path, &base, &arena, &again) == ERROR_NONE);
        invariant(slice_equal(again.path, target.path)
            || (target.path.size > 1 && target.path.data[1] == '/')); // reads as an authority
    }
    if (http_reference_is_target(reference, &base))
        invariant(http_authority_is_same(base.authority, SLICE("EXAMPLE.org:443")));
    arena_free(&arena);
    return 0;
}
