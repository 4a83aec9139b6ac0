// Rules of incidents: what opens one, what joins it, what moves it on, and whose word counts.
#include "incident_fixture.h"

static void assert_title(const struct incident *incident, const char *expected)
{
    char buffer[256];
    snprintf(buffer, sizeof(buffer), "%.*s", SLICE_ARGS(incident->title));
    assert_string_equal(buffer, expected);
}

static void it_goes_its_way(void **state)
{
    (void)state;
    tick(0);
    assert_int_equal(incidents.open_count, 0);
    down(0);
    tick(250);
    struct incident *incident = only();
    assert_int_equal(incident->state, INCIDENT_INVESTIGATING);
    assert_int_equal(incident->impact, IMPACT_CRITICAL);
    assert_int_equal(incident->started_ms, START);
    assert_int_equal(incident->update_count, 1);
    assert_int_equal(incident->updates[0].author.size, 0);
    assert_title(incident, "Site 0 is not answering");
    tick(250);
    assert_int_equal(told, 1);
    set(0, COMPONENT_DOWN, REASON_REFUSED); // now it is known
    tick(250);
    assert_int_equal(incident->state, INCIDENT_IDENTIFIED);
    assert_title(incident, "Site 0 refuses connections");
    well(0);
    tick(250);
    assert_int_equal(incident->state, INCIDENT_MONITORING);
    tick(5 * MINUTE - 1);
    assert_int_equal(incident->state, INCIDENT_MONITORING);
    tick(1);
    assert_int_equal(incidents.open_count, 0);
    assert_int_equal(incidents.past_count, 1);
    assert_int_equal(incident->resolved_ms, now);
    assert_int_equal(incident->update_count, 4);
    assert_int_equal(incident->updates[0].state, INCIDENT_RESOLVED);
}

static void a_cause_that_is_known_at_once_is_said_next(void **state)
{
    (void)state;
    set(0, COMPONENT_DOWN, REASON_CERTIFICATE);
    tick(0);
    assert_int_equal(only()->state, INCIDENT_INVESTIGATING);
    tick(250);
    assert_int_equal(only()->state, INCIDENT_IDENTIFIED);
    assert_title(only(), "Site 0 has no valid certificate");
}

static void what_fails_while_it_is_watched_goes_back(void **state)
{
    (void)state;
    down(0);
    tick(0);
    well(0);
    tick(1000);
    assert_int_equal(only()->state, INCIDENT_MONITORING);
    down(0);
    tick(4 * MINUTE);
    assert_int_equal(only()->state, INCIDENT_INVESTIGATING);
    well(0);
    tick(1000);
    tick(4 * MINUTE);
    set(0, COMPONENT_DEGRADED, REASON_SLOW); // not well: calm begins anew
    tick(1000);
    assert_int_equal(only()->state, INCIDENT_MONITORING);
    well(0);
    tick(MINUTE);
    tick(4 * MINUTE);
    assert_int_equal(only()->state, INCIDENT_MONITORING);
    tick(MINUTE);
    assert_int_equal(incidents.open_count, 0);
}

static void what_flaps_is_the_same_incident(void **state)
{
    (void)state;
    down(0);
    tick(0);
    struct incident *incident = only();
    well(0);
    tick(1000);
    tick(5 * MINUTE);
    assert_int_equal(incidents.open_count, 0);
    down(0);
    tick(30 * MINUTE);
    assert_ptr_equal(only(), incident);
    assert_int_equal(incident->state, INCIDENT_INVESTIGATING);
    assert_int_equal(incident->resolved_ms, 0);
    assert_int_equal(incidents.past_count, 0);
    well(0);
    tick(1000);
    tick(5 * MINUTE);
    down(0);
    tick(30 * MINUTE + 1);
    assert_ptr_not_equal(only(), incident);
    assert_int_equal(incidents.past_count, 1);
    assert_int_equal(opened, 2);
}

static void degraded_is_one_when_it_lasts(void **state)
{
    (void)state;
    set(0, COMPONENT_DEGRADED, REASON_SLOW);
    tick(0);
    tick(15 * MINUTE - 1);
    assert_int_equal(incidents.open_count, 0);
    tick(1);
    assert_int_equal(only()->impact, IMPACT_MINOR);
    assert_title(only(), "Site 0 is slow");
    incidents.settings.degraded_ms = 0;
    set(1, COMPONENT_DEGRADED, REASON_SLOW);
    tick(1000);
    tick(600 * MINUTE);
    assert_int_equal(only()->component_count, 1);
}

static void impact_is_the_worst_ever(void **state)
{
    (void)state;
    subjects[0].group = subjects[1].group = 3;
    set(0, COMPONENT_PARTIAL, REASON_COPIES);
    tick(0);
    assert_int_equal(only()->impact, IMPACT_MAJOR);
    assert_title(only(), "Site 0 is shown from copies");
    down(1);
    tick(1000);
    assert_int_equal(only()->impact, IMPACT_CRITICAL);
    assert_title(only(), "Site 0 and Site 1 are down");
    well(1);
    tick(1000);
    assert_int_equal(only()->impact, IMPACT_CRITICAL);
}

static void relatives_within_time_are_one(void **state)
{
    (void)state;
    static const uint32_t origin[] = {COUNT}, other[] = {COUNT + 1};
    subjects[0].depends_on = subjects[1].depends_on = origin;
    subjects[2].depends_on = other;
    for (unsigned i = 0; i < 3; i++)
        subjects[i].depends_on_count = 1;
    down(0);
    tick(0);
    down(1); // of the same origin
    tick(MINUTE);
    assert_int_equal(only()->component_count, 2);
    assert_title(only(), "Site 0 and Site 1 are not answering");
    down(2); // of another
    tick(1000);
    assert_int_equal(incidents.open_count, 2);
}

static void relatives_later_are_another(void **state)
{
    (void)state;
    subjects[0].group = subjects[1].group = 3;
    down(0);
    tick(0);
    down(1);
    tick(MINUTE + 1);
    assert_int_equal(incidents.open_count, 2);
}

static void strangers_are_each_their_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < INCIDENT_MANY; i++)
        down(i);
    tick(0);
    assert_int_equal(incidents.open_count, INCIDENT_MANY);
}

static void many_at_once_are_one(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++)
        down(i);
    tick(0);
    assert_int_equal(only()->component_count, 200);
    assert_int_equal(opened, 1);
    assert_title(only(), "Site 0, Site 1 and 198 more are not answering");
}

static void many_one_after_the_other_become_one(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        down(i);
        tick(200);
    }
    assert_int_equal(only()->component_count, 200);
    assert_int_equal(incidents.past_count, INCIDENT_MANY - 1); // which say where they go on
    const struct incident *merged = LIST_ENTRY(incidents.past.next, struct incident, link);
    assert_true(merged->was_merged);
    assert_true(slice_starts_with(merged->updates[0].text, SLICE("Goes on in incident ")));
    for (unsigned i = 0; i < 200; i++)
        well(i);
    tick(1000);
    tick(5 * MINUTE);
    assert_int_equal(incidents.open_count, 0);
    down(1); // it was in two; the one that went on is taken up
    tick(MINUTE);
    assert_int_equal(only()->component_count, 200);
}

static void more_than_one_can_name_are_two(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT; i++)
        down(i);
    tick(0);
    assert_int_equal(incidents.open_count, 2);
    for (unsigned i = 0; i < COUNT; i++)
        assert_non_null(subjects[i].incident);
}

static void what_depends_joins_its_cause(void **state)
{
    (void)state;
    static const uint32_t on_two[] = {2}, on_one[] = {1};
    subjects[0].depends_on = on_one;
    subjects[1].depends_on = on_two;
    subjects[0].depends_on_count = subjects[1].depends_on_count = 1;
    for (unsigned i = 0; i < 3; i++)
        down(i);
    tick(0);
    assert_int_equal(only()->component_count, 3);
    assert_int_equal(subjects[0].cause, 2); // the farthest
    assert_int_equal(subjects[1].cause, 2);
    assert_title(only(), "Site 2 is not answering");
    tick(250);
    assert_int_equal(only()->state, INCIDENT_IDENTIFIED);
    well(1); // then what depends on it fails by itself
    tick(250);
    assert_int_equal(subjects[0].cause, COMPONENT_NONE);
    assert_int_equal(only()->component_count, 3);
}

static void what_depends_joins_long_after(void **state)
{
    (void)state;
    static const uint32_t on_one[] = {1};
    subjects[0].depends_on = on_one;
    subjects[0].depends_on_count = 1;
    down(1);
    tick(0);
    down(0);
    tick(60 * MINUTE);
    assert_int_equal(only()->component_count, 2);
}

static void circles_have_a_beginning(void **state)
{
    (void)state;
    static const uint32_t on[][2] = {{1, 0}, {2, 1}, {1, 3}, {0, 0}};
    for (unsigned i = 0; i < 4; i++) {
        subjects[i].depends_on = on[i];
        subjects[i].depends_on_count = 2;
        down(i);
    }
    tick(0); // 0 → 1 → 2 → 3 → 0, and 2 → 1
    assert_int_equal(subjects[0].cause, COMPONENT_NONE);
    for (unsigned i = 1; i < 4; i++)
        assert_int_equal(subjects[i].cause, 0);
    assert_int_equal(only()->component_count, 4);
    static const uint32_t outside[] = {1};
    well(0);
    subjects[5].depends_on = outside;
    subjects[5].depends_on_count = 1;
    down(5); // depends on a circle (1, 2) that it is not part of; 3 is down by itself
    tick(250);
    assert_int_equal(subjects[5].cause, 3);
    well(3);
    tick(250);
    assert_int_equal(subjects[5].cause, 1);
    assert_int_equal(subjects[1].cause, COMPONENT_NONE);
    assert_int_equal(subjects[2].cause, 1);
}

static void maintenance_makes_none(void **state)
{
    (void)state;
    set(0, COMPONENT_MAINTENANCE, REASON_NONE);
    tick(0);
    assert_int_equal(incidents.open_count, 0);
    down(0); // the window is over
    tick(1000);
    struct incident *incident = only();
    set(0, COMPONENT_MAINTENANCE, REASON_NONE); // nobody can tell
    tick(1000);
    tick(60 * MINUTE);
    assert_int_equal(incident->state, INCIDENT_INVESTIGATING);
    well(0);
    tick(1000);
    assert_int_equal(incident->state, INCIDENT_MONITORING);
}

static void what_is_unknown_is_not_well(void **state)
{
    (void)state;
    down(0);
    tick(0);
    set(0, COMPONENT_UNKNOWN, REASON_BLIND);
    tick(1000);
    tick(60 * MINUTE);
    assert_int_equal(only()->state, INCIDENT_INVESTIGATING);
    assert_int_equal(only()->update_count, 1);
}

static void switched_off_it_opens_none(void **state)
{
    (void)state;
    incidents.settings.automatic = false;
    down(0);
    tick(0);
    assert_int_equal(incidents.open_count, 0);
    assert_int_equal(told, 0);
}

static void an_operators_words_stand(void **state)
{
    (void)state;
    down(0);
    tick(0);
    struct incident *incident = only();
    change(incident, &(struct incident_change){.has_title = true, .title = SLICE("Fire"),
        .has_impact = true, .impact = IMPACT_MINOR, .has_state = true,
        .state = INCIDENT_INVESTIGATING, .text = SLICE("We look.")});
    assert_false(incident->automatic_title);
    subjects[0].group = subjects[1].group = 3;
    set(0, COMPONENT_DOWN, REASON_REFUSED);
    down(1);
    tick(1000);
    assert_title(incident, "Fire");
    assert_int_equal(incident->impact, IMPACT_MINOR);
    assert_int_equal(incident->state, INCIDENT_INVESTIGATING); // which he said, and stays
    assert_int_equal(incident->component_count, 2);
    change(incident, &(struct incident_change){.has_state = true, .state = INCIDENT_MONITORING});
    tick(1000);
    assert_int_equal(incident->state, INCIDENT_MONITORING); // not back
    well(0);
    well(1);
    tick(1000);
    tick(5 * MINUTE);
    assert_int_equal(incident->state, INCIDENT_RESOLVED); // but on
}

static void a_word_alone_leaves_the_state_to_the_machine(void **state)
{
    (void)state;
    down(0);
    tick(0);
    change(only(), &(struct incident_change){.text = SLICE("We look.")});
    assert_int_equal(only()->update_count, 2);
    assert_true(slice_equal(only()->updates[0].author, SLICE("anna")));
    set(0, COMPONENT_DOWN, REASON_REFUSED);
    tick(1000);
    assert_int_equal(only()->state, INCIDENT_IDENTIFIED);
}

static void resolved_by_an_operator_stays_until_it_fails_anew(void **state)
{
    (void)state;
    down(0);
    tick(0);
    struct incident *incident = only();
    change(incident, &(struct incident_change){.has_state = true, .state = INCIDENT_RESOLVED});
    tick(1000);
    tick(10 * MINUTE);
    assert_int_equal(incidents.open_count, 0);
    set(0, COMPONENT_UNKNOWN, REASON_BLIND); // not well in between
    tick(1000);
    down(0);
    tick(1000);
    assert_int_equal(incidents.open_count, 0);
    well(0);
    tick(1000);
    down(0);
    tick(1000);
    assert_ptr_equal(only(), incident);
}

static void taken_out_by_an_operator_stays_out(void **state)
{
    (void)state;
    subjects[0].group = subjects[1].group = 3;
    down(0);
    down(1);
    tick(0);
    static const uint32_t left[] = {0};
    change(only(), &(struct incident_change){.has_components = true, .components = left,
        .component_count = 1});
    tick(1000);
    assert_int_equal(only()->component_count, 1);
    assert_null(subjects[1].incident);
}

// He has not said that of what it is now.
static void what_gets_worse_than_what_is_said_to_be_over_is_told(void **state)
{
    (void)state;
    set(0, COMPONENT_DEGRADED, REASON_SLOW);
    tick(15 * MINUTE);
    struct incident *slow = only();
    change(slow, &(struct incident_change){.has_state = true, .state = INCIDENT_RESOLVED});
    tick(60 * MINUTE);
    assert_int_equal(incidents.open_count, 0);
    down(0);
    tick(250);
    struct incident *outage = only();
    assert_ptr_not_equal(outage, slow);
    assert_int_equal(outage->impact, IMPACT_CRITICAL);
    change(outage, &(struct incident_change){.has_state = true, .state = INCIDENT_RESOLVED});
    set(0, COMPONENT_PARTIAL, REASON_ERRORS);
    tick(60 * MINUTE); // which is less
    assert_int_equal(incidents.open_count, 0);
    down(0); // and no more than he spoke of
    tick(250);
    assert_int_equal(incidents.open_count, 0);
}

// What lists nothing concerns everything, in his words; nothing tells when everything is well.
static void an_operator_who_says_that_all_is_concerned_is_heard(void **state)
{
    (void)state;
    down(1);
    tick(0);
    struct incident *incident = only();
    change(incident, &(struct incident_change){.has_components = true});
    well(1);
    tick(1000);
    tick(30 * MINUTE);
    assert_ptr_equal(only(), incident);
    assert_int_equal(incident->state, INCIDENT_INVESTIGATING);
    change(incident, &(struct incident_change){.has_state = true, .state = INCIDENT_RESOLVED});
    assert_int_equal(incidents.open_count, 0);
}

static void an_operators_own_is_left_alone(void **state)
{
    (void)state;
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    struct incident *incident;
    static const uint32_t both[] = {0, 1, 0};
    const struct incident_draft draft = {.title = SLICE("Move"), .text = SLICE("It begins."),
        .impact = IMPACT_CRITICAL, .components = both, .component_count = 3,
        .eta_ms = now + MINUTE};
    assert_int_equal(incidents_open(&incidents, &draft, COUNT, SLICE("anna"), now, &incident,
        &why), ERROR_NONE);
    assert_int_equal(incident->component_count, 2);
    down(0); // is told of already
    tick(1000);
    assert_ptr_equal(only(), incident);
    assert_ptr_equal(subjects[0].incident, incident);
    well(0);
    tick(1000);
    tick(60 * MINUTE);
    assert_int_equal(incident->state, INCIDENT_INVESTIGATING);
    change(incident, &(struct incident_change){.has_state = true, .state = INCIDENT_RESOLVED});
    assert_int_equal(incident->eta_ms, 0);
}

static void what_gets_worse_than_an_operator_says_is_told(void **state)
{
    (void)state;
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    struct incident *own;
    static const uint32_t shop[] = {0};
    const struct incident_draft draft = {.title = SLICE("Payments are slow"),
        .impact = IMPACT_MINOR, .components = shop, .component_count = 1};
    assert_int_equal(incidents_open(&incidents, &draft, COUNT, SLICE("anna"), now, &own, &why),
        ERROR_NONE);
    set(0, COMPONENT_DEGRADED, REASON_SLOW);
    tick(0);
    tick(20 * MINUTE);
    assert_ptr_equal(only(), own);
    opened = told = 0;
    down(0);
    tick(1000);
    assert_int_equal(opened, 1);
    assert_int_equal(told, 1);
    assert_int_equal(incidents.open_count, 2);
    struct incident *worse = subjects[0].incident;
    assert_ptr_not_equal(worse, own);
    assert_title(worse, "Site 0 is not answering");
    assert_int_equal(worse->impact, IMPACT_CRITICAL);
    assert_title(own, "Payments are slow"); // his words stand
    assert_int_equal(own->impact, IMPACT_MINOR);
    assert_int_equal(own->state, INCIDENT_INVESTIGATING);
    assert_int_equal(own->update_count, 1);
    well(0);
    tick(1000);
    tick(5 * MINUTE);
    assert_ptr_equal(only(), own);
    assert_int_equal(worse->state, INCIDENT_RESOLVED);
    down(0); // his word that it is over is one of this incident, too
    tick(31 * MINUTE);
    change(own, &(struct incident_change){.has_state = true, .state = INCIDENT_RESOLVED});
    change(only(), &(struct incident_change){.has_state = true, .state = INCIDENT_RESOLVED});
    tick(1000);
    assert_int_equal(incidents.open_count, 0);
}

static void what_stays_slow_after_an_outage_is_another_incident(void **state)
{
    (void)state;
    down(0);
    tick(0);
    struct incident *outage = only();
    set(0, COMPONENT_DEGRADED, REASON_SLOW);
    tick(5 * MINUTE - 1);
    assert_int_equal(outage->state, INCIDENT_INVESTIGATING); // it may go down again
    tick(1);
    assert_int_equal(outage->state, INCIDENT_MONITORING);
    tick(5 * MINUTE);
    assert_int_equal(outage->state, INCIDENT_RESOLVED);
    assert_int_equal(outage->impact, IMPACT_CRITICAL); // which it was
    assert_int_equal(incidents.open_count, 0);
    tick(5 * MINUTE);
    struct incident *rest = only();
    assert_ptr_not_equal(rest, outage);
    assert_int_equal(rest->impact, IMPACT_MINOR);
    assert_title(rest, "Site 0 is slow");
    tick(600 * MINUTE);
    assert_int_equal(rest->state, INCIDENT_INVESTIGATING);
    down(0);
    tick(1000);
    assert_ptr_equal(only(), rest); // which says so
    assert_int_equal(rest->impact, IMPACT_CRITICAL);
}

// A new process knows nothing of the components until somebody has looked.
static void restart(void)
{
    for (unsigned i = 0; i < COUNT; i++) {
        subjects[i].incident = NULL;
        subjects[i].failed_ms = 0;
        set(i, COMPONENT_UNKNOWN, REASON_NONE);
    }
    incidents_take_up(&incidents, subjects);
    tick(250);
}

static void long_failures_stay_apart_after_a_restart(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= INCIDENT_MANY; i++) {
        down(i);
        tick(2 * MINUTE);
    }
    restart();
    for (unsigned i = 0; i <= INCIDENT_MANY + 1; i++) // the last one is new
        down(i);
    tick(250);
    assert_int_equal(incidents.open_count, INCIDENT_MANY + 2);
    assert_int_equal(incidents.past_count, 0);
    well(0);
    tick(MINUTE);
    down(0); // anew
    tick(250);
    assert_int_equal(subjects[0].failed_ms, now);
}

static void what_nobody_has_looked_at_yet_changes_no_title(void **state)
{
    (void)state;
    subjects[0].group = subjects[1].group = 3;
    down(0);
    tick(0);
    restart();
    down(1);
    tick(250);
    assert_int_equal(only()->component_count, 2);
    assert_title(only(), "Site 0 and Site 1 are not answering");
}

// By ten hours, as after a start with a wrong clock.
static void a_clock_that_is_set_back_stops_nothing(void **state)
{
    (void)state;
    down(0);
    tick(0);
    well(0);
    tick(1000);
    struct incident *incident = only();
    assert_int_equal(incident->state, INCIDENT_MONITORING);
    set(1, COMPONENT_DEGRADED, REASON_SLOW);
    tick(1000);
    tick(-600 * MINUTE);
    tick(5 * MINUTE);
    assert_int_equal(incident->state, INCIDENT_RESOLVED);
    tick(10 * MINUTE);
    assert_title(only(), "Site 1 is slow");
    tick(30 * MINUTE);
    down(0); // long after, so it is another one
    tick(1000);
    assert_int_equal(incident->state, INCIDENT_RESOLVED);
    assert_int_equal(incidents.open_count, 2);
}

static void long_failures_stay_apart_when_the_clock_is_set_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= INCIDENT_MANY; i++) {
        down(i);
        tick(2 * MINUTE);
    }
    tick(-600 * MINUTE);
    down(INCIDENT_MANY + 1);
    tick(250);
    assert_int_equal(incidents.open_count, INCIDENT_MANY + 2);
    assert_int_equal(incidents.past_count, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(it_goes_its_way),
        CASE(a_cause_that_is_known_at_once_is_said_next),
        CASE(what_fails_while_it_is_watched_goes_back),
        CASE(what_flaps_is_the_same_incident),
        CASE(degraded_is_one_when_it_lasts),
        CASE(impact_is_the_worst_ever),
        CASE(relatives_within_time_are_one),
        CASE(relatives_later_are_another),
        CASE(strangers_are_each_their_own),
        CASE(many_at_once_are_one),
        CASE(many_one_after_the_other_become_one),
        CASE(more_than_one_can_name_are_two),
        CASE(what_depends_joins_its_cause),
        CASE(what_depends_joins_long_after),
        CASE(circles_have_a_beginning),
        CASE(maintenance_makes_none),
        CASE(what_is_unknown_is_not_well),
        CASE(switched_off_it_opens_none),
        CASE(an_operators_words_stand),
        CASE(a_word_alone_leaves_the_state_to_the_machine),
        CASE(resolved_by_an_operator_stays_until_it_fails_anew),
        CASE(taken_out_by_an_operator_stays_out),
        CASE(what_gets_worse_than_what_is_said_to_be_over_is_told),
        CASE(an_operator_who_says_that_all_is_concerned_is_heard),
        CASE(an_operators_own_is_left_alone),
        CASE(what_gets_worse_than_an_operator_says_is_told),
        CASE(what_stays_slow_after_an_outage_is_another_incident),
        CASE(long_failures_stay_apart_after_a_restart),
        CASE(what_nobody_has_looked_at_yet_changes_no_title),
        CASE(a_clock_that_is_set_back_stops_nothing),
        CASE(long_failures_stay_apart_when_the_clock_is_set_back),
    };
    return cmocka_run_group_tests_name("watch.incident", tests, NULL, NULL);
}
