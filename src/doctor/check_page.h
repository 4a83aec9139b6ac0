// The check page, PREFIXcheck: a visitor names a URL and reads whether the site is down for
// everyone or only for him. From what was seen to bytes: no I/O, no state. Whatever a site, a
// vantage or a visitor wrote is escaped, and cut where it is long.
#pragma once

#include "doctor/facts.h"
#include "edge/pages/page.h"

#include <jansson.h>

#define CHECK_PAGE_SIZE_MAX 12288
#define CHECK_PLACES_MAX (1 + FACTS_VANTAGES_MAX)
#define CHECK_SAYS_SHOWN 220 // bytes of a sentence

enum check_sight {
    CHECK_SIGHT_UNKNOWN, // it could not look, or what it sees says nothing about the site
    CHECK_SIGHT_WELL,
    CHECK_SIGHT_BAD,
};

struct check_place {
    struct slice name;   // empty: this edge
    enum check_sight sight;
    enum verdict verdict;
    struct slice says;   // a sentence
    struct slice advice; // for visitors; empty: none
};

struct check_page {
    struct slice prefix;
    struct slice asked;   // as the visitor wrote it; empty: the form alone
    struct slice problem; // why nobody looked, a sentence; empty: somebody did
    struct slice host;    // of what was looked at
    struct check_place places[CHECK_PLACES_MAX]; // this edge first
    unsigned place_count;
    const struct page_status *site; // what this edge knows of it; NULL: it is none of its sites
};

// Adds this edge, of which observer_look told. Texts are in the arena. INVALID: it is no look.
// MEMORY.
enum error check_page_see(
    struct check_page *page, const json_t *look, struct arena *arena) MUST_CHECK;
// Adds another vantage, of which step_vantages told.
void check_page_see_other(
    struct check_page *page, const struct vantage_facts *vantage, struct arena *arena);
// Adds this edge, which may not look at the site's address.
void check_page_see_nothing(struct check_page *page, struct slice why);

// NULL data when the arena is full. JSON: {answer: well|down|differs|unknown, says, url, host,
// places: [{name, sight: well|bad|unknown, verdict, says}]} and, of a site of this edge, site:
// {servers: {total, healthy}, averted} and, where known, down_since; {error} where nobody looked.
struct slice check_page_write(
    struct arena *arena, enum page_form form, const struct check_page *page) MUST_CHECK;
