// Values on the page: times in words, and whatever came from outside, cut and escaped.
#include "base/units.h"
#include "edge/pages/page_parts.h"

#include <time.h>

void page_append_span(struct text *text, int64_t ms)
{
    static const struct {
        int64_t seconds;
        const char *word;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    int64_t seconds = ms / 1000;
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        int64_t count = seconds / units[i].seconds;
        // Up to 119 minutes and 47 hours say more than "1 hour" and "1 day".
        if (count > 1 || (count == 1 && units[i].seconds < 3600)) {
            text_format(text, "%lld %s%s", (long long)count, units[i].word, count == 1 ? "" : "s");
            return;
        }
    }
    text_append(text, SLICE("a moment"));
}

// False for times that no calendar of four-digit years has.
static bool break_down(int64_t wall_ms, struct tm *ret_utc)
{
    time_t seconds = wall_ms / 1000;
    return gmtime_r(&seconds, ret_utc) != NULL && ret_utc->tm_year + 1900 >= 1970 &&
           ret_utc->tm_year + 1900 <= 9999;
}

void page_append_clock(struct text *text, int64_t wall_ms, int64_t now_ms)
{
    static const char *const months[] = {"January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December"};
    struct tm utc, today;
    if (!break_down(wall_ms, &utc))
        return;
    if (!break_down(now_ms, &today) || utc.tm_yday != today.tm_yday || utc.tm_year != today.tm_year)
        text_format(text, "%d %s %d, ", utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900);
    text_format(text, "%02d:%02d UTC", utc.tm_hour, utc.tm_min);
}

void page_append_html_time(struct text *text, int64_t wall_ms, int64_t now_ms)
{
    text_append(text, SLICE("<time datetime=\""));
    units_format_time(text, wall_ms);
    text_append(text, SLICE("\">"));
    page_append_clock(text, wall_ms, now_ms);
    text_append(text, SLICE("</time>"));
}

static bool continues_character(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

// Escapes as much of value as gives at most `shown` bytes.
static void append_cut(struct text *text, struct slice value, size_t shown,
    void (*escape)(struct text *text, struct slice slice))
{
    char buffer[64];
    size_t used = 0, at = 0;
    while (at < value.size) {
        size_t end = at + 1;
        while (end < value.size && end - at < 4 && continues_character(value.data[end]))
            end++;
        struct text piece = text_in(buffer, sizeof(buffer));
        escape(&piece, slice_of(value.data + at, end - at));
        if (used + piece.size > shown) {
            text_append(text, SLICE("…"));
            return;
        }
        used += piece.size;
        text_append(text, text_slice(&piece));
        at = end;
    }
}

void page_append_html(struct text *text, struct slice value, size_t shown)
{
    append_cut(text, value, shown, text_append_html);
}

static void escape_plain(struct text *text, struct slice slice)
{
    for (size_t i = 0; i < slice.size; i++)
        text_append_byte(text,
            (unsigned char)slice.data[i] < ' ' || slice.data[i] == 0x7F ? ' ' : slice.data[i]);
}

void page_append_plain(struct text *text, struct slice value, size_t shown)
{
    append_cut(text, value, shown, escape_plain);
}

void page_append_json_member(struct text *text, const char *name, struct slice value, size_t shown)
{
    text_format(text, ",\"%s\":\"", name);
    append_cut(text, value, shown, text_append_json);
    text_append_byte(text, '"');
}

void page_append_json_time(struct text *text, const char *name, int64_t wall_ms)
{
    if (wall_ms == 0)
        return;
    text_format(text, ",\"%s\":\"", name);
    units_format_time(text, wall_ms);
    text_append_byte(text, '"');
}

static bool is_url(struct slice value)
{
    return slice_starts_with(value, SLICE("https://")) ||
           slice_starts_with(value, SLICE("http://"));
}

static bool is_plain_word(struct slice value, const char *also)
{
    for (size_t i = 0; i < value.size; i++) {
        char byte = value.data[i];
        bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= '0' && byte <= '9') || (byte != '\0' && strchr(also, byte) != NULL);
        if (!plain)
            return false;
    }
    return value.size > 0;
}

void page_append_html_support(struct text *text, struct slice support, struct slice request_id)
{
    // Only a whole address becomes a link: a cut one would lead elsewhere.
    bool fits = support.size <= PAGE_SUPPORT_SHOWN / 2;
    bool is_mail = is_plain_word(support, "@.-_+") && slice_contains(support, '@');
    if (fits && (is_url(support) || is_mail)) {
        text_append(text, SLICE("<a href=\""));
        if (is_mail)
            text_append(text, SLICE("mailto:"));
        page_append_html(text, support, PAGE_SUPPORT_SHOWN);
        // Support can look the request up when the mail names it.
        if (is_mail && is_plain_word(request_id, "-_") &&
            request_id.size <= PAGE_REQUEST_ID_SHOWN) {
            text_append(text, SLICE("?subject=Request%20"));
            text_append(text, request_id);
        }
        text_append(text, SLICE("\">"));
        page_append_html(text, support, PAGE_SUPPORT_SHOWN);
        text_append(text, SLICE("</a>"));
        return;
    }
    page_append_html(text, support, PAGE_SUPPORT_SHOWN);
}
