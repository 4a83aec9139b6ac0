// Section `status` of the settings.
#pragma once

#include "watch/incident/incident.h"
#include "watch/notify/notify_settings.h"
#include "watch/operator/operator.h"
#include "watch/probe/monitor.h"
#include "watch/report/reports.h"

struct watch_settings {
    struct slice name;         // empty: there is no status page
    struct setting_list hosts; // of slices: the status page is the root of these
    struct slice url;          // for the outside
    struct slice site, support;
    struct slice logo;         // a file
    struct slice accent, accent_dark;
    struct slice language;
    struct slice directory;    // empty: "status" in the state directory
    struct setting_list monitors; // of struct monitor_settings
    struct setting_list places;   // of struct vantage_other
    struct setting_list canaries, allow; // of slices
    uint64_t rounds, damping_ms, every;
    uint64_t streams;          // of changes, open at once
    struct incident_settings incidents;
    struct report_settings reports;
    struct notify_settings notify;
    struct operator_settings operators;
};
extern const struct setting_section watch_settings_section;

static inline bool watch_has_page(const struct watch_settings *settings)
{
    return settings->name.size > 0;
}
