// The settings file: YAML (1.1, as libyaml reads it) held against the tables of base/setting.h.
// Every mistake in the file is found in one run, each with line, column and what would be right.
//
// Strings and arrays of the settings, and the messages, belong to the caller's arena. On any
// failure the settings struct is untouched; the arena may hold remains and is the caller's to free.
// Limits: CONF_FILE_MAX bytes, CONF_DEPTH_MAX nested collections, CONF_NODES_MAX values (aliases
// counted each time they are used), CONF_MISTAKES_MAX mistakes and CONF_WARNINGS_MAX warnings kept.
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/setting.h"
#include "base/text.h"

#include <stdio.h>

#define CONF_FILE_MAX ((size_t)4 << 20)
#define CONF_DEPTH_MAX 32
#define CONF_NODES_MAX 100000
#define CONF_MISTAKES_MAX 100
#define CONF_WARNINGS_MAX 20

struct conf_mistake {
    unsigned line, column; // from 1; line 0: the file as a whole
    struct slice message;  // what is wrong; what was expected
};

// In the order of the file. Warnings tell of what is allowed but unwise; they fail nothing.
struct conf_mistakes {
    struct conf_mistake items[CONF_MISTAKES_MAX], warnings[CONF_WARNINGS_MAX];
    size_t count, warning_count;
    size_t omitted, warnings_omitted; // found beyond the maximum
};

// An empty file means all defaults. ERROR_INVALID: see mistakes. When the file cannot be read, its
// error is returned and mistakes says so too. ERROR_MEMORY: nothing can be said about the file.
enum error conf_load_file(const char *path, const struct setting_section *root, struct arena *arena,
    void *settings, struct conf_mistakes *mistakes) MUST_CHECK;
enum error conf_load_text(struct slice yaml, const struct setting_section *root,
    struct arena *arena, void *settings, struct conf_mistakes *mistakes) MUST_CHECK;

// As an empty file would, but what is required is left zero: for a start without a file. Fails
// for lack of memory only.
enum error conf_load_defaults(const struct setting_section *root, struct arena *arena,
    void *settings) MUST_CHECK;

// The row at a path of names, "origins.probe.path" (lists and maps add no name of their own), or
// NULL.
const struct setting *conf_find_setting(const struct setting_section *root, const char *path);
// Is this value, of a command line, good for a row that is no section? If not, ERROR_INVALID and a
// message: "64XB" is not a size; expected …
enum error conf_check_value(const struct setting *row, const char *value,
    struct text *message) MUST_CHECK;

// For the review of a section (base/setting.h). value is the address of something in the settings
// under review: a member, or an item of a list of texts.
// Did the file give it, and could it be read? Not for members that are sections.
bool conf_is_written(const struct setting_review *review, const void *value);
// Memory until the file is read; when it is NULL, the load fails for lack of it.
void *conf_review_alloc(struct setting_review *review, size_t size) MUST_CHECK;
// The message stands where the value was written, else where the section that lacks it begins.
void conf_add_mistake(struct setting_review *review, const void *value,
    const char *format, ...) PRINTF_LIKE(3, 4);
void conf_add_warning(struct setting_review *review, const void *value,
    const char *format, ...) PRINTF_LIKE(3, 4);

// One line each: "path:line:column: message", then "path:line:column: warning: message".
void conf_print_mistakes(const struct conf_mistakes *mistakes, const char *path, FILE *out);

// Holds a table against the rules of its authors (names, ranges, fallbacks that parse, offsets
// that do not overlap, texts for the reference) and prints one line per offence; returns how many.
// For the test that guards the real tables.
size_t conf_check_tables(const struct setting_section *root, FILE *out);
