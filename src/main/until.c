// Three notations, told apart by how they begin.
#include "main/until.h"
#include "base/units.h"

#include <time.h>

#define DURATION_MAX_MS (INT64_C(3650) * 86400000)

// Exactly `digits` decimal digits at the start of *rest.
static bool take_number(struct slice *rest, size_t digits, int lowest, int highest, int *ret_number)
{
    uint64_t value;
    if (rest->size < digits || !slice_parse_u64(slice_of(rest->data, digits), 9999, &value))
        return false;
    if ((int)value < lowest || (int)value > highest)
        return false;
    *ret_number = (int)value;
    *rest = slice_of(rest->data + digits, rest->size - digits);
    return true;
}

static bool take_byte(struct slice *rest, const char *accepted)
{
    if (rest->size == 0 || rest->data[0] == '\0' || strchr(accepted, rest->data[0]) == NULL)
        return false;
    *rest = slice_of(rest->data + 1, rest->size - 1);
    return true;
}

// Z, an offset, or nothing for local time.
static bool take_zone(struct slice *rest, bool *ret_is_local, int *ret_offset_minutes)
{
    int hours, minutes, sign = rest->size > 0 && rest->data[0] == '-' ? -1 : 1;
    *ret_is_local = rest->size == 0;
    *ret_offset_minutes = 0;
    if (rest->size == 0 || take_byte(rest, "Zz"))
        return true;
    if (!take_byte(rest, "+-") || !take_number(rest, 2, 0, 23, &hours) || !take_byte(rest, ":")
        || !take_number(rest, 2, 0, 59, &minutes))
        return false;
    *ret_offset_minutes = sign * (hours * 60 + minutes);
    return true;
}

static bool is_date(const struct tm *time)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = time->tm_year + 1900;
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return time->tm_mday <= lengths[time->tm_mon] + (time->tm_mon == 1 && is_leap ? 1 : 0);
}

static bool parse_date(struct slice rest, int64_t *ret_wall_ms)
{
    struct tm time = {.tm_isdst = -1};
    int year, month, offset_minutes;
    bool is_local;
    if (!take_number(&rest, 4, 1970, 9999, &year) || !take_byte(&rest, "-")
        || !take_number(&rest, 2, 1, 12, &month) || !take_byte(&rest, "-")
        || !take_number(&rest, 2, 1, 31, &time.tm_mday) || !take_byte(&rest, "Tt ")
        || !take_number(&rest, 2, 0, 23, &time.tm_hour) || !take_byte(&rest, ":")
        || !take_number(&rest, 2, 0, 59, &time.tm_min))
        return false;
    if (take_byte(&rest, ":") && !take_number(&rest, 2, 0, 60, &time.tm_sec))
        return false;
    if (take_byte(&rest, ".")) {
        if (!take_byte(&rest, "0123456789"))
            return false;
        while (take_byte(&rest, "0123456789"))
            ; // a fraction of a second is not worth keeping
    }
    time.tm_year = year - 1900;
    time.tm_mon = month - 1;
    if (!is_date(&time) || !take_zone(&rest, &is_local, &offset_minutes) || rest.size > 0)
        return false;
    time_t seconds = is_local ? mktime(&time) : timegm(&time) - (time_t)offset_minutes * 60;
    if (seconds < 0)
        return false;
    *ret_wall_ms = (int64_t)seconds * 1000;
    return true;
}

static bool parse_clock(struct slice rest, int64_t wall_ms, int64_t *ret_wall_ms)
{
    time_t now = wall_ms / 1000;
    struct tm day;
    int hour, minute;
    if (!take_number(&rest, 2, 0, 23, &hour) || !take_byte(&rest, ":")
        || !take_number(&rest, 2, 0, 59, &minute) || rest.size > 0)
        return false;
    if (localtime_r(&now, &day) == NULL)
        return false;
    // Tomorrow's is made anew, because a day is not always 24 hours.
    for (int days = 0; days < 2; days++) {
        struct tm time = {.tm_year = day.tm_year, .tm_mon = day.tm_mon,
            .tm_mday = day.tm_mday + days, .tm_hour = hour, .tm_min = minute, .tm_isdst = -1};
        time_t seconds = mktime(&time);
        if (seconds > now) {
            *ret_wall_ms = (int64_t)seconds * 1000;
            return true;
        }
    }
    return false;
}

bool until_parse(struct slice text, int64_t wall_ms, int64_t *ret_wall_ms)
{
    uint64_t duration_ms;
    struct slice duration = text;
    if (text.size == 5 && text.data[2] == ':')
        return parse_clock(text, wall_ms, ret_wall_ms);
    if (slice_contains(text, '-'))
        return parse_date(text, ret_wall_ms);
    take_byte(&duration, "+");
    if (!units_parse_duration_ms(duration, &duration_ms) || duration_ms > DURATION_MAX_MS)
        return false;
    *ret_wall_ms = wall_ms + (int64_t)duration_ms;
    return true;
}
