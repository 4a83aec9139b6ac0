// A snapshot of one component, for those who may know of no other.
#include "base/memory.h"
#include "watch/incident/incident.h"
#include "watch/watch_inside.h"

#define NARROW_MEMORY ((size_t)4 << 20)

static bool is_about(const uint32_t *components, size_t count, uint32_t component)
{
    bool is_about = count == 0; // of all
    for (size_t i = 0; i < count; i++)
        is_about = is_about || components[i] == component;
    return is_about;
}

static struct slice copy(struct arena *arena, struct slice text)
{
    return text.size == 0 ? SLICE("") : arena_copy(arena, text);
}

// What afloat says by itself may name all that have failed together.
static struct slice narrow_title(struct arena *arena, const struct incident_view *incident,
    struct slice component)
{
    if (!incident->automatic)
        return copy(arena, incident->title);
    return arena_printf(arena, "%.*s: %s", SLICE_ARGS(component),
        reason_text(incident->reason.kind));
}

// Names no other component; who writes is nobody's business here.
static bool copy_incident(struct arena *arena, const struct incident_view *from,
    const uint32_t *number, struct slice component, struct incident_view *to)
{
    struct incident_update *updates = arena_alloc(arena, from->update_count * sizeof(*updates) + 1);
    if (updates == NULL)
        return false;
    *to = *from;
    to->id = copy(arena, from->id);
    to->title = narrow_title(arena, from, component);
    to->postmortem = copy(arena, from->postmortem);
    to->components = number;
    to->component_count = 1;
    to->updates = updates;
    bool is_whole = to->id.data != NULL && to->title.data != NULL && to->postmortem.data != NULL;
    for (size_t i = 0; i < from->update_count && is_whole; i++) {
        updates[i] = from->updates[i];
        bool is_own = from->updates[i].author.size == 0;
        bool is_merged = is_own && incident_merged_into(from->updates[i].text).size > 0;
        updates[i].text = is_own && !is_merged
            ? SLICE("") : copy(arena, from->updates[i].text);
        updates[i].author = is_own ? SLICE("") : SLICE("operator");
        is_whole = updates[i].text.data != NULL;
    }
    return is_whole;
}

static bool copy_incidents(struct snapshot *narrow, const struct snapshot *snapshot,
    uint32_t component, const uint32_t *number)
{
    narrow->incidents = arena_alloc(&narrow->arena,
        snapshot->incident_count * sizeof(*narrow->incidents) + 1);
    if (narrow->incidents == NULL)
        return false;
    for (size_t i = 0; i < snapshot->incident_count; i++) {
        const struct incident_view *from = &snapshot->incidents[i];
        if (!is_about(from->components, from->component_count, component))
            continue;
        if (!copy_incident(&narrow->arena, from, number, narrow->components[0].title,
                &narrow->incidents[narrow->incident_count++]))
            return false;
        narrow->open_count += i < snapshot->open_count;
    }
    return true;
}

static bool copy_windows(struct snapshot *narrow, const struct snapshot *snapshot,
    uint32_t component, const uint32_t *number)
{
    size_t first_past = snapshot->window_count - snapshot->past_window_count;
    narrow->windows = arena_alloc(&narrow->arena,
        snapshot->window_count * sizeof(*narrow->windows) + 1);
    if (narrow->windows == NULL)
        return false;
    for (size_t i = 0; i < snapshot->window_count; i++) {
        const struct window_view *from = &snapshot->windows[i];
        if (!is_about(from->components, from->component_count, component))
            continue;
        struct window_view *to = &narrow->windows[narrow->window_count++];
        *to = *from;
        to->id = copy(&narrow->arena, from->id);
        to->title = copy(&narrow->arena, from->title);
        to->text = copy(&narrow->arena, from->text);
        to->rule = copy(&narrow->arena, from->rule);
        to->zone = copy(&narrow->arena, from->zone);
        to->components = number;
        to->component_count = 1;
        narrow->past_window_count += i >= first_past;
        if (to->id.data == NULL || to->title.data == NULL || to->text.data == NULL
            || to->rule.data == NULL || to->zone.data == NULL)
            return false;
    }
    return true;
}

static bool fill(struct snapshot *narrow, const struct snapshot *snapshot, uint32_t component)
{
    struct component_view *only = arena_alloc(&narrow->arena, sizeof(*only));
    uint32_t *number = arena_zero_alloc(&narrow->arena, sizeof(*number));
    if (only == NULL || number == NULL)
        return false;
    *only = snapshot->components[component];
    only->id = copy(&narrow->arena, only->id);
    only->title = copy(&narrow->arena, only->title);
    only->group = SLICE("");
    only->cause = COMPONENT_NONE;
    narrow->components = only;
    narrow->component_count = 1;
    narrow->state = only->state;
    narrow->brand = (struct brand){.name = only->title, .url = SLICE(""), .site = SLICE(""),
        .support = SLICE(""), .accent = SLICE(""), .accent_dark = SLICE(""),
        .language = SLICE("en")};
    return only->id.data != NULL && only->title.data != NULL
        && copy_incidents(narrow, snapshot, component, number)
        && copy_windows(narrow, snapshot, component, number);
}

struct snapshot *snapshot_narrow(const struct snapshot *snapshot, uint32_t component)
{
    struct snapshot *narrow = memory_zero_alloc(sizeof(*narrow));
    if (narrow == NULL || component >= snapshot->component_count) {
        memory_free(narrow);
        return NULL;
    }
    atomic_init(&narrow->references, 1);
    arena_init(&narrow->arena, 8192, NARROW_MEMORY);
    narrow->made_ms = snapshot->made_ms;
    narrow->version = snapshot->version;
    narrow->is_written = snapshot->is_written;
    if (fill(narrow, snapshot, component))
        return narrow;
    snapshot_release(narrow);
    return NULL;
}
