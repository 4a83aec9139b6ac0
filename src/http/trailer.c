// Which fields may come after the content.
#include "http/trailer.h"
#include "http/field.h"

// Of the names known here, these few mean the same after the content.
static bool is_harmless(enum http_name known)
{
    return known == HTTP_NAME_OTHER || known == HTTP_NAME_ETAG || known == HTTP_NAME_CACHE_STATUS
        || known == HTTP_NAME_PROXY_STATUS;
}

static bool may_pass(struct slice name, struct slice value)
{
    static const struct slice forbidden[] = {
        SLICE("www-authenticate"), SLICE("authentication-info"), SLICE("set-cookie2"),
        SLICE("clear-site-data"), SLICE("refresh"), SLICE("strict-transport-security"),
        SLICE("alt-svc"), SLICE("link"), SLICE("content-security-policy"),
    };
    for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
        if (slice_equal_nocase(name, forbidden[i]))
            return false;
    }
    bool about_content = name.size >= 8
        && slice_equal_nocase(slice_of(name.data, 8), SLICE("content-"))
        && !slice_equal_nocase(name, SLICE("content-digest"));
    return http_is_token(name) && http_is_field_value(value) && !about_content
        && is_harmless(http_name_find(name));
}

size_t http_trailer_clean(char *lines, size_t size)
{
    struct slice rest = slice_of(lines, size);
    size_t kept = 0;
    while (rest.size > 0) {
        struct slice line = rest, value = slice_cut(&rest, '\n');
        line.size = MINIMUM(value.size + 1, line.size);
        struct slice name = slice_cut(&value, ':');
        if (value.data == NULL || !may_pass(name, slice_trim(slice_cut(&value, '\r'))))
            continue;
        memmove(lines + kept, line.data, line.size);
        kept += line.size;
    }
    return kept;
}
