// The public state of one site, and the page after the cached files were cleared.
#include "base/units.h"
#include "edge/ledger.h"
#include "edge/pages/page_parts.h"

#include <inttypes.h>

#define STATUS_RELOAD_SECONDS 30
#define BAR_HEIGHT 24
#define BAR_STEP 10

enum state { STATE_WELL, STATE_DEGRADED, STATE_DOWN, STATE_MAINTENANCE };

static enum state state_of(const struct page_status *status)
{
    if (status->maintenance)
        return STATE_MAINTENANCE;
    if (status->down)
        return STATE_DOWN;
    return status->backends_healthy < status->backends ? STATE_DEGRADED : STATE_WELL;
}

static const char *indicator_of(enum state state)
{
    switch (state) {
    case STATE_WELL: return "none";
    case STATE_DEGRADED: return "minor";
    case STATE_DOWN: return "critical";
    case STATE_MAINTENANCE: break;
    }
    return "maintenance";
}

static const char *title_of(enum state state)
{
    switch (state) {
    case STATE_WELL: return "is working";
    case STATE_DEGRADED: return "is working, with part of its servers";
    case STATE_DOWN: return "is not answering";
    case STATE_MAINTENANCE: break;
    }
    return "is in maintenance";
}

static const char *explanation_of(enum state state)
{
    switch (state) {
    case STATE_WELL:
        return "The site's servers answer. If you see an error all the same, the cause is likely "
               "to be "
               "one page of the site, or between you and this edge.";
    case STATE_DEGRADED:
        return "Some of the site's servers do not answer; the others do its work. You may notice "
               "that "
               "it is slower.";
    case STATE_DOWN:
        return "None of the site's servers answers. Your connection is fine. Pages that were kept "
               "here "
               "are shown from their copies; everything else has to wait.";
    case STATE_MAINTENANCE: break;
    }
    return "The people who run this site have stopped it to work on it. Pages that were kept here "
           "are "
           "shown from their copies; everything else has to wait.";
}

struct slice page_status_content_type(enum page_form form)
{
    return form == PAGE_JSON ? SLICE("application/json") : page_content_type(form);
}

static void html_time_row(struct text *text, const char *label, int64_t wall_ms, int64_t now_ms)
{
    text_format(text, "<dt>%s</dt><dd>", label);
    page_append_html_time(text, wall_ms, now_ms);
    text_append(text, SLICE("</dd>\n"));
}

// A bar per hour: what was averted, and from the top what was not.
static void html_bars(struct text *text, const struct history_view *history)
{
    uint64_t most = 1;
    for (unsigned i = 0; i < HISTORY_HOURS; i++)
        most = MAXIMUM(most, history->hours[i].averted + history->hours[i].errors);
    text_format(text, "<svg viewBox=\"0 0 %d %d\" width=\"100%%\" role=\"img\" "
        "aria-label=\"Errors averted by the hour, the current one last\">"
        "<path fill=\"currentColor\" d=\"M0 %dh%dv1H0z", HISTORY_HOURS * BAR_STEP, BAR_HEIGHT + 1,
        BAR_HEIGHT, HISTORY_HOURS * BAR_STEP);
    for (int i = 0; i < HISTORY_HOURS; i++) {
        uint64_t height = (history->hours[i].averted * BAR_HEIGHT + most - 1) / most;
        if (height > 0)
            text_format(text, "M%d %dv-%" PRIu64 "h%dv%" PRIu64 "z", i * BAR_STEP, BAR_HEIGHT,
                height, BAR_STEP - 1, height);
    }
    text_append(text, SLICE("\"/><path fill=\"var(--alert)\" d=\""));
    for (int i = 0; i < HISTORY_HOURS; i++) {
        uint64_t height = (history->hours[i].errors * BAR_HEIGHT + most - 1) / most;
        if (height > 0)
            text_format(text, "M%d 0v%" PRIu64 "h%dv-%" PRIu64 "z", i * BAR_STEP, height,
                BAR_STEP - 1, height);
    }
    text_append(text, SLICE("\"/></svg>\n"));
}

void page_html_history(struct text *text, const struct history_view *history, bool in_detail)
{
    uint64_t averted = history_day_averted(history);
    if (averted == 0 && history->day[HISTORY_ERRORS] == 0)
        return;
    text_append(text, SLICE("<div class=\"card\">\n<p><b>In the last 24 hours</b></p>\n"));
    html_bars(text, history);
    text_format(text, "<dl>\n<dt>Errors averted</dt><dd>%" PRIu64 "</dd>\n", averted);
    for (enum lifeline_id id = 0; id < LIFELINE_COUNT; id++) {
        if (in_detail && id != HISTORY_ERRORS && history->day[id] > 0)
            text_format(text, "<dt>%s</dt><dd>%" PRIu64 "</dd>\n",
                ledger_help((enum ledger_count)id), history->day[id]);
    }
    text_format(text, "<dt>Errors that visitors saw</dt><dd>%" PRIu64 "</dd>\n</dl>\n</div>\n",
        history->day[HISTORY_ERRORS]);
}

void page_json_history(struct text *text, const struct history_view *history)
{
    const char *separator = "";
    text_format(text, ",\"averted\":{\"last_hour\":%" PRIu64 ",\"last_day\":%" PRIu64
        ",\"errors_last_day\":%" PRIu64 ",\"by_lifeline\":{", history->hour_averted,
        history_day_averted(history), history->day[HISTORY_ERRORS]);
    for (enum lifeline_id id = 0; id < LIFELINE_COUNT; id++) {
        if (id == HISTORY_ERRORS || history->day[id] == 0)
            continue;
        text_format(text, "%s\"%s\":%" PRIu64, separator, ledger_name((enum ledger_count)id),
            history->day[id]);
        separator = ",";
    }
    text_append(text, SLICE("}}"));
}

static void write_status_html(struct text *text, const struct page_status *status, enum state state)
{
    char title[512];
    struct text title_html = text_in(title, sizeof(title));
    page_append_html(
        &title_html, status->host.size > 0 ? status->host : SLICE("This site"), PAGE_HOST_SHOWN);
    text_format(&title_html, " %s", title_of(state));
    page_html_begin(text, text_slice(&title_html), STATUS_RELOAD_SECONDS);
    text_format(text, "<p>%s</p>\n", explanation_of(state));
    if (status->message.size > 0) {
        text_append(text, SLICE("<blockquote><p>"));
        page_append_html(text, status->message, PAGE_MESSAGE_SHOWN);
        text_append(text, SLICE("</p></blockquote>\n"));
    }
    text_append(text, SLICE("<dl class=\"card\">\n"));
    if (status->down && status->down_since_ms > 0)
        html_time_row(text, "Not answering since", status->down_since_ms, status->now_ms);
    if (status->maintenance && status->maintenance_until_ms > 0)
        html_time_row(text, "Expected back", status->maintenance_until_ms, status->now_ms);
    text_format(text, "<dt>Servers answering</dt><dd>%zu of %zu</dd>\n", status->backends_healthy,
        status->backends);
    if (status->support.size > 0) {
        text_append(text, SLICE("<dt>Contact</dt><dd>"));
        page_append_html_support(text, status->support, SLICE_EMPTY);
        text_append(text, SLICE("</dd>\n"));
    }
    html_time_row(text, "As of", status->now_ms, status->now_ms);
    text_append(text, SLICE("</dl>\n"));
    if (status->history != NULL)
        page_html_history(text, status->history, true);
    text_append(
        text, SLICE("<p id=\"s\" role=\"status\">This page keeps itself up to date.</p>\n"));
    page_html_actions(
        text, status->prefix, PAGE_LINK_HOME | (status->secure ? PAGE_BUTTON_CLEAR : 0));
    page_html_end(text);
}

static void write_status_json(struct text *text, const struct page_status *status, enum state state)
{
    // The members of a hosted status page's API, where it has such, so that its clients can read
    // it.
    text_append(text, SLICE("{\"page\":{\"updated_at\":\""));
    units_format_time(text, status->now_ms);
    text_append_byte(text, '"');
    page_append_json_member(text, "name", status->host, PAGE_HOST_SHOWN);
    text_format(text, "},\"status\":{\"indicator\":\"%s\",\"description\":\"", indicator_of(state));
    text_append_json(text, slice_from_string(explanation_of(state)));
    text_format(text, "\"},\"servers\":{\"total\":%zu,\"healthy\":%zu}", status->backends,
        status->backends_healthy);
    if (status->history != NULL)
        page_json_history(text, status->history);
    if (status->down)
        page_append_json_time(text, "down_since", status->down_since_ms);
    if (status->maintenance)
        page_append_json_time(text, "maintenance_until", status->maintenance_until_ms);
    if (status->message.size > 0)
        page_append_json_member(text, "message", status->message, PAGE_MESSAGE_SHOWN);
    if (status->support.size > 0)
        page_append_json_member(text, "support", status->support, PAGE_SUPPORT_SHOWN);
    text_append(text, SLICE("}\n"));
}

static void write_status_plain(
    struct text *text, const struct page_status *status, enum state state)
{
    page_append_plain(
        text, status->host.size > 0 ? status->host : SLICE("This site"), PAGE_HOST_SHOWN);
    text_format(text, " %s.\n\n%s\n\n", title_of(state), explanation_of(state));
    if (status->message.size > 0) {
        page_append_plain(text, status->message, PAGE_MESSAGE_SHOWN);
        text_append(text, SLICE("\n\n"));
    }
    if (status->down && status->down_since_ms > 0) {
        text_append(text, SLICE("Not answering since: "));
        page_append_clock(text, status->down_since_ms, status->now_ms);
        text_append_byte(text, '\n');
    }
    if (status->maintenance && status->maintenance_until_ms > 0) {
        text_append(text, SLICE("Expected back:       "));
        page_append_clock(text, status->maintenance_until_ms, status->now_ms);
        text_append_byte(text, '\n');
    }
    text_format(
        text, "Servers answering:   %zu of %zu\n", status->backends_healthy, status->backends);
    if (status->history != NULL)
        text_format(text, "Errors averted:      %" PRIu64 " in the last 24 hours\n",
            history_day_averted(status->history));
    if (status->support.size > 0) {
        text_append(text, SLICE("Contact:             "));
        page_append_plain(text, status->support, PAGE_SUPPORT_SHOWN);
        text_append_byte(text, '\n');
    }
}

struct slice page_site_status(
    struct arena *arena, enum page_form form, const struct page_status *status)
{
    enum state state = state_of(status);
    struct text text;
    if (!page_begin(&text, arena))
        return SLICE_EMPTY;
    switch (form) {
    case PAGE_HTML: write_status_html(&text, status, state); break;
    case PAGE_JSON: write_status_json(&text, status, state); break;
    case PAGE_TEXT: write_status_plain(&text, status, state); break;
    }
    return text_slice(&text);
}

static void write_cleared_html(struct text *text, struct slice host, struct slice prefix)
{
    page_html_begin(text, SLICE("Cached files cleared"), 0);
    text_append(text,
        SLICE(
            "<p role=\"status\">Your browser was asked to forget the files that it had kept of "));
    page_append_html(text, host.size > 0 ? host : SLICE("this site"), PAGE_HOST_SHOWN);
    text_append(
        text, SLICE(". You stay signed in. The next page you open there is loaded afresh.</p>\n"));
    page_html_actions(text, prefix, PAGE_LINK_HOME | PAGE_LINK_STATUS);
    page_html_end(text);
}

struct slice page_cleared(
    struct arena *arena, enum page_form form, struct slice host, struct slice prefix)
{
    struct text text;
    if (!page_begin(&text, arena))
        return SLICE_EMPTY;
    switch (form) {
    case PAGE_HTML: write_cleared_html(&text, host, prefix); break;
    case PAGE_JSON: text_append(&text, SLICE("{\"cleared\":true}\n")); break;
    case PAGE_TEXT:
        text_append(
            &text, SLICE("Your browser was asked to forget the files it had kept of this site.\n"));
        break;
    }
    return text_slice(&text);
}
