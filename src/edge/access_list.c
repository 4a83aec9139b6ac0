// Ranges of addresses as settings.
#include "edge/access_list.h"
#include "base/memory.h"
#include "conf/conf.h"

#include <stdio.h>

bool access_list_check(struct slice value, char *message, size_t message_size)
{
    struct network network;
    struct address address;
    struct slice host = value;
    host = slice_cut(&host, '/');
    if (network_parse(value, &network) == ERROR_NONE)
        return true;
    // The usual slip: an address of the range instead of its first.
    bool is_address = address_parse_host(host, 0, &address) == ERROR_NONE;
    snprintf(message, message_size, is_address
        ? "is no range: bits are set beyond its prefix; expected its first address, such as "
          "192.0.2.0/24"
        : "is no range of addresses; expected one such as 192.0.2.0/24, 192.0.2.7 or "
          "2001:db8::/32");
    return false;
}

void access_list_warn(struct setting_review *review, const struct setting_list *texts,
    const char *name, const char *why)
{
    const struct slice *items = texts->items;
    for (size_t i = 0; i < texts->count; i++) {
        struct network network;
        bool is_all = network_parse(items[i], &network) == ERROR_NONE
            && slice_ends_with(items[i], SLICE("/0"));
        if (is_all && conf_is_written(review, &items[i]))
            conf_add_warning(
                review, &items[i], "%s: with %.*s %s", name, SLICE_ARGS(items[i]), why);
    }
}

enum error access_list_read(const struct setting_list *texts, struct network_list *ret_list)
{
    const struct slice *items = texts->items;
    struct network_list list = {NULL, texts->count};
    if (texts->count == 0) {
        *ret_list = list;
        return ERROR_NONE;
    }
    list.items = memory_zero_alloc(texts->count * sizeof(*list.items));
    if (list.items == NULL)
        return ERROR_MEMORY;
    for (size_t i = 0; i < texts->count; i++) {
        enum error error = network_parse(items[i], &list.items[i]);
        if (error != ERROR_NONE) {
            memory_free(list.items);
            return error;
        }
    }
    *ret_list = list;
    return ERROR_NONE;
}

void access_list_free(struct network_list *list)
{
    memory_free(list->items);
    *list = (struct network_list){NULL, 0};
}
