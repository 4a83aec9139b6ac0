// Signs of life outlive a restart: who died around it is missed, and who could not be heard
// meanwhile is not called dead.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/log.h"
#include "prober_fixture.h"
#include "watch/probe/prober_inside.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define BOOTED INT64_C(20000) // by the clock of the machine, which was started just before

static struct vote vote_at(const struct push *push, int64_t now_ms)
{
    return push_vote(push, DAY, 2 * HOUR, now_ms);
}

static struct push restored(bool is_well, int64_t age_ms)
{
    struct push push = {0};
    push_restore(&push, is_well, age_ms, DAY, 2 * HOUR, BOOTED);
    return push;
}

static void what_is_not_due_is_due_as_before(void **state)
{
    (void)state;
    struct push push = restored(true, 10 * HOUR);
    assert_int_equal(vote_at(&push, BOOTED).kind, VOTE_UP);
    assert_int_equal(vote_at(&push, BOOTED + 16 * HOUR).kind, VOTE_UP);
    assert_int_equal(vote_at(&push, BOOTED + 16 * HOUR + 1).kind, VOTE_DOWN); // 26 after the last
    assert_int_equal(vote_at(&push, BOOTED + 16 * HOUR + 1).reason.kind, REASON_LATE);
    push_see(&push, true, BOOTED + 17 * HOUR);
    assert_int_equal(vote_at(&push, BOOTED + 17 * HOUR).kind, VOTE_UP);
    push_see(&push, false, BOOTED + 18 * HOUR); // a sign did come, and of what
    assert_int_equal(vote_at(&push, BOOTED + 18 * HOUR).kind, VOTE_DOWN);
    assert_int_equal(vote_at(&push, BOOTED + 18 * HOUR).reason.kind, REASON_SAYS_FAILURE);
    assert_int_equal(vote_at(&push, BOOTED + 44 * HOUR + 1).reason.kind, REASON_LATE);
}

// It runs at two each night, and afloat is started again between half past one and half past two.
static void what_may_have_come_meanwhile_is_given_a_whole_interval(void **state)
{
    (void)state;
    static const int64_t ages[] = {22 * HOUR, DAY, 25 * HOUR, 26 * HOUR + 1, 70 * DAY};
    for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
        struct push push = restored(true, ages[i]);
        assert_int_equal(vote_at(&push, BOOTED).kind, VOTE_INCONCLUSIVE);
        assert_int_equal(vote_at(&push, BOOTED + 26 * HOUR).kind, VOTE_INCONCLUSIVE);
        assert_int_equal(vote_at(&push, BOOTED + 26 * HOUR + 1).kind, VOTE_DOWN);
        push_see(&push, true, BOOTED + 23 * HOUR);
        assert_int_equal(vote_at(&push, BOOTED + 26 * HOUR + 1).kind, VOTE_UP);
    }
    struct push push = restored(true, 22 * HOUR - 1); // it is never so early
    assert_int_equal(vote_at(&push, BOOTED).kind, VOTE_UP);
}

static void what_had_failed_may_be_well_by_now(void **state)
{
    (void)state;
    struct push push = restored(false, HOUR);
    assert_int_equal(vote_at(&push, BOOTED).kind, VOTE_INCONCLUSIVE);
    assert_int_equal(vote_at(&push, BOOTED + 26 * HOUR + 1).kind, VOTE_DOWN);
    push_see(&push, false, BOOTED + HOUR);
    assert_int_equal(vote_at(&push, BOOTED + HOUR).kind, VOTE_DOWN);
}

static void a_clock_that_was_set_back_harms_nobody(void **state)
{
    (void)state;
    struct push push = restored(true, -70 * DAY);
    assert_int_equal(vote_at(&push, BOOTED + 26 * HOUR).kind, VOTE_UP);
    assert_int_equal(vote_at(&push, BOOTED + 26 * HOUR + 1).kind, VOTE_DOWN);
}

static void one_sign_a_second_is_written(void **state)
{
    (void)state;
    struct push push = {0};
    assert_true(push_is_news(&push, true, 5000));
    push_see(&push, true, 5000);
    assert_false(push_is_news(&push, true, 5999));
    assert_true(push_is_news(&push, false, 5999)); // it says something else
    push_see(&push, false, 5999);
    assert_false(push_is_news(&push, false, 6000));
    assert_true(push_is_news(&push, false, 6999));
    push = restored(true, HOUR);
    assert_true(push_is_news(&push, true, BOOTED));
}

// --- On the disk ---

static char directory[64], path[96];
static struct database *database;

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
    memset(&settings, 0, sizeof(settings));
    snprintf(directory, sizeof(directory), "/tmp/afloat-push.XXXXXX");
    if (mkdtemp(directory) == NULL || log_open("/dev/null", LOG_ERROR) != ERROR_NONE)
        return -1;
    snprintf(path, sizeof(path), "%s/status.db", directory);
    open_database();
    return 0;
}

static int end(void **state)
{
    (void)state;
    static const char *const suffixes[] = {"", "-wal", "-shm", "-lock"};
    database_close(database);
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
    return rmdir(directory) == 0 && log_open(NULL, LOG_INFO) == ERROR_NONE ? 0 : -1;
}

static struct prober *create(struct monitor_settings *monitors, size_t count)
{
    struct prober *made = NULL;
    char message[256];
    struct text why = text_in(message, sizeof(message));
    settings.monitors = monitors;
    settings.monitor_count = count;
    settings.quorum.rounds = 1;
    settings.database = database;
    assert_int_equal(prober_create(&settings, (struct world *)(void *)&learned, &why, &made),
        ERROR_NONE);
    return made;
}

static void wait_push(struct monitor_settings monitors[3])
{
    static const char *const ids[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++) {
        monitors[i] = monitor_usual();
        monitors[i].id = slice_from_string(ids[i]);
        monitors[i].interval_ms = DAY;
        monitors[i].timeout_ms = 2 * HOUR;
    }
    monitors[0].push = SLICE("0123456789abcdef");
    monitors[1].push = SLICE("1123456789abcdef");
    monitors[2].push = SLICE("2123456789abcdef");
}

static struct vote vote_of(const struct prober *of, size_t number, int64_t later_ms)
{
    return push_vote(&of->watched[number].push, DAY, 2 * HOUR,
        (int64_t)clock_now_ms() + later_ms);
}

static void signs_are_read_back(void **state)
{
    (void)state;
    struct monitor_settings monitors[3];
    int64_t now_ms = clock_wall_ms();
    wait_push(monitors);
    struct prober *first = create(monitors, 3);
    assert_int_equal(vote_of(first, 0, 0).kind, VOTE_INCONCLUSIVE);
    assert_true(prober_push(first, monitors[0].push, true, now_ms - 10 * HOUR));
    assert_true(prober_push(first, monitors[0].push, true, now_ms)); // too soon to be written
    assert_true(prober_push(first, monitors[1].push, false, now_ms));
    prober_destroy(first);
    assert_int_equal(database_settle(database, PATIENCE_MS), ERROR_NONE);
    database_close(database);
    open_database();
    struct prober *next = create(monitors, 3);
    assert_int_equal(vote_of(next, 0, 0).kind, VOTE_UP);
    assert_int_equal(vote_of(next, 0, 15 * HOUR).kind, VOTE_UP);
    assert_int_equal(vote_of(next, 0, 17 * HOUR).kind, VOTE_DOWN);
    assert_int_equal(vote_of(next, 1, 0).kind, VOTE_INCONCLUSIVE);
    assert_int_equal(vote_of(next, 1, 27 * HOUR).kind, VOTE_DOWN);
    assert_int_equal(vote_of(next, 2, 27 * HOUR).kind, VOTE_INCONCLUSIVE); // never heard of
    // A reload knows better than the disk.
    assert_true(prober_push(next, monitors[1].push, true, now_ms));
    assert_int_equal(database_settle(database, PATIENCE_MS), ERROR_NONE);
    struct prober *reloaded = create(monitors, 3);
    prober_inherit(reloaded, next);
    assert_int_equal(vote_of(reloaded, 0, 17 * HOUR).kind, VOTE_DOWN);
    assert_int_equal(vote_of(reloaded, 1, 0).kind, VOTE_UP);
    assert_int_equal(vote_of(reloaded, 2, 0).kind, VOTE_INCONCLUSIVE);
    prober_destroy(reloaded);
    prober_destroy(next);
}

// Some visit still holds the settings of before.
static void what_comes_during_a_reload_is_not_lost(void **state)
{
    (void)state;
    struct monitor_settings monitors[3];
    int64_t now_ms = clock_wall_ms();
    wait_push(monitors);
    struct prober *old = create(monitors, 3), *next = create(monitors, 3);
    prober_inherit(next, old);
    assert_true(prober_push(old, monitors[0].push, true, now_ms));
    assert_true(prober_push(old, monitors[1].push, true, now_ms));
    push_see(&next->watched[1].push, false, (int64_t)clock_now_ms() + 1); // later
    prober_catch_up(next, old);
    assert_int_equal(vote_of(next, 0, 0).kind, VOTE_UP);
    assert_int_equal(vote_of(next, 1, 0).kind, VOTE_DOWN);
    assert_int_equal(vote_of(next, 2, 0).kind, VOTE_INCONCLUSIVE);
    prober_destroy(next);
    prober_destroy(old);
}

static enum error take_number(void *context, sqlite3_stmt *statement)
{
    *(int64_t *)context = sqlite3_column_int64(statement, 0);
    return ERROR_NONE;
}

static void signs_that_nobody_waits_for_go(void **state)
{
    (void)state;
    struct monitor_settings monitors[3];
    int64_t count = -1, now_ms = clock_wall_ms();
    wait_push(monitors);
    struct prober *first = create(monitors, 3);
    assert_true(prober_push(first, monitors[0].push, true, now_ms - 401 * DAY));
    assert_true(prober_push(first, monitors[1].push, true, now_ms - 399 * DAY));
    prober_destroy(first);
    assert_int_equal(database_settle(database, PATIENCE_MS), ERROR_NONE);
    struct prober *next = create(monitors, 3);
    assert_int_equal(vote_of(next, 0, 27 * HOUR).kind, VOTE_INCONCLUSIVE);
    assert_int_equal(vote_of(next, 1, 27 * HOUR).kind, VOTE_DOWN);
    prober_destroy(next);
    assert_int_equal(database_settle(database, PATIENCE_MS), ERROR_NONE);
    assert_int_equal(database_query(database, take_number, &count,
        "SELECT count(*) FROM push_signs", ""), ERROR_NONE);
    assert_int_equal(count, 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_due_is_due_as_before),
        cmocka_unit_test(what_may_have_come_meanwhile_is_given_a_whole_interval),
        cmocka_unit_test(what_had_failed_may_be_well_by_now),
        cmocka_unit_test(a_clock_that_was_set_back_harms_nobody),
        cmocka_unit_test(one_sign_a_second_is_written),
        cmocka_unit_test_setup_teardown(signs_are_read_back, begin, end),
        cmocka_unit_test_setup_teardown(what_comes_during_a_reload_is_not_lost, begin, end),
        cmocka_unit_test_setup_teardown(signs_that_nobody_waits_for_go, begin, end),
    };
    return cmocka_run_group_tests_name("watch.push", tests, NULL, NULL);
}
