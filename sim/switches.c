// See switches.h. A door sits in front of one function of the production code.
#include "sim/switches.h"

#include "edge/lifeline_map.h"
#include "origin/balance.h"
#include "origin/pacer.h"
#include "origin/surplus.h"

static const char *const names[] = {
#define X(NAME, name, metric, help) #name,
    LIFELINE_MAP(X)
#undef X
    "priority",     // people before bots, at the gate
    "outliers",     // who answers worse than the others is set aside
    "concurrency",  // how many at once a backend is asked is learned
    // Behind doors:
    "fail_open",    // when no backend is well, all are asked
    "pacing",       // who waited goes in as fast as the origin keeps up
    "newest_first", // and the newest first, when there are too many
};

size_t sim_switch_count(void)
{
    return ARRAY_SIZE(names);
}

const char *sim_switch_name(size_t number)
{
    return names[number];
}

bool sim_can_switch_off(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

void sim_switch_off_settings(const char *name, struct edge_settings *settings)
{
    struct site_settings *sites = settings->sites.items;
    struct origin_settings *origins = settings->origins.items;
    for (size_t i = 0; i < settings->sites.count; i++) {
        if (strcmp(name, "priority") == 0)
            sites[i].priority.enabled = false;
        for (unsigned id = 0; id < LIFELINE_COUNT; id++) { // as if its row were missing
            if (strcmp(names[id], name) == 0)
                sites[i].lifelines.of[id].enabled = false;
        }
    }
    for (size_t i = 0; i < settings->origins.count; i++) {
        if (strcmp(name, "outliers") == 0)
            origins[i].outliers.enabled = false;
        if (strcmp(name, "concurrency") == 0)
            origins[i].concurrency.adaptive = false;
    }
}

// --- Doors ---

// What is behind them is called without any context of ours. A run is all one thread's.
static const char *off;

void sim_switch_off(const char *name)
{
    off = name;
}

static bool is_off(const char *name)
{
    return off != NULL && strcmp(off, name) == 0;
}

// The names are the linker's.
void __real_pacer_begin(struct pacer *pacer, uint64_t normal_ns);
void __wrap_pacer_begin(struct pacer *pacer, uint64_t normal_ns);
bool __real_surplus_is_certain(const struct surplus *surplus, uint64_t now_ns);
bool __wrap_surplus_is_certain(const struct surplus *surplus, uint64_t now_ns);
size_t __real_balance_choose(struct backend *const *backends, size_t count,
    const struct balance_question *question, _Atomic uint64_t *cursor, struct random *random);
size_t __wrap_balance_choose(struct backend *const *backends, size_t count,
    const struct balance_question *question, _Atomic uint64_t *cursor, struct random *random);

void __wrap_pacer_begin(struct pacer *pacer, uint64_t normal_ns)
{
    __real_pacer_begin(pacer, normal_ns);
    if (is_off("pacing"))
        pacer->limit_milli = UINT64_MAX / 1000;
}

bool __wrap_surplus_is_certain(const struct surplus *surplus, uint64_t now_ns)
{
    return !is_off("newest_first") && __real_surplus_is_certain(surplus, now_ns);
}

size_t __wrap_balance_choose(struct backend *const *backends, size_t count,
    const struct balance_question *question, _Atomic uint64_t *cursor, struct random *random)
{
    bool is_anybody_well = false;
    for (size_t i = 0; i < count; i++)
        is_anybody_well |= atomic_load(&backends[i]->health.healthy);
    return is_off("fail_open") && !is_anybody_well
        ? BALANCE_NONE : __real_balance_choose(backends, count, question, cursor, random);
}
