// Character by character.
#include "watch/page/foreign.h"

#define URL_MAX 1000 // bytes of one that becomes a link

static bool is_unwanted(uint32_t point)
{
    static const uint32_t ranges[][2] = {
        {0x0, 0x1F}, {0x7F, 0x9F}, {0xAD, 0xAD}, {0x61C, 0x61C}, {0x180E, 0x180E},
        {0x200B, 0x200B}, {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF},
        {0xFFF9, 0xFFFB}, {0xFFFE, 0xFFFF}, {0xE0000, 0xE0FFF},
    };
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
        if (point >= ranges[i][0] && point <= ranges[i][1])
            return true;
    }
    return false;
}

// Takes one character off the front, appends what it is shown as.
static void take(struct text *text, struct slice *rest)
{
    uint32_t point = 0;
    size_t size = text_first_character(*rest, &point), step = MAXIMUM(size, 1);
    if (size == 0)
        text_append(text, SLICE("\xEF\xBF\xBD"));
    else if (point == '\n' || point == '\t')
        text_append_byte(text, ' ');
    else if (!is_unwanted(point))
        text_append_html(text, slice_of(rest->data, size));
    *rest = slice_of(rest->data + step, rest->size - step);
}

// Not inside of a character.
static struct slice cut(struct slice slice, size_t most)
{
    if (slice.size <= most)
        return slice;
    while (most > 0 && ((unsigned char)slice.data[most] & 0xC0) == 0x80)
        most--;
    return slice_of(slice.data, most);
}

void foreign_append(struct text *text, struct slice slice, size_t most)
{
    struct slice rest = cut(slice, most);
    bool is_cut = rest.size < slice.size;
    while (rest.size > 0)
        take(text, &rest);
    if (is_cut)
        text_append(text, SLICE("…"));
}

// --- Links ---

static bool is_url_byte(char byte)
{
    return byte > ' ' && byte < 0x7F && memchr("<>\"'`\\^{}|", byte, 10) == NULL;
}

// How much of the front is an address; what ends a sentence does not belong to it.
static size_t url_size(struct slice rest)
{
    size_t scheme = slice_starts_with(rest, SLICE("https://")) ? 8
        : slice_starts_with(rest, SLICE("http://"))            ? 7 : 0;
    size_t size = scheme;
    while (scheme > 0 && size < rest.size && is_url_byte(rest.data[size]))
        size++;
    while (size > scheme && memchr(".,;:!?)]", rest.data[size - 1], 8) != NULL)
        size--;
    return size > scheme && size <= URL_MAX ? size : 0;
}

static void append_linked(struct text *text, struct slice rest)
{
    bool may_begin = true; // an address does not begin inside of a word
    while (rest.size > 0) {
        size_t size = may_begin ? url_size(rest) : 0;
        if (size == 0) {
            char byte = rest.data[0];
            may_begin = byte == ' ' || byte == '(' || byte == '[' || byte == '\t';
            take(text, &rest);
            continue;
        }
        text_append(text, SLICE("<a rel=\"nofollow noopener noreferrer\" href=\""));
        text_append_html(text, slice_of(rest.data, size));
        text_append(text, SLICE("\">"));
        text_append_html(text, slice_of(rest.data, size));
        text_append(text, SLICE("</a>"));
        rest = slice_of(rest.data + size, rest.size - size);
        may_begin = false;
    }
}

void foreign_append_paragraphs(struct text *text, struct slice slice, size_t most)
{
    struct slice rest = cut(slice, most);
    bool is_cut = rest.size < slice.size, is_open = false;
    while (rest.data != NULL && rest.size > 0) {
        struct slice line = slice_cut(&rest, '\n');
        if (line.size > 0 && line.data[line.size - 1] == '\r')
            line.size--;
        if (slice_trim(line).size == 0) {
            text_append(text, is_open ? SLICE("</p>") : SLICE(""));
            is_open = false;
            continue;
        }
        text_append(text, is_open ? SLICE("<br>") : SLICE("<p>"));
        is_open = true;
        append_linked(text, line);
    }
    if (is_cut)
        text_append(text, is_open ? SLICE("…") : SLICE("<p>…"));
    text_append(text, is_open || is_cut ? SLICE("</p>") : SLICE(""));
}

static bool is_address(struct slice contact)
{
    size_t signs = 0;
    for (size_t i = 0; i < contact.size; i++) {
        char byte = contact.data[i];
        bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
            || (byte >= '0' && byte <= '9') || byte == '.' || byte == '-' || byte == '_'
            || byte == '+' || byte == '@';
        if (!is_plain)
            return false;
        signs += byte == '@';
    }
    return signs == 1;
}

bool foreign_append_href(struct text *text, struct slice contact)
{
    if (contact.size == 0 || contact.size > URL_MAX)
        return false;
    if (slice_starts_with(contact, SLICE("mailto:"))
        && is_address(slice_of(contact.data + 7, contact.size - 7))) {
        text_append(text, contact);
        return true;
    }
    if (is_address(contact))
        text_append(text, SLICE("mailto:"));
    else if (url_size(contact) != contact.size && !(contact.data[0] == '/' && contact.size > 1
        && contact.data[1] != '/' && contact.data[1] != '\\'))
        return false;
    foreign_append(text, contact, URL_MAX);
    return true;
}

void foreign_append_url(struct text *text, struct slice slice)
{
    for (size_t i = 0; i < slice.size; i++) {
        char byte = slice.data[i];
        bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
            || (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_';
        if (is_plain) {
            text_append_byte(text, byte);
        } else {
            text_append_byte(text, '%');
            text_append_hex(text, (unsigned char)byte, 2);
        }
    }
}
