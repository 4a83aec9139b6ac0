// The windows' table in the status page's database, as a new one has it. components: ids with
// spaces between; none: all.
#pragma once

#define WINDOW_SCHEMA                                                                              \
    "CREATE TABLE windows (id TEXT PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL,"          \
    " begins TEXT NOT NULL, zone TEXT NOT NULL, rule TEXT NOT NULL, duration_ms INTEGER NOT NULL," \
    " components TEXT NOT NULL, announced_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
