// Reading and hashing of tags.
#include "cache/tag.h"
#include "base/hash.h"

#include <stdlib.h>

#define SPACE 1
#define COMMA 2

// By what its tags are separated; 0: it has none.
static const uint8_t separators[HTTP_NAME_COUNT] = {
    [HTTP_NAME_SURROGATE_KEY] = SPACE,
    [HTTP_NAME_XKEY] = SPACE,
    [HTTP_NAME_CACHE_TAG] = COMMA,
    [HTTP_NAME_CACHE_TAGS] = SPACE | COMMA,
    [HTTP_NAME_PURGE_CACHE_TAGS] = SPACE | COMMA,
    [HTTP_NAME_X_CACHE_TAGS] = SPACE | COMMA,
    [HTTP_NAME_X_MAGENTO_TAGS] = SPACE | COMMA,
};

bool tag_is_field(enum http_name known)
{
    return separators[known] != 0;
}

// Cuts the next tag off the value of a field; false at the end, and for fields without tags.
static bool next_tag(enum http_name known, struct slice *rest, struct slice *ret_tag)
{
    unsigned separator = separators[known];
    while (separator != 0 && rest->size > 0) {
        size_t end = 0;
        while (end < rest->size && !((separator & SPACE) != 0 && rest->data[end] == ' ')
            && !((separator & COMMA) != 0 && rest->data[end] == ','))
            end++;
        size_t used = MINIMUM(end + 1, rest->size);
        *ret_tag = slice_trim(slice_of(rest->data, end));
        *rest = slice_of(rest->data + used, rest->size - used);
        if (ret_tag->size > 0)
            return true;
    }
    return false;
}

uint32_t tag_hash(struct slice tag)
{
    return (uint32_t)hash_bytes(tag, 0);
}

static int compare(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x < y ? -1 : x > y;
}

size_t tags_write(const struct http_fields *fields, uint32_t *hashes)
{
    size_t count = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        struct slice rest = fields->items[i].value, tag;
        while (next_tag(fields->items[i].known, &rest, &tag)) {
            if (hashes != NULL)
                hashes[count] = tag_hash(tag);
            count++;
        }
    }
    if (hashes != NULL && count > 1)
        qsort(hashes, count, sizeof(*hashes), compare);
    return count;
}

bool tag_is_in_field(struct slice tag, enum http_name known, struct slice value)
{
    struct slice other;
    while (next_tag(known, &value, &other)) {
        if (slice_equal(tag, other))
            return true;
    }
    return false;
}
