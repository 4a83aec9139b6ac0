// What is to be said of one site of this edge, from what the edge knows of it at each look. Rules
// only: no clock, no I/O.
//
// - Track (the origin's, by time): down while nobody of it answers, from when that began to when it
//   ended, as health has it; unknown until something is known, and when for SITE_SILENCE_MS nobody
//   has asked it, neither visitors nor probes. The state is UNKNOWN then as well, unless visitors
//   were answered meanwhile, from copies: that they are well served is known. While the operator
//   has declared maintenance, that is its state and track, and visitors' requests count neither
//   way.
// - Its origin says of itself that it is in maintenance (503 and Retry-After, learned by the edge):
//   MAINTENANCE, for SITE_SAYS_MS at most; then it is an outage, for a backend in trouble may say
//   the same for days. Nobody has announced it, so it counts: the track is down, and requests fail.
// - Its origin down: DOWN while most visitors see errors, or none comes; PARTIAL while most are
//   answered, from copies. It takes SITE_DECIDE_MS at most to find out.
// - Several ask its origin, and for SITE_STALL_MS (or much longer than it usually takes) none of
//   them gets an answer or fails: PARTIAL, and the track is down, for it hangs. The timeouts that
//   health needs to say so are longer than visitors like to wait. It goes on until one gets an
//   answer or none waits any more: that some give up tells nothing. Of a site whose origin is asked
//   less than SITE_ENOUGH times a minute these few may be meant to wait (long polls): it has
//   SITE_STALL_QUIET_MS. And each has twice what its slowest answer of late took.
// - Its origin up, but visitors see errors: PARTIAL where half of the requests fail, DEGRADED where
//   a tenth does, on several pages: one bad page makes no bad site. A handful of requests tells
//   nothing.
// - Some servers down for SITE_SOME_MS: DEGRADED.
#pragma once

#include "edge/edge.h"
#include "watch/world.h"

#define SITE_SLOT_MS 2000
#define SITE_SLOTS 30        // a minute
#define SITE_SHORT_SLOTS 5   // ten seconds
#define SITE_ENOUGH 20       // requests, to conclude anything from their errors
#define SITE_ERRORS 5        // at least
#define SITE_PAGES 3         // at least, unless most fail
#define SITE_DECIDE_MS 1000
#define SITE_SOME_MS 5000
#define SITE_STALL_MS 5000
#define SITE_STALL_QUIET_MS 60000
#define SITE_STALL_SLOWEST_MS 1800000 // it is remembered for so long, twice as long at most
#define SITE_STALLED 3       // at least
#define SITE_STALL_TIMES 4   // times what 95 of 100 answers take
#define SITE_SILENCE_MS 900000
#define SITE_SAYS_MS 3600000

struct site_slot {
    int64_t number; // of SITE_SLOT_MS since 1970
    uint32_t requests, failed;
    uint32_t settled; // attempts at the origin
    uint64_t pages; // that failed, by their hash
};

struct site_judge {
    struct traffic_view before;  // counts at the last look
    uint64_t before_answered_ns;
    uint64_t spare_us;           // of responses, less than a millisecond
    struct site_slot slots[SITE_SLOTS];
    int64_t evidence_ms;         // when something was last known of the origin; 0: never
    bool is_served;              // a visitor had been answered before it began
    int64_t served_ms;           // when one last was; 0: never
    // While it is down:
    int64_t down_ms;             // seen first; 0: it is not
    int64_t halved_ms;
    bool is_decided;             // what that means for visitors
    uint64_t requests, failed;   // since then, the older the less
    int64_t says_ms;             // since when it says that it is in maintenance; 0: it does not
    int64_t settled_ms;          // when somebody last got an answer, or nobody waited for one; 0:
                                 // it has yet to be looked for
    bool has_stalled;            // since then
    uint64_t stalled_answered_ns; // the last good answer before that was told
    int64_t patience_ms;         // with those that have waited since then
    uint64_t slowest_us[2];      // first bytes: of this time, and of the one before
    int64_t slowest_from_ms;     // when this one began
    int64_t some_ms;             // since when some servers are down; 0: they are not
    bool has_errors;             // the state is because of them
    int64_t told_ms;
    struct finding finding;      // the last
};

// The first counts are those from which it counts.
void site_judge_begin(struct site_judge *judge, const struct site_evidence *site);
// True: *ret_finding is something to say, changed or not said for a second.
bool site_judge_look(struct site_judge *judge, const struct site_evidence *site, int64_t now_ms,
    struct finding *ret_finding);
