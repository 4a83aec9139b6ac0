// The life of a fetch: a task of its own that asks the origin, passes the answer on to everybody
// who waits for the flight, and fills the cache. It may outlive the request that began it.
#pragma once

#include "edge/thread.h"
#include "origin/exchange.h"

struct lifeline;
struct request;

// The flight's report.
struct fetch_report {
    struct task *task;             // while it runs; its own loop only
    const struct lifeline *saved_by; // made a further attempt succeed
    _Atomic(const struct lifeline *) content_saved_by; // went on with it; set at any time
    struct failure failure;        // of the last failed attempt; kind NONE if all went well
    unsigned attempts;
    uint64_t first_byte_ms;
    bool revalidated;              // by a 304
    enum judge_reason reason;      // why the answer is not stored
    char backend[64];              // asked last, host:port
};

struct fetch {
    struct edge_thread *thread;
    struct generation *generation;
    struct site *site;
    struct origin *origin;
    struct flight *flight;
    struct fetch_report *report;   // the flight's
    const struct judge_policy *policy; // the site's, with what rules override
    const struct rule_protect_settings *protect; // answers that it does not believe; NULL: none
    struct arena arena;            // holds all strings below
    struct http_request_head head; // of the request that began it, for judging the response
    struct cache_key key;
    bool shareable;
    bool may_keep;                 // a POST's answer, or a part: nothing else stands against it
    unsigned credentials;
    uint64_t response_limit;       // bytes of content that the answer may bring
    enum judge_reason reason;      // why the answer is not stored
    struct object *copy;           // to be revalidated; NULL: none
    struct exchange_request request;
    struct request *writer;        // may be sent more than once, and outlives it; NULL: nobody's
    struct request *upgrader;      // asks for another protocol, and outlives it; NULL: nobody does
    struct slice conditions;       // within request.fields: the copy's validators
    uint64_t tried;                // backends, a bit each
    unsigned attempts;
    bool hedged;                   // once in its life
    struct failure failure;        // of the attempt just made
    const struct lifeline *saved_by;
    uint64_t asked_ns;             // when the attempt just answered began to be sent
};

static inline const struct site_settings *fetch_site(const struct fetch *fetch)
{
    return fetch->site->settings;
}

bool fetch_has_untried_backend(const struct fetch *fetch);

// Starts it for the flight that the request leads. In scope it ends with the request (its body is
// read from the visitor); scope NULL: it may go on alone. MEMORY or LIMIT.
enum error fetch_start(struct request *request, struct flight *flight,
    struct scope *scope) MUST_CHECK;

// The bound on all attempts of a fetch together, for those who wait for it.
uint64_t fetch_patience_ms(const struct request *request);

// "Cannot be shared" is remembered apart for each kind of credentials.
struct cache_key fetch_hint_key(const struct cache_key *key, unsigned credentials);
