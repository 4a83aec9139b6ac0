// Documents as Atlassian's Statuspage writes them (https://status.atlassian.com/api/v2), for
// clients that read such pages: the same members in each, moments as RFC 3339 has them with
// milliseconds, ids as strings that stay. What there is not here is null, as there.
#include "base/hash.h"
#include "base/units.h"
#include "watch/machine/machine_inside.h"

#include <inttypes.h>

#define DAY_MS INT64_C(86400000)

bool api_v2_find(struct slice name, enum api_v2_document *ret_document)
{
    static const char *const names[API_V2_COUNT] = {
        [API_V2_STATUS] = "status",
        [API_V2_SUMMARY] = "summary",
        [API_V2_COMPONENTS] = "components",
        [API_V2_INCIDENTS] = "incidents",
        [API_V2_UNRESOLVED] = "incidents/unresolved",
        [API_V2_MAINTENANCES] = "scheduled-maintenances",
        [API_V2_UPCOMING] = "scheduled-maintenances/upcoming",
        [API_V2_ACTIVE] = "scheduled-maintenances/active",
    };
    for (unsigned i = 0; i < API_V2_COUNT; i++) {
        if (slice_equal(name, slice_from_string(names[i]))) {
            *ret_document = (enum api_v2_document)i;
            return true;
        }
    }
    return false;
}

static void put(struct text *text, const char *json)
{
    text_append(text, slice_from_string(json));
}

// ,"name":"value"
static void put_member(struct text *text, const char *name, struct slice value)
{
    text_format(text, ",\"%s\":\"", name);
    text_append_json(text, value);
    put(text, "\"");
}

static void put_word(struct text *text, const char *name, const char *value)
{
    text_format(text, ",\"%s\":\"%s\"", name, value);
}

// 0: null.
static void put_time(struct text *text, const char *name, int64_t wall_ms)
{
    text_format(text, wall_ms == 0 ? ",\"%s\":null" : ",\"%s\":\"", name);
    if (wall_ms == 0)
        return;
    machine_append_time(text, wall_ms);
    put(text, "\"");
}

static void put_hash(struct text *text, const char *name, const char *prefix, struct slice of)
{
    text_format(text, ",\"%s\":\"%s%016" PRIx64 "\"", name, prefix, hash_bytes(of, 0));
}

static void put_page_id(struct text *text, const struct machine_view *view)
{
    put_hash(text, "page_id", "", view->snapshot->brand.name);
}

// "page":{…}
static void put_page(struct text *text, const struct machine_view *view)
{
    const struct snapshot *snapshot = view->snapshot;
    text_format(text, "\"page\":{\"id\":\"%016" PRIx64 "\"", hash_bytes(snapshot->brand.name, 0));
    put_member(text, "name", snapshot->brand.name);
    put_member(text, "url", view->page);
    put_word(text, "time_zone", "Etc/UTC");
    put_time(text, "updated_at", snapshot->made_ms);
    put(text, "}");
}

static void put_status(struct text *text, const struct machine_view *view)
{
    struct api_v2_state state = api_v2_state(view->snapshot);
    text_format(text, ",\"status\":{\"indicator\":\"%s\",\"description\":\"%s\"}",
        state.indicator, state.description);
}

// --- Components ---

// The first day that anything is known of.
static int64_t first_seen_ms(const struct snapshot *snapshot,
    const struct component_view *component)
{
    unsigned back = 0;
    for (unsigned i = 0; i < SNAPSHOT_DAYS && back == 0; i++) {
        const struct uptime_day *day = &component->days[i];
        if (day->up_ms > 0 || day->down_ms > 0 || day->maintenance_ms > 0 || day->requests > 0)
            back = SNAPSHOT_DAYS - 1 - i;
    }
    return snapshot->made_ms - snapshot->made_ms % DAY_MS - back * DAY_MS;
}

static void put_seen(struct text *text, int64_t first_ms, int64_t changed_ms)
{
    put_time(text, "created_at", first_ms);
    put_time(text, "updated_at", MAXIMUM(changed_ms, first_ms));
}

static void put_component(struct text *text, const struct machine_view *view, size_t number)
{
    const struct component_view *component = &view->snapshot->components[number];
    int64_t first_ms = first_seen_ms(view->snapshot, component);
    char date[32];
    struct text day = text_in(date, sizeof(date));
    put(text, "{\"id\":\"");
    text_append_json(text, component->id);
    put(text, "\"");
    put_member(text, "name", component->title);
    put_word(text, "status", api_v2_component_word(component->state));
    put_seen(text, first_ms, component->since_ms);
    text_format(text, ",\"position\":%zu", number + 1);
    if (component->state == COMPONENT_OPERATIONAL || component->reason.kind == REASON_NONE)
        put(text, component->state == COMPONENT_UNKNOWN
            ? ",\"description\":\"state not known\"" : ",\"description\":null");
    else
        put_word(text, "description", reason_text(component->reason.kind));
    put(text, ",\"showcase\":true");
    units_format_time(&day, first_ms);
    put_member(text, "start_date", slice_of(date, MINIMUM(day.size, 10)));
    if (component->group.size > 0)
        put_hash(text, "group_id", "group-", component->group);
    else
        put(text, ",\"group_id\":null");
    put_page_id(text, view);
    put(text, ",\"group\":false,\"only_show_if_degraded\":false}");
}

static bool opens_group(const struct snapshot *snapshot, size_t number)
{
    struct slice group = snapshot->components[number].group;
    for (size_t i = number; i-- > 0 && group.size > 0;) {
        if (slice_equal(snapshot->components[i].group, group))
            return false;
    }
    return group.size > 0;
}

// A group is a component too, in front of the first of its own.
static void put_group(struct text *text, const struct machine_view *view, size_t number)
{
    const struct snapshot *snapshot = view->snapshot;
    struct slice group = snapshot->components[number].group;
    enum component_state worst = COMPONENT_UNKNOWN;
    int64_t first_ms = INT64_MAX, changed_ms = 0;
    const char *separator = "";
    text_format(text, "{\"id\":\"group-%016" PRIx64 "\",\"components\":[", hash_bytes(group, 0));
    for (size_t i = number; i < snapshot->component_count; i++) {
        const struct component_view *component = &snapshot->components[i];
        if (!slice_equal(component->group, group))
            continue;
        text_format(text, "%s\"", separator);
        text_append_json(text, component->id);
        put(text, "\"");
        separator = ",";
        worst = component_is_worse(component->state, worst) ? component->state : worst;
        first_ms = MINIMUM(first_ms, first_seen_ms(snapshot, component));
        changed_ms = MAXIMUM(changed_ms, component->since_ms);
    }
    put(text, "]");
    put_member(text, "name", group);
    put_word(text, "status", api_v2_component_word(worst));
    put_seen(text, first_ms, changed_ms);
    text_format(text, ",\"position\":%zu,\"description\":null,\"showcase\":false"
        ",\"start_date\":null,\"group_id\":null", number + 1);
    put_page_id(text, view);
    put(text, ",\"group\":true,\"only_show_if_degraded\":false}");
}

static void put_components(struct text *text, const struct machine_view *view)
{
    put(text, ",\"components\":[");
    for (size_t i = 0; i < view->snapshot->component_count && !text->full; i++) {
        put(text, i > 0 ? "," : "");
        if (opens_group(view->snapshot, i)) {
            put_group(text, view, i);
            put(text, ",");
        }
        put_component(text, view, i);
    }
    put(text, "]");
}

// Those of an incident or a window. none_is_all: where none is named, all are meant.
static void put_affected(struct text *text, const struct machine_view *view,
    const uint32_t *components, size_t count, bool none_is_all)
{
    const struct snapshot *snapshot = view->snapshot;
    const char *separator = "";
    bool all = count == 0 && none_is_all;
    put(text, ",\"components\":[");
    for (size_t i = 0; i < (all ? snapshot->component_count : count) && !text->full; i++) {
        size_t number = all ? i : components[i];
        if (number >= snapshot->component_count)
            continue;
        put(text, separator);
        put_component(text, view, number);
        separator = ",";
    }
    put(text, "]");
}

// --- Incidents ---

static void put_update(struct text *text, struct slice incident, size_t number, const char *word,
    struct slice body, int64_t at_ms)
{
    put(text, "{\"id\":\"");
    text_append_json(text, incident);
    text_format(text, "-%zu\"", number);
    put_word(text, "status", word);
    put_member(text, "body", body);
    put_member(text, "incident_id", incident);
    put_time(text, "created_at", at_ms);
    put_time(text, "updated_at", at_ms);
    put_time(text, "display_at", at_ms);
    put(text, ",\"affected_components\":null,\"deliver_notifications\":true,\"custom_tweet\":null"
        ",\"tweet_id\":null}");
}

static void put_updates(struct text *text, const struct incident_view *incident)
{
    size_t count = MINIMUM(incident->update_count, MACHINE_UPDATES);
    put(text, ",\"incident_updates\":[");
    for (size_t i = 0; i < count; i++) {
        const struct incident_update *update = &incident->updates[i];
        put(text, i > 0 ? "," : "");
        put_update(text, incident->id, incident->update_count - i,
            api_v2_incident_word(update->state), machine_update_text(incident, i), update->at_ms);
    }
    put(text, "]");
}

// Since when it is watched; 0: it never was.
static int64_t monitoring_ms(const struct incident_view *incident)
{
    for (size_t i = 0; i < incident->update_count; i++) {
        if (incident->updates[i].state == INCIDENT_MONITORING)
            return incident->updates[i].at_ms;
    }
    return 0;
}

static void put_link(struct text *text, const struct machine_view *view, const char *name,
    struct slice id)
{
    put(text, ",\"shortlink\":\"");
    text_append_json(text, view->base);
    put(text, name);
    text_append_json(text, id);
    put(text, "\"");
}

static void put_incident(struct text *text, const struct machine_view *view,
    const struct incident_view *incident)
{
    put(text, "{\"id\":\"");
    text_append_json(text, incident->id);
    put(text, "\"");
    put_member(text, "name", incident->title);
    put_word(text, "status", api_v2_incident_word(incident->state));
    put_time(text, "created_at", incident->started_ms);
    put_time(text, "updated_at", machine_incident_updated_ms(incident));
    put_time(text, "monitoring_at", monitoring_ms(incident));
    put_time(text, "resolved_at", incident->resolved_ms);
    put_word(text, "impact", api_v2_impact_word(incident->impact));
    put_link(text, view, "incident/", incident->id);
    put_time(text, "started_at", incident->started_ms);
    put_page_id(text, view);
    if (incident->postmortem.size > 0)
        put_member(text, "postmortem_body", incident->postmortem);
    put_updates(text, incident);
    put_affected(text, view, incident->components, incident->component_count, false);
    put(text, ",\"reminder_intervals\":null}");
}

static void put_incidents(struct text *text, const struct machine_view *view, bool unresolved)
{
    const struct snapshot *snapshot = view->snapshot;
    size_t count = unresolved ? snapshot->open_count
        : MINIMUM(snapshot->incident_count, MACHINE_INCIDENTS);
    put(text, ",\"incidents\":[");
    for (size_t i = 0; i < count && !text->full; i++) {
        put(text, i > 0 ? "," : "");
        put_incident(text, view, &snapshot->incidents[i]);
    }
    put(text, "]");
}

// --- Maintenance ---

static void put_window(struct text *text, const struct machine_view *view,
    const struct window_view *window)
{
    // Of each occurrence one of its own: they share the window's.
    char buffer[64];
    struct text id = text_in(buffer, sizeof(buffer));
    text_append_json(&id, window->id);
    text_append_byte(&id, '-');
    machine_append_compact_time(&id, window->begin_ms);
    const char *word = api_v2_window_word(window->state);
    int64_t updated_ms = machine_window_updated_ms(window);
    text_format(text, "{\"id\":\"%.*s\"", SLICE_ARGS(text_slice(&id)));
    put_member(text, "name", window->title);
    put_word(text, "status", word);
    put_time(text, "created_at", window->announced_ms);
    put_time(text, "updated_at", updated_ms);
    put_time(text, "monitoring_at", 0);
    put_time(text, "resolved_at", window->state == WINDOW_COMPLETED ? window->end_ms : 0);
    put_word(text, "impact", "maintenance");
    put(text, ",\"shortlink\":\"");
    text_append_json(text, view->page);
    put(text, "\"");
    put_time(text, "started_at", window->begin_ms);
    put_page_id(text, view);
    put(text, ",\"incident_updates\":[");
    put_update(text, text_slice(&id), 1, word, window->text, updated_ms);
    put(text, "]");
    put_affected(text, view, window->components, window->component_count, true);
    put_time(text, "scheduled_for", window->begin_ms);
    put_time(text, "scheduled_until", window->end_ms);
    put(text, "}");
}

static void put_windows(struct text *text, const struct machine_view *view,
    bool (*wanted)(const struct window_view *window))
{
    const struct snapshot *snapshot = view->snapshot;
    size_t count = 0;
    put(text, ",\"scheduled_maintenances\":[");
    for (size_t i = 0; i < snapshot->window_count && count < MACHINE_WINDOWS && !text->full; i++) {
        if (!wanted(&snapshot->windows[i]))
            continue;
        put(text, count++ > 0 ? "," : "");
        put_window(text, view, &snapshot->windows[i]);
    }
    put(text, "]");
}

static bool is_any(const struct window_view *window)
{
    return window != NULL;
}

static bool is_not_over(const struct window_view *window)
{
    return window->state != WINDOW_COMPLETED;
}

static bool is_upcoming(const struct window_view *window)
{
    return window->state == WINDOW_SCHEDULED;
}

static bool is_active(const struct window_view *window)
{
    return window->state == WINDOW_IN_PROGRESS;
}

void api_v2_write(struct text *text, const struct machine_view *view, enum api_v2_document document)
{
    put(text, "{");
    put_page(text, view);
    switch (document) {
    case API_V2_STATUS: put_status(text, view); break;
    case API_V2_SUMMARY:
        put_components(text, view);
        put_incidents(text, view, true);
        put_windows(text, view, is_not_over);
        put_status(text, view);
        break;
    case API_V2_COMPONENTS: put_components(text, view); break;
    case API_V2_INCIDENTS: put_incidents(text, view, false); break;
    case API_V2_UNRESOLVED: put_incidents(text, view, true); break;
    case API_V2_MAINTENANCES: put_windows(text, view, is_any); break;
    case API_V2_UPCOMING: put_windows(text, view, is_upcoming); break;
    case API_V2_ACTIVE: put_windows(text, view, is_active); break;
    case API_V2_COUNT: break;
    }
    put(text, "}\n");
}
