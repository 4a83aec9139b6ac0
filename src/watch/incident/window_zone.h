// A time zone of IANA's database: its file (TZif, RFC 8536) with the rule of its end for all years
// after the last change that is written down. Not libical's zones, which take a local time that
// does not exist by the offset after the gap, and the second of two, against RFC 5545; nor the C
// library's, which belong to the whole process.
#pragma once

#include "base/error.h"
#include "base/slice.h"
#include "base/text.h"

#define WINDOW_ZONE_NAME_MAX 48      // bytes
#define WINDOW_ZONE_FILE_MAX 65536   // bytes; those there are take up to 4 KB

struct window_zone;

// INVALID: it is no such file, or one with leap seconds. MEMORY.
enum error window_zone_parse(struct slice file, struct window_zone **ret_zone) MUST_CHECK;
// Reads the system's. INVALID: there is none of that name; why says which might be meant, or what
// is wrong with its file.
enum error window_zone_load(struct slice name, struct text *why,
    struct window_zone **ret_zone) MUST_CHECK;
void window_zone_free(struct window_zone *zone); // NULL is fine

// Seconds east of UTC; zone NULL is UTC itself.
int32_t window_zone_offset(const struct window_zone *zone, int64_t utc_seconds);
// Local time (seconds since 1970 as a clock on the wall has it) as UTC by RFC 5545 section 3.3.5:
// one that does not exist counts by the offset before the gap, of one that comes twice the first is
// meant.
int64_t window_zone_to_utc(const struct window_zone *zone, int64_t local_seconds);
