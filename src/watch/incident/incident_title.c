// Sentences of automatic incidents. Pages translate them; feeds and mails have them as they are.
#include "watch/incident/incident_automatic.h"

#define NAME_MAX_BYTES 56 // of one component's title

static const struct {
    const char *one, *several; // NULL: as the impact says
} phrases[REASON_COUNT] = {
    [REASON_NO_ANSWER] = {"is not answering", "are not answering"},
    [REASON_COPIES] = {"is shown from copies", "are shown from copies"},
    [REASON_ERRORS] = {"fails for many", "fail for many"},
    [REASON_SLOW] = {"is slow", "are slow"},
    [REASON_TIMEOUT] = {"is not answering in time", "are not answering in time"},
    [REASON_REFUSED] = {"refuses connections", "refuse connections"},
    [REASON_NAME] = {"cannot be found by its name", "cannot be found by their names"},
    [REASON_TLS] = {"cannot be reached securely", "cannot be reached securely"},
    [REASON_CERTIFICATE] = {"has no valid certificate", "have no valid certificates"},
    [REASON_EXPIRES] = {"has a certificate that expires soon",
        "have certificates that expire soon"},
    [REASON_STATUS] = {"answers with an unexpected status", "answer with an unexpected status"},
    [REASON_CONTENT] = {"answers with unexpected content", "answer with unexpected content"},
    [REASON_PROTOCOL] = {"gives answers that cannot be understood",
        "give answers that cannot be understood"},
    [REASON_LATE] = {"gives no sign of life", "give no sign of life"},
    [REASON_SAYS_FAILURE] = {"reports a failure", "report failures"},
    [REASON_DISAGREE] = {"cannot be reached from everywhere", "cannot be reached from everywhere"},
};

static const char *impact_phrase(enum incident_impact impact, bool several)
{
    switch (impact) {
    case IMPACT_CRITICAL: return several ? "are down" : "is down";
    case IMPACT_MAJOR: return several ? "work only in part" : "works only in part";
    case IMPACT_MINOR: return several ? "are degraded" : "is degraded";
    case IMPACT_NONE: break;
    }
    return several ? "have a problem" : "has a problem";
}

static void append_name(struct text *title, struct slice name)
{
    char buffer[NAME_MAX_BYTES];
    struct text text = text_in(buffer, sizeof(buffer));
    text_append_utf8(&text, name);
    text_replace_controls(&text, 0);
    text_append(title, text_slice(&text));
    if (text.full)
        text_append(title, SLICE("…"));
}

// Those that fail by themselves speak for those that fail with them.
static bool speaks(const struct incident *incident, const struct subject *subjects, size_t index,
    bool any_root)
{
    return !any_root || subjects[incident->components[index]].cause == COMPONENT_NONE;
}

void incident_write_title(const struct incident *incident, const struct subject *subjects,
    struct text *title)
{
    size_t count = 0, written = 0;
    bool any_root = false, is_mixed = false;
    for (size_t i = 0; i < incident->component_count; i++)
        any_root = any_root || subjects[incident->components[i]].cause == COMPONENT_NONE;
    for (size_t i = 0; i < incident->component_count; i++) {
        const struct subject *subject = &subjects[incident->components[i]];
        if (!speaks(incident, subjects, i, any_root))
            continue;
        count++;
        if (subject->failed_ms != 0 && subject->reason.kind != REASON_NONE // nobody has looked yet
            && subject->reason.kind != incident->reason.kind)
            is_mixed = true;
    }
    size_t named = count > 2 ? 2 : count;
    for (size_t i = 0; i < incident->component_count && written < named; i++) {
        if (!speaks(incident, subjects, i, any_root))
            continue;
        if (written > 0)
            text_append(title, count > 2 ? SLICE(", ") : SLICE(" and "));
        append_name(title, subjects[incident->components[i]].title);
        written++;
    }
    if (count > named)
        text_format(title, " and %zu more", count - named);
    const char *phrase = count > 1 ? phrases[incident->reason.kind].several
                                   : phrases[incident->reason.kind].one;
    if (phrase == NULL || is_mixed)
        phrase = impact_phrase(incident->impact, count > 1);
    text_format(title, " %s", phrase);
}
