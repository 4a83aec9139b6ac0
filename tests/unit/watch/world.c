// The world: whatever is found in whatever order, what is told of it holds together.
#include "watch/world.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define START INT64_C(1800000000000)
#define MINUTE INT64_C(60000)
#define COUNT 40

static struct world *world;
static struct component_definition definitions[COUNT];
static char names[COUNT][40];
static struct slice dependencies[COUNT];
static int64_t now;
static unsigned steps, changes;
static enum window_state window_states[8];
static unsigned windows_told;

static const struct incident_settings rules = {.automatic = true, .calm_ms = 5 * MINUTE,
    .flap_ms = 30 * MINUTE, .group_ms = MINUTE, .degraded_ms = 15 * MINUTE};

static void on_incident(void *context, const struct incident *incident,
    const struct incident_update *update)
{
    struct incident_view view;
    (void)context;
    incident_view(incident, &view);
    assert_int_equal(view.id.size, INCIDENT_ID_SIZE);
    assert_true(view.title.size > 0);
    steps += update != NULL;
}

static void on_window(void *context, const struct window_view *window)
{
    (void)context;
    if (windows_told < ARRAY_SIZE(window_states))
        window_states[windows_told] = window->state;
    windows_told++;
}

static void on_change(void *context)
{
    (void)context;
    changes++;
}

// Groups of four; each third depends on the one before, the first two of all on one name.
static void define(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof(names[i]), "site%zu.example", i);
        definitions[i] = (struct component_definition){.id = slice_from_string(names[i]),
            .title = slice_from_string(names[i]), .kind = COMPONENT_SITE};
        if (i >= 20)
            definitions[i].group = i < 30 ? SLICE("One") : SLICE("Other");
        if (i % 3 == 2) {
            dependencies[i] = slice_from_string(names[i - 1]);
            definitions[i].depends_on = &dependencies[i];
            definitions[i].depends_on_count = 1;
        }
    }
    dependencies[0] = dependencies[1] = SLICE("origin:main");
    for (size_t i = 0; i < 2; i++) {
        definitions[i].depends_on = &dependencies[i];
        definitions[i].depends_on_count = 1;
    }
}

static int begin(void **state)
{
    (void)state;
    static const struct world_hooks hooks = {.incident_changed = on_incident,
        .window_changed = on_window, .changed = on_change};
    assert_int_equal(log_open("/dev/null", LOG_ERROR), ERROR_NONE);
    define(COUNT);
    now = START;
    steps = changes = windows_told = 0;
    const struct world_settings settings = {.incidents = rules, .components = definitions,
        .component_count = COUNT, .now_ms = now,
        .brand = {.name = SLICE("Example"), .logo = SLICE("\x89PNG")}};
    return world_create(&settings, &hooks, &world) == ERROR_NONE ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    world_destroy(world);
    return log_open(NULL, LOG_INFO) == ERROR_NONE ? 0 : -1;
}

static void learn(unsigned which, enum component_state found)
{
    const struct finding finding = {.state = found,
        .reason = {found == COMPONENT_DOWN ? REASON_NO_ANSWER : REASON_NONE, 0},
        .track = found == COMPONENT_DOWN ? TRACK_DOWN : TRACK_UP};
    world_learn(world, which, &finding, now);
}

static struct snapshot *look(void)
{
    struct snapshot *snapshot = world_snapshot(world, now);
    assert_non_null(snapshot);
    return snapshot;
}

static void it_tells_what_is_found(void **state)
{
    (void)state;
    struct snapshot *first = look();
    assert_int_equal(first->state, COMPONENT_UNKNOWN);
    assert_int_equal(first->component_count, COUNT);
    assert_true(slice_equal(first->brand.name, SLICE("Example")));
    assert_true(slice_equal(first->brand.logo, SLICE("\x89PNG")));
    assert_int_equal(first->components[5].cause, COMPONENT_NONE);
    assert_true(first->is_written);
    struct finding finding = {.state = COMPONENT_DOWN, .reason = {REASON_STATUS, 500},
        .track = TRACK_DOWN, .since_ms = now - 2000, .responses = 1, .responses_ms = 20,
        .slowest_ms = 20, .requests = 10, .failed = 10};
    world_learn(world, 5, &finding, now);
    assert_int_equal(changes, 1);
    struct snapshot *second = look();
    assert_ptr_not_equal(first, second);
    assert_int_equal(second->state, COMPONENT_DOWN);
    assert_int_equal(second->components[5].reason.number, 500);
    assert_int_equal(second->components[5].since_ms, now - 2000);
    assert_int_equal(second->components[5].updated_ms, now);
    assert_int_equal(first->components[5].state, COMPONENT_UNKNOWN); // as it was
    finding.since_ms = now - 10 * MINUTE; // a state that it has already, and too long ago
    world_learn(world, 5, &finding, now);
    assert_int_equal(changes, 1);
    world_learn(world, COUNT, &finding, now); // nobody's
    finding.since_ms = now + MINUTE;
    world_learn(world, 6, &finding, now);
    snapshot_release(first);
    first = look();
    assert_int_equal(first->components[6].since_ms, now);
    snapshot_release(first);
    snapshot_release(second);
}

static void an_incident_comes_with_the_next_tick(void **state)
{
    (void)state;
    learn(4, COMPONENT_DOWN);
    world_tick(world, now += 250);
    struct snapshot *snapshot = look();
    assert_int_equal(snapshot->open_count, 1);
    assert_int_equal(steps, 1);
    const struct incident_view *incident = &snapshot->incidents[0];
    assert_true(incident->automatic);
    assert_int_equal(incident->component_count, 1);
    assert_int_equal(incident->components[0], 4);
    assert_true(slice_equal(incident->title, SLICE("site4.example is not answering")));
    assert_int_equal(incident->update_count, 1);
    learn(5, COMPONENT_DOWN); // depends on 4
    world_tick(world, now += 250);
    snapshot_release(snapshot);
    snapshot = look();
    assert_int_equal(snapshot->open_count, 1);
    assert_int_equal(snapshot->components[5].cause, 4);
    assert_int_equal(snapshot->components[5].reason.kind, REASON_DEPENDENCY);
    snapshot_release(snapshot);
}

static void two_sites_of_one_origin_are_one_incident(void **state)
{
    (void)state;
    learn(0, COMPONENT_DOWN);
    world_tick(world, now += 250);
    learn(1, COMPONENT_DOWN);
    world_tick(world, now += 250);
    struct snapshot *snapshot = look();
    assert_int_equal(snapshot->open_count, 1);
    assert_int_equal(snapshot->incidents[0].component_count, 2);
    snapshot_release(snapshot);
}

static uint64_t version_shown(void)
{
    struct snapshot *snapshot = look();
    uint64_t version = snapshot->version;
    snapshot_release(snapshot);
    return version;
}

static void reports_change_no_state(void **state)
{
    (void)state;
    learn(3, COMPONENT_OPERATIONAL);
    uint64_t version = version_shown();
    world_report(world, 3, REPORTS_PROBLEM, 40, now);
    assert_true(version_shown() > version);
    version = version_shown();
    world_report(world, 3, REPORTS_PROBLEM, 41, now); // only counted
    world_report(world, COUNT, REPORTS_PROBLEM, 41, now);
    assert_int_equal(version_shown(), version);
    world_tick(world, now += 20 * MINUTE);
    struct snapshot *snapshot = look();
    assert_int_equal(snapshot->components[3].state, COMPONENT_OPERATIONAL);
    assert_int_equal(snapshot->components[3].reports, REPORTS_PROBLEM);
    assert_int_equal(snapshot->components[3].reported, 41);
    assert_int_equal(snapshot->incident_count, 0);
    snapshot_release(snapshot);
}

static void snapshots_are_shared_for_a_second(void **state)
{
    (void)state;
    struct snapshot *first = look(), *second = look();
    assert_ptr_equal(first, second);
    now += 999;
    struct snapshot *third = look();
    assert_ptr_equal(first, third);
    now += 1;
    struct snapshot *fourth = look();
    assert_ptr_not_equal(first, fourth);
    assert_int_equal(first->version, fourth->version);
    snapshot_release(first);
    snapshot_release(second);
    snapshot_release(third);
    snapshot_release(fourth);
}

static void a_snapshot_outlives_the_world(void **state)
{
    (void)state;
    learn(4, COMPONENT_DOWN);
    world_tick(world, now);
    struct snapshot *snapshot = look();
    world_destroy(world);
    world = NULL;
    assert_true(slice_equal(snapshot->components[4].id, SLICE("site4.example")));
    assert_true(slice_equal(snapshot->incidents[0].title, SLICE("site4.example is not answering")));
    assert_true(slice_equal(snapshot->brand.name, SLICE("Example")));
    snapshot_release(snapshot);
}

static void components_are_found_by_their_ids(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(world_find(world, slice_from_string(names[i])), i);
    assert_int_equal(world_find(world, SLICE("site4.exampl")), COMPONENT_NONE);
    assert_int_equal(world_find(world, SLICE("")), COMPONENT_NONE);
    assert_int_equal(world_find(world, SLICE("zzz")), COMPONENT_NONE);
    assert_null(world_database(world));
}

static void an_operator_says_when_it_is_back(void **state)
{
    (void)state;
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    struct incident_id id;
    static const uint32_t components[] = {7};
    struct incident_draft draft = {.title = SLICE("Works"), .impact = IMPACT_MINOR,
        .components = components, .component_count = 1, .eta_ms = now + MINUTE};
    assert_int_equal(world_open_incident(world, &draft, SLICE("anna\n\xff"), now, &id, &why),
        ERROR_NONE);
    assert_int_equal(world_eta_ms(world, 7), now + MINUTE);
    assert_int_equal(world_eta_ms(world, 8), 0);
    assert_int_equal(world_eta_ms(world, COUNT), 0);
    struct snapshot *snapshot = look();
    assert_true(slice_equal(snapshot->incidents[0].updates[0].author, SLICE("anna?\xef\xbf\xbd")));
    assert_int_equal(snapshot->incidents[0].eta_ms, now + MINUTE);
    assert_int_equal(snapshot->components[7].state, COMPONENT_UNKNOWN);
    assert_int_equal(snapshot->state, COMPONENT_DEGRADED); // for he says so
    snapshot_release(snapshot);
    world_tick(world, now += MINUTE); // it has passed
    assert_int_equal(world_eta_ms(world, 7), 0);
    const struct incident_change wanted = {.has_eta = true, .eta_ms = now + 2 * MINUTE};
    struct slice name = slice_from_string(id.text);
    assert_int_equal(world_change_incident(world, name, &wanted, SLICE_EMPTY, now, &why),
        ERROR_NONE);
    assert_int_equal(world_eta_ms(world, 7), now + 2 * MINUTE);
    const struct incident_change over = {.has_state = true, .state = INCIDENT_RESOLVED};
    assert_int_equal(world_change_incident(world, name, &over, SLICE_EMPTY, now, &why),
        ERROR_NONE);
    assert_int_equal(world_eta_ms(world, 7), 0);
    assert_int_equal(world_change_incident(world, SLICE("nobody"), &over, SLICE_EMPTY, now, &why),
        ERROR_NOT_FOUND);
    assert_true(slice_equal(text_slice(&why), SLICE("there is no such incident")));
    snapshot = look();
    assert_int_equal(snapshot->open_count, 0);
    assert_int_equal(snapshot->state, COMPONENT_UNKNOWN);
    assert_int_equal(snapshot->incident_count, 1);
    assert_true(slice_equal(snapshot->incidents[0].updates[0].author, SLICE("operator")));
    snapshot_release(snapshot);
}

static void what_concerns_everything_is_everybodys_eta(void **state)
{
    (void)state;
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    struct incident_id id;
    const struct incident_draft all = {.title = SLICE("Everything"), .eta_ms = now + MINUTE};
    const struct incident_change over = {.has_state = true, .state = INCIDENT_RESOLVED};
    assert_int_equal(world_open_incident(world, &all, SLICE_EMPTY, now, &id, &why), ERROR_NONE);
    assert_int_equal(world_eta_ms(world, 7), now + MINUTE);
    assert_int_equal(world_eta_ms(world, 8), now + MINUTE);
    assert_int_equal(world_change_incident(world, slice_from_string(id.text), &over, SLICE_EMPTY,
        now, &why), ERROR_NONE);
    assert_int_equal(world_eta_ms(world, 8), 0);
}

// A reload reads what the old world has written, so nothing may be said there meanwhile.
static void who_is_closed_takes_no_word(void **state)
{
    (void)state;
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    struct incident_id id;
    const struct incident_draft draft = {.title = SLICE("Works")};
    const struct finding down = {.state = COMPONENT_DOWN, .track = TRACK_DOWN};
    world_close(world, true);
    assert_int_equal(world_open_incident(world, &draft, SLICE_EMPTY, now, &id, &why), ERROR_BUSY);
    assert_true(why.size > 0);
    assert_int_equal(world_remove_window(world, SLICE("x"), SLICE_EMPTY, now, &why), ERROR_BUSY);
    world_learn(world, 3, &down, now);
    world_close(world, false);
    world_tick(world, now += 1000);
    struct snapshot *snapshot = look();
    assert_int_equal(snapshot->components[3].state, COMPONENT_UNKNOWN);
    assert_int_equal(snapshot->open_count, 0);
    snapshot_release(snapshot);
    assert_int_equal(world_open_incident(world, &draft, SLICE_EMPTY, now, &id, &why), ERROR_NONE);
}

// --- Windows: START is 2027-01-15 08:00:00 UTC ---

static struct incident_id announce(const char *begins, uint64_t minutes, const uint32_t *components,
    size_t count)
{
    char buffer[WINDOW_WHY_MAX];
    struct text why = text_in(buffer, sizeof(buffer));
    struct incident_id id;
    const struct window_draft draft = {.title = SLICE("Disks"), .begin = slice_from_string(begins),
        .duration_ms = minutes * 60000, .components = components, .component_count = count};
    if (world_add_window(world, &draft, SLICE("anna"), now, &id, &why) != ERROR_NONE)
        fail_msg("%.*s", SLICE_ARGS(text_slice(&why)));
    return id;
}

static void in_a_window_nothing_is_wrong(void **state)
{
    (void)state;
    static const uint32_t components[] = {4};
    announce("2027-01-15 08:10", 30, components, 1);
    assert_int_equal(windows_told, 1);
    assert_int_equal(window_states[0], WINDOW_SCHEDULED);
    for (unsigned i = 0; i < COUNT; i++)
        learn(i, COMPONENT_OPERATIONAL);
    world_tick(world, now += 10 * MINUTE);
    assert_int_equal(windows_told, 2);
    assert_int_equal(window_states[1], WINDOW_IN_PROGRESS);
    assert_int_equal(world_eta_ms(world, 4), now + 30 * MINUTE);
    assert_int_equal(world_eta_ms(world, 5), 0);
    learn(4, COMPONENT_DOWN);
    world_tick(world, now += MINUTE);
    struct snapshot *snapshot = look();
    assert_int_equal(snapshot->components[4].state, COMPONENT_MAINTENANCE);
    assert_int_equal(snapshot->components[4].since_ms, now - MINUTE);
    assert_int_equal(snapshot->components[4].reason.kind, REASON_NONE);
    assert_int_equal(snapshot->state, COMPONENT_MAINTENANCE);
    assert_int_equal(snapshot->open_count, 0);
    assert_int_equal(snapshot->window_count, 1);
    assert_int_equal(snapshot->past_window_count, 0);
    snapshot_release(snapshot);
    learn(7, COMPONENT_DOWN); // elsewhere
    snapshot = look();
    assert_int_equal(snapshot->state, COMPONENT_DOWN);
    snapshot_release(snapshot);
    learn(7, COMPONENT_OPERATIONAL);
    world_tick(world, now += 29 * MINUTE); // over, and still down
    assert_int_equal(windows_told, 3);
    assert_int_equal(window_states[2], WINDOW_COMPLETED);
    assert_int_equal(world_eta_ms(world, 4), 0);
    snapshot = look();
    assert_int_equal(snapshot->components[4].state, COMPONENT_DOWN);
    assert_int_equal(snapshot->open_count, 1);
    assert_int_equal(snapshot->past_window_count, 1);
    snapshot_release(snapshot);
}

// Nor anything of what it costs visitors: it was announced.
static void in_a_window_no_uptime_is_lost(void **state)
{
    (void)state;
    static const uint32_t components[] = {4};
    struct finding finding = {.state = COMPONENT_OPERATIONAL, .track = TRACK_UP, .requests = 100};
    announce("2027-01-15 08:10", 10, components, 1);
    world_learn(world, 4, &finding, now);
    world_tick(world, now += 10 * MINUTE);
    finding = (struct finding){.state = COMPONENT_DOWN, .track = TRACK_DOWN,
        .reason = {REASON_NO_ANSWER, 0}, .requests = 50, .failed = 50};
    world_learn(world, 4, &finding, now += MINUTE);
    world_tick(world, now += 1000);
    struct snapshot *snapshot = look();
    const struct uptime_day *today = &snapshot->components[4].days[SNAPSHOT_DAYS - 1];
    assert_int_equal(today->requests, 100);
    assert_int_equal(today->failed, 0);
    assert_int_equal(today->down_ms, 0);
    assert_true(today->maintenance_ms > 0);
    snapshot_release(snapshot);
    world_tick(world, now += 10 * MINUTE); // it is over, and they still fail
    world_learn(world, 4, &finding, now += 1000);
    snapshot = look();
    today = &snapshot->components[4].days[SNAPSHOT_DAYS - 1];
    assert_int_equal(today->requests, 150);
    assert_int_equal(today->failed, 50);
    snapshot_release(snapshot);
}

static unsigned zones_read;

// In place of the C library's: whoever reads a zone's file holds no lock.
int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    if (strstr(path, "/zoneinfo/") != NULL) {
        assert_int_equal(lock_held_count(), 0);
        zones_read++;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static void zones_are_read_without_the_lock(void **state)
{
    (void)state;
    char buffer[WINDOW_WHY_MAX];
    struct text why = text_in(buffer, sizeof(buffer));
    struct incident_id id;
    const struct window_draft draft = {.title = SLICE("Disks"), .begin = SLICE("2027-01-15 09:00"),
        .zone = SLICE("Europe/Berlin"), .duration_ms = 30 * MINUTE};
    zones_read = 0;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(world_add_window(world, &draft, SLICE("anna"), now, &id, &why),
            ERROR_NONE);
    assert_true(zones_read > 0);
    struct snapshot *snapshot = look();
    assert_int_equal(snapshot->window_count, 3);
    assert_int_equal(snapshot->components[0].state, COMPONENT_MAINTENANCE); // 08:00 UTC
    snapshot_release(snapshot);
    world_close(world, true);
    assert_int_equal(world_add_window(world, &draft, SLICE("anna"), now, &id, &why), ERROR_BUSY);
    world_close(world, false);
}

static void a_clock_that_is_set_back_leaves_a_window(void **state)
{
    (void)state;
    static const uint32_t components[] = {4};
    announce("2027-01-15 08:10", 30, components, 1);
    world_tick(world, now += 15 * MINUTE);
    struct snapshot *snapshot = look();
    assert_int_equal(snapshot->components[4].state, COMPONENT_MAINTENANCE);
    snapshot_release(snapshot);
    world_tick(world, now -= 10 * MINUTE); // it was ahead
    snapshot = look();
    assert_int_equal(snapshot->components[4].state, COMPONENT_UNKNOWN);
    assert_int_equal(snapshot->windows[0].state, WINDOW_SCHEDULED);
    snapshot_release(snapshot);
    world_tick(world, now += 5 * MINUTE);
    snapshot = look();
    assert_int_equal(snapshot->components[4].state, COMPONENT_MAINTENANCE);
    snapshot_release(snapshot);
    world_tick(world, now += 31 * MINUTE);
    world_tick(world, now -= 16 * MINUTE); // it is not over after all
    snapshot = look();
    assert_int_equal(snapshot->components[4].state, COMPONENT_MAINTENANCE);
    snapshot_release(snapshot);
}

static void a_window_of_all_is_of_all(void **state)
{
    (void)state;
    announce("2027-01-15 08:00", 30, NULL, 0); // which has begun
    assert_int_equal(window_states[0], WINDOW_IN_PROGRESS);
    assert_int_equal(windows_told, 1);
    struct snapshot *snapshot = look();
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(snapshot->components[i].state, COMPONENT_MAINTENANCE);
    snapshot_release(snapshot);
}

static void what_is_taken_away_has_ended(void **state)
{
    (void)state;
    char buffer[WINDOW_WHY_MAX];
    struct text why = text_in(buffer, sizeof(buffer));
    struct incident_id id = announce("2027-01-15 08:00", 30, NULL, 0);
    assert_int_equal(world_remove_window(world, slice_from_string(id.text), SLICE("anna"), now,
        &why), ERROR_NONE);
    assert_int_equal(windows_told, 2);
    assert_int_equal(window_states[1], WINDOW_COMPLETED);
    struct snapshot *snapshot = look();
    assert_int_equal(snapshot->components[0].state, COMPONENT_UNKNOWN);
    assert_int_equal(snapshot->window_count, 0);
    snapshot_release(snapshot);
    assert_int_equal(world_remove_window(world, slice_from_string(id.text), SLICE("anna"), now,
        &why), ERROR_NOT_FOUND);
    id = announce("2027-01-15 09:00", 30, NULL, 0); // announced, and called off
    assert_int_equal(world_remove_window(world, slice_from_string(id.text), SLICE("anna"), now,
        &why), ERROR_NONE);
    assert_int_equal(windows_told, 3);
}

static void what_depends_on_a_window_was_announced(void **state)
{
    (void)state;
    static const uint32_t components[] = {4};
    announce("2027-01-15 08:00", 30, components, 1);
    learn(4, COMPONENT_DOWN);
    learn(5, COMPONENT_DOWN); // depends on 4
    world_tick(world, now += 1000);
    struct snapshot *snapshot = look();
    assert_int_equal(snapshot->components[5].state, COMPONENT_DOWN);
    assert_int_equal(snapshot->components[5].cause, 4);
    assert_int_equal(snapshot->components[5].reason.kind, REASON_DEPENDENCY_MAINTENANCE);
    assert_int_equal(snapshot->open_count, 0);
    snapshot_release(snapshot);
    world_tick(world, now += 30 * MINUTE); // it is over, and both are down
    snapshot = look();
    assert_int_equal(snapshot->components[5].reason.kind, REASON_DEPENDENCY);
    assert_int_equal(snapshot->open_count, 1);
    assert_int_equal(snapshot->incidents[0].component_count, 2);
    snapshot_release(snapshot);
}

static void what_is_well_in_a_window_is_no_cause(void **state)
{
    (void)state;
    static const uint32_t components[] = {4};
    announce("2027-01-15 08:00", 30, components, 1);
    learn(4, COMPONENT_OPERATIONAL);
    learn(5, COMPONENT_DOWN);
    world_tick(world, now += 1000);
    struct snapshot *snapshot = look();
    assert_int_equal(snapshot->components[5].cause, COMPONENT_NONE);
    assert_int_equal(snapshot->open_count, 1);
    snapshot_release(snapshot);
}

static void what_an_operator_declares_of_the_edge_is_maintenance(void **state)
{
    (void)state;
    learn(4, COMPONENT_DOWN);
    world_tick(world, now += 1000);
    learn(4, COMPONENT_MAINTENANCE);
    world_tick(world, now += 20 * MINUTE);
    struct snapshot *snapshot = look();
    assert_int_equal(snapshot->components[4].state, COMPONENT_MAINTENANCE);
    assert_int_equal(snapshot->incidents[0].state, INCIDENT_INVESTIGATING); // nobody can tell
    snapshot_release(snapshot);
}

static void too_many_components_are_refused(void **state)
{
    (void)state;
    const struct world_settings settings = {.incidents = rules, .components = definitions,
        .component_count = COMPONENTS_MAX + 1, .now_ms = now};
    struct world *other = NULL;
    assert_int_equal(world_create(&settings, NULL, &other), ERROR_LIMIT);
    assert_null(other);
}

static void without_memory_there_is_no_world(void **state)
{
    (void)state;
    const struct world_settings settings = {.incidents = rules, .components = definitions,
        .component_count = COUNT, .now_ms = now};
    for (uint64_t i = 1;; i++) {
        struct world *other = NULL;
        uint64_t failures = memory_failures();
        memory_fail_after(i);
        enum error error = world_create(&settings, NULL, &other);
        struct snapshot *snapshot = other == NULL ? NULL : world_snapshot(other, now);
        memory_fail_after(0);
        assert_true(error == ERROR_NONE || error == ERROR_MEMORY);
        snapshot_release(snapshot);
        world_destroy(other);
        if (memory_failures() == failures)
            break;
    }
}

// --- Whatever is found ---

struct earlier {
    struct incident_id id;
    enum incident_state state;
    bool had_failure; // of its components, in the snapshot before
};

static struct earlier before[2000];
static size_t before_count;

static struct earlier *find_before(struct slice id)
{
    for (size_t i = 0; i < before_count; i++) {
        if (slice_equal(slice_from_string(before[i].id.text), id))
            return &before[i];
    }
    assert_true(before_count < ARRAY_SIZE(before));
    memcpy(before[before_count].id.text, id.data, id.size);
    before[before_count].state = INCIDENT_INVESTIGATING;
    return &before[before_count++];
}

static bool any_fails(const struct snapshot *snapshot, const struct incident_view *incident)
{
    for (size_t i = 0; i < incident->component_count; i++) {
        enum component_state state = snapshot->components[incident->components[i]].state;
        if (state == COMPONENT_DOWN || state == COMPONENT_PARTIAL || state == COMPONENT_DEGRADED)
            return true;
    }
    return false;
}

static void check(const struct snapshot *snapshot)
{
    unsigned carried[COUNT] = {0};
    assert_true(snapshot->open_count <= INCIDENTS_OPEN_MAX);
    assert_true(snapshot->incident_count <= INCIDENTS_OPEN_MAX + INCIDENTS_PAST_MAX);
    for (size_t i = 0; i < snapshot->incident_count; i++) {
        const struct incident_view *incident = &snapshot->incidents[i];
        struct earlier *earlier = find_before(incident->id);
        assert_int_equal(i < snapshot->open_count, incident->state != INCIDENT_RESOLVED);
        assert_int_equal(incident->resolved_ms != 0, incident->state == INCIDENT_RESOLVED);
        assert_int_equal(incident->updates[0].state, incident->state);
        assert_true(incident->title.size > 0 && incident->title.size <= INCIDENT_TITLE_MAX);
        if (incident->state < earlier->state) // back only because something fails
            assert_true(any_fails(snapshot, incident));
        earlier->state = incident->state;
        for (size_t j = 0; j < incident->component_count && i < snapshot->open_count; j++)
            carried[incident->components[j]]++;
        if (i > 0 && i != snapshot->open_count)
            assert_true(incident->started_ms <= snapshot->incidents[i - 1].started_ms);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        const struct component_view *view = &snapshot->components[i];
        bool was_announced = view->cause != COMPONENT_NONE
            && snapshot->components[view->cause].state == COMPONENT_MAINTENANCE;
        if ((view->state == COMPONENT_DOWN || view->state == COMPONENT_PARTIAL) && !was_announced)
            assert_int_equal(carried[i], 1);
        else
            assert_true(carried[i] <= 1);
        if (view->cause != COMPONENT_NONE) {
            assert_true(was_announced || snapshot->components[view->cause].state == COMPONENT_DOWN);
            assert_int_equal(view->reason.kind, was_announced ? REASON_DEPENDENCY_MAINTENANCE
                                                              : REASON_DEPENDENCY);
        }
    }
}

// Of a few components, soon.
static void announce_some(struct random *random)
{
    static const uint32_t some[] = {3, 4, 5, 20, 21, 33};
    char begins[32];
    time_t seconds = (time_t)(now / 1000 + (int64_t)random_below(random, 1200));
    struct tm parts;
    assert_non_null(gmtime_r(&seconds, &parts));
    strftime(begins, sizeof(begins), "%Y-%m-%d %H:%M", &parts);
    size_t first = (size_t)random_below(random, 5);
    announce(begins, 1 + random_below(random, 60), some + first, ARRAY_SIZE(some) - first);
}

static void play(uint64_t seed)
{
    static const enum component_state found[] = {COMPONENT_UNKNOWN, COMPONENT_OPERATIONAL,
        COMPONENT_OPERATIONAL, COMPONENT_OPERATIONAL, COMPONENT_DEGRADED, COMPONENT_PARTIAL,
        COMPONENT_DOWN, COMPONENT_DOWN};
    struct random random;
    random_seed(&random, seed);
    before_count = 0;
    for (unsigned turn = 0; turn < 2000; turn++) {
        uint64_t findings = random_chance(&random, 1, 40) ? 30 : random_below(&random, 2);
        while (findings-- > 0)
            learn((unsigned)random_below(&random, COUNT),
                found[random_below(&random, ARRAY_SIZE(found))]);
        if (random_chance(&random, 1, 30)) { // a quiet time
            for (unsigned i = 0; i < COUNT; i++)
                learn(i, COMPONENT_OPERATIONAL);
            world_tick(world, now += 1000);
            now += (5 + (int64_t)random_below(&random, 50)) * MINUTE;
        }
        if (random_chance(&random, 1, 200))
            announce_some(&random);
        now += random_chance(&random, 1, 30) ? 6 * MINUTE : (int64_t)random_below(&random, 5000);
        world_tick(world, now);
        struct snapshot *snapshot = look();
        check(snapshot);
        snapshot_release(snapshot);
    }
}

static void whatever_is_found_it_holds_together(void **state)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        if (seed > 1) {
            end(state);
            begin(state);
        }
        play(seed);
        assert_true(before_count > 20);
    }
}

// --- Threads ---

static void *learn_much(void *argument)
{
    for (int i = 0; i < 500; i++)
        world_learn(world, (unsigned)i % COUNT, &(struct finding){
            .state = i % 7 == 0 ? COMPONENT_DOWN : COMPONENT_OPERATIONAL, .track = TRACK_UP},
            START + i);
    return argument;
}

static void *tick_much(void *argument)
{
    for (int i = 0; i < 500; i++)
        world_tick(world, START + i);
    return argument;
}

static void *look_much(void *argument)
{
    for (int i = 0; i < 150; i++) {
        struct snapshot *snapshot = world_snapshot(world, START + i);
        if (snapshot != NULL && snapshot->open_count > 0)
            (void)slice_starts_with(snapshot->incidents[0].title, SLICE("site"));
        snapshot_release(snapshot);
    }
    return argument;
}

static void many_threads_meet(void **state)
{
    (void)state;
    static void *(*const works[])(void *) = {learn_much, tick_much, look_much, look_much};
    pthread_t threads[ARRAY_SIZE(works)];
    for (size_t i = 0; i < ARRAY_SIZE(works); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, works[i], NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(works); i++)
        pthread_join(threads[i], NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(it_tells_what_is_found),
        CASE(an_incident_comes_with_the_next_tick),
        CASE(two_sites_of_one_origin_are_one_incident),
        CASE(reports_change_no_state),
        CASE(snapshots_are_shared_for_a_second),
        CASE(a_snapshot_outlives_the_world),
        CASE(components_are_found_by_their_ids),
        CASE(an_operator_says_when_it_is_back),
        CASE(what_concerns_everything_is_everybodys_eta),
        CASE(who_is_closed_takes_no_word),
        CASE(in_a_window_nothing_is_wrong),
        CASE(in_a_window_no_uptime_is_lost),
        CASE(zones_are_read_without_the_lock),
        CASE(a_clock_that_is_set_back_leaves_a_window),
        CASE(a_window_of_all_is_of_all),
        CASE(what_is_taken_away_has_ended),
        CASE(what_depends_on_a_window_was_announced),
        CASE(what_is_well_in_a_window_is_no_cause),
        CASE(what_an_operator_declares_of_the_edge_is_maintenance),
        CASE(too_many_components_are_refused),
        CASE(without_memory_there_is_no_world),
        CASE(whatever_is_found_it_holds_together),
        CASE(many_threads_meet),
    };
    return cmocka_run_group_tests_name("watch.world", tests, NULL, NULL);
}
