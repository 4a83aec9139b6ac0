// One connection to the database's file, of the thread that writes or of those that read: how it is
// opened, statements that are kept, parameters. Not thread-safe.
#pragma once

#include "base/error.h"
#include "base/slice.h"
#include "base/text.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <sys/types.h>

#define CONNECTION_STATEMENTS 64 // kept; by their text
#define CONNECTION_PARAMETERS 32 // of a statement
// By measurement: rows of 800 bytes, five on a page, cost 6 % of room; a page of 16 KB would cost
// 2 %, but each second's commit writes whole pages, and a disk writes 4 KB as fast as less.
#define CONNECTION_PAGE_SIZE 4096

struct connection {
    sqlite3 *sqlite;
    struct connection_statement {
        uint64_t hash;
        sqlite3_stmt *statement; // NULL: free
    } statements[CONNECTION_STATEMENTS];
    int lock; // descriptor of PATH-lock, held by who writes; -1: of a reader
    dev_t device;
    ino_t inode;
};

struct connection_value {
    char type; // see database_execute
    union {
        int64_t integer;
        double real;
        struct slice bytes;
    };
};

// Makes the file when it is missing, locks it against other processes and brings it up to date.
// Errors are database_open's.
enum error connection_open_writer(const char *path, struct text *why,
    struct connection *ret_connection) MUST_CHECK;
enum error connection_open_reader(const char *path, struct connection *ret_connection) MUST_CHECK;
void connection_shut(struct connection *connection); // closed already: fine
// Still the file that has that name.
bool connection_is_current(const struct connection *connection, const char *path);

// Reset, without parameters; the connection's. NULL: the text is wrong, or there is no memory, as
// sqlite3_errmsg says.
sqlite3_stmt *connection_prepare(struct connection *connection, struct slice sql) MUST_CHECK;
// One for each letter of types, in types' order. INVALID: it has other letters, or too many.
enum error connection_read_values(const char *types, va_list arguments,
    struct connection_value ret_values[CONNECTION_PARAMETERS], size_t *ret_count) MUST_CHECK;
enum error connection_bind(sqlite3_stmt *statement, const struct connection_value *values,
    size_t count) MUST_CHECK;
enum error connection_error(int code); // of SQLite's
// The sentence for an operator whose database cannot be used.
enum error connection_say_why(const char *path, sqlite3 *sqlite, int code, struct text *why);
