// Opening, with everything said that SQLite would decide otherwise on one system or another.
#include "watch/history/connection.h"
#include "base/hash.h"
#include "watch/history/migrations.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LIMIT 4096
#define BUSY_MS 2000 // an operator's sqlite3 has it for a moment

enum error connection_error(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK: case SQLITE_ROW: case SQLITE_DONE: return ERROR_NONE;
    case SQLITE_NOMEM: return ERROR_MEMORY;
    case SQLITE_BUSY: case SQLITE_LOCKED: return ERROR_BUSY;
    case SQLITE_PERM: case SQLITE_READONLY: case SQLITE_AUTH: return ERROR_DENIED;
    case SQLITE_FULL: case SQLITE_TOOBIG: return ERROR_LIMIT;
    case SQLITE_NOTADB: case SQLITE_CORRUPT: case SQLITE_CONSTRAINT: case SQLITE_MISMATCH:
    case SQLITE_RANGE: return ERROR_INVALID;
    }
    return ERROR_SYSTEM;
}

enum error connection_say_why(const char *path, sqlite3 *sqlite, int code, struct text *why)
{
    enum error error = connection_error(code);
    if ((code & 0xff) == SQLITE_NOTADB)
        text_format(why, "%s is no database: give another path, or move it away", path);
    else if (error == ERROR_INVALID)
        text_format(why, "%s is damaged (%s): put a copy in its place, or move it away and a new "
            "one is made", path, sqlite3_errmsg(sqlite));
    else
        text_format(why, "cannot use %s: %s", path, sqlite3_errmsg(sqlite));
    return error == ERROR_LIMIT || error == ERROR_NONE ? ERROR_SYSTEM : error;
}

// A file beside the database, for flock on the database itself is one with SQLite's own locks on
// some file systems, and SQLite's exclusive mode would shut out an operator who wants to look.
static enum error take_lock(const char *path, struct text *why, int *ret_lock)
{
    char name[PATH_LIMIT];
    struct text text = text_in(name, sizeof(name) - 1);
    text_format(&text, "%s-lock", path);
    name[text.size] = '\0';
    if (text.full) {
        text_format(why, "the database's path is longer than %d bytes", PATH_LIMIT - 10);
        return ERROR_INVALID;
    }
    int lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0) {
        *ret_lock = lock;
        return ERROR_NONE;
    }
    int number = errno;
    if (lock >= 0)
        close(lock);
    if (lock >= 0 && number == EWOULDBLOCK) {
        text_format(why, "another process has the database %s: only one may", path);
        return ERROR_BUSY;
    }
    text_format(why, "cannot make %s: %s; its directory must be there and be writable", name,
        strerror(number));
    return number == EACCES || number == EPERM || number == EROFS ? ERROR_DENIED : ERROR_SYSTEM;
}

// Made here, for SQLite would let everybody read what has people's addresses in it.
static enum error make_file(const char *path, struct text *why, struct connection *connection)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
    int number = errno;
    struct stat status;
    if (file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode)) {
        connection->device = status.st_dev;
        connection->inode = status.st_ino;
        close(file);
        return ERROR_NONE;
    }
    if (file >= 0) {
        close(file);
        text_format(why, "%s is no file", path);
        return ERROR_INVALID;
    }
    text_format(why, "cannot open %s: %s", path, strerror(number));
    return number == EACCES || number == EPERM || number == EROFS ? ERROR_DENIED : ERROR_SYSTEM;
}

// synchronous FULL: each commit, one a second at most, is on the disk before anybody is told. A
// killed process would lose no more with NORMAL, but a power failure would: all since the last
// checkpoint, minutes of it, among them mails that were sent.
// secure_delete FAST: what is forgotten (hashes, addresses) is overwritten where that costs no
// further page. Free pages are used again; nothing is ever moved to make the file smaller.
static int configure_writer(sqlite3 *sqlite)
{
    char text[512];
    struct text sql = text_in(text, sizeof(text) - 1);
    text_format(&sql, "PRAGMA page_size=%d;PRAGMA auto_vacuum=NONE;PRAGMA journal_mode=WAL;"
        "PRAGMA synchronous=FULL;PRAGMA secure_delete=FAST;PRAGMA wal_autocheckpoint=1000;"
        "PRAGMA journal_size_limit=8388608;PRAGMA cache_size=-8192;PRAGMA foreign_keys=ON;"
        "PRAGMA trusted_schema=OFF;PRAGMA cell_size_check=ON;", CONNECTION_PAGE_SIZE);
    text[sql.size] = '\0';
    return sqlite3_exec(sqlite, text, NULL, NULL, NULL);
}

static enum error open_sqlite(const char *path, struct text *why, sqlite3 **ret_sqlite)
{
    sqlite3 *sqlite = NULL;
    int code = sqlite3_open_v2(path, &sqlite,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (code == SQLITE_OK) {
        sqlite3_busy_timeout(sqlite, BUSY_MS);
        // Before anything is set, which would change a file that is not ours.
        enum error error = migrations_check(sqlite, path, why);
        if (error == ERROR_NONE && (code = configure_writer(sqlite)) == SQLITE_OK)
            error = migrations_run(sqlite, path, why);
        if (error == ERROR_NONE && code == SQLITE_OK) {
            *ret_sqlite = sqlite;
            return ERROR_NONE;
        }
        if (code == SQLITE_OK) {
            sqlite3_close(sqlite);
            return error;
        }
    }
    enum error error = connection_say_why(path, sqlite, code, why);
    sqlite3_close(sqlite);
    return error;
}

enum error connection_open_writer(const char *path, struct text *why,
    struct connection *ret_connection)
{
    struct connection connection = {.lock = -1};
    enum error error = take_lock(path, why, &connection.lock);
    if (error != ERROR_NONE)
        return error;
    error = make_file(path, why, &connection);
    if (error == ERROR_NONE)
        error = open_sqlite(path, why, &connection.sqlite);
    if (error != ERROR_NONE) {
        close(connection.lock);
        return error;
    }
    *ret_connection = connection;
    return ERROR_NONE;
}

enum error connection_open_reader(const char *path, struct connection *ret_connection)
{
    struct connection connection = {.lock = -1};
    int code = sqlite3_open_v2(path, &connection.sqlite,
        SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (code != SQLITE_OK) {
        sqlite3_close(connection.sqlite);
        return connection_error(code);
    }
    sqlite3_busy_timeout(connection.sqlite, BUSY_MS);
    *ret_connection = connection;
    return ERROR_NONE;
}

void connection_shut(struct connection *connection)
{
    for (size_t i = 0; i < CONNECTION_STATEMENTS; i++)
        sqlite3_finalize(connection->statements[i].statement);
    if (connection->sqlite != NULL)
        sqlite3_close(connection->sqlite);
    if (connection->lock >= 0) // stays, with its name: who waits for it must not have another
        close(connection->lock);
    *connection = (struct connection){.lock = -1};
}

bool connection_is_current(const struct connection *connection, const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && status.st_dev == connection->device
        && status.st_ino == connection->inode;
}

sqlite3_stmt *connection_prepare(struct connection *connection, struct slice sql)
{
    uint64_t hash = hash_bytes(sql, 0);
    struct connection_statement *kept =
        &connection->statements[hash % ARRAY_SIZE(connection->statements)];
    if (kept->statement != NULL && kept->hash == hash
        && slice_equal(slice_from_string(sqlite3_sql(kept->statement)), sql)) {
        sqlite3_reset(kept->statement);
        sqlite3_clear_bindings(kept->statement);
        return kept->statement;
    }
    sqlite3_stmt *statement = NULL;
    if (sql.size > INT32_MAX || sqlite3_prepare_v3(connection->sqlite, sql.data, (int)sql.size,
            SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK)
        return NULL;
    sqlite3_finalize(kept->statement);
    *kept = (struct connection_statement){hash, statement};
    return statement;
}

enum error connection_read_values(const char *types, va_list arguments,
    struct connection_value ret_values[CONNECTION_PARAMETERS], size_t *ret_count)
{
    size_t count = strlen(types);
    if (count > CONNECTION_PARAMETERS)
        return ERROR_INVALID;
    for (size_t i = 0; i < count; i++) {
        ret_values[i] = (struct connection_value){.type = types[i]};
        switch (types[i]) {
        case 'i': ret_values[i].integer = va_arg(arguments, int64_t); break;
        case 'd': ret_values[i].real = va_arg(arguments, double); break;
        case 't': case 'b': ret_values[i].bytes = va_arg(arguments, struct slice); break;
        case 'n': break;
        default: return ERROR_INVALID;
        }
    }
    *ret_count = count;
    return ERROR_NONE;
}

static int bind_bytes(sqlite3_stmt *statement, int at, const struct connection_value *value)
{
    const char *data = value->bytes.data == NULL ? "" : value->bytes.data; // empty, not NULL
    if (value->type == 't')
        return sqlite3_bind_text64(statement, at, data, value->bytes.size, SQLITE_STATIC,
            SQLITE_UTF8);
    return sqlite3_bind_blob64(statement, at, data, value->bytes.size, SQLITE_STATIC);
}

enum error connection_bind(sqlite3_stmt *statement, const struct connection_value *values,
    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int at = (int)i + 1;
        int code = SQLITE_OK;
        switch (values[i].type) {
        case 'i': code = sqlite3_bind_int64(statement, at, values[i].integer); break;
        case 'd': code = sqlite3_bind_double(statement, at, values[i].real); break;
        case 't': case 'b': code = bind_bytes(statement, at, &values[i]); break;
        default: code = sqlite3_bind_null(statement, at); break;
        }
        if (code != SQLITE_OK)
            return connection_error(code);
    }
    return ERROR_NONE;
}
