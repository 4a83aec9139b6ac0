// Whether content is what the operator expects: his expression (PCRE2) on a stranger's bytes,
// bounded in time. Inside of this folder.
#pragma once

#include "base/error.h"
#include "base/pattern.h"

enum expect_outcome {
    EXPECT_FOUND,
    EXPECT_ABSENT,
    EXPECT_COSTLY, // nobody knows: it would have taken too long
};

// For expect_find, ended by pattern_destroy. INVALID for what is no expression or too long, MEMORY.
enum error expect_create(struct slice text, struct pattern **ret_pattern) MUST_CHECK;
// Not anchored. One thread at a time.
enum expect_outcome expect_find(const struct pattern *pattern, struct slice content);
