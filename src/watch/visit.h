// One request to the status page and its neighbours: what every page of this room is given. Pages
// run in the request's task, whose stack is small (frames below 16 KB): what is long, or takes more
// than a millisecond, goes to one of the room's own threads by visit_run.
#pragma once

#include "edge/edge.h"
#include "watch/snapshot.h"

struct watch;
struct world;

struct visit {
    const struct edge_page_request *request; // method, fields, query, client, arena
    struct watch *watch;
    struct world *world; // in force during this visit
    struct slice base; // what stands before every name: the prefix "/.afloat/", or "/" on a host of
                       // the status page's own
    struct slice home; // the path of the status page itself: "/.afloat/status", or "/"
    struct slice name; // of the page, behind base: "report", "incident/k3x9…", "" for home
    const struct snapshot *snapshot; // all that may be shown here
    int64_t now_ms;    // wall clock
    struct slice language; // two letters, one of those there are words for
    uint64_t moment;   // of what is shown: what the page's stream of changes begins after
};

// Runs work on one of the room's threads and waits for its end. LIMIT: too much is waiting.
enum error visit_run(struct task *task, const struct visit *visit, void (*work)(void *argument),
    void *argument) MUST_CHECK;
// The content of a POST, in the visit's arena. LIMIT: more than maximum bytes. Others: it broke
// off.
enum error visit_read_content(struct task *task, const struct visit *visit, size_t maximum,
    struct slice *ret_content) MUST_CHECK;
// A decoded value of application/x-www-form-urlencoded content, or of a query, in the arena. data
// NULL: there is none of that name, or it cannot be decoded.
struct slice visit_form_value(const struct visit *visit, struct slice form,
    struct slice name) MUST_CHECK;
// In the content coding that the visitor likes best (RFC 9110 section 12.5.3), where the page is
// large enough. Not for what repeats a visitor's words beside a secret: its length would tell.
void visit_encode(struct task *task, const struct visit *visit, struct edge_page *page);
// The visitor came from a page of this host, as far as his browser tells (Sec-Fetch-Site, Origin):
// false for what another site made his browser send.
bool visit_is_from_here(const struct visit *visit);
