// The small pieces that every page is made of.
#include "watch/page/writer.h"
#include "base/units.h"

void write_html(const struct writer *writer, const char *html)
{
    text_append(writer->text, slice_from_string(html));
}

void write_word(const struct writer *writer, enum word word)
{
    text_append(writer->text, word_text(writer->language, word));
}

void write_labelled(const struct writer *writer, enum word label, struct slice html)
{
    word_append(writer->text, writer->language, WORD_COLON,
        (struct slice[]){word_text(writer->language, label), html}, 2);
}

void write_title(const struct writer *writer, struct slice title)
{
    write_html(writer, writer->is_plain ? "" : "<bdi>");
    foreign_append(writer->text, title, WRITER_TITLE_SHOWN);
    write_html(writer, writer->is_plain ? "" : "</bdi>");
}

void write_language(const struct writer *writer, const char *before)
{
    if (!writer->page->keeps_language)
        return;
    write_html(writer, before);
    write_html(writer, "lang=");
    text_append(writer->text, language_code(writer->language));
}

void write_href(const struct writer *writer, const char *name, struct slice id)
{
    struct text *text = writer->text;
    write_html(writer, "href=\"");
    // The main page lies where relative names begin: there the base need not be repeated.
    if (*name == '\0')
        foreign_append(text, writer->page->home, WRITER_TITLE_SHOWN);
    else if (writer->page->kind != STATUS_PAGE_MAIN)
        foreign_append(text, writer->page->base, WRITER_TITLE_SHOWN);
    write_html(writer, name);
    foreign_append_url(text, id);
    write_language(writer, "?");
    write_html(writer, "\"");
}

void write_time(const struct writer *writer, int64_t wall_ms)
{
    write_html(writer, "<time datetime=\"");
    units_format_time(writer->text, wall_ms);
    write_html(writer, "\">");
    word_append_moment(writer->text, writer->language, wall_ms);
    write_html(writer, "</time>");
}

void write_time_range(const struct writer *writer, int64_t begin_ms, int64_t end_ms)
{
    char buffers[2][300];
    struct slice ends[2];
    for (size_t i = 0; i < 2; i++) {
        struct text text = text_in(buffers[i], sizeof(buffers[i]));
        struct writer part = *writer;
        part.text = &text;
        write_time(&part, i == 0 ? begin_ms : end_ms);
        ends[i] = text_slice(&text);
    }
    word_append(writer->text, writer->language, WORD_RANGE_FORM, ends, 2);
}

void write_ms_range(const struct writer *writer, enum word word, uint32_t low, uint32_t high)
{
    char buffers[2][64];
    struct text first = text_in(buffers[0], sizeof(buffers[0]));
    struct text second = text_in(buffers[1], sizeof(buffers[1]));
    word_append_ms(&first, writer->language, low);
    word_append_ms(&second, writer->language, high);
    if (slice_equal(text_slice(&first), text_slice(&second))) {
        text_append(writer->text, text_slice(&first));
        return;
    }
    word_append(writer->text, writer->language, word,
        (struct slice[]){text_slice(&first), text_slice(&second)}, 2);
}

char state_class(enum component_state state)
{
    switch (state) {
    case COMPONENT_UNKNOWN: return 'u';
    case COMPONENT_OPERATIONAL: return 'o';
    case COMPONENT_DEGRADED: return 'd';
    case COMPONENT_PARTIAL: return 'p';
    case COMPONENT_DOWN: return 'x';
    case COMPONENT_MAINTENANCE: break;
    }
    return 'm';
}

void write_icon(const struct writer *writer, enum component_state state)
{
    text_format(writer->text, "<svg class=i aria-hidden=true><use href=\"#i%c\"/></svg>",
        state_class(state));
}

const struct component_view *writer_component(const struct writer *writer, uint32_t number)
{
    return number < writer->snapshot->component_count ? &writer->snapshot->components[number]
                                                      : NULL;
}

void write_components(const struct writer *writer, const uint32_t *components, size_t count,
    size_t shown)
{
    size_t written = 0, left = 0;
    for (size_t i = 0; i < count; i++) {
        const struct component_view *component = writer_component(writer, components[i]);
        if (component == NULL)
            continue;
        if (written == shown) {
            left++;
            continue;
        }
        if (written++ > 0)
            write_word(writer, WORD_LIST_COMMA);
        write_html(writer, "<a ");
        write_href(writer, "component/", component->id);
        write_html(writer, ">");
        write_title(writer, component->title);
        write_html(writer, "</a>");
    }
    if (left > 0) {
        write_word(writer, WORD_LIST_COMMA);
        word_append_count(writer->text, writer->language, WORD_COUNT_MORE, left);
    }
}
