// Regular expressions over pages that a stranger wrote (PCRE2; bytes, case-sensitive, "$" is the
// end only). However expression and page are made, the time is linear in the page: from each byte
// on at most EXPRESSION_STEPS_MAX steps are tried, and what would take more is given up. Machine
// code is made where the system allows it; without it the same is found, some ten times slower.
//
// Only a group named (?<captured>…) captures. Code and scratch memory come from arenas; only
// machine code and its stack do not, hence the functions that give them back.
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#define EXPRESSION_SIZE_MAX 1024
#define EXPRESSION_STEPS_MAX 1000

struct expression; // may be used by several threads at a time

enum expression_result {
    EXPRESSION_MATCHES,
    EXPRESSION_DIFFERS,
    EXPRESSION_STOPPED, // too many steps: nobody knows
    EXPRESSION_NO_MEMORY,
};

// INVALID: the complaint says what is wrong and where. MEMORY: the arena is full.
enum error expression_compile(struct slice text, struct arena *arena, struct text *complaint,
    struct expression **ret_expression) MUST_CHECK;
void expression_release(struct expression *expression);
bool expression_captures(const struct expression *expression);

// What a look at one page needs, for all expressions in turn. At most 1 MB of the arena.
struct expression_scratch;

enum error expression_scratch_create(struct arena *arena,
    struct expression_scratch **ret_scratch) MUST_CHECK;
void expression_scratch_release(struct expression_scratch *scratch);

// ret_captured: a view into the text; data NULL where nothing was captured. May be NULL.
enum expression_result expression_match(const struct expression *expression, struct slice text,
    struct expression_scratch *scratch, struct slice *ret_captured) MUST_CHECK;
