// What an operator does to incidents: checked as a whole before anything is changed.
#include "base/memory.h"
#include "watch/incident/incidents.h"

static enum error say(enum error error, struct text *why, const char *what)
{
    text_format(why, "%s", what);
    return error;
}

static enum error refuse_limit(struct text *why)
{
    text_format(why, "there are %d open incidents, and no room for more; resolve some",
        INCIDENTS_OPEN_MAX);
    return ERROR_LIMIT;
}

static bool are_components(const uint32_t *components, size_t count, size_t known,
    struct text *why)
{
    if (count > INCIDENT_COMPONENTS_MAX) {
        text_format(why, "%zu components are too many; at most %d", count,
            INCIDENT_COMPONENTS_MAX);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (components[i] >= known) {
            text_format(why, "there is no component of number %u", (unsigned)components[i]);
            return false;
        }
    }
    return true;
}

static bool is_eta(int64_t eta_ms, int64_t now_ms, struct text *why)
{
    if (eta_ms == 0 || eta_ms > now_ms)
        return true;
    text_format(why, "the time when it is expected back lies in the past");
    return false;
}

static bool is_text(struct slice text, struct text *why)
{
    return text.size == 0 || incident_check_text(text, "text", INCIDENT_TEXT_MAX, true, why);
}

enum error incidents_open(struct incidents *incidents, const struct incident_draft *draft,
    size_t component_count, struct slice author, int64_t now_ms, struct incident **ret_incident,
    struct text *why)
{
    struct incident *incident;
    if (!incident_check_text(draft->title, "title", INCIDENT_TITLE_MAX, false, why)
        || !is_text(draft->text, why) || !is_eta(draft->eta_ms, now_ms, why)
        || !are_components(draft->components, draft->component_count, component_count, why))
        return ERROR_INVALID;
    enum error error = incidents_add(incidents, now_ms, &incident);
    if (error == ERROR_LIMIT)
        return refuse_limit(why);
    if (error != ERROR_NONE)
        return say(error, why, error_text(error));
    incident->impact = draft->impact;
    incident->impact_by_operator = incident->was_touched = true;
    incident->eta_ms = draft->eta_ms;
    incident->reason.kind = REASON_OPERATOR;
    error = incidents_set_title(incidents, incident, draft->title);
    for (size_t i = 0; i < draft->component_count && error == ERROR_NONE; i++)
        error = incident_add_component(incident, draft->components[i]);
    if (error == ERROR_NONE)
        error = incidents_step(incidents, incident, draft->state, draft->text, author, now_ms);
    if (error != ERROR_NONE) {
        incidents_remove(incidents, incident);
        return say(error, why, error_text(error));
    }
    *ret_incident = incident;
    return ERROR_NONE;
}

static bool has_step(const struct incident *incident, const struct incident_change *change)
{
    return change->text.size > 0 || (change->has_state && change->state != incident->state);
}

static enum error check_change(const struct incidents *incidents, const struct incident *incident,
    const struct incident_change *change, size_t component_count, int64_t now_ms, struct text *why)
{
    bool reopens = change->has_state && change->state != INCIDENT_RESOLVED
        && incident->resolved_ms != 0;
    if (!change->has_state && !change->has_title && !change->has_impact && !change->has_eta
        && !change->has_postmortem && !change->has_components && change->text.size == 0)
        return say(ERROR_INVALID, why, "nothing is to be changed");
    if ((change->has_title
            && !incident_check_text(change->title, "title", INCIDENT_TITLE_MAX, false, why))
        || !is_text(change->text, why)
        || (change->has_postmortem && change->postmortem.size > 0
            && !incident_check_text(change->postmortem, "postmortem", INCIDENT_POSTMORTEM_MAX, true,
                why))
        || (change->has_eta && !is_eta(change->eta_ms, now_ms, why))
        || (change->has_components
            && !are_components(change->components, change->component_count, component_count, why)))
        return ERROR_INVALID;
    bool is_past = change->has_state ? change->state == INCIDENT_RESOLVED
                                     : incident->resolved_ms != 0;
    if (change->has_eta && change->eta_ms != 0 && is_past)
        return say(ERROR_INVALID, why, "what is resolved is not expected back");
    if (reopens && incidents->open_count >= INCIDENTS_OPEN_MAX)
        return refuse_limit(why);
    if (has_step(incident, change) && !incident_has_room(incident)) {
        text_format(why, "the incident has %d updates, and no room for more; open another one",
            INCIDENT_UPDATES_MAX);
        return ERROR_LIMIT;
    }
    return ERROR_NONE;
}

// A list of its own, each once.
static enum error copy_components(const struct incident_change *change,
    struct incident *ret_copied)
{
    enum error error = ERROR_NONE;
    for (size_t i = 0; i < change->component_count && error == ERROR_NONE; i++)
        error = incident_add_component(ret_copied, change->components[i]);
    return error;
}

static enum error take_texts(struct incidents *incidents, struct incident *incident,
    const struct incident_change *change)
{
    enum error error = ERROR_NONE;
    if (change->has_postmortem) {
        // The same two steps as for a title.
        struct incident other = {.title = incident->postmortem};
        error = incidents_set_title(incidents, &other, change->postmortem);
        incident->postmortem = other.title;
    }
    if (error == ERROR_NONE && change->has_title)
        error = incidents_set_title(incidents, incident, change->title);
    return error;
}

static void take_rest(struct incident *incident, const struct incident_change *change,
    const struct incident *copied)
{
    incident->was_touched = true;
    incident->state_by_operator |= change->has_state;
    if (change->has_title)
        incident->automatic_title = false;
    if (change->has_components) {
        memory_free(incident->components);
        incident->components = copied->components;
        incident->component_count = copied->component_count;
    }
    if (change->has_impact) {
        incident->impact = change->impact;
        incident->impact_by_operator = true;
    }
    if (change->has_eta)
        incident->eta_ms = change->eta_ms;
}

enum error incidents_change(struct incidents *incidents, struct incident *incident,
    const struct incident_change *change, size_t component_count, struct slice author,
    int64_t now_ms, struct text *why)
{
    struct incident copied = {.component_count = 0};
    enum error error = check_change(incidents, incident, change, component_count, now_ms, why);
    if (error != ERROR_NONE)
        return error;
    bool steps = has_step(incident, change);
    error = change->has_components ? copy_components(change, &copied) : ERROR_NONE;
    if (error == ERROR_NONE)
        error = take_texts(incidents, incident, change);
    if (error != ERROR_NONE) {
        memory_free(copied.components);
        return say(error, why, error_text(error));
    }
    take_rest(incident, change, &copied);
    if (steps)
        error = incidents_step(incidents, incident,
            change->has_state ? change->state : incident->state, change->text, author, now_ms);
    if ((!steps || error != ERROR_NONE) && incidents->changed != NULL)
        incidents->changed(incidents->context, incident, NULL);
    return error == ERROR_NONE ? error : say(error, why, error_text(error));
}
