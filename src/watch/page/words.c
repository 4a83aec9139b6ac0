// The tables, plural rules and formats.
#include "watch/page/words.h"
#include "watch/incident/incident.h"

#include <time.h>

#define KEY_MAX 40 // bytes

#define X(key, en, de, fr, es, zh, ar)                                                             \
    _Static_assert(sizeof(en) > 1 && sizeof(de) > 1 && sizeof(fr) > 1 && sizeof(es) > 1            \
        && sizeof(zh) > 1 && sizeof(ar) > 1, "a word is missing");                                 \
    _Static_assert(sizeof(#key) <= KEY_MAX, "a key is too long");
WORDS_STATE_MAP(X) WORDS_PAGE_MAP(X) WORDS_NOTIFY_MAP(X)
#undef X

static const struct slice words[WORD_COUNT][LANGUAGE_COUNT] = {
#define X(key, en, de, fr, es, zh, ar)                                                             \
    {{en, sizeof(en) - 1}, {de, sizeof(de) - 1}, {fr, sizeof(fr) - 1}, {es, sizeof(es) - 1},       \
        {zh, sizeof(zh) - 1}, {ar, sizeof(ar) - 1}},
    WORDS_STATE_MAP(X) WORDS_PAGE_MAP(X) WORDS_NOTIFY_MAP(X)
#undef X
};

static const char *const keys[WORD_COUNT] = {
#define X(key, en, de, fr, es, zh, ar) #key,
    WORDS_STATE_MAP(X) WORDS_PAGE_MAP(X) WORDS_NOTIFY_MAP(X)
#undef X
};

static const struct {
    struct slice code, name, direction;
} languages[LANGUAGE_COUNT] = {
#define X(name, code, own, direction)                                                              \
    {{code, sizeof(code) - 1}, {own, sizeof(own) - 1}, {direction, sizeof(direction) - 1}},
    LANGUAGE_MAP(X)
#undef X
};

bool language_find(struct slice code, enum language *ret_language)
{
    for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
        struct slice known = languages[i].code;
        if (code.size >= known.size && (code.size == known.size || code.data[known.size] == '-')
            && slice_equal_nocase(slice_of(code.data, known.size), known)) {
            *ret_language = (enum language)i;
            return true;
        }
    }
    return false;
}

struct slice language_code(enum language language)
{
    return languages[language].code;
}

struct slice language_name(enum language language)
{
    return languages[language].name;
}

struct slice language_direction(enum language language)
{
    return languages[language].direction;
}

struct slice word_text(enum language language, enum word word)
{
    return words[word][language];
}

bool word_find(struct slice key, enum word *ret_word)
{
    char upper[KEY_MAX];
    if (key.size == 0 || key.size >= sizeof(upper))
        return false;
    for (size_t i = 0; i < key.size; i++) {
        char byte = key.data[i];
        if ((byte < 'a' || byte > 'z') && (byte < '0' || byte > '9') && byte != '_')
            return false;
        upper[i] = (char)(byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte);
    }
    for (size_t i = 0; i < WORD_COUNT; i++) {
        if (slice_equal(slice_of(upper, key.size), slice_from_string(keys[i]))) {
            *ret_word = (enum word)i;
            return true;
        }
    }
    return false;
}

enum word word_of_state(enum component_state state)
{
    switch (state) {
    case COMPONENT_UNKNOWN: return WORD_STATE_UNKNOWN;
    case COMPONENT_OPERATIONAL: return WORD_STATE_OPERATIONAL;
    case COMPONENT_DEGRADED: return WORD_STATE_DEGRADED;
    case COMPONENT_PARTIAL: return WORD_STATE_PARTIAL;
    case COMPONENT_DOWN: return WORD_STATE_DOWN;
    case COMPONENT_MAINTENANCE: break;
    }
    return WORD_STATE_MAINTENANCE;
}

enum word word_of_incident(enum incident_state state)
{
    switch (state) {
    case INCIDENT_INVESTIGATING: return WORD_INCIDENT_INVESTIGATING;
    case INCIDENT_IDENTIFIED: return WORD_INCIDENT_IDENTIFIED;
    case INCIDENT_MONITORING: return WORD_INCIDENT_MONITORING;
    case INCIDENT_RESOLVED: break;
    }
    return WORD_INCIDENT_RESOLVED;
}

enum word word_of_update(enum incident_state state, struct slice text, bool is_first)
{
    if (slice_equal(text, SLICE(INCIDENT_UNWATCHED)))
        return WORD_AUTO_UNWATCHED;
    switch (state) {
    case INCIDENT_INVESTIGATING: return is_first ? WORD_AUTO_INVESTIGATING : WORD_AUTO_AGAIN;
    case INCIDENT_IDENTIFIED: return WORD_AUTO_IDENTIFIED;
    case INCIDENT_MONITORING: return WORD_AUTO_MONITORING;
    case INCIDENT_RESOLVED: break;
    }
    return WORD_AUTO_RESOLVED;
}

enum word word_of_impact(enum incident_impact impact)
{
    switch (impact) {
    case IMPACT_NONE: return WORD_IMPACT_NONE;
    case IMPACT_MINOR: return WORD_IMPACT_MINOR;
    case IMPACT_MAJOR: return WORD_IMPACT_MAJOR;
    case IMPACT_CRITICAL: break;
    }
    return WORD_IMPACT_CRITICAL;
}

enum word word_of_reason(enum reason_kind kind)
{
    static const enum word reasons[] = {
#define X(name, text) WORD_REASON_##name,
        REASON_MAP(X)
#undef X
    };
    return (size_t)kind < ARRAY_SIZE(reasons) ? reasons[kind] : WORD_REASON_NONE;
}

void word_append(struct text *text, enum language language, enum word word,
    const struct slice *values, size_t count)
{
    struct slice rest = words[word][language];
    while (rest.size > 0) {
        const char *open = memchr(rest.data, '{', rest.size);
        size_t before = open == NULL ? rest.size : (size_t)(open - rest.data);
        text_append(text, slice_of(rest.data, before));
        if (open == NULL)
            return;
        size_t number = (size_t)(open[1] - '1'); // a test sees that words are well formed
        if (number < count)
            text_append(text, values[number]);
        rest = slice_of(open + 3, rest.size - before - 3);
    }
}

// --- Counts ---

// Which of the forms (CLDR's plural rules for whole numbers).
static unsigned plural_form(enum language language, uint64_t number)
{
    uint64_t hundredth = number % 100;
    switch (language) {
    case LANGUAGE_ENGLISH:
    case LANGUAGE_GERMAN:
    case LANGUAGE_SPANISH: return number == 1 ? 0 : 1;
    case LANGUAGE_FRENCH: return number <= 1 ? 0 : 1;
    case LANGUAGE_CHINESE: return 0;
    case LANGUAGE_ARABIC:
    case LANGUAGE_COUNT: break;
    }
    if (number <= 2)
        return (unsigned)number;
    return hundredth >= 3 && hundredth <= 10 ? 3 : hundredth >= 11 ? 4 : 5;
}

void word_append_count(struct text *text, enum language language, enum word word, uint64_t number)
{
    struct slice rest = words[word][language], form = slice_cut(&rest, '|');
    for (unsigned i = plural_form(language, number); i > 0 && rest.data != NULL; i--)
        form = slice_cut(&rest, '|');
    struct slice after = form, before = slice_cut(&after, '#');
    text_append(text, before);
    if (after.data == NULL)
        return;
    text_append_u64(text, number);
    text_append(text, after);
}

static void append_span(struct text *text, enum language language, int64_t ms, bool is_beside)
{
    static const struct {
        int64_t seconds;
        enum word alone, beside;
    } units[] = {{86400, WORD_SPAN_DAY, WORD_BESIDE_DAY}, {3600, WORD_SPAN_HOUR, WORD_BESIDE_HOUR},
        {60, WORD_SPAN_MINUTE, WORD_BESIDE_MINUTE}, {1, WORD_SPAN_SECOND, WORD_BESIDE_SECOND}};
    int64_t seconds = MAXIMUM(ms, 0) / 1000;
    size_t i = 0;
    // Up to 119 minutes and 47 hours say more than "1 hour" and "1 day".
    while (i < ARRAY_SIZE(units) - 1
        && seconds < (i < 2 ? 2 * units[i].seconds : units[i].seconds))
        i++;
    word_append_count(text, language, is_beside ? units[i].beside : units[i].alone,
        (uint64_t)(seconds / units[i].seconds));
}

void word_append_span(struct text *text, enum language language, int64_t ms)
{
    append_span(text, language, ms, false);
}

void word_append_ago(struct text *text, enum language language, int64_t ms)
{
    if (ms < 1000) {
        text_append(text, words[WORD_JUST_NOW][language]);
        return;
    }
    char buffer[80];
    struct text span = text_in(buffer, sizeof(buffer));
    append_span(&span, language, ms, true);
    word_append(text, language, WORD_AGO, (struct slice[]){text_slice(&span)}, 1);
}

// --- Times ---

static bool break_down(int64_t wall_ms, struct tm *ret_utc)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    return wall_ms >= 0 && gmtime_r(&seconds, ret_utc) != NULL && ret_utc->tm_year + 1900 <= 9999;
}

static struct slice number_in(char buffer[24], int number)
{
    struct text text = text_in(buffer, 24);
    text_append_u64(&text, (uint64_t)number);
    return text_slice(&text);
}

static void append_day(struct text *text, enum language language, const struct tm *utc)
{
    char day[24], year[24];
    struct slice first = number_in(day, utc->tm_mday);
    if (language == LANGUAGE_FRENCH && utc->tm_mday == 1)
        first = SLICE("1er");
    word_append(text, language, WORD_DATE_FORM, (struct slice[]){first,
        words[WORD_MONTH_1 + utc->tm_mon][language], number_in(year, utc->tm_year + 1900)}, 3);
}

void word_append_day(struct text *text, enum language language, int64_t wall_ms)
{
    struct tm utc;
    if (break_down(wall_ms, &utc))
        append_day(text, language, &utc);
}

void word_append_moment(struct text *text, enum language language, int64_t wall_ms)
{
    char day_buffer[80], clock_buffer[32];
    struct text day = text_in(day_buffer, sizeof(day_buffer));
    struct text clock = text_in(clock_buffer, sizeof(clock_buffer));
    struct tm utc;
    if (!break_down(wall_ms, &utc))
        return;
    append_day(&day, language, &utc);
    text_format(&clock, "%02d:%02d", utc.tm_hour, utc.tm_min);
    word_append(text, language, WORD_MOMENT_FORM,
        (struct slice[]){text_slice(&day), text_slice(&clock)}, 2);
}

void word_append_month(struct text *text, enum language language, int year, int month)
{
    char buffer[24];
    if (year < 1970 || year > 9999 || month < 1 || month > 12)
        return;
    word_append(text, language, WORD_MONTH_FORM, (struct slice[]){
        words[WORD_MONTH_1 + month - 1][language], number_in(buffer, year)}, 2);
}

void word_append_clock(struct text *text, int64_t wall_ms)
{
    struct tm utc;
    if (break_down(wall_ms, &utc))
        text_format(text, "%02d:%02d:%02d UTC", utc.tm_hour, utc.tm_min, utc.tm_sec);
}

// --- Numbers ---

void word_append_share(struct text *text, enum language language, double share)
{
    char buffer[24];
    struct text number = text_in(buffer, sizeof(buffer));
    if (share < 0) {
        text_append(text, words[WORD_NO_DATA][language]);
        return;
    }
    // The sum of a float's errors must not make 99.99% of what is 100%, nor the other way round.
    unsigned parts = (unsigned)(MINIMUM(share, 1.0) * 10000 + 1e-7);
    text_append_u64(&number, parts / 100);
    if (parts % 100 != 0) {
        text_append(&number, words[WORD_DECIMAL][language]);
        text_append_byte(&number, (char)('0' + parts / 10 % 10));
        text_append_byte(&number, (char)('0' + parts % 10));
    }
    word_append(text, language, WORD_PERCENT, (struct slice[]){text_slice(&number)}, 1);
}

void word_append_ms(struct text *text, enum language language, uint32_t ms)
{
    char buffer[24];
    struct text number = text_in(buffer, sizeof(buffer));
    if (ms < 1000) {
        text_append_u64(&number, ms);
        word_append(text, language, WORD_MILLISECONDS, (struct slice[]){text_slice(&number)}, 1);
        return;
    }
    uint32_t tenths = ms / 100;
    text_append_u64(&number, tenths / 10);
    if (tenths % 10 != 0 && tenths < 1000) {
        text_append(&number, words[WORD_DECIMAL][language]);
        text_append_byte(&number, (char)('0' + tenths % 10));
    }
    word_append(text, language, WORD_SECONDS_SHORT, (struct slice[]){text_slice(&number)}, 1);
}

void word_append_reason(struct text *text, enum language language, struct reason reason)
{
    char buffer[80];
    struct text value = text_in(buffer, sizeof(buffer));
    if (reason.kind == REASON_EXPIRES)
        word_append_count(&value, language, WORD_BESIDE_DAY, reason.number);
    else
        text_append_u64(&value, reason.number);
    word_append(text, language, word_of_reason(reason.kind),
        (struct slice[]){text_slice(&value)}, 1);
}
