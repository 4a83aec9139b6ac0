// Dates: any text, and any eight bytes as a time. The C library's calendar agrees with ours, and
// what is written reads the same.
#include "base/invariant.h"
#include "http/cache_control.h"

#include <stdio.h>
#include <time.h>

#define YEAR_0 INT64_C(-62167219200)
#define YEAR_9999_ENDS INT64_C(253402300799)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_format(int64_t seconds)
{
    char ours[HTTP_DATE_SIZE], theirs[64];
    struct tm parts;
    int64_t again;
    http_date_format(seconds, ours);
    seconds = MINIMUM(MAXIMUM(seconds, YEAR_0), YEAR_9999_ENDS);
    time_t time = seconds;
    invariant(gmtime_r(&time, &parts) != NULL);
    // %Y of a year below 1000 is not padded by every C library.
    size_t length = strftime(theirs, sizeof(theirs), "%a, %d %b ", &parts);
    snprintf(theirs + length, sizeof(theirs) - length, "%04d %02d:%02d:%02d GMT",
        parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
    invariant(strlen(theirs) == HTTP_DATE_SIZE && memcmp(ours, theirs, HTTP_DATE_SIZE) == 0);
    invariant(http_date_parse(slice_of(ours, HTTP_DATE_SIZE), 0, &again) && again == seconds);
}

static void check_text(struct slice text, int64_t now)
{
    int64_t seconds = -77, again;
    if (!http_date_parse(text, now, &seconds)) {
        invariant(seconds == -77);
        return;
    }
    // A leap second at the end of the year 9999 is the one that cannot be written.
    invariant(seconds >= YEAR_0 && seconds <= YEAR_9999_ENDS + 1);
    char buffer[HTTP_DATE_SIZE];
    http_date_format(seconds, buffer);
    invariant(http_date_parse(slice_of(buffer, sizeof(buffer)), now, &again));
    invariant(again == seconds || seconds == YEAR_9999_ENDS + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of((const char *)data, size);
    int64_t number = 0;
    memcpy(&number, data, MINIMUM(size, sizeof(number)));
    check_text(text, INT64_C(1760000000));
    check_text(text, number);
    if (size > sizeof(number)) // a time to read two-digit years by, and a text
        check_text(slice_of(text.data + sizeof(number), size - sizeof(number)), number);
    check_format(number);
    check_format(number % YEAR_9999_ENDS);
    return 0;
}
