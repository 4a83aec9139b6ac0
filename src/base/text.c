// Numbers, formats and escapes for struct text.
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

#define QUOTED_MAX 60
#define U64_DIGITS_MAX 20

void text_append_u64(struct text *text, uint64_t value)
{
    size_t size = 1;
    for (uint64_t power = 10; size < U64_DIGITS_MAX && value >= power; power *= 10)
        size++;
    if (UNLIKELY(size > text->capacity - text->size)) {
        text->full = true;
        return;
    }
    char *at = text->data + text->size;
    text->size += size;
    while (size > 0) {
        at[--size] = (char)('0' + value % 10);
        value /= 10;
    }
}

void text_append_hex(struct text *text, uint64_t value, unsigned digits)
{
    if (UNLIKELY(digits > text->capacity - text->size)) {
        text->full = true;
        return;
    }
    char *at = text->data + text->size;
    for (unsigned i = digits; i-- > 0;)
        *at++ = "0123456789abcdef"[(value >> (4 * i)) & 15];
    text->size += digits;
}

void text_append_hex_bytes(struct text *text, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        text_append_hex(text, bytes[i], 2);
}

void text_format(struct text *text, const char *format, ...)
{
    size_t room = text->capacity - text->size;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text->data + text->size, room, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= room)
        text->full = true;
    else
        text->size += (size_t)size;
}

void text_replace_controls(struct text *text, size_t from)
{
    for (size_t i = from; i < text->size; i++) {
        unsigned char byte = (unsigned char)text->data[i];
        if (byte < ' ' || byte == 0x7F)
            text->data[i] = '?';
        else if (byte == 0xC2 && i + 1 < text->size && (unsigned char)text->data[i + 1] < 0xA0)
            text->data[i] = text->data[i + 1] = '?';
    }
}

void text_append_quoted(struct text *text, struct slice slice)
{
    size_t shown = slice.size, start = text->size;
    if (shown > QUOTED_MAX) {
        shown = QUOTED_MAX;
        while (shown > 0 && ((unsigned char)slice.data[shown] & 0xC0) == 0x80)
            shown--; // not inside a UTF-8 sequence
    }
    text_append_byte(text, '"');
    text_append(text, slice_of(slice.data, shown));
    text_replace_controls(text, start);
    text_append(text, shown < slice.size ? SLICE("…\"") : SLICE("\""));
}

// What neither HTML nor XML may have, and readers make different things of.
static bool is_control(char byte)
{
    return byte == 0x7F
        || ((unsigned char)byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r');
}

void text_append_html(struct text *text, struct slice slice)
{
    for (size_t i = 0; i < slice.size; i++) {
        if (is_control(slice.data[i])) {
            text_append(text, SLICE("\xEF\xBF\xBD"));
            continue;
        }
        switch (slice.data[i]) {
        case '&': text_append(text, SLICE("&amp;")); break;
        case '<': text_append(text, SLICE("&lt;")); break;
        case '>': text_append(text, SLICE("&gt;")); break;
        case '"': text_append(text, SLICE("&quot;")); break;
        case '\'': text_append(text, SLICE("&#39;")); break;
        default: text_append_byte(text, slice.data[i]); break;
        }
    }
}

// Length of the well-formed UTF-8 sequence at the start (RFC 3629 section 4), 0 if there is none.
static size_t utf8_sequence(struct slice slice)
{
    const unsigned char *s = (const unsigned char *)slice.data;
    size_t size;
    unsigned low = 0x80, high = 0xBF;
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xC2 && s[0] <= 0xDF)
        size = 2;
    else if (s[0] >= 0xE0 && s[0] <= 0xEF)
        size = 3;
    else if (s[0] >= 0xF0 && s[0] <= 0xF4)
        size = 4;
    else
        return 0;
    if (s[0] == 0xE0)
        low = 0xA0;
    else if (s[0] == 0xED)
        high = 0x9F;
    else if (s[0] == 0xF0)
        low = 0x90;
    else if (s[0] == 0xF4)
        high = 0x8F;
    if (slice.size < size || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++) {
        if (s[i] < 0x80 || s[i] > 0xBF)
            return 0;
    }
    return size;
}

bool text_is_utf8(struct slice slice)
{
    while (slice.size > 0) {
        size_t size = utf8_sequence(slice);
        if (size == 0)
            return false;
        slice = slice_of(slice.data + size, slice.size - size);
    }
    return true;
}

size_t text_first_character(struct slice slice, uint32_t *ret_point)
{
    size_t size = utf8_sequence(slice);
    uint32_t point = size == 0 ? 0 : (unsigned char)slice.data[0];
    if (size > 1)
        point &= 0xFFU >> (size + 1);
    for (size_t i = 1; i < size; i++)
        point = point << 6 | ((unsigned char)slice.data[i] & 0x3F);
    *ret_point = point;
    return size;
}

void text_append_utf8(struct text *text, struct slice slice)
{
    while (slice.size > 0 && !text->full) {
        size_t size = utf8_sequence(slice);
        text_append(text, size == 0 ? SLICE("\xEF\xBF\xBD") : slice_of(slice.data, size));
        size = MAXIMUM(size, 1);
        slice = slice_of(slice.data + size, slice.size - size);
    }
}

void text_append_percent(struct text *text, struct slice slice)
{
    for (size_t i = 0; i < slice.size; i++) {
        unsigned char byte = (unsigned char)slice.data[i];
        bool is_plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z')
            || (byte >= 'a' && byte <= 'z') || (byte != '\0' && strchr("-._~", byte) != NULL);
        if (is_plain)
            text_append_byte(text, (char)byte);
        else
            text_format(text, "%%%02X", byte);
    }
}

void text_append_json(struct text *text, struct slice slice)
{
    while (slice.size > 0) {
        unsigned char byte = (unsigned char)slice.data[0];
        size_t size = utf8_sequence(slice);
        if (size == 0) {
            text_append(text, SLICE("\xEF\xBF\xBD"));
            size = 1;
        } else if (byte == '"' || byte == '\\') {
            text_append_byte(text, '\\');
            text_append_byte(text, (char)byte);
        } else if (byte < 0x20) {
            text_append(text, SLICE("\\u00"));
            text_append_hex(text, byte, 2);
        } else {
            text_append(text, slice_of(slice.data, size));
        }
        slice = slice_of(slice.data + size, slice.size - size);
    }
}
