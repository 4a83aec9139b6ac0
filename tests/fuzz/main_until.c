// Any text as a time, at any moment: what is taken lies where its notation says, and a date means
// the same once it has been written again. The first eight bytes are the moment.
#include "base/invariant.h"
#include "main/until.h"

#include <stdlib.h>
#include <time.h>

#define WALL_MAX_MS INT64_C(4102444800000) // the year 2100
#define DAY_MS INT64_C(86400000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_date(int64_t until_ms)
{
    char buffer[64];
    struct tm date;
    time_t seconds = until_ms / 1000;
    int64_t again_ms;
    invariant(until_ms >= 0 && until_ms % 1000 == 0 && gmtime_r(&seconds, &date) != NULL);
    size_t written = strftime(buffer, sizeof(buffer), "%Y-%m-%dT%H:%M:%SZ", &date);
    if (written != strlen("2026-01-31T18:30:00Z"))
        return; // an offset can lead out of what four digits can say
    invariant(until_parse(slice_of(buffer, written), 0, &again_ms) && again_ms == until_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t moment;
    int64_t until_ms = -1;
    if (size < sizeof(moment))
        return 0;
    setenv("TZ", "Europe/Berlin", 1);
    memcpy(&moment, data, sizeof(moment));
    int64_t wall_ms = (int64_t)(moment % (uint64_t)WALL_MAX_MS);
    size_t text_size = size - sizeof(moment);
    char *copy = malloc(text_size + 1); // + 1: malloc(0) may be NULL
    invariant(copy != NULL);
    memcpy(copy, data + sizeof(moment), text_size);
    struct slice text = slice_of(copy, text_size);
    if (!until_parse(text, wall_ms, &until_ms))
        invariant(until_ms == -1);
    else if (text.size == 5 && text.data[2] == ':') // the next such time; days can have 25 hours
        invariant(until_ms > wall_ms / 1000 * 1000 && until_ms <= wall_ms + DAY_MS + DAY_MS / 12);
    else if (slice_contains(text, '-'))
        check_date(until_ms);
    else
        invariant(until_ms >= wall_ms && until_ms - wall_ms <= 3650 * DAY_MS);
    free(copy);
    return 0;
}
