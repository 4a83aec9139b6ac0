// Statuspage's API: the members that it documents, its words, nothing that breaks out of a string.
#include "machine_fixture.h"

#include <jansson.h>

static struct machine_fixture fixture;

static int begin(void **state)
{
    (void)state;
    fixture_begin(&fixture);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_end(&fixture);
    return 0;
}

static json_t *document(enum api_v2_document which)
{
    json_error_t why;
    fixture.text.size = 0;
    api_v2_write(&fixture.text, &fixture.view, which);
    json_t *json = json_loads(fixture_string(&fixture), JSON_REJECT_DUPLICATES, &why);
    if (json == NULL)
        fail_msg("%s at %d", why.text, why.position);
    return json;
}

static const char *string_of(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    if (!json_is_string(value))
        fail_msg("%s is no string", name);
    return json_string_value(value);
}

static void assert_moment(const char *text)
{
    int year, month, day, hour, minute, second, ms, size = 0;
    assert_int_equal(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour,
        &minute, &second, &ms, &size), 7);
    assert_int_equal(size, 24);
    assert_int_equal(strlen(text), 24);
}

// Names with a mark: t moment, T moment or null, s string, S string or null, b bool, n number,
// a array, o object, A array or null, N null.
static void assert_members(json_t *object, const char *const *members)
{
    size_t count = 0;
    assert_true(json_is_object(object));
    for (; members[count] != NULL; count++) {
        const char *name = members[count] + 1;
        json_t *value = json_object_get(object, name);
        if (value == NULL)
            fail_msg("%s is missing", name);
        bool null = json_is_null(value);
        switch (members[count][0]) {
        case 't': assert_moment(string_of(object, name)); break;
        case 'T':
            if (!null)
                assert_moment(string_of(object, name));
            break;
        case 's': assert_true(json_is_string(value)); break;
        case 'S': assert_true(null || json_is_string(value)); break;
        case 'b': assert_true(json_is_boolean(value)); break;
        case 'n': assert_true(json_is_integer(value)); break;
        case 'a': assert_true(json_is_array(value)); break;
        case 'A': assert_true(null || json_is_array(value)); break;
        case 'o': assert_true(json_is_object(value)); break;
        case 'N': assert_true(null); break;
        }
    }
    if (json_object_size(object) != count)
        fail_msg("%zu members instead of %zu", json_object_size(object), count);
}

#define MEMBERS(object, ...)                                                                       \
    assert_members(object, (const char *const[]){__VA_ARGS__, NULL})

static void check_component(json_t *component)
{
    static const char *const words[] = {"operational", "degraded_performance", "partial_outage",
        "major_outage", "under_maintenance"};
    if (json_is_true(json_object_get(component, "group")))
        MEMBERS(component, "sid", "sname", "sstatus", "tcreated_at", "tupdated_at", "nposition",
            "Sdescription", "bshowcase", "Sstart_date", "Sgroup_id", "spage_id", "bgroup",
            "bonly_show_if_degraded", "acomponents");
    else
        MEMBERS(component, "sid", "sname", "sstatus", "tcreated_at", "tupdated_at", "nposition",
            "Sdescription", "bshowcase", "Sstart_date", "Sgroup_id", "spage_id", "bgroup",
            "bonly_show_if_degraded");
    bool known = false;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        known = known || strcmp(string_of(component, "status"), words[i]) == 0;
    assert_true(known);
}

static void check_components(json_t *array)
{
    size_t i;
    json_t *component;
    json_array_foreach(array, i, component)
        check_component(component);
}

static void check_updates(json_t *array, const char *of)
{
    size_t i;
    json_t *update;
    json_array_foreach(array, i, update) {
        MEMBERS(update, "sid", "sstatus", "sbody", "sincident_id", "tcreated_at", "tupdated_at",
            "tdisplay_at", "Aaffected_components", "bdeliver_notifications", "Ncustom_tweet",
            "Ntweet_id");
        assert_string_equal(string_of(update, "incident_id"), of);
    }
}

static void check_incidents(json_t *array)
{
    size_t i;
    json_t *incident;
    json_array_foreach(array, i, incident) {
        json_object_del(incident, "postmortem_body");
        MEMBERS(incident, "sid", "sname", "sstatus", "tcreated_at", "tupdated_at",
            "Tmonitoring_at", "Tresolved_at", "simpact", "sshortlink", "tstarted_at", "spage_id",
            "aincident_updates", "acomponents", "Nreminder_intervals");
        check_updates(json_object_get(incident, "incident_updates"), string_of(incident, "id"));
        check_components(json_object_get(incident, "components"));
    }
}

static void check_windows(json_t *array)
{
    size_t i;
    json_t *window;
    json_array_foreach(array, i, window) {
        MEMBERS(window, "sid", "sname", "sstatus", "tcreated_at", "tupdated_at", "Tmonitoring_at",
            "Tresolved_at", "simpact", "sshortlink", "tstarted_at", "spage_id",
            "aincident_updates", "acomponents", "tscheduled_for", "tscheduled_until");
        assert_string_equal(string_of(window, "impact"), "maintenance");
        check_updates(json_object_get(window, "incident_updates"), string_of(window, "id"));
        check_components(json_object_get(window, "components"));
    }
}

// All documents, whatever is in them.
static void check_all(void)
{
    for (unsigned i = 0; i < API_V2_COUNT; i++) {
        json_t *json = document((enum api_v2_document)i);
        MEMBERS(json_object_get(json, "page"), "sid", "sname", "surl", "stime_zone",
            "tupdated_at");
        check_components(json_object_get(json, "components"));
        check_incidents(json_object_get(json, "incidents"));
        check_windows(json_object_get(json, "scheduled_maintenances"));
        json_t *status = json_object_get(json, "status");
        if (status != NULL)
            MEMBERS(status, "sindicator", "sdescription");
        json_decref(json);
    }
}

static void test_members(void **state)
{
    (void)state;
    check_all();
    json_t *json = document(API_V2_STATUS);
    MEMBERS(json, "opage", "ostatus");
    json_decref(json);
    json = document(API_V2_SUMMARY);
    MEMBERS(json, "opage", "acomponents", "aincidents", "ascheduled_maintenances", "ostatus");
    json_decref(json);
    json = document(API_V2_COMPONENTS);
    MEMBERS(json, "opage", "acomponents");
    json_decref(json);
    json = document(API_V2_UNRESOLVED);
    MEMBERS(json, "opage", "aincidents");
    json_decref(json);
    json = document(API_V2_ACTIVE);
    MEMBERS(json, "opage", "ascheduled_maintenances");
    json_decref(json);
}

static void test_components_and_groups(void **state)
{
    (void)state;
    json_t *json = document(API_V2_COMPONENTS);
    json_t *components = json_object_get(json, "components");
    assert_int_equal(json_array_size(components), 6); // with the group
    json_t *shop = json_array_get(components, 0), *group = json_array_get(components, 1);
    assert_string_equal(string_of(shop, "id"), "shop.example");
    assert_string_equal(string_of(shop, "status"), "major_outage");
    assert_string_equal(string_of(shop, "description"), "no server answers");
    assert_string_equal(string_of(shop, "start_date"), "2026-11-02");
    assert_string_equal(string_of(shop, "created_at"), "2026-11-02T00:00:00.000Z");
    assert_string_equal(string_of(shop, "updated_at"), "2026-12-01T01:00:00.123Z");
    assert_true(json_is_null(json_object_get(shop, "group_id")));
    assert_string_equal(string_of(group, "name"), "Insides");
    assert_string_equal(string_of(group, "status"), "under_maintenance");
    json_t *inside = json_object_get(group, "components");
    assert_int_equal(json_array_size(inside), 2);
    assert_string_equal(json_string_value(json_array_get(inside, 0)), "api.example");
    assert_string_equal(json_string_value(json_array_get(inside, 1)), "db.example");
    for (size_t i = 2; i <= 4; i += 2)
        assert_string_equal(string_of(json_array_get(components, i), "group_id"),
            string_of(group, "id"));
    json_t *unknown = json_array_get(components, 3);
    assert_string_equal(string_of(unknown, "status"), "operational");
    assert_string_equal(string_of(unknown, "description"), "state not known");
    json_decref(json);
}

static void test_incidents(void **state)
{
    (void)state;
    json_t *json = document(API_V2_INCIDENTS);
    json_t *incidents = json_object_get(json, "incidents");
    assert_int_equal(json_array_size(incidents), 2);
    json_t *open = json_array_get(incidents, 0), *over = json_array_get(incidents, 1);
    assert_string_equal(string_of(open, "status"), "monitoring");
    assert_string_equal(string_of(open, "impact"), "major");
    assert_string_equal(string_of(open, "monitoring_at"), "2026-12-01T01:50:00.123Z");
    assert_string_equal(string_of(open, "updated_at"), "2026-12-01T01:50:00.123Z");
    assert_true(json_is_null(json_object_get(open, "resolved_at")));
    assert_string_equal(string_of(open, "shortlink"),
        "https://example.org/.afloat/incident/k3x9aaaaaaaa");
    json_t *updates = json_object_get(open, "incident_updates");
    assert_int_equal(json_array_size(updates), 3);
    assert_string_equal(string_of(json_array_get(updates, 0), "id"), "k3x9aaaaaaaa-3");
    assert_string_equal(string_of(json_array_get(updates, 1), "body"), "A disc\nis full");
    assert_string_equal(string_of(json_array_get(updates, 2), "id"), "k3x9aaaaaaaa-1");
    assert_string_equal(string_of(json_array_get(updates, 2), "body"), "Noticed automatically.");
    assert_int_equal(json_array_size(json_object_get(open, "components")), 2);
    assert_string_equal(string_of(over, "status"), "resolved");
    assert_string_equal(string_of(over, "resolved_at"), "2026-11-29T02:00:00.123Z");
    assert_string_equal(string_of(over, "postmortem_body"), "It was the disc.");
    json_decref(json);
    json = document(API_V2_UNRESOLVED);
    assert_int_equal(json_array_size(json_object_get(json, "incidents")), 1);
    json_decref(json);
    // Nobody's name is told.
    assert_null(strstr(fixture.document, "ann\""));
}

static void test_maintenance(void **state)
{
    static const struct {
        enum api_v2_document document;
        const char *words;
    } cases[] = {
        {API_V2_MAINTENANCES, "in_progress scheduled completed "},
        {API_V2_SUMMARY, "in_progress scheduled "},
        {API_V2_UPCOMING, "scheduled "},
        {API_V2_ACTIVE, "in_progress "},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char words[100] = "";
        size_t j;
        json_t *window, *json = document(cases[i].document);
        json_array_foreach(json_object_get(json, "scheduled_maintenances"), j, window)
            snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s ",
                string_of(window, "status"));
        assert_string_equal(words, cases[i].words);
        json_decref(json);
    }
    json_t *json = document(API_V2_MAINTENANCES);
    json_t *windows = json_object_get(json, "scheduled_maintenances");
    json_t *now = json_array_get(windows, 0), *over = json_array_get(windows, 2);
    assert_string_equal(string_of(now, "id"), "w1aaaaaaaaaa-20261201T010000Z");
    assert_string_equal(string_of(now, "scheduled_for"), "2026-12-01T01:00:00.123Z");
    assert_string_equal(string_of(now, "scheduled_until"), "2026-12-01T03:00:00.123Z");
    assert_string_equal(string_of(now, "created_at"), "2026-11-21T02:00:00.123Z");
    assert_int_equal(json_array_size(json_object_get(now, "components")), 1);
    assert_int_equal(json_array_size(json_object_get(over, "components")), 5); // all
    assert_string_equal(string_of(over, "resolved_at"), "2026-11-24T03:00:00.123Z");
    json_decref(json);
    fixture.windows[0].announced_ms = NOW; // told when it had begun
    fixture.windows[2].announced_ms = NOW; // and when it was over
    json = document(API_V2_MAINTENANCES);
    for (size_t i = 0; i < 3; i += 2) {
        now = json_array_get(json_object_get(json, "scheduled_maintenances"), i);
        assert_string_equal(string_of(now, "created_at"), "2026-12-01T02:00:00.123Z");
        assert_string_equal(string_of(now, "updated_at"), "2026-12-01T02:00:00.123Z");
    }
    json_decref(json);
}

static void assert_state(const char *indicator, const char *description)
{
    struct api_v2_state told = api_v2_state(&fixture.snapshot);
    assert_string_equal(told.indicator, indicator);
    assert_string_equal(told.description, description);
}

static void set_states(enum component_state first, enum component_state others)
{
    for (size_t i = 0; i < 5; i++)
        fixture.components[i].state = i == 0 ? first : others;
}

static void test_indicator(void **state)
{
    (void)state;
    fixture.snapshot.open_count = 0;
    set_states(COMPONENT_OPERATIONAL, COMPONENT_OPERATIONAL);
    assert_state("none", "All Systems Operational");
    set_states(COMPONENT_UNKNOWN, COMPONENT_OPERATIONAL);
    assert_state("none", "All Checked Systems Operational");
    set_states(COMPONENT_UNKNOWN, COMPONENT_UNKNOWN);
    assert_state("none", "State Not Known Yet");
    set_states(COMPONENT_MAINTENANCE, COMPONENT_OPERATIONAL);
    assert_state("maintenance", "Service Under Maintenance");
    set_states(COMPONENT_DEGRADED, COMPONENT_MAINTENANCE);
    assert_state("minor", "Partially Degraded Service");
    set_states(COMPONENT_PARTIAL, COMPONENT_OPERATIONAL);
    assert_state("major", "Partial System Outage");
    set_states(COMPONENT_DOWN, COMPONENT_OPERATIONAL);
    assert_state("major", "Partial System Outage");
    set_states(COMPONENT_DOWN, COMPONENT_DOWN);
    assert_state("critical", "Major System Outage");
    set_states(COMPONENT_OPERATIONAL, COMPONENT_OPERATIONAL);
    fixture.snapshot.open_count = 1;
    fixture.incidents[0].impact = IMPACT_MINOR;
    assert_state("minor", "Minor Service Outage");
    fixture.incidents[0].impact = IMPACT_CRITICAL;
    assert_state("critical", "Major System Outage");
    fixture.incidents[0].impact = IMPACT_NONE;
    assert_state("none", "All Systems Operational");
    fixture.snapshot.component_count = fixture.snapshot.open_count = 0;
    assert_state("none", "All Systems Operational");
}

static void test_hostile_words(void **state)
{
    (void)state;
    fixture_make_hostile(&fixture, SLICE(HOSTILE));
    check_all();
    fixture_make_hostile(&fixture, SLICE(""));
    check_all();
    fixture.components[0].since_ms = INT64_MAX; // no year of four digits
    fixture.incidents[0].components = (const uint32_t[]){COMPONENT_NONE, 77};
    check_all();
}

static void test_a_thousand_components(void **state)
{
    (void)state;
    struct component_view *many = calloc(1000, sizeof(*many));
    char (*ids)[20] = calloc(1000, sizeof(*ids));
    assert_true(many != NULL && ids != NULL);
    for (size_t i = 0; i < 1000; i++) {
        snprintf(ids[i], sizeof(ids[i]), "c%zu.example", i);
        many[i] = fixture_component(ids[i], ids[i], COMPONENT_OPERATIONAL);
        many[i].group = i % 7 == 0 ? SLICE("Seven") : SLICE("");
    }
    fixture.snapshot.components = many;
    fixture.snapshot.component_count = 1000;
    json_t *json = document(API_V2_SUMMARY);
    assert_int_equal(json_array_size(json_object_get(json, "components")), 1001);
    check_components(json_object_get(json, "components"));
    json_decref(json);
    free(many);
    free(ids);
}

static void test_lists_are_bounded(void **state)
{
    (void)state;
    struct incident_view *many = calloc(80, sizeof(*many));
    struct incident_update *updates = calloc(200, sizeof(*updates));
    struct window_view *windows = calloc(300, sizeof(*windows));
    assert_true(many != NULL && updates != NULL && windows != NULL);
    for (size_t i = 0; i < 200; i++)
        updates[i] = fixture.updates[0];
    for (size_t i = 0; i < 80; i++) {
        many[i] = fixture.incidents[1];
        many[i].updates = updates;
        many[i].update_count = 200;
    }
    for (size_t i = 0; i < 300; i++)
        windows[i] = fixture.windows[1];
    fixture.snapshot.incidents = many;
    fixture.snapshot.incident_count = 80;
    fixture.snapshot.open_count = 0;
    fixture.snapshot.windows = windows;
    fixture.snapshot.window_count = 300;
    json_t *json = document(API_V2_INCIDENTS), *incidents = json_object_get(json, "incidents");
    assert_int_equal(json_array_size(incidents), 50);
    json_t *shown = json_object_get(json_array_get(incidents, 49), "incident_updates");
    assert_int_equal(json_array_size(shown), MACHINE_UPDATES);
    assert_string_equal(string_of(json_array_get(shown, 0), "id"), "k3x9bbbbbbbb-200");
    json_decref(json);
    json = document(API_V2_MAINTENANCES);
    assert_int_equal(json_array_size(json_object_get(json, "scheduled_maintenances")),
        MACHINE_WINDOWS);
    json_decref(json);
    free(many);
    free(updates);
    free(windows);
}

static void test_too_small_is_full(void **state)
{
    (void)state;
    char buffer[300];
    for (unsigned i = 0; i < API_V2_COUNT; i++) {
        struct text small = text_in(buffer, i == API_V2_STATUS ? 100 : sizeof(buffer));
        api_v2_write(&small, &fixture.view, (enum api_v2_document)i);
        assert_true(small.full);
    }
}

static void test_names(void **state)
{
    enum api_v2_document which;
    (void)state;
    assert_true(api_v2_find(SLICE("incidents/unresolved"), &which));
    assert_int_equal(which, API_V2_UNRESOLVED);
    assert_true(api_v2_find(SLICE("scheduled-maintenances/active"), &which));
    assert_int_equal(which, API_V2_ACTIVE);
    assert_false(api_v2_find(SLICE("incidents/"), &which));
    assert_false(api_v2_find(SLICE(""), &which));
    assert_false(api_v2_find(SLICE("../summary"), &which));
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(members), TEST(components_and_groups), TEST(incidents), TEST(maintenance),
        TEST(indicator), TEST(hostile_words), TEST(a_thousand_components),
        TEST(lists_are_bounded), TEST(too_small_is_full), TEST(names),
    };
    return cmocka_run_group_tests_name("watch.api_v2", tests, NULL, NULL);
}
