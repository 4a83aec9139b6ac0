// The database: what is written stays, also through a kill at any moment; what cannot be written is
// kept or counted, and nobody waits for it; other files and other processes are told from ours.
#include "watch/history/database.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "watch/history/connection.h"
#include "watch/history/migrations.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG_MS 60000 // nothing here waits so long where all is well

static char directory[64], path[96], why_buffer[1024];
static struct text why;

static const char *beside(const char *suffix)
{
    static char name[128];
    snprintf(name, sizeof(name), "%s%s", path, suffix);
    return name;
}

static void remove_files(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-lock", ".old"};
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
        (void)unlink(beside(suffixes[i]));
}

static int begin(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN); // as the product does
    snprintf(directory, sizeof(directory), "/tmp/afloat-database.XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/status.db", directory);
    why = text_in(why_buffer, sizeof(why_buffer));
    return log_open("/dev/null", LOG_ERROR) == ERROR_NONE ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    remove_files();
    return rmdir(directory);
}

static struct database *opened(void)
{
    struct database *database = NULL;
    enum error error = database_open(path, &why, &database);
    if (error != ERROR_NONE)
        print_error("%.*s\n", SLICE_ARGS(text_slice(&why)));
    assert_int_equal(error, ERROR_NONE);
    return database;
}

static void settle(struct database *database)
{
    assert_int_equal(database_settle(database, LONG_MS), ERROR_NONE);
}

static void make_table(struct database *database)
{
    database_execute(database, "CREATE TABLE IF NOT EXISTS test(number INTEGER PRIMARY KEY, "
        "text TEXT, bytes BLOB, real REAL)", "");
}

static enum error take_number(void *context, sqlite3_stmt *statement)
{
    *(int64_t *)context = sqlite3_column_int64(statement, 0);
    return ERROR_NONE;
}

static int64_t number_of(struct database *database, const char *sql)
{
    int64_t number = -1;
    assert_int_equal(database_query(database, take_number, &number, sql, ""), ERROR_NONE);
    return number;
}

static void insert(struct database *database, int64_t number)
{
    database_execute(database, "INSERT INTO test(number) VALUES(?1)", "i", number);
}

// A statement outside the product, on a file of any kind.
static void execute_on(const char *file, const char *sql)
{
    sqlite3 *sqlite;
    assert_int_equal(sqlite3_open(file, &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(sqlite);
}

static enum error take_all(void *context, sqlite3_stmt *statement)
{
    (void)context;
    assert_int_equal(sqlite3_column_int64(statement, 0), 7);
    assert_string_equal((const char *)sqlite3_column_text(statement, 1), "a\xc3\xa4");
    assert_int_equal(sqlite3_column_bytes(statement, 2), 3);
    assert_memory_equal(sqlite3_column_blob(statement, 2), "\0\1\2", 3);
    assert_true(sqlite3_column_double(statement, 3) == 0.5);
    assert_int_equal(sqlite3_column_type(statement, 4), SQLITE_NULL);
    assert_int_equal(sqlite3_column_type(statement, 5), SQLITE_TEXT); // empty is not nothing
    return ERROR_LIMIT;
}

static void test_what_is_written_is_read_again(void **state)
{
    (void)state;
    struct database *database = opened();
    make_table(database);
    database_execute(database, "INSERT INTO test VALUES(?,?,?,?)", "itbd", INT64_C(7),
        SLICE("a\xc3\xa4"), SLICE("\0\1\2"), 0.5);
    settle(database);
    assert_int_equal(database_query(database, take_all, NULL,
        "SELECT number, text, bytes, real, ?2, ?3 FROM test WHERE number=?1", "int", INT64_C(7),
        SLICE_EMPTY), ERROR_LIMIT); // what the row says, is said
    database_close(database);
    database = opened();
    assert_int_equal(number_of(database, "SELECT number FROM test"), 7);
    assert_true(database_is_well(database));
    assert_int_equal(database_lost(database), 0);
    database_close(database);
}

static void test_the_file_is_as_it_should_be(void **state)
{
    (void)state;
    struct database *database = opened();
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07, 0); // not for everybody
    assert_int_equal(number_of(database, "PRAGMA page_size"), CONNECTION_PAGE_SIZE);
    assert_int_equal(number_of(database, "PRAGMA auto_vacuum"), 0);
    assert_int_equal(number_of(database, "PRAGMA application_id"), MIGRATIONS_APPLICATION);
    assert_int_equal(number_of(database, "PRAGMA user_version"),
        (int64_t)migrations_plan.step_count + 1);
    assert_int_equal(number_of(database, "SELECT 'wal' = (SELECT journal_mode FROM "
        "pragma_journal_mode)"), 1);
    int64_t number;
    assert_int_equal(database_query(database, take_number, &number, "DELETE FROM test", ""),
        ERROR_SYSTEM); // there is no such table
    assert_int_equal(database_query(database, take_number, &number, "PRAGMA user_version=99", ""),
        ERROR_DENIED); // readers read
    database_close(database);
}

// Work of the tests' own.
struct probe {
    struct database_work work;
    int64_t number;
    enum error error; // run's
    struct outcome {
        unsigned runs, ends;
        enum error error;
    } *outcome;
};

static enum error probe_run(struct database_work *work, sqlite3 *sqlite)
{
    struct probe *probe = CONTAINER_OF(work, struct probe, work);
    char sql[128];
    snprintf(sql, sizeof(sql), "INSERT INTO test(number) VALUES(%lld)", (long long)probe->number);
    probe->outcome->runs++;
    int code = sqlite3_exec(sqlite, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? probe->error : connection_error(code);
}

static void probe_done(struct database_work *work, enum error error)
{
    struct probe *probe = CONTAINER_OF(work, struct probe, work);
    probe->outcome->ends++;
    probe->outcome->error = error;
    memory_free(probe);
}

static void post(struct database *database, int64_t number, enum error error,
    struct outcome *outcome)
{
    struct probe *probe = memory_alloc(sizeof(*probe));
    assert_non_null(probe);
    *probe = (struct probe){.work = {.run = probe_run, .done = probe_done}, .number = number,
        .error = error, .outcome = outcome};
    database_post(database, &probe->work);
}

static void test_a_failing_work_is_undone_alone(void **state)
{
    (void)state;
    struct database *database = opened();
    make_table(database);
    struct outcome outcomes[4] = {0};
    post(database, 1, ERROR_NONE, &outcomes[0]);
    post(database, 2, ERROR_CANCELLED, &outcomes[1]);
    post(database, 1, ERROR_NONE, &outcomes[2]); // is there already
    post(database, 3, ERROR_NONE, &outcomes[3]);
    insert(database, 3); // likewise, and said to nobody
    settle(database);
    assert_int_equal(outcomes[0].error, ERROR_NONE);
    assert_int_equal(outcomes[1].error, ERROR_CANCELLED);
    assert_int_equal(outcomes[2].error, ERROR_INVALID);
    assert_int_equal(outcomes[3].error, ERROR_NONE);
    for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++)
        assert_int_equal(outcomes[i].ends, 1);
    assert_int_equal(number_of(database, "SELECT sum(number) FROM test"), 4);
    assert_int_equal(database_lost(database), 1);
    assert_true(database_is_well(database));
    database_close(database);
}

static void test_wrong_statements_are_counted(void **state)
{
    (void)state;
    struct database *database = opened();
    uint64_t epoch = database_epoch(database);
    database_execute(database, "NONSENSE", "");
    database_execute(database, "SELECT ?1", "ii", INT64_C(1), INT64_C(2)); // one too many
    settle(database);
    assert_int_equal(database_lost(database), 2);
    assert_int_equal(database_epoch(database), epoch); // writing it again would not help
    database_execute(database, "SELECT 1", "x");
    database_execute(database, "SELECT 1", "iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii");
    settle(database);
    assert_int_equal(database_lost(database), 4);
    assert_true(database_epoch(database) > epoch);
    assert_true(database_is_well(database));
    assert_int_equal(database_query(database, take_number, NULL, "SELECT 1", "x"), ERROR_INVALID);
    database_close(database);
}

static void test_no_database_is_no_error(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    post(NULL, 1, ERROR_NONE, &outcome);
    assert_int_equal(outcome.error, ERROR_NOT_FOUND);
    assert_int_equal(outcome.ends, 1);
    database_execute(NULL, "SELECT 1", "");
    assert_int_equal(database_query(NULL, take_number, NULL, "SELECT 1", ""), ERROR_NOT_FOUND);
    assert_int_equal(database_settle(NULL, 0), ERROR_NOT_FOUND);
    assert_false(database_is_well(NULL));
    assert_int_equal(database_lost(NULL), 0);
    assert_int_equal(database_epoch(NULL), 0);
    database_close(NULL);
}

static void test_closing_writes_what_is_queued(void **state)
{
    (void)state;
    struct database *database = opened();
    make_table(database);
    for (int64_t i = 0; i < 20000; i++)
        insert(database, i);
    database_close(database);
    database = opened();
    assert_int_equal(number_of(database, "SELECT count(*) FROM test"), 20000);
    database_close(database);
}

static void test_without_memory_it_is_counted(void **state)
{
    (void)state;
    struct database *database = opened();
    memory_fail_after(1);
    database_execute(database, "SELECT ?1 + 1", "i", INT64_C(1));
    database_execute(database, "SELECT ?1 + 1", "i", INT64_C(1));
    memory_fail_after(0);
    settle(database);
    assert_int_equal(database_lost(database), 1);
    database_close(database);
}

static int of_foreign_file(const char *sql, const char *expected)
{
    execute_on(path, sql);
    struct database *database;
    why.size = 0;
    assert_int_equal(database_open(path, &why, &database), ERROR_INVALID);
    why_buffer[why.size] = '\0';
    assert_non_null(strstr(why_buffer, expected));
    assert_non_null(strstr(why_buffer, path));
    remove_files();
    return 0;
}

static void test_other_files_are_refused(void **state)
{
    (void)state;
    of_foreign_file("CREATE TABLE cookies(name)", "another program's");
    of_foreign_file("PRAGMA application_id=5", "another program's");
    of_foreign_file("PRAGMA user_version=1", "another program's");
    of_foreign_file("PRAGMA application_id=1634102383; PRAGMA user_version=4000",
        "of a later version");
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(write(file, "<html>\n", 7), 7);
    close(file);
    struct database *database;
    why.size = 0;
    assert_int_equal(database_open(path, &why, &database), ERROR_INVALID);
    why_buffer[why.size] = '\0';
    assert_non_null(strstr(why_buffer, "is no database"));
    struct stat status; // untouched
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 7000);
    remove_files();
}

static void test_a_damaged_file_is_refused(void **state)
{
    (void)state;
    struct database *database = opened();
    make_table(database);
    database_close(database);
    int file = open(path, O_WRONLY);
    for (int i = 100; i < CONNECTION_PAGE_SIZE; i += 8) // the table of tables
        assert_int_equal(pwrite(file, "garbage!", 8, i), 8);
    close(file);
    why.size = 0;
    assert_int_equal(database_open(path, &why, &database), ERROR_INVALID);
    why_buffer[why.size] = '\0';
    assert_non_null(strstr(why_buffer, "damaged"));
}

static void test_paths_that_cannot_be(void **state)
{
    (void)state;
    struct database *database;
    assert_int_equal(database_open("", &why, &database), ERROR_INVALID);
    static char longest[8192];
    memset(longest, 'a', sizeof(longest) - 1);
    assert_int_equal(database_open(longest, &why, &database), ERROR_INVALID);
    longest[4090] = '\0';
    assert_int_equal(database_open(longest, &why, &database), ERROR_INVALID);
    why.size = 0;
    assert_int_equal(database_open("/nowhere/at/all.db", &why, &database), ERROR_SYSTEM);
    why_buffer[why.size] = '\0';
    assert_non_null(strstr(why_buffer, "directory must be there"));
    snprintf(longest, sizeof(longest), "%s/folder", directory);
    assert_int_equal(mkdir(longest, 0700), 0);
    assert_int_not_equal(database_open(longest, &why, &database), ERROR_NONE);
    assert_int_equal(rmdir(longest), 0);
    snprintf(longest, sizeof(longest), "%s/folder-lock", directory);
    assert_int_equal(unlink(longest), 0);
}

static void test_a_second_process_is_refused(void **state)
{
    (void)state;
    struct database *database = opened(), *second;
    why.size = 0;
    assert_int_equal(database_open(path, &why, &second), ERROR_BUSY);
    why_buffer[why.size] = '\0';
    assert_non_null(strstr(why_buffer, "another process"));
    make_table(database); // the first is as it was
    settle(database);
    execute_on(path, "SELECT count(*) FROM test"); // an operator may look
    database_close(database);
    database_close(opened());
}

static void test_an_operator_who_writes_only_delays(void **state)
{
    (void)state;
    struct database *database = opened();
    make_table(database);
    settle(database);
    sqlite3 *sqlite;
    assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct outcome outcome = {0};
    post(database, 1, ERROR_NONE, &outcome);
    assert_int_equal(database_settle(database, LONG_MS), ERROR_BUSY);
    assert_false(database_is_well(database));
    assert_int_equal(outcome.ends, 0);
    assert_int_equal(sqlite3_exec(sqlite, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(sqlite);
    settle(database);
    assert_int_equal(outcome.ends, 1);
    assert_int_equal(outcome.error, ERROR_NONE);
    assert_true(database_is_well(database));
    assert_int_equal(database_lost(database), 0);
    database_close(database);
}

static void limit_files(rlim_t size)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_a_full_disk_delays_and_nothing_is_lost(void **state)
{
    (void)state;
    struct database *database = opened();
    make_table(database);
    settle(database);
    limit_files(300000);
    static char large[65536];
    for (int64_t i = 0; i < 20; i++)
        database_execute(database, "INSERT INTO test(number, bytes) VALUES(?1, ?2)", "ib", i,
            slice_of(large, sizeof(large)));
    enum error error = database_settle(database, LONG_MS);
    bool was_well = database_is_well(database);
    insert(database, 100);
    limit_files(RLIM_INFINITY);
    assert_int_not_equal(error, ERROR_NONE);
    assert_int_not_equal(error, ERROR_TIMEOUT);
    assert_false(was_well);
    settle(database);
    assert_true(database_is_well(database));
    assert_int_equal(database_lost(database), 0);
    assert_int_equal(number_of(database, "SELECT count(*) FROM test"), 21);
    database_close(database);
}

static void test_the_queue_is_bounded(void **state)
{
    (void)state;
    struct database *database = opened();
    make_table(database);
    settle(database);
    sqlite3 *sqlite; // nothing can be written
    assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    insert(database, -1);
    assert_int_equal(database_settle(database, LONG_MS), ERROR_BUSY);
    uint64_t lost = 0;
    int64_t number = 0;
    while (lost < 10 && number < 3 * DATABASE_QUEUE_MAX) {
        insert(database, number++);
        lost = database_lost(database);
    }
    assert_int_equal(lost, 10);
    assert_true(number >= DATABASE_QUEUE_MAX);
    assert_int_equal(sqlite3_exec(sqlite, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(sqlite);
    while (database_settle(database, LONG_MS) == ERROR_BUSY) {
    }
    assert_true(database_is_well(database));
    assert_int_equal(number_of(database, "SELECT count(*) FROM test"), number + 1 - 10);
    database_close(database);
}

static void test_a_file_that_was_taken_away_is_made_anew(void **state)
{
    (void)state;
    struct database *database = opened();
    make_table(database);
    insert(database, 1);
    settle(database);
    uint64_t epoch = database_epoch(database);
    remove_files();
    database_execute(database, "CREATE TABLE again(number)", "");
    settle(database);
    assert_true(database_epoch(database) > epoch);
    assert_int_equal(number_of(database, "SELECT count(*) FROM again"), 0);
    assert_int_equal(access(path, F_OK), 0);
    database_close(database);
}

static void test_a_directory_that_was_taken_away_is_waited_for(void **state)
{
    (void)state;
    struct database *database = opened();
    make_table(database);
    settle(database);
    uint64_t epoch = database_epoch(database);
    remove_files();
    assert_int_equal(rmdir(directory), 0);
    struct outcome outcome = {0};
    make_table(database);
    post(database, 1, ERROR_NONE, &outcome);
    assert_int_equal(database_settle(database, LONG_MS), ERROR_SYSTEM);
    assert_false(database_is_well(database));
    assert_int_equal(mkdir(directory, 0700), 0);
    settle(database);
    assert_true(database_is_well(database));
    assert_int_equal(outcome.error, ERROR_NONE);
    assert_true(database_epoch(database) > epoch);
    assert_int_equal(number_of(database, "SELECT count(*) FROM test"), 1);
    database_close(database);
}

static void test_closing_over_a_dead_disk_ends(void **state)
{
    (void)state;
    struct database *database = opened();
    make_table(database);
    settle(database);
    remove_files();
    assert_int_equal(rmdir(directory), 0);
    struct outcome outcome = {0};
    post(database, 1, ERROR_NONE, &outcome);
    database_close(database);
    assert_int_equal(outcome.ends, 1);
    assert_int_equal(outcome.error, ERROR_SYSTEM);
    assert_int_equal(mkdir(directory, 0700), 0);
}

// What the child says of each number once it is told that it is on the disk.
struct acknowledgement {
    uint64_t number, waited_ms;
};

struct numbered_work {
    struct database_work work;
    int pipe_end;
    uint64_t number, queued_ms;
};

static enum error numbered_run(struct database_work *work, sqlite3 *sqlite)
{
    (void)work;
    return connection_error(sqlite3_exec(sqlite,
        "INSERT INTO test(number) SELECT ifnull(max(number), 0) + 1 FROM test", NULL, NULL, NULL));
}

static void numbered_done(struct database_work *work, enum error error)
{
    struct numbered_work *mine = CONTAINER_OF(work, struct numbered_work, work);
    struct acknowledgement said = {mine->number, clock_now_ms() - mine->queued_ms};
    if (error != ERROR_NONE || write(mine->pipe_end, &said, sizeof(said)) != sizeof(said))
        _exit(1);
    memory_free(mine);
}

NO_RETURN static void child_main(int pipe_end)
{
    struct database *database = opened();
    make_table(database);
    struct acknowledgement begun = {0};
    if (write(pipe_end, &begun, sizeof(begun)) != sizeof(begun))
        _exit(1);
    for (uint64_t i = 1;; i++) {
        struct numbered_work *work = memory_alloc(sizeof(*work));
        *work = (struct numbered_work){.work = {.run = numbered_run, .done = numbered_done},
            .pipe_end = pipe_end, .number = i, .queued_ms = clock_now_ms()};
        database_post(database, &work->work);
        usleep(1000);
    }
}

// A child that is killed after so long. Returns the last number that it knew to be safe.
static uint64_t kill_one(uint64_t after_us, bool once_safe, uint64_t *longest_ms)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        child_main(ends[1]);
    }
    close(ends[1]);
    struct acknowledgement said;
    assert_int_equal(read(ends[0], &said, sizeof(said)), sizeof(said)); // it is under way
    uint64_t safe = 0;
    if (once_safe) {
        assert_int_equal(read(ends[0], &said, sizeof(said)), sizeof(said));
        safe = said.number;
    }
    usleep((useconds_t)after_us);
    assert_int_equal(kill(child, SIGKILL), 0);
    while (read(ends[0], &said, sizeof(said)) == sizeof(said)) {
        assert_int_equal(said.number, safe + 1);
        safe = said.number;
        *longest_ms = MAXIMUM(*longest_ms, said.waited_ms);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    close(ends[0]);
    return safe;
}

static enum error take_text(void *context, sqlite3_stmt *statement)
{
    snprintf(context, 32, "%s", (const char *)sqlite3_column_text(statement, 0));
    return ERROR_NONE;
}

// A second is how long a number waits at most before it is safe; how long it took is printed, not
// asserted, for it depends on the machine.
static void test_a_kill_loses_the_last_second_and_nothing_else(void **state)
{
    (void)state;
    struct random random;
    random_seed(&random, 20261130);
    uint64_t before = 0, longest_ms = 0;
    for (int round = 0; round < 40; round++) {
        // Mostly at the beginning, where files are made; sometimes past a transaction or two.
        bool is_late = round % 8 == 7;
        uint64_t after_us = random_below(&random, is_late ? 2500000 : 30000);
        uint64_t safe = kill_one(after_us, is_late, &longest_ms);
        struct database *database = opened();
        make_table(database);
        settle(database);
        char text[32] = "";
        assert_int_equal(database_query(database, take_text, text, "PRAGMA integrity_check", ""),
            ERROR_NONE);
        assert_string_equal(text, "ok");
        uint64_t count = (uint64_t)number_of(database, "SELECT count(*) FROM test");
        assert_true(count >= before + safe);
        assert_int_equal(number_of(database, "SELECT ifnull(max(number), 0) FROM test"), count);
        before = count;
        database_close(database);
    }
    assert_true(before > 0);
    print_message("%llu numbers after 40 kills; the longest wait was %llu ms\n",
        (unsigned long long)before, (unsigned long long)longest_ms);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read_again),
        TEST(the_file_is_as_it_should_be),
        TEST(a_failing_work_is_undone_alone),
        TEST(wrong_statements_are_counted),
        TEST(no_database_is_no_error),
        TEST(closing_writes_what_is_queued),
        TEST(without_memory_it_is_counted),
        TEST(other_files_are_refused),
        TEST(a_damaged_file_is_refused),
        TEST(paths_that_cannot_be),
        TEST(a_second_process_is_refused),
        TEST(an_operator_who_writes_only_delays),
        TEST(a_full_disk_delays_and_nothing_is_lost),
        TEST(the_queue_is_bounded),
        TEST(a_file_that_was_taken_away_is_made_anew),
        TEST(a_directory_that_was_taken_away_is_waited_for),
        TEST(closing_over_a_dead_disk_ends),
        TEST(a_kill_loses_the_last_second_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
#undef TEST
}
