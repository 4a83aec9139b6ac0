// What the rule for reports makes of reports that somebody has: false alarms in a service's year,
// and how long after an incident's begin each alarm came. Lists in as text, numbers out; no I/O but
// for showing them.
//
// A list of reports has a line for each, or for several of the same network, in any order:
//
//   time[,network][,service]
//   2026-01-31T18:30:00Z,192.0.2.0/24,shop
//   1769884200,,shop
//
// time is RFC 3339's or in seconds since 1970; network an address, a range, or any text that stands
// for one (empty: each is another); service any text. A first line of these names gives the columns
// another order, and others are skipped. Lists of incidents are alike: begin,end[,service] (empty:
// of all services). Lines that are empty or begin with # are nothing.
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "watch/report/simulation.h"

#include <stdio.h>

#define BACKTEST_FILE_MAX ((size_t)512 << 20)
#define BACKTEST_REPORTS_MAX 5000000
#define BACKTEST_SERVICES_MAX 1000
#define BACKTEST_INCIDENTS_MAX 10000
#define BACKTEST_DAYS_MAX 3660 // from the first report to the last
#define BACKTEST_MISSED INT64_MAX

struct backtest_report {
    int64_t at_ms;
    uint64_t network;          // a hash
    uint32_t neighbourhood, service;
};

struct backtest_incident {
    int64_t begin, end;        // minutes since 1970
    uint32_t service;          // COMPONENT_NONE: all
    int64_t delays[ANOMALY_LEVELS]; // minutes, the soonest of its services; BACKTEST_MISSED
};

struct backtest_service {
    struct slice name;
    uint32_t reports, counted; // counted: a network once in half an hour
    double mean, dispersion;   // at the end
    struct anomaly_threshold thresholds[ANOMALY_LEVELS];
};

struct backtest {
    struct arena arena;
    struct backtest_report *reports;
    size_t report_count, report_capacity;
    struct backtest_service *services;
    size_t service_count;
    struct backtest_incident *incidents;
    size_t incident_count;
    // Of backtest_run:
    int64_t begin, learnt, end; // minutes; what is before learnt is learnt from
    uint64_t counted, minutes;  // evaluated, of all services, without those of incidents
    uint32_t alarms[ANOMALY_LEVELS], false_alarms[ANOMALY_LEVELS];
};

enum error backtest_create(struct backtest **ret_backtest) MUST_CHECK;
void backtest_destroy(struct backtest *backtest); // NULL is fine
// INVALID, LIMIT: why says in which line of name, and what would be right. Reports first.
enum error backtest_read_reports(struct backtest *backtest, struct slice list, const char *name,
    struct text *why) MUST_CHECK;
enum error backtest_read_incidents(struct backtest *backtest, struct slice list, const char *name,
    struct text *why) MUST_CHECK;
// Four weeks, or a quarter of the time if that is less, are learnt from; then each minute is
// evaluated as it would have been. INVALID: there are no reports, or of too long a time.
enum error backtest_run(struct backtest *backtest, struct text *why) MUST_CHECK;

// For people and for programs. MEMORY.
void backtest_show(const struct backtest *backtest, FILE *out);
enum error backtest_show_json(const struct backtest *backtest, FILE *out) MUST_CHECK;
void backtest_show_simulation(const struct simulation *simulation,
    const struct simulation_result *result, FILE *out);
enum error backtest_show_simulation_json(const struct simulation *simulation,
    const struct simulation_result *result, FILE *out) MUST_CHECK;
