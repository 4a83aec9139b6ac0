// Mails: both forms side by side, thing by thing, so that neither says what the other does not; in
// the reader's language. What people wrote is theirs and stays as it is.
#include "doctor/printable.h"
#include "watch/incident/incident.h"
#include "watch/notify/telling.h"

#define SUBJECT_SIZE ((size_t)400)
#define FORM_SIZE ((size_t)512 << 10)
#define LEAST_ROOM ((size_t)64 << 10) // for one more thing, and what comes after them all
#define ESCAPED_SIZE ((size_t)32 << 10) // the values of one sentence
#define COMPONENTS_SHOWN 10
#define TITLE_COMPONENTS 2
#define TITLE_SIZE (4 * DIGEST_TITLE_MAX)
#define OWN_TEXT_SIZE 256
#define MOMENT_SIZE 120

struct forms {
    struct text text, html;
    const struct telling *telling;
    enum language language;
    char *escaped;
};

static bool begin_forms(struct forms *forms, const struct telling *telling,
    enum language language, struct arena *arena)
{
    char *text = arena_alloc(arena, FORM_SIZE), *html = arena_alloc(arena, FORM_SIZE);
    *forms = (struct forms){.telling = telling, .language = language,
        .escaped = arena_alloc(arena, ESCAPED_SIZE)};
    if (text == NULL || html == NULL || forms->escaped == NULL)
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

// --- Both forms ---

static void put(struct forms *forms, struct slice text, struct slice html)
{
    text_append(&forms->text, text);
    text_append(&forms->html, html);
}

// In <bdi>, for a name in another direction of writing must not turn the sentence around it.
static void say(struct forms *forms, enum word word, const struct slice *values, size_t count)
{
    struct text escaped = text_in(forms->escaped, ESCAPED_SIZE);
    struct slice html[4];
    for (size_t i = 0; i < count && i < ARRAY_SIZE(html); i++) {
        size_t begin = escaped.size;
        text_append(&escaped, SLICE("<bdi>"));
        text_append_html(&escaped, values[i]);
        text_append(&escaped, SLICE("</bdi>"));
        html[i] = slice_of(escaped.data + begin, escaped.size - begin);
    }
    forms->html.full = forms->html.full || escaped.full;
    word_append(&forms->text, forms->language, word, values, count);
    word_append(&forms->html, forms->language, word, html, count);
}

static void append_html_link(struct text *text, struct slice url, struct slice words)
{
    text_append(text, SLICE("<a href=\""));
    text_append_html(text, url);
    text_append(text, SLICE("\">"));
    text_append(text, words);
    text_append(text, SLICE("</a>"));
}

// --- Words ---

static bool is_merged(const struct digest_item *item)
{
    return item->kind == NOTICE_INCIDENT && incident_merged_into(item->text).size > 0;
}

static enum word word_of(const struct digest_item *item)
{
    if (is_merged(item))
        return WORD_MAIL_MERGED;
    if (item->kind == NOTICE_INCIDENT)
        return word_of_incident(item->state);
    switch (item->window_state) {
    case WINDOW_SCHEDULED: return WORD_MAIL_WINDOW_SCHEDULED;
    case WINDOW_IN_PROGRESS: return WORD_MAIL_WINDOW_BEGUN;
    case WINDOW_COMPLETED: break;
    }
    return WORD_MAIL_WINDOW_OVER;
}

// What afloat itself wrote is in English, and mostly nothing: the step says it.
static struct slice text_of(const struct digest_item *item, enum language language,
    char buffer[OWN_TEXT_SIZE])
{
    struct text text = text_in(buffer, OWN_TEXT_SIZE);
    struct slice merged_into = incident_merged_into(item->text);
    if (!item->is_own_text || (language == LANGUAGE_ENGLISH && item->text.size > 0))
        return item->text;
    if (merged_into.size > 0) {
        word_append(&text, language, WORD_AUTO_MERGED, &merged_into, 1);
        return text_slice(&text);
    }
    return word_text(language, word_of_update(item->state, item->text, item->opened));
}

static void append_names(struct text *text, const struct digest_item *item,
    enum language language, size_t shown)
{
    for (size_t i = 0; i < item->component_count && i < shown; i++) {
        if (i > 0)
            text_append(text, word_text(language, WORD_LIST_COMMA));
        text_append(text, item->components[i]);
    }
    if (item->component_count > shown) {
        text_append_byte(text, ' ');
        word_append_count(text, language, WORD_COUNT_AND_MORE, item->component_count - shown);
    }
}

// As the page has it: who, and why.
static struct slice title_of(const struct digest_item *item, enum language language,
    char buffer[TITLE_SIZE])
{
    char names_buffer[TITLE_SIZE / 2], reason_buffer[200];
    struct text names = text_in(names_buffer, sizeof(names_buffer));
    struct text reason = text_in(reason_buffer, sizeof(reason_buffer));
    struct text title = text_in(buffer, TITLE_SIZE);
    if (language == LANGUAGE_ENGLISH || !item->is_own_title || item->component_count == 0
        || item->reason.kind == REASON_NONE)
        return item->title;
    append_names(&names, item, language, TITLE_COMPONENTS);
    word_append_reason(&reason, language, item->reason);
    word_append(&title, language, WORD_COLON,
        (struct slice[]){text_slice(&names), text_slice(&reason)}, 2);
    return names.full || title.full ? item->title : text_slice(&title);
}

static void say_title(struct forms *forms, const struct digest_item *item)
{
    char buffer[TITLE_SIZE];
    say(forms, WORD_COLON, (struct slice[]){word_text(forms->language, word_of(item)),
        title_of(item, forms->language, buffer)}, 2);
}

static void say_when(struct forms *forms, const struct digest_item *item)
{
    char buffers[3][MOMENT_SIZE];
    struct text begin = text_in(buffers[0], MOMENT_SIZE), end = text_in(buffers[1], MOMENT_SIZE);
    struct text eta = text_in(buffers[2], MOMENT_SIZE);
    bool is_window = item->kind == NOTICE_WINDOW;
    bool is_over = !is_window && item->state == INCIDENT_RESOLVED;
    word_append_moment(&begin, forms->language, item->begin_ms);
    word_append_moment(&end, forms->language, item->end_ms);
    word_append_moment(&eta, forms->language, item->eta_ms);
    struct slice times[] = {text_slice(&begin), text_slice(&end)};
    if (is_merged(item)) { // which is not over
        say(forms, WORD_MAIL_SINCE, times, 1);
    } else if (item->end_ms > item->begin_ms) {
        say(forms, is_over && item->opened ? WORD_MAIL_BRIEF : WORD_MAIL_SPAN, times, 2);
    } else if (!is_window && !is_over && item->eta_ms > 0) {
        times[1] = text_slice(&eta);
        say(forms, WORD_MAIL_EXPECTED, times, 2);
    } else {
        say(forms, is_window ? WORD_MAIL_FROM : WORD_MAIL_SINCE, times, 1);
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
    text_append(&forms->html, SLICE("\">"));
    text_append(&forms->html, word_text(forms->language, WORD_MAIL_READ));
    text_append(&forms->html, SLICE("</a></p>\n"));
}

static void append_html_lines(struct text *text, struct slice value)
{
    while (value.data != NULL) {
        text_append_html(text, slice_cut(&value, '\n'));
        if (value.data != NULL)
            text_append(text, SLICE("<br>\n"));
    }
}

static void say_components(struct forms *forms, const struct digest_item *item)
{
    char buffer[COMPONENTS_SHOWN * DIGEST_TITLE_MAX + 200];
    struct text names = text_in(buffer, sizeof(buffer));
    if (item->component_count == 0)
        return;
    append_names(&names, item, forms->language, COMPONENTS_SHOWN);
    put(forms, SLICE("\n"), SLICE("<br>\n"));
    say(forms, WORD_MAIL_AFFECTS, (struct slice[]){text_slice(&names)}, 1);
}

static void append_item(struct forms *forms, const struct digest_item *item)
{
    char buffer[OWN_TEXT_SIZE];
    struct slice text = text_of(item, forms->language, buffer);
    text_append(&forms->html, SLICE("<h2 style=\"font-size:1.1em\">"));
    say_title(forms, item);
    put(forms, SLICE("\n"), SLICE("</h2>\n<p>"));
    say_when(forms, item);
    say_components(forms, item);
    put(forms, SLICE("\n"), SLICE("</p>\n"));
    if (text.size > 0) {
        text_format(&forms->text, "%.*s\n", SLICE_ARGS(text));
        text_append(&forms->html, SLICE("<p dir=\"auto\">"));
        append_html_lines(&forms->html, text);
        text_append(&forms->html, SLICE("</p>\n"));
    }
    append_link(forms, item);
    text_append(&forms->text, SLICE("\n"));
}

static void append_short(struct forms *forms, const struct digest_item *item)
{
    put(forms, SLICE("- "), SLICE("<p style=\"margin:0\">"));
    say_title(forms, item);
    put(forms, SLICE("\n"), SLICE("</p>\n"));
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
    if (left == 0)
        return;
    put(forms, SLICE("… "), SLICE("<p>… "));
    word_append_count(&forms->text, forms->language, WORD_COUNT_AND_MORE, left);
    word_append_count(&forms->html, forms->language, WORD_COUNT_AND_MORE, left);
    put(forms, SLICE("\n"), SLICE("</p>\n"));
}

// "Status page: https://…", and as a link.
static void append_place(struct forms *forms, enum word word, struct slice url)
{
    struct slice words = word_text(forms->language, word);
    word_append(&forms->text, forms->language, WORD_COLON, (struct slice[]){words, url}, 2);
    text_append(&forms->text, SLICE("\n"));
    append_html_link(&forms->html, url, words);
}

static void append_end(struct forms *forms, struct slice unsubscribe)
{
    const struct telling *telling = forms->telling;
    put(forms, SLICE("--\n"), SLICE("<hr><p style=\"font-size:.85em\">"));
    if (telling->page.size > 0) {
        append_place(forms, WORD_MAIL_PAGE, telling->page);
        text_append(&forms->html, SLICE("<br>\n"));
    }
    if (telling->support.size > 0) {
        say(forms, WORD_COLON, (struct slice[]){word_text(forms->language, WORD_SUPPORT),
            telling->support}, 2);
        put(forms, SLICE("\n"), SLICE("<br>\n"));
    }
    if (unsubscribe.size > 0)
        append_place(forms, WORD_MAIL_END, unsubscribe);
    text_append(&forms->html, SLICE("</p>\n</body></html>\n"));
}

static void begin_html(struct forms *forms, struct slice heading)
{
    text_format(&forms->html, "<!DOCTYPE html>\n<html lang=\"%.*s\" dir=\"%.*s\"><head>"
        "<meta charset=\"utf-8\"><title>", SLICE_ARGS(language_code(forms->language)),
        SLICE_ARGS(language_direction(forms->language)));
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
    const struct digest_message *message, const struct telling_reader *reader,
    struct arena *arena)
{
    const struct digest_item *first = NULL;
    char *buffer = arena_alloc(arena, SUBJECT_SIZE), title[TITLE_SIZE];
    uint64_t count = message->omitted;
    LIST_FOREACH(link, &message->items) {
        const struct digest_item *item = LIST_ENTRY(link, struct digest_item, link);
        if (!digest_item_concerns(item, reader->chosen))
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
    word_append(&text, reader->language, WORD_COLON, (struct slice[]){
        word_text(reader->language, word_of(first)), title_of(first, reader->language, title)}, 2);
    if (count > 1) {
        text_append(&text, SLICE(" ("));
        word_append_count(&text, reader->language, WORD_COUNT_AND_MORE, count - 1);
        text_append(&text, SLICE(")"));
    }
    return text_slice(&text);
}

enum error telling_write_mail(const struct telling *telling, const struct digest_message *message,
    const struct telling_reader *reader, struct arena *arena, struct telling_mail *ret_mail)
{
    struct forms forms;
    struct slice subject = write_subject(telling, message, reader, arena);
    if (subject.data == NULL || !begin_forms(&forms, telling, reader->language, arena))
        return ERROR_MEMORY;
    begin_html(&forms, subject);
    append_items(&forms, message, reader->chosen);
    append_end(&forms, reader->unsubscribe);
    return end_forms(&forms, subject, ret_mail);
}

enum error telling_write_confirmation(const struct telling *telling, struct slice link,
    enum language language, struct arena *arena, struct telling_mail *ret_mail)
{
    struct forms forms;
    struct slice name = telling->name.size > 0 ? telling->name
                                               : word_text(language, WORD_MAIL_SOME_PAGE);
    char *buffer = arena_alloc(arena, SUBJECT_SIZE);
    if (buffer == NULL || !begin_forms(&forms, telling, language, arena))
        return ERROR_MEMORY;
    struct text subject = text_in(buffer, SUBJECT_SIZE);
    word_append(&subject, language, WORD_MAIL_CONFIRM_SUBJECT, &name, 1);
    begin_html(&forms, text_slice(&subject));
    text_append(&forms.html, SLICE("<p>"));
    say(&forms, WORD_MAIL_CONFIRM_ASKED, &name, 1);
    put(&forms, SLICE("\n\n"), SLICE("</p>\n<p>"));
    say(&forms, WORD_MAIL_CONFIRM_OPEN, NULL, 0);
    put(&forms, SLICE("\n\n"), SLICE("<br>\n"));
    text_append(&forms.text, link);
    append_html_link(&forms.html, link, word_text(language, WORD_CONFIRM_BUTTON));
    put(&forms, SLICE("\n\n"), SLICE("</p>\n<p>"));
    say(&forms, WORD_MAIL_CONFIRM_IGNORE, NULL, 0);
    put(&forms, SLICE("\n\n"), SLICE("</p>\n"));
    append_end(&forms, SLICE_EMPTY);
    return end_forms(&forms, text_slice(&subject), ret_mail);
}
