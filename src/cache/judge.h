// What may be done with a response: RFC 9111 sections 3 and 4, RFC 5861, and the operator's
// contract (DESIGN section 1: "What it may keep"). Pure functions: values in, values out.
#pragma once

#include "base/setting.h"
#include "http/cache_control.h"

// What the rules of a site say instead of the origin. UINT64_MAX: nothing.
struct judge_override {
    uint64_t fresh_ms;            // lifetime of successes and redirects, whatever the origin says
    uint64_t fresh_minimum_ms;    // of the same, but for no-cache
    uint64_t fresh_maximum_ms;    // of any answer
    uint64_t while_revalidate_ms; // stale-while-revalidate
    uint64_t store_despite;       // set of enum judge_store_despite
};
enum judge_store_despite {
    JUDGE_STORE_COOKIE,     // of the request
    JUDGE_STORE_SET_COOKIE, // which is for the one who asked and not stored
    JUDGE_STORE_PRIVATE,
    JUDGE_STORE_NO_STORE
};
extern const char *const judge_store_despite_choices[]; // NULL-terminated, for settings

// Section `cache` of a site.
struct judge_policy {
    uint64_t keep_ms;           // stale copies stay usable on failure this long (default 30d)
    uint64_t stale_despite;     // set of enum judge_despite
    uint64_t
        heuristic_percent; // of the time since Last-Modified (RFC 9111 section 4.2.2), default 10
    uint64_t heuristic_max_ms;  // default 1h
    uint64_t negative_max_ms; // the most that a 4xx counts as fresh, default 10m
    uint64_t errors_max_ms;   // the most that a 5xx counts as fresh, default 10s
    uint64_t set_cookie;      // enum judge_set_cookie
    uint64_t visitor_directives; // set of enum judge_visitor
    uint64_t uncacheable_ms; // how long "cannot be shared" is remembered (hit-for-miss), default 2m
    const struct judge_override *override; // no row: of the rule that fits; NULL: none
};
enum judge_despite {
    JUDGE_NO_CACHE,
    JUDGE_MUST_REVALIDATE,
    JUDGE_PROXY_REVALIDATE,
    JUDGE_S_MAXAGE
};
enum judge_set_cookie { JUDGE_SET_COOKIE_FRESH, JUDGE_SET_COOKIE_NEVER };
// What of a request's Cache-Control is heeded (RFC 9111 section 5.2.1).
enum judge_visitor {
    JUDGE_VISITOR_NO_CACHE,
    JUDGE_VISITOR_NO_STORE,
    JUDGE_VISITOR_MAX_AGE,
    JUDGE_VISITOR_MIN_FRESH,
    JUDGE_VISITOR_MAX_STALE,
    JUDGE_VISITOR_ONLY_IF_CACHED
};
extern const struct setting_section judge_settings;
extern const char *const judge_despite_choices[]; // NULL-terminated, for settings

enum judge_store {
    JUDGE_STORE,          // may be kept and shared
    JUDGE_NEVER,          // belongs to this request alone
};

// Why not stored, for Cache-Status and the debug view.
#define JUDGE_REASON_MAP(X)                                                                        \
    X(NONE, "") X(METHOD, "method") X(STATUS, "status") X(NO_STORE, "no-store")                    \
    X(PRIVATE, "private") X(AUTHORIZATION, "authorization") X(COOKIE, "cookie")                    \
    X(SET_COOKIE, "set-cookie") X(VARY_ALL, "vary") X(REQUEST_NO_STORE, "request-no-store")        \
    X(NO_FRESHNESS, "no-freshness") X(PARTIAL, "partial") X(MUST_UNDERSTAND, "must-understand") \
    X(DISBELIEVED, "disbelieved") /* not the judge's: the content is not to be believed */
enum judge_reason {
#define X(name, text) JUDGE_REASON_##name,
    JUDGE_REASON_MAP(X)
#undef X
};
const char *judge_reason_text(enum judge_reason reason);

struct judgement {
    enum judge_store store;
    enum judge_reason reason;
    bool explicit_freshness;
    bool drops_set_cookie;   // what is stored and shared must not hold it
    uint64_t initial_age_ms; // corrected_initial_age (RFC 9111 section 4.2.3)
    uint64_t lifetime_ms;    // freshness lifetime; 0: to be revalidated before every use
    uint64_t while_revalidate_ms; // stale-while-revalidate window after the lifetime
    uint64_t stale_ms;       // usable on failure this long after the lifetime; 0: never stale
};

// request_time/response_time: wall clock around the exchange, for the age sum.
void judge_response(const struct http_request_head *request,
    const struct http_response_head *response, const struct judge_policy *policy,
    int64_t request_time_ms, int64_t response_time_ms, struct judgement *ret_judgement);

// Of a request's directives, those that the operator lets visitors use; Pragma: no-cache counts as
// no-cache where there is no Cache-Control (RFC 9111 section 5.4).
void judge_visitor_control(const struct http_fields *request, const struct judge_policy *policy,
    struct http_cache_control *ret_control);

// 404 and 410 are answers and replace the copy; 5xx and 429 do not (DESIGN section 1).
bool judge_is_error(unsigned status);
bool judge_replaces(unsigned status);
