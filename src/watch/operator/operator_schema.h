// The tables of this folder in the status page's database, as a new one has them; what becomes of
// older ones is history/migrations.c.
#pragma once

// Who did what; known: whether it was an operator, or somebody who tried to be one.
#define OPERATOR_SCHEMA                                                                            \
    "CREATE TABLE audit("                                                                          \
    "number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, known INTEGER NOT NULL,"                  \
    "person TEXT NOT NULL, address TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL);"   \
    "CREATE INDEX audit_known ON audit(known);"
