// The settings of this room: where the logs go and where the metrics listen.
#pragma once

#include "base/log.h"
#include "base/setting.h"

enum access_format { ACCESS_JSON, ACCESS_COMBINED };

// Section `log`.
struct log_settings {
    struct slice access;    // path of the access log; empty: none is written
    uint64_t access_format; // enum access_format
    uint64_t access_buffer; // bytes per loop that wait for the writer
    struct slice error;     // path of the error log; empty: stderr
    uint64_t level;         // enum log_level
};

// Section `metrics`.
struct metrics_settings {
    struct slice listen; // ADDR:PORT; empty: none
};

extern const struct setting_section log_settings_section, metrics_settings_section;
