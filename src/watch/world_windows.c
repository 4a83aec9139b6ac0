// Windows of maintenance: which are under way, whom they cover, who is told.
#include "base/invariant.h"
#include "base/memory.h"
#include "watch/incident/window_store.h"
#include "watch/world_inside.h"

#include <stdlib.h>

#define WINDOW_VIEWS_MAX 2000
#define WINDOWS_PAST_MS (INT64_C(90) * 86400000)
#define WINDOWS_LOOK_MS 86400000

static const struct window_view *find_occurrence(const struct window_view *views, size_t count,
    const struct window_view *wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (views[i].begin_ms == wanted->begin_ms && slice_equal(views[i].id, wanted->id))
            return &views[i];
    }
    return NULL;
}

void world_tell_window(const struct world *world, const struct window_view *view)
{
    if (world->hooks.window_changed != NULL)
        world->hooks.window_changed(world->hooks.context, view);
}

// What has begun since the views before, and what has ended, also because it was taken away.
static void tell_windows(const struct world *world, const struct window_view *before,
    size_t before_count)
{
    for (size_t i = 0; i < world->window_count; i++) {
        const struct window_view *view = &world->window_views[i];
        const struct window_view *old = find_occurrence(before, before_count, view);
        bool was_running = old != NULL && old->state == WINDOW_IN_PROGRESS;
        if ((view->state == WINDOW_IN_PROGRESS && !was_running)
            || (view->state == WINDOW_COMPLETED && was_running))
            world_tell_window(world, view);
    }
    for (size_t i = 0; i < before_count; i++) {
        struct window_view gone = before[i];
        if (gone.state != WINDOW_IN_PROGRESS
            || find_occurrence(world->window_views, world->window_count, &gone) != NULL)
            continue;
        gone.state = WINDOW_COMPLETED;
        world_tell_window(world, &gone);
    }
}

bool world_window_covers(const struct window_view *view, uint32_t number)
{
    bool is_it = view->component_count == 0; // all
    for (size_t i = 0; i < view->component_count; i++)
        is_it = is_it || view->components[i] == number;
    return is_it;
}

static void enter_windows(struct world *world, int64_t now_ms)
{
    for (unsigned i = 0; i < world->count; i++) {
        bool in_window = false;
        for (size_t j = 0; j < world->window_count && !in_window; j++)
            in_window = world->window_views[j].state == WINDOW_IN_PROGRESS
                && world_window_covers(&world->window_views[j], i);
        world->components[i].in_window = in_window;
        world_track(world, i, now_ms);
        world_publish_state(world, i, now_ms);
    }
}

static int compare_windows(const void *a, const void *b)
{
    const struct window_view *one = a, *other = b;
    bool is_past = one->state == WINDOW_COMPLETED, is_other_past = other->state == WINDOW_COMPLETED;
    if (is_past != is_other_past)
        return is_past ? 1 : -1;
    if (one->begin_ms == other->begin_ms)
        return 0;
    return (one->begin_ms < other->begin_ms) != is_past ? -1 : 1;
}

void world_forget_windows(struct world *world, int64_t now_ms)
{
    struct incident_id id;
    while (windows_find_over(world->windows, now_ms, &id)) {
        window_store_remove(world->store.database, slice_from_string(id.text));
        invariant(windows_remove(world->windows, slice_from_string(id.text)) == ERROR_NONE);
    }
}

void world_look_at_windows(struct world *world, int64_t now_ms, bool is_first)
{
    struct arena arena, old_arena = world->window_arena;
    arena_init(&arena, 4096, WORLD_WINDOWS_BYTES);
    struct window_view *before = world->window_views;
    struct window_view *views = memory_alloc(WINDOW_VIEWS_MAX * sizeof(*views));
    size_t before_count = world->window_count;
    world->windows_looked_ms = now_ms;
    if (views == NULL) {
        world->windows_next_ms = now_ms;
        return;
    }
    world_forget_windows(world, now_ms);
    world->window_views = views;
    world->window_arena = arena;
    world->window_count = windows_view(world->windows, now_ms, WINDOWS_PAST_MS,
        &world->window_arena, views, WINDOW_VIEWS_MAX);
    qsort(views, world->window_count, sizeof(*views), compare_windows);
    world->past_window_count = 0;
    for (size_t i = 0; i < world->window_count; i++)
        world->past_window_count += views[i].state == WINDOW_COMPLETED;
    world->windows_next_ms = windows_next_ms(world->windows, now_ms);
    if (world->window_count > 0) // past ones are forgotten with time
        world->windows_next_ms = MINIMUM(world->windows_next_ms, now_ms + WINDOWS_LOOK_MS);
    world->version++;
    enter_windows(world, now_ms);
    if (!is_first)
        tell_windows(world, before, before_count);
    memory_free(before);
    arena_free(&old_arena);
}
