// Collecting mistakes. Part of conf/; the public face is conf/conf.h.
#pragma once

#include "base/text.h"
#include "conf/conf.h"

#include <stdarg.h>

// Where a value stands in the nest of settings, for messages: sites[2].cache.keep. Links run from
// the innermost outwards; the outermost (the file) has neither name nor index.
struct conf_place {
    const struct conf_place *up;
    struct slice name;
    size_t index; // from 1, when name is empty
};

// Where messages go and what they need.
struct conf_report {
    struct conf_mistakes *mistakes;
    struct arena *arena;
    bool out_of_memory; // a message could not be kept
    size_t found;       // mistakes, the repeated and omitted ones too
};

// The format makes the message; the place's path and ": " go before it. The same message at the
// same position (a shared anchor) is kept once. Control characters are replaced.
void conf_report_add(struct conf_report *report, unsigned line, unsigned column,
    const struct conf_place *place, const char *format, ...) PRINTF_LIKE(5, 6);

// As above, without a path; kept among the warnings if it is one.
void conf_report_add_list(struct conf_report *report, bool is_warning, unsigned line,
    unsigned column, const char *format, va_list arguments) PRINTF_LIKE(5, 0);

void conf_sort_mistakes(struct conf_mistakes *mistakes);
