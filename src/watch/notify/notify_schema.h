// The tables of this folder in the status page's database, as a new one has them; what becomes of
// older ones is history/migrations.c.
#pragma once

// delivery_notices: what happened and is in no message yet; delivery_told: what was said last of
// each thing (digest.h); deliveries: who is still to get which message.
#define NOTIFY_SCHEMA                                                                              \
    "CREATE TABLE subscribers(address TEXT COLLATE NOCASE PRIMARY KEY, components TEXT NOT NULL, " \
    "since INTEGER NOT NULL, bounces INTEGER NOT NULL, language TEXT NOT NULL DEFAULT 'en') "      \
    "WITHOUT ROWID;"                                                                               \
    "CREATE TABLE delivery_notices(sequence INTEGER PRIMARY KEY, body TEXT NOT NULL);"             \
    "CREATE TABLE delivery_told(thing INTEGER PRIMARY KEY, said INTEGER NOT NULL, "                \
    "at INTEGER NOT NULL);"                                                                        \
    "CREATE TABLE delivery_messages(id TEXT PRIMARY KEY, at INTEGER NOT NULL, "                    \
    "body TEXT NOT NULL) WITHOUT ROWID;"                                                           \
    "CREATE TABLE deliveries(message TEXT NOT NULL, recipient TEXT NOT NULL, "                     \
    "kind INTEGER NOT NULL, tries INTEGER NOT NULL, due INTEGER NOT NULL, "                        \
    "PRIMARY KEY(message, recipient)) WITHOUT ROWID;"
