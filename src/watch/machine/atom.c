// An Atom feed (RFC 4287) of incidents and maintenance. Ids are tag URIs (RFC 4151) of what does
// not change; an entry is updated when something has happened to it, not when it is read.
#include "watch/machine/machine_inside.h"
#include "watch/page/foreign.h"

#define TITLE_SHOWN 400 // bytes
#define TEXT_SHOWN 8000
#define TAG_YEAR "2026" // in which this form of them began

static void put(struct text *text, const char *xml)
{
    text_append(text, slice_from_string(xml));
}

// In one element, without markup.
static void put_element(struct text *text, const char *name, struct slice value)
{
    text_format(text, "<%s>", name);
    foreign_append(text, value, TITLE_SHOWN);
    text_format(text, "</%s>\n", name);
}

static void put_time(struct text *text, const char *name, int64_t wall_ms)
{
    text_format(text, "<%s>", name);
    machine_append_time(text, wall_ms);
    text_format(text, "</%s>\n", name);
}

static void put_tag(struct text *text, const struct machine_view *view, const char *kind,
    struct slice id)
{
    put(text, "<id>tag:");
    foreign_append(text, view->host.size > 0 ? view->host : SLICE("localhost"), TITLE_SHOWN);
    put(text, "," TAG_YEAR ":");
    put(text, kind);
    foreign_append_url(text, id);
}

// Line by line: foreign_append makes one of them.
static void put_lines(struct text *text, struct slice value)
{
    value.size = MINIMUM(value.size, TEXT_SHOWN);
    while (value.data != NULL) {
        foreign_append(text, slice_cut(&value, '\n'), TEXT_SHOWN);
        put(text, "\n");
    }
}

static void put_incident(struct text *text, const struct machine_view *view,
    const struct incident_view *incident)
{
    put(text, "<entry>\n");
    put_tag(text, view, "incident/", incident->id);
    put(text, "</id>\n");
    put_element(text, "title", incident->title);
    put_time(text, "published", incident->started_ms);
    put_time(text, "updated", machine_incident_updated_ms(incident));
    put(text, "<link rel=\"alternate\" type=\"text/html\" href=\"");
    foreign_append(text, view->base, TEXT_SHOWN);
    put(text, "incident/");
    foreign_append_url(text, incident->id);
    text_format(text, "\"/>\n<category term=\"%s\"/>\n<content type=\"text\">",
        api_v2_impact_word(incident->impact));
    size_t count = MINIMUM(incident->update_count, MACHINE_UPDATES);
    for (size_t i = 0; i < count; i++) {
        const struct incident_update *update = &incident->updates[i];
        machine_append_time(text, update->at_ms);
        text_format(text, " %s: ", api_v2_incident_word(update->state));
        put_lines(text, machine_update_text(incident, i));
    }
    if (incident->postmortem.size > 0)
        put_lines(text, incident->postmortem);
    put(text, "</content>\n</entry>\n");
}

static void put_window(struct text *text, const struct machine_view *view,
    const struct window_view *window)
{
    put(text, "<entry>\n");
    put_tag(text, view, "maintenance/", window->id);
    put(text, "/");
    machine_append_compact_time(text, window->begin_ms);
    put(text, "</id>\n<title>Maintenance: ");
    foreign_append(text, window->title, TITLE_SHOWN);
    put(text, "</title>\n");
    put_time(text, "published", window->announced_ms);
    put_time(text, "updated", machine_window_updated_ms(window));
    put(text, "<link rel=\"alternate\" type=\"text/html\" href=\"");
    foreign_append(text, view->page, TEXT_SHOWN);
    put(text, "\"/>\n<category term=\"maintenance\"/>\n<content type=\"text\">");
    text_format(text, "%s: ", api_v2_window_word(window->state));
    machine_append_time(text, window->begin_ms);
    put(text, " to ");
    machine_append_time(text, window->end_ms);
    put(text, "\n");
    put_lines(text, window->text);
    put(text, "</content>\n</entry>\n");
}

static int64_t updated_ms(const struct snapshot *snapshot)
{
    int64_t newest = 0;
    for (size_t i = 0; i < snapshot->incident_count; i++)
        newest = MAXIMUM(newest, machine_incident_updated_ms(&snapshot->incidents[i]));
    for (size_t i = 0; i < snapshot->window_count; i++)
        newest = MAXIMUM(newest, machine_window_updated_ms(&snapshot->windows[i]));
    return newest > 0 ? newest : snapshot->made_ms;
}

void atom_write(struct text *text, const struct machine_view *view)
{
    const struct snapshot *snapshot = view->snapshot;
    put(text, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
        "<feed xmlns=\"http://www.w3.org/2005/Atom\">\n");
    put_tag(text, view, "status", SLICE(""));
    put(text, "</id>\n");
    put_element(text, "title", snapshot->brand.name);
    put_time(text, "updated", updated_ms(snapshot));
    put(text, "<author><name>");
    foreign_append(text, snapshot->brand.name.size > 0 ? snapshot->brand.name : SLICE("afloat"),
        TITLE_SHOWN);
    put(text, "</name></author>\n<generator>afloat</generator>\n<link rel=\"self\" "
        "type=\"application/atom+xml\" href=\"");
    foreign_append(text, view->base, TEXT_SHOWN);
    put(text, "feed.atom\"/>\n<link rel=\"alternate\" type=\"text/html\" href=\"");
    foreign_append(text, view->page, TEXT_SHOWN);
    put(text, "\"/>\n");
    size_t incidents = MINIMUM(snapshot->incident_count, MACHINE_INCIDENTS);
    size_t windows = MINIMUM(snapshot->window_count, MACHINE_WINDOWS);
    for (size_t i = 0; i < incidents && !text->full; i++)
        put_incident(text, view, &snapshot->incidents[i]);
    for (size_t i = 0; i < windows && !text->full; i++)
        put_window(text, view, &snapshot->windows[i]);
    put(text, "</feed>\n");
}
