// Asks the running edge by its control socket, for commands.
#pragma once

#include <jansson.h>

// Takes over the request (NULL: there was no memory for it). state: of --state, or NULL. NULL after
// one line on stderr: nobody answers, or the answer is no.
json_t *call_edge(const char *state, json_t *request);
// Of status and others, for programs.
void call_print_json(const json_t *value);
