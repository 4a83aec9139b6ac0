// A snapshot to make pages of: several groups, every state, days and responses of a seeded noise,
// incidents and windows of each kind.
#pragma once

#include "base/memory.h"
#include "watch/page/status_page.h"

#include <stdio.h>

#define SAMPLE_NOW INT64_C(1773497109000) // 14 March 2026, 14:05:09 UTC
#define SAMPLE_MINUTE INT64_C(60000)
#define SAMPLE_DAY INT64_C(86400000)

static inline uint32_t sample_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

static inline void sample_days(struct component_view *component, uint64_t *seed, unsigned bad)
{
    for (size_t i = 0; i < SNAPSHOT_DAYS; i++) {
        struct uptime_day *day = &component->days[i];
        unsigned luck = sample_random(seed) % 100;
        uint32_t down = luck >= bad ? 0 : luck % 3 == 0 ? 9000000 : 600000;
        day->down_ms = down;
        day->up_ms = 86400000 - down;
        if (i < 6)
            *day = (struct uptime_day){.unknown_ms = 86400000};
        else if (component->kind == COMPONENT_SITE)
            day->requests = 100000, day->failed = down / 2000;
        if (i == 40)
            *day = (struct uptime_day){.maintenance_ms = 86400000};
    }
    for (size_t i = 0; i < SNAPSHOT_RECENT; i++)
        component->responses[i] = (uint16_t)(60 + sample_random(seed) % 90);
}

static inline void sample_component(struct snapshot *snapshot, size_t number, uint64_t *seed)
{
    static const char *const names[] = {"Shop", "Checkout and payment", "API", "Images",
        "Accounts", "Search", "Mail", "Documentation", "Partner portal", "Status by phone"};
    static const char *const groups[] = {"", "Platform", "Regions", "Everything else"};
    struct component_view *component = &snapshot->components[number];
    size_t group = number < 6 ? 0 : number < 12 ? 1 : number < 20 ? 2 : 3;
    component->title = number < ARRAY_SIZE(names) ? slice_from_string(names[number])
        : arena_printf(&snapshot->arena, "Region %zu (eu-central)", number);
    component->id = arena_printf(&snapshot->arena, "service-%zu.example.net", number);
    component->group = slice_from_string(groups[group]);
    component->kind = number % 3 == 0 ? COMPONENT_SITE : COMPONENT_MONITOR;
    component->state = COMPONENT_OPERATIONAL;
    component->cause = COMPONENT_NONE;
    component->since_ms = SAMPLE_NOW - 40 * SAMPLE_DAY;
    component->updated_ms = SAMPLE_NOW - 4000;
    component->response_ms = 80 + (uint32_t)number;
    sample_days(component, seed, 8);
}

static inline void sample_states(struct snapshot *snapshot)
{
    static const struct {
        enum component_state state;
        struct reason reason;
    } states[] = {{COMPONENT_DOWN, {REASON_NO_ANSWER, 0}}, {COMPONENT_PARTIAL, {REASON_COPIES, 0}},
        {COMPONENT_DEGRADED, {REASON_EXPIRES, 3}}, {COMPONENT_MAINTENANCE, {REASON_NONE, 0}},
        {COMPONENT_UNKNOWN, {REASON_BLIND, 0}}, {COMPONENT_DOWN, {REASON_DEPENDENCY, 0}}};
    for (size_t i = 0; i < ARRAY_SIZE(states) && i < snapshot->component_count; i++) {
        struct component_view *component = &snapshot->components[i];
        component->state = states[i].state;
        component->reason = states[i].reason;
        component->since_ms = SAMPLE_NOW - (int64_t)(i + 1) * 17 * SAMPLE_MINUTE;
    }
    snapshot->state = COMPONENT_DOWN;
    if (snapshot->component_count > 6) {
        snapshot->components[5].cause = 0;
        snapshot->components[6].reports = REPORTS_PROBLEM;
        snapshot->components[6].reported = 23;
    }
}

static inline void sample_incidents(struct snapshot *snapshot)
{
    static const uint32_t first[] = {0, 5}, second[] = {1, 2, 3};
    static struct incident_update updates[3], past[4];
    static struct incident_view incidents[6];
    size_t count = 0;
    updates[0] = (struct incident_update){INCIDENT_IDENTIFIED, SAMPLE_NOW - 8 * SAMPLE_MINUTE,
        SLICE("A switch in Frankfurt has failed. A technician is on the way to replace it.\n\n"
              "Details: https://status.example.net/notes/42."), SLICE("Ada")};
    updates[1] = (struct incident_update){INCIDENT_INVESTIGATING, SAMPLE_NOW - 17 * SAMPLE_MINUTE,
        SLICE("opened"), SLICE_EMPTY};
    incidents[count++] = (struct incident_view){.id = SLICE("k3x9q2m7a1b4"),
        .title = SLICE("Shop does not answer"), .state = INCIDENT_IDENTIFIED,
        .impact = IMPACT_CRITICAL, .automatic = true, .reason = {REASON_NO_ANSWER, 0},
        .started_ms = SAMPLE_NOW - 17 * SAMPLE_MINUTE, .eta_ms = SAMPLE_NOW + 40 * SAMPLE_MINUTE,
        .components = first, .component_count = 2, .updates = updates, .update_count = 2};
    incidents[count++] = (struct incident_view){.id = SLICE("p0f8z6y5x4w3"),
        .title = SLICE("Payments by card are slow"), .state = INCIDENT_MONITORING,
        .impact = IMPACT_MINOR, .started_ms = SAMPLE_NOW - 3 * 60 * SAMPLE_MINUTE,
        .components = second, .component_count = 3, .updates = &updates[1], .update_count = 1};
    snapshot->open_count = count;
    for (size_t i = 0; i < ARRAY_SIZE(past); i++)
        past[i] = (struct incident_update){(enum incident_state)(INCIDENT_RESOLVED - i),
            SAMPLE_NOW - 3 * SAMPLE_DAY - (int64_t)i * 9 * SAMPLE_MINUTE,
            SLICE("We have rolled back the change."), i % 2 == 0 ? SLICE("Grace") : SLICE_EMPTY};
    for (unsigned i = 0; i < 3; i++)
        incidents[count++] = (struct incident_view){.id = i == 0 ? SLICE("r0")
            : i == 1 ? SLICE("r1") : SLICE("r2"), .title = SLICE("Search returned no results"),
            .state = INCIDENT_RESOLVED, .impact = (enum incident_impact)i,
            .started_ms = SAMPLE_NOW - (int64_t)(3 + 17 * i) * SAMPLE_DAY,
            .resolved_ms = SAMPLE_NOW - (int64_t)(3 + 17 * i) * SAMPLE_DAY + 34 * SAMPLE_MINUTE,
            .components = second, .component_count = 3, .updates = past, .update_count = 4,
            .postmortem = i == 0 ? SLICE("What went wrong\r\nA release.\n\nWhat we changed: see "
                "https://example.net/blog?a=1&b=2 (in English).") : SLICE_EMPTY};
    snapshot->incidents = incidents;
    snapshot->incident_count = count;
}

static inline void sample_windows(struct snapshot *snapshot)
{
    static const uint32_t components[] = {3, 4};
    static struct window_view windows[2];
    windows[0] = (struct window_view){.id = SLICE("w1"), .title = SLICE("Database upgrade"),
        .text = SLICE("Images may be missing for some minutes."), .zone = SLICE("Europe/Berlin"),
        .state = WINDOW_IN_PROGRESS, .begin_ms = SAMPLE_NOW - 30 * SAMPLE_MINUTE,
        .end_ms = SAMPLE_NOW + 90 * SAMPLE_MINUTE, .components = components,
        .component_count = 2};
    windows[1] = (struct window_view){.id = SLICE("w2"), .title = SLICE("Weekly patches"),
        .zone = SLICE("UTC"), .rule = SLICE("FREQ=WEEKLY;BYDAY=SU"), .state = WINDOW_SCHEDULED,
        .begin_ms = SAMPLE_NOW + SAMPLE_DAY, .end_ms = SAMPLE_NOW + SAMPLE_DAY + 3600000};
    snapshot->windows = windows;
    snapshot->window_count = 2;
}

// Of count components; troubled: in every state, with incidents and windows. Its arena's.
static inline struct snapshot *sample_create(size_t count, bool troubled)
{
    uint64_t seed = 42;
    struct snapshot *snapshot = memory_zero_alloc(sizeof(*snapshot));
    if (snapshot == NULL)
        return NULL;
    atomic_init(&snapshot->references, 1);
    arena_init(&snapshot->arena, 65536, (size_t)256 << 20);
    snapshot->components = arena_zero_alloc(&snapshot->arena,
        (count + 1) * sizeof(*snapshot->components));
    if (snapshot->components == NULL) {
        snapshot_release(snapshot);
        return NULL;
    }
    snapshot->component_count = count;
    for (size_t i = 0; i < count; i++)
        sample_component(snapshot, i, &seed);
    snapshot->made_ms = SAMPLE_NOW;
    snapshot->version = 7;
    snapshot->is_written = true;
    snapshot->state = count == 0 ? COMPONENT_UNKNOWN : COMPONENT_OPERATIONAL;
    snapshot->brand = (struct brand){.name = SLICE("Example Networks"),
        .site = SLICE("https://www.example.net/"), .support = SLICE("help@example.net"),
        .accent = SLICE("#7a3cf0"), .language = SLICE("en")};
    if (troubled) {
        sample_states(snapshot);
        sample_incidents(snapshot);
        sample_windows(snapshot);
    }
    return snapshot;
}

static inline struct status_page sample_page(const struct snapshot *snapshot,
    enum status_page_kind kind, const char *language)
{
    return (struct status_page){.kind = kind, .snapshot = snapshot, .base = SLICE("/.afloat/"),
        .home = SLICE("/.afloat/status"), .language = slice_from_string(language),
        .now_ms = SAMPLE_NOW + 2500, .number = kind == STATUS_PAGE_MAIN, .subscribe = true,
        .reports = true, .point_days = 1};
}

// Points of a component with an outage in the middle of the last day.
static inline void sample_points(struct chronicle_point *points, size_t count)
{
    uint64_t seed = 7;
    for (size_t i = 0; i < count; i++) {
        size_t to_end = count - i;
        bool is_out = to_end > 120 && to_end < 150;
        points[i] = (struct chronicle_point){.up = is_out ? (uint16_t)(to_end * 20) : 10000,
            .served = is_out ? 9700 : 10000,
            .typical_ms = is_out ? UINT16_MAX : (uint16_t)(90 + sample_random(&seed) % 60),
            .slow_ms = is_out ? UINT16_MAX : (uint16_t)(250 + sample_random(&seed) % 500)};
        if (to_end > 200 && to_end < 212)
            points[i] = (struct chronicle_point){UINT16_MAX, UINT16_MAX, UINT16_MAX, UINT16_MAX};
    }
}
