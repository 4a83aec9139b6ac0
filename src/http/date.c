// Dates of RFC 9110 section 5.6.7, without the C library's locale and time zone.
#include "http/cache_control.h"

#define SECONDS_PER_DAY 86400
// 31 December 9949: with a later now, two digits could mean a year of five.
#define NOW_DAY_MOST 2914634

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char days[] = "MonTueWedThuFriSatSun";
static const struct slice long_days[] = {SLICE("Monday"), SLICE("Tuesday"), SLICE("Wednesday"),
    SLICE("Thursday"), SLICE("Friday"), SLICE("Saturday"), SLICE("Sunday")};

struct date {
    unsigned year, month, day, hour, minute, second; // month from 1
};

// Days from 1 March of year 0 make leap days fall at the end of a year.
static int64_t days_since_epoch(unsigned year, unsigned month, unsigned day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_of_days(int64_t since_epoch, struct date *date)
{
    int64_t z = since_epoch + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era
        = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    date->day = (unsigned)(day_of_year - (153 * shifted + 2) / 5 + 1);
    date->month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
    date->year = (unsigned)(year_of_era + era * 400 + (date->month <= 2));
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : lengths[month - 1];
}

// The reader's functions cut a piece off the front and return false when it is not there.
static bool take(struct slice *rest, struct slice literal)
{
    if (rest->size < literal.size
        || !slice_equal_nocase(slice_of(rest->data, literal.size), literal))
        return false;
    *rest = slice_of(rest->data + literal.size, rest->size - literal.size);
    return true;
}

static bool take_number(struct slice *rest, size_t digits, unsigned *ret_number)
{
    uint64_t number;
    if (rest->size < digits || !slice_parse_u64(slice_of(rest->data, digits), 9999, &number))
        return false;
    *rest = slice_of(rest->data + digits, rest->size - digits);
    *ret_number = (unsigned)number;
    return true;
}

// One of the three-letter names, its index from 0.
static bool take_name(struct slice *rest, const char *names, size_t count, unsigned *ret_index)
{
    for (unsigned i = 0; i < count; i++) {
        if (take(rest, slice_of(names + (size_t)3 * i, 3))) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static bool take_month(struct slice *rest, unsigned *ret_month)
{
    unsigned index;
    if (!take_name(rest, months, 12, &index))
        return false;
    *ret_month = index + 1;
    return true;
}

static bool take_time(struct slice *rest, struct date *date)
{
    return take_number(rest, 2, &date->hour) && take(rest, SLICE(":"))
        && take_number(rest, 2, &date->minute) && take(rest, SLICE(":"))
        && take_number(rest, 2, &date->second);
}

static bool take_zone(struct slice *rest)
{
    return take(rest, SLICE(" GMT"));
}

// "Sun, 06 Nov 1994 08:49:37 GMT", after the day name and comma.
static bool parse_imf(struct slice *rest, struct date *date)
{
    return take(rest, SLICE(" ")) && take_number(rest, 2, &date->day) && take(rest, SLICE(" "))
        && take_month(rest, &date->month) && take(rest, SLICE(" "))
        && take_number(rest, 4, &date->year) && take(rest, SLICE(" ")) && take_time(rest, date)
        && take_zone(rest);
}

// "Sunday, 06-Nov-94 08:49:37 GMT", after the day name and comma. A year that would lie more than
// 50 years ahead is the last one in the past with these digits.
static bool parse_rfc850(struct slice *rest, int64_t now_seconds, struct date *date)
{
    struct date now = {0};
    unsigned year;
    if (!(take(rest, SLICE(" ")) && take_number(rest, 2, &date->day) && take(rest, SLICE("-"))
            && take_month(rest, &date->month) && take(rest, SLICE("-"))
            && take_number(rest, 2, &year) && take(rest, SLICE(" ")) && take_time(rest, date)
            && take_zone(rest)))
        return false;
    date_of_days(MINIMUM(MAXIMUM(now_seconds, 0) / SECONDS_PER_DAY, NOW_DAY_MOST), &now);
    date->year = now.year - now.year % 100 + year;
    if (date->year > now.year + 50)
        date->year -= 100;
    else if (date->year + 50 <= now.year)
        date->year += 100;
    return true;
}

// "Sun Nov  6 08:49:37 1994", after the day name.
static bool parse_asctime(struct slice *rest, struct date *date)
{
    if (!take(rest, SLICE(" ")) || !take_month(rest, &date->month) || !take(rest, SLICE(" ")))
        return false;
    bool one_digit = take(rest, SLICE(" "));
    return take_number(rest, one_digit ? 1 : 2, &date->day) && take(rest, SLICE(" "))
        && take_time(rest, date) && take(rest, SLICE(" ")) && take_number(rest, 4, &date->year);
}

static bool parse_any(struct slice *rest, int64_t now_seconds, struct date *date)
{
    unsigned day;
    for (size_t i = 0; i < ARRAY_SIZE(long_days); i++) {
        if (take(rest, long_days[i]))
            return take(rest, SLICE(",")) && parse_rfc850(rest, now_seconds, date);
    }
    if (!take_name(rest, days, 7, &day))
        return false;
    return take(rest, SLICE(",")) ? parse_imf(rest, date) : parse_asctime(rest, date);
}

bool http_date_parse(struct slice text, int64_t now_seconds, int64_t *ret_seconds)
{
    struct date date = {0};
    if (!parse_any(&text, now_seconds, &date) || text.size > 0)
        return false;
    // Second 60 is a leap second, and the next minute's first to a clock that has none.
    if (date.day < 1 || date.day > days_in_month(date.year, date.month) || date.hour > 23
        || date.minute > 59 || date.second > 60)
        return false;
    *ret_seconds = days_since_epoch(date.year, date.month, date.day) * SECONDS_PER_DAY
        + date.hour * 3600 + date.minute * 60 + date.second;
    return true;
}

static void put_number(char *at, unsigned number, unsigned digits)
{
    while (digits-- > 0) {
        at[digits] = (char)('0' + number % 10);
        number /= 10;
    }
}

void http_date_format(int64_t seconds, char buffer[HTTP_DATE_SIZE])
{
    const int64_t first = INT64_C(-62167219200), last = INT64_C(253402300799); // years 0 to 9999
    struct date date = {0};
    seconds = MINIMUM(MAXIMUM(seconds, first), last);
    int64_t day = (seconds - first) / SECONDS_PER_DAY + first / SECONDS_PER_DAY;
    unsigned time = (unsigned)((seconds - first) % SECONDS_PER_DAY);
    unsigned weekday = (unsigned)(((day + 3) % 7 + 7) % 7); // 1 January 1970 was a Thursday
    date_of_days(day, &date);
    memcpy(buffer, "Xxx, 00 Xxx 0000 00:00:00 GMT", HTTP_DATE_SIZE);
    memcpy(buffer, days + (size_t)3 * weekday, 3);
    put_number(buffer + 5, date.day, 2);
    memcpy(buffer + 8, months + (size_t)3 * (date.month - 1), 3);
    put_number(buffer + 12, date.year, 4);
    put_number(buffer + 17, time / 3600, 2);
    put_number(buffer + 20, time / 60 % 60, 2);
    put_number(buffer + 23, time % 60, 2);
}
