// Any field, told by a trusted proxy: the client is the peer or an address of the list, what is
// passed on is a list of addresses that begins with him, and all behind him are trusted.
#include "base/invariant.h"
#include "edge/forwarded.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_chain(const struct network_list *trusted, struct slice chain,
    const struct forwarded *forwarded)
{
    bool is_first = true;
    while (chain.size > 0) {
        struct address address;
        struct slice host = slice_trim(slice_cut(&chain, ','));
        invariant(address_parse_host(host, 0, &address) == ERROR_NONE);
        if (is_first)
            invariant(address_equal(&address, &forwarded->client));
        else
            invariant(network_list_contains(trusted, &address));
        is_first = false;
    }
}

static void check(struct slice value, enum forwarded_form form)
{
    struct network networks[2];
    const struct network_list trusted = {networks, ARRAY_SIZE(networks)};
    struct address peer;
    struct http_field items[2];
    struct http_fields fields = {items, 0, ARRAY_SIZE(items)};
    char buffer[FORWARDED_HOPS_MAX * 48];
    struct text chain = text_in(buffer, sizeof(buffer));
    struct forwarded forwarded;
    invariant(network_parse(SLICE("10.0.0.0/8"), &networks[0]) == ERROR_NONE);
    invariant(network_parse(SLICE("::/8"), &networks[1]) == ERROR_NONE);
    invariant(address_parse_host(SLICE("10.0.0.1"), 0, &peer) == ERROR_NONE);
    struct slice name = form == FORWARDED_X_FOR ? SLICE("x-forwarded-for") : SLICE("forwarded");
    invariant(http_fields_add(&fields, name, value) == ERROR_NONE);
    invariant(http_fields_add(&fields, SLICE("x-forwarded-proto"), value) == ERROR_NONE);
    forwarded_read(&fields, form, &trusted, &peer, &chain, &forwarded);
    invariant(!chain.full);
    invariant(chain.size > 0 || address_equal(&forwarded.client, &peer));
    check_chain(&trusted, text_slice(&chain), &forwarded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1); // + 1: malloc(0) may be NULL
    invariant(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    check(slice_of(copy, size), FORWARDED_X_FOR);
    check(slice_of(copy, size), FORWARDED_RFC7239);
    free(copy);
    return 0;
}
