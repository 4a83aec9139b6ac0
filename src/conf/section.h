// Sections, lists and maps of sections: the walk of a tree along the tables. Part of conf/.
#pragma once

#include "conf/value.h"

#define CONF_ROWS_MAX 64 // of one section

struct setting_review {
    const struct conf_source *source;
};

struct conf_loader {
    struct conf_source source;
    struct conf_positions positions;    // of what was read so far
    struct arena *work;                 // for what the walk itself needs
    const struct setting_section *root; // to find where a misplaced name belongs
    size_t value_count;                 // read so far, through aliases each time
    bool defaults_only;                 // there is no file: what is required is left zero
    bool stopped;                       // a limit was hit and reported
};

// node NULL: an empty file. memory is zeroed.
enum error conf_read_root(struct conf_loader *loader, const struct conf_node *node,
    void *memory) MUST_CHECK;
