// The lifelines, in the order in which they are tried within their phase. Adding one is a row here
// and a file lifelines/NAME.c that defines lifeline_NAME (see lifeline.h): enum, table, settings
// section and ledger counter all come from this row.
#pragma once

#include "base/base.h"

// X(NAME, file and settings name, metric, what the counter counts)
#define LIFELINE_MAP(X)                                                                            \
    X(STALE_WHILE_REVALIDATE, stale_while_revalidate, "saved_stale_while_revalidate",              \
        "stale at once, refreshed behind")                                                         \
    X(COALESCE, coalesce, "saved_coalesce", "answered by somebody else's fetch")                   \
    X(STALE_IF_SLOW, stale_if_slow, "saved_stale_if_slow",                                         \
        "stale because the backend was too slow")                                                  \
    X(RETRY, retry, "saved_retry", "answered by a further attempt")                                \
    X(HEDGE, hedge, "saved_hedge", "answered by another backend because the first was slow")       \
    X(MAINTENANCE, maintenance, "saved_maintenance",                                               \
        "stale because the backend is in maintenance, as declared or as it says")                  \
    X(RESUME, resume, "saved_resume", "answers whose content broke off and was continued")         \
    X(NEGATIVE_PROTECTION, negative_protection, "saved_negative_protection",                       \
        "stale because the backend's answer was not to be believed")                               \
    X(STALE_IF_ERROR, stale_if_error, "saved_stale_if_error", "stale because the backend failed")  \
    X(PEER_RESCUE, peer_rescue, "saved_peer_rescue",                                               \
        "a copy that another edge of the site held, because the backend failed")                   \
    X(ACCEPTED_WRITES, accepted_writes, "saved_accepted_writes",                                   \
        "written down, to be delivered when the origin is back")                                   \
    X(HOLD, hold, "saved_hold", "waited for the backend to come back, and were answered")          \
    X(STATIC_FALLBACK, static_fallback, "saved_static_fallback",                                   \
        "answered with the file of a rule's fallback, with a status below 500")                    \
    X(HONEST_PAGE, honest_page, "honest_pages", "could not be saved: told the truth with a page")

enum lifeline_id {
#define X(NAME, name, metric, help) LIFELINE_##NAME,
    LIFELINE_MAP(X)
#undef X
    LIFELINE_COUNT
};

// What every lifeline can be told; `values` are named by the rows in its own file.
enum { LIFELINE_BACKOFF_MAX_MS }; // of stale_if_error: read where a fetch fails
// Of retry: read where a request's content is, and where an attempt is answered.
enum { LIFELINE_RETRY_CONTENT, LIFELINE_GATHERED, LIFELINE_GATHER_MS };
struct lifeline_setting {
    bool enabled;
    uint64_t values[4];
};
