// A monitor as the settings say it: what is polled, how, and what a good answer is.
#pragma once

#include "base/setting.h"

enum monitor_kind { MONITOR_HTTP, MONITOR_TCP, MONITOR_DNS, MONITOR_PING, MONITOR_PUSH };

// A section of the map `status.monitors`; the key is the id.
struct monitor_settings {
    struct slice id;
    struct slice title, group;
    struct setting_list depends_on; // of slices
    // Exactly one says what it is:
    struct slice url;         // http:// or https://
    struct slice tcp;         // host:port
    struct slice dns;         // a name, asked of `resolver`, else of the system's
    struct slice ping;        // a host
    struct slice push;        // a token, 16 bytes at least
    uint64_t interval_ms, timeout_ms; // 5 s at least
    uint64_t slow_ms;         // slower answers are degraded; 0: none
    struct setting_status_set expect_status;
    struct setting_list expect_headers; // of slices: "Name: pattern"
    struct slice expect_body; // a pattern (PCRE2)
    struct slice expect_address; // of dns: one that must be among the answers
    struct slice resolver, record; // of dns: "A", "AAAA", "CNAME", "MX", "TXT", "NS"
    struct slice method;
    struct setting_list headers; // of slices: "Name: value", sent
    uint64_t certificate_days; // fewer left: degraded
    uint64_t redirects;       // followed at most
    bool verify;              // the certificate
};
extern const struct setting_section monitor_settings_section;

enum monitor_kind monitor_kind(const struct monitor_settings *monitor);
