// The result of a check for people: You → Network → CDN → Site with a mark on each, whose fault it
// is in a sentence, what to do, what was seen, when to try again.
#pragma once

#include "doctor/check.h"

#include <stdio.h>

struct draw_style {
    bool colours;
    bool unicode; // the terminal shows UTF-8
    bool explain; // all that was seen, and how it was judged
};

// The four stations, and what is known of each.
enum station { STATION_YOU, STATION_NETWORK, STATION_CDN, STATION_SITE, STATION_COUNT };
enum station_mark { STATION_UNSEEN, STATION_WELL, STATION_AT_FAULT, STATION_ABSENT };
void draw_stations(const struct facts *facts, const struct diagnosis *diagnosis,
    enum station_mark ret_marks[STATION_COUNT]);

void draw_result(const struct check_result *result, const struct check_options *options,
    const struct draw_style *style, FILE *out);
// A line as each step comes to its end, if it had something to do.
void draw_progress(enum step step, uint64_t ms, const struct facts *facts,
    const struct draw_style *style, FILE *out);
const char *step_name(enum step step);
const char *step_doing(enum step step); // "connecting to each address"
