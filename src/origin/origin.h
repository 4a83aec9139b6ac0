// An origin: a site's pool of backends, with what is known of their health. Shared by all loops;
// survives a reload (backends are matched by origin name and URL).
//
// Health never causes an error (DESIGN section 4): probes are advisory and real traffic outranks
// them; a backend believed sick is avoided while another is believed well; when none is, all are
// tried; a new backend starts healthy; the last one is never left out.
#pragma once

#include "base/histogram.h"
#include "base/setting.h"
#include "http/content_class.h"
#include "io/io.h"
#include "origin/gate.h"
#include "tls/client.h"

enum origin_http2 { HTTP2_OFF, HTTP2_PRIOR_KNOWLEDGE, HTTP2_NEGOTIATE };
enum origin_balance { BALANCE_ROUND_ROBIN, BALANCE_LEAST_REQUESTS, BALANCE_HASH };

struct probe_settings {
    struct slice path; // empty: no probes
    struct slice host; // empty: host[:port] of the backend's URL
    struct setting_status_set expect;
    uint64_t interval_ms, timeout_ms, rise, fall;
};

struct timeout_settings {
    uint64_t connect_ms;       // names, and all addresses together
    uint64_t first_byte_ms;    // from the end of the request to the whole response head
    uint64_t between_bytes_ms; // without progress of a body, either way
    uint64_t total_ms;         // 0: none
};

struct pool_settings {
    uint64_t idle_connections; // kept per backend and loop
    uint64_t idle_timeout_ms;
    uint64_t connections;      // open per backend, all loops; beyond: LIMIT
    uint64_t http2_streams;    // exchanges at once on one HTTP/2 connection
};

struct concurrency_settings { // how many requests at once, see limit.h
    bool adaptive;
    uint64_t start, least, most;
};

struct retry_settings {
    uint64_t budget_percent; // extra attempts per request, of recent requests (default 10)
    uint64_t budget_floor;   // always allowed in a window (default 3)
    uint64_t rescues;        // beside the budget, to a backend that is well (default 20)
    uint64_t attempts;       // at most, the first included (default 3)
};

struct outlier_settings { // see outlier.h
    bool enabled;
    uint64_t share_percent; // so many more of its answers are bad
    uint64_t slow;          // times what 95 of 100 answers of the others take; 0: none is slow
    uint64_t pause_ms;      // the first
};

#define ORIGIN_BACKENDS_MAX 64

// A section of a SECTION_MAP: the key is the name. Every row but backends has a default.
struct origin_settings {
    struct slice name;
    struct setting_list backends; // of struct slice: URLs, "http[s]://host[:port]"
    uint64_t balance;             // enum origin_balance
    uint64_t http2;               // enum origin_http2
    uint64_t slow_start_ms;       // a returning backend's share grows over this time
    struct probe_settings probe;
    struct timeout_settings timeouts;
    struct pool_settings pool;
    struct concurrency_settings concurrency;
    struct retry_settings retry;
    struct outlier_settings outliers;
    struct tls_client_settings tls;
    struct tls_client *tls_client; // made of tls by whoever loads the settings; NULL: no https://
    // A name is asked for again when its answer's lifetime is over, within these bounds; the last
    // good answer stays.
    uint64_t dns_refresh_ms, dns_refresh_min_ms;
};
extern const struct setting_section origin_settings_section;
// The check behind `backends`, for addresses that come from elsewhere (a command line).
bool origin_check_backend(struct slice url, char *message, size_t message_size);

struct origins; // all of them
struct origin;

// backends[i] of the origin, for the outside:
struct backend_view {
    char url[256];
    bool healthy;
    char why[128];               // "3 of 3 probes failed: status 500" ...
    int64_t since_ms;            // wall clock of the last change, 0: since start
    int64_t next_probe_ms;       // wall clock, 0 without probes
    bool set_aside;              // healthy, but it answers worse than the others
    bool probe_disagrees;        // probes say sick while real traffic succeeds, or the reverse
    uint64_t at_once;            // requests it is asked at once, as far as is known
    uint64_t in_flight, requests, failures, connections_open, connections_idle, p95_ms;
};

struct origins *origins_create(struct loop **loops, unsigned loop_count) MUST_CHECK;
// Makes the set of origins be as settings say: known backends keep health, pools and addresses;
// those no longer named drain. On failure nothing changed. Loop 0's thread only (or before start).
enum error origins_configure(struct origins *origins, const struct origin_settings *settings,
    size_t count) MUST_CHECK;
// Starts probes and DNS refresh on loop 0, pool sweeping on each loop.
enum error origins_start(struct origins *origins) MUST_CHECK;
// Ends its tasks and closes idle connections; to be called in a task of loop 0 at drain.
void origins_stop(struct task *task, struct origins *origins);
void origins_destroy(struct origins *origins);

// A counted handle, valid across reloads; NULL if there is no such origin.
struct origin *origin_find(struct origins *origins, struct slice name);
void origin_release(struct origin *origin);
struct slice origin_name(const struct origin *origin);
size_t origin_backend_count(struct origin *origin);
// Fills up to capacity views; returns how many backends there are.
size_t origin_read_backends(struct origin *origin, struct backend_view *ret_views, size_t capacity);
struct origin_summary {
    size_t backends, healthy;
    int64_t healthy_since_ms; // of the backend that is for longest: wall clock, 0: since the start
    bool is_probed;           // at least one has been
    uint64_t answered_ns;     // when the latest good answer of traffic was asked for, 0: none yet
};
void origin_summarize(struct origin *origin, struct origin_summary *ret_summary);
// Nobody of it answers: no backend has answered below 500 since `*ret_since_ms` (wall clock).
bool origin_is_down(struct origin *origin, int64_t *ret_since_ms);
// The last answer of every backend was a failure: nobody may be there, or only this page failed.
bool origin_is_failing(struct origin *origin);
uint64_t origin_failures(struct origin *origin); // of all in a row; 0: one of them is well
// A page that had been 500 was well when it was asked for again, since then.
bool origin_has_mended_since(struct origin *origin, uint64_t since_ns);
// Any of its backends has answered below 500 what it was asked after then.
bool origin_has_answered_since(struct origin *origin, uint64_t since_ns);
uint64_t origin_last_failure_ns(struct origin *origin); // of traffic, at any backend; 0: none yet
// All its answers over this time were 503 with Retry-After.
bool origin_says_maintenance(struct origin *origin, uint64_t over_ns, uint64_t now_ns);
// p95 of the time to first byte over recent answers, 0 while unknown.
uint64_t origin_p95_ms(struct origin *origin);
// How long a backend may take before another one is likely to answer sooner; 0: nobody knows yet.
// *ret_has_other: there is one that is well and not in tried (bits as in exchange_open). Without
// any, it is this one's own p95. patience.c
uint64_t origin_patience_ms(struct origin *origin, size_t backend, uint64_t tried,
    bool *ret_has_other);
// The same of the time to the whole answer, for one class of content. It is told by whoever fetches
// what may be shared, from when somebody began to wait.
void origin_note_whole(struct origin *origin, enum http_content_class class, uint64_t took_ns);
uint64_t origin_whole_p95_ms(struct origin *origin, enum http_content_class class);
// Who may ask it now, and who waits. As long as the origin.
struct gate *origin_gate(struct origin *origin);
struct retry_settings origin_retry(struct origin *origin);
struct timeout_settings origin_timeouts(struct origin *origin);

// The one budget for extra attempts (SRE book ch. 21): count every fetch once, ask before each
// attempt beyond its first, whoever makes it. While the origin accepts less than half of what it is
// sent, the share shrinks (throttle.h) down to the floor.
void origin_budget_count(struct origin *origin, uint64_t now_ns);
bool origin_budget_take(struct origin *origin, uint64_t now_ns);
// The same for a request that one backend has failed: where another, not in tried, is well and has
// room, a few more are allowed than the budget has.
bool origin_budget_take_rescue(struct origin *origin, uint64_t tried, uint64_t now_ns);
// The same for a second attempt beside a slow one, which has a share of its own within the budget.
bool origin_budget_take_hedge(struct origin *origin, uint64_t percent, uint64_t now_ns);
// Beside the budget, once a second: while nobody answers somebody has to look, however soon the
// budget of a quiet site was spent.
bool origin_take_trial(struct origin *origin, uint64_t now_ns);
struct origin_statistics {
    uint64_t requests;            // fetches, counted by origin_budget_count
    uint64_t attempts;            // of exchange_open
    uint64_t extra_attempts, budget_refusals;
    uint64_t rescues;             // of the extra attempts, those beside the budget
    uint64_t throttled;           // of these refusals, by the throttle alone
    uint64_t failures;            // attempts and bodies that failed, 500, 502, 503 and 504
    uint64_t resolve_failures;
    uint64_t stale_connections;   // kept ones that the backend had closed
    uint64_t connection_refusals; // pool.connections was reached
    uint64_t overloads;           // no backend had room
    uint64_t pool_overflows;      // pool.idle_connections was reached
    uint64_t outliers;            // times that a backend was set aside
    uint64_t waiting;             // at its gate, now
    uint64_t waits, waits_background, waits_bots; // there: in all, and of these classes
    uint64_t wait_refusals, wait_timeouts;
    uint64_t displaced;           // gave their place up to somebody who matters more
    uint64_t maintenances;        // times it said that it was in maintenance
};
void origin_read_statistics(struct origin *origin, struct origin_statistics *ret_statistics);
