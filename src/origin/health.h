// What is believed of one backend, from real traffic and from probes. Rules only: time is handed
// in.
//
// Traffic: 5 failures in a row, or one at which nobody was there at all (refused, unreachable, no
// name, no connection), make it sick; it is then tried again after 1, 2, 4 … 30 s. Any success
// makes it healthy at once. Probes: `fall` bad ones in a row speak against it, `rise` good ones for
// it. Together: while traffic was seen within interval × fall, traffic decides; else the probe
// does. A probe that turns good after the last failure ends a sickness too.
//
// A lock of its own guards it; choosing a backend reads without it.
#pragma once

#include "base/lock.h"
#include "base/slice.h"

#include <stdatomic.h>

struct health_time {
    uint64_t now_ns;
    int64_t wall_ms;
};

struct health_rules { // of the probes; interval 0: there are none
    uint64_t interval_ms, rise, fall;
};

struct health {
    struct lock lock;
    atomic_bool healthy;             // the verdict, for choosing
    _Atomic uint64_t retry_at_ns;    // sick by traffic: when one request may try it
    _Atomic uint64_t returned_ns;    // when it was last seen returning from sickness, 0: never
    _Atomic uint64_t last_success_ns;// of traffic, 0: none yet
    _Atomic uint64_t success_asked_ns; // of all successes, when the latest was asked for
    atomic_bool troubled;            // some failure or bad probe is remembered: successes must look

    uint64_t streak;                 // failures of traffic in a row
    _Atomic uint64_t last_failure_ns;// of traffic; written under the lock
    int64_t streak_since_ms;         // wall clock of the streak's first failure
    bool traffic_sick;
    unsigned sicknesses;             // in a row, for the back-off
    char traffic_why[96];

    uint64_t probes_bad, probes_good;// in a row
    int64_t probes_bad_since_ms;
    bool probed, probe_sick;
    char probe_why[96];

    bool disagrees;
    int64_t since_ms;                // wall clock of the last change of the verdict, 0: none yet
};

struct health_view {
    bool healthy, disagrees, probed;
    int64_t since_ms;
    char why[128];
};

void health_init(struct health *health);
void health_destroy(struct health *health);

// Of real traffic. nobody: there was no connection at all. why: a short phrase. asked_ns: when the
// request that succeeded was sent.
void health_report_success(struct health *health, const struct health_rules *rules,
    struct health_time time, uint64_t asked_ns);
void health_report_failure(struct health *health, const struct health_rules *rules,
    struct health_time time, bool nobody, struct slice why);
// Of a probe. why: what was wrong; unused when it was good. This is also when it is seen that what
// traffic said has faded.
void health_report_probe(struct health *health, const struct health_rules *rules,
    struct health_time time, bool good, struct slice why);
// Probes were switched off: what they said is forgotten.
void health_forget_probes(struct health *health, const struct health_rules *rules,
    struct health_time time);

// True if this caller is the one request that may now try a backend which traffic found sick.
bool health_claim_trial(struct health *health, uint64_t now_ns);
// A returning backend's share in permille, 1000 once slow_start_ms are over.
unsigned health_share_permille(const struct health *health, uint64_t slow_start_ms,
    uint64_t now_ns);
void health_read(struct health *health, struct health_view *ret_view);
// Failures of traffic since the last success.
uint64_t health_failures(struct health *health);
