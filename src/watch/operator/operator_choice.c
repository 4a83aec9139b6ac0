// The choice of components in a form, where there may be thousands: what is chosen, what is not
// well, and what a search finds. The search is a button of the form itself, so that it needs no
// script and nothing that was typed is lost.
#include "base/memory.h"
#include "edge/pages/page_parts.h"
#include "http/form.h"
#include "watch/operator/operator_inside.h"

#define SHOWN 200        // of those that are not chosen
#define VALUE_SHOWN 2000 // bytes of an id or a title, escaped

// One for each component of the snapshot.
enum mark { MARK_NONE, MARK_CHOSEN, MARK_SHOWN };

struct choice {
    struct text *text;
    const struct operator_visit *visit;
    const struct snapshot *snapshot;
    uint8_t *marks;
    struct slice wanted; // that was searched for; empty: anything
};

struct slice operator_form_next(struct slice *form, struct slice name)
{
    while (form->data != NULL) {
        struct slice value = slice_cut(form, '&'), its_name = slice_cut(&value, '=');
        if (slice_equal(its_name, name) && value.data != NULL)
            return value;
    }
    return SLICE_EMPTY;
}

// In ASCII, as ids are.
static bool has_within(struct slice text, struct slice wanted)
{
    for (size_t i = 0; i + wanted.size <= text.size; i++) {
        if (slice_equal_nocase(slice_of(text.data + i, wanted.size), wanted))
            return true;
    }
    return false;
}

static bool is_wanted(const struct choice *choice, const struct component_view *component)
{
    return has_within(component->id, choice->wanted) || has_within(component->title, choice->wanted)
        || has_within(component->group, choice->wanted);
}

static bool is_unwell(const struct component_view *component)
{
    return component->state > COMPONENT_OPERATIONAL && component->state != COMPONENT_MAINTENANCE;
}

// What the form that came has chosen.
static void mark_sent(const struct choice *choice)
{
    struct slice rest = choice->visit->form, value;
    while ((value = operator_form_next(&rest, SLICE("component"))).data != NULL) {
        char buffer[COMPONENT_ID_MAX];
        struct text id = text_in(buffer, sizeof(buffer));
        uint32_t number = COMPONENT_NONE;
        if (form_decode(value, true, &id))
            number = world_find(choice->visit->visit->world, text_slice(&id));
        if (number < choice->snapshot->component_count)
            choice->marks[number] = MARK_CHOSEN;
    }
}

static void put_options(const struct choice *choice, enum mark mark)
{
    for (size_t i = 0; i < choice->snapshot->component_count; i++) {
        const struct component_view *component = &choice->snapshot->components[i];
        if (choice->marks[i] != mark)
            continue;
        text_append(choice->text, SLICE("<option value=\""));
        page_append_html(choice->text, component->id, VALUE_SHOWN);
        text_append(choice->text, mark == MARK_CHOSEN ? SLICE("\" selected>") : SLICE("\">"));
        page_append_html(choice->text, component->title, VALUE_SHOWN);
        text_append(choice->text, SLICE("</option>"));
    }
}

// Those that are not well before others. Returns how many there was no room for.
static size_t mark_shown(const struct choice *choice)
{
    size_t room = SHOWN, left = 0;
    for (unsigned well = 0; well < 2; well++) {
        for (size_t i = 0; i < choice->snapshot->component_count; i++) {
            const struct component_view *component = &choice->snapshot->components[i];
            if (choice->marks[i] != MARK_NONE || is_unwell(component) == (well == 1)
                || !is_wanted(choice, component))
                continue;
            if (room == 0) {
                left++;
                continue;
            }
            choice->marks[i] = MARK_SHOWN;
            room--;
        }
    }
    return left;
}

static void put_search(const struct choice *choice, size_t left)
{
    struct text *text = choice->text;
    text_append(text, SLICE("<p><label>Search among them<br><input name=\"find\" value=\""));
    page_append_html(text, choice->wanted, VALUE_SHOWN);
    text_append(text, SLICE("\"></label> <button name=\"search\" value=\"1\" formnovalidate>Search"
        "</button>"));
    if (left > 0)
        text_format(text, " %zu more are not listed.", left);
    text_append(text, SLICE("</p>\n"));
}

void operator_put_choice(struct text *text, const struct operator_visit *visit, bool is_sent,
    const uint32_t *chosen, size_t count)
{
    const struct snapshot *snapshot = visit->visit->snapshot;
    struct choice choice = {.text = text, .visit = visit, .snapshot = snapshot,
        .marks = memory_zero_alloc(snapshot->component_count + 1), .wanted = SLICE("")};
    if (choice.marks == NULL) {
        text->full = true;
        return;
    }
    if (is_sent) {
        struct slice wanted = visit_form_value(visit->visit, visit->form, SLICE("find"));
        choice.wanted = wanted.data == NULL ? SLICE("") : slice_trim(wanted);
        mark_sent(&choice);
    }
    for (size_t i = 0; i < count && !is_sent; i++)
        choice.marks[chosen[i]] = MARK_CHOSEN;
    size_t left = mark_shown(&choice);
    text_append(text, SLICE("<p><label>What is concerned (none: everything)<br>"
        "<select name=\"component\" multiple size=\"6\">"));
    put_options(&choice, MARK_CHOSEN);
    put_options(&choice, MARK_SHOWN);
    text_append(text, SLICE("</select></label></p>\n"));
    if (snapshot->component_count > SHOWN)
        put_search(&choice, left);
    memory_free(choice.marks);
}

static void put_was(struct text *text, struct slice id)
{
    text_append(text, SLICE("<input type=\"hidden\" name=\"was_component\" value=\""));
    page_append_html(text, id, VALUE_SHOWN);
    text_append(text, SLICE("\">\n"));
}

// In the order of the choice, see has_components.
void operator_put_chosen_before(struct text *text, const struct operator_visit *visit,
    bool is_sent, const struct incident_view *incident)
{
    const struct snapshot *snapshot = visit->visit->snapshot;
    struct slice rest = is_sent ? visit->form : SLICE_EMPTY, value;
    while ((value = operator_form_next(&rest, SLICE("was_component"))).data != NULL) {
        char buffer[COMPONENT_ID_MAX];
        struct text id = text_in(buffer, sizeof(buffer));
        if (form_decode(value, true, &id))
            put_was(text, text_slice(&id));
    }
    for (uint32_t i = 0; i < snapshot->component_count && !is_sent; i++) {
        bool is_chosen = false;
        for (size_t k = 0; k < incident->component_count && !is_chosen; k++)
            is_chosen = incident->components[k] == i;
        if (is_chosen)
            put_was(text, snapshot->components[i].id);
    }
}
