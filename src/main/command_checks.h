// Checks of single values of the command line. Like those of settings they write what goes on after
// the value in quotes: "is no tag; expected one word such as article-17".
#pragma once

#include "base/text.h"

typedef bool command_check_value(struct slice value, char *message, size_t message_size);

command_check_value command_check_message, command_check_tag, command_check_url;
command_check_value command_check_vantage, command_check_resolver, command_check_doh,
    command_check_portal, command_check_control;
command_check_value command_check_title, command_check_text, command_check_word,
    command_check_phase, command_check_impact;
