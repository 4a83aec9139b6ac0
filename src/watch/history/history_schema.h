// The tables of this folder in the status page's database, as a new one has them; what becomes of
// older ones is history/migrations.c.
//
// Rows are replaced in place and keep their size: a row's place is its component's number plus
// 16384 times the place of its time in a ring, so that what is written together stands together,
// and the file does not grow once the ring is full.
#pragma once

// Each change of a component's state (changes.h); sequence is the order in which they were told.
// A row that goes makes room for one that comes, so the file does not grow here either.
#define CHANGES_SCHEMA                                                                             \
    "CREATE TABLE state_changes(sequence INTEGER PRIMARY KEY, component TEXT NOT NULL,"            \
    " at INTEGER NOT NULL," /* ms; may lie a little before the last one's */                       \
    " was TEXT NOT NULL, became TEXT NOT NULL," /* component_state_word */                         \
    " reason TEXT NOT NULL, number INTEGER NOT NULL, cause TEXT NOT NULL);" /* an id, or empty */  \
    "CREATE INDEX state_changes_of ON state_changes(component);"

#define HISTORY_SCHEMA                                                                             \
    "CREATE TABLE chronicle_base(id INTEGER PRIMARY KEY CHECK(id = 1),"                            \
    " third INTEGER NOT NULL);" /* the first place of the ring of points */                        \
    "CREATE TABLE chronicle_component(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"        \
    " born INTEGER NOT NULL, seen INTEGER NOT NULL," /* days since 1970 */                         \
    " sequence INTEGER NOT NULL," /* of the last second that is contained in state and sums */     \
    " state BLOB NOT NULL);"                                                                       \
    "CREATE TABLE chronicle_day(place INTEGER PRIMARY KEY, day INTEGER NOT NULL,"                  \
    " sums BLOB NOT NULL);"                                                                        \
    "CREATE TABLE chronicle_points(place INTEGER PRIMARY KEY,"                                     \
    " third INTEGER NOT NULL," /* of a day, since 1970 */                                          \
    " points BLOB NOT NULL);"                                                                      \
    "CREATE TABLE chronicle_second(place INTEGER PRIMARY KEY, sequence INTEGER NOT NULL,"          \
    " at_ms INTEGER NOT NULL, started INTEGER NOT NULL, events BLOB NOT NULL);"                    \
    CHANGES_SCHEMA
