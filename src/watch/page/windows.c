// Maintenance: what is under way, and what is announced. Times are the visitor's own by the script;
// the zone in which it was planned is named, because a change of the clock moves it.
#include "watch/page/writer.h"

#define COMING_SHOWN 8
#define COMPONENTS_SHOWN 12

static void write_window(const struct writer *writer, const struct window_view *window)
{
    char buffer[600];
    struct text zone = text_in(buffer, sizeof(buffer));
    write_html(writer, "<article class=\"n m\">\n<h3>");
    write_title(writer, window->title);
    write_html(writer, "</h3>\n<p class=\"q\"><span>");
    write_time_range(writer, window->begin_ms, window->end_ms);
    write_html(writer, "</span>");
    if (window->zone.size > 0 && !slice_equal(window->zone, SLICE("UTC"))) {
        foreign_append(&zone, window->zone, 64);
        write_html(writer, "<span>");
        word_append(writer->text, writer->language, WORD_ZONE,
            (struct slice[]){text_slice(&zone)}, 1);
        write_html(writer, "</span>");
    }
    if (window->rule.size > 0) {
        write_html(writer, "<span>");
        write_word(writer, WORD_REPEATS);
        write_html(writer, "</span>");
    }
    write_html(writer, "</p>\n<p class=\"r\">");
    write_labelled(writer, WORD_AFFECTS, SLICE_EMPTY);
    write_html(writer, " ");
    if (window->component_count == 0)
        write_word(writer, WORD_ALL_SYSTEMS);
    else
        write_components(writer, window->components, window->component_count, COMPONENTS_SHOWN);
    write_html(writer, "</p>\n<div class=\"z\" dir=\"auto\">");
    foreign_append_paragraphs(writer->text, window->text, WRITER_TEXT_SHOWN / 4);
    write_html(writer, "</div>\n</article>\n");
}

static void write_those(const struct writer *writer, enum window_state state, const char *id,
    enum word title)
{
    const struct snapshot *snapshot = writer->snapshot;
    size_t count = snapshot->window_count - MINIMUM(snapshot->past_window_count,
        snapshot->window_count);
    size_t shown = 0;
    for (size_t i = 0; i < count && shown < COMING_SHOWN; i++) {
        if (snapshot->windows[i].state != state)
            continue;
        if (shown++ == 0) {
            text_format(writer->text, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">", id, id);
            write_word(writer, title);
            write_html(writer, "</h2>\n");
        }
        write_window(writer, &snapshot->windows[i]);
    }
    if (shown > 0)
        write_html(writer, "</section>\n");
}

void write_windows(const struct writer *writer)
{
    write_those(writer, WINDOW_IN_PROGRESS, "now", WORD_MAINTENANCE_NOW);
    write_those(writer, WINDOW_SCHEDULED, "coming", WORD_MAINTENANCE_COMING);
}
