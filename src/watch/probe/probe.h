// One look at one target: begins, and ends with a vote, no later than its timeout. Runs in the
// polling thread. What each kind does is in probe_http.c, probe_tcp.c, probe_dns.c, probe_ping.c.
// Inside of this folder.
#pragma once

#include "watch/probe/names.h"
#include "watch/probe/target.h"
#include "watch/truth/quorum.h"

#define PROBE_BODY_MAX ((size_t)256 << 10) // of the content that is read
#define PROBE_FIELD_MAX 256                // bytes of a field for this time only
#define PROBE_NO_TIME UINT32_MAX

struct probe_result {
    struct vote vote;
    uint32_t response_ms; // PROBE_NO_TIME: none came
    unsigned status;      // of HTTP; 0: none came
    struct slice body;    // of a target that keeps_body; for the length of the call
};

struct probe;
// The probe is gone afterwards. Not called from within probe_begin.
typedef void probe_ended(void *context, struct probe *probe, const struct probe_result *result);

struct http_probe;
struct ping_probe;

struct probe {
    struct spent spent;
    struct poller *poller;
    const struct target *target;
    probe_ended *ended;
    void *context;
    bool is_started;
    uint64_t began_ms, deadline_ms;
    struct timer timer;
    struct waiter waiter;
    struct lookup *lookup;              // NULL: none is under way
    void (*found)(struct probe *probe); // goes on with the addresses
    int descriptor; // -1: none
    struct address addresses[NAMES_ADDRESSES_MAX];
    unsigned address_count, address_at;
    struct asker asker; // of dns
    struct vote answer;
    bool has_answer;    // it is cast by the timer
    struct http_probe *http;
    struct ping_probe *ping;
    char field[PROBE_FIELD_MAX]; // "Name: value" to be sent; empty: none
};

// field: NULL, or one that is sent this time. NULL: no memory.
struct probe *probe_begin(struct poller *poller, const struct target *target, const char *field,
    probe_ended *ended, void *context) MUST_CHECK;
void probe_abort(struct probe *probe); // nobody is told

// --- For the kinds ---

void probe_vote(struct probe *probe, enum vote_kind kind, enum reason_kind reason,
    uint32_t number);
void probe_finish(struct probe *probe, const struct probe_result *result);
// Not later than then, *_late is called.
void probe_wait(struct probe *probe, uint64_t until_ms);
// Looks up host, unless it is an address, and goes on with found; ends the probe where there is
// none.
void probe_find(struct probe *probe, struct slice host, uint16_t port,
    void (*found)(struct probe *probe));
uint32_t probe_elapsed_ms(const struct probe *probe); // 1 at least
enum reason_kind probe_reason(int number);            // of errno
// A descriptor is missing, or memory: that says nothing about the target.
void probe_lacks(struct probe *probe, int number);

void http_begin(struct probe *probe);
void http_end(struct probe *probe);
void http_transferred(CURL *easy, CURLcode code); // for the poller
void tcp_begin(struct probe *probe);
void tcp_late(struct probe *probe);
void dns_begin(struct probe *probe);
void ping_begin(struct probe *probe);
void ping_late(struct probe *probe);
void ping_end(struct probe *probe);
