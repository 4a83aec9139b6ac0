// What the structs of facts.h are made of, as tables for reading and writing them (facts_json.h).
#pragma once

#include "doctor/facts_json.h"

enum facts_kind {
    FACTS_FLAG,      // bool
    FACTS_PORT,      // uint16_t
    FACTS_NUMBER,    // unsigned
    FACTS_LARGE,     // uint64_t
    FACTS_SIGNED,    // int64_t
    FACTS_DIGEST,    // uint64_t, as hexadecimal text
    FACTS_TIME,      // int64_t, Unix time
    FACTS_TIME_MS,   // int64_t
    FACTS_TEXT,      // struct slice
    FACTS_URL,       // the same, longer
    FACTS_ADDRESS,   // struct address
    FACTS_ADDRESSES, // a counted array of those
    FACTS_WORD,      // an enum
    FACTS_WORDS,     // uint8_t, bits of an enum
    FACTS_VERDICTS,  // struct verdicts
    FACTS_PART,      // a struct
    FACTS_LIST,      // a counted array of a struct
    FACTS_BY_WORD,   // an array of a struct by an enum
};

struct facts_words {
    const char *const *items; // NULL: 0 is unknown
    size_t count;
};

struct facts_shape;

struct facts_member {
    const char *name;
    enum facts_kind kind;
    size_t offset;
    const struct facts_words *words;
    const struct facts_shape *shape;
    size_t count;        // of an array: how many there may be
    size_t count_offset; // … and where it is said how many there are
};

struct facts_shape {
    size_t size;
    const struct facts_member *members;
    size_t count;
};

extern const struct facts_shape facts_shape_all;     // struct facts without its vantages
extern const struct facts_shape facts_shape_vantage; // struct vantage_facts without facts, verdict

// How much of a text is kept, bytes.
static inline size_t facts_text_most(enum facts_kind kind)
{
    return kind == FACTS_URL ? FACTS_JSON_URL_MAX : FACTS_JSON_TEXT_MAX;
}
