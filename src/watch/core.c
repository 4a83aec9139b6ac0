// What one generation of settings makes: components, the world, who finds things out.
#include "base/clock.h"
#include "base/hash.h"
#include "watch/watch_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define LOGO_MAX 65536 // bytes
#define LARGE 200        // components, of whose snapshot a thread makes a millisecond
#define CORE_MEMORY ((size_t)64 << 20)

// --- How the page looks ---

static struct slice logo_type(struct slice bytes)
{
    if (slice_starts_with(bytes, SLICE("\x89PNG")))
        return SLICE("image/png");
    if (slice_starts_with(bytes, SLICE("\xff\xd8\xff")))
        return SLICE("image/jpeg");
    if (bytes.size > 12 && memcmp(bytes.data + 8, "WEBP", 4) == 0)
        return SLICE("image/webp");
    return memmem(bytes.data, bytes.size, "<svg", 4) != NULL ? SLICE("image/svg+xml") : SLICE_EMPTY;
}

static enum error read_logo(struct core *core, const char *path, struct brand *brand,
    struct text *why)
{
    char *buffer = arena_alloc(&core->arena, LOGO_MAX + 1);
    if (buffer == NULL)
        return ERROR_MEMORY;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, buffer, LOGO_MAX + 1);
    enum error error = size < 0 ? error_from_errno(errno) : ERROR_NONE;
    if (file >= 0)
        close(file);
    if (error != ERROR_NONE) {
        text_format(why, "status.logo: %s: %s", path, error_text(error));
        return ERROR_INVALID;
    }
    brand->logo = slice_of(buffer, (size_t)size);
    brand->logo_type = logo_type(brand->logo);
    brand->logo_hash = hash_bytes(brand->logo, 0);
    if (size > LOGO_MAX || brand->logo_type.size == 0) {
        text_format(why, "status.logo: %s: expected SVG, PNG, JPEG or WebP of at most 64 KB", path);
        return ERROR_INVALID;
    }
    return ERROR_NONE;
}

// Views of the settings, which the world copies; the name is needed where there is no page, too.
static enum error fill_brand(struct core *core, const struct watch_settings *settings,
    struct brand *brand, struct text *why)
{
    *brand = (struct brand){.name = settings->name, .url = settings->url, .site = settings->site,
        .support = settings->support, .accent = settings->accent,
        .accent_dark = settings->accent_dark, .language = settings->language};
    while (slice_ends_with(brand->url, SLICE("/")))
        brand->url.size--;
    return settings->logo.size == 0 ? ERROR_NONE
                                    : read_logo(core, settings->logo.data, brand, why);
}

// --- What it speaks of ---

static enum error add_site(struct core *core, const struct site_evidence *site)
{
    struct component_definition *component = &core->components[core->component_count];
    struct slice *origin = arena_alloc(&core->arena, sizeof(*origin));
    *component = (struct component_definition){.kind = COMPONENT_SITE,
        .id = arena_copy(&core->arena, site->name), .title = arena_copy(&core->arena, site->name),
        .depends_on = origin, .depends_on_count = 1};
    if (component->id.data == NULL || component->title.data == NULL || origin == NULL)
        return ERROR_MEMORY;
    *origin = arena_printf(&core->arena, "origin:%.*s", SLICE_ARGS(site->origin));
    core->component_count++;
    core->site_count++;
    return origin->data == NULL ? ERROR_MEMORY : ERROR_NONE;
}

// memory_alloc's; NULL: no memory.
static struct site_evidence *read_sites(struct edge *edge, size_t *ret_count)
{
    size_t count = edge_read_sites(edge, NULL, 0);
    struct site_evidence *sites = memory_zero_alloc((count + 1) * sizeof(*sites));
    if (sites != NULL)
        *ret_count = MINIMUM(count, edge_read_sites(edge, sites, count));
    return sites;
}

static enum error add_sites(struct core *core, struct edge *edge)
{
    size_t count = 0;
    struct site_evidence *sites = read_sites(edge, &count);
    enum error error = sites == NULL ? ERROR_MEMORY : ERROR_NONE;
    for (size_t i = 0; i < count && error == ERROR_NONE; i++)
        error = add_site(core, &sites[i]);
    memory_free(sites);
    return error;
}

bool core_has_sites_of(const struct core *core, struct edge *edge)
{
    size_t count = 0;
    struct site_evidence *sites = read_sites(edge, &count);
    bool is_same = sites != NULL && count == core->site_count;
    for (size_t i = 0; i < count && is_same; i++)
        is_same = slice_equal(sites[i].name, core->components[i].id);
    memory_free(sites);
    return is_same;
}

static bool is_known(const struct core *core, struct slice id)
{
    for (size_t i = 0; i < core->site_count; i++) {
        if (slice_equal_nocase(core->components[i].id, id))
            return true;
    }
    return false;
}

static enum error add_monitor(struct core *core, const struct monitor_settings *monitor,
    struct text *why)
{
    if (is_known(core, monitor->id)) {
        text_format(why, "status.monitors.%.*s: a site has that name; it is watched already",
            SLICE_ARGS(monitor->id));
        return ERROR_INVALID;
    }
    core->components[core->component_count++] = (struct component_definition){
        .kind = COMPONENT_MONITOR, .id = monitor->id, .group = monitor->group,
        .title = monitor->title.size > 0 ? monitor->title : monitor->id,
        .depends_on = monitor->depends_on.items, .depends_on_count = monitor->depends_on.count};
    return ERROR_NONE;
}

static enum error add_components(struct core *core, struct edge *edge,
    const struct watch_settings *settings, struct text *why)
{
    const struct monitor_settings *monitors = settings->monitors.items;
    size_t count = edge_read_sites(edge, NULL, 0) + settings->monitors.count;
    core->components = arena_alloc(&core->arena, (count + 1) * sizeof(*core->components));
    if (core->components == NULL)
        return ERROR_MEMORY;
    enum error error = add_sites(core, edge);
    for (size_t i = 0; error == ERROR_NONE && core->has_page && i < settings->monitors.count; i++)
        error = add_monitor(core, &monitors[i], why);
    return error;
}

static enum error copy_hosts(struct core *core, const struct setting_list *hosts)
{
    const struct slice *items = hosts->items;
    core->hosts = arena_alloc(&core->arena, (hosts->count + 1) * sizeof(*core->hosts));
    if (core->hosts == NULL)
        return ERROR_MEMORY;
    for (size_t i = 0; core->has_page && i < hosts->count; i++) {
        core->hosts[i] = arena_copy(&core->arena, items[i]);
        if (core->hosts[i].data == NULL)
            return ERROR_MEMORY;
        core->host_count++;
    }
    return ERROR_NONE;
}

// --- Whom it tells ---

// All of these are called under the world's lock, and only queue.

#define NAMES_MAX 64 // an operator's request has a small stack

struct names {
    struct slice titles[NAMES_MAX], ids[NAMES_MAX];
};

static void name_components(const struct core *core, const uint32_t *components, size_t count,
    struct names *names, struct notice *notice)
{
    notice->components = names->titles;
    notice->component_ids = count <= NAMES_MAX ? names->ids : NULL; // then it is everybody's
    for (size_t i = 0; i < count && notice->component_count < NAMES_MAX; i++) {
        const struct component_definition *component = core->world == NULL ? NULL
            : world_component(core->world, components[i]);
        if (component == NULL)
            continue;
        names->titles[notice->component_count] = component->title;
        names->ids[notice->component_count++] = component->id;
    }
}

static void tell_incident(void *context, const struct incident *incident,
    const struct incident_update *update)
{
    const struct core *core = context;
    struct incident_view view;
    struct names names;
    incident_view(incident, &view);
    if (core->watch->courier == NULL)
        return;
    // Also what is only wider or worse than it was: who subscribed to what joined must hear of it.
    struct notice notice = {.kind = NOTICE_INCIDENT, .id = view.id, .title = view.title,
        .text = update != NULL ? update->text : SLICE(""),
        .state = update != NULL ? update->state : view.state, .impact = view.impact,
        .begin_ms = view.started_ms, .end_ms = view.resolved_ms, .eta_ms = view.eta_ms,
        .at_ms = update != NULL ? update->at_ms : 0,
        .is_update = view.update_count > 1 || update == NULL,
        .is_own_title = view.automatic, .reason = view.reason,
        .is_own_text = update != NULL && update->author.size == 0};
    name_components(core, view.components, view.component_count, &names, &notice);
    courier_tell(core->watch->courier, &notice);
}

static void tell_window(void *context, const struct window_view *window)
{
    const struct core *core = context;
    struct names names;
    struct notice notice = {.kind = NOTICE_WINDOW, .id = window->id, .title = window->title,
        .text = window->text, .window_state = window->state, .begin_ms = window->begin_ms,
        .end_ms = window->end_ms, .is_update = window->state != WINDOW_SCHEDULED};
    if (core->watch->courier == NULL)
        return;
    name_components(core, window->components, window->component_count, &names, &notice);
    courier_tell(core->watch->courier, &notice);
}

static void tell_change(void *context)
{
    const struct core *core = context;
    broadcast_signal(&core->watch->changed);
}

// --- Beginning and end ---

static enum error create_world(struct watch *watch, struct core *core,
    const struct watch_settings *settings, int64_t now_ms, struct text *why)
{
    const struct world_hooks hooks = {.incident_changed = tell_incident,
        .window_changed = tell_window, .changed = tell_change, .context = core};
    struct world_settings world = {.incidents = settings->incidents,
        .components = core->components, .component_count = core->component_count,
        .database = watch->database, .now_ms = now_ms};
    enum error error = fill_brand(core, settings, &world.brand, why);
    return error != ERROR_NONE ? error : world_create(&world, &hooks, &core->world);
}

static enum error create_prober(struct watch *watch, struct core *core,
    const struct watch_settings *settings, struct text *why)
{
    const struct prober_settings prober = {.monitors = settings->monitors.items,
        .monitor_count = settings->monitors.count, .first_component = (unsigned)core->site_count,
        .places = &settings->places, .canaries = &settings->canaries, .allow = &settings->allow,
        .quorum = {.rounds = settings->rounds, .damping_ms = settings->damping_ms},
        .every = settings->every, .seed = watch->seed, .database = watch->database};
    if (!core->has_page || settings->monitors.count == 0)
        return ERROR_NONE;
    return prober_create(&prober, core->world, why, &core->prober);
}

static enum error fill(struct watch *watch, struct core *core,
    const struct watch_settings *settings, struct text *why)
{
    int64_t now_ms = clock_wall_ms();
    core->has_page = watch_has_page(settings);
    core->streams = settings->streams;
    core->subscribe = settings->notify.subscribe && settings->notify.mail.server.size > 0;
    enum error error = copy_hosts(core, &settings->hosts);
    if (error == ERROR_NONE)
        error = add_components(core, watch->edge, settings, why);
    if (error == ERROR_NONE)
        error = create_world(watch, core, settings, now_ms, why);
    if (error == ERROR_NONE) {
        core->evidence = evidence_create(watch->edge, core->world);
        error = core->evidence == NULL ? ERROR_MEMORY : ERROR_NONE;
    }
    if (error == ERROR_NONE)
        error = create_prober(watch, core, settings, why);
    if (error == ERROR_NONE && core->has_page && settings->reports.enabled)
        error = reports_create(&settings->reports, watch->secret, core->world,
            core->component_count, now_ms, &core->reports);
    core->is_large = core->component_count > LARGE;
    core->component_count = core->site_count; // monitors' names go with the settings
    return error;
}

enum error core_create(struct watch *watch, const struct watch_settings *settings,
    struct text *why, struct core **ret_core)
{
    struct core *core = memory_zero_alloc(sizeof(*core));
    if (core == NULL)
        return ERROR_MEMORY;
    atomic_init(&core->references, 1);
    core->watch = watch;
    arena_init(&core->arena, 16384, CORE_MEMORY);
    enum error error = fill(watch, core, settings, why);
    if (error == ERROR_NONE)
        *ret_core = core;
    else
        core_destroy(core);
    return error;
}

// A visit gives it back in a loop's thread, which must not wait for other threads to end.
void core_release(struct core *core)
{
    atomic_fetch_sub_explicit(&core->references, 1, memory_order_release);
}

void core_destroy(struct core *core)
{
    if (core == NULL)
        return;
    prober_destroy(core->prober);
    reports_destroy(core->reports);
    evidence_destroy(core->evidence);
    world_destroy(core->world);
    arena_free(&core->arena);
    memory_free(core);
}

struct world *core_world(const struct core *core)
{
    return core->world;
}
