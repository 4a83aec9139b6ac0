// Copies the visitor's end-to-end fields and adds our own.
#include "edge/forward.h"
#include "edge/rules/rule_serve.h"
#include "edge/secure.h"
#include "http/trailer.h"

// Never passed on: the exchange writes its own, or a visitor's word about himself is worth nothing.
static const bool replaced[HTTP_NAME_COUNT] = {
    [HTTP_NAME_HOST] = true,
    [HTTP_NAME_AFLOAT_DEBUG] = true,
    [HTTP_NAME_AFLOAT_PEER] = true,
    [HTTP_NAME_CONTENT_LENGTH] = true,
    [HTTP_NAME_EXPECT] = true,
    [HTTP_NAME_FORWARDED] = true,
    [HTTP_NAME_X_FORWARDED_FOR] = true,
    [HTTP_NAME_X_FORWARDED_HOST] = true,
    [HTTP_NAME_X_FORWARDED_PROTO] = true,
};

// What makes an answer other than the whole one.
static const bool selects[HTTP_NAME_COUNT] = {
    [HTTP_NAME_IF_MATCH] = true,
    [HTTP_NAME_IF_NONE_MATCH] = true,
    [HTTP_NAME_IF_MODIFIED_SINCE] = true,
    [HTTP_NAME_IF_UNMODIFIED_SINCE] = true,
    [HTTP_NAME_IF_RANGE] = true,
    [HTTP_NAME_RANGE] = true,
};

bool forward_selects(enum http_name name)
{
    return selects[name];
}

static bool forward_passes(const struct http_fields *fields, const struct http_field *field,
    enum forward_mode mode)
{
    return !replaced[field->known] && !(mode == FORWARD_WHOLE && selects[field->known])
        && !http_field_is_hop_by_hop(fields, field);
}

static void forward_append(struct text *text, struct slice name, struct slice value)
{
    text_append(text, name);
    text_append(text, SLICE(": "));
    text_append(text, value);
    text_append(text, SLICE("\r\n"));
}

static void forward_append_node(struct text *text, struct slice address)
{
    bool is_v6 = slice_contains(address, ':');
    text_append(text, is_v6 ? SLICE("for=\"[") : SLICE("for="));
    text_append(text, address);
    text_append(text, is_v6 ? SLICE("]\"") : SLICE(""));
}

// Whom the request comes from: the client that trusted proxies tell of, they themselves, and the
// peer. What stood before the client is dropped, as anybody could have written it.
static void forward_append_visitor(struct text *text, const struct request *request)
{
    char host[64];
    struct text peer = text_in(host, sizeof(host));
    struct slice chain = request->client.chain;
    bool is_secure = secure_is_request(request);
    address_format_host(&peer, &request->connection->peer);
    text_append(text, SLICE("X-Forwarded-For: "));
    text_append(text, chain);
    text_append(text, chain.size > 0 ? SLICE(", ") : SLICE(""));
    text_append(text, text_slice(&peer));
    text_append(text, SLICE("\r\n"));
    forward_append(text, SLICE("X-Forwarded-Proto"), is_secure ? SLICE("https") : SLICE("http"));
    text_append(text, SLICE("Forwarded: "));
    while (chain.size > 0) {
        forward_append_node(text, slice_trim(slice_cut(&chain, ',')));
        text_append(text, SLICE(", "));
    }
    forward_append_node(text, text_slice(&peer));
    text_append(text, is_secure ? SLICE(";proto=https") : SLICE(";proto=http"));
    if (request->head.authority.size > 0) {
        text_append(text, SLICE(";host=\""));
        text_append(text, request->head.authority);
        text_append(text, SLICE("\"\r\n"));
        forward_append(text, SLICE("X-Forwarded-Host"), request->head.authority);
    } else {
        text_append(text, SLICE("\r\n"));
    }
}

// Which fields the visitor says will come after the content (RFC 9110 section 6.6.2): there are
// servers that look for no others.
static void forward_append_trailer_names(struct text *text, const struct http_fields *fields)
{
    bool any = false;
    for (uint32_t i = 0; i < fields->count; i++) {
        struct slice rest = fields->items[i].value, name;
        while (fields->items[i].known == HTTP_NAME_TRAILER && http_list_next(&rest, &name)) {
            if (!http_trailer_may_name(name))
                continue;
            text_append(text, any ? SLICE(",") : SLICE("Trailer: "));
            text_append(text, name);
            any = true;
        }
    }
    text_append(text, any ? SLICE("\r\n") : SLICE(""));
}

struct slice forward_fields(struct request *request, struct arena *arena, enum forward_mode mode,
    struct slice extra)
{
    const struct http_fields *fields = &request->head.fields;
    struct slice name = request->generation->settings->name;
    size_t size = 512 + name.size + 2 * request->head.authority.size + extra.size
        + 4 * request->client.chain.size;
    for (uint32_t i = 0; i < fields->count; i++)
        size += fields->items[i].name.size + fields->items[i].value.size + 4;
    char *buffer = arena_alloc(arena, size);
    if (buffer == NULL)
        return SLICE_EMPTY;
    struct text text = text_in(buffer, size);
    for (uint32_t i = 0; i < fields->count; i++) {
        if (forward_passes(fields, &fields->items[i], mode))
            forward_append(&text, fields->items[i].name, fields->items[i].value);
    }
    if (request->head.framing == HTTP_FRAMING_CHUNKED && mode != FORWARD_LATER)
        forward_append_trailer_names(&text, fields);
    text_append(&text, extra);
    text_append(&text, request->head.major_version == 2 ? SLICE("Via: 2 ")
        : request->head.minor_version == 0 ? SLICE("Via: 1.0 ") : SLICE("Via: 1.1 "));
    text_append(&text, name);
    text_append(&text, SLICE("\r\n"));
    if (request_site(request)->forwarded)
        forward_append_visitor(&text, request);
    return text.full ? SLICE_EMPTY : rule_request_fields(request, arena, text_slice(&text));
}

struct slice forward_trailer(struct request *request, struct slice lines)
{
    char *copy = lines.size == 0 ? NULL : arena_alloc(&request->arena, lines.size);
    if (copy == NULL)
        return SLICE_EMPTY;
    memcpy(copy, lines.data, lines.size);
    return rule_request_trailer(request, slice_of(copy, http_trailer_clean(copy, lines.size)));
}
