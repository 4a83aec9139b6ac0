// Names of content codings, and the reading of Accept-Encoding.
#include "http/accept_encoding.h"

#define WEIGHT_FULL 1000
#define WEIGHT_UNSET UINT16_MAX

struct slice http_coding_name(enum http_coding coding)
{
    switch (coding) {
    case HTTP_CODING_IDENTITY: return SLICE("identity");
    case HTTP_CODING_GZIP: return SLICE("gzip");
    case HTTP_CODING_BROTLI: return SLICE("br");
    case HTTP_CODING_ZSTD: return SLICE("zstd");
    }
    return SLICE_EMPTY;
}

bool http_coding_find(struct slice name, enum http_coding *ret_coding)
{
    for (unsigned i = 0; i < HTTP_CODING_COUNT; i++) {
        if (slice_equal_nocase(name, http_coding_name((enum http_coding)i))) {
            *ret_coding = (enum http_coding)i;
            return true;
        }
    }
    if (!slice_equal_nocase(name, SLICE("x-gzip"))) // RFC 9110 section 8.4.1.3
        return false;
    *ret_coding = HTTP_CODING_GZIP;
    return true;
}

// qvalue (RFC 9110 section 12.4.2): 0 or 1, and up to three digits after a point.
static bool weight_parse(struct slice text, uint16_t *ret_weight)
{
    if (text.size == 0 || text.size > 5 || (text.data[0] != '0' && text.data[0] != '1')
        || (text.size > 1 && text.data[1] != '.'))
        return false;
    unsigned weight = (unsigned)(text.data[0] - '0') * WEIGHT_FULL, place = 100;
    for (size_t i = 2; i < text.size; i++, place /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        weight += (unsigned)(text.data[i] - '0') * place;
    }
    if (weight > WEIGHT_FULL)
        return false;
    *ret_weight = (uint16_t)weight;
    return true;
}

// "gzip;q=0.5": false when it is malformed, or has parameters that nobody has defined.
static bool element_parse(struct slice element, struct slice *ret_name, uint16_t *ret_weight)
{
    struct slice rest = element;
    *ret_name = slice_trim(slice_cut(&rest, ';'));
    *ret_weight = WEIGHT_FULL;
    if (!http_is_token(*ret_name))
        return false;
    if (rest.data == NULL)
        return true;
    rest = slice_trim(rest);
    return rest.size >= 2 && (rest.data[0] | 0x20) == 'q' && rest.data[1] == '='
        && weight_parse(slice_of(rest.data + 2, rest.size - 2), ret_weight);
}

static void weight_lower(uint16_t *weight, uint16_t by)
{
    *weight = MINIMUM(*weight, by);
}

// Into weights that begin unset.
static void field_parse(struct slice value, uint16_t weights[HTTP_CODING_COUNT],
    uint16_t *rest_weight)
{
    struct slice element, name;
    while (http_list_next(&value, &element)) {
        enum http_coding coding;
        uint16_t weight;
        if (!element_parse(element, &name, &weight))
            continue;
        if (slice_equal(name, SLICE("*")))
            weight_lower(rest_weight, weight);
        else if (http_coding_find(name, &coding))
            weight_lower(&weights[coding], weight);
    }
}

void http_accept_encoding_parse(
    const struct http_fields *fields, struct http_accept_encoding *ret_accept)
{
    uint16_t weights[HTTP_CODING_COUNT], rest = WEIGHT_UNSET;
    for (unsigned i = 0; i < HTTP_CODING_COUNT; i++)
        weights[i] = WEIGHT_UNSET;
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].known == HTTP_NAME_ACCEPT_ENCODING)
            field_parse(fields->items[i].value, weights, &rest);
    }
    // "*" speaks of what was not named. Identity needs no naming to be acceptable.
    ret_accept->has_identity = weights[HTTP_CODING_IDENTITY] != WEIGHT_UNSET;
    for (unsigned i = 0; i < HTTP_CODING_COUNT; i++) {
        uint16_t weight = weights[i];
        if (weight == WEIGHT_UNSET && rest != WEIGHT_UNSET
            && (i != HTTP_CODING_IDENTITY || rest == 0))
            weight = rest;
        if (weight == WEIGHT_UNSET)
            weight = i == HTTP_CODING_IDENTITY ? WEIGHT_FULL : 0;
        ret_accept->weights[i] = weight;
    }
}

enum http_coding http_accept_encoding_choose(const struct http_accept_encoding *accept,
    const enum http_coding *offered, size_t count)
{
    enum http_coding best = HTTP_CODING_IDENTITY;
    uint16_t best_weight = 0;
    for (size_t i = 0; i < count; i++) {
        if (accept->weights[offered[i]] > best_weight) {
            best = offered[i];
            best_weight = accept->weights[best];
        }
    }
    if (accept->has_identity && accept->weights[HTTP_CODING_IDENTITY] > best_weight)
        return HTTP_CODING_IDENTITY;
    return best;
}
