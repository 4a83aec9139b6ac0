// Days of the calendar (Gregorian, also before there was one) as numbers since 1 January 1970.
#pragma once

#include "base/base.h"

struct window_date {
    int year;
    int month, day;      // from 1
    int day_of_year;     // from 1
    int weekday;         // 0: Monday
    int month_days, year_days;
};

static inline bool window_is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static inline int window_month_days(int year, int month)
{
    static const int8_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && window_is_leap(year) ? 29 : lengths[month - 1];
}

// Of 1 January.
static inline int32_t window_year_begin(int year)
{
    int before = year - 1; // years gone by; those before 1970 are at least 1
    return 365 * (year - 1970) + (before / 4 - before / 100 + before / 400) - 477;
}

static inline int32_t window_day_of(int year, int month, int day)
{
    int32_t number = window_year_begin(year) + day - 1;
    for (int i = 1; i < month; i++)
        number += window_month_days(year, i);
    return number;
}

static inline int window_weekday(int32_t day) // 1 January 1970 was a Thursday
{
    return (int)(((int64_t)day + 3) % 7 + 7) % 7;
}

// Of the years 1 to 9999.
static inline struct window_date window_date_of(int32_t day)
{
    int year = 1970 + (int)((int64_t)day * 400 / 146097);
    while (window_year_begin(year) > day)
        year--;
    while (window_year_begin(year + 1) <= day)
        year++;
    struct window_date date = {.year = year, .month = 1, .weekday = window_weekday(day),
        .year_days = window_is_leap(year) ? 366 : 365};
    int rest = day - window_year_begin(year);
    date.day_of_year = rest + 1;
    while (rest >= window_month_days(year, date.month))
        rest -= window_month_days(year, date.month++);
    date.day = rest + 1;
    date.month_days = window_month_days(year, date.month);
    return date;
}
