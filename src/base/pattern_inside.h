// An expression with other bounds than pattern.h's, for who searches longer texts.
#pragma once

#include "base/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct pattern {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *bounds;
};

struct pattern_bounds {
    uint32_t options;   // of pcre2_compile; what splits characters and what captures is off
    uint32_t steps_max; // of one pcre2_match
    uint32_t depth_max;
    uint32_t heap_max_kb;
};

// As pattern_create.
enum error pattern_create_bounded(struct slice text, const struct pattern_bounds *bounds,
    struct pattern **ret_pattern) MUST_CHECK;
