// What the files of the page share: the words said about a failure, times, and the frame that every
// HTML page stands in.
#pragma once

#include "base/text.h"
#include "edge/pages/page.h"

// Bytes of a value shown, once escaped; what is longer is cut.
#define PAGE_HOST_SHOWN 260
#define PAGE_MESSAGE_SHOWN 800
#define PAGE_SUPPORT_SHOWN 300
#define PAGE_REQUEST_ID_SHOWN 100
#define PAGE_PREFIX_SHOWN 100

// One failure in words, the same in each form.
struct page_words {
    const char *cause;       // for programs; see page.h
    const char *title;       // continues "SITE "
    const char *explanation; // whose fault it is, and what that means for the visitor
    const char *edge, *site; // state of this edge and of the site's server; NULL: not shown
    bool is_mistake;         // the request itself: repeating it changes nothing
};
struct page_words page_words_for(const struct page_facts *facts);

// "a moment", "4 minutes", "2 hours", "3 days": for "since" and "in".
void page_append_span(struct text *text, int64_t ms);
// "14:05 UTC", with the day in front when it is not today.
void page_append_clock(struct text *text, int64_t wall_ms, int64_t now_ms);

// Escaped, at most `shown` bytes of output, cut between characters and marked by an ellipsis.
void page_append_html(struct text *text, struct slice value, size_t shown);
// As it is, without control characters.
void page_append_plain(struct text *text, struct slice value, size_t shown);
// The clock in a <time> element, which the script turns into the visitor's own time zone.
void page_append_html_time(struct text *text, int64_t wall_ms, int64_t now_ms);
// The operator's contact as a link if it is a URL or a mail address.
void page_append_html_support(struct text *text, struct slice support, struct slice request_id);
void page_append_json_member(struct text *text, const char *name, struct slice value, size_t shown);
void page_append_json_time(
    struct text *text, const char *name, int64_t wall_ms); // 0: leaves it out

// What was averted in the last day, a bar per hour and in sum, in_detail by lifeline too; nothing
// where there was nothing. JSON: the member averted of page_site_status.
void page_html_history(struct text *text, const struct history_view *history, bool in_detail);
void page_json_history(struct text *text, const struct history_view *history);

// A buffer of PAGE_SIZE_MAX; false when the arena is full.
bool page_begin(struct text *ret_text, struct arena *arena) MUST_CHECK;

enum page_links {
    PAGE_LINK_AGAIN = 1,
    PAGE_LINK_HOME = 2,
    PAGE_LINK_STATUS = 4,
    PAGE_BUTTON_CLEAR = 8
};
// Whether links below the prefix can be shown.
bool page_has_own_pages(struct slice prefix);

// From the doctype to the end of the heading; title_html is escaped already. reload_seconds 0: the
// page stays as it is. A page that reloads has an element with the id "s", where the script says
// what it does.
void page_html_begin(struct text *text, struct slice title_html, uint64_t reload_seconds);
void page_html_end(struct text *text);
// A set of enum page_links; those that need the edge's own pages only where there are some.
void page_html_actions(struct text *text, struct slice prefix, unsigned links);
