// Set-Cookie read, Cookie written.
#include "doctor/cookies.h"
#include "base/text.h"
#include "http/cache_control.h"

static bool is_below(struct slice host, struct slice domain)
{
    return host.size > domain.size && slice_ends_with(host, domain)
        && host.data[host.size - domain.size - 1] == '.';
}

// False: a domain that it has no say in. Public suffixes need no list: what is sent here is what
// was set a moment ago.
static bool take_domain(struct cookie *cookie, struct slice domain, const struct target *from,
    struct arena *arena)
{
    if (slice_starts_with(domain, SLICE(".")))
        domain = slice_of(domain.data + 1, domain.size - 1);
    if (domain.size == 0)
        return true;
    char *lower = arena_alloc(arena, domain.size);
    if (lower == NULL)
        return false;
    for (size_t i = 0; i < domain.size; i++)
        lower[i] = (char)(domain.data[i] >= 'A' && domain.data[i] <= 'Z' ? domain.data[i] | 0x20
                                                                          : domain.data[i]);
    cookie->host = slice_of(lower, domain.size);
    cookie->reaches_below = !from->is_literal && slice_contains(cookie->host, '.');
    return slice_equal(cookie->host, from->host)
        || (cookie->reaches_below && is_below(from->host, cookie->host));
}

static bool is_past(struct slice name, struct slice value, int64_t now_seconds)
{
    int64_t at;
    if (slice_equal_nocase(name, SLICE("max-age")))
        return slice_equal(value, SLICE("0")) || slice_starts_with(value, SLICE("-"));
    return slice_equal_nocase(name, SLICE("expires"))
        && http_date_parse(value, now_seconds, &at) && at <= now_seconds;
}

// False: not to be kept. *ret_is_past: it is there to delete one.
static bool read_cookie(struct slice text, const struct target *from, int64_t now_seconds,
    struct arena *arena, struct cookie *cookie, bool *ret_is_past)
{
    struct slice pair = slice_cut(&text, ';');
    if (!http_is_field_value(pair) || !slice_contains(pair, '='))
        return false;
    *cookie = (struct cookie){.name = slice_trim(slice_cut(&pair, '=')), .value = slice_trim(pair),
        .host = from->host};
    *ret_is_past = false;
    while (text.size > 0) {
        struct slice value = slice_cut(&text, ';');
        struct slice name = slice_trim(slice_cut(&value, '='));
        value = slice_trim(value);
        if (slice_equal_nocase(name, SLICE("domain"))) {
            if (!take_domain(cookie, value, from, arena))
                return false;
        } else if (slice_equal_nocase(name, SLICE("path"))) {
            cookie->path = slice_starts_with(value, SLICE("/")) ? value : SLICE_EMPTY;
        } else if (slice_equal_nocase(name, SLICE("secure"))) {
            cookie->is_secure = true;
        }
        *ret_is_past |= is_past(name, value, now_seconds);
    }
    return cookie->name.size > 0 && (!cookie->is_secure || from->is_secure);
}

static bool is_same(const struct cookie *a, const struct cookie *b)
{
    return slice_equal(a->name, b->name) && slice_equal(a->host, b->host)
        && slice_equal(a->path, b->path);
}

static bool keep(struct slice *slice, struct arena *arena)
{
    if (slice->data != NULL)
        *slice = arena_copy(arena, *slice);
    return slice->data != NULL;
}

static void put(struct cookies *cookies, struct cookie *cookie, bool is_gone, struct arena *arena)
{
    unsigned at = 0;
    while (at < cookies->count && !is_same(&cookies->items[at], cookie))
        at++;
    if (is_gone) {
        if (at == cookies->count)
            return;
        cookies->items[at] = cookies->items[--cookies->count];
        cookies->changes++;
        return;
    }
    if (at < cookies->count && slice_equal(cookies->items[at].value, cookie->value))
        return;
    bool has_path = cookie->path.data != NULL;
    if (at == COOKIES_MAX || cookie->name.size + cookie->value.size > COOKIES_SIZE_MAX / 2
        || !keep(&cookie->name, arena) || !keep(&cookie->value, arena)
        || !keep(&cookie->host, arena) || (has_path && !keep(&cookie->path, arena)))
        return;
    cookies->items[at] = *cookie;
    cookies->count = MAXIMUM(cookies->count, at + 1);
    cookies->changes++;
}

void cookies_take(struct cookies *cookies, const struct http_fields *fields,
    const struct target *from, int64_t now_seconds, struct arena *arena)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        struct cookie cookie;
        bool is_gone;
        if (fields->items[i].known == HTTP_NAME_SET_COOKIE
            && read_cookie(fields->items[i].value, from, now_seconds, arena, &cookie, &is_gone))
            put(cookies, &cookie, is_gone, arena);
    }
}

static bool goes_to(const struct cookie *cookie, const struct target *to)
{
    struct slice path = cookie->path;
    bool is_host = slice_equal(cookie->host, to->host)
        || (cookie->reaches_below && is_below(to->host, cookie->host));
    if (!is_host || (cookie->is_secure && !to->is_secure))
        return false;
    if (path.data == NULL || slice_equal(path, to->path))
        return true;
    return slice_starts_with(to->path, path) && (path.data[path.size - 1] == '/'
        || to->path.data[path.size] == '/' || to->path.data[path.size] == '?');
}

struct slice cookies_for(const struct cookies *cookies, const struct target *to,
    struct arena *arena)
{
    char *memory = cookies->count == 0 ? NULL : arena_alloc(arena, COOKIES_SIZE_MAX);
    if (memory == NULL)
        return SLICE_EMPTY;
    struct text text = text_in(memory, COOKIES_SIZE_MAX);
    for (unsigned i = 0; i < cookies->count; i++) {
        const struct cookie *cookie = &cookies->items[i];
        size_t size = cookie->name.size + cookie->value.size + 3;
        if (!goes_to(cookie, to) || size > text.capacity - text.size)
            continue;
        if (text.size > 0)
            text_append(&text, SLICE("; "));
        text_append(&text, cookie->name);
        text_append_byte(&text, '=');
        text_append(&text, cookie->value);
    }
    return text.size == 0 ? SLICE_EMPTY : arena_copy(arena, text_slice(&text));
}
