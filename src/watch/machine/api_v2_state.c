// Statuspage's words.
#include "watch/machine/machine_inside.h"

// Clients know five words. What nobody could tell is no outage, and is said in the description.
const char *api_v2_component_word(enum component_state state)
{
    return component_state_word(state == COMPONENT_UNKNOWN ? COMPONENT_OPERATIONAL : state);
}

const char *api_v2_impact_word(enum incident_impact impact)
{
    switch (impact) {
    case IMPACT_NONE: return "none";
    case IMPACT_MINOR: return "minor";
    case IMPACT_MAJOR: return "major";
    case IMPACT_CRITICAL: break;
    }
    return "critical";
}

const char *api_v2_incident_word(enum incident_state state)
{
    switch (state) {
    case INCIDENT_INVESTIGATING: return "investigating";
    case INCIDENT_IDENTIFIED: return "identified";
    case INCIDENT_MONITORING: return "monitoring";
    case INCIDENT_RESOLVED: break;
    }
    return "resolved";
}

const char *api_v2_window_word(enum window_state state)
{
    switch (state) {
    case WINDOW_SCHEDULED: return "scheduled";
    case WINDOW_IN_PROGRESS: return "in_progress";
    case WINDOW_COMPLETED: break;
    }
    return "completed";
}

// Whatever is worse: what is seen, or what operators say of it.
struct api_v2_state api_v2_state(const struct snapshot *snapshot)
{
    size_t of[COMPONENT_MAINTENANCE + 1] = {0};
    enum incident_impact impact = IMPACT_NONE;
    for (size_t i = 0; i < snapshot->component_count; i++)
        of[snapshot->components[i].state]++;
    for (size_t i = 0; i < snapshot->open_count; i++)
        impact = MAXIMUM(impact, snapshot->incidents[i].impact);
    size_t failed = of[COMPONENT_DOWN] + of[COMPONENT_PARTIAL];
    if (failed > 0)
        impact = MAXIMUM(impact, of[COMPONENT_DOWN] == snapshot->component_count
            ? IMPACT_CRITICAL : IMPACT_MAJOR);
    bool degraded = of[COMPONENT_DEGRADED] > 0;
    if (degraded)
        impact = MAXIMUM(impact, IMPACT_MINOR);
    switch (impact) {
    case IMPACT_CRITICAL: return (struct api_v2_state){"critical", "Major System Outage"};
    case IMPACT_MAJOR: return (struct api_v2_state){"major", "Partial System Outage"};
    case IMPACT_MINOR:
        return (struct api_v2_state){"minor", degraded ? "Partially Degraded Service"
                                                       : "Minor Service Outage"};
    case IMPACT_NONE: break;
    }
    if (of[COMPONENT_MAINTENANCE] > 0)
        return (struct api_v2_state){"maintenance", "Service Under Maintenance"};
    if (of[COMPONENT_UNKNOWN] > 0)
        return (struct api_v2_state){"none", of[COMPONENT_OPERATIONAL] == 0
                ? "State Not Known Yet" : "All Checked Systems Operational"};
    return (struct api_v2_state){"none", "All Systems Operational"};
}
