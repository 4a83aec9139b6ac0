// Puts the parts of each kind of page together.
#include "watch/page/status_page.h"
#include "watch/page/writer.h"
#include "base/memory.h"
#include "base/units.h"

#include <ctype.h>

#define FIRST_CAPACITY (128 * 1024)
#define LARGEST_CAPACITY (32 * 1024 * 1024)
#define STALE_MS 60000
#define TITLE_MAX 4096

// --- What it comes to ---

static enum word overall_word(const struct snapshot *snapshot)
{
    size_t down = 0, unknown = 0;
    for (size_t i = 0; i < snapshot->component_count; i++) {
        down += snapshot->components[i].state == COMPONENT_DOWN;
        unknown += snapshot->components[i].state == COMPONENT_UNKNOWN;
    }
    if (snapshot->component_count == 0)
        return WORD_OVERALL_EMPTY;
    switch (snapshot->state) {
    case COMPONENT_UNKNOWN: return WORD_OVERALL_UNKNOWN;
    case COMPONENT_OPERATIONAL: return unknown > 0 ? WORD_OVERALL_MOSTLY
                                                   : WORD_OVERALL_OPERATIONAL;
    case COMPONENT_DEGRADED: return WORD_OVERALL_DEGRADED;
    case COMPONENT_PARTIAL: return WORD_OVERALL_PARTIAL;
    case COMPONENT_DOWN: return down == snapshot->component_count ? WORD_OVERALL_ALL_DOWN
                                                                  : WORD_OVERALL_DOWN;
    case COMPONENT_MAINTENANCE: break;
    }
    return WORD_OVERALL_MAINTENANCE;
}

static bool is_stale(const struct writer *writer)
{
    return writer->page->now_ms - writer->snapshot->made_ms >= STALE_MS;
}

// Says how old this is: beside the sentence, and loudly where that matters.
static void write_age(const struct writer *writer)
{
    int64_t age_ms = MAXIMUM(writer->page->now_ms - writer->snapshot->made_ms, 0);
    char buffer[120], clock_buffer[200];
    struct text ago = text_in(buffer, sizeof(buffer));
    struct text clock = text_in(clock_buffer, sizeof(clock_buffer));
    word_append_ago(&ago, writer->language, age_ms);
    text_append(&clock, SLICE("<time class=\"c\" datetime=\""));
    struct text stamp = text_in(clock.data + clock.size, clock.capacity - clock.size);
    units_format_time(&stamp, writer->snapshot->made_ms);
    clock.size += stamp.size;
    text_append(&clock, SLICE("\">"));
    word_append_clock(&clock, writer->snapshot->made_ms);
    text_append(&clock, SLICE("</time>"));
    write_html(writer, "<p>");
    word_append(writer->text, writer->language, WORD_AS_OF,
        (struct slice[]){text_slice(&clock)}, 1);
    text_format(writer->text, " · <span id=\"age\" data-ms=\"%lld\" data-say=\"",
        (long long)age_ms);
    write_word(writer, WORD_UPDATED);
    write_html(writer, "\">");
    word_append(writer->text, writer->language, WORD_UPDATED,
        (struct slice[]){text_slice(&ago)}, 1);
    write_html(writer, "</span></p>");
}

static void write_warnings(const struct writer *writer)
{
    int64_t age_ms = MAXIMUM(writer->page->now_ms - writer->snapshot->made_ms, 0);
    char buffer[120];
    struct text ago = text_in(buffer, sizeof(buffer));
    word_append_ago(&ago, writer->language, age_ms);
    text_format(writer->text, "<p id=\"old\" class=\"w x\"%s data-say=\"",
        is_stale(writer) ? "" : " hidden");
    write_word(writer, WORD_STALE);
    write_html(writer, "\">");
    word_append(writer->text, writer->language, WORD_STALE,
        (struct slice[]){text_slice(&ago)}, 1);
    write_html(writer, "</p>\n");
}

static void write_not_written(const struct writer *writer)
{
    if (writer->snapshot->is_written)
        return;
    write_html(writer, "<p class=\"w d\">");
    write_word(writer, WORD_NOT_WRITTEN);
    write_html(writer, "</p>\n");
}

// A report is about one component; here it is not known which.
static void write_where_to_report(const struct writer *writer)
{
    write_html(writer, "<p class=\"r say\">");
    write_word(writer, WORD_REPORT_CHOOSE);
    write_html(writer, "</p>\n");
}

static void write_main(const struct writer *writer)
{
    enum component_state state = writer->snapshot->state;
    text_format(writer->text, "<div id=\"top\" class=\"top %c%s\">", state_class(state),
        is_stale(writer) ? " stale" : "");
    write_icon(writer, state);
    write_html(writer, "<div><h1>");
    write_word(writer, overall_word(writer->snapshot));
    write_html(writer, "</h1>");
    write_age(writer);
    write_html(writer, "</div></div>\n");
    write_warnings(writer);
    write_not_written(writer);
    if (writer->page->report_token.size > 0)
        write_report_form(writer, SLICE_EMPTY);
    else if (writer->page->reports && writer->snapshot->component_count > 0)
        write_where_to_report(writer);
    write_open_incidents(writer);
    write_windows(writer);
    write_component_list(writer);
    write_recent_incidents(writer);
}

// The pages about a part of it, which say below how old they are.
static void write_dated(const struct writer *writer)
{
    write_warnings(writer);
    switch (writer->page->kind) {
    case STATUS_PAGE_HISTORY: write_history(writer); break;
    case STATUS_PAGE_INCIDENT: write_incident(writer); break;
    case STATUS_PAGE_COMPONENT: write_component(writer); break;
    case STATUS_PAGE_MAIN:
    case STATUS_PAGE_MESSAGE: break;
    }
    write_html(writer, "<div class=\"date\">");
    write_age(writer);
    write_html(writer, "</div>\n");
}

// --- Messages ---

static void append_said(const struct writer *writer, struct slice said, size_t shown)
{
    enum word word;
    if (word_find(said, &word))
        write_word(writer, word);
    else
        foreign_append(writer->text, said, shown);
}

static void write_message(const struct writer *writer)
{
    write_html(writer, "<h1>");
    append_said(writer, writer->page->title, WRITER_TITLE_SHOWN);
    write_html(writer, "</h1>\n<p class=\"z\">");
    append_said(writer, writer->page->message, WRITER_TEXT_SHOWN);
    write_html(writer, "</p>\n<p class=\"pg\"><a class=\"btn\" ");
    write_href(writer, "", SLICE_EMPTY);
    write_html(writer, ">");
    write_word(writer, WORD_CURRENT_STATUS);
    write_html(writer, "</a></p>\n");
}

// --- The whole ---

// Of <title>, which takes no elements.
static void write_page_title(const struct writer *writer)
{
    const struct status_page *page = writer->page;
    char buffer[6 * WRITER_TITLE_SHOWN + 8];
    struct text name = text_in(buffer, sizeof(buffer));
    foreign_append(&name, writer->snapshot->brand.name, WRITER_TITLE_SHOWN);
    switch (page->kind) {
    case STATUS_PAGE_MAIN:
        word_append(writer->text, writer->language, WORD_TITLE_STATUS,
            (struct slice[]){text_slice(&name)}, 1);
        return;
    case STATUS_PAGE_HISTORY: write_word(writer, WORD_HISTORY); break;
    case STATUS_PAGE_INCIDENT: write_incident_title(writer, page->incident); break;
    case STATUS_PAGE_COMPONENT:
        foreign_append(writer->text, writer->snapshot->components[page->component].title,
            WRITER_TITLE_SHOWN);
        break;
    case STATUS_PAGE_MESSAGE: append_said(writer, page->title, WRITER_TITLE_SHOWN); break;
    }
    write_html(writer, " – ");
    text_append(writer->text, text_slice(&name));
}

static void write_page(const struct writer *writer)
{
    char buffer[TITLE_MAX];
    struct text title = text_in(buffer, sizeof(buffer));
    struct writer part = *writer;
    part.text = &title;
    part.is_plain = true;
    write_page_title(&part);
    write_frame_begin(writer, text_slice(&title));
    if (writer->page->kind == STATUS_PAGE_MAIN)
        write_main(writer);
    else if (writer->page->kind == STATUS_PAGE_MESSAGE)
        write_message(writer);
    else
        write_dated(writer);
    write_frame_end(writer);
}

enum error status_page_write(const struct status_page *page, char **ret_html, size_t *ret_size)
{
    enum language language = LANGUAGE_ENGLISH;
    bool is_ours = language_find(page->language, &language);
    (void)is_ours; // or English
    for (size_t capacity = FIRST_CAPACITY; capacity <= LARGEST_CAPACITY; capacity *= 4) {
        char *buffer = memory_alloc(capacity);
        if (buffer == NULL)
            return ERROR_MEMORY;
        struct text text = text_in(buffer, capacity);
        struct writer writer = {.text = &text, .page = page, .snapshot = page->snapshot,
            .language = language};
        write_page(&writer);
        if (!text.full) {
            *ret_html = buffer;
            *ret_size = text.size;
            return ERROR_NONE;
        }
        memory_free(buffer);
    }
    return ERROR_MEMORY;
}

// What is no token of ours has no place in a link.
static struct slice token_in(struct slice query)
{
    while (query.data != NULL) {
        struct slice value = slice_cut(&query, '&'), name = slice_cut(&value, '=');
        bool is_ours = slice_equal(name, SLICE("token")) && value.size > 0;
        for (size_t i = 0; i < value.size && is_ours; i++)
            is_ours = isalnum((unsigned char)value.data[i]) || value.data[i] == '-'
                || value.data[i] == '_';
        if (is_ours)
            return value;
    }
    return SLICE_EMPTY;
}

struct slice status_page_message(struct arena *arena, const struct visit *visit,
    struct slice title, struct slice text)
{
    struct status_page page = {.kind = STATUS_PAGE_MESSAGE, .snapshot = visit->snapshot,
        .base = visit->base, .home = visit->home, .language = visit->language,
        .now_ms = visit->now_ms, .title = title, .message = text,
        .token = token_in(visit->request->query)};
    char *html;
    size_t size;
    if (status_page_write(&page, &html, &size) != ERROR_NONE)
        return SLICE_EMPTY;
    struct slice copy = arena_copy(arena, slice_of(html, size));
    memory_free(html);
    return copy;
}

// --- The language ---

// The value of ";q=0.8" in thousandths; what is malformed counts as 0 (RFC 9110 section 12.4.2).
static unsigned quality_of(struct slice parameters)
{
    while (parameters.data != NULL) {
        struct slice one = slice_trim(slice_cut(&parameters, ';'));
        if (one.size < 2 || (one.data[0] != 'q' && one.data[0] != 'Q') || one.data[1] != '=')
            continue;
        unsigned value = 0, scale = 1000;
        for (size_t i = 2; i < one.size; i++) {
            char byte = one.data[i];
            if (i == 3 && byte == '.')
                continue;
            if (byte < '0' || byte > '9' || i > 6)
                return 0;
            value += (unsigned)(byte - '0') * scale;
            scale /= 10;
        }
        return one.size > 2 && value <= 1000 ? value : 0;
    }
    return 1000;
}

struct slice status_page_language(struct slice accept_language, struct slice wanted,
    struct slice fallback)
{
    enum language language = LANGUAGE_ENGLISH, best;
    unsigned best_quality = 0;
    if (language_find(wanted, &language))
        return language_code(language);
    if (!language_find(fallback, &language))
        language = LANGUAGE_ENGLISH;
    best = language;
    struct slice rest = accept_language;
    while (rest.data != NULL && rest.size > 0) {
        struct slice parameters = slice_cut(&rest, ','), range = slice_cut(&parameters, ';');
        enum language one = language;
        range = slice_trim(range);
        unsigned quality = quality_of(parameters);
        if (quality > best_quality && (slice_equal(range, SLICE("*"))
                || language_find(range, &one))) {
            best = one;
            best_quality = quality;
        }
    }
    return language_code(best);
}
