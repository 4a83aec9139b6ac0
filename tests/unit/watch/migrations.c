// Older files become today's, through every step from every version, or stay as they were.
#include "migrations_fixture.h"
#include "watch/history/migrations.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

// A history of four versions: a table gets a column, another is split, a third is filled.
static const char *const first = "CREATE TABLE person(name TEXT);";
static const char *const newest =
    "CREATE TABLE person(name TEXT, born INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE mark(person TEXT, mark TEXT);"
    "CREATE TABLE total(persons INTEGER);";
static const char *const steps[] = {
    "ALTER TABLE person ADD COLUMN born INTEGER NOT NULL DEFAULT 0;",
    "CREATE TABLE mark(person TEXT, mark TEXT); INSERT INTO mark SELECT name, 'old' FROM person;",
    "CREATE TABLE total(persons INTEGER); INSERT INTO total SELECT count(*) FROM person;",
};
static const struct migration_plan plan = {&newest, 1, steps, ARRAY_SIZE(steps)};

static char path[64], why_buffer[1024];
static struct text why;
static sqlite3 *sqlite;

static int begin(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/afloat-migrations.XXXXXX");
    int file = mkstemp(path);
    why = text_in(why_buffer, sizeof(why_buffer) - 1);
    return file < 0 || close(file) != 0 || sqlite3_open(path, &sqlite) != SQLITE_OK ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    char journal[96];
    sqlite3_close(sqlite);
    snprintf(journal, sizeof(journal), "%s-journal", path);
    (void)unlink(journal);
    return unlink(path);
}

static void execute(const char *sql)
{
    assert_int_equal(sqlite3_exec(sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
}

static int64_t number_of(const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

static void start_anew(void)
{
    sqlite3_close(sqlite);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
    why.size = 0;
}

// A file as that version left it, with somebody in it.
static void make_version(size_t version)
{
    char sql[128];
    start_anew();
    execute(first);
    execute("INSERT INTO person(name) VALUES('Ada'), ('Grace')");
    for (size_t i = 0; i + 1 < version; i++)
        execute(steps[i]);
    snprintf(sql, sizeof(sql), "PRAGMA application_id=%d; PRAGMA user_version=%zu",
        MIGRATIONS_APPLICATION, version);
    execute(sql);
}

static enum error bring_up(const struct migration_plan *by)
{
    enum error error = migrations_check_by(by, sqlite, path, &why);
    if (error == ERROR_NONE)
        error = migrations_run_by(by, sqlite, path, &why);
    why_buffer[why.size] = '\0';
    return error;
}

static void test_every_version_becomes_todays(void **state)
{
    (void)state;
    for (size_t version = 1; version <= ARRAY_SIZE(steps) + 1; version++) {
        make_version(version);
        assert_int_equal(bring_up(&plan), ERROR_NONE);
        assert_int_equal(number_of("PRAGMA user_version"), ARRAY_SIZE(steps) + 1);
        assert_int_equal(number_of("SELECT count(*) FROM person WHERE born = 0"), 2);
        assert_int_equal(number_of("SELECT count(*) FROM mark WHERE mark = 'old'"), 2);
        assert_int_equal(number_of("SELECT persons FROM total"), 2);
        assert_int_equal(bring_up(&plan), ERROR_NONE); // nothing to do any more
    }
}

static void test_a_new_file_is_todays_at_once(void **state)
{
    (void)state;
    assert_int_equal(bring_up(&plan), ERROR_NONE);
    assert_int_equal(number_of("PRAGMA user_version"), ARRAY_SIZE(steps) + 1);
    assert_int_equal(number_of("PRAGMA application_id"), MIGRATIONS_APPLICATION);
    assert_int_equal(number_of("SELECT count(*) FROM mark"), 0);
}

static void test_a_step_that_fails_leaves_all_as_it_was(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "ALTER TABLE person ADD COLUMN born INTEGER NOT NULL DEFAULT 0;",
        "CREATE TABLE half(x); INSERT INTO nowhere VALUES(1);",
    };
    static const struct migration_plan bad_plan = {&newest, 1, bad, ARRAY_SIZE(bad)};
    make_version(1);
    assert_int_equal(bring_up(&bad_plan), ERROR_SYSTEM);
    assert_non_null(strstr(why_buffer, "no such table: nowhere"));
    assert_non_null(strstr(why_buffer, "from version 1"));
    assert_int_equal(number_of("PRAGMA user_version"), 1);
    assert_int_equal(number_of("SELECT count(*) FROM sqlite_schema"), 1);
    assert_int_equal(bring_up(&plan), ERROR_NONE); // and a better program can
}

static void test_what_is_not_ours_is_refused_untouched(void **state)
{
    (void)state;
    make_version(4);
    execute("PRAGMA user_version=5");
    assert_int_equal(bring_up(&plan), ERROR_INVALID);
    assert_non_null(strstr(why_buffer, "later version"));
    assert_non_null(strstr(why_buffer, "version 5"));
    execute("PRAGMA user_version=0");
    assert_int_equal(bring_up(&plan), ERROR_INVALID);
    execute("PRAGMA user_version=-1");
    assert_int_equal(bring_up(&plan), ERROR_INVALID);
    execute("PRAGMA user_version=1; PRAGMA application_id=77");
    why.size = 0;
    assert_int_equal(bring_up(&plan), ERROR_INVALID);
    assert_non_null(strstr(why_buffer, "another program"));
    assert_int_equal(number_of("PRAGMA user_version"), 1);
}

// The process dies within the second of the steps, after the first has changed the file.
static void test_a_kill_in_between_leaves_all_as_it_was(void **state)
{
    (void)state;
    static const char *const slow[] = {
        "ALTER TABLE person ADD COLUMN born INTEGER NOT NULL DEFAULT 0;"
        "CREATE TABLE big(x);"
        "INSERT INTO big WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 100000000) SELECT randomblob(400) FROM n;",
    };
    static const struct migration_plan slow_plan = {&newest, 1, slow, ARRAY_SIZE(slow)};
    make_version(1);
    for (int round = 0; round < 5; round++) {
        sqlite3_close(sqlite);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            if (sqlite3_open(path, &sqlite) != SQLITE_OK)
                _exit(1);
            execute("PRAGMA cache_size=10"); // it spills to the file soon
            (void)bring_up(&slow_plan);
            _exit(1);
        }
        usleep(100000);
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
        assert_int_equal(number_of("PRAGMA user_version"), 1);
        assert_int_equal(number_of("SELECT count(*) FROM sqlite_schema"), 1);
        assert_int_equal(number_of("SELECT count(*) FROM pragma_integrity_check "
            "WHERE integrity_check <> 'ok'"), 0);
    }
    assert_int_equal(bring_up(&plan), ERROR_NONE);
}

static void test_the_products_own_tables(void **state)
{
    (void)state;
    assert_int_equal(migrations_check(sqlite, path, &why), ERROR_NONE);
    assert_int_equal(migrations_run(sqlite, path, &why), ERROR_NONE);
    assert_true(number_of("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'chronicle%'") >= 5);
    assert_int_equal(number_of("PRAGMA user_version"), (int64_t)migrations_plan.step_count + 1);
    assert_int_equal(migrations_check(sqlite, path, &why), ERROR_NONE);
    assert_int_equal(migrations_run(sqlite, path, &why), ERROR_NONE);
}

// --- The product's earlier versions ---

static const struct {
    const char *tables, *rows;
} versions[] = {{version_1, rows_of_version_1}};

static void text_of(const char *sql, char *buffer, size_t size)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int length = snprintf(buffer, size, "%s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    assert_true(length > 0 && (size_t)length < size);
}

// All columns of all tables, and the indexes: what the file is like, however it came to be so.
static void read_shape(char *columns, char *indexes, size_t size)
{
    text_of("SELECT group_concat(t.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\""
        " || c.pk || ' ' || coalesce(c.dflt_value, ''), ';') FROM (SELECT name FROM sqlite_schema"
        " WHERE type = 'table' ORDER BY name) t JOIN pragma_table_xinfo(t.name) c", columns, size);
    text_of("SELECT group_concat(name || ' ' || coalesce(sql, ''), ';') FROM (SELECT name, sql FROM"
        " sqlite_schema WHERE type = 'index' ORDER BY name)", indexes, size);
}

static void make_product_version(size_t version)
{
    char sql[128];
    start_anew();
    execute(versions[version - 1].tables);
    execute(versions[version - 1].rows);
    snprintf(sql, sizeof(sql), "PRAGMA application_id=%d; PRAGMA user_version=%zu",
        MIGRATIONS_APPLICATION, version);
    execute(sql);
}

static void test_every_version_of_the_product_becomes_todays(void **state)
{
    (void)state;
    static char columns[16384], indexes[16384], new_columns[16384], new_indexes[16384];
    assert_int_equal(ARRAY_SIZE(versions), migrations_plan.step_count); // one for each
    assert_int_equal(migrations_run(sqlite, path, &why), ERROR_NONE);
    read_shape(new_columns, new_indexes, sizeof(new_columns));
    for (size_t version = 1; version <= ARRAY_SIZE(versions); version++) {
        make_product_version(version);
        assert_int_equal(bring_up(&migrations_plan), ERROR_NONE);
        assert_int_equal(number_of("PRAGMA user_version"),
            (int64_t)migrations_plan.step_count + 1);
        read_shape(columns, indexes, sizeof(columns));
        assert_string_equal(columns, new_columns);
        assert_string_equal(indexes, new_indexes);
        assert_int_equal(number_of("SELECT count(*) FROM subscribers"), 2);
        assert_int_equal(number_of("SELECT bounces FROM subscribers WHERE address = "
            "'ada@example.org' AND components = 'shop.example' AND language = 'en'"), 1);
        assert_int_equal(number_of("SELECT number FROM chronicle_component WHERE id = "
            "'shop.example' AND state = x'00'"), 0);
        assert_int_equal(number_of("SELECT count(*) FROM incidents, incident_updates, windows, "
            "chronicle_base, chronicle_day, chronicle_points, chronicle_second, "
            "delivery_notices, delivery_told, delivery_messages, deliveries, audit, "
            "report_hours"), 1);
        assert_int_equal(number_of("SELECT count(*) FROM pragma_integrity_check "
            "WHERE integrity_check <> 'ok'"), 0);
        assert_int_equal(bring_up(&migrations_plan), ERROR_NONE); // nothing to do any more
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(every_version_becomes_todays),
        TEST(a_new_file_is_todays_at_once),
        TEST(a_step_that_fails_leaves_all_as_it_was),
        TEST(what_is_not_ours_is_refused_untouched),
        TEST(a_kill_in_between_leaves_all_as_it_was),
        TEST(the_products_own_tables),
        TEST(every_version_of_the_product_becomes_todays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
#undef TEST
}
