// Words, settings and the small rules of texts and ids.
#include "watch/incident/incident.h"

#include <openssl/rand.h>

#define DAY_MS 86400000

static const char *const state_words[] = {
    [INCIDENT_INVESTIGATING] = "investigating",
    [INCIDENT_IDENTIFIED] = "identified",
    [INCIDENT_MONITORING] = "monitoring",
    [INCIDENT_RESOLVED] = "resolved",
};

static const char *const impact_words[] = {
    [IMPACT_NONE] = "none",
    [IMPACT_MINOR] = "minor",
    [IMPACT_MAJOR] = "major",
    [IMPACT_CRITICAL] = "critical",
};

const char *incident_state_word(enum incident_state state)
{
    return state_words[state];
}

const char *incident_impact_word(enum incident_impact impact)
{
    return impact_words[impact];
}

#define MERGED "Goes on in incident "

void incident_write_merged(struct slice id, struct text *text)
{
    text_format(text, MERGED "%.*s.", SLICE_ARGS(id));
}

struct slice incident_merged_into(struct slice text)
{
    size_t before = strlen(MERGED);
    if (!slice_starts_with(text, SLICE(MERGED)) || text.size != before + INCIDENT_ID_SIZE + 1
        || text.data[text.size - 1] != '.')
        return SLICE_EMPTY;
    return slice_of(text.data + before, INCIDENT_ID_SIZE);
}

static bool find_word(const char *const *words, size_t count, struct slice word, size_t *ret_index)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(slice_from_string(words[i]), word)) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

bool incident_find_state(struct slice word, enum incident_state *ret_state)
{
    size_t index;
    if (!find_word(state_words, ARRAY_SIZE(state_words), word, &index))
        return false;
    *ret_state = (enum incident_state)index;
    return true;
}

bool incident_find_impact(struct slice word, enum incident_impact *ret_impact)
{
    size_t index;
    if (!find_word(impact_words, ARRAY_SIZE(impact_words), word, &index))
        return false;
    *ret_impact = (enum incident_impact)index;
    return true;
}

enum error incident_id_make(struct incident_id *ret_id)
{
    static const char letters[] = "23456789abcdefghjkmnpqrstuvwxyz"; // 31: no 0 and o, 1, i and l
    struct incident_id id = {""};
    size_t size = 0;
    while (size < INCIDENT_ID_SIZE) {
        unsigned char bytes[32];
        if (RAND_bytes(bytes, sizeof(bytes)) != 1)
            return ERROR_SYSTEM;
        for (size_t i = 0; i < sizeof(bytes) && size < INCIDENT_ID_SIZE; i++) {
            if ((bytes[i] & 31) < sizeof(letters) - 1)
                id.text[size++] = letters[bytes[i] & 31];
        }
    }
    *ret_id = id;
    return ERROR_NONE;
}

// ASCII's, DEL, and in UTF-8 U+0080 to U+009F, the line separators U+2028 and U+2029, and what
// turns the direction of what follows (U+202A to U+202E, U+2066 to U+2069).
static bool is_control(const unsigned char *at, size_t left, bool lines)
{
    if (at[0] < 0x20 || at[0] == 0x7f)
        return !(lines && at[0] == '\n');
    if (at[0] == 0xc2 && left > 1)
        return at[1] < 0xa0;
    if (at[0] != 0xe2 || left < 3)
        return false;
    return (at[1] == 0x80 && at[2] >= 0xa8 && at[2] <= 0xae)
        || (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9);
}

size_t incident_find_control(struct slice value, bool lines)
{
    size_t at = 0;
    while (at < value.size
        && !is_control((const unsigned char *)value.data + at, value.size - at, lines))
        at++;
    return at;
}

bool incident_check_text(struct slice value, const char *name, size_t maximum, bool lines,
    struct text *why)
{
    if (value.size == 0) {
        text_format(why, "the %s is empty", name);
        return false;
    }
    if (value.size > maximum) {
        text_format(why, "the %s is too long: %zu bytes, at most %zu", name, value.size, maximum);
        return false;
    }
    if (!text_is_utf8(value)) {
        text_format(why, "the %s is not UTF-8", name);
        return false;
    }
    size_t control = incident_find_control(value, lines);
    if (control < value.size)
        text_format(why, "the %s has a control character at byte %zu; expected %s", name,
            control + 1, lines ? "text and line ends" : "one line of text");
    return control == value.size;
}

#define MEMBER(member) .offset = offsetof(struct incident_settings, member)
static const struct setting rows[] = {
    {.name = "automatic", .type = SETTING_BOOL, MEMBER(automatic), .fallback = "true",
        .summary = "Incidents are opened, moved on and resolved without an operator when "
                   "something fails.",
        .touch = "Turn it off where a person decides what visitors are told."},
    {.name = "calm", .type = SETTING_DURATION, MEMBER(calm_ms), .fallback = "5m",
        .maximum = DAY_MS,
        .summary = "For so long all must be well again before an incident is resolved.",
        .touch = "Raise it for what seldom stays well at the first try."},
    {.name = "flap", .type = SETTING_DURATION, MEMBER(flap_ms), .fallback = "30m",
        .maximum = 7 * DAY_MS,
        .summary = "What fails again within this time after its incident was resolved is the same "
                   "incident, taken up again.",
        .touch = "Lower it when each failure shall be told apart."},
    {.name = "group", .type = SETTING_DURATION, MEMBER(group_ms), .fallback = "60s",
        .maximum = 3600000,
        .summary = "Components that fail within this time of each other are one incident if they "
                   "share a group or something they depend on, or if they are many.",
        .touch = "Raise it to twice the longest interval of your monitors."},
    {.name = "degraded", .type = SETTING_DURATION, MEMBER(degraded_ms), .fallback = "15m",
        .maximum = DAY_MS,
        .summary = "What is degraded (slow, say) for so long becomes an incident; 0: never.",
        .touch = "Lower it where slow is as bad as down."},
};
#undef MEMBER

const struct setting_section incident_settings_section = {
    .size = sizeof(struct incident_settings), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "Incidents: when one begins by itself, and when it is over.",
};
