// Builds text in a buffer of fixed size that the caller owns. What does not fit is dropped and
// remembered in `full`, so a chain of appends is checked once, at its end.
#pragma once

#include "base/base.h"
#include "base/slice.h"

struct text {
    char *data;
    size_t size, capacity;
    bool full;
};

static inline struct text text_in(char *buffer, size_t capacity)
{
    return (struct text){buffer, 0, capacity, false};
}

static inline struct slice text_slice(const struct text *text)
{
    return slice_of(text->data, text->size);
}

static inline void text_append(struct text *text, struct slice slice)
{
    if (UNLIKELY(slice.size > text->capacity - text->size)) {
        text->full = true;
        return;
    }
    if (slice.size > 0)
        memcpy(text->data + text->size, slice.data, slice.size);
    text->size += slice.size;
}

static inline void text_append_byte(struct text *text, char byte)
{
    text_append(text, slice_of(&byte, 1));
}

void text_append_u64(struct text *text, uint64_t value);
void text_append_hex(struct text *text, uint64_t value, unsigned digits); // lower case, zero-padded
void text_append_hex_bytes(struct text *text, const uint8_t *bytes, size_t size); // two of each
void text_format(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
// For a message to a person: in double quotes, cut to 60 bytes, and see below.
void text_append_quoted(struct text *text, struct slice slice);
// Makes "?" of the control characters (ASCII's and, in UTF-8, U+0080 to U+009F) from an offset on,
// so that what a stranger wrote does nothing to a terminal.
void text_replace_controls(struct text *text, size_t from);
bool text_is_utf8(struct slice slice);
// The bytes of the character at the start of what is not empty, and its code point; 0: there is no
// UTF-8.
size_t text_first_character(struct slice slice, uint32_t *ret_point);
// Bytes that are not UTF-8 become U+FFFD. Ends with the last character that fits.
void text_append_utf8(struct text *text, struct slice slice);
// With the five HTML specials escaped; control characters, which no document may have, are U+FFFD.
void text_append_html(struct text *text, struct slice slice);
// For a query: all but the unreserved characters as %XX (RFC 3986 section 2.3).
void text_append_percent(struct text *text, struct slice slice);
// The inside of a JSON string (RFC 8259 section 7); bytes that are not UTF-8 become U+FFFD.
void text_append_json(struct text *text, struct slice slice);
