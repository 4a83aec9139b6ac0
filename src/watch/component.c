// The words of states and reasons.
#include "watch/component.h"

const char *component_state_word(enum component_state state)
{
    switch (state) {
    case COMPONENT_UNKNOWN: return "unknown";
    case COMPONENT_OPERATIONAL: return "operational";
    case COMPONENT_DEGRADED: return "degraded_performance";
    case COMPONENT_PARTIAL: return "partial_outage";
    case COMPONENT_DOWN: return "major_outage";
    case COMPONENT_MAINTENANCE: break;
    }
    return "under_maintenance";
}

bool component_state_find(struct slice word, enum component_state *ret_state)
{
    for (unsigned i = 0; i <= COMPONENT_MAINTENANCE; i++) {
        if (slice_equal(slice_from_string(component_state_word((enum component_state)i)), word)) {
            *ret_state = (enum component_state)i;
            return true;
        }
    }
    return false;
}

const char *reason_text(enum reason_kind kind)
{
    static const char *const texts[REASON_COUNT] = {
#define X(name, text) text,
        REASON_MAP(X)
#undef X
    };
    return texts[kind];
}

const char *reason_word(enum reason_kind kind)
{
    static const char *const words[REASON_COUNT] = {
#define X(name, text) #name,
        REASON_MAP(X)
#undef X
    };
    return words[kind];
}

bool reason_find(struct slice word, enum reason_kind *ret_kind)
{
    for (unsigned i = 0; i < REASON_COUNT; i++) {
        if (slice_equal(slice_from_string(reason_word((enum reason_kind)i)), word)) {
            *ret_kind = (enum reason_kind)i;
            return true;
        }
    }
    return false;
}
