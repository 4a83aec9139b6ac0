// Recurrence rules (RFC 5545 section 3.3.10) in whole days: FREQ=DAILY to YEARLY with INTERVAL,
// COUNT, UNTIL, WKST, BYMONTH, BYMONTHDAY, BYYEARDAY, BYWEEKNO, BYDAY and BYSETPOS; the time of day
// is that of the begin. Walks through the rule's periods one by one until the year 2199 at most,
// so that a rule that never comes true ends too. (libical's iterator goes second by second where
// a rule asks for it, and on without an end where the days it looks for do not exist.)
#pragma once

#include "base/error.h"
#include "base/slice.h"
#include "base/text.h"
#include "watch/incident/window_day.h"

#define WINDOW_RULE_LAST_YEAR 2199
#define WINDOW_RULE_NUMBER_MAX 10000 // of INTERVAL and COUNT

enum window_frequency { WINDOW_ONCE, WINDOW_DAILY, WINDOW_WEEKLY, WINDOW_MONTHLY, WINDOW_YEARLY };
enum window_until { WINDOW_UNTIL_NEVER, WINDOW_UNTIL_DAY, WINDOW_UNTIL_LOCAL, WINDOW_UNTIL_UTC };

// Numbers from 1 that count from the begin of something, or from its end.
struct window_numbers {
    uint64_t first[6], last[6]; // bits
    bool any;
};

struct window_rule { // zero: once
    enum window_frequency frequency;
    uint32_t interval, count;     // count 0: without an end
    enum window_until until;
    int64_t until_seconds;        // since 1970; of a day its begin
    int week_start;               // 0: Monday
    uint16_t months;              // bit 1: January; 0: any
    uint8_t weekdays;             // bit 0: Monday
    bool has_weekdays;            // of these or of nth_weekdays
    struct window_numbers nth_weekdays[7]; // the second, the last but one …
    struct window_numbers month_days, year_days, weeks, positions;
    int32_t begin;                // day
};

// INVALID: why says where and what would be right. begin: the day from which on it counts; what the
// rule leaves open (which day of the week) is that day's.
enum error window_rule_parse(struct slice text, int32_t begin, struct text *why,
    struct window_rule *ret_rule) MUST_CHECK;

struct window_walk {
    const struct window_rule *rule;
    int64_t period;
    uint32_t produced;
    uint32_t steps;        // periods looked at
    int count, at;
    int32_t days[366];     // of the period that are still to come: [at, count)
};

// from: days before need not be told, if they can be passed over at once.
void window_walk_begin(struct window_walk *walk, const struct window_rule *rule, int32_t from);
// The next day; false: there is none any more. UNTIL is the caller's, who knows the zone.
bool window_walk_next(struct window_walk *walk, int32_t *ret_day);
