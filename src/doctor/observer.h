// Looks at a URL for a stranger: a check with the steps that say something about the site, what
// may be told of it as JSON, and whether this place is well itself. Blocks; for helper threads.
#pragma once

#include "doctor/check.h"
#include "doctor/vantage_settings.h"

#define OBSERVER_CANARIES_PAUSE_MS 60000

struct observer;

// name: as it is told. Nothing of the settings is kept, for they go with a reload. INVALID: a
// range, port or URL of theirs, why says which.
enum error observer_create(const struct vantage_settings *settings, struct slice name,
    struct text *why, struct observer **ret_observer) MUST_CHECK;
void observer_destroy(struct observer *observer); // NULL is fine

// Facts (facts_json.h) with {vantage, verdict, conclusive}; of addresses that may not be reached
// nothing is told, not even that names lead there. *ret_json is memory_alloc's. DENIED: none of the
// site's addresses may be reached. MEMORY, SYSTEM: it could not look.
enum error observer_look(struct observer *observer, const struct target *target, char **ret_json,
    size_t *ret_size) MUST_CHECK;

// May it be looked at, as far as one can tell before names are known?
bool observer_may_look(const struct observer *observer, const struct target *target);
