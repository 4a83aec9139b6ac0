// The walk through a rule's periods: which days of one fit, the n-th of those, and none before the
// begin.
#include "watch/incident/window_rule.h"

static bool has_number(const uint64_t bits[6], int number)
{
    return number >= 1 && number < 384 && (bits[number / 64] >> (number % 64) & 1) != 0;
}

// number of total, from either end.
static bool numbers_have(const struct window_numbers *numbers, int number, int total)
{
    return has_number(numbers->first, number) || has_number(numbers->last, total - number + 1);
}

// The first day of the week that has most of its days in the year: of week 1.
static int32_t first_week(int year, int week_start)
{
    int32_t day = window_year_begin(year);
    int into = (window_weekday(day) - week_start + 7) % 7; // of 1 January
    return into <= 3 ? day - into : day + 7 - into;
}

static bool week_fits(const struct window_rule *rule, int32_t day, int year)
{
    int32_t begin = first_week(year, rule->week_start);
    int32_t end = first_week(year + 1, rule->week_start);
    if (day < begin) {
        end = begin;
        begin = first_week(year - 1, rule->week_start);
    } else if (day >= end) {
        begin = end;
        end = first_week(year + 2, rule->week_start);
    }
    return numbers_have(&rule->weeks, (day - begin) / 7 + 1, (end - begin) / 7);
}

static bool weekday_fits(const struct window_rule *rule, const struct window_date *date)
{
    if ((rule->weekdays >> date->weekday & 1) != 0)
        return true;
    bool in_month = rule->frequency == WINDOW_MONTHLY || rule->months != 0;
    int day = in_month ? date->day : date->day_of_year;
    int days = in_month ? date->month_days : date->year_days;
    const struct window_numbers *nth = &rule->nth_weekdays[date->weekday];
    return has_number(nth->first, (day - 1) / 7 + 1) || has_number(nth->last, (days - day) / 7 + 1);
}

static bool day_fits(const struct window_rule *rule, int32_t day)
{
    struct window_date date = window_date_of(day);
    return (rule->months == 0 || (rule->months >> date.month & 1) != 0)
        && (!rule->month_days.any || numbers_have(&rule->month_days, date.day, date.month_days))
        && (!rule->year_days.any
            || numbers_have(&rule->year_days, date.day_of_year, date.year_days))
        && (!rule->has_weekdays || weekday_fits(rule, &date))
        && (!rule->weeks.any || week_fits(rule, day, date.year));
}

struct period {
    int32_t begin;
    int size;
};

// False: it lies beyond the last year.
static bool period_of(const struct window_rule *rule, int64_t number, struct period *ret_period)
{
    struct window_date date = window_date_of(rule->begin);
    int64_t passed = number * rule->interval;
    int64_t begin = rule->begin;
    int64_t year = date.year;
    int size = 1;
    switch (rule->frequency) {
    case WINDOW_ONCE:
        if (number > 0)
            return false;
        break;
    case WINDOW_DAILY:
        begin += passed;
        break;
    case WINDOW_WEEKLY:
        begin += 7 * passed - (date.weekday - rule->week_start + 7) % 7;
        size = 7;
        break;
    case WINDOW_MONTHLY:
        passed += date.month - 1;
        year += passed / 12;
        if (year > WINDOW_RULE_LAST_YEAR)
            return false;
        begin = window_day_of((int)year, (int)(passed % 12) + 1, 1);
        size = window_month_days((int)year, (int)(passed % 12) + 1);
        break;
    case WINDOW_YEARLY:
        year += passed;
        if (year > WINDOW_RULE_LAST_YEAR)
            return false;
        begin = window_year_begin((int)year);
        size = window_is_leap((int)year) ? 366 : 365;
        break;
    }
    if (begin > window_day_of(WINDOW_RULE_LAST_YEAR, 12, 31))
        return false;
    *ret_period = (struct period){(int32_t)begin, size};
    return true;
}

// Days of a period at most, so that none is passed over that has later ones.
static int period_longest(enum window_frequency frequency)
{
    switch (frequency) {
    case WINDOW_ONCE:
    case WINDOW_DAILY: return 1;
    case WINDOW_WEEKLY: return 7;
    case WINDOW_MONTHLY: return 31;
    case WINDOW_YEARLY: break;
    }
    return 366;
}

void window_walk_begin(struct window_walk *walk, const struct window_rule *rule, int32_t from)
{
    walk->rule = rule;
    walk->period = walk->produced = walk->steps = 0;
    walk->count = walk->at = 0;
    // What is counted has to be walked through.
    if (rule->count > 0 || rule->frequency == WINDOW_ONCE || from <= rule->begin)
        return;
    int64_t longest = period_longest(rule->frequency) * (int64_t)rule->interval;
    walk->period = MAXIMUM((from - (int64_t)rule->begin) / longest - 1, 0);
}

// The days of the period that fit, the n-th of them if the rule says so.
static void walk_fill(struct window_walk *walk, const struct period *period)
{
    const struct window_rule *rule = walk->rule;
    int fitting = 0, kept = 0;
    for (int i = 0; i < period->size; i++) {
        if (rule->frequency == WINDOW_ONCE || day_fits(rule, period->begin + i))
            walk->days[fitting++] = period->begin + i;
    }
    for (int i = 0; i < fitting; i++) {
        if (!rule->positions.any || numbers_have(&rule->positions, i + 1, fitting))
            walk->days[kept++] = walk->days[i];
    }
    walk->count = kept;
    walk->at = 0;
    while (walk->at < kept && walk->days[walk->at] < rule->begin)
        walk->at++;
}

bool window_walk_next(struct window_walk *walk, int32_t *ret_day)
{
    const struct window_rule *rule = walk->rule;
    if (rule->count > 0 && walk->produced >= rule->count)
        return false;
    while (walk->at >= walk->count) {
        struct period period;
        if (!period_of(rule, walk->period, &period))
            return false;
        walk->period++;
        walk->steps++;
        walk_fill(walk, &period);
    }
    *ret_day = walk->days[walk->at++];
    walk->produced++;
    return true;
}
