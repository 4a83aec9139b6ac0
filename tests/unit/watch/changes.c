// Each change of a state is kept: in order, for a bounded time and in bounded number, and what was
// written outlives a kill.
#include "base/log.h"
#include "watch/history/changes.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW INT64_C(1800000000000)
#define DAY INT64_C(86400000)
#define LONG_MS 60000

static char directory[64], path[96];
static struct database *database;
static struct arena arena;
static struct change *changes;
static size_t count;

static void open_database(void)
{
    char buffer[1024];
    struct text why = text_in(buffer, sizeof(buffer));
    if (database_open(path, &why, &database) != ERROR_NONE)
        fail_msg("%.*s", (int)why.size, why.data);
}

static int begin(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/afloat-changes.XXXXXX");
    if (mkdtemp(directory) == NULL || log_open("/dev/null", LOG_ERROR) != ERROR_NONE)
        return -1;
    snprintf(path, sizeof(path), "%s/status.db", directory);
    arena_init(&arena, 65536, (size_t)16 << 20);
    open_database();
    return 0;
}

static int end(void **state)
{
    (void)state;
    static const char *const suffixes[] = {"", "-wal", "-shm", "-lock"};
    database_close(database);
    arena_free(&arena);
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
    return rmdir(directory) == 0 && log_open(NULL, LOG_INFO) == ERROR_NONE ? 0 : -1;
}

static void add(const char *component, int64_t at_ms, uint32_t number)
{
    const struct change change = {.at_ms = at_ms, .from = COMPONENT_OPERATIONAL,
        .to = COMPONENT_DOWN, .reason = {REASON_STATUS, number}};
    changes_add(database, slice_from_string(component), &change);
}

static void settle(void)
{
    assert_int_equal(database_settle(database, LONG_MS), ERROR_NONE);
}

static void look(const char *component, int64_t now_ms, size_t most)
{
    settle();
    assert_int_equal(changes_read(database, slice_from_string(component), now_ms, most, &arena,
        &changes, &count), ERROR_NONE);
}

static enum error take_number(void *context, sqlite3_stmt *statement)
{
    *(int64_t *)context = sqlite3_column_int64(statement, 0);
    return ERROR_NONE;
}

static int64_t number_of(const char *sql)
{
    int64_t number = -1;
    settle();
    assert_int_equal(database_query(database, take_number, &number, sql, ""), ERROR_NONE);
    return number;
}

static void all_of_it_is_read_the_newest_first(void **state)
{
    (void)state;
    const struct change first = {.at_ms = NOW, .from = COMPONENT_UNKNOWN,
        .to = COMPONENT_OPERATIONAL};
    const struct change then = {.at_ms = NOW + 5, .from = COMPONENT_OPERATIONAL,
        .to = COMPONENT_PARTIAL, .reason = {REASON_EXPIRES, 3}, .cause = SLICE("db.example")};
    const struct change late = {.at_ms = NOW + 2, .from = COMPONENT_PARTIAL,
        .to = COMPONENT_MAINTENANCE}; // known later, though it began before
    changes_add(database, SLICE("a.example"), &first);
    changes_add(database, SLICE("a.example"), &then);
    changes_add(database, SLICE("a.example"), &late);
    add("b.example", NOW, 503);
    look("a.example", NOW, 10);
    assert_int_equal(count, 3);
    assert_int_equal(changes[0].to, COMPONENT_MAINTENANCE);
    assert_int_equal(changes[0].at_ms, NOW + 2);
    assert_int_equal(changes[1].from, COMPONENT_OPERATIONAL);
    assert_int_equal(changes[1].to, COMPONENT_PARTIAL);
    assert_int_equal(changes[1].reason.kind, REASON_EXPIRES);
    assert_int_equal(changes[1].reason.number, 3);
    assert_true(slice_equal(changes[1].cause, SLICE("db.example")));
    assert_int_equal(changes[2].from, COMPONENT_UNKNOWN);
    assert_int_equal(changes[2].cause.size, 0);
    look("a.example", NOW, 2);
    assert_int_equal(count, 2);
    assert_int_equal(changes[1].to, COMPONENT_PARTIAL);
    enum component_state last;
    assert_int_equal(changes_read_last(database, SLICE("a.example"), &last), ERROR_NONE);
    assert_int_equal(last, COMPONENT_MAINTENANCE);
    assert_int_equal(changes_read_last(database, SLICE("c.example"), &last), ERROR_NONE);
    assert_int_equal(last, COMPONENT_UNKNOWN);
}

static void a_component_that_flaps_keeps_the_newest(void **state)
{
    (void)state;
    add("b.example", NOW, 1);
    for (uint32_t i = 0; i < 2 * CHANGES_MAX + 7; i++)
        add("a.example", NOW + i, i);
    assert_int_equal(number_of("SELECT count(*) FROM state_changes WHERE component = 'a.example'"),
        CHANGES_MAX);
    look("a.example", NOW, 2 * CHANGES_MAX);
    assert_int_equal(count, CHANGES_MAX);
    assert_int_equal(changes[0].reason.number, 2 * CHANGES_MAX + 6);
    assert_int_equal(changes[count - 1].reason.number, CHANGES_MAX + 7);
    look("b.example", NOW, 10);
    assert_int_equal(count, 1);
}

static void what_is_too_old_goes_a_few_at_a_time(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 300; i++)
        add("a.example", NOW + i, i);
    add("a.example", NOW + DAY, 300);
    int64_t later = NOW + CHANGES_KEPT_MS + 1000;
    look("a.example", later, CHANGES_MAX); // not shown, though it is still there
    assert_int_equal(count, 1);
    assert_int_equal(number_of("SELECT count(*) FROM state_changes"), 301);
    changes_tidy(database, later);
    int64_t left = number_of("SELECT count(*) FROM state_changes");
    assert_true(left > 1 && left < 301);
    for (int i = 0; i < 3; i++)
        changes_tidy(database, later);
    assert_int_equal(number_of("SELECT count(*) FROM state_changes"), 1);
    assert_int_equal(number_of("SELECT number FROM state_changes"), 300);
}

static void a_full_ring_does_not_grow_the_file(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CHANGES_MAX + 100; i++)
        add("a.example", NOW + i, i);
    int64_t pages = number_of("PRAGMA page_count");
    for (uint32_t i = 0; i < 3 * CHANGES_MAX; i++)
        add("a.example", NOW + i, i);
    assert_true(number_of("PRAGMA page_count") <= pages + 4);
}

static void words_of_a_later_version_are_left_out(void **state)
{
    (void)state;
    add("a.example", NOW, 1);
    database_execute(database, "INSERT INTO state_changes(component, at, was, became, reason, "
        "number, cause) VALUES('a.example', ?, 'operational', 'on_fire', 'NONE', 0, '')", "i", NOW);
    database_execute(database, "INSERT INTO state_changes(component, at, was, became, reason, "
        "number, cause) VALUES('a.example', ?, 'operational', 'unknown', 'GHOSTS', 0, '')", "i",
        NOW);
    look("a.example", NOW, 10);
    assert_int_equal(count, 1);
    assert_int_equal(changes[0].reason.number, 1);
}

static void without_a_database_nothing_is_kept(void **state)
{
    (void)state;
    enum component_state last;
    const struct change change = {.at_ms = NOW};
    changes_add(NULL, SLICE("a.example"), &change);
    changes_tidy(NULL, NOW);
    assert_int_equal(changes_read_last(NULL, SLICE("a.example"), &last), ERROR_NONE);
    assert_int_equal(last, COMPONENT_UNKNOWN);
    assert_int_equal(changes_read(NULL, SLICE("a.example"), NOW, 1, &arena, &changes, &count),
        ERROR_NOT_FOUND);
}

// The child says how many are on the disk, goes on without waiting, and is killed.
static void what_was_written_outlives_a_kill(void **state)
{
    (void)state;
    int ends[2];
    uint32_t written = 0;
    database_close(database);
    database = NULL;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        open_database();
        for (uint32_t i = 1; i <= 30; i++)
            add("a.example", NOW + i, i);
        settle();
        written = 30;
        if (write(ends[1], &written, sizeof(written)) != (ssize_t)sizeof(written))
            _exit(1);
        for (uint32_t i = 31;; i++) {
            add("a.example", NOW + i, i);
            usleep(100);
        }
    }
    assert_int_equal(read(ends[0], &written, sizeof(written)), sizeof(written));
    usleep(50000);
    assert_int_equal(kill(child, SIGKILL), 0);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    close(ends[0]);
    close(ends[1]);
    open_database();
    look("a.example", NOW, CHANGES_MAX);
    assert_true(count >= MINIMUM(written, CHANGES_MAX));
    for (size_t i = 1; i < count; i++) // nothing in between is missing
        assert_int_equal(changes[i].reason.number, changes[i - 1].reason.number - 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(all_of_it_is_read_the_newest_first),
        CASE(a_component_that_flaps_keeps_the_newest),
        CASE(what_is_too_old_goes_a_few_at_a_time),
        CASE(a_full_ring_does_not_grow_the_file),
        CASE(words_of_a_later_version_are_left_out),
        CASE(without_a_database_nothing_is_kept),
        CASE(what_was_written_outlives_a_kill),
    };
    return cmocka_run_group_tests_name("watch.changes", tests, NULL, NULL);
}
