// The table of this folder in the status page's database, as a new one has it; what becomes of
// older ones is history/migrations.c.
#pragma once

// The last sign of life of each monitor, by its id; at: ms, wall clock.
#define PUSH_SCHEMA                                                                                \
    "CREATE TABLE push_signs(monitor TEXT PRIMARY KEY, at INTEGER NOT NULL,"                       \
    " well INTEGER NOT NULL) WITHOUT ROWID;"
