// A monitor made ready: its texts are split, its expressions compiled. Inside of this folder.
#pragma once

#include "base/pattern.h"
#include "io/network.h"
#include "watch/probe/expect.h"
#include "watch/probe/monitor.h"

#include <curl/curl.h>

#define TARGET_FIELDS_MAX 16

struct target {
    const struct monitor_settings *monitor; // outlives it
    enum monitor_kind kind;
    uint64_t timeout_ms;
    struct slice host; // of url: as it goes to name servers; see host_text
    uint16_t port;
    bool is_secure;
    struct pattern *body; // NULL: none
    struct {
        struct slice name;
        struct pattern *pattern;
    } fields[TARGET_FIELDS_MAX];
    unsigned field_count;
    struct curl_slist *headers;
    struct address resolver, expected; // of dns; AF_UNSPEC: none
    int record;                        // RFC 1035 section 3.2.2
    const struct network_list *allow;  // private addresses to which others may redirect
    bool keeps_body;   // whoever asks reads it himself
    bool any_status;   // an answer is an answer
    char *host_text;   // of curl's
};

// INVALID: why says what is wrong with it.
enum error target_create(struct target *target, const struct monitor_settings *monitor,
    const struct network_list *allow, struct text *why) MUST_CHECK;
void target_destroy(struct target *target); // all zero is fine
// The parts of a URL that is polled; host from curl (curl_free). False: it is none for us.
bool target_split_url(const char *url, char **ret_host, uint16_t *ret_port,
    bool *ret_is_secure) MUST_CHECK;
