// The chronicle: what was told is there again after a restart or a crash, dead time is unknown, the
// file does not grow for ever, and 90 days' uptime is the truth.
#include "watch/history/chronicle.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "watch/history/chronicle_store.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY ROLLUP_DAY_MS
#define MIDNIGHT (INT64_C(20700) * DAY)
#define NOON (MIDNIGHT + 12 * HOUR)
#define LONG_MS 120000

static char directory[64], path[128];
static struct database *database;
static struct chronicle *chronicle;
static struct uptime_day days[SNAPSHOT_DAYS];
static struct chronicle_point points[CHRONICLE_POINTS];

static void remove_files(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-lock"};
    char name[160];
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

static void open_database(void)
{
    char buffer[512];
    struct text why = text_in(buffer, sizeof(buffer));
    enum error error = database_open(path, &why, &database);
    if (error != ERROR_NONE)
        print_error("%.*s\n", SLICE_ARGS(text_slice(&why)));
    assert_int_equal(error, ERROR_NONE);
}

static int begin(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    snprintf(directory, sizeof(directory), "/tmp/afloat-chronicle.XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/status.db", directory);
    if (log_open("/dev/null", LOG_ERROR) != ERROR_NONE)
        return -1;
    open_database();
    return 0;
}

static int end(void **state)
{
    (void)state;
    chronicle_destroy(chronicle);
    chronicle = NULL;
    database_close(database);
    database = NULL;
    remove_files();
    return rmdir(directory);
}

static struct component_definition definitions[COMPONENTS_MAX];
static char names[COMPONENTS_MAX][16];

static void create(size_t count, int64_t now_ms)
{
    for (size_t i = 0; i < count; i++) {
        int size = snprintf(names[i], sizeof(names[i]), "site-%zu", i);
        definitions[i] = (struct component_definition){.id = slice_of(names[i], (size_t)size)};
    }
    assert_int_equal(chronicle_create(database, definitions, count, now_ms, &chronicle),
        ERROR_NONE);
}

static void settle(void)
{
    assert_int_equal(database_settle(database, LONG_MS), ERROR_NONE);
}

// As after an end of the process: regular, or at once with what is on the disk.
static void restart(size_t count, int64_t now_ms)
{
    chronicle_destroy(chronicle);
    database_close(database);
    open_database();
    create(count, now_ms);
}

static int64_t tick_until(int64_t now_ms, int64_t end_ms)
{
    for (; now_ms < end_ms; now_ms += SECOND)
        chronicle_tick(chronicle, now_ms);
    chronicle_tick(chronicle, end_ms);
    return end_ms;
}

static struct uptime_day *today(unsigned component, int64_t now_ms)
{
    chronicle_read_days(chronicle, component, now_ms, days);
    return &days[SNAPSHOT_DAYS - 1];
}

static void read_points(int64_t ms)
{
    settle();
    assert_int_equal(chronicle_read_points(database, SLICE("site-0"), rollup_day_of(ms), points),
        ERROR_NONE);
}

static struct chronicle_point point_at(int64_t ms)
{
    return points[rollup_ring(rollup_slot_of(ms), CHRONICLE_POINTS)];
}

static void test_all_is_there_after_a_restart(void **state)
{
    (void)state;
    create(2, NOON);
    assert_int_equal(chronicle_was_alive_ms(chronicle), 0);
    chronicle_track(chronicle, 0, TRACK_UP, NOON);
    chronicle_track(chronicle, 1, TRACK_UP, NOON);
    int64_t now = tick_until(NOON, NOON + 7 * MINUTE);
    chronicle_count(chronicle, 0, now, 100, 3);
    chronicle_respond(chronicle, 0, now, 2, 90, 60);
    chronicle_track(chronicle, 1, TRACK_DOWN, now - 20 * SECOND);
    now = tick_until(now, now + 10 * SECOND);
    restart(2, now + 2 * MINUTE);
    assert_int_equal(chronicle_was_alive_ms(chronicle), now);
    struct uptime_day *day = today(0, now + 2 * MINUTE);
    assert_int_equal(day->up_ms, 7 * MINUTE + 10 * SECOND);
    assert_int_equal(day->unknown_ms, 2 * MINUTE); // nobody looked
    assert_int_equal(day->down_ms, 0);
    assert_int_equal(day->requests, 100);
    assert_int_equal(day->failed, 3);
    assert_int_equal(chronicle_response_ms(chronicle, 0, now), 45);
    uint16_t recent[SNAPSHOT_RECENT];
    chronicle_read_recent(chronicle, 0, now, recent);
    assert_int_equal(recent[SNAPSHOT_RECENT - 1], 45);
    day = today(1, now + 2 * MINUTE);
    assert_int_equal(day->up_ms, 6 * MINUTE + 40 * SECOND);
    assert_int_equal(day->down_ms, 30 * SECOND);
}

// A restart every few minutes, in the midst of slots, with seconds that were written in whole and
// others that were not: nothing is counted twice or lost but the time between.
static void test_restarts_lose_nothing_but_their_time(void **state)
{
    (void)state;
    struct random random;
    random_seed(&random, 7);
    int64_t now = NOON, up_ms = 0, unknown_ms = 0;
    uint64_t requests = 0;
    create(3, now);
    for (int round = 0; round < 40; round++) {
        chronicle_track(chronicle, 1, TRACK_UP, now);
        int64_t end_ms = now + (1 + (int64_t)random_below(&random, 900)) * SECOND;
        up_ms += end_ms - now;
        for (; now < end_ms; now += SECOND) {
            chronicle_tick(chronicle, now);
            uint64_t count = random_below(&random, 5);
            chronicle_count(chronicle, 1, now, count, 0);
            requests += count;
        }
        chronicle_tick(chronicle, now);
        if (round % 3 == 0)
            settle();
        int64_t away_ms = (int64_t)random_below(&random, 200) * SECOND;
        now += away_ms;
        unknown_ms += away_ms;
        restart(3, now);
        // Whatever day they fell on.
        chronicle_read_days(chronicle, 1, now, days);
        struct uptime_day sum = {0};
        for (size_t i = 0; i < SNAPSHOT_DAYS; i++) {
            sum.up_ms += days[i].up_ms;
            sum.unknown_ms += days[i].unknown_ms;
            sum.down_ms += days[i].down_ms;
            sum.requests += days[i].requests;
        }
        assert_int_equal(sum.up_ms, up_ms);
        assert_int_equal(sum.unknown_ms, unknown_ms);
        assert_int_equal(sum.down_ms, 0);
        assert_int_equal(sum.requests, requests);
    }
}

static void copy_file(const char *suffix)
{
    char from[160], to[160];
    static char bytes[65536];
    snprintf(from, sizeof(from), "%.100s%.10s", path, suffix);
    snprintf(to, sizeof(to), "%.100s.crash%.10s", path, suffix);
    FILE *source = fopen(from, "rb"), *target = fopen(to, "wb");
    assert_non_null(source);
    assert_non_null(target);
    for (size_t size; (size = fread(bytes, 1, sizeof(bytes), source)) > 0;)
        assert_int_equal(fwrite(bytes, 1, size, target), size);
    fclose(source);
    assert_int_equal(fclose(target), 0);
}

// What is on the disk at some second, as a crash leaves it, is looked at beside what goes on.
static void look_after_crash(int64_t now_ms, const struct uptime_day *truth)
{
    struct database *living = database;
    struct chronicle *chronicler = chronicle;
    char living_path[sizeof(path)];
    memcpy(living_path, path, sizeof(path));
    settle();
    copy_file("");
    copy_file("-wal");
    snprintf(path, sizeof(path), "%.100s.crash", living_path);
    open_database();
    create(3, now_ms);
    for (unsigned i = 0; i < 3; i++)
        assert_memory_equal(today(i, now_ms), &truth[i], sizeof(*truth));
    chronicle_destroy(chronicle);
    database_close(database);
    remove_files();
    memcpy(path, living_path, sizeof(path));
    database = living;
    chronicle = chronicler;
}

// Within slots, between a slot's end and its writing, while some components are written and others
// are not, after changes that were told late: the same as was in memory.
static void test_a_crash_at_any_second_loses_nothing_before(void **state)
{
    (void)state;
    struct random random;
    random_seed(&random, 11);
    int64_t now = NOON;
    create(3, now);
    for (int round = 0; round < 60; round++) {
        int64_t end_ms = now + (int64_t)random_below(&random, 100) * SECOND;
        for (; now < end_ms; now += SECOND) {
            unsigned component = (unsigned)random_below(&random, 3);
            int64_t late_ms = (int64_t)random_below(&random, 30) * SECOND;
            if (random_chance(&random, 1, 20))
                chronicle_track(chronicle, component,
                    (enum chronicle_track)random_below(&random, 4), now - late_ms);
            chronicle_count(chronicle, component, now, 1 + random_below(&random, 9), 1);
            chronicle_respond(chronicle, component, now, 1, 30, 30);
            chronicle_tick(chronicle, now);
        }
        chronicle_tick(chronicle, now);
        struct uptime_day truth[3];
        for (unsigned i = 0; i < 3; i++)
            truth[i] = *today(i, now);
        look_after_crash(now, truth);
        if (round % 20 == 19) // a regular restart in between
            restart(3, now);
    }
}

// Short restarts and lost seconds are dead time too, when the seconds around them are played again.
static void test_what_is_missing_between_seconds_is_unknown(void **state)
{
    (void)state;
    create(3, NOON);
    for (unsigned i = 0; i < 3; i++)
        chronicle_track(chronicle, i, TRACK_UP, NOON);
    int64_t now = tick_until(NOON, NOON + 2 * MINUTE);
    restart(3, now + MINUTE); // and at once a crash: nothing but a second's row is written of it
    now += MINUTE;
    struct uptime_day truth[3];
    for (unsigned i = 0; i < 3; i++)
        truth[i] = *today(i, now);
    assert_int_equal(truth[0].unknown_ms, MINUTE);
    look_after_crash(now, truth);
    chronicle_track(chronicle, 0, TRACK_UP, now);
    now = tick_until(now, now + 2 * MINUTE);
    settle();
    database_execute(database, "DELETE FROM chronicle_second WHERE at_ms > ?1 AND at_ms < ?2",
        "ii", now - 30 * SECOND, now - 10 * SECOND);
    restart(3, now);
    struct uptime_day *day = today(0, now);
    assert_int_equal(day->up_ms, 2 * MINUTE + 90 * SECOND);
    assert_int_equal(day->unknown_ms, MINUTE + 30 * SECOND); // what it was told before, is lost too
}

static void test_points_are_on_the_disk(void **state)
{
    (void)state;
    create(1, NOON);
    chronicle_track(chronicle, 0, TRACK_UP, NOON);
    int64_t now = tick_until(NOON, NOON + 2 * MINUTE + 30 * SECOND);
    chronicle_track(chronicle, 0, TRACK_DOWN, now);
    chronicle_count(chronicle, 0, now, 4, 1);
    chronicle_respond(chronicle, 0, now, 1, 250, 250);
    now = tick_until(now, NOON + 5 * MINUTE + 10 * SECOND);
    // Told ten seconds late, over the end of a slot.
    chronicle_track(chronicle, 0, TRACK_UP, now - 20 * SECOND);
    now = tick_until(now, NOON + 7 * MINUTE);
    read_points(NOON);
    assert_int_equal(point_at(NOON).up, 5333);
    assert_int_equal(point_at(NOON).served, 7500);
    assert_int_equal(point_at(NOON).typical_ms, 250);
    assert_int_equal(point_at(NOON).slow_ms, 250);
    assert_int_equal(point_at(NOON - 5 * MINUTE).up, UINT16_MAX);
    assert_int_equal(chronicle_read_points(database, SLICE("site-0"), rollup_day_of(NOON) - 1,
        points), ERROR_NOT_FOUND);
    assert_int_equal(chronicle_read_points(database, SLICE("other"), rollup_day_of(NOON), points),
        ERROR_NOT_FOUND);
    assert_int_equal(chronicle_read_points(NULL, SLICE("site-0"), 0, points), ERROR_NOT_FOUND);
    tick_until(now, NOON + 13 * HOUR); // past midnight
    read_points(NOON + 11 * HOUR);
    assert_int_equal(point_at(NOON).up, 5333);
    assert_int_equal(point_at(NOON + 11 * HOUR + 59 * MINUTE).up, 10000);
    read_points(NOON + 12 * HOUR + MINUTE);
    assert_int_equal(point_at(NOON + 12 * HOUR).up, 10000);
}

static void test_components_are_known_by_their_ids(void **state)
{
    (void)state;
    create(3, NOON);
    chronicle_track(chronicle, 2, TRACK_DOWN, NOON);
    tick_until(NOON, NOON + MINUTE);
    chronicle_destroy(chronicle);
    // In another order, one of them gone and one new.
    struct component_definition other[] = {{.id = SLICE("site-2")}, {.id = SLICE("new")},
        {.id = SLICE("site-0")}};
    assert_int_equal(chronicle_create(database, other, 3, NOON + MINUTE, &chronicle), ERROR_NONE);
    assert_int_equal(today(0, NOON + MINUTE)->down_ms, MINUTE);
    assert_int_equal(today(1, NOON + MINUTE)->down_ms, 0);
    assert_int_equal(today(1, NOON + MINUTE)->unknown_ms, 0);
    assert_int_equal(today(2, NOON + MINUTE)->unknown_ms, MINUTE);
    tick_until(NOON + MINUTE, NOON + 2 * MINUTE);
    chronicle_destroy(chronicle);
    create(3, NOON + 3 * MINUTE); // and back: what it was in between, nobody knows
    assert_int_equal(today(1, NOON + 3 * MINUTE)->unknown_ms, 3 * MINUTE);
    assert_int_equal(today(2, NOON + 3 * MINUTE)->down_ms, MINUTE);
    assert_int_equal(today(2, NOON + 3 * MINUTE)->unknown_ms, 2 * MINUTE);
}

// A host name has up to 253 bytes (RFC 1035); these differ in the last one alone.
static void test_long_ids_are_whole(void **state)
{
    static char texts[2][253];
    struct component_definition two[2];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        memset(texts[i], 'a', sizeof(texts[i]));
        texts[i][252] = (char)('0' + i);
        two[i] = (struct component_definition){.id = slice_of(texts[i], sizeof(texts[i]))};
    }
    assert_int_equal(chronicle_create(database, two, 2, NOON, &chronicle), ERROR_NONE);
    chronicle_track(chronicle, 0, TRACK_UP, NOON);
    chronicle_track(chronicle, 1, TRACK_DOWN, NOON);
    int64_t now = tick_until(NOON, NOON + 7 * MINUTE);
    chronicle_destroy(chronicle);
    database_close(database);
    open_database();
    assert_int_equal(chronicle_create(database, two, 2, now, &chronicle), ERROR_NONE);
    assert_int_equal(today(0, now)->up_ms, 7 * MINUTE);
    assert_int_equal(today(1, now)->down_ms, 7 * MINUTE);
}

static void test_standing_still_is_unknown(void **state)
{
    (void)state;
    create(1, NOON);
    chronicle_track(chronicle, 0, TRACK_UP, NOON);
    int64_t now = tick_until(NOON, NOON + MINUTE);
    now += CHRONICLE_GAP_MS; // a slow machine
    chronicle_tick(chronicle, now);
    int64_t up_ms = now - NOON;
    assert_int_equal(today(0, now)->up_ms, up_ms);
    now += 10 * MINUTE; // it slept
    chronicle_tick(chronicle, now);
    assert_int_equal(today(0, now)->up_ms, up_ms);
    assert_int_equal(today(0, now)->unknown_ms, 10 * MINUTE);
    now += 10 * MINUTE; // it slept, and whoever looks is faster than the tick
    chronicle_track(chronicle, 0, TRACK_DOWN, now);
    chronicle_tick(chronicle, now);
    assert_int_equal(today(0, now)->up_ms, up_ms);
    assert_int_equal(today(0, now)->unknown_ms, 20 * MINUTE);
}

static void test_a_clock_set_back_goes_on(void **state)
{
    (void)state;
    create(1, NOON);
    chronicle_track(chronicle, 0, TRACK_UP, NOON);
    int64_t now = tick_until(NOON, NOON + HOUR);
    int64_t sequence = chronicle->sequence;
    now = tick_until(now - MINUTE, now); // a little: that minute was counted
    assert_true(chronicle->sequence >= sequence + 60); // and is written all the same
    assert_int_equal(today(0, now)->up_ms, HOUR);
    now = tick_until(now - 30 * MINUTE, now); // much: twice, and no day gets longer for it
    assert_int_equal(today(0, now)->up_ms, HOUR + 30 * MINUTE);
    chronicle_tick(chronicle, now + 3000 * DAY);
    chronicle_count(chronicle, 0, now + 3000 * DAY, 1, 1);
    tick_until(now + 3000 * DAY, now + 3000 * DAY + 7 * MINUTE);
    now = tick_until(now, now + 10 * MINUTE);
    assert_int_equal(today(0, now)->up_ms, HOUR + 40 * MINUTE);
    restart(1, now);
    assert_int_equal(today(0, now)->up_ms, HOUR + 40 * MINUTE);
    restart(1, now - HOUR); // the clock was set back in between
    chronicle_track(chronicle, 0, TRACK_UP, now - HOUR);
    tick_until(now - HOUR, now);
    assert_int_equal(today(0, now)->up_ms, 2 * HOUR + 40 * MINUTE);
}

static void test_nonsense_is_refused(void **state)
{
    (void)state;
    struct component_definition none = {0};
    assert_int_equal(chronicle_create(NULL, &none, COMPONENTS_MAX + 1, NOON, &chronicle),
        ERROR_LIMIT);
    create(1, NOON);
    chronicle_track(chronicle, 1, TRACK_UP, NOON);
    chronicle_count(chronicle, COMPONENT_NONE, NOON, 1, 1);
    chronicle_respond(chronicle, 1, NOON, 1, 1, 1);
    chronicle_count(chronicle, 0, NOON, 0, 5);
    chronicle_respond(chronicle, 0, NOON, 0, 5, 5);
    chronicle_count(chronicle, 0, NOON, 5, 9);
    chronicle_tick(chronicle, NOON + SECOND);
    assert_int_equal(today(0, NOON)->failed, 5);
    assert_int_equal(today(1, NOON)->failed, 0);
    uint16_t recent[SNAPSHOT_RECENT];
    chronicle_read_recent(chronicle, 1, NOON, recent);
    assert_int_equal(recent[0], UINT16_MAX);
    assert_int_equal(chronicle_response_ms(chronicle, 1, NOON), UINT32_MAX);
    chronicle_destroy(NULL);
}

static void test_without_a_database_it_counts_all_the_same(void **state)
{
    (void)state;
    assert_int_equal(chronicle_create(NULL, definitions, 0, NOON, &chronicle), ERROR_NONE);
    chronicle_tick(chronicle, NOON + SECOND);
    chronicle_destroy(chronicle);
    struct component_definition one = {.id = SLICE("site")};
    assert_int_equal(chronicle_create(NULL, &one, 1, NOON, &chronicle), ERROR_NONE);
    chronicle_track(chronicle, 0, TRACK_UP, NOON);
    for (unsigned i = 0; i < 3 * CHRONICLE_EVENTS; i++)
        chronicle_track(chronicle, 0, i % 2 == 0 ? TRACK_DOWN : TRACK_UP, NOON);
    tick_until(NOON, NOON + 10 * MINUTE);
    assert_int_equal(today(0, NOON + 10 * MINUTE)->up_ms, 10 * MINUTE);
}

static void test_more_changes_than_a_second_holds(void **state)
{
    (void)state;
    create(2, NOON);
    for (unsigned i = 0; i < 3 * CHRONICLE_EVENTS + 1; i++)
        chronicle_track(chronicle, 1, i % 2 == 0 ? TRACK_DOWN : TRACK_UP, NOON + i);
    int64_t now = NOON + 3 * CHRONICLE_EVENTS;
    chronicle_tick(chronicle, now + SECOND);
    struct uptime_day before = *today(1, now + SECOND);
    restart(2, now + SECOND);
    assert_memory_equal(today(1, now + SECOND), &before, sizeof(before));
}

static void execute(const char *sql)
{
    database_execute(database, sql, "");
    settle();
}

static void test_damaged_rows_are_left_out(void **state)
{
    (void)state;
    static const char *const damages[] = {
        "UPDATE chronicle_component SET state = x'00'",
        "UPDATE chronicle_component SET state = zeroblob(117), sequence = -5",
        "UPDATE chronicle_component SET number = number + 100000",
        "UPDATE chronicle_component SET number = -1 - number",
        "UPDATE chronicle_day SET sums = randomblob(32)",
        "UPDATE chronicle_day SET day = 9000000000000000",
        "UPDATE chronicle_day SET day = 'text', sums = NULL WHERE 0",
        "UPDATE chronicle_points SET points = randomblob(768)",
        "UPDATE chronicle_points SET points = 'text'",
        "UPDATE chronicle_second SET events = randomblob(100)",
        "UPDATE chronicle_second SET at_ms = -1, sequence = 9223372036854775807",
        "UPDATE chronicle_second SET at_ms = 9223372036854775807",
        "UPDATE chronicle_base SET third = 0",
        "DELETE FROM chronicle_base",
    };
    int64_t now = NOON;
    create(2, now);
    for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
        chronicle_track(chronicle, 0, TRACK_UP, now);
        now = tick_until(now, now + 7 * MINUTE);
        chronicle_destroy(chronicle);
        execute(damages[i]);
        create(2, now);
        struct uptime_day *day = today(0, now);
        assert_true((uint64_t)day->up_ms + day->down_ms + day->unknown_ms + day->maintenance_ms
            <= (uint64_t)DAY);
        settle();
        enum error error = chronicle_read_points(database, SLICE("site-0"), rollup_day_of(now),
            points);
        assert_true(error == ERROR_NONE || error == ERROR_NOT_FOUND);
    }
    assert_int_equal(database_lost(database), 0);
}

static void limit_files(rlim_t size)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_a_full_disk_costs_nothing_once_it_is_over(void **state)
{
    (void)state;
    create(1, NOON);
    chronicle_track(chronicle, 0, TRACK_UP, NOON);
    int64_t now = tick_until(NOON, NOON + 10 * MINUTE);
    settle();
    limit_files(20000);
    now = tick_until(now, now + 5 * SECOND);
    enum error error = database_settle(database, LONG_MS);
    chronicle_track(chronicle, 0, TRACK_DOWN, now);
    now = tick_until(now, now + HOUR);
    bool was_well = database_is_well(database);
    limit_files(RLIM_INFINITY);
    assert_int_not_equal(error, ERROR_NONE);
    assert_false(was_well);
    settle();
    now = tick_until(now, now + 5 * SECOND);
    restart(1, now);
    assert_int_equal(today(0, now)->up_ms, 10 * MINUTE + 5 * SECOND);
    assert_int_equal(today(0, now)->down_ms, HOUR + 5 * SECOND);
    read_points(NOON);
    assert_int_equal(point_at(NOON + 20 * MINUTE).up, 0);
}

static void test_a_file_that_was_removed_is_written_anew(void **state)
{
    (void)state;
    create(1, NOON);
    chronicle_track(chronicle, 0, TRACK_UP, NOON);
    int64_t now = tick_until(NOON, NOON + 30 * HOUR);
    settle();
    remove_files();
    now = tick_until(now, now + SECOND);
    settle();
    now = tick_until(now, now + 2 * SECOND);
    restart(1, now);
    assert_int_equal(today(0, now)->up_ms, now - MIDNIGHT - DAY);
    assert_int_equal(days[SNAPSHOT_DAYS - 2].up_ms, 12 * HOUR);
    read_points(NOON);
    assert_int_equal(point_at(NOON + HOUR).up, 10000);
}

static void test_without_memory_it_goes_on(void **state)
{
    (void)state;
    struct chronicle *none;
    for (uint64_t i = 1; i < 9; i++) {
        memory_fail_after(i);
        enum error error = chronicle_create(database, definitions, 1, NOON, &none);
        bool has_failed = memory_failures() > 0;
        memory_fail_after(0);
        if (error == ERROR_NONE)
            chronicle_destroy(none);
        else
            assert_true(has_failed && error == ERROR_MEMORY);
    }
    create(1, NOON);
    chronicle_track(chronicle, 0, TRACK_UP, NOON);
    int64_t now = NOON;
    for (uint64_t i = 0; i < 1000; i++) {
        memory_fail_after(1 + i % 7);
        now = tick_until(now, now + SECOND);
    }
    memory_fail_after(0);
    now = tick_until(now, now + 7 * MINUTE);
    settle();
    assert_int_equal(today(0, now)->up_ms, now - NOON);
    restart(1, now);
    assert_int_equal(today(0, now)->up_ms, now - NOON);
}

static uint64_t file_size(void)
{
    struct stat status;
    return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static uint64_t cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

// A year with ups and downs; the truth of its last 90 days is kept beside. Of every eight hours it
// lives through the first ones, then the process stands still: what is on the disk is as much.
static void live_a_year(unsigned count, int64_t step_ms, int64_t awake_ms)
{
    struct random random;
    random_seed(&random, count);
    create(count, MIDNIGHT);
    uint64_t up_ms = 0, known_ms = 0, requests = 0, failed = 0, size_at_90 = 0;
    int64_t end_ms = MIDNIGHT + 365 * DAY, counted_from = end_ms - 90 * DAY;
    int64_t now = MIDNIGHT;
    enum chronicle_track track = TRACK_UNKNOWN;
    for (; now < end_ms; now += step_ms) {
        if (now % (8 * HOUR) >= awake_ms) {
            chronicle_tick(chronicle, now);
            now += 8 * HOUR - now % (8 * HOUR);
            if (now >= end_ms)
                break;
            for (unsigned i = 0; i < count; i++) // it wakes up, and that time is unknown
                chronicle_track(chronicle, i, track, now);
        }
        if (random_chance(&random, 1, 40) || now == MIDNIGHT)
            track = random_chance(&random, 1, 3) ? (enum chronicle_track)random_below(&random, 4)
                                                  : TRACK_UP;
        if (now >= counted_from) {
            up_ms += track == TRACK_UP ? (uint64_t)step_ms : 0;
            known_ms += track == TRACK_UP || track == TRACK_DOWN ? (uint64_t)step_ms : 0;
        }
        for (unsigned i = 0; i < count; i++) {
            uint64_t some = random_below(&random, 50), bad = track == TRACK_DOWN ? some : 0;
            if (i == 0 && now >= counted_from) {
                requests += some;
                failed += bad;
            }
            chronicle_track(chronicle, i, track, now);
            chronicle_count(chronicle, i, now, some, bad);
            chronicle_respond(chronicle, i, now, 1, 40 + random_below(&random, 50), 80);
        }
        chronicle_tick(chronicle, now);
        if (now % DAY == 0) // the queue is bounded
            settle();
        if (now == MIDNIGHT + 91 * DAY) {
            chronicle_destroy(chronicle);
            database_close(database);
            size_at_90 = file_size();
            open_database();
            create(count, now);
            chronicle_track(chronicle, 0, track, now);
        }
    }
    chronicle_tick(chronicle, end_ms - 1);
    chronicle_read_days(chronicle, 0, end_ms - 1, days);
    double uptime = snapshot_uptime(days, SNAPSHOT_DAYS);
    double visitors = snapshot_visitors_uptime(days, SNAPSHOT_DAYS);
    assert_true(up_ms > 0 && up_ms < known_ms);
    double truth = (double)up_ms / (double)known_ms;
    print_message("uptime of 90 days %.6f, in truth %.6f; of visitors %.6f, in truth %.6f\n",
        uptime, truth, visitors, 1 - (double)failed / (double)requests);
    assert_true(uptime - truth < 0.0001 && truth - uptime < 0.0001);
    assert_true(visitors == (double)(requests - failed) / (double)requests);
    chronicle_destroy(chronicle);
    chronicle = NULL;
    database_close(database);
    uint64_t size = file_size();
    print_message("%u components: %llu bytes after 91 days, %llu after a year\n", count,
        (unsigned long long)size_at_90, (unsigned long long)size);
    assert_true(size <= size_at_90 + size_at_90 / 100);
    open_database();
}

// A sanitizer looks at the code, not at the figures.
#if defined(BASE_ADDRESS_SANITIZER) || defined(BASE_THREAD_SANITIZER)
#define MANY 3
#define THOUSANDS 500
#else
#define MANY 20
#define THOUSANDS 5000
#endif

static uint64_t size_of_one;

static void test_a_year_of_one(void **state)
{
    (void)state;
    live_a_year(1, CHRONICLE_GAP_MS, 8 * HOUR);
    size_of_one = file_size();
}

static void test_a_year_of_many(void **state)
{
    (void)state;
    live_a_year(MANY, MINUTE, 12 * MINUTE);
    uint64_t each = (file_size() - size_of_one) / (MANY - 1);
    print_message("each component takes %llu bytes\n", (unsigned long long)each);
    assert_true(each < 240000);
}

static void test_what_it_costs(void **state)
{
    (void)state;
    const unsigned count = THOUSANDS, seconds = 300;
    create(count, NOON);
    for (unsigned i = 0; i < count; i++)
        chronicle_track(chronicle, i, TRACK_UP, NOON);
    tick_until(NOON, NOON + 30 * SECOND);
    settle();
    uint64_t before = cpu_us(), events = 0;
    for (unsigned s = 0; s < seconds; s++) {
        int64_t now = NOON + (31 + s) * SECOND;
        for (unsigned i = s % 30; i < count; i += 30, events++)
            chronicle_respond(chronicle, i, now, 1, 50, 50);
        chronicle_tick(chronicle, now);
        settle(); // a transaction for each second
    }
    uint64_t used = cpu_us() - before;
    print_message("%llu events of %u components in %u seconds: %llu us of CPU, %.1f us per "
        "1000 events, %.3f %% of a core\n", (unsigned long long)events, count, seconds,
        (unsigned long long)used, (double)used * 1000 / (double)events,
        (double)used / seconds / 10000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(all_is_there_after_a_restart),
        TEST(restarts_lose_nothing_but_their_time),
        TEST(a_crash_at_any_second_loses_nothing_before),
        TEST(what_is_missing_between_seconds_is_unknown),
        TEST(points_are_on_the_disk),
        TEST(components_are_known_by_their_ids),
        TEST(long_ids_are_whole),
        TEST(standing_still_is_unknown),
        TEST(a_clock_set_back_goes_on),
        TEST(nonsense_is_refused),
        TEST(without_a_database_it_counts_all_the_same),
        TEST(more_changes_than_a_second_holds),
        TEST(damaged_rows_are_left_out),
        TEST(a_full_disk_costs_nothing_once_it_is_over),
        TEST(a_file_that_was_removed_is_written_anew),
        TEST(without_memory_it_goes_on),
        TEST(what_it_costs),
        TEST(a_year_of_one),
        TEST(a_year_of_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
#undef TEST
}
