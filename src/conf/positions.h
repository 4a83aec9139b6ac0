// Where the values and sections that are being read stood in the file. Part of conf/.
#pragma once

#include "base/arena.h"
#include "base/error.h"

struct conf_position {
    unsigned line, column; // from 1; line 0: nowhere in the file
};

struct conf_value_position; // by the address of the value, which no other value has
struct conf_section_position; // by its range of memory, which holds that of inner ones

// Zeroed but for the arena.
struct conf_positions {
    struct arena *arena;
    struct conf_value_position *slots; // a hash table
    size_t size, count;
    const struct conf_section_position *newest;
};

// A line of 0 is no place: nothing is noted.
enum error conf_positions_add_value(struct conf_positions *positions, const void *value,
    struct conf_position position) MUST_CHECK;
// Outer ones first.
enum error conf_positions_add_section(struct conf_positions *positions, const void *start,
    size_t size, struct conf_position position) MUST_CHECK;
// Line 0: not written.
struct conf_position conf_positions_of_value(const struct conf_positions *positions,
    const void *value);
// Of the innermost section that was written around it. Walks all of them: for messages.
struct conf_position conf_positions_around(const struct conf_positions *positions,
    const void *value);
