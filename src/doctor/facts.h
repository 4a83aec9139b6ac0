// What was found out about one URL from one place: values only, nothing of how they came to be
// known. Steps fill it in (step.h), rules judge it (judge.h), renderers show it; a vantage sends it
// as JSON (facts_json.h), so the facts of another place look the same as one's own.
//
// Whatever nobody has looked at, or could not tell, is 0: a rule that wants a fact must find it
// there. Texts are slices in the arena of the one who asked; those that strangers wrote are kept as
// they came and made harmless where they are shown (printable.h).
#pragma once

#include "base/arena.h"
#include "doctor/verdict.h"
#include "io/address.h"

enum fact { FACT_UNKNOWN, FACT_GOOD, FACT_BAD };

// --- This machine and the way out of it ---

struct link_facts {
    enum fact interface;     // one is up, beside the loopback
    enum fact route_v4, route_v6; // a default route; BAD: an address of that family, but no route
    bool has_v4, has_v6;     // an address that reaches beyond this link
    char name[16];           // of the interface that the default route uses
    struct address gateway;  // of that route
    enum fact gateway_answers; // its link-layer address is known, or it answered
};

// A page of 204 and nothing else was asked for, without TLS.
struct portal_facts {
    enum fact clear;
    unsigned status;
    struct slice location; // where it wanted to send the visitor
    struct slice asked;    // the third party
};

struct environment_facts {
    struct slice proxy_variable, proxy; // which one holds for this URL, without userinfo
    enum fact proxy_answers;
    struct slice hosts_line; // of the hosts file, for this name
};

struct clock_facts {
    enum fact right;       // within a minute of what others say
    int64_t ahead_seconds; // of them
    struct slice asked;
};

// --- Names ---

enum resolver { RESOLVER_SYSTEM, RESOLVER_SECOND, RESOLVER_HTTPS, RESOLVER_COUNT };

enum name_outcome {
    NAME_UNKNOWN,  // not asked
    NAME_FOUND,
    NAME_NONE,     // NXDOMAIN
    NAME_EMPTY,    // it exists, without an address
    NAME_FAILED,   // SERVFAIL, REFUSED and the like
    NAME_SILENT,   // no answer in time
    NAME_UNREACHABLE, // nobody there to ask
};

#define FACTS_ADDRESSES_MAX 16

struct name_facts {
    enum name_outcome outcome;
    struct slice asked; // whom
    struct address addresses[FACTS_ADDRESSES_MAX];
    unsigned count;
    unsigned ms;
};

// --- The way to the site ---

enum reach_outcome {
    REACH_UNKNOWN,
    REACH_GOOD,
    REACH_REFUSED,
    REACH_RESET,
    REACH_SILENT,       // no answer in time
    REACH_UNREACHABLE,  // no route, or somebody on the way said so
};

enum secure_outcome {
    SECURE_UNKNOWN,
    SECURE_GOOD,
    SECURE_EXPIRED,
    SECURE_NOT_YET,
    SECURE_WRONG_NAME,
    SECURE_UNKNOWN_ISSUER,
    SECURE_REVOKED,
    SECURE_REFUSED,     // an alert, or no common version
    SECURE_BROKEN,      // reset or garbage in the handshake
    SECURE_SILENT,      // connected, and nothing more came in time
};

// One address: those that any resolver named, each tried by itself.
struct address_facts {
    struct address address;
    uint8_t named_by; // bits of enum resolver
    enum reach_outcome reach;
    enum secure_outcome secure;
    unsigned reach_ms, secure_ms;
    struct slice issuer, subject; // of the certificate that was shown
    int64_t valid_from, valid_to; // Unix time
};

// --- Answers ---

// How it was asked. What differs between two of them is the reason for the third.
enum profile {
    PROFILE_USUAL,   // what a browser would get: the newest protocol that both speak
    PROFILE_HTTP1,
    PROFILE_HTTP2,
    PROFILE_HTTP3,
    PROFILE_FRESH,   // Cache-Control: no-cache, past every cache that obeys
    PROFILE_UNNAMED, // with the query made unique, past those that do not
    PROFILE_BARE,    // without cookies and conditions
    PROFILE_BROWSER, // the header fields of a browser
    PROFILE_V4, PROFILE_V6,
    PROFILE_COUNT,
};

enum answer_outcome {
    ANSWER_UNKNOWN,
    ANSWER_WHOLE,
    ANSWER_CUT,        // less than was promised
    ANSWER_ENDLESS,    // given up at the limit
    ANSWER_MALFORMED,
    ANSWER_SILENT,     // nothing came in time
    ANSWER_SLOW,       // something did, the end did not
    ANSWER_RESET,
    ANSWER_LOOPS,      // redirects in a circle, or too many
    ANSWER_UNREACHED,  // name, connection or TLS failed before
};

struct answer_facts {
    enum answer_outcome outcome;
    unsigned status;
    unsigned redirects;
    struct slice url;             // of the last one
    unsigned first_ms, whole_ms;  // from the request's last byte
    uint64_t size, digest;        // of the content, decoded
    struct slice signature;       // the row that knows the page; data NULL: none
    struct slice captured;        // what it found worth reporting
    struct verdicts says;         // Proxy-Status before the signature; count 0: nothing
    struct slice proxy_status, cache_status, server;
    int64_t retry_at;             // Unix time; 0: not said
    bool is_copy, is_stale;       // as Cache-Status, Age and Warning say
};

// --- What others see ---

struct site_page_facts { // a status page that the site names, Statuspage's API v2
    enum fact well;
    struct slice url, description, incident;
};

#define FACTS_VANTAGES_MAX 8
struct facts;
struct vantage_facts {
    struct slice name;
    bool conclusive;            // its canaries answered
    const struct facts *facts;  // of there; NULL: it could not be asked
};

struct target {
    struct slice url, scheme, host, path; // host without brackets, in its ASCII form (RFC 5891)
    uint16_t port;
    bool is_secure, is_literal;
};

struct facts {
    struct target target;
    int64_t at_ms; // Unix time
    struct link_facts link;
    struct portal_facts portal;
    struct environment_facts environment;
    struct clock_facts clock;
    struct name_facts names[RESOLVER_COUNT];
    struct address_facts addresses[FACTS_ADDRESSES_MAX];
    unsigned address_count;
    struct answer_facts answers[PROFILE_COUNT];
    enum fact elsewhere;  // other sites answer from here (one well-known address)
    struct site_page_facts page;
    struct vantage_facts vantages[FACTS_VANTAGES_MAX];
    unsigned vantage_count;
};
