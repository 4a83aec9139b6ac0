// Field names known to the code, lists of fields, and the list syntax inside values.
#include "http/field.h"

#include "http/characters.h"

static const struct slice name_texts[HTTP_NAME_COUNT] = {
#define X(name, text) [HTTP_NAME_##name] = {text, sizeof(text) - 1},
    HTTP_NAME_MAP(X)
#undef X
};

#define NAME_SIZE_MAX 20
#define N(name) HTTP_NAME_##name

// The known names of each length, zero at the end; few enough that the first letter decides.
static const uint8_t names_by_size[NAME_SIZE_MAX + 1][7] = {
    [2] = {N(TE)},
    [3] = {N(AGE), N(VIA)},
    [4] = {N(HOST), N(DATE), N(ETAG), N(VARY), N(XKEY)},
    [5] = {N(ALLOW), N(RANGE)},
    [6] = {N(ACCEPT), N(COOKIE), N(SERVER), N(EXPECT), N(PRAGMA)},
    [7] = {N(EXPIRES), N(UPGRADE), N(TRAILER), N(WARNING)},
    [8] = {N(LOCATION), N(IF_RANGE), N(IF_MATCH)},
    [9] = {N(FORWARDED), N(CACHE_TAG)},
    [10] = {N(CONNECTION), N(USER_AGENT), N(SET_COOKIE), N(KEEP_ALIVE), N(CACHE_TAGS)},
    [11] = {N(RETRY_AFTER), N(AFLOAT_PEER)},
    [12] = {N(CONTENT_TYPE), N(CACHE_STATUS), N(PROXY_STATUS), N(MAX_FORWARDS), N(X_CACHE_TAGS),
        N(AFLOAT_DEBUG)},
    [13] = {N(CACHE_CONTROL), N(LAST_MODIFIED), N(IF_NONE_MATCH), N(AUTHORIZATION),
        N(CONTENT_RANGE), N(SURROGATE_KEY)},
    [14] = {N(CONTENT_LENGTH), N(X_MAGENTO_TAGS)},
    [15] = {N(ACCEPT_ENCODING), N(X_FORWARDED_FOR)},
    [16] = {N(CONTENT_ENCODING), N(X_FORWARDED_HOST), N(PROXY_CONNECTION), N(CONTENT_LOCATION),
        N(PURGE_CACHE_TAGS)},
    [17] = {N(IF_MODIFIED_SINCE), N(TRANSFER_ENCODING), N(X_FORWARDED_PROTO), N(SURROGATE_CONTROL),
        N(CDN_CACHE_CONTROL)},
    [18] = {N(PROXY_AUTHENTICATE)},
    [19] = {N(IF_UNMODIFIED_SINCE), N(PROXY_AUTHORIZATION)},
    [20] = {N(AFLOAT_CACHE_CONTROL)},
};

enum http_name http_name_find(struct slice name)
{
    if (name.size < 2 || name.size > NAME_SIZE_MAX)
        return HTTP_NAME_OTHER;
    char first = (char)(name.data[0] | 0x20);
    for (const uint8_t *at = names_by_size[name.size]; *at != HTTP_NAME_OTHER; at++) {
        if (name_texts[*at].data[0] == first && slice_equal_nocase(name_texts[*at], name))
            return (enum http_name)*at;
    }
    return HTTP_NAME_OTHER;
}

struct slice http_name_text(enum http_name name)
{
    return name_texts[name];
}

const struct http_field *http_fields_find(const struct http_fields *fields, enum http_name name)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].known == name)
            return &fields->items[i];
    }
    return NULL;
}

const struct http_field *http_fields_find_text(const struct http_fields *fields, struct slice name)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        if (slice_equal_nocase(fields->items[i].name, name))
            return &fields->items[i];
    }
    return NULL;
}

struct slice http_fields_value(const struct http_fields *fields, enum http_name name)
{
    const struct http_field *field = http_fields_find(fields, name);
    return field == NULL ? SLICE_EMPTY : field->value;
}

uint32_t http_fields_count(const struct http_fields *fields, enum http_name name)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < fields->count; i++)
        count += fields->items[i].known == name;
    return count;
}

enum error http_fields_joined(const struct http_fields *fields, struct slice name,
    struct arena *arena, struct slice *ret_value)
{
    const struct http_field *first = http_fields_find_text(fields, name);
    if (first == NULL) {
        *ret_value = SLICE_EMPTY;
        return ERROR_NONE;
    }
    const struct http_field *end = fields->items + fields->count;
    size_t size = 0, count = 0;
    for (const struct http_field *field = first; field < end; field++) {
        if (slice_equal_nocase(field->name, name)) {
            size += field->value.size + 2;
            count++;
        }
    }
    if (count == 1) {
        *ret_value = first->value;
        return ERROR_NONE;
    }
    char *joined = arena_alloc(arena, size);
    if (joined == NULL)
        return ERROR_MEMORY;
    char *at = joined;
    for (const struct http_field *field = first; field < end; field++) {
        if (!slice_equal_nocase(field->name, name))
            continue;
        if (field->value.size > 0)
            memcpy(at, field->value.data, field->value.size);
        at += field->value.size;
        *at++ = ',';
        *at++ = ' ';
    }
    *ret_value = slice_of(joined, size - 2);
    return ERROR_NONE;
}

enum error http_fields_add(struct http_fields *fields, struct slice name, struct slice value)
{
    if (fields->count >= fields->capacity)
        return ERROR_LIMIT;
    fields->items[fields->count++] = (struct http_field){name, value, http_name_find(name)};
    return ERROR_NONE;
}

// The offset of the first comma outside quoted strings, or the size.
static size_t element_size(struct slice list)
{
    bool quoted = false;
    for (size_t i = 0; i < list.size; i++) {
        if (list.data[i] == '"')
            quoted = !quoted;
        else if (list.data[i] == '\\' && quoted)
            i++;
        else if (list.data[i] == ',' && !quoted)
            return i;
    }
    return list.size;
}

bool http_list_next(struct slice *rest, struct slice *ret_element)
{
    while (rest->size > 0) {
        size_t size = element_size(*rest);
        struct slice element = slice_trim(slice_of(rest->data, size));
        size_t taken = size < rest->size ? size + 1 : size;
        *rest = slice_of(rest->data + taken, rest->size - taken);
        if (element.size > 0) {
            *ret_element = element;
            return true;
        }
    }
    return false;
}

bool http_list_has_token(struct slice list, struct slice token)
{
    struct slice element;
    while (http_list_next(&list, &element)) {
        if (slice_equal_nocase(slice_trim(slice_cut(&element, ';')), token))
            return true;
    }
    return false;
}

bool http_is_token(struct slice slice)
{
    return slice.size > 0 && http_characters_all(slice, HTTP_CHARACTER_TOKEN);
}

bool http_is_field_value(struct slice slice)
{
    if (slice.size == 0)
        return true;
    const char *end = slice.data + slice.size;
    return http_characters_skip_value(slice.data, end) == end;
}

bool http_name_is_hop_by_hop(enum http_name name)
{
    return name == HTTP_NAME_CONNECTION || name == HTTP_NAME_KEEP_ALIVE
        || name == HTTP_NAME_PROXY_CONNECTION || name == HTTP_NAME_PROXY_AUTHENTICATE
        || name == HTTP_NAME_PROXY_AUTHORIZATION || name == HTTP_NAME_TE
        || name == HTTP_NAME_TRAILER || name == HTTP_NAME_TRANSFER_ENCODING
        || name == HTTP_NAME_UPGRADE;
}

// A sender must not nominate these (RFC 9110 section 7.6.1: fields meant for all recipients, and
// those that hold the message together), and one that does shall not make us drop them.
static bool is_never_nominated(enum http_name name)
{
    return name == HTTP_NAME_HOST || name == HTTP_NAME_CONTENT_LENGTH
        || name == HTTP_NAME_CACHE_CONTROL;
}

bool http_field_is_hop_by_hop(const struct http_fields *fields, const struct http_field *field)
{
    if (http_name_is_hop_by_hop(field->known))
        return true;
    if (is_never_nominated(field->known))
        return false;
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].known == HTTP_NAME_CONNECTION
            && http_list_has_token(fields->items[i].value, field->name))
            return true;
    }
    return false;
}
