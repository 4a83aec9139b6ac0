// Maintenance windows: announced times of work, once or by a recurrence rule (window_rule.h), in
// local time of an IANA zone (window_zone.h), right over changes of daylight saving time. Data and
// rules alone: no lock, no clock, no I/O (window_store.c) but that of a zone's file, when the first
// window is in it.
#pragma once

#include "watch/incident/incident.h"

#define WINDOWS_MAX 200
#define WINDOW_RULE_MAX 500      // bytes
#define WINDOW_AHEAD_DAYS 90     // occurrences further off are not shown
#define WINDOW_PAST_DAYS 90      // nor are those that ended so long ago
#define WINDOW_OCCURRENCES_MAX 50 // shown of one window, and as many past ones
#define WINDOW_SHORTEST_MS INT64_C(60000)
#define WINDOW_LONGEST_MS (INT64_C(31) * 86400000)
#define WINDOW_WHY_MAX 512       // bytes that a message takes

struct window_draft {
    struct slice title, text;
    struct slice begin;            // local time of the zone: "2026-12-01 02:00"
    struct slice zone;             // "Europe/Berlin"; empty: UTC
    struct slice rule;             // "FREQ=WEEKLY;BYDAY=SU"; empty: once
    int64_t announced_ms;          // 0: not known
    uint64_t duration_ms;          // by the clock that knows no summer: one hour is one hour
    const uint32_t *components;    // none: all
    size_t component_count;
};

struct windows;
struct window;

// Works out what a draft says, all of it: reads its zone's file, so not under a lock. INVALID: why
// says where and what would be right; MEMORY. Texts are copied. id: as it is stored. The first
// occurrence is the first day from the begin on that fits the rule.
enum error window_create(const struct window_draft *draft, struct incident_id id,
    struct window **ret_window, struct text *why) MUST_CHECK;
// It will not come again and ended WINDOW_PAST_DAYS ago: it is shown nowhere.
bool window_is_over(struct window *window, int64_t now_ms);
void window_destroy(struct window *window); // of no set yet; NULL is fine

struct windows *windows_create(void) MUST_CHECK;
void windows_destroy(struct windows *windows); // NULL is fine
// LIMIT: there are too many, as why says; then the window stays the caller's.
enum error windows_take(struct windows *windows, struct window *window,
    struct text *why) MUST_CHECK;
// Both at once.
enum error windows_add(struct windows *windows, const struct window_draft *draft,
    struct incident_id id, struct text *why) MUST_CHECK;
enum error windows_remove(struct windows *windows, struct slice id) MUST_CHECK; // NOT_FOUND
size_t windows_count(const struct windows *windows);
// One that is over: to be removed, from the disk too.
bool windows_find_over(struct windows *windows, int64_t now_ms, struct incident_id *ret_id);
// The occurrences under way at now and to come within WINDOW_AHEAD_DAYS, by their begin, and then
// those that ended within past_ms before, the newest first. Lists and texts are the arena's: what
// does not fit there is left out. Returns how many; bounded.
size_t windows_view(struct windows *windows, int64_t now_ms, int64_t past_ms, struct arena *arena,
    struct window_view *ret_views, size_t capacity);
// The next moment at which windows_view says something else (but of past ones that are forgotten);
// INT64_MAX: never.
int64_t windows_next_ms(struct windows *windows, int64_t now_ms);
