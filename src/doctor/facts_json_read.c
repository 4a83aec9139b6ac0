// JSON to facts, by the tables: everything that comes is bounded by them, in number and in size.
#include "doctor/facts_shape.h"
#include "base/invariant.h"

#include <limits.h>
#include <time.h>

static enum error read_text(const json_t *value, size_t most, struct arena *arena,
    struct slice *ret_text)
{
    struct slice all = slice_of(json_string_value(value), json_string_length(value));
    if (!json_is_string(value))
        return ERROR_INVALID;
    char *bytes = arena_alloc(arena, MINIMUM(all.size, most) + 1);
    if (bytes == NULL)
        return ERROR_MEMORY;
    struct text text = text_in(bytes, MINIMUM(all.size, most));
    text_append_utf8(&text, all);
    bytes[text.size] = '\0';
    *ret_text = text_slice(&text);
    return ERROR_NONE;
}

static enum error read_integer(const json_t *value, int64_t most, int64_t *ret_number)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0
        || json_integer_value(value) > most)
        return ERROR_INVALID;
    *ret_number = json_integer_value(value);
    return ERROR_NONE;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

// The shape of "2026-11-30T18:09:00.125Z", the fraction left out or of three digits.
static bool is_time(struct slice text)
{
    const struct slice pattern = SLICE("0000-00-00T00:00:00.000Z");
    if (text.size != pattern.size && text.size != pattern.size - 4)
        return false;
    for (size_t i = 0; i + 1 < text.size; i++) {
        if (is_digit(pattern.data[i]) ? !is_digit(text.data[i]) : text.data[i] != pattern.data[i])
            return false;
    }
    return text.data[text.size - 1] == 'Z';
}

static int digits_at(struct slice text, size_t offset, size_t count)
{
    int number = 0;
    for (size_t i = offset; i < offset + count; i++)
        number = number * 10 + (text.data[i] - '0');
    return number;
}

static enum error read_time(const json_t *value, int64_t *ret_ms)
{
    struct slice text = slice_of(json_string_value(value), json_string_length(value));
    if (!json_is_string(value) || !is_time(text))
        return ERROR_INVALID;
    struct tm utc = {.tm_year = digits_at(text, 0, 4) - 1900, .tm_mon = digits_at(text, 5, 2) - 1,
        .tm_mday = digits_at(text, 8, 2), .tm_hour = digits_at(text, 11, 2),
        .tm_min = digits_at(text, 14, 2), .tm_sec = digits_at(text, 17, 2)};
    struct tm given = utc;
    int64_t seconds = timegm(&utc);
    // What timegm puts right was no day or no time of day.
    if (utc.tm_mon != given.tm_mon || utc.tm_mday != given.tm_mday || utc.tm_hour != given.tm_hour
        || utc.tm_min != given.tm_min || utc.tm_sec != given.tm_sec)
        return ERROR_INVALID;
    *ret_ms = seconds * 1000 + (text.data[19] == '.' ? digits_at(text, 20, 3) : 0);
    return ERROR_NONE;
}

static enum error read_digest(const json_t *value, uint64_t *ret_digest)
{
    struct slice text = slice_of(json_string_value(value), json_string_length(value));
    static const char digits[] = "0123456789abcdef";
    uint64_t digest = 0;
    if (!json_is_string(value) || text.size != 16)
        return ERROR_INVALID;
    for (size_t i = 0; i < text.size; i++) {
        const char *digit = memchr(digits, text.data[i], 16);
        if (digit == NULL)
            return ERROR_INVALID;
        digest = digest << 4 | (uint64_t)(digit - digits);
    }
    *ret_digest = digest;
    return ERROR_NONE;
}

static enum error read_address(const json_t *value, struct address *ret_address)
{
    struct slice text = slice_of(json_string_value(value), json_string_length(value));
    struct address address;
    if (!json_is_string(value))
        return ERROR_INVALID;
    if (address_parse_host(text, 0, &address) != ERROR_NONE
        && address_parse(text, &address) != ERROR_NONE)
        return ERROR_INVALID;
    if (address.any.sa_family != AF_INET && address.any.sa_family != AF_INET6)
        return ERROR_INVALID; // a path of this machine is nothing a stranger may name
    *ret_address = address;
    return ERROR_NONE;
}

static enum error read_addresses(const json_t *value, size_t most, struct address *addresses,
    unsigned *ret_count)
{
    enum error error = json_is_array(value) ? ERROR_NONE : ERROR_INVALID;
    unsigned count = (unsigned)MINIMUM(json_array_size(value), most);
    for (unsigned i = 0; i < count && error == ERROR_NONE; i++)
        error = read_address(json_array_get(value, i), &addresses[i]);
    *ret_count = count;
    return error;
}

// A word that is not known leaves the index as it is.
static enum error read_word(const json_t *value, const struct facts_words *words,
    unsigned *ret_index)
{
    if (!json_is_string(value))
        return ERROR_INVALID;
    for (unsigned i = 0; i < words->count; i++) {
        if (words->items[i] != NULL && strcmp(words->items[i], json_string_value(value)) == 0)
            *ret_index = i;
    }
    return ERROR_NONE;
}

static enum error read_words(const json_t *value, const struct facts_words *words,
    uint8_t *ret_bits)
{
    size_t index;
    const json_t *item;
    if (!json_is_array(value))
        return ERROR_INVALID;
    json_array_foreach (value, index, item) {
        unsigned bit = UINT_MAX;
        if (read_word(item, words, &bit) != ERROR_NONE)
            return ERROR_INVALID;
        if (bit != UINT_MAX)
            *ret_bits = (uint8_t)(*ret_bits | 1u << bit);
    }
    return ERROR_NONE;
}

static enum error read_verdict(const json_t *value, enum verdict *ret_verdict)
{
    if (!json_is_string(value))
        return ERROR_INVALID;
    if (!verdict_find(slice_of(json_string_value(value), json_string_length(value)), ret_verdict))
        *ret_verdict = VERDICT_UNKNOWN;
    return ERROR_NONE;
}

static enum error read_verdicts(const json_t *value, struct verdicts *ret_verdicts)
{
    enum error error = json_is_array(value) ? ERROR_NONE : ERROR_INVALID;
    uint32_t count = (uint32_t)MINIMUM(json_array_size(value), VERDICTS_MAX);
    for (uint32_t i = 0; i < count && error == ERROR_NONE; i++)
        error = read_verdict(json_array_get(value, i), &ret_verdicts->items[i]);
    ret_verdicts->count = count;
    return error;
}

static enum error read_member(const json_t *value, const struct facts_member *member,
    struct arena *arena, char *base);

static enum error read_shape(const json_t *object, const struct facts_shape *shape,
    struct arena *arena, char *base)
{
    enum error error = json_is_object(object) ? ERROR_NONE : ERROR_INVALID;
    for (size_t i = 0; i < shape->count && error == ERROR_NONE; i++) {
        const json_t *value = json_object_get(object, shape->members[i].name);
        if (value != NULL)
            error = read_member(value, &shape->members[i], arena, base);
    }
    return error;
}

static enum error read_list(const json_t *value, const struct facts_member *member,
    struct arena *arena, char *base, unsigned *ret_count)
{
    enum error error = json_is_array(value) ? ERROR_NONE : ERROR_INVALID;
    unsigned count = (unsigned)MINIMUM(json_array_size(value), member->count);
    for (unsigned i = 0; i < count && error == ERROR_NONE; i++)
        error = read_shape(json_array_get(value, i), member->shape, arena,
            base + i * member->shape->size);
    *ret_count = count;
    return error;
}

static enum error read_by_word(const json_t *value, const struct facts_member *member,
    struct arena *arena, char *base)
{
    enum error error = json_is_object(value) ? ERROR_NONE : ERROR_INVALID;
    for (size_t i = 0; i < member->count && error == ERROR_NONE; i++) {
        const json_t *item = json_object_get(value, member->words->items[i]);
        if (item != NULL)
            error = read_shape(item, member->shape, arena, base + i * member->shape->size);
    }
    return error;
}

static enum error read_number(const json_t *value, const struct facts_member *member, void *at)
{
    int64_t number = 0;
    enum error error = ERROR_NONE;
    if (member->kind == FACTS_PORT) {
        error = read_integer(value, UINT16_MAX, &number);
        *(uint16_t *)at = (uint16_t)number;
    } else if (member->kind == FACTS_NUMBER) {
        error = read_integer(value, UINT_MAX, &number);
        *(unsigned *)at = (unsigned)number;
    } else if (member->kind == FACTS_LARGE) {
        error = read_integer(value, INT64_MAX, &number);
        *(uint64_t *)at = (uint64_t)number;
    } else {
        error = json_is_integer(value) ? ERROR_NONE : ERROR_INVALID;
        *(int64_t *)at = json_integer_value(value);
    }
    return error;
}

static enum error read_member(const json_t *value, const struct facts_member *member,
    struct arena *arena, char *base)
{
    void *at = base + member->offset;
    unsigned *count = (void *)(base + member->count_offset); // where it is said, of an array
    int64_t ms = 0;
    enum error error;
    switch (member->kind) {
    case FACTS_FLAG:
        *(bool *)at = json_is_true(value);
        return json_is_boolean(value) ? ERROR_NONE : ERROR_INVALID;
    case FACTS_PORT:
    case FACTS_NUMBER:
    case FACTS_LARGE:
    case FACTS_SIGNED: return read_number(value, member, at);
    case FACTS_DIGEST: return read_digest(value, at);
    case FACTS_TIME:
    case FACTS_TIME_MS:
        error = read_time(value, &ms);
        *(int64_t *)at = member->kind == FACTS_TIME ? ms / 1000 : ms;
        return error;
    case FACTS_TEXT:
    case FACTS_URL: return read_text(value, facts_text_most(member->kind), arena, at);
    case FACTS_ADDRESS: return read_address(value, at);
    case FACTS_ADDRESSES: return read_addresses(value, member->count, at, count);
    case FACTS_WORD: return read_word(value, member->words, at);
    case FACTS_WORDS: return read_words(value, member->words, at);
    case FACTS_VERDICTS: return read_verdicts(value, at);
    case FACTS_PART: return read_shape(value, member->shape, arena, at);
    case FACTS_LIST: return read_list(value, member, arena, at, count);
    case FACTS_BY_WORD: return read_by_word(value, member, arena, at);
    }
    invariant(false);
}

// Facts without a verdict, or without the words for one, are facts nevertheless.
static enum error read_vantage(const json_t *object, struct arena *arena,
    struct vantage_facts *vantage)
{
    const json_t *verdict = json_object_get(object, "verdict");
    const json_t *of_there = json_object_get(object, "facts");
    struct facts *facts;
    enum error error = read_shape(object, &facts_shape_vantage, arena, (char *)vantage);
    if (error != ERROR_NONE || of_there == NULL)
        return error;
    vantage->verdict = VERDICT_UNKNOWN;
    if (verdict != NULL && read_verdict(verdict, &vantage->verdict) != ERROR_NONE)
        return ERROR_INVALID;
    facts = arena_zero_alloc(arena, sizeof(*facts));
    if (facts == NULL)
        return ERROR_MEMORY;
    vantage->facts = facts;
    return read_shape(of_there, &facts_shape_all, arena, (char *)facts);
}

static enum error read_vantages(const json_t *array, struct arena *arena, struct facts *facts)
{
    enum error error = json_is_array(array) ? ERROR_NONE : ERROR_INVALID;
    facts->vantage_count = (unsigned)MINIMUM(json_array_size(array), FACTS_VANTAGES_MAX);
    for (unsigned i = 0; i < facts->vantage_count && error == ERROR_NONE; i++)
        error = read_vantage(json_array_get(array, i), arena, &facts->vantages[i]);
    return error;
}

enum error facts_from_json(const json_t *json, struct arena *arena, struct facts *ret_facts)
{
    const json_t *vantages = json_object_get(json, "vantages");
    struct facts *facts = arena_zero_alloc(arena, sizeof(*facts)); // too large for a stack
    if (facts == NULL)
        return ERROR_MEMORY;
    enum error error = read_shape(json, &facts_shape_all, arena, (char *)facts);
    if (error == ERROR_NONE && vantages != NULL)
        error = read_vantages(vantages, arena, facts);
    if (error == ERROR_NONE)
        *ret_facts = *facts;
    return error;
}
