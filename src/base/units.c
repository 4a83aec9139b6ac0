// One table per kind of unit, used for reading and for writing.
#include "base/units.h"

#include <time.h>

struct unit {
    struct slice name;
    uint64_t factor;
};

// Largest first; the first name of a factor is the one written.
static const struct unit duration_units[] = {
    {{"d", 1}, 86400000}, {{"h", 1}, 3600000}, {{"m", 1}, 60000}, {{"s", 1}, 1000}, {{"ms", 2}, 1},
};
static const struct unit size_units[] = {
    {{"TB", 2}, UINT64_C(1) << 40}, {{"TiB", 3}, UINT64_C(1) << 40}, {{"GB", 2}, 1 << 30},
    {{"GiB", 3}, 1 << 30}, {{"MB", 2}, 1 << 20}, {{"MiB", 3}, 1 << 20}, {{"KB", 2}, 1 << 10},
    {{"KiB", 3}, 1 << 10}, {{"B", 1}, 1}, {{"", 0}, 1},
};

static bool parse(struct slice slice, const struct unit *units, size_t count, uint64_t *ret_value)
{
    size_t digits = 0;
    while (digits < slice.size && slice.data[digits] >= '0' && slice.data[digits] <= '9')
        digits++;
    struct slice name = slice_of(slice.data + digits, slice.size - digits);
    uint64_t value;
    if (!slice_parse_u64(slice_of(slice.data, digits), UINT64_MAX, &value))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(units[i].name, name)) {
            if (__builtin_mul_overflow(value, units[i].factor, &value))
                return false;
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static void format(struct text *text, uint64_t value, const struct unit *units, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (value % units[i].factor == 0 && (value >= units[i].factor || units[i].factor == 1)) {
            text_append_u64(text, value / units[i].factor);
            text_append(text, units[i].name);
            return;
        }
    }
}

bool units_parse_duration_ms(struct slice slice, uint64_t *ret_ms)
{
    if (slice_equal(slice, SLICE("0"))) {
        *ret_ms = 0;
        return true;
    }
    return parse(slice, duration_units, ARRAY_SIZE(duration_units), ret_ms);
}

bool units_parse_size(struct slice slice, uint64_t *ret_bytes)
{
    return parse(slice, size_units, ARRAY_SIZE(size_units), ret_bytes);
}

void units_format_duration_ms(struct text *text, uint64_t ms)
{
    if (ms == 0)
        text_append_byte(text, '0');
    else
        format(text, ms, duration_units, ARRAY_SIZE(duration_units));
}

void units_format_size(struct text *text, uint64_t bytes)
{
    if (bytes == 0)
        text_append_byte(text, '0');
    else
        format(text, bytes, size_units, ARRAY_SIZE(size_units));
}

void units_format_time(struct text *text, int64_t wall_ms)
{
    struct tm utc;
    time_t seconds = wall_ms / 1000;
    if (gmtime_r(&seconds, &utc) == NULL || utc.tm_year + 1900 < 1000 || utc.tm_year + 1900 > 9999)
        return;
    text_format(text, "%04d-%02d-%02dT%02d:%02d:%02dZ", utc.tm_year + 1900, utc.tm_mon + 1,
        utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}
