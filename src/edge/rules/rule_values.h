// What the variables of templates stand for in a request.
#pragma once

#include "edge/request.h"

// Views of the request, and of the arena. False: the arena is full.
bool rule_values_of(const struct request *request, struct arena *arena,
    struct rule_values *ret_values) MUST_CHECK;
size_t rule_values_size(const struct rule_template *template, const struct rule_values *values);
struct slice rule_scheme(const struct request *request);
