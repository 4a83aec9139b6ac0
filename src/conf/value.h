// One scalar or list of scalars, read as the row's type and kept at its place. Part of conf/.
#pragma once

#include "conf/positions.h"
#include "conf/tree.h"

// Where a value came from, for messages, and where what it needs is kept.
struct conf_source {
    struct conf_report *report;
    struct arena *arena;
    struct conf_positions *positions; // NULL: the value stands in no file
};

// Reads a value of any type that is no section into memory (the struct that holds the row). What
// is wrong goes to the report and leaves memory alone. ERROR_MEMORY only.
enum error conf_value_read(const struct conf_source *source, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place, void *memory) MUST_CHECK;

// "path: VALUE wrong; expected …"; wrong begins with a space: " is too large".
void conf_report_wrong(struct conf_report *report, const struct setting *row,
    const struct conf_node *node, const struct conf_place *place, const char *wrong);

// How the type is called in the reference: "duration".
const char *conf_type_text(enum setting_type type);
bool conf_type_is_section(enum setting_type type);
bool conf_type_is_list(enum setting_type type);

// What one writes: "a duration such as 250ms or 10s between 1ms and 1h".
void conf_append_expected(struct text *text, const struct setting *row);
// Must it be written?
bool conf_is_required(const struct setting *row);
// " between 1ms and 1h", " of at least 1", or nothing.
void conf_append_range(struct text *text, const struct setting *row);
