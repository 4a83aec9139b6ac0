// The honest page and the edge's own small pages: facts in, bytes out. No I/O, no state.
#pragma once

#include "base/arena.h"
#include "edge/history.h"
#include "edge/outbox/outbox_format.h"
#include "edge/settings.h"

enum page_form { PAGE_HTML, PAGE_JSON, PAGE_TEXT };

// By the request's Accept (RFC 9110 section 12.5.1): what it likes best of the three; HTML for a
// navigation, text where it names none of them.
enum page_form page_form_for(const struct http_fields *request);
// Whether the visitor's browser sees this as a secure context, as far as the request tells:
// browsers send fetch metadata to such only (localhost is one), and a proxy that ends TLS in front
// of us says so.
bool page_is_secure(const struct http_fields *request);

// What is true about this failure. Never an internal address.
struct page_facts {
    unsigned status;   // 502, 503, 504, or a visitor's mistake (4xx): then no blame on the site
    struct slice host; // the site as the visitor named it
    struct slice request_id;
    int64_t now_ms;               // wall clock
    int64_t down_since_ms;        // 0: not known to be down as a whole, only this request failed
    int64_t next_try_ms;          // when the backend will be asked again; 0: with the next request
    bool maintenance;             // declared
    bool overloaded;              // the edge itself refused (503): then no blame on the site either
    bool was_write;               // the request was not safe: the page does not repeat it by itself
    int64_t maintenance_until_ms; // the operator's ETA, 0: none
    struct slice message;         // the operator's, may be empty
    struct slice support;         // may be empty
    struct slice prefix;          // of the edge's own pages; empty: no links, no button
    bool secure;                  // the visitor's connection is a secure context
    uint64_t retry_after_seconds;
    uint64_t jitter_seconds; // added to the reload, so that visitors do not return as one herd
    int64_t expected_ms; // when the site is said to be back, 0: nobody has said; see page_expect
    struct slice report_token; // of a form by which visitors tell the operators; empty: no form
};

// Whether the site has failed, and nobody has announced it: only then is it worth telling.
bool page_blames_site(const struct page_facts *facts);
// Somebody has said when the site is expected back; 0: nobody has. It says when to come again too,
// in an hour at the latest: sites are back earlier than was feared. A declared maintenance's own
// ETA is the better one, and a page that does not blame the site says nothing of it.
void page_expect(struct page_facts *facts, int64_t expected_ms);

// The body in the form; NULL data when the arena is full. HTML stays under PAGE_SIZE_MAX: overlong
// values are cut. JSON is an RFC 9457 problem of type about:blank with the extension members cause
// (origin_down, origin_error, origin_slow, maintenance, edge_busy, edge_error, request), site,
// request_id, retry_after (seconds) and, where known, down_since, next_try, maintenance_until,
// expected (RFC 3339), message, support, and report (where to POST to, to tell the operators).
#define PAGE_SIZE_MAX 8192
#define PAGE_TOKEN_MAX 384 // bytes: with the longest name of a site
struct slice page_error(struct arena *arena, enum page_form form, const struct page_facts *facts);
struct slice page_content_type(enum page_form form);
// For Content-Security-Policy on the HTML form: its style and script are constant and allowed by
// hash.
struct slice page_content_security_policy(void);

// State of one site in plain words for /.afloat/status; no internal addresses. JSON: {page: {name,
// updated_at}, status: {indicator: none|minor|major|critical|maintenance, description}, servers:
// {total, healthy}, averted: {last_hour, last_day, errors_last_day, by_lifeline: {NAME: COUNT}}
// and, where known, down_since, maintenance_until, message, support}.
struct page_status {
    struct slice host;
    int64_t now_ms;
    size_t backends, backends_healthy;
    bool down; // nobody of the origin answers
    int64_t down_since_ms;
    bool maintenance;
    int64_t maintenance_until_ms;
    struct slice message;
    struct slice support;
    struct slice prefix;
    bool secure;
    const struct history_view *history; // of the last 24 hours; NULL: not shown
};
struct slice page_status_content_type(enum page_form form); // of page_site_status and page_cleared
struct slice page_site_status(
    struct arena *arena, enum page_form form, const struct page_status *status);
// After the button "clear this site's cached files in my browser" was used.
struct slice page_cleared(
    struct arena *arena, enum page_form form, struct slice host, struct slice prefix);

// What became of an accepted write, for its 202 and for /.afloat/outbox/ID. JSON: {id, state, url,
// accepted}, url being where to ask again, and, where known, over, status (of the site's answer),
// location (what that says of where the result is), support.
struct page_write {
    struct slice host, id, prefix, support;
    enum outbox_state state;
    unsigned status;              // of the origin's answer; 0: none
    struct slice location;        // likewise; may be empty
    int64_t accepted_ms, over_ms; // over_ms 0: it is not over
    int64_t now_ms;
};
struct slice page_accepted_write(
    struct arena *arena, enum page_form form, const struct page_write *write);
