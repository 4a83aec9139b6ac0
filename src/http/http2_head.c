// From decoded fields to a request's head, and from an answer's lines to fields.
#include "http/http2_head.h"
#include "http/authority.h"
#include "http/characters.h"

#define FIELD_OVERHEAD 32 // RFC 9113 section 6.5.2
#define FIELDS_AT_FIRST 16

void http2_head_init(struct http2_head *head, struct arena *arena,
    const struct http2_head_limits *limits)
{
    *head = (struct http2_head){.arena = arena, .limits = *limits};
}

static bool names_connection(enum http_name known)
{
    return known == HTTP_NAME_CONNECTION || known == HTTP_NAME_KEEP_ALIVE
        || known == HTTP_NAME_PROXY_CONNECTION || known == HTTP_NAME_TRANSFER_ENCODING
        || known == HTTP_NAME_UPGRADE;
}

static bool is_lower_token(struct slice name)
{
    return name.size > 0 && http_characters_all(name, HTTP_CHARACTER_LOWER_TOKEN);
}

static bool is_clean_value(struct slice value)
{
    const char *end = value.data + value.size;
    return value.size == 0
        || (http_characters_skip_value(value.data, end) == end
            && value.data[0] != ' ' && value.data[0] != '\t' && end[-1] != ' ' && end[-1] != '\t');
}

enum http1_fault http2_field_check(struct slice name, struct slice value, enum http_name known)
{
    if (!is_lower_token(name))
        return HTTP1_FAULT_SYNTAX_FIELD;
    if (!is_clean_value(value))
        return HTTP1_FAULT_SYNTAX_CHARACTER;
    if (names_connection(known)
        || (known == HTTP_NAME_TE && !slice_equal_nocase(value, SLICE("trailers"))))
        return HTTP1_FAULT_CONNECTION_FIELD;
    return HTTP1_FAULT_NONE;
}

// Where a pseudo-header field of a request goes (section 8.3.1, RFC 8441 section 4); NULL: nowhere.
static struct slice *pseudo_place(struct http2_head *head, struct slice name)
{
    if (slice_equal(name, SLICE(":method")))
        return &head->method;
    if (slice_equal(name, SLICE(":path")))
        return &head->path;
    if (slice_equal(name, SLICE(":scheme")))
        return &head->scheme;
    if (slice_equal(name, SLICE(":authority")))
        return &head->authority;
    return slice_equal(name, SLICE(":protocol")) ? &head->protocol : NULL;
}

static enum http1_fault add_pseudo(struct http2_head *head, struct slice name, struct slice value)
{
    struct slice *place = pseudo_place(head, name);
    if (place == NULL || place->data != NULL || head->in_fields)
        return HTTP1_FAULT_PSEUDO;
    if (!is_clean_value(value))
        return HTTP1_FAULT_SYNTAX_CHARACTER;
    if (place == &head->path && value.size > head->limits.line_size)
        return HTTP1_FAULT_LINE_TOO_LONG;
    *place = arena_copy(head->arena, value);
    return place->data == NULL ? HTTP1_FAULT_HEAD_TOO_LARGE : HTTP1_FAULT_NONE;
}

static bool make_room(struct http2_head *head)
{
    if (head->count < head->capacity)
        return true;
    uint32_t capacity = head->capacity == 0 ? FIELDS_AT_FIRST : head->capacity * 2;
    struct http_field *items = arena_alloc(head->arena, capacity * sizeof(*items));
    if (items == NULL)
        return false;
    if (head->count > 0)
        memcpy(items, head->items, head->count * sizeof(*items));
    head->items = items;
    head->capacity = capacity;
    return true;
}

static enum http1_fault add_field(struct http2_head *head, struct slice name, struct slice value)
{
    enum http_name known = http_name_find(name);
    head->in_fields = true;
    enum http1_fault fault = http2_field_check(name, value, known);
    if (fault != HTTP1_FAULT_NONE)
        return fault;
    if (name.size + value.size > head->limits.line_size)
        return HTTP1_FAULT_HEAD_TOO_LARGE;
    if (head->count >= head->limits.field_count)
        return HTTP1_FAULT_TOO_MANY_FIELDS;
    char *bytes = arena_alloc(head->arena, name.size + value.size);
    if (bytes == NULL || !make_room(head))
        return HTTP1_FAULT_HEAD_TOO_LARGE;
    memcpy(bytes, name.data, name.size);
    if (value.size > 0)
        memcpy(bytes + name.size, value.data, value.size);
    head->items[head->count++] = (struct http_field){
        slice_of(bytes, name.size), slice_of(bytes + name.size, value.size), known};
    head->cookies += known == HTTP_NAME_COOKIE;
    return HTTP1_FAULT_NONE;
}

void http2_head_count(struct http2_head *head, struct slice name, struct slice value)
{
    head->list_size += name.size + value.size + FIELD_OVERHEAD;
}

void http2_head_add(struct http2_head *head, struct slice name, struct slice value)
{
    http2_head_count(head, name, value);
    if (head->fault != HTTP1_FAULT_NONE)
        return;
    if (head->list_size > head->limits.list_size)
        head->fault = HTTP1_FAULT_HEAD_TOO_LARGE;
    else if (name.size > 0 && name.data[0] == ':')
        head->fault = add_pseudo(head, name, value);
    else
        head->fault = add_field(head, name, value);
}

// Crumbs of one Cookie field (section 8.2.3): joined where the first one stood.
static bool join_cookies(struct http2_head *head)
{
    size_t size = 0;
    for (uint32_t i = 0; i < head->count; i++) {
        if (head->items[i].known == HTTP_NAME_COOKIE)
            size += head->items[i].value.size + 2;
    }
    char *bytes = arena_alloc(head->arena, size);
    if (bytes == NULL)
        return false;
    struct http_field *first = NULL;
    size_t at = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < head->count; i++) {
        struct http_field field = head->items[i];
        if (field.known == HTTP_NAME_COOKIE) {
            memcpy(bytes + at, "; ", 2);
            at += first == NULL ? 0 : 2;
            memcpy(bytes + at, field.value.data, field.value.size);
            at += field.value.size;
            if (first != NULL)
                continue;
            first = &head->items[kept];
        }
        head->items[kept++] = field;
    }
    if (first != NULL)
        first->value = slice_of(bytes, at);
    head->count = kept;
    return true;
}

// One authority, well formed: :authority, or Host where that is missing. Two that differ are two
// readings of one request (section 8.3.1).
static enum http1_fault find_authority(const struct http2_head *head,
    const struct http_fields *fields, struct slice *ret_authority)
{
    struct http_authority ignored;
    struct slice host = http_fields_value(fields, HTTP_NAME_HOST);
    struct slice authority = head->authority.data == NULL ? host : head->authority;
    if (http_fields_count(fields, HTTP_NAME_HOST) > 1
        || (host.data != NULL && !slice_equal_nocase(host, authority))
        || !http_authority_parse(authority, &ignored))
        return HTTP1_FAULT_HOST;
    *ret_authority = authority;
    return HTTP1_FAULT_NONE;
}

static enum http1_fault find_target(const struct http2_head *head,
    struct http_request_head *request)
{
    request->target = head->path;
    if (head->path.size == 0)
        return HTTP1_FAULT_PSEUDO;
    if (head->path.size == 1 && head->path.data[0] == '*') {
        request->path = head->path;
        return request->method == HTTP_METHOD_OPTIONS ? HTTP1_FAULT_NONE
                                                      : HTTP1_FAULT_SYNTAX_TARGET;
    }
    return head->path.data[0] == '/'
        && http_path_parse(head->path, &request->path, &request->query)
        ? HTTP1_FAULT_NONE : HTTP1_FAULT_SYNTAX_TARGET;
}

// Which pseudo-header fields there must be (sections 8.3.1 and 8.5, RFC 8441 section 4).
static enum http1_fault check_pseudo(const struct http2_head *head,
    struct http_request_head *request)
{
    struct http_authority authority;
    if (head->method.data == NULL || !http_is_token(head->method))
        return HTTP1_FAULT_PSEUDO;
    request->method_text = head->method;
    request->method = http_method_find(head->method);
    if (head->protocol.data != NULL) {
        if (request->method != HTTP_METHOD_CONNECT || !http_is_token(head->protocol)
            || head->authority.data == NULL)
            return HTTP1_FAULT_PSEUDO;
        request->protocol = head->protocol;
    } else if (request->method == HTTP_METHOD_CONNECT) {
        if (head->scheme.data != NULL || head->path.data != NULL || head->authority.data == NULL)
            return HTTP1_FAULT_PSEUDO;
        request->target = head->authority;
        return http_authority_parse(head->authority, &authority) && authority.port != 0
            ? HTTP1_FAULT_NONE : HTTP1_FAULT_SYNTAX_TARGET;
    }
    if (!slice_equal_nocase(head->scheme, SLICE("http"))
        && !slice_equal_nocase(head->scheme, SLICE("https")))
        return HTTP1_FAULT_PSEUDO;
    return find_target(head, request);
}

// Digits, once, and none that somebody could take for octal; what DATA brings is held against it by
// nghttp2. Without it the length of content to come is unknown, which in HTTP/1.1 is chunked.
static enum http1_fault find_framing(const struct http_fields *fields, bool ends,
    struct http_request_head *request)
{
    struct slice value = http_fields_value(fields, HTTP_NAME_CONTENT_LENGTH);
    if (value.data != NULL) {
        if (http_fields_count(fields, HTTP_NAME_CONTENT_LENGTH) > 1
            || (value.size > 1 && value.data[0] == '0')
            || !slice_parse_u64(value, INT64_MAX, &request->content_length)
            || (ends && request->content_length > 0)
            || request->method == HTTP_METHOD_CONNECT)
            return HTTP1_FAULT_LENGTH;
        request->framing = HTTP_FRAMING_LENGTH;
    } else if (!ends && request->method != HTTP_METHOD_CONNECT) {
        request->framing = HTTP_FRAMING_CHUNKED;
    } else if (request->method == HTTP_METHOD_POST || request->method == HTTP_METHOD_PUT
        || request->method == HTTP_METHOD_PATCH) {
        request->framing = HTTP_FRAMING_LENGTH; // of none, which HTTP/1.1 wants to be told
    }
    const struct http_field *expect = http_fields_find(fields, HTTP_NAME_EXPECT);
    if (expect != NULL && (!slice_equal_nocase(expect->value, SLICE("100-continue"))
        || http_fields_count(fields, HTTP_NAME_EXPECT) > 1))
        return HTTP1_FAULT_EXPECT;
    request->expect_continue = expect != NULL && !ends;
    return HTTP1_FAULT_NONE;
}

enum http1_fault http2_head_finish(struct http2_head *head, bool ends,
    struct http_request_head *ret_head)
{
    struct http_request_head request = {.major_version = 2, .keep_alive = true};
    if (head->fault == HTTP1_FAULT_NONE && head->cookies > 1 && !join_cookies(head))
        head->fault = HTTP1_FAULT_HEAD_TOO_LARGE;
    if (head->fault == HTTP1_FAULT_NONE)
        head->fault = check_pseudo(head, &request);
    request.fields = (struct http_fields){head->items, head->count, head->capacity};
    if (head->fault == HTTP1_FAULT_NONE)
        head->fault = find_authority(head, &request.fields, &request.authority);
    if (head->fault == HTTP1_FAULT_NONE)
        head->fault = find_framing(&request.fields, ends, &request);
    if (head->fault == HTTP1_FAULT_NONE)
        *ret_head = request;
    return head->fault;
}

bool http2_fault_is_malformed(enum http1_fault fault)
{
    return fault != HTTP1_FAULT_NONE && fault != HTTP1_FAULT_HEAD_TOO_LARGE
        && fault != HTTP1_FAULT_TOO_MANY_FIELDS && fault != HTTP1_FAULT_LINE_TOO_LONG
        && fault != HTTP1_FAULT_EXPECT;
}

// --- Answers ---

size_t http2_lines_count(struct slice lines)
{
    size_t count = 0;
    for (; lines.size > 0; count++)
        (void)slice_cut(&lines, '\n');
    return count;
}

// Most names are told by their size not to be one of those.
bool http2_name_is_forbidden(struct slice name)
{
    const uint32_t sizes = 1u << 7 | 1u << 10 | 1u << 16 | 1u << 17;
    return name.size < 32 && (sizes >> name.size & 1) != 0
        && names_connection(http_name_find(name));
}

size_t http2_fields_take_lines(struct slice *lines, nghttp2_nv *fields, size_t capacity)
{
    size_t count = 0;
    while (lines->size > 0 && count < capacity) {
        struct slice value = slice_cut(lines, '\n');
        struct slice name = slice_cut(&value, ':');
        if (value.data == NULL || http2_name_is_forbidden(name))
            continue;
        fields[count++] = http2_field(name, slice_trim(slice_cut(&value, '\r')));
    }
    return count;
}
