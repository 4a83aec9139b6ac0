// Reads a recurrence rule. What it may not say is refused with the place and what would be right:
// a rule that is half understood would announce work at times when there is none.
#include "watch/incident/window_rule.h"

struct reading {
    struct window_rule *rule;
    struct slice name, value; // of the part
    struct text *why;
    unsigned seen;
};

static const char weekday_names[7][3] = {"MO", "TU", "WE", "TH", "FR", "SA", "SU"};

static enum error refuse(const struct reading *reading, const char *what)
{
    text_append(reading->why, SLICE("rule: at "));
    text_append_quoted(reading->why, reading->name);
    text_append(reading->why, SLICE(": "));
    text_append(reading->why, slice_from_string(what));
    return ERROR_INVALID;
}

static enum error refuse_value(const struct reading *reading, struct slice value, const char *right)
{
    text_append(reading->why, SLICE("rule: at "));
    text_append_quoted(reading->why, reading->name);
    text_append(reading->why, SLICE(": "));
    text_append_quoted(reading->why, value);
    text_append(reading->why, SLICE(" is not "));
    text_append(reading->why, slice_from_string(right));
    return ERROR_INVALID;
}

static enum error read_count(const struct reading *reading, uint32_t *ret_number)
{
    uint64_t number;
    if (!slice_parse_u64(reading->value, WINDOW_RULE_NUMBER_MAX, &number) || number == 0)
        return refuse_value(reading, reading->value, "a number from 1 to 10000");
    *ret_number = (uint32_t)number;
    return ERROR_NONE;
}

static enum error read_frequency(struct reading *reading)
{
    static const char *const names[] = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (slice_equal_nocase(reading->value, slice_from_string(names[i]))) {
            reading->rule->frequency = (enum window_frequency)(WINDOW_DAILY + i);
            return ERROR_NONE;
        }
    }
    return refuse_value(reading, reading->value, "one of DAILY, WEEKLY, MONTHLY, YEARLY");
}

static enum error read_interval(struct reading *reading)
{
    return read_count(reading, &reading->rule->interval);
}

static enum error read_times(struct reading *reading)
{
    return read_count(reading, &reading->rule->count);
}

static bool digits(struct slice text, size_t at, size_t size, int *ret_number)
{
    uint64_t number;
    if (at + size > text.size || !slice_parse_u64(slice_of(text.data + at, size), 9999, &number))
        return false;
    *ret_number = (int)number;
    return true;
}

// 20261231, 20261231T220000, 20261231T220000Z
static enum error read_until(struct reading *reading)
{
    struct slice value = reading->value;
    int year, month, day, hour = 0, minute = 0, second = 0;
    bool is_day = value.size == 8;
    bool is_time = value.size == 15 || (value.size == 16 && (value.data[15] | 32) == 'z');
    bool right = (is_day || is_time) && digits(value, 0, 4, &year) && digits(value, 4, 2, &month)
        && digits(value, 6, 2, &day) && year >= 1970 && year <= WINDOW_RULE_LAST_YEAR
        && month >= 1 && month <= 12 && day >= 1 && day <= window_month_days(year, month);
    if (right && is_time)
        right = (value.data[8] | 32) == 't' && digits(value, 9, 2, &hour)
            && digits(value, 11, 2, &minute) && digits(value, 13, 2, &second) && hour < 24
            && minute < 60 && second < 61;
    if (!right)
        return refuse_value(reading, value,
            "a moment up to the year 2199 like 20261231T220000Z, or a day like 20261231");
    reading->rule->until = is_day ? WINDOW_UNTIL_DAY
        : value.size == 16 ? WINDOW_UNTIL_UTC : WINDOW_UNTIL_LOCAL;
    reading->rule->until_seconds = window_day_of(year, month, day) * INT64_C(86400) + hour * 3600
        + minute * 60 + second;
    return ERROR_NONE;
}

static bool find_weekday(struct slice name, int *ret_weekday)
{
    for (int i = 0; i < 7; i++) {
        if (slice_equal_nocase(name, slice_from_string(weekday_names[i]))) {
            *ret_weekday = i;
            return true;
        }
    }
    return false;
}

static enum error read_week_start(struct reading *reading)
{
    if (!find_weekday(reading->value, &reading->rule->week_start))
        return refuse_value(reading, reading->value, "one of MO, TU, WE, TH, FR, SA, SU");
    return ERROR_NONE;
}

// [+-]number, not 0.
static bool read_number(struct slice text, int maximum, struct window_numbers *numbers)
{
    uint64_t number;
    bool minus = text.size > 0 && text.data[0] == '-';
    if (minus || (text.size > 0 && text.data[0] == '+'))
        text = slice_of(text.data + 1, text.size - 1);
    if (!slice_parse_u64(text, (uint64_t)maximum, &number) || number == 0)
        return false;
    uint64_t *bits = minus ? numbers->last : numbers->first;
    bits[number / 64] |= UINT64_C(1) << (number % 64);
    numbers->any = true;
    return true;
}

static enum error read_numbers(struct reading *reading, int maximum,
    struct window_numbers *numbers, const char *right)
{
    struct slice rest = reading->value;
    do {
        struct slice number = slice_cut(&rest, ',');
        if (!read_number(number, maximum, numbers))
            return refuse_value(reading, number, right);
    } while (rest.data != NULL);
    return ERROR_NONE;
}

static enum error read_month_days(struct reading *reading)
{
    return read_numbers(reading, 31, &reading->rule->month_days,
        "a day of a month, 1 to 31 or -31 to -1");
}

static enum error read_year_days(struct reading *reading)
{
    return read_numbers(reading, 366, &reading->rule->year_days,
        "a day of a year, 1 to 366 or -366 to -1");
}

static enum error read_weeks(struct reading *reading)
{
    return read_numbers(reading, 53, &reading->rule->weeks,
        "a week of a year, 1 to 53 or -53 to -1");
}

static enum error read_positions(struct reading *reading)
{
    return read_numbers(reading, 366, &reading->rule->positions,
        "a place among the days of a period, 1 to 366 or -366 to -1");
}

static enum error read_months(struct reading *reading)
{
    struct slice rest = reading->value;
    do {
        struct slice month = slice_cut(&rest, ',');
        uint64_t number;
        if (!slice_parse_u64(month, 12, &number) || number == 0)
            return refuse_value(reading, month, "a month, 1 to 12");
        reading->rule->months |= (uint16_t)(1U << number);
    } while (rest.data != NULL);
    return ERROR_NONE;
}

static enum error read_weekdays(struct reading *reading)
{
    struct window_rule *rule = reading->rule;
    struct slice rest = reading->value;
    do {
        struct slice day = slice_cut(&rest, ',');
        int weekday;
        size_t before = day.size < 2 ? 0 : day.size - 2;
        if (day.size < 2 || !find_weekday(slice_of(day.data + before, 2), &weekday)
            || (before > 0 && !read_number(slice_of(day.data, before), 53,
                &rule->nth_weekdays[weekday])))
            return refuse_value(reading, day,
                "a weekday like SU, or the n-th of a month or year like 2TU or -1SU");
        if (before == 0)
            rule->weekdays |= (uint8_t)(1U << weekday);
    } while (rest.data != NULL);
    rule->has_weekdays = true;
    return ERROR_NONE;
}

static enum error read_time_of_day(struct reading *reading)
{
    return refuse(reading, "the time of day is that of the begin; for another one add a window");
}

enum part { FREQ, INTERVAL, COUNT, UNTIL, WKST, BYMONTH, BYMONTHDAY, BYYEARDAY, BYWEEKNO, BYDAY,
    BYSETPOS, BYHOUR, BYMINUTE, BYSECOND, PARTS };

static const struct {
    const char *name;
    enum error (*read)(struct reading *reading);
} parts[PARTS] = {
    [FREQ] = {"FREQ", read_frequency}, [INTERVAL] = {"INTERVAL", read_interval},
    [COUNT] = {"COUNT", read_times}, [UNTIL] = {"UNTIL", read_until},
    [WKST] = {"WKST", read_week_start}, [BYMONTH] = {"BYMONTH", read_months},
    [BYMONTHDAY] = {"BYMONTHDAY", read_month_days}, [BYYEARDAY] = {"BYYEARDAY", read_year_days},
    [BYWEEKNO] = {"BYWEEKNO", read_weeks}, [BYDAY] = {"BYDAY", read_weekdays},
    [BYSETPOS] = {"BYSETPOS", read_positions}, [BYHOUR] = {"BYHOUR", read_time_of_day},
    [BYMINUTE] = {"BYMINUTE", read_time_of_day}, [BYSECOND] = {"BYSECOND", read_time_of_day},
};

static enum error read_part(struct reading *reading)
{
    for (unsigned i = 0; i < PARTS; i++) {
        if (!slice_equal_nocase(reading->name, slice_from_string(parts[i].name)))
            continue;
        if ((reading->seen & 1U << i) != 0)
            return refuse(reading, "it is there twice");
        reading->seen |= 1U << i;
        if (reading->value.size == 0)
            return refuse(reading, "it has no value; write NAME=VALUE");
        return parts[i].read(reading);
    }
    return refuse(reading, "there is no such part; a rule looks like FREQ=WEEKLY;BYDAY=SU");
}

// Which parts go together: the table of RFC 5545 section 3.3.10.
static enum error check_parts(struct reading *reading)
{
    const struct window_rule *rule = reading->rule;
    bool nth = false;
    for (unsigned i = 0; i < 7; i++)
        nth = nth || rule->nth_weekdays[i].any;
    unsigned by = 1U << BYMONTH | 1U << BYMONTHDAY | 1U << BYYEARDAY | 1U << BYWEEKNO | 1U << BYDAY;
    enum window_frequency frequency = rule->frequency;
    reading->name = SLICE("FREQ");
    if (frequency == WINDOW_ONCE)
        return refuse(reading, "it is missing; a rule looks like FREQ=WEEKLY;BYDAY=SU");
    reading->name = SLICE("COUNT");
    if (rule->count > 0 && rule->until != WINDOW_UNTIL_NEVER)
        return refuse(reading, "a rule has either COUNT or UNTIL");
    reading->name = SLICE("BYDAY");
    if (nth && frequency != WINDOW_MONTHLY && frequency != WINDOW_YEARLY)
        return refuse(reading, "the n-th weekday needs FREQ=MONTHLY or FREQ=YEARLY");
    if (nth && rule->weeks.any)
        return refuse(reading, "the n-th weekday does not go with BYWEEKNO");
    reading->name = SLICE("BYMONTHDAY");
    if (rule->month_days.any && frequency == WINDOW_WEEKLY)
        return refuse(reading, "it does not go with FREQ=WEEKLY");
    reading->name = SLICE("BYYEARDAY");
    if (rule->year_days.any && frequency != WINDOW_YEARLY)
        return refuse(reading, "it needs FREQ=YEARLY");
    reading->name = SLICE("BYWEEKNO");
    if (rule->weeks.any && frequency != WINDOW_YEARLY)
        return refuse(reading, "it needs FREQ=YEARLY");
    reading->name = SLICE("BYSETPOS");
    if (rule->positions.any && (reading->seen & by) == 0)
        return refuse(reading, "it needs one of BYMONTH, BYMONTHDAY, BYYEARDAY, BYWEEKNO, BYDAY");
    return ERROR_NONE;
}

static void set_number(struct window_numbers *numbers, int number)
{
    numbers->first[number / 64] |= UINT64_C(1) << (number % 64);
    numbers->any = true;
}

// What it leaves open is as it is on the day of the begin.
static void fill_in(struct window_rule *rule)
{
    struct window_date date = window_date_of(rule->begin);
    if (rule->has_weekdays || rule->month_days.any || rule->year_days.any)
        return;
    bool weekday = rule->frequency == WINDOW_WEEKLY || rule->weeks.any;
    if (weekday) {
        rule->weekdays = (uint8_t)(1U << date.weekday);
        rule->has_weekdays = true;
    } else if (rule->frequency == WINDOW_MONTHLY || rule->frequency == WINDOW_YEARLY) {
        set_number(&rule->month_days, date.day);
        if (rule->frequency == WINDOW_YEARLY && rule->months == 0)
            rule->months = (uint16_t)(1U << date.month);
    }
}

enum error window_rule_parse(struct slice text, int32_t begin, struct text *why,
    struct window_rule *ret_rule)
{
    struct window_rule rule = {.interval = 1, .begin = begin};
    struct reading reading = {.rule = &rule, .why = why};
    if (text.size >= 6 && slice_equal_nocase(slice_of(text.data, 6), SLICE("RRULE:")))
        text = slice_of(text.data + 6, text.size - 6);
    if (text.size > 0 && text.data[text.size - 1] == ';')
        text.size--;
    do {
        reading.value = slice_cut(&text, ';');
        reading.name = slice_cut(&reading.value, '=');
        enum error error = read_part(&reading);
        if (error != ERROR_NONE)
            return error;
    } while (text.data != NULL);
    enum error error = check_parts(&reading);
    if (error != ERROR_NONE)
        return error;
    fill_in(&rule);
    *ret_rule = rule;
    return ERROR_NONE;
}
