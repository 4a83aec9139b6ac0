// All that the pages say, in six languages. A missing word does not compile. Words hold none of
// HTML's five specials, so that they may stand in a page as they are; values put into them are the
// caller's to escape.
//
// A count has forms by the plural categories of Unicode's CLDR, between bars: one and other; of
// Chinese one form for all; of Arabic zero, one, two, few, many, other. # is the number.
#pragma once

#include "base/text.h"
#include "watch/page/words_notify.h"
#include "watch/page/words_page.h"
#include "watch/page/words_state.h"
#include "watch/snapshot.h"

// X(name, code, what its speakers call it, text direction)
#define LANGUAGE_MAP(X)                                                                            \
    X(ENGLISH, "en", "English", "ltr")                                                             \
    X(GERMAN, "de", "Deutsch", "ltr")                                                              \
    X(FRENCH, "fr", "Français", "ltr")                                                             \
    X(SPANISH, "es", "Español", "ltr")                                                             \
    X(CHINESE, "zh", "中文", "ltr")                                                                \
    X(ARABIC, "ar", "العربية", "rtl")

enum language {
#define X(name, code, own, direction) LANGUAGE_##name,
    LANGUAGE_MAP(X)
#undef X
    LANGUAGE_COUNT
};

enum word {
#define X(key, en, de, fr, es, zh, ar) WORD_##key,
    WORDS_STATE_MAP(X) WORDS_PAGE_MAP(X) WORDS_NOTIFY_MAP(X)
#undef X
    WORD_COUNT
};

bool language_find(struct slice code, enum language *ret_language); // "de", "de-AT"
struct slice language_code(enum language language);
struct slice language_name(enum language language);
struct slice language_direction(enum language language);

struct slice word_text(enum language language, enum word word);
// By its key in lower case: "report_counted".
bool word_find(struct slice key, enum word *ret_word);
enum word word_of_state(enum component_state state);
enum word word_of_incident(enum incident_state state);
// A step of afloat's own.
enum word word_of_update(enum incident_state state, struct slice text, bool is_first);
enum word word_of_impact(enum incident_impact impact);
enum word word_of_reason(enum reason_kind kind);

// With {1}, {2}, … replaced by values.
void word_append(struct text *text, enum language language, enum word word,
    const struct slice *values, size_t count);
// One of the counts, its # replaced.
void word_append_count(struct text *text, enum language language, enum word word, uint64_t number);

// "4 minutes", in the case that stands by itself; "4 minutes ago".
void word_append_span(struct text *text, enum language language, int64_t ms);
void word_append_ago(struct text *text, enum language language, int64_t ms);
// "14 March 2026, 14:05 UTC"; "14 March 2026"; "March 2026"; "14:05:09 UTC". Nothing for years that
// do not have four digits.
void word_append_moment(struct text *text, enum language language, int64_t wall_ms);
void word_append_day(struct text *text, enum language language, int64_t wall_ms);
void word_append_month(struct text *text, enum language language, int year, int month);
void word_append_clock(struct text *text, int64_t wall_ms);
// "99.98%" of a share from 0 to 1: always rounded down, so that 100% means all. Less than 0: says
// that there are no data.
void word_append_share(struct text *text, enum language language, double share);
void word_append_ms(struct text *text, enum language language, uint32_t ms); // "120 ms", "1.4 s"
// What an operator or visitor is told about a component: the reason with its number.
void word_append_reason(struct text *text, enum language language, struct reason reason);
