// Copies become stale, they do not go: should the backend fail, they are still there.
#include "edge/invalidate.h"
#include "edge/part.h"
#include "edge/rules/rule.h"
#include "http/key.h"
#include "http/reference.h"

// The key is the origin's name, NUL and the URL (request.c), under either scheme; rules may leave
// parts of the URL out, and part its copies.
static void invalidate_url(struct fetch *fetch, struct slice scheme,
    const struct http_target *target)
{
    struct cache *cache = fetch->thread->edge->cache;
    struct rule_url url;
    if (rules_apply_to_url(fetch->site->rules, target->path, target->query, &fetch->arena, &url)
        != ERROR_NONE)
        return;
    struct slice origin = url.origin.data != NULL ? url.origin : fetch_site(fetch)->origin;
    size_t size = origin.size + target->authority.size + target->path.size + target->query.size
        + 32;
    char *buffer = arena_alloc(&fetch->arena, size);
    if (buffer == NULL)
        return;
    struct text text = text_in(buffer, size);
    text_append(&text, origin);
    text_append_byte(&text, '\0');
    if (http_key_write(&text, scheme, target->authority, target->path, url.query) != ERROR_NONE)
        return;
    struct cache_key key = cache_key_of(cache, text_slice(&text));
    struct slice whole = key.text;
    slice_cut(&whole, '\0');
    if (url.parted)
        cache_purge(cache, &(struct purge){.kind = PURGE_URL, .what = whole});
    else
        cache_invalidate(cache, &key);
    part_invalidate(cache, key.text, &fetch->arena);
}

// What was written to may be known by another key than what is read: a rule sends writes elsewhere.
static void invalidate_target(struct fetch *fetch)
{
    struct http_target target = {
        .authority = fetch->head.authority,
        .path = fetch->head.path,
        .query = fetch->head.query,
    };
    cache_invalidate(fetch->thread->edge->cache, &fetch->key);
    part_invalidate(fetch->thread->edge->cache, fetch->key.text, &fetch->arena);
    if (fetch->site->rules == NULL)
        return;
    invalidate_url(fetch, SLICE("http"), &target);
    invalidate_url(fetch, SLICE("https"), &target);
}

void invalidate_after(struct fetch *fetch, const struct http_response_head *response)
{
    if (http_method_is_safe(fetch->request.method) || response->status < 200
        || response->status >= 400)
        return;
    invalidate_target(fetch);
    for (uint32_t i = 0; i < response->fields.count; i++) {
        const struct http_field *field = &response->fields.items[i];
        struct http_target target;
        if ((field->known != HTTP_NAME_LOCATION && field->known != HTTP_NAME_CONTENT_LOCATION)
            || http_reference_resolve(field->value, &fetch->head, &fetch->arena, &target)
                != ERROR_NONE
            || !http_authority_is_same(target.authority, fetch->head.authority))
            continue; // of another host: anybody could throw out anybody's copies
        invalidate_url(fetch, SLICE("http"), &target);
        invalidate_url(fetch, SLICE("https"), &target);
    }
}
