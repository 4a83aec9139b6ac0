// From the tables of any earlier version to today's. The version is in the file (user_version), as
// is that it is ours (application_id). A new file gets today's tables at once: the X_SCHEMA texts
// of all rooms; an older one goes through the steps one after the other, all in one transaction:
// a crash in between leaves the file as it was.
#pragma once

#include "base/error.h"
#include "base/text.h"

#include <sqlite3.h>

#define MIGRATIONS_APPLICATION 0x61666c6f // "aflo"

struct migration_plan {
    const char *const *schemas; // of a new file
    size_t schema_count;
    const char *const *steps;   // steps[n] makes version n + 2 of version n + 1
    size_t step_count;
};
extern const struct migration_plan migrations_plan; // the product's

// Changes nothing. INVALID: it is another program's, or a later version's; why says so. A file that
// is no database at all is found out too.
enum error migrations_check_by(const struct migration_plan *plan, sqlite3 *sqlite,
    const char *path, struct text *why) MUST_CHECK;
enum error migrations_run_by(const struct migration_plan *plan, sqlite3 *sqlite, const char *path,
    struct text *why) MUST_CHECK;

static inline enum error migrations_check(sqlite3 *sqlite, const char *path, struct text *why)
{
    return migrations_check_by(&migrations_plan, sqlite, path, why);
}

static inline enum error migrations_run(sqlite3 *sqlite, const char *path, struct text *why)
{
    return migrations_run_by(&migrations_plan, sqlite, path, why);
}
