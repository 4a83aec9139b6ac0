// A list of reports and, behind a line of "--", one of incidents, as strangers' spreadsheets write
// them: what is refused gets one line with its place; what is read is within its limits, and can be
// played and shown if it does not take too long.
#include "base/invariant.h"
#include "base/memory.h"
#include "watch/component.h"
#include "watch/report/backtest.h"
#include "watch/report/backtest_list.h"

#include <stdlib.h>

#define PLAYED_DAYS 60

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refusal(enum error error, const struct text *why)
{
    invariant(error == ERROR_INVALID || error == ERROR_LIMIT);
    invariant(!why->full && slice_starts_with(text_slice(why), SLICE("a.csv:")));
    for (size_t i = 0; i < why->size; i++)
        invariant((unsigned char)why->data[i] >= ' ' && why->data[i] != 0x7F);
}

static void check_reports(const struct backtest *backtest)
{
    size_t count = 0;
    for (size_t i = 0; i < backtest->service_count; i++)
        count += backtest->services[i].reports;
    invariant(count == backtest->report_count);
    for (size_t i = 0; i < backtest->report_count; i++)
        invariant(backtest->reports[i].service < backtest->service_count
            && backtest->reports[i].at_ms >= 0);
}

static void play(struct backtest *backtest, struct text *why)
{
    int64_t first = INT64_MAX, last = 0;
    for (size_t i = 0; i < backtest->report_count; i++) {
        first = MINIMUM(first, backtest->reports[i].at_ms);
        last = MAXIMUM(last, backtest->reports[i].at_ms);
    }
    if (backtest->service_count > 4 || last - first > PLAYED_DAYS * INT64_C(86400000))
        return;
    enum error error = backtest_run(backtest, why);
    invariant((error == ERROR_NONE) == (backtest->report_count > 0));
    if (error != ERROR_NONE)
        return;
    invariant(backtest->counted <= backtest->report_count);
    for (size_t i = 0; i < ANOMALY_LEVELS; i++)
        invariant(backtest->false_alarms[i] <= backtest->alarms[i]);
    char *shown = NULL;
    size_t shown_size = 0;
    FILE *out = open_memstream(&shown, &shown_size);
    invariant(out != NULL);
    backtest_show(backtest, out);
    invariant(backtest_show_json(backtest, out) == ERROR_NONE);
    fclose(out);
    for (size_t i = 0; i < shown_size; i++)
        invariant(shown[i] != '\x1b');
    free(shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char buffer[1024];
    struct text why = text_in(buffer, sizeof(buffer));
    struct backtest *backtest;
    struct slice reports = slice_of((const char *)data, size), incidents = SLICE_EMPTY;
    const char *border = size == 0 ? NULL : memmem(data, size, "\n--\n", 4);
    if (border != NULL) {
        size_t before = (size_t)(border - reports.data);
        incidents = slice_of(border + 4, size - before - 4);
        reports.size = before;
    }
    invariant(backtest_create(&backtest) == ERROR_NONE);
    enum error error = backtest_read_reports(backtest, reports, "a.csv", &why);
    if (error == ERROR_NONE)
        error = backtest_read_incidents(backtest, incidents, "a.csv", &why);
    check_reports(backtest);
    if (error == ERROR_NONE)
        play(backtest, &why);
    else
        check_refusal(error, &why);
    backtest_destroy(backtest);
    return 0;
}
