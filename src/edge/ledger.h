// The ledger: what each lifeline saved, and what could not be saved. One row of counters per loop,
// written by that loop alone, read by anyone.
#pragma once

#include "edge/lifeline_map.h"
#include "http/http1.h"

#include <stdatomic.h>

// X(name, metric name, help)
#define LEDGER_MAP(X)                                                                              \
    X(REQUESTS, "requests", "requests answered")                                                   \
    X(HITS, "hits", "answered from a fresh copy")                                                  \
    X(MISSES, "misses", "answered by a fetch, begun or joined")                                    \
    X(PASSES, "passes", "answered by a fetch that cannot be shared")                               \
    X(REVALIDATED, "revalidated", "answered after the backend confirmed the copy (304)")           \
    X(ORIGIN_ERRORS, "origin_errors", "failed attempts seen")                                      \
    X(DISBELIEVED, "disbelieved", "answers with status 200 that a rule's protect did not believe") \
    X(DISBELIEVED_PASSED, "disbelieved_passed",                                                    \
        "of these, those passed on and not stored, since no copy could be sent instead")           \
    X(ORIGIN_FETCHES, "origin_fetches", "fetches begun")                                           \
    X(WRITES_NOT_KEPT, "writes_not_kept",                                                          \
        "requests with Idempotency-Key and more content than lifelines.retry.content")             \
    X(HEDGES, "hedges", "second attempts made beside a slow first one")                            \
    X(HEDGES_WON, "hedges_won", "of these, those whose answer was taken")                          \
    X(VISITOR_ERRORS, "visitor_errors",                                                            \
        "answers of 500 and above that a visitor saw, those of rules apart")                       \
    X(FALLBACK_ERRORS, "fallback_errors",                                                          \
        "of these, those that were the file of a rule's fallback")                                 \
    X(STRAYED, "strayed", "whose straight way to an answer failed, or was too slow")               \
    X(CUT, "cut", "answers that broke off because their content did, or never began")              \
    X(GAVE_UP, "gave_up", "visitors who left before a lifeline had an answer")                     \
    X(BAD_REQUESTS, "bad_requests", "malformed requests refused")                                  \
    X(BROKEN_BODIES, "broken_bodies", "fetches whose content the backend broke off")               \
    X(CONTINUATIONS, "continuations",                                                              \
        "further exchanges that went on with a content which broke off or stood still")            \
    X(ABORTED, "aborted", "visitors who left before their answer was complete")                    \
    X(SHED, "shed", "not taken to an origin, or refused, at active_requests or tasks.limit")       \
    X(WAITED_FOR_TASK, "waited_for_task", "had to wait for a task: tasks.limit was reached")       \
    X(REDIRECTS, "redirects", "answered by a rule's redirect, or sent on from an alias")           \
    X(ANSWERS_BY_RULE, "answers_by_rule", "answered by a rule's answer")                           \
    X(METHODS_REFUSED, "methods_refused", "refused because of a rule's limits.methods: 405")       \
    X(CONTENTS_REFUSED, "contents_refused", "refused because of a rule's limits.content: 413")     \
    X(URLS_REFUSED, "urls_refused", "refused because of a rule's limits.url: 414")                 \
    X(RESPONSES_REFUSED, "responses_refused",                                                      \
        "answers of origins refused or broken off because of a rule's limits.response")            \
    X(FETCHES_REFUSED, "fetches_refused", "fetches not begun for want of tasks or memory")         \
    X(CONNECTIONS, "connections", "connections accepted")                                          \
    X(CONNECTIONS_REFUSED, "connections_refused",                                                  \
        "closed because connections.maximum was reached")                                          \
    X(CLIENT_CONNECTIONS, "client_connections",                                                    \
        "connections beyond clients.connections, answered 429 or closed")                          \
    X(CLIENT_HANDSHAKES, "client_handshakes",                                                      \
        "connections closed because their client began more than clients.handshakes")              \
    X(RATE_LIMITED, "rate_limited", "requests beyond a site's rate for one client")                \
    X(PURGES, "purges", "purges over HTTP")                                                        \
    X(PURGES_REFUSED, "purges_refused", "purges over HTTP that were not allowed or malformed")     \
    X(VANTAGE_LOOKS, "vantage_looks", "looks at a URL from here, for others")                      \
    X(VANTAGE_SHARED, "vantage_shared", "answered by a look that was taken for somebody else")     \
    X(VANTAGE_LIMITED, "vantage_limited", "refused beyond vantage's rates or vantage.looks")       \
    X(VANTAGE_REFUSED, "vantage_refused", "not looked at: no such URL, address, port or ticket")   \
    X(CHECK_FORMS, "check_forms", "the check page's form, shown without a URL")                    \
    X(PROXY_HEADER_FAULTS, "proxy_header_faults",                                                  \
        "closed for want of a PROXY header, or because it was malformed or late")                  \
    X(CONNECTIONS_SPENT, "connections_spent", "closed because connections.requests was reached")   \
    X(IDLE_TIMEOUTS, "idle_timeouts", "closed after connections.idle_timeout")                     \
    X(HEAD_TIMEOUTS, "head_timeouts", "refused because the head took longer than head_timeout")    \
    X(BODY_TIMEOUTS, "body_timeouts", "uploads given up after body_timeout")                       \
    X(SEND_TIMEOUTS, "send_timeouts", "cut because a visitor took nothing for send_timeout")       \
    X(STALE_FORBIDDEN, "stale_forbidden",                                                          \
        "errors shown although a copy was held that may not go stale")                             \
    X(FORBIDDEN_NO_CACHE, "stale_forbidden_no_cache", "of these, with no-cache in the way")        \
    X(FORBIDDEN_MUST_REVALIDATE, "stale_forbidden_must_revalidate",                                \
        "of these, with must-revalidate in the way")                                               \
    X(FORBIDDEN_PROXY_REVALIDATE, "stale_forbidden_proxy_revalidate",                              \
        "of these, with proxy-revalidate in the way")                                              \
    X(FORBIDDEN_S_MAXAGE, "stale_forbidden_s_maxage", "of these, with s-maxage in the way")        \
    X(TUNNELS, "tunnels", "tunnels opened (Upgrade, extended CONNECT)")                            \
    X(TUNNELS_REFUSED, "tunnels_refused", "not opened because connections.tunnels was reached")    \
    X(TUNNELS_IDLE, "tunnels_idle", "closed after connections.tunnel_idle_timeout")                \
    X(TUNNEL_BYTES, "tunnel_bytes", "bytes passed through tunnels, both ways")                     \
    X(TLS_HANDSHAKES, "tls_handshakes", "TLS handshakes finished")                                 \
    X(TLS_RESUMED, "tls_resumed", "of these, sessions resumed by a ticket")                        \
    X(TLS_KERNEL, "tls_kernel", "of these, where the kernel encrypts what is sent (kTLS)")         \
    X(TLS_FAILED, "tls_failed", "TLS handshakes that failed")                                      \
    X(TLS_TIMEOUTS, "tls_timeouts", "closed after tls.handshake_timeout")                          \
    X(TLS_REFUSED, "tls_refused", "closed because tls.handshakes was reached")                     \
    X(TLS_PLAIN, "tls_plain", "requests without TLS to a port that speaks it")                     \
    X(TLS_MISDIRECTED, "tls_misdirected", "refused: the certificate is not for that host")         \
    X(HTTPS_REDIRECTS, "https_redirects", "sent to https:// by https.redirect")                    \
    X(OVERLOAD_SILENT, "overload_silent",                                                          \
        "silent connections closed because descriptors, memory or tasks were tight")               \
    X(OVERLOAD_SLOW, "overload_slow",                                                              \
        "visitors cut for a slow head or for taking too little, while these were short")           \
    X(OVERLOAD_REFRESHES, "overload_refreshes", "refreshes behind a copy put off meanwhile")       \
    X(OVERLOAD_PREFETCHES, "overload_prefetches",                                                  \
        "prefetches, and what else nobody waits for, not taken to an origin meanwhile")            \
    X(OVERLOAD_BOTS, "overload_bots", "requests of bots not taken to an origin meanwhile")         \
    X(OVERLOAD_REFUSED, "overload_refused", "requests not taken to an origin: it was critical")    \
    X(OVERLOAD_PAUSES, "overload_pauses",                                                          \
        "times that connections had to wait because no descriptor was left for them")              \
    X(PEERS_ASKED, "peers_asked", "requests for which other edges were asked")                     \
    X(PEERS_SERVED, "peers_served", "copies sent to other edges")                                  \
    X(BYTES_SENT, "bytes_sent", "bytes of answers sent to visitors")                               \
    X(COMPRESSED, "compressed", "answers sent compressed by the edge")                             \
    X(FORMS_MADE, "forms_made", "compressed forms of copies made")                                 \
    X(FORMS_POINTLESS, "forms_pointless", "compressed forms that would hardly have been smaller")  \
    X(FORMS_PUT_OFF, "forms_put_off",                                                              \
        "compressed forms not made for now: compression.jobs was reached, or memory")              \
    X(FORMS_GROWN, "forms_grown",                                                                  \
        "contents compressed while they came, each once for all who waited for it")                \
    X(ENCODERS_REFUSED, "encoders_refused",                                                        \
        "sent as they are because compression.streams was reached, or memory")                     \
    X(RANGE_RESTARTS, "range_restarts", "laggards of a large transfer that went on by Range")      \
    X(STATUS_PAGES, "status_pages", "answers of the status page and its neighbours")               \
    X(STATUS_STREAMS, "status_streams", "of these, streams of changes (server-sent events)")       \
    X(STATUS_REFUSED, "status_refused", "of these, refusals: 4xx, and 503 for want of room")       \
    X(HTTP2_CONNECTIONS, "http2_connections", "connections that spoke HTTP/2")                     \
    X(HTTP2_REFUSED, "http2_refused", "streams refused, for which nothing was done: ask again")    \
    X(HTTP2_RESETS, "http2_resets", "streams that visitors reset before they were answered")       \
    X(HTTP2_ERRORS, "http2_errors", "HTTP/2 connections ended for a breach of the protocol")       \
    X(HTTP2_RESET_FLOODS, "http2_reset_floods",                                                    \
        "HTTP/2 connections ended for more resets than connections.http2.resets")                  \
    X(HTTP2_PING_FLOODS, "http2_ping_floods", "ended for too many PING frames")                    \
    X(HTTP2_SETTINGS_FLOODS, "http2_settings_floods", "ended for too many SETTINGS frames")        \
    X(HTTP2_PRIORITY_FLOODS, "http2_priority_floods",                                              \
        "ended for too many PRIORITY or PRIORITY_UPDATE frames")                                   \
    X(HTTP2_WINDOW_FLOODS, "http2_window_floods",                                                  \
        "ended for more WINDOW_UPDATE frames than the answers called for")                         \
    X(HTTP2_EMPTY_FLOODS, "http2_empty_floods", "ended for too many frames with nothing in them")  \
    X(HTTP2_CONTINUATION_FLOODS, "http2_continuation_floods",                                      \
        "ended for a head in too many CONTINUATION frames")                                        \
    X(HTTP2_HEADER_BOMBS, "http2_header_bombs",                                                    \
        "ended for a small block that decodes to an enormous head")                                \
    X(HTTP2_OTHER_FLOODS, "http2_other_floods", "ended for too many frames of unknown types")

// The ledger balances: of the requests whose straight way failed, each was either saved by one
// lifeline (lifeline_averts), or its visitor saw an error or a broken answer, or had left (a file
// of the operator's with a status of an error is an error):
//   STRAYED = sum of SAVED_* that avert + VISITOR_ERRORS + CUT + GAVE_UP
// The four are counted apart from each other, where each of them happens; the simulation holds
// them against each other and against what its visitors saw.

// First LEDGER_SAVED_NAME of each lifeline, in their order, then the rest.
enum ledger_count {
#define X(NAME, name, metric, help) LEDGER_SAVED_##NAME,
    LIFELINE_MAP(X)
#undef X
#define X(name, metric, help) LEDGER_##name,
    LEDGER_MAP(X)
#undef X
    LEDGER_COUNTS
};

struct ledger_row {
    _Alignas(64) _Atomic uint64_t counts[LEDGER_COUNTS];
    _Atomic uint64_t faults[HTTP1_FAULT_COUNT]; // refused requests by kind
};

static inline void ledger_add(struct ledger_row *row, enum ledger_count count, uint64_t value)
{
    // One writer per row: a plain increment that readers may see late.
    uint64_t now = atomic_load_explicit(&row->counts[count], memory_order_relaxed);
    atomic_store_explicit(&row->counts[count], now + value, memory_order_relaxed);
}

static inline void ledger_add_fault(struct ledger_row *row, enum http1_fault fault)
{
    ledger_add(row, LEDGER_BAD_REQUESTS, 1);
    uint64_t now = atomic_load_explicit(&row->faults[fault], memory_order_relaxed);
    atomic_store_explicit(&row->faults[fault], now + 1, memory_order_relaxed);
}

const char *ledger_name(enum ledger_count count);
const char *ledger_help(enum ledger_count count);
