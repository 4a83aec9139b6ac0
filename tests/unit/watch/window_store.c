// Windows outlive the process: what a world was told, the next one knows, by the components' ids.
#include "watch/incident/window_store.h"
#include "base/log.h"
#include "watch/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW INT64_C(1796090400000) // 2026-12-01 02:00
#define DAY INT64_C(86400000)

static char directory[64], path[96], why_buffer[1024];
static struct text why;
static struct database *database;

static int begin(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/afloat-windows.XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/status.db", directory);
    why = text_in(why_buffer, sizeof(why_buffer));
    if (log_open("/dev/null", LOG_ERROR) != ERROR_NONE)
        return -1;
    return database_open(path, &why, &database) == ERROR_NONE ? 0 : -1;
}

static int end(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-lock"};
    (void)state;
    database_close(database);
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
    return rmdir(directory);
}

// first: the number of what is called a.example.
static struct world *world_with(struct database *of, unsigned first, int64_t now)
{
    const struct component_definition all[3] = {
        {.id = SLICE("x.example"), .title = SLICE("x")},
        {.id = SLICE("a.example"), .title = SLICE("a")},
        {.id = SLICE("b.example"), .title = SLICE("b")}};
    struct world *world = NULL;
    struct world_settings settings = {.brand = {.name = SLICE("Test")},
        .components = all + 1 - first, .component_count = 2 + first, .database = of, .now_ms = now};
    assert_int_equal(world_create(&settings, NULL, &world), ERROR_NONE);
    return world;
}

static enum error announce(struct world *world, struct slice title, const uint32_t *components,
    size_t count, struct incident_id *ret_id)
{
    struct window_draft draft = {.title = title, .text = SLICE("Discs"),
        .begin = SLICE("2026-12-06 02:30"), .zone = SLICE("Europe/Berlin"),
        .rule = SLICE("FREQ=WEEKLY;BYDAY=SU;COUNT=3"), .duration_ms = 5400000,
        .components = components, .component_count = count};
    why = text_in(why_buffer, sizeof(why_buffer));
    return world_add_window(world, &draft, SLICE("test"), NOW, ret_id, &why);
}

static void test_the_next_world_knows_them(void **state)
{
    (void)state;
    struct incident_id one, two;
    struct world *world = world_with(database, 0, NOW);
    assert_int_equal(announce(world, SLICE("One"), (const uint32_t[]){1}, 1, &one), ERROR_NONE);
    assert_int_equal(announce(world, SLICE("Two"), NULL, 0, &two), ERROR_NONE);
    world_destroy(world);
    assert_int_equal(database_settle(database, 60000), ERROR_NONE);

    world = world_with(database, 1, NOW); // b.example is number 2 now
    struct snapshot *snapshot = world_snapshot(world, NOW);
    assert_int_equal(snapshot->window_count, 6);
    for (size_t i = 0; i < 6; i++) {
        const struct window_view *view = &snapshot->windows[i];
        bool is_one = slice_equal(view->id, slice_from_string(one.text));
        assert_true(slice_equal(view->title, is_one ? SLICE("One") : SLICE("Two")));
        assert_true(slice_equal(view->text, SLICE("Discs")));
        assert_true(slice_equal(view->zone, SLICE("Europe/Berlin")));
        assert_int_equal(view->end_ms - view->begin_ms, 5400000);
        assert_int_equal(view->announced_ms, NOW);
        assert_int_equal(view->begin_ms, NOW + DAY * (5 + 7 * (int64_t)(i / 2)) - 1800000);
        assert_int_equal(view->component_count, is_one);
        assert_true(!is_one || view->components[0] == 2);
    }
    snapshot_release(snapshot);
    why = text_in(why_buffer, sizeof(why_buffer));
    assert_int_equal(world_remove_window(world, slice_from_string(one.text), SLICE("test"), NOW,
        &why), ERROR_NONE);
    world_destroy(world);
    assert_int_equal(database_settle(database, 60000), ERROR_NONE);

    world = world_with(database, 0, NOW + 400 * DAY); // all of it is over, and forgotten
    snapshot = world_snapshot(world, NOW + 400 * DAY);
    assert_int_equal(snapshot->window_count, 0);
    snapshot_release(snapshot);
    world_destroy(world);
    assert_int_equal(database_settle(database, 60000), ERROR_NONE);
    world = world_with(database, 0, NOW);
    snapshot = world_snapshot(world, NOW);
    assert_int_equal(snapshot->window_count, 0);
    snapshot_release(snapshot);
    world_destroy(world);
}

static void test_what_is_not_understood_stays_out(void **state)
{
    static const char *const rows[] = {
        "('', 't', '', '2026-12-06 02:30', '', '', 60000, '', 7)",
        "('much-longer-than-an-id', 't', '', '2026-12-06 02:30', '', '', 60000, '', 7)",
        "('one', '', '', '2026-12-06 02:30', '', '', 60000, '', 7)",
        "('two', 't', '', '2026-12-06 02:30', 'Moon/Tycho', '', 60000, '', 7)",
        "('three', 't', '', '2026-12-06 02:30', '', 'FREQ=NEVER', 60000, '', 7)",
        "('four', 't', '', '2026-12-06 02:30', '', '', -1, '', 7)",
        "('five', 't', '', '2026-12-06 02:30', '', '', 60000, 'gone.example also.example', 7)",
        "('six', 't', '', '2026-12-06 02:30', '', '', 60000, 'gone.example b.example', 7)",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char sql[256];
        snprintf(sql, sizeof(sql), "INSERT INTO windows VALUES %s", rows[i]);
        database_execute(database, sql, "");
    }
    assert_int_equal(database_settle(database, 60000), ERROR_NONE);
    assert_int_equal(database_lost(database), 0);
    struct world *world = world_with(database, 0, NOW);
    struct snapshot *snapshot = world_snapshot(world, NOW);
    assert_int_equal(snapshot->window_count, 1);
    assert_true(slice_equal(snapshot->windows[0].id, SLICE("six")));
    assert_int_equal(snapshot->windows[0].component_count, 1);
    assert_int_equal(snapshot->windows[0].components[0], 1);
    snapshot_release(snapshot);
    world_destroy(world);
}

static void test_without_a_database(void **state)
{
    (void)state;
    struct incident_id id;
    struct world *world = world_with(NULL, 0, NOW);
    assert_int_equal(announce(world, SLICE("One"), (const uint32_t[]){1}, 1, &id), ERROR_NONE);
    assert_int_equal(announce(world, SLICE("No"), (const uint32_t[]){2}, 1, &id), ERROR_INVALID);
    assert_non_null(strstr(why_buffer, "components: one of them is not there"));
    world_destroy(world);
}

static void test_what_nobody_would_see_is_refused(void **state)
{
    (void)state;
    struct incident_id id;
    struct world *world = world_with(NULL, 0, NOW);
    struct window_draft draft = {.title = SLICE("One"), .begin = SLICE("2025-12-06 02:30"),
        .duration_ms = 5400000}; // a year too early
    why = text_in(why_buffer, sizeof(why_buffer));
    assert_int_equal(world_add_window(world, &draft, SLICE("test"), NOW, &id, &why),
        ERROR_INVALID);
    assert_true(slice_equal(text_slice(&why), SLICE("begin: that was over so long ago that it is "
        "shown nowhere; is the year right?")));
    draft.rule = SLICE("FREQ=DAILY");
    assert_int_equal(world_add_window(world, &draft, SLICE("test"), NOW, &id, &why), ERROR_NONE);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_next_world_knows_them, begin, end),
        cmocka_unit_test_setup_teardown(test_what_is_not_understood_stays_out, begin, end),
        cmocka_unit_test_setup_teardown(test_without_a_database, begin, end),
        cmocka_unit_test_setup_teardown(test_what_nobody_would_see_is_refused, begin, end),
    };
    return cmocka_run_group_tests_name("watch.window_store", tests, NULL, NULL);
}
