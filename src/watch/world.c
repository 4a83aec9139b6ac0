// What is found becomes what is told, under one lock.
#include "base/invariant.h"
#include "base/log.h"
#include "base/memory.h"
#include "watch/history/changes.h"
#include "watch/incident/dismissal_store.h"
#include "watch/incident/window_store.h"
#include "watch/world_inside.h"

#include <stdlib.h>

#define DEFINITIONS_MAX ((size_t)256 << 20)
#define LATE_FINDING_MS 60000 // a finding may have begun so long ago
#define TIDY_MS 10000 // between two looks for changes that are too old

// --- Who is told ---

static void on_incident(void *context, const struct incident *incident,
    const struct incident_update *update)
{
    struct world *world = context;
    world->version++;
    incident_store_write(&world->store, incident, update);
    if (world->hooks.incident_changed != NULL)
        world->hooks.incident_changed(world->hooks.context, incident, update);
}

static void on_forgotten(void *context, const struct incident *incident)
{
    struct world *world = context;
    world->version++;
    incident_store_forget(&world->store, incident);
}

// Once for all that a call has changed.
static void release(struct world *world)
{
    if (world->version != world->told_version && world->hooks.changed != NULL)
        world->hooks.changed(world->hooks.context);
    world->told_version = world->version;
    lock_release(&world->lock);
}

// --- States ---

void world_track(struct world *world, unsigned number, int64_t from_ms)
{
    struct component *component = &world->components[number];
    enum chronicle_track wanted = component->in_window ? TRACK_MAINTENANCE : component->track;
    if (wanted == component->told)
        return;
    chronicle_track(world->chronicle, number, wanted, from_ms);
    component->told = wanted;
}

void world_publish_state(struct world *world, unsigned number, int64_t from_ms)
{
    const struct component *component = &world->components[number];
    struct subject *subject = &world->subjects[number];
    enum component_state state = component->in_window ? COMPONENT_MAINTENANCE : component->found;
    subject->is_off = component->found == COMPONENT_DOWN
        || component->found == COMPONENT_MAINTENANCE; // nobody asks it
    if (state == subject->state)
        return;
    subject->state = state;
    subject->since_ms = from_ms;
    world->version++;
}

// Its reason, by its own finding or by what it fails with.
static void publish_reason(struct world *world, unsigned number)
{
    const struct component *component = &world->components[number];
    struct subject *subject = &world->subjects[number];
    bool fails = subject->state == COMPONENT_DOWN || subject->state == COMPONENT_PARTIAL;
    uint32_t cause = fails && subject->depends_on_count > 0
        ? causes_find(&world->causes, world->subjects, world->count, number)
        : COMPONENT_NONE;
    struct reason reason = component->in_window ? (struct reason){REASON_NONE, 0}
                                                : component->reason;
    if (cause != COMPONENT_NONE)
        reason = (struct reason){world->subjects[cause].state == COMPONENT_MAINTENANCE
                ? REASON_DEPENDENCY_MAINTENANCE
                : REASON_DEPENDENCY, 0};
    if (cause == subject->cause && reason.kind == subject->reason.kind
        && reason.number == subject->reason.number)
        return;
    subject->cause = cause;
    subject->reason = reason;
    world->version++;
}

// Afloat's own end and start are no change: what is found then is held against what was told last.
static void note_change(struct world *world, unsigned number)
{
    struct component *component = &world->components[number];
    const struct subject *subject = &world->subjects[number];
    if (subject->state == component->noted || subject->since_ms == 0 || world->is_closed)
        return;
    const struct change change = {.at_ms = subject->since_ms, .from = component->noted,
        .to = subject->state, .reason = subject->reason,
        .cause = subject->cause < world->count ? world->ids[subject->cause] : SLICE_EMPTY};
    changes_add(world->store.database, component->id, &change);
    component->noted = subject->state;
}

static int64_t clamp(int64_t value, int64_t lowest, int64_t highest)
{
    return value < lowest ? lowest : value > highest ? highest : value;
}

void world_learn(struct world *world, unsigned number, const struct finding *finding,
    int64_t now_ms)
{
    if (number >= world->count)
        return;
    int64_t since_ms = finding->since_ms == 0
        ? now_ms
        : clamp(finding->since_ms, now_ms - LATE_FINDING_MS, now_ms);
    lock_acquire(&world->lock);
    if (world->is_closed) {
        release(world);
        return;
    }
    struct component *component = &world->components[number];
    int64_t told_ms = world->subjects[number].since_ms; // what follows it is not told to precede it
    component->found = finding->state;
    component->reason = finding->reason;
    component->track = finding->track;
    component->updated_ms = now_ms;
    world_track(world, number, since_ms);
    world_publish_state(world, number, MAXIMUM(since_ms, MINIMUM(told_ms, now_ms)));
    publish_reason(world, number);
    note_change(world, number);
    if (finding->requests > 0 && !component->in_window) // what it costs them was announced
        chronicle_count(world->chronicle, number, now_ms, finding->requests, finding->failed);
    if (finding->responses > 0)
        chronicle_respond(world->chronicle, number, now_ms, finding->responses,
            finding->responses_ms, finding->slowest_ms);
    release(world);
}

void world_report(struct world *world, unsigned number, enum report_level level,
    uint32_t networks, int64_t now_ms)
{
    (void)now_ms;
    if (number >= world->count)
        return;
    lock_acquire(&world->lock);
    struct component *component = &world->components[number];
    if (component->reports != level)
        world->version++;
    component->reports = level;
    component->reported = networks;
    release(world);
}

// --- Time ---

static void expect(struct world *world, uint32_t number, int64_t eta_ms)
{
    world->components[number].eta_ms = MAXIMUM(world->components[number].eta_ms, eta_ms);
}

// The latest of what is said of it, but nothing that has passed.
static void find_etas(struct world *world, int64_t now_ms)
{
    for (size_t i = 0; i < world->count; i++)
        world->components[i].eta_ms = 0;
    LIST_FOREACH(link, &world->incidents.open) {
        const struct incident *incident = LIST_ENTRY(link, struct incident, link);
        for (size_t i = 0; i < incident->component_count && incident->eta_ms > now_ms; i++)
            expect(world, incident->components[i], incident->eta_ms);
        for (uint32_t i = 0; i < world->count && incident->component_count == 0
            && incident->eta_ms > now_ms; i++)
            expect(world, i, incident->eta_ms); // it concerns everything
    }
    for (size_t i = 0; i < world->window_count; i++) {
        const struct window_view *view = &world->window_views[i];
        if (view->state != WINDOW_IN_PROGRESS || view->end_ms <= now_ms)
            continue;
        for (uint32_t j = 0; j < world->count; j++) {
            if (world_window_covers(view, j))
                expect(world, j, view->end_ms);
        }
    }
    for (size_t i = 0; i < world->count; i++)
        world->components[i].eta = world->components[i].eta_ms;
}

// Once a second. What the disk has lost, memory still has.
static void chronicle_time(struct world *world, int64_t now_ms)
{
    struct database *database = world->store.database;
    uint64_t epoch = database_epoch(database);
    if (epoch != world->database_epoch && database_is_well(database)) {
        incident_store_write_all(&world->store, &world->incidents);
        dismissal_store_write(&world->store, world->subjects, true);
        world->database_epoch = epoch;
    }
    chronicle_tick(world->chronicle, now_ms);
    world->chronicled_ms = now_ms;
    if (now_ms - world->tidied_ms >= TIDY_MS || now_ms < world->tidied_ms) {
        changes_tidy(database, now_ms);
        world->tidied_ms = now_ms;
    }
}

void world_tick(struct world *world, int64_t now_ms)
{
    lock_acquire(&world->lock);
    if (now_ms >= world->windows_next_ms || now_ms < world->windows_looked_ms) // it was set back
        world_look_at_windows(world, now_ms, false);
    for (unsigned i = 0; i < world->count; i++) {
        publish_reason(world, i);
        note_change(world, i);
    }
    incidents_tick(&world->incidents, world->subjects, world->count, now_ms);
    dismissal_store_write(&world->store, world->subjects, false);
    find_etas(world, now_ms);
    if (now_ms - world->chronicled_ms >= 1000 || now_ms < world->chronicled_ms)
        chronicle_time(world, now_ms);
    release(world);
}

// --- For those who look ---

struct snapshot *world_snapshot(struct world *world, int64_t now_ms)
{
    lock_acquire(&world->lock);
    struct snapshot *snapshot = world->snapshot;
    bool is_good = snapshot != NULL && snapshot->version == world->version
        && now_ms >= snapshot->made_ms && now_ms - snapshot->made_ms < 1000;
    if (!is_good && (snapshot = world_build_snapshot(world, now_ms)) != NULL) {
        snapshot_release(world->snapshot);
        world->snapshot = snapshot;
    }
    if (snapshot != NULL)
        snapshot_reference(snapshot);
    lock_release(&world->lock);
    return snapshot;
}

int64_t world_eta_ms(struct world *world, unsigned component)
{
    return component < world->count ? world->components[component].eta : 0;
}

struct database *world_database(struct world *world)
{
    return world->store.database;
}

// --- The operator's hand ---

// What stands for him; never empty, for that is afloat itself.
static struct slice name_author(struct slice author, char buffer[INCIDENT_AUTHOR_MAX])
{
    struct text text = text_in(buffer, INCIDENT_AUTHOR_MAX);
    text_append_utf8(&text, author);
    text_replace_controls(&text, 0);
    return text.size == 0 ? SLICE("operator") : text_slice(&text);
}

// With the lock released: a log is I/O.
static enum error note(enum error error, const char *what, struct slice id, struct slice author)
{
    if (error == ERROR_NONE)
        log_write(LOG_INFO, "watch", "%s id=%.*s by=\"%.*s\"", what, SLICE_ARGS(id),
            SLICE_ARGS(author));
    return error;
}

static void settle(struct world *world, const struct incident *incident, int64_t now_ms)
{
    incidents_heed_operator(&world->incidents, world->subjects, world->count, incident);
    dismissal_store_write(&world->store, world->subjects, false);
    incidents_trim(&world->incidents, now_ms);
    find_etas(world, now_ms);
}

static enum error refuse_closed(const struct world *world, struct text *why)
{
    if (!world->is_closed)
        return ERROR_NONE;
    text_format(why, "the settings are being read anew; try again in a moment");
    return ERROR_BUSY;
}

enum error world_open_incident(struct world *world, const struct incident_draft *draft,
    struct slice author, int64_t now_ms, struct incident_id *ret_id, struct text *why)
{
    char buffer[INCIDENT_AUTHOR_MAX];
    struct incident *incident;
    author = name_author(author, buffer);
    lock_acquire(&world->lock);
    enum error error = refuse_closed(world, why);
    if (error == ERROR_NONE)
        error = incidents_open(&world->incidents, draft, world->count, author, now_ms, &incident,
            why);
    if (error == ERROR_NONE) {
        *ret_id = incident->id;
        settle(world, incident, now_ms);
    }
    release(world);
    if (error != ERROR_NONE)
        return error;
    return note(error, "incident opened", slice_from_string(ret_id->text), author);
}

enum error world_change_incident(struct world *world, struct slice id,
    const struct incident_change *change, struct slice author, int64_t now_ms, struct text *why)
{
    char buffer[INCIDENT_AUTHOR_MAX];
    author = name_author(author, buffer);
    lock_acquire(&world->lock);
    struct incident *incident = incidents_find(&world->incidents, id);
    enum error error = refuse_closed(world, why);
    if (error == ERROR_NONE && incident == NULL) {
        text_format(why, "there is no such incident");
        error = ERROR_NOT_FOUND;
    }
    if (error == ERROR_NONE)
        error = incidents_change(&world->incidents, incident, change, world->count,
            author, now_ms, why);
    if (error == ERROR_NONE)
        settle(world, incident, now_ms);
    release(world);
    return note(error, "incident changed", id, author);
}

// Without the lock.
static enum error make_window(const struct world *world, const struct window_draft *draft,
    struct incident_id *ret_id, struct window **ret_window, struct text *why)
{
    for (size_t i = 0; i < draft->component_count; i++) {
        if (draft->components[i] >= world->count) {
            text_append(why, SLICE("components: one of them is not there"));
            return ERROR_INVALID;
        }
    }
    enum error error = incident_id_make(ret_id);
    if (error != ERROR_NONE) {
        text_format(why, "%s", error_text(error));
        return error;
    }
    struct window *window;
    error = window_create(draft, *ret_id, &window, why);
    if (error != ERROR_NONE)
        return error;
    if (window_is_over(window, draft->announced_ms)) {
        window_destroy(window);
        text_append(why, SLICE("begin: that was over so long ago that it is shown nowhere; is the "
                               "year right?"));
        return ERROR_INVALID;
    }
    *ret_window = window;
    return ERROR_NONE;
}

// On the disk too, where there is one. On failure the window is gone.
static enum error add_window(struct world *world, const struct window_draft *draft,
    struct incident_id id, struct window *window, int64_t now_ms, struct text *why)
{
    world_forget_windows(world, now_ms);
    enum error error = windows_take(world->windows, window, why);
    if (error != ERROR_NONE) {
        window_destroy(window);
        return error;
    }
    error = window_store_add(world->store.database, id, draft, world->ids);
    if (error != ERROR_NONE) {
        text_append(why, slice_from_string(error_text(error)));
        invariant(windows_remove(world->windows, slice_from_string(id.text)) == ERROR_NONE);
    }
    return error;
}

enum error world_add_window(struct world *world, const struct window_draft *draft,
    struct slice author, int64_t now_ms, struct incident_id *ret_id, struct text *why)
{
    struct incident_id id;
    struct window *window;
    struct window_draft dated = *draft;
    char buffer[INCIDENT_AUTHOR_MAX];
    dated.announced_ms = now_ms;
    enum error error = make_window(world, &dated, &id, &window, why);
    if (error != ERROR_NONE)
        return error;
    lock_acquire(&world->lock);
    error = refuse_closed(world, why);
    if (error != ERROR_NONE)
        window_destroy(window);
    else
        error = add_window(world, &dated, id, window, now_ms, why);
    if (error == ERROR_NONE) {
        *ret_id = id;
        world_look_at_windows(world, now_ms, false);
        find_etas(world, now_ms);
        const struct window_view *first = NULL;
        for (size_t i = 0; i < world->window_count && first == NULL; i++) {
            if (slice_equal(world->window_views[i].id, slice_from_string(id.text)))
                first = &world->window_views[i];
        }
        if (first != NULL && first->state == WINDOW_SCHEDULED)
            world_tell_window(world, first); // announced
    }
    release(world);
    return note(error, "maintenance announced", slice_from_string(id.text),
        name_author(author, buffer));
}

enum error world_remove_window(struct world *world, struct slice id, struct slice author,
    int64_t now_ms, struct text *why)
{
    char buffer[INCIDENT_AUTHOR_MAX];
    lock_acquire(&world->lock);
    enum error error = refuse_closed(world, why);
    if (error == ERROR_NONE) {
        error = windows_remove(world->windows, id);
        if (error != ERROR_NONE)
            text_format(why, "there is no such window of maintenance");
    }
    if (error == ERROR_NONE) {
        window_store_remove(world->store.database, id);
        world_look_at_windows(world, now_ms, false);
        find_etas(world, now_ms);
    }
    release(world);
    return note(error, "maintenance taken away", id, name_author(author, buffer));
}

// --- Birth and death ---

static int compare_slices(struct slice a, struct slice b)
{
    size_t size = MINIMUM(a.size, b.size);
    int order = size == 0 ? 0 : memcmp(a.data, b.data, size);
    return order != 0 ? order : a.size < b.size ? -1 : a.size > b.size ? 1 : 0;
}

static int compare_ids(const void *a, const void *b, void *context)
{
    const struct world *world = context;
    return compare_slices(world->ids[*(const uint32_t *)a], world->ids[*(const uint32_t *)b]);
}

static uint32_t find(void *context, struct slice id)
{
    const struct world *world = context;
    size_t low = 0, high = world->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_slices(world->ids[world->by_id[middle]], id);
        if (order == 0)
            return world->by_id[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return COMPONENT_NONE;
}

uint32_t world_find(struct world *world, struct slice id)
{
    return find(world, id); // never changes
}

const struct component_definition *world_component(const struct world *world, uint32_t component)
{
    return component < world->count ? &world->definitions[component] : NULL; // nor do these
}

// A name that several may share, and whom it is of.
struct name {
    struct slice name;
    uint32_t *number; // where its number goes
};

static int compare_names(const void *a, const void *b)
{
    return compare_slices(((const struct name *)a)->name, ((const struct name *)b)->name);
}

// Equal names get equal numbers, from first on.
static void number_names(struct name *names, size_t count, uint32_t first)
{
    qsort(names, count, sizeof(*names), compare_names);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && !slice_equal(names[i].name, names[i - 1].name))
            first++;
        *names[i].number = first;
    }
}

static enum error number_groups(struct world *world)
{
    size_t count = 0;
    struct name *names = memory_alloc((world->count + 1) * sizeof(*names));
    if (names == NULL)
        return ERROR_MEMORY;
    for (size_t i = 0; i < world->count; i++) {
        if (world->components[i].group.size > 0)
            names[count++] = (struct name){world->components[i].group, &world->subjects[i].group};
    }
    number_names(names, count, 0);
    memory_free(names);
    return ERROR_NONE;
}

static enum error number_dependencies(struct world *world)
{
    size_t total = 0, count = 0;
    for (size_t i = 0; i < world->count; i++)
        total += world->definitions[i].depends_on_count;
    uint32_t *numbers = arena_alloc(&world->arena, total * sizeof(*numbers));
    struct name *names = memory_alloc((total + 1) * sizeof(*names));
    if (numbers == NULL || names == NULL) {
        memory_free(names);
        return ERROR_MEMORY;
    }
    for (size_t i = 0; i < world->count; i++) {
        const struct component_definition *definition = &world->definitions[i];
        world->subjects[i].depends_on = numbers;
        world->subjects[i].depends_on_count = definition->depends_on_count;
        for (size_t j = 0; j < definition->depends_on_count; j++, numbers++) {
            *numbers = find(world, definition->depends_on[j]);
            if (*numbers == COMPONENT_NONE)
                names[count++] = (struct name){definition->depends_on[j], numbers};
        }
    }
    number_names(names, count, (uint32_t)world->count);
    memory_free(names);
    return ERROR_NONE;
}

static bool keep(struct world *world, struct slice slice, struct slice *ret_kept)
{
    *ret_kept = slice.size == 0 ? SLICE_EMPTY : arena_copy(&world->arena, slice);
    return slice.size == 0 || ret_kept->data != NULL;
}

static bool copy_definition(struct world *world, size_t index,
    const struct component_definition *from)
{
    struct component_definition *definition = &world->definitions[index];
    struct slice *depends = arena_alloc(&world->arena, from->depends_on_count * sizeof(*depends));
    *definition = *from;
    definition->depends_on = depends;
    bool good = depends != NULL && keep(world, from->id, &definition->id)
        && keep(world, from->title, &definition->title)
        && keep(world, from->group, &definition->group);
    for (size_t i = 0; i < from->depends_on_count && good; i++)
        good = keep(world, from->depends_on[i], &depends[i]);
    world->components[index] = (struct component){.id = definition->id,
        .title = definition->title, .group = definition->group, .kind = definition->kind};
    world->subjects[index] = (struct subject){.title = definition->title, .group = UINT32_MAX,
        .cause = COMPONENT_NONE};
    world->ids[index] = definition->id;
    world->by_id[index] = (uint32_t)index;
    return good;
}

static enum error copy_definitions(struct world *world, const struct world_settings *settings)
{
    size_t count = settings->component_count;
    struct arena *arena = &world->arena;
    world->components = arena_alloc(arena, count * sizeof(*world->components));
    world->definitions = arena_alloc(arena, count * sizeof(*world->definitions));
    world->subjects = arena_alloc(arena, count * sizeof(*world->subjects));
    world->ids = arena_alloc(arena, count * sizeof(*world->ids));
    world->by_id = arena_alloc(arena, count * sizeof(*world->by_id));
    if (world->components == NULL || world->definitions == NULL || world->subjects == NULL
        || world->ids == NULL || world->by_id == NULL)
        return ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (!copy_definition(world, i, &settings->components[i]))
            return ERROR_MEMORY;
    }
    world->count = count;
    qsort_r(world->by_id, count, sizeof(*world->by_id), compare_ids, world);
    enum error error = number_groups(world);
    return error != ERROR_NONE ? error : number_dependencies(world);
}

static enum error copy_brand(struct world *world, const struct brand *brand)
{
    struct brand *kept = &world->brand;
    *kept = *brand;
    bool good = keep(world, brand->name, &kept->name) && keep(world, brand->url, &kept->url)
        && keep(world, brand->site, &kept->site) && keep(world, brand->support, &kept->support)
        && keep(world, brand->accent, &kept->accent)
        && keep(world, brand->accent_dark, &kept->accent_dark)
        && keep(world, brand->logo, &kept->logo) && keep(world, brand->logo_type, &kept->logo_type)
        && keep(world, brand->language, &kept->language);
    return good ? ERROR_NONE : ERROR_MEMORY;
}

static enum error furnish(struct world *world, const struct world_settings *settings)
{
    enum error error = copy_definitions(world, settings);
    if (error == ERROR_NONE)
        error = copy_brand(world, &settings->brand);
    if (error == ERROR_NONE)
        error = causes_init(&world->causes, world->count);
    if (error == ERROR_NONE && (world->windows = windows_create()) == NULL)
        error = ERROR_MEMORY;
    if (error == ERROR_NONE)
        error = chronicle_create(settings->database, world->definitions, world->count,
            settings->now_ms, &world->chronicle);
    for (size_t i = 0; i < world->count && error == ERROR_NONE; i++)
        error = changes_read_last(settings->database, world->ids[i], &world->components[i].noted);
    world->database_epoch = database_epoch(settings->database);
    world->store = (struct incident_store){settings->database, world->ids, world->count, find,
        world};
    if (error == ERROR_NONE)
        error = incident_store_read(&world->store, &world->incidents, settings->now_ms);
    if (error == ERROR_NONE)
        incidents_take_up(&world->incidents, world->subjects);
    if (error == ERROR_NONE)
        error = dismissal_store_read(&world->store, world->subjects);
    if (error == ERROR_NONE)
        error = window_store_read(settings->database, world->windows, find, world);
    return error;
}

enum error world_create(const struct world_settings *settings, const struct world_hooks *hooks,
    struct world **ret_world)
{
    if (settings->component_count > COMPONENTS_MAX)
        return ERROR_LIMIT;
    struct world *world = memory_zero_alloc(sizeof(*world));
    if (world == NULL)
        return ERROR_MEMORY;
    lock_init(&world->lock);
    arena_init(&world->arena, 65536, DEFINITIONS_MAX);
    arena_init(&world->window_arena, 4096, WORLD_WINDOWS_BYTES);
    incidents_init(&world->incidents, &settings->incidents);
    world->windows_next_ms = INT64_MAX;
    if (hooks != NULL)
        world->hooks = *hooks;
    enum error error = furnish(world, settings);
    if (error != ERROR_NONE) {
        world_destroy(world);
        return error;
    }
    world->incidents.changed = on_incident;
    world->incidents.forgotten = on_forgotten;
    world->incidents.context = world;
    world_look_at_windows(world, settings->now_ms, true);
    find_etas(world, settings->now_ms);
    world->told_version = world->version;
    *ret_world = world;
    return ERROR_NONE;
}

void world_close(struct world *world, bool is_closed)
{
    lock_acquire(&world->lock);
    world->is_closed = is_closed;
    if (is_closed)
        chronicle_settle(world->chronicle);
    release(world);
}

void world_destroy(struct world *world)
{
    if (world == NULL)
        return;
    snapshot_release(world->snapshot);
    incidents_free(&world->incidents);
    causes_free(&world->causes);
    if (world->windows != NULL)
        windows_destroy(world->windows);
    chronicle_destroy(world->chronicle);
    memory_free(world->window_views);
    arena_free(&world->window_arena);
    arena_free(&world->arena);
    lock_destroy(&world->lock);
    memory_free(world);
}
