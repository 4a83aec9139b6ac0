// What belongs together on the command lines of incidents, maintenance windows and reports.
#pragma once

#include "main/command_line.h"

// word and second stand beside the flags; NULL: they do not. False: why says what is wrong.
bool command_line_finish_incident(struct incident_command *incident, const char *word,
    const char *second, struct text *why) MUST_CHECK;
// Of maintenance add, list and remove. False with an empty why: it is none of them.
bool command_line_finish_window(struct window_command *window, const char *word,
    const char *second, struct text *why) MUST_CHECK;
bool command_line_finish_reports(struct reports_command *reports, const char *word,
    const char *second, struct text *why) MUST_CHECK;
// A flag of add or list; NULL: none was given.
const char *command_line_window_flag(const struct window_command *window);
