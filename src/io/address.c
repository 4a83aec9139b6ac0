// Addresses to and from text.
#include "io/address.h"

#include <arpa/inet.h>

static const char local_prefix[] = "unix:";

enum error address_parse_host(struct slice host, uint16_t port, struct address *ret_address)
{
    char text[INET6_ADDRSTRLEN];
    struct address address = {0};
    bool bracketed = host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']';
    if (bracketed)
        host = slice_of(host.data + 1, host.size - 2);
    if (host.size >= sizeof(text) || slice_contains(host, '\0'))
        return ERROR_INVALID;
    if (host.size > 0)
        memcpy(text, host.data, host.size);
    text[host.size] = '\0';
    if (!bracketed && inet_pton(AF_INET, text, &address.v4.sin_addr) == 1)
        address.v4.sin_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &address.v6.sin6_addr) == 1)
        address.v6.sin6_family = AF_INET6;
    else
        return ERROR_INVALID;
    address_set_port(&address, port);
    *ret_address = address;
    return ERROR_NONE;
}

static enum error parse_local(struct slice path, struct address *ret_address)
{
    struct address address = {0};
    if (path.size == 0 || path.size >= sizeof(address.local.sun_path) || slice_contains(path, '\0'))
        return ERROR_INVALID;
    address.local.sun_family = AF_UNIX;
    memcpy(address.local.sun_path, path.data, path.size);
    *ret_address = address;
    return ERROR_NONE;
}

enum error address_parse(struct slice text, struct address *ret_address)
{
    struct slice prefix = slice_from_string(local_prefix);
    if (slice_starts_with(text, prefix))
        return parse_local(slice_of(text.data + prefix.size, text.size - prefix.size), ret_address);
    size_t colon = text.size;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    uint64_t port;
    if (colon == 0 ||
        !slice_parse_u64(slice_of(text.data + colon, text.size - colon), UINT16_MAX, &port))
        return ERROR_INVALID;
    struct slice host = slice_of(text.data, colon - 1);
    if (host.size == 0)
        host = SLICE("[::]");
    else if (slice_contains(host, ':') && host.data[0] != '[')
        return ERROR_INVALID; // which colon is the port's would be a guess
    return address_parse_host(host, (uint16_t)port, ret_address);
}

void address_set_port(struct address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET)
        address->v4.sin_port = htons(port);
    else if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons(port);
}

uint16_t address_port(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohs(address->v4.sin_port);
    return address->any.sa_family == AF_INET6 ? ntohs(address->v6.sin6_port) : 0;
}

// The IPv4 address, also out of a mapped one; NULL for others.
static const void *ipv4_of(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return &address->v4.sin_addr;
    if (address->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr))
        return address->v6.sin6_addr.s6_addr + 12;
    return NULL;
}

bool address_equal(const struct address *a, const struct address *b)
{
    const void *ipv4_a = ipv4_of(a), *ipv4_b = ipv4_of(b);
    if (ipv4_a != NULL && ipv4_b != NULL)
        return address_port(a) == address_port(b) && memcmp(ipv4_a, ipv4_b, 4) == 0;
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET6)
        return a->v6.sin6_port == b->v6.sin6_port && a->v6.sin6_scope_id == b->v6.sin6_scope_id &&
            memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0;
    return a->any.sa_family == AF_UNIX && strcmp(a->local.sun_path, b->local.sun_path) == 0;
}

socklen_t address_size(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return sizeof(address->v4);
    return address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->local);
}

static void format_host(struct text *text, const struct address *address, bool bracketed)
{
    char buffer[INET6_ADDRSTRLEN] = "";
    const void *ipv4 = ipv4_of(address);
    if (ipv4 != NULL) {
        inet_ntop(AF_INET, ipv4, buffer, sizeof(buffer));
        text_append(text, slice_from_string(buffer));
    } else if (address->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address->v6.sin6_addr, buffer, sizeof(buffer));
        text_format(text, bracketed ? "[%s]" : "%s", buffer);
    } else if (address->any.sa_family == AF_UNIX) {
        text_format(text, "%s%s", local_prefix, address->local.sun_path);
    }
}

void address_format(struct text *text, const struct address *address)
{
    format_host(text, address, true);
    if (address->any.sa_family != AF_UNIX)
        text_format(text, ":%u", address_port(address));
}

void address_format_host(struct text *text, const struct address *address)
{
    format_host(text, address, false);
}
