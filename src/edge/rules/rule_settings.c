// The rows of rules, and what single values may be.
#include "edge/rules/rule_settings.h"
#include "cache/judge.h"
#include "conf/conf.h"
#include "edge/rules/rule_pattern.h"
#include "edge/rules/rule_review.h"
#include "edge/rules/rule_template.h"
#include "http/authority.h"
#include "http/characters.h"
#include "origin/turn.h"

#include <stdio.h>

#define LIST_MAX 100
#define TEXT_SIZE_MAX 4000
#define YEAR_MS (UINT64_C(365) * 86400000)

// --- Checks of single texts ---

static bool wrong(char *message, size_t size, const char *what)
{
    snprintf(message, size, "%s", what);
    return false;
}

static bool check_pattern(struct slice value, char *message, size_t size)
{
    if (value.size == 0 || value.size > RULE_PATTERN_SIZE_MAX
        || (value.data[0] != '/' && value.data[0] != '*'))
        return wrong(message, size, "is no pattern of a path; expected one such as /robots.txt, "
            "/static/* or \"*.jpg\"");
    for (size_t i = 0; i + 2 < value.size; i++) {
        if (value.data[i] == '%'
            && http_characters_all(slice_of(value.data + i + 1, 2), HTTP_CHARACTER_HEX))
            return wrong(message, size, "has an escape; expected the character itself, as paths "
                "are decoded before they are compared");
    }
    return true;
}

static bool check_method(struct slice value, char *message, size_t size)
{
    bool upper = http_is_token(value);
    for (size_t i = 0; i < value.size; i++)
        upper = upper && !(value.data[i] >= 'a' && value.data[i] <= 'z');
    return upper || wrong(message, size, "is no method; expected one in capitals, such as GET");
}

// A name in which only a final star may stand for others.
static bool is_name_pattern(struct slice value)
{
    const char *star = value.size == 0 ? NULL : memchr(value.data, '*', value.size);
    return value.size > 0 && value.size <= RULE_PATTERN_SIZE_MAX
        && (star == NULL || star == value.data + value.size - 1);
}

static bool check_parameter(struct slice value, char *message, size_t size)
{
    bool good = is_name_pattern(value);
    for (size_t i = 0; i < value.size; i++)
        good = good && http_character_is(value.data[i], HTTP_CHARACTER_QUERY)
            && strchr("&=;", value.data[i]) == NULL;
    return good || wrong(message, size, "is no name of a query parameter; expected one such as "
        "page, or utm_* for all that begin so");
}

static bool check_cookie_pattern(struct slice value, char *message, size_t size)
{
    if (is_name_pattern(value) && http_is_token(value))
        return true;
    return wrong(message, size, "is no name of a cookie; expected one such as session, or "
        "wordpress_logged_in_* for all that begin so");
}

static bool check_cookie(struct slice value, char *message, size_t size)
{
    if (http_is_token(value) && !slice_contains(value, '*'))
        return true;
    return wrong(message, size, "is no name of a cookie; expected one such as currency");
}

static bool check_key_header(struct slice value, char *message, size_t size)
{
    if (!http_is_token(value))
        return wrong(message, size, "is no name of a header field; expected one such as X-Device");
    if (http_name_find(value) == HTTP_NAME_COOKIE)
        return wrong(message, size, "would give each visitor a copy of his own; expected single "
            "cookies by name, in key.cookies");
    return true;
}

static bool check_host(struct slice value, char *message, size_t size)
{
    struct http_authority authority;
    return http_authority_parse(value, &authority)
        || wrong(message, size, "is no host; expected one such as app.internal or app:8080");
}

static bool check_prefix(struct slice value, char *message, size_t size)
{
    bool good = value.size >= 2 && value.data[0] == '/' && value.data[value.size - 1] != '/'
        && memmem(value.data, value.size, "//", 2) == NULL
        && memmem(value.data, value.size, "/.", 2) == NULL;
    for (size_t i = 0; i < value.size; i++)
        good = good && http_character_is(value.data[i], HTTP_CHARACTER_PATH)
            && value.data[i] != '%';
    return good || wrong(message, size, "is no prefix of a path; expected one that begins with / "
        "and does not end with it, such as /api");
}

static bool check_text(struct slice value, char *message, size_t size)
{
    if (value.size <= TEXT_SIZE_MAX && text_is_utf8(value))
        return true;
    snprintf(message, size, "is no such text; expected at most %d bytes of UTF-8", TEXT_SIZE_MAX);
    return false;
}

// --- What tells copies apart ---

static const char *const query_choices[] = {
    [KEY_QUERY_AS_SENT] = "as_sent",
    [KEY_QUERY_SORTED] = "sorted",
    [KEY_QUERY_IGNORED] = "ignored",
    NULL,
};
static const char *const tracking_choices[] = {
    [KEY_TRACKING_KEPT] = "kept",
    [KEY_TRACKING_DROPPED] = "dropped",
    NULL,
};

#define MEMBER(member) .offset = offsetof(struct key_settings, member)
static const struct setting key_rows[] = {
    {.name = "query", .type = SETTING_CHOICE, MEMBER(query), .choices = query_choices,
        .optional = true, .example = "sorted",
        .summary = "The query's part in the key: as sent (which is what holds without this row), "
                   "with its parameters sorted by name, or none. The backend gets it as sent.",
        .touch = "Sort where links name the same parameters in many orders; ignore it for files, "
                 "of which ?v=2 is no other version."},
    {.name = "tracking_parameters", .type = SETTING_CHOICE, MEMBER(tracking),
        .choices = tracking_choices, .optional = true, .example = "dropped",
        .summary = "Whether parameters that campaigns hang on links (utm_*, fbclid, gclid and "
                   "some thirty more) tell copies apart; kept, unless dropped here.",
        .touch = "Drop them when only scripts in the page read them: whatever the backend makes "
                 "of the first visitor's goes to all."},
    {.name = "keep_parameters", .type = SETTING_TEXT_LIST, MEMBER(keep_parameters),
        .maximum = LIST_MAX, .check = check_parameter, .example = "[page, s, \"filter_*\"]",
        .summary = "Only these query parameters tell copies apart.",
        .touch = "Name all that the backend reads; a forgotten one shows visitors the wrong page."},
    {.name = "drop_parameters", .type = SETTING_TEXT_LIST, MEMBER(drop_parameters),
        .maximum = LIST_MAX, .check = check_parameter, .example = "[ref, \"partner_*\"]",
        .summary = "These query parameters do not tell copies apart.",
        .touch = "Name those that the backend does not read."},
    {.name = "cookies", .type = SETTING_TEXT_LIST, MEMBER(cookies), .maximum = LIST_MAX,
        .check = check_cookie, .example = "[currency]",
        .summary = "Each value of these cookies has copies of its own.",
        .touch = "For few values that change the page for everybody who has them; never for "
                 "sessions. Such pages are stored only if the origin calls them fresh, or "
                 "cache.store_despite has cookie."},
    {.name = "headers", .type = SETTING_TEXT_LIST, MEMBER(headers), .maximum = LIST_MAX,
        .check = check_key_header, .example = "[X-Device]",
        .summary = "Each value of these request header fields has copies of its own.",
        .touch = "For what the backend distinguishes without saying so in Vary."},
};
#undef MEMBER

const struct setting_section key_settings_section = {
    .size = sizeof(struct key_settings),
    .rows = key_rows,
    .count = ARRAY_SIZE(key_rows),
    .summary = "What tells copies apart, besides host and path. A purge by URL hits all of them.",
};

// --- What is said instead of the origin ---

static const char *const store_choices[] = {
    [RULE_STORE_ALLOWED] = "allowed",
    [RULE_STORE_NEVER] = "never",
    NULL,
};

#define MEMBER(member) .offset = offsetof(struct rule_cache_settings, member)
static const struct setting cache_rows[] = {
    {.name = "store", .type = SETTING_CHOICE, MEMBER(store), .choices = store_choices,
        .optional = true, .example = "never",
        .summary = "\"never\": such requests are neither answered from copies nor leave any; "
                   "\"allowed\" lifts that again.",
        .touch = "For what belongs to one visitor and does not say so itself. When the backend "
                 "fails there is nothing to send instead."},
    {.name = "store_despite", .type = SETTING_CHOICE_SET, MEMBER(store_despite),
        .choices = judge_store_despite_choices, .example = "[cookie, set-cookie]",
        .summary = "What shall not keep an answer from being stored and shared: a Cookie in the "
                   "request; a Set-Cookie in the answer, which then goes to the one who asked "
                   "and not into the copy; private or no-store in its Cache-Control. Overrides "
                   "the origin.",
        .touch = "Only for what is the same for every visitor, such as files: anything else would "
                 "be shown to strangers."},
    {.name = "fresh", .type = SETTING_DURATION, MEMBER(fresh_ms), .optional = true,
        .maximum = 10 * YEAR_MS, .example = "10m",
        .summary = "How long a stored answer with status 200 to 399 is fresh, whatever the origin "
                   "says of it (no-cache too). It does not make private answers shareable.",
        .touch = "For what the origin says nothing or nonsense about."},
    {.name = "fresh_minimum", .type = SETTING_DURATION, MEMBER(fresh_minimum_ms), .optional = true,
        .maximum = 10 * YEAR_MS, .example = "1m",
        .summary = "At least so long is a stored answer with status 200 to 399 fresh, unless the "
                   "origin says no-cache.",
        .touch = "To spare the origin where it is too cautious."},
    {.name = "fresh_maximum", .type = SETTING_DURATION, MEMBER(fresh_maximum_ms), .optional = true,
        .maximum = 10 * YEAR_MS, .example = "1h",
        .summary = "No longer than that is any stored answer fresh.",
        .touch = "Where the origin promises more than it keeps."},
    {.name = "keep", .type = SETTING_DURATION, MEMBER(keep_ms), .optional = true,
        .maximum = 10 * YEAR_MS, .example = "1d",
        .summary = "How long a copy stays usable on failure after it went stale, instead of the "
                   "site's cache.keep.",
        .touch = "Lower it for what does harm when old, such as prices."},
    {.name = "stale_despite", .type = SETTING_CHOICE_SET, MEMBER(stale_despite),
        .choices = judge_despite_choices, .example = "[must-revalidate]",
        .summary = "Directives that shall not keep a stale copy from being sent on failure, "
                   "besides the site's cache.stale_despite.",
        .touch = "Where a copy is better than an error."},
    {.name = "stale_while_revalidate", .type = SETTING_DURATION, MEMBER(while_revalidate_ms),
        .optional = true, .maximum = YEAR_MS, .example = "5m",
        .summary = "How long after its lifetime a copy is sent at once while it is refreshed "
                   "behind, whatever the origin grants.",
        .touch = "For pages whose age matters less than their speed."},
    {.name = "browser", .type = SETTING_DURATION, MEMBER(browser_ms), .optional = true,
        .maximum = 10 * YEAR_MS, .example = "1d",
        .summary = "The lifetime that visitors' browsers are told of answers that the edge may "
                   "store, instead of the origin's Cache-Control and Expires; 0 lets them ask "
                   "each time.",
        .touch = "For files whose names change with their content, long; for what is purged here, "
                 "short, since browsers cannot be purged."},
};
#undef MEMBER

static const struct setting_section cache_section = {
    .size = sizeof(struct rule_cache_settings),
    .rows = cache_rows,
    .count = ARRAY_SIZE(cache_rows),
    .summary = "What is kept and for how long, in the origin's stead. What is not named stays as "
               "the origin says.",
};

// --- Header fields ---

#define MEMBER(member) .offset = offsetof(struct rule_headers_settings, member)
static const struct setting header_rows[] = {
    {.name = "set", .type = SETTING_TEXT_MAP, MEMBER(set), .maximum = LIST_MAX,
        .check = rule_template_check_value, .example = "{X-Robots-Tag: noindex}",
        .summary = "Fields with these values, in place of all of the same name."},
    {.name = "add", .type = SETTING_TEXT_MAP, MEMBER(add), .maximum = LIST_MAX,
        .check = rule_template_check_value, .example = "{Link: \"</main.css>; rel=preload\"}",
        .summary = "Further fields, beside those of the same name."},
    {.name = "remove", .type = SETTING_TEXT_LIST, MEMBER(remove), .maximum = LIST_MAX,
        .example = "[X-Powered-By]", .summary = "Names of fields that are taken out."},
};
#undef MEMBER

static const struct setting_section request_headers_section = {
    .size = sizeof(struct rule_headers_settings),
    .rows = header_rows,
    .count = ARRAY_SIZE(header_rows),
    .summary = "Header fields towards the origin. Values may use ${host}, ${path}, ${query}, "
               "${rest}, ${scheme}, ${method}, ${client_ip} and ${request_id}. Without a Cookie or "
               "Authorization that is removed or set here, a request is anybody's, and so is what "
               "the origin answers.",
    .review = rule_review_request_headers,
};
static const struct setting_section response_headers_section = {
    .size = sizeof(struct rule_headers_settings),
    .rows = header_rows,
    .count = ARRAY_SIZE(header_rows),
    .summary = "Header fields towards the visitor, of answers from the origin, from copies and "
               "from rules, but not of the edge's own pages. Copies stay as the origin sent them. "
               "Variables as in request_headers.",
    .review = rule_review_response_headers,
};

// --- Answers without the origin, and limits ---

static const struct setting redirect_rows[] = {
    {.name = "to", .type = SETTING_TEXT, .offset = offsetof(struct rule_redirect_settings, to),
        .check = rule_template_check_target, .example = "\"https://${host}/new/${rest}${query}\"",
        .summary = "Where to: a path or a URL. ${rest} is what the * of the rule's path stood "
                   "for, ${query} the query with its \"?\"; for other variables see "
                   "request_headers."},
    {.name = "status", .type = SETTING_COUNT, .fallback = "302", .minimum = 301, .maximum = 308,
        .offset = offsetof(struct rule_redirect_settings, status),
        .summary = "301 and 308 are for good, and browsers remember them; 302, 303 and 307 are "
                   "not. 307 and 308 keep the method.",
        .touch = "Set 301 or 308 once you are sure."},
};

static const struct setting_section redirect_section = {
    .size = sizeof(struct rule_redirect_settings),
    .rows = redirect_rows,
    .count = ARRAY_SIZE(redirect_rows),
    .summary = "Send the visitor elsewhere. No later rule is looked at.",
};

static const struct setting answer_rows[] = {
    {.name = "status", .type = SETTING_COUNT, .minimum = 200, .maximum = 599, .optional = true,
        .offset = offsetof(struct rule_answer_settings, status), .example = "410",
        .summary = "The status of the answer.",
        .touch = "403 for what is nobody's business, 410 for what is gone for good."},
    {.name = "text", .type = SETTING_TEXT, .offset = offsetof(struct rule_answer_settings, text),
        .check = check_text, .example = "\"This page is gone.\"",
        .summary = "Its content, plain text; without any, the status in words."},
};

static const struct setting_section answer_section = {
    .size = sizeof(struct rule_answer_settings),
    .rows = answer_rows,
    .count = ARRAY_SIZE(answer_rows),
    .summary = "Answer without asking the origin. No later rule is looked at.",
};

#define MEMBER(member) .offset = offsetof(struct rule_limit_settings, member)
static const struct setting limit_rows[] = {
    {.name = "methods", .type = SETTING_TEXT_LIST, MEMBER(methods), .maximum = LIST_MAX,
        .check = check_method, .example = "[GET, POST]",
        .summary = "The methods allowed; others get 405 with Allow. GET includes HEAD. Without "
                   "any, all are."},
    {.name = "content", .type = SETTING_SIZE, MEMBER(content), .optional = true,
        .maximum = UINT64_C(1) << 50, .example = "10MB",
        .summary = "The most content a request may bring; beyond, 413.",
        .touch = "Set it to what your largest upload takes."},
    {.name = "url", .type = SETTING_SIZE, MEMBER(url), .optional = true, .minimum = 1,
        .maximum = 1024 * 1024, .example = "2KB",
        .summary = "The longest path with its query; beyond, 414. http.line_size limits all sites.",
        .touch = "Set it where the backend stumbles over long ones."},
    {.name = "response", .type = SETTING_SIZE, MEMBER(response), .optional = true,
        .maximum = UINT64_C(1) << 50, .example = "100MB",
        .summary = "The most content an answer of the origin may bring. One whose Content-Length "
                   "is beyond is an error of the origin: a copy is sent instead, or 502. One that "
                   "turns out larger is broken off, and not stored.",
        .touch = "Set it where a runaway export or a wrong file must not reach visitors."},
};
#undef MEMBER

static const struct setting_section limit_section = {
    .size = sizeof(struct rule_limit_settings),
    .rows = limit_rows,
    .count = ARRAY_SIZE(limit_rows),
    .summary = "What a request and its answer may be. Each refusal is counted.",
};

// --- A rule ---

static const char *const idempotency_key_choices[] = {
    [RULE_KEY_IGNORED] = "ignored",
    [RULE_KEY_HONOURED] = "honoured",
    NULL,
};

static const char *const priority_choices[] = {
    [PRIORITY_INTERACTIVE] = "interactive",
    [PRIORITY_BACKGROUND] = "background",
    [PRIORITY_BOT] = "bot",
    NULL,
};

#define MEMBER(member) .offset = offsetof(struct rule_settings, member)
static const struct setting rule_rows[] = {
    {.name = "path", .type = SETTING_TEXT_LIST, MEMBER(path), .maximum = LIST_MAX,
        .check = check_pattern, .example = "[/static/*, \"*.jpg\"]",
        .summary = "The paths it is for; without any, all. * stands for any number of characters, "
                   "/ included, and ? for one. Case counts; escapes, \"//\" and \"..\" are "
                   "resolved before."},
    {.name = "except", .type = SETTING_TEXT_LIST, MEMBER(except), .maximum = LIST_MAX,
        .check = check_pattern, .example = "/static/private/*",
        .summary = "Of these, the paths it is not for."},
    {.name = "methods", .type = SETTING_TEXT_LIST, MEMBER(methods), .maximum = LIST_MAX,
        .check = check_method, .example = "GET",
        .summary = "Only for requests with one of these methods. GET includes HEAD."},
    {.name = "cookies", .type = SETTING_TEXT_LIST, MEMBER(cookies), .maximum = LIST_MAX,
        .check = check_cookie_pattern, .example = "\"wordpress_logged_in_*\"",
        .summary = "Only for requests that bring one of these cookies."},
    {.name = "without_cookies", .type = SETTING_TEXT_LIST, MEMBER(without_cookies),
        .maximum = LIST_MAX, .check = check_cookie_pattern, .example = "[\"SESS*\", \"SSESS*\"]",
        .summary = "Only for requests that bring none of these cookies."},
    {.name = "origin", .type = SETTING_TEXT, MEMBER(origin), .example = "main",
        .summary = "The origin that is asked, instead of the site's."},
    {.name = "host", .type = SETTING_TEXT, MEMBER(host), .check = check_host,
        .example = "app.internal",
        .summary = "Host towards the origin, instead of the visitor's."},
    {.name = "strip_prefix", .type = SETTING_TEXT, MEMBER(strip_prefix), .check = check_prefix,
        .example = "/api", .summary = "Taken off the path towards the origin: /api/users becomes "
                                      "/users, and /apis stays."},
    {.name = "add_prefix", .type = SETTING_TEXT, MEMBER(add_prefix), .check = check_prefix,
        .example = "/v2", .summary = "Put before the path towards the origin, after strip_prefix."},
    {.name = "idempotency_key", .type = SETTING_CHOICE, MEMBER(idempotency_key),
        .choices = idempotency_key_choices, .optional = true, .example = "honoured",
        .summary = "\"honoured\": to the origin, a second request with the same Idempotency-Key is "
                   "the first one once more. Then a write with such a field may be sent again when "
                   "nobody knows whether it arrived. \"ignored\" takes that back.",
        .touch = "Only where the site's documentation promises it; elsewhere an order would be "
                 "placed twice."},
    {.name = "priority", .type = SETTING_CHOICE, MEMBER(priority), .choices = priority_choices,
        .optional = true, .example = "background",
        .summary = "Who asks for these paths counts as this where not all can be served at once, "
                   "whatever he says of himself.",
        .touch = "interactive for what money is made with, background for exports and feeds."},
    {.name = "key", .type = SETTING_SECTION, MEMBER(key), .section = &key_settings_section,
        .summary = "What tells copies apart, instead of the site's key."},
    {.name = "cache", .type = SETTING_SECTION, MEMBER(cache), .section = &cache_section,
        .summary = "What is said instead of the origin."},
    {.name = "request_headers", .type = SETTING_SECTION, MEMBER(request_headers),
        .section = &request_headers_section, .summary = "Header fields towards the origin."},
    {.name = "response_headers", .type = SETTING_SECTION, MEMBER(response_headers),
        .section = &response_headers_section, .summary = "Header fields towards the visitor."},
    {.name = "redirect", .type = SETTING_SECTION, MEMBER(redirect), .section = &redirect_section,
        .summary = "Send the visitor elsewhere."},
    {.name = "answer", .type = SETTING_SECTION, MEMBER(answer), .section = &answer_section,
        .summary = "Answer without asking the origin."},
    {.name = "limits", .type = SETTING_SECTION, MEMBER(limits), .section = &limit_section,
        .summary = "What a request and its answer may be."},
    {.name = "accept_writes", .type = SETTING_SECTION, MEMBER(accept_writes),
        .section = &accept_settings_section,
        .summary = "Accept writes for an origin that cannot take them."},
    {.name = "fallback", .type = SETTING_SECTION, MEMBER(fallback),
        .section = &rule_fallback_settings_section,
        .summary = "A file for what nothing else can answer."},
    {.name = "protect", .type = SETTING_SECTION, MEMBER(protect),
        .section = &rule_protect_settings_section,
        .summary = "Answers with status 200 that are not to be believed."},
};
#undef MEMBER

const struct setting_section rule_settings_section = {
    .size = sizeof(struct rule_settings),
    .rows = rule_rows,
    .count = ARRAY_SIZE(rule_rows),
    .summary = "Exceptions for some paths of the site. All rules that fit a request hold, in the "
               "order of the file: of what two of them name, the later has its way, and header "
               "fields add up. A redirect or an answer ends the list.",
    .review = rule_review,
};
