// What the files of this folder share: a page being written.
#pragma once

#include "watch/page/foreign.h"
#include "watch/page/status_page.h"
#include "watch/page/words.h"

#define WRITER_TITLE_SHOWN 255 // bytes: any host name
#define WRITER_TEXT_SHOWN 4000
#define WRITER_POSTMORTEM_SHOWN 32768

struct writer {
    struct text *text;
    const struct status_page *page;
    const struct snapshot *snapshot;
    enum language language;
    bool is_plain; // text without elements, for <title>
};

// --- writer.c ---

void write_html(const struct writer *writer, const char *html); // as it is
void write_word(const struct writer *writer, enum word word);
// "Label: value", the value being HTML.
void write_labelled(const struct writer *writer, enum word label, struct slice html);
// In <bdi> where elements may stand, one line.
void write_title(const struct writer *writer, struct slice title);
// href="…" with base, a name of ours, an id, and the language.
void write_href(const struct writer *writer, const char *name, struct slice id);
// Where the language was chosen: "?" or "&amp;", and the parameter that keeps it.
void write_language(const struct writer *writer, const char *before);
void write_time(const struct writer *writer, int64_t wall_ms); // <time>, which the script localises
void write_time_range(const struct writer *writer, int64_t begin_ms, int64_t end_ms);
// "12 ms to 80 ms"-like sentences, their values made by word_append_ms.
void write_ms_range(const struct writer *writer, enum word word, uint32_t low, uint32_t high);
void write_icon(const struct writer *writer, enum component_state state);
char state_class(enum component_state state); // one letter: u o d p x m
// Which of components are there, in their order, with links; at most shown, then how many more.
void write_components(const struct writer *writer, const uint32_t *components, size_t count,
    size_t shown);
const struct component_view *writer_component(const struct writer *writer, uint32_t number);

// --- graph.c: small pictures beside a component ---

void write_bars(const struct writer *writer, const struct uptime_day days[SNAPSHOT_DAYS]);
void write_sparkline(const struct writer *writer, const uint16_t responses[SNAPSHOT_RECENT]);
void write_legend(const struct writer *writer);

// --- chart.c: the two charts of a component, and their table ---

void write_charts(const struct writer *writer);

// --- incidents.c, windows.c, components.c: parts of the main page and pages of their own ---

void write_incident_title(const struct writer *writer, const struct incident_view *incident);
void write_open_incidents(const struct writer *writer);
void write_recent_incidents(const struct writer *writer);
void write_history(const struct writer *writer);
void write_incident(const struct writer *writer);
void write_incidents_of(const struct writer *writer, uint32_t component);
void write_windows(const struct writer *writer);
void write_component_list(const struct writer *writer);
void write_component(const struct writer *writer);
void write_report_form(const struct writer *writer, struct slice component);
size_t component_pages(const struct snapshot *snapshot);

// --- frame.c: all around the content, its look and its script ---

void write_frame_begin(const struct writer *writer, struct slice title_html);
void write_frame_end(const struct writer *writer);
