// The status page and its neighbours as HTML: snapshot in, bytes out; no I/O, no state. Readable
// without JavaScript, keyboard and screen reader alike, light and dark, from left and from right.
#pragma once

#include "watch/history/chronicle.h"
#include "watch/visit.h"

#define STATUS_PAGE_COMPONENTS 50 // on one page

enum status_page_kind {
    STATUS_PAGE_MAIN,
    STATUS_PAGE_HISTORY,   // past incidents by month
    STATUS_PAGE_INCIDENT,
    STATUS_PAGE_COMPONENT, // with charts
};

struct status_page {
    enum status_page_kind kind;
    const struct snapshot *snapshot;
    struct slice base, home;   // see visit.h
    struct slice language;
    int64_t now_ms;
    unsigned number;           // of the page, from 1 (main); months ago, from 0 (history)
    uint32_t component;        // of STATUS_PAGE_COMPONENT
    const struct incident_view *incident;
    const struct chronicle_point *points; // of a component, the oldest first; or NULL
    size_t point_days;         // CHRONICLE_POINTS points each
    bool reports, subscribe, operators; // which links and forms there are
    struct slice report_token; // for the form of the component; empty: no form
};

// From memory_alloc, the caller's. MEMORY.
enum error status_page_write(const struct status_page *page, char **ret_html,
    size_t *ret_size) MUST_CHECK;
// For its Content-Security-Policy: style and script are constant but for the brand's colours.
void status_page_security_policy(const struct snapshot *snapshot, struct text *text);
// The best of our languages for Accept-Language (RFC 9110 section 12.5.4), or ?lang=, else the
// fallback.
struct slice status_page_language(struct slice accept_language, struct slice wanted,
    struct slice fallback);
// A small page around one message (what became of a report, a form that is wrong): title and text
// are keys of words.h or plain text; in the arena.
struct slice status_page_message(struct arena *arena, const struct visit *visit,
    struct slice title, struct slice text);

// Answers "", "status", "history", "incident/ID", "component/ID", "logo": what it does not know is
// false.
bool status_page_serve(struct task *task, const struct visit *visit, struct database *database,
    struct edge_page *ret_page);
