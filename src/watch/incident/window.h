// Maintenance windows: announced times of work, once or by a recurrence rule (RFC 5545 section
// 3.3.10), in local time of an IANA zone, right over changes of daylight saving time (RFC 5545
// section 3.3.5: a local time that does not exist counts by the offset before the gap, one that
// comes twice is the first). Data and rules alone: no lock, no clock, no I/O (window_store.c).
#pragma once

#include "watch/incident/incident.h"

#define WINDOWS_MAX 200
#define WINDOW_RULE_MAX 500      // bytes
#define WINDOW_AHEAD_DAYS 90     // occurrences further off are not shown
#define WINDOW_OCCURRENCES_MAX 50 // shown of one window
#define WINDOW_LONGEST_MS (INT64_C(31) * 86400000)

struct window_draft {
    struct slice title, text;
    struct slice begin;            // local time of the zone: "2026-12-01 02:00"
    struct slice zone;             // "Europe/Berlin"; empty: UTC
    struct slice rule;             // "FREQ=WEEKLY;BYDAY=SU"; empty: once
    uint64_t duration_ms;
    const uint32_t *components;    // none: all
    size_t component_count;
};

struct windows;

struct windows *windows_create(void) MUST_CHECK;
void windows_destroy(struct windows *windows);
// INVALID: why says where and what would be right. Texts are copied. id: as it is stored.
enum error windows_add(struct windows *windows, const struct window_draft *draft,
    struct incident_id id, struct text *why) MUST_CHECK;
enum error windows_remove(struct windows *windows, struct slice id) MUST_CHECK; // NOT_FOUND
// The occurrences under way at now and to come within WINDOW_AHEAD_DAYS, by their begin, and those
// that ended within past_ms before. Lists and texts are the arena's. Returns how many; bounded.
size_t windows_view(struct windows *windows, int64_t now_ms, int64_t past_ms, struct arena *arena,
    struct window_view *ret_views, size_t capacity);
// The next moment at which windows_view says something else; INT64_MAX: never.
int64_t windows_next_ms(struct windows *windows, int64_t now_ms);
