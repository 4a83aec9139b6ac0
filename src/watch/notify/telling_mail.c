// Mails: both forms side by side, thing by thing, so that neither says what the other does not.
#include "doctor/printable.h"
#include "watch/incident/incident.h"
#include "watch/notify/telling.h"

#include <time.h>

#define SUBJECT_SIZE ((size_t)400)
#define FORM_SIZE ((size_t)512 << 10)
#define LEAST_ROOM ((size_t)64 << 10) // for one more thing, and what comes after them all
#define COMPONENTS_SHOWN 10

struct forms {
    struct text text, html;
    const struct telling *telling;
};

static bool begin_forms(struct forms *forms, const struct telling *telling, struct arena *arena)
{
    char *text = arena_alloc(arena, FORM_SIZE), *html = arena_alloc(arena, FORM_SIZE);
    *forms = (struct forms){.telling = telling};
    if (text == NULL || html == NULL)
        return false;
    forms->text = text_in(text, FORM_SIZE);
    forms->html = text_in(html, FORM_SIZE);
    return true;
}

struct slice telling_base(struct slice page, struct arena *arena)
{
    if (page.size == 0)
        return SLICE_EMPTY;
    if (slice_ends_with(page, SLICE("/status")))
        return arena_copy(arena, slice_of(page.data, page.size - strlen("status")));
    return arena_printf(arena, "%.*s%s", SLICE_ARGS(page), slice_ends_with(page, SLICE("/"))
        ? "" : "/");
}

// --- Words ---

static const char *word_of(const struct digest_item *item)
{
    if (item->kind == NOTICE_WINDOW) {
        switch (item->window_state) {
        case WINDOW_SCHEDULED: return "Maintenance announced";
        case WINDOW_IN_PROGRESS: return "Maintenance has begun";
        case WINDOW_COMPLETED: break;
        }
        return "Maintenance is over";
    }
    if (incident_merged_into(item->text).size > 0)
        return "Merged into another incident";
    switch (item->state) {
    case INCIDENT_INVESTIGATING: return "Investigating";
    case INCIDENT_IDENTIFIED: return "Identified";
    case INCIDENT_MONITORING: return "Monitoring";
    case INCIDENT_RESOLVED: break;
    }
    return "Resolved";
}

// "2026-11-30 21:33 UTC"
static void append_time(struct text *text, int64_t at_ms)
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) != NULL)
        text_format(text, "%04d-%02d-%02d %02d:%02d UTC", tm.tm_year + 1900, tm.tm_mon + 1,
            tm.tm_mday, tm.tm_hour, tm.tm_min);
}

static void append_when(struct text *text, const struct digest_item *item)
{
    bool is_window = item->kind == NOTICE_WINDOW;
    if (incident_merged_into(item->text).size > 0) { // which is not over
        text_append(text, SLICE("Since "));
        append_time(text, item->begin_ms);
        return;
    }
    text_append(text, is_window ? SLICE("From ") : SLICE("Since "));
    if (!is_window && item->state == INCIDENT_RESOLVED && item->end_ms > item->begin_ms) {
        text->size -= strlen("Since ");
        text_append(text, item->opened ? SLICE("Began and was resolved: ") : SLICE("From "));
    }
    append_time(text, item->begin_ms);
    if (item->end_ms > item->begin_ms) {
        text_append(text, SLICE(" to "));
        append_time(text, item->end_ms);
    }
    if (!is_window && item->state != INCIDENT_RESOLVED && item->eta_ms > 0) {
        text_append(text, SLICE(", expected to be over at "));
        append_time(text, item->eta_ms);
    }
}

static void append_components(struct text *text, const struct digest_item *item, bool is_html)
{
    text_append(text, SLICE("Affects: "));
    for (size_t i = 0; i < item->component_count && i < COMPONENTS_SHOWN; i++) {
        if (i > 0)
            text_append(text, SLICE(", "));
        if (is_html)
            text_append_html(text, item->components[i]);
        else
            text_append(text, item->components[i]);
    }
    if (item->component_count > COMPONENTS_SHOWN)
        text_format(text, " and %zu more", item->component_count - COMPONENTS_SHOWN);
}

static void append_title(struct text *text, const struct digest_item *item, bool is_html)
{
    if (is_html) {
        text_format(text, "%s: ", word_of(item));
        text_append_html(text, item->title);
    } else {
        text_format(text, "%s: %.*s", word_of(item), SLICE_ARGS(item->title));
    }
}

// --- One thing ---

static void append_link(struct forms *forms, const struct digest_item *item)
{
    struct slice base = forms->telling->base, merged_into = incident_merged_into(item->text);
    struct slice id = merged_into.size > 0 ? merged_into : item->id;
    if (base.size == 0 || item->kind != NOTICE_INCIDENT || item->id.size == 0)
        return;
    text_format(&forms->text, "%.*sincident/%.*s\n", SLICE_ARGS(base), SLICE_ARGS(id));
    text_append(&forms->html, SLICE("<p><a href=\""));
    text_append_html(&forms->html, base);
    text_append(&forms->html, SLICE("incident/"));
    text_append_html(&forms->html, id);
    text_append(&forms->html, SLICE("\">Read more</a></p>\n"));
}

static void append_html_lines(struct text *text, struct slice value)
{
    while (value.data != NULL) {
        text_append_html(text, slice_cut(&value, '\n'));
        if (value.data != NULL)
            text_append(text, SLICE("<br>\n"));
    }
}

static void append_item(struct forms *forms, const struct digest_item *item)
{
    append_title(&forms->text, item, false);
    text_append(&forms->html, SLICE("<h2 style=\"font-size:1.1em\">"));
    append_title(&forms->html, item, true);
    text_append(&forms->text, SLICE("\n"));
    append_when(&forms->text, item);
    text_append(&forms->html, SLICE("</h2>\n<p>"));
    append_when(&forms->html, item);
    if (item->component_count > 0) {
        text_append(&forms->text, SLICE("\n"));
        append_components(&forms->text, item, false);
        text_append(&forms->html, SLICE("<br>\n"));
        append_components(&forms->html, item, true);
    }
    text_append(&forms->text, SLICE("\n"));
    text_append(&forms->html, SLICE("</p>\n"));
    if (item->text.size > 0) {
        text_format(&forms->text, "%.*s\n", SLICE_ARGS(item->text));
        text_append(&forms->html, SLICE("<p>"));
        append_html_lines(&forms->html, item->text);
        text_append(&forms->html, SLICE("</p>\n"));
    }
    append_link(forms, item);
    text_append(&forms->text, SLICE("\n"));
}

static void append_short(struct forms *forms, const struct digest_item *item)
{
    text_append(&forms->text, SLICE("- "));
    append_title(&forms->text, item, false);
    text_append(&forms->text, SLICE("\n"));
    text_append(&forms->html, SLICE("<p style=\"margin:0\">"));
    append_title(&forms->html, item, true);
    text_append(&forms->html, SLICE("</p>\n"));
}

static bool has_room(const struct forms *forms)
{
    return forms->text.capacity - forms->text.size > LEAST_ROOM
        && forms->html.capacity - forms->html.size > LEAST_ROOM;
}

// --- The whole ---

static void append_items(struct forms *forms, const struct digest_message *message,
    struct slice chosen)
{
    size_t shown = 0;
    uint64_t left = message->omitted;
    LIST_FOREACH(link, &message->items) {
        const struct digest_item *item = LIST_ENTRY(link, struct digest_item, link);
        if (!digest_item_concerns(item, chosen))
            continue;
        if (!has_room(forms))
            left++;
        else if (shown++ < TELLING_SHOWN)
            append_item(forms, item);
        else
            append_short(forms, item);
    }
    if (left > 0) {
        text_format(&forms->text, "And %llu more.\n", (unsigned long long)left);
        text_format(&forms->html, "<p>And %llu more.</p>\n", (unsigned long long)left);
    }
}

static void append_html_link(struct text *text, struct slice url, const char *words)
{
    text_append(text, SLICE("<a href=\""));
    text_append_html(text, url);
    text_format(text, "\">%s</a>", words);
}

static void append_end(struct forms *forms, struct slice unsubscribe)
{
    const struct telling *telling = forms->telling;
    text_append(&forms->text, SLICE("--\n"));
    text_append(&forms->html, SLICE("<hr><p style=\"font-size:.85em\">"));
    if (telling->page.size > 0) {
        text_format(&forms->text, "Status page: %.*s\n", SLICE_ARGS(telling->page));
        append_html_link(&forms->html, telling->page, "Status page");
        text_append(&forms->html, SLICE("<br>\n"));
    }
    if (telling->support.size > 0) {
        text_format(&forms->text, "Support: %.*s\n", SLICE_ARGS(telling->support));
        text_append(&forms->html, SLICE("Support: "));
        text_append_html(&forms->html, telling->support);
        text_append(&forms->html, SLICE("<br>\n"));
    }
    if (unsubscribe.size > 0) {
        text_format(&forms->text, "No more of these mails: %.*s\n", SLICE_ARGS(unsubscribe));
        append_html_link(&forms->html, unsubscribe, "No more of these mails");
    }
    text_append(&forms->html, SLICE("</p>\n</body></html>\n"));
}

static void begin_html(struct forms *forms, struct slice heading)
{
    text_append(&forms->html, SLICE("<!DOCTYPE html>\n<html lang=\"en\"><head>"
        "<meta charset=\"utf-8\"><title>"));
    text_append_html(&forms->html, heading);
    text_append(&forms->html, SLICE("</title></head>\n"
        "<body style=\"font-family:sans-serif;line-height:1.4;max-width:40em\">\n"));
}

static enum error end_forms(struct forms *forms, struct slice subject,
    struct telling_mail *ret_mail)
{
    if (forms->text.full || forms->html.full)
        return ERROR_MEMORY;
    *ret_mail = (struct telling_mail){.subject = subject, .text = text_slice(&forms->text),
        .html = text_slice(&forms->html)};
    return ERROR_NONE;
}

static struct slice write_subject(const struct telling *telling,
    const struct digest_message *message, struct slice chosen, struct arena *arena)
{
    const struct digest_item *first = NULL;
    char *buffer = arena_alloc(arena, SUBJECT_SIZE);
    uint64_t count = message->omitted;
    LIST_FOREACH(link, &message->items) {
        const struct digest_item *item = LIST_ENTRY(link, struct digest_item, link);
        if (!digest_item_concerns(item, chosen))
            continue;
        first = first == NULL ? item : first;
        count++;
    }
    if (buffer == NULL || first == NULL)
        return SLICE_EMPTY;
    struct text text = text_in(buffer, SUBJECT_SIZE);
    if (telling->name.size > 0) {
        text_append(&text, SLICE("["));
        printable_append(&text, telling->name, 60, false);
        text_append(&text, SLICE("] "));
    }
    append_title(&text, first, false);
    if (count > 1)
        text_format(&text, " (and %llu more)", (unsigned long long)(count - 1));
    return text_slice(&text);
}

enum error telling_write_mail(const struct telling *telling, const struct digest_message *message,
    struct slice chosen, struct slice unsubscribe, struct arena *arena,
    struct telling_mail *ret_mail)
{
    struct forms forms;
    struct slice subject = write_subject(telling, message, chosen, arena);
    if (subject.data == NULL || !begin_forms(&forms, telling, arena))
        return ERROR_MEMORY;
    begin_html(&forms, subject);
    append_items(&forms, message, chosen);
    append_end(&forms, unsubscribe);
    return end_forms(&forms, subject, ret_mail);
}

enum error telling_write_confirmation(const struct telling *telling, struct slice link,
    struct arena *arena, struct telling_mail *ret_mail)
{
    struct forms forms;
    struct slice name = telling->name.size > 0 ? telling->name : SLICE("a status page");
    struct slice subject = arena_printf(arena, "Confirm: mails about %.*s", SLICE_ARGS(name));
    if (subject.data == NULL || !begin_forms(&forms, telling, arena))
        return ERROR_MEMORY;
    begin_html(&forms, subject);
    text_format(&forms.text, "Somebody, hopefully you, asked for mails about incidents and "
        "maintenance of\n%.*s to be sent to this address.\n\nTo get them, open this page and "
        "press the button there, within a day:\n\n%.*s\n\nIf it was not you, do nothing: no "
        "further mail will come.\n\n", SLICE_ARGS(name), SLICE_ARGS(link));
    text_append(&forms.html, SLICE("<p>Somebody, hopefully you, asked for mails about incidents "
        "and maintenance of "));
    text_append_html(&forms.html, name);
    text_append(&forms.html, SLICE(" to be sent to this address.</p>\n<p>To get them, "));
    append_html_link(&forms.html, link, "open this page");
    text_append(&forms.html, SLICE(" and press the button there, within a day.</p>\n"
        "<p>If it was not you, do nothing: no further mail will come.</p>\n"));
    append_end(&forms, SLICE_EMPTY);
    return end_forms(&forms, subject, ret_mail);
}
