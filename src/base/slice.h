// A view of bytes owned by somebody else. Never NUL-terminated; data may be NULL when size is 0.
#pragma once

#include "base/base.h"

#include <string.h>

struct slice {
    const char *data;
    size_t size;
};

#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})
#define SLICE_EMPTY ((struct slice){NULL, 0})
// For printf: "%.*s", SLICE_ARGS(slice)
#define SLICE_ARGS(slice) (int)(slice).size, (slice).data

static inline struct slice slice_of(const char *data, size_t size)
{
    return (struct slice){data, size};
}

static inline struct slice slice_from_string(const char *string)
{
    return (struct slice){string, string == NULL ? 0 : strlen(string)};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

// ASCII case folding only, as HTTP wants (RFC 9110 section 5.1).
bool slice_equal_nocase(struct slice a, struct slice b);
bool slice_starts_with(struct slice slice, struct slice prefix);
bool slice_ends_with(struct slice slice, struct slice suffix);
bool slice_contains(struct slice slice, char byte);
// Without leading and trailing spaces and tabs (OWS, RFC 9110 section 5.6.3).
struct slice slice_trim(struct slice slice);
// Cuts *rest at the first separator: returns what stands before it and advances *rest past it.
// Without a separator returns all of it and leaves *rest empty with data NULL.
struct slice slice_cut(struct slice *rest, char separator);
// Decimal digits only, all of the slice, no sign; false when empty, not digits or above maximum.
bool slice_parse_u64(struct slice slice, uint64_t maximum, uint64_t *ret_value) MUST_CHECK;
// 2 * size hexadecimal digits, in lower case, so that each value has one text; false for others.
bool slice_parse_hex(struct slice digits, uint8_t *ret_bytes, size_t size) MUST_CHECK;

// Of a hexadecimal digit in either case; -1: it is none.
static inline int slice_hex_value(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}
