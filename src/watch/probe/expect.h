// Whether content is what the operator expects: his expression (PCRE2) on a stranger's bytes,
// bounded in time. Inside of this folder.
#pragma once

#include "base/error.h"
#include "base/slice.h"

enum expect_outcome {
    EXPECT_FOUND,
    EXPECT_ABSENT,
    EXPECT_COSTLY, // nobody knows: it would have taken too long
};

struct expectation;

// INVALID for what is no expression or too long, MEMORY.
enum error expect_create(struct slice pattern, struct expectation **ret_expectation) MUST_CHECK;
void expect_destroy(struct expectation *expectation); // NULL is fine
// Not anchored. One thread at a time.
enum expect_outcome expect_find(const struct expectation *expectation, struct slice content);
