// The tables of this folder in the status page's database, as a new one has them; what becomes of
// older ones is history/migrations.c.
//
// How many networks reported first in each minute, and nothing else of them: 60 numbers of an hour
// (since 1970), two bytes each, the lower one first. 0xFFFF is a minute of an alarm, which is not
// usual. The component '' says which minutes reports were taken in: 1.
#pragma once

#define REPORT_SCHEMA                                                                              \
    "CREATE TABLE report_hours("                                                                   \
    "component TEXT NOT NULL, hour INTEGER NOT NULL, minutes BLOB NOT NULL, "                      \
    "PRIMARY KEY(component, hour)) WITHOUT ROWID;"
