// Which requests matter more where not all can be served at once: at an origin's gate
// (origin/turn.h), and when the edge itself runs short (pressure.h). Told by the request's own
// head, only when it is asked for: a copy costs none of this.
//
// A prefetch says so: Sec-Purpose (Fetch section 3.6), or what browsers sent before (Purpose,
// X-Moz). So does what nobody waits for: Priority: u=7 (RFC 9218 section 4.1). No field makes a
// request more than it is. A crawler is known by a word of its User-Agent: nothing is gained by
// lying, but to be treated like a person.
#pragma once

#include "base/setting.h"
#include "http/field.h"
#include "origin/turn.h"

struct request;

// Section `priority` of a site.
struct priority_settings {
    bool enabled;
    struct setting_list bots, people; // of slices: ends of words of User-Agent, lower case or not
};
extern const struct setting_section priority_settings_section;

enum priority priority_of(const struct request *request);
// The same without rules.
enum priority priority_told_by(const struct priority_settings *settings,
    const struct http_fields *fields);
const char *priority_word(enum priority priority);
