// What the rules share. Part of judge.h: the table is in judge.c, the rules in judge_near.c (this
// machine and its network), judge_way.c (names, connections, TLS) and judge_answer.c.
#pragma once

#include "doctor/judge.h"

// What a rule looks at, and where it says what it found.
struct view {
    const struct facts *facts;
    struct arena *arena;
    struct diagnosis *diagnosis;
};

// Says it: true, so that a rule ends in it. The advice is the verdict's, unless told otherwise.
bool conclude(struct view *view, enum verdict verdict, const char *format, ...) PRINTF_LIKE(3, 4);
void advise(struct view *view, const char *format, ...) PRINTF_LIKE(2, 3);
struct slice advice_of(enum verdict verdict);
// What was seen, for those who want to know: lines about the matter of the rule.
void gather_evidence(struct view *view, uint32_t matters);
enum { // bits: where to look
    MATTER_NETWORK = 1, // link, gateway, portal
    MATTER_MACHINE = 2, // proxy, hosts, clock
    MATTER_NAMES = 4,
    MATTER_WAY = 8,
    MATTER_ANSWERS = 16,
    MATTER_ELSEWHERE = 32,
};

// --- What the facts come to ---

// Some address of the site could be connected to, with TLS where it has any.
bool is_reached(const struct facts *facts);
// TCP to some address of the site, whatever came then.
bool is_connected(const struct facts *facts);
// Something was asked that came to an answer, of whatever status.
static inline bool is_answered(const struct answer_facts *answer)
{
    return answer->outcome == ANSWER_WHOLE;
}
// Somebody answered through the proxy: whatever was tried past it, in vain, is not his way.
bool is_answered_by_proxy(const struct facts *facts);
bool attempt_is_good(const struct facts *facts, const struct attempt_facts *attempt);
bool address_is_v6(const struct address *address); // not a mapped one
// All its addresses are this machine's or its own networks': what is far away matters nothing.
bool is_near(const struct facts *facts);
// The control is reached by TCP. UNKNOWN: it was not looked at.
enum fact control_reached(const struct facts *facts);
// … and its certificate is what it should be.
enum fact control_secure(const struct facts *facts);
// How the site looks to most of those elsewhere who can tell; UNKNOWN: nobody was asked, or they
// differ.
enum fact seen_elsewhere(const struct facts *facts);
// Of those who see it broken, the first one's verdict; UNKNOWN without any.
enum verdict verdict_elsewhere(const struct facts *facts);

// --- The rules, in their files' order ---

typedef bool rule(struct view *view);
rule rule_link_down, rule_no_address, rule_no_route, rule_gateway_dead, rule_line_dead;
rule rule_captive, rule_proxy, rule_clock, rule_hosts, rule_lossy;
rule rule_resolver_fails, rule_resolver_lies, rule_resolver_cut_off, rule_name_gone;
rule rule_port_blocked, rule_no_ipv6, rule_broken_ipv6, rule_intercepted, rule_large_packets;
rule rule_certificate, rule_refused, rule_silent, rule_half_dead;
rule rule_cached_error, rule_protocol, rule_only_browsers, rule_returning, rule_stale;
rule rule_blocked, rule_cdn_down, rule_error, rule_no_answer, rule_fine;
