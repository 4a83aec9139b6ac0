// Any text as a range and an address: a range holds an address just when it holds all bits of it.
#include "base/invariant.h"
#include "io/network.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool bit(const uint8_t *bytes, unsigned i)
{
    return (bytes[i / 8] >> (7 - i % 8) & 1) != 0;
}

static void check(const struct network *network, const struct address *address)
{
    struct network client;
    invariant(network_of_client(address, &client));
    invariant(network_contains(&client, address) && client.bits >= 64);
    invariant(network->bits <= 128);
    bool contains = network_contains(network, address), same = true;
    struct network_list list = {(struct network *)(uintptr_t)network, 1};
    invariant(network_list_contains(&list, address) == contains);
    if (client.bits == 64 && network->bits > 64)
        return; // the client does not say more
    for (unsigned i = 0; i < network->bits; i++)
        same = same && bit(network->bytes, i) == bit(client.bytes, i);
    invariant(!contains || same);
    invariant(contains || !same || (network->bits < 96 && client.bits == 128));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct network network;
    struct address address;
    char *copy = malloc(size + 1); // + 1: malloc(0) may be NULL
    invariant(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    struct slice rest = slice_of(copy, size), first = slice_cut(&rest, ' ');
    if (network_parse(first, &network) == ERROR_NONE
        && address_parse_host(rest, 0, &address) == ERROR_NONE)
        check(&network, &address);
    free(copy);
    return 0;
}
