// One check of one URL: takes the steps (step.h), asks the judge after each, and ends with the
// first diagnosis that suffices, or when time is up. Blocks the thread that calls; runs others for
// the steps, all of them over when it returns. What it asks of third parties stands in the options,
// each may be left out.
#pragma once

#include "base/arena.h"
#include "doctor/guard.h"
#include "doctor/judge.h"
#include "doctor/signature.h"

#define CHECK_TIMEOUT_MS 9500 // unless told otherwise: told within ten seconds
#define CHECK_TIMEOUT_MIN_MS 1000
#define CHECK_TIMEOUT_MAX_MS 120000
// Third parties, unless told otherwise: few, and run by those who promise to keep no records of
// who asks (Quad9, Cloudflare's resolver), or for such tests (Cloudflare's, IANA's example).
#define CHECK_SECOND "9.9.9.9"
#define CHECK_DOH "https://1.1.1.1/dns-query"
#define CHECK_PORTAL "http://cp.cloudflare.com/generate_204"
#define CHECK_CONTROL "https://www.example.com/"
#define CHECK_STEP_MEMORY ((size_t)8 << 20) // of a step's arena

struct check_options {
    // Third parties; data NULL: not asked.
    struct slice second;  // a resolver, an address with its port
    struct slice https;   // a resolver by RFC 8484, a URL
    struct slice portal;  // a URL without TLS that answers 204 and nothing else
    struct slice control; // the URL of a site that is nearly always well
    struct slice vantages[FACTS_VANTAGES_MAX]; // URLs or host:port
    struct slice vantage_keys[FACTS_VANTAGES_MAX]; // to sign with; data NULL: it is not
    unsigned vantage_count;
    uint64_t timeout_ms;
    int family;           // AF_INET, AF_INET6; 0: both
    bool is_remote;       // from a vantage: only the steps that are, nothing of this machine
    uint32_t steps;       // bits of enum step: these alone; 0: all
    const struct signature_table *signatures;
    // Which addresses may be connected to; NULL: every one. Asked for each connection that a
    // stranger's URL, name or redirect led to; not for third parties.
    const struct guard *guard;
    // Files, for tests; NULL: /etc/hosts, /etc/resolv.conf.
    const char *hosts_file, *resolver_file;
    char *const *environment; // for proxy variables; NULL: none are looked at
};

struct check;

// Progress, on the thread that called, never two at a time.
struct check_watcher {
    void *context;
    // facts: what is known by now.
    void (*ended)(void *context, enum step step, uint64_t ms, const struct facts *facts);
};

struct check_result {
    struct facts facts; // texts in the check
    struct diagnosis diagnosis;
    uint32_t taken;     // bits of enum step: those that came to their end
    uint64_t ms;
};

// INVALID: the URL, why says in a sentence what is wrong with it and what would be right. target's
// texts are in the arena. A scheme that is missing is https, or http at port 80; userinfo is
// refused; fragment, dot segments, usual port and the host's final dot are dropped; what browsers
// write as %XX is written so.
enum error target_parse(struct slice url, struct arena *arena, struct text *why,
    struct target *ret_target) MUST_CHECK;

// The options live as long as the check. MEMORY, SYSTEM: it could not begin.
enum error check_run(const struct check_options *options, const struct target *target,
    const struct check_watcher *watcher, struct check **ret_check,
    const struct check_result **ret_result) MUST_CHECK;
void check_free(struct check *check); // the result is gone with it

// --- For steps ---

const struct check_options *check_options_of(const struct check *check);
// The arena of a step: no other thread uses it. Its texts live as long as the check.
struct arena *check_arena(struct check *check, enum step step);
// When this step has to be over, on CLOCK_MONOTONIC in ms; 0 at once when the check is over.
uint64_t check_deadline(const struct check *check, enum step step);
// Becomes readable when the check is over and nothing more is wanted: belongs into every poll.
int check_stop_descriptor(const struct check *check);
bool check_is_over(const struct check *check);
