// The queue, the thread that writes what is in it, and reading beside it. Files and statements are
// connection.c's.
#include "watch/history/database.h"
#include "base/clock.h"
#include "base/invariant.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "io/running.h"
#include "watch/history/connection.h"

#include <stdatomic.h>
#include <time.h>

#define PATH_MAX_SIZE 4096
#define COMMIT_MS 1000     // between two transactions
#define BATCH_MAX 8192     // pieces of work in one
#define BATCH_SOON 4096    // queued: it is written before its time
#define ATTEMPTS_REOPEN 10 // that failed; then the file is opened anew

struct database {
    char path[PATH_MAX_SIZE];
    struct lock lock; // the queue, and what is counted of it
    pthread_cond_t wake, written;
    struct list queue;
    size_t queued;
    uint64_t posted, finished; // pieces of work, ever
    uint64_t failures;         // transactions that could not be written, ever
    enum error failure;        // of the last of them
    bool hurry, closing;
    _Atomic bool is_well;
    _Atomic uint64_t lost, opened;
    _Atomic uint64_t dropped; // of lost, what never came to the disk; the rest was refused there
    pthread_t thread;
    // The writing thread's own:
    struct connection writer; // sqlite NULL: not open just now
    unsigned failed_in_row;
    uint64_t tried_ms;
    char why[512];
    // The readers':
    struct lock read_lock;
    struct connection reader;
    uint64_t reader_opened; // what opened was then
};

// One statement, for database_execute.
struct statement_work {
    struct database_work work;
    struct database *database;
    struct slice sql;
    size_t count;
    struct connection_value values[];
};

static void finish(struct database_work *work, enum error error)
{
    if (work->done != NULL)
        work->done(work, error);
    else
        memory_free(work);
}

static void finish_all(struct list *batch)
{
    LIST_FOREACH(link, batch) {
        list_remove(link);
        struct database_work *work = LIST_ENTRY(link, struct database_work, link);
        finish(work, work->error);
    }
}

static int run_sql(struct database *database, struct slice sql)
{
    sqlite3_stmt *statement = connection_prepare(&database->writer, sql);
    if (statement == NULL)
        return sqlite3_extended_errcode(database->writer.sqlite);
    int code = sqlite3_step(statement);
    int end = sqlite3_reset(statement);
    return code == SQLITE_DONE ? SQLITE_OK : end;
}

static enum error run_statement(struct database_work *work, sqlite3 *sqlite)
{
    struct statement_work *mine = CONTAINER_OF(work, struct statement_work, work);
    sqlite3_stmt *statement = connection_prepare(&mine->database->writer, mine->sql);
    enum error error = statement == NULL ? connection_error(sqlite3_errcode(sqlite))
                                         : connection_bind(statement, mine->values, mine->count);
    if (error == ERROR_NONE) {
        int code = SQLITE_ROW;
        while (code == SQLITE_ROW) // RETURNING is no error
            code = sqlite3_step(statement);
        error = connection_error(code);
    }
    if (error != ERROR_NONE) {
        mine->database->lost++;
        log_write(LOG_ERROR, "watch", "a statement cannot be executed sql=\"%.*s\" error=\"%s\"",
            (int)MINIMUM(mine->sql.size, 200), mine->sql.data, sqlite3_errmsg(sqlite));
    }
    if (statement != NULL) {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    }
    return error;
}

// It is the disk, or who else uses it: the whole transaction has failed, not this work.
static bool is_of_all(sqlite3 *sqlite)
{
    switch (sqlite3_errcode(sqlite) & 0xff) {
    case SQLITE_FULL: case SQLITE_IOERR: case SQLITE_READONLY: case SQLITE_CANTOPEN:
    case SQLITE_NOMEM: case SQLITE_BUSY: case SQLITE_PROTOCOL:
        return true;
    }
    return sqlite3_get_autocommit(sqlite) != 0; // SQLite has given it up by itself
}

// SQLITE_OK: it is in the transaction, or undone alone, as its error says.
static int run_work(struct database *database, struct database_work *work)
{
    sqlite3 *sqlite = database->writer.sqlite;
    if (work->run == run_statement) { // one statement is undone by SQLite itself
        work->error = run_statement(work, sqlite);
        return work->error != ERROR_NONE && is_of_all(sqlite) ? sqlite3_errcode(sqlite)
                                                              : SQLITE_OK;
    }
    int code = run_sql(database, SLICE("SAVEPOINT work"));
    if (code != SQLITE_OK)
        return code;
    work->error = work->run(work, sqlite);
    if (work->error != ERROR_NONE) {
        if (is_of_all(sqlite))
            return sqlite3_errcode(sqlite);
        code = run_sql(database, SLICE("ROLLBACK TO work"));
    }
    return code == SQLITE_OK ? run_sql(database, SLICE("RELEASE work")) : code;
}

static int write_transaction(struct database *database, struct list *batch)
{
    int code = run_sql(database, SLICE("BEGIN IMMEDIATE"));
    if (code != SQLITE_OK)
        return code;
    LIST_FOREACH(link, batch) {
        code = run_work(database, LIST_ENTRY(link, struct database_work, link));
        if (code != SQLITE_OK)
            break;
    }
    if (code == SQLITE_OK)
        code = run_sql(database, SLICE("COMMIT"));
    return code;
}

// The file may have been removed, or another put in its place, under our feet: nobody would find
// what is written to the old one.
static enum error open_if_needed(struct database *database)
{
    struct text why = text_in(database->why, sizeof(database->why) - 1);
    if (database->writer.sqlite != NULL
        && !connection_is_current(&database->writer, database->path)) {
        log_write(LOG_WARNING, "watch", "the database was taken away path=%s", database->path);
        connection_shut(&database->writer);
    } else if (database->failed_in_row % ATTEMPTS_REOPEN == ATTEMPTS_REOPEN - 1) {
        connection_shut(&database->writer);
    }
    if (database->writer.sqlite != NULL)
        return ERROR_NONE;
    enum error error = connection_open_writer(database->path, &why, &database->writer);
    database->why[why.size] = '\0';
    if (error == ERROR_NONE)
        database->opened++;
    return error;
}

static enum error write_batch(struct database *database, struct list *batch)
{
    enum error error = open_if_needed(database);
    if (error != ERROR_NONE)
        return error;
    int code = write_transaction(database, batch);
    if (code == SQLITE_OK)
        return ERROR_NONE;
    sqlite3 *sqlite = database->writer.sqlite;
    struct text why = text_in(database->why, sizeof(database->why) - 1);
    text_append(&why, slice_from_string(sqlite3_errstr(code)));
    database->why[why.size] = '\0';
    if (!sqlite3_get_autocommit(sqlite))
        (void)run_sql(database, SLICE("ROLLBACK"));
    error = connection_error(code);
    return error == ERROR_NONE ? ERROR_SYSTEM : error;
}

static void note_success(struct database *database)
{
    if (!database->is_well)
        log_write(LOG_WARNING, "watch", "the database can be written again path=%s lost=%llu",
            database->path, (unsigned long long)database->lost);
    database->failed_in_row = 0;
    database->is_well = true;
}

static void note_failure(struct database *database)
{
    database->failed_in_row++;
    if (database->is_well)
        log_write(LOG_ERROR, "watch", "the database cannot be written, all goes on in memory "
            "path=%s error=\"%s\"", database->path, database->why);
    database->is_well = false;
}

static void wait_until(struct database *database, pthread_cond_t *condition, uint64_t ms)
{
    struct timespec end = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)pthread_cond_timedwait(condition, &database->lock.mutex, &end);
}

// Until there is a transaction's worth of work. False: it is over, and all is written.
static bool wait_for_work(struct database *database)
{
    while (!database->closing) {
        uint64_t due_ms = database->tried_ms + COMMIT_MS;
        bool is_soon = database->hurry || (database->is_well && database->queued >= BATCH_SOON);
        if (database->queued == 0) {
            database->hurry = false;
            pthread_cond_wait(&database->wake, &database->lock.mutex);
        } else if (is_soon || clock_now_ms() >= due_ms) {
            return true;
        } else {
            wait_until(database, &database->wake, due_ms);
        }
    }
    return database->queued > 0;
}

static size_t take_batch(struct database *database, struct list *batch)
{
    size_t count = 0;
    while (count < BATCH_MAX && !list_is_empty(&database->queue)) {
        struct list *link = database->queue.next;
        list_remove(link);
        list_append(batch, link);
        count++;
    }
    database->queued -= count;
    return count;
}

// What could not be written goes back, before what came since; at the end there is no later.
static void return_batch(struct database *database, struct list *batch, size_t count,
    enum error error)
{
    database->failures++;
    database->failure = error;
    database->hurry = false;
    if (!database->closing) {
        list_move_all(batch, &database->queue);
        list_move_all(&database->queue, batch);
        database->queued += count;
        return;
    }
    LIST_FOREACH(link, batch)
        LIST_ENTRY(link, struct database_work, link)->error = error;
    database->lost += count;
    database->finished += count;
}

static void *write_main(void *argument)
{
    struct database *database = argument;
    lock_acquire(&database->lock);
    while (wait_for_work(database)) {
        struct list batch;
        list_init(&batch);
        size_t count = take_batch(database, &batch);
        lock_release(&database->lock);
        enum error error = write_batch(database, &batch);
        if (error == ERROR_NONE) {
            note_success(database);
            finish_all(&batch);
        } else {
            note_failure(database);
        }
        lock_acquire(&database->lock);
        database->tried_ms = clock_now_ms();
        if (error == ERROR_NONE)
            database->finished += count;
        else
            return_batch(database, &batch, count, error);
        pthread_cond_broadcast(&database->written);
        if (!list_is_empty(&batch)) {
            lock_release(&database->lock);
            finish_all(&batch);
            lock_acquire(&database->lock);
        }
    }
    lock_release(&database->lock);
    return NULL;
}

static void condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void dispose(struct database *database)
{
    connection_shut(&database->reader);
    connection_shut(&database->writer);
    pthread_cond_destroy(&database->wake);
    pthread_cond_destroy(&database->written);
    lock_destroy(&database->lock);
    lock_destroy(&database->read_lock);
    memory_free(database);
}

enum error database_open(const char *path, struct text *why, struct database **ret_database)
{
    size_t size = strlen(path);
    if (size == 0 || size >= PATH_MAX_SIZE) {
        text_format(why, "the database's path must have 1 to %d bytes", PATH_MAX_SIZE - 1);
        return ERROR_INVALID;
    }
    struct database *database = memory_zero_alloc(sizeof(*database));
    if (database == NULL)
        return ERROR_MEMORY;
    memcpy(database->path, path, size + 1);
    lock_init(&database->lock);
    lock_init(&database->read_lock);
    condition_init(&database->wake);
    condition_init(&database->written);
    list_init(&database->queue);
    database->writer.lock = database->reader.lock = -1;
    database->is_well = true;
    database->opened = 1;
    enum error error = connection_open_writer(path, why, &database->writer);
    if (error == ERROR_NONE) {
        error = thread_start(&database->thread, "watch-database", write_main, database);
        if (error != ERROR_NONE)
            text_format(why, "no thread for the database: %s", error_text(error));
    }
    if (error != ERROR_NONE) {
        dispose(database);
        return error;
    }
    *ret_database = database;
    return ERROR_NONE;
}

void database_close(struct database *database)
{
    if (database == NULL)
        return;
    lock_acquire(&database->lock);
    database->closing = true;
    pthread_cond_signal(&database->wake);
    lock_release(&database->lock);
    pthread_join(database->thread, NULL);
    dispose(database);
}

void database_post(struct database *database, struct database_work *work)
{
    if (database == NULL) {
        finish(work, ERROR_NOT_FOUND);
        return;
    }
    lock_acquire(&database->lock);
    bool fits = database->queued < DATABASE_QUEUE_MAX;
    if (fits) {
        work->error = ERROR_NONE;
        list_append(&database->queue, &work->link);
        database->posted++;
        database->queued++;
        if (database->queued == 1 || database->queued == BATCH_SOON)
            pthread_cond_signal(&database->wake);
    }
    lock_release(&database->lock);
    if (!fits) {
        database->lost++;
        database->dropped++;
        finish(work, ERROR_LIMIT);
    }
}

sqlite3_stmt *database_prepare(struct database *database, const char *sql)
{
    return connection_prepare(&database->writer, slice_from_string(sql));
}

static size_t bytes_of(const struct connection_value *value)
{
    return value->type == 't' || value->type == 'b' ? value->bytes.size : 0;
}

static struct slice copy_bytes(char **at, struct slice bytes)
{
    struct slice copy = slice_of(*at, bytes.size);
    if (bytes.size > 0)
        memcpy(*at, bytes.data, bytes.size);
    *at += bytes.size;
    return copy;
}

static struct statement_work *make_statement(struct database *database, struct slice sql,
    const struct connection_value *values, size_t count)
{
    size_t size = sizeof(struct statement_work) + count * sizeof(*values) + sql.size;
    for (size_t i = 0; i < count; i++)
        size += bytes_of(&values[i]);
    struct statement_work *work = memory_alloc(size);
    if (work == NULL)
        return NULL;
    *work = (struct statement_work){
        .work = {.run = run_statement}, .database = database, .count = count};
    char *at = (char *)(work->values + count);
    work->sql = copy_bytes(&at, sql);
    for (size_t i = 0; i < count; i++) {
        work->values[i] = values[i];
        if (values[i].type == 't' || values[i].type == 'b')
            work->values[i].bytes = copy_bytes(&at, values[i].bytes);
    }
    return work;
}

void database_execute(struct database *database, const char *sql, const char *types, ...)
{
    if (database == NULL)
        return;
    struct connection_value values[CONNECTION_PARAMETERS];
    size_t count = 0;
    va_list arguments;
    va_start(arguments, types);
    enum error error = connection_read_values(types, arguments, values, &count);
    va_end(arguments);
    struct statement_work *work = error != ERROR_NONE
        ? NULL
        : make_statement(database, slice_from_string(sql), values, count);
    if (work != NULL) {
        database_post(database, &work->work);
    } else {
        database->lost++;
        database->dropped++;
    }
}

// Opened at the first question, and again when the writer has had to.
static enum error open_reader(struct database *database)
{
    uint64_t opened = database->opened;
    if (database->reader.sqlite != NULL && database->reader_opened == opened)
        return ERROR_NONE;
    connection_shut(&database->reader);
    database->reader_opened = opened;
    return connection_open_reader(database->path, &database->reader);
}

static enum error read_rows(struct database *database, enum error (*row)(void *context,
    sqlite3_stmt *statement), void *context, struct slice sql,
    const struct connection_value *values, size_t count)
{
    sqlite3 *sqlite = database->reader.sqlite;
    sqlite3_stmt *statement = connection_prepare(&database->reader, sql);
    if (statement == NULL)
        return connection_error(sqlite3_errcode(sqlite));
    enum error error = connection_bind(statement, values, count);
    int code = SQLITE_ROW;
    while (error == ERROR_NONE && (code = sqlite3_step(statement)) == SQLITE_ROW)
        error = row(context, statement);
    if (error == ERROR_NONE)
        error = connection_error(code);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return error;
}

enum error database_query(struct database *database, enum error (*row)(void *context,
    sqlite3_stmt *statement), void *context, const char *sql, const char *types, ...)
{
    debug_invariant(loop_running() == NULL); // it waits
    if (database == NULL)
        return ERROR_NOT_FOUND;
    struct connection_value values[CONNECTION_PARAMETERS];
    size_t count = 0;
    va_list arguments;
    va_start(arguments, types);
    enum error error = connection_read_values(types, arguments, values, &count);
    va_end(arguments);
    if (error != ERROR_NONE)
        return error;
    lock_acquire(&database->read_lock);
    error = open_reader(database);
    if (error == ERROR_NONE)
        error = read_rows(database, row, context, slice_from_string(sql), values, count);
    lock_release(&database->read_lock);
    return error;
}

enum error database_settle(struct database *database, uint64_t timeout_ms)
{
    debug_invariant(loop_running() == NULL);
    if (database == NULL)
        return ERROR_NOT_FOUND;
    uint64_t end_ms = clock_now_ms() + timeout_ms;
    lock_acquire(&database->lock);
    uint64_t wanted = database->posted, failures = database->failures;
    while (database->finished < wanted && database->failures == failures
        && clock_now_ms() < end_ms) {
        database->hurry = true;
        pthread_cond_signal(&database->wake);
        wait_until(database, &database->written, end_ms);
    }
    enum error error = database->finished >= wanted ? ERROR_NONE
        : database->failures != failures            ? database->failure
                                                    : ERROR_TIMEOUT;
    lock_release(&database->lock);
    return error;
}

bool database_is_well(struct database *database)
{
    return database != NULL && database->is_well;
}

uint64_t database_lost(struct database *database)
{
    return database == NULL ? 0 : database->lost;
}

uint64_t database_epoch(struct database *database)
{
    return database == NULL ? 0 : database->opened + database->dropped;
}
