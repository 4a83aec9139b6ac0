// Section `protect` of a rule: which answers of the backend with status 200 are not to be believed,
// see lifelines/negative_protection.c.
#pragma once

#include "base/setting.h"

enum rule_protect_unheld { RULE_PROTECT_PASS, RULE_PROTECT_FAIL };

struct rule_protect_settings {
    uint64_t minimum_percent;      // of the copy's size; 0: any size will do
    struct setting_list forbidden; // of slices, texts that no good answer has
    uint64_t examined;             // bytes of the content that are looked at
    uint64_t unheld;               // enum rule_protect_unheld
};
extern const struct setting_section rule_protect_settings_section;
