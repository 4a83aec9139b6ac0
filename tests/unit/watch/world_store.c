// What a world was told outlives it: incidents are read back, and go on from where they were.
#include "base/log.h"
#include "watch/history/changes.h"
#include "watch/incident/incident_automatic.h"
#include "watch/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define START INT64_C(1800000000000)
#define MINUTE INT64_C(60000)
#define DAY INT64_C(86400000)

static char directory[64], path[96];
static struct database *database;
static struct world *world;
static int64_t now;
static unsigned told;

static void count(void *context, const struct incident *incident,
    const struct incident_update *update)
{
    (void)context;
    (void)incident;
    (void)update;
    told++;
}

// Components from `first` on: their numbers are others then.
static void live(unsigned first, unsigned behind)
{
    static const struct component_definition all[] = {
        {.id = SLICE("a.example"), .title = SLICE("A"), .group = SLICE("G")},
        {.id = SLICE("b.example"), .title = SLICE("B"), .group = SLICE("G")},
        {.id = SLICE("c.example"), .title = SLICE("C")},
        {.id = SLICE("d.example"), .title = SLICE("D")},
        {.id = SLICE("e.example"), .title = SLICE("E")},
        {.id = SLICE("f.example"), .title = SLICE("F")},
        {.id = SLICE("g.example"), .title = SLICE("G")},
        {.id = SLICE("h.example"), .title = SLICE("H")}};
    static const struct world_hooks hooks = {.incident_changed = count};
    const struct world_settings settings = {.incidents = {.automatic = true,
        .calm_ms = 5 * MINUTE, .flap_ms = 30 * MINUTE, .group_ms = MINUTE},
        .components = all + first, .component_count = behind - first, .database = database,
        .now_ms = now};
    told = 0;
    assert_int_equal(world_create(&settings, &hooks, &world), ERROR_NONE);
}

static void die(void)
{
    assert_int_equal(database_settle(database, 60000), ERROR_NONE);
    world_destroy(world);
    world = NULL;
}

static int begin(void **state)
{
    char buffer[1024];
    struct text why = text_in(buffer, sizeof(buffer));
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/afloat-world.XXXXXX");
    if (mkdtemp(directory) == NULL || log_open("/dev/null", LOG_ERROR) != ERROR_NONE)
        return -1;
    snprintf(path, sizeof(path), "%s/status.db", directory);
    if (database_open(path, &why, &database) != ERROR_NONE)
        return -1;
    now = START;
    live(0, 3);
    return 0;
}

static void remove_files(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-lock"};
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

static int end(void **state)
{
    (void)state;
    world_destroy(world);
    world = NULL;
    database_close(database);
    remove_files();
    return rmdir(directory) == 0 && log_open(NULL, LOG_INFO) == ERROR_NONE ? 0 : -1;
}

static void find(const char *id, enum component_state state, int64_t later_ms)
{
    uint32_t number = world_find(world, slice_from_string(id));
    assert_int_not_equal(number, COMPONENT_NONE);
    now += later_ms;
    world_learn(world, number, &(struct finding){.state = state,
        .reason = {state == COMPONENT_DOWN ? REASON_NO_ANSWER : REASON_NONE, 0}}, now);
    world_tick(world, now);
}

static void tick(int64_t later_ms)
{
    now += later_ms;
    world_tick(world, now);
}

static struct snapshot *look(void)
{
    struct snapshot *snapshot = world_snapshot(world, now);
    assert_non_null(snapshot);
    return snapshot;
}

static enum incident_state state_of_only(void)
{
    struct snapshot *snapshot = look();
    assert_int_equal(snapshot->incident_count, 1);
    enum incident_state state = snapshot->incidents[0].state;
    snapshot_release(snapshot);
    return state;
}

static void change(const struct incident_change *wanted)
{
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    struct snapshot *snapshot = look();
    assert_int_equal(world_change_incident(world, snapshot->incidents[0].id, wanted,
        SLICE("anna"), now, &why), ERROR_NONE);
    snapshot_release(snapshot);
}

static void assert_same(const struct incident_view *a, const struct incident_view *b)
{
    assert_true(slice_equal(a->id, b->id));
    assert_true(slice_equal(a->title, b->title));
    assert_true(slice_equal(a->postmortem, b->postmortem));
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->impact, b->impact);
    assert_int_equal(a->automatic, b->automatic);
    assert_int_equal(a->reason.kind, b->reason.kind);
    assert_int_equal(a->started_ms, b->started_ms);
    assert_int_equal(a->resolved_ms, b->resolved_ms);
    assert_int_equal(a->eta_ms, b->eta_ms);
    assert_int_equal(a->component_count, b->component_count);
    assert_int_equal(a->update_count, b->update_count);
    for (size_t i = 0; i < a->update_count; i++) {
        assert_int_equal(a->updates[i].state, b->updates[i].state);
        assert_int_equal(a->updates[i].at_ms, b->updates[i].at_ms);
        assert_true(slice_equal(a->updates[i].text, b->updates[i].text));
        assert_true(slice_equal(a->updates[i].author, b->updates[i].author));
    }
}

static void all_of_it_is_read_back(void **state)
{
    (void)state;
    find("a.example", COMPONENT_DOWN, 0);
    find("b.example", COMPONENT_DOWN, 1000);
    change(&(struct incident_change){.has_state = true, .state = INCIDENT_IDENTIFIED,
        .text = SLICE("A “disk”.\nWe make room."), .has_eta = true, .eta_ms = now + DAY,
        .has_impact = true, .impact = IMPACT_MAJOR});
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    struct incident_id id;
    const struct incident_draft draft = {.title = SLICE("Old"), .state = INCIDENT_RESOLVED};
    assert_int_equal(world_open_incident(world, &draft, SLICE("bob"), now, &id, &why),
        ERROR_NONE);
    const struct incident_change told_later = {.has_postmortem = true, .postmortem = SLICE("It.")};
    assert_int_equal(world_change_incident(world, slice_from_string(id.text), &told_later,
        SLICE("bob"), now, &why), ERROR_NONE);
    struct snapshot *before = look();
    die();
    live(0, 3);
    struct snapshot *after = look();
    assert_int_equal(after->incident_count, 2);
    assert_int_equal(after->open_count, 1);
    for (size_t i = 0; i < 2; i++)
        assert_same(&before->incidents[i], &after->incidents[i]);
    assert_int_equal(after->components[0].state, COMPONENT_UNKNOWN);
    assert_int_equal(world_eta_ms(world, 1), now + DAY);
    snapshot_release(before);
    snapshot_release(after);
}

static void it_goes_on_from_where_it_was(void **state)
{
    (void)state;
    find("a.example", COMPONENT_DOWN, 0);
    die();
    live(0, 3);
    tick(1000); // nothing is known yet
    assert_int_equal(state_of_only(), INCIDENT_INVESTIGATING);
    find("a.example", COMPONENT_DOWN, 1000); // no news
    assert_int_equal(told, 0);
    find("b.example", COMPONENT_DOWN, 1000); // a relative
    assert_int_equal(told, 1);
    die();
    live(0, 3);
    find("a.example", COMPONENT_OPERATIONAL, 1000);
    assert_int_equal(state_of_only(), INCIDENT_INVESTIGATING);
    find("b.example", COMPONENT_OPERATIONAL, 1000);
    assert_int_equal(state_of_only(), INCIDENT_MONITORING);
    die();
    live(0, 3);
    find("a.example", COMPONENT_OPERATIONAL, 1000);
    find("b.example", COMPONENT_OPERATIONAL, 1000);
    tick(5 * MINUTE - 1); // calm is counted anew: nobody has looked in between
    assert_int_equal(state_of_only(), INCIDENT_MONITORING);
    tick(1);
    assert_int_equal(state_of_only(), INCIDENT_RESOLVED);
    die();
    live(0, 3);
    find("a.example", COMPONENT_DOWN, 10 * MINUTE); // soon after
    assert_int_equal(state_of_only(), INCIDENT_INVESTIGATING);
}

static void long_failures_stay_apart(void **state)
{
    (void)state;
    static const char *const strangers[] = {"b.example", "c.example", "d.example", "e.example",
        "f.example", "g.example", "h.example"};
    die();
    live(0, 8);
    for (size_t i = 0; i < 6; i++)
        find(strangers[i], COMPONENT_DOWN, 2 * MINUTE);
    die();
    live(0, 8);
    for (size_t i = 0; i < 7; i++) // the last one is new
        find(strangers[i], COMPONENT_DOWN, 250);
    struct snapshot *snapshot = look();
    assert_int_equal(snapshot->open_count, 7);
    snapshot_release(snapshot);
}

static void an_operators_word_stands_after_a_restart(void **state)
{
    (void)state;
    find("a.example", COMPONENT_DOWN, 0);
    change(&(struct incident_change){.has_state = true, .state = INCIDENT_MONITORING,
        .has_title = true, .title = SLICE("Fire"), .has_impact = true, .impact = IMPACT_NONE});
    die();
    live(0, 3);
    find("a.example", COMPONENT_DOWN, 1000);
    find("b.example", COMPONENT_DOWN, 1000);
    struct snapshot *snapshot = look();
    const struct incident_view *incident = &snapshot->incidents[0];
    assert_int_equal(incident->state, INCIDENT_MONITORING);
    assert_int_equal(incident->impact, IMPACT_NONE);
    assert_true(slice_equal(incident->title, SLICE("Fire")));
    assert_false(incident->automatic);
    snapshot_release(snapshot);
}

static size_t count_open(void)
{
    struct snapshot *snapshot = look();
    size_t open = snapshot->open_count;
    snapshot_release(snapshot);
    return open;
}

static void what_an_operator_says_is_over_stays_so_after_a_restart(void **state)
{
    (void)state;
    find("a.example", COMPONENT_DOWN, 0);
    change(&(struct incident_change){.has_state = true, .state = INCIDENT_RESOLVED});
    find("a.example", COMPONENT_DOWN, 1000);
    assert_int_equal(count_open(), 0);
    for (int i = 0; i < 2; i++) {
        die();
        live(0, 3);
        tick(1000); // nothing is known yet
        find("a.example", COMPONENT_DOWN, 1000);
        tick(MINUTE);
        assert_int_equal(count_open(), 0);
        assert_int_equal(told, 0);
    }
    find("a.example", COMPONENT_OPERATIONAL, 1000); // what fails after that is news
    die();
    live(0, 3);
    find("a.example", COMPONENT_DOWN, 1000);
    assert_int_equal(count_open(), 1);
}

static void what_gets_worse_than_what_was_over_is_told_after_a_restart(void **state)
{
    (void)state;
    find("a.example", COMPONENT_PARTIAL, 0);
    change(&(struct incident_change){.has_state = true, .state = INCIDENT_RESOLVED});
    die();
    live(0, 3);
    find("a.example", COMPONENT_PARTIAL, 60 * MINUTE);
    assert_int_equal(count_open(), 0);
    find("a.example", COMPONENT_DOWN, 1000);
    assert_int_equal(count_open(), 1);
}

// Of an incident that goes on, and of a disk that has lost it.
static void what_an_operator_takes_out_stays_out_after_a_restart(void **state)
{
    (void)state;
    const uint32_t only = 1;
    find("a.example", COMPONENT_DOWN, 0);
    find("b.example", COMPONENT_DOWN, 1000);
    change(&(struct incident_change){.has_components = true, .components = &only,
        .component_count = 1});
    database_execute(database, "DELETE FROM incident_dismissals", "");
    assert_int_equal(database_settle(database, 60000), ERROR_NONE);
    remove_files(); // somebody has taken them away
    tick(1000);
    database_execute(database, "DELETE FROM incidents", "");
    assert_int_equal(database_settle(database, 60000), ERROR_NONE);
    tick(1000);
    die();
    live(0, 3);
    find("b.example", COMPONENT_DOWN, 1000);
    find("a.example", COMPONENT_DOWN, 1000);
    struct snapshot *snapshot = look();
    assert_int_equal(snapshot->incident_count, 1);
    assert_int_equal(snapshot->incidents[0].component_count, 1);
    snapshot_release(snapshot);
    die();
    live(1, 3); // a.example is gone from the settings
    die();
    live(0, 3);
    find("a.example", COMPONENT_DOWN, 1000);
    snapshot = look();
    assert_int_equal(snapshot->incidents[0].component_count, 2);
    snapshot_release(snapshot);
}

static void components_are_known_by_their_ids(void **state)
{
    (void)state;
    find("a.example", COMPONENT_DOWN, 0);
    find("b.example", COMPONENT_DOWN, 1000);
    die();
    live(1, 3); // a.example is gone from the settings
    struct snapshot *snapshot = look();
    assert_int_equal(snapshot->incidents[0].component_count, 1);
    assert_int_equal(snapshot->incidents[0].components[0], 0);
    snapshot_release(snapshot);
    die();
    live(2, 3); // and b.example: an incident about nothing is at its end, and nothing works again
    tick(1000);
    snapshot = look();
    assert_int_equal(snapshot->incidents[0].state, INCIDENT_RESOLVED);
    assert_true(slice_equal(snapshot->incidents[0].updates[0].text, SLICE(INCIDENT_UNWATCHED)));
    snapshot_release(snapshot);
}

static enum error take_number(void *context, sqlite3_stmt *statement)
{
    *(int64_t *)context = sqlite3_column_int64(statement, 0);
    return ERROR_NONE;
}

static int64_t number_of(const char *sql)
{
    int64_t number = -1;
    assert_int_equal(database_settle(database, 60000), ERROR_NONE);
    assert_int_equal(database_query(database, take_number, &number, sql, ""), ERROR_NONE);
    return number;
}

static void what_is_forgotten_is_gone_from_the_disk(void **state)
{
    (void)state;
    find("a.example", COMPONENT_DOWN, 0);
    find("a.example", COMPONENT_OPERATIONAL, 1000);
    tick(5 * MINUTE);
    assert_int_equal(state_of_only(), INCIDENT_RESOLVED);
    assert_int_equal(number_of("SELECT count(*) FROM incident_updates"), 3);
    tick(401 * DAY);
    assert_int_equal(number_of("SELECT count(*) FROM incidents"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM incident_updates"), 0);
}

static void what_grew_old_in_between_is_gone_too(void **state)
{
    (void)state;
    find("a.example", COMPONENT_DOWN, 0);
    find("a.example", COMPONENT_OPERATIONAL, 1000);
    tick(5 * MINUTE);
    die();
    now += 401 * DAY;
    live(0, 3);
    assert_int_equal(number_of("SELECT count(*) FROM incidents"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM incident_updates"), 0);
}

static void updates_on_the_disk_are_bounded_as_in_memory(void **state)
{
    (void)state;
    for (unsigned i = 0; i < INCIDENT_UPDATES_MAX; i++) {
        find("a.example", COMPONENT_DOWN, 1000);
        find("a.example", COMPONENT_OPERATIONAL, 1000);
    }
    assert_int_equal(number_of("SELECT count(*) FROM incident_updates"), INCIDENT_UPDATES_MAX);
    struct snapshot *before = look();
    die();
    live(0, 3);
    struct snapshot *after = look();
    assert_same(&before->incidents[0], &after->incidents[0]);
    snapshot_release(before);
    snapshot_release(after);
}

static void what_nobody_understands_is_left_out(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "INSERT INTO incidents VALUES ('short','T','','resolved','none','','NONE',0,1,1,0,0,'')",
        "INSERT INTO incidents VALUES ('aaaaaaaaaaaa','T','','gone','none','','NONE',0,1,0,0,0,'')",
        "INSERT INTO incidents VALUES ('bbbbbbbbbbbb','T','','resolved','huge','','NONE',0,1,1,0,0,"
        "'')",
        "INSERT INTO incidents VALUES ('cccccccccccc','T','','resolved','none','','NONE',0,1,0,0,0,"
        "'')", // resolved, but not when
        "INSERT INTO incidents VALUES ('dddddddddddd','T','','monitoring','minor','?','LATER',7,1,"
        "0,0,0,'a.example\nnobody\n')", // of a later version: as far as it is understood
        "INSERT INTO incident_updates VALUES ('dddddddddddd',-1,'monitoring',1,'','')",
        "INSERT INTO incident_updates VALUES ('dddddddddddd',0,'what',1,'','')",
        "INSERT INTO incident_updates VALUES ('dddddddddddd',1,'monitoring',1,'x','')",
        "INSERT INTO incident_updates VALUES ('eeeeeeeeeeee',1,'monitoring',1,'x','')",
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        database_execute(database, rows[i], "");
    die();
    live(0, 3);
    struct snapshot *snapshot = look();
    assert_int_equal(snapshot->incident_count, 1);
    const struct incident_view *incident = &snapshot->incidents[0];
    assert_int_equal(incident->reason.kind, REASON_NONE);
    assert_int_equal(incident->component_count, 1);
    assert_int_equal(incident->update_count, 1);
    snapshot_release(snapshot);
}

static void what_the_disk_lost_is_written_anew(void **state)
{
    (void)state;
    find("a.example", COMPONENT_DOWN, 0);
    assert_int_equal(number_of("SELECT count(*) FROM incident_updates"), 1);
    uint64_t epoch = database_epoch(database);
    remove_files(); // somebody has taken them away
    tick(1000);
    database_execute(database, "DELETE FROM incidents", "");
    assert_int_equal(database_settle(database, 60000), ERROR_NONE);
    assert_true(database_epoch(database) > epoch);
    tick(1000);
    assert_int_equal(number_of("SELECT count(*) FROM incidents"), 1);
    assert_int_equal(number_of("SELECT count(*) FROM incident_updates"), 1);
    struct snapshot *before = look();
    die();
    live(0, 3);
    struct snapshot *after = look();
    assert_same(&before->incidents[0], &after->incidents[0]);
    snapshot_release(before);
    snapshot_release(after);
}

// "from>to reason", the oldest first.
static void assert_changes(const char *id, const char *expected)
{
    struct arena arena;
    struct change *changes;
    size_t count;
    char buffer[1000];
    struct text said = text_in(buffer, sizeof(buffer) - 1);
    arena_init(&arena, 4096, 1 << 20);
    assert_int_equal(database_settle(database, 60000), ERROR_NONE);
    assert_int_equal(changes_read(database, slice_from_string(id), now, 50, &arena, &changes,
        &count), ERROR_NONE);
    while (count-- > 0)
        text_format(&said, "%s>%s %s%.*s %lld\n", component_state_word(changes[count].from),
            component_state_word(changes[count].to), reason_word(changes[count].reason.kind),
            SLICE_ARGS(changes[count].cause), (long long)(changes[count].at_ms - START));
    buffer[said.size] = '\0';
    arena_free(&arena);
    assert_string_equal(buffer, expected);
}

static void each_change_of_a_state_is_kept(void **state)
{
    (void)state;
    find("a.example", COMPONENT_OPERATIONAL, 1000);
    find("a.example", COMPONENT_OPERATIONAL, 1000); // no change
    find("a.example", COMPONENT_DOWN, 1000);
    find("a.example", COMPONENT_UNKNOWN, 1000);
    find("a.example", COMPONENT_OPERATIONAL, 1000);
    assert_changes("a.example", "unknown>operational NONE 1000\n"
        "operational>major_outage NO_ANSWER 3000\nmajor_outage>unknown NONE 4000\n"
        "unknown>operational NONE 5000\n");
    assert_changes("b.example", "");
    world_close(world, true); // a successor speaks now
    find("a.example", COMPONENT_DOWN, 1000);
    world_close(world, false);
    assert_changes("b.example", "");
}

// What is found out late did not begin before what was told last, or they would change places.
static void changes_are_in_the_order_in_which_they_were_told(void **state)
{
    (void)state;
    uint32_t number = world_find(world, SLICE("a.example"));
    find("a.example", COMPONENT_DOWN, 1000);
    find("a.example", COMPONENT_OPERATIONAL, 10000);
    now += 1000;
    world_learn(world, number, &(struct finding){.state = COMPONENT_DOWN,
        .reason = {REASON_NO_ANSWER, 0}, .since_ms = now - 2000}, now);
    assert_changes("a.example", "unknown>major_outage NO_ANSWER 1000\n"
        "major_outage>operational NONE 11000\noperational>major_outage NO_ANSWER 11000\n");
}

static void a_restart_is_no_change(void **state)
{
    (void)state;
    find("a.example", COMPONENT_OPERATIONAL, 1000);
    find("b.example", COMPONENT_DOWN, 1000);
    die();
    now += MINUTE;
    live(0, 3);
    tick(1000); // nothing is known yet, which is no news
    find("a.example", COMPONENT_OPERATIONAL, 1000);
    find("b.example", COMPONENT_OPERATIONAL, 1000); // it came back meanwhile
    assert_changes("a.example", "unknown>operational NONE 1000\n");
    assert_changes("b.example", "unknown>major_outage NO_ANSWER 2000\n"
        "major_outage>operational NONE 65000\n");
}

static void maintenance_is_a_change_too(void **state)
{
    (void)state;
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    struct incident_id id;
    const uint32_t which = 0;
    const struct window_draft draft = {.title = SLICE("Work"), .duration_ms = MINUTE,
        .begin = SLICE("2027-01-15 08:01"), // START and a minute
        .components = &which, .component_count = 1};
    find("a.example", COMPONENT_OPERATIONAL, 1000);
    assert_int_equal(world_add_window(world, &draft, SLICE("anna"), now, &id, &why), ERROR_NONE);
    tick(MINUTE - 1000);
    tick(MINUTE);
    assert_changes("a.example", "unknown>operational NONE 1000\n"
        "operational>under_maintenance NONE 60000\nunder_maintenance>operational NONE 120000\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(all_of_it_is_read_back),
        CASE(it_goes_on_from_where_it_was),
        CASE(long_failures_stay_apart),
        CASE(an_operators_word_stands_after_a_restart),
        CASE(what_an_operator_says_is_over_stays_so_after_a_restart),
        CASE(what_gets_worse_than_what_was_over_is_told_after_a_restart),
        CASE(what_an_operator_takes_out_stays_out_after_a_restart),
        CASE(components_are_known_by_their_ids),
        CASE(what_is_forgotten_is_gone_from_the_disk),
        CASE(what_grew_old_in_between_is_gone_too),
        CASE(updates_on_the_disk_are_bounded_as_in_memory),
        CASE(what_nobody_understands_is_left_out),
        CASE(what_the_disk_lost_is_written_anew),
        CASE(each_change_of_a_state_is_kept),
        CASE(changes_are_in_the_order_in_which_they_were_told),
        CASE(a_restart_is_no_change),
        CASE(maintenance_is_a_change_too),
    };
    return cmocka_run_group_tests_name("watch.world_store", tests, NULL, NULL);
}
