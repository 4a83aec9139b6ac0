// How many reports are too many? One component's distinct reporting networks by the minute, held
// against what is usual at that hour of the week. Pure: minutes in, a level out; no clock, no I/O,
// no allocation; the same memory however many reports there are.
//
// Usual is, for each hour of the week, the mean of it and its neighbours over 28 days, drawn
// towards the mean of all; how much reports vary by themselves is read from blocks of 15 minutes
// (r: the smaller, the more). Sums of 5 and of 15 minutes are held against the least number that a
// negative binomial distribution of a mean a quarter above the usual one reaches with a probability
// below alpha, and that is 5 at least. By the union bound of minutes and sums, an alpha gives
// 525,600 * 2 * alpha false alarms a year at most: 10.5 of possible problems, 0.105 of problems.
// (Poisson's distribution, or so many times the usual, give up to thousands: reports come in
// bursts.)
//
// Minutes of an alarm, and the 15 before it, are not usual: they are left out of the 28 days. An
// alarm that has lasted a day has become usual, and counts.
#pragma once

#include "watch/snapshot.h"

#define ANOMALY_WINDOW 15                    // minutes: of the longer sum
#define ANOMALY_SHORT 5                      // of the shorter one
#define ANOMALY_DAYS 28
#define ANOMALY_BLOCKS (ANOMALY_DAYS * 96)   // of 15 minutes
#define ANOMALY_HOURS 168                    // of the week
#define ANOMALY_FLOOR 5                      // networks without which there is no alarm
#define ANOMALY_NEIGHBOURHOODS 3             // of which a problem is told at least
#define ANOMALY_CALM 15                      // minutes below half of the threshold end an alarm
#define ANOMALY_USUAL 1440                   // minutes after which an alarm is usual
#define ANOMALY_UNKNOWN UINT32_MAX
#define ANOMALY_MINUTE_MAX 60000             // networks; more are counted as so many

enum { ANOMALY_POSSIBLE, ANOMALY_PROBLEM, ANOMALY_LEVELS };
extern const double anomaly_alphas[ANOMALY_LEVELS]; // 1e-5, 1e-7

// What is known of one minute that is over. A neighbourhood is what one provider is likely to have
// (/16, /32 of IPv6): it counts for half of the votes at most.
struct anomaly_minute {
    uint32_t networks;        // that reported first in it
    uint32_t largest_short;   // of one neighbourhood, in the ANOMALY_SHORT minutes that end with it
    uint32_t largest;         // in the ANOMALY_WINDOW minutes
    uint32_t neighbourhoods;  // in these; ANOMALY_UNKNOWN: cannot be told
};

// A minute that the alarms have had their say about: what is to be kept of it.
struct anomaly_settled {
    int64_t minute;           // since 1970; 0: there is none
    uint32_t networks;
    bool is_usual;
};

struct anomaly_threshold {
    uint32_t in_short, in_window;
};

struct anomaly {
    int64_t minute;           // the last one, 0: none yet
    int64_t block;            // the last one that is written to, 0: none yet
    int64_t hour;             // that the thresholds are for, 0: none
    struct { uint16_t networks; bool is_known, is_usual; } recent[ANOMALY_WINDOW]; // by minute % 15
    struct { uint32_t since; uint8_t calm; bool is_on; } alarms[ANOMALY_LEVELS]; // since: minutes
    struct anomaly_threshold thresholds[ANOMALY_LEVELS];
    double dispersion, mean;  // r; networks a minute now, as is usual
    uint32_t hour_networks[ANOMALY_HOURS], hour_minutes[ANOMALY_HOURS]; // sums of the blocks
    uint16_t block_networks[ANOMALY_BLOCKS]; // by block % ANOMALY_BLOCKS
    uint8_t block_minutes[ANOMALY_BLOCKS];
};

// Nothing is known. Minutes before the first one that is told are unknown.
void anomaly_init(struct anomaly *anomaly);
// What was kept, the oldest first, before the first anomaly_close; count minutes from that one on.
void anomaly_restore(struct anomaly *anomaly, int64_t minute, uint32_t count, uint32_t networks);
// The minute (since 1970) is over: returns what is to be said from then on. Minutes that are left
// out in between are unknown; one that is not after the last starts the window anew.
enum report_level anomaly_close(struct anomaly *anomaly, int64_t minute,
    const struct anomaly_minute *seen, struct anomaly_settled *ret_settled);
uint32_t anomaly_networks(const struct anomaly *anomaly); // of the last ANOMALY_WINDOW minutes

// The probability that a negative binomial variable of that mean and dispersion is count or more.
double anomaly_tail(double mean, double dispersion, uint32_t count);
// The least count of ANOMALY_FLOOR or more that has a tail below alpha. guess: where to begin.
uint32_t anomaly_least(double mean, double dispersion, double alpha, uint32_t guess);
