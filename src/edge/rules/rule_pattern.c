// Wildcards, and the normal form of paths.
#include "edge/rules/rule_pattern.h"
#include "http/characters.h"

// --- Patterns ---

struct rule_pattern rule_pattern_compile(struct slice text)
{
    struct slice inner = text;
    if (slice_equal(text, SLICE("*")) || slice_equal(text, SLICE("/*")))
        return (struct rule_pattern){text.size == 1 ? RULE_PATTERN_ALL : RULE_PATTERN_PREFIX,
            slice_of(text.data, text.size - 1)};
    bool leads = text.size > 0 && text.data[0] == '*', ends = slice_ends_with(text, SLICE("*"));
    if (leads)
        inner = slice_of(inner.data + 1, inner.size - 1);
    if (ends && inner.size > 0)
        inner.size--;
    if (slice_contains(inner, '*') || slice_contains(inner, '?') || (leads && ends))
        return (struct rule_pattern){RULE_PATTERN_GLOB, text};
    return (struct rule_pattern){
        leads ? RULE_PATTERN_SUFFIX : ends ? RULE_PATTERN_PREFIX : RULE_PATTERN_EXACT, inner};
}

// Only the last star is ever gone back to, which is enough: time is the product of both sizes.
static bool glob_matches(struct slice glob, struct slice subject)
{
    size_t at = 0, in = 0, star = SIZE_MAX, star_in = 0;
    while (in < subject.size) {
        if (at < glob.size && glob.data[at] == '*') {
            star = at++;
            star_in = in;
        } else if (at < glob.size && (glob.data[at] == '?' || glob.data[at] == subject.data[in])) {
            at++;
            in++;
        } else if (star != SIZE_MAX) {
            at = star + 1;
            in = ++star_in;
        } else {
            return false;
        }
    }
    while (at < glob.size && glob.data[at] == '*')
        at++;
    return at == glob.size;
}

bool rule_pattern_matches(const struct rule_pattern *pattern, struct slice subject)
{
    switch (pattern->kind) {
    case RULE_PATTERN_ALL: return true;
    case RULE_PATTERN_EXACT: return slice_equal(pattern->text, subject);
    case RULE_PATTERN_PREFIX: return slice_starts_with(subject, pattern->text);
    case RULE_PATTERN_SUFFIX: return slice_ends_with(subject, pattern->text);
    case RULE_PATTERN_GLOB: return glob_matches(pattern->text, subject);
    }
    return false;
}

// --- Paths ---

static bool is_plain(struct slice path)
{
    for (size_t i = 0; i < path.size; i++) {
        char byte = path.data[i];
        if (byte == '%' || (i > 0 && path.data[i - 1] == '/' && (byte == '/' || byte == '.')))
            return false;
    }
    return true;
}

static struct slice decode(struct slice path, char *buffer)
{
    size_t size = 0;
    for (size_t i = 0; i < path.size; i++) {
        bool escape = path.data[i] == '%' && path.size - i > 2
            && http_characters_all(slice_of(path.data + i + 1, 2), HTTP_CHARACTER_HEX);
        unsigned high = escape ? (unsigned)slice_hex_value(path.data[i + 1]) : 0;
        unsigned low = escape ? (unsigned)slice_hex_value(path.data[i + 2]) : 0;
        buffer[size++] = escape ? (char)(high << 4 | low) : path.data[i];
        i += escape ? 2 : 0;
    }
    return slice_of(buffer, size);
}

// RFC 3986 section 5.2.4, and without empty segments, in place.
static struct slice remove_dots(char *buffer, size_t size, bool *ret_removed)
{
    size_t out = 0, at = 0;
    *ret_removed = false;
    while (at < size) { // at a '/'
        size_t end = at + 1;
        while (end < size && buffer[end] != '/')
            end++;
        struct slice segment = slice_of(buffer + at + 1, end - at - 1);
        bool last = end == size, dot = slice_equal(segment, SLICE("."));
        bool up = slice_equal(segment, SLICE(".."));
        if (up) {
            while (out > 0 && buffer[--out] != '/')
                ;
        } else if (!dot && (segment.size > 0 || last)) {
            memmove(buffer + out, buffer + at, end - at);
            out += end - at;
        }
        if ((up || dot) && last)
            buffer[out++] = '/';
        *ret_removed = *ret_removed || up || dot || (segment.size == 0 && !last);
        at = end;
    }
    return slice_of(buffer, out);
}

enum error rule_path_normalise(struct slice path, struct arena *arena, struct rule_path *ret_path)
{
    *ret_path = (struct rule_path){path, false};
    if (path.size == 0 || path.data[0] != '/' || is_plain(path))
        return ERROR_NONE;
    char *buffer = arena_alloc(arena, path.size + 1);
    if (buffer == NULL)
        return ERROR_MEMORY;
    struct slice decoded = decode(path, buffer);
    ret_path->normal = remove_dots(buffer, decoded.size, &ret_path->is_rearranged);
    return ERROR_NONE;
}

static struct slice encode(struct slice text, struct arena *arena)
{
    char *buffer = arena_alloc(arena, 3 * text.size + 1);
    if (buffer == NULL)
        return SLICE_EMPTY;
    struct text encoded = text_in(buffer, 3 * text.size);
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        if (http_character_is(byte, HTTP_CHARACTER_PATH) && byte != '%') {
            text_append_byte(&encoded, byte);
            continue;
        }
        text_append_byte(&encoded, '%');
        text_append_byte(&encoded, "0123456789ABCDEF"[(unsigned char)byte >> 4]);
        text_append_byte(&encoded, "0123456789ABCDEF"[byte & 15]);
    }
    return slice_of(buffer, encoded.size);
}

struct slice rule_path_after(const struct rule_path *path, struct slice sent, size_t prefix_size,
    struct arena *arena)
{
    struct slice prefix = slice_of(path->normal.data, prefix_size);
    if (!path->is_rearranged && slice_starts_with(sent, prefix))
        return slice_of(sent.data + prefix_size, sent.size - prefix_size);
    struct slice after = slice_of(path->normal.data + prefix_size,
        path->normal.size - prefix_size);
    return encode(after, arena);
}
