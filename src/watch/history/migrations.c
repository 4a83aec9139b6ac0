// The steps, and how they are taken. What was released is never changed: a step is added.
#include "watch/history/migrations.h"
#include "watch/history/connection.h"
#include "watch/history/history_schema.h"
#include "watch/incident/incident_schema.h"
#include "watch/notify/notify_schema.h"
#include "watch/operator/operator_schema.h"
#include "watch/probe/push_schema.h"
#include "watch/report/report_schema.h"

static const char *const schemas[] = {
    HISTORY_SCHEMA,
    INCIDENT_SCHEMA,
    NOTIFY_SCHEMA,
    OPERATOR_SCHEMA,
    PUSH_SCHEMA,
    REPORT_SCHEMA,
};

static const char *const steps[] = {
    // 2: changes of states one by one; the last signs of life; what an operator says is over while
    // it fails on; the language that a subscriber reads, who until now had English alone.
    "CREATE TABLE state_changes(sequence INTEGER PRIMARY KEY, component TEXT NOT NULL,"
    " at INTEGER NOT NULL, was TEXT NOT NULL, became TEXT NOT NULL, reason TEXT NOT NULL,"
    " number INTEGER NOT NULL, cause TEXT NOT NULL);"
    "CREATE INDEX state_changes_of ON state_changes(component);"
    "CREATE TABLE push_signs(monitor TEXT PRIMARY KEY, at INTEGER NOT NULL,"
    " well INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE incident_dismissals (component TEXT PRIMARY KEY, impact TEXT NOT NULL)"
    " WITHOUT ROWID;"
    "ALTER TABLE subscribers ADD COLUMN language TEXT NOT NULL DEFAULT 'en';",
};

const struct migration_plan migrations_plan = {
    .schemas = schemas,
    .schema_count = ARRAY_SIZE(schemas),
    .steps = steps,
    .step_count = ARRAY_SIZE(steps),
};

static int read_number(sqlite3 *sqlite, const char *sql, int64_t *ret_number)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        *ret_number = sqlite3_column_int64(statement, 0);
        code = SQLITE_OK;
    }
    int end = sqlite3_finalize(statement);
    return code == SQLITE_OK ? end : code;
}

struct identity {
    int64_t application, version, tables;
};

static int read_identity(sqlite3 *sqlite, struct identity *ret_identity)
{
    int code = read_number(sqlite, "PRAGMA application_id", &ret_identity->application);
    if (code == SQLITE_OK)
        code = read_number(sqlite, "PRAGMA user_version", &ret_identity->version);
    if (code == SQLITE_OK)
        code = read_number(sqlite, "SELECT count(*) FROM sqlite_schema", &ret_identity->tables);
    return code;
}

static bool is_new(const struct identity *identity)
{
    return identity->application == 0 && identity->version == 0 && identity->tables == 0;
}

enum error migrations_check_by(const struct migration_plan *plan, sqlite3 *sqlite,
    const char *path, struct text *why)
{
    struct identity identity = {0};
    int code = read_identity(sqlite, &identity);
    if (code != SQLITE_OK)
        return connection_say_why(path, sqlite, code, why);
    int64_t newest = (int64_t)plan->step_count + 1;
    if (is_new(&identity) || (identity.application == MIGRATIONS_APPLICATION
            && identity.version >= 1 && identity.version <= newest))
        return ERROR_NONE;
    if (identity.application == MIGRATIONS_APPLICATION && identity.version > newest)
        text_format(why, "%s is of a later version of afloat (its tables are version %lld, this "
            "one knows up to %lld): run that one, or give another path", path,
            (long long)identity.version, (long long)newest);
    else
        text_format(why, "%s is another program's database: give another path", path);
    return ERROR_INVALID;
}

static int make_new(const struct migration_plan *plan, sqlite3 *sqlite)
{
    int code = SQLITE_OK;
    for (size_t i = 0; i < plan->schema_count && code == SQLITE_OK; i++)
        code = sqlite3_exec(sqlite, plan->schemas[i], NULL, NULL, NULL);
    return code;
}

static int bring_up(const struct migration_plan *plan, sqlite3 *sqlite,
    const struct identity *identity)
{
    int code = SQLITE_OK;
    if (is_new(identity))
        code = make_new(plan, sqlite);
    else
        for (size_t i = (size_t)identity->version - 1; i < plan->step_count && code == SQLITE_OK;
             i++)
            code = sqlite3_exec(sqlite, plan->steps[i], NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return code;
    char sql[128];
    struct text text = text_in(sql, sizeof(sql) - 1);
    text_format(&text, "PRAGMA application_id=%d;PRAGMA user_version=%zu;COMMIT;",
        MIGRATIONS_APPLICATION, plan->step_count + 1);
    sql[text.size] = '\0';
    return sqlite3_exec(sqlite, sql, NULL, NULL, NULL);
}

enum error migrations_run_by(const struct migration_plan *plan, sqlite3 *sqlite, const char *path,
    struct text *why)
{
    struct identity identity = {0};
    int code = read_identity(sqlite, &identity);
    if (code == SQLITE_OK && identity.application == MIGRATIONS_APPLICATION
        && identity.version == (int64_t)plan->step_count + 1)
        return ERROR_NONE;
    if (code == SQLITE_OK)
        code = sqlite3_exec(sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = bring_up(plan, sqlite, &identity);
    if (code == SQLITE_OK)
        return ERROR_NONE;
    char message[200];
    struct text kept = text_in(message, sizeof(message) - 1);
    text_append(&kept, slice_from_string(sqlite3_errmsg(sqlite)));
    if (!sqlite3_get_autocommit(sqlite))
        (void)sqlite3_exec(sqlite, "ROLLBACK", NULL, NULL, NULL);
    text_format(why, "%s cannot be brought up to date from version %lld: %.*s; it is as it was",
        path, (long long)identity.version, SLICE_ARGS(text_slice(&kept)));
    enum error error = connection_error(code);
    return error == ERROR_NONE || error == ERROR_LIMIT ? ERROR_SYSTEM : error;
}
