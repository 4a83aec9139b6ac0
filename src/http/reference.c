// Resolving references against a request's target.
#include "http/reference.h"
#include "http/authority.h"

static bool has_prefix(struct slice text, struct slice prefix)
{
    return text.size >= prefix.size
        && slice_equal_nocase(slice_of(text.data, prefix.size), prefix);
}

static struct slice skip(struct slice text, size_t size)
{
    return slice_of(text.data + size, text.size - size);
}

// Cuts "scheme://authority" or "//authority" off. False: a scheme that is none of ours.
static bool take_authority(struct slice *rest, struct slice *ret_authority)
{
    size_t before = has_prefix(*rest, SLICE("https://")) ? 8
        : has_prefix(*rest, SLICE("http://")) ? 7 : has_prefix(*rest, SLICE("//")) ? 2 : 0;
    if (before == 0) {
        for (size_t i = 0; i < rest->size; i++) {
            if (rest->data[i] == '/' || rest->data[i] == '?')
                return true;
            if (rest->data[i] == ':')
                return false;
        }
        return true;
    }
    struct slice after = skip(*rest, before);
    size_t size = 0;
    while (size < after.size && after.data[size] != '/' && after.data[size] != '?')
        size++;
    *ret_authority = slice_of(after.data, size);
    *rest = size == after.size ? SLICE("/") : skip(after, size);
    return true;
}

// RFC 3986 section 5.2.4, in place; the path begins with '/'.
static struct slice remove_dot_segments(char *path, size_t size)
{
    size_t end = 0;
    for (size_t at = 0; at < size;) {
        size_t next = at + 1;
        while (next < size && path[next] != '/')
            next++;
        struct slice segment = slice_of(path + at, next - at);
        bool is_last = next == size;
        if (slice_equal(segment, SLICE("/.")) || slice_equal(segment, SLICE("/.."))) {
            if (segment.size == 3) {
                while (end > 0 && path[--end] != '/')
                    ;
            }
            if (is_last)
                path[end++] = '/';
        } else {
            memmove(path + end, segment.data, segment.size);
            end += segment.size;
        }
        at = next;
    }
    if (end == 0)
        path[end++] = '/';
    return slice_of(path, end);
}

enum error http_reference_resolve(struct slice reference, const struct http_request_head *base,
    struct arena *arena, struct http_target *ret_target)
{
    struct http_target target = {.authority = base->authority};
    struct slice rest = reference, path;
    rest = slice_cut(&rest, '#');
    if (!take_authority(&rest, &target.authority))
        return ERROR_INVALID;
    struct slice query = rest;
    struct slice given = slice_cut(&query, '?');
    target.query = query;
    if (given.size == 0 && rest.data == reference.data) { // "" or "?query"
        if (query.data == NULL)
            target.query = base->query;
        target.path = base->path;
    } else {
        size_t kept = 0;
        if (given.size == 0 || given.data[0] != '/') {
            for (size_t i = 0; i < base->path.size; i++)
                kept = base->path.data[i] == '/' ? i + 1 : kept;
            if (given.size == 0)
                kept = 0;
        }
        char *buffer = arena_alloc(arena, kept + given.size + 1);
        if (buffer == NULL)
            return ERROR_MEMORY;
        if (kept > 0)
            memcpy(buffer, base->path.data, kept);
        if (given.size > 0)
            memcpy(buffer + kept, given.data, given.size);
        size_t size = kept + given.size;
        if (size == 0)
            buffer[size++] = '/';
        if (buffer[0] != '/')
            return ERROR_INVALID;
        target.path = remove_dot_segments(buffer, size);
    }
    struct slice ignored_path, ignored_query;
    path = target.path;
    if (!http_path_parse(path, &ignored_path, &ignored_query))
        return ERROR_INVALID;
    *ret_target = target;
    return ERROR_NONE;
}

bool http_authority_is_same(struct slice a, struct slice b)
{
    struct http_authority left, right;
    if (!http_authority_parse(a, &left) || !http_authority_parse(b, &right)
        || !slice_equal_nocase(left.host, right.host))
        return false;
    bool usual = (left.port == 0 || left.port == 80 || left.port == 443)
        && (right.port == 0 || right.port == 80 || right.port == 443);
    return left.port == right.port || usual;
}

bool http_reference_is_target(struct slice reference, const struct http_request_head *request)
{
    struct slice rest = reference, authority = request->authority;
    if (slice_contains(reference, '#') || !take_authority(&rest, &authority)
        || !http_authority_is_same(authority, request->authority))
        return false;
    struct slice query = rest;
    struct slice path = slice_cut(&query, '?');
    return slice_equal(path, request->path) && slice_equal(query, request->query)
        && (query.data == NULL) == (request->query.data == NULL);
}
