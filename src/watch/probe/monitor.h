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
    uint64_t interval_ms; // 5 s at least
    uint64_t timeout_ms;  // of push: how much later than the interval a sign of life may be
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

#define MONITOR_URL_MAX 2048 // bytes
#define MONITOR_TOKEN_MIN 16 // bytes
#define MONITOR_ID_MAX 64    // bytes

enum monitor_kind monitor_kind(const struct monitor_settings *monitor);
// For the row of the map: its keys are the ids.
bool monitor_check_id(struct slice value, char *message, size_t message_size);
// What is polled by HTTP. The message goes on after the value, as those of settings do.
bool monitor_check_url(struct slice value, char *message, size_t size);
// timeout_ms, or less where nobody wrote one and the interval is shorter.
uint64_t monitor_patience_ms(const struct monitor_settings *monitor);
// "host:port", "[2001:db8::1]:443". False: it is none.
bool monitor_split_host(struct slice text, struct slice *ret_host, uint16_t *ret_port) MUST_CHECK;
// "Name: rest"; false: there is no name, or a character that no field has.
bool monitor_split_field(struct slice text, struct slice *ret_name,
    struct slice *ret_value) MUST_CHECK;
