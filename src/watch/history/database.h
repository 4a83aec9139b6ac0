// The status page's SQLite file: one thread writes, everybody else queues what is to be written.
// WAL (https://sqlite.org/wal.html), one transaction a second at most, so that a crash at any
// moment loses at most the last second and never corrupts. Opening it brings an older file up to
// date (migrations.c). Nothing here is for a loop's thread but database_post and database_execute,
// which only queue.
//
// When the disk fails, everything goes on in memory, and is written once the disk is back: what is
// queued is bounded, beyond that it is lost, counted, and database_is_well says so.
#pragma once

#include "base/error.h"
#include "base/list.h"
#include "base/slice.h"
#include "base/text.h"

#include <sqlite3.h>

#define DATABASE_QUEUE_MAX 65536 // pieces of work

struct database;

struct database_work {
    struct list link;
    enum error error; // the database's own, as link is
    // In the database's thread, inside a transaction with others; an error undoes this work alone.
    // Called again when that transaction could not be written.
    enum error (*run)(struct database_work *work, sqlite3 *sqlite);
    // Once it is on the disk, or has failed. Frees the work. NULL: memory_free does.
    void (*done)(struct database_work *work, enum error error);
};

// path: made if it is missing, its directory is not; beside it are PATH-wal, PATH-shm and
// PATH-lock, which keeps other processes from it (an operator may look with sqlite3). On failure
// why says what to do: BUSY, another process has it; INVALID, it is no database of ours, or of a
// later version; DENIED, SYSTEM.
enum error database_open(const char *path, struct text *why,
    struct database **ret_database) MUST_CHECK;
void database_close(struct database *database); // writes what is queued. NULL is fine

// For run alone: a statement that is kept for the next time, reset and without parameters; nobody
// finalizes it. NULL: as sqlite3_errcode says.
sqlite3_stmt *database_prepare(struct database *database, const char *sql) MUST_CHECK;

// Takes over the work, which is memory_alloc's; done is always called. Any thread. database may be
// NULL (there is none): done is called with NOT_FOUND, at once.
void database_post(struct database *database, struct database_work *work);
// Queues one statement. types has a letter for each parameter: i int64_t, d double, t struct slice
// as text, b struct slice as blob, n NULL (takes no argument). All is copied. What fails is logged,
// and counted as lost. database may be NULL.
void database_execute(struct database *database, const char *sql, const char *types, ...);

// Reads at once, on a connection for reading, one reader at a time; blocks. What is queued is not
// seen yet. row is called for each row and may return an error, which ends it.
enum error database_query(struct database *database, enum error (*row)(void *context,
    sqlite3_stmt *statement), void *context, const char *sql, const char *types, ...) MUST_CHECK;
// Waits until all that was queued before is on the disk. TIMEOUT, or what failed.
enum error database_settle(struct database *database, uint64_t timeout_ms) MUST_CHECK;

bool database_is_well(struct database *database); // the last transaction was written; NULL: false
uint64_t database_lost(struct database *database); // pieces of work
// Another number: something that was written may be missing (the queue was full, the file was taken
// away): who still knows it writes it anew.
uint64_t database_epoch(struct database *database);
