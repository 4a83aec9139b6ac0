// A purge by URL, where the key is not the URL as sent.
#include "edge/rules/rule.h"
#include "edge/thread.h"
#include "http/authority.h"

#define URL_SIZE_MAX 65536
#define ARENA_CHUNK_SIZE 4096

// "https://HOST/PATH?QUERY", normalised. Writes the URL that the rules of the site make of it;
// false: the same, or none can be said.
static bool rewrite_url(const struct generation *generation, struct slice url, struct arena *arena,
    struct text *text)
{
    struct http_authority authority;
    const char *mark = memmem(url.data, url.size, "://", 3);
    if (mark == NULL)
        return false;
    struct slice query = slice_of(mark + 3, url.size - (size_t)(mark + 3 - url.data));
    struct slice before = slice_cut(&query, '?');
    const char *slash = memchr(before.data, '/', before.size);
    if (query.data == NULL || slash == NULL)
        return false;
    struct slice host = slice_of(before.data, (size_t)(slash - before.data));
    struct slice path = slice_of(slash, before.size - host.size);
    struct site *site = http_authority_parse(host, &authority)
        ? generation_find_site(generation, authority.host) : NULL;
    struct rule_url rewritten;
    if (site == NULL || site->rules == NULL
        || rules_apply_to_url(site->rules, path, query, arena, &rewritten) != ERROR_NONE)
        return false;
    text_append(text, slice_of(url.data, url.size - query.size - 1));
    if (rewritten.query.data != NULL) {
        text_append_byte(text, '?');
        text_append(text, rewritten.query);
    }
    return !text->full && !slice_equal(text_slice(text), url);
}

uint64_t edge_purge(struct edge *edge, const struct purge *purge)
{
    struct purge rewritten = *purge;
    struct arena arena;
    bool differs = false;
    arena_init(&arena, ARENA_CHUNK_SIZE, 8 * URL_SIZE_MAX);
    if (purge->kind == PURGE_URL && purge->what.size > 0 && purge->what.size <= URL_SIZE_MAX) {
        char *buffer = arena_alloc(&arena, purge->what.size + 1);
        struct text text = text_in(buffer, buffer == NULL ? 0 : purge->what.size + 1);
        lock_acquire(&edge->generation_lock);
        differs = buffer != NULL && rewrite_url(edge->generation, purge->what, &arena, &text);
        lock_release(&edge->generation_lock);
        rewritten.what = text_slice(&text);
    }
    // As written too: copies from before the rules may be there.
    uint64_t count = cache_purge(edge->cache, purge);
    if (differs)
        count += cache_purge(edge->cache, &rewritten);
    arena_free(&arena);
    return count;
}
