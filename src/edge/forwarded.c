// Reading the lists, and the walk from their end.
#include "edge/forwarded.h"

// --- Nodes ---

static bool is_port(struct slice port)
{
    uint64_t ignored;
    return slice_parse_u64(port, UINT16_MAX, &ignored);
}

enum error forwarded_parse_node(struct slice node, struct address *ret_address)
{
    if (node.data == NULL)
        return ERROR_INVALID;
    if (node.size >= 2 && node.data[0] == '"' && node.data[node.size - 1] == '"')
        node = slice_of(node.data + 1, node.size - 2);
    struct slice rest = node, host;
    if (node.size > 0 && node.data[0] == '[') {
        host = slice_cut(&rest, ']');
        if (rest.data == NULL || (rest.size > 0 && rest.data[0] != ':'))
            return ERROR_INVALID;
        host.size++;
        if (rest.size > 0 && !is_port(slice_of(rest.data + 1, rest.size - 1)))
            return ERROR_INVALID;
    } else {
        host = slice_cut(&rest, ':');
        if (rest.data != NULL && slice_contains(rest, ':'))
            host = node; // an IPv6 address without brackets
        else if (rest.data != NULL && !is_port(rest))
            return ERROR_INVALID;
    }
    return address_parse_host(host, 0, ret_address);
}

static enum forwarded_scheme scheme_of(struct slice text)
{
    if (slice_equal_nocase(text, SLICE("https")) || slice_equal_nocase(text, SLICE("wss")))
        return FORWARDED_SCHEME_HTTPS;
    return slice_equal_nocase(text, SLICE("http")) || slice_equal_nocase(text, SLICE("ws"))
        ? FORWARDED_SCHEME_HTTP : FORWARDED_SCHEME_UNKNOWN;
}

// --- Lists ---

// The last FORWARDED_HOPS_MAX are kept.
static void add_hop(struct forwarded_hops *hops, struct forwarded_hop hop)
{
    if (hops->count == FORWARDED_HOPS_MAX)
        memmove(hops->items, hops->items + 1, --hops->count * sizeof(hops->items[0]));
    hops->items[hops->count++] = hop;
}

// Cuts the next parameter off an element of Forwarded; a ";" may stand in quotes.
static struct slice cut_parameter(struct slice *rest)
{
    bool quoted = false;
    for (size_t i = 0; i < rest->size; i++) {
        quoted = quoted != (rest->data[i] == '"');
        if (quoted || rest->data[i] != ';')
            continue;
        struct slice parameter = slice_of(rest->data, i);
        *rest = slice_of(rest->data + i + 1, rest->size - i - 1);
        return parameter;
    }
    struct slice parameter = *rest;
    *rest = SLICE_EMPTY;
    return parameter;
}

static struct forwarded_hop read_element(struct slice element)
{
    struct forwarded_hop hop = {.node = SLICE_EMPTY};
    bool repeated = false;
    while (element.size > 0) {
        struct slice value = slice_trim(cut_parameter(&element));
        struct slice name = slice_cut(&value, '=');
        if (slice_equal_nocase(name, SLICE("for"))) {
            repeated = repeated || hop.node.data != NULL;
            hop.node = value;
        } else if (slice_equal_nocase(name, SLICE("proto"))) {
            hop.scheme = scheme_of(value);
        }
    }
    if (repeated)
        hop.node = SLICE_EMPTY; // whose it is nobody knows
    return hop;
}

static void read_hops(const struct http_fields *fields, enum forwarded_form form,
    struct forwarded_hops *hops)
{
    enum http_name name = form == FORWARDED_X_FOR ? HTTP_NAME_X_FORWARDED_FOR : HTTP_NAME_FORWARDED;
    hops->count = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        struct slice rest = fields->items[i].value, element;
        if (fields->items[i].known != name)
            continue;
        while (http_list_next(&rest, &element))
            add_hop(hops, form == FORWARDED_X_FOR
                ? (struct forwarded_hop){.node = slice_trim(element)} : read_element(element));
    }
}

// The last word on it: the nearest proxy's.
static enum forwarded_scheme read_scheme_field(const struct http_fields *fields)
{
    enum forwarded_scheme scheme = FORWARDED_SCHEME_UNKNOWN;
    for (uint32_t i = 0; i < fields->count; i++) {
        struct slice rest = fields->items[i].value, element;
        if (fields->items[i].known != HTTP_NAME_X_FORWARDED_PROTO)
            continue;
        while (http_list_next(&rest, &element))
            scheme = scheme_of(slice_trim(element));
    }
    return scheme;
}

static void write_chain(struct text *chain, const struct forwarded_hops *hops, size_t first)
{
    for (size_t i = first; i < hops->count; i++) {
        struct address address;
        if (forwarded_parse_node(hops->items[i].node, &address) != ERROR_NONE)
            return; // it was parsed before
        text_append(chain, i == first ? SLICE("") : SLICE(", "));
        address_format_host(chain, &address);
    }
}

void forwarded_read(const struct http_fields *fields, enum forwarded_form form,
    const struct network_list *trusted, const struct address *peer, struct text *chain,
    struct forwarded *ret_forwarded)
{
    struct forwarded forwarded = {.client = *peer};
    struct forwarded_hops hops;
    *ret_forwarded = forwarded;
    if (!network_list_contains(trusted, peer))
        return;
    read_hops(fields, form, &hops);
    size_t first = hops.count;
    while (first > 0 && network_list_contains(trusted, &forwarded.client)
        && forwarded_parse_node(hops.items[first - 1].node, &forwarded.client) == ERROR_NONE)
        first--;
    if (form == FORWARDED_X_FOR)
        forwarded.scheme = read_scheme_field(fields);
    else if (hops.count > 0)
        forwarded.scheme = hops.items[MINIMUM(first, hops.count - 1)].scheme;
    write_chain(chain, &hops, first);
    *ret_forwarded = forwarded;
}
