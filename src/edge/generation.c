// A generation of settings: host names to sites, sites to origins.
#include "base/hash.h"
#include "base/memory.h"
#include "edge/thread.h"

#define HOST_HASHED 256 // longer than any name; of a longer one, so much is hashed

struct host_entry {
    struct slice name; // empty: free
    struct site *site;
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

static bool generation_name_hosts(struct generation *generation, struct site *site)
{
    const struct slice *hosts = site->settings->hosts.items;
    if (site->settings->hosts.count == 0 && generation->fallback == NULL)
        generation->fallback = site;
    for (size_t i = 0; i < site->settings->hosts.count; i++)
        generation->hosts[host_slot(generation, hosts[i])] = (struct host_entry){hosts[i], site};
    return true;
}

static void generation_destroy(struct generation *generation)
{
    for (size_t i = 0; generation->sites != NULL && i < generation->site_count; i++) {
        if (generation->sites[i].origin != NULL)
            origin_release(generation->sites[i].origin);
    }
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
        hosts += sites[i].hosts.count;
    generation->host_capacity = 4;
    while (generation->host_capacity < 2 * hosts)
        generation->host_capacity *= 2;
    generation->references = 1;
    generation->settings = settings;
    generation->site_count = settings->sites.count;
    generation->sites = memory_zero_alloc((settings->sites.count + 1) * sizeof(struct site));
    generation->hosts = memory_zero_alloc(generation->host_capacity * sizeof(struct host_entry));
    bool complete = generation->sites != NULL && generation->hosts != NULL;
    for (size_t i = 0; complete && i < generation->site_count; i++) {
        struct site *site = &generation->sites[i];
        site->settings = &sites[i];
        site->origin = origin_find(edge->origins, sites[i].origin);
        complete = site->origin != NULL && generation_name_hosts(generation, site);
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

struct site *generation_find_site(const struct generation *generation, struct slice host)
{
    struct site *site = host.size == 0 ? NULL : generation->hosts[host_slot(generation, host)].site;
    return site != NULL ? site : generation->fallback;
}
