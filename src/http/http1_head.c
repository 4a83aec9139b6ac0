// One whole head to values: start line, fields, and what they say about target, framing and
// connection. Strict: see http1.h. The head was found by http1_scan, but nothing here relies on it.
#include "http/authority.h"
#include "http/characters.h"
#include "http/http1.h"

// Of all Connection values together, bytes. Each forwarded field is looked up in them, which must
// not become the most expensive thing that a visitor can ask for.
#define CONNECTION_SIZE_MAX 1024

struct reader {
    const char *at, *end;
};

// What the fields say that decides how the message is read, collected while they pass.
struct decisive {
    const struct http_field *host, *content_length, *transfer_encoding;
    uint32_t host_count, content_length_count, transfer_encoding_count;
    size_t connection_size;
    bool connection, expect;
};

// Cuts a line off: its text without CRLF, which must hold no other control character than tab.
static enum http1_fault read_line(struct reader *reader, struct slice *ret_line)
{
    const char *stop = http_characters_skip_value(reader->at, reader->end);
    if (stop == reader->end)
        return HTTP1_FAULT_SYNTAX_NEWLINE;
    if (*stop == '\n')
        return HTTP1_FAULT_SYNTAX_NEWLINE;
    if (*stop != '\r')
        return HTTP1_FAULT_SYNTAX_CHARACTER;
    if (reader->end - stop < 2 || stop[1] != '\n')
        return HTTP1_FAULT_SYNTAX_NEWLINE;
    *ret_line = slice_of(reader->at, (size_t)(stop - reader->at));
    reader->at = stop + 2;
    return HTTP1_FAULT_NONE;
}

// "HTTP/1.1" and nothing else (RFC 9112 section 2.3); a higher minor version counts as 1.
static enum http1_fault parse_version(struct slice text, uint8_t *ret_minor)
{
    if (text.size != 8 || memcmp(text.data, "HTTP/", 5) != 0 || text.data[6] != '.')
        return HTTP1_FAULT_SYNTAX_LINE;
    unsigned major = (unsigned char)text.data[5] - (unsigned)'0';
    unsigned minor = (unsigned char)text.data[7] - (unsigned)'0';
    if (major > 9 || minor > 9)
        return HTTP1_FAULT_SYNTAX_LINE;
    if (major != 1)
        return HTTP1_FAULT_VERSION;
    *ret_minor = (uint8_t)MINIMUM(minor, 1);
    return HTTP1_FAULT_NONE;
}

static enum http1_fault parse_path(struct slice text, struct http_request_head *head)
{
    return http_path_parse(text, &head->path, &head->query) ? HTTP1_FAULT_NONE
                                                            : HTTP1_FAULT_SYNTAX_TARGET;
}

// "http://host[:port][/path][?query]" (RFC 9112 section 3.2.2); no user information.
static enum http1_fault parse_absolute(struct slice target, struct http_request_head *head)
{
    struct slice scheme = SLICE("http://");
    bool secure = target.size > 5 && (target.data[4] == 's' || target.data[4] == 'S');
    if (secure)
        scheme = SLICE("https://");
    if (target.size < scheme.size
        || !slice_equal_nocase(slice_of(target.data, scheme.size), scheme))
        return HTTP1_FAULT_SYNTAX_TARGET;
    head->names_https = secure;
    struct slice rest = slice_of(target.data + scheme.size, target.size - scheme.size);
    struct http_authority authority;
    size_t size = 0;
    while (size < rest.size && rest.data[size] != '/' && rest.data[size] != '?')
        size++;
    head->authority = slice_of(rest.data, size);
    if (!http_authority_parse(head->authority, &authority))
        return HTTP1_FAULT_SYNTAX_TARGET;
    rest = slice_of(rest.data + size, rest.size - size);
    if (rest.size == 0) {
        head->path = head->method == HTTP_METHOD_OPTIONS ? SLICE("*") : SLICE("/");
        return HTTP1_FAULT_NONE;
    }
    enum http1_fault fault = parse_path(rest, head);
    if (fault == HTTP1_FAULT_NONE && head->path.size == 0)
        head->path = SLICE("/");
    return fault;
}

// The four forms of RFC 9112 section 3.2, each only where it belongs.
static enum http1_fault parse_target(struct http_request_head *head)
{
    if (head->method == HTTP_METHOD_CONNECT) {
        struct http_authority authority;
        if (!http_authority_parse(head->target, &authority) || authority.port == 0)
            return HTTP1_FAULT_SYNTAX_TARGET;
        head->authority = head->target;
        head->path = SLICE_EMPTY;
        return HTTP1_FAULT_NONE;
    }
    if (head->target.data[0] == '/')
        return parse_path(head->target, head);
    if (head->target.size == 1 && head->target.data[0] == '*') {
        head->path = head->target;
        return head->method == HTTP_METHOD_OPTIONS ? HTTP1_FAULT_NONE : HTTP1_FAULT_SYNTAX_TARGET;
    }
    return parse_absolute(head->target, head);
}

// method SP target SP version, single spaces, nothing else.
static enum http1_fault parse_request_line(struct slice line, struct http_request_head *head)
{
    const char *end = line.data + line.size;
    const char *method_end = http_characters_skip(line.data, end, HTTP_CHARACTER_TOKEN);
    if (method_end == line.data || method_end == end || *method_end != ' ')
        return HTTP1_FAULT_SYNTAX_LINE;
    const char *target = method_end + 1;
    const char *target_end = memchr(target, ' ', (size_t)(end - target));
    if (target_end == NULL || target_end == target)
        return HTTP1_FAULT_SYNTAX_LINE;
    head->method_text = slice_of(line.data, (size_t)(method_end - line.data));
    head->method = http_method_find(head->method_text);
    head->target = slice_of(target, (size_t)(target_end - target));
    struct slice version = slice_of(target_end + 1, (size_t)(end - target_end - 1));
    head->major_version = 1;
    enum http1_fault fault = parse_version(version, &head->minor_version);
    return fault != HTTP1_FAULT_NONE ? fault : parse_target(head);
}

// version SP status [ SP reason ]: the space before an absent reason is often forgotten, and its
// absence has only one reading.
static enum http1_fault parse_status_line(struct slice line, struct http_response_head *head)
{
    if (line.size < 12 || line.data[8] != ' ' || (line.size > 12 && line.data[12] != ' '))
        return HTTP1_FAULT_SYNTAX_LINE;
    enum http1_fault fault = parse_version(slice_of(line.data, 8), &head->minor_version);
    if (fault != HTTP1_FAULT_NONE)
        return fault;
    uint64_t status;
    if (!slice_parse_u64(slice_of(line.data + 9, 3), 999, &status))
        return HTTP1_FAULT_SYNTAX_LINE;
    if (status < 100 || status > 599)
        return HTTP1_FAULT_STATUS;
    head->status = (uint16_t)status;
    head->reason = line.size > 13 ? slice_of(line.data + 13, line.size - 13) : SLICE_EMPTY;
    return HTTP1_FAULT_NONE;
}

static void note_decisive(struct decisive *decisive, const struct http_field *field)
{
    if (field->known == HTTP_NAME_HOST) {
        decisive->host = field;
        decisive->host_count++;
    } else if (field->known == HTTP_NAME_CONTENT_LENGTH) {
        decisive->content_length = field;
        decisive->content_length_count++;
    } else if (field->known == HTTP_NAME_TRANSFER_ENCODING) {
        decisive->transfer_encoding = field;
        decisive->transfer_encoding_count++;
    } else if (field->known == HTTP_NAME_CONNECTION) {
        decisive->connection = true;
        decisive->connection_size += field->value.size;
    } else if (field->known == HTTP_NAME_EXPECT) {
        decisive->expect = true;
    }
}

// Why no colon follows the name, which ends at `stop`.
static enum http1_fault name_fault(const char *stop, const char *end)
{
    if (stop < end && *stop == '\r' && (end - stop < 2 || stop[1] != '\n'))
        return HTTP1_FAULT_SYNTAX_NEWLINE;
    if (stop < end && *stop != '\r' && !http_character_is(*stop, HTTP_CHARACTER_VALUE))
        return HTTP1_FAULT_SYNTAX_CHARACTER;
    return HTTP1_FAULT_SYNTAX_FIELD;
}

// field-name ":" OWS field-value OWS CRLF (RFC 9112 section 5); nothing between name and colon.
static enum http1_fault parse_field(struct reader *reader, const struct http1_limits *limits,
    struct http_field *ret_field)
{
    const char *begin = reader->at;
    if (begin < reader->end && (*begin == ' ' || *begin == '\t'))
        return HTTP1_FAULT_SYNTAX_FOLD;
    const char *colon = http_characters_skip(begin, reader->end, HTTP_CHARACTER_TOKEN);
    if (colon == reader->end || colon == begin || *colon != ':')
        return name_fault(colon, reader->end);
    reader->at = colon + 1;
    struct slice value;
    enum http1_fault fault = read_line(reader, &value);
    if (fault != HTTP1_FAULT_NONE)
        return fault;
    ret_field->name = slice_of(begin, (size_t)(colon - begin));
    if (ret_field->name.size + 1 + value.size > limits->line_size)
        return HTTP1_FAULT_HEAD_TOO_LARGE;
    ret_field->value = slice_trim(value);
    ret_field->known = http_name_find(ret_field->name);
    return HTTP1_FAULT_NONE;
}

// Field lines up to the empty line, which must end the head.
static enum http1_fault parse_fields(struct reader *reader, const struct http1_limits *limits,
    struct http_fields *fields, struct decisive *decisive)
{
    uint64_t most = MINIMUM(limits->field_count, fields->capacity);
    for (;;) {
        if (reader->end - reader->at >= 2 && reader->at[0] == '\r' && reader->at[1] == '\n') {
            reader->at += 2;
            return reader->at == reader->end ? HTTP1_FAULT_NONE : HTTP1_FAULT_SYNTAX_FIELD;
        }
        if (reader->at == reader->end)
            return HTTP1_FAULT_SYNTAX_FIELD;
        struct http_field field;
        enum http1_fault fault = parse_field(reader, limits, &field);
        if (fault != HTTP1_FAULT_NONE)
            return fault;
        if (fields->count >= most)
            return HTTP1_FAULT_TOO_MANY_FIELDS;
        fields->items[fields->count] = field;
        note_decisive(decisive, &fields->items[fields->count]);
        if (decisive->connection_size > CONNECTION_SIZE_MAX)
            return HTTP1_FAULT_HEAD_TOO_LARGE;
        fields->count++;
    }
}

// Exactly one, and its value a host. The empty value that RFC 9110 section 7.2 knows is for URIs
// without authority, which no request here can have (section 4.2.1). Only 1.0 may do without.
static enum http1_fault check_host(const struct decisive *decisive, struct http_request_head *head)
{
    struct http_authority authority;
    if (decisive->host_count == 0)
        return head->minor_version == 0 ? HTTP1_FAULT_NONE : HTTP1_FAULT_HOST;
    if (decisive->host_count > 1 || !http_authority_parse(decisive->host->value, &authority))
        return HTTP1_FAULT_HOST;
    if (head->authority.size == 0)
        head->authority = decisive->host->value;
    return HTTP1_FAULT_NONE;
}

// One field, decimal digits, no list even of equal values, no leading zero that somebody could take
// for octal, and small enough for a signed 64-bit reader.
static enum http1_fault parse_content_length(const struct decisive *decisive, uint64_t *ret_length)
{
    struct slice value = decisive->content_length->value;
    if (decisive->content_length_count > 1 || (value.size > 1 && value.data[0] == '0'))
        return HTTP1_FAULT_LENGTH;
    return slice_parse_u64(value, INT64_MAX, ret_length) ? HTTP1_FAULT_NONE : HTTP1_FAULT_LENGTH;
}

// Transfer-Encoding may say "chunked" and nothing else. A well-formed list that ends in chunked but
// holds other codings is one that we do not implement; without chunked at the end nobody
// knows where the message ends (RFC 9112 section 6.3), so that is malformed, as are empty
// elements and parameters.
static enum http1_fault check_coding(const struct decisive *decisive, uint8_t minor_version)
{
    const struct slice chunked = SLICE("chunked");
    struct slice rest = decisive->transfer_encoding->value;
    if (minor_version == 0 || decisive->transfer_encoding_count > 1)
        return HTTP1_FAULT_CODING_SYNTAX;
    if (slice_equal_nocase(rest, chunked))
        return HTTP1_FAULT_NONE;
    do {
        struct slice coding = slice_trim(slice_cut(&rest, ','));
        bool is_chunked = slice_equal_nocase(coding, chunked);
        if (rest.data == NULL)
            return is_chunked ? HTTP1_FAULT_CODING : HTTP1_FAULT_CODING_SYNTAX;
        struct slice name = slice_trim(slice_cut(&coding, ';'));
        if (is_chunked || !http_is_token(name))
            return HTTP1_FAULT_CODING_SYNTAX;
    } while (true);
}

// In a response, codings without chunked at the end leave its end to the connection's (RFC 9112
// section 6.3). What gzip and its like coded we do not decode, so that cannot be passed on; any
// other name codes nothing that is known ("identity", inventions), and the bytes are passed on.
static bool ends_with_connection(const struct decisive *decisive, uint8_t minor_version)
{
    static const struct slice applied[] = {SLICE("chunked"), SLICE("gzip"), SLICE("x-gzip"),
        SLICE("deflate"), SLICE("compress"), SLICE("x-compress")};
    if (minor_version == 0 || decisive->transfer_encoding_count != 1
        || decisive->content_length_count > 0)
        return false;
    struct slice rest = decisive->transfer_encoding->value;
    do {
        struct slice coding = slice_trim(slice_cut(&rest, ','));
        if (!http_is_token(coding))
            return false;
        for (size_t i = 0; i < ARRAY_SIZE(applied); i++) {
            if (slice_equal_nocase(coding, applied[i]))
                return false;
        }
    } while (rest.data != NULL);
    return true;
}

static enum http1_fault decide_framing(const struct decisive *decisive, uint8_t minor_version,
    enum http_framing *framing, uint64_t *content_length)
{
    if (decisive->transfer_encoding_count > 0) {
        if (decisive->content_length_count > 0)
            return HTTP1_FAULT_LENGTH_AND_CODING;
        *framing = HTTP_FRAMING_CHUNKED;
        return check_coding(decisive, minor_version);
    }
    if (decisive->content_length_count > 0) {
        *framing = HTTP_FRAMING_LENGTH;
        return parse_content_length(decisive, content_length);
    }
    return HTTP1_FAULT_NONE;
}

// RFC 9112 section 9.3.
static bool allows_another(const struct http_fields *fields, const struct decisive *decisive,
    uint8_t minor_version)
{
    bool close = false, keep = false;
    for (uint32_t i = 0; decisive->connection && i < fields->count; i++) {
        if (fields->items[i].known != HTTP_NAME_CONNECTION)
            continue;
        close = close || http_list_has_token(fields->items[i].value, SLICE("close"));
        keep = keep || http_list_has_token(fields->items[i].value, SLICE("keep-alive"));
    }
    return !close && (minor_version >= 1 || keep);
}

// RFC 9110 section 10.1.1: 100-continue is the only expectation; from 1.0 and without content to
// come it is ignored.
static enum http1_fault check_expect(struct http_request_head *head)
{
    for (uint32_t i = 0; i < head->fields.count; i++) {
        const struct http_field *field = &head->fields.items[i];
        if (field->known == HTTP_NAME_EXPECT
            && !slice_equal_nocase(field->value, SLICE("100-continue")))
            return HTTP1_FAULT_EXPECT;
    }
    head->expect_continue = head->minor_version >= 1
        && (head->framing == HTTP_FRAMING_CHUNKED || head->content_length > 0);
    return HTTP1_FAULT_NONE;
}

enum http1_fault http1_parse_request(struct slice bytes, const struct http1_limits *limits,
    struct http_request_head *ret_head)
{
    struct http_request_head head = {
        .fields = {ret_head->fields.items, 0, ret_head->fields.capacity}};
    struct reader reader = {bytes.data, bytes.data + bytes.size};
    struct decisive decisive = {0};
    struct slice line;
    enum http1_fault fault = read_line(&reader, &line);
    if (fault != HTTP1_FAULT_NONE)
        return fault;
    if (line.size > limits->line_size)
        return HTTP1_FAULT_LINE_TOO_LONG;
    fault = parse_request_line(line, &head);
    if (fault != HTTP1_FAULT_NONE)
        return fault;
    fault = parse_fields(&reader, limits, &head.fields, &decisive);
    if (fault != HTTP1_FAULT_NONE)
        return fault;
    fault = check_host(&decisive, &head);
    if (fault != HTTP1_FAULT_NONE)
        return fault;
    fault = decide_framing(&decisive, head.minor_version, &head.framing, &head.content_length);
    if (fault == HTTP1_FAULT_NONE && decisive.expect)
        fault = check_expect(&head);
    if (fault != HTTP1_FAULT_NONE)
        return fault;
    head.keep_alive = allows_another(&head.fields, &decisive, head.minor_version);
    *ret_head = head;
    return HTTP1_FAULT_NONE;
}

// What a status without content says about its length is no framing (RFC 9112 section 6.3). A 1xx
// or 204 that announces content nevertheless may well send it: such a connection is not used again.
static void settle_contentless(struct http_response_head *head, const struct decisive *decisive)
{
    bool announced = decisive->transfer_encoding_count > 0 || head->content_length > 0;
    if (announced && head->status != 304)
        head->keep_alive = false;
    head->framing = HTTP_FRAMING_NONE;
}

enum http1_fault http1_parse_response(struct slice bytes, const struct http1_limits *limits,
    struct http_response_head *ret_head)
{
    struct http_response_head head = {
        .framing = HTTP_FRAMING_CLOSE,
        .fields = {ret_head->fields.items, 0, ret_head->fields.capacity}};
    struct reader reader = {bytes.data, bytes.data + bytes.size};
    struct decisive decisive = {0};
    struct slice line;
    enum http1_fault fault = read_line(&reader, &line);
    if (fault != HTTP1_FAULT_NONE)
        return fault;
    if (line.size > limits->line_size)
        return HTTP1_FAULT_LINE_TOO_LONG;
    fault = parse_status_line(line, &head);
    if (fault != HTTP1_FAULT_NONE)
        return fault;
    fault = parse_fields(&reader, limits, &head.fields, &decisive);
    if (fault != HTTP1_FAULT_NONE)
        return fault;
    if (decisive.transfer_encoding_count > 0
        && ends_with_connection(&decisive, head.minor_version))
        head.framing = HTTP_FRAMING_CLOSE;
    else
        fault = decide_framing(&decisive, head.minor_version, &head.framing, &head.content_length);
    if (fault != HTTP1_FAULT_NONE)
        return fault;
    head.has_content_length = decisive.content_length_count > 0;
    head.keep_alive = allows_another(&head.fields, &decisive, head.minor_version);
    if (http_response_framing(&head, HTTP_METHOD_GET) == HTTP_FRAMING_NONE)
        settle_contentless(&head, &decisive);
    *ret_head = head;
    return HTTP1_FAULT_NONE;
}
