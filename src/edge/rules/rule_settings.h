// Settings of the rules of a site: see rule.h for what they do. Numbers and choices that a rule
// does not name are SETTING_ABSENT: it leaves them to the rules before it.
#pragma once

#include "base/setting.h"
#include "edge/outbox/outbox_settings.h"
#include "edge/rules/rule_fallback.h"
#include "edge/rules/rule_protect.h"

#define RULES_MAX 256 // of one site

// Section `key` of a site or a rule: what tells copies apart.
struct key_settings {
    uint64_t query;    // enum key_query
    uint64_t tracking; // enum key_tracking
    struct setting_list keep_parameters, drop_parameters; // of slices, a final * for any ending
    struct setting_list cookies, headers;                 // of slices, names
};
enum key_query { KEY_QUERY_AS_SENT, KEY_QUERY_SORTED, KEY_QUERY_IGNORED };
enum key_tracking { KEY_TRACKING_KEPT, KEY_TRACKING_DROPPED };

// Section `cache` of a rule: what is said instead of the origin.
struct rule_cache_settings {
    uint64_t store;         // enum rule_store
    uint64_t store_despite; // set of enum judge_store_despite
    uint64_t stale_despite; // set of enum judge_despite
    uint64_t fresh_ms, fresh_minimum_ms, fresh_maximum_ms;
    uint64_t keep_ms, while_revalidate_ms;
    uint64_t browser_ms;    // lifetime in browsers
};
enum rule_store { RULE_STORE_ALLOWED, RULE_STORE_NEVER };

struct rule_headers_settings {
    struct setting_list set, add; // of struct setting_pair, values are templates
    struct setting_list remove;   // of slices
};

struct rule_redirect_settings {
    struct slice to; // a template; empty: no redirect
    uint64_t status;
};

struct rule_answer_settings {
    uint64_t status; // SETTING_ABSENT: no answer
    struct slice text;
};

struct rule_limit_settings {
    struct setting_list methods; // of slices; empty: all
    uint64_t content, url, response; // bytes
};

enum rule_idempotency_key { RULE_KEY_IGNORED, RULE_KEY_HONOURED };

struct rule_settings {
    struct setting_list path, except;     // of slices, patterns; without any path: every one
    struct setting_list methods, cookies, without_cookies; // of slices; further conditions
    struct slice origin;                  // empty: the site's
    struct slice host;                    // towards the origin; empty: as the visitor sent it
    struct slice strip_prefix, add_prefix; // of the path, towards the origin
    uint64_t idempotency_key;             // enum rule_idempotency_key
    uint64_t priority;                    // enum priority
    struct key_settings key;
    struct rule_cache_settings cache;
    struct rule_headers_settings request_headers, response_headers;
    struct rule_redirect_settings redirect;
    struct rule_answer_settings answer;
    struct rule_limit_settings limits;
    struct accept_settings accept_writes;
    struct rule_fallback_settings fallback;
    struct rule_protect_settings protect;
};

extern const struct setting_section key_settings_section, rule_settings_section;
