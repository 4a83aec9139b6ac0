// The status page and its neighbours as HTML: snapshot in, bytes out; no I/O, no state. Readable
// without JavaScript, keyboard and screen reader alike, light and dark, from left and from right.
//
// With JavaScript the page listens to base + "events" (text/event-stream): event "change" makes it
// fetch itself anew; event "alive" (data: how old the newest snapshot is, ms) says that nothing has
// changed. Where neither comes for half a minute, it asks by itself.
#pragma once

#include "watch/history/changes.h"
#include "watch/history/chronicle.h"
#include "watch/visit.h"

#define STATUS_PAGE_COMPONENTS 50 // on one page
#define STATUS_PAGE_CHANGES 20    // of a component

enum status_page_kind {
    STATUS_PAGE_MAIN,
    STATUS_PAGE_HISTORY,   // past incidents by month
    STATUS_PAGE_INCIDENT,
    STATUS_PAGE_COMPONENT, // with charts
    STATUS_PAGE_MESSAGE,
};

struct status_page {
    enum status_page_kind kind;
    const struct snapshot *snapshot;
    struct slice base, home;   // see visit.h
    struct slice language;
    bool keeps_language;       // the visitor chose it: links lead to pages in it
    int64_t now_ms;
    uint64_t moment;           // see visit.h
    unsigned number;           // of the page, from 1 (main); months ago, from 0 (history)
    uint32_t component;        // of STATUS_PAGE_COMPONENT
    const struct incident_view *incident;
    const struct chronicle_point *points; // of a component, the oldest first; or NULL
    const struct change *changes; // of a component, the newest first; NULL: there is no database
    size_t change_count;
    size_t point_days;         // CHRONICLE_POINTS points each: 1, 7 or 90
    struct slice title, message; // of STATUS_PAGE_MESSAGE: keys of words.h or plain text
    struct slice token;        // of STATUS_PAGE_MESSAGE: in its address, so in those of the same
                               // page in other languages; letters, digits, - and _
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
// are keys of words.h or plain text; in the arena. data NULL: no memory.
struct slice status_page_message(struct arena *arena, const struct visit *visit,
    struct slice title, struct slice text);
// An answer with it, its policy and further fields; for whoever shows such a page.
void status_page_answer(const struct visit *visit, unsigned status, struct slice title,
    struct slice message, const char *fields, struct edge_page *ret_page);
#define STATUS_PAGE_TYPE "text/html; charset=utf-8" // of all these pages

// What else there is here.
struct status_page_offers {
    struct database *database;  // NULL: no points for charts
    bool reports, subscribe, operators;
    // The token of the form for a component (its id), or of the whole page (empty). NULL: no form.
    void (*write_token)(void *context, struct slice component, int64_t now_ms, struct text *token);
    void *context;
};

// Finished pages of the last second, so that a rush of visitors costs one rendering. Any thread.
struct status_shelf;
struct status_shelf *status_shelf_create(void) MUST_CHECK; // NULL: no memory
void status_shelf_destroy(struct status_shelf *shelf);     // NULL is fine

// Answers "", "status", "history", "incident/ID", "component/ID", "logo": what it does not know is
// false. An ID that there is none of is a page that says so, with 404.
bool status_page_serve(struct task *task, struct status_shelf *shelf, const struct visit *visit,
    const struct status_page_offers *offers, struct edge_page *ret_page);
