// What forms say, done. Each value is held against its limits by the world, which says what would
// be right; here is only what a form has that a program's call has not: texts for numbers.
#include "base/units.h"
#include "http/form.h"
#include "watch/operator/operator_inside.h"

#include <time.h>

#define WHY_MAX 256

static struct slice value_of(const struct operator_visit *visit, struct slice name)
{
    struct slice value = slice_trim(visit_form_value(visit->visit, visit->form, name));
    return value.data == NULL ? SLICE("") : value;
}

static bool fail(struct operator_visit *visit, struct slice why)
{
    visit->problem = why;
    return false;
}

static bool read_state(struct operator_visit *visit, enum incident_state *ret_state)
{
    return incident_find_state(value_of(visit, SLICE("state")), ret_state)
        || fail(visit, SLICE("state: expected one of those that the form offers."));
}

static bool read_impact(struct operator_visit *visit, enum incident_impact *ret_impact)
{
    return incident_find_impact(value_of(visit, SLICE("impact")), ret_impact)
        || fail(visit, SLICE("impact: expected one of those that the form offers."));
}

// As browsers send it (WHATWG HTML, local date and time), "2026-12-01T02:00", but UTC. Empty: 0.
static bool read_time(struct operator_visit *visit, struct slice name, int64_t *ret_ms)
{
    struct slice value = value_of(visit, name);
    struct tm utc = {0};
    *ret_ms = 0;
    if (value.size == 0)
        return true;
    char buffer[32];
    struct text text = text_in(buffer, sizeof(buffer) - 1);
    text_append(&text, value);
    buffer[text.size] = '\0';
    const char *end = text.full ? NULL : strptime(buffer, "%Y-%m-%dT%H:%M", &utc);
    if (end != NULL && *end == ':')
        end = strptime(end, ":%S", &utc);
    if (end == NULL || *end != '\0')
        return fail(visit, arena_printf(visit->visit->request->arena,
            "%.*s: expected a time in UTC such as 2026-12-01T02:00.", SLICE_ARGS(name)));
    *ret_ms = (int64_t)timegm(&utc) * 1000;
    return true;
}

// All values of "component", which are ids; none: none was chosen.
static bool read_components(struct operator_visit *visit, uint32_t **ret_components,
    size_t *ret_count)
{
    struct slice rest = visit->form;
    size_t most = INCIDENT_COMPONENTS_MAX, count = 0;
    uint32_t *components = arena_alloc(visit->visit->request->arena, most * sizeof(*components));
    if (components == NULL)
        return fail(visit, SLICE("The edge is out of memory."));
    while (rest.data != NULL) {
        struct slice encoded = slice_cut(&rest, '&'), name = slice_cut(&encoded, '=');
        char buffer[COMPONENT_ID_MAX * 4];
        struct text id = text_in(buffer, sizeof(buffer));
        if (!slice_equal(name, SLICE("component")) || encoded.size == 0)
            continue;
        if (count == most)
            return fail(visit, SLICE("component: too many are chosen."));
        uint32_t number = form_decode(encoded, true, &id)
            ? world_find(visit->visit->world, text_slice(&id)) : COMPONENT_NONE;
        if (number == COMPONENT_NONE)
            return fail(visit, SLICE("component: one that is chosen is not there any more."));
        components[count++] = number;
    }
    *ret_components = components;
    *ret_count = count;
    return true;
}

// What the world said, or what the error is.
static bool finish(struct operator_visit *visit, enum error error, const struct text *why)
{
    if (error == ERROR_NONE)
        return true;
    struct slice said = why->size > 0 ? text_slice(why) : slice_from_string(error_text(error));
    return fail(visit, arena_copy(visit->visit->request->arena, said));
}

static bool open_incident(struct operator_visit *visit, struct slice *ret_id)
{
    const struct visit *at = visit->visit;
    struct incident_draft draft = {.title = value_of(visit, SLICE("title")),
        .text = value_of(visit, SLICE("text"))};
    uint32_t *components = NULL;
    char buffer[WHY_MAX];
    struct text why = text_in(buffer, sizeof(buffer));
    struct incident_id id;
    if (!read_state(visit, &draft.state) || !read_impact(visit, &draft.impact)
        || !read_time(visit, SLICE("eta"), &draft.eta_ms)
        || !read_components(visit, &components, &draft.component_count))
        return false;
    draft.components = components;
    if (!finish(visit, world_open_incident(at->world, &draft, operator_name(visit), at->now_ms, &id,
            &why), &why))
        return false;
    *ret_id = arena_copy(at->request->arena, slice_from_string(id.text));
    operator_note(visit, "opens incident", *ret_id);
    return true;
}

// The form has it, and something else than it showed. Programs say what they want alone.
static bool has(const struct operator_visit *visit, struct slice name, struct slice shown)
{
    struct slice value = form_find(visit->form, name), was = form_find(visit->form, shown);
    return value.data != NULL && (was.data == NULL || !slice_equal(value, was));
}

// The same of the choice of components. Browsers send both in the order of the page.
static bool has_components(const struct operator_visit *visit)
{
    struct slice chosen = visit->form, shown = visit->form, one, other;
    if (form_find(visit->form, SLICE("component")).data == NULL)
        return form_find(visit->form, SLICE("was_component")).data != NULL;
    do {
        one = operator_form_next(&chosen, SLICE("component"));
        other = operator_form_next(&shown, SLICE("was_component"));
    } while (one.data != NULL && slice_equal(one, other));
    return one.data != NULL || other.data != NULL;
}

// Only what the form has and did not show is changed.
static bool read_change(struct operator_visit *visit, struct incident_change *change)
{
    uint32_t *components = NULL;
    *change = (struct incident_change){
        .has_state = has(visit, SLICE("state"), SLICE("was_state")),
        .has_title = has(visit, SLICE("title"), SLICE("was_title")),
        .has_impact = has(visit, SLICE("impact"), SLICE("was_impact")),
        .has_eta = has(visit, SLICE("eta"), SLICE("was_eta")),
        .has_postmortem = form_find(visit->form, SLICE("postmortem")).data != NULL,
        .has_components = has_components(visit),
        .text = value_of(visit, SLICE("text")),
        .title = value_of(visit, SLICE("title")),
        .postmortem = value_of(visit, SLICE("postmortem")),
    };
    if ((change->has_state && !read_state(visit, &change->state))
        || (change->has_impact && !read_impact(visit, &change->impact))
        || !read_time(visit, SLICE("eta"), &change->eta_ms)
        || !read_components(visit, &components, &change->component_count))
        return false;
    change->components = components;
    return true;
}

static bool change_incident(struct operator_visit *visit, struct slice id)
{
    const struct visit *at = visit->visit;
    struct incident_change change;
    char buffer[WHY_MAX];
    struct text why = text_in(buffer, sizeof(buffer));
    if (!read_change(visit, &change)
        || !finish(visit, world_change_incident(at->world, id, &change, operator_name(visit),
                at->now_ms, &why), &why))
        return false;
    operator_note(visit, "changes incident", id);
    return true;
}

static bool add_window(struct operator_visit *visit, struct slice *ret_id)
{
    const struct visit *at = visit->visit;
    struct slice begin = value_of(visit, SLICE("begin"));
    char text_buffer[32], buffer[WHY_MAX];
    struct text local = text_in(text_buffer, sizeof(text_buffer));
    struct text why = text_in(buffer, sizeof(buffer));
    struct window_draft draft = {.title = value_of(visit, SLICE("title")),
        .text = value_of(visit, SLICE("text")), .zone = value_of(visit, SLICE("zone")),
        .rule = value_of(visit, SLICE("rule"))};
    uint32_t *components = NULL;
    struct incident_id id;
    for (size_t i = 0; i < begin.size; i++) // browsers write a T between date and time
        text_append_byte(&local, begin.data[i] == 'T' ? ' ' : begin.data[i]);
    draft.begin = local.full ? begin : text_slice(&local);
    if (!units_parse_duration_ms(value_of(visit, SLICE("duration")), &draft.duration_ms))
        return fail(visit, SLICE("duration: expected one such as 90m or 2h."));
    if (!read_components(visit, &components, &draft.component_count))
        return false;
    draft.components = components;
    if (!finish(visit, world_add_window(at->world, &draft, operator_name(visit), at->now_ms, &id,
            &why), &why))
        return false;
    *ret_id = arena_copy(at->request->arena, slice_from_string(id.text));
    operator_note(visit, "announces maintenance", *ret_id);
    return true;
}

static bool remove_window(struct operator_visit *visit, struct slice id)
{
    const struct visit *at = visit->visit;
    char buffer[WHY_MAX];
    struct text why = text_in(buffer, sizeof(buffer));
    if (!finish(visit, world_remove_window(at->world, id, operator_name(visit), at->now_ms, &why),
            &why))
        return false;
    operator_note(visit, "takes back maintenance", id);
    return true;
}

bool operator_do(struct operator_visit *visit, struct slice *ret_id)
{
    struct slice rest = visit->rest, what, id;
    slice_cut(&rest, '/'); // what stands before the first is empty
    what = slice_cut(&rest, '/');
    id = rest.data == NULL ? SLICE("") : rest;
    *ret_id = id;
    if (slice_equal(what, SLICE("incident")))
        return id.size == 0 ? open_incident(visit, ret_id) : change_incident(visit, id);
    if (slice_equal(what, SLICE("window")))
        return id.size == 0 ? add_window(visit, ret_id) : remove_window(visit, id);
    return fail(visit, SLICE("There is nothing of that name to be done here."));
}
