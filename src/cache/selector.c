// Normal form of what Vary selects by. One walk over the request serves to measure, write, compare
// and hash, so that no value is too long for any of them.
#include "cache/selector.h"

#define SORTED_MAX 16 // codings or languages in one field; more are left in their order
#define PIECE_SIZE 64

// Takes the normal form piece by piece.
struct sink {
    char *buffer;          // write here, if not NULL
    size_t size;           // taken so far
    struct slice expected; // compare with this, if comparing
    bool comparing, differs;
    struct hash128 *hash;  // hash into this, if not NULL
};

static void sink_take(struct sink *sink, struct slice piece)
{
    if (piece.size == 0)
        return;
    if (sink->comparing) {
        if (sink->expected.size < piece.size
            || memcmp(sink->expected.data, piece.data, piece.size) != 0) {
            sink->differs = true;
            return;
        }
        sink->expected = slice_of(
            sink->expected.data + piece.size, sink->expected.size - piece.size);
    }
    if (sink->hash != NULL) {
        struct hash128 hash = hash_bytes_128(piece, sink->hash->low);
        sink->hash->low = hash.low;
        sink->hash->high = sink->hash->high * 31 ^ hash.high;
    }
    if (sink->buffer != NULL)
        memcpy(sink->buffer + sink->size, piece.data, piece.size);
    sink->size += piece.size;
}

// In lower case; without spaces if they mean nothing.
static void sink_take_folded(struct sink *sink, struct slice piece, bool without_space)
{
    char folded[PIECE_SIZE];
    size_t size = 0;
    for (size_t i = 0; i < piece.size; i++) {
        char byte = piece.data[i];
        if (without_space && (byte == ' ' || byte == '\t'))
            continue;
        folded[size++] = byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
        if (size == PIECE_SIZE) {
            sink_take(sink, slice_of(folded, size));
            size = 0;
        }
    }
    sink_take(sink, slice_of(folded, size));
}

static int compare_nocase(struct slice a, struct slice b)
{
    size_t size = MINIMUM(a.size, b.size);
    for (size_t i = 0; i < size; i++) {
        unsigned char x = (unsigned char)a.data[i], y = (unsigned char)b.data[i];
        x = x >= 'A' && x <= 'Z' ? x | 0x20 : x;
        y = y >= 'A' && y <= 'Z' ? y | 0x20 : y;
        if (x != y)
            return x < y ? -1 : 1;
    }
    return a.size < b.size ? -1 : a.size > b.size;
}

static struct slice without_weight(struct slice item)
{
    return slice_trim(slice_cut(&item, ';'));
}

static int compare_items(struct slice a, struct slice b)
{
    int order = compare_nocase(without_weight(a), without_weight(b));
    return order != 0 ? order : compare_nocase(a, b);
}

static void insert_sorted(struct slice *items, size_t count, struct slice item)
{
    size_t at = count;
    while (at > 0 && compare_items(items[at - 1], item) > 0) {
        items[at] = items[at - 1];
        at--;
    }
    items[at] = item;
}

// The next list element over all fields of that name.
struct elements {
    const struct http_field *field, *end;
    struct slice name, rest;
};

static bool elements_next(struct elements *elements, struct slice *ret_element)
{
    for (;;) {
        if (http_list_next(&elements->rest, ret_element))
            return true;
        while (elements->field < elements->end
            && !slice_equal_nocase(elements->field->name, elements->name))
            elements->field++;
        if (elements->field == elements->end)
            return false;
        elements->rest = elements->field++->value;
    }
}

static void take_separated(struct sink *sink, bool first, struct slice element, bool folded)
{
    if (!first)
        sink_take(sink, SLICE(","));
    if (folded)
        sink_take_folded(sink, element, true);
    else
        sink_take(sink, element);
}

// "q=0.5" in thousandths (RFC 9110 section 12.4.2).
static bool parse_weight(struct slice parameter, unsigned *ret_weight)
{
    parameter = slice_trim(parameter);
    if (parameter.size < 3 || parameter.size > 7 || (parameter.data[0] | 0x20) != 'q'
        || parameter.data[1] != '=' || (parameter.size > 3 && parameter.data[3] != '.'))
        return false;
    unsigned weight = 0, place = 1000;
    for (size_t i = 2; i < parameter.size; i++) {
        char byte = parameter.data[i];
        if (i == 3)
            continue;
        if (byte < '0' || byte > '9')
            return false;
        weight += (unsigned)(byte - '0') * place;
        place /= 10;
    }
    *ret_weight = weight;
    return weight <= 1000;
}

// Equal weights in one way of writing, and none for the one that goes without saying.
static void take_weighted(struct sink *sink, struct slice element)
{
    struct slice parameter = element;
    struct slice name = slice_cut(&parameter, ';');
    unsigned weight;
    if (parameter.data == NULL || !parse_weight(parameter, &weight)) {
        sink_take_folded(sink, element, true);
        return;
    }
    sink_take_folded(sink, name, true);
    if (weight == 1000)
        return;
    const char digits[] = {';', 'q', '=', (char)('0' + weight / 100),
        (char)('0' + weight / 10 % 10), (char)('0' + weight % 10)};
    sink_take(sink, slice_of(digits, sizeof(digits)));
}

static bool take_sorted(struct sink *sink, struct elements elements)
{
    struct slice sorted[SORTED_MAX], element;
    size_t count = 0;
    while (elements_next(&elements, &element)) {
        if (count == SORTED_MAX)
            return false;
        insert_sorted(sorted, count++, element);
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            sink_take(sink, SLICE(","));
        take_weighted(sink, sorted[i]);
    }
    return true;
}

static void take_value(struct sink *sink, struct slice name, const struct http_fields *request)
{
    const struct http_field *first = http_fields_find_text(request, name);
    if (first == NULL) {
        sink_take(sink, SLICE("-"));
        return;
    }
    sink_take(sink, SLICE("="));
    struct elements elements = {first, request->items + request->count, name, SLICE_EMPTY};
    bool folded = first->known == HTTP_NAME_ACCEPT_ENCODING
        || slice_equal_nocase(name, SLICE("accept-language"));
    if (folded && take_sorted(sink, elements))
        return;
    struct slice element;
    for (bool begins = true; !sink->differs && elements_next(&elements, &element); begins = false)
        take_separated(sink, begins, element, folded);
}

static void take_names(struct sink *sink, const struct selector_names *names,
    const struct http_fields *request)
{
    for (size_t i = 0; i < names->count; i++) {
        sink_take_folded(sink, names->items[i], false);
        sink_take(sink, slice_of("", 1));
        take_value(sink, names->items[i], request);
        sink_take(sink, slice_of("", 1));
    }
}

enum error selector_names_add(struct selector_names *names, struct slice vary)
{
    struct slice name;
    while (http_list_next(&vary, &name)) {
        bool known = false;
        for (size_t i = 0; i < names->count; i++)
            known = known || slice_equal_nocase(names->items[i], name);
        if (known)
            continue;
        if (names->count == SELECTOR_NAMES_MAX)
            return ERROR_LIMIT;
        insert_sorted(names->items, names->count++, name);
    }
    return ERROR_NONE;
}

size_t selector_write(
    const struct selector_names *names, const struct http_fields *request, char *buffer)
{
    struct sink sink = {.buffer = buffer};
    take_names(&sink, names, request);
    return sink.size;
}

// True if one language range of the request weighs more than any other, and it is that one.
static bool prefers(const struct http_fields *request, struct slice language)
{
    const struct slice name = SLICE("accept-language");
    const struct http_field *first = http_fields_find_text(request, name);
    if (first == NULL || language.size == 0)
        return false;
    struct elements elements = {first, request->items + request->count, name, SLICE_EMPTY};
    struct slice element;
    unsigned wanted = 0, others = 0;
    while (elements_next(&elements, &element)) {
        struct slice parameter = element;
        struct slice range = slice_trim(slice_cut(&parameter, ';'));
        unsigned weight = 1000;
        if (parameter.data != NULL && !parse_weight(parameter, &weight))
            return false;
        if (slice_equal_nocase(range, language))
            wanted = MAXIMUM(wanted, weight);
        else
            others = MAXIMUM(others, weight);
    }
    return wanted > others;
}

static bool matches_by_name(struct slice name, struct slice expected,
    const struct http_fields *request)
{
    struct sink sink = {.comparing = true, .expected = expected};
    take_value(&sink, name, request);
    return !sink.differs && sink.expected.size == 0;
}

bool selector_matches_language(struct slice block, const struct http_fields *request,
    struct slice content_language)
{
    while (block.size > 0) {
        struct slice name = slice_cut(&block, '\0');
        struct slice expected = slice_cut(&block, '\0');
        bool preferred = slice_equal(name, SLICE("accept-language"))
            && prefers(request, content_language);
        if (!preferred && !matches_by_name(name, expected, request))
            return false;
    }
    return true;
}

bool selector_matches(struct slice block, const struct http_fields *request)
{
    while (block.size > 0) {
        struct slice name = slice_cut(&block, '\0');
        if (!matches_by_name(name, slice_cut(&block, '\0'), request))
            return false;
    }
    return true;
}

void selector_names_of(struct slice block, struct selector_names *ret_names)
{
    ret_names->count = 0;
    while (block.size > 0) {
        ret_names->items[ret_names->count++] = slice_cut(&block, '\0');
        slice_cut(&block, '\0');
    }
}

struct hash128 selector_hash(const struct selector_names *names, const struct http_fields *request)
{
    struct hash128 hash = {0};
    struct sink sink = {.hash = &hash};
    take_names(&sink, names, request);
    return hash;
}
