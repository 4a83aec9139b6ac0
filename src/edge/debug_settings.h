// Section `debug` of a site: see debug_field.h.
#pragma once

#include "base/setting.h"

struct debug_settings {
    struct setting_list allow; // of slices, see access_list.h
    bool server_timing;
};

extern const struct setting_section debug_settings_section;
