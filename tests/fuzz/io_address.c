// Any text as an address: what is taken is the same address once it has been written and read
// again.
#include "base/invariant.h"
#include "io/address.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_size(const struct address *address)
{
    socklen_t size = address_size(address);
    switch (address->any.sa_family) {
    case AF_INET:
        invariant(size == sizeof(address->v4));
        return;
    case AF_INET6:
        invariant(size == sizeof(address->v6));
        return;
    default:
        invariant(address->any.sa_family == AF_UNIX && size == sizeof(address->local));
        invariant(memchr(address->local.sun_path, '\0', sizeof(address->local.sun_path)) != NULL);
    }
}

static void check_address(const struct address *address)
{
    char buffer[ADDRESS_TEXT_MAX];
    struct address again, moved = *address;
    struct text text = text_in(buffer, sizeof(buffer));
    check_size(address);
    address_format(&text, address);
    invariant(!text.full && text.size > 0);
    invariant(address_parse(text_slice(&text), &again) == ERROR_NONE);
    invariant(address_equal(address, &again) && address_equal(&again, address));
    invariant(address_port(&again) == address_port(address));
    if (address->any.sa_family == AF_UNIX)
        return;
    address_set_port(&moved, (uint16_t)(address_port(address) + 1));
    invariant(!address_equal(address, &moved));

    text.size = 0;
    address_format_host(&text, address);
    invariant(!text.full && address_parse_host(text_slice(&text), address_port(address), &again)
        == ERROR_NONE);
    invariant(address_equal(address, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct address address, host;
    char *copy = malloc(size + 1); // + 1: malloc(0) may be NULL
    invariant(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    if (address_parse(slice_of(copy, size), &address) == ERROR_NONE)
        check_address(&address);
    if (address_parse_host(slice_of(copy, size), 80, &host) == ERROR_NONE) {
        invariant(host.any.sa_family != AF_UNIX);
        check_address(&host);
    }
    free(copy);
    return 0;
}
