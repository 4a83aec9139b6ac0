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

const char *reason_text(enum reason_kind kind)
{
    static const char *const texts[REASON_COUNT] = {
#define X(name, text) text,
        REASON_MAP(X)
#undef X
    };
    return texts[kind];
}
