// Entity tags (RFC 9110 section 8.8.3) and byte ranges (section 14).
#include "http/cache_control.h"
#include "http/characters.h"

// The tag without W/, data NULL when it is malformed.
static struct slice opaque_tag(struct slice etag)
{
    if (etag.size >= 2 && etag.data[0] == 'W' && etag.data[1] == '/')
        etag = slice_of(etag.data + 2, etag.size - 2);
    if (etag.size < 2 || etag.data[0] != '"' || etag.data[etag.size - 1] != '"')
        return SLICE_EMPTY;
    struct slice inside = slice_of(etag.data + 1, etag.size - 2);
    return http_characters_all(inside, HTTP_CHARACTER_ETAG) ? etag : SLICE_EMPTY;
}

bool http_etag_is_valid(struct slice etag)
{
    return opaque_tag(etag).data != NULL;
}

bool http_etag_is_strong(struct slice etag)
{
    return http_etag_is_valid(etag) && etag.data[0] == '"';
}

bool http_etag_equal_strong(struct slice a, struct slice b)
{
    return http_etag_is_strong(a) && http_etag_is_strong(b) && slice_equal(a, b);
}

bool http_etag_equal_weak(struct slice a, struct slice b)
{
    struct slice left = opaque_tag(a), right = opaque_tag(b);
    return left.data != NULL && right.data != NULL && slice_equal(left, right);
}

// Cuts the next tag off a list. Not http_list_next: in a tag a backslash escapes nothing.
static bool next_tag(struct slice *rest, struct slice *ret_tag)
{
    const char *at = rest->data, *end = rest->data + rest->size;
    while (at < end && (*at == ',' || *at == ' ' || *at == '\t'))
        at++;
    const char *begin = at;
    if (end - at >= 2 && at[0] == 'W' && at[1] == '/')
        at += 2;
    if (at == end || *at != '"')
        return false;
    at = http_characters_skip(at + 1, end, HTTP_CHARACTER_ETAG);
    if (at == end || *at != '"')
        return false;
    *ret_tag = slice_of(begin, (size_t)(at + 1 - begin));
    const char *after = at + 1;
    while (after < end && (*after == ' ' || *after == '\t'))
        after++;
    *rest = slice_of(after, (size_t)(end - after));
    return rest->size == 0 || *after == ',';
}

bool http_etag_list_matches(struct slice list, struct slice etag, bool strong)
{
    struct slice tag;
    if (slice_equal(list, SLICE("*")))
        return etag.data != NULL;
    // What follows a malformed element is not looked at: no match is the safe answer.
    while (list.size > 0 && next_tag(&list, &tag)) {
        if (strong ? http_etag_equal_strong(tag, etag) : http_etag_equal_weak(tag, etag))
            return true;
    }
    return false;
}

// Digits only; a number too large for 64 bits counts as the largest one.
static bool parse_position(struct slice digits, uint64_t *ret_position)
{
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
    }
    if (digits.size == 0)
        return false;
    if (!slice_parse_u64(digits, UINT64_MAX, ret_position))
        *ret_position = UINT64_MAX;
    return true;
}

// Cuts "bytes" and the byte after it off; range units are case-insensitive.
static bool take_unit(struct slice *value, char after)
{
    if (value->size < 6 || !slice_equal_nocase(slice_of(value->data, 5), SLICE("bytes"))
        || value->data[5] != after)
        return false;
    *value = slice_of(value->data + 6, value->size - 6);
    return true;
}

// The last `size` bytes. Of an empty representation there are none to name: send it whole.
static enum http_range suffix_range(uint64_t size, uint64_t complete_length, uint64_t *ret_first,
    uint64_t *ret_last)
{
    if (size == 0)
        return HTTP_RANGE_UNSATISFIABLE;
    if (complete_length == 0)
        return HTTP_RANGE_NONE;
    *ret_first = complete_length - MINIMUM(size, complete_length);
    *ret_last = complete_length - 1;
    return HTTP_RANGE_ONE;
}

static enum http_range parse_range(struct slice rest, uint64_t complete_length,
    uint64_t *ret_first, uint64_t *ret_last)
{
    uint64_t first, last = UINT64_MAX;
    struct slice before = slice_cut(&rest, '-');
    if (rest.data == NULL)
        return HTTP_RANGE_NONE;
    if (before.size == 0)
        return parse_position(rest, &last)
            ? suffix_range(last, complete_length, ret_first, ret_last) : HTTP_RANGE_NONE;
    if (!parse_position(before, &first) || (rest.size > 0 && !parse_position(rest, &last))
        || first > last)
        return HTTP_RANGE_NONE;
    if (first >= complete_length)
        return HTTP_RANGE_UNSATISFIABLE;
    *ret_first = first;
    *ret_last = MINIMUM(last, complete_length - 1);
    return HTTP_RANGE_ONE;
}

enum http_range http_range_parse(struct slice value, uint64_t complete_length,
    uint64_t *ret_first, uint64_t *ret_last)
{
    return take_unit(&value, '=') ? parse_range(value, complete_length, ret_first, ret_last)
                                  : HTTP_RANGE_NONE;
}

static bool overlaps(const struct http_byte_range *ranges, size_t count, uint64_t first,
    uint64_t last)
{
    for (size_t i = 0; i < count; i++) {
        if (first <= ranges[i].last && last >= ranges[i].first)
            return true;
    }
    return false;
}

size_t http_ranges_parse(struct slice value, uint64_t complete_length,
    struct http_byte_range *ranges, size_t capacity)
{
    size_t count = 0, asked = 0;
    struct slice element;
    if (!take_unit(&value, '='))
        return 0;
    while (http_list_next(&value, &element)) {
        uint64_t first = 0, last = 0;
        if (++asked > capacity)
            return 0;
        switch (parse_range(element, complete_length, &first, &last)) {
        case HTTP_RANGE_NONE: return 0;
        case HTTP_RANGE_UNSATISFIABLE: continue;
        case HTTP_RANGE_ONE: break;
        }
        if (overlaps(ranges, count, first, last))
            return 0;
        ranges[count++] = (struct http_byte_range){first, last};
    }
    return asked > 1 ? count : 0;
}

bool http_content_range_parse(struct slice value, uint64_t *ret_first, uint64_t *ret_last,
    uint64_t *ret_complete)
{
    uint64_t first, last, complete = UINT64_MAX;
    if (!take_unit(&value, ' '))
        return false;
    struct slice complete_text = value;
    struct slice last_text = slice_cut(&complete_text, '/');
    struct slice first_text = slice_cut(&last_text, '-');
    // These numbers say where bytes go: nothing is rounded here, what does not fit is malformed.
    if (!slice_parse_u64(first_text, INT64_MAX, &first)
        || !slice_parse_u64(last_text, INT64_MAX, &last) || first > last)
        return false;
    if (!slice_equal(complete_text, SLICE("*"))
        && (!slice_parse_u64(complete_text, INT64_MAX, &complete) || last >= complete))
        return false;
    *ret_first = first;
    *ret_last = last;
    *ret_complete = complete;
    return true;
}
