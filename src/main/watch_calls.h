// The commands incident, and maintenance add, list and remove: exit statuses.
#pragma once

#include "main/command_line.h"

int watch_call_incident(const struct command_line *line);
int watch_call_window(const struct command_line *line);
