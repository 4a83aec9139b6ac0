// Reading and hashing of tags.
#include "cache/tag.h"
#include "base/hash.h"

#include <stdlib.h>

// Cuts the next tag off the value of a field; false at the end, and for fields without tags.
static bool next_tag(enum http_name known, struct slice *rest, struct slice *ret_tag)
{
    if (known != HTTP_NAME_SURROGATE_KEY && known != HTTP_NAME_CACHE_TAG)
        return false;
    char separator = known == HTTP_NAME_SURROGATE_KEY ? ' ' : ',';
    while (rest->size > 0) {
        *ret_tag = slice_trim(slice_cut(rest, separator));
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
