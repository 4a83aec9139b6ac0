// Patterns of paths and names, and the form of a path that they are held against. Pure: text in,
// text out.
//
// A pattern is exact (/robots.txt), or has wildcards: * stands for any number of characters, '/'
// included, and ? for one byte. Case counts, as it does on most servers. Patterns are written
// without escapes and matched against the path as a server reads it, so that no second spelling
// of a path slips past a rule: escapes decoded, "//" as "/", dot segments resolved. The query is
// no part of it.
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#define RULE_PATTERN_SIZE_MAX 256

enum rule_pattern_kind { RULE_PATTERN_ALL, RULE_PATTERN_EXACT, RULE_PATTERN_PREFIX,
    RULE_PATTERN_SUFFIX, RULE_PATTERN_GLOB };

struct rule_pattern {
    enum rule_pattern_kind kind;
    struct slice text; // without the star of PREFIX and SUFFIX; a view of what was compiled
};

struct rule_pattern rule_pattern_compile(struct slice text);
bool rule_pattern_matches(const struct rule_pattern *pattern, struct slice subject);

struct rule_path {
    struct slice normal; // what patterns are held against; the path itself if nothing is to be done
    bool is_rearranged;  // not only escapes differ: segments or slashes were removed
};

// ERROR_MEMORY: the arena is full.
enum error rule_path_normalise(struct slice path, struct arena *arena,
    struct rule_path *ret_path) MUST_CHECK;
// What follows the first `prefix_size` bytes of the normal form, as it may stand in a target: the
// visitor's own spelling where that begins with the same bytes, else encoded anew. data NULL: the
// arena is full.
struct slice rule_path_after(const struct rule_path *path, struct slice sent, size_t prefix_size,
    struct arena *arena) MUST_CHECK;
