// One look for the check page: from here and, at the same time, from the other vantages of the
// settings. What it tells is short and bounded, whatever sites and vantages say.
#pragma once

#include "doctor/check_page.h"
#include "doctor/observer.h"

// Blocks; for helper threads. *ret_json is memory_alloc's. MEMORY, SYSTEM: it could not look.
enum error check_look(struct observer *observer, const struct vantage_settings *settings,
    const struct target *target, char **ret_json, size_t *ret_size) MUST_CHECK;
// Puts what it told into the page's places; texts are in the arena. INVALID, MEMORY.
enum error check_look_read(
    struct slice look, struct arena *arena, struct check_page *page) MUST_CHECK;
