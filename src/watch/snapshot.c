// Counting, and sums over days.
#include "watch/snapshot.h"
#include "base/memory.h"

struct snapshot *snapshot_reference(struct snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

void snapshot_release(struct snapshot *snapshot)
{
    if (snapshot == NULL
        || atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) > 1)
        return;
    arena_free(&snapshot->arena);
    memory_free(snapshot);
}

const struct incident_view *snapshot_find_incident(const struct snapshot *snapshot,
    struct slice id)
{
    for (size_t i = 0; i < snapshot->incident_count; i++) {
        if (slice_equal(snapshot->incidents[i].id, id))
            return &snapshot->incidents[i];
    }
    return NULL;
}

double snapshot_uptime(const struct uptime_day *days, size_t count)
{
    uint64_t up = 0, down = 0;
    for (size_t i = 0; i < count; i++) {
        up += days[i].up_ms;
        down += days[i].down_ms;
    }
    return up + down == 0 ? -1 : (double)up / (double)(up + down);
}

double snapshot_visitors_uptime(const struct uptime_day *days, size_t count)
{
    uint64_t requests = 0, failed = 0;
    for (size_t i = 0; i < count; i++) {
        requests += days[i].requests;
        failed += days[i].failed;
    }
    return requests == 0 ? -1 : (double)(requests - failed) / (double)requests;
}
