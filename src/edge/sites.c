// What is known of each site, for whoever watches from outside the loops.
#include "edge/thread.h"
#include "origin/origin.h"

static struct slice copy_name(struct slice name, char text[SITE_NAME_MAX])
{
    size_t size = MINIMUM(name.size, SITE_NAME_MAX);
    memcpy(text, name.data, size);
    return slice_of(text, size);
}

static void read_site(struct edge *edge, const struct site *site, struct site_evidence *evidence)
{
    const struct setting_list *hosts = &site->settings->hosts;
    const struct slice *first = hosts->items;
    *evidence = (struct site_evidence){.in_maintenance =
        atomic_load_explicit(&edge->in_maintenance, memory_order_relaxed)};
    evidence->name = copy_name(hosts->count > 0 ? *first : site->settings->origin,
        evidence->texts[0]);
    evidence->origin = copy_name(site->settings->origin, evidence->texts[1]);
    struct origin_summary summary;
    origin_summarize(site->origin, &summary);
    evidence->backends = summary.backends;
    evidence->healthy = summary.healthy;
    evidence->is_probed = summary.is_probed;
    evidence->answered_ns = summary.answered_ns;
    evidence->since_ms = summary.healthy_since_ms;
    evidence->down = origin_is_down(site->origin, &evidence->since_ms);
    evidence->p95_ms = origin_p95_ms(site->origin);
    evidence->failing = origin_is_failing(site->origin);
    evidence->says_maintenance = gate_maintenance_until_ms(origin_gate(site->origin)) != 0;
    traffic_read(site->traffic, edge->thread_count, &evidence->traffic);
}

// Under the lock throughout: a reference of this thread's might be the last, and what ends with a
// generation is for the loops to end.
size_t edge_read_sites(struct edge *edge, struct site_evidence *ret_sites, size_t capacity)
{
    lock_acquire(&edge->generation_lock);
    const struct generation *generation = edge->generation;
    size_t count = generation->site_count;
    for (size_t i = 0; i < MINIMUM(count, capacity); i++)
        read_site(edge, &generation->sites[i], &ret_sites[i]);
    lock_release(&edge->generation_lock);
    return count;
}
