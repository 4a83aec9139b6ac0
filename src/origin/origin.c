// The set of origins: making it as settings say, finding, starting and stopping.
#include "origin/origin.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "origin/siblings.h"

#define STOP_PATIENCE_MS 5000 // for loops that do not answer

static void note_flushed(struct pool_loop *pool_loop)
{
    struct origins *origins = CONTAINER_OF(pool_loop, struct origins_loop, pool)->origins;
    broadcast_signal(&origins->flushed);
}

struct origins *origins_create(struct loop **loops, unsigned loop_count)
{
    struct origins *origins =
        memory_zero_alloc(sizeof(*origins) + loop_count * sizeof(origins->seats[0]));
    if (origins == NULL)
        return NULL;
    lock_init(&origins->lock);
    list_init(&origins->list);
    broadcast_init(&origins->flushed);
    scope_open(&origins->scope);
    origins->loop_count = loop_count;
    for (unsigned i = 0; i < loop_count; i++) {
        invariant(loops[i]->index == i);
        origins->seats[i].origins = origins;
        pool_loop_init(&origins->seats[i].pool, loops[i], note_flushed);
    }
    return origins;
}

struct pool_loop *origins_pool(struct origins *origins, const struct loop *loop)
{
    invariant(loop->index < origins->loop_count);
    return &origins->seats[loop->index].pool;
}

void origins_flush(struct origins *origins)
{
    for (unsigned i = 0; i < origins->loop_count; i++)
        pool_post_flush(&origins->seats[i].pool);
}

static struct origin *create_origin(struct origins *origins, struct slice name)
{
    struct origin *origin = memory_zero_alloc(sizeof(*origin) + name.size + 1);
    if (origin == NULL)
        return NULL;
    atomic_store(&origin->references, 1);
    origin->origins = origins;
    list_init(&origin->link);
    lock_init(&origin->lock);
    gate_init(&origin->gate, origin_room, origin);
    memcpy(origin->name_text, name.data, name.size);
    origin->name = slice_of(origin->name_text, name.size);
    return origin;
}

struct origin *origin_reference(struct origin *origin)
{
    atomic_fetch_add_explicit(&origin->references, 1, memory_order_relaxed);
    return origin;
}

void origin_release(struct origin *origin)
{
    if (origin == NULL
        || atomic_fetch_sub_explicit(&origin->references, 1, memory_order_acq_rel) != 1)
        return;
    origin_plan_release(origin->plan);
    gate_destroy(&origin->gate);
    lock_destroy(&origin->lock);
    memory_free(origin);
}

static struct origin *find_by_name(struct origins *origins, struct slice name)
{
    LIST_FOREACH(link, &origins->list) {
        struct origin *origin = LIST_ENTRY(link, struct origin, link);
        if (slice_equal(origin->name, name))
            return origin;
    }
    return NULL;
}

struct origin *origin_find(struct origins *origins, struct slice name)
{
    lock_acquire(&origins->lock);
    struct origin *origin = find_by_name(origins, name);
    if (origin != NULL)
        origin_reference(origin);
    lock_release(&origins->lock);
    return origin;
}

// One origin of the set to be: what it is now (or new) and the plan it shall have.
struct change {
    struct origin *origin;
    struct origin_plan *plan;
};

static enum error prepare(struct origins *origins, const struct origin_settings *settings,
    struct change *change)
{
    // Only this thread changes the list and the plans, so it may read them without the locks.
    change->origin = find_by_name(origins, settings->name);
    if (change->origin != NULL)
        origin_reference(change->origin);
    else
        change->origin = create_origin(origins, settings->name);
    if (change->origin == NULL)
        return ERROR_MEMORY;
    return origin_plan_create(settings, change->origin->plan, origins->loop_count, &change->plan);
}

// Backends of old that new (NULL: none) does not name keep nothing any more.
static void retire_backends(const struct origin_plan *old, const struct origin_plan *new)
{
    for (size_t i = 0; old != NULL && i < old->backend_count; i++) {
        if (!origin_plan_has(new, old->backends[i]))
            atomic_store(&old->backends[i]->removed, true);
    }
}

static void forget_probes(struct origins *origins, const struct origin_plan *plan)
{
    const struct loop *loop = origins->seats[0].pool.loop;
    for (size_t i = 0; i < plan->backend_count; i++) {
        atomic_store(&plan->backends[i]->next_probe_ms, 0);
        health_forget_probes(&plan->backends[i]->health, &plan->rules,
            (struct health_time){loop->now_ns, loop->wall_ms});
    }
}

static void forget_outliers(const struct origin_plan *plan)
{
    for (size_t i = 0; i < plan->backend_count; i++)
        outlier_forget(&plan->backends[i]->outlier);
}

static void apply(struct origins *origins, struct change *change)
{
    struct origin *origin = change->origin;
    if (change->plan->rules.interval_ms == 0)
        forget_probes(origins, change->plan);
    if (!siblings_compare(change->plan))
        forget_outliers(change->plan);
    retire_backends(origin->plan, change->plan);
    lock_acquire(&origin->lock);
    struct origin_plan *old = origin->plan;
    origin->plan = change->plan;
    lock_release(&origin->lock);
    origin_plan_release(old);
    if (list_is_empty(&origin->link)) {
        lock_acquire(&origins->lock);
        list_append(&origins->list, &origin_reference(origin)->link);
        lock_release(&origins->lock);
    }
}

static void remove_unnamed(struct origins *origins, const struct change *changes, size_t count)
{
    LIST_FOREACH(link, &origins->list) {
        struct origin *origin = LIST_ENTRY(link, struct origin, link);
        size_t i = 0;
        while (i < count && changes[i].origin != origin)
            i++;
        if (i < count)
            continue;
        retire_backends(origin->plan, NULL);
        lock_acquire(&origins->lock);
        list_remove(&origin->link);
        lock_release(&origins->lock);
        origin_release(origin);
    }
}

static bool has_duplicate(const struct origin_settings *settings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (slice_equal(settings[i].name, settings[j].name))
                return true;
        }
    }
    return false;
}

enum error origins_configure(struct origins *origins, const struct origin_settings *settings,
    size_t count)
{
    if (has_duplicate(settings, count))
        return ERROR_INVALID;
    struct change *changes = memory_zero_alloc((count + 1) * sizeof(*changes));
    if (changes == NULL)
        return ERROR_MEMORY;
    enum error error = ERROR_NONE;
    for (size_t i = 0; i < count && error == ERROR_NONE; i++)
        error = prepare(origins, &settings[i], &changes[i]);
    if (error == ERROR_NONE) {
        for (size_t i = 0; i < count; i++)
            apply(origins, &changes[i]);
        remove_unnamed(origins, changes, count);
    }
    for (size_t i = 0; i < count; i++) {
        if (error != ERROR_NONE)
            origin_plan_release(changes[i].plan);
        origin_release(changes[i].origin);
    }
    memory_free(changes);
    if (error != ERROR_NONE)
        return error;
    origins->version++;
    if (origins->keeper != NULL)
        task_wake(origins->keeper);
    if (origins->started)
        origins_flush(origins);
    return ERROR_NONE;
}

enum error origins_start(struct origins *origins)
{
    enum error error =
        task_start(origins->seats[0].pool.loop, &origins->scope, keeper_main, origins);
    origins->started = error == ERROR_NONE;
    return error;
}

// Loops that have not flushed yet.
static bool is_flushing(const struct origins *origins)
{
    for (unsigned i = 0; i < origins->loop_count; i++) {
        const struct pool_loop *pool = &origins->seats[i].pool;
        if (atomic_load(&pool->flushes_served) < atomic_load(&pool->flushes_wanted)
            || (atomic_load(&pool->stopping)
                && atomic_load(&pool->session_count) + atomic_load(&pool->overtaken_count) > 0))
            return true;
    }
    return false;
}

void origins_stop(struct task *task, struct origins *origins)
{
    uint64_t deadline_ns = deadline_after_ms(task_loop(task), STOP_PATIENCE_MS);
    scope_close(task, &origins->scope);
    scope_open(&origins->scope);
    origins->started = false;
    for (unsigned i = 0; i < origins->loop_count; i++) {
        atomic_store(&origins->seats[i].pool.stopping, true);
        pool_post_flush(&origins->seats[i].pool);
    }
    enum error error = ERROR_NONE;
    while (error == ERROR_NONE) {
        uint64_t seen = broadcast_version(&origins->flushed);
        if (!is_flushing(origins))
            return;
        error = broadcast_wait(task, &origins->flushed, seen, deadline_ns);
    }
}

void origins_destroy(struct origins *origins)
{
    if (origins == NULL)
        return;
    remove_unnamed(origins, NULL, 0);
    for (unsigned i = 0; i < origins->loop_count; i++) {
        atomic_store(&origins->seats[i].pool.stopping, true);
        pool_flush(&origins->seats[i].pool);
    }
    broadcast_destroy(&origins->flushed);
    lock_destroy(&origins->lock);
    memory_free(origins);
}
