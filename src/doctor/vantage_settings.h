// Settings of a vantage: whether this process is one, and what it does for whom.
#pragma once

#include "base/setting.h"

#define VANTAGE_LOOKS_MAX 32 // a helper thread each, and a dozen more while it looks
#define VANTAGE_CANARIES_MAX 4

struct vantage_rate { // a token bucket
    uint64_t requests, interval_ms, burst;
};

// Another vantage, that the check page asks.
struct vantage_other {
    struct slice name; // told to visitors
    struct slice url;
    struct slice key;  // empty: it is asked unsigned
};

// Section `vantage`.
struct vantage_settings {
    bool enabled;
    struct slice name;            // empty: the edge's
    struct setting_list keys;     // of slices, for signed requests
    struct slice key_file;        // one on each line; empty: none
    struct setting_list allow;    // of slices, ranges of addresses
    struct setting_list ports;    // of slices
    struct slice control;         // a URL; empty: none
    struct setting_list canaries; // of slices, URLs; none: the control
    uint64_t looks;               // at once
    uint64_t timeout_ms;
    uint64_t keep_ms;             // how long a result is shared
    struct setting_list others;   // of struct vantage_other
    bool check_any;               // the check page looks at sites that this edge does not serve
    struct vantage_rate per_client, total; // of unsigned requests
};

extern const struct setting_section vantage_settings_section;
extern const struct setting_section vantage_other_section;
