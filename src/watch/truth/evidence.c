// The sites of an edge, each with its judge (site.h).
#include "watch/truth/evidence.h"
#include "base/hash.h"
#include "base/memory.h"
#include "watch/truth/site.h"

struct watched {
    uint64_t name; // its hash: a reload may turn sites around before the world hears of it
    struct site_judge judge;
};

struct evidence {
    struct edge *edge; // NULL: there is none, and no site
    struct world *world;
    size_t count;
    struct watched *sites;
    struct site_evidence *seen;
};

struct evidence *evidence_create(struct edge *edge, struct world *world)
{
    struct evidence *evidence = memory_zero_alloc(sizeof(*evidence));
    if (evidence == NULL)
        return NULL;
    evidence->edge = edge;
    evidence->world = world;
    size_t count = edge == NULL ? 0 : edge_read_sites(edge, NULL, 0);
    evidence->sites = memory_zero_alloc((count + 1) * sizeof(*evidence->sites));
    evidence->seen = memory_zero_alloc((count + 1) * sizeof(*evidence->seen));
    if (evidence->sites == NULL || evidence->seen == NULL) {
        evidence_destroy(evidence);
        return NULL;
    }
    if (edge != NULL)
        evidence->count = MINIMUM(count, edge_read_sites(edge, evidence->seen, count));
    for (size_t i = 0; i < evidence->count; i++) {
        evidence->sites[i].name = hash_bytes(evidence->seen[i].name, 0);
        site_judge_begin(&evidence->sites[i].judge, &evidence->seen[i]);
    }
    return evidence;
}

void evidence_destroy(struct evidence *evidence)
{
    if (evidence == NULL)
        return;
    memory_free(evidence->sites);
    memory_free(evidence->seen);
    memory_free(evidence);
}

// COMPONENT_NONE: the world does not know it yet.
static uint32_t find_site(const struct evidence *evidence, struct slice name, size_t place)
{
    uint64_t hash = hash_bytes(name, 0);
    if (evidence->sites[place].name == hash)
        return (uint32_t)place;
    for (size_t i = 0; i < evidence->count; i++) {
        if (evidence->sites[i].name == hash)
            return (uint32_t)i;
    }
    return COMPONENT_NONE;
}

void evidence_look(struct evidence *evidence, int64_t now_ms)
{
    if (evidence->count == 0)
        return;
    size_t count = edge_read_sites(evidence->edge, evidence->seen, evidence->count);
    for (size_t i = 0; i < MINIMUM(count, evidence->count); i++) {
        const struct site_evidence *seen = &evidence->seen[i];
        uint32_t number = find_site(evidence, seen->name, i);
        struct finding finding;
        if (number != COMPONENT_NONE
            && site_judge_look(&evidence->sites[number].judge, seen, now_ms, &finding))
            world_learn(evidence->world, number, &finding, now_ms);
    }
}
