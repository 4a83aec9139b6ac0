// What the rule for reports does with services as they might be: drawn at random, so that false
// alarms and delays can be counted where no real ones are known. Networks report by Poisson's
// process at a rate that swings by 80 % over the day; each quarter of an hour it is multiplied by a
// gamma variable of shape 4, which is how reports come in bursts, and on one day of ten by 1.5. In
// an outage, reports come on top, fewer in its first five minutes. Pure: the same seed gives the
// same.
#pragma once

#include "base/error.h"
#include "watch/report/anomaly.h"

#define SIMULATION_EXTRAS 4     // outages of 1, 3, 10 and 40 more networks a minute
#define SIMULATION_WAIT 60      // minutes after which an outage is missed
#define SIMULATION_NEVER UINT32_MAX

struct simulation {
    double rate;                // networks a minute
    uint32_t services, days;    // days of each, after four weeks that are learnt from
    uint64_t seed;
};

// Minutes from an outage's begin to its alarm; SIMULATION_NEVER: more were missed.
struct simulation_delay {
    double extra;
    uint32_t outages, missed;
    uint32_t median, most;      // most: of nine in ten
};

struct simulation_result {
    uint64_t minutes;           // evaluated, of all services
    uint32_t alarms[ANOMALY_LEVELS]; // all of them false
    struct simulation_delay delays[ANOMALY_LEVELS][SIMULATION_EXTRAS];
};

enum error simulation_run(const struct simulation *simulation,
    struct simulation_result *ret_result) MUST_CHECK; // MEMORY

// Counts alarms: one that comes back within half an hour is the same one.
struct alarm_counter {
    int64_t last;               // minute in which it was on
    uint32_t count;
};
// True: a new one begins in this minute.
bool alarm_counter_take(struct alarm_counter *counter, int64_t minute, bool is_on);
