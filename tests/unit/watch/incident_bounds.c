// Incidents are bounded in every direction, and what an operator types is checked.
#include "incident_fixture.h"

static void assert_refused(const struct incident_draft *draft, enum error expected,
    const char *part)
{
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer) - 1);
    struct incident *incident = NULL;
    assert_int_equal(incidents_open(&incidents, draft, COUNT, SLICE("anna"), now, &incident, &why),
        expected);
    buffer[why.size] = '\0';
    if (strstr(buffer, part) == NULL)
        fail_msg("\"%s\" says nothing of \"%s\"", buffer, part);
    assert_null(incident);
}

static void drafts_are_checked(void **state)
{
    (void)state;
    static char long_text[INCIDENT_TEXT_MAX + 1];
    static const uint32_t unknown[] = {COUNT};
    static uint32_t too_many[INCIDENT_COMPONENTS_MAX + 1];
    memset(long_text, 'a', sizeof(long_text));
    struct incident_draft draft = {.title = SLICE("")};
    assert_refused(&draft, ERROR_INVALID, "the title is empty");
    draft.title = slice_of(long_text, INCIDENT_TITLE_MAX + 1);
    assert_refused(&draft, ERROR_INVALID, "too long: 201 bytes, at most 200");
    draft.title = SLICE("a\nb");
    assert_refused(&draft, ERROR_INVALID, "control character at byte 2; expected one line");
    draft.title = SLICE("a\xc2\x9b");
    assert_refused(&draft, ERROR_INVALID, "control character at byte 2");
    draft.title = SLICE("a\xe2\x80\xae");
    assert_refused(&draft, ERROR_INVALID, "control character at byte 2");
    draft.title = SLICE("\xff");
    assert_refused(&draft, ERROR_INVALID, "not UTF-8");
    draft.title = slice_of(long_text, INCIDENT_TITLE_MAX);
    draft.text = slice_of(long_text, sizeof(long_text));
    assert_refused(&draft, ERROR_INVALID, "the text is too long");
    draft.text = SLICE("one\ntwo\x1b");
    assert_refused(&draft, ERROR_INVALID, "the text has a control character at byte 8");
    draft.text = SLICE("one\ntwo");
    draft.eta_ms = now;
    assert_refused(&draft, ERROR_INVALID, "in the past");
    draft.eta_ms = 0;
    draft.components = unknown;
    draft.component_count = 1;
    assert_refused(&draft, ERROR_INVALID, "no component of number 300");
    draft.components = too_many;
    draft.component_count = ARRAY_SIZE(too_many);
    assert_refused(&draft, ERROR_INVALID, "257 components are too many; at most 256");
    assert_int_equal(incidents.open_count, 0);
}

static void open_ones_are_bounded(void **state)
{
    (void)state;
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    struct incident *incident, *first = NULL;
    const struct incident_draft draft = {.title = SLICE("One of many")};
    for (unsigned i = 0; i < INCIDENTS_OPEN_MAX; i++) {
        assert_int_equal(incidents_open(&incidents, &draft, COUNT, SLICE("anna"), now, &incident,
            &why), ERROR_NONE);
        first = first == NULL ? incident : first;
    }
    assert_refused(&draft, ERROR_LIMIT, "there are 200 open incidents");
    down(0); // no room, and none of the machine's to join
    tick(1000);
    assert_null(subjects[0].incident);
    assert_true(incidents.refused > 1);
    change(first, &(struct incident_change){.has_state = true, .state = INCIDENT_RESOLVED});
    tick(1000);
    assert_non_null(subjects[0].incident);
    down(1); // which is better than silence
    tick(60 * MINUTE);
    assert_ptr_equal(subjects[1].incident, subjects[0].incident);
    assert_int_equal(incidents_change(&incidents, first, &(struct incident_change){
        .has_state = true}, COUNT, SLICE("anna"), now, &why), ERROR_LIMIT);
}

static void past_ones_are_bounded(void **state)
{
    (void)state;
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    struct incident *incident;
    const struct incident_draft draft = {.title = SLICE("Past"), .state = INCIDENT_RESOLVED};
    for (unsigned i = 0; i < INCIDENTS_PAST_MAX + 3; i++)
        assert_int_equal(incidents_open(&incidents, &draft, COUNT, SLICE("anna"), now + i,
            &incident, &why), ERROR_NONE);
    tick(1000);
    assert_int_equal(incidents.past_count, INCIDENTS_PAST_MAX);
    assert_int_equal(forgotten, 3);
    tick(INCIDENTS_KEEP_MS - 1000 + INCIDENTS_PAST_MAX);
    assert_int_equal(incidents.past_count, 3);
}

static void updates_are_bounded(void **state)
{
    (void)state;
    down(0);
    tick(0);
    struct incident *incident = only();
    for (unsigned i = 0; i < INCIDENT_UPDATES_MAX; i++) {
        well(0);
        tick(1000);
        down(0);
        tick(1000);
    }
    assert_int_equal(incident->update_count, INCIDENT_UPDATES_MAX);
    assert_int_equal(incident->updates[INCIDENT_UPDATES_MAX - 1].at_ms, START); // the first stays
    assert_int_equal(incident->numbers[INCIDENT_UPDATES_MAX - 1], 0);
    for (unsigned i = 0; i < INCIDENT_UPDATES_MAX - 1; i++)
        change(incident, &(struct incident_change){.text = SLICE("Again.")});
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    assert_int_equal(incidents_change(&incidents, incident,
        &(struct incident_change){.text = SLICE("Again.")}, COUNT, SLICE("anna"), now, &why),
        ERROR_LIMIT);
    well(0);
    tick(1000); // without a word
    assert_int_equal(incident->state, INCIDENT_MONITORING);
    assert_int_equal(incident->update_count, INCIDENT_UPDATES_MAX);
}

static void bytes_are_bounded(void **state)
{
    (void)state;
    static char text[INCIDENT_POSTMORTEM_MAX];
    memset(text, 'a', sizeof(text));
    static char words[INCIDENT_TEXT_MAX];
    memset(words, 'a', sizeof(words));
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    for (unsigned i = 0; i < 120; i++) {
        struct incident *incident;
        const struct incident_draft draft = {.title = SLICE("Long"), .state = INCIDENT_RESOLVED};
        assert_int_equal(incidents_open(&incidents, &draft, COUNT, SLICE("anna"), now + i,
            &incident, &why), ERROR_NONE);
        change(incident, &(struct incident_change){.has_postmortem = true,
            .postmortem = slice_of(text, sizeof(text))});
        for (unsigned j = 0; j < 150; j++)
            change(incident, &(struct incident_change){.text = slice_of(words, sizeof(words))});
    }
    tick(1000);
    assert_true(incidents.bytes <= INCIDENTS_BYTES_MAX);
    assert_true(incidents.past_count > 90 && incidents.past_count < 120);
}

static void nothing_changed_is_said(void **state)
{
    (void)state;
    down(0);
    tick(0);
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    struct incident *incident = only();
    assert_int_equal(incidents_change(&incidents, incident, &(struct incident_change){.eta_ms = 1},
        COUNT, SLICE("anna"), now, &why), ERROR_INVALID);
    assert_true(slice_equal(text_slice(&why), SLICE("nothing is to be changed")));
    assert_int_equal(incidents_change(&incidents, incident, &(struct incident_change){
        .has_eta = true, .eta_ms = now + 1, .has_state = true, .state = INCIDENT_RESOLVED},
        COUNT, SLICE("anna"), now, &why), ERROR_INVALID);
    assert_int_equal(incident->state, INCIDENT_INVESTIGATING);
}

static void without_memory_it_comes_later(void **state)
{
    (void)state;
    down(0);
    down(1);
    subjects[0].group = subjects[1].group = 3;
    for (uint64_t i = 1; i < 30; i++) {
        memory_fail_after(i);
        tick(10);
        memory_fail_after(0);
        for (unsigned j = 0; j < 2; j++) {
            well(j);
            tick(10);
        }
        while (incidents.open_count > 0)
            incidents_remove(&incidents, LIST_ENTRY(incidents.open.next, struct incident, link));
        down(0);
        down(1);
    }
    tick(10);
    assert_int_equal(only()->component_count, 2);
}

static void ids_are_letters_that_nobody_mistakes(void **state)
{
    (void)state;
    struct incident_id one, other;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(incident_id_make(&one), ERROR_NONE);
        assert_int_equal(incident_id_make(&other), ERROR_NONE);
        assert_int_equal(strlen(one.text), INCIDENT_ID_SIZE);
        assert_int_equal(strspn(one.text, "23456789abcdefghjkmnpqrstuvwxyz"), INCIDENT_ID_SIZE);
        assert_string_not_equal(one.text, other.text);
    }
}

static void words_are_found_again(void **state)
{
    (void)state;
    enum incident_state step;
    enum incident_impact impact;
    for (unsigned i = 0; i <= INCIDENT_RESOLVED; i++) {
        assert_true(incident_find_state(
            slice_from_string(incident_state_word((enum incident_state)i)), &step));
        assert_int_equal(step, i);
    }
    for (unsigned i = 0; i <= IMPACT_CRITICAL; i++) {
        assert_true(incident_find_impact(
            slice_from_string(incident_impact_word((enum incident_impact)i)), &impact));
        assert_int_equal(impact, i);
    }
    assert_false(incident_find_state(SLICE("gone"), &step));
    assert_false(incident_find_impact(SLICE(""), &impact));
}

static void titles_fit(void **state)
{
    (void)state;
    static char name[400];
    for (size_t i = 0; i + 1 < sizeof(name); i += 2)
        memcpy(name + i, "ä", 2);
    for (unsigned i = 0; i < 256; i++) {
        subjects[i].title = slice_of(name, sizeof(name));
        set(i, COMPONENT_DOWN, REASON_PROTOCOL);
    }
    tick(0);
    assert_true(only()->title.size <= INCIDENT_TITLE_MAX);
    assert_true(text_is_utf8(only()->title));
    assert_true(slice_ends_with(only()->title,
        SLICE("… and 254 more give answers that cannot be understood")));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(drafts_are_checked),
        CASE(open_ones_are_bounded),
        CASE(past_ones_are_bounded),
        CASE(updates_are_bounded),
        CASE(bytes_are_bounded),
        CASE(nothing_changed_is_said),
        CASE(without_memory_it_comes_later),
        CASE(ids_are_letters_that_nobody_mistakes),
        CASE(words_are_found_again),
        CASE(titles_fit),
    };
    return cmocka_run_group_tests_name("watch.incident_bounds", tests, NULL, NULL);
}
