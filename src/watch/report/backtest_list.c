// Comma-separated values (RFC 4180), as far as lists of times need them: a field may stand in
// quotes, a quote in it may not.
#include "watch/report/backtest_list.h"

#include <time.h>

#define TIME_MAX_SECONDS INT64_C(253402300799) // the end of year 9999

void list_reader_init(struct list_reader *reader, struct slice list, const char *name,
    const char *const *fields, size_t field_count, struct text *why)
{
    *reader = (struct list_reader){.rest = list, .name = name, .fields = fields,
        .field_count = field_count, .why = why};
    for (size_t i = 0; i < field_count; i++)
        reader->places[i] = i;
    if (slice_starts_with(list, SLICE("\xef\xbb\xbf"))) // as spreadsheets write it
        reader->rest = slice_of(list.data + 3, list.size - 3);
}

enum error list_reader_refuse(struct list_reader *reader, struct slice value, const char *message)
{
    text_format(reader->why, "%s:%llu: ", reader->name, (unsigned long long)reader->line);
    text_append_quoted(reader->why, value);
    text_format(reader->why, " %s", message);
    return ERROR_INVALID;
}

// Cuts the line at commas. More columns than there may be are skipped: they are none of ours.
static enum error split(struct list_reader *reader, struct slice line, struct slice *columns,
    size_t *ret_count)
{
    size_t count = 0;
    while (line.data != NULL && count < LIST_COLUMNS) {
        struct slice column, whole = slice_trim(line);
        if (whole.size > 0 && whole.data[0] == '"') {
            struct slice inside = slice_of(whole.data + 1, whole.size - 1);
            column = slice_cut(&inside, '"');
            bool is_closed = inside.data != NULL;
            inside = slice_trim(inside);
            if (!is_closed || (inside.size > 0 && inside.data[0] != ','))
                return list_reader_refuse(reader, whole,
                    "has a quote that does not end before a comma");
            line = inside.size == 0 ? SLICE_EMPTY : slice_of(inside.data + 1, inside.size - 1);
        } else {
            column = slice_cut(&line, ',');
        }
        columns[count++] = slice_trim(column);
    }
    *ret_count = count;
    return ERROR_NONE;
}

// Whether it is a line of names; then the columns are where it says.
static bool take_names(struct list_reader *reader, const struct slice *columns, size_t count)
{
    size_t places[LIST_FIELDS_MAX] = {0};
    for (size_t i = 0; i < reader->field_count; i++) {
        places[i] = LIST_COLUMNS;
        for (size_t j = 0; j < count; j++) {
            if (slice_equal_nocase(columns[j], slice_from_string(reader->fields[i])))
                places[i] = j;
        }
    }
    if (places[0] == LIST_COLUMNS)
        return false;
    memcpy(reader->places, places, sizeof(places));
    return true;
}

enum error list_reader_next(struct list_reader *reader, struct slice *ret_fields)
{
    struct slice columns[LIST_COLUMNS] = {{0}};
    while (reader->rest.data != NULL) {
        size_t count = 0;
        struct slice line = slice_cut(&reader->rest, '\n');
        reader->line++;
        if (line.size > 0 && line.data[line.size - 1] == '\r')
            line.size--;
        line = slice_trim(line);
        if (line.size == 0 || line.data[0] == '#')
            continue;
        enum error error = split(reader, line, columns, &count);
        if (error != ERROR_NONE)
            return error;
        if (reader->line == 1 && take_names(reader, columns, count))
            continue;
        for (size_t i = 0; i < reader->field_count; i++)
            ret_fields[i] = reader->places[i] < count ? columns[reader->places[i]] : SLICE("");
        return ERROR_NONE;
    }
    return ERROR_NOT_FOUND;
}

// --- Times ---

static bool take_number(struct slice *rest, size_t digits, int lowest, int highest, int *ret_number)
{
    uint64_t value;
    if (rest->size < digits || !slice_parse_u64(slice_of(rest->data, digits), 9999, &value)
        || (int)value < lowest || (int)value > highest)
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

// As many digits as there are; what is less than a millisecond is not kept.
static bool take_fraction(struct slice *rest, int64_t *ms)
{
    int64_t weight = 100;
    if (!take_byte(rest, "."))
        return true;
    size_t before = rest->size;
    while (rest->size > 0 && rest->data[0] >= '0' && rest->data[0] <= '9') {
        *ms += weight * (rest->data[0] - '0');
        weight /= 10;
        *rest = slice_of(rest->data + 1, rest->size - 1);
    }
    return rest->size < before;
}

static bool take_offset(struct slice *rest, int64_t *ret_seconds)
{
    int hours, minutes, sign = rest->size > 0 && rest->data[0] == '-' ? -1 : 1;
    *ret_seconds = 0;
    if (take_byte(rest, "Zz"))
        return true;
    if (!take_byte(rest, "+-") || !take_number(rest, 2, 0, 23, &hours) || !take_byte(rest, ":")
        || !take_number(rest, 2, 0, 59, &minutes))
        return false;
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool is_day(int year, int month, int day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= lengths[month - 1] + (month == 2 && is_leap);
}

static bool parse_date(struct slice rest, int64_t *ret_ms)
{
    struct tm time = {0};
    int year, month;
    int64_t ms = 0, offset;
    if (!take_number(&rest, 4, 1970, 9999, &year) || !take_byte(&rest, "-")
        || !take_number(&rest, 2, 1, 12, &month) || !take_byte(&rest, "-")
        || !take_number(&rest, 2, 1, 31, &time.tm_mday) || !take_byte(&rest, "Tt ")
        || !take_number(&rest, 2, 0, 23, &time.tm_hour) || !take_byte(&rest, ":")
        || !take_number(&rest, 2, 0, 59, &time.tm_min) || !take_byte(&rest, ":")
        || !take_number(&rest, 2, 0, 60, &time.tm_sec) || !take_fraction(&rest, &ms)
        || !take_offset(&rest, &offset) || rest.size > 0
        || !is_day(year, month, time.tm_mday))
        return false;
    time.tm_year = year - 1900;
    time.tm_mon = month - 1;
    int64_t seconds = timegm(&time) - offset;
    if (seconds < 0)
        return false;
    *ret_ms = seconds * 1000 + ms;
    return true;
}

bool list_parse_time(struct slice text, int64_t *ret_ms)
{
    uint64_t seconds;
    int64_t ms = 0;
    if (slice_contains(text, '-'))
        return parse_date(text, ret_ms);
    size_t digits = 0;
    while (digits < text.size && text.data[digits] != '.')
        digits++;
    struct slice rest = slice_of(text.data + digits, text.size - digits);
    if (!slice_parse_u64(slice_of(text.data, digits), TIME_MAX_SECONDS, &seconds)
        || !take_fraction(&rest, &ms) || rest.size > 0)
        return false;
    *ret_ms = (int64_t)seconds * 1000 + ms;
    return true;
}
