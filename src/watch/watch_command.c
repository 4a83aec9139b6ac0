// Checks a command word for word before it acts: what visitors read is not to be mistyped.
#include "watch/watch_command.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"

#include <stdarg.h>

static json_t *refuse(const char *format, ...) PRINTF_LIKE(1, 2);

static json_t *refuse(const char *format, ...)
{
    char buffer[768], clean[768];
    struct text text = text_in(clean, sizeof(clean));
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(buffer, sizeof(buffer), format, arguments);
    va_end(arguments);
    text_append_utf8(&text,
        slice_of(buffer, size < 0 ? 0 : MINIMUM((size_t)size, sizeof(buffer) - 1)));
    text_replace_controls(&text, 0);
    return json_pack("{s:b, s:s%}", "ok", 0, "error", text.data, text.size);
}

static json_t *refuse_why(const struct text *why)
{
    return refuse("%.*s", SLICE_ARGS(text_slice(why)));
}

// --- What is asked ---

// The member as text; empty when it is not there. False when it is something else.
static bool text_member(const json_t *request, const char *name, struct slice *ret_value,
    struct text *why)
{
    const json_t *value = json_object_get(request, name);
    if (value != NULL && !json_is_string(value)) {
        text_format(why, "\"%s\" must be text", name);
        return false;
    }
    *ret_value = slice_of(json_string_value(value), json_string_length(value));
    return true;
}

static bool number_member(const json_t *request, const char *name, int64_t *ret_value,
    struct text *why)
{
    const json_t *value = json_object_get(request, name);
    if (value != NULL && (!json_is_integer(value) || json_integer_value(value) < 0)) {
        text_format(why, "\"%s\" must be a whole number of milliseconds", name);
        return false;
    }
    *ret_value = json_integer_value(value);
    return true;
}

static bool all_member(const json_t *request, bool *ret_all, struct text *why)
{
    const json_t *value = json_object_get(request, "all");
    if (value != NULL && !json_is_boolean(value)) {
        text_format(why, "\"all\" must be true or false");
        return false;
    }
    *ret_all = json_is_true(value);
    return true;
}

static bool has(const json_t *request, const char *name)
{
    return json_object_get(request, name) != NULL;
}

static bool state_member(const json_t *request, enum incident_state *ret_state, struct text *why)
{
    struct slice word;
    if (!has(request, "state"))
        return true;
    if (text_member(request, "state", &word, why) && incident_find_state(word, ret_state))
        return true;
    why->size = 0;
    text_format(why, "\"state\" is one of investigating, identified, monitoring, resolved");
    return false;
}

static bool impact_member(const json_t *request, enum incident_impact *ret_impact,
    struct text *why)
{
    struct slice word;
    if (!has(request, "impact"))
        return true;
    if (text_member(request, "impact", &word, why) && incident_find_impact(word, ret_impact))
        return true;
    why->size = 0;
    text_format(why, "\"impact\" is one of none, minor, major, critical");
    return false;
}

struct components {
    uint32_t numbers[INCIDENT_COMPONENTS_MAX];
    size_t count;
};

static bool component_members(struct world *world, const json_t *request,
    struct components *ret_components, struct text *why)
{
    size_t index;
    const json_t *value, *list = json_object_get(request, "components");
    ret_components->count = 0;
    if ((list != NULL && !json_is_array(list))
        || json_array_size(list) > INCIDENT_COMPONENTS_MAX) {
        text_format(why, "\"components\" must be a list of at most %d ids",
            INCIDENT_COMPONENTS_MAX);
        return false;
    }
    json_array_foreach(list, index, value)
    {
        struct slice id = slice_of(json_string_value(value), json_string_length(value));
        uint32_t number = world_find(world, id);
        if (number == COMPONENT_NONE) {
            text_format(why, "there is no component ");
            text_append_quoted(why, id);
            text_format(why, "; expected the first host name of a site or the name of a monitor");
            return false;
        }
        ret_components->numbers[ret_components->count++] = number;
    }
    return true;
}

// --- What is answered ---

static json_t *text_of(struct slice slice)
{
    return json_stringn(slice.data == NULL ? "" : slice.data, slice.size);
}

static json_t *time_of(int64_t wall_ms)
{
    char buffer[64];
    struct text text = text_in(buffer, sizeof(buffer));
    if (wall_ms != 0)
        units_format_time(&text, wall_ms);
    return text.size == 0 ? json_null() : json_stringn(text.data, text.size);
}

static json_t *ids_of(const struct snapshot *snapshot, const uint32_t *components, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count && list != NULL; i++) {
        if (json_array_append_new(list, text_of(snapshot->components[components[i]].id)) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *incident_of(const struct snapshot *snapshot, const struct incident_view *incident)
{
    return json_pack("{s:o, s:o, s:s, s:s, s:b, s:s, s:o, s:o, s:o, s:o}", "id",
        text_of(incident->id), "title", text_of(incident->title), "state",
        incident_state_word(incident->state), "impact", incident_impact_word(incident->impact),
        "automatic", incident->automatic, "reason", reason_text(incident->reason.kind), "started",
        time_of(incident->started_ms), "resolved", time_of(incident->resolved_ms), "eta",
        time_of(incident->eta_ms), "components",
        ids_of(snapshot, incident->components, incident->component_count));
}

static json_t *updates_of(const struct incident_view *incident)
{
    json_t *list = json_array();
    for (size_t i = 0; i < incident->update_count && list != NULL; i++) {
        const struct incident_update *update = &incident->updates[i];
        json_t *one = json_pack("{s:s, s:o, s:o, s:o}", "state",
            incident_state_word(update->state), "at", time_of(update->at_ms), "text",
            text_of(update->text), "author", text_of(update->author));
        if (json_array_append_new(list, one) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *list_incidents(const struct snapshot *snapshot, bool all)
{
    json_t *list = json_array();
    size_t count = all ? snapshot->incident_count : snapshot->open_count;
    for (size_t i = 0; i < count && list != NULL; i++) {
        if (json_array_append_new(list, incident_of(snapshot, &snapshot->incidents[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return json_pack("{s:b, s:o}", "ok", 1, "incidents", list);
}

static json_t *show_incident(const struct snapshot *snapshot, struct slice id)
{
    const struct incident_view *found = NULL;
    for (size_t i = 0; i < snapshot->incident_count; i++) {
        if (slice_equal(snapshot->incidents[i].id, id))
            found = &snapshot->incidents[i];
    }
    if (found == NULL)
        return refuse("there is no such incident; see afloat incident list --all");
    json_t *incident = incident_of(snapshot, found);
    if (incident == NULL || json_object_set_new(incident, "updates", updates_of(found)) < 0
        || json_object_set_new(incident, "postmortem", text_of(found->postmortem)) < 0) {
        json_decref(incident);
        return NULL;
    }
    return json_pack("{s:b, s:o}", "ok", 1, "incident", incident);
}

static json_t *window_of(const struct snapshot *snapshot, const struct window_view *window)
{
    static const char *const states[] = {
        [WINDOW_SCHEDULED] = "scheduled",
        [WINDOW_IN_PROGRESS] = "in_progress",
        [WINDOW_COMPLETED] = "completed",
    };
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "id", text_of(window->id),
        "title", text_of(window->title), "text", text_of(window->text), "rule",
        text_of(window->rule), "zone", text_of(window->zone), "state", states[window->state],
        "begin", time_of(window->begin_ms), "end", time_of(window->end_ms), "components",
        ids_of(snapshot, window->components, window->component_count));
}

static json_t *list_windows(const struct snapshot *snapshot, bool all)
{
    json_t *list = json_array();
    for (size_t i = 0; i < snapshot->window_count && list != NULL; i++) {
        const struct window_view *window = &snapshot->windows[i];
        if (!all && window->state == WINDOW_COMPLETED)
            continue;
        if (json_array_append_new(list, window_of(snapshot, window)) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return json_pack("{s:b, s:o}", "ok", 1, "windows", list);
}

static json_t *answer_id(struct slice id)
{
    return json_pack("{s:b, s:s%}", "ok", 1, "id", id.data, id.size);
}

// --- Incidents ---

static json_t *open_incident(struct world *world, const json_t *request, struct text *why)
{
    struct components components;
    struct incident_draft draft = {.impact = IMPACT_MINOR};
    struct incident_id id;
    if (!text_member(request, "title", &draft.title, why)
        || !text_member(request, "text", &draft.text, why)
        || !state_member(request, &draft.state, why)
        || !impact_member(request, &draft.impact, why)
        || !number_member(request, "eta_ms", &draft.eta_ms, why)
        || !component_members(world, request, &components, why))
        return refuse_why(why);
    draft.components = components.numbers;
    draft.component_count = components.count;
    if (world_open_incident(world, &draft, SLICE_EMPTY, clock_wall_ms(), &id, why) != ERROR_NONE)
        return refuse_why(why);
    return answer_id(slice_from_string(id.text));
}

static json_t *change_incident(struct world *world, struct slice id,
    const struct incident_change *change, struct text *why)
{
    enum error error = world_change_incident(world, id, change, SLICE_EMPTY, clock_wall_ms(), why);
    if (error == ERROR_NOT_FOUND)
        return refuse("there is no such incident; see afloat incident list --all");
    return error == ERROR_NONE ? answer_id(id) : refuse_why(why);
}

static json_t *update_incident(struct world *world, struct slice id, const json_t *request,
    struct text *why)
{
    struct components components;
    struct incident_change change = {.has_state = has(request, "state"),
        .has_title = has(request, "title"), .has_impact = has(request, "impact"),
        .has_eta = has(request, "eta_ms"), .has_components = has(request, "components")};
    if (!text_member(request, "title", &change.title, why)
        || !text_member(request, "text", &change.text, why)
        || !state_member(request, &change.state, why)
        || !impact_member(request, &change.impact, why)
        || !number_member(request, "eta_ms", &change.eta_ms, why)
        || !component_members(world, request, &components, why))
        return refuse_why(why);
    change.components = components.numbers;
    change.component_count = components.count;
    return change_incident(world, id, &change, why);
}

static json_t *change_by_text(struct world *world, struct slice id, const json_t *request,
    bool resolves, struct text *why)
{
    struct incident_change change = {.has_state = resolves, .state = INCIDENT_RESOLVED,
        .has_postmortem = !resolves};
    if (!resolves && !has(request, "text"))
        return refuse("what is the postmortem? \"text\" must be text");
    if (!text_member(request, "text", resolves ? &change.text : &change.postmortem, why))
        return refuse_why(why);
    return change_incident(world, id, &change, why);
}

static json_t *look(struct world *world, const json_t *request, struct slice id,
    json_t *list(const struct snapshot *snapshot, bool all), struct text *why)
{
    bool all;
    if (!all_member(request, &all, why))
        return refuse_why(why);
    struct snapshot *snapshot = world_snapshot(world, clock_wall_ms());
    json_t *response = NULL;
    if (snapshot != NULL)
        response = list == NULL ? show_incident(snapshot, id) : list(snapshot, all);
    snapshot_release(snapshot);
    return response;
}

static const char no_world[] = "nobody watches here: this afloat serves no site and has no "
                               "\"status\" section";

json_t *watch_command_incident(struct world *world, const json_t *request)
{
    char buffer[512];
    struct text why = text_in(buffer, sizeof(buffer));
    struct slice action, id;
    if (world == NULL)
        return refuse("%s", no_world);
    if (!text_member(request, "action", &action, &why) || !text_member(request, "id", &id, &why))
        return refuse_why(&why);
    if (slice_equal(action, SLICE("list")))
        return look(world, request, id, list_incidents, &why);
    if (slice_equal(action, SLICE("open")))
        return open_incident(world, request, &why);
    bool shows = slice_equal(action, SLICE("show")), updates = slice_equal(action, SLICE("update"));
    bool resolves = slice_equal(action, SLICE("resolve"));
    if (!shows && !updates && !resolves && !slice_equal(action, SLICE("postmortem")))
        return refuse("\"action\" must be list, show, open, update, resolve or postmortem");
    if (id.size == 0)
        return refuse("which one? \"id\" must be text");
    if (shows)
        return look(world, request, id, NULL, &why);
    return updates ? update_incident(world, id, request, &why)
                   : change_by_text(world, id, request, resolves, &why);
}

// --- Windows ---

static json_t *add_window(struct world *world, const json_t *request, struct text *why)
{
    struct components components;
    struct window_draft draft = {.duration_ms = 0};
    struct incident_id id;
    int64_t duration_ms = 0;
    if (!text_member(request, "title", &draft.title, why)
        || !text_member(request, "text", &draft.text, why)
        || !text_member(request, "begin", &draft.begin, why)
        || !text_member(request, "zone", &draft.zone, why)
        || !text_member(request, "rule", &draft.rule, why)
        || !number_member(request, "duration_ms", &duration_ms, why)
        || !component_members(world, request, &components, why))
        return refuse_why(why);
    draft.duration_ms = (uint64_t)duration_ms;
    draft.components = components.numbers;
    draft.component_count = components.count;
    if (world_add_window(world, &draft, SLICE_EMPTY, clock_wall_ms(), &id, why) == ERROR_NONE)
        return answer_id(slice_from_string(id.text));
    return why->size == 0 ? refuse("the window cannot be added") : refuse_why(why);
}

json_t *watch_command_window(struct world *world, const json_t *request)
{
    char buffer[640];
    struct text why = text_in(buffer, sizeof(buffer));
    struct slice action, id;
    if (world == NULL)
        return refuse("%s", no_world);
    if (!text_member(request, "action", &action, &why) || !text_member(request, "id", &id, &why))
        return refuse_why(&why);
    if (slice_equal(action, SLICE("list")))
        return look(world, request, id, list_windows, &why);
    if (slice_equal(action, SLICE("add")))
        return add_window(world, request, &why);
    if (!slice_equal(action, SLICE("remove")))
        return refuse("\"action\" must be list, add or remove");
    if (id.size == 0)
        return refuse("which one? \"id\" must be text");
    if (world_remove_window(world, id, SLICE_EMPTY, clock_wall_ms(), &why) != ERROR_NONE)
        return refuse("there is no such window; see afloat maintenance list");
    return answer_id(id);
}
