// Rules: what a site wants otherwise for some of its paths.
//
// Patterns. A rule names paths exactly (/robots.txt), by beginning (/static/*), by ending (*.jpg)
// or with * and ? anywhere; * stands for "/" too. No regular expressions: what they are used for in
// nginx and Varnish is nearly always one of these, their cost is hard to foresee, and they are the
// first place where an escape or a second spelling slips by. Case counts, as in nginx and on most
// servers. Compared is the path as a server reads it: escapes decoded, "//" and dot segments
// resolved, so that /%61dmin/ is /admin/ to a rule that refuses it. The backend gets the path as
// sent. A rule may also ask for methods, and for cookies by name.
//
// Which rules hold. All that fit, from the first to the last; of what two of them name, the later
// has its way; header fields add up in that order. A redirect or an answer ends the list. So one
// reads a site's rules from top to bottom, the general first and its exceptions below, as VCL and
// Caddyfiles are read. Rejected: nginx's "the longest location wins alone", where each location
// repeats what it shares with others, and "first match wins", which is the same the other way
// round.
//
// The key. What tells copies apart may depend on path, query, cookies and fields, but a rule about
// cookies or methods cannot change the key: a purge knows nothing but a URL and must find all of
// them. A rule that changes what the origin is asked, and depends on cookies or methods, separates
// its copies by itself.
//
// What overrides the origin's word says so in its row: cache.fresh, fresh_minimum, fresh_maximum,
// stale_while_revalidate, browser and the two lists of directives. Nothing else does. Copies stay
// as the origin sent them; response fields are changed on the way out, so a change of the settings
// holds at once.
//
// Compiled with each generation of settings, matched in one pass without memory of its own (the
// path's normal form and what a rule writes go to the request's arena). A site without rules and
// without key costs one branch.
#pragma once

#include "cache/judge.h"
#include "edge/outbox/outbox_settings.h"
#include "edge/rules/rule_fallback.h"
#include "edge/rules/rule_pattern.h"
#include "edge/rules/rule_protect.h"
#include "edge/rules/rule_query.h"
#include "edge/rules/rule_template.h"
#include "http/message.h"
#include "origin/origin.h"

struct site_settings;

struct rule_header {
    struct slice name;
    struct rule_template value;
};

struct rule_headers { // done in this order
    struct setting_list remove;       // of slices; the names that are set count too
    const struct rule_header *writes; // set and added
    size_t write_count, set_count;    // set first
    bool has_variables;
};

// One rule, compiled. The settings and all below live as long as the rules.
struct rule {
    const struct rule_settings *settings;
    const struct rule_pattern *paths, *excepts, *cookies, *without_cookies;
    struct origin *origin; // NULL: none named
    struct rule_headers request, response;
    struct rule_template target;
    struct rule_fallback fallback;
    bool ends;             // redirects or answers
    bool parts_copies;     // depends on more than the path and changes what is asked,
    bool parts_origins;    // or only who is asked
};

struct rules {
    struct arena arena;
    const struct key_settings *key; // of the site
    struct rule *items;
    size_t count;
};

struct rule_set { // of the rules of a site
    uint64_t bits[RULES_MAX / 64];
};

// What the rules together say of one request.
struct rule_effect {
    const struct rules *rules;
    struct rule_set fitting;
    const struct rule *last; // redirects or answers; NULL: none does
    struct origin *origin;   // NULL: the site's
    struct slice origin_name, host, strip_prefix, add_prefix;
    struct key_settings key;
    struct rule_cache_settings cache;
    const struct setting_list *methods; // allowed; NULL: all
    uint64_t content, url, response;    // bytes allowed
    uint64_t idempotency_key;           // enum rule_idempotency_key
    uint64_t priority;                  // enum priority, or SETTING_ABSENT
    const struct accept_settings *accept_writes; // NULL: none are
    const struct rule_fallback *fallback;        // NULL: there is none
    const struct rule_protect_settings *protect; // NULL: all answers are believed
    struct rule_path path;
    bool has_request_headers, has_response_headers, parts_copies;
    bool hides_cookie, hides_authorization; // the visitor's, from the origin
};

// The rules of a site, *ret_rules NULL if it has neither rules nor a key. origins may be NULL if no
// rule names one. MEMORY, INVALID for an origin that does not exist, or what keeps the file of a
// fallback from being read.
enum error rules_create(const struct site_settings *site, struct origins *origins,
    struct rules **ret_rules) MUST_CHECK;
void rules_destroy(struct rules *rules); // NULL is fine

// MEMORY: the arena is full.
enum error rules_apply(const struct rules *rules, struct slice method, struct slice path,
    const struct http_fields *fields, struct arena *arena,
    struct rule_effect *ret_effect) MUST_CHECK;
// What can be said of a path alone, whoever asks.
enum error rules_apply_to_path(const struct rules *rules, struct slice path, struct arena *arena,
    struct rule_effect *ret_effect) MUST_CHECK;

// The same as far as keys depend on it. rules NULL: they have nothing to say.
struct rule_url {
    struct slice origin; // its name; data NULL: the site's
    struct slice query;  // the key's
    bool parted;         // there may be several copies, which only a walk finds
};
enum error rules_apply_to_url(const struct rules *rules, struct slice path, struct slice query,
    struct arena *arena, struct rule_url *ret_url) MUST_CHECK;
// What the * of the last rule's pattern /x/* stood for, in the visitor's spelling; data NULL: the
// arena is full.
struct slice rule_rest(const struct rule_effect *effect, struct slice path_sent,
    struct arena *arena) MUST_CHECK;

// GET includes HEAD.
bool rule_has_method(const struct setting_list *methods, struct slice method);

static inline bool rule_set_has(const struct rule_set *set, size_t index)
{
    return (set->bits[index / 64] >> (index % 64) & 1) != 0;
}
