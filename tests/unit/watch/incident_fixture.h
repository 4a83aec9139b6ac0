// Components that fail and get well as a test says, and the incidents that come of it.
#pragma once

#include "base/memory.h"
#include "watch/incident/incident_automatic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define START INT64_C(1800000000000)
#define MINUTE INT64_C(60000)
#define COUNT 300

static struct incidents incidents;
static struct causes causes;
static struct subject subjects[COUNT];
static int64_t now;
static unsigned told, opened, forgotten;
static char titles[COUNT][24];

static void count_changes(void *context, const struct incident *incident,
    const struct incident_update *update)
{
    (void)context;
    assert_true(incident->title.size > 0);
    told++;
    if (update != NULL && incident->update_count == 1)
        opened++;
}

static void count_forgotten(void *context, const struct incident *incident)
{
    (void)context;
    (void)incident;
    forgotten++;
}

static int begin(void **state)
{
    static const struct incident_settings settings = {.automatic = true, .calm_ms = 5 * MINUTE,
        .flap_ms = 30 * MINUTE, .group_ms = MINUTE, .degraded_ms = 15 * MINUTE};
    (void)state;
    incidents_init(&incidents, &settings);
    incidents.changed = count_changes;
    incidents.forgotten = count_forgotten;
    now = START;
    told = opened = forgotten = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(titles[i], sizeof(titles[i]), "Site %u", i);
        subjects[i] = (struct subject){.state = COMPONENT_OPERATIONAL, .group = UINT32_MAX,
            .cause = COMPONENT_NONE, .title = slice_from_string(titles[i])};
    }
    assert_int_equal(causes_init(&causes, COUNT), ERROR_NONE);
    return 0;
}

static int end(void **state)
{
    (void)state;
    incidents_free(&incidents);
    causes_free(&causes);
    assert_int_equal(incidents.bytes, 0);
    assert_int_equal(incidents.open_count + incidents.past_count, 0);
    return 0;
}

static void set(unsigned which, enum component_state what, enum reason_kind reason)
{
    if (subjects[which].state != what)
        subjects[which].since_ms = now;
    subjects[which].state = what;
    subjects[which].reason = (struct reason){reason, 0};
}

static void down(unsigned which)
{
    set(which, COMPONENT_DOWN, REASON_NO_ANSWER);
}

static void well(unsigned which)
{
    set(which, COMPONENT_OPERATIONAL, REASON_NONE);
}

static void tick(int64_t later_ms)
{
    now += later_ms;
    for (unsigned i = 0; i < COUNT; i++)
        subjects[i].cause = subjects[i].state == COMPONENT_DOWN
            ? causes_find(&causes, subjects, COUNT, i)
            : COMPONENT_NONE;
    incidents_tick(&incidents, subjects, COUNT, now);
}

static struct incident *only(void)
{
    assert_int_equal(incidents.open_count, 1);
    return LIST_ENTRY(incidents.open.next, struct incident, link);
}

static void change(struct incident *incident, const struct incident_change *wanted)
{
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    assert_int_equal(incidents_change(&incidents, incident, wanted, COUNT, SLICE("anna"), now,
        &why), ERROR_NONE);
    incidents_heed_operator(&incidents, subjects, COUNT, incident);
}
