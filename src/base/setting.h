// Settings as tables beside their owners. A room that has settings declares a plain struct for
// them and a constant table of rows; main/ collects the tables; conf/ knows only this type and
// drives from it the YAML parser, check-config, the defaults, docs/settings.md and the JSON Schema.
//
// A value lives at `offset` in the owner's struct, with the C type named below. Strings and arrays
// belong to the settings' arena and live as long as that generation of settings.
#pragma once

#include "base/base.h"
#include "base/slice.h"

enum setting_type {
    SETTING_BOOL,         // bool; true or false
    SETTING_COUNT,        // uint64_t; a plain whole number
    SETTING_PERCENT,      // uint64_t; 0..100, written 20 or 20%
    SETTING_SIZE,         // uint64_t bytes; 64MB
    SETTING_DURATION,     // uint64_t milliseconds; 250ms
    SETTING_TEXT,         // struct slice, NUL-terminated
    SETTING_TEXT_LIST,    // struct setting_list of struct slice; a scalar counts as a list of one
    SETTING_TEXT_MAP,     // struct setting_list of struct setting_pair; a mapping of texts by name
    SETTING_CHOICE,       // uint64_t; index into choices
    SETTING_CHOICE_SET,   // uint64_t; bit i set for choices[i]; a list of words
    SETTING_STATUS_SET,   // struct setting_status_set; 200-299,304
    SETTING_SECTION,      // the struct of `section`, embedded
    SETTING_SECTION_LIST, // struct setting_list of structs of `section`; a sequence of mappings
    SETTING_SECTION_MAP,  // the same; a mapping whose keys go to the first member, a struct slice
};

struct setting_list {
    void *items;
    size_t count;
};

struct setting_pair {
    struct slice name, value; // both NUL-terminated
};

// The value of a number or choice that is optional and was not written.
#define SETTING_ABSENT UINT64_MAX

struct setting_status_set {
    uint64_t bits[10]; // status 100 is bit 0
};

static inline bool setting_status_set_has(const struct setting_status_set *set, unsigned status)
{
    unsigned bit = status - 100;
    return status >= 100 && bit < 640 && (set->bits[bit / 64] >> (bit % 64) & 1) != 0;
}

struct setting;
struct setting_review; // of conf/conf.h

struct setting_section {
    size_t size; // of the struct, bytes
    const struct setting *rows;
    size_t count;
    const char *summary; // for the reference: what this section is about
    // NULL, or what no single row can see, called once all of a section was read. Says what it
    // finds with conf_add_mistake and conf_add_warning. What was wrong or is missing is zero; where
    // that matters, ask conf_is_written.
    void (*review)(struct setting_review *review, const void *settings);
};

struct setting {
    const char *name; // as in YAML: lower case, words joined by _
    enum setting_type type;
    size_t offset;
    const char *fallback;      // the default as one would write it in YAML; NULL: required, for
                               // text: empty, for lists and sets: none
    uint64_t minimum, maximum; // of numbers, in the base unit; of lists, how many items; maximum
                               // 0: no upper limit
    const char *const *choices; // NULL-terminated, for the CHOICE types
    const struct setting_section *section; // for the SECTION types
    // NULL, or a further check of one text (of a SECTION_MAP, of each key; of a TEXT_MAP, of each
    // value: names are for the section's review): returns false and
    // writes what goes on after the value in quotes, "is no path; expected one such as /health".
    bool (*check)(struct slice value, char *message, size_t message_size);
    const char *summary; // one sentence: what it does
    const char *touch;   // when to touch it; NULL for the obvious ones (listen, origins)
    bool required;       // text and lists too must be written; they cannot say so by fallback NULL
    bool optional;       // a number or choice may be left out, and has no fallback then
    const char *example; // for the reference, as one would write it in YAML; NULL: the fallback
};
