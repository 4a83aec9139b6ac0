// Facts as JSON, as a vantage sends them and `afloat check --json` shows them. Member names are
// those of facts.h; what is unknown, none or nothing is left out. Enums are lower-case words,
// verdicts their codes, times RFC 3339, addresses text with their port; arrays that an enum or the
// IP version indexes are objects by its words.
//
// What is read comes from a stranger: it may lie, but not do harm. Members and words that this
// version does not know are passed over, so that versions may differ; wrong types are errors.
#pragma once

#include "base/arena.h"
#include "doctor/facts.h"

#include <jansson.h>

// Bytes of a text, of a URL: what is beyond them is cut off, both ways. So that facts, whatever a
// site puts into them, are less than 1 MB of JSON; with those of vantages, that times nine.
#define FACTS_JSON_TEXT_MAX 1024
#define FACTS_JSON_URL_MAX 4096

// Facts of vantages are in it, but not those that they have of others. NULL: no memory.
json_t *facts_to_json(const struct facts *facts) MUST_CHECK;
// Texts are copied into the arena, with 32 KB for the facts and as much for those of each vantage.
// INVALID: no facts. MEMORY: the arena is full.
enum error facts_from_json(const json_t *json, struct arena *arena,
    struct facts *ret_facts) MUST_CHECK;
