// The query's part in the cache key: which parameters tell copies apart, and in which order. Pure.
//
// In doubt a parameter stays in the key: the backend gets the whole query, and what it reads in a
// way that the key does not would let one visitor choose what others get. So a parameter is
// dropped only if it stands there in the very letters that are listed and cannot hold a second one
// (";" parts parameters for some servers), and kept if any server might take its name for one that
// is listed: escapes decoded, case ignored, and the signs that PHP reads as "_" as "_".
#pragma once

#include "base/text.h"
#include "edge/rules/rule_settings.h"

#define RULE_QUERY_SORTED_MAX 64 // parameters; longer queries stay in their order

bool rule_query_is_changed(const struct key_settings *settings);
// Writes what of the query belongs to the key (data NULL: no query), at most query.size bytes.
// False: nothing is left, which is the same as no query.
bool rule_query_write(struct text *text, const struct key_settings *settings, struct slice query);
// One of the parameters that campaigns and trackers hang on links, which only scripts read.
bool rule_query_is_tracking(struct slice name);
