// Host and port, validated.
#include "http/authority.h"

#include "http/characters.h"

#include <arpa/inet.h>

static bool is_ipv6(struct slice inside)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (inside.size == 0 || inside.size >= sizeof(text))
        return false;
    memcpy(text, inside.data, inside.size);
    text[inside.size] = '\0';
    return memchr(text, '\0', inside.size) == NULL && inet_pton(AF_INET6, text, &address) == 1;
}

static bool is_name(struct slice host)
{
    if (host.size == 0 || host.size > HTTP_HOST_SIZE_MAX || host.data[0] == '.')
        return false;
    char before = '\0';
    for (size_t i = 0; i < host.size; i++) {
        char byte = host.data[i];
        if (!http_character_is(byte, HTTP_CHARACTER_HOST) || (byte == '.' && before == '.'))
            return false;
        before = byte;
    }
    return true;
}

// An empty port is legal after the colon (RFC 3986 section 3.2.3) and means the default.
static bool parse_port(struct slice digits, uint16_t *ret_port)
{
    uint64_t port = 0;
    if (digits.size == 0) {
        *ret_port = 0;
        return true;
    }
    if (digits.size > 5 || !slice_parse_u64(digits, UINT16_MAX, &port) || port == 0)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

bool http_authority_parse(struct slice authority, struct http_authority *ret_authority)
{
    struct http_authority parsed = {authority, 0};
    struct slice rest; // from the colon on
    if (authority.size > 0 && authority.data[0] == '[') {
        const char *close = memchr(authority.data, ']', authority.size);
        if (close == NULL)
            return false;
        parsed.host.size = (size_t)(close + 1 - authority.data);
        if (!is_ipv6(slice_of(authority.data + 1, parsed.host.size - 2)))
            return false;
    } else {
        const char *colon = authority.size == 0
            ? NULL : memchr(authority.data, ':', authority.size);
        if (colon != NULL)
            parsed.host.size = (size_t)(colon - authority.data);
        if (!is_name(parsed.host))
            return false;
    }
    rest = slice_of(authority.data + parsed.host.size, authority.size - parsed.host.size);
    if (rest.size > 0) {
        if (rest.data[0] != ':'
            || !parse_port(slice_of(rest.data + 1, rest.size - 1), &parsed.port))
            return false;
    }
    *ret_authority = parsed;
    return true;
}
