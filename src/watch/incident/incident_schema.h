// The tables of this folder in the status page's database, as a new one has them; what becomes of
// older ones is history/migrations.c. Words in place of numbers, and components by their ids, one
// on each line: both outlive changes of the program and of the settings.
#pragma once

#include "watch/incident/window_schema.h"

#define INCIDENT_SCHEMA                                                                            \
    "CREATE TABLE incidents (id TEXT PRIMARY KEY, title TEXT NOT NULL, postmortem TEXT NOT NULL,"  \
    " state TEXT NOT NULL, impact TEXT NOT NULL, marks TEXT NOT NULL, reason TEXT NOT NULL,"       \
    " reason_number INTEGER NOT NULL, started_ms INTEGER NOT NULL, resolved_ms INTEGER NOT NULL,"  \
    " eta_ms INTEGER NOT NULL, failed_ms INTEGER NOT NULL, components TEXT NOT NULL)"              \
    " WITHOUT ROWID;"                                                                              \
    "CREATE INDEX incidents_started ON incidents (started_ms);"                                    \
    "CREATE TABLE incident_updates (incident TEXT NOT NULL, number INTEGER NOT NULL,"              \
    " state TEXT NOT NULL, at_ms INTEGER NOT NULL, text TEXT NOT NULL, author TEXT NOT NULL,"      \
    " PRIMARY KEY (incident, number)) WITHOUT ROWID;"                                              \
    "CREATE TABLE incident_dismissals (component TEXT PRIMARY KEY, impact TEXT NOT NULL)"          \
    " WITHOUT ROWID;" WINDOW_SCHEMA
