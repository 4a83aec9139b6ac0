// A YAML text as a tree of nodes with their positions, without any knowledge of settings. What
// YAML can do and settings do not need (tags, merge keys, several documents, keys that are no
// plain text) is refused with a mistake. Part of conf/.
//
// After a syntax error the tree holds what was read before it: collections that were still open
// are `incomplete`, and nothing can be said about what they lack.
#pragma once

#include "conf/mistakes.h"

enum conf_kind { CONF_SCALAR, CONF_SEQUENCE, CONF_MAPPING };

struct conf_node {
    enum conf_kind kind;
    bool quoted;           // of a scalar: in quotes or a block, so it can only be text
    bool incomplete;       // of a collection
    unsigned line, column; // from 1
    struct slice text;     // of a scalar; NUL-terminated
    struct conf_entry *first, *last; // of a collection
    size_t count;
};

// An alias puts the same node under several entries.
struct conf_entry {
    struct conf_entry *next;
    const struct conf_node *key; // of a mapping, always a scalar; NULL in a sequence
    const struct conf_node *value;
};

// Nodes go to arena. *ret_root is NULL when the text has no content at all. Mistakes go to report
// and are no failure: ERROR_MEMORY only.
enum error conf_tree_read(struct slice yaml, struct arena *arena, struct conf_report *report,
    const struct conf_node **ret_root) MUST_CHECK;

// A scalar without text or quotes, ~ or null: the key is there, its value is not.
bool conf_node_is_nothing(const struct conf_node *node);
