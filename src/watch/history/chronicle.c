// Counting, under the world's lock: what is told goes into sums in memory at once, and as events
// into the next second's row. Every five minutes the sums are written, so no more than those
// minutes' seconds have to be played again after a crash.
#include "watch/history/chronicle.h"
#include "base/memory.h"
#include "watch/history/chronicle_store.h"

#include <stdlib.h>

#define SECOND_MS 1000
#define FLUSH_AFTER_MS (ROLLUP_LATE_MS + 5000) // a slot's end: until then it may be corrected
#define FLUSH_SPREAD_MS 30000

static int compare_numbers(const void *a, const void *b, void *context)
{
    const struct chronicle *chronicle = context;
    uint32_t first = chronicle->components[*(const uint32_t *)a].number;
    uint32_t second = chronicle->components[*(const uint32_t *)b].number;
    return first < second ? -1 : first > second;
}

static enum error make_components(struct chronicle *chronicle,
    const struct component_definition *definitions, size_t count, int64_t now_ms)
{
    size_t size = 1;
    for (size_t i = 0; i < count; i++)
        size += definitions[i].id.size;
    chronicle->ids = memory_alloc(size);
    chronicle->components = memory_zero_alloc((count + 1) * sizeof(*chronicle->components));
    chronicle->order = memory_alloc((count + 1) * sizeof(*chronicle->order));
    chronicle->pending = memory_alloc((count + 1) * sizeof(*chronicle->pending));
    chronicle->tracks = memory_alloc(CHRONICLE_EVENTS * sizeof(*chronicle->tracks));
    if (chronicle->ids == NULL || chronicle->components == NULL || chronicle->order == NULL
        || chronicle->pending == NULL || chronicle->tracks == NULL)
        return ERROR_MEMORY;
    char *at = chronicle->ids;
    for (size_t i = 0; i < count; i++) {
        struct chronicle_component *component = &chronicle->components[i];
        rollup_init(&component->rollup, now_ms);
        component->number = (uint32_t)i;
        component->saved = component->reached = -1;
        component->born = rollup_day_of(now_ms);
        component->id = slice_of(at, definitions[i].id.size);
        memcpy(at, definitions[i].id.data, definitions[i].id.size);
        at += definitions[i].id.size;
        chronicle->order[i] = (uint32_t)i;
    }
    chronicle->count = count;
    return ERROR_NONE;
}

enum error chronicle_create(struct database *database,
    const struct component_definition *components, size_t count, int64_t now_ms,
    struct chronicle **ret_chronicle)
{
    if (count > COMPONENTS_MAX)
        return ERROR_LIMIT;
    struct chronicle *chronicle = memory_zero_alloc(sizeof(*chronicle));
    if (chronicle == NULL)
        return ERROR_MEMORY;
    chronicle->database = database;
    enum error error = make_components(chronicle, components, count, now_ms);
    if (error == ERROR_NONE && database != NULL)
        error = chronicle_load(chronicle, now_ms);
    if (error != ERROR_NONE) {
        chronicle_destroy(chronicle);
        return error;
    }
    qsort_r(chronicle->order, count, sizeof(*chronicle->order), compare_numbers, chronicle);
    chronicle->now_ms = chronicle->ticked_ms = now_ms;
    chronicle->flushed_slot = rollup_slot_of(now_ms);
    chronicle->epoch = database_epoch(database);
    chronicle_write_second(chronicle, now_ms, true);
    for (size_t i = 0; i < count && database != NULL; i++)
        if (chronicle->components[i].saved < 0) // its events would be nobody's
            chronicle_flush(chronicle, &chronicle->components[i]);
    *ret_chronicle = chronicle;
    return ERROR_NONE;
}

void chronicle_settle(struct chronicle *chronicle)
{
    if (chronicle->pending_count > 0 || chronicle->track_count > 0)
        chronicle_write_second(chronicle, chronicle->now_ms, false);
}

void chronicle_destroy(struct chronicle *chronicle)
{
    if (chronicle == NULL)
        return;
    chronicle_settle(chronicle);
    memory_free(chronicle->ids);
    memory_free(chronicle->components);
    memory_free(chronicle->order);
    memory_free(chronicle->pending);
    memory_free(chronicle->tracks);
    memory_free(chronicle);
}

int64_t chronicle_was_alive_ms(const struct chronicle *chronicle)
{
    return chronicle->was_alive_ms;
}

// Nobody looked for a while (the process stood still, the clock jumped ahead): unknown.
static void pass_all(struct chronicle *chronicle, int64_t now_ms)
{
    for (size_t i = 0; i < chronicle->count; i++) {
        rollup_advance(&chronicle->components[i].rollup, chronicle->now_ms);
        rollup_pass(&chronicle->components[i].rollup, now_ms);
    }
}

static void rewind_all(struct chronicle *chronicle, int64_t now_ms)
{
    for (size_t i = 0; i < chronicle->count; i++) {
        struct chronicle_component *component = &chronicle->components[i];
        rollup_rewind(&component->rollup, now_ms);
        component->flushed_ms = MINIMUM(component->flushed_ms, now_ms);
    }
    chronicle->flushed_slot = MINIMUM(chronicle->flushed_slot, rollup_slot_of(now_ms));
    chronicle->second_ms = MINIMUM(chronicle->second_ms, now_ms);
}

// A clock that is a little behind is waited for; it has counted that time already.
static void note_time(struct chronicle *chronicle, int64_t now_ms)
{
    bool is_ahead = now_ms > chronicle->now_ms + CHRONICLE_GAP_MS;
    bool is_behind = now_ms < chronicle->now_ms - CHRONICLE_GAP_MS;
    if ((is_ahead || is_behind) && chronicle->pending_count + chronicle->track_count > 0)
        chronicle_write_second(chronicle, chronicle->now_ms, false); // what was until now
    if (is_ahead)
        pass_all(chronicle, now_ms);
    else if (is_behind)
        rewind_all(chronicle, now_ms);
    else
        now_ms = MAXIMUM(now_ms, chronicle->now_ms);
    chronicle->now_ms = now_ms;
}

void chronicle_track(struct chronicle *chronicle, unsigned component, enum chronicle_track track,
    int64_t from_ms)
{
    if (component >= chronicle->count)
        return;
    if (from_ms > chronicle->now_ms)
        note_time(chronicle, from_ms);
    from_ms = MAXIMUM(from_ms, chronicle->now_ms - ROLLUP_LATE_MS);
    struct chronicle_component *it = &chronicle->components[component];
    rollup_advance(&it->rollup, chronicle->now_ms);
    if (it->rollup.track == track)
        return;
    rollup_track(&it->rollup, track, from_ms);
    if (chronicle->track_count == CHRONICLE_EVENTS)
        chronicle_write_second(chronicle, chronicle->now_ms, false);
    chronicle->tracks[chronicle->track_count++] = (struct chronicle_event){
        .number = it->number, .is_track = true, .track = track, .from_ms = from_ms};
}

// The component's event of this second. NULL: it is none of ours.
static struct chronicle_event *pending_event(struct chronicle *chronicle, unsigned component,
    int64_t at_ms)
{
    if (component >= chronicle->count)
        return NULL;
    if (at_ms > chronicle->now_ms)
        note_time(chronicle, at_ms);
    struct chronicle_component *it = &chronicle->components[component];
    rollup_advance(&it->rollup, chronicle->now_ms);
    int64_t slot = rollup_slot_of(MAXIMUM(at_ms, chronicle->now_ms - ROLLUP_LATE_MS));
    if (it->is_pending && it->pending.slot != slot)
        chronicle_write_second(chronicle, chronicle->now_ms, false);
    if (!it->is_pending) {
        it->pending = (struct chronicle_event){.number = it->number, .slot = slot};
        it->is_pending = true;
        chronicle->pending[chronicle->pending_count++] = component;
    }
    return &it->pending;
}

void chronicle_count(struct chronicle *chronicle, unsigned component, int64_t at_ms,
    uint64_t requests, uint64_t failed)
{
    struct chronicle_event *event =
        requests == 0 ? NULL : pending_event(chronicle, component, at_ms);
    if (event == NULL)
        return;
    failed = MINIMUM(failed, requests);
    event->requests += requests;
    event->failed += failed;
    rollup_count(&chronicle->components[component].rollup, event->slot, requests, failed);
}

void chronicle_respond(struct chronicle *chronicle, unsigned component, int64_t at_ms,
    uint32_t count, uint64_t total_ms, uint32_t slowest_ms)
{
    struct chronicle_event *event = count == 0 ? NULL : pending_event(chronicle, component, at_ms);
    if (event == NULL)
        return;
    event->responses += count;
    event->responses_ms += total_ms;
    event->slowest_ms = MAXIMUM(event->slowest_ms, slowest_ms);
    rollup_respond(&chronicle->components[component].rollup, event->slot, count, total_ms,
        slowest_ms);
}

// Some of the components at a time, so that the world's lock is not held for long, and all of them
// within half a minute, however often time passes. Where nothing can be written, time goes on.
static void flush_some(struct chronicle *chronicle, int64_t elapsed_ms)
{
    bool is_well = database_is_well(chronicle->database);
    int64_t share = (int64_t)chronicle->count * MAXIMUM(elapsed_ms, SECOND_MS) / FLUSH_SPREAD_MS;
    for (int64_t i = 0; i <= share && chronicle->flush_at < chronicle->count; i++) {
        uint32_t component = chronicle->order[chronicle->flush_at++];
        rollup_advance(&chronicle->components[component].rollup, chronicle->now_ms);
        if (is_well)
            chronicle_flush(chronicle, &chronicle->components[component]);
    }
}

static void flush(struct chronicle *chronicle, int64_t elapsed_ms)
{
    uint64_t epoch = database_epoch(chronicle->database);
    if (epoch != chronicle->epoch) { // what was written may be gone
        chronicle->epoch = epoch;
        chronicle_write_base(chronicle);
        for (size_t i = 0; i < chronicle->count; i++)
            chronicle->components[i].flushed_ms = 0;
        chronicle->flush_soon = true;
    }
    if (chronicle->flush_soon && database_is_well(chronicle->database)) {
        chronicle->flush_at = 0;
        chronicle->flush_soon = false;
    }
    int64_t slot = rollup_slot_of(chronicle->now_ms - FLUSH_AFTER_MS);
    if (chronicle->flush_at == chronicle->count && slot > chronicle->flushed_slot) {
        chronicle->flushed_slot = slot;
        chronicle->flush_at = 0;
    }
    flush_some(chronicle, elapsed_ms);
}

void chronicle_tick(struct chronicle *chronicle, int64_t now_ms)
{
    note_time(chronicle, now_ms);
    if (now_ms >= chronicle->ticked_ms && now_ms - chronicle->ticked_ms < SECOND_MS)
        return;
    chronicle->ticked_ms = now_ms; // of the clock, also while it is behind
    int64_t elapsed_ms = chronicle->now_ms - chronicle->second_ms;
    chronicle_write_second(chronicle, chronicle->now_ms, false);
    flush(chronicle, elapsed_ms);
}

void chronicle_read_days(struct chronicle *chronicle, unsigned component, int64_t now_ms,
    struct uptime_day ret_days[SNAPSHOT_DAYS])
{
    if (component >= chronicle->count) {
        memset(ret_days, 0, SNAPSHOT_DAYS * sizeof(*ret_days));
        return;
    }
    struct rollup *rollup = &chronicle->components[component].rollup;
    rollup_advance(rollup, MINIMUM(now_ms, chronicle->now_ms + CHRONICLE_GAP_MS));
    rollup_read_days(rollup, rollup_day_of(now_ms), ret_days);
}

void chronicle_read_recent(struct chronicle *chronicle, unsigned component, int64_t now_ms,
    uint16_t ret_responses[SNAPSHOT_RECENT])
{
    if (component < chronicle->count)
        rollup_read_recent(&chronicle->components[component].rollup, now_ms, ret_responses);
    else
        memset(ret_responses, 0xff, SNAPSHOT_RECENT * sizeof(*ret_responses));
}

uint32_t chronicle_response_ms(struct chronicle *chronicle, unsigned component, int64_t now_ms)
{
    return component < chronicle->count
        ? rollup_response_ms(&chronicle->components[component].rollup, now_ms)
        : UINT32_MAX;
}
