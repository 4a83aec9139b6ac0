// `afloat check`: the options of the command line as those of a check, and its result shown.
#pragma once

#include "main/command_line.h"

// The exit status: the side of the verdict, 0 fine to 4 unknown; COMMAND_LINE_USAGE for a URL that
// is none.
int check_command(const struct command_line *line);
