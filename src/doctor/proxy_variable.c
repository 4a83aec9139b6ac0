// Reads proxy variables.
#include "doctor/proxy_variable.h"
#include "io/network.h"

// data NULL: not set, or empty.
static struct slice value_of(char *const *environment, struct slice name)
{
    for (char *const *item = environment; *item != NULL; item++) {
        struct slice text = slice_from_string(*item);
        if (text.size > name.size + 1 && text.data[name.size] == '='
            && slice_starts_with(text, name))
            return slice_of(text.data + name.size + 1, text.size - name.size - 1);
    }
    return SLICE_EMPTY;
}

static bool is_address_within(struct slice range, const struct address *host)
{
    struct network network;
    struct address base;
    struct slice bits = range;
    struct slice text = slice_cut(&bits, '/');
    bool is_v4 = host->any.sa_family == AF_INET;
    uint64_t count = is_v4 ? 32 : 128;
    if (address_parse_host(text, 0, &base) != ERROR_NONE
        || base.any.sa_family != host->any.sa_family
        || (bits.data != NULL && !slice_parse_u64(bits, count, &count)))
        return false;
    // Bits beyond the prefix, which network_parse would refuse, are ignored here.
    network = (struct network){.bits = (uint8_t)(count + (is_v4 ? 96 : 0))};
    if (is_v4) {
        memset(network.bytes + 10, 0xFF, 2);
        memcpy(network.bytes + 12, &base.v4.sin_addr, 4);
    } else {
        memcpy(network.bytes, &base.v6.sin6_addr, 16);
    }
    return network_contains(&network, host);
}

static bool is_domain_or_below(struct slice domain, struct slice host)
{
    if (domain.size > 0 && domain.data[domain.size - 1] == '.')
        domain.size--;
    if (domain.size > 0 && domain.data[0] == '.')
        domain = slice_of(domain.data + 1, domain.size - 1);
    if (domain.size == 0 || domain.size > host.size)
        return false;
    size_t above = host.size - domain.size;
    return slice_equal_nocase(slice_of(host.data + above, domain.size), domain)
        && (above == 0 || host.data[above - 1] == '.');
}

static bool is_excepted(struct slice list, const struct target *target)
{
    struct address address;
    bool is_address = address_parse_host(target->host, 0, &address) == ERROR_NONE;
    if (slice_equal(slice_trim(list), SLICE("*")))
        return true;
    while (list.data != NULL) {
        struct slice words = slice_cut(&list, ',');
        while (words.data != NULL) {
            struct slice word = slice_trim(slice_cut(&words, ' '));
            if (word.size > 0 && (is_address ? is_address_within(word, &address)
                                             : is_domain_or_below(word, target->host)))
                return true;
        }
    }
    return false;
}

bool proxy_variable_find(char *const *environment, const struct target *target,
    struct slice *ret_variable, struct slice *ret_proxy)
{
    const struct slice plain[] = {SLICE("http_proxy"), SLICE("all_proxy"), SLICE("ALL_PROXY")};
    const struct slice secure[] = {SLICE("https_proxy"), SLICE("HTTPS_PROXY"), SLICE("all_proxy"),
        SLICE("ALL_PROXY")};
    const struct slice *names = target->is_secure ? secure : plain;
    size_t count = target->is_secure ? ARRAY_SIZE(secure) : ARRAY_SIZE(plain);
    struct slice except = value_of(environment, SLICE("no_proxy"));
    if (except.data == NULL)
        except = value_of(environment, SLICE("NO_PROXY"));
    for (size_t i = 0; i < count; i++) {
        struct slice proxy = value_of(environment, names[i]);
        if (proxy.data == NULL)
            continue;
        if (is_excepted(except, target))
            return false;
        *ret_variable = names[i];
        *ret_proxy = proxy;
        return true;
    }
    return false;
}

// The last '@' counts, for passwords may hold anything.
struct slice proxy_variable_without_secrets(struct slice proxy, struct arena *arena)
{
    size_t scheme = 0, secret = 0;
    struct slice rest = proxy;
    struct slice name = slice_cut(&rest, ':');
    if (slice_starts_with(rest, SLICE("//")))
        scheme = name.size + 3;
    for (size_t i = scheme; i < proxy.size; i++)
        secret = proxy.data[i] == '@' ? i + 1 : secret;
    if (secret == 0)
        return arena_copy(arena, proxy);
    return arena_printf(arena, "%.*s%.*s", (int)scheme, proxy.data, (int)(proxy.size - secret),
        proxy.data + secret);
}
