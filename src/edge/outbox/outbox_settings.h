// Section `outbox`: where accepted writes are kept, and how many; see outbox.h.
#pragma once

#include "base/setting.h"

struct outbox_settings {
    struct slice directory; // empty: there is no outbox
    uint64_t writes, size;  // kept at most, bytes of all their files
    uint64_t age_ms;        // what could not be delivered for so long is given up
    uint64_t keep_ms;       // what became of a write can be asked for so long
    uint64_t deliveries;    // at once
};
extern const struct setting_section outbox_settings_section;

// Section `accept_writes` of a rule.
enum outbox_method { // bits of `methods`
    OUTBOX_METHOD_POST,
    OUTBOX_METHOD_PUT,
    OUTBOX_METHOD_PATCH,
    OUTBOX_METHOD_DELETE,
};
struct accept_settings {
    uint64_t methods; // set of enum outbox_method; none: nothing is accepted
    uint64_t content; // bytes at most
    bool add_key;     // an Idempotency-Key where the visitor sent none
};
extern const struct setting_section accept_settings_section;
