// The table that both sides keep, and how a line is written.
#include "http/hpack.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "http/hpack_tables.h"
#include "http/http2_head.h"

#include <endian.h>

#define ENTRY_OVERHEAD 32   // section 4.1
#define STATIC_ENTRIES 61

// The first byte of each form and how many bits of it are a number's (section 6).
enum { FORM_INDEXED = 0x80, FORM_INSERTED = 0x40, FORM_LIMIT = 0x20, FORM_SECRET = 0x10,
    FORM_PLAIN = 0 };
enum { BITS_INDEXED = 7, BITS_INSERTED = 6, BITS_LIMIT = 5, BITS_PLAIN = 4, BITS_STRING = 7 };
#define STRING_CODED 0x80

struct hpack_entry {
    uint32_t hash;
    uint32_t older;          // number of the one before it in its bucket
    uint32_t size, cost;     // of the line; of the entry
    uint32_t name_size;
    char line[];
};

void hpack_init(struct hpack_encoder *encoder)
{
    *encoder = (struct hpack_encoder){.limit = HPACK_TABLE_SIZE, .lowest_limit = HPACK_TABLE_SIZE};
}

// --- The table ---

static struct hpack_entry **place_of(struct hpack_encoder *encoder, uint32_t number)
{
    return &encoder->entries[number % HPACK_ENTRIES_MAX];
}

static bool is_there(const struct hpack_encoder *encoder, uint32_t number)
{
    return encoder->inserted - number < encoder->count;
}

static void evict(struct hpack_encoder *encoder, uint32_t limit)
{
    while (encoder->size > limit) {
        struct hpack_entry *oldest =
            *place_of(encoder, encoder->inserted - encoder->count + 1);
        encoder->size -= oldest->cost;
        encoder->count--;
        memory_free(oldest);
    }
}

void hpack_free(struct hpack_encoder *encoder)
{
    evict(encoder, 0);
}

void hpack_limit(struct hpack_encoder *encoder, uint32_t size)
{
    encoder->limit = MINIMUM(size, HPACK_TABLE_SIZE);
    encoder->lowest_limit = MINIMUM(encoder->lowest_limit, encoder->limit);
    encoder->has_new_limit = true;
    evict(encoder, encoder->limit);
}

// Quick and nothing else: lines are compared, and the longest chain is the table.
static uint32_t hash_line(struct slice line)
{
    const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = line.size, word = 0;
    size_t at = 0;
    for (; at + sizeof(word) <= line.size; at += sizeof(word)) {
        memcpy(&word, line.data + at, sizeof(word));
        hash = (hash ^ word) * factor;
        hash ^= hash >> 32;
    }
    for (word = 0; at < line.size; at++)
        word = word << 8 | (unsigned char)line.data[at];
    hash = (hash ^ word) * factor;
    return (uint32_t)(hash >> 32);
}

// Its index on the wire, 0 if it is not there.
static uint32_t find_line(struct hpack_encoder *encoder, struct slice line, uint32_t hash)
{
    uint32_t number = encoder->newest[hash % HPACK_BUCKETS];
    while (is_there(encoder, number)) {
        const struct hpack_entry *entry = *place_of(encoder, number);
        if (entry->hash == hash && slice_equal(slice_of(entry->line, entry->size), line))
            return STATIC_ENTRIES + 1 + encoder->inserted - number;
        number = entry->older;
    }
    return 0;
}

// The same for a name.
static uint32_t find_name(struct hpack_encoder *encoder, struct slice name)
{
    for (uint32_t age = 0; age < encoder->count; age++) {
        const struct hpack_entry *entry = *place_of(encoder, encoder->inserted - age);
        if (entry->name_size == name.size
            && slice_equal_nocase(slice_of(entry->line, name.size), name))
            return STATIC_ENTRIES + 1 + age;
    }
    return 0;
}

static const struct hpack_name *find_known(struct slice name)
{
    if (name.size > HPACK_NAME_SIZE_MAX)
        return NULL;
    for (unsigned i = hpack_names_begin[name.size]; i < hpack_names_begin[name.size + 1]; i++) {
        if (slice_equal_nocase(hpack_names[i].text, name))
            return &hpack_names[i];
    }
    return NULL;
}

// False: too large, or no memory. Nothing is lost by that but a few bytes on the wire.
static bool insert(struct hpack_encoder *encoder, struct slice line, uint32_t hash,
    size_t name_size, size_t value_size)
{
    size_t cost = name_size + value_size + ENTRY_OVERHEAD;
    if (cost > encoder->limit / 2)
        return false;
    struct hpack_entry *entry = memory_alloc(sizeof(*entry) + line.size);
    if (entry == NULL)
        return false;
    uint32_t *newest = &encoder->newest[hash % HPACK_BUCKETS];
    *entry = (struct hpack_entry){.hash = hash, .older = *newest, .size = (uint32_t)line.size,
        .cost = (uint32_t)cost, .name_size = (uint32_t)name_size};
    memcpy(entry->line, line.data, line.size);
    evict(encoder, encoder->limit - entry->cost);
    invariant(encoder->count < HPACK_ENTRIES_MAX);
    *newest = ++encoder->inserted;
    *place_of(encoder, encoder->inserted) = entry;
    encoder->count++;
    encoder->size += entry->cost;
    return true;
}

// Notes a line that stays out of the table; true if it did so lately.
static bool was_seen(struct hpack_encoder *encoder, uint32_t hash)
{
    uint16_t *seen = &encoder->seen[hash % HPACK_SEEN_MAX];
    uint16_t part = (uint16_t)(hash >> 16);
    bool before = *seen == part;
    *seen = part;
    return before;
}

// --- Writing ---

static char *write_number(char *at, unsigned form, unsigned bits, size_t number)
{
    size_t most = (1u << bits) - 1;
    if (number < most) {
        *at++ = (char)(form | number);
        return at;
    }
    *at++ = (char)(form | most);
    for (number -= most; number >= 0x80; number >>= 7)
        *at++ = (char)(0x80 | (number & 0x7f));
    *at++ = (char)number;
    return at;
}

// Huffman's code of the string (section 5.2).
static char *write_coded(char *at, struct slice string)
{
    uint64_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < string.size; i++) {
        const struct hpack_code *code = &hpack_codes[(unsigned char)string.data[i]];
        bits = bits << code->count | code->bits;
        count += code->count;
        if (count >= 32) {
            count -= 32;
            uint32_t word = htobe32((uint32_t)(bits >> count));
            memcpy(at, &word, sizeof(word));
            at += sizeof(word);
        }
    }
    unsigned padding = (8 - count % 8) % 8;
    bits = bits << padding | ((1u << padding) - 1);
    for (count += padding; count > 0; count -= 8)
        *at++ = (char)(bits >> (count - 8));
    return at;
}

static char *write_string(char *at, struct slice string)
{
    size_t bits = 0;
    for (size_t i = 0; i < string.size; i++)
        bits += hpack_codes[(unsigned char)string.data[i]].count;
    size_t size = (bits + 7) / 8;
    if (size < string.size)
        return write_coded(write_number(at, STRING_CODED, BITS_STRING, size), string);
    at = write_number(at, 0, BITS_STRING, string.size);
    memcpy(at, string.data, string.size);
    return at + string.size;
}

// In lower case, and as it is: a name that has to be spelled comes once in a connection.
static char *write_name(char *at, struct slice name)
{
    at = write_number(at, 0, BITS_STRING, name.size);
    for (size_t i = 0; i < name.size; i++) {
        char byte = name.data[i];
        *at++ = byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
    }
    return at;
}

char *hpack_begin(struct hpack_encoder *encoder, char *at)
{
    if (!encoder->has_new_limit)
        return at;
    if (encoder->lowest_limit < encoder->limit)
        at = write_number(at, FORM_LIMIT, BITS_LIMIT, encoder->lowest_limit);
    at = write_number(at, FORM_LIMIT, BITS_LIMIT, encoder->limit);
    encoder->lowest_limit = encoder->limit;
    encoder->has_new_limit = false;
    return at;
}

char *hpack_write_status(unsigned status, char *at)
{
    static const uint16_t listed[] = {200, 204, 206, 304, 400, 404, 500};
    const unsigned first = 8;
    for (unsigned i = 0; i < ARRAY_SIZE(listed); i++) {
        if (listed[i] == status)
            return write_number(at, FORM_INDEXED, BITS_INDEXED, first + i);
    }
    const char digits[] = {(char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10),
        (char)('0' + status % 10)};
    return write_string(write_number(at, FORM_PLAIN, BITS_PLAIN, first),
        slice_of(digits, sizeof(digits)));
}

// A name that neither side knows goes into the table even if its value does not come again.
static bool is_worth_inserting(struct hpack_encoder *encoder, enum hpack_habit habit,
    uint32_t name_index, uint32_t hash)
{
    switch (habit) {
    case HPACK_STEADY:
        return true;
    case HPACK_VARIES:
        return was_seen(encoder, hash) || name_index == 0;
    case HPACK_ALONE:
        return name_index == 0;
    case HPACK_SECRET:
        break;
    }
    return false;
}

static char *write_literal(struct hpack_encoder *encoder, struct slice line, uint32_t hash,
    char *at)
{
    struct slice value = line;
    struct slice name = slice_cut(&value, ':');
    if (value.data == NULL || http2_name_is_forbidden(name))
        return at;
    value = slice_trim(value);
    const struct hpack_name *known = find_known(name);
    enum hpack_habit habit = known == NULL ? HPACK_VARIES : (enum hpack_habit)known->habit;
    uint32_t index = known != NULL && known->index != 0 ? known->index : find_name(encoder, name);
    bool inserted = is_worth_inserting(encoder, habit, index, hash)
        && insert(encoder, line, hash, name.size, value.size);
    at = inserted ? write_number(at, FORM_INSERTED, BITS_INSERTED, index)
        : write_number(at, habit == HPACK_SECRET ? FORM_SECRET : FORM_PLAIN, BITS_PLAIN, index);
    if (index == 0)
        at = write_name(at, name);
    return write_string(at, value);
}

char *hpack_write_lines(struct hpack_encoder *encoder, struct slice lines, char *at)
{
    const char *begin = lines.data, *end = begin + lines.size;
    while (begin < end) {
        const char *line_end = memchr(begin, '\r', (size_t)(end - begin));
        if (line_end == NULL)
            break;
        struct slice line = slice_of(begin, (size_t)(line_end - begin));
        uint32_t hash = hash_line(line);
        uint32_t index = find_line(encoder, line, hash);
        at = index != 0 ? write_number(at, FORM_INDEXED, BITS_INDEXED, index)
                        : write_literal(encoder, line, hash, at);
        begin = line_end + 2;
    }
    return at;
}
