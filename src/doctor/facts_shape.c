// One table per struct of facts.h. A new member is a row here, and nothing else.
#include "doctor/facts_shape.h"

#define TYPE_OF(type, member) __typeof__(((struct type *)0)->member)
#define SIZE_OF(type, member) sizeof(TYPE_OF(type, member))
#define COUNT_OF(type, member) ARRAY_SIZE(((struct type *)0)->member)
// The offset; does not compile where the condition does not hold.
#define OFFSET_IF(type, member, condition)                                                         \
    (offsetof(struct type, member) + 0 * sizeof(char[(condition) ? 1 : -1]))
#define IS(type, member, expected) __builtin_types_compatible_p(TYPE_OF(type, member), expected)
#define PLAIN(kind, type, member, expected)                                                        \
    {#member, kind, OFFSET_IF(type, member, IS(type, member, expected)), NULL, NULL, 0, 0}

#define FLAG(type, member) PLAIN(FACTS_FLAG, type, member, bool)
#define NUMBER(type, member) PLAIN(FACTS_NUMBER, type, member, unsigned)
#define LARGE(type, member) PLAIN(FACTS_LARGE, type, member, uint64_t)
#define TIME(type, member) PLAIN(FACTS_TIME, type, member, int64_t)
#define TEXT(type, member) PLAIN(FACTS_TEXT, type, member, struct slice)
#define URL(type, member) PLAIN(FACTS_URL, type, member, struct slice)
#define ADDRESS(type, member) PLAIN(FACTS_ADDRESS, type, member, struct address)
#define WORD(type, member, words)                                                                  \
    {#member, FACTS_WORD, OFFSET_IF(type, member, SIZE_OF(type, member) == sizeof(unsigned)),      \
        &(words), NULL, 0, 0}
#define PART(type, member, shape)                                                                  \
    {#member, FACTS_PART, offsetof(struct type, member), NULL, &(shape), 0, 0}
#define LIST(type, member, shape, counter)                                                         \
    {#member, FACTS_LIST, offsetof(struct type, member), NULL, &(shape), COUNT_OF(type, member),   \
        OFFSET_IF(type, counter, IS(type, counter, unsigned))}
#define BY_WORD(type, member, shape, words)                                                        \
    {#member, FACTS_BY_WORD, offsetof(struct type, member), &(words), &(shape),                    \
        COUNT_OF(type, member), 0}

// Each word of an enum, from 0 on; first is NULL where 0 is unknown.
#define WORDS(name, last, ...)                                                                     \
    static const char *const name##_items[] = {__VA_ARGS__};                                       \
    _Static_assert(ARRAY_SIZE(name##_items) == (size_t)(last) + 1, "a word for each");             \
    static const struct facts_words name = {name##_items, ARRAY_SIZE(name##_items)}

#define SHAPE(scope, name, type, ...)                                                              \
    static const struct facts_member name##_members[] = {__VA_ARGS__};                             \
    scope const struct facts_shape name = {sizeof(struct type), name##_members,                    \
        ARRAY_SIZE(name##_members)}

WORDS(fact_words, FACT_BAD, NULL, "good", "bad");
WORDS(resolver_words, RESOLVER_COUNT - 1, "system", "second", "https");
WORDS(name_words, NAME_UNREACHABLE, NULL, "found", "none", "empty", "failed", "silent",
    "unreachable");
WORDS(reach_words, REACH_UNREACHABLE, NULL, "good", "refused", "reset", "silent", "unreachable");
WORDS(secure_words, SECURE_SILENT, NULL, "good", "expired", "not_yet", "wrong_name",
    "unknown_issuer", "revoked", "refused", "broken", "silent");
WORDS(profile_words, PROFILE_COUNT - 1, "usual", "fresh", "unique", "return", "http1", "browser",
    "direct", "stranger");
WORDS(answer_words, ANSWER_PROXY, NULL, "whole", "cut", "endless", "malformed", "silent", "slow",
    "reset", "loops", "leads_nowhere", "unreached", "proxy");
WORDS(family_words, 1, "v4", "v6");

SHAPE(static, target_shape, target,
    URL(target, url),
    TEXT(target, host),
    URL(target, path),
    PLAIN(FACTS_PORT, target, port, uint16_t),
    FLAG(target, is_secure),
    FLAG(target, is_literal));

SHAPE(static, link_shape, link_facts,
    WORD(link_facts, interface, fact_words),
    WORD(link_facts, address, fact_words),
    WORD(link_facts, route_v4, fact_words),
    WORD(link_facts, route_v6, fact_words),
    FLAG(link_facts, has_v4),
    FLAG(link_facts, has_v6),
    TEXT(link_facts, name),
    ADDRESS(link_facts, gateway));

SHAPE(static, gateway_shape, gateway_facts,
    WORD(gateway_facts, answers, fact_words),
    NUMBER(gateway_facts, echoes),
    NUMBER(gateway_facts, replies),
    ADDRESS(gateway_facts, echoed),
    NUMBER(gateway_facts, near_echoes),
    NUMBER(gateway_facts, near_replies));

SHAPE(static, portal_shape, portal_facts,
    URL(portal_facts, asked),
    WORD(portal_facts, clear, fact_words),
    NUMBER(portal_facts, status),
    URL(portal_facts, location),
    TIME(portal_facts, date));

SHAPE(static, environment_shape, environment_facts,
    TEXT(environment_facts, proxy_variable),
    TEXT(environment_facts, proxy),
    TEXT(environment_facts, hosts_line),
    ADDRESS(environment_facts, hosts_address));

SHAPE(static, clock_shape, clock_facts,
    WORD(clock_facts, right, fact_words),
    PLAIN(FACTS_SIGNED, clock_facts, ahead_seconds, int64_t),
    TEXT(clock_facts, told_by));

SHAPE(static, name_shape, name_facts,
    WORD(name_facts, outcome, name_words),
    TEXT(name_facts, asked),
    {"addresses", FACTS_ADDRESSES, offsetof(struct name_facts, addresses), NULL, NULL,
        COUNT_OF(name_facts, addresses),
        OFFSET_IF(name_facts, count, IS(name_facts, count, unsigned))},
    NUMBER(name_facts, ms),
    WORD(name_facts, works, fact_words));

SHAPE(static, attempt_shape, attempt_facts,
    ADDRESS(attempt_facts, address),
    {"named_by", FACTS_WORDS,
        OFFSET_IF(attempt_facts, named_by, IS(attempt_facts, named_by, uint8_t)), &resolver_words,
        NULL, 0, 0},
    WORD(attempt_facts, reach, reach_words),
    WORD(attempt_facts, secure, secure_words),
    WORD(attempt_facts, small, secure_words),
    NUMBER(attempt_facts, reach_ms),
    NUMBER(attempt_facts, secure_ms),
    NUMBER(attempt_facts, retransmits),
    ADDRESS(attempt_facts, told_by),
    FLAG(attempt_facts, has_http2),
    FLAG(attempt_facts, is_self_signed),
    TEXT(attempt_facts, issuer),
    TEXT(attempt_facts, subject),
    TIME(attempt_facts, valid_from),
    TIME(attempt_facts, valid_to));

SHAPE(static, control_shape, control_facts,
    URL(control_facts, url),
    WORD(control_facts, v4, fact_words),
    WORD(control_facts, v6, fact_words),
    WORD(control_facts, plain, fact_words),
    BY_WORD(control_facts, attempts, attempt_shape, family_words),
    TIME(control_facts, date));

SHAPE(static, answer_shape, answer_facts,
    WORD(answer_facts, outcome, answer_words),
    NUMBER(answer_facts, status),
    NUMBER(answer_facts, redirects),
    NUMBER(answer_facts, http_version),
    URL(answer_facts, url),
    ADDRESS(answer_facts, address),
    NUMBER(answer_facts, first_ms),
    NUMBER(answer_facts, whole_ms),
    LARGE(answer_facts, size),
    PLAIN(FACTS_DIGEST, answer_facts, digest, uint64_t),
    TEXT(answer_facts, title),
    TEXT(answer_facts, signature),
    TEXT(answer_facts, captured),
    PLAIN(FACTS_VERDICTS, answer_facts, says, struct verdicts),
    TEXT(answer_facts, proxy_status),
    TEXT(answer_facts, cache_status),
    TEXT(answer_facts, server),
    TEXT(answer_facts, etag),
    TEXT(answer_facts, last_modified),
    TEXT(answer_facts, proxy),
    TEXT(answer_facts, cdn),
    LARGE(answer_facts, age_seconds),
    FLAG(answer_facts, is_copy),
    FLAG(answer_facts, is_stale),
    FLAG(answer_facts, is_cached_error),
    FLAG(answer_facts, sets_cookies),
    TIME(answer_facts, retry_at),
    TIME(answer_facts, date));

SHAPE(static, page_shape, site_page_facts,
    WORD(site_page_facts, well, fact_words),
    URL(site_page_facts, url),
    TEXT(site_page_facts, description),
    TEXT(site_page_facts, incident));

// Without its facts and its verdict, which have no meaning by themselves.
SHAPE(, facts_shape_vantage, vantage_facts,
    TEXT(vantage_facts, name),
    FLAG(vantage_facts, conclusive),
    TEXT(vantage_facts, why_not));

// Without the vantages.
SHAPE(, facts_shape_all, facts,
    PART(facts, target, target_shape),
    PLAIN(FACTS_TIME_MS, facts, at_ms, int64_t),
    PART(facts, link, link_shape),
    PART(facts, gateway, gateway_shape),
    PART(facts, portal, portal_shape),
    PART(facts, environment, environment_shape),
    PART(facts, clock, clock_shape),
    BY_WORD(facts, names, name_shape, resolver_words),
    LIST(facts, attempts, attempt_shape, attempt_count),
    PART(facts, control, control_shape),
    BY_WORD(facts, answers, answer_shape, profile_words),
    PART(facts, page, page_shape));
