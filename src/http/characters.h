// The classes of bytes that HTTP/1 and RFC 3986 know, in one table, and the two scans over them
// that carry most of the parsing time.
#pragma once

#include "base/slice.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum http_character_class {
    HTTP_CHARACTER_TOKEN = 1, // RFC 9110 section 5.6.2
    HTTP_CHARACTER_VALUE = 2, // RFC 9110 section 5.5: no control characters but tab
    // Request targets: visible ASCII that a browser may send unescaped, which is more than RFC 3986
    // has, but never '"', '<', '>', '#', and in the path no '\', which some servers read as '/'.
    HTTP_CHARACTER_PATH = 4,
    HTTP_CHARACTER_QUERY = 8,
    HTTP_CHARACTER_HOST = 16, // RFC 3986 unreserved: what a DNS name can hold, and '_' and '~'
    HTTP_CHARACTER_HEX = 32,
    HTTP_CHARACTER_ETAG = 64, // RFC 9110 section 8.8.3
    HTTP_CHARACTER_LOWER_TOKEN = 128, // a token's, as in names of HTTP/2: no upper-case letters
};

extern const uint8_t http_characters[256];

static inline bool http_character_is(char byte, unsigned classes)
{
    return (http_characters[(unsigned char)byte] & classes) != 0;
}

// The first byte that is not of the class, or end.
static inline const char *http_characters_skip(const char *at, const char *end, unsigned classes)
{
    while (at < end && http_character_is(*at, classes))
        at++;
    return at;
}

static inline bool http_characters_all(struct slice slice, unsigned classes)
{
    const char *end = slice.data + slice.size;
    return http_characters_skip(slice.data, end, classes) == end;
}

// The first byte that cannot stand in a field value (a line's CR, as a rule), or end. The same as
// http_characters_skip with VALUE, sixteen bytes at a time.
static inline const char *http_characters_skip_value(const char *at, const char *end)
{
#ifdef __SSE2__
    const __m128i last_control = _mm_set1_epi8(0x1f);
    const __m128i tab = _mm_set1_epi8('\t');
    const __m128i delete = _mm_set1_epi8(0x7f);
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
        __m128i bad = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), control),
            _mm_cmpeq_epi8(bytes, delete));
        unsigned mask = (unsigned)_mm_movemask_epi8(bad);
        if (mask != 0)
            return at + __builtin_ctz(mask);
    }
#endif
    return http_characters_skip(at, end, HTTP_CHARACTER_VALUE);
}
