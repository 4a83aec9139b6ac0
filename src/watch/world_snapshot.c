// All that may be shown, copied: what a reader holds lives on when the world goes on, or ends.
#include "base/memory.h"
#include "watch/world_inside.h"

#define SNAPSHOT_CHUNK ((size_t)256 << 10)
#define SNAPSHOT_MAX ((size_t)512 << 20) // bounds on what is in it keep it far below

// A snapshot that is being made; failed: there was no memory.
struct build {
    struct snapshot *snapshot;
    bool failed;
};

static struct slice copy(struct build *build, struct slice slice)
{
    if (slice.size == 0)
        return SLICE_EMPTY;
    struct slice copied = arena_copy(&build->snapshot->arena, slice);
    build->failed = build->failed || copied.data == NULL;
    return copied;
}

static void *room(struct build *build, size_t count, size_t size)
{
    void *memory = build->failed ? NULL : arena_alloc(&build->snapshot->arena, count * size);
    build->failed = memory == NULL;
    return memory;
}

static const uint32_t *copy_numbers(struct build *build, const uint32_t *numbers, size_t count)
{
    uint32_t *copied = room(build, count, sizeof(*copied));
    if (copied != NULL && count > 0)
        memcpy(copied, numbers, count * sizeof(*copied));
    return copied;
}

static void build_brand(struct build *build, const struct brand *brand)
{
    build->snapshot->brand = (struct brand){copy(build, brand->name), copy(build, brand->url),
        copy(build, brand->site), copy(build, brand->support), copy(build, brand->accent),
        copy(build, brand->accent_dark), copy(build, brand->logo), copy(build, brand->logo_type),
        copy(build, brand->language), brand->logo_hash};
}

static void build_component(struct build *build, const struct world *world, unsigned number,
    struct component_view *view)
{
    const struct component *component = &world->components[number];
    const struct subject *subject = &world->subjects[number];
    int64_t now_ms = build->snapshot->made_ms;
    *view = (struct component_view){.id = copy(build, component->id),
        .title = copy(build, component->title), .group = copy(build, component->group),
        .kind = component->kind, .state = subject->state, .reason = subject->reason,
        .cause = subject->cause, .since_ms = subject->since_ms,
        .updated_ms = component->updated_ms, .reports = component->reports,
        .reported = component->reported,
        .response_ms = chronicle_response_ms(world->chronicle, number, now_ms)};
    chronicle_read_days(world->chronicle, number, now_ms, view->days);
    chronicle_read_recent(world->chronicle, number, now_ms, view->responses);
}

// While an incident is worked on, it is as bad as it says, whatever can be seen from here.
static enum component_state told_state(const struct snapshot *snapshot)
{
    static const enum component_state states[] = {
        [IMPACT_NONE] = COMPONENT_UNKNOWN, [IMPACT_MINOR] = COMPONENT_DEGRADED,
        [IMPACT_MAJOR] = COMPONENT_PARTIAL, [IMPACT_CRITICAL] = COMPONENT_DOWN};
    enum component_state state = COMPONENT_UNKNOWN;
    for (size_t i = 0; i < snapshot->open_count; i++) {
        const struct incident_view *incident = &snapshot->incidents[i];
        if (incident->state != INCIDENT_MONITORING)
            state = MAXIMUM(state, states[incident->impact]);
    }
    return state;
}

// Announced work is no fault: it counts where all else is well.
static enum component_state worst(const struct snapshot *snapshot)
{
    enum component_state state = told_state(snapshot);
    bool any_maintenance = false;
    for (size_t i = 0; i < snapshot->component_count; i++) {
        enum component_state other = snapshot->components[i].state;
        any_maintenance = any_maintenance || other == COMPONENT_MAINTENANCE;
        if (other != COMPONENT_MAINTENANCE && component_is_worse(other, state))
            state = other;
    }
    bool is_fault = state != COMPONENT_UNKNOWN && state != COMPONENT_OPERATIONAL;
    return any_maintenance && !is_fault ? COMPONENT_MAINTENANCE : state;
}

static void build_components(struct build *build, const struct world *world)
{
    struct snapshot *snapshot = build->snapshot;
    snapshot->components = room(build, world->count, sizeof(*snapshot->components));
    for (size_t i = 0; i < world->count && !build->failed; i++) {
        build_component(build, world, (unsigned)i, &snapshot->components[i]);
        snapshot->component_count++;
    }
}

static void build_incident(struct build *build, const struct incident *incident,
    struct incident_view *view)
{
    incident_view(incident, view);
    view->id = copy(build, view->id);
    view->title = copy(build, view->title);
    view->postmortem = copy(build, view->postmortem);
    view->components = copy_numbers(build, incident->components, incident->component_count);
    struct incident_update *updates = room(build, incident->update_count, sizeof(*updates));
    for (size_t i = 0; i < incident->update_count && updates != NULL; i++) {
        updates[i] = incident->updates[i];
        updates[i].text = copy(build, updates[i].text);
        updates[i].author = copy(build, updates[i].author);
    }
    view->updates = updates;
}

static void build_incidents(struct build *build, const struct world *world)
{
    const struct incidents *incidents = &world->incidents;
    const struct list *const lists[] = {&incidents->open, &incidents->past};
    struct snapshot *snapshot = build->snapshot;
    size_t count = incidents->open_count + incidents->past_count;
    snapshot->incidents = room(build, count, sizeof(*snapshot->incidents));
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        LIST_FOREACH(link, lists[i]) {
            if (build->failed)
                return;
            build_incident(build, LIST_ENTRY(link, struct incident, link),
                &snapshot->incidents[snapshot->incident_count++]);
        }
        if (i == 0)
            snapshot->open_count = snapshot->incident_count;
    }
}

static void build_windows(struct build *build, const struct world *world)
{
    struct snapshot *snapshot = build->snapshot;
    snapshot->windows = room(build, world->window_count, sizeof(*snapshot->windows));
    for (size_t i = 0; i < world->window_count && !build->failed; i++) {
        struct window_view *view = &snapshot->windows[i];
        *view = world->window_views[i];
        view->id = copy(build, view->id);
        view->title = copy(build, view->title);
        view->text = copy(build, view->text);
        view->rule = copy(build, view->rule);
        view->zone = copy(build, view->zone);
        view->components = copy_numbers(build, view->components, view->component_count);
    }
    snapshot->window_count = world->window_count;
    snapshot->past_window_count = world->past_window_count;
}

struct snapshot *world_build_snapshot(const struct world *world, int64_t now_ms)
{
    struct snapshot *snapshot = memory_zero_alloc(sizeof(*snapshot));
    struct build build = {snapshot, false};
    if (snapshot == NULL)
        return NULL;
    arena_init(&snapshot->arena, SNAPSHOT_CHUNK, SNAPSHOT_MAX);
    atomic_init(&snapshot->references, 1);
    snapshot->made_ms = now_ms;
    snapshot->version = world->version;
    snapshot->is_written = world->store.database == NULL
        || database_is_well(world->store.database);
    build_brand(&build, &world->brand);
    build_components(&build, world);
    build_incidents(&build, world);
    build_windows(&build, world);
    snapshot->state = worst(snapshot);
    if (!build.failed)
        return snapshot;
    snapshot_release(snapshot);
    return NULL;
}
