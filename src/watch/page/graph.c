// The small pictures beside a component: 90 days as bars, and the response times of one. Written as
// few bytes: neighbouring days alike are one line, which the style sheet cuts into bars by dashes.
// What is worse is also lower, so that nobody needs the colours.
#include "watch/page/writer.h"

#define DAY_LEVELS 5
#define LONG_OUTAGE_MS 3600000
#define SPARK_EACH 3 // half hours in one point
#define SPARK_POINTS (SNAPSHOT_RECENT / SPARK_EACH)
#define SPARK_STEP 6
#define SPARK_HEIGHT 20 // pixels; look.h has the size too

enum day_level { DAY_UP, DAY_SOME, DAY_DOWN, DAY_UNKNOWN, DAY_MAINTENANCE };

static const struct {
    char letter;
    const char *middle; // of the bar, from above, of 24; look.h has the heights
    enum word word;
} levels[DAY_LEVELS] = {
    [DAY_UP] = {'o', "12", WORD_LEGEND_UP},
    [DAY_SOME] = {'d', "15.5", WORD_LEGEND_SOME},
    [DAY_DOWN] = {'x', "19", WORD_LEGEND_DOWN},
    [DAY_UNKNOWN] = {'u', "22", WORD_LEGEND_UNKNOWN},
    [DAY_MAINTENANCE] = {'m', "12", WORD_STATE_MAINTENANCE},
};

// By what is watched, or by what became of visitors, whichever was worse.
static enum day_level day_level(const struct uptime_day *day)
{
    uint64_t known = (uint64_t)day->up_ms + day->down_ms;
    if (known == 0 && day->requests == 0)
        return day->maintenance_ms > 0 ? DAY_MAINTENANCE : DAY_UNKNOWN;
    if (day->down_ms >= LONG_OUTAGE_MS || day->failed * 10 > day->requests)
        return DAY_DOWN;
    if (day->down_ms > 0 || day->failed * 100 > day->requests)
        return DAY_SOME;
    return day->maintenance_ms > known ? DAY_MAINTENANCE : DAY_UP;
}

static void write_level(const struct writer *writer, const enum day_level days[SNAPSHOT_DAYS],
    enum day_level level)
{
    unsigned end = 0; // of the last line, 0: there is none yet
    for (unsigned i = 0; i < SNAPSHOT_DAYS; i++) {
        unsigned begin = i;
        if (days[i] != level)
            continue;
        while (i + 1 < SNAPSHOT_DAYS && days[i + 1] == level)
            i++;
        if (end == 0)
            text_format(writer->text, "<path class=%c d=\"M%u %s", levels[level].letter,
                4 * begin, levels[level].middle);
        else
            text_format(writer->text, "m%u 0", 4 * begin - end);
        text_format(writer->text, "h%u", 4 * (i + 1 - begin) - 1);
        end = 4 * (i + 1) - 1;
    }
    if (end > 0)
        write_html(writer, "\"/>");
}

// How much of the time is said beside it.
static void say_bars(const struct writer *writer, const unsigned of[DAY_LEVELS], struct text *says)
{
    unsigned bad = of[DAY_SOME] + of[DAY_DOWN];
    enum word word = of[DAY_UP] > 0 ? WORD_LEGEND_UP
        : of[DAY_MAINTENANCE] > 0   ? WORD_STATE_MAINTENANCE
                                    : WORD_LEGEND_UNKNOWN;
    if (bad > 0)
        word_append_count(says, writer->language, WORD_COUNT_BAD_DAYS, bad);
    else
        text_append(says, word_text(writer->language, word));
}

void write_bars(const struct writer *writer, const struct uptime_day days[SNAPSHOT_DAYS])
{
    enum day_level level[SNAPSHOT_DAYS];
    char buffer[200];
    struct text says = text_in(buffer, sizeof(buffer));
    unsigned of[DAY_LEVELS] = {0};
    for (size_t i = 0; i < SNAPSHOT_DAYS; i++) {
        level[i] = day_level(&days[i]);
        of[level[i]]++;
    }
    say_bars(writer, of, &says);
    write_html(writer, "<svg class=b viewBox=\"0 0 360 24\" preserveAspectRatio=none role=img "
                       "aria-label=\"");
    word_append(writer->text, writer->language, WORD_BARS, (struct slice[]){text_slice(&says)}, 1);
    write_html(writer, "\">");
    for (unsigned i = 0; i < DAY_LEVELS; i++)
        write_level(writer, level, (enum day_level)i);
    write_html(writer, "</svg>");
}

void write_legend(const struct writer *writer)
{
    write_html(writer, "<p class=\"e\">");
    for (size_t i = 0; i < DAY_LEVELS; i++) {
        text_format(writer->text, "<span class=\"%c\"><svg viewBox=\"0 0 8 24\" "
            "aria-hidden=\"true\"><path d=\"M0 %sh8\"/></svg>", levels[i].letter,
            levels[i].middle);
        write_word(writer, levels[i].word);
        write_html(writer, "</span>");
    }
    write_html(writer, "</p>\n");
}

// The mean of those that are known; UINT32_MAX: none is.
static uint32_t mean_of(const uint16_t *responses)
{
    uint32_t sum = 0, count = 0;
    for (size_t i = 0; i < SPARK_EACH; i++) {
        if (responses[i] != UINT16_MAX) {
            sum += responses[i];
            count++;
        }
    }
    return count == 0 ? UINT32_MAX : sum / count;
}

static void write_spark_path(const struct writer *writer, const uint32_t *points, uint32_t most)
{
    int last = -1;
    for (unsigned i = 0; i < SPARK_POINTS; i++) {
        if (points[i] == UINT32_MAX) {
            last = -1;
            continue;
        }
        int y = SPARK_HEIGHT - (int)(points[i] * SPARK_HEIGHT / MAXIMUM(most, 1));
        if (last < 0)
            text_format(writer->text, "M%u %dh.1", SPARK_STEP * i, y);
        else if (y == last)
            text_format(writer->text, "h%d", SPARK_STEP);
        else
            text_format(writer->text, "l%d%s%d", SPARK_STEP, y < last ? "" : " ", y - last);
        last = y;
    }
}

void write_sparkline(const struct writer *writer, const uint16_t responses[SNAPSHOT_RECENT])
{
    uint32_t points[SPARK_POINTS], least = UINT32_MAX, most = 0;
    for (size_t i = 0; i < SPARK_POINTS; i++) {
        points[i] = mean_of(&responses[SPARK_EACH * i]);
        if (points[i] != UINT32_MAX) {
            least = MINIMUM(least, points[i]);
            most = MAXIMUM(most, points[i]);
        }
    }
    if (least == UINT32_MAX)
        return;
    write_html(writer, "<svg class=k role=img aria-label=\"");
    write_ms_range(writer, WORD_RANGE_FORM, least, most);
    write_html(writer, "\"><path d=\"");
    write_spark_path(writer, points, most);
    write_html(writer, "\"/></svg>");
}
