// A generation of settings: host names to sites, sites to origins.
#include "base/hash.h"
#include "base/memory.h"
#include "edge/rules/rule.h"
#include "edge/thread.h"

#define HOST_HASHED 256 // longer than any name; of a longer one, so much is hashed

struct host_entry {
    struct slice name; // empty: free; of a wildcard "*.example.org"
    struct site *site;
    bool is_alias;
};

// The same for any case.
static uint64_t host_hash(struct slice host)
{
    char lower[HOST_HASHED];
    size_t size = MINIMUM(host.size, sizeof(lower));
    for (size_t i = 0; i < size; i++) {
        char byte = host.data[i];
        lower[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
    }
    return hash_bytes(slice_of(lower, size), 0);
}

static size_t host_slot(const struct generation *generation, struct slice host)
{
    size_t mask = generation->host_capacity - 1, slot = host_hash(host) & mask;
    while (generation->hosts[slot].name.size > 0
        && !slice_equal_nocase(generation->hosts[slot].name, host))
        slot = (slot + 1) & mask;
    return slot;
}

static void generation_name_hosts(struct generation *generation, struct site *site,
    const struct setting_list *names, bool are_aliases)
{
    const struct slice *hosts = names->items;
    for (size_t i = 0; i < names->count; i++) {
        generation->hosts[host_slot(generation, hosts[i])] =
            (struct host_entry){hosts[i], site, are_aliases};
        generation->has_wildcards = generation->has_wildcards || hosts[i].data[0] == '*';
    }
}

static bool generation_fill_site(struct generation *generation, struct site *site,
    struct edge *edge)
{
    const struct site_settings *settings = site->settings;
    site->origin = origin_find(edge->origins, settings->origin);
    if (settings->peers.origin.size > 0)
        site->peers = origin_find(edge->origins, settings->peers.origin);
    const struct slice *hosts = settings->hosts.items;
    site->history = history_find(&edge->histories,
        settings->hosts.count > 0 ? hosts[0] : settings->origin);
    if (site->origin == NULL || site->history == NULL
        || rules_create(settings, edge->origins, &site->rules) != ERROR_NONE)
        return false;
    site->traffic = site->history->traffic;
    if (settings->hosts.count == 0 && generation->fallback == NULL)
        generation->fallback = site;
    generation_name_hosts(generation, site, &settings->hosts, false);
    generation_name_hosts(generation, site, &settings->aliases, true);
    return true;
}

static enum error generation_read_access(struct generation *generation,
    const struct client_settings *settings)
{
    struct access_lists *lists = &generation->access;
    enum error error = access_list_read(&settings->trusted_proxies, &lists->trusted_proxies);
    if (error == ERROR_NONE)
        error = access_list_read(&settings->proxy_protocol, &lists->proxy_protocol);
    return error != ERROR_NONE ? error : access_list_read(&settings->exempt, &lists->exempt);
}

static void generation_destroy(struct generation *generation)
{
    for (size_t i = 0; generation->sites != NULL && i < generation->site_count; i++) {
        if (generation->sites[i].origin != NULL)
            origin_release(generation->sites[i].origin);
        origin_release(generation->sites[i].peers);
        history_release(generation->sites[i].history);
        rules_destroy(generation->sites[i].rules);
        access_list_free(&generation->sites[i].purge_allow);
        access_list_free(&generation->sites[i].debug_allow);
    }
    access_list_free(&generation->access.trusted_proxies);
    access_list_free(&generation->access.proxy_protocol);
    access_list_free(&generation->access.exempt);
    memory_free(generation->sites);
    memory_free(generation->hosts);
    memory_free(generation);
}

struct generation *generation_create(struct edge *edge, const struct edge_settings *settings)
{
    struct generation *generation = memory_zero_alloc(sizeof(*generation));
    if (generation == NULL)
        return NULL;
    const struct site_settings *sites = settings->sites.items;
    size_t hosts = 0;
    for (size_t i = 0; i < settings->sites.count; i++)
        hosts += sites[i].hosts.count + sites[i].aliases.count;
    generation->host_capacity = 4;
    while (generation->host_capacity < 2 * hosts)
        generation->host_capacity *= 2;
    generation->references = 1;
    generation->number = edge->generation == NULL ? 1 : edge->generation->number + 1;
    generation->settings = settings;
    generation->site_count = settings->sites.count;
    generation->sites = memory_zero_alloc((settings->sites.count + 1) * sizeof(struct site));
    generation->hosts = memory_zero_alloc(generation->host_capacity * sizeof(struct host_entry));
    bool complete = generation->sites != NULL && generation->hosts != NULL
        && generation_read_access(generation, &settings->clients) == ERROR_NONE;
    for (size_t i = 0; complete && i < generation->site_count; i++) {
        struct site *site = &generation->sites[i];
        site->settings = &sites[i];
        complete = generation_fill_site(generation, site, edge)
            && access_list_read(&sites[i].purge.allow, &site->purge_allow) == ERROR_NONE
            && access_list_read(&sites[i].debug.allow, &site->debug_allow) == ERROR_NONE;
    }
    if (complete)
        return generation;
    generation_destroy(generation);
    return NULL;
}

void generation_release(struct generation *generation)
{
    if (generation == NULL
        || atomic_fetch_sub_explicit(&generation->references, 1, memory_order_acq_rel) > 1)
        return;
    void (*released)(void *context) = generation->released;
    void *context = generation->context;
    generation_destroy(generation);
    if (released != NULL)
        released(context);
}

// "a.b.example" by *.b.example, then by *.example. A label is no wildcard for itself.
static const struct host_entry *generation_find_wildcard(const struct generation *generation,
    struct slice host)
{
    char name[HOST_HASHED];
    if (host.size >= sizeof(name))
        return NULL;
    for (size_t i = 1; i < host.size; i++) {
        if (host.data[i] != '.')
            continue;
        name[0] = '*';
        memcpy(name + 1, host.data + i, host.size - i);
        const struct host_entry *entry =
            &generation->hosts[host_slot(generation, slice_of(name, host.size - i + 1))];
        if (entry->site != NULL)
            return entry;
    }
    return NULL;
}

static const struct host_entry *generation_find_host(const struct generation *generation,
    struct slice host)
{
    if (host.size == 0)
        return NULL;
    const struct host_entry *entry = &generation->hosts[host_slot(generation, host)];
    if (entry->site != NULL)
        return entry;
    return generation->has_wildcards ? generation_find_wildcard(generation, host) : NULL;
}

struct site *generation_find_site(const struct generation *generation, struct slice host)
{
    const struct host_entry *entry = generation_find_host(generation, host);
    return entry != NULL ? entry->site : generation->fallback;
}

bool generation_is_alias(const struct generation *generation, struct slice host)
{
    const struct host_entry *entry = generation_find_host(generation, host);
    return entry != NULL && entry->is_alias;
}
