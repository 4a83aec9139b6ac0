// The command reports: what the rule for visitors' reports makes of those in a file, or of such as
// are drawn at random.
#pragma once

#include "main/command_line.h"

int reports_command(const struct command_line *line); // exit status
