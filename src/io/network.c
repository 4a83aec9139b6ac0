// Ranges of addresses: reading and matching.
#include "io/network.h"

#define BITS_MAPPED 96 // before the 32 of an IPv4 address
#define BITS_CLIENT_V6 64

static bool bytes_of(const struct address *address, uint8_t *bytes)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (address->any.sa_family == AF_INET6) {
        memcpy(bytes, &address->v6.sin6_addr, 16);
        return true;
    }
    if (address->any.sa_family != AF_INET)
        return false;
    memcpy(bytes, mapped, sizeof(mapped));
    memcpy(bytes + sizeof(mapped), &address->v4.sin_addr, 4);
    return true;
}

static bool is_mapped(const uint8_t *bytes)
{
    return IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)bytes);
}

// Keeps the first `bits` bits; true if there was nothing behind them.
static bool cut(uint8_t *bytes, unsigned bits)
{
    bool clean = true;
    for (unsigned i = bits / 8; i < 16; i++) {
        uint8_t mask = (uint8_t)(i == bits / 8 ? 0xff00 >> bits % 8 : 0);
        clean = clean && (bytes[i] & (uint8_t)~mask) == 0;
        bytes[i] &= mask;
    }
    return clean;
}

enum error network_parse(struct slice text, struct network *ret_network)
{
    struct network network = {.bits = 128};
    struct address address;
    uint64_t bits;
    struct slice host = slice_cut(&text, '/');
    if (address_parse_host(host, 0, &address) != ERROR_NONE || !bytes_of(&address, network.bytes))
        return ERROR_INVALID;
    if (text.data != NULL) {
        bool is_v4 = address.any.sa_family == AF_INET;
        if (text.size > 1 && text.data[0] == '0')
            return ERROR_INVALID;
        if (!slice_parse_u64(text, is_v4 ? 32 : 128, &bits))
            return ERROR_INVALID;
        network.bits = (uint8_t)(is_v4 ? BITS_MAPPED + bits : bits);
    }
    if (!cut(network.bytes, network.bits))
        return ERROR_INVALID;
    *ret_network = network;
    return ERROR_NONE;
}

bool network_around(const struct address *address, unsigned bits_v4, unsigned bits_v6,
    struct network *ret_network)
{
    struct network network;
    if (!bytes_of(address, network.bytes))
        return false;
    network.bits = (uint8_t)(is_mapped(network.bytes) ? BITS_MAPPED + bits_v4 : bits_v6);
    (void)cut(network.bytes, network.bits);
    *ret_network = network;
    return true;
}

bool network_of_client(const struct address *address, struct network *ret_network)
{
    return network_around(address, 32, BITS_CLIENT_V6, ret_network);
}

static bool bytes_are_within(const uint8_t *bytes, const struct network *network)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    if (memcmp(bytes, network->bytes, whole) != 0)
        return false;
    return rest == 0 || ((bytes[whole] ^ network->bytes[whole]) & (uint8_t)(0xff00 >> rest)) == 0;
}

// An IPv6 range shorter than the mapped prefix, ::/0 say, does not take IPv4 in: who writes it
// thinks of IPv6, and IPv4 has its own 0.0.0.0/0.
static bool is_of_family(const uint8_t *bytes, const struct network *network)
{
    return network->bits >= BITS_MAPPED || !is_mapped(bytes);
}

bool network_contains(const struct network *network, const struct address *address)
{
    uint8_t bytes[16];
    return bytes_of(address, bytes) && is_of_family(bytes, network)
        && bytes_are_within(bytes, network);
}

bool network_list_contains(const struct network_list *list, const struct address *address)
{
    uint8_t bytes[16];
    if (list->count == 0 || !bytes_of(address, bytes))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        if (is_of_family(bytes, &list->items[i]) && bytes_are_within(bytes, &list->items[i]))
            return true;
    }
    return false;
}
