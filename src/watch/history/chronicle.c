// Stub.
#include "watch/history/chronicle.h"
#include "base/memory.h"

struct chronicle {
    int nothing;
};

enum error chronicle_create(struct database *database,
    const struct component_definition *components, size_t count, int64_t now_ms,
    struct chronicle **ret_chronicle)
{
    (void)database, (void)components, (void)count, (void)now_ms;
    *ret_chronicle = memory_zero_alloc(sizeof(struct chronicle));
    return *ret_chronicle == NULL ? ERROR_MEMORY : ERROR_NONE;
}

void chronicle_destroy(struct chronicle *chronicle)
{
    memory_free(chronicle);
}

void chronicle_track(struct chronicle *chronicle, unsigned component, enum chronicle_track track,
    int64_t from_ms)
{
    (void)chronicle, (void)component, (void)track, (void)from_ms;
}

void chronicle_count(struct chronicle *chronicle, unsigned component, int64_t at_ms,
    uint64_t requests, uint64_t failed)
{
    (void)chronicle, (void)component, (void)at_ms, (void)requests, (void)failed;
}

void chronicle_respond(struct chronicle *chronicle, unsigned component, int64_t at_ms,
    uint32_t count, uint64_t total_ms, uint32_t slowest_ms)
{
    (void)chronicle, (void)component, (void)at_ms, (void)count, (void)total_ms, (void)slowest_ms;
}

void chronicle_tick(struct chronicle *chronicle, int64_t now_ms)
{
    (void)chronicle, (void)now_ms;
}

int64_t chronicle_was_alive_ms(const struct chronicle *chronicle)
{
    (void)chronicle;
    return 0;
}

void chronicle_read_days(struct chronicle *chronicle, unsigned component, int64_t now_ms,
    struct uptime_day ret_days[SNAPSHOT_DAYS])
{
    (void)chronicle, (void)component, (void)now_ms;
    memset(ret_days, 0, SNAPSHOT_DAYS * sizeof(*ret_days));
}

void chronicle_read_recent(struct chronicle *chronicle, unsigned component, int64_t now_ms,
    uint16_t ret_responses[SNAPSHOT_RECENT])
{
    (void)chronicle, (void)component, (void)now_ms;
    memset(ret_responses, 0xff, SNAPSHOT_RECENT * sizeof(*ret_responses));
}

uint32_t chronicle_response_ms(struct chronicle *chronicle, unsigned component, int64_t now_ms)
{
    (void)chronicle, (void)component, (void)now_ms;
    return UINT32_MAX;
}

enum error chronicle_read_points(struct database *database, struct slice component_id, int32_t day,
    struct chronicle_point ret_points[CHRONICLE_POINTS])
{
    (void)database, (void)component_id, (void)day, (void)ret_points;
    return ERROR_NOT_FOUND;
}
