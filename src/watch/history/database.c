// Stub.
#include "watch/history/database.h"
#include "base/memory.h"

enum error database_open(const char *path, struct text *why, struct database **ret_database)
{
    (void)path, (void)why, (void)ret_database;
    return ERROR_SYSTEM;
}

void database_close(struct database *database)
{
    (void)database;
}

void database_post(struct database *database, struct database_work *work)
{
    (void)database;
    if (work->done != NULL)
        work->done(work, ERROR_NOT_FOUND);
    else
        memory_free(work);
}

void database_execute(struct database *database, const char *sql, const char *types, ...)
{
    (void)database, (void)sql, (void)types;
}

enum error database_query(struct database *database, enum error (*row)(void *context,
    sqlite3_stmt *statement), void *context, const char *sql, const char *types, ...)
{
    (void)database, (void)row, (void)context, (void)sql, (void)types;
    return ERROR_NONE;
}

enum error database_settle(struct database *database, uint64_t timeout_ms)
{
    (void)database, (void)timeout_ms;
    return ERROR_NONE;
}

bool database_is_well(struct database *database)
{
    return database != NULL;
}

uint64_t database_lost(struct database *database)
{
    (void)database;
    return 0;
}
