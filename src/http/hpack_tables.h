// Constant tables of HPACK (RFC 7541), for hpack.c and its test.
#pragma once

#include "base/slice.h"

#define HPACK_NAME_SIZE_MAX 27

// How likely it is that the next answer on a connection says the same under this name.
enum hpack_habit {
    HPACK_STEADY, // very
    HPACK_VARIES, // as likely as not: what came twice may come again
    HPACK_ALONE,  // never
    HPACK_SECRET, // whether it does must not show in the size (section 7.1.3)
};

struct hpack_name {
    struct slice text;
    uint8_t index;    // in the static table, of the first one; 0: not in it
    uint8_t habit;    // enum hpack_habit
};

struct hpack_code {
    uint32_t bits;    // the lowest ones
    uint8_t count;
};

extern const struct hpack_name hpack_names[];
// Names of a size stand at [begin[size], begin[size + 1]).
extern const uint8_t hpack_names_begin[HPACK_NAME_SIZE_MAX + 2];
extern const struct hpack_code hpack_codes[256];
