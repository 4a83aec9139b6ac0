// Parsing structured fields (RFC 9651 section 4.2), in the order of its algorithms.
#include "http/structured.h"

#include "http/characters.h"

#define INTEGER_DIGITS 15
#define DECIMAL_INTEGER_DIGITS 12
#define DECIMAL_FRACTION_DIGITS 3

struct parser {
    const char *at, *end;
    struct arena *arena;
    uint32_t most;
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_lower(char byte)
{
    return byte >= 'a' && byte <= 'z';
}

static bool is_key_byte(char byte)
{
    return is_lower(byte) || is_digit(byte) || byte == '_' || byte == '-' || byte == '.'
        || byte == '*';
}

// The next byte, or 0, which stands nowhere in the grammar.
static char peek(const struct parser *parser)
{
    return parser->at < parser->end ? *parser->at : '\0';
}

static bool take(struct parser *parser, char byte)
{
    if (peek(parser) != byte)
        return false;
    parser->at++;
    return true;
}

static void skip_spaces(struct parser *parser)
{
    while (take(parser, ' '))
        continue;
}

static void skip_whitespace(struct parser *parser)
{
    while (peek(parser) == ' ' || peek(parser) == '\t')
        parser->at++;
}

// Room for one more at the end of an array in the arena; doubling leaves the old ones behind, at
// most as much again.
static enum error grow(struct parser *parser, void **items, uint32_t count, size_t item_size)
{
    if (count >= parser->most)
        return ERROR_LIMIT;
    if (count != 0 && (count < 4 || (count & (count - 1)) != 0))
        return ERROR_NONE;
    void *larger = arena_alloc(parser->arena, MAXIMUM((size_t)count * 2, 4) * item_size);
    if (larger == NULL)
        return ERROR_MEMORY;
    if (count != 0)
        memcpy(larger, *items, count * item_size);
    *items = larger;
    return ERROR_NONE;
}

static enum error parse_key(struct parser *parser, struct slice *ret_key)
{
    const char *begin = parser->at;
    if (!is_lower(peek(parser)) && peek(parser) != '*')
        return ERROR_INVALID;
    while (is_key_byte(peek(parser)))
        parser->at++;
    *ret_key = slice_of(begin, (size_t)(parser->at - begin));
    return ERROR_NONE;
}

// How many digits there were; `most` and one more are enough to refuse the number.
static size_t take_digits(struct parser *parser, size_t most, int64_t *number)
{
    const char *begin = parser->at;
    while (is_digit(peek(parser)) && (size_t)(parser->at - begin) <= most)
        *number = *number * 10 + (*parser->at++ - '0');
    return (size_t)(parser->at - begin);
}

static enum error parse_number(struct parser *parser, struct structured_value *ret_value)
{
    bool negative = take(parser, '-');
    int64_t number = 0;
    enum structured_type type = STRUCTURED_INTEGER;
    size_t digits = take_digits(parser, INTEGER_DIGITS, &number);
    if (digits == 0 || digits > INTEGER_DIGITS)
        return ERROR_INVALID;
    if (take(parser, '.')) {
        type = STRUCTURED_DECIMAL;
        size_t fraction = digits > DECIMAL_INTEGER_DIGITS ? 0
            : take_digits(parser, DECIMAL_FRACTION_DIGITS, &number);
        if (fraction == 0 || fraction > DECIMAL_FRACTION_DIGITS)
            return ERROR_INVALID;
        for (; fraction < DECIMAL_FRACTION_DIGITS; fraction++)
            number *= 10;
    }
    *ret_value = (struct structured_value){.type = type, .number = negative ? -number : number};
    return ERROR_NONE;
}

static enum error parse_date(struct parser *parser, struct structured_value *ret_value)
{
    struct structured_value value;
    parser->at++;
    enum error error = parse_number(parser, &value);
    if (error != ERROR_NONE || value.type != STRUCTURED_INTEGER)
        return ERROR_INVALID;
    value.type = STRUCTURED_DATE;
    *ret_value = value;
    return ERROR_NONE;
}

static struct slice without_escapes(struct parser *parser, struct slice raw)
{
    char *bytes = arena_alloc(parser->arena, raw.size);
    if (bytes == NULL)
        return SLICE_EMPTY;
    size_t size = 0;
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.data[i] == '\\')
            i++;
        bytes[size++] = raw.data[i];
    }
    return slice_of(bytes, size);
}

static enum error parse_string(struct parser *parser, struct structured_value *ret_value)
{
    const char *begin = ++parser->at;
    bool escaped = false;
    while (peek(parser) >= ' ' && peek(parser) <= '~' && peek(parser) != '"') {
        if (take(parser, '\\')) {
            escaped = true;
            if (peek(parser) != '"' && peek(parser) != '\\')
                return ERROR_INVALID;
        }
        parser->at++;
    }
    struct slice text = slice_of(begin, (size_t)(parser->at - begin));
    if (!take(parser, '"'))
        return ERROR_INVALID;
    if (escaped)
        text = without_escapes(parser, text);
    if (text.data == NULL)
        return ERROR_MEMORY;
    *ret_value = (struct structured_value){.type = STRUCTURED_STRING, .text = text};
    return ERROR_NONE;
}

static enum error parse_token(struct parser *parser, struct structured_value *ret_value)
{
    const char *begin = parser->at;
    while (http_character_is(peek(parser), HTTP_CHARACTER_TOKEN) || peek(parser) == ':'
        || peek(parser) == '/')
        parser->at++;
    *ret_value = (struct structured_value){.type = STRUCTURED_TOKEN,
        .text = slice_of(begin, (size_t)(parser->at - begin))};
    return ERROR_NONE;
}

static int base64_value(char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (is_lower(byte))
        return byte - 'a' + 26;
    if (is_digit(byte))
        return byte - '0' + 52;
    return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

// Missing padding and pad bits that are not zero are taken, as section 4.2.7 wants.
static enum error parse_bytes(struct parser *parser, struct structured_value *ret_value)
{
    const char *begin = ++parser->at;
    while (base64_value(peek(parser)) >= 0)
        parser->at++;
    size_t digits = (size_t)(parser->at - begin), padding = 0;
    while (take(parser, '='))
        padding++;
    if (!take(parser, ':') || digits % 4 == 1 || padding > 2
        || (padding != 0 && (digits + padding) % 4 != 0))
        return ERROR_INVALID;
    char *bytes = arena_alloc(parser->arena, digits);
    if (bytes == NULL)
        return ERROR_MEMORY;
    size_t size = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < digits; i++) {
        bits = bits << 6 | (uint32_t)base64_value(begin[i]);
        if (i % 4 != 0)
            bytes[size++] = (char)(bits >> (6 - i % 4 * 2));
    }
    *ret_value = (struct structured_value){.type = STRUCTURED_BYTES, .text = slice_of(bytes, size)};
    return ERROR_NONE;
}

static enum error parse_boolean(struct parser *parser, struct structured_value *ret_value)
{
    parser->at++;
    char byte = peek(parser);
    if (byte != '0' && byte != '1')
        return ERROR_INVALID;
    parser->at++;
    *ret_value = (struct structured_value){.type = STRUCTURED_BOOLEAN, .number = byte == '1'};
    return ERROR_NONE;
}

static int lower_hex_value(char byte)
{
    return is_digit(byte) ? byte - '0' : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static enum error parse_display(struct parser *parser, struct structured_value *ret_value)
{
    parser->at++;
    if (!take(parser, '"'))
        return ERROR_INVALID;
    const char *close = memchr(parser->at, '"', (size_t)(parser->end - parser->at));
    if (close == NULL)
        return ERROR_INVALID;
    char *bytes = arena_alloc(parser->arena, (size_t)(close - parser->at));
    if (bytes == NULL)
        return ERROR_MEMORY;
    size_t size = 0;
    while (parser->at < close) {
        char byte = *parser->at++;
        if (byte < ' ' || byte > '~')
            return ERROR_INVALID;
        if (byte == '%') {
            int high = close - parser->at < 2 ? -1 : lower_hex_value(parser->at[0]);
            int low = high < 0 ? -1 : lower_hex_value(parser->at[1]);
            if (low < 0)
                return ERROR_INVALID;
            byte = (char)(high << 4 | low);
            parser->at += 2;
        }
        bytes[size++] = byte;
    }
    parser->at++;
    struct slice text = slice_of(bytes, size);
    if (!text_is_utf8(text))
        return ERROR_INVALID;
    *ret_value = (struct structured_value){.type = STRUCTURED_DISPLAY, .text = text};
    return ERROR_NONE;
}

static enum error parse_value(struct parser *parser, struct structured_value *ret_value)
{
    char first = peek(parser);
    if (first == '-' || is_digit(first))
        return parse_number(parser, ret_value);
    if (first == '"')
        return parse_string(parser, ret_value);
    if (first == '*' || is_lower((char)(first | 0x20)))
        return parse_token(parser, ret_value);
    if (first == ':')
        return parse_bytes(parser, ret_value);
    if (first == '?')
        return parse_boolean(parser, ret_value);
    if (first == '@')
        return parse_date(parser, ret_value);
    return first == '%' ? parse_display(parser, ret_value) : ERROR_INVALID;
}

static enum error add_parameter(struct parser *parser, struct structured_parameters *parameters,
    const struct structured_parameter *parameter)
{
    for (uint32_t i = 0; i < parameters->count; i++) {
        if (slice_equal(parameters->items[i].key, parameter->key)) {
            parameters->items[i].value = parameter->value;
            return ERROR_NONE;
        }
    }
    void *items = parameters->items;
    enum error error = grow(parser, &items, parameters->count, sizeof(*parameter));
    if (error != ERROR_NONE)
        return error;
    parameters->items = items;
    parameters->items[parameters->count++] = *parameter;
    return ERROR_NONE;
}

static enum error parse_parameters(struct parser *parser, struct structured_parameters *parameters)
{
    *parameters = (struct structured_parameters){0};
    while (take(parser, ';')) {
        struct structured_parameter parameter = {
            .value = {.type = STRUCTURED_BOOLEAN, .number = 1}};
        skip_spaces(parser);
        enum error error = parse_key(parser, &parameter.key);
        if (error == ERROR_NONE && take(parser, '='))
            error = parse_value(parser, &parameter.value);
        if (error == ERROR_NONE)
            error = add_parameter(parser, parameters, &parameter);
        if (error != ERROR_NONE)
            return error;
    }
    return ERROR_NONE;
}

static enum error parse_item(struct parser *parser, struct structured_member *item)
{
    enum error error = parse_value(parser, &item->value);
    return error != ERROR_NONE ? error : parse_parameters(parser, &item->parameters);
}

static enum error parse_inner_list(struct parser *parser, struct structured_member *list)
{
    list->is_list = true;
    parser->at++;
    for (;;) {
        skip_spaces(parser);
        if (take(parser, ')'))
            return parse_parameters(parser, &list->parameters);
        struct structured_member item = {0};
        void *items = list->items;
        enum error error = parse_item(parser, &item);
        if (error == ERROR_NONE && peek(parser) != ' ' && peek(parser) != ')')
            error = ERROR_INVALID;
        if (error == ERROR_NONE)
            error = grow(parser, &items, list->count, sizeof(item));
        if (error != ERROR_NONE)
            return error;
        list->items = items;
        list->items[list->count++] = item;
    }
}

static enum error parse_list_member(struct parser *parser, struct structured_member *member)
{
    return peek(parser) == '(' ? parse_inner_list(parser, member) : parse_item(parser, member);
}

static enum error parse_dictionary_member(struct parser *parser, struct structured_member *member)
{
    enum error error = parse_key(parser, &member->key);
    if (error != ERROR_NONE)
        return error;
    if (take(parser, '='))
        return parse_list_member(parser, member);
    member->value = (struct structured_value){.type = STRUCTURED_BOOLEAN, .number = 1};
    return parse_parameters(parser, &member->parameters);
}

// Of a key that stands twice the last one counts, in the first one's place.
static enum error add_member(struct parser *parser, struct structured_members *members,
    const struct structured_member *member)
{
    for (uint32_t i = 0; member->key.data != NULL && i < members->count; i++) {
        if (slice_equal(members->items[i].key, member->key)) {
            members->items[i] = *member;
            return ERROR_NONE;
        }
    }
    void *items = members->items;
    enum error error = grow(parser, &items, members->count, sizeof(*member));
    if (error != ERROR_NONE)
        return error;
    members->items = items;
    members->items[members->count++] = *member;
    return ERROR_NONE;
}

static enum error parse_members(struct parser *parser, bool dictionary,
    struct structured_members *members)
{
    while (parser->at < parser->end) {
        struct structured_member member = {0};
        enum error error = dictionary ? parse_dictionary_member(parser, &member)
                                      : parse_list_member(parser, &member);
        if (error == ERROR_NONE)
            error = add_member(parser, members, &member);
        if (error != ERROR_NONE)
            return error;
        skip_whitespace(parser);
        if (parser->at == parser->end)
            return ERROR_NONE;
        if (!take(parser, ','))
            return ERROR_INVALID;
        skip_whitespace(parser);
        if (parser->at == parser->end)
            return ERROR_INVALID;
    }
    return ERROR_NONE;
}

// Spaces around the whole are not part of it; a tab before it, or after an item, is an error
// (section 4.2).
static struct parser parser_of(struct slice text, struct arena *arena, uint32_t most)
{
    while (text.size > 0 && text.data[0] == ' ')
        text = slice_of(text.data + 1, text.size - 1);
    while (text.size > 0 && text.data[text.size - 1] == ' ')
        text.size--;
    return (struct parser){text.data, text.size == 0 ? text.data : text.data + text.size, arena,
        most};
}

enum error structured_parse_item(struct slice text, struct arena *arena, uint32_t most,
    struct structured_member *ret_item)
{
    struct parser parser = parser_of(text, arena, most);
    struct structured_member item = {0};
    enum error error = parse_item(&parser, &item);
    if (error == ERROR_NONE && parser.at < parser.end)
        error = ERROR_INVALID;
    if (error == ERROR_NONE)
        *ret_item = item;
    return error;
}

static enum error parse_whole(struct slice text, struct arena *arena, uint32_t most,
    bool dictionary, struct structured_members *ret_members)
{
    struct parser parser = parser_of(text, arena, most);
    struct structured_members members = {0};
    enum error error = parse_members(&parser, dictionary, &members);
    if (error == ERROR_NONE)
        *ret_members = members;
    return error;
}

enum error structured_parse_list(struct slice text, struct arena *arena, uint32_t most,
    struct structured_members *ret_list)
{
    return parse_whole(text, arena, most, false, ret_list);
}

enum error structured_parse_dictionary(struct slice text, struct arena *arena, uint32_t most,
    struct structured_members *ret_dictionary)
{
    return parse_whole(text, arena, most, true, ret_dictionary);
}

const struct structured_member *structured_find(const struct structured_members *dictionary,
    struct slice key)
{
    for (uint32_t i = 0; i < dictionary->count; i++) {
        if (slice_equal(dictionary->items[i].key, key))
            return &dictionary->items[i];
    }
    return NULL;
}

const struct structured_value *structured_find_parameter(
    const struct structured_parameters *parameters, struct slice key)
{
    for (uint32_t i = 0; i < parameters->count; i++) {
        if (slice_equal(parameters->items[i].key, key))
            return &parameters->items[i].value;
    }
    return NULL;
}
