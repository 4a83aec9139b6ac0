// Links of an error page.
#include "doctor/status_link.h"
#include "doctor/signature.h"

#define LINKS_MAX 200
#define LINK_SIZE_MAX 1000

static bool holds_nocase(struct slice text, struct slice part)
{
    for (size_t at = 0; at + part.size <= text.size; at++) {
        if (slice_equal_nocase(slice_of(text.data + at, part.size), part))
            return true;
    }
    return false;
}

// A product's own ("www.cloudflarestatus.com") says nothing about the site.
static bool is_status_page(const struct target *target)
{
    static const struct slice hosts[] = {SLICE(".statuspage.io"), SLICE(".instatus.com"),
        SLICE(".status.io"), SLICE(".betteruptime.com")};
    struct slice path = target->path;
    if (slice_starts_with(target->host, SLICE("status.")))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        if (slice_ends_with(target->host, hosts[i]))
            return true;
    }
    (void)slice_cut(&path, '/');
    struct slice first = slice_cut(&path, '/');
    return slice_equal_nocase(slice_cut(&first, '?'), SLICE("status"));
}

static struct slice resolve(struct slice reference, const struct target *from,
    struct arena *arena, bool is_declared)
{
    struct target target;
    if (reference.size == 0 || reference.size > LINK_SIZE_MAX
        || !target_refer(from, reference, arena, &target) || slice_equal(target.url, from->url)
        || !(is_declared || is_status_page(&target)))
        return SLICE_EMPTY;
    return target.url;
}

// "<https://status.example.org/>; rel=\"status\""
static struct slice find_in_fields(const struct http_fields *fields, const struct target *from,
    struct arena *arena)
{
    struct slice value, element;
    if (http_fields_joined(fields, SLICE("link"), arena, &value) != ERROR_NONE
        || value.data == NULL)
        return SLICE_EMPTY;
    for (unsigned i = 0; i < LINKS_MAX && http_list_next(&value, &element); i++) {
        struct slice reference = slice_trim(slice_cut(&element, '>'));
        if (!slice_starts_with(reference, SLICE("<")))
            continue;
        reference = slice_of(reference.data + 1, reference.size - 1);
        if (holds_nocase(element, SLICE("rel=status"))
            || holds_nocase(element, SLICE("rel=\"status\"")))
            return resolve(reference, from, arena, true);
    }
    return SLICE_EMPTY;
}

// Cuts the next value of an attribute href off the page; false at its end.
static bool next_link(struct slice *rest, struct slice *ret_reference)
{
    const struct slice name = SLICE("href=");
    size_t at = 0;
    while (at + name.size < rest->size
        && !slice_equal_nocase(slice_of(rest->data + at, name.size), name))
        at++;
    at += name.size;
    if (at >= rest->size)
        return false;
    char quote = rest->data[at];
    bool is_quoted = quote == '"' || quote == '\'';
    at += is_quoted;
    size_t end = at;
    while (end < rest->size && (is_quoted ? rest->data[end] != quote
                                          : strchr(" \t\r\n>", rest->data[end]) == NULL))
        end++;
    *ret_reference = slice_trim(slice_of(rest->data + at, end - at));
    *rest = slice_of(rest->data + end, rest->size - end);
    return true;
}

struct slice status_link_find(const struct http_fields *fields, struct slice body,
    const struct target *from, struct arena *arena)
{
    struct slice found = find_in_fields(fields, from, arena), reference;
    struct slice rest = slice_of(body.data, MINIMUM(body.size, SIGNATURE_BODY_MAX));
    for (unsigned i = 0; i < LINKS_MAX && found.data == NULL && next_link(&rest, &reference);) {
        if (!holds_nocase(reference, SLICE("status")))
            continue;
        found = resolve(reference, from, arena, false);
        i++;
    }
    return found;
}
