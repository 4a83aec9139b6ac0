// Structured field values (RFC 9651), read and written: items, lists, inner lists, dictionaries and
// parameters of every type. A parsed value lives in the caller's arena and may also point into
// the text that was parsed: it lives as long as both. A value that breaks the grammar anywhere is
// refused whole (section 4.2), and its field is then to be ignored.
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

// What section 1.2 and the types' own sections ask every parser to take.
#define STRUCTURED_MEMBERS_MOST 1024

enum structured_type {
    STRUCTURED_INTEGER,
    STRUCTURED_DECIMAL,
    STRUCTURED_STRING,
    STRUCTURED_TOKEN,
    STRUCTURED_BYTES,
    STRUCTURED_BOOLEAN,
    STRUCTURED_DATE,
    STRUCTURED_DISPLAY,
};

struct structured_value {
    enum structured_type type;
    int64_t number;    // integer; decimal in thousandths; date in Unix seconds; boolean 0 or 1
    struct slice text; // string, token, bytes, display string (UTF-8); decoded
};

struct structured_parameter {
    struct slice key;
    struct structured_value value;
};

struct structured_parameters {
    struct structured_parameter *items; // each key once
    uint32_t count;
};

// An item or an inner list. Items of inner lists are never lists themselves, and only members of
// a dictionary have a key.
struct structured_member {
    struct slice key;
    struct structured_value value; // of an item
    struct structured_member *items; // of an inner list
    uint32_t count;
    bool is_list;
    struct structured_parameters parameters;
};

// A list, or a dictionary, in which each key stands once.
struct structured_members {
    struct structured_member *items;
    uint32_t count;
};

// Text is a field's value, the values of repeated fields joined by commas (http_fields_joined);
// data NULL is an absent field: an empty list or dictionary, but no item. No list, inner list,
// dictionary or set of parameters may have more than `most` members.
// ERROR_INVALID: against the grammar; ERROR_LIMIT: more than `most`; ERROR_MEMORY: arena full.
enum error structured_parse_item(struct slice text, struct arena *arena, uint32_t most,
    struct structured_member *ret_item) MUST_CHECK;
enum error structured_parse_list(struct slice text, struct arena *arena, uint32_t most,
    struct structured_members *ret_list) MUST_CHECK;
enum error structured_parse_dictionary(struct slice text, struct arena *arena, uint32_t most,
    struct structured_members *ret_dictionary) MUST_CHECK;

// NULL when there is none of that key.
const struct structured_member *structured_find(const struct structured_members *dictionary,
    struct slice key);
const struct structured_value *structured_find_parameter(
    const struct structured_parameters *parameters, struct slice key);

// Section 4.1. False when something in it cannot be said in this syntax or did not fit (then
// text->full is set too); what was appended is taken back. An empty list or dictionary appends
// nothing, and its field is then not to be sent.
bool structured_append_value(struct text *text, const struct structured_value *value) MUST_CHECK;
bool structured_append_item(struct text *text, const struct structured_member *item) MUST_CHECK;
bool structured_append_list(struct text *text, const struct structured_members *list) MUST_CHECK;
bool structured_append_dictionary(struct text *text,
    const struct structured_members *dictionary) MUST_CHECK;

// For fields that are written as they are thought of. These never fail but for text->full, so what
// cannot be said is bent: integers beyond 15 digits become the largest one, of a string the bytes
// that are not printable ASCII are dropped, a token that is none becomes a string.
// ";key=value"; the key is a constant of ours, lower case.
void structured_append_token(struct text *text, struct slice token);
void structured_append_parameter_token(struct text *text, const char *key, struct slice token);
void structured_append_parameter_string(struct text *text, const char *key, struct slice string);
void structured_append_parameter_integer(struct text *text, const char *key, int64_t integer);
// ";key", which means true.
void structured_append_parameter_true(struct text *text, const char *key);
