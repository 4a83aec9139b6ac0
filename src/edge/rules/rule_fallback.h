// Section `fallback` of a rule: a file of the operator's for what nothing else can answer, see
// lifelines/static_fallback.c. It is read once for each generation of settings.
#pragma once

#include "base/error.h"
#include "base/setting.h"

#define RULE_FALLBACK_SIZE_MAX ((size_t)1 << 20)

struct rule_fallback_settings {
    struct slice file;                // empty: there is none
    struct slice type;                // empty: by the file's ending
    uint64_t status;
    struct setting_status_set errors; // of the backend's own answers, those it replaces
};
extern const struct setting_section rule_fallback_settings_section;

struct rule_fallback {
    const struct rule_fallback_settings *settings; // NULL: there is none
    struct slice type, content; // the content is its own
};

// Outputs are owned by the caller until rule_fallback_free. NOT_FOUND and DENIED as they are, LIMIT
// if it is larger than RULE_FALLBACK_SIZE_MAX, INVALID if it is no file.
enum error rule_fallback_read(const struct rule_fallback_settings *settings,
    struct rule_fallback *ret_fallback) MUST_CHECK;
void rule_fallback_free(struct rule_fallback *fallback); // a zeroed one is fine
