// Normalisation of target URIs for cache keys.
#include "http/key.h"

#include "http/authority.h"
#include "http/characters.h"

static void append_lower(struct text *text, struct slice slice)
{
    size_t begin = text->size;
    text_append(text, slice);
    for (size_t i = begin; i < text->size; i++) {
        char byte = text->data[i];
        text->data[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
    }
}

static bool is_escape(struct slice at)
{
    return at.size >= 3 && http_characters_all(slice_of(at.data + 1, 2), HTTP_CHARACTER_HEX);
}

static bool has_valid_escapes(struct slice path)
{
    if (!slice_contains(path, '%'))
        return false;
    for (size_t i = 0; i < path.size; i++) {
        if (path.data[i] == '%' && !is_escape(slice_of(path.data + i, path.size - i)))
            return false;
    }
    return true;
}

static void append_path(struct text *text, struct slice path)
{
    for (size_t i = 0; i < path.size; i++) {
        if (path.data[i] != '%') {
            text_append_byte(text, path.data[i]);
            continue;
        }
        unsigned high = (unsigned)slice_hex_value(path.data[i + 1]);
        unsigned value = high << 4 | (unsigned)slice_hex_value(path.data[i + 2]);
        i += 2;
        // RFC 3986 unreserved is just what a host name may hold here.
        if (http_character_is((char)value, HTTP_CHARACTER_HOST)) {
            text_append_byte(text, (char)value);
        } else {
            text_append_byte(text, '%');
            text_append_byte(text, "0123456789ABCDEF"[value >> 4]);
            text_append_byte(text, "0123456789ABCDEF"[value & 15]);
        }
    }
}

enum error http_key_write(struct text *text, struct slice scheme, struct slice authority,
    struct slice path, struct slice query)
{
    struct http_authority parts;
    if (!http_authority_parse(authority, &parts))
        return ERROR_INVALID;
    struct text before = *text;
    append_lower(text, scheme);
    text_append(text, SLICE("://"));
    append_lower(text, parts.host);
    unsigned default_port = slice_equal_nocase(scheme, SLICE("https")) ? 443 : 80;
    if (parts.port != 0 && parts.port != default_port) {
        text_append_byte(text, ':');
        text_append_u64(text, parts.port);
    }
    if (path.size == 0)
        text_append_byte(text, '/');
    // With a '%' that is no escape nothing is decoded: what comes out could read as an escape, and
    // two targets that servers tell apart would share a key.
    if (has_valid_escapes(path))
        append_path(text, path);
    else
        text_append(text, path);
    if (query.data != NULL) {
        text_append_byte(text, '?');
        text_append(text, query);
    }
    if (text->full) {
        text->size = before.size;
        return ERROR_LIMIT;
    }
    return ERROR_NONE;
}
