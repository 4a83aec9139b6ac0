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
command_check_value command_check_rate, command_check_count, command_check_seed;

// What they let pass, as a number.
#define COMMAND_COUNT_MAX 1000
bool command_read_rate(struct slice value, double *ret_rate) MUST_CHECK; // 0.0001 to 1000
bool command_read_count(struct slice value, uint64_t *ret_count) MUST_CHECK; // 1 to the maximum
