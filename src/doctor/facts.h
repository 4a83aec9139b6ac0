// What was found out about one URL from one place: values only, nothing of how they came to be
// known. Steps fill it in (step.h), each its own members and nobody else's; rules judge it
// (judge.h), renderers show it; a vantage sends it as JSON (facts_json.h), so the facts of another
// place look the same as one's own.
//
// Whatever nobody has looked at, or could not tell, is 0: a rule that wants a fact must find it
// there. Texts are slices in the arena of the step that wrote them and live as long as the check;
// those that strangers wrote are kept as they came and made harmless where they are shown.
#pragma once

#include "doctor/verdict.h"
#include "io/address.h"

enum fact { FACT_UNKNOWN, FACT_GOOD, FACT_BAD };

// Whole URL as it is asked for: absolute, http or https, without userinfo and fragment.
struct target {
    struct slice url, host; // host without brackets, in its ASCII form (RFC 5891), lower case
    struct slice path;      // with its query, at least "/"
    uint16_t port;
    bool is_secure, is_literal; // the host is an address
};

// --- This machine and the way out of it ---

struct link_facts {
    enum fact interface; // one is up, beside the loopback
    enum fact address;   // one that reaches beyond this link
    // A way out. BAD: an address of that family, but no way; UNKNOWN: no address of it.
    enum fact route_v4, route_v6;
    bool has_v4, has_v6;    // an address of that family that reaches beyond this link
    struct slice name;      // of the interface that leads out, or of one that is up
    struct address gateway; // of the way out, IPv4 before IPv6; family 0: none, or no gateway
};

struct gateway_facts {
    enum fact answers; // by its link-layer address, an echo, or since it forwards; BAD: it has none
    // ICMP echoes, sent and answered. Losses are seen better further out: these are of the system's
    // resolver and the second where both lost some, of one that lost none, or of one alone; of the
    // gateway where neither answers any. 0 echoes: not allowed, nobody answers, or cut short.
    unsigned echoes, replies;
    struct address echoed;    // whose those are, of two the one that lost less
    unsigned near_echoes, near_replies; // the gateway's own
};

// A page was asked for that answers 204 and nothing else, without TLS.
struct portal_facts {
    struct slice asked;    // its URL; data NULL: not asked
    enum fact clear;       // BAD: somebody else answered in its place
    unsigned status;
    struct slice location; // where it wanted to send the visitor
    int64_t date;          // of the answer, Unix time; 0: none
};

struct environment_facts {
    struct slice proxy_variable, proxy; // which one holds for this URL, without userinfo
    struct slice hosts_line;            // of the hosts file, for this name
    struct address hosts_address;
};

struct clock_facts {
    enum fact right;       // within ten minutes of what others say
    int64_t ahead_seconds; // of them; below 0: behind
    struct slice told_by;
};

// --- Names ---

enum resolver { RESOLVER_SYSTEM, RESOLVER_SECOND, RESOLVER_HTTPS, RESOLVER_COUNT };

enum name_outcome {
    NAME_UNKNOWN,     // not asked
    NAME_FOUND,
    NAME_NONE,        // NXDOMAIN
    NAME_EMPTY,       // it exists, without an address
    NAME_FAILED,      // SERVFAIL, REFUSED and the like, or garbage
    NAME_SILENT,      // no answer in time
    NAME_UNREACHABLE, // nobody there to ask: refused, no route, no server configured
};

#define FACTS_ADDRESSES_MAX 16

struct name_facts {
    enum name_outcome outcome;
    struct slice asked; // whom: an address or a URL
    struct address addresses[FACTS_ADDRESSES_MAX]; // with the target's port
    unsigned count;
    unsigned ms;
    enum fact works; // it knows the control's name
};

// --- The way to the site, and to the control ---

enum reach_outcome {
    REACH_UNKNOWN,
    REACH_GOOD,
    REACH_REFUSED,
    REACH_RESET,
    REACH_SILENT,      // no answer in time
    REACH_UNREACHABLE, // no route, or somebody on the way said so
};

enum secure_outcome {
    SECURE_UNKNOWN,
    SECURE_GOOD,
    SECURE_EXPIRED,
    SECURE_NOT_YET,
    SECURE_WRONG_NAME,
    SECURE_UNKNOWN_ISSUER, // also: self-signed, a chain with a gap
    SECURE_REVOKED,
    SECURE_REFUSED,        // an alert, or no common version or cipher
    SECURE_BROKEN,         // closed, reset or garbage in the handshake
    SECURE_SILENT,         // connected, and nothing more came in time
};

// One address, tried by itself.
struct attempt_facts {
    struct address address;
    uint8_t named_by; // bits of enum resolver; 0: the hosts file or the URL itself
    enum reach_outcome reach;
    enum secure_outcome secure; // UNKNOWN without TLS
    enum secure_outcome small;  // after SILENT, tried again with small segments: GOOD says MTU
    unsigned reach_ms, secure_ms;
    unsigned retransmits;       // by the kernel, up to the end of the handshake
    struct address told_by;     // UNREACHABLE: who said so, where the kernel knows; else family 0
    bool has_http2;             // chosen by ALPN
    bool is_self_signed;
    struct slice issuer, subject; // of the certificate that was shown: common name, or organisation
    int64_t valid_from, valid_to; // Unix time
};

// A site that has nothing to do with the target, looked at for comparison.
struct control_facts {
    struct slice url;
    enum fact v4, v6;  // TCP to its port by that family
    enum fact plain;   // TCP to port 80, by any
    struct attempt_facts attempts[2]; // [0] by IPv4, [1] by IPv6; reach UNKNOWN: no such address
    int64_t date;      // of an answer, Unix time; 0: none
};

// --- Answers ---

// How it was asked. What differs between two of them is the reason for the third.
enum profile {
    PROFILE_USUAL,   // what a browser would get: the newest protocol that both speak
    PROFILE_FRESH,   // Cache-Control: no-cache, past every cache that obeys
    PROFILE_UNIQUE,  // with the query made unique, past those that do not
    PROFILE_RETURN,  // with the cookies and validators of the usual one, as who comes back
    PROFILE_HTTP1,
    PROFILE_BROWSER, // the header fields of a browser
    PROFILE_DIRECT,  // past the proxy that the environment names
    PROFILE_STRANGER, // for a name that nobody serves, where the usual answer came from
    PROFILE_COUNT,
};

enum answer_outcome {
    ANSWER_UNKNOWN,
    ANSWER_WHOLE,
    ANSWER_CUT,        // less than was promised
    ANSWER_ENDLESS,    // given up at the limit
    ANSWER_MALFORMED,  // no HTTP, or a head beyond all limits
    ANSWER_SILENT,     // nothing came in time
    ANSWER_SLOW,       // something did, the end did not
    ANSWER_RESET,      // closed or reset before an answer; over HTTP/2 a stream or GOAWAY too
    ANSWER_LOOPS,      // redirects in a circle, or too many
    ANSWER_LEADS_NOWHERE, // a redirect to what is no URL, or cannot be reached
    ANSWER_UNREACHED,  // no connection, or TLS failed, before anything was asked
    ANSWER_PROXY,      // the proxy could not be reached, or refused: status is its answer, or 0
};

struct answer_facts {
    enum answer_outcome outcome;
    unsigned status;              // of the last answer
    unsigned redirects;
    unsigned http_version;        // 10, 11, 20 or 30
    struct slice url;             // of the last one; LEADS_NOWHERE: where it led, as it came
    struct address address;       // that answered
    unsigned first_ms, whole_ms;  // of the last answer, from the request on
    uint64_t size, digest;        // of the content, decoded; of what was read of it
    struct slice title;           // of the page, as it came; data NULL: none
    struct slice signature;       // the row that knows the page; data NULL: none
    struct slice captured;        // what it found worth reporting
    struct verdicts says;         // Proxy-Status before the signature; count 0: nothing
    struct slice proxy_status, cache_status, server, etag, last_modified; // fields as they came
    struct slice proxy;           // who says so in Proxy-Status
    struct slice cdn;             // whose fields it bears; data NULL: no CDN is known by them
    uint64_t age_seconds;         // Age
    bool is_copy, is_stale;       // as Cache-Status, Age and Warning say
    bool is_cached_error;         // as Cache-Status says
    bool sets_cookies;            // it, or a redirect on the way
    struct slice cookies;         // "name=value; …" for url; data NULL: none. For who asks again
    struct slice status_page;     // URL that the page gives for the site's state; data NULL: none
    int64_t retry_at;             // Unix time; 0: not said
    int64_t date;                 // Unix time; 0: none
};

// None of an error: below 400, to its end.
static inline bool answer_is_well(const struct answer_facts *answer)
{
    return answer->outcome == ANSWER_WHOLE && answer->status < 400;
}

// --- What others see ---

struct site_page_facts { // a status page that the site names, or that has Statuspage's API v2
    enum fact well;      // BAD: it tells of an incident
    struct slice url, description, incident;
};

#define FACTS_VANTAGES_MAX 8
struct facts;
struct vantage_facts {
    struct slice name;
    bool conclusive;           // its canaries answered
    struct slice why_not;      // it could not be asked, or is not conclusive
    const struct facts *facts; // of there; NULL: it could not be asked
    enum verdict verdict;      // of there; meaningless without facts
};

struct facts {
    struct target target;
    int64_t at_ms; // Unix time at the beginning
    struct link_facts link;
    struct gateway_facts gateway;
    struct portal_facts portal;
    struct environment_facts environment;
    struct clock_facts clock;
    struct name_facts names[RESOLVER_COUNT];
    struct attempt_facts attempts[FACTS_ADDRESSES_MAX]; // all that any resolver named
    unsigned attempt_count;
    struct control_facts control;
    struct answer_facts answers[PROFILE_COUNT];
    struct site_page_facts page;
    struct vantage_facts vantages[FACTS_VANTAGES_MAX];
    unsigned vantage_count;
};
