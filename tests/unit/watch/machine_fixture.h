// A snapshot with something of everything, for tests of what programs are told.
#pragma once

#include "base/memory.h"
#include "watch/machine/machine_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW INT64_C(1796090400123) // 2026-12-01T02:00:00.123Z
#define HOUR INT64_C(3600000)
#define DAY INT64_C(86400000)
#define DOCUMENT_MAX ((size_t)8 << 20)
// Markup, ends of sections, controls, what is no UTF-8, what turns the direction of writing.
#define HOSTILE                                                                                    \
    "</title><script>alert(1)</script>\"'&]]>{}\\;,%s\x01\x1b\x7f\xff\xc3(\xe2\x80\xae"            \
    "\xef\xbf\xbf \xf0\x9f\x9a\xa2"

struct machine_fixture {
    struct snapshot snapshot;
    struct component_view components[5];
    struct incident_view incidents[3];
    struct incident_update updates[3];
    struct window_view windows[3];
    struct machine_view view;
    char *document;
    struct text text;
};

static const uint32_t fixture_numbers[] = {0, 3};

static inline struct component_view fixture_component(const char *id, const char *title,
    enum component_state state)
{
    return (struct component_view){.id = slice_from_string(id),
        .title = slice_from_string(title), .state = state, .cause = COMPONENT_NONE,
        .since_ms = NOW - HOUR, .response_ms = 120};
}

static inline void fixture_days(struct component_view *component)
{
    for (size_t i = SNAPSHOT_DAYS - 30; i < SNAPSHOT_DAYS; i++)
        component->days[i] = (struct uptime_day){.up_ms = 86000000, .down_ms = 400000,
            .requests = 1000, .failed = 1};
}

static inline void fixture_begin(struct machine_fixture *f)
{
    memset(f, 0, sizeof(*f));
    f->components[0] = fixture_component("shop.example", "Shop", COMPONENT_DOWN);
    f->components[0].reason = (struct reason){REASON_NO_ANSWER, 0};
    f->components[1] = fixture_component("api.example", "API", COMPONENT_OPERATIONAL);
    f->components[2] = fixture_component("cdn.example", "CDN", COMPONENT_UNKNOWN);
    f->components[2].response_ms = UINT32_MAX;
    f->components[3] = fixture_component("db.example", "DB", COMPONENT_MAINTENANCE);
    f->components[4] = fixture_component("mail.example", "Mail", COMPONENT_DEGRADED);
    f->components[1].group = f->components[3].group = SLICE("Insides");
    for (size_t i = 0; i < 5; i++)
        fixture_days(&f->components[i]);
    memset(f->components[2].days, 0, sizeof(f->components[2].days));
    f->updates[0] = (struct incident_update){INCIDENT_MONITORING, NOW - 600000, SLICE("Back"),
        SLICE("ann")};
    f->updates[1] = (struct incident_update){INCIDENT_IDENTIFIED, NOW - 1800000,
        SLICE("A disc\nis full"), SLICE("ann")};
    f->updates[2] = (struct incident_update){INCIDENT_INVESTIGATING, NOW - HOUR, SLICE(""),
        SLICE("")};
    f->incidents[0] = (struct incident_view){.id = SLICE("k3x9aaaaaaaa"),
        .title = SLICE("Shop: no server answers"), .state = INCIDENT_MONITORING,
        .impact = IMPACT_MAJOR, .started_ms = NOW - HOUR, .components = fixture_numbers,
        .component_count = 2, .updates = f->updates, .update_count = 3};
    f->incidents[1] = (struct incident_view){.id = SLICE("k3x9bbbbbbbb"), .title = SLICE("Older"),
        .postmortem = SLICE("It was the disc."), .state = INCIDENT_RESOLVED,
        .impact = IMPACT_MINOR, .started_ms = NOW - 3 * DAY, .resolved_ms = NOW - 2 * DAY};
    f->windows[0] = (struct window_view){.id = SLICE("w1aaaaaaaaaa"), .title = SLICE("Now"),
        .text = SLICE("Discs, \"new\"; all"), .zone = SLICE("Europe/Berlin"),
        .rule = SLICE("FREQ=WEEKLY"), .state = WINDOW_IN_PROGRESS, .begin_ms = NOW - HOUR,
        .end_ms = NOW + HOUR, .announced_ms = NOW - 10 * DAY, .components = &fixture_numbers[1],
        .component_count = 1};
    f->windows[1] = f->windows[0];
    f->windows[1].state = WINDOW_SCHEDULED;
    f->windows[1].begin_ms += 7 * DAY, f->windows[1].end_ms += 7 * DAY;
    f->windows[2] = f->windows[0];
    f->windows[2].state = WINDOW_COMPLETED;
    f->windows[2].begin_ms -= 7 * DAY, f->windows[2].end_ms -= 7 * DAY;
    f->windows[2].component_count = 0;
    f->snapshot = (struct snapshot){.made_ms = NOW, .brand = {.name = SLICE("Example")},
        .state = COMPONENT_DOWN, .components = f->components, .component_count = 5,
        .incidents = f->incidents, .incident_count = 2, .open_count = 1, .windows = f->windows,
        .window_count = 3, .past_window_count = 1, .is_written = true};
    f->view = (struct machine_view){.snapshot = &f->snapshot,
        .base = SLICE("https://example.org/.afloat/"),
        .page = SLICE("https://example.org/.afloat/status"), .host = SLICE("example.org")};
    f->document = memory_alloc(DOCUMENT_MAX);
    assert_non_null(f->document);
    f->text = text_in(f->document, DOCUMENT_MAX - 1);
}

// What people and settings write, in every place there is.
static inline void fixture_make_hostile(struct machine_fixture *f, struct slice words)
{
    for (size_t i = 0; i < 5; i++)
        f->components[i].title = f->components[i].id = f->components[i].group = words;
    for (size_t i = 0; i < 3; i++)
        f->updates[i].text = f->updates[i].author = words;
    for (size_t i = 0; i < 2; i++)
        f->incidents[i].title = f->incidents[i].postmortem = words;
    for (size_t i = 0; i < 3; i++)
        f->windows[i].title = f->windows[i].text = f->windows[i].rule = f->windows[i].zone = words;
    f->snapshot.brand.name = f->view.base = f->view.page = f->view.host = words;
}

static inline const char *fixture_string(struct machine_fixture *f)
{
    assert_false(f->text.full);
    f->document[f->text.size] = '\0';
    assert_int_equal(strlen(f->document), f->text.size);
    assert_true(text_is_utf8(text_slice(&f->text)));
    return f->document;
}

static inline void fixture_end(struct machine_fixture *f)
{
    memory_free(f->document);
}
