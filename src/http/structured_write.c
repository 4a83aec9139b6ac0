// Writing structured fields (RFC 9651 section 4.1).
#include "http/structured.h"

#include "http/characters.h"

#define INTEGER_MOST INT64_C(999999999999999)

static bool is_lower(char byte)
{
    return byte >= 'a' && byte <= 'z';
}

static bool is_token(struct slice slice)
{
    if (slice.size == 0 || (!is_lower((char)(slice.data[0] | 0x20)) && slice.data[0] != '*'))
        return false;
    for (size_t i = 1; i < slice.size; i++) {
        if (slice.data[i] != ':' && slice.data[i] != '/'
            && !http_character_is(slice.data[i], HTTP_CHARACTER_TOKEN))
            return false;
    }
    return true;
}

static bool is_key(struct slice key)
{
    if (key.size == 0 || (!is_lower(key.data[0]) && key.data[0] != '*'))
        return false;
    for (size_t i = 1; i < key.size; i++) {
        char byte = key.data[i];
        if (!is_lower(byte) && (byte < '0' || byte > '9') && byte != '_' && byte != '-'
            && byte != '.' && byte != '*')
            return false;
    }
    return true;
}

static bool is_printable(struct slice slice)
{
    for (size_t i = 0; i < slice.size; i++) {
        if (slice.data[i] < ' ' || slice.data[i] > '~')
            return false;
    }
    return true;
}

static void append_string(struct text *text, struct slice string)
{
    text_append_byte(text, '"');
    for (size_t i = 0; i < string.size; i++) {
        char byte = string.data[i];
        if (byte < ' ' || byte > '~')
            continue;
        if (byte == '"' || byte == '\\')
            text_append_byte(text, '\\');
        text_append_byte(text, byte);
    }
    text_append_byte(text, '"');
}

static void append_integer(struct text *text, int64_t integer)
{
    integer = MINIMUM(MAXIMUM(integer, -INTEGER_MOST), INTEGER_MOST);
    if (integer < 0)
        text_append_byte(text, '-');
    text_append_u64(text, (uint64_t)(integer < 0 ? -integer : integer));
}

static void append_decimal(struct text *text, int64_t thousandths)
{
    uint64_t absolute = (uint64_t)(thousandths < 0 ? -thousandths : thousandths);
    char digits[3];
    size_t size = 1;
    for (size_t i = 3, rest = absolute % 1000; i > 0; rest /= 10)
        digits[--i] = (char)('0' + rest % 10);
    for (size_t i = 1; i < sizeof(digits); i++)
        size = digits[i] == '0' ? size : i + 1;
    if (thousandths < 0)
        text_append_byte(text, '-');
    text_append_u64(text, absolute / 1000);
    text_append_byte(text, '.');
    text_append(text, slice_of(digits, size));
}

static void append_bytes(struct text *text, struct slice bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    text_append_byte(text, ':');
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t here = MINIMUM(bytes.size - i, 3);
        uint32_t bits = 0;
        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (j < here ? (uint8_t)bytes.data[i + j] : 0);
        for (size_t j = 0; j < 4; j++)
            text_append_byte(text, j > here ? '=' : digits[bits >> (18 - 6 * j) & 63]);
    }
    text_append_byte(text, ':');
}

static void append_display(struct text *text, struct slice string)
{
    text_append(text, SLICE("%\""));
    for (size_t i = 0; i < string.size; i++) {
        char byte = string.data[i];
        if (byte < ' ' || byte > '~' || byte == '%' || byte == '"') {
            text_append_byte(text, '%');
            text_append_hex(text, (uint8_t)byte, 2);
        } else {
            text_append_byte(text, byte);
        }
    }
    text_append_byte(text, '"');
}

static bool is_within(int64_t number)
{
    return number >= -INTEGER_MOST && number <= INTEGER_MOST;
}

// False leaves text as far as it came; who calls from outside takes that back.
static bool write_value(struct text *text, const struct structured_value *value)
{
    switch (value->type) {
    case STRUCTURED_INTEGER:
        append_integer(text, value->number);
        return is_within(value->number);
    case STRUCTURED_DECIMAL: // 12 digits and 3 of the fraction are as many
        if (is_within(value->number))
            append_decimal(text, value->number);
        return is_within(value->number);
    case STRUCTURED_STRING:
        append_string(text, value->text);
        return is_printable(value->text);
    case STRUCTURED_TOKEN:
        text_append(text, value->text);
        return is_token(value->text);
    case STRUCTURED_BYTES:
        append_bytes(text, value->text);
        return true;
    case STRUCTURED_BOOLEAN:
        text_append(text, value->number == 0 ? SLICE("?0") : SLICE("?1"));
        return true;
    case STRUCTURED_DATE:
        text_append_byte(text, '@');
        append_integer(text, value->number);
        return is_within(value->number);
    case STRUCTURED_DISPLAY:
        append_display(text, value->text);
        return text_is_utf8(value->text);
    }
    return false;
}

static bool is_true(const struct structured_value *value)
{
    return value->type == STRUCTURED_BOOLEAN && value->number != 0;
}

static bool write_parameters(struct text *text, const struct structured_parameters *parameters)
{
    for (uint32_t i = 0; i < parameters->count; i++) {
        const struct structured_parameter *parameter = &parameters->items[i];
        if (!is_key(parameter->key))
            return false;
        text_append_byte(text, ';');
        text_append(text, parameter->key);
        if (is_true(&parameter->value))
            continue;
        text_append_byte(text, '=');
        if (!write_value(text, &parameter->value))
            return false;
    }
    return true;
}

static bool write_item(struct text *text, const struct structured_member *item)
{
    return write_value(text, &item->value) && write_parameters(text, &item->parameters);
}

static bool write_member(struct text *text, const struct structured_member *member)
{
    if (!member->is_list)
        return write_item(text, member);
    text_append_byte(text, '(');
    for (uint32_t i = 0; i < member->count; i++) {
        if (i > 0)
            text_append_byte(text, ' ');
        if (!write_item(text, &member->items[i]))
            return false;
    }
    text_append_byte(text, ')');
    return write_parameters(text, &member->parameters);
}

static bool write_members(struct text *text, const struct structured_members *members,
    bool dictionary)
{
    for (uint32_t i = 0; i < members->count; i++) {
        const struct structured_member *member = &members->items[i];
        if (i > 0)
            text_append(text, SLICE(", "));
        if (dictionary) {
            if (!is_key(member->key))
                return false;
            text_append(text, member->key);
            if (!member->is_list && is_true(&member->value)) {
                if (!write_parameters(text, &member->parameters))
                    return false;
                continue;
            }
            text_append_byte(text, '=');
        }
        if (!write_member(text, member))
            return false;
    }
    return true;
}

static bool kept(struct text *text, size_t size_before, bool written)
{
    if (written && !text->full)
        return true;
    text->size = size_before;
    return false;
}

bool structured_append_value(struct text *text, const struct structured_value *value)
{
    size_t size = text->size;
    return kept(text, size, write_value(text, value));
}

bool structured_append_item(struct text *text, const struct structured_member *item)
{
    size_t size = text->size;
    return kept(text, size, write_item(text, item));
}

bool structured_append_list(struct text *text, const struct structured_members *list)
{
    size_t size = text->size;
    return kept(text, size, write_members(text, list, false));
}

bool structured_append_dictionary(struct text *text, const struct structured_members *dictionary)
{
    size_t size = text->size;
    return kept(text, size, write_members(text, dictionary, true));
}

void structured_append_token(struct text *text, struct slice token)
{
    if (is_token(token))
        text_append(text, token);
    else
        append_string(text, token);
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
    append_string(text, string);
}

void structured_append_parameter_integer(struct text *text, const char *key, int64_t integer)
{
    append_key(text, key, "=");
    append_integer(text, integer);
}

void structured_append_parameter_true(struct text *text, const char *key)
{
    append_key(text, key, "");
}
