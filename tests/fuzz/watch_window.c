// A window as somebody writes it (lines: begin, zone, rule, minutes), and a zone's file as somebody
// damaged it: taken or refused with a reason, and what is taken comes at moments in order, so many
// at most, and one after another however time passes.
#include "base/arena.h"
#include "base/invariant.h"
#include "watch/incident/window.h"
#include "watch/incident/window_rule.h"
#include "watch/incident/window_zone.h"

#include <stdlib.h>

#define DAY_MS INT64_C(86400000)
#define NOW INT64_C(1796090400000) // 2026-12-01
#define VIEWS 200
#define MOMENTS 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_zone(struct slice file)
{
    struct window_zone *zone = NULL;
    if (window_zone_parse(file, &zone) != ERROR_NONE) {
        invariant(zone == NULL);
        return;
    }
    for (int64_t at = INT64_C(-4000000000); at < INT64_C(9000000000); at += 31556952 / 3) {
        int32_t offset = window_zone_offset(zone, at);
        invariant(offset >= -26 * 3600 && offset <= 26 * 3600);
        int64_t utc = window_zone_to_utc(zone, at);
        invariant(utc >= at - 26 * 3600 && utc <= at + 26 * 3600);
    }
    (void)window_zone_to_utc(zone, INT64_MAX / 2);
    (void)window_zone_to_utc(zone, INT64_MIN / 2);
    window_zone_free(zone);
}

static void check_views(struct windows *windows, int64_t now, struct arena *arena)
{
    struct window_view views[VIEWS];
    size_t ahead = 0, count = windows_view(windows, now, 30 * DAY_MS, arena, views, VIEWS);
    for (size_t i = 0; i < count; i++) {
        const struct window_view *view = &views[i];
        invariant(view->end_ms - view->begin_ms >= WINDOW_SHORTEST_MS
            && view->end_ms - view->begin_ms <= WINDOW_LONGEST_MS);
        invariant((view->state == WINDOW_COMPLETED) == (view->end_ms <= now));
        invariant((view->state == WINDOW_SCHEDULED) == (view->begin_ms > now));
        invariant(view->begin_ms <= now + WINDOW_AHEAD_DAYS * DAY_MS);
        invariant(view->end_ms > now - 30 * DAY_MS);
        invariant(i == 0 || view->state == WINDOW_COMPLETED
            || view->begin_ms >= views[i - 1].begin_ms);
        ahead += view->state != WINDOW_COMPLETED;
    }
    invariant(ahead <= WINDOW_OCCURRENCES_MAX);
}

static void check_draft(struct slice text)
{
    char buffer[WINDOW_WHY_MAX];
    struct text why = text_in(buffer, sizeof(buffer));
    struct window_draft draft = {.title = SLICE("t"), .begin = slice_cut(&text, '\n'),
        .zone = slice_cut(&text, '\n'), .rule = slice_cut(&text, '\n')};
    uint64_t minutes;
    draft.duration_ms = slice_parse_u64(slice_cut(&text, '\n'), UINT64_MAX / 60000, &minutes)
        ? minutes * 60000 : 3600000;
    struct windows *windows = windows_create();
    invariant(windows != NULL);
    enum error error = windows_add(windows, &draft, (struct incident_id){"a"}, &why);
    invariant(error == ERROR_NONE || error == ERROR_INVALID);
    invariant((error == ERROR_NONE) == (why.size == 0) && !why.full);
    struct arena arena;
    arena_init(&arena, 4096, (size_t)1 << 20);
    int64_t now = NOW;
    for (unsigned i = 0; i < MOMENTS && now != INT64_MAX && error == ERROR_NONE; i++) {
        check_views(windows, now, &arena);
        arena_reset(&arena);
        int64_t next = windows_next_ms(windows, now);
        invariant(next > now);
        now = next;
    }
    arena_free(&arena);
    windows_destroy(windows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + (size == 0)); // exact, for the sanitizer
    invariant(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    struct slice text = slice_of(copy, size);
    if (slice_starts_with(text, SLICE("TZif")))
        check_zone(text);
    else
        check_draft(text);
    free(copy);
    return 0;
}
