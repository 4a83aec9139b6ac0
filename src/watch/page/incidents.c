// Incidents: those that are open, those of the last days, those of a month, and one with all that
// was said about it.
#include "watch/incident/incident.h"
#include "watch/page/writer.h"

#include <time.h>

#define OPEN_SHOWN 20        // on the main page
#define UPDATES_SHOWN 5      // of each there
#define UPDATE_SHOWN 1200    // bytes, likewise
#define COMPONENTS_SHOWN 12
#define TITLE_COMPONENTS 2   // named in the title of an automatic one
#define RECENT_SHOWN 10
#define RECENT_MS (INT64_C(14) * 86400000)
#define MONTH_SHOWN 100

// --- Words of one ---

static char impact_class(const struct incident_view *incident)
{
    if (incident->state == INCIDENT_RESOLVED)
        return 'o';
    switch (incident->impact) {
    case IMPACT_NONE: return 'u';
    case IMPACT_MINOR: return 'd';
    case IMPACT_MAJOR: return 'p';
    case IMPACT_CRITICAL: break;
    }
    return 'x';
}

// "Shop, API and 3 more", as text in <bdi> elements.
static void write_names(const struct writer *writer, const struct incident_view *incident)
{
    size_t named = 0, more = 0;
    for (size_t i = 0; i < incident->component_count; i++) {
        const struct component_view *component = writer_component(writer, incident->components[i]);
        if (component == NULL)
            continue;
        if (named == TITLE_COMPONENTS) {
            more++;
            continue;
        }
        if (named++ > 0)
            write_word(writer, WORD_LIST_COMMA);
        write_title(writer, component->title.size > 0 ? component->title : component->id);
    }
    if (more > 0) {
        write_word(writer, WORD_LIST_COMMA);
        word_append_count(writer->text, writer->language, WORD_COUNT_MORE, more);
    }
}

void write_incident_title(const struct writer *writer, const struct incident_view *incident)
{
    char names_buffer[3 * 6 * WRITER_TITLE_SHOWN], reason_buffer[200];
    struct text names = text_in(names_buffer, sizeof(names_buffer));
    struct text reason = text_in(reason_buffer, sizeof(reason_buffer));
    struct writer part = *writer;
    part.text = &names;
    if (incident->automatic && incident->reason.kind != REASON_NONE)
        write_names(&part, incident);
    if (names.size == 0 || names.full) {
        write_title(writer, incident->title);
        return;
    }
    word_append_reason(&reason, writer->language, incident->reason);
    word_append(writer->text, writer->language, WORD_COLON,
        (struct slice[]){text_slice(&names), text_slice(&reason)}, 2);
}

static void write_heading(const struct writer *writer, const struct incident_view *incident)
{
    write_html(writer, "<h3><a ");
    write_href(writer, "incident/", incident->id);
    write_html(writer, ">");
    write_incident_title(writer, incident);
    write_html(writer, "</a></h3>\n");
}

static void write_labelled_time(const struct writer *writer, enum word label, int64_t wall_ms)
{
    char buffer[300];
    struct text time = text_in(buffer, sizeof(buffer));
    struct writer part = *writer;
    part.text = &time;
    write_time(&part, wall_ms);
    write_html(writer, "<span>");
    write_labelled(writer, label, text_slice(&time));
    write_html(writer, "</span>");
}

static void write_facts(const struct writer *writer, const struct incident_view *incident)
{
    bool is_over = incident->state == INCIDENT_RESOLVED && incident->resolved_ms > 0;
    char buffer[100];
    struct text span = text_in(buffer, sizeof(buffer));
    write_html(writer, "<p class=\"q\"><b>");
    write_word(writer, word_of_incident(incident->state));
    write_html(writer, "</b><span>");
    write_word(writer, word_of_impact(incident->impact));
    write_html(writer, "</span>");
    write_labelled_time(writer, WORD_BEGAN, incident->started_ms);
    if (is_over)
        write_labelled_time(writer, WORD_ENDED, incident->resolved_ms);
    word_append_span(&span, writer->language,
        (is_over ? incident->resolved_ms : writer->page->now_ms) - incident->started_ms);
    write_html(writer, "<span>");
    write_labelled(writer, WORD_DURATION, text_slice(&span));
    write_html(writer, "</span>");
    if (!is_over && incident->eta_ms > 0)
        write_labelled_time(writer, WORD_EXPECTED, incident->eta_ms);
    write_html(writer, "</p>\n");
}

static void write_affected(const struct writer *writer, const struct incident_view *incident,
    size_t shown)
{
    if (incident->component_count == 0)
        return;
    write_html(writer, "<p class=\"r\">");
    write_labelled(writer, WORD_AFFECTS, SLICE_EMPTY);
    write_html(writer, " ");
    write_components(writer, incident->components, incident->component_count, shown);
    write_html(writer, "</p>\n");
}

static void write_merged(const struct writer *writer, struct slice id)
{
    char buffer[30 * WRITER_TITLE_SHOWN]; // a base, and names and a reason or a title
    struct text link = text_in(buffer, sizeof(buffer));
    struct writer part = *writer;
    const struct incident_view *other = snapshot_find_incident(writer->snapshot, id);
    part.text = &link;
    write_html(&part, "<a ");
    write_href(&part, "incident/", id);
    write_html(&part, ">");
    if (other != NULL)
        write_incident_title(&part, other);
    else
        write_title(&part, id);
    write_html(&part, "</a>");
    word_append(writer->text, writer->language, WORD_AUTO_MERGED,
        (struct slice[]){text_slice(&link)}, 1);
}

static void write_automatic_update(const struct writer *writer,
    const struct incident_update *update, bool is_first)
{
    struct slice merged_into = incident_merged_into(update->text);
    write_html(writer, "<p>");
    if (merged_into.size > 0)
        write_merged(writer, merged_into);
    else
        write_word(writer, word_of_update(update->state, update->text, is_first));
    write_html(writer, "</p>");
}

// What afloat itself says has words in each language; people's text is theirs.
static void write_update(const struct writer *writer, const struct incident_update *update,
    bool is_first, size_t shown)
{
    write_html(writer, "<li><b>");
    write_word(writer, word_of_incident(update->state));
    write_html(writer, "</b> ");
    write_time(writer, update->at_ms);
    if (update->author.size == 0) {
        write_automatic_update(writer, update, is_first);
    } else if (update->text.size > 0) {
        write_html(writer, "<div dir=\"auto\">");
        foreign_append_paragraphs(writer->text, update->text, shown);
        write_html(writer, "</div>");
    }
    write_html(writer, "</li>\n");
}

static void write_updates(const struct writer *writer, const struct incident_view *incident,
    size_t most, size_t shown)
{
    size_t count = MINIMUM(incident->update_count, most);
    if (count == 0)
        return;
    write_html(writer, "<ol class=\"y\">\n");
    for (size_t i = 0; i < count; i++)
        write_update(writer, &incident->updates[i], i + 1 == incident->update_count, shown);
    write_html(writer, "</ol>\n");
    if (count == incident->update_count)
        return;
    write_html(writer, "<p class=\"q\"><a ");
    write_href(writer, "incident/", incident->id);
    write_html(writer, ">");
    write_word(writer, WORD_ALL_UPDATES);
    write_html(writer, "</a></p>\n");
}

// --- On the main page ---

void write_open_incidents(const struct writer *writer)
{
    const struct snapshot *snapshot = writer->snapshot;
    size_t count = MINIMUM(snapshot->open_count, snapshot->incident_count);
    if (count == 0)
        return;
    write_html(writer, "<section aria-labelledby=\"open\">\n<h2 id=\"open\">");
    write_word(writer, WORD_OPEN_INCIDENTS);
    write_html(writer, "</h2>\n");
    for (size_t i = 0; i < MINIMUM(count, OPEN_SHOWN); i++) {
        const struct incident_view *incident = &snapshot->incidents[i];
        text_format(writer->text, "<article class=\"n %c\">\n", impact_class(incident));
        write_heading(writer, incident);
        write_facts(writer, incident);
        write_affected(writer, incident, COMPONENTS_SHOWN);
        write_updates(writer, incident, UPDATES_SHOWN, UPDATE_SHOWN);
        write_html(writer, "</article>\n");
    }
    if (count > OPEN_SHOWN) {
        write_html(writer, "<p><a ");
        write_href(writer, "history", SLICE_EMPTY);
        write_html(writer, ">");
        word_append_count(writer->text, writer->language, WORD_COUNT_MORE, count - OPEN_SHOWN);
        write_html(writer, "</a></p>\n");
    }
    write_html(writer, "</section>\n");
}

// One line of a list of past ones.
static void write_line(const struct writer *writer, const struct incident_view *incident)
{
    bool is_over = incident->state == INCIDENT_RESOLVED;
    write_html(writer, "<li><a ");
    write_href(writer, "incident/", incident->id);
    write_html(writer, ">");
    write_incident_title(writer, incident);
    write_html(writer, "</a><span>");
    write_time(writer, incident->started_ms);
    write_html(writer, " · ");
    if (is_over && incident->resolved_ms > 0)
        word_append_span(writer->text, writer->language,
            incident->resolved_ms - incident->started_ms);
    else
        write_word(writer, word_of_incident(incident->state));
    write_html(writer, "</span></li>\n");
}

// Those that are over; those that are open stand above, and where one is, it is no time to say that
// there were none.
void write_recent_incidents(const struct writer *writer)
{
    const struct snapshot *snapshot = writer->snapshot;
    size_t shown = 0, past = snapshot->incident_count - snapshot->open_count;
    const struct incident_view *first = snapshot->incidents + snapshot->open_count;
    int64_t from_ms = writer->page->now_ms - RECENT_MS;
    bool has_any = false;
    for (size_t i = 0; i < past && !has_any; i++)
        has_any = first[i].resolved_ms >= from_ms;
    if (!has_any && snapshot->open_count > 0)
        return;
    write_html(writer, "<section aria-labelledby=\"recent\">\n<h2 id=\"recent\">");
    write_word(writer, WORD_RECENT_INCIDENTS);
    write_html(writer, has_any ? "</h2>\n<ul class=\"h\">\n" : "</h2>\n<p class=\"r\">");
    for (size_t i = 0; i < past && shown < RECENT_SHOWN; i++) {
        if (first[i].resolved_ms < from_ms)
            continue;
        write_line(writer, &first[i]);
        shown++;
    }
    if (!has_any)
        write_word(writer, WORD_NO_RECENT);
    write_html(writer, has_any ? "</ul>\n</section>\n" : "</p>\n</section>\n");
}

void write_incidents_of(const struct writer *writer, uint32_t component)
{
    const struct snapshot *snapshot = writer->snapshot;
    size_t shown = 0;
    for (size_t i = 0; i < snapshot->incident_count && shown < RECENT_SHOWN; i++) {
        const struct incident_view *incident = &snapshot->incidents[i];
        bool is_of = false;
        for (size_t j = 0; j < incident->component_count && !is_of; j++)
            is_of = incident->components[j] == component;
        if (!is_of)
            continue;
        if (shown++ == 0) {
            write_html(writer, "<section>\n<h2>");
            write_word(writer, WORD_LATEST_INCIDENTS);
            write_html(writer, "</h2>\n<ul class=\"h\">\n");
        }
        write_line(writer, incident);
    }
    if (shown > 0)
        write_html(writer, "</ul>\n</section>\n");
}

// --- By month ---

// The first moment of the month that was so many months ago, and its name.
static int64_t month_begin(int64_t now_ms, unsigned ago, int *ret_year, int *ret_month)
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc = {0};
    if (gmtime_r(&seconds, &utc) == NULL)
        return 0;
    int months = (utc.tm_year + 1900) * 12 + utc.tm_mon - (int)ago;
    *ret_year = months / 12;
    *ret_month = months % 12 + 1;
    struct tm first = {.tm_year = *ret_year - 1900, .tm_mon = *ret_month - 1, .tm_mday = 1};
    return (int64_t)timegm(&first) * 1000;
}

static void write_month_link(const struct writer *writer, unsigned ago, enum word word)
{
    write_html(writer, "<a href=\"");
    foreign_append(writer->text, writer->page->base, WRITER_TITLE_SHOWN);
    text_format(writer->text, "history?month=%u", ago);
    write_language(writer, "&amp;");
    write_html(writer, "\">");
    write_word(writer, word);
    write_html(writer, "</a>");
}

static void write_month_links(const struct writer *writer, bool has_earlier)
{
    write_html(writer, "<nav class=\"pg\" aria-label=\"");
    write_word(writer, WORD_PAGES);
    write_html(writer, "\"><span>");
    if (has_earlier)
        write_month_link(writer, writer->page->number + 1, WORD_EARLIER);
    write_html(writer, "</span><span>");
    if (writer->page->number > 0)
        write_month_link(writer, writer->page->number - 1, WORD_LATER);
    write_html(writer, "</span></nav>\n");
}

void write_history(const struct writer *writer)
{
    int year = 0, month = 0, later_year, later_month;
    int64_t begin = month_begin(writer->page->now_ms, writer->page->number, &year, &month);
    int64_t end = writer->page->number == 0 ? INT64_MAX
        : month_begin(writer->page->now_ms, writer->page->number - 1, &later_year, &later_month);
    size_t shown = 0;
    bool has_earlier = false;
    write_html(writer, "<h1>");
    write_word(writer, WORD_HISTORY);
    write_html(writer, "</h1>\n<section>\n<h2>");
    word_append_month(writer->text, writer->language, year, month);
    write_html(writer, "</h2>\n");
    for (size_t i = 0; i < writer->snapshot->incident_count; i++) {
        const struct incident_view *incident = &writer->snapshot->incidents[i];
        has_earlier = has_earlier || incident->started_ms < begin;
        if (incident->started_ms < begin || incident->started_ms >= end || shown == MONTH_SHOWN)
            continue;
        shown++;
        text_format(writer->text, "<article class=\"n %c\">\n", impact_class(incident));
        write_heading(writer, incident);
        write_facts(writer, incident);
        write_updates(writer, incident, 1, UPDATE_SHOWN / 2);
        write_html(writer, "</article>\n");
    }
    if (shown == 0) {
        write_html(writer, "<p class=\"r\">");
        write_word(writer, WORD_NO_INCIDENTS);
        write_html(writer, "</p>\n");
    }
    write_html(writer, "</section>\n");
    write_month_links(writer, has_earlier);
}

// --- One ---

void write_incident(const struct writer *writer)
{
    const struct incident_view *incident = writer->page->incident;
    text_format(writer->text, "<article class=\"n %c\">\n<h1>", impact_class(incident));
    write_incident_title(writer, incident);
    write_html(writer, "</h1>\n");
    write_facts(writer, incident);
    write_affected(writer, incident, SIZE_MAX);
    write_html(writer, "</article>\n");
    if (incident->postmortem.size > 0) {
        write_html(writer, "<section class=\"z\">\n<h2>");
        write_word(writer, WORD_POSTMORTEM);
        write_html(writer, "</h2>\n<div dir=\"auto\">");
        foreign_append_paragraphs(writer->text, incident->postmortem, WRITER_POSTMORTEM_SHOWN);
        write_html(writer, "</div>\n</section>\n");
    }
    write_html(writer, "<section>\n<h2>");
    write_word(writer, WORD_UPDATES);
    write_html(writer, "</h2>\n");
    write_updates(writer, incident, SIZE_MAX, WRITER_TEXT_SHOWN);
    write_html(writer, "</section>\n");
}
