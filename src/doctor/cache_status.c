// Cache-Status read (RFC 9211 section 2).
#include "doctor/cache_status.h"

#include "http/structured.h"

static const struct structured_value *find(const struct structured_member *member, struct slice key,
    enum structured_type type)
{
    const struct structured_value *value = structured_find_parameter(&member->parameters, key);
    return value == NULL || value->type != type ? NULL : value;
}

static bool is_true(const struct structured_member *member, struct slice key)
{
    const struct structured_value *value = find(member, key, STRUCTURED_BOOLEAN);
    return value != NULL && value->number != 0;
}

static const struct structured_member *who_answered(const struct structured_members *members)
{
    for (uint32_t i = members->count; i-- > 0;) {
        if (is_true(&members->items[i], SLICE("hit")))
            return &members->items[i];
    }
    return &members->items[members->count - 1];
}

enum error cache_status_read(struct slice value, uint16_t status, struct arena *arena,
    struct cache_status *ret_status)
{
    struct structured_members members;
    enum error error = structured_parse_list(value, arena, CACHE_STATUS_MEMBERS_MAX, &members);
    if (error != ERROR_NONE)
        return error;
    if (members.count == 0)
        return ERROR_NOT_FOUND;
    const struct structured_member *cache = who_answered(&members);
    const struct structured_value *why = find(cache, SLICE("fwd"), STRUCTURED_TOKEN);
    const struct structured_value *ttl = find(cache, SLICE("ttl"), STRUCTURED_INTEGER);
    const struct structured_value *forwarded = find(cache, SLICE("fwd-status"), STRUCTURED_INTEGER);
    struct cache_status facts = {.cache = cache->value.text, .is_hit = is_true(cache, SLICE("hit")),
        .is_stored = is_true(cache, SLICE("stored")), .has_ttl = ttl != NULL,
        .is_collapsed = is_true(cache, SLICE("collapsed"))};
    if (why != NULL)
        facts.why = why->text;
    if (ttl != NULL)
        facts.ttl_seconds = ttl->number;
    if (forwarded != NULL && forwarded->number >= 100 && forwarded->number <= 599)
        facts.forwarded_status = (uint16_t)forwarded->number;
    facts.is_stale = facts.ttl_seconds < 0;
    facts.is_cached_error = facts.is_hit && status >= 500;
    *ret_status = facts;
    return ERROR_NONE;
}
