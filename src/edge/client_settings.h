// Settings of who counts as a client and what one client may do.
#pragma once

#include "base/setting.h"

// Section `clients`: by address. Lists are of slices, see access_list.h.
struct client_settings {
    struct setting_list trusted_proxies; // believed when they tell for whom they ask
    uint64_t told_by;                    // by which field: enum forwarded_form
    struct setting_list proxy_protocol;  // whose connections begin with a PROXY header
    struct setting_list exempt;          // from the limits below and of sites
    uint64_t connections;                // open at once by one client; 0: no limit
    uint64_t handshakes;                 // of TLS, in a second; 0: no limit
    uint64_t remembered;                 // places in the table of clients
};

// Section `rate` of a site: of one client.
struct rate_settings {
    uint64_t requests; // per interval; 0: no limit
    uint64_t interval_ms;
    uint64_t burst;
    bool copies;       // those answered from a copy count too
};

extern const struct setting_section client_settings_section, rate_settings_section;
