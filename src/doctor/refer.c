// References made absolute, as browsers read them.
#include "doctor/refer.h"
#include "http/characters.h"
#include "http/reference.h"

#define REFERENCE_SIZE_MAX ((size_t)8 << 10)
#define WHY_SIZE 400

// "https://host", "//host": how long that is.
static size_t authority_end(struct slice reference)
{
    static const struct slice prefixes[] = {SLICE("https://"), SLICE("http://"), SLICE("//")};
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        size_t at = prefixes[i].size;
        if (reference.size < at || !slice_equal_nocase(slice_of(reference.data, at), prefixes[i]))
            continue;
        while (at < reference.size && strchr("/?#", reference.data[at]) == NULL)
            at++;
        return at;
    }
    return 0;
}

// What browsers take in a reference and the grammar does not have is written as %XX; not in the
// authority, where names of all scripts may stand.
static struct slice encode(struct slice reference, struct arena *arena)
{
    size_t capacity = 3 * reference.size + 1, begin = authority_end(reference);
    char *memory = reference.size > REFERENCE_SIZE_MAX ? NULL : arena_alloc(arena, capacity);
    if (memory == NULL)
        return SLICE_EMPTY;
    struct text text = text_in(memory, capacity);
    text_append(&text, slice_of(reference.data, begin));
    for (size_t i = begin; i < reference.size; i++) {
        char byte = reference.data[i];
        if (http_character_is(byte, HTTP_CHARACTER_QUERY) || byte == '#')
            text_append_byte(&text, byte);
        else
            text_format(&text, "%%%02X", (unsigned char)byte);
    }
    return text_slice(&text);
}

// The target's parts as a request's, for references to be resolved against.
static struct http_request_head base_of(const struct target *target)
{
    struct http_request_head base = {.query = target->path};
    size_t before = target->is_secure ? 8 : 7;
    base.authority = slice_of(target->url.data + before,
        target->url.size - before - target->path.size);
    base.path = slice_cut(&base.query, '?');
    return base;
}

bool target_refer(const struct target *base, struct slice reference, struct arena *arena,
    struct target *ret_target)
{
    char buffer[WHY_SIZE];
    struct text why = text_in(buffer, sizeof(buffer));
    struct http_target parts;
    struct http_request_head head = base_of(base);
    struct slice encoded = encode(reference, arena);
    bool is_secure = base->is_secure;
    if (encoded.data == NULL
        || http_reference_resolve(encoded, &head, arena, &parts) != ERROR_NONE)
        return false;
    if (encoded.size > 6 && slice_equal_nocase(slice_of(encoded.data, 6), SLICE("https:")))
        is_secure = true;
    else if (encoded.size > 5 && slice_equal_nocase(slice_of(encoded.data, 5), SLICE("http:")))
        is_secure = false;
    bool has_query = parts.query.data != NULL;
    struct slice url = arena_printf(arena, "%s://%.*s%.*s%s%.*s", is_secure ? "https" : "http",
        SLICE_ARGS(parts.authority), SLICE_ARGS(parts.path), has_query ? "?" : "",
        (int)parts.query.size, has_query ? parts.query.data : "");
    return url.data != NULL && target_parse(url, arena, &why, ret_target) == ERROR_NONE;
}
