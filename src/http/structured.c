// Serialisation of structured field items and parameters.
#include "http/structured.h"

#include "http/characters.h"

#define INTEGER_MOST INT64_C(999999999999999)

bool structured_is_token(struct slice slice)
{
    if (slice.size == 0)
        return false;
    char first = (char)(slice.data[0] | 0x20);
    if ((first < 'a' || first > 'z') && slice.data[0] != '*')
        return false;
    for (size_t i = 1; i < slice.size; i++) {
        if (slice.data[i] != ':' && slice.data[i] != '/'
            && !http_character_is(slice.data[i], HTTP_CHARACTER_TOKEN))
            return false;
    }
    return true;
}

void structured_append_token(struct text *text, struct slice token)
{
    if (structured_is_token(token))
        text_append(text, token);
    else
        structured_append_string(text, token);
}

void structured_append_string(struct text *text, struct slice string)
{
    text_append_byte(text, '"');
    for (size_t i = 0; i < string.size; i++) {
        char byte = string.data[i];
        if (byte < 0x20 || byte > 0x7e)
            continue;
        if (byte == '"' || byte == '\\')
            text_append_byte(text, '\\');
        text_append_byte(text, byte);
    }
    text_append_byte(text, '"');
}

void structured_append_integer(struct text *text, int64_t integer)
{
    integer = MINIMUM(MAXIMUM(integer, -INTEGER_MOST), INTEGER_MOST);
    if (integer < 0)
        text_append_byte(text, '-');
    text_append_u64(text, (uint64_t)(integer < 0 ? -integer : integer));
}

static void append_key(struct text *text, const char *key, const char *after)
{
    text_append_byte(text, ';');
    text_append(text, slice_from_string(key));
    text_append(text, slice_from_string(after));
}

void structured_append_parameter_token(struct text *text, const char *key, struct slice token)
{
    append_key(text, key, "=");
    structured_append_token(text, token);
}

void structured_append_parameter_string(struct text *text, const char *key, struct slice string)
{
    append_key(text, key, "=");
    structured_append_string(text, string);
}

void structured_append_parameter_integer(struct text *text, const char *key, int64_t integer)
{
    append_key(text, key, "=");
    structured_append_integer(text, integer);
}

void structured_append_parameter_boolean(struct text *text, const char *key, bool value)
{
    append_key(text, key, value ? "" : "=?0");
}
