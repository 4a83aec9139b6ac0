// Tells people: mail and webhooks, from a queue on the disk that outlives a crash, with retries,
// without duplicates, and so that many things at once make one message. One thread of its own. And
// who wants to be told: subscribing (double opt-in), unsubscribing (RFC 8058).
#pragma once

#include "watch/notify/notify_settings.h"
#include "watch/visit.h"
#include "watch/world.h"

struct courier;

enum notice_kind {
    NOTICE_INCIDENT,  // opened, updated or resolved, as state says
    NOTICE_WINDOW,    // announced, begun or over
};

struct notice {
    enum notice_kind kind;
    struct slice id, title, text;
    enum incident_state state;      // of an incident
    enum incident_impact impact;
    enum window_state window_state; // of a window
    int64_t begin_ms, end_ms;       // of a window; of an incident its start and its end or 0
    int64_t eta_ms, at_ms;          // at_ms 0: now
    bool is_update; // of something that was told before
    bool is_own_title, is_own_text; // afloat's own words, of this reason: pages and mails say the
    struct reason reason;           // same in the reader's language
    const struct slice *components; // titles
    const struct slice *component_ids; // of the same; NULL: all who are told anything are told
    size_t component_count;            // 0: it concerns everything
};

// database NULL: nothing outlives the process. secret: signs links in mails. INVALID: why says what
// is wrong with the settings.
enum error courier_create(const struct notify_settings *settings, const struct brand *brand,
    struct database *database, const uint8_t secret[32], struct text *why,
    struct courier **ret_courier) MUST_CHECK;
enum error courier_start(struct courier *courier) MUST_CHECK;
void courier_destroy(struct courier *courier); // what is not sent yet stays in the queue

void courier_tell(struct courier *courier, const struct notice *notice); // any thread; copies
struct courier_counts {
    uint64_t sent, tried_again, failed; // deliveries: taken, put off, given up
    uint64_t dropped;                   // for lack of room, or because the recipient is gone
    uint64_t queued, subscribers;       // now
};
void courier_read_counts(struct courier *courier, struct courier_counts *ret_counts);

// base + "subscribe", "confirm", "unsubscribe". False: the visit is for none of them.
bool courier_serve(struct task *task, struct courier *courier, const struct visit *visit,
    struct edge_page *ret_page);
