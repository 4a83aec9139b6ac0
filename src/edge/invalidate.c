// Copies become stale, they do not go: should the backend fail, they are still there.
#include "edge/invalidate.h"
#include "http/key.h"
#include "http/reference.h"

// The key is the origin's name, NUL and the URL (request.c), under either scheme.
static void invalidate_url(struct fetch *fetch, struct slice scheme,
    const struct http_target *target)
{
    struct slice rest = fetch->key.text;
    struct slice origin = slice_cut(&rest, '\0');
    size_t size = origin.size + target->authority.size + target->path.size + target->query.size
        + 32;
    char *buffer = arena_alloc(&fetch->arena, size);
    if (buffer == NULL)
        return;
    struct text text = text_in(buffer, size);
    text_append(&text, origin);
    text_append_byte(&text, '\0');
    if (http_key_write(&text, scheme, target->authority, target->path, target->query)
        != ERROR_NONE)
        return;
    struct cache *cache = fetch->thread->edge->cache;
    struct cache_key key = cache_key_of(cache, text_slice(&text));
    cache_invalidate(cache, &key);
}

void invalidate_after(struct fetch *fetch, const struct http_response_head *response)
{
    if (http_method_is_safe(fetch->request.method) || response->status < 200
        || response->status >= 400)
        return;
    cache_invalidate(fetch->thread->edge->cache, &fetch->key);
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
