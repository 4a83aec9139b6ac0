// Objects: how they are made from heads, and what time says of them. What is sent from one for a
// given request is in object_select.c.
#include "cache/object.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "base/text.h"
#include "cache/selector.h"
#include "cache/tag.h"

#include <malloc.h>

#define MALLOC_HEADER 8
#define BACKOFF_FIRST_MS 1000
#define NS_PER_DS (100 * NS_PER_MS)
#define AGE_IN_SECONDS (UINT32_C(1) << 31)

// --- Views ---

static const char *object_text(const struct object *object)
{
    return (const char *)(object->tags + object->tag_count);
}

struct slice object_key(const struct object *object)
{
    return slice_of(object_text(object), object->key_size);
}

static struct slice object_selectors(const struct object *object)
{
    return slice_of(object_text(object) + object->key_size, object->selectors_size);
}

struct slice object_fields(const struct object *object)
{
    return slice_of(object_text(object) + object->key_size + object->selectors_size,
        object->fields_size);
}

bool object_next_field(struct slice *rest, struct http_field *ret_field)
{
    if (rest->size == 0)
        return false;
    struct slice value = slice_cut(rest, '\r');
    *rest = slice_of(rest->data + 1, rest->size - 1); // the LF
    struct slice name = slice_cut(&value, ':');
    *ret_field = (struct http_field){name, slice_trim(value), http_name_find(name)};
    return true;
}

struct slice object_field(const struct object *object, enum http_name name)
{
    struct slice rest = object_fields(object);
    struct slice text = http_name_text(name);
    struct http_field field;
    while (rest.size > text.size) {
        if (rest.data[text.size] == ':'
            && slice_equal_nocase(slice_of(rest.data, text.size), text)
            && object_next_field(&rest, &field))
            return field.value;
        const char *end = memchr(rest.data, '\n', rest.size);
        rest = slice_of(end + 1, rest.size - (size_t)(end + 1 - rest.data));
    }
    return SLICE_EMPTY;
}

struct slice object_etag(const struct object *object)
{
    struct slice etag = object_field(object, HTTP_NAME_ETAG);
    return http_etag_is_valid(etag) ? etag : SLICE_EMPTY;
}

struct slice object_last_modified(const struct object *object)
{
    return object_field(object, HTTP_NAME_LAST_MODIFIED);
}

uint64_t object_length(const struct object *object)
{
    if (object->body != NULL && body_state(object->body) == BODY_COMPLETE)
        return body_size(object->body);
    return object->content_length;
}

// --- Making ---

// What a response that others get too lacks: the fields that it lists as private (RFC 9111 sections
// 5.2.2.4 and 5.2.2.7), and by a rule of the site its cookies.
struct sharing {
    struct http_cache_control control;
    bool drops_set_cookie;
};

// Not kept (RFC 9111 section 3.1), or told anew with every answer, or not for others; sharing NULL:
// there are none.
static bool is_stored_field(const struct http_fields *fields, const struct http_field *field,
    const struct sharing *sharing)
{
    if (sharing != NULL && sharing->control.list_count > 0
        && http_cache_control_lists(&sharing->control, field->name))
        return false;
    if (sharing != NULL && sharing->drops_set_cookie && field->known == HTTP_NAME_SET_COOKIE)
        return false;
    return field->known != HTTP_NAME_AGE && field->known != HTTP_NAME_CONTENT_LENGTH
        && !http_field_is_hop_by_hop(fields, field)
        && !slice_equal_nocase(field->name, SLICE("proxy-authentication-info"));
}

static size_t line_write(struct slice name, struct slice value, char *buffer)
{
    size_t size = name.size + value.size + 4;
    if (buffer != NULL) {
        struct text text = text_in(buffer, size);
        text_append(&text, name);
        text_append(&text, SLICE(": "));
        text_append(&text, value);
        text_append(&text, SLICE("\r\n"));
    }
    return size;
}

// A response without Date gets one (RFC 9110 section 6.6.1).
static size_t fields_write(const struct http_fields *fields, const struct sharing *sharing,
    int64_t wall_ms, char *buffer)
{
    size_t size = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct http_field *field = &fields->items[i];
        if (is_stored_field(fields, field, sharing))
            size += line_write(field->name, field->value, buffer == NULL ? NULL : buffer + size);
    }
    if (http_fields_find(fields, HTTP_NAME_DATE) == NULL) {
        char date[HTTP_DATE_SIZE];
        http_date_format(wall_ms / 1000, date);
        size += line_write(SLICE("Date"), slice_of(date, sizeof(date)),
            buffer == NULL ? NULL : buffer + size);
    }
    return size;
}

static enum error find_selectors(const struct http_fields *fields, struct selector_names *names)
{
    names->count = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].known != HTTP_NAME_VARY)
            continue;
        enum error error = selector_names_add(names, fields->items[i].value);
        if (error != ERROR_NONE)
            return error;
    }
    return ERROR_NONE;
}

static uint32_t seconds_of(uint64_t ms)
{
    return (uint32_t)MINIMUM(ms / 1000, UINT32_MAX);
}

static uint32_t seconds_above(uint64_t ms)
{
    return (uint32_t)MINIMUM(ms / 1000 + (ms % 1000 != 0), UINT32_MAX);
}

// Exact where it matters for freshness, and never less than 68 years.
static uint32_t pack_age(uint64_t ms)
{
    if (ms < AGE_IN_SECONDS)
        return (uint32_t)ms;
    return AGE_IN_SECONDS | (uint32_t)MINIMUM(ms / 1000, AGE_IN_SECONDS - 1);
}

static uint64_t initial_age_ms(const struct object *object)
{
    uint32_t age = object->initial_age;
    return age < AGE_IN_SECONDS ? age : (uint64_t)(age & ~AGE_IN_SECONDS) * 1000;
}

// RFC 9110 section 7.7 and RFC 9111 section 5.2.2.6. Not what is a part, and not what has no
// content.
static uint16_t coding_flags(const struct http_response_head *response)
{
    const struct http_fields *fields = &response->fields;
    struct http_cache_control control;
    uint16_t flags = 0;
    http_cache_control_parse(fields, &control);
    bool is_usual = response->status == 200 || response->status == 201 || response->status == 203
        || (response->status >= 400 && response->status != 416);
    if (is_usual && !control.no_transform
        && http_fields_find(fields, HTTP_NAME_CONTENT_ENCODING) == NULL
        && http_fields_find(fields, HTTP_NAME_CONTENT_RANGE) == NULL)
        flags |= OBJECT_MAY_BE_CODED;
    if (http_fields_find(fields, HTTP_NAME_CONTENT_ENCODING) != NULL)
        flags |= OBJECT_IS_CODED;
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].known == HTTP_NAME_VARY
            && (http_list_has_token(fields->items[i].value, SLICE("accept-encoding"))
                || http_list_has_token(fields->items[i].value, SLICE("*"))))
            flags |= OBJECT_VARIES_BY_ENCODING;
    }
    return flags;
}

static void set_times(struct object *object, const struct judgement *judgement, uint64_t now_ns)
{
    object->stored_ns = now_ns;
    object->initial_age = pack_age(judgement->initial_age_ms);
    object->lifetime_s = seconds_of(judgement->lifetime_ms);
    object->while_revalidate_s = seconds_above(judgement->while_revalidate_ms);
    object->stale_s = seconds_above(judgement->stale_ms);
}

struct object *object_create(const struct cache_key *key, const struct http_request_head *request,
    const struct http_response_head *response, const struct judgement *judgement, uint64_t now_ns,
    int64_t wall_ms, struct body *body)
{
    struct selector_names names = {.count = 0};
    // More names than we compare by are as good as "*".
    bool storable = judgement->store == JUDGE_STORE
        && find_selectors(&response->fields, &names) == ERROR_NONE
        && tags_write(&response->fields, NULL) <= UINT16_MAX;
    size_t key_size = storable ? key->text.size : 0;
    size_t selectors_size = storable ? selector_write(&names, &request->fields, NULL) : 0;
    struct sharing sharing = {.drops_set_cookie = judgement->drops_set_cookie};
    if (storable)
        http_cache_control_parse_response(&response->fields, &sharing.control);
    const struct sharing *shared = storable ? &sharing : NULL;
    size_t fields_size = fields_write(&response->fields, shared, wall_ms, NULL);
    size_t tag_count = storable ? tags_write(&response->fields, NULL) : 0;
    struct object *object = memory_alloc(
        sizeof(*object) + tag_count * sizeof(uint32_t) + key_size + selectors_size + fields_size);
    if (object == NULL) {
        body_release(body);
        return NULL;
    }
    *object = (struct object){
        .references = 1,
        .status = response->status,
        .storable = storable,
        .content_length = response->has_content_length ? response->content_length : UINT64_MAX,
        .body = body,
        .key_size = (uint32_t)key_size,
        .selectors_size = (uint32_t)selectors_size,
        .fields_size = (uint32_t)fields_size,
        .entry = {.hash = storable ? key->hash.low : 0, .owners = coding_flags(response)},
    };
    set_times(object, judgement, now_ns);
    if (storable)
        object->tag_count = (uint16_t)tags_write(&response->fields, object->tags);
    char *text = (char *)(object->tags + object->tag_count);
    if (key_size > 0)
        memcpy(text, key->text.data, key_size);
    if (storable)
        selector_write(&names, &request->fields, text + key_size);
    fields_write(&response->fields, shared, wall_ms, text + key_size + selectors_size);
    return object;
}

static size_t lines_apart(const struct http_fields *fields, const struct sharing *sharing,
    char *buffer)
{
    size_t size = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct http_field *field = &fields->items[i];
        if (is_stored_field(fields, field, NULL) && !is_stored_field(fields, field, sharing))
            size += line_write(field->name, field->value, buffer == NULL ? NULL : buffer + size);
    }
    return size;
}

enum error object_fields_apart(const struct http_response_head *response, bool drops_set_cookie,
    struct slice *ret_lines)
{
    struct sharing sharing;
    http_cache_control_parse_response(&response->fields, &sharing.control);
    // A cookie in a 304 is for the one who asked: the copy is not about him.
    sharing.drops_set_cookie = drops_set_cookie || response->status == 304;
    bool any = sharing.control.list_count > 0 || sharing.drops_set_cookie;
    size_t size = any ? lines_apart(&response->fields, &sharing, NULL) : 0;
    if (size == 0)
        return ERROR_NONE;
    char *lines = memory_alloc(size);
    if (lines == NULL)
        return ERROR_MEMORY;
    lines_apart(&response->fields, &sharing, lines);
    *ret_lines = slice_of(lines, size);
    return ERROR_NONE;
}

struct object *object_reference(struct object *object)
{
    atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
    return object;
}

void object_release(struct object *object)
{
    if (object == NULL)
        return;
    uint32_t before = atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel);
    invariant(before > 0);
    if (before > 1)
        return;
    body_release(object->body);
    object_free_forms(object);
    memory_free(object);
}

uint64_t object_footprint(const struct object *object)
{
    // glibc's own count of what it gave; the argument is only looked at.
    uint64_t size = malloc_usable_size((void *)(uintptr_t)object) + MALLOC_HEADER;
    return size + object_forms_footprint(object)
        + (object->body == NULL ? 0 : body_footprint(object->body));
}

// --- Updating by a 304 ---

bool object_is_confirmed(const struct object *object, const struct http_response_head *not_modified)
{
    struct slice etag = http_fields_value(&not_modified->fields, HTTP_NAME_ETAG);
    struct slice modified = http_fields_value(&not_modified->fields, HTTP_NAME_LAST_MODIFIED);
    if (etag.data != NULL && http_etag_is_strong(etag))
        return http_etag_equal_strong(etag, object_etag(object));
    if (etag.data != NULL)
        return http_etag_equal_weak(etag, object_etag(object));
    return modified.data == NULL || slice_equal(modified, object_last_modified(object));
}

// Of the 304, what does not replace what is stored: its length, what describes a content that it
// did not bring (RFC 9111 section 3.2), and what is for the one who asked.
static bool is_updating_field(const struct http_fields *fields, const struct http_field *field)
{
    return is_stored_field(fields, field, NULL) && field->known != HTTP_NAME_CONTENT_ENCODING
        && field->known != HTTP_NAME_CONTENT_RANGE && field->known != HTTP_NAME_SET_COOKIE;
}

static bool is_replaced(const struct http_fields *update, const struct http_field *stored)
{
    for (uint32_t i = 0; i < update->count; i++) {
        if (is_updating_field(update, &update->items[i])
            && slice_equal_nocase(update->items[i].name, stored->name))
            return true;
    }
    return false;
}

// The stored fields with the update's in their place. Date and Age are the update's or none: a 304
// without Date came now. ret_fields has capacity for all.
static void merge_fields(const struct object *object, const struct http_fields *update,
    struct http_fields *ret_fields)
{
    struct slice rest = object_fields(object);
    struct http_field field;
    while (object_next_field(&rest, &field)) {
        if (field.known != HTTP_NAME_DATE && !is_replaced(update, &field))
            ret_fields->items[ret_fields->count++] = field;
    }
    for (uint32_t i = 0; i < update->count; i++) {
        if (is_updating_field(update, &update->items[i]) || update->items[i].known == HTTP_NAME_AGE)
            ret_fields->items[ret_fields->count++] = update->items[i];
    }
}

static uint32_t field_count(const struct object *object)
{
    struct slice rest = object_fields(object);
    struct http_field field;
    uint32_t count = 0;
    while (object_next_field(&rest, &field))
        count++;
    return count;
}

struct object *object_refresh(const struct object *object, const struct http_request_head *request,
    const struct http_response_head *not_modified, const struct judge_policy *policy,
    int64_t request_time_ms, int64_t response_time_ms, uint64_t now_ns)
{
    uint32_t capacity = field_count(object) + not_modified->fields.count;
    struct http_field *items = memory_alloc((capacity + 1) * sizeof(*items)); // never 0 bytes
    if (items == NULL)
        return NULL;
    struct http_response_head head = {
        .status = object->status,
        .fields = {.items = items, .capacity = capacity},
        .has_content_length = object->content_length != UINT64_MAX,
        .content_length = object->content_length,
    };
    merge_fields(object, &not_modified->fields, &head.fields);
    struct judgement judgement;
    judge_response(request, &head, policy, request_time_ms, response_time_ms, &judgement);
    if (!object->storable)
        judgement.store = JUDGE_NEVER;
    struct cache_key key = {.text = object_key(object), .hash = {.low = object->entry.hash}};
    struct body *body = object->body == NULL ? NULL : body_reference(object->body);
    struct object *refreshed = object_create(&key, request, &head, &judgement, now_ns,
        response_time_ms, body);
    memory_free(items);
    if (refreshed != NULL)
        object_share_forms(refreshed, object);
    return refreshed;
}

// --- Variants ---

static bool is_coded(const struct object *object)
{
    return (object_flags(object) & OBJECT_IS_CODED) != 0;
}

// Whether the visitor's Accept-Encoding allows the codings that the origin has applied. Without
// that field anything is acceptable (RFC 9110 section 12.5.3); of codings that are not ours we know
// nothing.
static bool accepts_coding(const struct object *object, const struct http_fields *request)
{
    struct slice list = object_field(object, HTTP_NAME_CONTENT_ENCODING), name;
    struct http_accept_encoding accept;
    if (http_fields_find(request, HTTP_NAME_ACCEPT_ENCODING) == NULL)
        return true;
    http_accept_encoding_parse(request, &accept);
    while (http_list_next(&list, &name)) {
        enum http_coding coding;
        if (http_coding_find(name, &coding) && accept.weights[coding] == 0)
            return false;
    }
    return true;
}

bool object_matches(const struct object *object, const struct http_fields *request)
{
    return selector_matches(object_selectors(object), request)
        && (!is_coded(object) || accepts_coding(object, request));
}

bool object_speaks_preferred(const struct object *object, const struct http_fields *request)
{
    struct slice selectors = object_selectors(object), rest = object_fields(object), language = {0};
    struct http_field field;
    if (selectors.size == 0)
        return false;
    while (language.size == 0 && object_next_field(&rest, &field)) {
        if (slice_equal_nocase(field.name, SLICE("content-language")))
            language = field.value;
    }
    return language.size > 0 && selector_matches_language(selectors, request, language)
        && (!is_coded(object) || accepts_coding(object, request));
}

bool object_has_same_selectors(const struct object *a, const struct object *b)
{
    return slice_equal(object_selectors(a), object_selectors(b)) && is_coded(a) == is_coded(b)
        && (!is_coded(a) || slice_equal_nocase(object_field(a, HTTP_NAME_CONTENT_ENCODING),
            object_field(b, HTTP_NAME_CONTENT_ENCODING)));
}

uint64_t object_identity(const struct object *object)
{
    uint64_t hash = hash_bytes(object_selectors(object), 0);
    struct slice coding = is_coded(object) ? object_field(object, HTTP_NAME_CONTENT_ENCODING)
                                           : SLICE_EMPTY;
    for (size_t i = 0; i < coding.size; i++) {
        char byte = coding.data[i];
        hash = hash * 31 + (unsigned char)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
    }
    return hash;
}

struct hash128 object_variant(struct slice vary, const struct http_fields *request)
{
    struct selector_names names = {.count = 0};
    if (selector_names_add(&names, vary) != ERROR_NONE)
        return (struct hash128){0}; // never stored, so nobody waits for it by this
    return selector_hash(&names, request);
}

struct hash128 object_variant_of(const struct object *object, const struct http_fields *request)
{
    struct selector_names names;
    selector_names_of(object_selectors(object), &names);
    return selector_hash(&names, request);
}

// --- Time ---

// Another loop's clock may be a little behind the one that stored it.
static uint64_t ns_since_stored(const struct object *object, uint64_t now_ns)
{
    return now_ns > object->stored_ns ? now_ns - object->stored_ns : 0;
}

uint64_t object_age_ms(const struct object *object, uint64_t now_ns)
{
    return initial_age_ms(object) + ns_since_stored(object, now_ns) / NS_PER_MS;
}

static bool is_purged(const struct object *object)
{
    return atomic_load_explicit(&object->purged, memory_order_relaxed);
}

bool object_is_fresh(const struct object *object, uint64_t now_ns)
{
    return object_age_ms(object, now_ns) < object_lifetime_ms(object) && !is_purged(object);
}

bool object_may_revalidate_behind(const struct object *object, uint64_t now_ns)
{
    uint64_t age_ms = object_age_ms(object, now_ns);
    return !is_purged(object) && age_ms >= object_lifetime_ms(object)
        && age_ms < object_lifetime_ms(object) + object_while_revalidate_ms(object);
}

bool object_may_go_stale(const struct object *object, uint64_t now_ns)
{
    return object->stale_s > 0
        && object_age_ms(object, now_ns) < object_lifetime_ms(object) + object_stale_ms(object);
}

bool object_in_backoff(const struct object *object, uint64_t now_ns)
{
    uint32_t end_ds = atomic_load_explicit(&object->backoff_end_ds, memory_order_relaxed);
    return ns_since_stored(object, now_ns) < end_ds * NS_PER_DS;
}

void object_back_off(struct object *object, uint64_t now_ns, uint64_t maximum_ms)
{
    uint16_t failures = atomic_load_explicit(&object->failures, memory_order_relaxed);
    if (failures < UINT16_MAX) // of two at once, one may go uncounted
        atomic_store_explicit(&object->failures, failures + 1, memory_order_relaxed);
    uint64_t ms = failures < 32 ? (uint64_t)BACKOFF_FIRST_MS << failures : UINT64_MAX;
    uint64_t end_ds = ns_since_stored(object, now_ns) / NS_PER_DS + MINIMUM(ms, maximum_ms) / 100
        + 1;
    atomic_store_explicit(&object->backoff_end_ds, (uint32_t)MINIMUM(end_ds, UINT32_MAX),
        memory_order_relaxed);
}
