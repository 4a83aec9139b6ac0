// Components by group on the main page, and the page of one.
#include "watch/page/writer.h"

#define GROUP_COLLAPSES 8 // more than so many, all well, are behind their sum

// --- Which, and in what order ---

// What page 1 has first. What is as it should be comes last.
static unsigned badness(const struct component_view *component)
{
    switch (component->state) {
    case COMPONENT_DOWN: return 0;
    case COMPONENT_PARTIAL: return 1;
    case COMPONENT_DEGRADED: return 2;
    case COMPONENT_MAINTENANCE: return 3;
    case COMPONENT_UNKNOWN: return 4;
    case COMPONENT_OPERATIONAL: break;
    }
    return component->reports == REPORTS_NONE ? 6 : 5;
}
#define BADNESS_COUNT 7

size_t component_pages(const struct snapshot *snapshot)
{
    size_t pages = (snapshot->component_count + STATUS_PAGE_COMPONENTS - 1)
        / STATUS_PAGE_COMPONENTS;
    return MAXIMUM(pages, 1);
}

// The numbers of those on this page; returns how many. All of one page stay in their order; of
// several, the worst are on the first.
static size_t choose(const struct writer *writer, uint32_t chosen[STATUS_PAGE_COMPONENTS])
{
    const struct snapshot *snapshot = writer->snapshot;
    size_t first = (size_t)(MAXIMUM(writer->page->number, 1) - 1) * STATUS_PAGE_COMPONENTS;
    size_t place = 0, count = 0;
    bool is_one = snapshot->component_count <= STATUS_PAGE_COMPONENTS;
    for (unsigned rank = 0; rank < (is_one ? 1 : BADNESS_COUNT); rank++) {
        for (size_t i = 0; i < snapshot->component_count; i++) {
            if (!is_one && badness(&snapshot->components[i]) != rank)
                continue;
            if (place++ < first)
                continue;
            if (count == STATUS_PAGE_COMPONENTS)
                return count;
            chosen[count++] = (uint32_t)i;
        }
    }
    return count;
}

// --- One of them ---

static void write_share(const struct writer *writer, enum word label, enum word help, double share)
{
    char buffer[64];
    struct text number = text_in(buffer, sizeof(buffer));
    if (share < 0)
        return;
    text_append(&number, SLICE("<b>"));
    word_append_share(&number, writer->language, share);
    text_append(&number, SLICE("</b>"));
    write_html(writer, "<span");
    if (help != label) {
        write_html(writer, " title=\"");
        write_word(writer, help);
        write_html(writer, "\"");
    }
    write_html(writer, ">");
    write_labelled(writer, label, text_slice(&number));
    write_html(writer, "</span>");
}

static void write_response_time(const struct writer *writer,
    const struct component_view *component)
{
    bool is_known = component->response_ms != UINT32_MAX;
    for (size_t i = 0; i < SNAPSHOT_RECENT && !is_known; i++)
        is_known = component->responses[i] != UINT16_MAX;
    if (!is_known)
        return;
    write_html(writer, "<span class=j>");
    write_labelled(writer, WORD_RESPONSE_TIME, SLICE_EMPTY);
    write_sparkline(writer, component->responses);
    if (component->response_ms != UINT32_MAX)
        word_append_ms(writer->text, writer->language, component->response_ms);
    write_html(writer, "</span>");
}

static void write_figures(const struct writer *writer, const struct component_view *component,
    bool helps)
{
    double served = snapshot_visitors_uptime(component->days, SNAPSHOT_DAYS);
    double up = snapshot_uptime(component->days, SNAPSHOT_DAYS);
    bool is_site = component->kind == COMPONENT_SITE;
    write_html(writer, "<div class=f>");
    write_share(writer, is_site ? WORD_SERVERS : WORD_UPTIME,
        is_site && helps ? WORD_SERVERS_HELP : is_site ? WORD_SERVERS : WORD_UPTIME, up);
    write_share(writer, WORD_VISITORS, helps ? WORD_VISITORS_HELP : WORD_VISITORS, served);
    if (up < 0 && served < 0) {
        write_html(writer, "<span>");
        write_word(writer, WORD_NO_DATA);
        write_html(writer, "</span>");
    }
    write_response_time(writer, component);
    write_html(writer, "</div>");
}

static void write_since(const struct writer *writer, int64_t since_ms, bool is_first)
{
    char buffer[300];
    struct text time = text_in(buffer, sizeof(buffer));
    struct writer part = *writer;
    part.text = &time;
    if (since_ms <= 0)
        return;
    write_time(&part, since_ms);
    write_html(writer, is_first ? "<span>" : " · <span>");
    word_append(writer->text, writer->language, WORD_SINCE, (struct slice[]){text_slice(&time)}, 1);
    write_html(writer, "</span>");
}

static void write_cause(const struct writer *writer, const struct component_view *cause)
{
    char buffer[6 * WRITER_TITLE_SHOWN + 32];
    struct text title = text_in(buffer, sizeof(buffer));
    struct writer part = *writer;
    part.text = &title;
    write_title(&part, cause->title);
    write_html(writer, ". ");
    word_append(writer->text, writer->language, WORD_CAUSED_BY,
        (struct slice[]){text_slice(&title)}, 1);
}

// Why it is as it is, since when; nothing of what is well.
static void write_why(const struct writer *writer, const struct component_view *component)
{
    const struct component_view *cause = writer_component(writer, component->cause);
    bool has_reason = component->reason.kind != REASON_NONE;
    if (component->state != COMPONENT_OPERATIONAL) {
        write_html(writer, "<p class=r>");
        if (has_reason)
            word_append_reason(writer->text, writer->language, component->reason);
        if (has_reason && cause != NULL)
            write_cause(writer, cause);
        write_since(writer, component->since_ms, !has_reason);
        write_html(writer, "</p>");
    }
    if (component->reports == REPORTS_NONE)
        return;
    write_html(writer, "<p class=r>");
    if (component->reports == REPORTS_POSSIBLE)
        write_word(writer, WORD_REPORTS_POSSIBLE);
    else if (component->reported == 0)
        write_word(writer, WORD_REPORTS_PROBLEM);
    if (component->reports == REPORTS_POSSIBLE && component->reported > 0)
        write_html(writer, " · ");
    if (component->reported > 0)
        word_append_count(writer->text, writer->language, WORD_COUNT_NETWORKS,
            component->reported);
    write_html(writer, "</p>");
}

static void write_state(const struct writer *writer, enum component_state state)
{
    write_html(writer, "<span class=s>");
    write_icon(writer, state);
    write_word(writer, word_of_state(state));
    write_html(writer, "</span>");
}

static void write_item(const struct writer *writer, const struct component_view *component)
{
    text_format(writer->text, "<li class=%c><a ", state_class(component->state));
    write_href(writer, "component/", component->id);
    write_html(writer, ">");
    write_title(writer, component->title.size > 0 ? component->title : component->id);
    write_html(writer, "</a>");
    write_state(writer, component->state);
    write_why(writer, component);
    write_bars(writer, component->days);
    write_figures(writer, component, false);
    write_html(writer, "</li>\n");
}

// --- Groups ---

// Takes those of the group of the first one out of chosen, in their order.
static size_t take_group(const struct snapshot *snapshot, uint32_t *chosen, size_t *count,
    uint32_t taken[STATUS_PAGE_COMPONENTS])
{
    struct slice group = snapshot->components[chosen[0]].group;
    size_t taken_count = 0, left = 0;
    for (size_t i = 0; i < *count; i++) {
        if (slice_equal(snapshot->components[chosen[i]].group, group))
            taken[taken_count++] = chosen[i];
        else
            chosen[left++] = chosen[i];
    }
    *count = left;
    return taken_count;
}

static bool is_all_well(const struct snapshot *snapshot, const uint32_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (badness(&snapshot->components[numbers[i]]) < BADNESS_COUNT - 1)
            return false;
    }
    return true;
}

static void write_group(const struct writer *writer, const uint32_t *numbers, size_t count,
    unsigned place)
{
    struct slice group = writer->snapshot->components[numbers[0]].group;
    bool collapses = group.size > 0 && count > GROUP_COLLAPSES
        && is_all_well(writer->snapshot, numbers, count);
    if (collapses) {
        text_format(writer->text, "<details class=\"g\" id=\"g%u\"><summary>", place);
        write_title(writer, group);
        write_html(writer, "<span>");
        word_append_count(writer->text, writer->language, WORD_COUNT_WELL, count);
        write_html(writer, "</span></summary>\n");
    } else if (group.size > 0) {
        write_html(writer, "<div class=\"g\"><h3>");
        write_title(writer, group);
        write_html(writer, "</h3>\n");
    } else {
        write_html(writer, "<div class=\"g\">");
    }
    write_html(writer, "<ul class=\"l\">\n");
    for (size_t i = 0; i < count; i++)
        write_item(writer, &writer->snapshot->components[numbers[i]]);
    write_html(writer, collapses ? "</ul></details>\n" : "</ul></div>\n");
}

static void write_page_link(const struct writer *writer, size_t number, enum word word)
{
    write_html(writer, "<a href=\"");
    foreign_append(writer->text, writer->page->home, WRITER_TITLE_SHOWN);
    text_format(writer->text, "?page=%zu", number);
    write_language(writer, "&amp;");
    write_html(writer, "\">");
    write_word(writer, word);
    write_html(writer, "</a>");
}

static void write_pages(const struct writer *writer)
{
    size_t pages = component_pages(writer->snapshot), number = MAXIMUM(writer->page->number, 1);
    char buffers[2][24];
    struct text here = text_in(buffers[0], sizeof(buffers[0]));
    struct text all = text_in(buffers[1], sizeof(buffers[1]));
    if (pages == 1)
        return;
    text_append_u64(&here, number);
    text_append_u64(&all, pages);
    write_html(writer, "<nav class=\"pg\" aria-label=\"");
    write_word(writer, WORD_PAGES);
    write_html(writer, "\"><span>");
    if (number > 1)
        write_page_link(writer, number - 1, WORD_PREVIOUS);
    write_html(writer, "</span><span>");
    word_append(writer->text, writer->language, WORD_PAGE_OF,
        (struct slice[]){text_slice(&here), text_slice(&all)}, 2);
    write_html(writer, "</span><span>");
    if (number < pages)
        write_page_link(writer, number + 1, WORD_NEXT);
    write_html(writer, "</span></nav>\n");
}

void write_component_list(const struct writer *writer)
{
    uint32_t chosen[STATUS_PAGE_COMPONENTS], group[STATUS_PAGE_COMPONENTS];
    size_t count = choose(writer, chosen);
    if (count == 0)
        return;
    write_html(writer, "<section aria-labelledby=\"systems\">\n<h2 id=\"systems\">");
    write_word(writer, WORD_SYSTEMS);
    write_html(writer, " <small>");
    write_word(writer, WORD_IN_90_DAYS);
    write_html(writer, "</small></h2>\n");
    for (unsigned place = 0; count > 0; place++) {
        size_t taken = take_group(writer->snapshot, chosen, &count, group);
        write_group(writer, group, taken, place);
    }
    write_legend(writer);
    write_pages(writer);
    write_html(writer, "</section>\n");
}

// --- The page of one ---

void write_report_form(const struct writer *writer, struct slice component)
{
    if (writer->page->report_token.size == 0)
        return;
    write_html(writer, "<form method=\"post\" action=\"");
    foreign_append(writer->text, writer->page->base, WRITER_TITLE_SHOWN);
    write_html(writer, "report\"><input type=\"hidden\" name=\"token\" value=\"");
    text_append(writer->text, writer->page->report_token);
    write_html(writer, "\">");
    if (component.size > 0) {
        write_html(writer, "<input type=\"hidden\" name=\"component\" value=\"");
        foreign_append(writer->text, component, WRITER_TITLE_SHOWN);
        write_html(writer, "\">");
    }
    write_html(writer, "<button id=\"report\">");
    write_word(writer, WORD_AFFECTED);
    write_html(writer, "</button><span>");
    write_word(writer, WORD_AFFECTED_HELP);
    write_html(writer, "</span></form>\n");
}

static void write_last_seen(const struct writer *writer, const struct component_view *component)
{
    char buffer[100];
    struct text ago = text_in(buffer, sizeof(buffer));
    if (component->updated_ms <= 0)
        return;
    word_append_ago(&ago, writer->language, writer->page->now_ms - component->updated_ms);
    write_html(writer, "<p>");
    write_labelled(writer, WORD_LAST_SEEN, text_slice(&ago));
    write_html(writer, "</p>");
}

// "Operational → Down", why and when.
static void write_change(const struct writer *writer, const struct change *change)
{
    const struct snapshot *snapshot = writer->snapshot;
    text_format(writer->text, "<li class=%c><b>", state_class(change->to));
    word_append(writer->text, writer->language, WORD_CHANGE, (struct slice[]){
        word_text(writer->language, word_of_state(change->from)),
        word_text(writer->language, word_of_state(change->to))}, 2);
    write_html(writer, "</b> <span>");
    if (change->reason.kind != REASON_NONE) {
        word_append_reason(writer->text, writer->language, change->reason);
        for (size_t i = 0; i < snapshot->component_count && change->cause.size > 0; i++) {
            if (!slice_equal(snapshot->components[i].id, change->cause))
                continue;
            write_cause(writer, &snapshot->components[i]);
            break;
        }
        write_html(writer, " · ");
    }
    write_time(writer, change->at_ms);
    write_html(writer, "</span></li>\n");
}

// All of them, for programs.
static void write_events_link(const struct writer *writer, const char *name, const char *shown)
{
    write_html(writer, " <a href=\"");
    foreign_append(writer->text, writer->page->base, WRITER_TITLE_SHOWN);
    write_html(writer, "component/");
    foreign_append_url(writer->text, writer->snapshot->components[writer->page->component].id);
    text_format(writer->text, "/%s\">%s</a>", name, shown);
}

static void write_changes(const struct writer *writer)
{
    const struct status_page *page = writer->page;
    if (page->changes == NULL || page->change_count == 0)
        return;
    write_html(writer, "<section>\n<h2>");
    write_word(writer, WORD_CHANGES);
    write_html(writer, "</h2>\n<ul class=\"h\">\n");
    for (size_t i = 0; i < page->change_count; i++)
        write_change(writer, &page->changes[i]);
    write_html(writer, "</ul>\n<p class=\"r say\">");
    write_word(writer, WORD_CHANGES_ALL);
    write_events_link(writer, "events.json", "JSON");
    write_events_link(writer, "events.csv", "CSV");
    write_html(writer, "</p>\n</section>\n");
}

void write_component(const struct writer *writer)
{
    const struct component_view *component = writer_component(writer, writer->page->component);
    char letter = state_class(component->state);
    text_format(writer->text, "<div id=\"top\" class=\"top %c\">", letter);
    write_icon(writer, component->state);
    write_html(writer, "<div><h1>");
    write_title(writer, component->title.size > 0 ? component->title : component->id);
    write_html(writer, "</h1>");
    text_format(writer->text, "<p class=\"s %c\">", letter);
    write_word(writer, word_of_state(component->state));
    write_html(writer, "</p>");
    write_why(writer, component);
    write_last_seen(writer, component);
    write_html(writer, "</div></div>\n");
    write_report_form(writer, component->id);
    write_html(writer, "<section>\n<h2>");
    write_word(writer, WORD_IN_90_DAYS);
    write_html(writer, "</h2>\n<div class=\"a\">");
    write_bars(writer, component->days);
    write_figures(writer, component, true);
    write_html(writer, "</div>\n");
    write_legend(writer);
    write_html(writer, "</section>\n");
    write_charts(writer);
    write_incidents_of(writer, writer->page->component);
    write_changes(writer);
}
