// The tables of this folder in the status page's database, as a new one has them; what becomes of
// older ones is history/migrations.c.
//
// Rows are replaced in place and keep their size: a row's place is its component's number plus
// 16384 times the place of its time in a ring, so that what is written together stands together,
// and the file does not grow once the ring is full.
#pragma once

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
    " at_ms INTEGER NOT NULL, started INTEGER NOT NULL, events BLOB NOT NULL);"
