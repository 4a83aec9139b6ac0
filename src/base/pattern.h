// Regular expressions, for what others' tools send (PCRE2, as Varnish and nginx have it). Where the
// choice is ours there are none: their cost is hard to foresee. So it is bounded here: in length,
// and in the steps and memory that one comparison may take.
#pragma once

#include "base/error.h"
#include "base/slice.h"

#define PATTERN_SIZE_MAX 8192

// Used by one thread at a time.
struct pattern;

// It is not anchored: "x" is found in "axb". INVALID for what is no expression or too long, MEMORY.
enum error pattern_create(struct slice text, struct pattern **ret_pattern) MUST_CHECK;
void pattern_destroy(struct pattern *pattern); // NULL is fine
// True too where the bound was reached before it was known.
bool pattern_matches(const struct pattern *pattern, struct slice text);
