// Facts to JSON, by the tables. Functions return NULL where nothing is known; where there is no
// memory too, and then `failed` is set.
#include "doctor/facts_shape.h"
#include "base/invariant.h"

#include <time.h>

struct writer {
    bool failed;
};

static json_t *kept(struct writer *writer, json_t *value)
{
    writer->failed |= value == NULL;
    return value;
}

static void put(struct writer *writer, json_t *object, const char *name, json_t *value)
{
    if (value != NULL && json_object_set_new(object, name, value) != 0)
        writer->failed = true;
}

static void push(struct writer *writer, json_t *array, json_t *value)
{
    if (value != NULL && json_array_append_new(array, value) != 0)
        writer->failed = true;
}

// An object or array that came out empty says nothing.
static json_t *unless_empty(json_t *value)
{
    if (value == NULL || json_object_size(value) > 0 || json_array_size(value) > 0)
        return value;
    json_decref(value);
    return NULL;
}

static json_t *write_text(struct writer *writer, struct slice slice, size_t most)
{
    char buffer[FACTS_JSON_URL_MAX];
    struct text text = text_in(buffer, most);
    if (slice.data == NULL)
        return NULL;
    text_append_utf8(&text, slice);
    return kept(writer, json_stringn(text.data, text.size));
}

static json_t *write_integer(struct writer *writer, uint64_t value)
{
    return value == 0 ? NULL
                      : kept(writer, json_integer((json_int_t)MINIMUM(value, (uint64_t)INT64_MAX)));
}

static json_t *write_digest(struct writer *writer, uint64_t value)
{
    char buffer[16];
    struct text text = text_in(buffer, sizeof(buffer));
    text_append_hex(&text, value, 16);
    return value == 0 ? NULL : write_text(writer, text_slice(&text), sizeof(buffer));
}

// What lies outside the years 1 to 9999 is no time.
static json_t *write_time(struct writer *writer, int64_t seconds, int milliseconds)
{
    char buffer[64];
    struct text text = text_in(buffer, sizeof(buffer));
    struct tm utc;
    time_t time = (time_t)seconds;
    if (gmtime_r(&time, &utc) == NULL || utc.tm_year < 1 - 1900 || utc.tm_year > 9999 - 1900)
        return NULL;
    text_format(&text, "%04d-%02d-%02dT%02d:%02d:%02d", utc.tm_year + 1900, utc.tm_mon + 1,
        utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
    if (milliseconds >= 0)
        text_format(&text, ".%03d", milliseconds);
    text_append_byte(&text, 'Z');
    return write_text(writer, text_slice(&text), sizeof(buffer));
}

static json_t *write_time_ms(struct writer *writer, int64_t ms)
{
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    return ms == 0 ? NULL : write_time(writer, seconds, (int)(ms - seconds * 1000));
}

static json_t *write_address(struct writer *writer, const struct address *address)
{
    char buffer[ADDRESS_TEXT_MAX];
    struct text text = text_in(buffer, sizeof(buffer));
    if (address->any.sa_family != AF_INET && address->any.sa_family != AF_INET6)
        return NULL;
    if (address_port(address) == 0)
        address_format_host(&text, address);
    else
        address_format(&text, address);
    return write_text(writer, text_slice(&text), sizeof(buffer));
}

static json_t *write_addresses(struct writer *writer, const struct address *addresses,
    unsigned count)
{
    json_t *array = kept(writer, json_array());
    for (unsigned i = 0; i < count; i++)
        push(writer, array, write_address(writer, &addresses[i]));
    return unless_empty(array);
}

static json_t *write_word(struct writer *writer, const struct facts_words *words, unsigned value)
{
    if (value >= words->count || words->items[value] == NULL)
        return NULL;
    return kept(writer, json_string(words->items[value]));
}

static json_t *write_words(struct writer *writer, const struct facts_words *words, unsigned bits)
{
    json_t *array = kept(writer, json_array());
    for (unsigned i = 0; i < words->count; i++) {
        if ((bits >> i & 1) != 0)
            push(writer, array, write_word(writer, words, i));
    }
    return unless_empty(array);
}

static json_t *write_verdict(struct writer *writer, enum verdict verdict)
{
    return write_text(writer, verdict_name(verdict), FACTS_JSON_TEXT_MAX);
}

static json_t *write_verdicts(struct writer *writer, const struct verdicts *verdicts)
{
    json_t *array = kept(writer, json_array());
    for (uint32_t i = 0; i < verdicts->count; i++)
        push(writer, array, write_verdict(writer, verdicts->items[i]));
    return unless_empty(array);
}

static json_t *write_member(struct writer *writer, const struct facts_member *member,
    const char *base);

static json_t *write_shape(struct writer *writer, const struct facts_shape *shape, const char *base)
{
    json_t *object = kept(writer, json_object());
    for (size_t i = 0; i < shape->count && object != NULL; i++) {
        const struct facts_member *member = &shape->members[i];
        put(writer, object, member->name, write_member(writer, member, base));
    }
    return object;
}

static json_t *write_list(struct writer *writer, const struct facts_member *member,
    const char *base, unsigned count)
{
    json_t *array = kept(writer, json_array());
    for (unsigned i = 0; i < count; i++)
        push(writer, array, write_shape(writer, member->shape, base + i * member->shape->size));
    return unless_empty(array);
}

static json_t *write_by_word(struct writer *writer, const struct facts_member *member,
    const char *base)
{
    json_t *object = kept(writer, json_object());
    for (size_t i = 0; i < member->count && object != NULL; i++)
        put(writer, object, member->words->items[i],
            unless_empty(write_shape(writer, member->shape, base + i * member->shape->size)));
    return unless_empty(object);
}

static json_t *write_member(struct writer *writer, const struct facts_member *member,
    const char *base)
{
    const void *at = base + member->offset;
    const unsigned *count = (const void *)(base + member->count_offset); // of an array
    switch (member->kind) {
    case FACTS_FLAG: return *(const bool *)at ? json_true() : NULL;
    case FACTS_PORT: return write_integer(writer, *(const uint16_t *)at);
    case FACTS_NUMBER: return write_integer(writer, *(const unsigned *)at);
    case FACTS_LARGE: return write_integer(writer, *(const uint64_t *)at);
    case FACTS_SIGNED:
        return *(const int64_t *)at == 0 ? NULL
                                         : kept(writer, json_integer(*(const int64_t *)at));
    case FACTS_DIGEST: return write_digest(writer, *(const uint64_t *)at);
    case FACTS_TIME:
        return *(const int64_t *)at == 0 ? NULL : write_time(writer, *(const int64_t *)at, -1);
    case FACTS_TIME_MS: return write_time_ms(writer, *(const int64_t *)at);
    case FACTS_TEXT:
    case FACTS_URL:
        return write_text(writer, *(const struct slice *)at, facts_text_most(member->kind));
    case FACTS_ADDRESS: return write_address(writer, at);
    case FACTS_ADDRESSES: return write_addresses(writer, at, *count);
    case FACTS_WORD: return write_word(writer, member->words, *(const unsigned *)at);
    case FACTS_WORDS: return write_words(writer, member->words, *(const uint8_t *)at);
    case FACTS_VERDICTS: return write_verdicts(writer, at);
    case FACTS_PART: return unless_empty(write_shape(writer, member->shape, at));
    case FACTS_LIST: return write_list(writer, member, at, *count);
    case FACTS_BY_WORD: return write_by_word(writer, member, at);
    }
    invariant(false);
}

static json_t *write_vantage(struct writer *writer, const struct vantage_facts *vantage)
{
    json_t *object = write_shape(writer, &facts_shape_vantage, (const char *)vantage);
    if (object == NULL || vantage->facts == NULL)
        return object;
    put(writer, object, "verdict", write_verdict(writer, vantage->verdict));
    put(writer, object, "facts",
        write_shape(writer, &facts_shape_all, (const char *)vantage->facts));
    return object;
}

json_t *facts_to_json(const struct facts *facts)
{
    struct writer writer = {0};
    json_t *object = write_shape(&writer, &facts_shape_all, (const char *)facts);
    json_t *vantages = kept(&writer, json_array());
    for (unsigned i = 0; i < facts->vantage_count; i++)
        push(&writer, vantages, write_vantage(&writer, &facts->vantages[i]));
    put(&writer, object, "vantages", unless_empty(vantages));
    if (!writer.failed)
        return object;
    json_decref(object);
    return NULL;
}
