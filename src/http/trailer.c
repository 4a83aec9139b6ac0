// Which fields may come after the content.
#include "http/trailer.h"
#include "http/field.h"

// Of the names known here, these few mean the same after the content.
static bool is_harmless(enum http_name known)
{
    return known == HTTP_NAME_OTHER || known == HTTP_NAME_ETAG || known == HTTP_NAME_CACHE_STATUS
        || known == HTTP_NAME_PROXY_STATUS;
}

static bool is_one_of(struct slice name, const struct slice *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_equal_nocase(name, names[i]))
            return true;
    }
    return false;
}

static bool begins_with(struct slice name, struct slice prefix)
{
    return name.size >= prefix.size
        && slice_equal_nocase(slice_of(name.data, prefix.size), prefix);
}

// Servers that merge trailers into heads are known, against section 6.5.1: what proxies in front of
// them vouch for, or what makes a request another one, must not come in by this door.
bool http_trailer_may_name(struct slice name)
{
    static const struct slice forbidden[] = {
        SLICE("www-authenticate"), SLICE("authentication-info"), SLICE("set-cookie2"),
        SLICE("clear-site-data"), SLICE("refresh"), SLICE("strict-transport-security"),
        SLICE("alt-svc"), SLICE("link"), SLICE("content-security-policy"), SLICE("origin"),
        SLICE("referer"), SLICE("early-data"), SLICE("x-real-ip"), SLICE("x-client-ip"),
        SLICE("true-client-ip"), SLICE("client-ip"), SLICE("cf-connecting-ip"),
        SLICE("x-http-method"), SLICE("x-http-method-override"), SLICE("x-method-override"),
        SLICE("x-original-url"), SLICE("x-rewrite-url"), SLICE("http2-settings"),
    };
    static const struct slice prefixes[] = {
        SLICE("content-"), SLICE("proxy-"), SLICE("x-forwarded"), SLICE("access-control-"),
        SLICE("sec-"), SLICE("client-cert"),
    };
    enum http_name known = http_name_find(name);
    if (known != HTTP_NAME_OTHER || slice_equal_nocase(name, SLICE("content-digest")))
        return is_harmless(known);
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        if (begins_with(name, prefixes[i]))
            return false;
    }
    return http_is_token(name) && !is_one_of(name, forbidden, ARRAY_SIZE(forbidden));
}

size_t http_trailer_clean(char *lines, size_t size)
{
    struct slice rest = slice_of(lines, size);
    size_t kept = 0;
    while (rest.size > 0) {
        struct slice line = rest, value = slice_cut(&rest, '\n');
        line.size = MINIMUM(value.size + 1, line.size);
        struct slice name = slice_cut(&value, ':');
        if (value.data == NULL || !http_trailer_may_name(name)
            || !http_is_field_value(slice_trim(slice_cut(&value, '\r'))))
            continue;
        memmove(lines + kept, line.data, line.size);
        kept += line.size;
    }
    return kept;
}
