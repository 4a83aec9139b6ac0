// The two charts of a component, drawn here: response times (typical, and the slowest), and uptime
// (of what is watched as bars, of visitors as a line). Each says in words what it shows, and both
// have a table behind them.
#include "watch/page/writer.h"

#define BUCKETS_MAX 96
#define LEFT 56
#define RIGHT 716
#define TOP 12
#define BOTTOM 172
#define LABELS 5 // under the time axis
#define LONG_SHARE 9500 // of 10000; less is a long outage

// Several points in one.
struct bucket {
    int64_t begin_ms;
    uint32_t typical_ms, slow_ms; // UINT32_MAX: not known
    double up, served;            // negative: not known
};

struct chart {
    struct bucket buckets[BUCKETS_MAX];
    size_t count;
    uint32_t least_ms, most_ms; // typical ones; least UINT32_MAX: none is known
    uint32_t top_ms;            // of the axis
    double least_up;            // negative: none is known
    bool has_served;
};

static struct bucket gather(const struct chronicle_point *points, size_t count)
{
    struct bucket bucket = {0, UINT32_MAX, UINT32_MAX, -1, -1};
    uint32_t typical = 0, up = 0, served = 0, slow = 0;
    uint32_t typicals = 0, ups = 0, serveds = 0;
    for (size_t i = 0; i < count; i++) {
        if (points[i].typical_ms != UINT16_MAX) {
            typical += points[i].typical_ms;
            typicals++;
        }
        if (points[i].slow_ms != UINT16_MAX)
            slow = MAXIMUM(slow, points[i].slow_ms);
        if (points[i].up != UINT16_MAX) {
            up += points[i].up;
            ups++;
        }
        if (points[i].served != UINT16_MAX) {
            served += points[i].served;
            serveds++;
        }
    }
    if (typicals > 0) {
        bucket.typical_ms = typical / typicals;
        bucket.slow_ms = MAXIMUM(slow, bucket.typical_ms);
    }
    bucket.up = ups > 0 ? (double)up / ups / 10000 : -1;
    bucket.served = serveds > 0 ? (double)served / serveds / 10000 : -1;
    return bucket;
}

// A round number that is not below.
static uint32_t round_up(uint32_t value)
{
    static const uint32_t steps[] = {1, 2, 4, 5, 10};
    for (uint32_t power = 1;; power *= 10) {
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
            if (steps[i] * power >= value)
                return steps[i] * power;
        }
    }
}

static void make(const struct writer *writer, struct chart *chart)
{
    const struct status_page *page = writer->page;
    size_t points = page->point_days * CHRONICLE_POINTS;
    size_t each = page->point_days <= 1 ? 3 : page->point_days <= 7 ? 24 : CHRONICLE_POINTS;
    int64_t last_ms = page->now_ms / CHRONICLE_POINT_MS * CHRONICLE_POINT_MS;
    *chart = (struct chart){.least_ms = UINT32_MAX, .least_up = -1};
    uint32_t slowest = 0;
    for (size_t at = 0; at + each <= points && chart->count < BUCKETS_MAX; at += each) {
        struct bucket bucket = gather(&page->points[at], each);
        bucket.begin_ms = last_ms - (int64_t)(points - 1 - at) * CHRONICLE_POINT_MS;
        if (bucket.typical_ms != UINT32_MAX) {
            chart->least_ms = MINIMUM(chart->least_ms, bucket.typical_ms);
            chart->most_ms = MAXIMUM(chart->most_ms, bucket.typical_ms);
            slowest = MAXIMUM(slowest, bucket.slow_ms);
        }
        if (bucket.up >= 0 && (chart->least_up < 0 || bucket.up < chart->least_up))
            chart->least_up = bucket.up;
        chart->has_served = chart->has_served || bucket.served >= 0;
        chart->buckets[chart->count++] = bucket;
    }
    // One slow answer must not make a flat line of all the others.
    chart->top_ms = round_up(MAXIMUM(MINIMUM(slowest, 4 * chart->most_ms), 10));
}

// --- Axes ---

static double x_of(const struct chart *chart, size_t bucket)
{
    return LEFT + (double)(RIGHT - LEFT) * (double)bucket / (double)chart->count;
}

static void write_line_across(const struct writer *writer, double y)
{
    text_format(writer->text, "<path class=\"t\" d=\"M%d %.0fH%d\"/><text x=\"%d\" y=\"%.0f\" "
        "text-anchor=\"end\">", LEFT, y, RIGHT, LEFT - 8, y + 4);
}

static void write_time_axis(const struct writer *writer, const struct chart *chart)
{
    for (size_t i = 0; i < LABELS; i++) {
        size_t bucket = (chart->count - 1) * i / (LABELS - 1);
        const char *anchor = i == 0 ? "start" : i == LABELS - 1 ? "end" : "middle";
        text_format(writer->text, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">",
            LEFT + (RIGHT - LEFT) * (int)i / (LABELS - 1), BOTTOM + 20, anchor);
        int64_t at_ms = chart->buckets[bucket].begin_ms;
        if (writer->page->point_days <= 1)
            text_format(writer->text, "%02d:%02d", (int)(at_ms / 3600000 % 24),
                (int)(at_ms / 60000 % 60));
        else
            word_append_day(writer->text, writer->language, at_ms);
        write_html(writer, "</text>");
    }
}

// What the two lines, or the columns and the line, are.
struct key {
    const char *line; // its class
    enum word word;
};

static void begin_figure(const struct writer *writer, enum word title, struct slice says,
    const struct key keys[2])
{
    write_html(writer, "<figure class=\"a\"><figcaption>");
    write_word(writer, title);
    write_html(writer, "<span>");
    text_append(writer->text, says);
    write_html(writer, "</span>");
    for (size_t i = 0; i < 2; i++) {
        text_format(writer->text, "<span class=key><svg viewBox=\"0 0 20 8\" aria-hidden=true>"
            "<path class=%s d=\"M0 4h20\"/></svg>", keys[i].line);
        write_word(writer, keys[i].word);
        write_html(writer, "</span>");
    }
    write_html(writer, "</figcaption>\n<svg viewBox=\"0 0 720 200\" role=\"img\" "
                       "aria-label=\"");
    write_labelled(writer, title, says);
    write_html(writer, "\">");
}

static void end_figure(const struct writer *writer, const struct chart *chart)
{
    write_time_axis(writer, chart);
    write_html(writer, "</svg></figure>\n");
}

// --- Response times ---

static double y_of_ms(const struct chart *chart, uint32_t ms)
{
    return BOTTOM - (double)(BOTTOM - TOP) * MINIMUM(ms, chart->top_ms) / chart->top_ms;
}

static void write_curve(const struct writer *writer, const struct chart *chart, bool slowest)
{
    bool is_down = false;
    text_format(writer->text, "<path class=\"%s\" d=\"", slowest ? "w2" : "j");
    for (size_t i = 0; i < chart->count; i++) {
        const struct bucket *bucket = &chart->buckets[i];
        if (bucket->typical_ms == UINT32_MAX) {
            is_down = false;
            continue;
        }
        double y = y_of_ms(chart, slowest ? bucket->slow_ms : bucket->typical_ms);
        text_format(writer->text, is_down ? "L%.0f %.0f" : "M%.0f %.0fh.1",
            (x_of(chart, i) + x_of(chart, i + 1)) / 2, y);
        is_down = true;
    }
    write_html(writer, "\"/>");
}

static void write_responses(const struct writer *writer, const struct chart *chart)
{
    char buffer[200];
    struct text says = text_in(buffer, sizeof(buffer));
    struct writer part = *writer;
    part.text = &says;
    if (chart->least_ms == UINT32_MAX)
        return;
    write_ms_range(&part, WORD_CHART_SAYS, chart->least_ms, chart->most_ms);
    begin_figure(writer, WORD_CHART_RESPONSES, text_slice(&says),
        (struct key[]){{"j", WORD_TYPICAL}, {"w2", WORD_SLOWEST}});
    for (uint32_t i = 0; i <= 2; i++) {
        uint32_t ms = chart->top_ms * i / 2;
        write_line_across(writer, y_of_ms(chart, ms));
        word_append_ms(writer->text, writer->language, ms);
        write_html(writer, "</text>");
    }
    write_curve(writer, chart, true);
    write_curve(writer, chart, false);
    end_figure(writer, chart);
}

// --- Uptime ---

static double y_of_share(double share)
{
    return BOTTOM - (BOTTOM - TOP) * share;
}

static char class_of(const struct bucket *bucket)
{
    return bucket->up < 0 ? 'u' : bucket->up >= 1 ? 'o'
        : bucket->up * 10000 >= LONG_SHARE ? 'd' : 'x';
}

static void write_columns(const struct writer *writer, const struct chart *chart, char letter)
{
    bool is_open = false;
    for (size_t i = 0; i < chart->count; i++) {
        const struct bucket *bucket = &chart->buckets[i];
        if (class_of(bucket) != letter)
            continue;
        if (!is_open)
            text_format(writer->text, "<path class=\"%c\" d=\"", letter);
        is_open = true;
        double left = x_of(chart, i), width = x_of(chart, i + 1) - left - 1;
        // What was down all the time is seen too.
        double y = bucket->up < 0 ? BOTTOM - 2 : MINIMUM(y_of_share(bucket->up), BOTTOM - 4);
        text_format(writer->text, "M%.1f %.0fh%.1fV%dh-%.1fz", left, y, width, BOTTOM, width);
    }
    if (is_open)
        write_html(writer, "\"/>");
}

static void write_served(const struct writer *writer, const struct chart *chart)
{
    bool is_down = false;
    write_html(writer, "<path class=\"j\" d=\"");
    for (size_t i = 0; i < chart->count; i++) {
        if (chart->buckets[i].served < 0) {
            is_down = false;
            continue;
        }
        text_format(writer->text, is_down ? "L%.0f %.0f" : "M%.0f %.0fh.1",
            (x_of(chart, i) + x_of(chart, i + 1)) / 2, y_of_share(chart->buckets[i].served));
        is_down = true;
    }
    write_html(writer, "\"/>");
}

static void write_uptime(const struct writer *writer, const struct chart *chart)
{
    char buffers[2][100];
    struct text low = text_in(buffers[0], sizeof(buffers[0]));
    char says_buffer[200];
    struct text says = text_in(says_buffer, sizeof(says_buffer));
    struct text high = text_in(buffers[1], sizeof(buffers[1]));
    bool is_site = writer->snapshot->components[writer->page->component].kind == COMPONENT_SITE;
    if (chart->least_up < 0)
        return;
    word_append_share(&low, writer->language, chart->least_up);
    word_append_share(&high, writer->language, 1);
    word_append(&says, writer->language, WORD_CHART_SAYS,
        (struct slice[]){text_slice(&low), text_slice(&high)}, 2);
    begin_figure(writer, WORD_CHART_UPTIME, text_slice(&says),
        (struct key[]){{"c", is_site ? WORD_SERVERS : WORD_UPTIME}, {"j", WORD_VISITORS}});
    for (int i = 0; i <= 2; i++) {
        write_line_across(writer, y_of_share(i / 2.0));
        word_append_share(writer->text, writer->language, i / 2.0);
        write_html(writer, "</text>");
    }
    for (const char *letter = "odxu"; *letter != '\0'; letter++)
        write_columns(writer, chart, *letter);
    if (chart->has_served)
        write_served(writer, chart);
    end_figure(writer, chart);
}

// --- The table ---

static void write_cell(const struct writer *writer, bool is_known, uint32_t ms)
{
    write_html(writer, "<td>");
    if (is_known)
        word_append_ms(writer->text, writer->language, ms);
    else
        write_html(writer, "–");
    write_html(writer, "</td>");
}

static void write_share_cell(const struct writer *writer, double share)
{
    write_html(writer, "<td>");
    if (share >= 0)
        word_append_share(writer->text, writer->language, share);
    else
        write_html(writer, "–");
    write_html(writer, "</td>");
}

static void write_table(const struct writer *writer, const struct chart *chart)
{
    static const enum word columns[] = {WORD_TIME, WORD_TYPICAL, WORD_SLOWEST, WORD_UPTIME,
        WORD_VISITORS};
    write_html(writer, "<details class=\"g\" id=\"table\"><summary>");
    write_word(writer, WORD_AS_TABLE);
    write_html(writer, "</summary>\n<div class=\"x-auto\"><table><thead><tr>");
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        write_html(writer, "<th scope=\"col\">");
        write_word(writer, columns[i]);
        write_html(writer, "</th>");
    }
    write_html(writer, "</tr></thead>\n<tbody>\n");
    for (size_t i = chart->count; i-- > 0;) {
        const struct bucket *bucket = &chart->buckets[i];
        write_html(writer, "<tr><td>");
        if (writer->page->point_days <= 7)
            word_append_moment(writer->text, writer->language, bucket->begin_ms);
        else
            word_append_day(writer->text, writer->language, bucket->begin_ms);
        write_html(writer, "</td>");
        write_cell(writer, bucket->typical_ms != UINT32_MAX, bucket->typical_ms);
        write_cell(writer, bucket->slow_ms != UINT32_MAX, bucket->slow_ms);
        write_share_cell(writer, bucket->up);
        write_share_cell(writer, bucket->served);
        write_html(writer, "</tr>\n");
    }
    write_html(writer, "</tbody></table></div></details>\n");
}

static void write_ranges(const struct writer *writer)
{
    static const struct {
        unsigned days;
        enum word word;
    } ranges[] = {{1, WORD_RANGE_DAY}, {7, WORD_RANGE_WEEK}, {90, WORD_RANGE_QUARTER}};
    write_html(writer, "<nav aria-label=\"");
    write_word(writer, WORD_RANGE);
    write_html(writer, "\">");
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
        text_format(writer->text, "<a id=\"range%u\" href=\"?days=%u", ranges[i].days,
            ranges[i].days);
        write_language(writer, "&amp;");
        write_html(writer, writer->page->point_days == ranges[i].days
            ? "\" aria-current=\"true\">" : "\">");
        write_word(writer, ranges[i].word);
        write_html(writer, "</a>");
    }
    write_html(writer, "</nav>\n");
}

void write_charts(const struct writer *writer)
{
    struct chart chart = {.least_ms = UINT32_MAX, .least_up = -1};
    if (writer->page->points != NULL && writer->page->point_days > 0)
        make(writer, &chart);
    write_html(writer, "<section aria-labelledby=\"charts\">\n<h2 id=\"charts\">");
    write_word(writer, WORD_RANGE);
    write_html(writer, "</h2>\n");
    write_ranges(writer);
    write_html(writer, "<br>\n");
    if (chart.least_ms == UINT32_MAX && chart.least_up < 0) {
        write_html(writer, "<p class=\"r\">");
        write_word(writer, WORD_NO_POINTS);
        write_html(writer, "</p>\n</section>\n");
        return;
    }
    write_responses(writer, &chart);
    write_uptime(writer, &chart);
    write_table(writer, &chart);
    write_html(writer, "</section>\n");
}
